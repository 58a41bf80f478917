//! The scorecard as a file.

use super::number::{RATE_PLACES, ratio, round};
use super::scorecard::Row;
use crate::kernel::{Currency, Total};
use crate::sheet::Csv;

/// The figures of a row as files write them.
pub fn figures(row: &Row, currency: Currency) -> [String; 10] {
    let rate = ratio(row.sums.recovered, row.sums.balance).unwrap_or_default();
    let expected = Total(round(row.expected, 0).mantissa());
    [
        row.sums.placements.to_string(),
        row.sums.balance.plain(currency),
        row.sums.recovered.plain(currency),
        round(rate, RATE_PLACES).to_string(),
        expected.plain(currency),
        row.index.to_string(),
        row.credibility.to_string(),
        row.shrunk_index.to_string(),
        row.score.to_string(),
        row.rank.to_string(),
    ]
}

/// Their names, after the assignee's.
pub const COLUMNS: [&str; 10] = [
    "placements",
    "balance_placed",
    "recovered",
    "recovery_rate",
    "expected",
    "index",
    "credibility",
    "shrunk_index",
    "score",
    "rank",
];

/// A scorecard as CSV.
pub fn csv(rows: &[Row], currency: Currency) -> Result<Vec<u8>, csv::Error> {
    let mut table = Csv::new(Vec::new());
    table.row(std::iter::once("assignee").chain(COLUMNS))?;
    for row in rows {
        let figures = figures(row, currency);
        table.row(
            std::iter::once(row.assignee.as_str()).chain(figures.iter().map(String::as_str)),
        )?;
    }
    table.finish()
}
