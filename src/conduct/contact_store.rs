//! Contact records and the files they came in.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use serde_json::{Value, json};

use super::policy::Policy;
use super::{Channel, Contact, Outcome};
use crate::db::{Db, Kind, fact, keys_in, names_of, row, rows_of_json, select};
use crate::hold::{Hold, Opening};

fact! {
    /// A contact record as it is stored.
    pub struct ContactRow in "contact" key (contacted_on, agency, reference) by seq {
        /// The day.
        contacted_on: NaiveDate,
        /// Whose.
        agency: String,
        /// Unique per agency.
        reference: String,
        /// The act that took it in.
        seq: i64,
        /// Its line in the file.
        line: i64 [0..],
        /// The account.
        account_no: String,
        /// The person behind it, as known when the record came.
        debtor_ref: String,
        /// The time of day.
        contacted_at: NaiveTime,
        /// By what.
        channel: Channel,
        /// What came of it.
        outcome: Outcome,
        /// The number, encrypted.
        number: Option<String>,
        /// Its keyed digest.
        number_digest: Option<String>,
        /// The agency's note.
        note: Option<String>,
    }
}

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

impl From<Entry> for ContactRow {
    fn from(entry: Entry) -> ContactRow {
        let Entry { contact, line, number, note } = entry;
        ContactRow {
            contacted_on: contact.day(),
            agency: contact.agency,
            reference: contact.reference,
            seq: contact.seq,
            line,
            account_no: contact.account_no,
            debtor_ref: contact.debtor_ref,
            contacted_at: contact.at.time(),
            channel: contact.channel,
            outcome: contact.outcome,
            number,
            number_digest: contact.number_digest,
            note,
        }
    }
}

row! {
    struct Row in "contact" key (contacted_on, agency, reference) {
        contacted_on: NaiveDate,
        agency: String,
        reference: String,
        seq: i64,
        account_no: String,
        debtor_ref: String,
        contacted_at: NaiveTime,
        channel: Channel,
        outcome: Outcome,
        number_digest: Option<String>,
    }
}

impl From<Row> for Contact {
    fn from(row: Row) -> Contact {
        Contact {
            at: row.contacted_on.and_time(row.contacted_at),
            agency: row.agency,
            reference: row.reference,
            seq: row.seq,
            account_no: row.account_no,
            debtor_ref: row.debtor_ref,
            channel: row.channel,
            outcome: row.outcome,
            number_digest: row.number_digest,
        }
    }
}

/// The rows of a lender by day: the first half is what SQLite's key begins with, the second PostgreSQL's index by day.
const OF_LENDER: &str = "lender = $1 AND lender || '' = $1";

row! {
    struct Answer in "contact" key (reference) {
        reference: String,
        answer: Option<String>,
    }
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
    let rest = format!(
        "WHERE {OF_LENDER} AND contacted_on >= $2 AND contacted_on <= $3 AND seq <= $4 ORDER BY contacted_on"
    );
    let rows: Vec<Row> = select::<Row>(&rest)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .bind::<BigInt, _>(known_seq)
        .load(db)?;
    Ok(rows.into_iter().map(Contact::from).collect())
}

row! {
    /// How many contacts a day has.
    #[derive(Clone, Copy, Debug)]
    pub struct DayCount in "contact" key (day) {
        /// The day.
        day: NaiveDate,
        /// Contacts on it.
        contacts: i64,
    }
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

row! {
    /// How many contacts an agency has recorded in a span of days.
    #[derive(Clone, Debug)]
    pub struct AgencyCount in "contact" key (agency) {
        /// The agency.
        agency: String,
        /// Its contacts.
        contacts: i64,
    }
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

row! {
    struct DayRow in "contact" key (day) {
        day: NaiveDate,
    }
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

row! {
    /// The debtor of an account from a file on.
    #[derive(Clone, Debug)]
    pub struct DebtorSince in "portfolio_row" key (account_no, as_of) {
        /// The account.
        account_no: String,
        /// The file's day.
        as_of: NaiveDate,
        /// Whom it names.
        debtor_ref: String,
    }
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
