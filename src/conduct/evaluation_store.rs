//! Evaluations of assignees.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};

use crate::db::{Cell, Db, FactTable, Kind};

/// Evaluations.
pub const EVALUATIONS: FactTable = FactTable {
    name: "evaluation",
    columns: &[
        ("lender", Kind::Text),
        ("agency", Kind::Text),
        ("evaluated_on", Kind::Date),
        ("seq", Kind::Int),
        ("result", Kind::Int),
        ("description", Kind::Text),
    ],
};

/// An evaluation (机构评估) of an assignee.
#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whom.
    #[diesel(sql_type = Text)]
    pub agency: String,
    /// When.
    #[diesel(sql_type = Date)]
    pub evaluated_on: NaiveDate,
    /// The act that recorded it.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// 0 to 100.
    #[diesel(sql_type = BigInt)]
    pub result: i64,
    /// In words.
    #[diesel(sql_type = Text)]
    pub description: String,
}

/// The cells of an evaluation, in the order of [`EVALUATIONS`].
pub fn cells<'a>(lender: &'a str, one: &'a Evaluation) -> Vec<Cell<'a>> {
    vec![
        Cell::from(lender),
        Cell::from(one.agency.as_str()),
        Cell::from(one.evaluated_on),
        Cell::from(one.seq),
        Cell::from(one.result),
        Cell::from(one.description.as_str()),
    ]
}

/// The newest evaluation of each assignee up to a day, known when the book stood at `known_seq`. Of two on one day the
/// later recorded counts.
pub fn newest(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
    known_seq: i64,
) -> QueryResult<BTreeMap<String, Evaluation>> {
    let rows: Vec<Evaluation> = diesel::sql_query(
        "SELECT agency, evaluated_on, seq, result, description FROM evaluation \
         WHERE lender = $1 AND evaluated_on <= $2 AND seq <= $3 ORDER BY agency, evaluated_on, seq",
    )
    .bind::<Text, _>(lender)
    .bind::<Date, _>(on)
    .bind::<BigInt, _>(known_seq)
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.agency.clone(), row)).collect())
}
