//! The deal, seen from outside: whole decisions on accounts made up here, without a database.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use consign::allocation::candidates::{Candidate, Candidates};
use consign::allocation::decide::{Decision, Inputs, decide};
use consign::allocation::gates::Recipient;
use consign::allocation::strategy;
use consign::contract::condition::Facts;
use consign::contract::{self, Version, Versions};
use consign::kernel::Money;
use consign::party::{self, Assignee, Lender};
use consign::performance::history::{History, Judged};
use consign::performance::number::{percent, round};
use consign::performance::scorecard::{Ground, Points, scorecard};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::cases;

fn day() -> NaiveDate {
    "2026-01-01".parse().unwrap()
}

fn parties(codes: &[String]) -> (Lender, Vec<Assignee>) {
    let mut text = "[[lender]]\ncode = \"LAW\"\nname = \"Law\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n".to_string();
    for code in codes {
        text += &format!(
            "[[lender.assignee]]\ncode = \"{code}\"\nname = \"{code}\"\nkind = \"agency\"\n"
        );
    }
    let said = party::parse(&text).unwrap().lenders.remove(0);
    let assignees = said.assignees.iter().map(|one| one.over(None).unwrap()).collect();
    (said.over(None).unwrap(), assignees)
}

/// Recipients with a flat fee each.
fn recipients(lender: &Lender, assignees: &[Assignee], fees: &[&str]) -> Vec<Recipient> {
    let version = |(assignee, fee): (&Assignee, &&str)| {
        let code = &assignee.code;
        let text = format!(
            "code = \"LAW-{code}\"\nagency = \"{code}\"\neffective_from = 2025-01-01\nterm_days = 90\n[[fee]]\nname = \"all\"\nrate = \"{fee}\"\n"
        );
        let terms = contract::parse(&text, lender, assignees).unwrap();
        Version { number: 1, seq: 1, sha256: String::new(), stands_for: 1, terms }
    };
    let versions = Versions(assignees.iter().zip(fees.iter().cycle()).map(version).collect());
    assignees.iter().map(|assignee| Recipient::on(assignee, &versions, 0, false, day())).collect()
}

/// An account of a debtor of its own.
fn candidate(lender: &Lender, number: usize, days_past_due: i64, balance: Money) -> Candidate {
    Candidate {
        account_no: format!("N{number:06}"),
        debtor_ref: format!("D{number:06}"),
        facts: Facts {
            days_past_due,
            level: 1,
            balance,
            bucket: lender.buckets.of(days_past_due).to_string(),
            product: None,
            region: None,
            charged_off: false,
            legal: false,
        },
        owed: balance,
        held_by: BTreeSet::new(),
        agencies_before: 0,
        last_holder: None,
    }
}

/// Deals balances in one stratum by shares in hundredths; equal ones by the method `equal`.
fn dealt(balances: &[i64], shares: &[u32], seed: u64) -> Decision {
    dealt_with(balances, shares, seed, (0, usize::MAX))
}

/// The same with so many hundredths explored, and each so-manieth account that of the debtor before.
fn dealt_with(
    balances: &[i64],
    shares: &[u32],
    seed: u64,
    (exploration, every): (u32, usize),
) -> Decision {
    let codes: Vec<String> = (0..shares.len()).map(|number| format!("A{number:02}")).collect();
    let (lender, assignees) = parties(&codes);
    let equal = shares.iter().all(|share| *share == shares[0]);
    let mut text = format!(
        "name = \"law\"\nmethod = \"{}\"\nseed = {seed}\nexploration = \"{exploration}%\"\n",
        if equal { "equal" } else { "fixed" }
    );
    for (code, share) in codes.iter().zip(shares) {
        let share = if equal { String::new() } else { format!("share = \"{share}%\"\n") };
        text += &format!("[[assignee]]\ncode = \"{code}\"\n{share}");
    }
    let strategy = strategy::parse(&text, &lender, &assignees).unwrap();
    let candidates = balances.iter().enumerate().map(|(number, balance)| {
        let debtor_ref = format!("D{:06}", number - usize::from(number % every == every - 1));
        Candidate { debtor_ref, ..candidate(&lender, number, 40, Money(*balance)) }
    });
    let candidates = Candidates { accounts: candidates.collect(), ..Candidates::default() };
    let recipients = recipients(&lender, &assignees, &["18%"]);
    let currency = lender.currency;
    decide(Inputs {
        strategy,
        recipients,
        candidates,
        history: History::default(),
        scorecard: Vec::new(),
        currency,
    })
    .unwrap()
}

