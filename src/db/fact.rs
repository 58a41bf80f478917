//! Rows, each kind of them defined once.
//!
//! A table of facts is one list of fields, each with its name and its type:
//!
//! ```ignore
//! fact! {
//!     /// An evaluation (机构评估) of an assignee.
//!     #[derive(Clone, Debug, PartialEq, Eq)]
//!     pub struct Evaluation in "evaluation" key (agency, evaluated_on, seq) by seq {
//!         /// Whom.
//!         agency: AssigneeCode,
//!         /// When.
//!         evaluated_on: NaiveDate,
//!         /// The act that recorded it.
//!         seq: i64,
//!         /// 0 to 100.
//!         result: i64 [0..],
//!         /// In words.
//!         description: String,
//!     }
//! }
//! ```
//!
//! From it come the struct; the columns for the insert and the SELECT; the cells that are written and digested; the
//! reading back, in which every value is made by its type's own constructor, so that anything else is a fault naming
//! table, key and column; and what `verify` and the test of CHECK constraints compare with. The column `lender` leads
//! every table of facts and is the book's: it has no field.
//!
//! **To add a table:** write its `fact!` in its noun, its CREATE TABLE in a new migration for both databases (fields in
//! the same order; a CHECK for each enumeration and each `[0..]`, triggers that keep it append-only), and its line in
//! `proof::FACTS`. `tests/it/schema.rs` says which of the three is missing or differs. A verb then writes rows with
//! [`Act::record`](crate::audit::Act::record); a store reads them with [`select`].
//!
//! **To add a column to a table that exists:** `ALTER TABLE … ADD COLUMN` without NOT NULL in a new migration, and an
//! optional field in a block `later { … }` behind the others. Such a column enters a row's canonical text only where
//! it is present, so that rows written before keep the digest they were written with.
//!
//! [`group!`] is a struct of fields that stands inside others (a statement's figures), [`row!`] the answer of a query
//! that is no table's row (a join, a sum). Each field of a group, a row or a fact is a [`Column`] or another group.

use std::borrow::Cow;

use chrono::NaiveDate;
use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::query_builder::SqlQuery;
use diesel::row::NamedRow;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};

use super::Db;
use super::column::{Cell, Column, Kind, Layout};
use super::dialect;
use crate::kernel::digest::RowsDigest;
use crate::kernel::text::excerpt;

/// What both databases give rows as.
pub type Backend = <Db as diesel::Connection>::Backend;

/// A field as its definition has it.
pub struct Member {
    /// The column's name; of a group, only the field's.
    pub name: &'static str,
    /// A column, or the columns of a group.
    pub shape: Shape,
    /// The least number it may hold.
    pub least: Option<i64>,
    /// Whether it was added to the table later.
    pub later: bool,
}

impl Member {
    /// An amount that may be absent and is never negative.
    pub const fn optional_amount(name: &'static str) -> Member {
        let shape = <Option<crate::kernel::Money> as Field>::SHAPE;
        Member { name, shape, least: Some(0), later: false }
    }
}

/// One column or several.
pub enum Shape {
    /// One.
    Column(Description),
    /// Those of a group.
    Group(&'static [Member]),
}

/// What is known of a column from its type.
#[derive(Clone, Copy)]
pub struct Description {
    /// How both databases keep it.
    pub kind: Kind,
    /// What a value is.
    pub what: &'static str,
    /// Every word, where there are few.
    pub words: &'static [&'static str],
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether a text could be read as a value.
    pub fits: fn(&str) -> bool,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub struct ColumnOf {
    /// Its name.
    pub name: &'static str,
    /// What is known of it from its type.
    pub of: Description,
    /// The least number it may hold.
    pub least: Option<i64>,
    /// Whether it was added to the table later.
    pub later: bool,
}

impl ColumnOf {
    /// Why a text cannot be a value of this column.
    fn misfit(&self, text: Option<&str>) -> Option<String> {
        let Some(text) = text else {
            return (!self.of.optional).then(|| format!("is empty, but needs a {}", self.of.what));
        };
        let below = |least: i64| text.parse::<i64>().is_ok_and(|number| number < least);
        match self.least {
            Some(least) if below(least) => {
                Some(format!("holds {text}, which is less than {least}"))
            }
            _ if (self.of.fits)(text) => None,
            _ => Some(refusal(&format!("\"{}\"", excerpt(text)), self.of.what, self.of.words)),
        }
    }
}

/// What a column holds, and why that is no value.
fn refusal(held: &str, what: &str, words: &[&str]) -> String {
    if words.is_empty() {
        format!("holds {held}, which is no {what}")
    } else {
        format!("holds {held}, which is no {what}: none of {}", words.join(", "))
    }
}

/// A stored value that no constructor accepts: somebody has changed the row outside the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table}{key}: the column {column} {why}; the row was changed outside this program")]
pub struct Fault {
    /// The table.
    pub table: &'static str,
    /// The row, as ` (name value, name value)`.
    pub key: String,
    /// The column.
    pub column: &'static str,
    /// What it holds, and why that is no value.
    pub why: String,
}

impl From<Fault> for diesel::result::Error {
    fn from(fault: Fault) -> Self {
        diesel::result::Error::DeserializationError(Box::new(fault))
    }
}

/// A fault that does not know its row yet.
pub struct Unfit {
    /// The column.
    pub column: &'static str,
    /// What it holds, and why that is no value.
    pub why: String,
}

/// What stands in a row: a column, or a group of them.
pub trait Field: Sized {
    /// Which columns.
    const SHAPE: Shape;

