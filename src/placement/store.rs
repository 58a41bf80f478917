//! Placements and batches.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::step_store::{self, Steps};
use super::{CloseReason, Placement, Span};
use crate::audit::Act;
use crate::contract::condition::Facts;
use crate::db::{Db, Kind, fact, keys_in, row, rows_of_json};
use crate::kernel::Money;

fact! {
    /// What of a placement is frozen when it starts.
    #[derive(Clone, Debug)]
    pub struct Placed in "placement" key (placement_no) by seq {
        /// Its number in the book, in order of placing.
        placement_no: i64 [1..],
        /// The act that placed it.
        seq: i64,
        /// The account.
        account_no: String,
        /// In whose hands.
        assignee: String,
        /// The batch it was placed with.
        batch: String,
        /// How many agencies have held the account, this one included.
        level: i64 [0..],
        /// First day.
        placed_on: NaiveDate,
        /// Last day before any retention.
        expires_on: NaiveDate,
        /// Days after its end whose payments still belong to it.
        tail_days: i64 [0..],
        /// What was owed.
        balance: Money [0..],
        /// As the newest file stated them.
        days_past_due: i64 [0..],
        /// Their bucket.
        bucket: String,
        /// The product.
        product: Option<String>,
        /// The region.
        region: Option<String>,
        /// Written off.
        charged_off: bool,
        /// In court.
        legal: bool,
        /// The contract.
        contract: String,
        /// And its version.
        contract_version: i64 [1..],
    }
}

fact! {
    /// What closing a placement writes.
    #[derive(Clone, Debug)]
    pub struct Closing in "placement/closing" key (placement_no) by closed_seq {
        /// Which placement.
        placement_no: i64 [1..],
        /// The act that closed it.
        closed_seq: i64,
        /// Its last day.
        closed_on: NaiveDate,
        /// Why.
        close_reason: CloseReason,
        /// The word given with a recall.
        close_code: Option<String>,
        /// What was owed on everything known.
        closed_owed: Money,
    }
}

fact! {
    /// A batch: the placements that one allocation run gave to one assignee.
    #[derive(Clone, Debug)]
    pub struct Batch in "batch" key (code) by seq {
        /// Its code.
        code: String,
        /// The act that placed it.
        seq: i64,
        /// The run.
        run_no: i64 [1..],
        /// Whose.
        assignee: String,
        /// The first day of its placements.
        placed_on: NaiveDate,
        /// How many they are.
        accounts: i64 [0..],
        /// Σ balance.
        balance: Money [0..],
    }
}

row! {
    struct Row in "placement" key (placement_no) {
        span: Span,
        seq: i64,
        batch: String,
        level: i64 [0..],
        balance: Money [0..],
        days_past_due: i64 [0..],
        bucket: String,
        product: Option<String>,
        region: Option<String>,
        charged_off: bool,
        legal: bool,
        contract: String,
        contract_version: i64 [1..],
        closed_seq: Option<i64>,
        close_code: Option<String>,
        first_expires_on: NaiveDate,
    }
}

fn placement(row: Row, steps: &mut Steps) -> Placement {
    Placement {
        seq: row.seq,
        batch: row.batch,
        facts: Facts {
            days_past_due: row.days_past_due,
            level: row.level,
            balance: row.balance,
            bucket: row.bucket,
            product: row.product,
            region: row.region,
            charged_off: row.charged_off,
            legal: row.legal,
        },
        contract: row.contract,
        contract_version: row.contract_version,
        closed_seq: row.closed_seq,
        close_code: row.close_code,
        first_expires_on: row.first_expires_on,
        steps: steps.remove(&row.span.placement_no).unwrap_or_default(),
        span: row.span,
    }
}

const SELECT: &str = "SELECT placement_no, seq, account_no, assignee, batch, level, placed_on, \
     COALESCE(retained_to, expires_on) AS expires_on, expires_on AS first_expires_on, recall_final_on, tail_days, balance, \
     days_past_due, bucket, product, region, charged_off, legal, contract, contract_version, closed_seq, closed_on, close_reason, \
     close_code FROM placement";

/// SQL for the day on which a placement is over by itself; [`Span::ends_on`] in the database.
pub const ENDS_ON: &str = "CASE WHEN recall_final_on < COALESCE(retained_to, expires_on) THEN recall_final_on \
     ELSE COALESCE(retained_to, expires_on) END";

