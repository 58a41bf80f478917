//! Recoveries.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Channel, Kind, Receipt, Recovery};
use crate::db::{Cell, Db, FactTable, Kind as Column, keys_in};
use crate::kernel::Money;

/// Recoveries.
pub const RECOVERIES: FactTable = FactTable {
    name: "recovery",
    columns: &[
        ("lender", Column::Text),
        ("reference", Column::Text),
        ("seq", Column::Int),
        ("line", Column::Int),
        ("account_no", Column::Text),
        ("received_on", Column::Date),
        ("kind", Column::Text),
        ("amount", Column::Int),
        ("reverses", Column::Text),
        ("channel", Column::Text),
        ("agency", Column::Text),
        ("principal", Column::Int),
        ("interest", Column::Int),
        ("fees", Column::Int),
        ("costs", Column::Int),
        ("note", Column::Text),
        ("beyond_owed", Column::Int),
    ],
};

/// Recoveries files taken in.
pub const FILES: FactTable = FactTable {
    name: "recovery_file",
    columns: &[
        ("lender", Column::Text),
        ("seq", Column::Int),
        ("file_name", Column::Text),
        ("sha256", Column::Text),
        ("accepted", Column::Int),
        ("duplicate", Column::Int),
        ("rejected", Column::Int),
        ("total", Column::Int),
    ],
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = Date)]
    received_on: NaiveDate,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Nullable<Text>)]
    reverses: Option<String>,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Nullable<Text>)]
    agency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    principal: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    interest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    fees: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    costs: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    #[diesel(sql_type = BigInt)]
    beyond_owed: i64,
}

fn recovery(row: Row) -> QueryResult<Recovery> {
    let kind = Kind::parse(&row.kind).ok_or_else(|| {
        diesel::result::Error::DeserializationError(
            format!("recovery {} has the kind {}", row.reference, row.kind).into(),
        )
    })?;
    let components = match (row.principal, row.interest, row.fees, row.costs) {
        (Some(principal), Some(interest), Some(fees), Some(costs)) => {
            Some([principal, interest, fees, costs].map(Money))
        }
        _ => None,
    };
    Ok(Recovery {
        reference: row.reference,
        seq: row.seq,
        line: row.line,
        account_no: row.account_no,
        received_on: row.received_on,
        kind,
        amount: Money(row.amount),
        reverses: row.reverses,
        channel: if row.channel == "agency" { Channel::Agency } else { Channel::Lender },
        agency: row.agency,
        components,
        note: row.note,
        beyond_owed: Money(row.beyond_owed),
    })
}

const SELECT: &str = "SELECT reference, seq, line, account_no, received_on, kind, amount, reverses, channel, agency, principal, \
     interest, fees, costs, note, beyond_owed FROM recovery";

fn listed(db: &mut Db, lender: &str, column: &str, keys: &str) -> QueryResult<Vec<Recovery>> {
    let listed = keys_in(db, column, 2);
    let sql = format!("{SELECT} WHERE lender = $1 AND {listed}");
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    rows.into_iter().map(recovery).collect()
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

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    account_no: String,
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

#[derive(QueryableByName)]
struct ReceiptRow {
    #[diesel(sql_type = Text)]
    account_no: String,
    #[diesel(sql_type = Date)]
    received_on: NaiveDate,
    #[diesel(sql_type = BigInt)]
    reduces: i64,
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
        (row.account_no, Receipt { received_on: row.received_on, reduces: Money(row.reduces) })
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
        each(
            row.account_no,
            Receipt { received_on: row.received_on, reduces: Money(row.reduces) },
        )?;
    }
    Ok(())
}

/// Money received or taken back, as performance counts it.
#[derive(QueryableByName, Clone, Debug)]
pub struct MoneyRow {
    /// The account.
    #[diesel(sql_type = Text)]
    pub account_no: String,
    /// The payment, or the reversal.
    #[diesel(sql_type = Text)]
    pub reference: String,
    /// The payment that a reversal takes back.
    #[diesel(sql_type = Nullable<Text>)]
    pub reverses: Option<String>,
    /// The day.
    #[diesel(sql_type = Date)]
    pub received_on: NaiveDate,
    /// Always positive.
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
}

impl From<&Recovery> for MoneyRow {
    fn from(one: &Recovery) -> MoneyRow {
        MoneyRow {
            account_no: one.account_no.clone(),
            reference: one.reference.clone(),
            reverses: one.reverses.clone(),
            received_on: one.received_on,
            amount: one.amount.0,
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
    let sql = format!("{SELECT} WHERE lender = $1 ORDER BY account_no, received_on, reference");
    let rows =
        diesel::sql_query(sql).bind::<Text, _>(lender).load_iter::<Row, DefaultLoadingMode>(db)?;
    for row in rows {
        each(recovery(row?)?)?;
    }
    Ok(())
}

/// The cells of a recovery, in the order of [`RECOVERIES`].
pub fn cells<'a>(lender: &'a str, one: &'a Recovery) -> Vec<Cell<'a>> {
    let part = |i: usize| Cell::from(one.components.and_then(|parts| parts.get(i).copied()));
    vec![
        Cell::from(lender),
        Cell::from(one.reference.as_str()),
        Cell::from(one.seq),
        Cell::from(one.line),
        Cell::from(one.account_no.as_str()),
        Cell::from(one.received_on),
        Cell::from(one.kind.name()),
        Cell::from(one.amount),
        Cell::from(one.reverses.as_deref()),
        Cell::from(if one.channel == Channel::Agency { "agency" } else { "lender" }),
        Cell::from(one.agency.as_deref()),
        part(0),
        part(1),
        part(2),
        part(3),
        Cell::from(one.note.as_deref()),
        Cell::from(one.beyond_owed),
    ]
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
    let columns = "c.reference, c.seq, c.line, c.account_no, c.received_on, c.kind, c.amount, c.reverses, c.channel, c.agency, \
         c.principal, c.interest, c.fees, c.costs, c.note, c.beyond_owed";
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
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Date, _>(first)
        .bind::<Date, _>(last)
        .bind::<Date, _>(day)
        .bind::<Text, _>(reference)
        .bind::<Nullable<Text>, _>(filter.kind.map(Kind::name))
        .bind::<BigInt, _>(most)
        .load(db)?;
    rows.into_iter().map(recovery).collect()
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

/// What was received in some days.
#[derive(QueryableByName, Clone, Copy, Debug, Default)]
pub struct RecoverySums {
    /// How many rows.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Σ payments.
    #[diesel(sql_type = BigInt)]
    pub payments: i64,
    /// Σ reversals of payments and waivers, as a positive number.
    #[diesel(sql_type = BigInt)]
    pub reversals: i64,
    /// Σ waivers.
    #[diesel(sql_type = BigInt)]
    pub waivers: i64,
    /// Rows with a part beyond what was owed.
    #[diesel(sql_type = BigInt)]
    pub beyond: i64,
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

#[derive(QueryableByName)]
struct LastDay {
    #[diesel(sql_type = Nullable<Date>)]
    day: Option<NaiveDate>,
}

/// The newest day anything was received.
pub fn last_day(db: &mut Db, lender: &str) -> QueryResult<Option<NaiveDate>> {
    let row: LastDay =
        diesel::sql_query("SELECT MAX(received_on) AS day FROM recovery WHERE lender = $1")
            .bind::<Text, _>(lender)
            .get_result(db)?;
    Ok(row.day)
}
