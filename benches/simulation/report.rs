//! The tables, as docs/allocation.md shows them.

use std::ops::Range;

use crate::policy::Course;
use crate::world::{BEFORE, MONTHS};
use crate::{Named, Played};

/// The months that count: the first of them is the first that knows of a judged placement.
const COUNTED: Range<usize> = BEFORE..MONTHS;
/// As many months from the very first on, for whoever starts without a history.
const FROM_NOTHING: Range<usize> = 0..MONTHS - BEFORE;
/// What the engine must bring of what the clairvoyant brings.
const LEAST: f64 = 0.95;
/// The rivals, in the order of the courses after the engine's.
const RIVALS: [&str; 3] = ["equal", "raw rate", "score"];

/// What a course brings after fees in some months, as the truth expects it.
fn expected(course: &Course, months: Range<usize>) -> f64 {
    course.months[months].iter().map(|net| net.expected).sum()
}

fn realised(course: &Course) -> f64 {
    course.months[COUNTED].iter().map(|net| net.realised).sum()
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
    (expected(course, COUNTED) - expected(equal, COUNTED))
        / (expected(clairvoyant, COUNTED) - expected(equal, COUNTED))
}

/// A heading and its rule.
fn heading(columns: &[&str]) {
    println!("\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// The table of the claim; whether the claim holds.
pub fn claim(all: &[Played]) -> bool {
    println!(
        "Net recovery after fees: the engine ÷ another policy. As the truth expects it, and as luck had it."
    );
    heading(&[
        "seed",
        "÷ clairvoyant",
        "÷ equal",
        "÷ raw rate",
        "÷ score",
        "by luck: ÷ clairvoyant",
        "÷ equal",
        "÷ raw rate",
        "÷ score",
        "from nothing: ÷ clairvoyant",
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
    let most =
        |played: &Played| played.courses.iter().map(|course| course.unplaced).max().unwrap_or(0);
    println!(
        "\nAccounts left unplaced, at most by one policy on one seed: {}",
        all.iter().map(most).max().unwrap_or(0)
    );
    let reached = |place: usize| column(place).iter().filter(|ratio| **ratio >= LEAST).count();
    let ahead = (1..4).all(|rival| least(&column(rival)) > 1.0);
    let (seeds, with_history, from_nothing) = (all.len(), reached(0), reached(8));
    println!(
        "\n95 % of the clairvoyant: on {with_history} of {seeds} seeds; from nothing on {from_nothing} of {seeds}."
    );
    println!(
        "Ahead of every rival: {}.",
        if ahead { "on every seed" } else { "NOT on every seed" }
    );
    with_history == seeds && ahead
}

/// A row of the claim's table: the engine ÷ the clairvoyant and ÷ the rivals, all of them as luck had it, and ÷ the
/// clairvoyant without a history.
fn ratios(played: &Played) -> [f64; 9] {
    let own = &played.courses;
    let to = |other: usize, months: Range<usize>| {
        expected(&own[0], months.clone()) / expected(&own[other], months)
    };
    let ahead = |other: usize| to(other, COUNTED);
    let by_luck = |other: usize| realised(&own[0]) / realised(&own[other]);
    [
        ahead(4),
        ahead(1),
        ahead(2),
        ahead(3),
        by_luck(4),
        by_luck(1),
        by_luck(2),
        by_luck(3),
        to(4, FROM_NOTHING),
    ]
}

/// The seeds on which it is closest.
fn closest(all: &[Played], ratios: &[[f64; 9]]) {
    println!();
    let against = [
        (0, "the clairvoyant"),
        (8, "the clairvoyant, from nothing"),
        (1, RIVALS[0]),
        (2, RIVALS[1]),
        (3, RIVALS[2]),
    ];
    for (place, name) in against {
        let mut order: Vec<(f64, u64)> =
            ratios.iter().zip(all).map(|(row, played)| (row[place], played.seed)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let three: Vec<String> = order
            .iter()
            .take(3)
            .map(|(ratio, seed)| format!("seed {seed} ({})", percent(*ratio)))
            .collect();
        println!("- {name}: {}", three.join(", "));
    }
}

/// Every policy beside the clairvoyant, by spans of months.
pub fn spans(all: &[Played]) {
    let spans = [
        0..BEFORE,
        BEFORE..BEFORE + 3,
        BEFORE + 3..BEFORE + 12,
        BEFORE + 12..BEFORE + 18,
        BEFORE + 18..MONTHS,
    ];
    heading(&["÷ clairvoyant, mean", "the three before", "months 1–3", "4–12", "13–18", "19–24"]);
    for (place, name) in ["engine", RIVALS[0], RIVALS[1], RIVALS[2]].into_iter().enumerate() {
        let ratio = |span: Range<usize>| {
            let one = |one: &Played| {
                expected(&one.courses[place], span.clone())
                    / expected(&one.courses[4], span.clone())
            };
            mean(&all.iter().map(one).collect::<Vec<f64>>())
        };
        println!("| {name} | {} |", spans.clone().map(|span| percent(ratio(span))).join(" | "));
    }
}

/// A table of other engines in the world of the claim. A row without a policy is the engine of the claim.
pub fn parameters(what: &str, rows: &[Named], all: &[Played], claim: &[Played]) {
    heading(&[
        what,
        "÷ clairvoyant, mean",
        "least",
        "of the possible gain over equal",
        "from nothing, mean",
        "least",
    ]);
    let mut played = 0;
    for (name, policy) in rows {
        let each = |of: &dyn Fn(&Course, &Course, &Course) -> f64| {
            let own = |(own, base): (&Played, &Played)| {
                let course = if policy.is_some() { &own.courses[played] } else { &base.courses[0] };
                of(course, &base.courses[1], &base.courses[4])
            };
            all.iter().zip(claim).map(own).collect::<Vec<f64>>()
        };
        let to =
            each(&|own, _, clairvoyant| expected(own, COUNTED) / expected(clairvoyant, COUNTED));
        let cold = each(&|own, _, clairvoyant| {
            expected(own, FROM_NOTHING) / expected(clairvoyant, FROM_NOTHING)
        });
        let figures = [mean(&to), least(&to), mean(&each(&gained)), mean(&cold), least(&cold)];
        println!("| {name} | {} |", figures.map(percent).join(" | "));
        played += usize::from(policy.is_some());
    }
}

/// A table of other worlds.
pub fn worlds(all: &[(&str, Vec<Played>)]) {
    heading(&[
        "world, all ÷ clairvoyant",
        "engine, mean",
        "least",
        "from nothing, mean",
        "equal",
        "raw rate",
        "score",
        "seeds behind equal, raw rate, score",
    ]);
    for (name, played) in all {
        let to = |place: usize, months: Range<usize>| {
            let ratio = |one: &Played| {
                expected(&one.courses[place], months.clone())
                    / expected(&one.courses[4], months.clone())
            };
            played.iter().map(ratio).collect::<Vec<f64>>()
        };
        let engine = to(0, COUNTED);
        let rival = |place: usize| to(place, COUNTED);
        let behind = |place: usize| {
            engine.iter().zip(rival(place)).filter(|(engine, rival)| **engine <= *rival).count()
        };
        let cold = to(0, FROM_NOTHING);
        let figures = [
            mean(&engine),
            least(&engine),
            mean(&cold),
            mean(&rival(1)),
            mean(&rival(2)),
            mean(&rival(3)),
        ];
        println!(
            "| {name} | {} | {}, {}, {} |",
            figures.map(percent).join(" | "),
            behind(1),
            behind(2),
            behind(3)
        );
    }
}
