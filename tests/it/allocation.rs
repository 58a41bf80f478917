//! Laws of allocation that hold on every day (proptest): nothing is lost, no gate is passed, debtors stay together, limits
//! are kept, shares are what they are said to be – each recomputed here from the figures alone. And runs at once.

use std::collections::{BTreeMap, BTreeSet};

use consign::allocation::candidates::{Candidate, Candidates};
use consign::allocation::deal::Fate;
use consign::allocation::decide::{Decision, Inputs, decide};
use consign::allocation::files::{assignment_csv, strata_csv, strata_rows};
use consign::allocation::gates::Recipient;
use consign::allocation::plan::Infeasible;
use consign::allocation::programme::{Cell, ClashKind, Programme, solve};
use consign::allocation::reason::Why;
use consign::allocation::strata_table::StratumRow;
use consign::allocation::strategy;
use consign::allocation::{AllocationError, run};
use consign::contract::condition::Facts;
use consign::contract::{self, Version, Versions};
use consign::kernel::{Currency, Money};
use consign::party::{Assignee, AssigneeKind, Buckets, ContactPolicy, Lang, Lender, Names, Status};
use consign::performance::history::{History, Judged};
use consign::performance::scorecard::{Ground, scorecard, weights};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestCaseError;
use rust_decimal::Decimal;

use crate::support::{Book, by, cases, day, flat_contract, on_each_database};

// A random day ---------------------------------------------------------------------------------------------------------

/// An assignee, with what the strategy says of it.
#[derive(Clone, Debug)]
struct Party {
    team: bool,
    capacity: Option<i64>,
    open: i64,
    regions: Option<Vec<usize>>,
    products: Option<Vec<usize>>,
    /// 0 is none; status, licence, contract, evaluation, conduct.
    closed: usize,
    /// Which of the contracts it has.
    terms: usize,
    listed: bool,
    /// Twentieths, with fixed shares.
    share: i64,
    /// Percents.
    least: i64,
    most: i64,
}

#[derive(Clone, Debug)]
struct Debt {
    debtor: usize,
    balance: i64,
    days: i64,
    region: Option<usize>,
    product: Option<usize>,
    held_by: Vec<bool>,
}

#[derive(Clone, Debug)]
struct World {
    codes: Vec<String>,
    parties: Vec<Party>,
    debts: Vec<Debt>,
    /// Debtors who are with somebody.
    holders: BTreeMap<usize, usize>,
    method: &'static str,
    dimensions: Vec<&'static str>,
    exploration: i64,
    rotation: bool,
    seed: u32,
    /// Who, days past due, balance, what came of it.
    history: Vec<(usize, i64, i64, i64)>,
}

/// What random days are made of.
#[derive(Clone, Copy, Debug)]
struct Shape {
    methods: &'static [&'static str],
    parties: usize,
    debts: usize,
    gates: bool,
    capacities: bool,
    shares: bool,
    together: bool,
    holders: bool,
    exploration: bool,
}

const ALL: &[&str] = &["equal", "fixed", "score", "optimise"];
const ANYTHING: Shape = Shape {
    methods: ALL,
    parties: 5,
    debts: 60,
    gates: true,
    capacities: true,
    shares: true,
    together: true,
    holders: true,
    exploration: true,
};

const REGIONS: [&str; 3] = ["310000", "320000", "330000"];
const PRODUCTS: [&str; 2] = ["card", "loan"];
const DAYS: [i64; 4] = [20, 45, 75, 200];
const TERMS: [&str; 3] = [
    "[[fee]]\nname = \"all\"\nrate = \"20%\"\n",
    "[[fee]]\nname = \"young\"\nwhen = { days_past_due = { to = 60 } }\nrate = \"12%\"\n\n[[fee]]\nname = \"rest\"\nrate = \"33%\"\n",
    "[[fee]]\nname = \"large\"\nwhen = { balance = { from = \"500\" } }\nrate = \"8%\"\nper_payment = { min = \"25.00\" }\n\n\
     [[fee]]\nname = \"rest\"\ntiers = { measure = \"recovered\", over = \"month\", apply = \"marginal\", steps = [ { up_to = \"1000\", rate = \"20%\" }, { rate = \"25%\" } ] }\n",
];

fn when<T: std::fmt::Debug + Clone + 'static>(
    on: bool,
    none: T,
    some: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    if on { some.boxed() } else { Just(none).boxed() }
}

fn party(shape: Shape) -> impl Strategy<Value = Party> {
    let scope =
        |most: usize| prop::option::weighted(0.3, prop::collection::vec(0..most, 1..3)).boxed();
    let capacity = prop::option::weighted(0.5, 0_i64..40).boxed();
    let limits = prop_oneof![
        4 => Just((0, 100)),
        2 => (0_i64..20).prop_map(|least| (least, 100)),
        2 => (20_i64..100).prop_map(|most| (0, most)),
        1 => (0_i64..20, 0_i64..60).prop_map(|(least, more)| (least, least + more)),
    ];
    (
        any::<bool>(),
        when(shape.capacities, None, capacity),
        when(shape.capacities, 0, 0_i64..5),
        when(shape.gates, None, scope(REGIONS.len())),
        when(shape.gates, None, scope(PRODUCTS.len())),
        when(shape.gates, 0, prop_oneof![12 => Just(0_usize), 1 => 1_usize..6]),
        0..TERMS.len(),
        when(shape.gates, true, prop::bool::weighted(0.9)),
        0_i64..8,
        when(shape.shares, (0, 100), limits),
    )
        .prop_map(
            |(
                team,
                capacity,
                open,
                regions,
                products,
                closed,
                terms,
                listed,
                share,
                (least, most),
            )| Party {
                team,
                capacity,
                open,
                regions,
                products,
                closed,
                terms,
                listed,
                share,
                least,
                most,
            },
        )
}

fn debt(shape: Shape) -> impl Strategy<Value = Debt> {
    let debtors = if shape.together { shape.debts * 2 / 3 } else { 1 };
    (
        0..debtors.max(1),
        prop_oneof![1_i64..100_000, 1_i64..400],
        prop::sample::select(DAYS.to_vec()),
        when(shape.gates, None, prop::option::weighted(0.9, 0..REGIONS.len()).boxed()),
        when(shape.gates, None, prop::option::weighted(0.9, 0..PRODUCTS.len()).boxed()),
        prop::collection::vec(when(shape.gates, false, prop::bool::weighted(0.15)), shape.parties),
    )
        .prop_map(|(debtor, balance, days, region, product, held_by)| Debt {
            debtor,
            balance,
            days,
            region,
            product,
            held_by,
        })
}