    /// Adds what it holds, in the order of its columns.
    fn cells<'a>(&'a self, into: &mut Vec<Cell<'a>>);

    /// Reads it from a row: as the column `name`, of at least `least`; a group goes by its own names.
    fn read<'a>(
        row: &impl NamedRow<'a, Backend>,
        name: &'static str,
        least: Option<i64>,
    ) -> Result<Self, Unfit>;
}

impl<T: Column> Field for T {
    const SHAPE: Shape = Shape::Column(Description {
        kind: T::KIND,
        what: T::WHAT,
        words: T::WORDS,
        optional: T::OPTIONAL,
        fits: T::fits,
    });

    fn cells<'a>(&'a self, into: &mut Vec<Cell<'a>>) {
        into.push(self.cell());
    }

    fn read<'a>(
        row: &impl NamedRow<'a, Backend>,
        name: &'static str,
        least: Option<i64>,
    ) -> Result<T, Unfit> {
        let unfit = |why: String| Unfit { column: name, why };
        let cell = stored(row, name, T::KIND).map_err(|why| unfit(why.to_string()))?;
        if let (Some(number), Some(least)) = (cell.int(), least)
            && number < least
        {
            return Err(unfit(format!("holds {number}, which is less than {least}")));
        }
        T::from_cell(cell).map_err(|cell| match cell {
            Cell::Null => unfit(format!("is empty, but needs a {}", T::WHAT)),
            other => unfit(refusal(&shown(&other), T::WHAT, T::WORDS)),
        })
    }
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "nothing".to_string(),
        Cell::Text(text) => format!("\"{}\"", excerpt(text)),
        Cell::Int(number) => number.to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Bool(flag) => flag.to_string(),
    }
}

/// What a column of a row holds.
fn stored<'a>(
    row: &impl NamedRow<'a, Backend>,
    name: &str,
    kind: Kind,
) -> diesel::deserialize::Result<Cell<'static>> {
    let text = |text| Cell::Text(Cow::Owned(text));
    let cell = match kind {
        Kind::Text => NamedRow::get::<Nullable<Text>, Option<String>>(row, name)?.map(text),
        Kind::Int => NamedRow::get::<Nullable<BigInt>, Option<i64>>(row, name)?.map(Cell::Int),
        Kind::Bool => {
            let flag = NamedRow::get::<Nullable<Bool>, Option<bool>>(row, name)?;
            // SQLite keeps flags as numbers, and any but 0 would pass for true.
            let number = || NamedRow::get::<Nullable<BigInt>, Option<i64>>(row, name).ok()?;
            match flag {
                Some(true) => {
                    Some(number().filter(|one| *one != 1).map_or(Cell::Bool(true), Cell::Int))
                }
                other => other.map(Cell::Bool),
            }
        }
        Kind::Date => {
            return NamedRow::get::<Nullable<Date>, _>(row, name)
                .map(|day: Option<NaiveDate>| day.map_or(Cell::Null, Cell::Date))
                // SQLite keeps days as text: what is no day is shown as it stands.
                .or_else(|why| match NamedRow::get::<Nullable<Text>, Option<String>>(row, name) {
                    Ok(Some(held)) => Ok(text(held)),
                    _ => Err(why),
                });
        }
    };
    Ok(cell.unwrap_or(Cell::Null))
}

/// The answer of a query: fields, and what names the row when one of them cannot be read.
pub trait Row: Field + QueryableByName<Backend> {
    /// The table it comes from; behind a slash, the name of the part of its columns.
    const TABLE: &'static str;

