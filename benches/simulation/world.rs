//! The world of the simulation: accounts, agencies and the truth about them, all drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Months, NaiveDate};
use consign::allocation::candidates::{Candidate, Candidates};
use consign::allocation::gates::Recipient;
use consign::contract::condition::Facts;
use consign::contract::{self, Version, Versions};
use consign::kernel::{Currency, Money};
use consign::party::{Assignee, Lender, parse};
use consign::performance::grouping::Grouping;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Months before those that count. What is placed in them nobody can judge before they are over.
pub const BEFORE: usize = 3;
/// Months of a simulation, one run on the first day of each.
pub const MONTHS: usize = BEFORE + 24;
/// The month in which the newcomer's contract begins, counted from 0: the ninth of those that count.
pub const NEWCOMER_FROM: usize = BEFORE + 8;

/// Buckets: first day past due, share of the accounts in hundredths, recovery rate within the horizon.
const BUCKETS: [(i64, u32, f64); 6] = [
    (31, 35, 0.20),
    (61, 20, 0.14),
    (91, 13, 0.09),
    (121, 9, 0.06),
    (151, 8, 0.04),
    (181, 15, 0.02),
];
/// Balance bands: upper bound in yuan and how much better or worse they pay.
const BANDS: [(i64, f64); 4] = [(3_000, 1.20), (10_000, 1.10), (30_000, 0.95), (i64::MAX, 0.75)];
/// Products: share of the accounts in hundredths and how much better or worse they pay.
const PRODUCTS: [(&str, u32, f64); 2] = [("card", 60, 1.05), ("loan", 40, 0.95)];
/// Regions, from the easiest to the hardest.
const REGIONS: [(&str, u32, f64); 4] =
    [("310000", 25, 1.20), ("320000", 30, 1.05), ("330000", 25, 0.95), ("410000", 20, 0.75)];
/// What agencies do to those rates, before chance moves each by up to four hundredths more: who gets which is drawn.
const EFFECTS: [f64; 7] = [0.70, 0.80, 0.90, 1.00, 1.10, 1.20, 1.30];
/// An agency as its files say it.
struct Agency {
    code: &'static str,
    /// Open regions; none named means all.
    regions: &'static str,
    /// Open products; none named means all.
    products: &'static str,
    /// Capacity for 8,000 accounts a month.
    capacity: Option<i64>,
    max_share: &'static str,
    evaluation: i64,
    fees: &'static str,
}

const EVERYWHERE: Agency = Agency {
    code: "",
    regions: "",
    products: "",
    capacity: None,
    max_share: "100%",
    evaluation: 90,
    fees: FLAT_18,
};

/// The agencies, in order of code. Which effect each has is drawn.
const AGENCIES: [Agency; 8] = [
    Agency { code: "A01", capacity: Some(1_800), evaluation: 92, ..EVERYWHERE },
    Agency {
        code: "A02",
        regions: "310000 320000",
        max_share: "25%",
        evaluation: 88,
        fees: BY_AGE,
        ..EVERYWHERE
    },
    Agency {
        code: "A03",
        capacity: Some(2_000),
        max_share: "30%",
        evaluation: 95,
        fees: BY_RATE,
        ..EVERYWHERE
    },
    Agency {
        code: "A04",
        regions: "330000 410000",
        max_share: "25%",
        fees: BY_AMOUNT,
        ..EVERYWHERE
    },
    Agency {
        code: "A05",
        capacity: Some(1_600),
        evaluation: 85,
        fees: FLAT_15,
        regions: "310000 320000 330000",
        products: "card",
        ..EVERYWHERE
    },
    Agency {
        code: "A06",
        regions: "320000 330000 410000",
        max_share: "30%",
        evaluation: 97,
        fees: BY_AGE,
        ..EVERYWHERE
    },
    Agency { code: "A07", capacity: Some(1_400), evaluation: 93, fees: FLAT_20, ..EVERYWHERE },
    Agency { code: "A08", max_share: "20%", ..EVERYWHERE },
];
const FLAT_15: &str = "[[fee]]\nname = \"all\"\nrate = \"15%\"\n";
const FLAT_18: &str = "[[fee]]\nname = \"all\"\nrate = \"18%\"\n";
const FLAT_20: &str = "[[fee]]\nname = \"all\"\nrate = \"20%\"\n";
const BY_AGE: &str = "[[fee]]\nname = \"M2-M3\"\nwhen = { days_past_due = { to = 90 } }\nrate = \"14%\"\n\
    [[fee]]\nname = \"M4-M6\"\nwhen = { days_past_due = { to = 180 } }\nrate = \"20%\"\n\
    [[fee]]\nname = \"M7+\"\nrate = \"30%\"\n";
