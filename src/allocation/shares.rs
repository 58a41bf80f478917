//! From shares to whole accounts: each stratum by largest remainder, what rounding gives or takes carried into the
//! next, so that over the run nobody is more than one account from its share (rule 4.10).
//!
//! Where a limit binds, an assignee's share is scaled alike in all strata until the limit is kept, so that the limit
//! does not fall on the last strata alone; single accounts are then moved until every limit is kept exactly.

use std::collections::VecDeque;

/// Accounts of one stratum and who may take them.
#[derive(Clone, Copy, Debug)]
pub struct Supply<'a> {
    /// How many.
    pub accounts: i64,
    /// Indices of the recipients, rising.
    pub eligible: &'a [usize],
}

/// The fewest and the most accounts of each recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The fewest.
    pub lower: Vec<i64>,
    /// The most; absent means as many as there are.
    pub upper: Vec<Option<i64>>,
}

impl Limits {
    fn most(&self, recipient: usize) -> i64 {
        self.upper.get(recipient).copied().flatten().unwrap_or(i64::MAX)
    }

    fn least(&self, recipient: usize) -> i64 {
        self.lower.get(recipient).copied().unwrap_or(0)
    }
}

/// Parts of an account in which targets and carried remainders are kept: 1 to 28 divide it, so that equal shares of a
/// stratum are exact and ties stay ties.
const UNIT: i128 = 963_761_198_400;
/// Divisions by other numbers leave a trace of some parts: targets nearer than this are the same.
const SAME: i128 = UNIT / 1_000_000;
/// Rounds of scaling; shares settle to far less than an account in fewer.
const ROUNDS: usize = 200;

/// By how much each recipient is behind its share, in parts of an account: what one part of a run carries into the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried(Vec<i128>);

