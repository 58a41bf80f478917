//! An agency's recoveries priced line by line on all that is known, and what its months come to: what two rate cards, or a
//! contract with and without a correction, are compared by.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::month::{self, ClosedMonth, Figures};
use super::{Graded, SettlementError};
use crate::commission::Item;
use crate::commission::entitlement::price;
use crate::commission::gather::Gathered;
use crate::contract::version::Governing;
use crate::contract::{Charge, Per, Terms, Versions};
use crate::kernel::{Money, MoneyRange, Month, Total};

/// One recovery with its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLine {
    /// The account.
    pub account_no: String,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// Whether it takes a payment back.
    pub reversal: bool,
    /// The month its payment was received in.
    pub month: Month,
    /// Its amount, signed.
    pub amount: Money,
    /// The fee rule; nothing within grace.
    pub rule: Option<String>,
    /// What it earns.
    pub fee: Money,
}

/// The lines of an agency by reference.
pub type PricedLines = BTreeMap<String, PricedLine>;

/// Prices the recoveries of an agency.
pub fn lines(
    gathered: &Gathered,
    versions: &Versions,
    agency: &str,
) -> Result<PricedLines, SettlementError> {
    let mut priced = PricedLines::new();
    let mut add = |item: &Item, rule: Option<String>, fee: Money| {
        let line = PricedLine {
            account_no: item.account_no.clone(),
            received_on: item.received_on,
            reversal: item.reversal,
            month: item.month,
            amount: item.amount,
            rule,
            fee,
        };
        priced.insert(item.reference.clone(), line);
    };
    for (key, group) in gathered.groups.iter().filter(|(key, _)| key.agency == agency) {
        let version = versions.get(agency, key.version).ok_or_else(|| {
            let (agency, contract) = (agency.to_string(), key.contract.clone());
            SettlementError::NoVersion { agency, contract, version: key.version }
        })?;
        let rule = version.terms.fees.get(key.rule).map(|rule| rule.name.clone());
        for (item, line) in group.items.iter().zip(price(&version.terms, group)) {
            add(item, rule.clone(), line.fee);
        }
    }
    for item in gathered.grace.get(agency).into_iter().flatten() {
        add(item, None, Money::ZERO);
    }
    Ok(priced)
}

/// Σ of fees by month of receipt; what came before the first month belongs to it.
pub fn by_month(lines: &PricedLines, first: Option<Month>) -> BTreeMap<Month, Total> {
    let mut sums: BTreeMap<Month, Total> = BTreeMap::new();
    for line in lines.values() {
        let month = first.map_or(line.month, |first| line.month.max(first));
        *sums.entry(month).or_default() += line.fee;
    }
    sums
}

/// What a month is worked out from beside its commission.
pub struct MonthGround<'a> {
    /// What governs it.
    pub governing: Option<Governing<'a>>,
    /// The grade its closing kept.
    pub graded: Option<&'a Graded>,
    /// Its charges.
    pub charges: Money,
}

/// What a month comes to.
pub fn figures(
    agency: &str,
    month: Month,
    commission: Option<&Total>,
    ground: &MonthGround<'_>,
) -> Result<Figures, SettlementError> {
    let range = |range: MoneyRange| SettlementError::Range {
        agency: agency.to_string(),
        month,
        what: "what the month comes to".to_string(),
        range,
    };
    let commission = commission.copied().unwrap_or_default().money().map_err(range)?;
    Figures::work_out(ground.governing, ground.graded, commission, ground.charges).map_err(range)
}

/// What governs a closed month for an agency, and the grade it kept.
pub fn ground<'a>(
    versions: &'a Versions,
    agency: &str,
    closed: &'a ClosedMonth,
    charges: Money,
) -> MonthGround<'a> {
    let last_day = closed.month.last_day();
    MonthGround {
        governing: versions.of_month(agency, last_day, closed.known_seq),
        graded: closed.graded.get(agency),
        charges,
    }
}

/// The charges of a card in a month in which so many accounts were placed.
pub fn charges(terms: &Terms, placed: i64, in_force: bool) -> Result<Money, MoneyRange> {
    let one = |charge: &Charge| match charge.per {
        Per::AccountPlaced => charge.amount.times(placed),
        Per::Month => Ok(if in_force { charge.amount } else { Money::ZERO }),
    };
    let charged = terms.charges.iter().map(one).collect::<Result<Vec<Money>, MoneyRange>>()?;
    charged.into_iter().sum::<Total>().money()
}

/// The kinds in which two states of a month can differ.
pub const KINDS: [super::LineKind; 3] = month::KINDS;
