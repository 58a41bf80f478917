//! Statements, their lines and documents, and closed months.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::build::{Settled, SettledLine};
use super::month::{Before, ClosedMonth};
use super::{Grade, Head, Line, LineKind, Period, Statement};
use crate::audit::Act;
use crate::commission::{FeeGroup, GroupKey};
use crate::db::{Db, fact, row, select};
use crate::kernel::{Money, Month, Spelled as _};

fact! {
    /// What is digested of a stored document; its body is proven by its own digest.
    pub struct Document in "statement_document" key (statement_no, format) by seq {
        /// The statement.
        statement_no: String,
        /// What it is: `html`.
        format: String,
        /// The act that stored it.
        seq: i64,
        /// Of its body.
        sha256: String,
    }
}

row! {
    struct Numbered in "statement" key (lender, statement_no) {
        lender: String,
        head: Head,
    }
}

impl From<Numbered> for Statement {
    fn from(row: Numbered) -> Statement {
        Statement { lender: row.lender, head: row.head, lines: Vec::new() }
    }
}

/// The statements of a lender without their lines, in order of month and agency; of one agency when given.
pub fn statements(db: &mut Db, lender: &str, agency: Option<&str>) -> QueryResult<Vec<Statement>> {
    let rows: Vec<Numbered> = select::<Numbered>(
        "WHERE lender = $1 AND agency = COALESCE($2, agency) ORDER BY month, agency",
    )
    .bind::<Text, _>(lender)
    .bind::<Nullable<Text>, _>(agency)
    .load(db)?;
    Ok(rows.into_iter().map(Statement::from).collect())
}

/// A statement with its lines.
pub fn find(
    db: &mut Db,
    lender: &str,
    agency: &str,
    month: Month,
) -> QueryResult<Option<Statement>> {
    let row = select::<Numbered>("WHERE lender = $1 AND agency = $2 AND month = $3")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(agency)
        .bind::<Text, _>(month.to_string())
        .get_result::<Numbered>(db)
        .optional()?;
    let Some(found) = row.map(Statement::from) else { return Ok(None) };
    let lines = lines(db, &found.lender, &found.statement_no, 0, i64::MAX)?;
    Ok(Some(Statement { lines, ..found }))
}

/// A statement without its lines, by its number.
pub fn head_by_number(db: &mut Db, statement_no: &str) -> QueryResult<Option<Statement>> {
    let row = select::<Numbered>("WHERE statement_no = $1")
        .bind::<Text, _>(statement_no)
        .get_result::<Numbered>(db)
        .optional()?;
    Ok(row.map(Statement::from))
}

/// Lines of a statement after a line number, at most so many.
pub fn lines(
    db: &mut Db,
    lender: &str,
    statement_no: &str,
    after: i64,
    most: i64,
) -> QueryResult<Vec<Line>> {
    select::<Line>(
        "WHERE lender = $1 AND statement_no = $2 AND line_no > $3 ORDER BY line_no LIMIT $4",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(statement_no)
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(most)
    .load(db)
}

row! {
    struct SettledRow in "statement_line" key (statement_no) {
        agency: String,
        statement_no: String,
        fee_group: FeeGroup,
        fee: Money,
        recoveries: i64,
    }
}

row! {
    struct MonthRow in "statement_line" key (statement_no) {
        agency: String,
        statement_no: String,
        of_month: Month,
        kind: LineKind,
        fee: Money,
    }
}

row! {
    struct LineReference in "statement_line" key (statement_no) {
        statement_no: String,
        reference: String,
        fee_group: Option<FeeGroup>,
    }
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
        let key = GroupKey { agency: row.agency, of: row.fee_group };
        let entry = settled.groups.entry(key).or_default();
        entry.sum += row.fee;
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
    let (mut numbers, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let row = row?;
        let statement_no = once(&mut numbers, row.statement_no);
        let group = row.fee_group.map(|group| once(&mut groups, group));
        settled.lines.insert(row.reference, SettledLine { statement_no, group });
    }
    for one in statements(db, lender, None)?.into_iter().filter(|one| one.month < before) {
        let figures = one.figures;
        let charged = settled.months.entry(one.agency.clone()).or_default();
        charged.charges.insert(one.month, figures.charges);
        *settled.collected.entry(one.agency.clone()).or_default() += figures.collected_by_agency;
        settled.last.insert(one.head.agency, figures);
    }
    let rows: Vec<MonthRow> = diesel::sql_query(
        "SELECT s.agency, l.statement_no, l.of_month, l.kind, l.fee FROM statement_line l \
         JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND s.month < $2 AND l.of_month IS NOT NULL",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(before.to_string())
    .load(db)?;
    for row in rows {
        let months = settled.months.entry(row.agency).or_default();
        months.add(row.of_month, row.kind, row.fee, &row.statement_no);
    }
    Ok(settled)
}

/// A value as one that is shared: the one known, or this one from now on.
fn once<T: Ord>(known: &mut BTreeSet<Rc<T>>, value: T) -> Rc<T> {
    if let Some(known) = known.get(&value) {
        return known.clone();
    }
    let new = Rc::new(value);
    known.insert(new.clone());
    new
}

row! {
    struct FeeSum in "statement_line" key () {
        fee: Money,
    }
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
    .bind::<Text, _>(key.of.spelling())
    .bind::<Text, _>(&key.agency)
    .bind::<Text, _>(before.to_string())
    .get_result(db)?;
    Ok(row.fee)
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
    .bind::<Text, _>(key.of.spelling())
    .get_result(db)?;
    Ok(row.fee)
}

/// What the statements of an agency before a month settled of one kind of another month.
pub fn settled_of_month(
    db: &mut Db,
    lender: &str,
    agency: &str,
    (of_month, kind): (Month, LineKind),
    before: Month,
) -> QueryResult<Before> {
    let rows: Vec<MonthRow> = diesel::sql_query(
        "SELECT s.agency, l.statement_no, l.of_month, l.kind, l.fee FROM statement_line l \
         JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND l.of_month = $2 AND l.kind = $3 AND s.agency = $4 AND s.month < $5",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(of_month.to_string())
    .bind::<Text, _>(kind.name())
    .bind::<Text, _>(agency)
    .bind::<Text, _>(before.to_string())
    .load(db)?;
    let statements = rows.iter().map(|row| row.statement_no.clone()).collect();
    Ok(Before { sum: rows.iter().map(|row| row.fee).sum(), statements })
}

row! {
    struct FirstSettled in "statement_line" key (statement_no) {
        reference: String,
        statement_no: String,
    }
}

/// The statements of the months before one on which some recoveries (a JSON array of references) were settled.
pub fn settled_first(
    db: &mut Db,
    lender: &str,
    keys: &str,
    before: Month,
) -> QueryResult<BTreeMap<String, String>> {
    let listed = crate::db::keys_in(db, "l.reference", 2);
    let rows: Vec<FirstSettled> = diesel::sql_query(format!(
        "SELECT l.reference, l.statement_no FROM statement_line l \
         JOIN statement s ON s.lender = l.lender AND s.statement_no = l.statement_no \
         WHERE l.lender = $1 AND {listed} AND s.month < $3"
    ))
    .bind::<Text, _>(lender)
    .bind::<Text, _>(keys)
    .bind::<Text, _>(before.to_string())
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.reference, row.statement_no)).collect())
}

