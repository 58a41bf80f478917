//! What recoveries earn at one closing and at a later one, and which facts lie between: new recoveries, lines that earn
//! otherwise, recoveries that changed group.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::entitlement::price;
use super::{FeeGroup, Group, Item};
use crate::contract::Terms;
use crate::kernel::{Money, Month};

/// What one recovery earns at a closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earns {
    /// Its reference.
    pub reference: String,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// Whether it takes a payment back.
    pub reversal: bool,
    /// Its amount, signed.
    pub amount: Money,
    /// What it earns.
    pub fee: Money,
    /// The group it is priced in.
    pub group: FeeGroup,
}

/// What the recoveries of a group earn, of those whose payment was received in some months.
pub fn earning(terms: &Terms, group: &Group, of_month: impl Fn(Month) -> bool) -> Vec<Earns> {
    let lines = group.items.iter().zip(price(terms, group));
    let own = lines.filter(|(item, _)| of_month(item.month));
    let earns = |item: &Item, fee: Money| Earns {
        reference: item.reference.clone(),
        received_on: item.received_on,
        reversal: item.reversal,
        amount: item.amount,
        fee,
        group: group.key.of.clone(),
    };
    own.map(|(item, priced)| earns(item, priced.fee)).collect()
}

/// What lies between two closings.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// Not in these groups at the earlier closing: new, or settled before in another group.
    pub came: Vec<&'a Earns>,
    /// Not in these groups any more.
    pub left: Vec<&'a Earns>,
    /// Earning otherwise: before and now.
    pub other: Vec<(&'a Earns, &'a Earns)>,
}

/// Compares two closings.
pub fn changes<'a>(before: &'a [Earns], now: &'a [Earns]) -> Changes<'a> {
    let by_reference = |earns: &'a [Earns]| -> BTreeMap<&str, &'a Earns> {
        earns.iter().map(|one| (one.reference.as_str(), one)).collect()
    };
    let (old, current) = (by_reference(before), by_reference(now));
    let references: BTreeSet<&str> = old.keys().chain(current.keys()).copied().collect();
    let mut found = Changes::default();
    for reference in references {
        match (old.get(reference).copied(), current.get(reference).copied()) {
            (None, Some(now)) => found.came.push(now),
            (Some(before), None) => found.left.push(before),
            (Some(before), Some(now)) if before.fee != now.fee => found.other.push((before, now)),
            _ => {}
        }
    }
    found
}

/// Recoveries named of one kind of change; the others are counted.
pub const NAMED: usize = 12;

impl Changes<'_> {
    /// The recoveries of which it matters where they were settled first.
    pub fn asked(&self) -> impl Iterator<Item = &str> {
        let other = self.other.iter().take(NAMED).map(|(_, now)| now.reference.as_str());
        self.came.iter().map(|one| one.reference.as_str()).chain(other)
    }
}
