//! Contact records and the files they came in.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use serde_json::{Value, json};

use super::policy::Policy;
use super::{Channel, Contact, Outcome};
use crate::db::{Cell, Db, FactTable, Kind, fact, keys_in, names_of, rows_of_json, select};
use crate::hold::{Hold, Opening};
use crate::kernel::calendar::parse_time;

/// Contact records.
pub const CONTACTS: FactTable = FactTable {
    name: "contact",
    columns: &[
        ("lender", Kind::Text),
        ("contacted_on", Kind::Date),
        ("agency", Kind::Text),
        ("reference", Kind::Text),
        ("seq", Kind::Int),
        ("line", Kind::Int),
        ("account_no", Kind::Text),
        ("debtor_ref", Kind::Text),
        ("contacted_at", Kind::Text),
        ("channel", Kind::Text),
        ("outcome", Kind::Text),
        ("number", Kind::Text),
        ("number_digest", Kind::Text),
        ("note", Kind::Text),
    ],
};

fact! {
    /// A contact file taken in.
    #[derive(Clone, Debug)]
    pub struct ContactFile in "contact_file" key (seq) by seq {
        /// The act that took it in.
        seq: i64,
        /// Whose contacts.
        agency: String,
        /// The file's name.
        file_name: String,
        /// Of its bytes.
        sha256: String,
        /// Rows taken in.
        accepted: i64 [0..],
        /// Rows known before.
        duplicate: i64 [0..],
        /// Rows rejected.
        rejected: i64 [0..],
        /// The policy that applied when it came.
        policy: Policy,
    }
}

/// A contact as it is stored: with its place in the file, its number encrypted, and the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The contact.
    pub contact: Contact,
    /// Its line in the file.
    pub line: i64,
    /// The number, encrypted.
    pub number: Option<String>,
    /// The agency's note.
    pub note: Option<String>,
}

/// Stands between the values of a content; no value has it, because control characters are refused or left out.
const MARK: char = '\u{1f}';

impl Entry {
    /// What a row says, in one text: sent again it must be the same. The number counts by its digest, and the debtor is
    /// the book's to say.
    pub fn content(&self) -> String {
        let contact = &self.contact;
        let day = contact.day().to_string();
        let time = contact.at.format("%H:%M:%S").to_string();
        let (digest, note) = (contact.number_digest.as_deref(), self.note.as_deref());
        let values = [
            contact.account_no.as_str(),
            &day,
            &time,
            contact.channel.name(),
            contact.outcome.name(),
            digest.unwrap_or_default(),
            note.unwrap_or_default(),
        ];
        values.join(&MARK.to_string())
    }
}

/// The cells of a contact, in the order of [`CONTACTS`].
pub fn cells<'a>(lender: &'a str, entry: &'a Entry) -> Vec<Cell<'a>> {
    let contact = &entry.contact;
    vec![
        Cell::from(lender),
        Cell::from(contact.day()),
        Cell::from(contact.agency.as_str()),
        Cell::from(contact.reference.as_str()),
        Cell::from(contact.seq),
        Cell::from(entry.line),
        Cell::from(contact.account_no.as_str()),
        Cell::from(contact.debtor_ref.as_str()),
        Cell::from(contact.at.format("%H:%M:%S").to_string()),
        Cell::from(contact.channel.name()),
        Cell::from(contact.outcome.name()),
        Cell::from(entry.number.as_deref()),
        Cell::from(contact.number_digest.as_deref()),
        Cell::from(entry.note.as_deref()),
    ]
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Date)]
    contacted_on: NaiveDate,
    #[diesel(sql_type = Text)]
    agency: String,
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = Text)]
    debtor_ref: String,
    #[diesel(sql_type = Text)]
    contacted_at: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    number_digest: Option<String>,
}

/// The rows of a lender by day: the first half is what SQLite's key begins with, the second PostgreSQL's index by day.
const OF_LENDER: &str = "lender = $1 AND lender || '' = $1";

const COLUMNS: &str = "contacted_on, agency, reference, seq, account_no, debtor_ref, contacted_at, channel, outcome, number_digest";

