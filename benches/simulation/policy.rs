//! The policies, each playing the same world month by month. What decides is the product's own code: the scorecard,
//! `decide`, the exact programme and the deal. Only the naive rival's ranking and the clairvoyant's knowledge are
//! made here.

use std::collections::{BTreeMap, BTreeSet};

use consign::allocation::deal::{Assigned, Fate, deal};
use consign::allocation::decide::{Decision, Inputs, decide};
use consign::allocation::expectation::{self, expectations};
use consign::allocation::gates::Recipient;
use consign::allocation::plan::{Counts, Plan};
use consign::allocation::programme::{Cell, Programme, solve};
use consign::allocation::strategy::{self, Strategy};
use consign::conduct::Incidents;
use consign::kernel::Money;
use consign::performance::history::{History, Judged};
use consign::performance::scorecard::{Beside, Ground, Row, scorecard};
use rust_decimal::Decimal;

use crate::fees::{Net, net};
use crate::world::{MONTHS, World, minor, whole};

/// The dimensions that runs go by.
pub const DIMENSIONS: &str = "\"bucket\", \"balance_band\", \"product\", \"region\"";
/// How all of them measure: over two years, so that who gets little is not forgotten.
pub const MEASURING: &str = "window_months = 24";

/// Who decides.
#[derive(Clone, Copy)]
pub enum Policy {
    /// The method `optimise`.
    Engine {
        /// The share held back, in hundredths.
        exploration: u32,
        /// How the strategy measures, where it differs from the standard: credibility, horizon, window.
        performance: &'static str,
        /// The strategy's strata.
        strata: &'static str,
    },
    /// The method `equal`.
    Equal,
    /// The method `score` with the usual points.
    Score,
    /// The naive rival: whoever recovered most of what was placed with it gets as many accounts as its limits allow,
    /// then the next. It is no method of the product.
    RawRate,
    /// The exact programme with the true rates and effects, without exploration.
    Clairvoyant,
    /// The engine told something, with a share held back in hundredths: what is lost for want of it.
    Told(Told, u32),
}

/// What the engine is told in place of what it measures, as soon as there is a history.
#[derive(Clone, Copy)]
pub enum Told {
    /// The true effects and the true rates: what is lost is exploration's price and the months without a history.
    Truth,
    /// The true effects beside the rates that it measures.
    Effects,
    /// Rates and effects fitted to each other on the same history, so that both margins agree.
    Fitted,
}

/// The engine as it is delivered.
pub const ENGINE: Policy =
    Policy::Engine { exploration: 10, performance: MEASURING, strata: DIMENSIONS };

/// One account in somebody's hands.
#[derive(Clone, Copy)]
pub struct Placed {
    /// Its place among the accounts of its month.
    pub account: usize,
    /// Whose.
    pub recipient: usize,
    /// What it recovers within the horizon.
    pub recovered: Money,
}

/// What came of a policy.
#[derive(Default)]
pub struct Course {
    /// What each month's placements bring after fees.
    pub months: Vec<Net>,
    /// Accounts that found no recipient.
    pub unplaced: usize,
}

/// Plays a world.
pub fn play(world: &World, policy: Policy) -> Course {
    let mut course = Course::default();
    let mut placed: Vec<Vec<Placed>> = Vec::with_capacity(MONTHS);
    for month in 0..MONTHS {
        let assigned = assign(world, policy, month, &placed);
        let accounts = &world.months[month];
        let one = |(account, one): (usize, &Assigned)| {
            let recipient = one.placed()?;
            Some(Placed {
                account,
                recipient,
                recovered: world.recovered(month, &accounts[account], recipient),
            })
        };
        let own: Vec<Placed> = assigned.iter().enumerate().filter_map(one).collect();
        course.unplaced += accounts.len() - own.len();
        course.months.push(net(world, month, &own));
        placed.push(own);
    }
    course
}

