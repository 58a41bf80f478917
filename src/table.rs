//! What is shown of a thing, column by column. A noun declares each column of its lists once: what files and programs call
//! it, what people call it, and what stands in it. Pages, CSV and JSON draw from that, each the columns it has.

use chrono::NaiveDate;
use serde_json::Value as Json;

use crate::kernel::{Currency, Lang, Money, Rate, Total};
use crate::words;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Nothing,
    /// A text.
    Text(String),
    /// A value of an enumeration: its name in files, its word on pages.
    Named(&'static str, &'static str),
    /// What files and pages write differently, in this order.
    Told(String, String),
    /// How many.
    Count(i64),
    /// A number that only tells which one.
    Number(i64),
    /// An amount.
    Amount(Money),
    /// A sum that may be beyond an amount.
    Total(Total),
    /// A rate.
    Rate(Rate),
    /// A day.
    Day(NaiveDate),
}

impl Value {
    /// As files have it: `1234.56`, `0.22`, `true_up`.
    pub fn plain(&self, currency: Currency) -> String {
        match self {
            Value::Nothing => String::new(),
            Value::Text(text) => text.clone(),
            Value::Named(name, _) => (*name).to_string(),
            Value::Told(plain, _) => plain.clone(),
            Value::Count(count) | Value::Number(count) => count.to_string(),
            Value::Amount(amount) => amount.plain(currency),
            Value::Total(total) => total.plain(currency),
            Value::Rate(rate) => rate.to_string(),
            Value::Day(day) => day.to_string(),
        }
    }

    /// As people read it: `1,234.56`, `22%`.
    pub fn shown(&self, currency: Currency) -> String {
        match self {
            Value::Named(_, word) => (*word).to_string(),
            Value::Told(_, shown) => shown.clone(),
            Value::Count(count) => words::count(*count),
            Value::Amount(amount) => amount.grouped(currency),
            Value::Rate(rate) => rate.percent(),
            other => other.plain(currency),
        }
    }

    /// As programs have it: numbers as numbers, amounts and rates as texts, nothing as null.
    pub fn json(&self, currency: Currency) -> Json {
        match self {
            Value::Nothing => Json::Null,
            Value::Count(count) | Value::Number(count) => Json::from(*count),
            other => Json::from(other.plain(currency)),
        }
    }

    /// The amount, of what can be added up.
    pub fn amount(&self) -> Option<Money> {
        match self {
            Value::Amount(amount) => Some(*amount),
            _ => None,
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_string())
    }
}

impl From<i64> for Value {
    fn from(count: i64) -> Value {
        Value::Count(count)
    }
}

impl From<Money> for Value {
    fn from(amount: Money) -> Value {
        Value::Amount(amount)
    }
}

impl From<Rate> for Value {
    fn from(rate: Rate) -> Value {
        Value::Rate(rate)
    }
}

impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Value {
        Value::Day(day)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Nothing, Into::into)
    }
}

/// A column of lists of a kind of thing.
pub struct Column<R> {
    /// What files and programs call it.
    pub name: &'static str,
    /// What people call it.
    pub head: fn(Lang) -> &'static str,
    /// What stands in it.
    pub value: fn(&R, Lang) -> Value,
    /// Whether numbers stand in it.
    pub number: bool,
    /// Whether these are amounts of the book's currency.
    pub money: bool,
    /// Whether a narrow page leaves it out.
    pub folds: bool,
    /// Whether its texts are long.
    pub wraps: bool,
    /// Whether a page adds it up.
    pub adds_up: bool,
}

impl<R> Clone for Column<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Column<R> {}

impl<R> Column<R> {
    /// A column of texts, days or words.
    pub const fn text(
        name: &'static str,
        head: fn(Lang) -> &'static str,
        value: fn(&R, Lang) -> Value,
    ) -> Column<R> {
        let (number, money, folds, wraps, adds_up) = (false, false, false, false, false);
        Column { name, head, value, number, money, folds, wraps, adds_up }
    }

    /// A column of counts or rates.
    pub const fn number(
        name: &'static str,
        head: fn(Lang) -> &'static str,
        value: fn(&R, Lang) -> Value,
    ) -> Column<R> {
        Column { number: true, ..Column::text(name, head, value) }
    }

    /// A column of amounts.
    pub const fn money(
        name: &'static str,
        head: fn(Lang) -> &'static str,
        value: fn(&R, Lang) -> Value,
    ) -> Column<R> {
        Column { money: true, ..Column::number(name, head, value) }
    }

    /// The same, left out of narrow pages.
    pub const fn folded(self) -> Column<R> {
        Column { folds: true, ..self }
    }

    /// The same, for long texts.
    pub const fn wrapped(self) -> Column<R> {
        Column { wraps: true, ..self }
    }

    /// The same, added up on pages.
    pub const fn added_up(self) -> Column<R> {
        Column { adds_up: true, ..self }
    }

    /// Σ of the column over some rows.
    pub fn sum(&self, rows: &[R], t: Lang) -> Money {
        rows.iter().filter_map(|row| (self.value)(row, t).amount()).sum()
    }
}

/// The names of columns, as a file begins with them.
pub fn names<R>(columns: &[Column<R>]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
}

/// A row as files have it.
pub fn record<R>(columns: &[Column<R>], row: &R, t: Lang, currency: Currency) -> Vec<String> {
    columns.iter().map(|column| (column.value)(row, t).plain(currency)).collect()
}

/// A row as programs have it, by the names of its columns.
pub fn object<R>(columns: &[Column<R>], row: &R, currency: Currency) -> Json {
    let value = |column: &Column<R>| (column.value)(row, Lang::En).json(currency);
    columns.iter().map(|column| (column.name.to_string(), value(column))).collect()
}
