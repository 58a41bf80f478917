//! From a plan to accounts: debtors are kept together, hard limits are never exceeded, and single accounts are dealt
//! in serpentine order of balance from a seeded start, so that everybody gets the same own. Pure and repeatable.

use super::balancing::{Holdings, balance_means};
use super::gates::{Gate, Recipient};
use super::plan::{Counts, Plan};
use super::strata::{Sorted, Stratum, Unit};
use crate::kernel::Money;
use crate::kernel::chance::Chance;

/// What becomes of an account, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The method gave it to the recipient.
    Given,
    /// Exploration gave it to the recipient.
    Explored,
    /// It follows its debtor.
    Followed,
    /// Its debtor is with somebody who takes no part.
    WaitsAbsent,
    /// Its debtor is with somebody whose limit is used up.
    WaitsFull,
    /// Its debtor is with somebody whose gate is closed.
    WaitsGate(Gate),
    /// No gate is open.
    NoGate,
    /// The limits of everybody eligible are used up.
    Full,
    /// Nobody eligible has a share.
    NoShare,
    /// Nobody has room for all accounts of the debtor.
    NoRoomTogether,
}

/// What becomes of one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assigned {
    /// Who gets it, an index into the recipients; whom it waits for, when it waits.
    pub recipient: Option<usize>,
    /// Its stratum; those who follow or wait have none.
    pub stratum: Option<u32>,
    /// By what.
    pub fate: Fate,
    /// How many accounts of the debtor were dealt as one.
    pub together: u32,
}

impl Assigned {
    /// Who gets it.
    pub fn placed(&self) -> Option<usize> {
        self.recipient
            .filter(|_| matches!(self.fate, Fate::Given | Fate::Explored | Fate::Followed))
    }
}

/// Lets accounts follow their debtors as long as there is room; gives back how many follow each recipient.
pub fn follow(
    recipients: &[Recipient],
    sorted: &Sorted,
    most: &[Option<i64>],
    assigned: &mut [Assigned],
) -> Vec<i64> {
    let mut following = vec![0; recipients.len()];
    for one in &sorted.followers {
        let refused = |holder: usize| {
            let list = &sorted.refusals[sorted.refused[one.index] as usize];
            list.iter().find(|(recipient, _)| *recipient == holder).map(|(_, gate)| *gate)
        };
        let fate = match one.holder {
            None => Fate::WaitsAbsent,
            Some(holder) => match refused(holder) {
                Some(gate) => Fate::WaitsGate(gate),
                None if most[holder].is_some_and(|most| following[holder] >= most) => {
                    Fate::WaitsFull
                }
                None => {
                    following[holder] += 1;
                    Fate::Followed
                }
            },
        };
        assigned[one.index] = Assigned { recipient: one.holder, stratum: None, fate, together: 1 };
    }
    following
}

/// Deals every stratum by the plan, and keeps its limits also where debtors with several accounts would break them.
pub fn deal(seed: u64, sorted: &Sorted, plan: &Plan, assigned: &mut [Assigned]) {
    let room = plan.limits.upper.clone();
    let drift = vec![0; room.len()];
    let mut dealing = Dealing { sorted, room, drift, holdings: Vec::new(), assigned };
    for (number, stratum) in (0..).zip(&sorted.strata) {
        let (Some(explored), Some(given)) =
            (plan.explored.get(number as usize), plan.given.get(number as usize))
        else {
            let units: Vec<Unit> = stratum.units.clone();
            units.iter().for_each(|unit| dealing.put(unit, None, number, Fate::NoGate));
            continue;
        };
        let mut chance = Chance::seeded(seed.wrapping_add(u64::from(number)));
        // The start of the deal, and nothing else, is left to chance.
        let mut order: Vec<usize> = (0..stratum.eligible.len()).collect();
        chance.shuffle(&mut order);
        let (fair, rest) = draw(stratum, explored.iter().sum(), &mut chance);
        dealing.holdings = vec![Holdings::default(); stratum.eligible.len()];
        dealing.pool(stratum, number, &order, fair, explored, Fate::Explored);
        dealing.pool(stratum, number, &order, rest, given, Fate::Given);
    }
    dealing.use_what_is_left(&plan.takes);
}

