//! Portfolio files and their rows.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};

use super::{FileRow, StatedBalance};
use crate::db::{Db, fact, keys_in, row, select};
use crate::kernel::Money;

fact! {
    /// A portfolio file taken in.
    #[derive(Clone, Debug)]
    pub struct FileEntry in "portfolio" key (seq) by seq {
        /// The act that took it in.
        seq: i64,
        /// The file's name.
        file_name: String,
        /// Of its bytes.
        sha256: String,
        /// Its day.
        as_of: NaiveDate,
        /// Rows taken in.
        accepted: i64 [0..],
        /// Accounts new to the book.
        created: i64 [0..],
        /// Accounts updated.
        updated: i64 [0..],
        /// Accounts that stayed as they were.
        unchanged: i64 [0..],
        /// Accounts of the book that the file does not name.
        missing: i64 [0..],
        /// Rows rejected.
        rejected: i64 [0..],
        /// Σ balance of the rows taken in.
        total: Money [0..],
    }
}

/// All rows of some accounts (a JSON array of account numbers).
pub fn rows_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<FileRow>> {
    let listed = keys_in(db, "account_no", 2);
    select::<FileRow>(&format!("WHERE lender = $1 AND {listed}"))
        .bind::<Text, _>(lender)
        .bind::<Text, _>(keys)
        .load(db)
}

row! {
    struct StatedRow in "portfolio_row" key (account_no, as_of, seq) {
        account_no: String,
        as_of: NaiveDate,
        seq: i64,
        balance: Money,
    }
}

/// The balances files state of some accounts (a JSON array of account numbers).
pub fn stated_of(
    db: &mut Db,
    lender: &str,
    keys: &str,
) -> QueryResult<Vec<(String, StatedBalance)>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!(
        "SELECT account_no, as_of, seq, balance FROM portfolio_row WHERE lender = $1 AND {listed}"
    );
    let rows: Vec<StatedRow> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    let stated = |row: StatedRow| {
        (row.account_no, StatedBalance { as_of: row.as_of, seq: row.seq, balance: row.balance })
    };
    Ok(rows.into_iter().map(stated).collect())
}

/// Walks all rows of a book in order of account, day and uploading.
pub fn each<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(FileRow) -> Result<(), E>,
) -> Result<(), E> {
    let rows = select::<FileRow>("WHERE lender = $1 ORDER BY account_no, as_of, seq")
        .bind::<Text, _>(lender)
        .load_iter::<FileRow, DefaultLoadingMode>(db)?;
    for row in rows {
        each(row?)?;
    }
    Ok(())
}

/// The files of a lender, newest first.
pub fn files(db: &mut Db, lender: &str) -> QueryResult<Vec<FileEntry>> {
    select::<FileEntry>("WHERE lender = $1 ORDER BY seq DESC").bind::<Text, _>(lender).load(db)
}

/// The file with these bytes and this day, when it was taken in before.
pub fn same_file(
    db: &mut Db,
    lender: &str,
    sha256: &str,
    as_of: NaiveDate,
) -> QueryResult<Option<FileEntry>> {
    select::<FileEntry>("WHERE lender = $1 AND sha256 = $2 AND as_of = $3")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(sha256)
        .bind::<Date, _>(as_of)
        .get_result(db)
        .optional()
}

row! {
    struct Count in "portfolio" key () {
        count: i64,
    }
}

/// How many accounts the book knows.
pub fn account_count(db: &mut Db, lender: &str) -> QueryResult<i64> {
    let row: Count =
        diesel::sql_query("SELECT CAST(COALESCE(SUM(created), 0) AS BIGINT) AS count FROM portfolio WHERE lender = $1")
            .bind::<Text, _>(lender)
            .get_result(db)?;
    Ok(row.count)
}

/// Which accounts a list shows.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Account numbers that begin so; empty means all.
    pub prefix: String,
    /// First and last day past due, as the newest file states it.
    pub days_past_due: Option<(i64, i64)>,
    /// In whose hands, as recorded.
    pub holder: HolderFilter,
}

/// In whose hands the accounts of a list are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HolderFilter {
    /// Anybody's.
    #[default]
    Any,
    /// The house's: nobody has them.
    House,
    /// An assignee's.
    Assignee(String),
}

row! {
    struct AccountNo in "portfolio_row" key (account_no) {
        account_no: String,
    }
}

const NEWEST: &str = "NOT EXISTS (SELECT 1 FROM portfolio_row n WHERE n.lender = r.lender AND n.account_no = r.account_no \
     AND (n.as_of > r.as_of OR (n.as_of = r.as_of AND n.seq > r.seq)))";