const BY_RATE: &str = "[[fee]]\nname = \"all\"\ntiers = { measure = \"recovery_rate\", over = \"batch\", apply = \"whole\", steps = [\n\
    { below = \"6%\", rate = \"16%\" }, { up_to = \"12%\", rate = \"18%\" }, { rate = \"22%\" } ] }\n";
const BY_AMOUNT: &str = "[[fee]]\nname = \"all\"\ntiers = { measure = \"recovered\", over = \"batch\", apply = \"marginal\", steps = [\n\
    { up_to = \"100000\", rate = \"16%\" }, { up_to = \"300000\", rate = \"19%\" }, { rate = \"22%\" } ] }\n";

/// What kind of world it is.
#[derive(Clone, Copy)]
pub struct Kind {
    /// How far the agencies' effects lie from 1, as a part of [`EFFECTS`]' distances: 0 makes all alike.
    pub spread: f64,
    /// By how much one agency has become better at the end, and another worse.
    pub drift: f64,
    /// By how much an agency is better or worse with single buckets than its effect says, at most.
    pub special: f64,
    /// By how much an agency's month is better or worse than its effect says, at most. Nobody knows it beforehand.
    pub unrest: f64,
    /// Whether an account pays by chance. Without, it pays exactly what is to be expected of it.
    pub luck: bool,
    /// Whether who pays pays everything: the same rates, from fewer and larger payments.
    pub all_or_nothing: bool,
    /// Spread of the logarithm of balances.
    pub sigma: f64,
    /// Accounts a month, up to a tenth more or less.
    pub accounts: f64,
}

/// The world of the claim.
pub const BASE: Kind = Kind {
    spread: 1.0,
    drift: 0.20,
    special: 0.0,
    unrest: 0.0,
    luck: true,
    all_or_nothing: false,
    sigma: 1.0,
    accounts: 8_000.0,
};

/// An account, and what nobody but the clairvoyant knows of it.
pub struct Account {
    /// What a run sees.
    pub candidate: Candidate,
    /// Which bucket.
    pub bucket: usize,
    /// What is to be expected of it in the hands of an agency whose effect is 1, as a part of its balance.
    pub rate: f64,
    /// It pays when this lies below the chance to pay in the hands it is in: the same draw whoever has it.
    luck: f64,
    /// What it pays if it does, as a part of its balance.
    share: f64,
    /// How many days after the placement it pays.
    after: i64,
}

/// What is true of all accounts of a group.
pub struct TrueGroup {
    /// Which bucket.
    pub bucket: usize,
    /// Their rate.
    pub rate: f64,
}

