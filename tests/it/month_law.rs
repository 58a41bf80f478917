//! The law of order and timing for what a month comes to: commission, factor, minimum and maximum, restated here slowly and
//! without the program's own words, and compared with books in which the same facts arrive in other orders and months.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use consign::party::{self, Lang, Lender};
use consign::settlement::card::{CardMonth, simulate};
use consign::settlement::correction::difference;
use consign::settlement::explain::{Asker, explain};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::commands::Program;
use crate::support::{Book, assert_adds_up, cases, csv_of, day, minor, month_of, on_each_database};

// What a random world is made of -----------------------------------------------------------------------------------

/// A rate in hundredths of a percent.
type Rate = i128;

#[derive(Clone, Debug)]
enum Price {
    Flat(Rate),
    Tiers(Tiers),
}

#[derive(Clone, Debug)]
struct Tiers {
    batch: bool,
    /// Bounds are hundredths of a percent of what was placed; otherwise cents.
    of_placed: bool,
    whole: bool,
    /// Whether the bound belongs to the step, the bound, the rate.
    steps: Vec<(bool, i128, Rate)>,
    last: Rate,
}

#[derive(Clone, Debug)]
struct Terms {
    half_even: bool,
    at_line: bool,
    rules: Vec<Price>,
    /// In thousandths.
    factor: i128,
    minimum: Option<i128>,
    /// Beyond the minimum.
    maximum: Option<i128>,
}

/// What all versions of one agency have in common.
#[derive(Clone, Debug)]
struct Common {
    term_days: u64,
    charge_per_account: i128,
    charge_per_month: i128,
    pays_for_performance: bool,
    /// Whether corrections have days of their own; charges per month and grades would then follow the day of publishing.
    own_days: bool,
}

#[derive(Clone, Debug)]
struct Version {
    from: NaiveDate,
    to: Option<NaiveDate>,
    corrects: Option<usize>,
    terms: Terms,
}

#[derive(Clone, Debug)]
struct Correction {
    corrects: usize,
    from: usize,
    to: usize,
    terms: Terms,
    /// Before which closing it is published, in one book and in the other.
    published: [usize; 2],
}

#[derive(Clone, Debug)]
struct Contract {
    common: Common,
    first: (usize, Terms),
    /// What takes over in March.
    second: Option<(usize, Terms)>,
    corrections: Vec<Correction>,
}

#[derive(Clone, Debug)]
struct Paid {
    account: usize,
    after: u64,
    cents: i128,
    arrives: [usize; 2],
    reversals: Vec<(u64, i128, [usize; 2])>,
}

const MONTHS: [&str; 9] = [
    "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08",
    "2026-09",
];

fn rate() -> impl Strategy<Value = Rate> {
    1_i128..4_000
}

fn price() -> impl Strategy<Value = Price> {
    let steps = prop::collection::vec((any::<bool>(), 1_i128..25, rate()), 1..3);
    let tiers =
        (any::<[bool; 3]>(), steps, rate()).prop_map(|([batch, of_placed, whole], rises, last)| {
            let of_placed = of_placed && batch;
            let (mut bound, mut steps) = (0, Vec::new());
            for (inclusive, rise, rate) in rises {
                bound += rise * if of_placed { 50 } else { 2_003 };
                steps.push((inclusive, bound, rate));
            }
            Price::Tiers(Tiers { batch, of_placed, whole, steps, last })
        });
    prop_oneof![1 => rate().prop_map(Price::Flat), 2 => tiers]
}

fn terms() -> impl Strategy<Value = Terms> {
    (
        any::<[bool; 2]>(),
        prop::collection::vec(price(), 1..4),
        0_i128..2_500,
        prop::option::of(0_i128..30_000),
        prop::option::of(0_i128..30_000),
    )
        .prop_map(|([half_even, at_line], rules, factor, minimum, beyond)| Terms {
            half_even,
            at_line,
            rules,
            factor,
            minimum,
            maximum: beyond.map(|beyond| minimum.unwrap_or(0) + beyond),
        })
}

fn contract() -> impl Strategy<Value = Contract> {
    let common = (
        prop::sample::select(vec![45_u64, 90, 150]),
        prop::sample::select(vec![0_i128, 0, 250]),
        prop::sample::select(vec![0_i128, 0, 1_999]),
        any::<[bool; 2]>(),
    )
        .prop_map(|(term_days, charge_per_account, charge_per_month, [performs, own_days])| {
            Common {
                term_days,
                charge_per_account,
                charge_per_month: if own_days { 0 } else { charge_per_month },
                pays_for_performance: performs && !own_days,
                own_days,
            }
        });
    let correction = (0_usize..4, 0_usize..4, 0_usize..3, terms(), [0_usize..9, 0_usize..9])
        .prop_map(|(corrects, from, to, terms, published)| Correction {
            corrects,
            from,
            to,
            terms,
            published,
        });
    (
        common,
        (0_usize..3, terms()),
        prop::option::of((0_usize..3, terms())),
        prop::collection::vec(correction, 0..3),
    )
        .prop_map(|(common, first, second, mut corrections)| {
            // In both books they are published in the same order.
            for book in 0..2 {
                let mut when: Vec<usize> =
                    corrections.iter().map(|one| one.published[book]).collect();
                when.sort_unstable();
                corrections.iter_mut().zip(when).for_each(|(one, at)| one.published[book] = at);
            }
            Contract { common, first, second, corrections }
        })
}