/// Account numbers of a list after one, in order, at most so many; the newest file row of each decides.
pub fn account_numbers(
    db: &mut Db,
    lender: &str,
    filter: &AccountFilter,
    after: &str,
    most: i64,
) -> QueryResult<Vec<String>> {
    // One bound below, one above, so that both databases walk the key from the right place.
    let from_prefix = filter.prefix.as_str() > after;
    let (comparison, lower) =
        if from_prefix { (">=", filter.prefix.as_str()) } else { (">", after) };
    let upper = format!("{}\u{10FFFF}", filter.prefix);
    let (least, last) = filter.days_past_due.unwrap_or((0, i64::MAX));
    let (source, assignee, holder) = match &filter.holder {
        HolderFilter::Any => ("portfolio_row r", "", "r.lender = $1 AND $2 = ''"),
        HolderFilter::House => (
            "portfolio_row r",
            "",
            "r.lender = $1 AND $2 = '' AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.lender = r.lender \
             AND p.account_no = r.account_no AND p.closed_on IS NULL)",
        ),
        HolderFilter::Assignee(code) => (
            "placement p JOIN portfolio_row r ON r.lender = p.lender AND r.account_no = p.account_no",
            code.as_str(),
            "p.lender = $1 AND p.assignee = $2 AND p.closed_on IS NULL",
        ),
    };
    let key = if assignee.is_empty() { "r.account_no" } else { "p.account_no" };
    let sql = format!(
        "SELECT r.account_no FROM {source} WHERE {holder} AND {key} {comparison} $3 AND {key} < $4 \
         AND r.days_past_due >= $5 AND r.days_past_due <= $6 AND {NEWEST} ORDER BY {key} LIMIT $7"
    );
    let rows: Vec<AccountNo> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(assignee)
        .bind::<Text, _>(lower)
        .bind::<Text, _>(upper)
        .bind::<BigInt, _>(least)
        .bind::<BigInt, _>(last)
        .bind::<BigInt, _>(most)
        .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

/// The accounts of a debtor whose `debtor_ref` is not the account's own number, in order, at most so many.
pub fn accounts_of_debtor(
    db: &mut Db,
    lender: &str,
    debtor_ref: &str,
    most: i64,
) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountNo> = diesel::sql_query(
        "SELECT DISTINCT account_no FROM portfolio_row WHERE lender = $1 AND debtor_ref = $2 AND debtor_ref <> account_no \
         ORDER BY account_no LIMIT $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(debtor_ref)
    .bind::<BigInt, _>(most)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

/// How many accounts owe something on everything known.
pub fn open_count(db: &mut Db, lender: &str) -> QueryResult<i64> {
    let sql = format!(
        "SELECT COUNT(*) AS count FROM portfolio_row r WHERE r.lender = $1 AND {NEWEST} AND r.balance > COALESCE((SELECT \
         CAST(SUM(CASE WHEN c.kind = 'reversal' THEN -c.amount ELSE c.amount END) AS BIGINT) FROM recovery c \
         WHERE c.lender = r.lender AND c.account_no = r.account_no AND c.received_on > r.as_of), 0)"
    );
    let row: Count = diesel::sql_query(sql).bind::<Text, _>(lender).get_result(db)?;
    Ok(row.count)
}

row! {
    struct SealedRow in "portfolio_row" key () {
        sealed: String,
    }
}

/// Something encrypted among the first rows of a table: personal data in `portfolio_row`, a number in `contact`.
pub fn sealed_before(
    db: &mut Db,
    lender: &str,
    (table, column): (&str, &str),
) -> QueryResult<Option<String>> {
    let sql = format!(
        "SELECT {column} AS sealed FROM (SELECT {column} FROM {table} WHERE lender = $1 LIMIT 1000) few \
         WHERE {column} IS NOT NULL LIMIT 1"
    );
    let found: Option<SealedRow> =
        diesel::sql_query(sql).bind::<Text, _>(lender).get_result(db).optional()?;
    Ok(found.map(|row| row.sealed))
}

/// Account numbers of a book after one, in order.
pub fn accounts_after(
    db: &mut Db,
    lender: &str,
    after: &str,
    most: i64,
) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountNo> = diesel::sql_query(
        "SELECT DISTINCT account_no FROM portfolio_row WHERE lender = $1 AND account_no > $2 ORDER BY account_no LIMIT $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(most)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}
