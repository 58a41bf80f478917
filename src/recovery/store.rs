//! Recoveries.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Kind, Receipt, Recovery};
use crate::db::{Db, fact, keys_in, names_of, row, select};
use crate::kernel::Money;

fact! {
    /// A recoveries file taken in.
    #[derive(Clone, Debug)]
    pub struct FileEntry in "recovery_file" key (seq) by seq {
        /// The act that took it in.
        seq: i64,
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
        /// Σ amount of the rows taken in.
        total: Money,
    }
}

fn listed(db: &mut Db, lender: &str, column: &str, keys: &str) -> QueryResult<Vec<Recovery>> {
    let listed = keys_in(db, column, 2);
    select::<Recovery>(&format!("WHERE lender = $1 AND {listed}"))
        .bind::<Text, _>(lender)
        .bind::<Text, _>(keys)
        .load(db)
}

/// Recoveries by their references (a JSON array).
pub fn by_reference(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Recovery>> {
    listed(db, lender, "reference", keys)
}

/// The reversals of some recoveries (a JSON array of references).
pub fn reversals_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Recovery>> {
    listed(db, lender, "reverses", keys)
}

/// The recoveries of some accounts (a JSON array of account numbers).
pub fn of_accounts(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Recovery>> {
    listed(db, lender, "account_no", keys)
}

row! {
    struct AccountRow in "recovery" key () {
        account_no: String,
    }
}

/// The accounts that an assignee has ever held and that paid within two days, in order.
pub fn accounts_paid_in(
    db: &mut Db,
    lender: &str,
    assignee: &str,
    (first, last): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountRow> = diesel::sql_query(
        "SELECT DISTINCT c.account_no FROM recovery c WHERE c.lender = $1 AND c.received_on >= $2 AND c.received_on <= $3 \
         AND c.kind = 'payment' AND EXISTS (SELECT 1 FROM placement p WHERE p.lender = c.lender \
         AND p.account_no = c.account_no AND p.assignee = $4) ORDER BY c.account_no",
    )
    .bind::<Text, _>(lender)
    .bind::<Date, _>(first)
    .bind::<Date, _>(last)
    .bind::<Text, _>(assignee)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

row! {
    struct ReceiptRow in "recovery" key (account_no) {
        account_no: String,
        received_on: NaiveDate,
        reduces: Money,
    }
}

const RECEIPTS: &str = "SELECT account_no, received_on, CASE WHEN kind = 'reversal' THEN -amount ELSE amount END AS reduces FROM recovery";

/// What was received on some accounts (a JSON array of account numbers), known when the book stood at a number.
pub fn receipts_of(
    db: &mut Db,
    lender: &str,
    keys: &str,
    known_seq: i64,
) -> QueryResult<Vec<(String, Receipt)>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!("{RECEIPTS} WHERE lender = $1 AND {listed} AND seq <= $3");
    let query = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(keys)
        .bind::<BigInt, _>(known_seq);
    let rows: Vec<ReceiptRow> = query.load(db)?;
    let receipt = |row: ReceiptRow| {
        (row.account_no, Receipt { received_on: row.received_on, reduces: row.reduces })
    };
    Ok(rows.into_iter().map(receipt).collect())
}

/// Walks what was received in order of account and day.
pub fn each_receipt<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(String, Receipt) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("{RECEIPTS} WHERE lender = $1 ORDER BY account_no, received_on");
    let rows = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .load_iter::<ReceiptRow, DefaultLoadingMode>(db)?;
    for row in rows {
        let row = row?;
        each(row.account_no, Receipt { received_on: row.received_on, reduces: row.reduces })?;
    }
    Ok(())
}

row! {
    /// Money received or taken back, as performance counts it.
    #[derive(Clone, Debug)]
    pub struct MoneyRow in "recovery" key (reference) {
        /// The account.
        account_no: String,
        /// The payment, or the reversal.
        reference: String,
        /// The payment that a reversal takes back.
        reverses: Option<String>,
        /// The day.
        received_on: NaiveDate,
        /// Always positive.
        amount: Money,
    }
}

impl From<&Recovery> for MoneyRow {
    fn from(one: &Recovery) -> MoneyRow {
        MoneyRow {
            account_no: one.account_no.clone(),
            reference: one.reference.clone(),
            reverses: one.reverses.clone(),
            received_on: one.received_on,
            amount: one.amount,
        }
    }
}

/// Payments and reversals of the accounts after one and up to another, in order of account, known when the book
/// stood at a number. Waivers are no money; a reversal of one names no payment.
pub fn money_of(
    db: &mut Db,
    lender: &str,
    after: &str,
    last: &str,
    known_seq: i64,
) -> QueryResult<Vec<MoneyRow>> {
    diesel::sql_query(
        "SELECT account_no, reference, reverses, received_on, amount FROM recovery WHERE lender = $1 AND account_no > $2 \
         AND account_no <= $3 AND seq <= $4 AND kind <> 'waiver' ORDER BY account_no",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(after)
    .bind::<Text, _>(last)
    .bind::<BigInt, _>(known_seq)
    .load(db)
}

/// Walks all recoveries in order of account, day and reference.
pub fn each<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(Recovery) -> Result<(), E>,
) -> Result<(), E> {
    let rows = select::<Recovery>("WHERE lender = $1 ORDER BY account_no, received_on, reference")
        .bind::<Text, _>(lender)
        .load_iter::<Recovery, DefaultLoadingMode>(db)?;
    for row in rows {
        each(row?)?;
    }
    Ok(())
}

/// Which recoveries a list shows.
#[derive(Clone, Debug)]
pub struct RecoveryFilter {
    /// First and last day.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Only one kind.
    pub kind: Option<Kind>,
    /// Only those with a part beyond what was owed.
    pub beyond_owed: bool,
    /// Leave out those that surely belong to a placement; the windows decide the rest.
    pub maybe_house: bool,
}

/// A payment between a placement's first and last day belongs to it, or to one that began since. A reversal goes
/// where its payment went.
const SURELY_PLACED: &str = "EXISTS (SELECT 1 FROM placement p WHERE p.lender = c.lender AND p.account_no = c.account_no \
     AND p.placed_on <= COALESCE(o.received_on, c.received_on) \
     AND COALESCE(p.retained_to, p.expires_on) >= COALESCE(o.received_on, c.received_on) \
     AND (p.recall_final_on IS NULL OR p.recall_final_on >= COALESCE(o.received_on, c.received_on)) \
     AND (p.closed_on IS NULL OR p.closed_on >= COALESCE(o.received_on, c.received_on)))";

/// Recoveries of a list before a day and reference, newest first, at most so many.
pub fn page(
    db: &mut Db,
    lender: &str,
    filter: &RecoveryFilter,
    before: &Option<(NaiveDate, String)>,
    most: i64,
) -> QueryResult<Vec<Recovery>> {
    let columns = names_of::<Recovery>("c");
    let (joined, house) = if filter.maybe_house {
        let joined = "LEFT JOIN recovery o ON o.lender = c.lender AND o.reference = c.reverses";
        (joined, format!("AND c.kind <> 'waiver' AND NOT {SURELY_PLACED}"))
    } else {
        ("", String::new())
    };
    let beyond = if filter.beyond_owed { "AND c.beyond_owed > 0" } else { "" };
    let sql = format!(
        "SELECT {columns} FROM recovery c {joined} WHERE c.lender = $1 AND c.received_on >= $2 AND c.received_on <= $3 \
         AND (c.received_on < $4 OR (c.received_on = $4 AND c.reference < $5)) AND c.kind = COALESCE($6, c.kind) {beyond} {house} \
         ORDER BY c.received_on DESC, c.reference DESC LIMIT $7"
    );
    let (first, last) = filter.days.unwrap_or((EARLIEST, LATEST));
    let (day, reference) = before.clone().unwrap_or((LATEST, String::new()));
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .bind::<Date, _>(day)
        .bind::<Text, _>(reference)
        .bind::<Nullable<Text>, _>(filter.kind.map(Kind::name))
        .bind::<BigInt, _>(most)
        .load(db)
}

/// Days that no business record lies before or after.
const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(1900, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
const LATEST: NaiveDate = match NaiveDate::from_ymd_opt(3000, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

row! {
    /// What was received in some days.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct RecoverySums in "recovery" key () {
        /// How many rows.
        count: i64,
        /// Σ payments.
        payments: Money,
        /// Σ reversals of payments and waivers, as a positive number.
        reversals: Money,
        /// Σ waivers.
        waivers: Money,
        /// Rows with a part beyond what was owed.
        beyond: i64,
    }
}

/// What was received from one day to another.
pub fn sums(
    db: &mut Db,
    lender: &str,
    days: Option<(NaiveDate, NaiveDate)>,
) -> QueryResult<RecoverySums> {
    let (first, last) = days.unwrap_or((EARLIEST, LATEST));
    let of = |kind: &str| {
        format!(
            "CAST(COALESCE(SUM(CASE WHEN kind = '{kind}' THEN amount ELSE 0 END), 0) AS BIGINT)"
        )
    };
    let sql = format!(
        "SELECT COUNT(*) AS count, {} AS payments, {} AS reversals, {} AS waivers, \
         CAST(COALESCE(SUM(CASE WHEN beyond_owed > 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS beyond \
         FROM recovery WHERE lender = $1 AND received_on >= $2 AND received_on <= $3",
        of("payment"),
        of("reversal"),
        of("waiver")
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .get_result(db)
}

row! {
    struct LastDay in "recovery" key () {
        day: Option<NaiveDate>,
    }
}

/// The newest day anything was received.
pub fn last_day(db: &mut Db, lender: &str) -> QueryResult<Option<NaiveDate>> {
    let row: LastDay =
        diesel::sql_query("SELECT MAX(received_on) AS day FROM recovery WHERE lender = $1")
            .bind::<Text, _>(lender)
            .get_result(db)?;
    Ok(row.day)
}
