//! Which placements chance dealt.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::Db;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    placement_no: i64,
    #[diesel(sql_type = BigInt)]
    run_no: i64,
    #[diesel(sql_type = Text)]
    stratum: String,
}

/// The placements that exploration dealt, with the run and the stratum in which it did.
pub fn explored(db: &mut Db, lender: &str) -> QueryResult<HashMap<i64, String>> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT p.placement_no, b.run_no, r.stratum FROM placement p JOIN batch b ON b.lender = p.lender AND b.code = p.batch \
         JOIN allocation_row r ON r.lender = p.lender AND r.run_no = b.run_no AND r.account_no = p.account_no \
         WHERE p.lender = $1 AND r.reason LIKE 'explore %'",
    )
    .bind::<Text, _>(lender)
    .load(db)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.placement_no, format!("{}#{}", row.run_no, row.stratum)))
        .collect())
}
