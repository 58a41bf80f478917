//! What all lists share: pages by key, choices of a filter, days and amounts as they are shown.

use chrono::NaiveDate;

use crate::kernel::{Currency, Money};
pub use crate::words::count;

/// Rows of one page.
pub const ROWS: usize = 50;
/// Rows read at once for a download.
pub const CHUNK: i64 = 2_000;

/// Where the list goes on.
pub struct Pager {
    /// The first page, when this is not it.
    pub first: Option<String>,
    /// The page after this one.
    pub next: Option<String>,
}

/// Cuts a page off the rows read (one more than a page holds tells whether there is another).
pub fn cut<T>(rows: &mut Vec<T>) -> bool {
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    more
}

/// How many rows to read for a page.
pub fn one_more() -> i64 {
    crate::kernel::count(ROWS + 1)
}

/// One choice of a filter.
pub struct Choice {
    /// What the URL carries.
    pub value: String,
    /// What it is called.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// A choice, chosen when its value is the one asked for.
    pub fn new(value: impl Into<String>, label: impl Into<String>, asked: &str) -> Choice {
        let value = value.into();
        Choice { chosen: value == asked, value, label: label.into() }
    }
}

/// A tab: another part of the same page, or another book.
pub struct Tab {
    /// What it is called.
    pub label: String,
    /// Where it is.
    pub href: String,
    /// Whether it is this one.
    pub current: bool,
}

/// A link in a cell; without an address it is only a word.
#[derive(Clone, Default)]
pub struct Cell {
    /// What is shown.
    pub text: String,
    /// Where it leads; empty when nowhere.
    pub href: String,
}

impl Cell {
    /// A word that leads somewhere.
    pub fn link(text: impl Into<String>, href: impl Into<String>) -> Cell {
        Cell { text: text.into(), href: href.into() }
    }
}

/// An amount as people read it.
pub fn money(amount: Money, currency: Currency) -> String {
    amount.grouped(currency)
}

/// A day, or nothing.
pub fn day(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}
