//! The plan of a run: how many accounts of each stratum go to whom, by the strategy's method and within its limits.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::gates::Taker;
use super::outlook::Outlook;
use super::programme::{Cell, Clash, ClashKind, Programme, most_placed, solve};
use super::shares::{Limits, Supply, counts};
use super::strata::Stratum;
use super::strategy::{Method, Strategy};
use crate::kernel::Rate;
use crate::performance::scorecard::{Row, weights};

/// What a plan is made from.
pub struct Ground<'a> {
    /// What the lender wants.
    pub strategy: &'a Strategy,
    /// Who may take accounts.
    pub takers: &'a [Taker],
    /// The strata that are open to somebody.
    pub strata: &'a [Stratum],
    /// What is to be expected of each.
    pub outlooks: &'a [Outlook],
    /// The scorecard.
    pub scorecard: &'a [Row],
    /// Whether there is any history to go by.
    pub has_history: bool,
    /// How many accounts follow their debtors to each taker.
    pub followers: &'a [i64],
}

/// How many accounts go where, in the order of the strata and of their eligible takers.
pub type Counts = Vec<Vec<i64>>;

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The method used: `equal` when there is no history to go by.
    pub method: Method,
    /// Accounts that are explored.
    pub explored: Counts,
    /// Accounts that the method places.
    pub given: Counts,
    /// The limits of the whole run, what follows its debtors left out.
    pub whole: Limits,
    /// The limits of the method's part: what exploration and followers take is off already.
    pub limits: Limits,
    /// The proof of an optimum.
    pub optimum: Option<Optimum>,
    /// What the method's part is expected to bring, in millionths of a currency unit.
    pub objective: i128,
    /// What equal shares of the same accounts would bring.
    pub equal: Option<i128>,
    /// What shares by score would bring.
    pub score: Option<i128>,
}

/// The proof of an optimum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optimum {
    /// No plan can bring more, in millionths of a currency unit.
    pub bound: i128,
    /// What one account more of each taker's limit would bring: above zero where the most binds, below where the
    /// fewest does.
    pub prices: Vec<i128>,
}

/// Limits that contradict one another, with names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct Infeasible {
    /// Which kind of limits.
    pub kind: ClashKind,
    /// Whose.
    pub assignees: Vec<String>,
    /// Of which strata; some of many.
    pub strata: Vec<String>,
    /// How many strata there are.
    pub all_strata: usize,
    /// What is needed.
    pub needed: i128,
    /// What there is.
    pub available: i128,
}

impl Infeasible {
    fn of(clash: &Clash, ground: &Ground<'_>) -> Infeasible {
        let named = |taker: &usize| ground.takers.get(*taker).map(|taker| taker.assignee.code.clone());
        Infeasible {
            kind: clash.kind,
            assignees: clash.takers.iter().filter_map(named).collect(),
            strata: clash.strata.iter().take(3).filter_map(|i| Some(ground.strata.get(*i)?.name.clone())).collect(),
            all_strata: clash.strata.len(),
            needed: clash.needed,
            available: clash.available,
        }
    }

    fn words(&self) -> String {
        let (who, needed, available) = (self.assignees.join(", "), self.needed, self.available);
        let short = needed - available;
        let more = if self.all_strata > self.strata.len() { ", …" } else { "" };
        let strata = format!("{} strata ({}{more})", self.all_strata, self.strata.join("; "));
        match self.kind {
            ClashKind::Crossed => {
                format!(
                    "the limits of {who} cross: it must get {needed} accounts and may get {available}; lower min_share, or raise max_share or capacity"
                )
            }
            ClashKind::Maximums => format!(
                "the limits clash: {needed} accounts of {strata} are open to {who} only, whose max_share and capacity leave room for {available}: {short} too many; \
                 raise a max_share, open a gate, or filter the accounts out"
            ),
            ClashKind::Minimums => format!(
                "the limits clash: min_share gives {who} {needed} accounts, but only {available} are open to them: {short} too few; lower a min_share or open a gate"
            ),
        }
    }
}

/// Makes the plan. Limits are hard and exploration is not: where it takes accounts that somebody's limit needs, half as
/// much is explored, and at last nothing.
pub fn plan(ground: &Ground<'_>) -> Result<Plan, Infeasible> {
    let (whole, unplaced) = ground.limits();
    let mut share = ground.strategy.exploration.decimal();
    loop {
        let explored = ground.explore(share, &whole, unplaced);
        let nothing = explored.iter().flatten().all(|count| *count == 0);
        match plan_rest(ground, &whole, unplaced, explored) {
            Err(_) if !nothing => share /= Decimal::TWO,
            done => return done,
        }
    }
}