/// How many accounts of each stratum go to each of its eligible recipients, in proportion to weights and within limits.
/// Exactly `unplaced` accounts are left to nobody. `None` when the limits cannot be kept.
pub fn counts(
    supplies: &[Supply<'_>],
    weights: &[i64],
    limits: &Limits,
    unplaced: i64,
) -> Option<Vec<Vec<i64>>> {
    counts_after(&Carried::default(), supplies, weights, limits, unplaced).map(|(counts, _)| counts)
}

/// As [`counts`], after a part of the run that carried something; gives back what is carried on.
pub fn counts_after(
    carried: &Carried,
    supplies: &[Supply<'_>],
    weights: &[i64],
    limits: &Limits,
    unplaced: i64,
) -> Option<(Vec<Vec<i64>>, Carried)> {
    let mut table = Table::new(supplies, weights, limits, unplaced);
    table.scale();
    let mut wanted = table.target_totals();
    wanted.iter_mut().zip(&carried.0).for_each(|(total, carried)| *total += carried);
    table.round(carried);
    let limits = (table.lower.clone(), table.upper.clone());
    table.stay_near(&wanted);
    if !table.repair() {
        // Limits come before being near a share.
        (table.lower, table.upper) = limits;
        if !table.repair() {
            return None;
        }
    }
    Some((table.counts(), table.carried(&wanted)))
}

/// One recipient of a stratum; the last recipient of every stratum is nobody.
struct Share {
    recipient: usize,
    count: i64,
}

struct Table {
    accounts: Vec<i64>,
    strata: Vec<Vec<Share>>,
    /// Weights times what scaling made of them, in 2⁻ᵗʰ units of [`UNIT`]; nobody's is last.
    weights: Vec<i128>,
    full: Vec<i128>,
    lower: Vec<i64>,
    upper: Vec<i64>,
    totals: Vec<i64>,
}

impl Table {
    fn new(supplies: &[Supply<'_>], weights: &[i64], limits: &Limits, unplaced: i64) -> Table {
        let nobody = weights.len();
        let shares = |supply: &Supply<'_>| {
            let recipients = supply.eligible.iter().copied().chain([nobody]);
            recipients.map(|recipient| Share { recipient, count: 0 }).collect()
        };
        // A weight of nothing takes nothing.
        let most =
            |recipient: usize| if weights[recipient] <= 0 { 0 } else { limits.most(recipient) };
        // Weights of the same size as one account leave the scaling room in both directions; all are made larger by
        // the same whole number, so that they stay in proportion exactly.
        let common = weights
            .iter()
            .fold(0, |common, weight| greatest_divisor(common, (*weight).max(0)))
            .max(1);
        let greatest = weights.iter().copied().max().unwrap_or(1).max(1) / common;
        let scaled = |weight: &i64| {
            i128::from((*weight).max(0) / common) * (UNIT / i128::from(greatest)).max(1)
        };
        let mut full: Vec<i128> = weights.iter().map(scaled).collect();
        full.push(if unplaced > 0 { UNIT } else { 0 });
        Table {
            accounts: supplies.iter().map(|supply| supply.accounts).collect(),
            strata: supplies.iter().map(shares).collect(),
            weights: full.clone(),
            full,
            lower: (0..nobody).map(|recipient| limits.least(recipient)).chain([unplaced]).collect(),
            upper: (0..nobody).map(most).chain([unplaced]).collect(),
            totals: vec![0; nobody + 1],
        }
    }

    /// What a stratum's recipients should get, exactly.
    fn targets(&self, stratum: usize) -> Vec<i128> {
        let shares = &self.strata[stratum];
        let sum: i128 = shares.iter().map(|share| self.weights[share.recipient]).sum();
        let accounts = i128::from(self.accounts[stratum]) * UNIT;
        // Both factors stay below 10²⁰, their product inside 128 bits.
        shares
            .iter()
            .map(|share| {
                if sum == 0 {
                    0
                } else {
                    accounts.saturating_mul(self.weights[share.recipient]) / sum
                }
            })
            .collect()
    }

    fn target_totals(&self) -> Vec<i128> {
        let mut totals = vec![0; self.weights.len()];
        for stratum in 0..self.strata.len() {
            for (share, target) in self.strata[stratum].iter().zip(self.targets(stratum)) {
                totals[share.recipient] += target;
            }
        }
        totals
    }

    /// Scales the weights of those who would exceed a limit, and lets go of those who no longer do.
    fn scale(&mut self) {
        for _ in 0..ROUNDS {
            let totals = self.target_totals();
            let mut moved = false;
            for (recipient, total) in totals.into_iter().enumerate() {
                let (least, most) = (
                    i128::from(self.lower[recipient]) * UNIT,
                    i128::from(self.upper[recipient]).saturating_mul(UNIT),
                );
                let weight = self.weights[recipient];
                let scaled = |to: i128| {
                    (weight.saturating_mul(to / 1_000_000) / (total / 1_000_000).max(1))
                        .clamp(0, UNIT * 10_000)
                };
                let wanted = if total > most {
                    scaled(most)
                } else if total < least {
                    scaled(least).max(1)
                } else if weight < self.full[recipient] {
                    scaled(most).min(self.full[recipient])
                } else if weight > self.full[recipient] {
                    scaled(least).max(self.full[recipient])
                } else {
                    weight
                };
                moved |= (wanted - weight).abs() > weight / 1_000_000_000;
                self.weights[recipient] = wanted;
            }
            if !moved {
                return;
            }
        }
    }

    /// Whole accounts by largest remainder, stratum by stratum, with what earlier strata carried; ties go to the
    /// earlier code.
    fn round(&mut self, before: &Carried) {
        let mut carried = before.0.clone();
        carried.resize(self.weights.len(), 0);
        for stratum in 0..self.strata.len() {
            let recipients: Vec<usize> =
                self.strata[stratum].iter().map(|share| share.recipient).collect();
            let wanted: Vec<i128> = self
                .targets(stratum)
                .into_iter()
                .zip(&recipients)
                .map(|(target, recipient)| target + carried[*recipient])
                .collect();
            let room: Vec<i64> = recipients
                .iter()
                .map(|recipient| self.upper[*recipient].saturating_sub(self.totals[*recipient]))
                .collect();
            let counts = largest_remainder(self.accounts[stratum], &wanted, &room);
            for (place, count) in counts.into_iter().enumerate() {
                let recipient = recipients[place];
                carried[recipient] = wanted[place] - i128::from(count) * UNIT;
                self.totals[recipient] += count;
                self.strata[stratum][place].count = count;
            }
        }
    }

    /// Carrying alone can lead astray where few are eligible: nobody may end more than one account from its share.
    fn stay_near(&mut self, wanted: &[i128]) {
        for (recipient, total) in wanted.iter().copied().enumerate() {
            let least = i64::try_from((total - UNIT - SAME).div_euclid(UNIT) + 1).unwrap_or(0);
            let most = i64::try_from((total + UNIT + SAME).div_euclid(UNIT)).unwrap_or(i64::MAX);
            self.lower[recipient] = self.lower[recipient].max(least.min(self.upper[recipient]));
            self.upper[recipient] = self.upper[recipient].min(most.max(self.lower[recipient]));
        }
    }

    /// Moves accounts until every limit is kept; `false` when that cannot be.
    fn repair(&mut self) -> bool {
        if self.lower.iter().zip(&self.upper).any(|(least, most)| least > most) {
            return false;
        }
        for recipient in 0..self.totals.len() {
            while self.totals[recipient] > self.upper[recipient] {
                if !self.shift(recipient, true) {
                    return false;
                }
            }
            while self.totals[recipient] < self.lower[recipient] {
                if !self.shift(recipient, false) {
                    return false;
                }
            }
        }
        true
    }

    /// Moves accounts from one who has too many (`away`), or to one who has too few, along the shortest way over
    /// others to somebody who can take or give them.
    fn shift(&mut self, start: usize, away: bool) -> bool {
        let mut come_from: Vec<Option<(usize, usize)>> = vec![None; self.totals.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(recipient) = queue.pop_front() {
            let can = if away {
                self.totals[recipient] < self.upper[recipient]
            } else {
                self.totals[recipient] > self.lower[recipient]
            };
            if recipient != start && can {
                self.carry_out(start, recipient, away, &come_from);
                return true;
            }
            for (stratum, shares) in self.strata.iter().enumerate() {
                let Some(own) = shares.iter().find(|share| share.recipient == recipient) else {
                    continue;
                };
                for other in shares {
                    let giver = if away { own } else { other };
                    if other.recipient != start
                        && come_from[other.recipient].is_none()
                        && other.recipient != recipient
                        && giver.count > 0
                    {
                        come_from[other.recipient] = Some((recipient, stratum));
                        queue.push_back(other.recipient);
                    }
                }
            }
        }
        false
    }

    fn carry_out(
        &mut self,
        start: usize,
        end: usize,
        away: bool,
        come_from: &[Option<(usize, usize)>],
    ) {
        let mut steps = Vec::new();
        let mut at = end;
        while let Some((before, stratum)) = come_from[at].filter(|_| at != start) {
            steps.push(if away { (stratum, before, at) } else { (stratum, at, before) });
            at = before;
        }
        let count_of = |table: &Table, (stratum, giver, _): &(usize, usize, usize)| {
            table.strata[*stratum]
                .iter()
                .find(|share| share.recipient == *giver)
                .map_or(0, |share| share.count)
        };
        let (need, can) = if away {
            (self.totals[start] - self.upper[start], self.upper[end] - self.totals[end])
        } else {
            (self.lower[start] - self.totals[start], self.totals[end] - self.lower[end])
        };
        let amount =
            steps.iter().map(|step| count_of(self, step)).min().unwrap_or(0).min(need).min(can);
        for (stratum, giver, receiver) in steps {
            for share in &mut self.strata[stratum] {
                share.count += if share.recipient == receiver { amount } else { 0 }
                    - if share.recipient == giver { amount } else { 0 };
            }
            self.totals[giver] -= amount;
            self.totals[receiver] += amount;
        }
    }

    /// What is wanted and not given, for everybody but nobody.
    fn carried(&self, wanted: &[i128]) -> Carried {
        let behind = wanted
            .iter()
            .zip(&self.totals)
            .map(|(wanted, total)| wanted - i128::from(*total) * UNIT);
        Carried(behind.take(self.totals.len() - 1).collect())
    }

    fn counts(&self) -> Vec<Vec<i64>> {
        let of = |shares: &Vec<Share>| {
            shares[..shares.len() - 1].iter().map(|share| share.count).collect()
        };
        self.strata.iter().map(of).collect()
    }
}

/// Whole counts that sum to a total, each as near its target (in [`UNIT`]s) as can be and at most its room, but for the
/// last, which takes what nobody else can; ties go to the earlier.
fn largest_remainder(total: i64, targets: &[i128], room: &[i64]) -> Vec<i64> {
    let last = targets.len().saturating_sub(1);
    let most = |place: usize| if place == last { i64::MAX } else { room[place].max(0) };
    let floor = |place: usize| {
        i64::try_from((targets[place] + SAME).div_euclid(UNIT)).unwrap_or(0).clamp(0, most(place))
    };
    let mut counts: Vec<i64> = (0..targets.len()).map(floor).collect();
    loop {
        let given: i64 = counts.iter().sum();
        let short = |place: &usize| {
            (targets[*place] - i128::from(counts[*place]) * UNIT + SAME / 2).div_euclid(SAME)
        };
        let places = 0..targets.len();
        let next = match given.cmp(&total) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => places
                .filter(|place| counts[*place] < most(*place))
                .max_by_key(|place| {
                    (
                        *place != last || room[last] > counts[last],
                        short(place),
                        std::cmp::Reverse(*place),
                    )
                })
                .map(|place| (place, 1)),
            std::cmp::Ordering::Greater => places
                .filter(|place| counts[*place] > 0)
                .min_by_key(|place| (short(place), std::cmp::Reverse(*place)))
                .map(|place| (place, -1)),
        };
        let Some((place, step)) = next else { return counts };
        counts[place] += step;
    }
}

/// The greatest number that divides both; of nothing and a number, that number.
fn greatest_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// Splits a total in proportion to weights, by largest remainder; ties to the earlier.
pub fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    let eligible: Vec<usize> = (0..weights.len()).collect();
    let supply = Supply { accounts: total, eligible: &eligible };
    counts(&[supply], weights, &Limits::default(), 0)
        .and_then(|mut rows| rows.pop())
        .unwrap_or_default()
}
