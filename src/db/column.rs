//! What one column of a row holds: how a type is written into it, and read back or refused.

use std::borrow::Cow;

use chrono::NaiveDate;

use crate::kernel::{Money, Spelled};

/// What a column holds, as both databases know it.
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

impl Cell<'_> {
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

    pub(super) fn canonical(&self, into: &mut String) {
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

/// A type that a column can have. What the database gives is made by the type's own constructor or is a fault.
pub trait Column: Sized {
    /// How both databases keep it.
    const KIND: Kind;

    /// What a value is, for messages.
    const WHAT: &'static str;

    /// Every word, where there are few.
    const WORDS: &'static [&'static str] = &[];

    /// Whether it may be absent.
    const OPTIONAL: bool = false;

    /// The value as it is written.
    fn cell(&self) -> Cell<'_>;

    /// The value that was written; gives the cell back when it cannot have been one.
    fn from_cell(cell: Cell<'static>) -> Result<Self, Cell<'static>>;

    /// Whether a cell with this text (a number in digits, a day as 2026-11-21) could be read.
    fn fits(text: &str) -> bool;
}

/// Words, identifiers, months and rates stand as text in their one spelling.
impl<T: Spelled> Column for T {
    const KIND: Kind = Kind::Text;
    const WHAT: &'static str = T::WHAT;
    const WORDS: &'static [&'static str] = T::WORDS;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.spelling())
    }

    fn from_cell(cell: Cell<'static>) -> Result<T, Cell<'static>> {
        match cell {
            Cell::Text(text) => {
                T::from_spelling(text.into_owned()).map_err(|text| Cell::Text(Cow::Owned(text)))
            }
            other => Err(other),
        }
    }

    fn fits(text: &str) -> bool {
        T::is_spelling(text)
    }
}

impl<T: Column> Column for Option<T> {
    const KIND: Kind = T::KIND;
    const WHAT: &'static str = T::WHAT;
    const WORDS: &'static [&'static str] = T::WORDS;
    const OPTIONAL: bool = true;

    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Column::cell)
    }

    fn from_cell(cell: Cell<'static>) -> Result<Option<T>, Cell<'static>> {
        if cell == Cell::Null { Ok(None) } else { T::from_cell(cell).map(Some) }
    }

    fn fits(text: &str) -> bool {
        T::fits(text)
    }
}

/// Free text.
impl Column for String {
    const KIND: Kind = Kind::Text;
    const WHAT: &'static str = "text";

    fn cell(&self) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(self))
    }

    fn from_cell(cell: Cell<'static>) -> Result<String, Cell<'static>> {
        if let Cell::Text(text) = cell { Ok(text.into_owned()) } else { Err(cell) }
    }

    fn fits(_: &str) -> bool {
        true
    }
}

impl Column for i64 {
    const KIND: Kind = Kind::Int;
    const WHAT: &'static str = "whole number";

    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self)
    }

    fn from_cell(cell: Cell<'static>) -> Result<i64, Cell<'static>> {
        cell.int().ok_or(cell)
    }

    fn fits(text: &str) -> bool {
        text.parse::<i64>().is_ok()
    }
}

/// Minor units.
impl Column for Money {
    const KIND: Kind = Kind::Int;
    const WHAT: &'static str = "amount in minor units";

    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.0)
    }

    fn from_cell(cell: Cell<'static>) -> Result<Money, Cell<'static>> {
        cell.int().map(Money).ok_or(cell)
    }

    fn fits(text: &str) -> bool {
        i64::fits(text)
    }
}

impl Column for NaiveDate {
    const KIND: Kind = Kind::Date;
    const WHAT: &'static str = "calendar date";

    fn cell(&self) -> Cell<'_> {
        Cell::Date(*self)
    }

    fn from_cell(cell: Cell<'static>) -> Result<NaiveDate, Cell<'static>> {
        cell.date().ok_or(cell)
    }

    fn fits(text: &str) -> bool {
        text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
    }
}

impl Column for bool {
    const KIND: Kind = Kind::Bool;
    const WHAT: &'static str = "true or false";

    fn cell(&self) -> Cell<'_> {
        Cell::Bool(*self)
    }

    fn from_cell(cell: Cell<'static>) -> Result<bool, Cell<'static>> {
        cell.bool().ok_or(cell)
    }

    fn fits(text: &str) -> bool {
        matches!(text, "t" | "f")
    }
}

/// A table and the columns of it that are written, in order.
pub(super) trait Layout {
    /// The table.
    fn table() -> &'static str;

    /// The names of its columns.
    fn columns() -> Vec<&'static str>;
}
