//! What was placed and recovered, summed by group and assignee, and the rates pooled from it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::number::{RATE_PLACES, ratio, round};
use crate::kernel::Money;

/// What one judged placement adds.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// The balance placed.
    pub balance: Money,
    /// Payments less reversals within the horizon.
    pub recovered: Money,
}

/// Sums over judged placements, with the second moments that a range needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Placements.
    pub placements: i64,
    /// Placements that recovered something.
    pub served: i64,
    /// Σ balance placed.
    pub balance: Money,
    /// Σ recovered.
    pub recovered: Money,
    /// Σ recovered², in minor units squared.
    pub recovered_squared: i128,
    /// Σ recovered × balance.
    pub recovered_by_balance: i128,
    /// Σ balance².
    pub balance_squared: i128,
}

impl Sums {
    /// Adds one placement.
    pub fn add(&mut self, one: Judged) {
        let (balance, recovered) = (i128::from(one.balance.0), i128::from(one.recovered.0));
        self.placements += 1;
        self.served += i64::from(one.recovered > Money::ZERO);
        self.balance += one.balance;
        self.recovered += one.recovered;
        self.recovered_squared += recovered * recovered;
        self.recovered_by_balance += recovered * balance;
        self.balance_squared += balance * balance;
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Sums) {
        self.placements += other.placements;
        self.served += other.served;
        self.balance += other.balance;
        self.recovered += other.recovered;
        self.recovered_squared += other.recovered_squared;
        self.recovered_by_balance += other.recovered_by_balance;
        self.balance_squared += other.balance_squared;
    }

    /// Recovered ÷ balance placed.
    pub fn rate(&self) -> Option<Decimal> {
        ratio(self.recovered, self.balance)
    }

    /// Σ (recovered − rate × balance)² in major units squared of a hundredth: how far placements scatter about a rate.
    pub fn scatter(&self, rate: Decimal) -> Option<Decimal> {
        // In whole major units the squares of a large book stay inside a decimal.
        let major = |sum: i128| Decimal::try_from_i128_with_scale(sum / 10_000, 0).ok();
        let cross =
            major(self.recovered_by_balance)?.checked_mul(rate)?.checked_mul(Decimal::TWO)?;
        let square = major(self.balance_squared)?.checked_mul(rate)?.checked_mul(rate)?;
        Some((major(self.recovered_squared)? - cross + square).max(Decimal::ZERO))
    }
}

/// The history of a window: sums by group and assignee, and by bucket.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By group, then assignee.
    pub cells: BTreeMap<String, BTreeMap<String, Sums>>,
    buckets: BTreeMap<String, Sums>,
    book: Sums,
    pooled: BTreeMap<String, Sums>,
}

impl History {
    /// Adds one judged placement of a group and bucket.
    pub fn add(&mut self, group: &str, bucket: &str, assignee: &str, one: Judged) {
        entry(&mut self.cells, group).map(|cells| entry(cells, assignee).map(|sums| sums.add(one)));
        for (pool, key) in [(&mut self.buckets, bucket), (&mut self.pooled, group)] {
            if let Some(sums) = entry(pool, key) {
                sums.add(one);
            }
        }
        self.book.add(one);
    }

    /// Whether there is nothing to go by.
    pub fn is_empty(&self) -> bool {
        self.book.balance <= Money::ZERO
    }

    /// The sums of the whole book.
    pub fn book(&self) -> &Sums {
        &self.book
    }

    /// A group's sums over all assignees.
    pub fn pool(&self, group: &str) -> Option<&Sums> {
        self.pooled.get(group)
    }

    /// The rate to expect of a group: its own, else its bucket's, else the book's (rule 4.7), never below zero.
    pub fn rate(&self, group: &str, bucket: &str) -> Decimal {
        let own = self.pooled.get(group).and_then(Sums::rate);
        let found = own
            .or_else(|| self.buckets.get(bucket).and_then(Sums::rate))
            .or_else(|| self.book.rate());
        round(found.unwrap_or_default().max(Decimal::ZERO), RATE_PLACES)
    }

    /// The sums of one assignee over all groups.
    pub fn of(&self, assignee: &str) -> Sums {
        let mut sums = Sums::default();
        self.cells.values().filter_map(|cells| cells.get(assignee)).for_each(|one| sums.merge(one));
        sums
    }

    /// Everyone with a judged placement.
    pub fn assignees(&self) -> std::collections::BTreeSet<&str> {
        self.cells.values().flat_map(|cells| cells.keys()).map(String::as_str).collect()
    }
}

/// The entry of a key, made when missing; a key is only copied when it is new.
fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> Option<&'m mut V> {
    if !map.contains_key(key) {
        map.insert(key.to_string(), V::default());
    }
    map.get_mut(key)
}
