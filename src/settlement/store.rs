//! Statements, their lines and documents, and closed months.

use std::collections::BTreeSet;
use std::rc::Rc;

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Date, Nullable, Text};

use super::build::{Settled, SettledLine};
use super::{Figures, Line, LineKind, Statement};
use crate::audit::Act;
use crate::commission::GroupKey;
use crate::db::{Cell, Db, FactTable, Kind};
use crate::kernel::{Money, Month};

/// Statements.
pub const STATEMENTS: FactTable = FactTable {
    name: "statement",
    columns: &[
        ("lender", Kind::Text),
        ("statement_no", Kind::Text),
        ("seq", Kind::Int),
        ("agency", Kind::Text),
        ("month", Kind::Text),
        ("contract", Kind::Text),
        ("contract_version", Kind::Int),
        ("opening", Kind::Int),
        ("commission", Kind::Int),
        ("true_up", Kind::Int),
        ("charges", Kind::Int),
        ("performance", Kind::Int),
        ("minimum", Kind::Int),
        ("maximum", Kind::Int),
        ("deductions", Kind::Int),
        ("adjustments", Kind::Int),
        ("net", Kind::Int),
        ("vat", Kind::Int),
        ("total", Kind::Int),
        ("collected_by_agency", Kind::Int),
        ("payable_to_agency", Kind::Int),
        ("due_from_agency", Kind::Int),
        ("carried_forward", Kind::Int),
        ("set_off", Kind::Int),
        ("payments", Kind::Int),
        ("closing", Kind::Int),
    ],
};

/// Statement lines.
pub const LINES: FactTable = FactTable {
    name: "statement_line",
    columns: &[
        ("lender", Kind::Text),
        ("statement_no", Kind::Text),
        ("line_no", Kind::Int),
        ("seq", Kind::Int),
        ("kind", Kind::Text),
        ("fee_rule", Kind::Text),
        ("batch", Kind::Text),
        ("reference", Kind::Text),
        ("account_no", Kind::Text),
        ("received_on", Kind::Date),
        ("amount", Kind::Int),
        ("rate", Kind::Text),
        ("fee", Kind::Int),
        ("note", Kind::Text),
        ("fee_group", Kind::Text),
    ],
};

/// What is digested of a stored document; its body is proven by its own digest.
pub const DOCUMENTS: FactTable = FactTable {
    name: "statement_document",
    columns: &[
        ("lender", Kind::Text),
        ("statement_no", Kind::Text),
        ("format", Kind::Text),
        ("seq", Kind::Int),
        ("sha256", Kind::Text),
    ],
};

/// Closed months.
pub const PERIODS: FactTable = FactTable {
    name: "period",
    columns: &[
        ("lender", Kind::Text),
        ("month", Kind::Text),
        ("seq", Kind::Int),
        ("known_seq", Kind::Int),
        ("statements", Kind::Int),
    ],
};

#[derive(QueryableByName)]
struct StatementRow {
    #[diesel(sql_type = Text)]
    statement_no: String,
    #[diesel(sql_type = Text)]
    lender: String,
    #[diesel(sql_type = Text)]
    agency: String,
    #[diesel(sql_type = Text)]
    month: String,
    #[diesel(sql_type = Nullable<Text>)]
    contract: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    contract_version: Option<i64>,
    #[diesel(sql_type = BigInt)]
    opening: i64,
    #[diesel(sql_type = BigInt)]
    commission: i64,
    #[diesel(sql_type = BigInt)]
    true_up: i64,
    #[diesel(sql_type = BigInt)]
    charges: i64,
    #[diesel(sql_type = BigInt)]
    performance: i64,
    #[diesel(sql_type = BigInt)]
    minimum: i64,
    #[diesel(sql_type = BigInt)]
    maximum: i64,
    #[diesel(sql_type = BigInt)]
    deductions: i64,
    #[diesel(sql_type = BigInt)]
    adjustments: i64,
    #[diesel(sql_type = BigInt)]
    net: i64,
    #[diesel(sql_type = BigInt)]
    vat: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    collected_by_agency: i64,
    #[diesel(sql_type = BigInt)]
    payable_to_agency: i64,
    #[diesel(sql_type = BigInt)]
    due_from_agency: i64,
    #[diesel(sql_type = BigInt)]
    carried_forward: i64,
    #[diesel(sql_type = BigInt)]
    set_off: i64,
    #[diesel(sql_type = BigInt)]
    payments: i64,
    #[diesel(sql_type = BigInt)]
    closing: i64,
}