fn assign(world: &World, policy: Policy, month: usize, placed: &[Vec<Placed>]) -> Vec<Assigned> {
    let strategy = |method: &str, exploration: u32| {
        strategy(world, month, (method, exploration), MEASURING, DIMENSIONS)
    };
    match policy {
        Policy::Engine { exploration, performance, strata } => {
            let strategy =
                self::strategy(world, month, ("optimise", exploration), performance, strata);
            decided(world, month, strategy, placed).assigned
        }
        Policy::Equal => decided(world, month, strategy("equal", 0), placed).assigned,
        Policy::Score => decided(world, month, strategy("score", 0), placed).assigned,
        Policy::RawRate => {
            let equal = decided(world, month, strategy("equal", 0), placed);
            if equal.inputs.history.is_empty() {
                equal.assigned
            } else {
                by_values(&equal, &raw_values(&equal))
            }
        }
        Policy::Told(told, exploration) => {
            told_decision(world, month, told, strategy("optimise", exploration), placed).assigned
        }
        Policy::Clairvoyant => {
            let equal = decided(world, month, strategy("equal", 0), &[]);
            by_values(&equal, &true_values(world, month, &equal))
        }
    }
}

/// A strategy, from its file.
fn strategy(
    world: &World,
    month: usize,
    (method, exploration): (&str, u32),
    performance: &str,
    strata: &str,
) -> Strategy {
    let mut text = format!(
        "name = \"simulated\"\nmethod = \"{method}\"\nstrata = [{strata}]\nbalance_bands = [\"3000\", \"10000\", \"30000\"]\n\
         seed = {}\nexploration = \"{exploration}%\"\n[performance]\n{performance}\n",
        world.seed * 100 + month as u64
    );
    for (assignee, (most, _)) in world.assignees.iter().zip(&world.terms) {
        text += &format!("[[assignee]]\ncode = \"{}\"\nmax_share = \"{most}\"\n", assignee.code);
    }
    strategy::parse(&text, &world.lender, &world.assignees).expect("a strategy")
}

/// The product's decision of a month, knowing what was judged by its day and nothing else.
fn decided(world: &World, month: usize, strategy: Strategy, placed: &[Vec<Placed>]) -> Decision {
    let (history, begun) = history(world, month, &strategy, placed);
    let scorecard = rows(world, month, &strategy, &history, begun);
    let (recipients, candidates, currency) =
        (world.recipients(month), world.candidates(month), world.currency());
    decide(Inputs { strategy, recipients, candidates, history, scorecard, currency })
        .expect("limits that can be kept")
}

/// The product's decision when it is told something.
fn told_decision(
    world: &World,
    month: usize,
    told: Told,
    strategy: Strategy,
    placed: &[Vec<Placed>],
) -> Decision {
    let (mut history, begun) = history(world, month, &strategy, placed);
    let mut scorecard = rows(world, month, &strategy, &history, begun);
    if !history.is_empty() {
        let k = strategy.performance.credibility as f64;
        let effects: BTreeMap<String, f64> = match told {
            Told::Truth | Told::Effects => {
                let codes = world.assignees.iter().enumerate();
                codes
                    .map(|(place, assignee)| (assignee.code.clone(), world.effect(place, month, 0)))
                    .collect()
            }
            Told::Fitted => {
                let (rates, effects) = fitted(&history, k);
                history = history_of(
                    rates
                        .into_iter()
                        .map(|(group, rate)| (group.clone(), group[..2].to_string(), rate)),
                );
                effects
            }
        };
        if let Told::Truth = told {
            let truth = world.groups(month, &strategy.grouping);
            history = history_of(
                truth.into_iter().map(|(name, group)| (name, String::new(), group.rate)),
            );
        }
        for row in &mut scorecard {
            let effect = effects.get(&row.assignee).copied().unwrap_or(1.0);
            row.shrunk_index = Decimal::new((effect * 1e6).round() as i64, 6);
        }
    }
    let (recipients, candidates, currency) =
        (world.recipients(month), world.candidates(month), world.currency());
    decide(Inputs { strategy, recipients, candidates, history, scorecard, currency })
        .expect("limits that can be kept")
}