fn contact(row: Row) -> QueryResult<Contact> {
    let corrupt = |what: &str| {
        let named = format!("contact {} of {} has a bad {what}", row.reference, row.agency);
        diesel::result::Error::DeserializationError(named.into())
    };
    Ok(Contact {
        at: row
            .contacted_on
            .and_time(parse_time(&row.contacted_at).ok_or_else(|| corrupt("time"))?),
        channel: Channel::parse(&row.channel).ok_or_else(|| corrupt("channel"))?,
        outcome: Outcome::parse(&row.outcome).ok_or_else(|| corrupt("outcome"))?,
        agency: row.agency,
        reference: row.reference,
        seq: row.seq,
        account_no: row.account_no,
        debtor_ref: row.debtor_ref,
        number_digest: row.number_digest,
    })
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
}

/// What an expression says of the contacts of an agency with some references, of those that are known. Each reference
/// is looked up by itself: without statistics a server would rather walk all rows of the agency.
fn answers<'a>(
    db: &mut Db,
    lender: &str,
    agency: &str,
    references: impl Iterator<Item = &'a str>,
    expression: &str,
) -> QueryResult<HashMap<String, String>> {
    let rows: Vec<Value> = references.map(|reference| json!([reference])).collect();
    let table = rows_of_json(db, 3, &[("reference", Kind::Text)]);
    let sql = format!(
        "SELECT k.reference, (SELECT {expression} FROM contact c WHERE c.lender = $1 AND c.agency = $2 \
         AND c.reference = k.reference) AS answer FROM {table} k"
    );
    let found: Vec<Answer> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(agency)
        .bind::<Text, _>(Value::from(rows).to_string())
        .load(db)?;
    Ok(found.into_iter().filter_map(|row| Some((row.reference, row.answer?))).collect())
}

/// What the known ones among some references of an agency say, as [`Entry::content`] spells it.
pub fn contents<'a>(
    db: &mut Db,
    lender: &str,
    agency: &str,
    references: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, String>> {
    let expression = format!(
        "c.account_no || '{MARK}' || CAST(c.contacted_on AS TEXT) || '{MARK}' || c.contacted_at || '{MARK}' || c.channel || '{MARK}' \
         || c.outcome || '{MARK}' || COALESCE(c.number_digest, '') || '{MARK}' || COALESCE(c.note, '')"
    );
    answers(db, lender, agency, references, &expression)
}

/// The encrypted numbers of some contacts of an agency, by reference.
pub fn numbers<'a>(
    db: &mut Db,
    lender: &str,
    agency: &str,
    references: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, String>> {
    answers(db, lender, agency, references, "c.number")
}

/// The contacts of some days, known when the book stood at `known_seq`.
pub fn of_days(
    db: &mut Db,
    lender: &str,
    first: NaiveDate,
    last: NaiveDate,
    known_seq: i64,
) -> QueryResult<Vec<Contact>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM contact WHERE {OF_LENDER} AND contacted_on >= $2 AND contacted_on <= $3 AND seq <= $4 \
         ORDER BY contacted_on"
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .bind::<BigInt, _>(known_seq)
        .load(db)?;
    rows.into_iter().map(contact).collect()
}

/// How many contacts a day has.
#[derive(QueryableByName, Clone, Copy, Debug)]
pub struct DayCount {
    /// The day.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// Contacts on it.
    #[diesel(sql_type = BigInt)]
    pub contacts: i64,
}

/// The days of a span that have contacts, in order.
pub fn days(
    db: &mut Db,
    lender: &str,
    first: NaiveDate,
    last: NaiveDate,
) -> QueryResult<Vec<DayCount>> {
    diesel::sql_query(format!(
        "SELECT contacted_on AS day, COUNT(*) AS contacts FROM contact \
         WHERE {OF_LENDER} AND contacted_on >= $2 AND contacted_on <= $3 GROUP BY contacted_on ORDER BY contacted_on"
    ))
    .bind::<Text, _>(lender)
    .bind::<Date, _>(first)
    .bind::<Date, _>(last)
    .load(db)
}

/// How many contacts an agency has recorded in a span of days.
#[derive(QueryableByName, Clone, Debug)]
pub struct AgencyCount {
    /// The agency.
    #[diesel(sql_type = Text)]
    pub agency: String,
    /// Its contacts.
    #[diesel(sql_type = BigInt)]
    pub contacts: i64,
}