fn worlds(shape: Shape) -> impl Strategy<Value = World> {
    let many_of_one = if shape.together { 0.25 } else { 0.0 };
    let history =
        (0..shape.parties, prop::sample::select(DAYS.to_vec()), 1_i64..90_000, 0_i64..60_000);
    let dimensions = prop::sample::subsequence(
        vec!["bucket", "balance_band", "product", "region", "level"],
        0..4,
    );
    (
        prop::collection::vec(party(shape), 1..=shape.parties),
        prop::collection::vec(debt(shape), 1..=shape.debts),
        prop::collection::btree_map(
            0..shape.debts,
            0..shape.parties,
            0..if shape.holders { 6 } else { 1 },
        ),
        prop::sample::select(shape.methods.to_vec()),
        dimensions,
        when(shape.exploration, 0, prop_oneof![2 => Just(0_i64), 2 => 1_i64..60]),
        (any::<bool>(), 0_u32..1000, prop::bool::weighted(many_of_one)),
        prop::collection::vec(history, 0..40),
    )
        .prop_map(
            move |(
                mut parties,
                mut debts,
                holders,
                method,
                dimensions,
                exploration,
                (rotation, seed, one),
                history,
            )| {
                let count = parties.len();
                parties[0].listed = true;
                let shares = Money(20).split(
                    &parties
                        .iter()
                        .map(|party| if party.listed { party.share } else { 0 })
                        .collect::<Vec<_>>(),
                );
                parties.iter_mut().zip(shares).for_each(|(party, share)| party.share = share.0);
                if parties.iter().all(|party| party.share == 0) {
                    parties[0].share = 20;
                }
                let most: i64 =
                    parties.iter().filter(|party| party.listed).map(|party| party.most).sum();
                parties[0].most = if most < 100 { 100 } else { parties[0].most };
                for (i, debt) in debts.iter_mut().enumerate() {
                    // One debtor with a dozen accounts, or everybody with one.
                    debt.debtor = match (shape.together, one && i < 12) {
                        (true, true) => 0,
                        (true, false) => debt.debtor,
                        (false, _) => i,
                    };
                    debt.held_by.truncate(count);
                }
                World {
                    codes: (0..count).map(|i| format!("A{:02}", i + 1)).collect(),
                    parties,
                    debts,
                    holders: if shape.holders {
                        holders.into_iter().filter(|(_, holder)| *holder < count).collect()
                    } else {
                        BTreeMap::new()
                    },
                    method,
                    dimensions,
                    exploration,
                    rotation: rotation && shape.gates,
                    seed,
                    history: history.into_iter().filter(|(who, ..)| *who < count).collect(),
                }
            },
        )
}

fn lender() -> Lender {
    Lender {
        code: "CFC".to_string(),
        name: "Example Consumer Finance".to_string(),
        currency: Currency::parse("CNY").unwrap(),
        timezone: "Asia/Shanghai".parse().unwrap(),
        language: Lang::En,
        buckets: Buckets::default(),
        contact_policy: ContactPolicy::default(),
    }
}

const ON: &str = "2026-06-01";

impl World {
    fn facts(&self, debt: &Debt) -> Facts {
        let before = debt
            .held_by
            .iter()
            .zip(&self.parties)
            .filter(|(held, party)| **held && !party.team)
            .count();
        Facts {
            days_past_due: debt.days,
            level: before as i64 + 1,
            balance: Money(debt.balance),
            bucket: Buckets::default().of(debt.days).to_string(),
            product: debt.product.map(|product| PRODUCTS[product].to_string()),
            region: debt.region.map(|region| REGIONS[region].to_string()),
            charged_off: false,
            legal: false,
        }
    }

    fn assignee(&self, i: usize) -> Assignee {
        let party = &self.parties[i];
        let names = |known: &[&str], scope: &Option<Vec<usize>>| {
            let named = scope.as_ref()?.iter().map(|one| known[*one].to_string());
            Some(Names(named.collect()))
        };
        Assignee {
            code: self.codes[i].clone(),
            name: self.codes[i].clone(),
            kind: if party.team { AssigneeKind::Team } else { AssigneeKind::Agency },
            capacity: party.capacity,
            regions: names(&REGIONS, &party.regions),
            products: names(&PRODUCTS, &party.products),
            status: if party.closed == 1 { Status::Suspended } else { Status::Active },
            licence_expires_on: Some(day(if party.closed == 2 { "2026-05-31" } else { ON })),
            evaluated_on: Some(day(if party.closed == 4 { "2025-05-31" } else { "2025-06-01" })),
        }
    }

    fn strategy_text(&self) -> String {
        let strata = if self.dimensions.is_empty() {
            String::new()
        } else {
            format!("strata = {:?}\n", self.dimensions)
        };
        let mut text = format!(
            "name = \"w\"\nmethod = \"{}\"\n{}balance_bands = [\"10\", \"300\"]\nseed = {}\nrotation = {}\nexploration = \"{}%\"\n\n\
             [performance]\ncredibility = 20\n",
            self.method, strata, self.seed, self.rotation, self.exploration
        );
        for (code, party) in self.codes.iter().zip(&self.parties).filter(|(_, party)| party.listed)
        {
            let share = if self.method == "fixed" {
                format!("share = \"{}%\"\n", party.share * 5)
            } else {
                String::new()
            };
            text += &format!(
                "\n[[assignee]]\ncode = \"{code}\"\n{share}min_share = \"{}%\"\nmax_share = \"{}%\"\n",
                party.least, party.most
            );
        }
        text
    }

