//! Allocation runs and their assignments.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use rust_decimal::Decimal;

use super::findings::{Findings, How, Share};
use super::reason::{Refusals, Why};
use super::strata_table::StratumRow;
use super::strategy::Method;
use crate::audit::Act;
use crate::db::{Db, Fault, fact, names_of, row, select};
use crate::kernel::Money;
use crate::kernel::spelled::Json;
use crate::placement::store::ENDS_ON;

fact! {
    /// A run as it was simulated.
    #[derive(Clone, Debug)]
    pub struct Simulated in "allocation_run" key (run_no) by seq {
        /// Its number in the book.
        run_no: i64 [1..],
        /// The act that simulated it.
        seq: i64,
        /// The strategy's name.
        name: String,
        /// Its method.
        method: Method,
        /// The day it is for.
        run_on: NaiveDate,
        /// The strategy's text.
        strategy: String,
        /// SHA-256 of the assignment.
        hash: String,
        /// Accounts given to somebody.
        placed: i64 [0..],
        /// Accounts left with a reason.
        unplaced: i64 [0..],
    }
}

fact! {
    /// What committing a run writes.
    pub struct Committed in "allocation_run/commit" key (run_no) by committed_seq {
        /// The run.
        run_no: i64 [1..],
        /// The act that committed it.
        committed_seq: i64,
    }
}

row! {
    /// A stored run.
    #[derive(Clone, Debug)]
    pub struct RunRow in "allocation_run" key (run_no) {
        /// What was simulated.
        run: Simulated,
        /// The act that committed it.
        committed_seq: Option<i64>,
    }
}

impl std::ops::Deref for RunRow {
    type Target = Simulated;
    fn deref(&self) -> &Simulated {
        &self.run
    }
}

fact! {
    /// An account of a run.
    #[derive(Clone, Debug)]
    pub struct RunAccount in "allocation_row" key (run_no, account_no) by seq {
        /// Which run.
        run_no: i64 [1..],
        /// The account.
        account_no: String,
        /// The act that simulated the run.
        seq: i64,
        /// Who gets it.
        assignee: Option<String>,
        /// The level there.
        level: i64 [0..],
        /// Its stratum, or its group when it follows or waits.
        stratum: String,
        /// Its balance on the day.
        balance: Money,
        /// Why.
        reason: Why,
    }
}