fn payments() -> impl Strategy<Value = Vec<Paid>> {
    let arrives = || [0_usize..9, 0_usize..9];
    let taken = (0_u64..60, 1_i128..=100, arrives());
    let paid = (
        0_usize..5,
        0_u64..200,
        prop_oneof![2 => 1_i128..3_000, 2 => 1_i128..200_000],
        arrives(),
        prop::collection::vec(taken, 0..3),
    );
    let paid = paid.prop_map(|(account, after, cents, arrives, reversals)| Paid {
        account,
        after,
        cents,
        arrives,
        reversals,
    });
    prop::collection::vec(paid, 1..20)
}

impl Contract {
    /// All versions in the order of their numbers.
    fn versions(&self) -> Vec<Version> {
        let ends = [None, Some(day("2026-04-30")), Some(day("2026-05-15"))];
        let ordinary = |from: &str, (to, terms): &(usize, Terms)| Version {
            from: day(from),
            to: ends[*to],
            corrects: None,
            terms: terms.clone(),
        };
        let mut versions = vec![ordinary("2026-01-01", &self.first)];
        versions.extend(self.second.as_ref().map(|second| ordinary("2026-03-01", second)));
        for one in &self.corrections {
            let corrected = &versions[one.corrects % versions.len()];
            let later = [0, 14, 35, 80][one.from];
            versions.push(Version {
                from: corrected.from.checked_add_days(Days::new(later)).unwrap(),
                to: if self.common.own_days { ends[one.to] } else { corrected.to },
                corrects: Some(one.corrects % versions.len() + 1),
                terms: one.terms.clone(),
            });
        }
        // A version ends no earlier than it begins.
        for version in &mut versions {
            version.to = version.to.map(|to| to.max(version.from));
        }
        versions
    }

    fn ordinary(&self) -> usize {
        1 + usize::from(self.second.is_some())
    }

    fn toml(&self, agency: &str, version: &Version) -> String {
        let terms = &version.terms;
        let mut text = format!(
            "code = \"K-{agency}\"\nagency = \"{agency}\"\neffective_from = {}\nterm_days = {}\n\
             rounding = {{ mode = \"{}\", at = \"{}\" }}\n",
            version.from,
            self.common.term_days,
            if terms.half_even { "half_even" } else { "half_up" },
            if terms.at_line { "line" } else { "subtotal" },
        );
        let mut key = |name: &str, value: Option<String>| {
            let value = value.map(|value| format!("{name} = {value}\n"));
            text.push_str(&value.unwrap_or_default());
        };
        let amount = |cents: i128| format!("\"{}\"", shown(cents));
        key("effective_to", version.to.map(|to| to.to_string()));
        key("corrects", version.corrects.map(|number| number.to_string()));
        key("minimum_per_statement", terms.minimum.map(amount));
        key("maximum_per_statement", terms.maximum.map(amount));
        for (i, price) in terms.rules.iter().enumerate() {
            let last = i + 1 == terms.rules.len();
            let from = if last { String::new() } else { from_days(i).to_string() };
            let when = format!("when = {{ days_past_due = {{ from = {from} }} }}\n");
            let when = if last { "" } else { &when };
            write!(text, "\n[[fee]]\nname = \"rule {i}\"\n{when}{}\n", price_toml(price)).unwrap();
        }
        for (per, cents) in [
            ("account_placed", self.common.charge_per_account),
            ("month", self.common.charge_per_month),
        ] {
            if cents > 0 {
                let amount = shown(cents);
                let charge = format!("name = \"{per}\"\nper = \"{per}\"\namount = \"{amount}\"\n");
                write!(text, "\n[[charge]]\n{charge}").unwrap();
            }
        }
        if self.common.pays_for_performance {
            // Nobody is judged within these months: everyone's index is 1 on every day.
            write!(
                text,
                "\n[performance_factor]\nby = \"index\"\nsteps = [ {{ up_to = \"1\", factor = \"{}.{:03}\" }}, {{ factor = \"9\" }} ]\n\n\
                 [performance]\nhorizon_days = 3000\n",
                terms.factor / 1_000,
                terms.factor % 1_000
            )
            .unwrap();
        }
        text
    }
}

fn from_days(rule: usize) -> i128 {
    150 - 50 * i128::try_from(rule).unwrap()
}

fn price_toml(price: &Price) -> String {
    let percent = |rate: &Rate| format!("\"{}.{:02}%\"", rate / 100, rate % 100);
    let Price::Tiers(tiers) = price else {
        let Price::Flat(rate) = price else { unreachable!() };
        return format!("rate = {}", percent(rate));
    };
    let steps: String = tiers
        .steps
        .iter()
        .map(|(inclusive, bound, rate)| {
            let side = if *inclusive { "up_to" } else { "below" };
            let bound =
                if tiers.of_placed { percent(bound) } else { format!("\"{}\"", shown(*bound)) };
            format!("{{ {side} = {bound}, rate = {} }}, ", percent(rate))
        })
        .collect();
    format!(
        "tiers = {{ measure = \"{}\", over = \"{}\", apply = \"{}\", steps = [ {steps}{{ rate = {} }} ] }}",
        if tiers.of_placed { "recovery_rate" } else { "recovered" },
        if tiers.batch { "batch" } else { "month" },
        if tiers.whole { "whole" } else { "marginal" },
        percent(&tiers.last)
    )
}