/// SQL for the last day on which an account was in the hands of a placement; [`Span::last_day`] in the database.
pub const LAST_DAY: &str = "CASE WHEN closed_on < COALESCE(retained_to, expires_on) THEN closed_on \
     WHEN closed_on IS NOT NULL THEN COALESCE(retained_to, expires_on) \
     WHEN recall_final_on < COALESCE(retained_to, expires_on) THEN recall_final_on \
     ELSE COALESCE(retained_to, expires_on) END";

/// Placements with their steps.
fn with_steps(db: &mut Db, lender: &str, rows: Vec<Row>) -> QueryResult<Vec<Placement>> {
    let keys = crate::db::keys_json(rows.iter().map(|row| row.span.account_no.as_str()));
    let mut steps = step_store::of_accounts(db, lender, &keys)?;
    Ok(rows.into_iter().map(|row| placement(row, &mut steps)).collect())
}

/// The placements of some accounts (a JSON array of account numbers), in order of account, day and placing.
pub fn of_accounts(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Placement>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!(
        "{SELECT} WHERE lender = $1 AND {listed} ORDER BY account_no, placed_on, placement_no"
    );
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    let mut steps = step_store::of_accounts(db, lender, keys)?;
    Ok(rows.into_iter().map(|row| placement(row, &mut steps)).collect())
}

row! {
    struct AccountRow in "placement" key () {
        account_no: String,
    }
}

/// The accounts of a batch, in order.
pub fn accounts_of_batch(db: &mut Db, lender: &str, batch: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountRow> = diesel::sql_query(
        "SELECT DISTINCT account_no FROM placement WHERE lender = $1 AND batch = $2 ORDER BY account_no",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(batch)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

const SELECT_SPAN: &str = "SELECT placement_no, account_no, assignee, placed_on, COALESCE(retained_to, expires_on) AS expires_on, \
     tail_days, closed_on, close_reason, recall_final_on FROM placement";

/// The spans of some accounts' placements (a JSON array of account numbers), in order of account, day and placing.
pub fn spans_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Span>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!(
        "{SELECT_SPAN} WHERE lender = $1 AND {listed} ORDER BY account_no, placed_on, placement_no"
    );
    diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)
}

/// The spans of some accounts' placements (a JSON array of account numbers) with one assignee, in order of account, day and
/// placing.
pub fn spans_with(db: &mut Db, lender: &str, assignee: &str, keys: &str) -> QueryResult<Vec<Span>> {
    let listed = keys_in(db, "account_no", 3);
    let sql = format!(
        "{SELECT_SPAN} WHERE lender = $1 AND assignee = $2 AND {listed} ORDER BY account_no, placed_on, placement_no"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(assignee)
        .bind::<Text, _>(keys)
        .load(db)
}

/// Walks all placements in order of account, day and placing.
pub fn each<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(Placement) -> Result<(), E>,
) -> Result<(), E> {
    let mut steps = step_store::all(db, lender)?;
    let sql = format!("{SELECT} WHERE lender = $1 ORDER BY account_no, placed_on, placement_no");
    let rows =
        diesel::sql_query(sql).bind::<Text, _>(lender).load_iter::<Row, DefaultLoadingMode>(db)?;
    for row in rows {
        each(placement(row?, &mut steps))?;
    }
    Ok(())
}

/// The placements of the accounts after one, in order of account, day and placing: at most so many, and of no account a
/// part only.
pub fn of_accounts_after(
    db: &mut Db,
    lender: &str,
    after: &str,
    most: i64,
) -> QueryResult<Vec<Placement>> {
    let sql = format!(
        "{SELECT} WHERE lender = $1 AND account_no > $2 ORDER BY account_no, placed_on, placement_no LIMIT $3"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)?;
    let cut = i64::try_from(rows.len()).is_ok_and(|count| count == most);
    let mut placements = with_steps(db, lender, rows)?;
    let last = placements.last().map(|last| last.account_no.clone());
    let first = placements.first().map(|first| first.account_no.clone());
    // The last account of a full page may go on behind it; it is read whole with the next page.
    if cut && first != last {
        placements.retain(|one| Some(&one.account_no) != last.as_ref());
    }
    Ok(placements)
}