/// A world.
pub struct World {
    /// What kind it is.
    pub kind: Kind,
    /// Where it is drawn from.
    pub seed: u64,
    /// The lender.
    pub lender: Lender,
    /// The assignees, in order of code.
    pub assignees: Vec<Assignee>,
    /// Greatest shares and last evaluations, in the same order.
    pub terms: Vec<(&'static str, i64)>,
    /// Their contracts.
    pub versions: Versions,
    /// The accounts of every month, in order of account number.
    pub months: Vec<Vec<Account>>,
    /// The effect of each assignee in each month on each bucket.
    effects: Vec<Vec<Vec<f64>>>,
    /// What chance makes of each assignee's month.
    unrest: Vec<Vec<f64>>,
}

impl World {
    /// Draws a world.
    pub fn draw(kind: Kind, seed: u64) -> World {
        let (lender, assignees) = parties(&kind);
        let versions = contracts(&lender, &assignees);
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let effects = effects(&kind, &mut chance);
        let mut month_of = |_| {
            (0..AGENCIES.len())
                .map(|_| 1.0 + kind.unrest * chance.random_range(-1.0..1.0))
                .collect()
        };
        let unrest = (0..MONTHS).map(&mut month_of).collect();
        let months =
            (0..MONTHS).map(|month| accounts(&kind, &lender, month, &mut chance)).collect();
        let terms = AGENCIES.map(|agency| (agency.max_share, agency.evaluation)).to_vec();
        World { kind, seed, lender, assignees, terms, versions, months, effects, unrest }
    }

    /// The day of a month's run.
    pub fn day(month: usize) -> NaiveDate {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
        first + Months::new(u32::try_from(month).expect("few months"))
    }

    /// The book's currency.
    pub fn currency(&self) -> Currency {
        self.lender.currency
    }

    /// The recipients of a month. A placement lasts 28 days, so none is open any more on the day of the next run.
    pub fn recipients(&self, month: usize) -> Vec<Recipient> {
        let day = World::day(month);
        self.assignees
            .iter()
            .map(|assignee| Recipient::on(assignee, &self.versions, 0, false, day))
            .collect()
    }

    /// What a run of a month sees.
    pub fn candidates(&self, month: usize) -> Candidates {
        let candidates =
            self.months[month].iter().map(|account| account.candidate.clone()).collect();
        Candidates { accounts: candidates, ..Candidates::default() }
    }

    /// The true effect of an assignee in a month on a bucket.
    pub fn effect(&self, assignee: usize, month: usize, bucket: usize) -> f64 {
        self.effects[assignee][month][bucket]
    }

    /// What an account is to be expected to recover in somebody's hands, in minor units.
    pub fn expected(&self, month: usize, account: &Account, assignee: usize) -> f64 {
        account.rate
            * self.effect(assignee, month, account.bucket)
            * whole(account.candidate.facts.balance)
    }

    /// What it recovers within the first days.
    pub fn recovered_within(
        &self,
        days: i64,
        month: usize,
        account: &Account,
        assignee: usize,
    ) -> Money {
        if account.after < days { self.recovered(month, account, assignee) } else { Money::ZERO }
    }

    /// What it recovers within ninety days: the same whenever it is asked.
    pub fn recovered(&self, month: usize, account: &Account, assignee: usize) -> Money {
        if !self.kind.luck {
            return minor(self.expected(month, account, assignee));
        }
        let rate = account.rate
            * self.effect(assignee, month, account.bucket)
            * self.unrest[month][assignee];
        let chance = rate / mean_share(&self.kind);
        assert!(chance <= 1.0, "an account would have to pay more often than always");
        let paid = if account.luck < chance {
            account.share * whole(account.candidate.facts.balance)
        } else {
            0.0
        };
        minor(paid)
    }

    /// The groups among the accounts of a month, by name.
    pub fn groups(&self, month: usize, grouping: &Grouping) -> BTreeMap<String, TrueGroup> {
        let group = |account: &Account| {
            (
                grouping.group(&account.candidate.facts),
                TrueGroup { bucket: account.bucket, rate: account.rate },
            )
        };
        self.months[month].iter().map(group).collect()
    }

