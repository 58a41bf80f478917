//! Allocation runs and their assignments.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::files::StratumRow;
use super::findings::{How, Share};
use crate::audit::Act;
use crate::db::{Cell, Db, FactTable, Kind};
use crate::kernel::Money;
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

#[derive(QueryableByName)]
struct StrategyRow {
    #[diesel(sql_type = BigInt)]
    run_no: i64,
    #[diesel(sql_type = Text)]
    strategy: String,
}

/// The strategies of all runs by their numbers, as their texts are stored.
pub fn strategies(db: &mut Db, lender: &str) -> QueryResult<Vec<(i64, String)>> {
    let rows: Vec<StrategyRow> = diesel::sql_query(
        "SELECT run_no, strategy FROM allocation_run WHERE lender = $1 ORDER BY run_no",
    )
    .bind::<Text, _>(lender)
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.run_no, row.strategy)).collect())
}

/// Account numbers of a book after one, in order.
pub fn accounts_after(
    db: &mut Db,
    lender: &str,
    after: &str,
    most: i64,
) -> QueryResult<Vec<String>> {
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
    columns: &[
        ("lender", Kind::Text),
        ("run_no", Kind::Int),
        ("seq", Kind::Int),
        ("body", Kind::Text),
    ],
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

pub(super) fn add_outcome(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    body: &serde_json::Value,
) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    let row =
        vec![Cell::from(lender), Cell::from(run_no), Cell::from(seq), Cell::from(body.to_string())];
    act.write(db, &OUTCOMES, &[row])
}

#[derive(QueryableByName)]
struct BodyRow {
    #[diesel(sql_type = Text)]
    body: String,
}

/// What a run found beside its assignment.
pub fn outcome(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Option<serde_json::Value>> {
    let row: Option<BodyRow> =
        diesel::sql_query("SELECT body FROM allocation_outcome WHERE lender = $1 AND run_no = $2")
            .bind::<Text, _>(lender)
            .bind::<BigInt, _>(run_no)
            .get_result(db)
            .optional()?;
    let read = |row: BodyRow| {
        serde_json::from_str(&row.body)
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
    };
    row.map(read).transpose()
}

pub(super) fn add_refusals(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    lists: &[String],
) -> QueryResult<()> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    let listed = (0_i64..).zip(lists).filter(|(_, list)| !list.is_empty());
    let row = |(number, list): (i64, &String)| {
        vec![
            Cell::from(lender.clone()),
            Cell::from(run_no),
            Cell::from(number),
            Cell::from(seq),
            Cell::from(list.clone()),
        ]
    };
    let rows: Vec<_> = listed.map(row).collect();
    act.write(db, &REFUSALS, &rows)
}

pub(super) fn add_strata(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    strata: &[StratumRow],
) -> QueryResult<()> {
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
    diesel::sql_query(
        "UPDATE allocation_run SET committed_seq = $1 WHERE lender = $2 AND run_no = $3",
    )
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
pub fn open_on(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
) -> QueryResult<std::collections::HashMap<String, i64>> {
    let sql = format!(
        "SELECT assignee, COUNT(*) AS accounts FROM placement WHERE lender = $1 \
         AND ((closed_on IS NULL AND {ENDS_ON} >= $2) OR closed_on > $2) GROUP BY assignee"
    );
    let rows: Vec<OpenRow> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Date, _>(on).load(db)?;
    Ok(rows.into_iter().map(|row| (row.assignee, row.accounts)).collect())
}

/// A run as a list shows it.
#[derive(QueryableByName, Clone, Debug)]
pub struct ListedRun {
    /// Its number in the book.
    #[diesel(sql_type = BigInt)]
    pub run_no: i64,
    /// The strategy's name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its method.
    #[diesel(sql_type = Text)]
    pub method: String,
    /// The day it is for.
    #[diesel(sql_type = Date)]
    pub run_on: NaiveDate,
    /// Accounts given to somebody.
    #[diesel(sql_type = BigInt)]
    pub placed: i64,
    /// Accounts left with a reason.
    #[diesel(sql_type = BigInt)]
    pub unplaced: i64,
    /// When it was simulated, UTC.
    #[diesel(sql_type = Text)]
    pub simulated_at: String,
    /// By whom.
    #[diesel(sql_type = Text)]
    pub simulated_by: String,
    /// When it was committed, UTC.
    #[diesel(sql_type = Nullable<Text>)]
    pub committed_at: Option<String>,
    /// By whom.
    #[diesel(sql_type = Nullable<Text>)]
    pub committed_by: Option<String>,
}

/// Runs before a number, newest first, at most so many.
pub fn listed(db: &mut Db, lender: &str, before: i64, most: i64) -> QueryResult<Vec<ListedRun>> {
    diesel::sql_query(
        "SELECT r.run_no, r.name, r.method, r.run_on, r.placed, r.unplaced, s.recorded_at AS simulated_at, s.actor AS simulated_by, \
         c.recorded_at AS committed_at, c.actor AS committed_by FROM allocation_run r \
         JOIN event s ON s.lender = r.lender AND s.seq = r.seq \
         LEFT JOIN event c ON c.lender = r.lender AND c.seq = r.committed_seq \
         WHERE r.lender = $1 AND r.run_no < $2 ORDER BY r.run_no DESC LIMIT $3",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(most)
    .load(db)
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct RefusalRow {
    #[diesel(sql_type = BigInt)]
    list_no: i64,
    #[diesel(sql_type = Text)]
    refusals: String,
}

/// The lists of closed gates of a run, by number.
pub fn refusals(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<BTreeMap<i64, String>> {
    let rows: Vec<RefusalRow> = diesel::sql_query(
        "SELECT list_no, refusals FROM allocation_refusal WHERE lender = $1 AND run_no = $2",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(run_no)
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.list_no, row.refusals)).collect())
}

/// A row of a strata table as it is stored.
#[derive(QueryableByName)]
struct StoredStratum {
    #[diesel(sql_type = Text)]
    stratum: String,
    #[diesel(sql_type = Text)]
    assignee: String,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = Text)]
    stratum_rate: String,
    #[diesel(sql_type = Text)]
    index_shrunk: String,
    #[diesel(sql_type = Text)]
    fee_rate: String,
    #[diesel(sql_type = BigInt)]
    value: i64,
    #[diesel(sql_type = BigInt)]
    min_accounts: i64,
    #[diesel(sql_type = BigInt)]
    max_accounts: i64,
    #[diesel(sql_type = BigInt)]
    assigned: i64,
    #[diesel(sql_type = BigInt)]
    explored: i64,
}