row! {
    struct StrategyRow in "allocation_run" key (run_no) {
        run_no: i64 [1..],
        strategy: String,
    }
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

/// A run by its number.
pub fn run(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Option<RunRow>> {
    select::<RunRow>("WHERE lender = $1 AND run_no = $2")
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .get_result(db)
        .optional()
}

fact! {
    /// What a run found beside its assignment.
    pub struct Found in "allocation_outcome" key (run_no) by seq {
        /// The run.
        run_no: i64 [1..],
        /// The act that simulated it.
        seq: i64,
        /// The findings.
        body: Json,
    }
}

fact! {
    /// One of the lists of closed gates that occur in a run.
    pub struct Refusal in "allocation_refusal" key (run_no, list_no) by seq {
        /// The run.
        run_no: i64 [1..],
        /// Its number in the run.
        list_no: i64 [0..],
        /// The act that simulated the run.
        seq: i64,
        /// Who is closed to an account, and why.
        refusals: Refusals,
    }
}

fact! {
    /// A row of a run's strata table.
    pub struct Stratum in "allocation_stratum" key (run_no, stratum, assignee) by seq {
        /// The run.
        run_no: i64 [1..],
        /// The stratum.
        stratum: String,
        /// Who may get of it.
        assignee: String,
        /// The act that simulated the run.
        seq: i64,
        /// Accounts of the stratum.
        accounts: i64 [0..],
        /// Σ of their balances.
        balance: Money,
        /// The stratum's rate of recovery.
        stratum_rate: Decimal,
        /// The assignee's index in it, shrunk by its credibility.
        index_shrunk: Decimal,
        /// The fee to be expected, of what is recovered.
        fee_rate: Decimal,
        /// Expected net recovery of a mean account, in millionths.
        value: i64,
        /// The fewest accounts of the whole run.
        min_accounts: i64 [0..],
        /// The most: capacity left, the greatest share, or all accounts.
        max_accounts: i64 [0..],
        /// Accounts given.
        assigned: i64 [0..],
        /// Of them, to explore.
        explored: i64 [0..],
    }
}

pub(super) fn add_outcome(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    body: &serde_json::Value,
) -> QueryResult<()> {
    act.record(db, &[Found { run_no, seq: act.seq(), body: Json(body.clone()) }])
}

/// What a run found beside its assignment.
pub fn outcome(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Option<serde_json::Value>> {
    let found = select::<Found>("WHERE lender = $1 AND run_no = $2")
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .get_result::<Found>(db)
        .optional()?;
    Ok(found.map(|found| found.body.0))
}

/// What a run found beside its assignment, as pages show it; nothing of a run of long ago that kept nothing.
pub fn findings(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Findings> {
    let Some(body) = outcome(db, lender, run_no)? else { return Ok(Findings::default()) };
    Findings::read(body).map_err(|error| {
        let (key, why) = (format!(" (run_no {run_no})"), format!("cannot be read: {error}"));
        Fault { table: "allocation_outcome", key, column: "body", why }.into()
    })
}

pub(super) fn add_refusals(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    lists: &[String],
) -> QueryResult<()> {
    let seq = act.seq();
    let listed = (0_i64..).zip(lists).filter(|(_, list)| !list.is_empty());
    let row = |(list_no, list): (i64, &String)| Refusal {
        run_no,
        list_no,
        seq,
        refusals: Refusals(list.clone()),
    };
    let rows: Vec<Refusal> = listed.map(row).collect();
    act.record(db, &rows)
}

pub(super) fn add_strata(
    db: &mut Db,
    act: &mut Act,
    run_no: i64,
    strata: &[StratumRow],
) -> QueryResult<()> {
    let seq = act.seq();
    let row = |one: &StratumRow| Stratum {
        run_no,
        stratum: one.stratum.clone(),
        assignee: one.assignee.clone(),
        seq,
        accounts: one.accounts,
        balance: one.balance,
        stratum_rate: one.stratum_rate,
        index_shrunk: one.index,
        fee_rate: one.fee_rate,
        value: one.value,
        min_accounts: one.min_accounts,
        max_accounts: one.max_accounts,
        assigned: one.assigned,
        explored: one.explored,
    };
    for chunk in strata.chunks(5_000) {
        let rows: Vec<Stratum> = chunk.iter().map(row).collect();
        act.record(db, &rows)?;
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
    act.witness(&Committed { run_no, committed_seq: seq });
    Ok(())
}

row! {
    struct OpenRow in "placement" key (assignee) {
        assignee: String,
        accounts: i64,
    }
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

row! {
    /// A run as a list shows it.
    #[derive(Clone, Debug)]
    pub struct ListedRun in "allocation_run" key (run_no) {
        /// Its number in the book.
        run_no: i64,
        /// The strategy's name.
        name: String,
        /// Its method.
        method: Method,
        /// The day it is for.
        run_on: NaiveDate,
        /// Accounts given to somebody.
        placed: i64,
        /// Accounts left with a reason.
        unplaced: i64,
        /// When it was simulated, UTC.
        simulated_at: String,
        /// By whom.
        simulated_by: String,
        /// When it was committed, UTC.
        committed_at: Option<String>,
        /// By whom.
        committed_by: Option<String>,
    }
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

/// The lists of closed gates of a run, by number.
pub fn refusals(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<BTreeMap<i64, String>> {
    let rows: Vec<Refusal> = select::<Refusal>("WHERE lender = $1 AND run_no = $2")
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .load(db)?;
    Ok(rows.into_iter().map(|row| (row.list_no, row.refusals.0)).collect())
}

/// The strata table of a run, in order of stratum and assignee.
pub fn strata(db: &mut Db, lender: &str, run_no: i64) -> QueryResult<Vec<StratumRow>> {
    let rows: Vec<Stratum> =
        select::<Stratum>("WHERE lender = $1 AND run_no = $2 ORDER BY stratum, assignee")
            .bind::<Text, _>(lender)
            .bind::<BigInt, _>(run_no)
            .load(db)?;
    let read = |row: Stratum| StratumRow {
        stratum: row.stratum,
        assignee: row.assignee,
        accounts: row.accounts,
        balance: row.balance,
        stratum_rate: row.stratum_rate,
        index: row.index_shrunk,
        fee_rate: row.fee_rate,
        value: row.value,
        min_accounts: row.min_accounts,
        max_accounts: row.max_accounts,
        assigned: row.assigned,
        explored: row.explored,
    };
    Ok(rows.into_iter().map(read).collect())
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

/// Accounts of a run after one, in order, at most so many.
pub fn accounts_of_run(
    db: &mut Db,
    lender: &str,
    run_no: i64,
    filter: &RowFilter,
    after: &str,
    most: i64,
) -> QueryResult<Vec<RunAccount>> {
    let rest = format!("{} AND account_no > $6 ORDER BY account_no LIMIT $7", filter.sql());
    select::<RunAccount>(&rest)
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .bind::<Nullable<Text>, _>(filter.assignee.as_deref())
        .bind::<Nullable<Text>, _>(filter.stratum.as_deref())
        .bind::<Nullable<Text>, _>(filter.reason.as_deref())
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)
}

row! {
    /// What the accounts of a list add up to.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct RowSums in "allocation_row" key () {
        /// How many.
        accounts: i64,
        /// Σ balances.
        balance: Money,
    }
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

row! {
    struct ShareRow in "allocation_row" key (assignee) {
        assignee: Option<String>,
        unplaced: String,
        accounts: i64,
        explored: i64,
        balance: Money,
    }
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
                    balance: row.balance.0,
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
    let columns = names_of::<RunAccount>("a");
    let sql = format!(
        "SELECT {columns} FROM allocation_run r CROSS JOIN allocation_row a \
         WHERE r.lender = $1 AND a.lender = r.lender AND a.run_no = r.run_no AND a.account_no = $2 \
         ORDER BY r.run_no DESC LIMIT $3"
    );
    diesel::sql_query(sql)
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
    let row = select::<Refusal>("WHERE lender = $1 AND run_no = $2 AND list_no = $3")
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(run_no)
        .bind::<BigInt, _>(list_no)
        .get_result::<Refusal>(db)
        .optional()?;
    Ok(row.map(|row| row.refusals.0))
}