    /// The columns that name a row.
    const KEY: &'static [&'static str];
}

/// Reads a row whole, or says which column of which row cannot be read.
pub fn build<'a, R: Row>(row: &impl NamedRow<'a, Backend>) -> diesel::deserialize::Result<R> {
    R::read(row, "", None).map_err(|Unfit { column, why }| {
        let key = |name: &&str| {
            let kind = columns_of::<R>().iter().find(|one| one.name == *name)?.of.kind;
            let cell = stored(row, name, kind).ok()?;
            Some((name.to_string(), cell.text().map_or_else(|| shown(&cell), str::to_string)))
        };
        let table = real_table(R::TABLE);
        Fault { table, key: named(R::KEY.iter().filter_map(key)), column, why }.into()
    })
}

/// A row's key in words.
fn named(key: impl Iterator<Item = (String, String)>) -> String {
    let parts: Vec<String> = key.map(|(name, value)| format!("{name} {value}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A description may cover some columns of a table under a name of its own, as `placement/closing` does.
fn real_table(name: &'static str) -> &'static str {
    name.split('/').next().unwrap_or(name)
}

/// The columns of a row, in order.
pub fn columns_of<R: Field>() -> Vec<ColumnOf> {
    let mut columns = Vec::new();
    flatten(&[Member { name: "", shape: R::SHAPE, least: None, later: false }], &mut columns);
    columns
}

fn flatten(members: &[Member], into: &mut Vec<ColumnOf>) {
    for member in members {
        match &member.shape {
            Shape::Group(members) => flatten(members, into),
            Shape::Column(of) => {
                let (name, least, later) = (member.name, member.least, member.later);
                into.push(ColumnOf { name, of: *of, least, later });
            }
        }
    }
}

/// The names of a row's columns for a SELECT, of the table that is called `alias` there.
pub fn names_of<R: Field>(alias: &str) -> String {
    let dot = if alias.is_empty() { "" } else { "." };
    let names: Vec<String> =
        columns_of::<R>().iter().map(|column| format!("{alias}{dot}{}", column.name)).collect();
    names.join(", ")
}

/// `SELECT` of the row's columns `FROM` its table, with the rest of the query behind it.
pub fn select<R: Row>(rest: &str) -> SqlQuery {
    let table = real_table(R::TABLE);
    diesel::sql_query(format!("SELECT {} FROM {table} {rest}", names_of::<R>("")))
}

/// A row that is written once, by an act whose event digests it.
pub trait Fact: Row {
    /// The table with its columns.
    const FACTS: Table =
        Table { name: Self::TABLE, key: Self::KEY, by: Self::BY, shape: Self::SHAPE };

    /// The column that names the act.
    const BY: &'static str;
}

/// A table whose rows are written once.
pub struct Table {
    /// Its name; behind a slash, the name of the part of its columns.
    pub name: &'static str,
    /// The columns that name a row in its book.
    pub key: &'static [&'static str],
    /// The column that names the act that wrote a row.
    pub by: &'static str,
    shape: Shape,
}

impl Table {
    /// Its name in the database.
    pub fn real_name(&self) -> &'static str {
        real_table(self.name)
    }

    /// Its columns in order, the book's first.
    pub fn columns(&self) -> Vec<ColumnOf> {
        let mut columns = vec![LENDER];
        if let Shape::Group(members) = &self.shape {
            flatten(members, &mut columns);
        }
        columns
    }
}

/// The column that leads every table of a book.
const LENDER: ColumnOf = ColumnOf {
    name: "lender",
    of: Description {
        kind: Kind::Text,
        what: "lender",
        words: &[],
        optional: false,
        fits: crate::kernel::text::is_code,
    },
    least: None,
    later: false,
};

/// The cells of a row of a book.
fn cells<'a, R: Row>(lender: &'a str, row: &'a R) -> Vec<Cell<'a>> {
    let mut cells = vec![Cell::Text(Cow::Borrowed(lender))];
    row.cells(&mut cells);
    cells
}

/// A row's canonical text: the table's name and every cell; of columns added later, only those that hold something.
fn canonical(name: &str, columns: &[ColumnOf], row: &[Cell<'_>], into: &mut String) {
    into.clear();
    into.push_str(name);
    for (column, cell) in columns.iter().zip(row) {
        if column.later && *cell == Cell::Null {
            continue;
        }
        into.push('|');
        if column.later {
            into.push_str(column.name);
        }
        cell.canonical(into);
    }
}

/// The columns of a row with the book's before them.
struct Whole<R>(std::marker::PhantomData<R>);

impl<R: Row> Layout for Whole<R> {
    fn table() -> &'static str {
        real_table(R::TABLE)
    }

    fn columns() -> Vec<&'static str> {
        [LENDER].into_iter().chain(columns_of::<R>()).map(|column| column.name).collect()
    }
}

/// Inserts rows of a book that a chain of hashes covers, or nothing.
pub fn insert<R: Row>(db: &mut Db, lender: &str, rows: &[R]) -> QueryResult<()> {
    let cells: Vec<Vec<Cell<'_>>> = rows.iter().map(|row| cells(lender, row)).collect();
    dialect::insert_rows::<Whole<R>>(db, &cells)
}

/// Inserts rows of the act `seq` and adds each to the digest of its event.
pub fn insert_facts<F: Fact>(
    db: &mut Db,
    lender: &str,
    seq: i64,
    rows: &[F],
    digest: &mut RowsDigest,
) -> QueryResult<()> {
    let table = F::FACTS;
    let columns = table.columns();
    let cells: Vec<Vec<Cell<'_>>> = rows.iter().map(|row| cells(lender, row)).collect();
    let by = columns.iter().position(|column| column.name == table.by);
    let mut text = String::new();
    for row in &cells {
        debug_assert_eq!(by.map(|at| &row[at]), Some(&Cell::Int(seq)), "{}", table.name);
        canonical(table.name, &columns, row, &mut text);
        digest.add(&text);
    }
    dialect::insert_rows::<Whole<F>>(db, &cells)
}

/// Adds a row that was written by an UPDATE, or with a body kept elsewhere, to a digest.
pub fn digest_row<F: Fact>(lender: &str, row: &F, digest: &mut RowsDigest) {
    let table = F::FACTS;
    let mut text = String::new();
    canonical(table.name, &table.columns(), &cells(lender, row), &mut text);
    digest.add(&text);
}

row! {
    struct CanonicalRow in "row" key () {
        by_act: i64,
        canonical: String,
    }
}

/// SQL for a cell as [`canonical`] spells it.
fn canonical_sql(column: &ColumnOf) -> String {
    let (name, mark) = (column.name, if column.later { column.name } else { "" });
    let absent = if column.later { "''" } else { "'|~'" };
    match column.of.kind {
        Kind::Bool => format!(
            // On SQLite a flag is a number: what is neither 1 nor 0 is no cell that anybody wrote.
            "CASE WHEN {name} = TRUE THEN '|{mark}=t' WHEN {name} = FALSE THEN '|{mark}=f' ELSE {absent} END"
        ),
        Kind::Text => {
            format!("COALESCE('|{mark}=' || LENGTH({name}) || ':' || {name}, {absent})")
        }
        _ => format!("COALESCE('|{mark}=' || CAST({name} AS TEXT), {absent})"),
    }
}

/// Reads the rows of a lender back as canonical text, with the number of the act that wrote each, and says of those
/// that hold what no constructor accepts which column it is.
pub fn canonical_rows(
    db: &mut Db,
    table: &Table,
    lender: &str,
    mut each: impl FnMut(i64, &str, Option<Fault>),
) -> QueryResult<()> {
    let columns = table.columns();
    let cells: Vec<String> = columns.iter().map(canonical_sql).collect();
    let (name, by) = (table.name, table.by);
    let sql = format!(
        "SELECT {by} AS by_act, '{name}' || {} AS canonical FROM {} WHERE lender = $1 AND {by} IS NOT NULL",
        cells.join(" || "),
        table.real_name(),
    );
    let rows = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .load_iter::<CanonicalRow, diesel::connection::DefaultLoadingMode>(db)?;
    for row in rows {
        let row = row?;
        let fault = fault_in(table, &columns, &row.canonical);
        each(row.by_act, &row.canonical, fault);
    }
    Ok(())
}

/// The first column of a canonical text that holds what no constructor accepts.
fn fault_in(table: &Table, columns: &[ColumnOf], canonical: &str) -> Option<Fault> {
    let walk = || Walk { rest: &canonical[table.name.len()..], columns: columns.iter() };
    let (column, why) = walk().find_map(|(column, text)| Some((column, column.misfit(text)?)))?;
    let key = walk()
        .filter(|(column, _)| table.key.contains(&column.name))
        .map(|(column, text)| (column.name.to_string(), text.unwrap_or("nothing").to_string()));
    Some(Fault { table: table.real_name(), key: named(key), column: column.name, why })
}

/// The cells of a canonical text, column by column.
struct Walk<'t, 'c> {
    rest: &'t str,
    columns: std::slice::Iter<'c, ColumnOf>,
}

impl<'t, 'c> Iterator for Walk<'t, 'c> {
    type Item = (&'c ColumnOf, Option<&'t str>);

    fn next(&mut self) -> Option<Self::Item> {
        let column = self.columns.next()?;
        let mark = if column.later { column.name } else { "" };
        let begun = self.rest.strip_prefix('|').and_then(|rest| rest.strip_prefix(mark));
        let Some(begun) = begun else { return Some((column, None)) };
        let Some(held) = begun.strip_prefix('=') else {
            self.rest = begun.strip_prefix('~').unwrap_or(begun);
            return Some((column, None));
        };
        let (start, end) = match (column.of.kind, held.split_once(':')) {
            (Kind::Text, Some((length, text))) => {
                let count = length.parse().unwrap_or(usize::MAX);
                let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
                (length.len() + 1, length.len() + 1 + end)
            }
            _ => (0, held.find('|').unwrap_or(held.len())),
        };
        self.rest = &held[end..];
        Some((column, Some(&held[start..end])))
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

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::db::Address;
    use crate::kernel::Money;

    fact! {
        /// A row as the first version has it.
        struct Before in "example" key (number) by seq {
            number: i64 [1..],
            seq: i64,
            note: Option<String>,
        }
    }

    fact! {
        /// The same with two columns that were added later.
        struct After in "example" key (number) by seq {
            number: i64 [1..],
            seq: i64,
            note: Option<String>,
        }
        later {
            colour: Option<String>,
            weight: Option<Money>,
        }
    }

    /// What the rows of an act come to when they are read back.
    fn read_back(db: &mut Db, table: &Table, seq: i64) -> (RowsDigest, Vec<String>) {
        let (mut digest, mut faults) = (RowsDigest::default(), Vec::new());
        canonical_rows(db, table, "L", |by, text, fault| {
            if by == seq {
                digest.add(text);
                faults.extend(fault.map(|fault| fault.to_string()));
            }
        })
        .unwrap();
        (digest, faults)
    }

    fn after(number: i64, seq: i64, colour: Option<&str>, weight: Option<i64>) -> After {
        let colour = colour.map(str::to_string);
        After { number, seq, note: None, colour, weight: weight.map(Money) }
    }

    #[test]
    fn rows_keep_their_digest_when_columns_are_added_to_their_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.db");
        let mut db = Address::Sqlite(path.display().to_string()).connect().unwrap();
        db.batch_execute(
            "CREATE TABLE example (lender TEXT, number INTEGER, seq INTEGER, note TEXT)",
        )
        .unwrap();
        let rows = [
            Before { number: 1, seq: 1, note: Some("a|colour=1:x".to_string()) },
            Before { number: 2, seq: 1, note: None },
        ];
        let mut written = RowsDigest::default();
        insert_facts(&mut db, "L", 1, &rows, &mut written).unwrap();
        db.batch_execute(
            "ALTER TABLE example ADD COLUMN colour TEXT; ALTER TABLE example ADD COLUMN weight INTEGER",
        )
        .unwrap();
        assert_eq!(read_back(&mut db, &After::FACTS, 1), (written.clone(), Vec::new()));

        let later =
            [after(3, 2, Some("red"), None), after(4, 2, None, Some(7)), after(5, 2, None, None)];
        let mut newer = RowsDigest::default();
        insert_facts(&mut db, "L", 2, &later, &mut newer).unwrap();
        assert_eq!(read_back(&mut db, &After::FACTS, 2), (newer.clone(), Vec::new()));

        // What is written into an older row's new column is found, and so is a value that changes its column.
        for change in [
            "UPDATE example SET colour = 'blue' WHERE number = 1",
            "UPDATE example SET colour = NULL, weight = 7 WHERE number = 3",
            "UPDATE example SET colour = '7', weight = NULL WHERE number = 4",
        ] {
            db.batch_execute(&format!("BEGIN; {change}")).unwrap();
            let now = [1, 2].map(|seq| read_back(&mut db, &After::FACTS, seq).0);
            assert_ne!(now, [written.clone(), newer.clone()], "{change}");
            db.batch_execute("ROLLBACK").unwrap();
        }
        db.batch_execute("UPDATE example SET number = 0 WHERE number = 5").unwrap();
        let (_, faults) = read_back(&mut db, &After::FACTS, 2);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("example (number 0): the column number holds 0"), "{faults:?}");
    }
}