fn corrupt(what: String) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(what.into())
}

fn statement(row: StatementRow) -> QueryResult<Statement> {
    let month = row.month.parse().map_err(|_| {
        corrupt(format!("statement {} has the month {}", row.statement_no, row.month))
    })?;
    Ok(Statement {
        month,
        terms: row.contract.zip(row.contract_version),
        figures: Figures {
            opening: Money(row.opening),
            commission: Money(row.commission),
            true_up: Money(row.true_up),
            charges: Money(row.charges),
            performance: Money(row.performance),
            minimum: Money(row.minimum),
            maximum: Money(row.maximum),
            deductions: Money(row.deductions),
            adjustments: Money(row.adjustments),
            net: Money(row.net),
            vat: Money(row.vat),
            total: Money(row.total),
            collected_by_agency: Money(row.collected_by_agency),
            payable_to_agency: Money(row.payable_to_agency),
            due_from_agency: Money(row.due_from_agency),
            carried_forward: Money(row.carried_forward),
            set_off: Money(row.set_off),
            payments: Money(row.payments),
            closing: Money(row.closing),
        },
        statement_no: row.statement_no,
        lender: row.lender,
        agency: row.agency,
        lines: Vec::new(),
    })
}

/// The statements of a lender without their lines, in order of month and agency; of one agency when given.
pub fn statements(db: &mut Db, lender: &str, agency: Option<&str>) -> QueryResult<Vec<Statement>> {
    let rows: Vec<StatementRow> =
        diesel::sql_query("SELECT * FROM statement WHERE lender = $1 AND agency = COALESCE($2, agency) ORDER BY month, agency")
            .bind::<Text, _>(lender)
            .bind::<Nullable<Text>, _>(agency)
            .load(db)?;
    rows.into_iter().map(statement).collect()
}

/// A statement with its lines.
pub fn find(
    db: &mut Db,
    lender: &str,
    agency: &str,
    month: Month,
) -> QueryResult<Option<Statement>> {
    let row: Option<StatementRow> = diesel::sql_query(
        "SELECT * FROM statement WHERE lender = $1 AND agency = $2 AND month = $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(agency)
    .bind::<Text, _>(month.to_string())
    .get_result(db)
    .optional()?;
    with_lines(db, row)
}

/// A statement with its lines, by its number.
pub fn by_number(db: &mut Db, statement_no: &str) -> QueryResult<Option<Statement>> {
    let row: Option<StatementRow> =
        diesel::sql_query("SELECT * FROM statement WHERE statement_no = $1")
            .bind::<Text, _>(statement_no)
            .get_result(db)
            .optional()?;
    with_lines(db, row)
}

/// A statement without its lines, by its number.
pub fn head_by_number(db: &mut Db, statement_no: &str) -> QueryResult<Option<Statement>> {
    let row: Option<StatementRow> =
        diesel::sql_query("SELECT * FROM statement WHERE statement_no = $1")
            .bind::<Text, _>(statement_no)
            .get_result(db)
            .optional()?;
    row.map(statement).transpose()
}

fn with_lines(db: &mut Db, row: Option<StatementRow>) -> QueryResult<Option<Statement>> {
    let Some(row) = row else { return Ok(None) };
    let mut found = statement(row)?;
    found.lines = lines(db, &found.lender, &found.statement_no, 0, i64::MAX)?;
    Ok(Some(found))
}

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(sql_type = BigInt)]
    line_no: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    fee_rule: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    batch: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reference: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    account_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    received_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    rate: Option<String>,
    #[diesel(sql_type = BigInt)]
    fee: i64,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fee_group: Option<String>,
}