/// The strata table of a run, in order of stratum and assignee.
pub fn strata(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Vec<StratumRow>> {
    let rows: Vec<StoredStratum> = diesel::sql_query(
        "SELECT stratum, assignee, accounts, balance, stratum_rate, index_shrunk, fee_rate, value, min_accounts, max_accounts, \
         assigned, explored FROM allocation_stratum WHERE lender = $1 AND run_no = $2 ORDER BY stratum, assignee",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(run_no)
    .load(db)?;
    let number = |text: &str| {
        text.parse().map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
    };
    let read = |row: StoredStratum| {
        Ok(StratumRow {
            stratum_rate: number(&row.stratum_rate)?,
            index: number(&row.index_shrunk)?,
            fee_rate: number(&row.fee_rate)?,
            stratum: row.stratum,
            assignee: row.assignee,
            accounts: row.accounts,
            balance: Money(row.balance),
            value: row.value,
            min_accounts: row.min_accounts,
            max_accounts: row.max_accounts,
            assigned: row.assigned,
            explored: row.explored,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Which accounts of a run a list shows.
#[derive(Clone, Debug, Default)]
pub struct RowFilter {
    /// Given to one assignee.
    pub assignee: Option<String>,
    /// Of one stratum.
    pub stratum: Option<String>,
    /// With one reason, as its code.
    pub reason: Option<String>,
    /// Gone one way.
    pub how: Option<How>,
}

impl RowFilter {
    fn sql(&self) -> String {
        let how = match self.how {
            None => "",
            Some(How::Placed) => "AND assignee IS NOT NULL",
            Some(How::Method) => {
                "AND assignee IS NOT NULL AND reason NOT LIKE 'explore %' AND reason NOT LIKE 'follow %'"
            }
            Some(How::Explored) => "AND reason LIKE 'explore %'",
            Some(How::Followed) => "AND reason LIKE 'follow %'",
            Some(How::Unplaced) => "AND assignee IS NULL",
        };
        format!(
            "WHERE lender = $1 AND run_no = $2 AND COALESCE(assignee, '') = COALESCE($3, assignee, '') \
             AND stratum = COALESCE($4, stratum) AND reason = COALESCE($5, reason) {how}"
        )
    }
}

/// An account of a run.
#[derive(QueryableByName, Clone, Debug)]
pub struct RunAccount {
    /// Which run.
    #[diesel(sql_type = BigInt)]
    pub run_no: i64,
    /// The account.
    #[diesel(sql_type = Text)]
    pub account_no: String,
    /// Who gets it.
    #[diesel(sql_type = Nullable<Text>)]
    pub assignee: Option<String>,
    /// The level there.
    #[diesel(sql_type = BigInt)]
    pub level: i64,
    /// Its stratum, or its group when it follows or waits.
    #[diesel(sql_type = Text)]
    pub stratum: String,
    /// Its balance on the day.
    #[diesel(sql_type = BigInt)]
    pub balance: i64,
    /// Why, as a code.
    #[diesel(sql_type = Text)]
    pub reason: String,
}

/// Accounts of a run after one, in order, at most so many.
pub fn accounts_of_run(
    db: &mut Db,
    lender: &str,
    run_no: i64,
    filter: &RowFilter,
    after: &str,
    most: i64,
) -> QueryResult<Vec<RunAccount>> {
    let sql = format!(
        "SELECT run_no, account_no, assignee, level, stratum, balance, reason FROM allocation_row {} \
         AND account_no > $6 ORDER BY account_no LIMIT $7",
        filter.sql()
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .bind::<Nullable<Text>, _>(filter.assignee.as_deref())
        .bind::<Nullable<Text>, _>(filter.stratum.as_deref())
        .bind::<Nullable<Text>, _>(filter.reason.as_deref())
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)
}

/// What the accounts of a list add up to.
#[derive(QueryableByName, Clone, Copy, Debug, Default)]
pub struct RowSums {
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub accounts: i64,
    /// Σ balances.
    #[diesel(sql_type = BigInt)]
    pub balance: i64,
}

/// The sums of a list of a run's accounts.
pub fn sums_of_run(
    db: &mut Db,
    lender: &str,
    run_no: i64,
    filter: &RowFilter,
) -> QueryResult<RowSums> {
    let sql = format!(
        "SELECT COUNT(*) AS accounts, CAST(COALESCE(SUM(balance), 0) AS BIGINT) AS balance FROM allocation_row {}",
        filter.sql()
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .bind::<Nullable<Text>, _>(filter.assignee.as_deref())
        .bind::<Nullable<Text>, _>(filter.stratum.as_deref())
        .bind::<Nullable<Text>, _>(filter.reason.as_deref())
        .get_result(db)
}

#[derive(QueryableByName)]
struct ShareRow {
    #[diesel(sql_type = Nullable<Text>)]
    assignee: Option<String>,
    #[diesel(sql_type = Text)]
    unplaced: String,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
    #[diesel(sql_type = BigInt)]
    explored: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
}

/// What each assignee gets and why accounts stay, added up from the rows of a run that did not keep it.
pub fn shares(
    db: &mut Db,
    lender: &str,
    run_no: i64,
) -> QueryResult<(BTreeMap<String, Share>, BTreeMap<String, i64>)> {
    let rows: Vec<ShareRow> = diesel::sql_query(
        "SELECT assignee, unplaced, COUNT(*) AS accounts, CAST(SUM(explored) AS BIGINT) AS explored, \
         CAST(SUM(balance) AS BIGINT) AS balance FROM (SELECT assignee, balance, \
         CASE WHEN assignee IS NULL THEN reason ELSE '' END AS unplaced, \
         CASE WHEN reason LIKE 'explore %' THEN 1 ELSE 0 END AS explored \
         FROM allocation_row WHERE lender = $1 AND run_no = $2) rows GROUP BY assignee, unplaced",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(run_no)
    .load(db)?;
    let (mut shares, mut unplaced) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        match row.assignee {
            Some(code) => {
                let share = Share {
                    accounts: row.accounts,
                    explored: row.explored,
                    balance: row.balance,
                    expected: None,
                    fees: None,
                };
                shares.insert(code, share);
            }
            None => drop(unplaced.insert(row.unplaced, row.accounts)),
        }
    }
    Ok((shares, unplaced))
}

/// An account in the runs it was in, newest first, at most so many.
pub fn runs_of_account(
    db: &mut Db,
    lender: &str,
    account_no: &str,
    most: i64,
) -> QueryResult<Vec<RunAccount>> {
    diesel::sql_query(
        "SELECT a.run_no, a.account_no, a.assignee, a.level, a.stratum, a.balance, a.reason \
         FROM allocation_run r CROSS JOIN allocation_row a \
         WHERE r.lender = $1 AND a.lender = r.lender AND a.run_no = r.run_no AND a.account_no = $2 \
         ORDER BY r.run_no DESC LIMIT $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(account_no)
    .bind::<BigInt, _>(most)
    .load(db)
}

/// One list of closed gates.
pub fn refusal(
    db: &mut Db,
    lender: &str,
    run_no: i64,
    list_no: i64,
) -> QueryResult<Option<String>> {
    let row: Option<TextRow> =
        diesel::sql_query("SELECT refusals AS text FROM allocation_refusal WHERE lender = $1 AND run_no = $2 AND list_no = $3")
            .bind::<Text, _>(lender)
            .bind::<BigInt, _>(run_no)
            .bind::<BigInt, _>(list_no)
            .get_result(db)
            .optional()?;
    Ok(row.map(|row| row.text))
}
