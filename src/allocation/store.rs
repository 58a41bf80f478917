//! Allocation runs and their assignments.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::files::StratumRow;
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

/// What runs found beside their assignments.
pub const OUTCOMES: FactTable = FactTable {
    name: "allocation_outcome",
    columns: &[("lender", Kind::Text), ("run_no", Kind::Int), ("seq", Kind::Int), ("body", Kind::Text)],
};

/// The lists of closed gates that occur in runs.
pub const REFUSALS: FactTable = FactTable {
    name: "allocation_refusal",
    columns: &[
        ("lender", Kind::Text),
        ("run_no", Kind::Int),
        ("list_no", Kind::Int),
        ("seq", Kind::Int),
        ("refusals", Kind::Text),
    ],
};

/// The strata tables of runs.
pub const STRATA: FactTable = FactTable {
    name: "allocation_stratum",
    columns: &[
        ("lender", Kind::Text),
        ("run_no", Kind::Int),
        ("stratum", Kind::Text),
        ("assignee", Kind::Text),
        ("seq", Kind::Int),
        ("accounts", Kind::Int),
        ("balance", Kind::Int),
        ("stratum_rate", Kind::Text),
        ("index_shrunk", Kind::Text),
        ("fee_rate", Kind::Text),
        ("value", Kind::Int),
        ("min_accounts", Kind::Int),
        ("max_accounts", Kind::Int),
        ("assigned", Kind::Int),
        ("explored", Kind::Int),
    ],
};

pub(super) fn add_outcome(db: &mut Db, act: &mut Act, run_no: i64, body: &serde_json::Value) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    let row = vec![Cell::from(lender), Cell::from(run_no), Cell::from(seq), Cell::from(body.to_string())];
    act.write(db, &OUTCOMES, &[row])
}

#[derive(QueryableByName)]
struct BodyRow {
    #[diesel(sql_type = Text)]
    body: String,
}

/// What a run found beside its assignment.
pub fn outcome(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Option<serde_json::Value>> {
    let row: Option<BodyRow> = diesel::sql_query("SELECT body FROM allocation_outcome WHERE lender = $1 AND run_no = $2")
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .get_result(db)
        .optional()?;
    let read = |row: BodyRow| {
        serde_json::from_str(&row.body).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
    };
    row.map(read).transpose()
}

pub(super) fn add_refusals(db: &mut Db, act: &mut Act, run_no: i64, lists: &[String]) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    let listed = (0_i64..).zip(lists).filter(|(_, list)| !list.is_empty());
    let row = |(number, list): (i64, &String)| {
        vec![Cell::from(lender.clone()), Cell::from(run_no), Cell::from(number), Cell::from(seq), Cell::from(list.clone())]
    };
    let rows: Vec<_> = listed.map(row).collect();
    act.write(db, &REFUSALS, &rows)
}

pub(super) fn add_strata(db: &mut Db, act: &mut Act, run_no: i64, strata: &[StratumRow]) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    for chunk in strata.chunks(5_000) {
        let row = |one: &StratumRow| {
            vec![
                Cell::from(lender.clone()),
                Cell::from(run_no),
                Cell::from(one.stratum.clone()),
                Cell::from(one.assignee.clone()),
                Cell::from(seq),
                Cell::from(one.accounts),
                Cell::from(one.balance),
                Cell::from(one.stratum_rate.to_string()),
                Cell::from(one.index.to_string()),
                Cell::from(one.fee_rate.to_string()),
                Cell::from(one.value),
                Cell::from(one.min_accounts),
                Cell::from(one.max_accounts),
                Cell::from(one.assigned),
                Cell::from(one.explored),
            ]
        };
        let rows: Vec<_> = chunk.iter().map(row).collect();
        act.write(db, &STRATA, &rows)?;
    }
    Ok(())
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