/// The closed months of a lender, in order.
pub fn periods(db: &mut Db, lender: &str) -> QueryResult<Vec<Period>> {
    select::<Period>("WHERE lender = $1 ORDER BY month").bind::<Text, _>(lender).load(db)
}

/// What closings found of agencies and kept, in order of month and agency.
pub fn grades(db: &mut Db, lender: &str) -> QueryResult<Vec<Grade>> {
    select::<Grade>("WHERE lender = $1 ORDER BY month, agency").bind::<Text, _>(lender).load(db)
}

/// The months of a lender closed by month of receipt, in order.
pub fn closed_months(db: &mut Db, lender: &str) -> QueryResult<Vec<ClosedMonth>> {
    let periods = periods(db, lender)?.into_iter().filter(|period| period.settles.is_some());
    let closed = |Period { month, known_seq, .. }: Period| ClosedMonth {
        month,
        known_seq,
        graded: BTreeMap::new(),
    };
    let mut months: Vec<ClosedMonth> = periods.map(closed).collect();
    for grade in grades(db, lender)? {
        let of_month = months.iter_mut().find(|one| one.month == grade.month);
        of_month.and_then(|one| one.graded.insert(grade.agency, grade.graded));
    }
    Ok(months)
}

/// Writes a statement with its lines.
pub(super) fn add(db: &mut Db, act: &mut Act, one: &Statement) -> QueryResult<()> {
    act.record(db, std::slice::from_ref(&one.head))?;
    one.lines.chunks(5_000).try_for_each(|chunk| act.record(db, chunk))
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
    let (statement_no, format, seq) = (one.statement_no.clone(), format.to_string(), act.seq());
    act.witness(&Document { statement_no, format, seq, sha256 });
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

row! {
    /// What the lines of one kind add up to.
    #[derive(Clone, Debug)]
    pub struct KindSum in "statement_line" key () {
        /// The kind.
        kind: LineKind,
        /// How many lines.
        lines: i64,
        /// Σ recovered.
        amount: Money,
        /// Σ fee.
        fee: Money,
    }
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

row! {
    struct LineNo in "statement_line" key (line_no) {
        line_no: i64,
    }
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

row! {
    /// Where a recovery was settled.
    #[derive(Clone, Debug)]
    pub struct SettledAt in "statement_line" key (statement_no, line_no) {
        /// The recovery.
        reference: String,
        /// The statement.
        statement_no: String,
        /// Its line.
        line_no: i64,
        /// What it earned there.
        fee: Money,
    }
}

/// The statement lines that settled some recoveries (a JSON array of references).
pub fn lines_of_references(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<SettledAt>> {
    let listed = crate::db::keys_in(db, "reference", 2);
    select::<SettledAt>(&format!("WHERE lender = $1 AND {listed}"))
        .bind::<Text, _>(lender)
        .bind::<Text, _>(keys)
        .load(db)
}