fn shown(cents: i128) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A payment or reversal: what the files say of it.
#[derive(Clone, Debug)]
struct Fact {
    reference: String,
    account: usize,
    on: NaiveDate,
    cents: i128,
    /// Of a reversal: its payment's reference and day.
    reverses: Option<(String, NaiveDate)>,
    arrives: [usize; 2],
}

fn facts(payments: &[Paid]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (i, paid) in payments.iter().enumerate() {
        let on = day("2026-01-05").checked_add_days(Days::new(paid.after)).unwrap();
        let (reference, mut left) = (format!("p{i}"), paid.cents);
        facts.push(Fact {
            reference: reference.clone(),
            account: paid.account,
            on,
            cents: paid.cents,
            reverses: None,
            arrives: paid.arrives,
        });
        for (j, (after, percent, arrives)) in paid.reversals.iter().enumerate() {
            let cents = (paid.cents * percent / 100).min(left);
            if cents > 0 {
                left -= cents;
                facts.push(Fact {
                    reference: format!("r{i}-{j}"),
                    account: paid.account,
                    on: on.checked_add_days(Days::new(*after)).unwrap(),
                    cents,
                    reverses: Some((reference.clone(), on)),
                    arrives: [0, 1].map(|book| arrives[book].max(paid.arrives[book])),
                });
            }
        }
    }
    facts
}

// The law, restated --------------------------------------------------------------------------------------------------

const AGENCIES: [&str; 2] = ["A01", "A02"];
const DAYS_PAST_DUE: [i128; 5] = [20, 70, 120, 160, 200];

/// One placement: the account, whose, from when to when its payments belong to it.
struct Placed {
    account: usize,
    agency: usize,
    on: NaiveDate,
    window: (NaiveDate, NaiveDate),
}

fn placements(contracts: &[Contract; 2]) -> Vec<Placed> {
    let last = |agency: usize, on: NaiveDate| {
        on.checked_add_days(Days::new(contracts[agency].common.term_days - 1)).unwrap()
    };
    let (first, second) = (day("2026-01-05"), day("2026-01-31"));
    let mut placed = Vec::new();
    for account in 0..5 {
        let changes_hands = account == 1 || account == 3;
        let until = last(0, first);
        let until = if changes_hands { until.min(day("2026-01-28")) } else { until };
        placed.push(Placed { account, agency: 0, on: first, window: (first, until) });
        if changes_hands {
            let window = (second, last(1, second));
            placed.push(Placed { account, agency: 1, on: second, window });
        }
    }
    placed
}

/// An exact amount in cents × 10⁻⁸, rounded.
fn rounded(exact: i128, unit: i128, half_even: bool) -> i128 {
    let (whole, rest) = (exact.div_euclid(unit), exact.rem_euclid(unit));
    let up = match (2 * rest).cmp(&unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        // The floor of a negative half lies away from zero.
        std::cmp::Ordering::Equal if half_even => whole.rem_euclid(2) == 1,
        std::cmp::Ordering::Equal => exact > 0,
    };
    whole + i128::from(up)
}

const UNIT: i128 = 100_000_000;

/// A bound in cents × 10⁻⁴.
fn bound(tiers: &Tiers, at: i128, placed: i128) -> i128 {
    if tiers.of_placed { at * placed } else { at * 10_000 }
}

/// What a group that recovered `c` is entitled to, in cents × 10⁻⁸; `total` is what it recovered in all.
fn entitled(price: &Price, c: i128, total: i128, placed: i128) -> i128 {
    let tiers = match price {
        Price::Flat(rate) => return c * rate * 10_000,
        Price::Tiers(tiers) => tiers,
    };
    if tiers.whole {
        let within = |(inclusive, at, _): &&(bool, i128, Rate)| {
            let at = bound(tiers, *at, placed);
            total * 10_000 < at || *inclusive && total * 10_000 == at
        };
        let rate = tiers.steps.iter().find(within).map_or(tiers.last, |(_, _, rate)| *rate);
        return c * rate * 10_000;
    }
    let (mut sum, mut floor) = (0, 0);
    for (_, at, rate) in &tiers.steps {
        let top = bound(tiers, *at, placed).min(c * 10_000).max(floor);
        sum += (top - floor) * rate;
        floor = top;
    }
    sum + (c * 10_000).max(floor).saturating_sub(floor) * tiers.last
}

/// The number of the version that prices what `number` priced, for something of a day.
fn corrected(versions: &[Version], number: usize, on: NaiveDate) -> usize {
    let mut line = vec![number];
    for (version, own) in versions.iter().zip(1..) {
        if version.corrects.is_some_and(|of| line.contains(&of)) && version.from <= on {
            line.push(own);
        }
    }
    *line.last().unwrap()
}

/// The ordinary version that a version stands in for.
fn origin(versions: &[Version], number: usize) -> usize {
    versions[number - 1].corrects.map_or(number, |of| origin(versions, of))
}

/// The number of the version in force on a day.
fn in_force(versions: &[Version], on: NaiveDate) -> Option<usize> {
    (1..=versions.len()).rev().find(|number| {
        let version = &versions[number - 1];
        let taken_over = versions.iter().zip(1..).any(|(other, own)| {
            other.corrects.is_none() && own > origin(versions, *number) && other.from <= on
        });
        version.from <= on && version.to.is_none_or(|to| on <= to) && !taken_over
    })
}

