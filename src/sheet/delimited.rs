//! CSV in any of the usual spellings, row by row. A quote that does not close where it should swallows rows: what looks
//! like that is refused with the line where the quote opened.

use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::outline::Outline;
use super::text::{LONGEST_ROW, Lines, too_long};
use super::wrong::{Broken, Wrong};
use super::{Flaw, RawRow, SheetError, line};

pub(super) struct Delimited {
    path: PathBuf,
    lines: Lines,
    separator: char,
    /// The lines of the row read last, without the quotes at the ends of the cell over several lines; empty when
    /// the row has one line.
    several: Vec<String>,
}

impl Delimited {
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Delimited, SheetError> {
        let separator = separator(path, Lines::open(path, encoding)?)?;
        let lines = Lines::open(path, encoding)?;
        Ok(Delimited { path: path.to_path_buf(), lines, separator, several: Vec::new() })
    }

    /// Reads the next row, blank ones included, with at most `most` cells and one beyond; `false` at the end.
    pub(super) fn next(
        &mut self,
        row: &mut RawRow,
        most: usize,
        outline: Option<&Outline>,
    ) -> Result<bool, SheetError> {
        self.several.clear();
        let Some(first) = self.lines.next(&self.path)? else { return Ok(false) };
        let mut record = Record::begin(row, first.number, self.separator, most);
        record.line(first.text);
        if let Some(open) = record.open {
            self.several.push(without(first.text, open.at));
            let end = first.end.to_string();
            self.go_on(&mut record, end, outline)?;
        }
        record.finish();
        Ok(true)
    }

    /// Reads on while a quoted cell is open at the end of a line, which `end` ended.
    fn go_on(
        &mut self,
        record: &mut Record<'_>,
        mut end: String,
        outline: Option<&Outline>,
    ) -> Result<(), SheetError> {
        let mut length = self.several.iter().map(String::len).sum::<usize>();
        while let Some(open) = record.open {
            let cell = open.column + 1;
            let refuse = |why: Broken| Err(line(&self.path, open.line, why));
            if !record.row.flaws.is_empty() {
                return refuse(Broken::StrayQuote(cell));
            }
            let Some(next) = self.lines.next(&self.path)? else {
                return refuse(Broken::OpenQuote(cell));
            };
            let number = next.number;
            length += end.len() + next.text.len();
            if length > LONGEST_ROW {
                return Err(too_long(&self.path, record.row.line));
            }
            record.goes_on(&end, number);
            record.line(next.text);
            end = next.end.to_string();
            self.several.push(match record.closed.take() {
                Some(at) => without(next.text, at),
                None => next.text.to_string(),
            });
            if !record.row.flaws.is_empty() {
                return refuse(Broken::ClosedLate(cell, number));
            }
            let inside = record.open.is_some_and(|now| now.line == open.line);
            let last = self.several.len() - 1;
            if outline
                .is_some_and(|table| self.is_row(table, last) && (inside || self.is_row(table, 0)))
            {
                return refuse(Broken::Swallows(cell, number));
            }
        }
        Ok(())
    }

    /// Whether a line behind the first of the row read last is a row by itself.
    pub(super) fn has_swallowed(&self, outline: &Outline) -> bool {
        (1..self.several.len()).any(|i| self.is_row(outline, i))
    }

    fn is_row(&self, outline: &Outline, line: usize) -> bool {
        let Some(text) = self.several.get(line) else { return false };
        let mut row = RawRow::default();
        let mut record = Record::begin(&mut row, 0, self.separator, outline.width + 1);
        record.line(text);
        let whole = record.open.is_none();
        record.finish();
        whole && row.flaws.is_empty() && outline.is_row(&row.cells)
    }
}

/// A line without the quote at a place.
fn without(text: &str, quote: usize) -> String {
    let mut text = text.to_string();
    text.remove(quote);
    text
}

