//! The plan of a run: how many accounts of each stratum go to whom, by the strategy's method and within its limits.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::expectation::Expectation;
use super::gates::Recipient;
use super::programme::{Cell, Clash, ClashKind, Programme, most_placed, solve};
use super::shares::{Carried, Limits, Supply, counts_after};
use super::strata::Stratum;
use super::strategy::{Method, Strategy};
use crate::kernel::Rate;
use crate::party::Lang;
use crate::performance::scorecard::{Row, weights};

/// What a plan is made from.
pub struct Ground<'a> {
    /// What the lender wants.
    pub strategy: &'a Strategy,
    /// Who may take accounts.
    pub recipients: &'a [Recipient],
    /// The strata that are open to somebody.
    pub strata: &'a [Stratum],
    /// The scorecard.
    pub scorecard: &'a [Row],
    /// Whether there is any history to go by.
    pub has_history: bool,
    /// How many accounts follow their debtors to each recipient.
    pub followers: &'a [i64],
}

/// How many accounts go where, in the order of the strata and of their eligible recipients.
pub type Counts = Vec<Vec<i64>>;

/// Whether there is not room for every account.
enum Short {
    /// There is.
    Not,
    /// These capacities leave some without; whether greatest shares leave all the room that there is.
    Of(Infeasible, bool),
    /// There is not, because debtors kept together found none.
    Anyhow,
}

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
    pub limits: Limits,
    /// The accounts that shares are shares of.
    pub base: i64,
    /// Who may get anything by the method: with fixed shares, who has one.
    pub takes: Vec<bool>,
    /// The proof of an optimum.
    pub optimum: Option<Optimum>,
    /// Accounts that find no room, with the capacities that leave them none.
    pub short: Option<Infeasible>,
    /// What the plan is expected to bring, explored accounts included, in millionths of a currency unit.
    pub objective: i128,
    /// What equal shares of the same accounts would bring.
    pub equal: Option<i128>,
    /// What shares by score would bring.
    pub score: Option<i128>,
}

impl Plan {
    /// Accounts that the plan gives to somebody.
    pub fn planned(&self) -> i64 {
        self.explored.iter().chain(&self.given).flatten().sum()
    }
}

/// The proof of an optimum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optimum {
    /// No plan can bring more, in millionths of a currency unit.
    pub bound: i128,
    /// What one account more of each recipient's limit would bring: above zero where the most binds, below where the
    /// fewest does.
    pub prices: Vec<i128>,
}

/// Limits that contradict one another, with names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words(Lang::En))]
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
        let named = |recipient: &usize| {
            ground.recipients.get(*recipient).map(|recipient| recipient.assignee.code.clone())
        };
        Infeasible {
            kind: clash.kind,
            assignees: clash.recipients.iter().filter_map(named).collect(),
            strata: clash
                .strata
                .iter()
                .take(3)
                .filter_map(|i| Some(ground.strata.get(*i)?.name.clone()))
                .collect(),
            all_strata: clash.strata.len(),
            needed: clash.needed,
            available: clash.available,
        }
    }
}

/// A share of a count, up or down to the whole account.
fn part(share: Rate, of: i64, up: bool) -> i64 {
    let exact = share.decimal() * Decimal::from(of);
    (if up { exact.ceil() } else { exact.floor() }).to_i64().unwrap_or(i64::MAX)
}

/// Limits less what exploration has given already.
fn less(limits: &Limits, ground: &Ground<'_>, explored: &Counts) -> Limits {
    let mut own = vec![0; ground.recipients.len()];
    for (stratum, counts) in ground.strata.iter().zip(explored) {
        stratum.eligible.iter().zip(counts).for_each(|(recipient, count)| own[*recipient] += count);
    }
    Limits {
        lower: limits.lower.iter().zip(&own).map(|(least, own)| (least - own).max(0)).collect(),
        upper: limits
            .upper
            .iter()
            .zip(&own)
            .map(|(most, own)| most.map(|most| (most - own).max(0)))
            .collect(),
    }
}