/// Σ of commission, performance, minimum and maximum of each agency when everything is known.
fn law(contracts: &[Contract; 2], balances: &[i128; 5], facts: &[Fact], first: usize) -> Sums {
    let placements = placements(contracts);
    let mut sums = Sums::new();
    for (agency, contract) in contracts.iter().enumerate() {
        let versions = contract.versions();
        let mut by_month = [0_i128; 9];
        for group in groups(agency, &versions, &placements, balances, facts) {
            for (month, fee) in group {
                by_month[month.max(first)] += fee;
            }
        }
        let mut own = [by_month.iter().sum::<i128>(), 0, 0, 0];
        for (m, commission) in by_month.iter().enumerate().skip(first) {
            let last_day = month_end(MONTHS[m]);
            let number = std::iter::successors(Some(last_day), |day| day.pred_opt())
                .take_while(|on| *on >= day("2026-01-01"))
                .find_map(|on| in_force(&versions, on))
                .unwrap();
            let number = corrected(&versions, origin(&versions, number), last_day);
            let terms = &versions[number - 1].terms;
            let in_force = in_force(&versions, last_day).is_some();
            let placed = placements.iter().filter(|placed| placed.agency == agency).count();
            let placed = if m == first { i128::try_from(placed).unwrap() } else { 0 };
            let charges = contract.common.charge_per_account * placed
                + if in_force { contract.common.charge_per_month } else { 0 };
            let performs = contract.common.pays_for_performance && in_force;
            let factor = if performs { terms.factor } else { 1_000 };
            let performance = rounded(commission * (factor - 1_000), 1_000, terms.half_even);
            let earned = commission + charges + performance;
            let least = terms.minimum.filter(|_| in_force);
            let minimum = least.map_or(0, |least| (least - earned).max(0));
            let lifted = earned + minimum;
            let maximum = terms.maximum.map_or(0, |most| (most - lifted).min(0));
            own[1] += performance;
            own[2] += minimum;
            own[3] += maximum;
        }
        sums.insert(AGENCIES[agency].to_string(), own);
    }
    sums
}

/// The groups of an agency: of each line the month its payment was received in, and its fee.
fn groups(
    agency: usize,
    versions: &[Version],
    placements: &[Placed],
    balances: &[i128; 5],
    facts: &[Fact],
) -> Vec<Vec<(usize, i128)>> {
    let rule_of = |placed: &Placed| {
        let number = corrected(versions, 1, placed.on);
        let rules = &versions[number - 1].terms.rules;
        let days = DAYS_PAST_DUE[placed.account];
        let rule = (0..rules.len() - 1).find(|rule| days >= from_days(*rule));
        (number, rule.unwrap_or(rules.len() - 1))
    };
    let mut groups: BTreeMap<(usize, usize, String), Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        let paid_on = fact.reverses.as_ref().map_or(fact.on, |(_, on)| *on);
        let holds = |placed: &&Placed| {
            placed.account == fact.account
                && placed.window.0 <= paid_on
                && paid_on <= placed.window.1
        };
        let Some(placed) = placements.iter().find(holds) else { continue };
        if placed.agency == agency {
            let (number, rule) = rule_of(placed);
            let price = &versions[number - 1].terms.rules[rule];
            let by_batch = matches!(price, Price::Tiers(tiers) if tiers.batch);
            // An agency gets one batch.
            let scope = if by_batch { String::new() } else { paid_on.to_string()[..7].to_string() };
            groups.entry((number, rule, scope)).or_default().push(fact);
        }
    }
    let priced = |((number, rule, _), mut items): ((usize, usize, String), Vec<&Fact>)| {
        let terms = &versions[number - 1].terms;
        let price = &terms.rules[rule];
        let own = |placed: &&Placed| placed.agency == agency && rule_of(placed) == (number, rule);
        let placed = placements.iter().filter(own).map(|placed| balances[placed.account]).sum();
        let signed = |fact: &Fact| if fact.reverses.is_some() { -fact.cents } else { fact.cents };
        items.sort_by_key(|fact| (fact.on, fact.reverses.is_some(), fact.reference.clone()));
        let total = items.iter().map(|fact| signed(fact)).sum();
        let mut c = 0;
        let mut lines = Vec::new();
        for fact in items {
            let before = entitled(price, c, total, placed);
            c += signed(fact);
            let after = entitled(price, c, total, placed);
            let round = |exact: i128| rounded(exact, UNIT, terms.half_even);
            let fee =
                if terms.at_line { round(after - before) } else { round(after) - round(before) };
            let paid_on = fact.reverses.as_ref().map_or(fact.on, |(_, on)| *on).to_string();
            let month = MONTHS.iter().position(|month| *month == &paid_on[..7]).unwrap();
            lines.push((month, fee));
        }
        lines
    };
    groups.into_iter().map(priced).collect()
}

fn month_end(month: &str) -> NaiveDate {
    let next = day(&format!("{month}-01")).checked_add_months(chrono::Months::new(1)).unwrap();
    next.pred_opt().unwrap()
}

// Books in which the facts arrive ------------------------------------------------------------------------------------