/// Active placements that were over by themselves before a day, in order of placing, after a placement number.
pub fn run_out(
    db: &mut Db,
    lender: &str,
    before: NaiveDate,
    after: i64,
    most: i64,
) -> QueryResult<Vec<Span>> {
    let sql = format!(
        "{SELECT_SPAN} WHERE lender = $1 AND closed_on IS NULL AND {ENDS_ON} < $2 AND placement_no > $3 ORDER BY placement_no LIMIT $4"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(before)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)
}

/// Active placements of an assignee (or due by a day), in order of placing, after a placement number.
pub fn active(
    db: &mut Db,
    lender: &str,
    assignee: Option<&str>,
    due_by: Option<NaiveDate>,
    after: i64,
    most: i64,
) -> QueryResult<Vec<Placement>> {
    let sql = format!(
        "{SELECT} WHERE lender = $1 AND closed_on IS NULL AND assignee = COALESCE($2, assignee) \
         AND COALESCE(retained_to, expires_on) <= COALESCE($3, COALESCE(retained_to, expires_on)) AND placement_no > $4 \
         ORDER BY placement_no LIMIT $5"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Nullable<Text>, _>(assignee)
        .bind::<Nullable<Date>, _>(due_by)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)?;
    with_steps(db, lender, rows)
}

