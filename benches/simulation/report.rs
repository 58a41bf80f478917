//! The tables, as docs/allocation.md shows them.

use crate::Played;
use crate::policy::Course;

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
    heading(&["seed", "clairvoyant, yuan", "engine ÷ clairvoyant", "from month 4", "÷ equal", "÷ raw rate", "÷ score", "realised: ÷ clairvoyant", "÷ equal", "÷ raw rate", "÷ score"]);
    let mut ratios: Vec<[f64; 9]> = Vec::new();
    for played in all {
        let [engine, rivals @ .., clairvoyant] = &played.courses[..] else { return false };
        let to = |other: &Course| expected(engine, 0) / expected(other, 0);
        let by_luck = |other: &Course| realised(engine) / realised(other);
        let later = expected(engine, FIRST_WITH_HISTORY) / expected(clairvoyant, FIRST_WITH_HISTORY);
        let row = [
            to(clairvoyant),
            later,
            to(&rivals[0]),
            to(&rivals[1]),
            to(&rivals[2]),
            by_luck(clairvoyant),
            by_luck(&rivals[0]),
            by_luck(&rivals[1]),
            by_luck(&rivals[2]),
        ];
        println!("| {} | {:.0} | {} |", played.seed, expected(clairvoyant, 0), row.map(percent).join(" | "));
        ratios.push(row);
    }
    let column = |place: usize| ratios.iter().map(|row| row[place]).collect::<Vec<f64>>();
    let line = |name: &str, of: fn(&[f64]) -> f64| {
        let all: Vec<String> = (0..9).map(|place| percent(of(&column(place)))).collect();
        println!("| {name} | | {} |", all.join(" | "));
    };
    line("mean", mean);
    line("least", least);
    closest(all, &ratios);
    let unplaced: Vec<usize> = all.iter().map(|played| played.courses.iter().map(|course| course.unplaced).max().unwrap_or(0)).collect();
    println!("\nAccounts left unplaced, at most on one seed by one policy: {}", unplaced.iter().max().unwrap_or(&0));
    let holds = least(&column(0)) >= LEAST && (2..5).all(|rival| least(&column(rival)) > 1.0);
    println!("\nThe claim {}.", if holds { "holds on every seed" } else { "DOES NOT HOLD" });
    holds
}

/// The seeds on which it is closest.
fn closest(all: &[Played], ratios: &[[f64; 9]]) {
    println!();
    for (place, name) in [(0, "the clairvoyant"), (2, RIVALS[0]), (3, RIVALS[1]), (4, RIVALS[2])] {
        let mut order: Vec<(f64, u64)> = ratios.iter().zip(all).map(|(row, played)| (row[place], played.seed)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let three: Vec<String> = order.iter().take(3).map(|(ratio, seed)| format!("seed {seed} ({})", percent(*ratio))).collect();
        println!("- closest to {name}: {}", three.join(", "));
    }
}

/// A table of other parameters in the world of the claim.
pub fn parameters(what: &str, names: &[&str], all: &[Played], claim: &[Played]) {
    heading(&[what, "engine ÷ clairvoyant, mean", "least", "from month 4, mean", "of the possible gain over equal"]);
    for (place, name) in names.iter().enumerate() {
        let each = |of: &dyn Fn(&Course, &Course, &Course) -> f64| {
            let pairs = all.iter().zip(claim);
            pairs.map(|(own, base)| of(&own.courses[place], &base.courses[1], &base.courses[4])).collect::<Vec<f64>>()
        };
        let to = each(&|own, _, clairvoyant| expected(own, 0) / expected(clairvoyant, 0));
        let later = each(&|own, _, clairvoyant| {
            expected(own, FIRST_WITH_HISTORY) / expected(clairvoyant, FIRST_WITH_HISTORY)
        });
        let gain = each(&gained);
        println!(
            "| {name} | {} | {} | {} | {} |",
            percent(mean(&to)),
            percent(least(&to)),
            percent(mean(&later)),
            percent(mean(&gain))
        );
    }
}

/// A table of other worlds.
pub fn worlds(all: &[(&str, Vec<Played>)]) {
    heading(&[
        "world",
        "engine ÷ clairvoyant, mean",
        "least",
        "equal",
        "raw rate",
        "score",
        "engine behind equal, raw rate, score on so many seeds",
    ]);
    for (name, played) in all {
        let to = |place: usize| {
            played.iter().map(|one| expected(&one.courses[place], 0) / expected(&one.courses[4], 0)).collect::<Vec<f64>>()
        };
        let behind = |rival: usize| to(0).iter().zip(to(rival)).filter(|(engine, rival)| **engine <= *rival).count();
        println!(
            "| {name} | {} | {} | {} | {} | {} | {}, {}, {} |",
            percent(mean(&to(0))),
            percent(least(&to(0))),
            percent(mean(&to(1))),
            percent(mean(&to(2))),
            percent(mean(&to(3))),
            behind(1),
            behind(2),
            behind(3)
        );
    }
}
