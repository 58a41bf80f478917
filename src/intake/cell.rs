//! Cells that several kinds of files have: keys, days, amounts, the currency.

use chrono::NaiveDate;

use crate::kernel::calendar::parse_date;
use crate::kernel::text::{begins_formula, undecorated};
use crate::kernel::{Currency, Money};
use crate::sheet::wrong::Wrong;
use crate::sheet::{Fault, Row};

/// Other names of the account number.
pub const ACCOUNT_NO_ALIASES: &[&str] = &["案件编号", "借据号", "账号", "案件号", "合同号"];

/// Other names of the currency.
pub const CURRENCY_ALIASES: &[&str] = &["币种", "币别", "货币", "币种代码", "货币代码"];

/// A short printable text that serves as a key. It is written into files that spreadsheets open, so that one that a
/// spreadsheet would run is refused.
pub fn key(row: &Row<'_>, column: usize) -> Result<Option<String>, Fault> {
    if row.stands(column).is_some_and(|cell| begins_formula(undecorated(cell))) {
        return Err(row.fault(column, Wrong::Formula));
    }
    word(row, column)
}

/// A short printable text.
pub fn word(row: &Row<'_>, column: usize) -> Result<Option<String>, Fault> {
    match row.get(column) {
        None => Ok(None),
        // A character has at most four bytes: what is longer by far need not be counted.
        Some(text)
            if text.len() > 400
                || text.chars().count() > 100
                || text.chars().any(char::is_control) =>
        {
            Err(row.fault(column, Wrong::NoWord))
        }
        Some(text) => Ok(Some(text.to_string())),
    }
}

/// A calendar date, when there is one.
pub fn date(row: &Row<'_>, column: usize) -> Result<Option<NaiveDate>, Fault> {
    row.get(column)
        .map(|text| parse_date(text).ok_or_else(|| row.fault(column, Wrong::NoDate)))
        .transpose()
}

/// The day of something that happened, when there is one: not after `latest`.
pub fn happened(
    row: &Row<'_>,
    column: usize,
    latest: NaiveDate,
) -> Result<Option<NaiveDate>, Fault> {
    match date(row, column)? {
        Some(day) if day > latest => Err(not_yet(row, column, latest)),
        day => Ok(day),
    }
}

/// The fault of a day that has not come.
pub fn not_yet(row: &Row<'_>, column: usize, latest: NaiveDate) -> Fault {
    row.fault(column, Wrong::Future(latest))
}

/// An amount, when there is one.
pub fn amount(row: &Row<'_>, column: usize, currency: Currency) -> Result<Option<Money>, Fault> {
    row.get(column)
        .map(|text| Money::parse(text, currency).map_err(|fault| row.fault(column, fault)))
        .transpose()
}

/// Refuses a row in another currency than the book's.
pub fn currency(row: &Row<'_>, column: usize, book: Currency) -> Result<(), Fault> {
    match row.get(column) {
        Some(text) if !book.is_called(text) => Err(row.fault(column, Wrong::Currency(book))),
        _ => Ok(()),
    }
}