/// Count, mean and variance of the balances of each.
fn moments(decision: &Decision) -> Vec<(f64, f64, f64)> {
    let mut balances: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (index, one) in decision.assigned.iter().enumerate() {
        let recipient = one.placed().expect("everybody is open to every account");
        balances
            .entry(recipient)
            .or_default()
            .push(decision.candidate(index).facts.balance.0 as f64);
    }
    let of = |own: &Vec<f64>| {
        let n = own.len() as f64;
        let mean = own.iter().sum::<f64>() / n;
        (n, mean, own.iter().map(|balance| (balance - mean).powi(2)).sum::<f64>() / (n - 1.0))
    };
    balances.values().map(of).collect()
}

/// The largest standardised mean difference among those with so many accounts or more.
fn largest_difference(decision: &Decision, accounts: f64) -> f64 {
    let moments: Vec<_> = moments(decision).into_iter().filter(|(n, ..)| *n >= accounts).collect();
    let pairs = moments.iter().flat_map(|a| moments.iter().map(move |b| (a, b)));
    let difference = |((_, a, v), (_, b, w)): (&(f64, f64, f64), &(f64, f64, f64))| {
        (a - b).abs() / ((v + w) / 2.0).sqrt().max(1.0)
    };
    pairs.map(difference).fold(0.0, f64::max)
}

/// Whether one balance alone makes up more than half of all variance.
fn has_a_giant(balances: &[i64]) -> bool {
    let mean = balances.iter().sum::<i64>() as f64 / balances.len() as f64;
    let squares: Vec<f64> =
        balances.iter().map(|balance| (*balance as f64 - mean).powi(2)).collect();
    squares.iter().copied().fold(0.0, f64::max) > squares.iter().sum::<f64>() / 2.0
}

/// Shares in hundredths that sum to a hundred.
fn shares(recipients: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![
        recipients.clone().prop_map(|recipients| vec![1; recipients]),
        prop::collection::btree_set(5..96_u32, recipients.start() - 1..*recipients.end()).prop_map(
            |cuts| {
                let bounds: Vec<u32> = [0].into_iter().chain(cuts).chain([100]).collect();
                bounds.windows(2).map(|pair| pair[1] - pair[0]).collect()
            }
        ),
    ]
}

/// Balances whose logarithm spreads by so many hundredths about 8,000 yuan, in minor units.
fn lognormal(count: usize, spread: u32, seed: u64) -> Vec<i64> {
    use rand::{RngExt as _, SeedableRng as _};
    let mut chance = rand::rngs::ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || (0..12).map(|_| chance.random::<f64>()).sum::<f64>() - 6.0;
    (0..count)
        .map(|_| (800_000.0 * (f64::from(spread) / 100.0 * normal()).exp()) as i64 + 1)
        .collect()
}

/// So many accounts that the smallest share is at least so many.
fn enough(shares: &[u32], least: usize) -> usize {
    let (all, smallest) =
        (shares.iter().sum::<u32>() as usize, *shares.iter().min().unwrap() as usize);
    (least + 1) * all / smallest + shares.len()
}

proptest! {
    #![proptest_config(cases(100))]

    /// However heavy the tail, and however unequal the shares: two means lie no further apart than the whole range of
    /// balances dealt to one account of the smaller of the two.
    #[test]
    fn means_differ_by_no_more_than_the_range_on_one_account(
        shares in shares(2..=6), accounts in 60..1_500_usize, spread in 0..300_u32, seed in 0..1_000_000_u64,
    ) {
        let balances = lognormal(accounts, spread, seed);
        let range = (balances.iter().max().unwrap() - balances.iter().min().unwrap()) as f64;
        let moments = moments(&dealt(&balances, &shares, seed));
        for (n, a, _) in &moments {
            for (m, b, _) in &moments {
                prop_assert!((a - b).abs() * n.min(*m) <= range * 1.000_001, "{} and {} of {shares:?}", a, b);
            }
        }
    }

    /// With 200 accounts each a mean lies less than a twentieth of a standard deviation from another, however heavy the
    /// tail, with equal and unequal shares, with debtors of two accounts, and whether some are explored or none: unless
    /// one account alone has more than half of all variance, for it cannot be halved.
    #[test]
    fn with_two_hundred_accounts_the_mix_is_alike(
        shares in shares(2..=5), spread in 0..300_u32, exploration in 0..20_u32, every in 5..200_usize, seed in 0..1_000_000_u64,
    ) {
        let balances = lognormal(enough(&shares, 200), spread, seed);
        prop_assume!(!has_a_giant(&balances));
        let difference = largest_difference(&dealt_with(&balances, &shares, seed, (exploration, every)), 200.0);
        prop_assert!(difference < 0.05, "{difference} with {shares:?}");
    }

    /// Whoever has no share, and so only what is explored, has the same mix as everybody.
    #[test]
    fn what_is_explored_is_a_likeness_of_all(share in 20..80_u32, spread in 0..150_u32, seed in 0..1_000_000_u64) {
        let decision = dealt_with(&lognormal(6_500, spread, seed), &[0, share, 100 - share], seed, (10, usize::MAX));
        let own = decision.assigned.iter().filter(|one| one.placed() == Some(0)).count();
        prop_assert!((216..=217).contains(&own), "{own}");
        let difference = largest_difference(&decision, 200.0);
        prop_assert!(difference < 0.05, "{difference} with {share}");
    }
}

