//! The steps of placements.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Placement, Step, StepKind};
use crate::db::{Cell, Db, FactTable, Kind, keys_in};
use crate::kernel::Money;

/// Steps of placements.
pub const STEPS: FactTable = FactTable {
    name: "placement_step",
    columns: &[
        ("lender", Kind::Text),
        ("account_no", Kind::Text),
        ("placement_no", Kind::Int),
        ("seq", Kind::Int),
        ("step", Kind::Text),
        ("on_day", Kind::Date),
        ("agency", Kind::Text),
        ("reason", Kind::Text),
        ("outcome", Kind::Text),
        ("until_on", Kind::Date),
        ("owed", Kind::Int),
    ],
};

/// The steps of placements, by number, each in the order of its acts.
pub(super) type Steps = HashMap<i64, Vec<Step>>;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    placement_no: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    step: String,
    #[diesel(sql_type = Date)]
    on_day: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    agency: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    until_on: Option<NaiveDate>,
    #[diesel(sql_type = BigInt)]
    owed: i64,
}

fn step(row: Row) -> QueryResult<(i64, Step)> {
    let unknown = || {
        let what = format!(
            "placement {} has a step {} with the outcome {:?}",
            row.placement_no, row.step, row.outcome
        );
        diesel::result::Error::DeserializationError(what.into())
    };
    let kind = StepKind::parse(&row.step).ok_or_else(unknown)?;
    let granted = match row.outcome.as_deref() {
        None => None,
        Some("upheld" | "accepted" | "approved") => Some(true),
        Some("withdrawn" | "declined") => Some(false),
        Some(_) => return Err(unknown()),
    };
    let step = Step {
        seq: row.seq,
        kind,
        on_day: row.on_day,
        agency: row.agency,
        reason: row.reason,
        granted,
        until_on: row.until_on,
        owed: Money(row.owed),
    };
    Ok((row.placement_no, step))
}

fn by_placement(rows: Vec<Row>) -> QueryResult<Steps> {
    let mut steps = Steps::new();
    for row in rows {
        let (placement_no, step) = step(row)?;
        steps.entry(placement_no).or_default().push(step);
    }
    steps.values_mut().for_each(|steps| steps.sort_by_key(|step| (step.seq, step.kind)));
    Ok(steps)
}

const SELECT: &str = "SELECT placement_no, seq, step, on_day, agency, reason, outcome, until_on, owed FROM placement_step";

/// The steps of some accounts' placements (a JSON array of account numbers).
pub(super) fn of_accounts(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Steps> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!("{SELECT} WHERE lender = $1 AND {listed}");
    by_placement(diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?)
}

/// The steps of all placements.
pub(super) fn all(db: &mut Db, lender: &str) -> QueryResult<Steps> {
    by_placement(
        diesel::sql_query(format!("{SELECT} WHERE lender = $1"))
            .bind::<Text, _>(lender)
            .load(db)?,
    )
}

/// The cells of a step of a placement, in the order of [`STEPS`].
pub(super) fn cells<'a>(
    lender: &'a str,
    placement: &'a Placement,
    step: &'a Step,
) -> Vec<Cell<'a>> {
    vec![
        Cell::from(lender),
        Cell::from(placement.account_no.as_str()),
        Cell::from(placement.placement_no),
        Cell::from(step.seq),
        Cell::from(step.kind.name()),
        Cell::from(step.on_day),
        Cell::from(step.agency.as_deref()),
        Cell::from(step.reason.as_deref()),
        Cell::from(step.outcome()),
        Cell::from(step.until_on),
        Cell::from(step.owed),
    ]
}

#[derive(QueryableByName)]
struct AccountNo {
    #[diesel(sql_type = Text)]
    account_no: String,
}

