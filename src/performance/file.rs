//! The columns of a scorecard, as files and programs have them.

use super::number::{RATE_PLACES, ratio, round};
use super::scorecard::Row;
use crate::kernel::{Currency, Total};
use crate::party::Lang;
use crate::sheet::Csv;
use crate::table::{Column, Value, names, record};

/// Programs have every figure as a text.
fn text(figure: impl std::fmt::Display) -> Value {
    Value::Text(figure.to_string())
}

/// The columns.
pub const COLUMNS: &[Column<Row>] = &[
    Column::<Row>::text("assignee", Lang::assignee, |row, _| (&row.assignee).into()),
    Column::<Row>::number("placements", Lang::placements_title, |row, _| text(row.sums.placements)),
    Column::<Row>::money("balance_placed", Lang::balance_placed, |row, _| row.sums.balance.into()),
    Column::<Row>::money("recovered", Lang::recovered, |row, _| row.sums.recovered.into()),
    Column::<Row>::number("recovery_rate", Lang::recovery_rate, |row, _| {
        let rate = ratio(row.sums.recovered, row.sums.balance).unwrap_or_default();
        text(round(rate, RATE_PLACES))
    }),
    Column::<Row>::money("expected", Lang::expected, |row, _| {
        Value::Total(Total(round(row.expected, 0).mantissa()))
    }),
    Column::<Row>::number("index", Lang::index_word, |row, _| text(row.index)),
    Column::<Row>::number("credibility", Lang::credibility_word, |row, _| text(row.credibility)),
    Column::<Row>::number("shrunk_index", Lang::shrunk_index, |row, _| text(row.shrunk_index)),
    Column::<Row>::number("score", Lang::points_score, |row, _| text(row.score)),
    Column::<Row>::number("rank", Lang::rank_word, |row, _| text(row.rank)),
];

/// A scorecard as CSV.
pub fn csv(rows: &[Row], currency: Currency) -> Result<Vec<u8>, csv::Error> {
    let mut csv = Csv::new(Vec::new());
    csv.row(names(COLUMNS))?;
    for row in rows {
        csv.row(record(COLUMNS, row, Lang::En, currency))?;
    }
    csv.finish()
}
