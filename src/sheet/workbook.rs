//! The first sheet of an .xlsx workbook, its cells as text: numbers to the fifteen digits a spreadsheet keeps,
//! dates as 2026-11-21 (with the time of day behind it where it is asked for).

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, Reader, Xlsx};
use chrono::{NaiveDateTime, TimeDelta, Timelike as _};
use rust_decimal::Decimal;

use super::{RawRow, SheetError, content};

/// Rows of a workbook. A workbook holds at most 1,048,576; its cells are read into text once.
pub(super) struct Workbook {
    rows: std::vec::IntoIter<RawRow>,
}

impl Workbook {
    pub(super) fn open(path: &Path, times: bool) -> Result<Workbook, SheetError> {
        let broken = |error: &dyn std::fmt::Display| {
            content(
                path,
                format!(
                    "is no workbook that can be read ({error}); save it from the spreadsheet again, or as CSV"
                ),
            )
        };
        let mut book: Xlsx<BufReader<File>> =
            calamine::open_workbook(path).map_err(|error: calamine::XlsxError| broken(&error))?;
        let Some(name) = book.sheet_names().first().cloned() else {
            return Err(content(path, "has no sheet"));
        };
        let mut reader = book.worksheet_cells_reader(&name).map_err(|error| broken(&error))?;
        let mut rows: Vec<RawRow> = Vec::new();
        loop {
            let cell = reader.next_cell().map_err(|error| broken(&error))?;
            let Some(cell) = cell else { break };
            let (row, column) = cell.get_position();
            let line = u64::from(row) + 1;
            let text = text_of(cell.get_value(), times).map_err(|why| SheetError::Line {
                file: path.display().to_string(),
                line,
                why: format!("column {}: {why}", column + 1),
            })?;
            if rows.last().is_none_or(|last| last.line != line) {
                rows.push(RawRow { line, cells: Vec::new() });
            }
            if let Some(last) = rows.last_mut() {
                let column = column as usize;
                if last.cells.len() <= column {
                    last.cells.resize(column + 1, String::new());
                }
                last.cells[column] = text;
            }
        }
        Ok(Workbook { rows: rows.into_iter() })
    }

    pub(super) fn next(&mut self, row: &mut RawRow) -> bool {
        match self.rows.next() {
            Some(next) => {
                *row = next;
                true
            }
            None => false,
        }
    }
}

fn text_of(cell: &DataRef<'_>, times: bool) -> Result<String, String> {
    match cell {
        DataRef::Int(number) => Ok(number.to_string()),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => Ok(text.clone()),
        DataRef::SharedString(text) => Ok((*text).to_string()),
        DataRef::Bool(flag) => Ok(flag.to_string()),
        DataRef::DateTime(moment) => moment
            .as_datetime()
            .map(|moment| moment_text(moment, times))
            .ok_or_else(|| "is no date".to_string()),
        DataRef::DateTimeIso(text) if times => Ok(text.clone()),
        DataRef::DateTimeIso(text) => Ok(text.split('T').next().unwrap_or(text).to_string()),
        DataRef::DurationIso(text) => Ok(text.clone()),
        DataRef::Error(error) => {
            Err(format!("the cell shows the error {error}; correct it in the spreadsheet"))
        }
        DataRef::Empty => Ok(String::new()),
    }
}

/// A date, and where times are asked for its time of day to the nearest second; midnight is a date without a time.
fn moment_text(moment: NaiveDateTime, times: bool) -> String {
    let moment =
        moment.checked_add_signed(TimeDelta::milliseconds(500)).filter(|_| times).unwrap_or(moment);
    let midnight = moment.num_seconds_from_midnight() == 0;
    let format = if times && !midnight { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d" };
    moment.format(format).to_string()
}

/// A number as the spreadsheet shows it. Workbooks store numbers as binary fractions; fifteen significant
/// digits are what the spreadsheet keeps and shows, and longer whole numbers have already lost their last digits.
#[allow(clippy::disallowed_types)]
fn number_text(number: f64) -> Result<String, String> {
    if number.abs() >= 1e15 {
        return Err("a number this long has lost its last digits in the spreadsheet; format the column as text".to_string());
    }
    let shown = format!("{number:.14e}");
    let decimal = Decimal::from_scientific(&shown).map_err(|_| format!("{shown} is no number"))?;
    Ok(decimal.normalize().to_string())
}
