//! Portfolio files and their rows.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};

use super::{FileRow, StatedBalance};
use crate::db::{Cell, Db, FactTable, Kind, keys_in};
use crate::kernel::Money;

/// Rows of portfolio files.
pub const ROWS: FactTable = FactTable {
    name: "portfolio_row",
    columns: &[
        ("lender", Kind::Text),
        ("account_no", Kind::Text),
        ("as_of", Kind::Date),
        ("seq", Kind::Int),
        ("line", Kind::Int),
        ("balance", Kind::Int),
        ("principal", Kind::Int),
        ("interest", Kind::Int),
        ("fees", Kind::Int),
        ("days_past_due", Kind::Int),
        ("debtor_ref", Kind::Text),
        ("region", Kind::Text),
        ("product", Kind::Text),
        ("charged_off", Kind::Bool),
        ("legal", Kind::Bool),
        ("opened_on", Kind::Date),
        ("last_paid_on", Kind::Date),
        ("score", Kind::Text),
        ("personal", Kind::Text),
    ],
};

/// Portfolio files taken in.
pub const FILES: FactTable = FactTable {
    name: "portfolio",
    columns: &[
        ("lender", Kind::Text),
        ("seq", Kind::Int),
        ("file_name", Kind::Text),
        ("sha256", Kind::Text),
        ("as_of", Kind::Date),
        ("accepted", Kind::Int),
        ("created", Kind::Int),
        ("updated", Kind::Int),
        ("unchanged", Kind::Int),
        ("missing", Kind::Int),
        ("rejected", Kind::Int),
        ("total", Kind::Int),
    ],
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = Date)]
    as_of: NaiveDate,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    principal: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    interest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    fees: Option<i64>,
    #[diesel(sql_type = BigInt)]
    days_past_due: i64,
    #[diesel(sql_type = Text)]
    debtor_ref: String,
    #[diesel(sql_type = Nullable<Text>)]
    region: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    product: Option<String>,
    #[diesel(sql_type = Bool)]
    charged_off: bool,
    #[diesel(sql_type = Bool)]
    legal: bool,
    #[diesel(sql_type = Nullable<Date>)]
    opened_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    last_paid_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    score: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    personal: Option<String>,
}

fn file_row(row: Row) -> FileRow {
    FileRow {
        account_no: row.account_no,
        as_of: row.as_of,
        seq: row.seq,
        line: row.line,
        balance: Money(row.balance),
        parts: [row.principal, row.interest, row.fees].map(|part| part.map(Money)),
        days_past_due: row.days_past_due,
        debtor_ref: row.debtor_ref,
        region: row.region,
        product: row.product,
        charged_off: row.charged_off,
        legal: row.legal,
        opened_on: row.opened_on,
        last_paid_on: row.last_paid_on,
        score: row.score,
        personal: row.personal,
    }
}

const SELECT: &str = "SELECT account_no, as_of, seq, line, balance, principal, interest, fees, days_past_due, debtor_ref, \
     region, product, charged_off, legal, opened_on, last_paid_on, score, personal FROM portfolio_row";

/// All rows of some accounts (a JSON array of account numbers).
pub fn rows_of(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<FileRow>> {
    let listed = keys_in(db, "account_no", 2);
    let sql = format!("{SELECT} WHERE lender = $1 AND {listed}");
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    Ok(rows.into_iter().map(file_row).collect())
}

#[derive(QueryableByName)]
struct StatedRow {
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = Date)]
    as_of: NaiveDate,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
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
        (
            row.account_no,
            StatedBalance { as_of: row.as_of, seq: row.seq, balance: Money(row.balance) },
        )
    };
    Ok(rows.into_iter().map(stated).collect())
}

/// Walks all rows of a book in order of account, day and uploading.
pub fn each<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(FileRow) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("{SELECT} WHERE lender = $1 ORDER BY account_no, as_of, seq");
    let rows =
        diesel::sql_query(sql).bind::<Text, _>(lender).load_iter::<Row, DefaultLoadingMode>(db)?;
    for row in rows {
        each(file_row(row?))?;
    }
    Ok(())
}

/// The cells of a row, in the order of [`ROWS`].
pub fn cells<'a>(lender: &'a str, row: &'a FileRow) -> Vec<Cell<'a>> {
    let [principal, interest, fees] = row.parts;
    vec![
        Cell::from(lender),
        Cell::from(row.account_no.as_str()),
        Cell::from(row.as_of),
        Cell::from(row.seq),
        Cell::from(row.line),
        Cell::from(row.balance),
        Cell::from(principal),
        Cell::from(interest),
        Cell::from(fees),
        Cell::from(row.days_past_due),
        Cell::from(row.debtor_ref.as_str()),
        Cell::from(row.region.as_deref()),
        Cell::from(row.product.as_deref()),
        Cell::from(row.charged_off),
        Cell::from(row.legal),
        Cell::from(row.opened_on),
        Cell::from(row.last_paid_on),
        Cell::from(row.score.as_deref()),
        Cell::from(row.personal.as_deref()),
    ]
}

/// A file taken in.
#[derive(QueryableByName, Clone, Debug)]
pub struct FileEntry {
    /// The act.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The file's name.
    #[diesel(sql_type = Text)]
    pub file_name: String,
    /// Its day.
    #[diesel(sql_type = Date)]
    pub as_of: NaiveDate,
    /// Rows taken in.
    #[diesel(sql_type = BigInt)]
    pub accepted: i64,
    /// Accounts new to the book.
    #[diesel(sql_type = BigInt)]
    pub created: i64,
    /// Accounts updated.
    #[diesel(sql_type = BigInt)]
    pub updated: i64,
    /// Accounts that stayed as they were.
    #[diesel(sql_type = BigInt)]
    pub unchanged: i64,
    /// Accounts of the book that the file does not name.
    #[diesel(sql_type = BigInt)]
    pub missing: i64,
    /// Rows rejected.
    #[diesel(sql_type = BigInt)]
    pub rejected: i64,
    /// Σ balance of the rows taken in.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
}

/// The files of a lender, newest first.
pub fn files(db: &mut Db, lender: &str) -> QueryResult<Vec<FileEntry>> {
    diesel::sql_query(
        "SELECT seq, file_name, as_of, accepted, created, updated, unchanged, missing, rejected, total FROM portfolio \
         WHERE lender = $1 ORDER BY seq DESC",
    )
    .bind::<Text, _>(lender)
    .load(db)
}

/// The file with these bytes and this day, when it was taken in before.
pub fn same_file(
    db: &mut Db,
    lender: &str,
    sha256: &str,
    as_of: NaiveDate,
) -> QueryResult<Option<FileEntry>> {
    diesel::sql_query(
        "SELECT seq, file_name, as_of, accepted, created, updated, unchanged, missing, rejected, total FROM portfolio \
         WHERE lender = $1 AND sha256 = $2 AND as_of = $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(sha256)
    .bind::<Date, _>(as_of)
    .get_result(db)
    .optional()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
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

#[derive(QueryableByName)]
struct AccountNo {
    #[diesel(sql_type = Text)]
    account_no: String,
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

#[derive(QueryableByName)]
struct SealedRow {
    #[diesel(sql_type = Text)]
    sealed: String,
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
