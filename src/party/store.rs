//! Lenders, bucket maps, contact policies and assignees.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Assignee, AssigneeKind, Buckets, ContactPolicy, Lang, Lender, Status};
use crate::audit::Act;
use crate::db::{Cell, Db, FactTable, Kind};
use crate::kernel::Currency;

#[derive(QueryableByName)]
struct LenderRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = Text)]
    bounds: String,
    #[diesel(sql_type = Nullable<Text>)]
    quiet_from: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    quiet_until: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    effective_calls: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    unanswered: Option<i64>,
}

/// Contact policies that a parties file set; the newest counts.
pub const CONTACT_POLICIES: FactTable = FactTable {
    name: "contact_policy",
    columns: &[
        ("lender", Kind::Text),
        ("seq", Kind::Int),
        ("quiet_from", Kind::Text),
        ("quiet_until", Kind::Text),
        ("effective_calls", Kind::Int),
        ("unanswered", Kind::Int),
    ],
};

const LENDER: &str = "SELECT l.code, l.name, l.currency, l.timezone, l.language, b.bounds, \
     p.quiet_from, p.quiet_until, p.effective_calls, p.unanswered FROM lender l \
     JOIN bucket_map b ON b.lender = l.code AND b.version = (SELECT MAX(version) FROM bucket_map WHERE lender = l.code) \
     LEFT JOIN contact_policy p ON p.lender = l.code AND p.seq = (SELECT MAX(seq) FROM contact_policy WHERE lender = l.code)";

fn to_lender(row: LenderRow) -> QueryResult<Lender> {
    let corrupt = |what: &str| {
        diesel::result::Error::DeserializationError(
            format!("lender {} has a bad {what}", row.code).into(),
        )
    };
    Ok(Lender {
        currency: Currency::parse(&row.currency).ok_or_else(|| corrupt("currency"))?,
        buckets: serde_json::from_str(&row.bounds)
            .map(Buckets)
            .map_err(|_| corrupt("bucket map"))?,
        language: Lang::of(&row.language),
        contact_policy: contact_policy(&row).ok_or_else(|| corrupt("contact policy"))?,
        code: row.code,
        name: row.name,
        timezone: row.timezone,
    })
}

/// The policy a lender has set, or the defaults.
fn contact_policy(row: &LenderRow) -> Option<ContactPolicy> {
    match (&row.quiet_from, &row.quiet_until, row.effective_calls, row.unanswered) {
        (Some(from), Some(until), Some(calls), Some(unanswered)) => {
            ContactPolicy::stored(from, until, calls, unanswered)
        }
        _ => Some(ContactPolicy::default()),
    }
}

/// Sets the contact policy from this act on.
pub(super) fn add_contact_policy(
    db: &mut Db,
    act: &mut Act,
    policy: &ContactPolicy,
) -> QueryResult<()> {
    let row = vec![
        Cell::from(act.book.lender.clone()),
        Cell::from(act.seq()),
        Cell::from(policy.quiet_from_text()),
        Cell::from(policy.quiet_until_text()),
        Cell::from(policy.effective_calls),
        Cell::from(policy.unanswered),
    ];
    act.write(db, &CONTACT_POLICIES, &[row])
}

/// A lender with its newest bucket map and contact policy.
pub fn lender(db: &mut Db, code: &str) -> QueryResult<Option<Lender>> {
    let row: Option<LenderRow> = diesel::sql_query(format!("{LENDER} WHERE l.code = $1"))
        .bind::<Text, _>(code)
        .get_result(db)
        .optional()?;
    row.map(to_lender).transpose()
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
    rows.into_iter().map(to_lender).collect()
}

pub(super) fn save_lender(db: &mut Db, lender: &Lender) -> QueryResult<()> {
    diesel::sql_query("UPDATE lender SET name = $1, timezone = $2, language = $3 WHERE code = $4")
        .bind::<Text, _>(&lender.name)
        .bind::<Text, _>(&lender.timezone)
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
    .bind::<Text, _>(&lender.timezone)
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
    .bind::<Text, _>(serde_json::json!(buckets.0).to_string())
    .execute(db)
    .map(|_| ())
}

#[derive(QueryableByName)]
struct AssigneeRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    capacity: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    regions: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    products: Option<String>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Date>)]
    licence_expires_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    evaluated_on: Option<NaiveDate>,
}

fn list(text: Option<String>) -> Option<Vec<String>> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}

/// The assignees of a lender, in byte order of their codes.
pub fn assignees(db: &mut Db, lender: &str) -> QueryResult<Vec<Assignee>> {
    let rows: Vec<AssigneeRow> = diesel::sql_query(
        "SELECT code, name, kind, capacity, regions, products, status, licence_expires_on, evaluated_on \
         FROM assignee WHERE lender = $1 ORDER BY code",
    )
    .bind::<Text, _>(lender)
    .load(db)?;
    let read = |row: AssigneeRow| Assignee {
        kind: if row.kind == "team" { AssigneeKind::Team } else { AssigneeKind::Agency },
        status: match row.status.as_str() {
            "active" => Status::Active,
            "suspended" => Status::Suspended,
            _ => Status::Exited,
        },
        code: row.code,
        name: row.name,
        capacity: row.capacity,
        regions: list(row.regions),
        products: list(row.products),
        licence_expires_on: row.licence_expires_on,
        evaluated_on: row.evaluated_on,
    };
    Ok(rows.into_iter().map(read).collect())
}

#[derive(QueryableByName)]
struct ServedRow {
    #[diesel(sql_type = Text)]
    lender: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// The lenders that have an assignee of this code, and what each has it for.
pub fn served_by(db: &mut Db, assignee: &str) -> QueryResult<Vec<(String, AssigneeKind)>> {
    let rows: Vec<ServedRow> =
        diesel::sql_query("SELECT lender, kind FROM assignee WHERE code = $1 ORDER BY lender")
            .bind::<Text, _>(assignee)
            .load(db)?;
    let kind = |kind: &str| if kind == "team" { AssigneeKind::Team } else { AssigneeKind::Agency };
    Ok(rows.into_iter().map(|row| (row.lender, kind(&row.kind))).collect())
}

#[derive(QueryableByName)]
struct PlacementRow {
    #[diesel(sql_type = BigInt)]
    placement_no: i64,
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
    rows.into_iter().map(to_lender).collect()
}

pub(super) fn save_assignee(
    db: &mut Db,
    lender: &str,
    assignee: &Assignee,
    known: bool,
) -> QueryResult<()> {
    let json =
        |list: &Option<Vec<String>>| list.as_ref().map(|list| serde_json::json!(list).to_string());
    let sql = if known {
        "UPDATE assignee SET name = $1, kind = $2, capacity = $3, regions = $4, products = $5, status = $6, \
         licence_expires_on = $7, evaluated_on = $8 WHERE lender = $9 AND code = $10"
    } else {
        "INSERT INTO assignee (name, kind, capacity, regions, products, status, licence_expires_on, evaluated_on, lender, code) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
    diesel::sql_query(sql)
        .bind::<Text, _>(&assignee.name)
        .bind::<Text, _>(assignee.kind.code())
        .bind::<Nullable<BigInt>, _>(assignee.capacity)
        .bind::<Nullable<Text>, _>(json(&assignee.regions))
        .bind::<Nullable<Text>, _>(json(&assignee.products))
        .bind::<Text, _>(assignee.status.code())
        .bind::<Nullable<Date>, _>(assignee.licence_expires_on)
        .bind::<Nullable<Date>, _>(assignee.evaluated_on)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(&assignee.code)
        .execute(db)
        .map(|_| ())
}