/// The contacts of a span of days by agency, in order of agency.
pub fn by_agency(
    db: &mut Db,
    lender: &str,
    first: NaiveDate,
    last: NaiveDate,
) -> QueryResult<Vec<AgencyCount>> {
    diesel::sql_query(format!(
        "SELECT agency, COUNT(*) AS contacts FROM contact \
         WHERE {OF_LENDER} AND contacted_on >= $2 AND contacted_on <= $3 GROUP BY agency ORDER BY agency"
    ))
    .bind::<Text, _>(lender)
    .bind::<Date, _>(first)
    .bind::<Date, _>(last)
    .load(db)
}

#[derive(QueryableByName)]
struct DayRow {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
}

/// The first and the last day with contacts, of all agencies or of one.
pub fn first_and_last(
    db: &mut Db,
    lender: &str,
    agency: Option<&str>,
) -> QueryResult<Option<(NaiveDate, NaiveDate)>> {
    let mut end = |order: &str| -> QueryResult<Option<NaiveDate>> {
        let sql = format!(
            "SELECT contacted_on AS day FROM contact WHERE {OF_LENDER} AND agency = COALESCE($2, agency) \
             ORDER BY contacted_on {order} LIMIT 1"
        );
        let row: Option<DayRow> = diesel::sql_query(sql)
            .bind::<Text, _>(lender)
            .bind::<Nullable<Text>, _>(agency)
            .get_result(db)
            .optional()?;
        Ok(row.map(|row| row.day))
    };
    let first = end("ASC")?;
    Ok(first.zip(end("DESC")?))
}

/// The policies that applied to files, by the act that took each in.
pub fn policies(db: &mut Db, lender: &str) -> QueryResult<HashMap<i64, Policy>> {
    let files: Vec<ContactFile> =
        select::<ContactFile>("WHERE lender = $1").bind::<Text, _>(lender).load(db)?;
    Ok(files.into_iter().map(|file| (file.seq, file.policy)).collect())
}

/// The newest file of an agency with these bytes that was taken in before.
pub fn same_file(
    db: &mut Db,
    lender: &str,
    agency: &str,
    sha256: &str,
) -> QueryResult<Option<ContactFile>> {
    let newest = "WHERE lender = $1 AND agency = $2 AND sha256 = $3 ORDER BY seq DESC LIMIT 1";
    select::<ContactFile>(newest)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(agency)
        .bind::<Text, _>(sha256)
        .get_result(db)
        .optional()
}

/// The holds that touch a span of days, known when the book stood at `known_seq`.
pub fn holds(
    db: &mut Db,
    lender: &str,
    first: NaiveDate,
    last: NaiveDate,
    known_seq: i64,
) -> QueryResult<Vec<Hold>> {
    let columns = names_of::<Opening>("h");
    let sql = format!(
        "SELECT {columns}, CASE WHEN h.ended_seq <= $1 THEN h.ended_on END AS ended_on FROM hold h WHERE h.lender = $2 AND h.seq <= $1 AND h.from_on <= $3 AND (h.until_on IS NULL OR h.until_on >= $4) \
         AND (h.ended_on IS NULL OR h.ended_seq > $1 OR h.ended_on > $4) ORDER BY h.account_no, h.seq"
    );
    diesel::sql_query(sql)
        .bind::<BigInt, _>(known_seq)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(last)
        .bind::<Date, _>(first)
        .load(db)
}

/// The debtor of an account from a file on.
#[derive(QueryableByName, Clone, Debug)]
pub struct DebtorSince {
    /// The account.
    #[diesel(sql_type = Text)]
    pub account_no: String,
    /// The file's day.
    #[diesel(sql_type = Date)]
    pub as_of: NaiveDate,
    /// Whom it names.
    #[diesel(sql_type = Text)]
    pub debtor_ref: String,
}

/// Whom the files known when the book stood at `known_seq` name as debtors of some accounts (a JSON array), in order of
/// account, day and upload.
pub fn debtors(
    db: &mut Db,
    lender: &str,
    keys: &str,
    known_seq: i64,
) -> QueryResult<Vec<DebtorSince>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!(
        "SELECT account_no, as_of, debtor_ref FROM portfolio_row WHERE lender = $1 AND {listed} AND seq <= $3 \
         ORDER BY account_no, as_of, seq"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(keys)
        .bind::<BigInt, _>(known_seq)
        .load(db)
}