/// A history that says some rates.
fn history_of(rates: impl Iterator<Item = (String, String, f64)>) -> History {
    let mut history = History::default();
    for (group, bucket, rate) in rates {
        let balance = 1e12;
        history.add(
            &group,
            &bucket,
            "A01",
            Judged { balance: minor(balance), recovered: minor(rate * balance) },
        );
    }
    history
}

/// Rates of groups and effects of assignees for which both margins agree: what each group recovered, and what each
/// assignee did, is what its accounts were to be expected to recover. Effects are shrunk by credibility in every round.
fn fitted(history: &History, k: f64) -> (BTreeMap<String, f64>, BTreeMap<String, f64>) {
    let mut effects: BTreeMap<String, f64> =
        history.assignees().into_iter().map(|code| (code.to_string(), 1.0)).collect();
    let mut rates: BTreeMap<String, f64> = BTreeMap::new();
    for _ in 0..50 {
        let (mut expected, mut actual) =
            (BTreeMap::<&str, f64>::new(), BTreeMap::<&str, (f64, f64)>::new());
        for (group, cells) in &history.cells {
            let weighed: f64 =
                cells.iter().map(|(code, sums)| whole(sums.balance) * effects[code]).sum();
            let recovered: f64 = cells.values().map(|sums| whole(sums.recovered)).sum();
            let rate = recovered / weighed.max(1.0);
            rates.insert(group.clone(), rate);
            for (code, sums) in cells {
                *expected.entry(code).or_default() += whole(sums.balance) * rate;
                let own = actual.entry(code).or_default();
                *own = (own.0 + whole(sums.recovered), own.1 + sums.placements as f64);
            }
        }
        let next: Vec<(String, f64)> = actual
            .iter()
            .map(|(code, (recovered, n))| {
                let z = n / (n + k);
                ((*code).to_string(), z * recovered / expected[code].max(1.0) + 1.0 - z)
            })
            .collect();
        effects.extend(next);
    }
    (rates, effects)
}

/// What a run of a month may know: placements of the window whose horizon is past. And how many began in the window.
fn history(
    world: &World,
    month: usize,
    strategy: &Strategy,
    placed: &[Vec<Placed>],
) -> (History, Vec<i64>) {
    let (parameters, on) = (strategy.performance, World::day(month));
    let (mut history, mut begun) = (History::default(), vec![0; world.assignees.len()]);
    for (earlier, placed) in placed.iter().enumerate() {
        let day = World::day(earlier);
        if day < parameters.first_day(on) {
            continue;
        }
        placed.iter().for_each(|one| begun[one.recipient] += 1);
        if parameters.judges(day, on) {
            let mut group = String::new();
            for one in placed {
                let account = &world.months[earlier][one.account];
                let facts = &account.candidate.facts;
                let recovered = world.recovered_within(
                    parameters.horizon_days,
                    earlier,
                    account,
                    one.recipient,
                );
                group.clear();
                strategy.grouping.write(facts, &mut group);
                let judged = Judged { balance: facts.balance, recovered };
                history.add(&group, &facts.bucket, &world.assignees[one.recipient].code, judged);
            }
        }
    }
    (history, begun)
}

fn rows(
    world: &World,
    month: usize,
    strategy: &Strategy,
    history: &History,
    begun: Vec<i64>,
) -> Vec<Row> {
    let in_force = |code: &&String| world.versions.in_force(code, World::day(month)).is_some();
    let assignees: BTreeSet<String> =
        world.assignees.iter().map(|assignee| &assignee.code).filter(in_force).cloned().collect();
    let mut beside = BTreeMap::new();
    for ((assignee, placements), (_, evaluation)) in
        world.assignees.iter().zip(begun).zip(&world.terms)
    {
        let incidents = Incidents { evaluation: Some(*evaluation), ..Incidents::default() };
        beside.insert(assignee.code.clone(), Beside { incidents, placements });
    }
    let ground = Ground { assignees, beside, peers: strategy.peers() };
    scorecard(history, strategy.performance.credibility, &strategy.points, &ground)
}