/// What the method places beside what is explored.
fn plan_rest(ground: &Ground<'_>, whole: &Limits, unplaced: i64, explored: Counts) -> Result<Plan, Infeasible> {
    let limits = less(whole, ground, &explored);
    let rest: Vec<i64> =
        ground.strata.iter().zip(&explored).map(|(stratum, explored)| stratum.accounts - explored.iter().sum::<i64>()).collect();
    let method = match ground.strategy.method {
        Method::Score | Method::Optimise if !ground.has_history => Method::Equal,
        method => method,
    };
    let by_shares = |method: Method| ground.by_shares(&ground.weights(method), &rest, &limits, unplaced);
    let (given, optimum) = match method {
        Method::Optimise => {
            let (given, optimum) = ground.optimise(&rest, &limits, unplaced == 0)?;
            (given, Some(optimum))
        }
        method => match by_shares(method) {
            Some(given) => (given, None),
            None => return Err(ground.why_not(&ground.weights(method), &rest, &limits, unplaced)),
        },
    };
    let worth = |given: &Counts| ground.worth(given);
    let other = |other: Method| (ground.has_history && other != method).then(|| by_shares(other)).flatten().as_ref().map(worth);
    Ok(Plan {
        method,
        objective: worth(&given),
        equal: other(Method::Equal),
        score: other(Method::Score),
        explored,
        given,
        whole: whole.clone(),
        limits,
        optimum,
    })
}

/// A share of a count, up or down to the whole account.
fn part(share: Rate, of: i64, up: bool) -> i64 {
    let exact = share.decimal() * Decimal::from(of);
    (if up { exact.ceil() } else { exact.floor() }).to_i64().unwrap_or(i64::MAX)
}

/// Limits less what exploration has given already.
fn less(limits: &Limits, ground: &Ground<'_>, explored: &Counts) -> Limits {
    let mut own = vec![0; ground.takers.len()];
    for (stratum, counts) in ground.strata.iter().zip(explored) {
        stratum.eligible.iter().zip(counts).for_each(|(taker, count)| own[*taker] += count);
    }
    Limits {
        lower: limits.lower.iter().zip(&own).map(|(least, own)| (least - own).max(0)).collect(),
        upper: limits.upper.iter().zip(&own).map(|(most, own)| most.map(|most| (most - own).max(0))).collect(),
    }
}