/// Lines of a statement after a line number, at most so many.
pub fn lines(
    db: &mut Db,
    lender: &str,
    statement_no: &str,
    after: i64,
    most: i64,
) -> QueryResult<Vec<Line>> {
    let rows: Vec<LineRow> = diesel::sql_query(
        "SELECT line_no, kind, fee_rule, batch, reference, account_no, received_on, amount, rate, fee, note, fee_group \
         FROM statement_line WHERE lender = $1 AND statement_no = $2 AND line_no > $3 ORDER BY line_no LIMIT $4",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(statement_no)
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(most)
    .load(db)?;
    let read = |row: LineRow| {
        let kind = LineKind::parse(&row.kind).ok_or_else(|| {
            corrupt(format!("line {} of {statement_no} has the kind {}", row.line_no, row.kind))
        })?;
        let rate = row.rate.as_deref().map(str::parse).transpose();
        Ok(Line {
            line_no: row.line_no,
            kind,
            fee_rule: row.fee_rule,
            batch: row.batch,
            reference: row.reference,
            account_no: row.account_no,
            received_on: row.received_on,
            amount: row.amount.map(Money),
            rate: rate.map_err(|_| {
                corrupt(format!("line {} of {statement_no} has no rate", row.line_no))
            })?,
            fee: Money(row.fee),
            note: row.note,
            fee_group: row.fee_group,
        })
    };
    rows.into_iter().map(read).collect()
}

#[derive(QueryableByName)]
struct SettledRow {
    #[diesel(sql_type = Text)]
    agency: String,
    #[diesel(sql_type = Text)]
    statement_no: String,
    #[diesel(sql_type = Text)]
    fee_group: String,
    #[diesel(sql_type = BigInt)]
    fee: i64,
    #[diesel(sql_type = BigInt)]
    recoveries: i64,
}

#[derive(QueryableByName)]
struct LineReference {
    #[diesel(sql_type = Text)]
    statement_no: String,
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = Nullable<Text>)]
    fee_group: Option<String>,
}