/// Commission with true-ups, performance, minimum, maximum, by agency.
type Sums = BTreeMap<String, [i128; 4]>;

/// Plays the world as it arrives in one of the two books.
fn play(
    book: &mut Book,
    contracts: &[Contract; 2],
    balances: &[i128; 5],
    facts: &[Fact],
    first: usize,
    which: usize,
) -> Sums {
    book.another_lender("CNY", &AGENCIES);
    for (agency, contract) in AGENCIES.iter().zip(contracts) {
        for version in &contract.versions()[..contract.ordinary()] {
            book.publish(&contract.toml(agency, version));
        }
    }
    let rows: String = balances
        .iter()
        .zip(DAYS_PAST_DUE)
        .zip(1..)
        .map(|((balance, days), account)| format!("{account},{},{days}\n", shown(*balance)))
        .collect();
    book.portfolio("2025-12-31", &format!("account_no,balance,days_past_due\n{rows}"));
    assert_eq!(book.allocate("2026-01-05", "A01"), 5);
    book.recall(&["2", "4"], "2026-01-28");
    assert_eq!(book.allocate("2026-01-31", "A02"), 2);
    let mut issued: Vec<String> = Vec::new();
    for (i, month) in MONTHS.iter().enumerate() {
        let rows: Vec<Value> = facts
            .iter()
            .filter(|fact| fact.arrives[which] == i)
            .map(|fact| {
                json!({
                    "reference": fact.reference, "account_no": (fact.account + 1).to_string(),
                    "received_on": fact.on.to_string(), "amount": shown(fact.cents),
                    "kind": if fact.reverses.is_some() { "reversal" } else { "payment" },
                    "reverses": fact.reverses.as_ref().map_or("", |(reference, _)| reference),
                })
            })
            .collect();
        if !rows.is_empty() {
            book.recoveries(&csv_of(&rows));
        }
        for (agency, contract) in AGENCIES.iter().zip(contracts) {
            let versions = contract.versions();
            let corrections = versions.iter().skip(contract.ordinary()).zip(&contract.corrections);
            for (version, _) in corrections.filter(|(_, one)| one.published[which] == i) {
                // The same bytes twice are no second version.
                let toml = format!("# {i} {version:?}\n{}", contract.toml(agency, version));
                drop(book.try_publish(&toml).unwrap());
            }
        }
        if i >= first {
            book.close(month);
            let now = book.statements();
            assert_eq!(now[..issued.len()], issued, "an issued statement changed");
            issued = now;
        }
    }
    book.assert_proven();
    settled(book, &issued)
}

fn settled(book: &Book, issued: &[String]) -> Sums {
    let mut sums: Sums = AGENCIES.iter().map(|agency| (agency.to_string(), [0; 4])).collect();
    for text in issued {
        let statement: Value = serde_json::from_str(text).unwrap();
        assert_adds_up(&statement, book.currency);
        let amount = |key: &str| i128::from(minor(&statement[key], book.currency));
        let own = sums.get_mut(statement["agency"].as_str().unwrap()).unwrap();
        own[0] += amount("commission") + amount("true_up");
        own[1] += amount("performance");
        own[2] += amount("minimum");
        own[3] += amount("maximum");
    }
    sums
}

#[test]
fn what_months_come_to_in_the_end_depends_on_no_order_and_no_timing() {
    let world = (
        [contract(), contract()],
        prop::array::uniform5(1_000_i128..400_000),
        payments(),
        prop::sample::select(vec![0_usize, 0, 0, 1, 2]),
    );
    on_each_database(|book| {
        let book = RefCell::new(book);
        let checked =
            TestRunner::new(cases(40)).run(&world, |(contracts, balances, payments, first)| {
                let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let book = &mut **book.borrow_mut();
                    let facts = facts(&payments);
                    let expected = law(&contracts, &balances, &facts, first);
                    for which in 0..2 {
                        let settled = play(book, &contracts, &balances, &facts, first, which);
                        assert_eq!(settled, expected, "settled on the left, the law on the right");
                    }
                }));
                played.map_err(|panic| {
                    let said = panic.downcast_ref::<String>().cloned();
                    TestCaseError::fail(said.unwrap_or_default())
                })
            });
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

// Worked by hand ---------------------------------------------------------------------------------------------------

/// A contract with A01 from 2026-01-01: whole tiers a month, 10 % up to 1,000.00 and 20 % beyond.
fn tiered(head: &str) -> String {
    format!(
        "code = \"K-A01\"\nagency = \"A01\"\neffective_from = 2026-01-01\nterm_days = 150\n{head}\n\n[[fee]]\nname = \"all\"\n\
         tiers = {{ measure = \"recovered\", over = \"month\", apply = \"whole\", steps = [ {{ up_to = \"1000\", rate = \"10%\" }}, {{ rate = \"20%\" }} ] }}\n"
    )
}

fn placed(book: &mut Book, contract: &str) {
    book.another_lender("CNY", &["A01"]);
    book.publish(contract);
    book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,50000.00,45\n");
    assert_eq!(book.allocate("2026-01-02", "A01"), 1);
}

fn received(book: &mut Book, rows: &str) {
    book.recoveries(&format!("reference,account_no,received_on,amount,kind,reverses\n{rows}"));
}