    /// How many buckets there are.
    pub fn buckets() -> usize {
        BUCKETS.len()
    }
}

/// An amount as a number.
pub fn whole(amount: Money) -> f64 {
    amount.0 as f64
}

/// A number of minor units as an amount.
pub fn minor(number: f64) -> Money {
    Money(number.round() as i64)
}

/// The lender and its assignees, from a parties file.
fn parties(kind: &Kind) -> (Lender, Vec<Assignee>) {
    let mut text =
        "[[lender]]\ncode = \"SIM\"\nname = \"Simulated\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n".to_string();
    for Agency { code, regions, products, capacity, .. } in AGENCIES {
        let list = |key: &str, all: &str| match all {
            "" => String::new(),
            all => format!("{key} = {:?}\n", all.split(' ').collect::<Vec<_>>()),
        };
        let scaled = |capacity: i64| (capacity as f64 * kind.accounts / BASE.accounts) as i64;
        let capacity = capacity
            .map_or_else(String::new, |capacity| format!("capacity = {}\n", scaled(capacity)));
        let (regions, products) = (list("regions", regions), list("products", products));
        text += &format!(
            "[[lender.assignee]]\ncode = \"{code}\"\nname = \"Agency {code}\"\nkind = \"agency\"\n{capacity}{regions}{products}"
        );
    }
    let parties = parse(&text).expect("a parties file");
    let said = parties.lenders.into_iter().next().expect("a lender");
    let assignees = said.assignees.iter().map(|one| one.over(None).expect("an assignee"));
    (said.over(None).expect("a lender"), assignees.collect())
}

/// Contracts from their files. The newcomer's begins later.
fn contracts(lender: &Lender, assignees: &[Assignee]) -> Versions {
    let version = |Agency { code, fees, .. }: Agency| {
        let from = World::day(if code == "A08" { NEWCOMER_FROM } else { 0 });
        let text = format!(
            "code = \"SIM-{code}\"\nagency = \"{code}\"\neffective_from = {from}\nterm_days = 28\ntail_days = 62\n{fees}"
        );
        let terms = contract::parse(&text, lender, assignees).expect("a contract");
        Version { number: 1, seq: 1, sha256: String::new(), stands_for: 1, terms }
    };
    Versions(AGENCIES.map(version).to_vec())
}

/// Effects by assignee, month and bucket.
fn effects(kind: &Kind, chance: &mut ChaCha8Rng) -> Vec<Vec<Vec<f64>>> {
    let mut drawn = EFFECTS.to_vec();
    drawn.iter_mut().for_each(|effect| *effect += chance.random_range(-0.04..0.04));
    drawn.shuffle(chance);
    drawn.push(chance.random_range(0.70..1.30));
    let mut drifting: Vec<usize> = (0..EFFECTS.len()).collect();
    drifting.shuffle(chance);
    let special: Vec<Vec<f64>> = drawn
        .iter()
        .map(|_| {
            BUCKETS.iter().map(|_| 1.0 + kind.special * chance.random_range(-1.0..1.0)).collect()
        })
        .collect();
    let effect = |assignee: usize, month: usize, bucket: usize| {
        let passed = month as f64 / (MONTHS - 1) as f64;
        let drift = if assignee == drifting[0] {
            kind.drift * passed
        } else if assignee == drifting[1] {
            -kind.drift * passed
        } else {
            0.0
        };
        (1.0 + kind.spread * (drawn[assignee] - 1.0)) * (1.0 + drift) * special[assignee][bucket]
    };
    let month_of = |assignee: usize, month: usize| {
        (0..BUCKETS.len()).map(|bucket| effect(assignee, month, bucket)).collect()
    };
    (0..drawn.len())
        .map(|assignee| (0..MONTHS).map(|month| month_of(assignee, month)).collect())
        .collect()
}

/// The accounts of a month. Six in a hundred belong to the debtor of the one before.
fn accounts(kind: &Kind, lender: &Lender, month: usize, chance: &mut ChaCha8Rng) -> Vec<Account> {
    let count = (kind.accounts * chance.random_range(0.9..1.1)) as usize;
    let mut accounts: Vec<Account> = Vec::with_capacity(count);
    for number in 0..count {
        let before =
            accounts.last().filter(|_| chance.random_bool(0.06)).map(|account| &account.candidate);
        let region = match before {
            Some(before) => REGIONS
                .iter()
                .position(|(code, ..)| before.facts.region.as_deref() == Some(*code))
                .expect("known"),
            None => pick(&REGIONS.map(|(_, share, _)| share), chance),
        };
        let debtor_ref = before
            .map_or_else(|| format!("D{month:02}{number:05}"), |before| before.debtor_ref.clone());
        let account_no = format!("N{month:02}{number:05}");
        accounts.push(account(kind, lender, account_no, debtor_ref, region, chance));
    }
    accounts
}

fn account(
    kind: &Kind,
    lender: &Lender,
    account_no: String,
    debtor_ref: String,
    region: usize,
    chance: &mut ChaCha8Rng,
) -> Account {
    let bucket = pick(&BUCKETS.map(|(_, share, _)| share), chance);
    let product = pick(&PRODUCTS.map(|(_, share, _)| share), chance);
    let days_past_due = BUCKETS[bucket].0 + chance.random_range(0..30);
    // A median of 8,000 yuan; from 500 to 300,000.
    let yuan = (8_000.0 * (kind.sigma * normal(chance)).exp()).clamp(500.0, 300_000.0);
    let balance = minor(yuan * 100.0);
    let band = BANDS
        .iter()
        .find(|(bound, _)| balance.0 <= bound.saturating_mul(100))
        .map_or(1.0, |(_, factor)| *factor);
    let settles = chance.random_bool(SETTLES);
    let part = chance.random_range(PARTS.0..PARTS.1);
    let facts = Facts {
        days_past_due,
        level: 1,
        balance,
        bucket: lender.buckets.of(days_past_due).to_string(),
        product: Some(PRODUCTS[product].0.to_string()),
        region: Some(REGIONS[region].0.to_string()),
        charged_off: false,
        legal: false,
    };
    let candidate = Candidate {
        account_no,
        debtor_ref,
        facts,
        owed: balance,
        held_by: BTreeSet::new(),
        agencies_before: 0,
        last_holder: None,
    };
    Account {
        candidate,
        bucket,
        rate: BUCKETS[bucket].2 * band * PRODUCTS[product].2 * REGIONS[region].2,
        luck: chance.random(),
        share: if kind.all_or_nothing || settles { 1.0 } else { part },
        after: pays_after(chance),
    }
}

/// Three payers in ten settle, the others pay a part.
const SETTLES: f64 = 0.3;
const PARTS: (f64, f64) = (0.05, 0.55);

/// Payments become rarer with time: each of the three stretches of thirty days brings seven tenths of the one before.
fn pays_after(chance: &mut ChaCha8Rng) -> i64 {
    30 * pick(&[46, 32, 22], chance) as i64 + chance.random_range(0..30)
}

/// What a payer pays of its balance in the mean.
fn mean_share(kind: &Kind) -> f64 {
    if kind.all_or_nothing { 1.0 } else { SETTLES + (1.0 - SETTLES) * (PARTS.0 + PARTS.1) / 2.0 }
}

/// Draws by shares in hundredths.
fn pick(shares: &[u32], chance: &mut ChaCha8Rng) -> usize {
    let mut left = chance.random_range(0..100_u32);
    for (place, share) in shares.iter().enumerate() {
        match left.checked_sub(*share) {
            Some(less) => left = less,
            None => return place,
        }
    }
    shares.len() - 1
}

/// Box and Muller's normal draw.
fn normal(chance: &mut ChaCha8Rng) -> f64 {
    let (a, b): (f64, f64) = (chance.random_range(f64::MIN_POSITIVE..1.0), chance.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}
