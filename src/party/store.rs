//! Lenders, bucket maps, contact policies and assignees.

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Assignee, AssigneeKind, Buckets, ContactPolicy, Lang, Lender, Names};
use crate::audit::Act;
use crate::db::{Db, fact, row, select};
use crate::kernel::calendar::Minute;
use crate::kernel::{Currency, Spelled};

row! {
    struct LenderRow in "lender" key (code) {
        code: String,
        name: String,
        currency: Currency,
        timezone: Tz,
        language: Lang,
        bounds: Buckets,
        quiet_from: Option<Minute>,
        quiet_until: Option<Minute>,
        effective_calls: Option<i64> [0..],
        unanswered: Option<i64> [0..],
    }
}

fact! {
    /// A contact policy that a parties file set; the newest counts.
    pub struct PolicySet in "contact_policy" key (seq) by seq {
        /// The act that set it.
        seq: i64,
        /// The policy.
        policy: ContactPolicy,
    }
}

const LENDER: &str = "SELECT l.code, l.name, l.currency, l.timezone, l.language, b.bounds, \
     p.quiet_from, p.quiet_until, p.effective_calls, p.unanswered FROM lender l \
     JOIN bucket_map b ON b.lender = l.code AND b.version = (SELECT MAX(version) FROM bucket_map WHERE lender = l.code) \
     LEFT JOIN contact_policy p ON p.lender = l.code AND p.seq = (SELECT MAX(seq) FROM contact_policy WHERE lender = l.code)";

impl From<LenderRow> for Lender {
    fn from(row: LenderRow) -> Lender {
        // A lender that has set no policy has the defaults; the table lets none of a policy's columns be empty.
        let set = row.quiet_from.zip(row.quiet_until).zip(row.effective_calls.zip(row.unanswered));
        let policy = |((quiet_from, quiet_until), (effective_calls, unanswered))| ContactPolicy {
            quiet_from,
            quiet_until,
            effective_calls,
            unanswered,
        };
        Lender {
            code: row.code,
            name: row.name,
            currency: row.currency,
            timezone: row.timezone,
            language: row.language,
            buckets: row.bounds,
            contact_policy: set.map_or_else(ContactPolicy::default, policy),
        }
    }
}

/// Sets the contact policy from this act on.
pub(super) fn add_contact_policy(
    db: &mut Db,
    act: &mut Act,
    policy: &ContactPolicy,
) -> QueryResult<()> {
    act.record(db, &[PolicySet { seq: act.seq(), policy: *policy }])
}

/// A lender with its newest bucket map and contact policy.
pub fn lender(db: &mut Db, code: &str) -> QueryResult<Option<Lender>> {
    let row: Option<LenderRow> = diesel::sql_query(format!("{LENDER} WHERE l.code = $1"))
        .bind::<Text, _>(code)
        .get_result(db)
        .optional()?;
    Ok(row.map(Lender::from))
}

/// The codes of all lenders, whether or not the rest of their rows can be read.
pub fn lender_codes(db: &mut Db) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Code {
        #[diesel(sql_type = Text)]
        code: String,
    }
    let rows: Vec<Code> = diesel::sql_query("SELECT code FROM lender ORDER BY code").load(db)?;
    Ok(rows.into_iter().map(|row| row.code).collect())
}

/// All lenders of the installation.
pub fn lenders(db: &mut Db) -> QueryResult<Vec<Lender>> {
    let rows: Vec<LenderRow> = diesel::sql_query(format!("{LENDER} ORDER BY l.code")).load(db)?;
    Ok(rows.into_iter().map(Lender::from).collect())
}

pub(super) fn save_lender(db: &mut Db, lender: &Lender) -> QueryResult<()> {
    diesel::sql_query("UPDATE lender SET name = $1, timezone = $2, language = $3 WHERE code = $4")
        .bind::<Text, _>(&lender.name)
        .bind::<Text, _>(lender.timezone.name())
        .bind::<Text, _>(lender.language.code())
        .bind::<Text, _>(&lender.code)
        .execute(db)
        .map(|_| ())
}