/// What an account is worth to the naive rival: the raw rate of whoever has it, whatever the account. Who has none yet
/// is taken for as good as the book.
fn raw_values(equal: &Decision) -> Vec<Vec<i64>> {
    let history = &equal.inputs.history;
    let raw = |recipient: &Recipient| {
        let rate = history
            .of(&recipient.assignee.code)
            .rate()
            .or_else(|| history.book().rate())
            .unwrap_or_default();
        i64::try_from((rate * Decimal::from(1_000_000_000)).round().mantissa())
            .expect("a small number")
    };
    let raw: Vec<i64> = equal.inputs.recipients.iter().map(raw).collect();
    let of = |eligible: &Vec<usize>| eligible.iter().map(|recipient| raw[*recipient]).collect();
    equal.sorted.strata.iter().map(|stratum| of(&stratum.eligible)).collect()
}

/// What an account is worth in truth, net of the fee as the product expects it: the expectation of the product, told the
/// true rates, and the true effects bucket by bucket.
fn true_values(world: &World, month: usize, equal: &Decision) -> Vec<Vec<i64>> {
    let grouping = &equal.inputs.strategy.grouping;
    let truth = world.groups(month, grouping);
    let history =
        history_of(truth.iter().map(|(name, group)| (name.clone(), String::new(), group.rate)));
    let mut values: Vec<Vec<i64>> = vec![Vec::new(); equal.sorted.strata.len()];
    for bucket in 0..World::buckets() {
        let effect = |(place, recipient): (usize, &Recipient)| {
            let effect = world.effect(place, month, bucket);
            (recipient.assignee.code.clone(), Decimal::new((effect * 1e9).round() as i64, 9))
        };
        let recipients = &equal.inputs.recipients;
        let indices: BTreeMap<String, Decimal> =
            recipients.iter().enumerate().map(effect).collect();
        let (candidates, sorted) = (&equal.inputs.candidates, &equal.sorted);
        let found = expectations(&expectation::Ground {
            recipients,
            candidates,
            sorted,
            history: &history,
            indices: &indices,
            currency: world.currency(),
        })
        .expect("in range");
        for ((stratum, expectation), values) in
            equal.sorted.strata.iter().zip(&found).zip(&mut values)
        {
            if truth.get(&stratum.group).is_some_and(|group| group.bucket == bucket) {
                *values = expectation.worth.iter().map(|worth| worth.value).collect();
            }
        }
    }
    values
}

/// The exact programme with other values, within the limits of a decision, and its deal.
fn by_values(decision: &Decision, values: &[Vec<i64>]) -> Vec<Assigned> {
    let plan = &decision.plan;
    let strata = &decision.sorted.strata[..plan.given.len()];
    let cells = strata.iter().zip(values).zip(0..).flat_map(|((stratum, values), number)| {
        let cell = move |(recipient, value): (&usize, &i64)| Cell {
            stratum: number,
            recipient: *recipient as u16,
            value: *value,
        };
        stratum.eligible.iter().zip(values).map(cell)
    });
    let accounts: Vec<i64> = strata.iter().map(|stratum| stratum.accounts).collect();
    let given: i64 = plan.given.iter().flatten().sum();
    let programme = Programme {
        recipients: decision.inputs.recipients.len(),
        cells: cells.collect(),
        lower: plan.limits.lower.clone(),
        upper: plan.limits.upper.clone(),
        place_all: given == accounts.iter().sum::<i64>(),
        accounts,
    };
    let solved = solve(&programme).expect("limits that can be kept");
    let mut assigned = solved.assigned.into_iter();
    let given: Counts = strata
        .iter()
        .map(|stratum| assigned.by_ref().take(stratum.eligible.len()).collect())
        .collect();
    let plan = Plan { given, ..plan.clone() };
    let nobody = Assigned { recipient: None, stratum: None, fate: Fate::NoGate, together: 1 };
    let mut dealt = vec![nobody; decision.assigned.len()];
    deal(decision.inputs.strategy.seed, &decision.sorted, &plan, &mut dealt);
    dealt
}
