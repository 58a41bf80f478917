//! From shares to accounts: whole counts by largest remainder carried across strata, hard limits, debtors kept
//! together, and a serpentine deal by balance from a seeded start. Pure and repeatable.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::candidates::{Candidate, Field};
use super::gates::{Gate, Taker};
use super::strategy::{Dimension, Strategy};
use crate::kernel::{Currency, Money};

/// What becomes of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Which candidate.
    pub index: usize,
    /// Who gets it (an index into the takers), if anybody.
    pub taker: Option<usize>,
    /// Its stratum.
    pub stratum: String,
    /// Why.
    pub reason: String,
}

/// Parts of an account in which carried remainders are kept.
const UNIT: i128 = 1_000_000_000_000;

/// Accounts of one debtor, dealt as one.
struct Unit {
    members: Vec<usize>,
    balance: Money,
    stratum: String,
    eligible: Vec<usize>,
}

/// Assigns every candidate of a run. The result is in order of the candidates.
pub fn deal(strategy: &Strategy, takers: &[Taker], field: &Field, currency: Currency) -> Vec<Assigned> {
    let mut dealing = Dealing {
        strategy,
        takers,
        field,
        currency,
        room: takers.iter().map(|taker| taker.room).collect(),
        carried: vec![0; takers.len()],
        assigned: Vec::with_capacity(field.candidates.len()),
    };
    let mut strata: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
    for unit in dealing.units() {
        strata.entry(unit.stratum.clone()).or_default().push(unit);
    }
    for (number, (stratum, units)) in strata.into_iter().enumerate() {
        dealing.stratum(number as u64, &stratum, units);
    }
    dealing.assigned.sort_by_key(|one| one.index);
    dealing.assigned
}

struct Dealing<'a> {
    strategy: &'a Strategy,
    takers: &'a [Taker],
    field: &'a Field,
    currency: Currency,
    room: Vec<Option<i64>>,
    carried: Vec<i128>,
    assigned: Vec<Assigned>,
}