/// What the statements of the months before one settled.
pub fn settled(db: &mut Db, lender: &str, before: Month) -> QueryResult<Settled> {
    let mut settled = Settled::default();
    let sums: Vec<SettledRow> = diesel::sql_query(
        "SELECT s.agency, l.statement_no, l.fee_group, CAST(SUM(l.fee) AS BIGINT) AS fee, \
         COUNT(l.reference) AS recoveries FROM statement_line l JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND s.month < $2 AND l.fee_group IS NOT NULL GROUP BY s.agency, l.statement_no, l.fee_group",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(before.to_string())
    .load(db)?;
    for row in sums {
        let key = GroupKey::parse(&row.agency, &row.fee_group).ok_or_else(|| {
            corrupt(format!("statement {} has the fee group {}", row.statement_no, row.fee_group))
        })?;
        let entry = settled.groups.entry(key).or_default();
        entry.sum += Money(row.fee);
        entry.statements.insert(row.statement_no);
        entry.recoveries += row.recoveries;
    }
    let rows = diesel::sql_query(
        "SELECT l.statement_no, l.reference, l.fee_group FROM statement_line l JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND s.month < $2 AND l.reference IS NOT NULL",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(before.to_string())
    .load_iter::<LineReference, DefaultLoadingMode>(db)?;
    // Many lines share a few statements and groups: each text is kept once.
    let mut texts: BTreeSet<Rc<str>> = BTreeSet::new();
    let mut once = |text: String| match texts.get(text.as_str()) {
        Some(known) => known.clone(),
        None => {
            let new: Rc<str> = text.into();
            texts.insert(new.clone());
            new
        }
    };
    for row in rows {
        let row = row?;
        let (statement_no, group) = (once(row.statement_no), row.fee_group.map(&mut once));
        settled.lines.insert(row.reference, SettledLine { statement_no, group });
    }
    for one in statements(db, lender, None)?.into_iter().filter(|one| one.month < before) {
        *settled.collected.entry(one.agency.clone()).or_default() +=
            one.figures.collected_by_agency;
        settled.last.insert(one.agency, one.figures);
    }
    Ok(settled)
}

#[derive(QueryableByName)]
struct FeeSum {
    #[diesel(sql_type = BigInt)]
    fee: i64,
}

/// What the statements of an agency before a month settled of one group.
pub fn settled_of_group(
    db: &mut Db,
    lender: &str,
    key: &GroupKey,
    before: Month,
) -> QueryResult<Money> {
    let row: FeeSum = diesel::sql_query(
        "SELECT CAST(COALESCE(SUM(l.fee), 0) AS BIGINT) AS fee FROM statement_line l \
         JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND l.fee_group = $2 AND s.agency = $3 AND s.month < $4",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(key.text())
    .bind::<Text, _>(&key.agency)
    .bind::<Text, _>(before.to_string())
    .get_result(db)?;
    Ok(Money(row.fee))
}

/// What the commission lines of one group on a statement come to.
pub fn commission_of_group(
    db: &mut Db,
    lender: &str,
    statement_no: &str,
    key: &GroupKey,
) -> QueryResult<Money> {
    let row: FeeSum = diesel::sql_query(
        "SELECT CAST(COALESCE(SUM(fee), 0) AS BIGINT) AS fee FROM statement_line \
         WHERE lender = $1 AND statement_no = $2 AND fee_group = $3 AND kind = 'commission'",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(statement_no)
    .bind::<Text, _>(key.text())
    .get_result(db)?;
    Ok(Money(row.fee))
}

/// A closed month.
#[derive(QueryableByName, Clone, Debug)]
pub struct PeriodRow {
    /// The month.
    #[diesel(sql_type = Text)]
    pub month: String,
    /// The act that closed it.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The last number of the book it knew.
    #[diesel(sql_type = BigInt)]
    pub known_seq: i64,
    /// Statements issued.
    #[diesel(sql_type = BigInt)]
    pub statements: i64,
}

/// The closed months of a lender, in order.
pub fn periods(db: &mut Db, lender: &str) -> QueryResult<Vec<PeriodRow>> {
    diesel::sql_query(
        "SELECT month, seq, known_seq, statements FROM period WHERE lender = $1 ORDER BY month",
    )
    .bind::<Text, _>(lender)
    .load(db)
}

/// The rows of a statement's head, in the order of [`STATEMENTS`].
fn head_cells(one: &Statement, seq: i64) -> Vec<Cell<'_>> {
    let f = &one.figures;
    let (contract, version) = match &one.terms {
        Some((contract, version)) => (Some(contract.as_str()), Some(*version)),
        None => (None, None),
    };
    let mut cells = vec![
        Cell::from(one.lender.as_str()),
        Cell::from(one.statement_no.as_str()),
        Cell::from(seq),
        Cell::from(one.agency.as_str()),
        Cell::from(one.month.to_string()),
        Cell::from(contract),
        Cell::from(version),
    ];
    let amounts = [
        f.opening,
        f.commission,
        f.true_up,
        f.charges,
        f.performance,
        f.minimum,
        f.maximum,
        f.deductions,
        f.adjustments,
        f.net,
        f.vat,
        f.total,
        f.collected_by_agency,
        f.payable_to_agency,
        f.due_from_agency,
        f.carried_forward,
        f.set_off,
        f.payments,
        f.closing,
    ];
    cells.extend(amounts.into_iter().map(Cell::from));
    cells
}

fn line_cells<'a>(one: &'a Statement, line: &'a Line, seq: i64) -> Vec<Cell<'a>> {
    vec![
        Cell::from(one.lender.as_str()),
        Cell::from(one.statement_no.as_str()),
        Cell::from(line.line_no),
        Cell::from(seq),
        Cell::from(line.kind.name()),
        Cell::from(line.fee_rule.as_deref()),
        Cell::from(line.batch.as_deref()),
        Cell::from(line.reference.as_deref()),
        Cell::from(line.account_no.as_deref()),
        Cell::from(line.received_on),
        Cell::from(line.amount),
        Cell::from(line.rate.map(|rate| rate.to_string())),
        Cell::from(line.fee),
        Cell::from(line.note.as_deref()),
        Cell::from(line.fee_group.as_deref()),
    ]
}

/// Writes a statement with its lines.
pub(super) fn add(db: &mut Db, act: &mut Act, one: &Statement) -> QueryResult<()> {
    let seq = act.seq();
    act.write(db, &STATEMENTS, &[head_cells(one, seq)])?;
    for chunk in one.lines.chunks(5_000) {
        let rows: Vec<_> = chunk.iter().map(|line| line_cells(one, line, seq)).collect();
        act.write(db, &LINES, &rows)?;
    }
    Ok(())
}

/// Stores a document of a statement, compressed.
pub(super) fn add_document(
    db: &mut Db,
    act: &mut Act,
    one: &Statement,
    format: &str,
    body: &[u8],
) -> QueryResult<()> {
    let sha256 = crate::kernel::digest::sha256(body);
    let packed =
        pack(body).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    diesel::sql_query(
        "INSERT INTO statement_document (lender, statement_no, format, seq, sha256, body) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Text, _>(&one.lender)
    .bind::<Text, _>(&one.statement_no)
    .bind::<Text, _>(format)
    .bind::<BigInt, _>(act.seq())
    .bind::<Text, _>(&sha256)
    .bind::<Binary, _>(&packed)
    .execute(db)?;
    let row = vec![
        Cell::from(one.lender.as_str()),
        Cell::from(one.statement_no.as_str()),
        Cell::from(format),
        Cell::from(act.seq()),
        Cell::from(sha256),
    ];
    act.witness(&DOCUMENTS, &row);
    Ok(())
}

fn pack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

#[derive(QueryableByName)]
struct DocumentRow {
    #[diesel(sql_type = Text)]
    sha256: String,
    #[diesel(sql_type = Nullable<Binary>)]
    body: Option<Vec<u8>>,
}

/// A stored document and the digest it was stored with; the body is absent when it cannot be unpacked.
pub fn document(
    db: &mut Db,
    lender: &str,
    statement_no: &str,
    format: &str,
) -> QueryResult<Option<(String, Option<Vec<u8>>)>> {
    let row: Option<DocumentRow> =
        diesel::sql_query("SELECT sha256, body FROM statement_document WHERE lender = $1 AND statement_no = $2 AND format = $3")
            .bind::<Text, _>(lender)
            .bind::<Text, _>(statement_no)
            .bind::<Text, _>(format)
            .get_result(db)
            .optional()?;
    let unpack = |packed: Vec<u8>| {
        use std::io::Read as _;
        let mut body = Vec::new();
        flate2::read::DeflateDecoder::new(packed.as_slice())
            .read_to_end(&mut body)
            .ok()
            .map(|_| body)
    };
    Ok(row.map(|row| (row.sha256, row.body.and_then(unpack))))
}

/// What the lines of one kind add up to.
#[derive(QueryableByName, Clone, Debug)]
pub struct KindSum {
    /// The kind, as it is stored.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How many lines.
    #[diesel(sql_type = BigInt)]
    pub lines: i64,
    /// Σ recovered.
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    /// Σ fee.
    #[diesel(sql_type = BigInt)]
    pub fee: i64,
}

/// The lines of a statement added up by kind, in order of their first line.
pub fn kind_sums(db: &mut Db, lender: &str, statement_no: &str) -> QueryResult<Vec<KindSum>> {
    diesel::sql_query(
        "SELECT kind, COUNT(*) AS lines, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount, CAST(SUM(fee) AS BIGINT) AS fee \
         FROM statement_line WHERE lender = $1 AND statement_no = $2 GROUP BY kind ORDER BY MIN(line_no)",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(statement_no)
    .load(db)
}

#[derive(QueryableByName)]
struct LineNo {
    #[diesel(sql_type = BigInt)]
    line_no: i64,
}

/// Lines of one kind after a line number, at most so many.
pub fn lines_of_kind(
    db: &mut Db,
    lender: &str,
    statement_no: &str,
    kind: LineKind,
    after: i64,
    most: i64,
) -> QueryResult<Vec<Line>> {
    let numbers: Vec<LineNo> = diesel::sql_query(
        "SELECT line_no FROM statement_line WHERE lender = $1 AND statement_no = $2 AND kind = $3 AND line_no > $4 ORDER BY line_no LIMIT $5",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(statement_no)
    .bind::<Text, _>(kind.name())
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(most)
    .load(db)?;
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return Ok(Vec::new());
    };
    let span =
        lines(db, lender, statement_no, first.line_no - 1, last.line_no - first.line_no + 1)?;
    Ok(span.into_iter().filter(|line| line.kind == kind).collect())
}

/// Where a recovery was settled.
#[derive(QueryableByName, Clone, Debug)]
pub struct SettledAt {
    /// The recovery.
    #[diesel(sql_type = Text)]
    pub reference: String,
    /// The statement.
    #[diesel(sql_type = Text)]
    pub statement_no: String,
    /// Its line.
    #[diesel(sql_type = BigInt)]
    pub line_no: i64,
    /// What it earned there.
    #[diesel(sql_type = BigInt)]
    pub fee: i64,
}

/// The statement lines that settled some recoveries (a JSON array of references).
pub fn lines_of_references(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<SettledAt>> {
    let listed = crate::db::keys_in(db, "reference", 2);
    let sql = format!(
        "SELECT reference, statement_no, line_no, fee FROM statement_line WHERE lender = $1 AND {listed}"
    );
    diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)
}
