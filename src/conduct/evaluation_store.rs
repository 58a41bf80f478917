//! Evaluations of assignees.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};

use crate::db::{Db, fact, select};

fact! {
    /// An evaluation (机构评估) of an assignee.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Evaluation in "evaluation" key (agency, evaluated_on, seq) by seq {
        /// Whom.
        agency: String,
        /// When.
        evaluated_on: NaiveDate,
        /// The act that recorded it.
        seq: i64,
        /// 0 to 100.
        result: i64 [0..],
        /// In words.
        description: String,
    }
}

/// The newest evaluation of each assignee up to a day, known when the book stood at `known_seq`. Of two on one day the
/// later recorded counts.
pub fn newest(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
    known_seq: i64,
) -> QueryResult<BTreeMap<String, Evaluation>> {
    let rows: Vec<Evaluation> = select::<Evaluation>(
        "WHERE lender = $1 AND evaluated_on <= $2 AND seq <= $3 ORDER BY agency, evaluated_on, seq",
    )
    .bind::<Text, _>(lender)
    .bind::<Date, _>(on)
    .bind::<BigInt, _>(known_seq)
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.agency.clone(), row)).collect())
}