    /// The listed parties in order of code.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.parties.len()).filter(|i| self.parties[*i].listed).collect();
        order.sort_by(|a, b| self.codes[*a].cmp(&self.codes[*b]));
        order
    }

    fn inputs(&self) -> Inputs {
        let lender = lender();
        let assignees: Vec<Assignee> = (0..self.parties.len()).map(|i| self.assignee(i)).collect();
        let strategy = strategy::parse(&self.strategy_text(), &lender, &assignees).unwrap();
        let contract = |i: &usize| {
            let code = &self.codes[*i];
            let head = format!(
                "code = \"K-{code}\"\nagency = \"{code}\"\neffective_from = 2026-01-01\nterm_days = 90\n\n"
            );
            let terms = contract::parse(
                &format!("{head}{}", TERMS[self.parties[*i].terms]),
                &lender,
                &assignees,
            )
            .unwrap();
            Version { number: 1, seq: 1, sha256: String::new(), stands_for: 1, terms }
        };
        let with_contract =
            (0..self.parties.len()).filter(|i| self.parties[*i].closed != 3).collect::<Vec<_>>();
        let versions = Versions(with_contract.iter().map(contract).collect());
        let recipient = |i: usize| {
            Recipient::on(
                &assignees[i],
                &versions,
                self.parties[i].open,
                self.parties[i].closed == 5,
                day(ON),
            )
        };
        let recipients = self.order().into_iter().map(recipient).collect();
        let mut history = History::default();
        for (who, days, balance, recovered) in &self.history {
            let debt = Debt {
                debtor: 0,
                balance: *balance,
                days: *days,
                region: None,
                product: None,
                held_by: vec![],
            };
            let facts = self.facts(&debt);
            let judged = Judged { balance: Money(*balance), recovered: Money(*recovered) };
            history.add(&strategy.grouping.group(&facts), &facts.bucket, &self.codes[*who], judged);
        }
        let ground = Ground {
            assignees: with_contract.iter().map(|i| self.codes[*i].clone()).collect(),
            ..Ground::default()
        };
        let scorecard =
            scorecard(&history, strategy.performance.credibility, &strategy.points, &ground);
        Inputs {
            recipients,
            candidates: self.candidates(),
            history,
            scorecard,
            currency: lender.currency,
            strategy,
        }
    }

    fn candidates(&self) -> Candidates {
        let candidate = |(i, debt): (usize, &Debt)| {
            let facts = self.facts(debt);
            let held_by = self
                .codes
                .iter()
                .zip(&debt.held_by)
                .filter(|(_, held)| **held)
                .map(|(code, _)| code.clone())
                .collect();
            Candidate {
                account_no: format!("{i:03}"),
                debtor_ref: format!("d{:03}", debt.debtor),
                agencies_before: facts.level - 1,
                owed: facts.balance,
                facts,
                held_by,
                last_holder: None,
            }
        };
        let holders = self
            .holders
            .iter()
            .map(|(debtor, holder)| (format!("d{debtor:03}"), self.codes[*holder].clone()));
        Candidates {
            accounts: self.debts.iter().enumerate().map(candidate).collect(),
            debtor_holders: holders.collect(),
            left: BTreeMap::new(),
        }
    }

    fn decide(&self) -> Result<Decision, Infeasible> {
        decide(self.inputs()).map_err(|why| match why {
            AllocationError::Infeasible(clash) => clash,
            other => panic!("{other}"),
        })
    }

    /// Whether a party's gates are open to an account, from the rules as they are written.
    fn may_take(&self, i: usize, debt: &Debt) -> bool {
        let party = &self.parties[i];
        let within = |scope: &Option<Vec<usize>>, value: Option<usize>| {
            scope.as_ref().is_none_or(|scope| value.is_some_and(|value| scope.contains(&value)))
        };
        party.closed == 0
            && self.room(i) != Some(0)
            && within(&party.regions, debt.region)
            && within(&party.products, debt.product)
            && !(self.rotation && debt.held_by[i])
    }

    fn room(&self, i: usize) -> Option<i64> {
        self.parties[i].capacity.map(|capacity| (capacity - self.parties[i].open).max(0))
    }

    /// Strata in order of their names: the name, who may take them, how many accounts.
    fn strata(&self) -> Vec<(String, Vec<usize>, i64)> {
        let grouping = strategy::parse(
            &self.strategy_text(),
            &lender(),
            &(0..self.parties.len()).map(|i| self.assignee(i)).collect::<Vec<_>>(),
        )
        .unwrap()
        .grouping;
        let mut debtors: BTreeMap<usize, Vec<&Debt>> = BTreeMap::new();
        self.debts
            .iter()
            .filter(|debt| !self.holders.contains_key(&debt.debtor))
            .for_each(|debt| debtors.entry(debt.debtor).or_default().push(debt));
        let mut strata: BTreeMap<String, (Vec<usize>, i64)> = BTreeMap::new();
        for own in debtors.values() {
            let largest = own.iter().rev().max_by_key(|debt| debt.balance).unwrap();
            let open: Vec<usize> = self
                .order()
                .into_iter()
                .filter(|i| own.iter().all(|debt| self.may_take(*i, debt)))
                .collect();
            let codes: Vec<&str> = open.iter().map(|i| self.codes[*i].as_str()).collect();
            let group = grouping.group(&self.facts(largest));
            let name = if group.is_empty() {
                codes.join("+")
            } else {
                format!("{group}|{}", codes.join("+"))
            };
            strata.entry(name).or_insert((open, 0)).1 += own.len() as i64;
        }
        strata.into_iter().map(|(name, (open, accounts))| (name, open, accounts)).collect()
    }
}

/// Who gets how many accounts, by code.
fn given(decision: &Decision) -> BTreeMap<String, i64> {
    decision.totals().unwrap().into_iter().map(|(code, total)| (code, total.accounts)).collect()
}

fn part(percent: i64, of: i64, up: bool) -> i64 {
    if up { (percent * of + 99) / 100 } else { percent * of / 100 }
}

// What holds on every day -----------------------------------------------------------------------------------------------

fn assert_lawful(world: &World, decision: &Decision) -> Result<(), TestCaseError> {
    let code_of = |index: usize| decision.code(&decision.assigned[index]).map(str::to_string);
    prop_assert_eq!(decision.assigned.len(), world.debts.len());
    let csv = String::from_utf8(assignment_csv(decision, Lang::En).unwrap()).unwrap();
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    prop_assert_eq!(rows.len(), world.debts.len());
    for (index, (debt, row)) in world.debts.iter().zip(&rows).enumerate() {
        let one = &decision.assigned[index];
        let why = decision.why(index, one);
        prop_assert_eq!(Why::parse(&why.to_string()), Some(why.clone()), "{}", why);
        prop_assert_eq!(&row[0], format!("{index:03}"), "in order of account number");
        prop_assert!(row[6].len() > 8, "account {} has no reason: {:?}", index, row);
        prop_assert_eq!(&row[1], code_of(index).unwrap_or_default());
        if let Some(code) = code_of(index) {
            let recipient = world.codes.iter().position(|known| *known == code).unwrap();
            prop_assert!(
                world.may_take(recipient, debt),
                "account {} went through a closed gate of {}",
                index,
                code
            );
            prop_assert!(world.parties[recipient].listed, "{} takes no part", code);
            if let Some(holder) = world.holders.get(&debt.debtor) {
                prop_assert_eq!(*holder, recipient, "account {} left its debtor", index);
            }
            prop_assert!(row[6].contains(&code) && !row[5].is_empty(), "{:?}", row);
        } else {
            prop_assert!(row[5].is_empty());
            // Nothing is left while the rules would let somebody have it and has room.
            if one.fate == Fate::NoGate {
                let own: Vec<&Debt> =
                    world.debts.iter().filter(|other| other.debtor == debt.debtor).collect();
                let open = world
                    .order()
                    .into_iter()
                    .find(|i| own.iter().all(|other| world.may_take(*i, other)));
                prop_assert!(
                    open.is_none(),
                    "account {} is left though {:?} may take it",
                    index,
                    open
                );
            }
        }
    }
    for (a, debt) in world.debts.iter().enumerate() {
        for (b, _) in world
            .debts
            .iter()
            .enumerate()
            .skip(a + 1)
            .filter(|(_, other)| other.debtor == debt.debtor)
        {
            let follows = world.holders.contains_key(&debt.debtor);
            let (a_code, b_code) = (code_of(a), code_of(b));
            prop_assert!(
                a_code == b_code || (follows && (a_code.is_none() || b_code.is_none())),
                "{} and {} are one debtor's",
                a,
                b
            );
        }
    }
    let allocated = decision.placed() as i64;
    for (code, accounts) in given(decision) {
        let recipient = world.codes.iter().position(|known| *known == code).unwrap();
        prop_assert!(
            world.room(recipient).is_none_or(|room| accounts <= room),
            "{} gets {} of {:?}",
            code,
            accounts,
            world.room(recipient)
        );
    }
    let dealt: i64 = decision.dealt.0.iter().chain(&decision.dealt.1).flatten().sum();
    let followed = decision.assigned.iter().filter(|one| one.fate == Fate::Followed).count() as i64;
    prop_assert_eq!(dealt + followed, allocated);
    Ok(())
}

