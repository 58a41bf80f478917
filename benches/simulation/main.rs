//! The simulation of the allocation engine: worlds in which the agencies' true effects are known, 24 months each and three
//! before them, and every policy playing the same accounts with the same luck.
//!
//!   cargo bench --bench simulation                   the claim on 20 seeds, and the sensitivity tables
//!   cargo bench --bench simulation -- --claim        the claim alone
//!   cargo bench --bench simulation -- --seeds 5      fewer seeds
//!   cargo bench --bench simulation -- --first 21     seeds from 21 on
//!
//! Prints the tables of docs/allocation.md. Ends with 1 when on any seed the engine brings less than 95 % of what the
//! clairvoyant brings over the 24 months, or less than a rival.

// A bench that cannot go on says so by panicking; what is drawn here is a world, not money that is booked.
#![allow(
    clippy::expect_used,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::type_complexity
)]

mod fees;
mod policy;
mod report;
mod world;

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;

use policy::{Course, DIMENSIONS, ENGINE, MEASURING, Policy, Told, play};
use world::{BASE, Kind, World};

/// One world played by several policies, in their order.
pub struct Played {
    /// The world's seed.
    pub seed: u64,
    /// What came of each policy.
    pub courses: Vec<Course>,
}

/// Plays the worlds of all seeds, on as many threads as there are cores.
fn play_all(kind: Kind, seeds: &Range<u64>, policies: &[Policy]) -> Vec<Played> {
    let left = Mutex::new(seeds.clone().rev().collect::<Vec<u64>>());
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(seed) = left.lock().expect("no thread has panicked").pop() else {
                        return;
                    };
                    let world = World::draw(kind, seed);
                    let courses = policies.iter().map(|policy| play(&world, *policy)).collect();
                    done.lock().expect("no thread has panicked").push(Played { seed, courses });
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread has panicked");
    done.sort_by_key(|played| played.seed);
    done
}

/// The policies of the claim: the engine first, the clairvoyant last.
const POLICIES: [Policy; 5] =
    [ENGINE, Policy::Equal, Policy::RawRate, Policy::Score, Policy::Clairvoyant];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        words
            .iter()
            .position(|word| word == name)
            .and_then(|place| words.get(place + 1)?.parse().ok())
    };
    let first: u64 = number("--first").unwrap_or(1);
    let seeds = first..first + number("--seeds").unwrap_or(20);
    let claim = play_all(BASE, &seeds, &POLICIES);
    let holds = report::claim(&claim);
    if !words.iter().any(|word| word == "--claim") {
        report::spans(&claim);
        parameters(&seeds, &claim);
        worlds(&seeds, claim);
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A policy by the name of its row; without one, the engine as it is delivered, which the claim has played already.
pub type Named = (&'static str, Option<Policy>);

/// Other engines in the world of the claim.
fn parameters(seeds: &Range<u64>, claim: &[Played]) {
    let exploring = |exploration| {
        Some(Policy::Engine { exploration, performance: MEASURING, strata: DIMENSIONS })
    };
    let measuring =
        |performance| Some(Policy::Engine { exploration: 10, performance, strata: DIMENSIONS });
    let strata = "\"bucket\", \"balance_band\", \"product\"";
    let blind = Some(Policy::Engine { exploration: 10, performance: MEASURING, strata });
    let told = |told, exploration| Some(Policy::Told(told, exploration));
    let tables: [(&str, Vec<Named>); 6] = [
        (
            "the engine is told",
            vec![
                ("nothing", None),
                ("rates and effects fitted to each other", told(Told::Fitted, 10)),
                ("the true effects", told(Told::Effects, 10)),
                ("the true effects and rates", told(Told::Truth, 10)),
                ("the same, and explores nothing", told(Told::Truth, 0)),
            ],
        ),
        (
            "exploration",
            vec![
                ("0 %", exploring(0)),
                ("5 %", exploring(5)),
                ("10 %", None),
                ("20 %", exploring(20)),
            ],
        ),
        (
            "K",
            vec![
                ("0", measuring("window_months = 24\ncredibility = 0")),
                ("100", measuring("window_months = 24\ncredibility = 100")),
                ("500", None),
                ("2,000", measuring("window_months = 24\ncredibility = 2000")),
            ],
        ),
        (
            "window",
            vec![
                ("6 months", measuring("window_months = 6")),
                ("12 months", measuring("window_months = 12")),
                ("18 months", measuring("window_months = 18")),
                ("24 months", None),
            ],
        ),
        (
            "horizon",
            vec![
                ("28 days", measuring("window_months = 24\nhorizon_days = 28")),
                ("59 days", measuring("window_months = 24\nhorizon_days = 59")),
                ("90 days", None),
            ],
        ),
        ("strata", vec![("with region", None), ("without region", blind)]),
    ];
    for (what, rows) in tables {
        let policies: Vec<Policy> = rows.iter().filter_map(|(_, policy)| *policy).collect();
        report::parameters(what, &rows, &play_all(BASE, seeds, &policies), claim);
    }
}

/// Other worlds: but for the first with half as many accounts, which are quicker to play and harder to learn from.
fn worlds(seeds: &Range<u64>, claim: Vec<Played>) {
    let half = Kind { accounts: BASE.accounts / 2.0, ..BASE };
    let kinds = [
        ("half of the accounts", half),
        ("an eighth of the accounts", Kind { accounts: BASE.accounts / 8.0, ..BASE }),
        ("without chance in payments", Kind { luck: false, ..half }),
        ("noisier", Kind { all_or_nothing: true, sigma: 1.4, unrest: 0.20, ..half }),
        ("specialists", Kind { special: 0.25, ..half }),
        ("agencies half as different", Kind { spread: 0.5, ..half }),
        ("all agencies alike", Kind { spread: 0.0, drift: 0.0, ..half }),
    ];
    let mut played = vec![("the world of the claim", claim)];
    played.extend(kinds.into_iter().map(|(name, kind)| (name, play_all(kind, seeds, &POLICIES))));
    report::worlds(&played);
}