impl Ground<'_> {
    /// Makes the plan. `base` is how many accounts shares are shares of, when it is known that fewer can be placed than
    /// there is room for.
    pub fn plan(
        &self,
        base: Option<i64>,
        expectations: &[Expectation],
    ) -> Result<Plan, Infeasible> {
        let (limits, found) = self.limits(base);
        let short = match base {
            Some(_) => Short::Anyhow,
            None => self.shortage(&limits, found)?,
        };
        let explored = self.explore_beside(&limits, &short);
        self.plan_rest((limits, found, short), expectations, explored)
    }

    /// The accounts that are explored. Limits are hard and exploration is not: where everything else would not find its
    /// place beside it, no more is explored than the shares of a run without exploration give anyway, and nothing where
    /// there is no such run.
    fn explore_beside(&self, limits: &Limits, short: &Short) -> (Counts, Carried) {
        let explored = self.explore(limits);
        let all: Vec<i64> = self.strata.iter().map(|stratum| stratum.accounts).collect();
        let is_short = !matches!(short, Short::Not);
        if self.leaves_room(&explored.0, &all, limits, is_short) {
            return explored;
        }
        let weights = self.weights(self.method());
        let shares = self.by_shares(&Carried::default(), &weights, &all, limits, is_short);
        let shares = shares.map(|(counts, _)| counts).unwrap_or_default();
        let within = |(number, counts): (usize, &Vec<i64>)| -> Vec<i64> {
            let most = |place: usize| {
                shares.get(number).and_then(|row| row.get(place)).copied().unwrap_or(0)
            };
            counts.iter().enumerate().map(|(place, count)| most(place).min(*count)).collect()
        };
        (explored.0.iter().enumerate().map(within).collect(), Carried::default())
    }

    /// Whether the method can place within the limits what is not explored; where room is short, as much of it as without
    /// exploring.
    fn leaves_room(&self, explored: &Counts, all: &[i64], limits: &Limits, is_short: bool) -> bool {
        let count: i64 = explored.iter().flatten().sum();
        if count == 0 {
            return true;
        }
        let left = weighted(&less(limits, self, explored), &self.weights(self.method()));
        let rest = rest_of(all, explored);
        let as_much = !is_short
            || self.room_for(&rest, &left.upper) + count == self.room_for(all, &limits.upper);
        as_much && solve(&self.programme(&rest, &[], &left, !is_short)).is_ok()
    }

    /// The method used: without any history shares by score and the optimum are equal shares.
    fn method(&self) -> Method {
        match self.strategy.method {
            Method::Score | Method::Optimise if !self.has_history => Method::Equal,
            method => method,
        }
    }

    /// What the method places beside what is explored.
    fn plan_rest(
        &self,
        (limits, base, short): (Limits, i64, Short),
        expectations: &[Expectation],
        (explored, carried): (Counts, Carried),
    ) -> Result<Plan, Infeasible> {
        let all: Vec<i64> = self.strata.iter().map(|stratum| stratum.accounts).collect();
        let is_short = !matches!(short, Short::Not);
        let rest = rest_of(&all, &explored);
        let left = less(&limits, self, &explored);
        let method = self.method();
        let by_shares = |method: Method| {
            let found = self.by_shares(&carried, &self.weights(method), &rest, &left, is_short);
            found.map(|(counts, _)| counts)
        };
        let held_back = worth(expectations, &explored);
        let (given, optimum) = match method {
            Method::Optimise => {
                let (given, mut optimum) = self.optimise(&rest, expectations, &left, !is_short)?;
                optimum.bound += held_back;
                (given, Some(optimum))
            }
            method => match by_shares(method) {
                Some(given) => (given, None),
                None => return Err(self.why_not(&self.weights(method), &rest, &left, is_short)),
            },
        };
        let of = |given: &Counts| held_back + worth(expectations, given);
        // Shares that would be refused by themselves are nothing to compare with.
        let comparable = self.has_history && !matches!(short, Short::Of(_, false) | Short::Anyhow);
        let other = |other: Method| {
            (comparable && other != method).then(|| by_shares(other)).flatten().as_ref().map(of)
        };
        let takes = self.weights(method).into_iter().map(|weight| weight > 0).collect();
        Ok(Plan {
            method,
            objective: of(&given),
            equal: other(Method::Equal),
            score: other(Method::Score),
            explored,
            given,
            limits,
            base,
            takes,
            optimum,
            short: if let Short::Of(capacity, _) = short { Some(capacity) } else { None },
        })
    }

    /// Which capacities leave accounts without room, when some do: those stay unplaced. Greatest shares that leave more of
    /// them without are refused: of the accounts that could then be allocated, somebody would have more than its share.
    fn shortage(&self, limits: &Limits, base: i64) -> Result<Short, Infeasible> {
        let accounts: Vec<i64> = self.strata.iter().map(|stratum| stratum.accounts).collect();
        let upper = self.with_weight(limits).upper;
        let allocated = base - self.followers.iter().sum::<i64>();
        let clash = |upper: Vec<Option<i64>>| {
            let limits = Limits { lower: Vec::new(), upper };
            solve(&self.programme(&accounts, &[], &limits, true))
                .err()
                .map(|clash| Infeasible::of(&clash, self))
        };
        let is_short = allocated < accounts.iter().sum();
        let fits = self.room_for(&accounts, &upper) >= allocated;
        // Where capacity is short the optimum leaves accounts anyhow: those whose room is worth more to others.
        let leaves_some = is_short && self.method() == Method::Optimise;
        if !fits && !leaves_some {
            return clash(upper).map_or(Ok(Short::Not), Err);
        }
        if !is_short {
            return Ok(Short::Not);
        }
        Ok(clash(upper).map_or(Short::Not, |clash| Short::Of(clash, fits)))
    }

    /// The programme of some accounts; without expectations all accounts are worth the same.
    fn programme(
        &self,
        accounts: &[i64],
        expectations: &[Expectation],
        limits: &Limits,
        place_all: bool,
    ) -> Programme {
        let cells = self.strata.iter().enumerate().flat_map(|(number, stratum)| {
            let worth = expectations
                .get(number)
                .map(|expectation| expectation.worth.as_slice())
                .unwrap_or_default();
            stratum.eligible.iter().enumerate().map(move |(place, recipient)| Cell {
                stratum: u32::try_from(number).unwrap_or(u32::MAX),
                recipient: u16::try_from(*recipient).unwrap_or(u16::MAX),
                value: worth.get(place).map_or(0, |worth| worth.value),
            })
        });
        Programme {
            accounts: accounts.to_vec(),
            recipients: self.recipients.len(),
            cells: cells.collect(),
            lower: limits.lower.clone(),
            upper: limits.upper.clone(),
            place_all,
        }
    }

    /// How many of some accounts find room.
    fn room_for(&self, accounts: &[i64], upper: &[Option<i64>]) -> i64 {
        if upper.iter().all(Option::is_none) {
            return accounts.iter().sum();
        }
        let limits = Limits { lower: Vec::new(), upper: upper.to_vec() };
        most_placed(&self.programme(accounts, &[], &limits, false))
    }

    /// The limits of the whole run, and what shares are shares of: the accounts allocated in the run, as many as there is
    /// capacity for, those that follow their debtors included; the least rounded up, the most down.
    fn limits(&self, base: Option<i64>) -> (Limits, i64) {
        let room = |recipient: usize| {
            self.recipients[recipient].room.map(|room| (room - self.followers[recipient]).max(0))
        };
        let rooms: Vec<Option<i64>> = (0..self.recipients.len()).map(room).collect();
        let base = base.unwrap_or_else(|| {
            let accounts: Vec<i64> = self.strata.iter().map(|stratum| stratum.accounts).collect();
            let capacities = Limits { lower: Vec::new(), upper: rooms.clone() };
            self.room_for(&accounts, &self.with_weight(&capacities).upper)
                + self.followers.iter().sum::<i64>()
        });
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for (recipient, room) in rooms.into_iter().enumerate() {
            let participant = self.strategy.participant(&self.recipients[recipient].assignee.code);
            let own = self.followers[recipient];
            let least =
                participant.map_or(0, |participant| part(participant.min_share, base, true));
            let most = participant
                .filter(|participant| participant.max_share < Rate::ONE)
                .map(|participant| part(participant.max_share, base, false));
            lower.push((least - own).max(0));
            upper.push([room, most.map(|most| (most - own).max(0))].into_iter().flatten().min());
        }
        (Limits { lower, upper }, base)
    }

    /// With fixed shares, who has none takes nothing; exploration gives everybody accounts.
    fn with_weight(&self, limits: &Limits) -> Limits {
        let explores = self.strategy.exploration > Rate::ZERO;
        if explores {
            limits.clone()
        } else {
            weighted(limits, &self.weights(self.strategy.method))
        }
    }

    /// What shares of a method are proportional to; any whole numbers.
    fn weights(&self, method: Method) -> Vec<i64> {
        let whole = |number: Decimal, places: u32| {
            (number * Decimal::from(10_i64.pow(places))).round().to_i64().unwrap_or(0)
        };
        match method {
            Method::Fixed => {
                let share = |recipient: &Recipient| {
                    self.strategy
                        .participant(&recipient.assignee.code)
                        .and_then(|participant| participant.share)
                };
                self.recipients
                    .iter()
                    .map(|recipient| share(recipient).map_or(0, |share| whole(share.decimal(), 10)))
                    .collect()
            }
            Method::Score => {
                self.score_weights().into_iter().map(|weight| whole(weight, 6)).collect()
            }
            Method::Equal | Method::Optimise => vec![1; self.recipients.len()],
        }
    }

    /// Scores by peer group, ties sharing equally; who is on no scorecard has none.
    fn score_weights(&self) -> Vec<Decimal> {
        let mut groups: BTreeMap<&str, Vec<(usize, Decimal)>> = BTreeMap::new();
        for (place, recipient) in self.recipients.iter().enumerate() {
            let participant = self.strategy.participant(&recipient.assignee.code);
            let group =
                participant.and_then(|participant| participant.peer_group.as_deref()).unwrap_or("");
            if let Some(row) =
                self.scorecard.iter().find(|row| row.assignee == recipient.assignee.code)
            {
                groups.entry(group).or_default().push((place, row.score));
            }
        }
        let mut all = vec![Decimal::ZERO; self.recipients.len()];
        for group in groups.into_values() {
            let scores: Vec<Decimal> = group.iter().map(|(_, score)| *score).collect();
            let found = weights(&scores, self.strategy.points.tie_margin);
            group.iter().zip(found).for_each(|((place, _), weight)| all[*place] = weight);
        }
        all
    }

    /// The accounts that are explored: a share of every stratum, carried from one to the next, split equally inside.
    fn explore(&self, limits: &Limits) -> (Counts, Carried) {
        let nothing = || {
            (
                self.strata.iter().map(|stratum| vec![0; stratum.eligible.len()]).collect(),
                Carried::default(),
            )
        };
        let share = self.strategy.exploration.decimal();
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
        let most = Limits { lower: vec![0; self.recipients.len()], upper: limits.upper.clone() };
        self.by_shares(&Carried::default(), &vec![1; self.recipients.len()], &explored, &most, true)
            .unwrap_or_else(nothing)
    }

    /// Shares in proportion to weights; where room is short, as many accounts as find room.
    fn by_shares(
        &self,
        carried: &Carried,
        weights: &[i64],
        accounts: &[i64],
        limits: &Limits,
        short: bool,
    ) -> Option<(Counts, Carried)> {
        let all: i64 = accounts.iter().sum();
        let unplaced =
            if short { all - self.room_for(accounts, &weighted(limits, weights).upper) } else { 0 };
        let with_count = self.strata.iter().zip(accounts);
        let supplies: Vec<Supply<'_>> = with_count
            .map(|(stratum, accounts)| Supply { accounts: *accounts, eligible: &stratum.eligible })
            .collect();
        counts_after(carried, &supplies, weights, limits, unplaced)
    }

    fn optimise(
        &self,
        accounts: &[i64],
        expectations: &[Expectation],
        limits: &Limits,
        place_all: bool,
    ) -> Result<(Counts, Optimum), Infeasible> {
        let programme = self.programme(accounts, expectations, limits, place_all);
        let solved = solve(&programme).map_err(|clash| Infeasible::of(&clash, self))?;
        let mut assigned = solved.assigned.into_iter();
        let given = self
            .strata
            .iter()
            .map(|stratum| assigned.by_ref().take(stratum.eligible.len()).collect())
            .collect();
        Ok((given, Optimum { bound: solved.bound, prices: solved.recipient_prices }))
    }

    /// Why shares found no way within the limits.
    fn why_not(
        &self,
        weights: &[i64],
        accounts: &[i64],
        limits: &Limits,
        short: bool,
    ) -> Infeasible {
        let limits = weighted(limits, weights);
        let clash =
            |place_all: bool| solve(&self.programme(accounts, &[], &limits, place_all)).err();
        // Where room is short, shares that leave less than the room there is clash like those that leave too little.
        let clash = clash(!short).or_else(|| clash(true));
        // Shares fail only where no assignment keeps the limits, so that there always is a clash.
        let unknown = Clash {
            kind: ClashKind::Minimums,
            recipients: Vec::new(),
            strata: Vec::new(),
            needed: 0,
            available: 0,
        };
        Infeasible::of(&clash.unwrap_or(unknown), self)
    }
}