/// What the steps of some placements have come to, written beside their frozen facts: number, the day retained to, the
/// day a recall becomes final.
pub(super) fn set_ends(
    db: &mut Db,
    lender: &str,
    ends: &[(i64, Option<NaiveDate>, Option<NaiveDate>)],
) -> QueryResult<()> {
    let text = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    let rows: Vec<serde_json::Value> = ends
        .iter()
        .map(|(number, retained, recalled)| {
            serde_json::json!([number, text(*retained), text(*recalled)])
        })
        .collect();
    let columns =
        [("placement_no", Kind::Int), ("retained_to", Kind::Date), ("recall_final_on", Kind::Date)];
    let table = rows_of_json(db, 1, &columns);
    let sql = format!(
        "WITH v AS MATERIALIZED {table} UPDATE placement SET retained_to = v.retained_to, recall_final_on = v.recall_final_on \
         FROM v WHERE placement.lender = $2 AND placement.placement_no = v.placement_no"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(serde_json::Value::from(rows).to_string())
        .bind::<Text, _>(lender)
        .execute(db)?;
    Ok(())
}

row! {
    /// What an assignee holds, as recorded, and what of it was over by itself before a day.
    #[derive(Clone, Debug)]
    pub struct OpenCount in "placement" key (assignee) {
        /// The assignee.
        assignee: String,
        /// Its active placements.
        accounts: i64,
        /// Those that were over before the day.
        run_out: i64,
        /// Those of them that a recall nobody objected to ended.
        recalls_final: i64,
        /// Σ balance at placing of those that were over.
        run_out_balance: Money,
    }
}

/// How many accounts each assignee holds, as recorded, in order of assignee; how many of them had run out before a day.
pub fn open_counts(db: &mut Db, lender: &str, before: NaiveDate) -> QueryResult<Vec<OpenCount>> {
    let sql = format!(
        "SELECT assignee, COUNT(*) AS accounts, COUNT(CASE WHEN {ENDS_ON} < $1 THEN 1 END) AS run_out, \
         COUNT(CASE WHEN {ENDS_ON} < $1 AND recall_final_on <= COALESCE(retained_to, expires_on) THEN 1 END) AS recalls_final, \
         CAST(COALESCE(SUM(CASE WHEN {ENDS_ON} < $1 THEN balance END), 0) AS BIGINT) AS run_out_balance \
         FROM placement WHERE lender = $2 AND closed_on IS NULL GROUP BY assignee ORDER BY assignee"
    );
    diesel::sql_query(sql).bind::<Date, _>(before).bind::<Text, _>(lender).load(db)
}

/// Writes closings of one act.
pub(super) fn close(db: &mut Db, act: &mut Act, closings: &[Closing]) -> QueryResult<()> {
    let rows: Vec<serde_json::Value> = closings
        .iter()
        .map(|one| {
            serde_json::json!([
                one.placement_no,
                one.closed_on.to_string(),
                one.close_reason,
                one.close_code,
                one.closed_owed.0
            ])
        })
        .collect();
    let columns = [
        ("placement_no", Kind::Int),
        ("closed_on", Kind::Date),
        ("close_reason", Kind::Text),
        ("close_code", Kind::Text),
        ("closed_owed", Kind::Int),
    ];
    // Materialised, so that SQLite indexes the rows instead of reading the JSON again for every placement. Binds are
    // numbered in the order of their first appearance: SQLite goes by that.
    let table = rows_of_json(db, 1, &columns);
    let sql = format!(
        "WITH v AS MATERIALIZED {table} UPDATE placement SET closed_seq = $2, closed_on = v.closed_on, \
         close_reason = v.close_reason, close_code = v.close_code, closed_owed = v.closed_owed \
         FROM v WHERE placement.lender = $3 AND placement.placement_no = v.placement_no"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(serde_json::Value::from(rows).to_string())
        .bind::<BigInt, _>(act.seq())
        .bind::<Text, _>(&act.book.lender)
        .execute(db)?;
    closings.iter().for_each(|one| act.witness(one));
    Ok(())
}

/// Which placements a list shows.
#[derive(Clone, Debug, Default)]
pub struct PlacementFilter {
    /// Of one assignee.
    pub assignee: Option<String>,
    /// Only open ones, or only closed ones.
    pub open: Option<bool>,
    /// Of one batch.
    pub batch: Option<String>,
    /// Only active ones that were over by themselves before a day.
    pub run_out: Option<NaiveDate>,
    /// Only those that hold their account on a day.
    pub holding_on: Option<NaiveDate>,
}

impl PlacementFilter {
    /// SQL for the state that is asked for.
    fn state(&self) -> String {
        let run_out =
            self.run_out.map(|before| format!("AND closed_on IS NULL AND {ENDS_ON} < '{before}'"));
        let open = match self.open {
            None => "",
            Some(true) => "AND closed_on IS NULL",
            Some(false) => "AND closed_on IS NOT NULL",
        };
        let holding = self.holding_on.map_or_else(String::new, |day| {
            format!("AND closed_on IS NULL AND placed_on <= '{day}' AND {ENDS_ON} >= '{day}'")
        });
        format!("{} {holding}", run_out.as_deref().unwrap_or(open))
    }
}

/// Placements of a list before a placement number, newest first, at most so many.
pub fn listed(
    db: &mut Db,
    lender: &str,
    filter: &PlacementFilter,
    before: i64,
    most: i64,
) -> QueryResult<Vec<Placement>> {
    let state = filter.state();
    let sql = format!(
        "{SELECT} WHERE lender = $1 AND assignee = COALESCE($2, assignee) AND batch = COALESCE($3, batch) {state} \
         AND placement_no < $4 ORDER BY placement_no DESC LIMIT $5"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Nullable<Text>, _>(filter.assignee.as_deref())
        .bind::<Nullable<Text>, _>(filter.batch.as_deref())
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(most)
        .load(db)?;
    with_steps(db, lender, rows)
}

row! {
    /// What a list of placements adds up to.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct PlacementSums in "placement" key () {
        /// How many.
        placements: i64,
        /// How many of them are open.
        open: i64,
        /// Σ balance at placing.
        balance: Money,
        /// How many are open and were over by themselves before the day.
        run_out: i64,
    }
}

/// The sums of a list of placements, and how many of them had run out before a day.
pub fn sums(
    db: &mut Db,
    lender: &str,
    filter: &PlacementFilter,
    before: NaiveDate,
) -> QueryResult<PlacementSums> {
    let state = filter.state();
    let sql = format!(
        "SELECT COUNT(*) AS placements, COUNT(*) - COUNT(closed_on) AS open, CAST(COALESCE(SUM(balance), 0) AS BIGINT) AS balance, \
         COUNT(CASE WHEN closed_on IS NULL AND {ENDS_ON} < $1 THEN 1 END) AS run_out \
         FROM placement WHERE lender = $2 AND assignee = COALESCE($3, assignee) AND batch = COALESCE($4, batch) {state}"
    );
    diesel::sql_query(sql)
        .bind::<Date, _>(before)
        .bind::<Text, _>(lender)
        .bind::<Nullable<Text>, _>(filter.assignee.as_deref())
        .bind::<Nullable<Text>, _>(filter.batch.as_deref())
        .get_result(db)
}