/// Accounts with an active placement on which somebody has asked for something or was asked, in order.
pub fn accounts_with_requests(
    db: &mut Db,
    lender: &str,
    agency: Option<&str>,
) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountNo> = diesel::sql_query(
        "SELECT DISTINCT p.account_no FROM placement p JOIN placement_step s ON s.lender = p.lender \
         AND s.account_no = p.account_no AND s.placement_no = p.placement_no \
         WHERE p.lender = $1 AND p.closed_on IS NULL AND p.assignee = COALESCE($2, p.assignee) ORDER BY p.account_no",
    )
    .bind::<Text, _>(lender)
    .bind::<Nullable<Text>, _>(agency)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

/// A line of the log: a step or a closing, and who recorded it when.
#[derive(QueryableByName, Clone, Debug)]
pub struct LogRow {
    /// The account.
    #[diesel(sql_type = Text)]
    pub account_no: String,
    /// Its placement.
    #[diesel(sql_type = BigInt)]
    pub placement_no: i64,
    /// In whose hands.
    #[diesel(sql_type = Text)]
    pub assignee: String,
    /// The act.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// What it is: a kind of step, or `closing`.
    #[diesel(sql_type = Text)]
    pub step: String,
    /// Its day.
    #[diesel(sql_type = Date)]
    pub on_day: NaiveDate,
    /// The agency that took it; nothing means the lender.
    #[diesel(sql_type = Nullable<Text>)]
    pub agency: Option<String>,
    /// The code or the reason.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    /// The decision, or why the placement closed.
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<String>,
    /// The last day to object, or the new last day.
    #[diesel(sql_type = Nullable<Date>)]
    pub until_on: Option<NaiveDate>,
    /// What was owed.
    #[diesel(sql_type = BigInt)]
    pub owed: i64,
    /// When it was recorded, UTC.
    #[diesel(sql_type = Text)]
    pub recorded_at: String,
    /// By whom.
    #[diesel(sql_type = Text)]
    pub actor: String,
}

/// The log of an account, or of all: steps and closings in order of account, placement and act.
pub fn log(db: &mut Db, lender: &str, account_no: Option<&str>) -> QueryResult<Vec<LogRow>> {
    diesel::sql_query(
        "SELECT l.*, e.recorded_at, e.actor FROM (\
         SELECT s.lender, s.account_no, s.placement_no, p.assignee, s.seq, s.step, s.on_day, s.agency, s.reason, s.outcome, \
         s.until_on, s.owed, 0 AS rank FROM placement_step s JOIN placement p ON p.lender = s.lender AND p.placement_no = s.placement_no \
         WHERE s.lender = $1 AND s.account_no = COALESCE($2, s.account_no) \
         UNION ALL SELECT lender, account_no, placement_no, assignee, closed_seq, 'closing', closed_on, NULL, close_code, close_reason, \
         NULL, closed_owed, 1 FROM placement WHERE lender = $1 AND account_no = COALESCE($2, account_no) AND closed_on IS NOT NULL\
         ) l JOIN event e ON e.lender = l.lender AND e.seq = l.seq ORDER BY l.account_no, l.placement_no, l.seq, l.rank, l.step",
    )
    .bind::<Text, _>(lender)
    .bind::<Nullable<Text>, _>(account_no)
    .load(db)
}

/// A step whose placement is another account's, or none.
#[derive(QueryableByName, Clone, Debug)]
pub struct Stray {
    /// The account it names.
    #[diesel(sql_type = Text)]
    pub account_no: String,
    /// The placement it names.
    #[diesel(sql_type = BigInt)]
    pub placement_no: i64,
}

/// Steps that name a placement the account does not have.
pub fn strays(db: &mut Db, lender: &str) -> QueryResult<Vec<Stray>> {
    diesel::sql_query(
        "SELECT s.account_no, s.placement_no FROM placement_step s WHERE s.lender = $1 AND NOT EXISTS (SELECT 1 FROM placement p \
         WHERE p.lender = s.lender AND p.placement_no = s.placement_no AND p.account_no = s.account_no)",
    )
    .bind::<Text, _>(lender)
    .load(db)
}