/// What of each stratum is not explored.
fn rest_of(all: &[i64], explored: &Counts) -> Vec<i64> {
    all.iter().zip(explored).map(|(all, explored)| all - explored.iter().sum::<i64>()).collect()
}

/// Who has no weight takes nothing.
fn weighted(limits: &Limits, weights: &[i64]) -> Limits {
    let upper = limits
        .upper
        .iter()
        .zip(weights)
        .map(|(most, weight)| if *weight <= 0 { Some(0) } else { *most });
    Limits { lower: limits.lower.clone(), upper: upper.collect() }
}

/// What some counts are expected to bring, in millionths of a currency unit.
pub fn worth(expectations: &[Expectation], given: &Counts) -> i128 {
    let of = |(expectation, counts): (&Expectation, &Vec<i64>)| -> i128 {
        expectation
            .worth
            .iter()
            .zip(counts)
            .map(|(worth, count)| i128::from(worth.value) * i128::from(*count))
            .sum()
    };
    expectations.iter().zip(given).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clash_names_whose_and_by_how_much_in_both_languages() {
        let clash = |kind| Infeasible {
            kind,
            assignees: vec!["A01".to_string(), "A02".to_string()],
            strata: vec!["M2|A01+A02".to_string()],
            all_strata: 1,
            needed: 10,
            available: 7,
        };
        for kind in [ClashKind::Crossed, ClashKind::Maximums, ClashKind::Minimums] {
            for t in [Lang::Zh, Lang::En] {
                let words = clash(kind).words(t);
                let short = kind == ClashKind::Crossed || words.contains('3');
                assert!(
                    words.contains("A01, A02")
                        && words.contains("10")
                        && words.contains('7')
                        && short,
                    "{words}"
                );
                assert_eq!(words.is_ascii(), t == Lang::En, "{words}");
            }
        }
    }
}