#[test]
fn evenly_spaced_balances_come_out_even() {
    for recipients in 2..=6_usize {
        let balances: Vec<i64> =
            (1..=recipients as i64 * 20).map(|number| number * 100_000).collect();
        let decision = dealt(&balances, &vec![1; recipients], 7);
        let moments = moments(&decision);
        assert!(
            moments.iter().all(|one| (one.0, one.1) == (moments[0].0, moments[0].1)),
            "there and back again: {moments:?}"
        );
    }
}

/// A figure as the document writes it.
fn written(number: Decimal, places: u32) -> String {
    let plain = round(number, places).to_string();
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let first = (whole.len() + 2) % 3 + 1;
    let mut grouped = whole[..first].to_string();
    whole.as_bytes()[first..]
        .chunks(3)
        .for_each(|three| grouped += &format!(",{}", String::from_utf8_lossy(three)));
    if part.is_empty() { grouped } else { format!("{grouped}.{part}") }
}

/// The worked example of docs/allocation.md: three agencies, two buckets.
fn example() -> Decision {
    let codes = ["A", "B", "C"].map(str::to_string);
    let (lender, assignees) = parties(&codes);
    let mut text = "name = \"example\"\nmethod = \"optimise\"\nstrata = [\"bucket\"]\n".to_string();
    codes.iter().for_each(|code| {
        text += &format!("[[assignee]]\ncode = \"{code}\"\nmax_share = \"40%\"\n")
    });
    let strategy = strategy::parse(&text, &lender, &assignees).unwrap();
    let mut history = History::default();
    for (assignee, bucket, accounts, recovered) in [
        ("A", "M2", 1_000, 1_900),
        ("B", "M2", 500, 2_000),
        ("B", "M4", 500, 900),
        ("C", "M4", 1_000, 700),
    ] {
        let one = Judged { balance: Money(1_000_000), recovered: Money(recovered * 100) };
        (0..accounts).for_each(|_| history.add(bucket, bucket, assignee, one));
    }
    let rows = scorecard(
        &history,
        strategy.performance.credibility,
        &Points::default(),
        &Ground::default(),
    );
    let candidates = (0..200).map(|number| {
        candidate(&lender, number, if number < 100 { 40 } else { 100 }, Money(1_000_000))
    });
    let candidates = Candidates { accounts: candidates.collect(), ..Candidates::default() };
    let recipients = recipients(&lender, &assignees, &["15%", "18%", "15%"]);
    let currency = lender.currency;
    decide(Inputs { strategy, recipients, candidates, history, scorecard: rows, currency }).unwrap()
}

#[test]
fn the_worked_example_of_the_document_is_true() {
    let decision = example();
    let mut lines = Vec::new();
    for row in &decision.inputs.scorecard {
        let raw = percent(row.sums.rate().unwrap());
        let expected = written(row.expected / Decimal::ONE_HUNDRED, 0);
        let recovered = written(Decimal::from(row.sums.recovered.0 / 100), 0);
        let (index, shrunk) = (written(row.index, 4), written(row.shrunk_index, 4));
        lines.push(format!(
            "| {} | {raw} | {recovered} | {expected} | {index} | {shrunk} |",
            row.assignee
        ));
    }
    for (stratum, (expectation, given)) in
        decision.sorted.strata.iter().zip(decision.expectations.iter().zip(&decision.plan.given))
    {
        let worth: Vec<String> = expectation
            .worth
            .iter()
            .map(|worth| written(Decimal::new(worth.value, 6), 2))
            .collect();
        let given: Vec<String> = given.iter().map(i64::to_string).collect();
        lines.push(format!(
            "| {} | {} | {} | {} |",
            stratum.group,
            percent(expectation.rate),
            worth.join(" | "),
            given.join(" | ")
        ));
    }
    let plan = &decision.plan;
    let optimum = plan.optimum.as_ref().unwrap();
    assert_eq!(optimum.bound, plan.objective);
    let yuan = |millionths: i128| written(Decimal::from_i128_with_scale(millionths, 6), 2);
    lines.push(format!("{} yuan", yuan(plan.objective)));
    lines.push(format!("{} yuan", yuan(plan.objective - plan.equal.unwrap())));
    lines.push(format!("{} yuan", yuan(plan.objective - plan.score.unwrap())));
    optimum
        .prices
        .iter()
        .filter(|price| **price != 0)
        .for_each(|price| lines.push(format!("{} yuan", yuan(*price))));
    let document = include_str!("../../docs/allocation.md");
    let missing: Vec<&String> = lines.iter().filter(|line| !document.contains(*line)).collect();
    assert!(missing.is_empty(), "docs/allocation.md does not say:\n{missing:#?}");
}
