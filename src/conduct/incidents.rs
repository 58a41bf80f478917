//! What stands beside the money on a scorecard: complaints upheld, violations, the last evaluation.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::QueryResult;

use super::{complaint_store, evaluation_store, violation};
use crate::db::Db;

/// What is known of an assignee's conduct in a span of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Complaints received in the span and upheld.
    pub upheld: i64,
    /// Violations by contacts of the span: those that the assignee's own contacts make alone.
    pub violations: i64,
    /// The result of the newest evaluation by the end of the span, 0 to 100.
    pub evaluation: Option<i64>,
    /// What of it the assignee is not told of, because it happened outside the days it held the account (rule 10.2).
    pub untold: Untold,
}

/// Incidents that an assignee is not told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// Of the complaints upheld.
    pub upheld: i64,
    /// Of the violations.
    pub violations: i64,
}

impl Incidents {
    /// The incidents as the assignee itself is told of them.
    pub fn told(self) -> Incidents {
        Incidents {
            upheld: self.upheld - self.untold.upheld,
            violations: self.violations - self.untold.violations,
            evaluation: self.evaluation,
            untold: Untold::default(),
        }
    }
}

/// The incidents of every assignee that has any, from `from` to `to`, as known when the book stood at `known_seq`.
pub fn incidents(
    db: &mut Db,
    lender: &str,
    from: NaiveDate,
    to: NaiveDate,
    known_seq: i64,
) -> QueryResult<BTreeMap<String, Incidents>> {
    let mut incidents: BTreeMap<String, Incidents> = BTreeMap::new();
    for one in complaint_store::upheld(db, lender, from, to, known_seq)? {
        let of = incidents.entry(one.agency).or_default();
        (of.upheld, of.untold.upheld) = (one.upheld, one.untold);
    }
    for (agency, evaluation) in evaluation_store::newest(db, lender, to, known_seq)? {
        incidents.entry(agency).or_default().evaluation = Some(evaluation.result);
    }
    violation::each(db, lender, from, to, known_seq, |one| {
        if one.own.is_some() {
            let of = incidents.entry(one.contact.agency).or_default();
            of.violations += 1;
            of.untold.violations += i64::from(!one.of_own_account);
        }
    })?;
    Ok(incidents)
}