/// Draws units by chance until so many accounts are drawn; gives back those drawn and the rest. Every unit is as likely
/// to be drawn as any other, and because one is drawn from every stretch of like balances, those drawn are a likeness of
/// all.
fn draw(stratum: &Stratum, accounts: i64, chance: &mut Chance) -> (Vec<Unit>, Vec<Unit>) {
    let mut units = stratum.units.clone();
    if accounts == 0 {
        return (Vec::new(), units);
    }
    units.sort_by_key(|unit| (unit.size, unit.balance, unit.first));
    let all = stratum.accounts.max(1);
    let start = chance.below_wide(all.unsigned_abs()).cast_signed();
    let turn = |place: i64| (place * accounts + start) / all;
    let (mut drawn, mut others): (Vec<_>, Vec<_>) =
        (0..).zip(units).partition(|(place, _)| turn(place + 1) > turn(*place));
    chance.shuffle(&mut drawn);
    chance.shuffle(&mut others);
    // With debtors of several accounts the turns do not come to exactly as many as wanted.
    let mut left = accounts;
    let mut fits = |unit: &Unit| {
        let fits = i64::from(unit.size) <= left;
        left -= if fits { i64::from(unit.size) } else { 0 };
        fits
    };
    drawn.into_iter().chain(others).map(|(_, unit)| unit).partition(|unit| fits(unit))
}

struct Dealing<'a> {
    sorted: &'a Sorted,
    room: Vec<Option<i64>>,
    /// By how much each recipient is ahead of the plan, because debtors were kept together.
    drift: Vec<i64>,
    /// The balances of the stratum at hand that each of its recipients has by now.
    holdings: Vec<Holdings>,
    assigned: &'a mut [Assigned],
}

impl Dealing<'_> {
    fn has_room(&self, recipient: usize, size: i64) -> bool {
        self.room[recipient].is_none_or(|room| room >= size)
    }

    fn put(&mut self, unit: &Unit, recipient: Option<usize>, stratum: u32, fate: Fate) {
        if let Some(Some(room)) = recipient.and_then(|recipient| self.room.get_mut(recipient)) {
            *room -= i64::from(unit.size);
        }
        let one = Assigned { recipient, stratum: Some(stratum), fate, together: unit.size };
        for index in self.sorted.members_of(unit) {
            self.assigned[*index as usize] = one;
        }
    }

    /// Deals one pool of a stratum: debtors with several accounts first, the largest of them first, then single
    /// accounts from the largest balance down.
    fn pool(
        &mut self,
        stratum: &Stratum,
        number: u32,
        order: &[usize],
        mut units: Vec<Unit>,
        quotas: &[i64],
        fate: Fate,
    ) {
        units.sort_by(|a, b| (b.size, b.balance, a.first).cmp(&(a.size, a.balance, b.first)));
        let singles_from = units.partition_point(|unit| unit.size > 1);
        let accounts: i64 = units.iter().map(|unit| i64::from(unit.size)).sum();
        let mut nobody = (accounts - quotas.iter().sum::<i64>()).max(0);
        let mut given = vec![0; quotas.len()];
        for unit in &units[..singles_from] {
            let size = i64::from(unit.size);
            let ahead = |place: &usize| {
                quotas[*place] - given[*place] - self.drift[stratum.eligible[*place]]
            };
            let with_room = order.iter().copied().filter(|place| {
                let recipient = stratum.eligible[*place];
                self.has_room(recipient, size) && (quotas[*place] > 0 || self.planned(recipient))
            });
            match with_room.max_by_key(|place| (ahead(place), std::cmp::Reverse(*place))) {
                Some(place) => {
                    self.put(unit, Some(stratum.eligible[place]), number, fate);
                    self.holdings[place].add(unit.size, unit.balance);
                    given[place] += size;
                }
                None => {
                    self.put(unit, None, number, Fate::NoRoomTogether);
                    nobody = (nobody - size).max(0);
                }
            }
        }
        let singles = &units[singles_from..];
        let left = self.left(stratum, quotas, &given, &mut nobody, singles.len());
        let why = if quotas.iter().all(|quota| *quota == 0) && nobody > 0 && !self.is_full(stratum)
        {
            Fate::NoShare
        } else {
            Fate::Full
        };
        let order: Vec<usize> = order.iter().copied().chain([quotas.len()]).collect();
        let mut places = serpentine(&order, &left);
        let balances: Vec<Money> = singles.iter().map(|unit| unit.balance).collect();
        balance_means(&balances, &mut places, &mut self.holdings);
        for (unit, place) in singles.iter().zip(places) {
            match stratum.eligible.get(place) {
                Some(recipient) => {
                    self.put(unit, Some(*recipient), number, fate);
                    given[place] += 1;
                }
                None => self.put(unit, None, number, why),
            }
        }
        for (place, recipient) in stratum.eligible.iter().enumerate() {
            self.drift[*recipient] += given[place] - quotas[place];
        }
    }

    /// Where debtors kept together have left room that the plan meant for others, who found none may have it.
    fn use_what_is_left(&mut self, takes: &[bool]) {
        for (number, stratum) in (0..).zip(&self.sorted.strata) {
            for unit in &stratum.units {
                let one = self.assigned[self.sorted.members_of(unit)[0] as usize];
                if !matches!(one.fate, Fate::Full | Fate::NoRoomTogether) {
                    continue;
                }
                let size = i64::from(unit.size);
                let can = |recipient: &usize| takes[*recipient] && self.has_room(*recipient, size);
                let next = stratum
                    .eligible
                    .iter()
                    .copied()
                    .filter(can)
                    .min_by_key(|recipient| (self.drift[*recipient], *recipient));
                if let Some(recipient) = next {
                    self.drift[recipient] += size;
                    self.put(unit, Some(recipient), number, Fate::Given);
                }
            }
        }
    }

    /// Whether the recipient is behind its plan, and so may stand in where the plan gave it nothing.
    fn planned(&self, recipient: usize) -> bool {
        self.drift[recipient] < 0
    }

    fn is_full(&self, stratum: &Stratum) -> bool {
        stratum.eligible.iter().all(|recipient| self.room[*recipient] == Some(0))
    }

    /// How many single accounts each is still to get, nobody last: what the plan says, corrected by what debtors with
    /// several accounts have brought, from those who are ahead of the plan and to those who are behind.
    fn left(
        &self,
        stratum: &Stratum,
        quotas: &[i64],
        given: &[i64],
        nobody: &mut i64,
        singles: usize,
    ) -> Vec<i64> {
        let recipients = &stratum.eligible;
        let room = |place: usize| self.room[recipients[place]].unwrap_or(i64::MAX);
        let mut left: Vec<i64> = (0..quotas.len())
            .map(|place| (quotas[place] - given[place]).clamp(0, room(place)))
            .collect();
        let singles = crate::kernel::count(singles);
        let places = 0..quotas.len();
        let ahead = |place: usize, left: &[i64]| {
            self.drift[recipients[place]] + given[place] + left[place] - quotas[place]
        };
        while left.iter().sum::<i64>() + *nobody > singles {
            let most_ahead = places
                .clone()
                .filter(|place| left[*place] > 0)
                .max_by_key(|place| ahead(*place, &left));
            match most_ahead {
                Some(place) => left[place] -= 1,
                None => *nobody = singles,
            }
        }
        while left.iter().sum::<i64>() + *nobody < singles {
            let can = |place: &usize| {
                left[*place] < room(*place)
                    && (quotas[*place] > 0 || self.planned(recipients[*place]))
            };
            match places.clone().filter(can).min_by_key(|place| ahead(*place, &left)) {
                Some(place) => left[place] += 1,
                None => *nobody = singles - left.iter().sum::<i64>(),
            }
        }
        left.push(*nobody);
        left
    }
}

