//! Commission (佣金): what the contract entitles, on the facts known at a cut-off (rules 6).
//!
//! Recoveries of the same contract version, rule and scope form a [`Group`]. [`earning`] says which part of a
//! recovery earns, [`entitlement`] what each line of a group earns; both are pure. [`gather`] brings the groups
//! of a book together as known at a cut-off, [`change`] says what lies between two of them.

pub mod change;
pub mod earning;
pub mod entitlement;
pub mod gather;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use chrono::NaiveDate;

use crate::kernel::{Money, Month, Spelled};

/// What a group is measured over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The month in which the payments were received.
    Month(Month),
    /// A placement batch, for life.
    Batch(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Month(month) => write!(f, "month {month}"),
            Scope::Batch(batch) => write!(f, "batch {batch}"),
        }
    }
}

impl Scope {
    /// Reads what its display writes.
    pub fn read(text: &str) -> Option<Scope> {
        match text.split_once(' ')? {
            ("month", month) => Some(Scope::Month(month.parse().ok()?)),
            ("batch", batch) => Some(Scope::Batch(batch.to_string())),
            _ => None,
        }
    }
}

/// A contract's version, one of its rules, and what that is measured over: the group that a statement line settles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeeGroup {
    /// The contract.
    pub contract: String,
    /// The version that prices.
    pub version: i64,
    /// The rule, counted from 0.
    pub rule: usize,
    /// What it is measured over.
    pub scope: Scope,
}

impl Spelled for FeeGroup {
    const WHAT: &'static str = "fee group";

    fn spelling(&self) -> Cow<'_, str> {
        let FeeGroup { contract, version, rule, scope } = self;
        Cow::Owned(format!("{contract}|{version}|{}|{scope}", rule + 1))
    }

    fn from_spelling(text: String) -> Result<FeeGroup, String> {
        let read = |text: &str| {
            let mut parts = text.splitn(4, '|');
            let (contract, version) = (parts.next()?, parts.next()?.parse().ok()?);
            let rule = parts.next()?.parse::<usize>().ok()?.checked_sub(1)?;
            let scope = Scope::read(parts.next()?)?;
            Some(FeeGroup { contract: contract.to_string(), version, rule, scope })
        };
        read(&text).filter(|group| group.spelling() == text).ok_or(text)
    }
}

/// Which group a recovery is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The agency that earns.
    pub agency: String,
    /// The group of its contract.
    pub of: FeeGroup,
}

impl Deref for GroupKey {
    type Target = FeeGroup;
    fn deref(&self) -> &FeeGroup {
        &self.of
    }
}

/// One recovery in a group, with its sign: a reversal is negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its reference.
    pub reference: String,
    /// The payment's reference: its own, or that of the payment it takes back.
    pub payment: String,
    /// The account.
    pub account_no: String,
    /// The batch of its placement.
    pub batch: String,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// The month its payment was received in.
    pub month: Month,
    /// Whether it takes a payment back.
    pub reversal: bool,
    /// The whole amount.
    pub amount: Money,
    /// The part that earns.
    pub earning: Money,
    /// Whether the part that earns is the whole because no components were stated.
    pub undivided: bool,
}

impl Item {
    /// The order of a group: by day, payments before reversals, by reference.
    pub fn order(&self) -> (NaiveDate, bool, &str) {
        (self.received_on, self.reversal, &self.reference)
    }
}

/// Recoveries that are priced together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which group.
    pub key: GroupKey,
    /// Σ balance placed in the rule's part of the batch; zero for a month.
    pub placed: Money,
    /// Its recoveries, in order.
    pub items: Vec<Item>,
}