/// Fee and note of the lines of a kind.
fn lines(book: &mut Book, month: &str, kind: &str) -> Vec<(String, String)> {
    let statement = book.statement("A01", month);
    assert_adds_up(&statement, book.currency);
    let lines = statement["lines"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    lines
        .filter(|line| line["kind"] == kind)
        .map(|line| (text(&line["fee"]), text(&line["note"])))
        .collect()
}

/// The words for the only line of a kind about a month.
fn explained(book: &mut Book, t: Lang, month: &str, kind: &str, about: &str) -> String {
    let statement = book.statement("A01", month);
    let own =
        |line: &&Value| line["kind"] == kind && line["note"].as_str().unwrap().contains(about);
    let found: Vec<&Value> = statement["lines"].as_array().unwrap().iter().filter(own).collect();
    assert_eq!(found.len(), 1, "{statement}");
    let number = statement["statement_no"].as_str().unwrap();
    let line_no = found[0]["line_no"].as_i64().unwrap();
    explain(&mut book.db, t, Asker::Lender, number, line_no).unwrap().words.join("\n")
}

fn assert_says(words: &str, parts: &[&str]) {
    for part in parts {
        assert!(words.contains(part), "\"{part}\" is not in:\n{words}");
    }
}

#[test]
fn a_months_line_and_a_true_up_tell_what_changed_since_and_by_which_facts() {
    on_each_database(|book| {
        placed(
            book,
            &tiered("minimum_per_statement = \"300.00\"\nmaximum_per_statement = \"500.00\""),
        );
        // 90.00 earned, 210.00 to the minimum.
        received(book, "p1,1,2026-01-10,900.00,payment,\n");
        book.close("2026-01");
        let first = format!("{}-000001", book.lender);
        assert_eq!(
            lines(book, "2026-01", "minimum"),
            [("210.00".to_string(), "month 2026-01, minimum per statement 300.00".to_string())]
        );
        assert_says(
            &explained(book, Lang::En, "2026-01", "minimum", "2026-01"),
            &[
                "the payments and reversals of 2026-01, 1 in all, earn 90.00",
                "come to 90.00, topped up by 210.00",
            ],
        );

        // 300.00 of January come late: all of it at 20 %, 240.00, 60.00 to the minimum. February has its own 300.00.
        received(book, "p2,1,2026-01-20,300.00,payment,\n");
        book.close("2026-02");
        let note = format!(
            "month 2026-01, minimum per statement 300.00, now 60.00, less 210.00 on {first}"
        );
        assert_eq!(lines(book, "2026-02", "minimum")[0], ("-150.00".to_string(), note));
        assert_eq!(lines(book, "2026-02", "true_up")[0].0, "90.00");
        assert_says(
            &explained(book, Lang::En, "2026-02", "minimum", "2026-01"),
            &[
                "At the closing of 2026-01 they earned 90.00.",
                "Known since the closing of 2026-01: payment p2 of 2026-01-20, 300.00, earns 60.00; together 60.00.",
                &format!("earning otherwise now: p1 ({first}) 90.00 → 180.00; together 90.00."),
                "come to 240.00, topped up by 60.00",
                "from 210.00 to 60.00: the rest, 60.00 − 210.00 = −150.00, is this line",
            ],
        );
        assert_says(
            &explained(book, Lang::En, "2026-02", "true_up", "2026-01"),
            &[
                "At the closing of 2026-01 the group had recovered 900.00 and was entitled to 90.00.",
                "payment p2 of 2026-01-20, 300.00, earns 60.00",
                &format!("p1 ({first}) 90.00 → 180.00; together 90.00."),
            ],
        );
        assert_says(
            &explained(book, Lang::Zh, "2026-02", "minimum", "2026-01"),
            &[
                "2026-01 关账时为 90.00",
                "回款 p2（2026-01-20，300.00）得 60.00",
                "由 210.00 变为 60.00",
            ],
        );

        // A correction guarantees 400.00: January tops up 160.00 where 60.00 stand, February 400.00 where 300.00 do.
        book.publish(&tiered(
            "corrects = 1\nminimum_per_statement = \"400.00\"\nmaximum_per_statement = \"500.00\"",
        ));
        received(book, "p3,1,2026-03-05,4000.00,payment,\n");
        book.close("2026-03");
        let fees: Vec<String> =
            lines(book, "2026-03", "minimum").into_iter().map(|(fee, _)| fee).collect();
        assert_eq!(fees, ["100.00", "100.00"]);
        assert_says(
            &explained(book, Lang::En, "2026-03", "minimum", "2026-01"),
            &[
                "At the closing of 2026-02 version 1 governed it; version 2, published since, corrects it.",
            ],
        );
        // What the cap had cut comes back with the money.
        assert_eq!(lines(book, "2026-03", "maximum")[0].0, "-300.00");
        received(book, "r3,1,2026-04-02,3500.00,reversal,p3\n");
        book.close("2026-04");
        assert_eq!(lines(book, "2026-04", "maximum")[0].0, "300.00");
        assert_says(
            &explained(book, Lang::En, "2026-04", "maximum", "2026-03"),
            &[
                "reversal r3 of 2026-04-02, −3,500.00, earns −350.00",
                "p3 (",
                "800.00 → 400.00",
                "from −300.00 to 0.00",
            ],
        );
        book.assert_proven();
    });
}

#[test]
fn what_governed_a_closed_month_is_replaced_by_its_corrections_only() {
    on_each_database(|book| {
        let minimum = |amount: &str, from: &str, more: &str| {
            tiered(&format!("minimum_per_statement = \"{amount}\"\n{more}"))
                .replace("2026-01-01", from)
        };
        placed(book, &minimum("100.00", "2026-01-01", ""));
        for month in ["2026-01", "2026-02"] {
            book.close(month);
        }
        // The next version takes over in February, which is closed: from March on.
        book.publish(&minimum("200.00", "2026-02-01", ""));
        book.close("2026-03");
        assert_eq!(lines(book, "2026-03", "minimum").len(), 1, "March alone");
        // The first version is corrected; what took over from it stays, in closed months and in the next.
        book.publish(&minimum("150.00", "2026-01-01", "corrects = 1"));
        book.close("2026-04");
        let found = lines(book, "2026-04", "minimum");
        let fees: Vec<&str> = found.iter().map(|(fee, _)| fee.as_str()).collect();
        assert_eq!(fees, ["50.00", "50.00", "200.00"], "{found:?}");
        let statement = book.statement("A01", "2026-04");
        assert_eq!(statement["contract_version"], 2, "{statement}");
        book.assert_proven();
    });
}

#[test]
fn a_credit_is_due_once_no_contract_carries_it_and_both_accounts_say_so() {
    on_each_database(|book| {
        let tax = "effective_to = 2026-02-28\nvat = { rate = \"6%\", prices = \"exclusive\" }";
        placed(book, &tiered(tax));
        received(book, "p1,1,2026-01-10,5000.00,payment,\n");
        book.close("2026-01");
        received(book, "r1,1,2026-02-10,5000.00,reversal,p1\n");
        book.close("2026-02");
        let figure = |book: &mut Book, month: &str, name: &str| {
            book.statement("A01", month)[name].as_str().unwrap().to_string()
        };
        assert_eq!(figure(book, "2026-02", "carried_forward"), "-1060.00");
        assert_eq!(figure(book, "2026-02", "due_from_agency"), "0.00");
        let balances = |book: &mut Book| {
            (book.balance("Liabilities:Payable:A01"), book.balance("Assets:Receivable:A01"))
        };
        assert_eq!(balances(book), (0, 0));
        book.close("2026-03");
        assert_eq!(figure(book, "2026-03", "carried_forward"), "0.00");
        assert_eq!(figure(book, "2026-03", "due_from_agency"), "1060.00");
        // January's 1,060.00 are payable, February's are due.
        assert_eq!(balances(book), (-106_000, 106_000));
        book.assert_proven();
        assert_eq!(book.close("2026-04").statements.len(), 0, "nothing is left to carry");
        book.assert_proven();
    });
}

// Before a version is published ------------------------------------------------------------------------------------

/// A world whose contracts are in force on every day.
fn endless(mut contracts: [Contract; 2]) -> [Contract; 2] {
    for contract in &mut contracts {
        contract.first.0 = 0;
        contract.second.iter_mut().for_each(|second| second.0 = 0);
        contract.corrections.iter_mut().for_each(|one| one.to = 0);
    }
    contracts
}

/// A random world, played once, and a further contract for A01.
fn worlds(count: u32, test: impl Fn(&mut Book, &[Contract; 2], &Terms)) {
    let world = (
        [contract(), contract()],
        prop::array::uniform5(1_000_i128..400_000),
        payments(),
        terms(),
        prop::sample::select(vec![0_usize, 0, 1]),
    );
    on_each_database(|book| {
        let book = RefCell::new(book);
        let checked = TestRunner::new(cases(count)).run(
            &world,
            |(contracts, balances, payments, further, first)| {
                let contracts = endless(contracts);
                let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let book = &mut **book.borrow_mut();
                    let settled = play(book, &contracts, &balances, &facts(&payments), first, 1);
                    let card = Contract {
                        common: contracts[0].common.clone(),
                        first: (0, further.clone()),
                        second: None,
                        corrections: Vec::new(),
                    };
                    let others = [card, contracts[1].clone()];
                    let expected = law(&others, &balances, &facts(&payments), first);
                    let proposed = simulated(book, &others[0], first);
                    let all = |sums: &Sums| sums["A01"].iter().sum::<i128>();
                    assert_eq!(
                        proposed,
                        (all(&settled), all(&expected)),
                        "the card in force and the proposed one"
                    );
                    test(book, &contracts, &further);
                }));
                played.map_err(|panic| {
                    let said = panic.downcast_ref::<String>().cloned();
                    TestCaseError::fail(said.unwrap_or_default())
                })
            },
        );
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// What a proposed card of A01 comes to on all months beside the one in force.
fn simulated(book: &mut Book, card: &Contract, first: usize) -> (i128, i128) {
    let (lender, terms) = parsed(book, &card.toml("A01", &card.versions()[0]));
    let months = (month_of(MONTHS[first]), month_of(MONTHS[8]));
    let found = simulate(&mut book.db, &lender, &terms, "A01", months).unwrap();
    let sum =
        |of: &dyn Fn(&CardMonth) -> i64| found.months.iter().map(|one| i128::from(of(one))).sum();
    (sum(&|one| one.now.0), sum(&|one| one.proposed.0))
}

fn parsed(book: &mut Book, toml: &str) -> (Lender, consign::contract::Terms) {
    let lender = party::store::lender(&mut book.db, &book.lender).unwrap().unwrap();
    let assignees = party::store::assignees(&mut book.db, &book.lender).unwrap();
    let terms = consign::contract::parse(toml, &lender, &assignees).unwrap();
    (lender, terms)
}

#[test]
fn the_next_closing_changes_exactly_what_was_shown_of_a_correction_and_cards_compare_as_they_would_have_cost()
 {
    worlds(16, |book, contracts, further| {
        let version = Version {
            from: day("2026-01-01"),
            to: None,
            corrects: Some(1),
            terms: further.clone(),
        };
        let toml = contracts[0].toml("A01", &version);
        let (lender, terms) = parsed(book, &toml);
        let number = i64::try_from(contracts[0].versions().len()).unwrap() + 1;
        let shown = difference(&mut book.db, &lender, terms, number).unwrap();
        book.publish(&format!("# one more\n{toml}"));
        book.close("2026-10");
        let statement = book.statement("A01", "2026-10");
        let lines: i64 = shown.lines.iter().map(|line| line.new.fee.0 - line.old.fee.0).sum();
        assert_eq!(minor(&statement["true_up"], book.currency), lines, "{statement}");
        assert!(shown.lines.iter().all(|line| line.statement_no.is_some()), "{shown:?}");
        let figures = |kind: &str| -> BTreeMap<String, i64> {
            let lines = statement["lines"].as_array().unwrap().iter();
            let own = lines.filter(|line| line["kind"] == kind);
            let named = own.map(|line| {
                let note = line["note"].as_str().unwrap();
                (note["month ".len()..][..7].to_string(), minor(&line["fee"], book.currency))
            });
            named.filter(|(month, _)| month != "2026-10").collect()
        };
        for kind in ["performance", "minimum", "maximum"] {
            let of_kind = shown.months.iter().filter(|month| month.kind.name() == kind);
            let told: BTreeMap<String, i64> =
                of_kind.map(|one| (one.month.to_string(), one.new.0 - one.old.0)).collect();
            assert_eq!(figures(kind), told, "{kind} in {statement}");
        }
        book.assert_proven();
    });
}

#[test]
fn the_commands_write_what_a_correction_changes_and_what_a_card_would_have_cost() {
    on_each_database(|book| {
        placed(book, &tiered("minimum_per_statement = \"300.00\""));
        received(book, "p1,1,2026-01-10,900.00,payment,\n");
        book.close("2026-01");
        let (url, folder) = (book.url.clone(), book.folder().to_path_buf());
        let lender = book.lender.clone();
        let program = Program { url: &url, folder: &folder };
        let written = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let before = book.state();

        let correction = tiered("corrects = 1\nminimum_per_statement = \"300.00\"");
        let file = program.file("correction.toml", &correction.replace("10%", "12%"));
        let publish = ["contract", "publish", &file, "--lender", &lender, "--check"];
        program.done(&[&publish[..], &["--diff", "diff.csv"]].concat());
        assert_eq!(
            written("diff.csv"),
            format!(
                "reference,account_no,received_on,amount,statement_no,rule_old,fee_old,rule_new,fee_new,difference\n\
                 p1,1,2026-01-10,900.00,{lender}-000001,all,90.00,all,108.00,18.00\n\
                 ,,,,,minimum 2026-01,210.00,minimum 2026-01,192.00,-18.00\n"
            )
        );
        let said = program.run(&[&publish[..], &["--diff", "diff.csv"]].concat());
        assert!(
            said.out.contains("it would change 1 lines and 1 figures, 0.00 in all"),
            "{}",
            said.out
        );
        let alone = ["contract", "publish", &file, "--lender", &lender, "--diff", "diff.csv"];
        assert_eq!(program.run(&alone).code, 2, "--diff goes with --check");

        // The card in force on its own months, and one without the guarantee; February is open.
        let months =
            ["--lender", &lender, "--from", "2026-01", "--to", "2026-02", "-o", "months.csv"];
        let card = program.file("card.toml", &tiered("minimum_per_statement = \"300.00\""));
        program.done(&[&["contract", "simulate", &card], &months[..]].concat());
        assert_eq!(
            written("months.csv"),
            "month,recovered,fee_now,fee_proposed,difference\n2026-01,900.00,300.00,300.00,0.00\n2026-02,0.00,300.00,300.00,0.00\n"
        );
        let card = program.file("card.toml", &tiered("").replace("10%", "12%"));
        let simulate =
            [&["contract", "simulate", &card], &months[..], &["--lines", "lines.csv"]].concat();
        let said = program.run(&simulate);
        let cost = "the proposed card would have cost 492.00 less over 2 months of A01";
        assert!(said.out.contains(cost), "{}{}", said.out, said.err);
        assert_eq!(
            written("months.csv"),
            "month,recovered,fee_now,fee_proposed,difference\n2026-01,900.00,300.00,108.00,-192.00\n2026-02,0.00,300.00,0.00,-300.00\n"
        );
        assert_eq!(
            written("lines.csv"),
            "reference,account_no,received_on,amount,rule_now,fee_now,rule_proposed,fee_proposed\n\
             p1,1,2026-01-10,900.00,all,90.00,all,108.00\n"
        );
        program.refused(&[&simulate[..], &["--agency", "A09"]].concat(), "A09 is no assignee");
        assert_eq!(book.state(), before, "asking changes nothing");
    });
}