/// The order in which single accounts sorted by balance are dealt: evenly spread, and with equal quotas there and
/// back again, so that each gets the same own of balances.
fn serpentine(order: &[usize], quotas: &[i64]) -> Vec<usize> {
    let most = quotas.iter().copied().max().unwrap_or(0);
    let mut slots: Vec<(i128, i64, usize)> = Vec::new();
    for (turn_in, place) in (0..).zip(order) {
        let quota = quotas.get(*place).copied().unwrap_or(0);
        for turn in 0..quota {
            let position =
                (2 * i128::from(turn) + 1) * i128::from(most) * 1_000_000 / i128::from(quota);
            slots.push((position, if turn % 2 == 0 { turn_in } else { -turn_in }, *place));
        }
    }
    slots.sort_unstable();
    slots.into_iter().map(|(_, _, place)| place).collect()
}

/// How many accounts of each stratum the deal gave to each of its recipients, by method.
pub fn tally(sorted: &Sorted, assigned: &[Assigned]) -> (Counts, Counts) {
    let empty = || -> Counts {
        sorted.strata.iter().map(|stratum| vec![0; stratum.eligible.len()]).collect()
    };
    let (mut explored, mut given) = (empty(), empty());
    for one in assigned {
        let (Some(recipient), Some(number)) = (one.placed(), one.stratum) else { continue };
        let number = number as usize;
        let Ok(place) = sorted.strata[number].eligible.binary_search(&recipient) else { continue };
        (if one.fate == Fate::Explored { &mut explored } else { &mut given })[number][place] += 1;
    }
    (explored, given)
}