/// The separator the header line uses most outside quotes.
fn separator(path: &Path, mut lines: Lines) -> Result<char, SheetError> {
    let mut counts = [(',', 0_usize), (';', 0), ('\t', 0)];
    let (mut quoted, mut seen) = (false, 0);
    while let Some(next) = lines.next(path)? {
        for c in next.text.chars() {
            if c == '"' {
                quoted = !quoted;
            } else if !quoted && let Some((_, count)) = counts.iter_mut().find(|(one, _)| *one == c)
            {
                *count += 1;
            }
        }
        seen += next.text.trim_matches(super::is_blank).len();
        if seen > 0 && !quoted || seen > LONGEST_ROW {
            break;
        }
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    Ok(best.filter(|(_, count)| *count > 0).map_or(',', |(separator, _)| *separator))
}

/// Where the quote that is open stands.
#[derive(Clone, Copy)]
struct Open {
    line: u64,
    at: usize,
    column: usize,
}

/// A row as it is put together from its line or lines.
struct Record<'a> {
    row: &'a mut RawRow,
    separator: char,
    most: usize,
    line: u64,
    /// Cells so far, those that are not kept included.
    cells: usize,
    open: Option<Open>,
    /// Where the quote closed that was open before this line.
    closed: Option<usize>,
}

impl Record<'_> {
    fn begin(row: &mut RawRow, line: u64, separator: char, most: usize) -> Record<'_> {
        row.line = line;
        row.lines = 1;
        row.flaws.clear();
        Record { row, separator, most, line, cells: 0, open: None, closed: None }
    }

    /// The quoted cell goes on in the next line.
    fn goes_on(&mut self, end: &str, line: u64) {
        self.push(end);
        self.line = line;
        self.row.lines += 1;
    }

    /// Takes in a line.
    fn line(&mut self, text: &str) {
        let mut at = 0;
        if self.open.is_some() {
            match self.quoted(text, 0) {
                Some(next) => at = next,
                None => return,
            }
        }
        // Behind the last separator one more cell begins, even an empty one.
        while at <= text.len() {
            self.cell();
            if text.as_bytes().get(at) == Some(&b'"') {
                self.open = Some(Open { line: self.line, at, column: self.cells - 1 });
                match self.quoted(text, at + 1) {
                    Some(next) => at = next,
                    None => return,
                }
            } else {
                let rest = &text[at..];
                let length = rest.find(self.separator).unwrap_or(rest.len());
                self.push(&rest[..length]);
                at += length + 1;
            }
        }
    }

    /// The rest of a quoted cell from `at` on; where the next cell begins, or nothing when the line ends inside it.
    fn quoted(&mut self, text: &str, mut at: usize) -> Option<usize> {
        loop {
            let rest = &text[at..];
            let Some(length) = rest.find('"') else {
                self.push(rest);
                return None;
            };
            self.push(&rest[..length]);
            at += length + 1;
            if text.as_bytes().get(at) != Some(&b'"') {
                break;
            }
            self.push("\"");
            at += 1;
        }
        if self.open.take().is_some_and(|open| open.line != self.line) {
            self.closed = Some(at - 1);
        }
        let rest = &text[at..];
        let length = rest.find(self.separator).unwrap_or(rest.len());
        let behind = &rest[..length];
        if !behind.trim_matches(super::is_blank).is_empty() {
            self.row.flaws.push(Flaw::of_row(self.cells - 1, Wrong::BehindQuote));
            self.push(behind);
        }
        Some(at + length + 1)
    }

    /// Begins a cell. Of those beyond the table's width one is kept that is not blank, to be shown.
    fn cell(&mut self) {
        self.cells += 1;
        match self.row.cells.get_mut(self.cells - 1) {
            _ if self.cells > self.most + 1 => {}
            Some(cell) => cell.clear(),
            None => self.row.cells.push(String::new()),
        }
    }

    fn push(&mut self, text: &str) {
        let kept = self.cells.min(self.most + 1) - 1;
        if let Some(cell) = self.row.cells.get_mut(kept)
            && (self.cells <= self.most + 1 || super::is_blank_text(cell))
        {
            cell.push_str(text);
        }
    }

    fn finish(self) {
        self.row.cells.truncate(self.cells.min(self.most + 1));
        self.row.width = Some(self.cells);
    }
}
