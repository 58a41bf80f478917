//! Tables of facts: one description of a table's columns serves the bulk insert, the digest of the rows an event
//! wrote, and the reading back of those rows for verification.

use std::borrow::Cow;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{Db, dialect};
use crate::kernel::digest::RowsDigest;

/// A table whose rows are written once, with its columns in order.
pub struct FactTable {
    /// The table's name.
    pub name: &'static str,
    /// Its columns and what they hold.
    pub columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number; amounts in minor units.
    Int,
    /// A calendar date.
    Date,
    /// True or false.
    Bool,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Absent.
    Null,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A calendar date.
    Date(NaiveDate),
    /// True or false.
    Bool(bool),
}

impl<'a> Cell<'a> {
    /// The text of a text cell.
    pub fn text(&self) -> Option<&str> {
        if let Cell::Text(text) = self { Some(text) } else { None }
    }
    /// The number of a number cell.
    pub fn int(&self) -> Option<i64> {
        if let Cell::Int(number) = self { Some(*number) } else { None }
    }
    /// The day of a date cell.
    pub fn date(&self) -> Option<NaiveDate> {
        if let Cell::Date(day) = self { Some(*day) } else { None }
    }
    /// The flag of a flag cell.
    pub fn bool(&self) -> Option<bool> {
        if let Cell::Bool(flag) = self { Some(*flag) } else { None }
    }

    fn canonical(&self, into: &mut String) {
        use std::fmt::Write as _;
        let _never_fails = match self {
            Cell::Null => into.write_str("~"),
            // With its length, so that text cannot move from one cell into the next.
            Cell::Text(text) => write!(into, "={}:{text}", text.chars().count()),
            Cell::Int(number) => write!(into, "={number}"),
            Cell::Date(day) => write!(into, "={day}"),
            Cell::Bool(flag) => into.write_str(if *flag { "=t" } else { "=f" }),
        };
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Cell<'a> {
        Cell::Text(Cow::Borrowed(text))
    }
}
impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Cell::Text(Cow::Owned(text))
    }
}
impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Cell::Int(number)
    }
}
impl From<crate::kernel::Money> for Cell<'_> {
    fn from(amount: crate::kernel::Money) -> Self {
        Cell::Int(amount.0)
    }
}
impl From<NaiveDate> for Cell<'_> {
    fn from(day: NaiveDate) -> Self {
        Cell::Date(day)
    }
}
impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Cell::Bool(flag)
    }
}
impl<'a, T> From<Option<T>> for Cell<'a>
where
    Cell<'a>: From<T>,
{
    fn from(value: Option<T>) -> Cell<'a> {
        value.map_or(Cell::Null, Cell::from)
    }
}

/// A row's canonical text: the table's name and every cell.
fn canonical(table: &FactTable, row: &[Cell<'_>], into: &mut String) {
    into.clear();
    into.push_str(table.name);
    for cell in row {
        into.push('|');
        cell.canonical(into);
    }
}

/// Inserts rows and adds each to the digest of the event that writes them.
pub fn insert_facts(
    db: &mut Db,
    table: &FactTable,
    rows: &[Vec<Cell<'_>>],
    digest: &mut RowsDigest,
) -> QueryResult<()> {
    let mut text = String::new();
    for row in rows {
        debug_assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        canonical(table, row, &mut text);
        digest.add(&text);
    }
    dialect::insert_rows(db, table, rows)
}

#[derive(QueryableByName)]
struct CanonicalRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    canonical: String,
}

/// Reads the rows of a lender back as canonical text, with the number of the event that wrote each (`seq_column`).
pub fn canonical_rows(
    db: &mut Db,
    table: &FactTable,
    seq_column: &str,
    lender: &str,
    mut each: impl FnMut(i64, &str),
) -> QueryResult<()> {
    let cells: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind)| match kind {
            Kind::Bool => {
                format!("CASE WHEN {name} THEN '=t' WHEN NOT {name} THEN '=f' ELSE '~' END")
            }
            Kind::Text => format!("COALESCE('=' || LENGTH({name}) || ':' || {name}, '~')"),
            _ => format!("COALESCE('=' || CAST({name} AS TEXT), '~')"),
        })
        .collect();
    let sql = format!(
        "SELECT {seq_column} AS seq, '{}|' || {} AS canonical FROM {} WHERE lender = $1 AND {seq_column} IS NOT NULL",
        source_name(table),
        cells.join(" || '|' || "),
        real_table(table),
    );
    let rows = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .load_iter::<CanonicalRow, diesel::connection::DefaultLoadingMode>(db)?;
    for row in rows {
        let row = row?;
        each(row.seq, &row.canonical);
    }
    Ok(())
}

fn source_name(table: &FactTable) -> &'static str {
    table.name
}

/// A description may cover some columns of a table under a name of its own, as `placement/closing` does.
fn real_table(table: &FactTable) -> &'static str {
    table.name.split('/').next().unwrap_or(table.name)
}

/// Adds rows that an UPDATE wrote to the digest of its event.
impl FactTable {
    /// Adds one row to a digest without inserting it.
    pub fn digest(&self, row: &[Cell<'_>], digest: &mut RowsDigest) {
        let mut text = String::new();
        canonical(self, row, &mut text);
        digest.add(&text);
    }
}

/// SQL for `column` being one of the keys of a JSON array bound as `$bind`.
pub fn keys_in(db: &Db, column: &str, bind: usize) -> String {
    dialect::keys_in(db, column, bind)
}

/// Keys as the JSON array that [`keys_in`] compares with.
pub fn keys_json<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.collect();
    serde_json::Value::from(keys).to_string()
}

/// SQL for the rows of a JSON array of arrays bound as `$bind`, as a table with these columns.
pub fn rows_of_json(db: &Db, bind: usize, columns: &[(&str, Kind)]) -> String {
    dialect::rows_of_json(db, bind, columns)
}
