//! Which placements chance dealt.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::trial::ExploredRun;
use crate::db::{Db, row};

row! {
    struct Row in "placement" key (placement_no) {
        placement_no: i64 [1..],
        run_no: i64 [1..],
        stratum: String,
    }
}

row! {
    struct RunRow in "batch" key (run_no, assignee) {
        run_no: i64 [1..],
        placed_on: NaiveDate,
        assignee: String,
        accounts: i64 [0..],
    }
}

/// The runs that explored, with the accounts that each dealt by chance, oldest first.
pub fn explored_runs(db: &mut Db, lender: &str) -> QueryResult<Vec<ExploredRun>> {
    let rows: Vec<RunRow> = diesel::sql_query(
        "SELECT b.run_no, b.placed_on, b.assignee, COUNT(*) AS accounts FROM batch b \
         JOIN allocation_row r ON r.lender = b.lender AND r.run_no = b.run_no AND r.assignee = b.assignee \
         WHERE b.lender = $1 AND r.reason LIKE 'explore %' GROUP BY b.run_no, b.placed_on, b.assignee \
         ORDER BY b.run_no, b.assignee",
    )
    .bind::<Text, _>(lender)
    .load(db)?;
    let mut runs: Vec<ExploredRun> = Vec::new();
    for row in rows {
        if runs.last().is_none_or(|last| last.run_no != row.run_no) {
            let (run_no, placed_on) = (row.run_no, row.placed_on);
            runs.push(ExploredRun { run_no, placed_on, accounts: BTreeMap::new() });
        }
        if let Some(run) = runs.last_mut() {
            run.accounts.insert(row.assignee, row.accounts);
        }
    }
    Ok(runs)
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
