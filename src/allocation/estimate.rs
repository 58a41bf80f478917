//! What an assignment is expected to bring: recoveries as they were measured, and the fees that each contract would
//! charge if everything an assignee gets in the run were one batch.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::candidates::Candidate;
use super::deal::Fate;
use super::decide::Decision;
use super::gates::Recipient;
use crate::commission::entitlement::{expected_fee, first_match};
use crate::contract::FeeRule;
use crate::contract::condition::Facts;
use crate::kernel::{Money, MoneyRange};
use crate::party::Assignee;
use crate::performance::number::round;

/// What an assignee gets, and what is to be expected of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Accounts.
    pub accounts: i64,
    /// Those of them that are explored.
    pub explored: i64,
    /// Σ balances.
    pub balance: Money,
    /// Σ expected recoveries.
    pub expected: Money,
    /// What those would earn.
    pub fees: Money,
}

impl Given {
    /// Adds another's; refused beyond what a book keeps.
    pub fn add(&mut self, other: Given) -> Result<(), MoneyRange> {
        let sum = |a: Money, b: Money| Money::checked(i128::from(a.0) + i128::from(b.0));
        self.accounts += other.accounts;
        self.explored += other.explored;
        self.balance = sum(self.balance, other.balance)?;
        self.expected = sum(self.expected, other.expected)?;
        self.fees = sum(self.fees, other.fees)?;
        Ok(())
    }

    /// Expected recovery less fees.
    pub fn net(&self) -> Money {
        self.expected - self.fees
    }
}

impl Decision {
    /// What each assignee gets, and what is to be expected of it.
    pub fn totals(&self) -> Result<BTreeMap<String, Given>, MoneyRange> {
        estimate(self, None)
    }
}

/// What each assignee gets by a decision. Accounts are valued by what another decision measured when it is named, so that
/// two can be compared; else by what this one did.
pub fn estimate(
    decision: &Decision,
    measured_by: Option<&Decision>,
) -> Result<BTreeMap<String, Given>, MoneyRange> {
    let recipients = &decision.inputs.recipients;
    // What each gets, by the fee rules that its accounts match; who has no contract earns nothing.
    let mut parts: Vec<Vec<Given>> = recipients
        .iter()
        .map(|recipient| vec![Given::default(); fees(recipient).len().max(1)])
        .collect();
    for (index, one) in decision.assigned.iter().enumerate() {
        let Some(recipient) = one.placed() else { continue };
        let (candidate, assignee) = (decision.candidate(index), &recipients[recipient].assignee);
        let expected = match measured_by {
            Some(other) => Some(other.expects(&candidate.facts, &assignee.code)),
            None => decision.expected(index, one),
        };
        let (balance, explored) = (candidate.facts.balance, i64::from(one.fate == Fate::Explored));
        let own = Given {
            accounts: 1,
            explored,
            balance,
            expected: expected.transpose()?.unwrap_or_default(),
            fees: Money::ZERO,
        };
        parts[recipient][rule(fees(&recipients[recipient]), candidate, assignee)].add(own)?;
    }
    let mut given = BTreeMap::new();
    for (recipient, parts) in recipients.iter().zip(parts) {
        let (mut all, mut earns) = (Given::default(), Decimal::ZERO);
        for (number, part) in parts.iter().enumerate().filter(|(_, part)| part.accounts > 0) {
            all.add(*part)?;
            if let Some(fee) = fees(recipient).get(number) {
                let own = expected_fee(&fee.price, part.expected, part.balance, part.accounts);
                let sum = own.and_then(|own| earns.checked_add(own));
                earns = sum.ok_or(MoneyRange(i128::MAX))?;
            }
        }
        if all.accounts > 0 {
            all.fees = Money::checked(round(earns, 0).mantissa())?;
            given.insert(recipient.assignee.code.clone(), all);
        }
    }
    Ok(given)
}

/// The fee rules of a recipient's contract; none where it has none.
fn fees(recipient: &Recipient) -> &[FeeRule] {
    recipient.version.as_ref().map_or(&[], |version| &version.terms.fees)
}

/// The fee rule that an account matches in the hands it goes to, at the level it has there.
fn rule(fees: &[FeeRule], candidate: &Candidate, assignee: &Assignee) -> usize {
    let level = candidate.level_with(assignee);
    if level == candidate.facts.level || fees.len() < 2 {
        return first_match(fees, &candidate.facts);
    }
    first_match(fees, &Facts { level, ..candidate.facts.clone() })
}
