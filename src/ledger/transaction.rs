//! A balanced transaction, and its place in the chain.

use chrono::NaiveDate;

use super::{LegRow, TransactionRow};
use crate::kernel::digest::Chaining;
use crate::kernel::{Money, Total};

/// One leg: a debit when positive, a credit when negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The account.
    pub account: String,
    /// The amount, never zero.
    pub amount: Money,
}

/// A transaction whose legs sum to zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The business day.
    pub day: NaiveDate,
    /// The event it comes from; unique in its book.
    pub event: String,
    /// The event it corrects, when it does.
    pub corrects: Option<String>,
    legs: Vec<Leg>,
}

/// The legs do not sum to zero.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transaction of {event} is out of balance by {by} minor units")]
pub struct Unbalanced {
    /// The event.
    pub event: String,
    /// By how much.
    pub by: i128,
}

impl Transaction {
    /// Builds a transaction; legs of the same account are joined and empty ones left out.
    /// `Ok(None)` when nothing moves, [`Unbalanced`] when the legs do not sum to zero.
    pub fn build(
        day: NaiveDate,
        event: String,
        corrects: Option<String>,
        moves: impl IntoIterator<Item = (String, Money)>,
    ) -> Result<Option<Transaction>, Unbalanced> {
        let mut legs: Vec<Leg> = Vec::new();
        for (account, amount) in moves {
            match legs.iter_mut().find(|leg| leg.account == account) {
                Some(leg) => leg.amount += amount,
                None => legs.push(Leg { account, amount }),
            }
        }
        let Total(by) = legs.iter().map(|leg| leg.amount).sum();
        if by != 0 {
            return Err(Unbalanced { event, by });
        }
        legs.retain(|leg| !leg.amount.is_zero());
        Ok((!legs.is_empty()).then_some(Transaction { day, event, corrects, legs }))
    }

    /// Its legs.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// What it moves: Σ of its debits.
    pub fn moved(&self) -> i128 {
        self.legs.iter().map(|leg| i128::from(leg.amount.0.max(0))).sum()
    }
}

/// The hash of a transaction that follows the one hashed `before`, as its event's version makes it.
pub fn transaction_hash(
    version: Chaining,
    before: &str,
    row: &TransactionRow,
    legs: &[LegRow],
) -> String {
    let TransactionRow { number, seq, day, event, corrects, .. } = row;
    let (number, seq, day) = (number.to_string(), seq.to_string(), day.to_string());
    let leg = |one: &LegRow| format!("{}:{}={}", one.leg, one.account, one.amount.0);
    let legs: Vec<String> = legs.iter().map(leg).collect();
    let mut fields = vec![before, &number, &seq, &day, event, corrects.as_deref().unwrap_or("~")];
    fields.extend(legs.iter().map(String::as_str));
    version.hash(&fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unbalanced_transaction_cannot_be_built() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let legs = |amounts: &[(&str, i64)]| {
            amounts.iter().map(|(a, m)| (a.to_string(), Money(*m))).collect::<Vec<_>>()
        };
        assert!(Transaction::build(day, "x".into(), None, legs(&[("A", 1), ("B", -2)])).is_err());
        assert_eq!(
            Transaction::build(day, "x".into(), None, legs(&[("A", 1), ("A", -1)])),
            Ok(None)
        );
        let built =
            Transaction::build(day, "x".into(), None, legs(&[("A", 5), ("B", -3), ("B", -2)]))
                .unwrap()
                .unwrap();
        assert_eq!(built.legs().len(), 2);
    }
}
