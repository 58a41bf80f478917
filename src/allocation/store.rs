//! Allocation runs and their assignments.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use crate::audit::Act;
use crate::db::{Cell, Db, FactTable, Kind};
use crate::placement::store::ENDS_ON;

/// What runs decided.
pub const ROWS: FactTable = FactTable {
    name: "allocation_row",
    columns: &[
        ("lender", Kind::Text),
        ("run_no", Kind::Int),
        ("account_no", Kind::Text),
        ("seq", Kind::Int),
        ("assignee", Kind::Text),
        ("level", Kind::Int),
        ("stratum", Kind::Text),
        ("balance", Kind::Int),
        ("reason", Kind::Text),
    ],
};

/// A stored run.
#[derive(QueryableByName, Clone, Debug)]
pub struct RunRow {
    /// Its number in the book.
    #[diesel(sql_type = BigInt)]
    pub run_no: i64,
    /// The act that simulated it.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The strategy's name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its method.
    #[diesel(sql_type = Text)]
    pub method: String,
    /// The day it is for.
    #[diesel(sql_type = Date)]
    pub run_on: NaiveDate,
    /// The strategy's text.
    #[diesel(sql_type = Text)]
    pub strategy: String,
    /// SHA-256 of the assignment.
    #[diesel(sql_type = Text)]
    pub hash: String,
    /// Accounts given to somebody.
    #[diesel(sql_type = BigInt)]
    pub placed: i64,
    /// Accounts left with a reason.
    #[diesel(sql_type = BigInt)]
    pub unplaced: i64,
    /// The act that committed it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub committed_seq: Option<i64>,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    account_no: String,
}

/// Account numbers of a book after one, in order.
pub fn accounts_after(db: &mut Db, lender: &str, after: &str, most: i64) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountRow> = diesel::sql_query(
        "SELECT DISTINCT account_no FROM portfolio_row WHERE lender = $1 AND account_no > $2 ORDER BY account_no LIMIT $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(most)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

/// A run by its number.
pub fn run(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Option<RunRow>> {
    diesel::sql_query(
        "SELECT run_no, seq, name, method, run_on, strategy, hash, placed, unplaced, committed_seq FROM allocation_run \
         WHERE lender = $1 AND run_no = $2",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(run_no)
    .get_result(db)
    .optional()
}

/// Runs.
pub const RUNS: FactTable = FactTable {
    name: "allocation_run",
    columns: &[
        ("lender", Kind::Text),
        ("run_no", Kind::Int),
        ("seq", Kind::Int),
        ("name", Kind::Text),
        ("method", Kind::Text),
        ("run_on", Kind::Date),
        ("strategy", Kind::Text),
        ("hash", Kind::Text),
        ("placed", Kind::Int),
        ("unplaced", Kind::Int),
    ],
};

/// What committing a run writes.
pub const COMMITS: FactTable = FactTable {
    name: "allocation_run/commit",
    columns: &[("lender", Kind::Text), ("run_no", Kind::Int), ("committed_seq", Kind::Int)],
};

pub(super) fn add_run(db: &mut Db, act: &mut Act, run: &RunRow) -> QueryResult<()> {
    let lender = act.book.lender.clone();
    let row = vec![
        Cell::from(lender.as_str()),
        Cell::from(run.run_no),
        Cell::from(run.seq),
        Cell::from(run.name.as_str()),
        Cell::from(run.method.as_str()),
        Cell::from(run.run_on),
        Cell::from(run.strategy.as_str()),
        Cell::from(run.hash.as_str()),
        Cell::from(run.placed),
        Cell::from(run.unplaced),
    ];
    act.write(db, &RUNS, &[row])
}

pub(super) fn set_committed(db: &mut Db, act: &mut Act, run_no: i64) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    diesel::sql_query("UPDATE allocation_run SET committed_seq = $1 WHERE lender = $2 AND run_no = $3")
        .bind::<BigInt, _>(seq)
        .bind::<Text, _>(&lender)
        .bind::<BigInt, _>(run_no)
        .execute(db)?;
    act.witness(&COMMITS, &[Cell::from(lender.as_str()), Cell::from(run_no), Cell::from(seq)]);
    Ok(())
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = Text)]
    assignee: String,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
}

/// How many accounts each assignee holds on a day or, recorded already, after it: a run may be dated back.
pub fn open_on(db: &mut Db, lender: &str, on: NaiveDate) -> QueryResult<std::collections::HashMap<String, i64>> {
    let sql = format!(
        "SELECT assignee, COUNT(*) AS accounts FROM placement WHERE lender = $1 \
         AND ((closed_on IS NULL AND {ENDS_ON} >= $2) OR closed_on > $2) GROUP BY assignee"
    );
    let rows: Vec<OpenRow> = diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Date, _>(on).load(db)?;
    Ok(rows.into_iter().map(|row| (row.assignee, row.accounts)).collect())
}