pub(super) fn add_lender(db: &mut Db, lender: &Lender) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO lender (code, name, currency, timezone, language) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<Text, _>(&lender.code)
    .bind::<Text, _>(&lender.name)
    .bind::<Text, _>(lender.currency.code())
    .bind::<Text, _>(lender.timezone.name())
    .bind::<Text, _>(lender.language.code())
    .execute(db)?;
    crate::audit::create_book(db, &lender.code)?;
    add_buckets(db, &lender.code, &lender.buckets)
}

/// Adds a bucket map as the next version.
pub(super) fn add_buckets(db: &mut Db, lender: &str, buckets: &Buckets) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO bucket_map (lender, version, bounds) \
         SELECT $1, COALESCE(MAX(version), 0) + 1, $2 FROM bucket_map WHERE lender = $1",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(buckets.spelling().into_owned())
    .execute(db)
    .map(|_| ())
}

/// The assignees of a lender, in byte order of their codes.
pub fn assignees(db: &mut Db, lender: &str) -> QueryResult<Vec<Assignee>> {
    select::<Assignee>("WHERE lender = $1 ORDER BY code").bind::<Text, _>(lender).load(db)
}

row! {
    struct ServedRow in "assignee" key (lender) {
        lender: String,
        kind: AssigneeKind,
    }
}

/// The lenders that have an assignee of this code, and what each has it for.
pub fn served_by(db: &mut Db, assignee: &str) -> QueryResult<Vec<(String, AssigneeKind)>> {
    let rows: Vec<ServedRow> = select::<ServedRow>("WHERE code = $1 ORDER BY lender")
        .bind::<Text, _>(assignee)
        .load(db)?;
    Ok(rows.into_iter().map(|row| (row.lender, row.kind)).collect())
}

row! {
    struct PlacementRow in "placement" key (placement_no) {
        placement_no: i64,
    }
}

/// Whether an assignee was ever given an account.
pub(super) fn has_placements(db: &mut Db, lender: &str, assignee: &str) -> QueryResult<bool> {
    let row: Option<PlacementRow> = diesel::sql_query(
        "SELECT placement_no FROM placement WHERE lender = $1 AND assignee = $2 LIMIT 1",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(assignee)
    .get_result(db)
    .optional()?;
    Ok(row.is_some_and(|row| row.placement_no > 0))
}

/// The lenders that an agency serves, or the one that a team belongs to. A team's code that several lenders use names
/// nobody's people: which of them are meant is not known.
pub fn lenders_of(db: &mut Db, assignee: &str) -> QueryResult<Vec<Lender>> {
    let rows: Vec<LenderRow> = diesel::sql_query(format!(
        "{LENDER} JOIN assignee a ON a.lender = l.code WHERE a.code = $1 AND (a.kind = 'agency' \
         OR NOT EXISTS (SELECT 1 FROM assignee b WHERE b.code = a.code AND b.lender <> a.lender)) ORDER BY l.code"
    ))
    .bind::<Text, _>(assignee)
    .load(db)?;
    Ok(rows.into_iter().map(Lender::from).collect())
}

pub(super) fn save_assignee(
    db: &mut Db,
    lender: &str,
    assignee: &Assignee,
    known: bool,
) -> QueryResult<()> {
    let json = |list: &Option<Names>| list.as_ref().map(|names| names.spelling().into_owned());
    let sql = if known {
        "UPDATE assignee SET name = $1, kind = $2, capacity = $3, regions = $4, products = $5, status = $6, \
         licence_expires_on = $7, evaluated_on = $8 WHERE lender = $9 AND code = $10"
    } else {
        "INSERT INTO assignee (name, kind, capacity, regions, products, status, licence_expires_on, evaluated_on, lender, code) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
    diesel::sql_query(sql)
        .bind::<Text, _>(&assignee.name)
        .bind::<Text, _>(assignee.kind.name())
        .bind::<Nullable<BigInt>, _>(assignee.capacity)
        .bind::<Nullable<Text>, _>(json(&assignee.regions))
        .bind::<Nullable<Text>, _>(json(&assignee.products))
        .bind::<Text, _>(assignee.status.name())
        .bind::<Nullable<Date>, _>(assignee.licence_expires_on)
        .bind::<Nullable<Date>, _>(assignee.evaluated_on)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(&assignee.code)
        .execute(db)
        .map(|_| ())
}