/// Shares are shares of the accounts allocated in the run; those that keeping debtors together left without room, or
/// that found none, are counted in when `with_left`.
fn assert_max_shares(
    world: &World,
    decision: &Decision,
    with_left: bool,
) -> Result<(), TestCaseError> {
    let left = decision
        .assigned
        .iter()
        .filter(|one| matches!(one.fate, Fate::NoRoomTogether | Fate::Full | Fate::NoShare))
        .count();
    let allocated = (decision.placed() + if with_left { left } else { 0 }) as i64;
    for (code, accounts) in given(decision) {
        let party = &world.parties[world.codes.iter().position(|known| *known == code).unwrap()];
        let most = part(party.most, allocated, false);
        let kept = party.most == 100 || accounts <= most;
        prop_assert!(
            kept,
            "{} gets {} of {}, {}% are {}",
            code,
            accounts,
            allocated,
            party.most,
            most
        );
    }
    Ok(())
}

fn assert_min_shares(world: &World, decision: &Decision) -> Result<(), TestCaseError> {
    let (given, allocated) = (given(decision), decision.placed() as i64);
    for i in world.order() {
        let least = part(world.parties[i].least, allocated, true);
        let got = given.get(&world.codes[i]).copied().unwrap_or(0);
        prop_assert!(
            got >= least,
            "{} gets {} of {}, {}% are {}",
            world.codes[i],
            got,
            allocated,
            world.parties[i].least,
            least
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_account_is_placed_lawfully_or_left_with_a_reason(world in worlds(ANYTHING)) {
        if let Ok(decision) = world.decide() {
            assert_lawful(&world, &decision)?;
        }
    }

    #[test]
    fn a_greatest_share_is_never_exceeded(
        world in worlds(Shape { methods: &["equal", "score", "optimise"], capacities: false, together: false, ..ANYTHING }),
    ) {
        if let Ok(decision) = world.decide() {
            assert_max_shares(&world, &decision, false)?;
        }
    }

    #[test]
    fn a_greatest_share_is_never_exceeded_when_room_is_short(
        world in worlds(Shape { methods: &["equal", "fixed", "score"], together: false, holders: false, ..ANYTHING }),
    ) {
        if let Ok(decision) = world.decide() {
            assert_max_shares(&world, &decision, false)?;
        }
    }

    #[test]
    fn a_greatest_share_of_what_could_be_placed_is_never_exceeded(world in worlds(Shape { holders: false, ..ANYTHING })) {
        if let Ok(decision) = world.decide() {
            assert_max_shares(&world, &decision, true)?;
        }
    }

    #[test]
    fn a_least_share_is_kept_where_no_debtor_has_several_accounts(world in worlds(Shape { together: false, holders: false, ..ANYTHING })) {
        if let Ok(decision) = world.decide() {
            assert_min_shares(&world, &decision)?;
        }
    }
}

// Refusals --------------------------------------------------------------------------------------------------------------

/// The limits of a run as the strata table has them, and what no plan can do better, by looking at every set of recipients.
struct Limits {
    recipients: Vec<usize>,
    strata: Vec<(String, Vec<usize>, i64)>,
    lower: BTreeMap<usize, i64>,
    upper: BTreeMap<usize, Option<i64>>,
    base: i64,
    /// Whether as many accounts as there is room for must be placed; where room is short the optimum may leave more.
    all: bool,
}

impl Limits {
    fn of(world: &World) -> Limits {
        let recipients = world.order();
        let strata: Vec<_> =
            world.strata().into_iter().filter(|(_, open, _)| !open.is_empty()).collect();
        // Who has no share, or stands on no scorecard, takes nothing.
        let scored = world.method == "score" && !world.history.is_empty();
        let shut = |i: usize| {
            (world.method == "fixed" && world.parties[i].share == 0)
                || (scored
                    && world.parties[i].closed == 3
                    && world.history.iter().all(|(who, ..)| *who != i))
        };
        let rooms: BTreeMap<usize, Option<i64>> = recipients
            .iter()
            .map(|i| (*i, if shut(*i) { Some(0) } else { world.room(*i) }))
            .collect();
        let mut limits =
            Limits { recipients, strata, lower: BTreeMap::new(), upper: rooms, base: 0, all: true };
        limits.base = limits.most_placed();
        let accounts: i64 = limits.strata.iter().map(|(.., accounts)| accounts).sum();
        limits.all =
            limits.base == accounts || world.method != "optimise" || world.history.is_empty();
        for i in limits.recipients.clone() {
            let party = &world.parties[i];
            limits.lower.insert(i, part(party.least, limits.base, true));
            let share = (party.most < 100).then(|| part(party.most, limits.base, false));
            let both = [limits.upper[&i], share].into_iter().flatten().min();
            limits.upper.insert(i, both);
        }
        limits
    }

    fn sets(&self) -> impl Iterator<Item = Vec<usize>> + '_ {
        (0..1_usize << self.recipients.len()).map(|bits| {
            self.recipients
                .iter()
                .enumerate()
                .filter(|(place, _)| bits >> place & 1 == 1)
                .map(|(_, i)| *i)
                .collect()
        })
    }

    fn most(&self, set: &[usize]) -> Option<i64> {
        set.iter().map(|i| self.upper[i]).sum()
    }

    fn least(&self, set: &[usize]) -> i64 {
        set.iter().map(|i| self.lower[i]).sum()
    }

    /// Accounts of strata open to nobody outside the set.
    fn only(&self, set: &[usize]) -> i64 {
        self.strata
            .iter()
            .filter(|(_, open, _)| open.iter().all(|i| set.contains(i)))
            .map(|(.., accounts)| accounts)
            .sum()
    }

    /// Accounts of strata open to somebody of the set.
    fn touching(&self, set: &[usize]) -> i64 {
        self.strata
            .iter()
            .filter(|(_, open, _)| open.iter().any(|i| set.contains(i)))
            .map(|(.., accounts)| accounts)
            .sum()
    }

    /// The least cut: what a set may take, and everything open to others.
    fn most_placed(&self) -> i64 {
        let all: i64 = self.strata.iter().map(|(.., accounts)| accounts).sum();
        self.sets()
            .filter_map(|set| Some(self.most(&set)? + all - self.only(&set)))
            .min()
            .unwrap_or(all)
            .min(all)
    }

    /// Whether some plan gives everybody at least the least and at most the most and places the base. Plans that reach
    /// all minimums and plans that place everything within the maximums can be made one (Mendelsohn and Dulmage).
    fn feasible(&self) -> bool {
        let crossed =
            self.recipients.iter().any(|i| self.upper[i].is_some_and(|most| self.lower[i] > most));
        let starved = self.sets().any(|set| self.least(&set) > self.touching(&set));
        let placed = self.least(&self.recipients) <= self.base && self.most_placed() >= self.base;
        !crossed && !starved && (placed || !self.all)
    }
}

fn assert_true_refusal(world: &World, refused: &Infeasible) -> Result<(), TestCaseError> {
    let limits = Limits::of(world);
    // Where capacity is short the optimum leaves accounts, shares are then shares of fewer, and so are the limits.
    if !limits.all {
        return Ok(());
    }
    prop_assert!(!limits.feasible(), "refused though it can be done: {}", refused);
    prop_assert!(refused.needed > refused.available, "{}", refused);
    prop_assert!(
        !refused.assignees.is_empty() || refused.kind == ClashKind::Maximums,
        "{}",
        refused
    );
    let message = refused.to_string();
    for word in refused
        .assignees
        .iter()
        .cloned()
        .chain([refused.needed.to_string(), refused.available.to_string()])
    {
        prop_assert!(message.contains(&word), "\"{}\" does not name {}", message, word);
    }
    let set: Vec<usize> = refused
        .assignees
        .iter()
        .map(|code| world.codes.iter().position(|known| known == code).unwrap())
        .collect();
    let (needed, available) = match refused.kind {
        ClashKind::Crossed => (limits.least(&set), limits.most(&set)),
        ClashKind::Maximums => (limits.only(&set), limits.most(&set)),
        ClashKind::Minimums => (limits.least(&set), Some(limits.touching(&set))),
    };
    prop_assert_eq!(
        (refused.needed, Some(refused.available)),
        (needed.into(), available.map(i128::from)),
        "{}",
        refused
    );
    Ok(())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_refusal_is_true(world in worlds(Shape { debts: 30, exploration: false, holders: false, ..ANYTHING })) {
        match world.decide() {
            Err(refused) => assert_true_refusal(&world, &refused)?,
            Ok(_) => prop_assert!(Limits::of(&world).feasible(), "done though it cannot be"),
        }
    }

    #[test]
    fn a_refusal_is_true_with_exploration(world in worlds(Shape { debts: 30, holders: false, ..ANYTHING })) {
        // Who has no share is explored all the same.
        prop_assume!(world.method != "fixed" || world.parties.iter().all(|party| party.share > 0));
        match world.decide() {
            Err(refused) => assert_true_refusal(&world, &refused)?,
            Ok(_) => prop_assert!(Limits::of(&world).feasible(), "done though it cannot be"),
        }
    }
}

// Shares ----------------------------------------------------------------------------------------------------------------

/// 1 to 20 divide it, so that shares of a stratum are whole numbers of it.
const WHOLE: i64 = 232_792_560;

/// Every stratum by largest remainder with what earlier ones carried; ties to the earlier code.
fn recomputed(world: &World) -> Vec<(String, Vec<i64>)> {
    let weight = |i: usize| if world.method == "fixed" { world.parties[i].share } else { 1 };
    let mut carried: BTreeMap<usize, i64> = BTreeMap::new();
    let mut counts = Vec::new();
    for (name, open, accounts) in world.strata().into_iter().filter(|(_, open, _)| !open.is_empty())
    {
        let sum: i64 = open.iter().map(|i| weight(*i)).sum();
        let wanted: Vec<i64> = open
            .iter()
            .map(|i| accounts * weight(*i) * (WHOLE / sum) + carried.get(i).copied().unwrap_or(0))
            .collect();
        let mut got: Vec<i64> =
            wanted.iter().map(|wanted| wanted.div_euclid(WHOLE).max(0)).collect();
        let short = |place: usize, got: &[i64]| wanted[place] - got[place] * WHOLE;
        while got.iter().sum::<i64>() < accounts {
            let next = (0..got.len())
                .max_by_key(|place| (short(*place, &got), std::cmp::Reverse(*place)))
                .unwrap();
            got[next] += 1;
        }
        while got.iter().sum::<i64>() > accounts {
            let next = (0..got.len())
                .filter(|place| got[*place] > 0)
                .min_by_key(|place| (short(*place, &got), std::cmp::Reverse(*place)))
                .unwrap();
            got[next] -= 1;
        }
        for (place, i) in open.iter().enumerate() {
            carried.insert(*i, short(place, &got));
        }
        counts.push((name, got));
    }
    counts
}

const PLAIN: Shape = Shape {
    gates: false,
    capacities: false,
    shares: false,
    together: false,
    holders: false,
    exploration: false,
    ..ANYTHING
};

/// By stratum, how many accounts each of those open to it got.
fn by_stratum(rows: &[StratumRow]) -> Vec<(String, Vec<i64>)> {
    let mut counts: Vec<(String, Vec<i64>)> = Vec::new();
    for row in rows {
        match counts.last_mut().filter(|(name, _)| *name == row.stratum) {
            Some((_, counts)) => counts.push(row.assigned),
            None => counts.push((row.stratum.clone(), vec![row.assigned])),
        }
    }
    counts
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_stratum_is_split_by_largest_remainder_with_what_was_carried(
        mut world in worlds(Shape { methods: &["equal", "fixed"], gates: true, ..PLAIN }),
    ) {
        // Every party has a share, so that no stratum is without.
        world.parties.iter_mut().for_each(|party| party.listed = true);
        let shares = Money(20 - world.parties.len() as i64).split(&world.parties.iter().map(|party| party.share).collect::<Vec<_>>());
        world.parties.iter_mut().zip(shares).for_each(|(party, share)| party.share = share.0 + 1);
        let decision = world.decide().unwrap();
        prop_assert_eq!(by_stratum(&strata_rows(&decision)), recomputed(&world));
    }

    #[test]
    fn over_the_run_nobody_is_an_account_from_its_share(world in worlds(Shape { methods: &["equal", "fixed", "score"], ..PLAIN })) {
        let decision = world.decide().unwrap();
        prop_assert_eq!(decision.placed(), world.debts.len());
        let recipients = world.order();
        let score = |i: &usize| decision.inputs.scorecard.iter().find(|row| row.assignee == world.codes[*i]).unwrap().score;
        let weight: Vec<Decimal> = match decision.method().name() {
            "fixed" => recipients.iter().map(|i| Decimal::from(world.parties[*i].share)).collect(),
            "score" => weights(&recipients.iter().map(score).collect::<Vec<_>>(), decision.inputs.strategy.points.tie_margin),
            _ => recipients.iter().map(|_| Decimal::ONE).collect(),
        };
        let (given, sum) = (given(&decision), weight.iter().sum::<Decimal>());
        for (i, weight) in recipients.iter().zip(&weight) {
            let got = Decimal::from(given.get(&world.codes[*i]).copied().unwrap_or(0));
            let share = Decimal::from(world.debts.len()) * *weight / sum;
            prop_assert!((got - share).abs() < Decimal::ONE, "{} got {}, its share is {}", world.codes[*i], got, share);
        }
    }
}

// Exploration -------------------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn the_explored_share_is_exact_and_split_equally(world in worlds(Shape { exploration: true, ..PLAIN })) {
        let decision = world.decide().unwrap();
        let rows = strata_rows(&decision);
        let explored: i64 = rows.iter().map(|row| row.explored).sum();
        let counted = decision.assigned.iter().filter(|one| one.fate == Fate::Explored).count() as i64;
        prop_assert_eq!(explored, counted);
        let exact = world.exploration * world.debts.len() as i64;
        prop_assert!((explored * 100 - exact).abs() < 100, "{} explored, {}% of {}", explored, world.exploration, world.debts.len());
        let recipients = world.order().len() as i64;
        for code in world.order().into_iter().map(|i| &world.codes[i]) {
            let own: i64 = rows.iter().filter(|row| row.assignee == *code).map(|row| row.explored).sum();
            prop_assert!((own * recipients - explored).abs() < recipients, "{} explores {} of {} among {}", code, own, explored, recipients);
        }
        // The fair sample is held back before the method places the rest, account by account.
        for (name, _, accounts) in world.strata() {
            let own: Vec<&StratumRow> = rows.iter().filter(|row| row.stratum == name).collect();
            prop_assert_eq!(own.iter().map(|row| row.assigned).sum::<i64>(), accounts);
            let (least, most) = (own.iter().map(|row| row.explored).min(), own.iter().map(|row| row.explored).max());
            prop_assert!(most.unwrap() - least.unwrap() <= 2, "explored in {}: {:?} to {:?}", name, least, most);
        }
    }
}

