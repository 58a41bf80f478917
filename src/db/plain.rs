//! Tables of facts that are still described by hand.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::Db;
use super::column::{Cell, Kind};
use super::dialect::{self, Layout};
use crate::kernel::digest::RowsDigest;

/// A table whose rows are written once, with its columns in order.
pub struct FactTable {
    /// The table's name.
    pub name: &'static str,
    /// Its columns and what they hold.
    pub columns: &'static [(&'static str, Kind)],
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
pub fn insert_plain(
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
    dialect::insert_rows(db, Layout { table: table.name, columns: table.columns }, rows)
}

#[derive(QueryableByName)]
struct CanonicalRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    canonical: String,
}

/// Reads the rows of a lender back as canonical text, with the number of the event that wrote each (`seq_column`).
pub fn canonical_plain(
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

/// Inserts rows that a chain of hashes covers.
pub fn insert_rows(db: &mut Db, table: &FactTable, rows: &[Vec<Cell<'_>>]) -> QueryResult<()> {
    dialect::insert_rows(db, Layout { table: table.name, columns: table.columns }, rows)
}