impl Dealing<'_> {
    fn candidate(&self, index: usize) -> &Candidate {
        &self.field.candidates[index]
    }

    /// Groups candidates by debtor; those whose debtor is already with somebody follow, or wait, at once.
    fn units(&mut self) -> Vec<Unit> {
        let mut by_debtor: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let field = self.field;
        for (index, candidate) in field.candidates.iter().enumerate() {
            by_debtor.entry(&candidate.debtor_ref).or_default().push(index);
        }
        let mut units = Vec::new();
        for (debtor, members) in by_debtor {
            if let Some(holder) = field.debtor_holders.get(debtor) {
                self.follow(holder, &members);
                continue;
            }
            let largest =
                members.iter().copied().max_by_key(|index| (self.candidate(*index).facts.balance, std::cmp::Reverse(*index)));
            let eligible: Vec<usize> = (0..self.takers.len()).filter(|taker| self.refusal(*taker, &members).is_none()).collect();
            let Some(largest) = largest else { continue };
            let stratum = self.stratum_name(self.candidate(largest), &eligible);
            if eligible.is_empty() {
                let why = self.refusals(&members);
                self.leave(&members, &stratum, &format!("no eligible assignee: {why}"));
                continue;
            }
            let balance = members.iter().map(|index| self.candidate(*index).facts.balance).sum();
            units.push(Unit { members, balance, stratum, eligible });
        }
        units
    }

    /// The first gate of a taker that is closed for any of some accounts.
    fn refusal(&self, taker: usize, members: &[usize]) -> Option<Gate> {
        members.iter().find_map(|index| self.takers[taker].refuses(self.candidate(*index), self.strategy.rotation))
    }

    fn refusals(&self, members: &[usize]) -> String {
        let each = |taker: usize| {
            self.refusal(taker, members).map(|gate| format!("{} {}", self.takers[taker].assignee.code, gate.name()))
        };
        (0..self.takers.len()).filter_map(each).collect::<Vec<_>>().join(", ")
    }

    fn follow(&mut self, holder: &str, members: &[usize]) {
        let taker = self.takers.iter().position(|taker| taker.assignee.code == holder);
        for index in members {
            let stratum = self.stratum_name(self.candidate(*index), &[]);
            let refused = match taker {
                None => Some("which takes no part in this run".to_string()),
                Some(taker) => match self.refusal(taker, &[*index]) {
                    Some(gate) => Some(format!("whose gate {} is closed", gate.name())),
                    None if self.room[taker] == Some(0) => Some("whose capacity is full".to_string()),
                    None => None,
                },
            };
            match (taker, refused) {
                (Some(taker), None) => {
                    self.give(taker, &[*index], &stratum, &format!("follows the debtor's other account to {holder}"))
                }
                (_, refused) => {
                    let why = refused.unwrap_or_default();
                    self.leave(&[*index], &stratum, &format!("waits: the debtor's other account is with {holder}, {why}"));
                }
            }
        }
    }

    fn give(&mut self, taker: usize, members: &[usize], stratum: &str, reason: &str) {
        if let Some(room) = &mut self.room[taker] {
            *room -= i64::try_from(members.len()).unwrap_or(i64::MAX);
        }
        self.put(Some(taker), members, stratum, reason);
    }

    fn leave(&mut self, members: &[usize], stratum: &str, reason: &str) {
        self.put(None, members, stratum, reason);
    }

    fn put(&mut self, taker: Option<usize>, members: &[usize], stratum: &str, reason: &str) {
        let together =
            if members.len() > 1 { format!("; {} accounts of the debtor stay together", members.len()) } else { String::new() };
        for index in members {
            self.assigned.push(Assigned {
                index: *index,
                taker,
                stratum: stratum.to_string(),
                reason: format!("{reason}{together}"),
            });
        }
    }

    /// The dimensions of the strategy and the set of open gates, so that every split is like for like.
    fn stratum_name(&self, candidate: &Candidate, eligible: &[usize]) -> String {
        let facts = &candidate.facts;
        let mut parts: Vec<String> = self
            .strategy
            .dimensions
            .iter()
            .map(|dimension| match dimension {
                Dimension::Bucket => facts.bucket.clone(),
                Dimension::BalanceBand => self.band(facts.balance),
                Dimension::Product => facts.product.clone().unwrap_or_else(|| "-".to_string()),
                Dimension::Region => facts.region.clone().unwrap_or_else(|| "-".to_string()),
                Dimension::Level => format!("L{}", facts.level),
                Dimension::ChargedOff => (if facts.charged_off { "charged off" } else { "not charged off" }).to_string(),
            })
            .collect();
        let codes: Vec<&str> = eligible.iter().map(|taker| self.takers[*taker].assignee.code.as_str()).collect();
        parts.push(codes.join("+"));
        parts.join("|")
    }

    fn band(&self, balance: Money) -> String {
        match self.strategy.bands.iter().find(|bound| balance <= **bound) {
            Some(bound) => format!("≤{}", bound.plain(self.currency)),
            None => format!(">{}", self.strategy.bands.last().map_or_else(String::new, |bound| bound.plain(self.currency))),
        }
    }

    /// Deals one stratum: debtors with several accounts first, then single accounts in serpentine order.
    fn stratum(&mut self, number: u64, stratum: &str, mut units: Vec<Unit>) {
        let eligible = units.first().map(|unit| unit.eligible.clone()).unwrap_or_default();
        let total: usize = units.iter().map(|unit| unit.members.len()).sum();
        let mut order = eligible.clone();
        let mut chance = ChaCha8Rng::seed_from_u64(self.strategy.seed.wrapping_add(number));
        order.shuffle(&mut chance);
        let (quotas, targets) = self.quotas(&eligible, total);
        let mut given: BTreeMap<usize, i64> = eligible.iter().map(|taker| (*taker, 0)).collect();
        units.sort_by(|a, b| (b.members.len(), b.balance, &a.members).cmp(&(a.members.len(), a.balance, &b.members)));
        let singles_from = units.partition_point(|unit| unit.members.len() > 1);
        let reason = |taker: usize, dealing: &Dealing<'_>| {
            let code = &dealing.takers[taker].assignee.code;
            format!(
                "{} share: {code} gets {} of {total} in this stratum",
                dealing.strategy.method.name(),
                quotas.get(&taker).copied().unwrap_or(0)
            )
        };
        for unit in &units[..singles_from] {
            let size = i64::try_from(unit.members.len()).unwrap_or(i64::MAX);
            let has_room = |taker: &&usize| self.room[**taker].is_none_or(|room| room >= size);
            let open = |taker: &usize| quotas.get(taker).copied().unwrap_or(0) - given.get(taker).copied().unwrap_or(0);
            match order.iter().filter(has_room).max_by_key(|taker| (open(taker), std::cmp::Reverse(**taker))).copied() {
                Some(taker) => {
                    let why = reason(taker, self);
                    self.give(taker, &unit.members, stratum, &why);
                    *given.entry(taker).or_default() += size;
                }
                None => self.leave(&unit.members, stratum, "no eligible assignee has room for all of the debtor's accounts"),
            }
        }
        let singles = &units[singles_from..];
        let left: BTreeMap<usize, i64> =
            quotas.iter().map(|(taker, quota)| (*taker, (quota - given.get(taker).copied().unwrap_or(0)).max(0))).collect();
        let slots = serpentine(&order, &left);
        let mut slots = slots.into_iter();
        for unit in singles {
            let next = slots.by_ref().find(|taker| self.room[*taker].is_none_or(|room| room > 0));
            let next = next.or_else(|| {
                order.iter().copied().find(|taker| {
                    self.room[*taker].is_none_or(|room| room > 0) && targets.get(taker).is_some_and(|target| *target > 0)
                })
            });
            match next {
                Some(taker) => {
                    let why = reason(taker, self);
                    self.give(taker, &unit.members, stratum, &why);
                    *given.entry(taker).or_default() += 1;
                }
                None => self.leave(&unit.members, stratum, "the capacity of every eligible assignee is full"),
            }
        }
        for (taker, target) in targets {
            self.carried[taker] = target - i128::from(given.get(&taker).copied().unwrap_or(0)) * UNIT;
        }
    }

    /// Whole accounts for each eligible assignee by largest remainder, with what earlier strata carried, within
    /// the room each has left; and the exact targets. Ties go to the earlier code.
    fn quotas(&self, eligible: &[usize], total: usize) -> (BTreeMap<usize, i64>, BTreeMap<usize, i128>) {
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        let weight = |taker: usize| {
            let code = &self.takers[taker].assignee.code;
            self.strategy
                .assignees
                .iter()
                .find(|(listed, _)| listed == code)
                .map_or(0, |(_, share)| share.decimal().mantissa() * 10_i128.pow(10 - share.decimal().scale()))
        };
        let sum: i128 = eligible.iter().map(|taker| weight(*taker)).sum();
        if sum == 0 {
            return (eligible.iter().map(|taker| (*taker, 0)).collect(), eligible.iter().map(|taker| (*taker, 0)).collect());
        }
        let target = |taker: usize| i128::from(total) * UNIT * weight(taker) / sum + self.carried[taker];
        let targets: BTreeMap<usize, i128> = eligible.iter().map(|taker| (*taker, target(*taker))).collect();
        let most = |taker: usize| if weight(taker) == 0 { 0 } else { self.room[taker].unwrap_or(i64::MAX) };
        let mut quotas: BTreeMap<usize, i64> = targets
            .iter()
            .map(|(taker, target)| (*taker, i64::try_from(target.div_euclid(UNIT)).unwrap_or(0).clamp(0, most(*taker))))
            .collect();
        loop {
            let given: i64 = quotas.values().sum();
            let short = |taker: &usize, quotas: &BTreeMap<usize, i64>| targets[taker] - i128::from(quotas[taker]) * UNIT;
            let next = match given.cmp(&total) {
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Less => eligible
                    .iter()
                    .filter(|taker| quotas[taker] < most(**taker))
                    .max_by_key(|taker| (short(taker, &quotas), std::cmp::Reverse(**taker)))
                    .map(|taker| (*taker, 1)),
                std::cmp::Ordering::Greater => eligible
                    .iter()
                    .filter(|taker| quotas[taker] > 0)
                    .min_by_key(|taker| (short(taker, &quotas), std::cmp::Reverse(**taker)))
                    .map(|taker| (*taker, -1)),
            };
            let Some((taker, step)) = next else { return (quotas, targets) };
            *quotas.entry(taker).or_default() += step;
        }
    }
}

/// The order in which assignees are dealt single accounts sorted by balance: evenly spread, and with equal
/// quotas there and back again, so that each gets the same mix of balances.
fn serpentine(order: &[usize], quotas: &BTreeMap<usize, i64>) -> Vec<usize> {
    let most = quotas.values().copied().max().unwrap_or(0);
    let mut slots: Vec<(i128, i64, usize)> = Vec::new();
    for (place, taker) in order.iter().enumerate() {
        let quota = quotas.get(taker).copied().unwrap_or(0);
        for turn in 0..quota {
            let position = (2 * i128::from(turn) + 1) * i128::from(most) * 1_000_000 / i128::from(quota);
            let place = i64::try_from(place).unwrap_or(0);
            slots.push((position, if turn % 2 == 0 { place } else { -place }, *taker));
        }
    }
    slots.sort();
    slots.into_iter().map(|(_, _, taker)| taker).collect()
}
