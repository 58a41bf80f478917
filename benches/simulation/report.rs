//! The tables, as docs/allocation.md shows them.

use crate::policy::Course;
use crate::{Named, Played};

/// The run of the fourth month is the first that knows of a judged placement.
const FIRST_WITH_HISTORY: usize = 3;
/// What the engine must bring of what the clairvoyant brings.
const LEAST: f64 = 0.95;
/// The rivals, in the order of the courses after the engine's.
const RIVALS: [&str; 3] = ["equal", "raw rate", "score"];

/// What a course brings after fees from some month on, as the truth expects it.
fn expected(course: &Course, from: usize) -> f64 {
    course.months[from..].iter().map(|net| net.expected).sum()
}

fn realised(course: &Course) -> f64 {
    course.months.iter().map(|net| net.realised).sum()
}

fn percent(number: f64) -> String {
    format!("{:.2} %", number * 100.0)
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

/// How much of what may be gained over equal shares a course gains.
fn gained(course: &Course, equal: &Course, clairvoyant: &Course) -> f64 {
    (expected(course, 0) - expected(equal, 0)) / (expected(clairvoyant, 0) - expected(equal, 0))
}

/// A heading and its rule.
fn heading(columns: &[&str]) {
    println!("\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// The table of the claim; whether the claim holds.
pub fn claim(all: &[Played]) -> bool {
    println!("Net recovery after fees: the engine ÷ another policy. As the truth expects it, and as luck had it.");
    heading(&[
        "seed",
        "÷ clairvoyant from month 4",
        "÷ clairvoyant, 24 months",
        "÷ equal",
        "÷ raw rate",
        "÷ score",
        "by luck: ÷ clairvoyant",
        "÷ equal",
        "÷ raw rate",
        "÷ score",
    ]);
    let ratios: Vec<[f64; 9]> = all.iter().map(ratios).collect();
    for (played, row) in all.iter().zip(&ratios) {
        println!("| {} | {} |", played.seed, row.map(percent).join(" | "));
    }
    let column = |place: usize| ratios.iter().map(|row| row[place]).collect::<Vec<f64>>();
    let line = |name: &str, of: fn(&[f64]) -> f64| {
        let all: Vec<String> = (0..9).map(|place| percent(of(&column(place)))).collect();
        println!("| {name} | {} |", all.join(" | "));
    };
    line("mean", mean);
    line("least", least);
    closest(all, &ratios);
    let most = |played: &Played| played.courses.iter().map(|course| course.unplaced).max().unwrap_or(0);
    println!("\nAccounts left unplaced, at most by one policy on one seed: {}", all.iter().map(most).max().unwrap_or(0));
    let from_history = column(0).iter().filter(|ratio| **ratio >= LEAST).count();
    let whole = column(1).iter().filter(|ratio| **ratio >= LEAST).count();
    let ahead = (2..5).all(|rival| least(&column(rival)) > 1.0);
    let seeds = all.len();
    println!("\n95 % of the clairvoyant: from month 4 on {from_history} of {seeds} seeds, over 24 months {whole} of {seeds}.");
    println!("Ahead of every rival over 24 months: {}.", if ahead { "on every seed" } else { "NOT on every seed" });
    from_history == seeds && ahead
}

/// A row of the claim's table: the engine ÷ the clairvoyant from the first history on and over all months, ÷ the rivals,
/// and ÷ all of them as luck had it.
fn ratios(played: &Played) -> [f64; 9] {
    let own = &played.courses;
    let to = |other: usize| expected(&own[0], 0) / expected(&own[other], 0);
    let by_luck = |other: usize| realised(&own[0]) / realised(&own[other]);
    let later = expected(&own[0], FIRST_WITH_HISTORY) / expected(&own[4], FIRST_WITH_HISTORY);
    [later, to(4), to(1), to(2), to(3), by_luck(4), by_luck(1), by_luck(2), by_luck(3)]
}

/// The seeds on which it is closest.
fn closest(all: &[Played], ratios: &[[f64; 9]]) {
    println!();
    let against = [(0, "the clairvoyant from month 4"), (1, "the clairvoyant"), (2, RIVALS[0]), (3, RIVALS[1]), (4, RIVALS[2])];
    for (place, name) in against {
        let mut order: Vec<(f64, u64)> = ratios.iter().zip(all).map(|(row, played)| (row[place], played.seed)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let three: Vec<String> = order.iter().take(3).map(|(ratio, seed)| format!("seed {seed} ({})", percent(*ratio))).collect();
        println!("- {name}: {}", three.join(", "));
    }
}

/// Every policy beside the clairvoyant, by spans of months.
pub fn spans(all: &[Played]) {
    let spans = [(0, 3), (3, 6), (6, 12), (12, 18), (18, 24)];
    heading(&["÷ clairvoyant, mean", "months 1–3", "4–6", "7–12", "13–18", "19–24"]);
    for (place, name) in ["engine", RIVALS[0], RIVALS[1], RIVALS[2]].into_iter().enumerate() {
        let within =
            |course: &Course, (from, to): (usize, usize)| -> f64 { course.months[from..to].iter().map(|net| net.expected).sum() };
        let ratio = |span| {
            mean(&all.iter().map(|one| within(&one.courses[place], span) / within(&one.courses[4], span)).collect::<Vec<f64>>())
        };
        println!("| {name} | {} |", spans.map(|span| percent(ratio(span))).join(" | "));
    }
}

/// A table of other engines in the world of the claim. A row without a policy is the engine of the claim.
pub fn parameters(what: &str, rows: &[Named], all: &[Played], claim: &[Played]) {
    heading(&[what, "24 months, mean", "least", "from month 4, mean", "least", "of the possible gain over equal"]);
    let mut played = 0;
    for (name, policy) in rows {
        let each = |of: &dyn Fn(&Course, &Course, &Course) -> f64| {
            let own = |(own, base): (&Played, &Played)| {
                let course = if policy.is_some() { &own.courses[played] } else { &base.courses[0] };
                of(course, &base.courses[1], &base.courses[4])
            };
            all.iter().zip(claim).map(own).collect::<Vec<f64>>()
        };
        let to = each(&|own, _, clairvoyant| expected(own, 0) / expected(clairvoyant, 0));
        let later = each(&|own, _, clairvoyant| expected(own, FIRST_WITH_HISTORY) / expected(clairvoyant, FIRST_WITH_HISTORY));
        let figures = [mean(&to), least(&to), mean(&later), least(&later), mean(&each(&gained))];
        println!("| {name} | {} |", figures.map(percent).join(" | "));
        played += usize::from(policy.is_some());
    }
}

/// A table of other worlds.
pub fn worlds(all: &[(&str, Vec<Played>)]) {
    heading(&[
        "world, all ÷ clairvoyant",
        "engine, 24 months, mean",
        "least",
        "from month 4, mean",
        "equal",
        "raw rate",
        "score",
        "seeds behind equal, raw rate, score",
    ]);
    for (name, played) in all {
        let to = |place: usize, from: usize| {
            let ratio = |one: &Played| expected(&one.courses[place], from) / expected(&one.courses[4], from);
            played.iter().map(ratio).collect::<Vec<f64>>()
        };
        let engine = to(0, 0);
        let behind = |rival: usize| engine.iter().zip(to(rival, 0)).filter(|(engine, rival)| **engine <= *rival).count();
        let later = to(0, FIRST_WITH_HISTORY);
        let figures = [mean(&engine), least(&engine), mean(&later), mean(&to(1, 0)), mean(&to(2, 0)), mean(&to(3, 0))];
        println!("| {name} | {} | {}, {}, {} |", figures.map(percent).join(" | "), behind(1), behind(2), behind(3));
    }
}