impl Ground<'_> {
    fn accounts(&self) -> Vec<i64> {
        self.strata.iter().map(|stratum| stratum.accounts).collect()
    }

    /// The programme of some accounts; a taker without weight takes nothing.
    fn programme(&self, accounts: &[i64], limits: &Limits, place_all: bool) -> Programme {
        let cells = self.strata.iter().zip(self.outlooks).zip(0..).flat_map(|((stratum, outlook), number)| {
            stratum.eligible.iter().zip(&outlook.worth).map(move |(taker, worth)| Cell {
                stratum: number,
                taker: u16::try_from(*taker).unwrap_or(u16::MAX),
                value: worth.value,
            })
        });
        Programme {
            accounts: accounts.to_vec(),
            takers: self.takers.len(),
            cells: cells.collect(),
            lower: limits.lower.clone(),
            upper: limits.upper.clone(),
            place_all,
        }
    }

    /// The limits of the whole run, and how many accounts find no room. Shares are shares of the accounts allocated in
    /// the run, those that follow their debtors included (FORMATS): the least rounded up, the most down.
    fn limits(&self) -> (Limits, i64) {
        let room = |taker: usize| self.takers[taker].room.map(|room| (room - self.followers[taker]).max(0));
        let rooms: Vec<Option<i64>> = (0..self.takers.len()).map(room).collect();
        let all: i64 = self.accounts().iter().sum();
        let placed = if rooms.iter().all(Option::is_none) && self.strategy.method != Method::Fixed {
            all
        } else {
            let takes = self.with_weight(&Limits { lower: Vec::new(), upper: rooms.clone() });
            most_placed(&self.programme(&self.accounts(), &takes, false))
        };
        let base = placed + self.followers.iter().sum::<i64>();
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for (taker, room) in rooms.into_iter().enumerate() {
            let taking = self.strategy.taking(&self.takers[taker].assignee.code);
            let own = self.followers[taker];
            let least = taking.map_or(0, |taking| part(taking.min_share, base, true));
            let most = taking.filter(|taking| taking.max_share < Rate::ONE).map(|taking| part(taking.max_share, base, false));
            lower.push((least - own).max(0));
            upper.push([room, most.map(|most| (most - own).max(0))].into_iter().flatten().min());
        }
        (Limits { lower, upper }, all - placed)
    }

    /// With fixed shares, who has none takes nothing.
    fn with_weight(&self, limits: &Limits) -> Limits {
        let weights = self.weights(self.strategy.method);
        let upper = limits.upper.iter().zip(&weights).map(|(most, weight)| if *weight <= 0 { Some(0) } else { *most });
        Limits { lower: limits.lower.clone(), upper: upper.collect() }
    }

    /// What shares of a method are proportional to; any whole numbers.
    fn weights(&self, method: Method) -> Vec<i64> {
        let whole = |number: Decimal, places: u32| (number * Decimal::from(10_i64.pow(places))).round().to_i64().unwrap_or(0);
        match method {
            Method::Fixed => {
                let share = |taker: &Taker| self.strategy.taking(&taker.assignee.code).and_then(|taking| taking.share);
                self.takers.iter().map(|taker| share(taker).map_or(0, |share| whole(share.decimal(), 10))).collect()
            }
            Method::Score => self.score_weights().into_iter().map(|weight| whole(weight, 6)).collect(),
            Method::Equal | Method::Optimise => vec![1; self.takers.len()],
        }
    }

    /// Scores by peer group, ties sharing equally; who is on no scorecard has none.
    fn score_weights(&self) -> Vec<Decimal> {
        let mut groups: BTreeMap<&str, Vec<(usize, Decimal)>> = BTreeMap::new();
        for (place, taker) in self.takers.iter().enumerate() {
            let taking = self.strategy.taking(&taker.assignee.code);
            let group = taking.and_then(|taking| taking.peer_group.as_deref()).unwrap_or("");
            if let Some(row) = self.scorecard.iter().find(|row| row.assignee == taker.assignee.code) {
                groups.entry(group).or_default().push((place, row.score));
            }
        }
        let mut all = vec![Decimal::ZERO; self.takers.len()];
        for group in groups.into_values() {
            let scores: Vec<Decimal> = group.iter().map(|(_, score)| *score).collect();
            let found = weights(&scores, self.strategy.points.tie_margin);
            group.iter().zip(found).for_each(|((place, _), weight)| all[*place] = weight);
        }
        all
    }

    /// The accounts that are explored: a share of every stratum, carried from one to the next, split equally inside.
    fn explore(&self, share: Decimal, limits: &Limits, unplaced: i64) -> Counts {
        let nothing = || self.strata.iter().map(|stratum| vec![0; stratum.eligible.len()]).collect();
        if share.is_zero() {
            return nothing();
        }
        let mut carried = Decimal::ZERO;
        let held_back = |stratum: &Stratum| {
            let exact = Decimal::from(stratum.accounts) * share + carried;
            let whole = exact.round().to_i64().unwrap_or(0).clamp(0, stratum.accounts);
            carried = exact - Decimal::from(whole);
            whole
        };
        let explored: Vec<i64> = self.strata.iter().map(held_back).collect();
        let most = Limits { lower: vec![0; self.takers.len()], upper: limits.upper.clone() };
        // When room is short the explored part is as short of it as the rest.
        let all: i64 = self.accounts().iter().sum();
        let short = i64::try_from(i128::from(unplaced) * i128::from(explored.iter().sum::<i64>()) / i128::from(all.max(1)));
        self.by_shares(&vec![1; self.takers.len()], &explored, &most, short.unwrap_or(0)).unwrap_or_else(nothing)
    }

    fn by_shares(&self, weights: &[i64], accounts: &[i64], limits: &Limits, unplaced: i64) -> Option<Counts> {
        let with_count = self.strata.iter().zip(accounts);
        let supplies: Vec<Supply<'_>> =
            with_count.map(|(stratum, accounts)| Supply { accounts: *accounts, eligible: &stratum.eligible }).collect();
        counts(&supplies, weights, limits, unplaced)
    }

    fn optimise(&self, accounts: &[i64], limits: &Limits, place_all: bool) -> Result<(Counts, Optimum), Infeasible> {
        let programme = self.programme(accounts, limits, place_all);
        let solved = solve(&programme).map_err(|clash| Infeasible::of(&clash, self))?;
        let mut assigned = solved.assigned.into_iter();
        let given = self.strata.iter().map(|stratum| assigned.by_ref().take(stratum.eligible.len()).collect()).collect();
        Ok((given, Optimum { bound: solved.bound, prices: solved.taker_prices }))
    }

    /// Why shares found no way within the limits.
    fn why_not(&self, weights: &[i64], accounts: &[i64], limits: &Limits, unplaced: i64) -> Infeasible {
        let upper = limits.upper.iter().zip(weights).map(|(most, weight)| if *weight <= 0 { Some(0) } else { *most });
        let limits = Limits { lower: limits.lower.clone(), upper: upper.collect() };
        let clash = |place_all: bool| solve(&self.programme(accounts, &limits, place_all)).err();
        // Where room is short, shares that leave less than the room there is clash like those that leave too little.
        let clash = clash(unplaced == 0).or_else(|| clash(true));
        let unknown = Clash { kind: ClashKind::Maximums, takers: Vec::new(), strata: Vec::new(), needed: 0, available: 0 };
        Infeasible::of(&clash.unwrap_or(unknown), self)
    }

    /// What some counts are expected to bring.
    pub fn worth(&self, given: &Counts) -> i128 {
        let of = |(outlook, counts): (&Outlook, &Vec<i64>)| -> i128 {
            outlook.worth.iter().zip(counts).map(|(worth, count)| i128::from(worth.value) * i128::from(*count)).sum()
        };
        self.outlooks.iter().zip(given).map(of).sum()
    }
}
