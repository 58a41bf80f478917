//! What an assignment is expected to bring: recoveries as they were measured, and the fees that each contract would
//! charge if everything an assignee gets in the run were one batch.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::candidates::Candidate;
use super::decide::Decision;
use crate::commission::entitlement::{expected_fee, first_match};
use crate::contract::FeeRule;
use crate::contract::condition::Facts;
use crate::kernel::Money;
use crate::party::Assignee;
use crate::performance::number::round;

/// What an assignee gets, and what is to be expected of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Accounts.
    pub accounts: i64,
    /// Σ balances.
    pub balance: Money,
    /// Σ expected recoveries.
    pub expected: Money,
    /// What those would earn.
    pub fees: Money,
}

impl Given {
    /// Adds another's.
    pub fn add(&mut self, other: Given) {
        self.accounts += other.accounts;
        self.balance += other.balance;
        self.expected += other.expected;
        self.fees += other.fees;
    }

    /// Expected recovery less fees.
    pub fn net(&self) -> Money {
        self.expected - self.fees
    }
}

/// What each assignee gets by a decision. Accounts are valued by what another decision measured when it is named, so that
/// two can be compared; else by what this one did.
pub fn estimate(decision: &Decision, measured_by: Option<&Decision>) -> BTreeMap<String, Given> {
    let takers = &decision.market.takers;
    let mut given = vec![Given::default(); takers.len()];
    let mut parts: BTreeMap<(usize, usize), Given> = BTreeMap::new();
    for (index, one) in decision.assigned.iter().enumerate() {
        let Some(taker) = one.placed() else { continue };
        let candidate = decision.candidate(index);
        let expected = match measured_by {
            Some(other) => other.expects(&candidate.facts, &takers[taker].assignee.code),
            None => decision.expected(index, one),
        };
        let balance = candidate.facts.balance;
        let own = Given { accounts: 1, balance, expected: expected.unwrap_or_default(), fees: Money::ZERO };
        given[taker].add(own);
        if let Some(version) = &takers[taker].version {
            let rule = rule(&version.terms.fees, candidate, &takers[taker].assignee);
            parts.entry((taker, rule)).or_default().add(own);
        }
    }
    let mut fees = vec![Decimal::ZERO; takers.len()];
    for ((taker, rule), part) in parts {
        let price = takers[taker].version.as_ref().and_then(|version| version.terms.fees.get(rule)).map(|fee| &fee.price);
        let fee = price.map(|price| expected_fee(price, part.expected, part.balance, part.accounts));
        fees[taker] += fee.unwrap_or_default();
    }
    let named = takers.iter().zip(given).zip(fees).filter(|((_, given), _)| given.accounts > 0);
    let whole = |fees: Decimal| Money(i64::try_from(round(fees, 0).mantissa()).unwrap_or(i64::MAX));
    named.map(|((taker, given), fees)| (taker.assignee.code.clone(), Given { fees: whole(fees), ..given })).collect()
}

/// The fee rule that an account matches in the hands it goes to, at the level it has there.
fn rule(fees: &[FeeRule], candidate: &Candidate, assignee: &Assignee) -> usize {
    let level = candidate.level_with(assignee);
    if level == candidate.facts.level || fees.len() < 2 {
        return first_match(fees, &candidate.facts);
    }
    first_match(fees, &Facts { level, ..candidate.facts.clone() })
}