// The optimum -------------------------------------------------------------------------------------------------------------

/// The programme that a strata table prints, less what each row explores anyhow.
fn programme_of(rows: &[StratumRow], place_all: bool) -> Programme {
    let mut recipients: Vec<&str> = rows.iter().map(|row| row.assignee.as_str()).collect();
    recipients.sort_unstable();
    recipients.dedup();
    let explored = |of: &dyn Fn(&&StratumRow) -> bool| {
        rows.iter().filter(of).map(|row| row.explored).sum::<i64>()
    };
    let left = |row: &StratumRow| row.accounts - explored(&|other| other.stratum == row.stratum);
    let mut strata: Vec<(&str, i64)> =
        rows.iter().map(|row| (row.stratum.as_str(), left(row))).collect();
    strata.dedup();
    let limits = |recipient: &&str| {
        let own = explored(&|row| row.assignee == *recipient);
        let row = rows.iter().find(|row| row.assignee == *recipient).unwrap();
        ((row.min_accounts - own).max(0), row.max_accounts - own)
    };
    let cell = |row: &StratumRow| Cell {
        stratum: strata.iter().position(|(name, _)| *name == row.stratum).unwrap() as u32,
        recipient: recipients.iter().position(|recipient| *recipient == row.assignee).unwrap()
            as u16,
        value: row.value,
    };
    Programme {
        accounts: strata.iter().map(|(_, accounts)| *accounts).collect(),
        recipients: recipients.len(),
        cells: rows.iter().map(cell).collect(),
        lower: recipients.iter().map(|recipient| limits(recipient).0).collect(),
        upper: recipients.iter().map(|recipient| Some(limits(recipient).1)).collect(),
        place_all,
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn the_optimum_is_the_programme_of_its_strata_table_solved_again(
        world in worlds(Shape { methods: &["optimise"], together: false, holders: false, ..ANYTHING }),
    ) {
        let Ok(decision) = world.decide() else { return Ok(()) };
        let Some(optimum) = decision.plan.optimum.clone() else { return Ok(()) };
        let rows = strata_rows(&decision);
        let worth: i128 = rows.iter().map(|row| i128::from(row.value) * i128::from(row.assigned)).sum();
        prop_assert_eq!((worth, decision.dealt_worth, optimum.bound), (decision.plan.objective, worth, worth));
        let again = solve(&programme_of(&rows, true)).or_else(|_| solve(&programme_of(&rows, false))).unwrap();
        let explored: i128 = rows.iter().map(|row| i128::from(row.value) * i128::from(row.explored)).sum();
        prop_assert_eq!(again.objective + explored, worth);
        for (other, compared) in [("equal", decision.plan.equal), ("score", decision.plan.score)] {
            let plan = World { method: other, ..world.clone() }.decide().map(|decision| decision.plan);
            match (compared, plan) {
                (Some(compared), Ok(plan)) => {
                    prop_assert!(compared <= worth, "{} brings {}, the optimum {}", other, compared, worth);
                    // Where limits make exploration give way, each method explores what its own shares allow.
                    if plan.explored == decision.plan.explored {
                        prop_assert_eq!(plan.objective, compared);
                    }
                }
                // What leaves accounts without room is not compared.
                (None, Ok(_)) if decision.placed() < decision.assigned.len() => {}
                (None, Ok(plan)) => prop_assert!(world.exploration > 0, "{} would bring {}, but the run does not say so", other, plan.objective),
                (Some(_), Err(refused)) => prop_assert!(false, "{} is compared and refused: {}", other, refused),
                (None, Err(_)) => {}
            }
        }
    }

    #[test]
    fn keeping_debtors_together_costs_what_the_run_says(
        world in worlds(Shape { methods: &["optimise"], capacities: false, shares: false, ..ANYTHING }),
    ) {
        let Ok(decision) = world.decide() else { return Ok(()) };
        let rows = strata_rows(&decision);
        let dealt: i128 = rows.iter().map(|row| i128::from(row.value) * i128::from(row.assigned)).sum();
        prop_assert_eq!(dealt, decision.dealt_worth);
        if decision.plan.optimum.is_some() && world.exploration == 0 {
            prop_assert!(dealt <= decision.plan.objective, "{} dealt, the optimum is {}", dealt, decision.plan.objective);
        }
    }
}

/// Two assignees without limits; 20 % of everything, and 12 % up to 60 days past due, 33 % after.
fn worked() -> World {
    let party = |terms: usize| Party {
        team: false,
        capacity: None,
        open: 0,
        regions: None,
        products: None,
        closed: 0,
        terms,
        listed: true,
        share: 10,
        least: 0,
        most: 100,
    };
    let debt = |debtor: usize, balance: i64, days: i64, product: Option<usize>| Debt {
        debtor,
        balance,
        days,
        region: None,
        product,
        held_by: vec![false, false],
    };
    World {
        codes: vec!["A01".to_string(), "A02".to_string()],
        parties: vec![party(0), party(1)],
        debts: vec![
            debt(0, 10_000, 20, None),
            debt(1, 30_000, 45, Some(0)),
            debt(2, 50_000, 45, Some(0)),
            debt(3, 10_000, 75, None),
        ],
        holders: BTreeMap::new(),
        method: "optimise",
        dimensions: vec!["bucket", "product"],
        exploration: 0,
        rotation: false,
        seed: 1,
        history: vec![
            (0, 45, 100_000, 20_000),
            (1, 45, 100_000, 10_000),
            (0, 200, 100_000, 50_000),
        ],
    }
}

#[test]
fn the_strata_table_and_the_optimum_worked_out_by_hand() {
    let decision = worked().decide().unwrap();
    // Pooled: M2 30,000 ÷ 200,000 = 15 %, M7+ 50 %, the book 80,000 ÷ 300,000 = 26.666667 %. M2 of cards has no history of
    // its own and takes its bucket's rate, M1 and M3 the book's.
    // A01 recovered 700.00 of 1,000 × 15 % + 1,000 × 50 % = 650.00: 1.076923, with Z = 2 ÷ 22 1.006993. A02 100.00 of
    // 150.00: 0.666667, with Z = 1 ÷ 21 0.984127.
    // M2: the mean of 300.00 and 500.00 × 15 % × 1.006993 × 0.80 = 48.335664, × 0.984127 × 0.88 = 51.961906.
    // M1: 100.00 × 26.666667 % × 1.006993 × 0.80 = 21.482518, × 0.984127 × 0.88 = 23.094181. M3: 33 % of fee, 17.583069.
    let shown: Vec<String> = strata_rows(&decision)
        .iter()
        .map(|row| {
            let (rate, index, fee) =
                (row.stratum_rate.normalize(), row.index, row.fee_rate.normalize());
            format!(
                "{} {} {} {rate} {index} {fee} {} {}",
                row.stratum, row.assignee, row.accounts, row.value, row.assigned
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "M1|-|A01+A02 A01 1 0.26666667 1.006993 0.2 21482518 0",
            "M1|-|A01+A02 A02 1 0.26666667 0.984127 0.12 23094181 1",
            "M2|card|A01+A02 A01 2 0.15 1.006993 0.2 48335664 0",
            "M2|card|A01+A02 A02 2 0.15 0.984127 0.12 51961906 2",
            "M3|-|A01+A02 A01 1 0.26666667 1.006993 0.2 21482518 1",
            "M3|-|A01+A02 A02 1 0.26666667 0.984127 0.33 17583069 0",
        ]
    );
    assert_eq!(decision.plan.objective, 23_094_181 + 2 * 51_961_906 + 21_482_518);
    let expected: Vec<i64> =
        (0..4).map(|i| decision.expected(i, &decision.assigned[i]).unwrap().unwrap().0).collect();
    // Balance × rate × index: 100.00 × 0.26666667 × 0.984127 = 26.24; 300.00 and 500.00 × 0.15 × 0.984127 = 44.29 and
    // 73.81; 100.00 × 0.26666667 × 1.006993 = 26.85.
    assert_eq!(expected, [2_624, 4_429, 7_381, 2_685]);
}

#[test]
fn scores_that_tie_share_equally_and_others_in_proportion() {
    let score = |text: &str| text.parse::<Decimal>().unwrap();
    let scores = ["93.59", "92.90", "93.37", "46.00"].map(score);
    // 93.59 and 93.37 tie: both weigh their mean. 92.90 is 0.69 from the best and stands alone.
    assert_eq!(weights(&scores, score("0.50")), ["93.48", "92.90", "93.48", "46.00"].map(score));
}

// The same again ------------------------------------------------------------------------------------------------------------

fn files(decision: &Decision) -> [Vec<u8>; 3] {
    let assignment = |t: Lang| assignment_csv(decision, t).unwrap();
    [assignment(Lang::En), assignment(Lang::Zh), strata_csv(decision).unwrap()]
}

/// Stratum, assignee's place, what the method gave and what exploration gave.
fn counts(world: &World, decision: &Decision) -> Vec<(usize, i64, i64, i64)> {
    let place =
        |row: &StratumRow| world.codes.iter().position(|code| *code == row.assignee).unwrap();
    strata_rows(decision)
        .iter()
        .map(|row| (place(row), row.accounts, row.assigned, row.explored))
        .collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn the_same_day_decides_the_same_to_the_byte(world in worlds(ANYTHING)) {
        match (world.decide(), world.decide()) {
            (Ok(one), Ok(other)) => prop_assert_eq!(files(&one), files(&other)),
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn another_seed_changes_who_but_not_how_many(world in worlds(Shape { together: false, holders: false, ..ANYTHING }), seed in 0_u32..1000) {
        let other = World { seed, ..world.clone() };
        match (world.decide(), other.decide()) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(counts(&world, &one), counts(&world, &other));
                prop_assert_eq!(one.plan.objective, other.plan.objective);
            }
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn other_names_in_the_same_order_change_nothing_but_the_names(world in worlds(ANYTHING)) {
        let codes: Vec<String> = (0..world.codes.len()).map(|i| format!("QX-{}", 3 + i)).collect();
        let other = World { codes, ..world.clone() };
        match (world.decide(), other.decide()) {
            (Ok(one), Ok(two)) => {
                prop_assert_eq!(counts(&world, &one), counts(&other, &two));
                prop_assert_eq!(one.assigned, two.assigned);
            }
            (one, other) => prop_assert_eq!(one.err().map(|refused| refused.needed), other.err().map(|refused| refused.needed)),
        }
    }

    #[test]
    fn other_names_in_another_order_change_no_total(world in worlds(Shape { together: false, holders: false, exploration: false, ..ANYTHING })) {
        let mut codes = world.codes.clone();
        codes.reverse();
        match (world.decide(), (World { codes, ..world.clone() }).decide()) {
            (Ok(one), Ok(two)) => {
                prop_assert_eq!(one.placed(), two.placed());
                if one.plan.optimum.is_some() {
                    prop_assert_eq!(one.plan.objective, two.plan.objective);
                }
            }
            (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
        }
    }
}

#[test]
fn another_seed_does_change_who() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let world =
        worlds(Shape { parties: 5, debts: 60, ..PLAIN }).new_tree(&mut runner).unwrap().current();
    let debts: Vec<Debt> = (0..60)
        .map(|debtor| Debt {
            debtor,
            balance: 1_000 + debtor as i64,
            days: 45,
            region: None,
            product: None,
            held_by: vec![],
        })
        .collect();
    let party = Party { listed: true, ..world.parties[0].clone() };
    let world = World {
        codes: vec!["A01".into(), "A02".into(), "A03".into()],
        parties: vec![party; 3],
        debts,
        method: "equal",
        exploration: 20,
        ..world
    };
    let who: BTreeSet<Vec<u8>> = (0..10)
        .map(|seed| files(&World { seed, ..world.clone() }.decide().unwrap())[0].clone())
        .collect();
    assert!(who.len() > 5, "ten seeds deal {} ways", who.len());
}

// Limits that bind ------------------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_a_limit_takes_away_is_spread_over_all_strata(
        sizes in prop::collection::vec(3_usize..60, 2..6),
        parties in 2_usize..5,
        bound in 1_i64..100,
        by_share in any::<bool>(),
        all in any::<bool>(),
    ) {
        let debts: Vec<Debt> = sizes.iter().enumerate().flat_map(|(stratum, size)| (0..*size).map(move |i| (stratum, i)))
            .map(|(stratum, i)| Debt { debtor: stratum * 1000 + i, balance: 500 + i as i64, days: [20, 45, 75, 100, 130, 160][stratum], region: None, product: None, held_by: vec![] })
            .collect();
        let count = debts.len() as i64;
        // One whose limit is below its share, or everybody.
        let share = count / parties as i64;
        let limit = (share * bound / 100).max(1);
        prop_assume!(limit < share);
        let limited = |i: usize| i == 0 || (all && !by_share);
        let percent = limit * 100 / count;
        let party = |i: usize| Party {
            team: false, capacity: (limited(i) && !by_share).then_some(limit), open: 0, regions: None, products: None, closed: 0, terms: 0,
            listed: true, share: 5, least: 0, most: if limited(i) && by_share { percent } else { 100 },
        };
        let world = World {
            codes: (0..parties).map(|i| format!("A{i}")).collect(),
            parties: (0..parties).map(party).collect(),
            debts,
            holders: BTreeMap::new(),
            method: "equal",
            dimensions: vec!["bucket"],
            exploration: 0,
            rotation: false,
            seed: 1,
            history: vec![],
        };
        let decision = world.decide().unwrap();
        let most = if by_share { percent * count / 100 } else { limit };
        prop_assert_eq!(given(&decision).get("A0").copied().unwrap_or(0), most);
        let short = count - decision.placed() as i64;
        prop_assert_eq!(short, if all && !by_share { count - limit * parties as i64 } else { 0 });
        for ((name, got), size) in by_stratum(&strata_rows(&decision)).iter().zip(&sizes) {
            let size = *size as i64;
            prop_assert!((got[0] * count - most * size).abs() <= 2 * count, "{}: {} of {} where {} of {} is the limit", name, got[0], size, most, count);
            let left = size - got.iter().sum::<i64>();
            prop_assert!((left * count - short * size).abs() <= 2 * count, "{}: {} of {} left where {} of {} are", name, left, size, short, count);
        }
    }
}

// Runs at once ----------------------------------------------------------------------------------------------------------------

/// Active placements beyond the first of an account, and accounts that an assignee holds.
fn held(book: &mut Book) -> (i64, BTreeMap<String, i64>) {
    let twice = "SELECT COUNT(*) AS number FROM (SELECT account_no FROM placement WHERE closed_on IS NULL GROUP BY account_no HAVING COUNT(*) > 1) AS twice";
    let twice = book.number(twice);
    let rows = book.texts("SELECT assignee AS text FROM placement WHERE closed_on IS NULL");
    let mut held: BTreeMap<String, i64> = BTreeMap::new();
    rows.into_iter().for_each(|code| *held.entry(code).or_default() += 1);
    (twice, held)
}

const ROOM: [(&str, i64); 3] = [("A01", 25), ("A02", 30), ("A03", 20)];

fn assert_within_room(book: &mut Book) {
    let (twice, held) = held(book);
    assert_eq!(twice, 0, "an account has two active placements");
    let within = ROOM.iter().all(|(code, most)| held.get(*code).copied().unwrap_or(0) <= *most);
    assert!(within, "{held:?} where there is room for {ROOM:?}");
}

/// 120 accounts of 80 debtors, every other with two, and room for 75.
fn more_than_there_is_room_for(book: &mut Book) {
    let assignee = |(code, most): (&str, i64)| {
        format!(
            "[[lender.assignee]]\ncode = \"{code}\"\nname = \"{code}\"\nkind = \"agency\"\ncapacity = {most}\n\n"
        )
    };
    book.set_up_parties("CNY", &ROOM.map(assignee).concat());
    ROOM.iter().for_each(|(code, _)| book.publish(&flat_contract(code, "20%", 60)));
    let rows: String =
        (0..120).map(|i| format!("{i:03},{}.00,{},d{}\n", 100 + i, 20 + i, i * 2 / 3)).collect();
    book.portfolio("2026-01-01", &format!("account_no,balance,days_past_due,debtor_ref\n{rows}"));
}

fn from_days(days: u32, seed: u32) -> String {
    format!(
        "name = \"s{seed}\"\nmethod = \"equal\"\nstrata = [\"bucket\"]\nseed = {seed}\nexploration = \"10%\"\nfilter = {{ days_past_due = {{ from = {days} }} }}\n"
    )
}

/// Commits every simulated run twice and four others at once, each on a connection of its own.
fn all_at_once(book: &mut Book, simulated: &[i64]) -> Vec<Result<run::Outcome, AllocationError>> {
    let (address, lender) = (book.address.clone(), book.lender.clone());
    let start = std::sync::Barrier::new(simulated.len() * 2 + 4 + 1);
    std::thread::scope(|scope| {
        let (start, address, lender) = (&start, &address, &lender);
        let mut threads = Vec::new();
        for run_no in simulated.iter().copied().chain(simulated.iter().copied()) {
            threads.push(scope.spawn(move || {
                let mut db = address.connect().unwrap();
                start.wait();
                run::commit_run(&mut db, lender, run_no, &by())
            }));
        }
        for seed in 10..14 {
            threads.push(scope.spawn(move || {
                let mut db = address.connect().unwrap();
                start.wait();
                run::allocate(
                    &mut db,
                    lender,
                    "s.toml",
                    &from_days(30, seed),
                    day("2026-01-02"),
                    true,
                    &by(),
                )
            }));
        }
        start.wait();
        // While they run, nobody ever sees more than there may be.
        while threads.iter().any(|thread| !thread.is_finished()) {
            assert_within_room(book);
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_runs_committed_at_once_each_is_whole_or_clearly_refused() {
    on_each_database(|book| {
        more_than_there_is_room_for(book);
        let simulate = |seed: u32| {
            book.try_allocate(&from_days(20 + seed * 15, seed), "2026-01-02", false).unwrap().run_no
        };
        let simulated: Vec<i64> = (0..6).map(simulate).collect();
        let (mut committed, mut refused, mut placed) = (0, 0, 0);
        for outcome in all_at_once(book, &simulated) {
            match outcome {
                Ok(outcome) => {
                    committed += 1;
                    placed += outcome.decision.placed() as i64;
                }
                Err(why) => {
                    let clear =
                        matches!(why, AllocationError::Moved(..) | AllocationError::Committed(..));
                    assert!(clear, "a run is refused with \"{why}\"");
                    refused += 1;
                }
            }
        }
        // Of the simulated runs at most one can be carried out: the others find the book moved.
        assert!(committed >= 4 && refused >= 11, "{committed} committed, {refused} refused");
        assert_within_room(book);
        assert_eq!((book.count("placement"), placed), (75, 75), "all room is used");
        let split = "SELECT COUNT(*) AS number FROM (SELECT r.debtor_ref FROM placement p JOIN portfolio_row r ON r.lender = p.lender \
                     AND r.account_no = p.account_no GROUP BY r.debtor_ref HAVING COUNT(DISTINCT p.assignee) > 1) AS split";
        assert_eq!(book.number(split), 0, "a debtor's accounts are with two assignees");
        book.assert_proven();
    });
}
