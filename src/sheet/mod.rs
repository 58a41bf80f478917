//! Tables in files, as lenders' systems and spreadsheets save them.
//!
//! A [`Sheet`] recognises by itself UTF-8, UTF-16 and GB18030, comma, semicolon and tab, and workbooks; finds
//! its columns by name or alias; and gives one [`Row`] after the other without holding the file. A row that
//! cannot be used becomes a [`Fault`]; a file that cannot be used at all is a [`SheetError`]. No line is passed over: a
//! sheet says in [`Lines`] what became of each.

mod archive;
mod cell;
mod columns;
mod delimited;
mod encoding;
mod out;
mod outline;
mod rejects;
mod text;
mod workbook;
pub mod wrong;
mod xml;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

pub use columns::{Column, ColumnMap, Placed, Shape};
pub use out::Csv;
use outline::{Outline, Widths};
pub use rejects::Rejects;

use crate::kernel::text::meant;
use wrong::{Broken, Unusable, Wrong};

/// Why a file as a whole is refused.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// It cannot be read.
    #[error("{file}: cannot be read or written: {why}; nothing was taken in")]
    Io {
        /// The file.
        file: String,
        /// The system's reason.
        why: String,
    },
    /// Rejected rows have no place to go.
    #[error(transparent)]
    Rejects(#[from] crate::outfile::OutFileError),
    /// Its content is not what it must be.
    #[error("{file}: {why}; nothing was taken in")]
    Content {
        /// The file.
        file: String,
        /// What is wrong and what to do.
        why: Unusable,
    },
    /// A place in it is beyond use.
    #[error("{file}, line {line}: {why}; nothing was taken in")]
    Line {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// What is wrong and what to do.
        why: Broken,
    },
}

/// Why a row is rejected: where, what stood there, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// 1-based line in the file; of a workbook, the row.
    pub line: u64,
    /// The column's name in this program's terms.
    pub column: String,
    /// What stood there.
    pub value: String,
    /// What is wrong and what to do.
    pub reason: Wrong,
}

/// How the lines of a file are accounted for: `read = header + blank + rows + continued`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Lines {
    /// Lines of the file; of a workbook, the rows down to the last one that stands in the sheet.
    pub read: u64,
    /// Lines of the header.
    pub header: u64,
    /// Lines and rows in which nothing stands.
    pub blank: u64,
    /// Lines with which a row begins: taken in, known already, or rejected.
    pub rows: u64,
    /// Further lines of rows that have a line break in a cell.
    pub continued: u64,
}

/// One row: its line and its cells as they stand in the file.
#[derive(Clone, Debug, Default)]
pub struct RawRow {
    /// 1-based line (of a workbook, row) where it begins.
    pub line: u64,
    /// Cells, not trimmed. Of those beyond the header at most one is kept.
    pub cells: Vec<String>,
    /// Lines it stands in.
    lines: u64,
    /// Cells it has in a file where separators count them.
    width: Option<usize>,
    flaws: Vec<Flaw>,
}

impl RawRow {
    /// Bytes it holds: whoever keeps rows keeps no more of them than fit.
    pub fn size(&self) -> usize {
        self.cells.iter().map(|cell| cell.len() + size_of::<String>()).sum()
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| is_blank_text(cell))
    }
}

/// What a reader finds wrong with a row.
#[derive(Clone, Debug)]
struct Flaw {
    /// The cell's column in the file.
    column: usize,
    reason: Wrong,
    /// Whether the whole row is in doubt, and not this cell alone.
    of_row: bool,
}

impl Flaw {
    fn of_row(column: usize, reason: Wrong) -> Flaw {
        Flaw { column, reason, of_row: true }
    }

    fn of_cell(column: usize, reason: Wrong) -> Flaw {
        Flaw { column, reason, of_row: false }
    }
}

/// One row seen through the columns asked for.
pub struct Row<'a> {
    /// The row as it stands.
    pub raw: &'a RawRow,
    columns: &'a [Column],
    placed: &'a [Placed],
}

impl<'a> Row<'a> {
    /// The trimmed text of a column, without the apostrophe that keeps a spreadsheet from running it; `None` when empty
    /// or absent.
    pub fn get(&self, column: usize) -> Option<&'a str> {
        let text = meant(self.stands(column)?.trim_matches(is_blank)).trim_matches(is_blank);
        (!text.is_empty()).then_some(text)
    }

    /// The text of a column as it stands, blanks and all; `None` when absent.
    pub fn stands(&self, column: usize) -> Option<&'a str> {
        match self.placed.get(column)? {
            Placed::At(index) => self.raw.cells.get(*index).map(String::as_str),
            Placed::Constant(value) => Some(value.as_str()),
            Placed::Absent => None,
        }
    }

    /// A fault in a column of this row.
    pub fn fault(&self, column: usize, reason: impl Into<Wrong>) -> Fault {
        Fault {
            line: self.raw.line,
            column: self.columns.get(column).map_or("", |column| column.name).to_string(),
            value: crate::kernel::text::excerpt(self.get(column).unwrap_or("")),
            reason: reason.into(),
        }
    }
}

/// White space that files carry around values, the ideographic and no-break spaces included.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'
}

fn is_blank_text(text: &str) -> bool {
    text.trim_matches(is_blank).is_empty()
}

/// Columns of a table. A header is compared name by name, and no table of this trade has a tenth of them.
const MOST_COLUMNS: usize = 1_000;

/// A file opened for reading row by row.
pub struct Sheet {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes (and of the map's, when one is used).
    pub sha256: String,
    /// Its size in bytes, for progress.
    pub size: u64,
    /// The header's cells.
    pub header: Vec<String>,
    /// What is odd but harmless, such as unknown columns.
    pub warnings: Vec<String>,
    columns: &'static [Column],
    placed: Vec<Placed>,
    source: Source,
    /// Lines of a text, counted when it was looked over.
    counted: Option<u64>,
    lines: Lines,
    outline: Outline,
    widths: Option<Widths>,
    /// Columns without a name in which nothing has been seen yet.
    unnamed: Vec<usize>,
    /// Rows read ahead, and used ones to be filled again.
    ahead: VecDeque<RawRow>,
    spare: Vec<RawRow>,
    ended: bool,
}

enum Source {
    Delimited(Box<delimited::Delimited>),
    Workbook(Box<workbook::Workbook>),
}

/// Rows read ahead: what follows a row tells whether its width is a fault.
const AHEAD: usize = 2;

impl Sheet {
    /// Opens a file: recognises what it is, reads its header, finds the columns.
    pub fn open(
        path: &Path,
        columns: &'static [Column],
        map: Option<&ColumnMap>,
    ) -> Result<Sheet, SheetError> {
        Sheet::open_as(path, columns, map, false)
    }

    /// Opens a file whose dates carry the time of day, also where a workbook holds them.
    pub fn open_with_times(
        path: &Path,
        columns: &'static [Column],
        map: Option<&ColumnMap>,
    ) -> Result<Sheet, SheetError> {
        Sheet::open_as(path, columns, map, true)
    }

    fn open_as(
        path: &Path,
        columns: &'static [Column],
        map: Option<&ColumnMap>,
        times: bool,
    ) -> Result<Sheet, SheetError> {
        let surveyed = encoding::survey(path)?;
        let (mut source, counted) = match surveyed.content {
            encoding::Content::Workbook => {
                (Source::Workbook(Box::new(workbook::Workbook::open(path, times)?)), None)
            }
            encoding::Content::Text(encoding, lines) => {
                let delimited = delimited::Delimited::open(path, encoding)?;
                (Source::Delimited(Box::new(delimited)), Some(lines))
            }
        };
        let mut lines = Lines::default();
        let header = read_header(path, &mut source, &mut lines)?;
        let (placed, warnings) = columns::place(path, &header.cells, columns, map)?;
        let sha256 = match map {
            Some(map) => crate::kernel::digest::sha256(
                format!("{}+{}", surveyed.sha256, map.sha256).as_bytes(),
            ),
            None => surveyed.sha256,
        };
        let outline = Outline::new(header.cells.len(), columns, &placed);
        if let Source::Delimited(delimited) = &source
            && delimited.has_swallowed(&outline)
        {
            return Err(line(path, header.line, Broken::HeaderSwallows));
        }
        let header_line = header.line;
        let unnamed = header.cells.iter().enumerate().filter(|(_, name)| is_blank_text(name));
        let unnamed = unnamed.map(|(i, _)| i).collect();
        let mut sheet = Sheet {
            path: path.to_path_buf(),
            sha256,
            size: surveyed.size,
            header: header.cells,
            warnings,
            columns,
            placed,
            source,
            counted,
            lines,
            outline,
            widths: None,
            unnamed,
            ahead: VecDeque::new(),
            spare: Vec::new(),
            ended: false,
        };
        sheet.read_ahead()?;
        if counted.is_some() {
            let first: Vec<&RawRow> = sheet.ahead.iter().collect();
            let widths =
                Widths::new(&sheet.header, &first).map_err(|why| line(path, header_line, why))?;
            sheet.outline.width = widths.full;
            sheet.widths = Some(widths);
        }
        Ok(sheet)
    }

    /// The file's own name, without folders.
    pub fn file_name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Whether a column is in the file (or given as a constant).
    pub fn has(&self, column: usize) -> bool {
        !matches!(self.placed.get(column), None | Some(Placed::Absent))
    }

    /// The columns of the file that nobody asked for, with their names.
    pub fn unused(&self) -> impl Iterator<Item = (usize, &str)> {
        self.header.iter().map(|name| name.trim_matches(is_blank)).enumerate().filter(
            |(index, name)| {
                let used = self.placed.contains(&Placed::At(*index));
                !used && !columns::REPORT_COLUMNS.contains(&name.to_lowercase().as_str())
            },
        )
    }

    /// What became of the lines read; of all of them when `next` has said `false`.
    pub fn lines(&self) -> Lines {
        self.lines
    }

    /// Reads the next row that is not blank; `false` at the end.
    pub fn next(&mut self, row: &mut RawRow) -> Result<bool, SheetError> {
        self.read_ahead()?;
        let Some(next) = self.ahead.pop_front() else { return Ok(false) };
        self.spare.push(std::mem::replace(row, next));
        let width_ahead = |i: usize| self.ahead.get(i).and_then(|row| row.width);
        if let (Some(widths), Some(width)) = (&mut self.widths, row.width)
            && let Some(reason) = widths.fault(width, [width_ahead(0), width_ahead(1)])
        {
            row.flaws.insert(0, Flaw::of_row(width.min(self.header.len()), reason));
        }
        Ok(true)
    }

    /// Reads up to two rows more than the next one.
    fn read_ahead(&mut self) -> Result<(), SheetError> {
        while !self.ended && self.ahead.len() <= AHEAD {
            let mut row = self.spare.pop().unwrap_or_default();
            if self.read(&mut row)? {
                self.ahead.push_back(row);
            } else {
                self.ended = true;
                self.account_for_all()?;
            }
        }
        Ok(())
    }

    /// Reads the next row that is not blank, and counts its lines and the blank ones before it.
    fn read(&mut self, row: &mut RawRow) -> Result<bool, SheetError> {
        while self.source.next(row, self.header.len(), Some(&self.outline))? {
            self.lines.blank += row.line - self.lines.read - 1;
            self.lines.read = row.line + row.lines - 1;
            if row.is_blank() {
                self.lines.blank += row.lines;
                continue;
            }
            self.lines.rows += 1;
            self.lines.continued += row.lines - 1;
            if row.width.is_some()
                && row.lines > 1
                && let Some((column, text)) = self.outline.broken(row)
            {
                let text = crate::kernel::text::excerpt(text);
                let why = Broken::LineBreak(column.to_string(), text);
                return Err(line(&self.path, row.line, why));
            }
            self.warn_of_unnamed(row);
            // What stands in a column that nobody reads refuses nothing.
            let placed = &self.placed;
            row.flaws.retain(|flaw| flaw.of_row || placed.contains(&Placed::At(flaw.column)));
            row.flaws.truncate(1);
            return Ok(true);
        }
        Ok(false)
    }

    /// A column with values and no name is ignored, and not in silence: its name may be lost.
    fn warn_of_unnamed(&mut self, row: &RawRow) {
        let warnings = &mut self.warnings;
        self.unnamed.retain(|index| {
            let blank = row.cells.get(*index).is_none_or(|cell| is_blank_text(cell));
            if !blank {
                let (number, line) = (index + 1, row.line);
                warnings.push(format!(
                    "ignored column {number}: it has no name, and values from line {line} on"
                ));
            }
            blank
        });
    }

    /// Every line of a text is the header's, blank, or a row's.
    fn account_for_all(&self) -> Result<(), SheetError> {
        let Lines { read, header, blank, rows, continued } = self.lines;
        let accounted = header + blank + rows + continued == read;
        if !accounted || self.counted.is_some_and(|counted| counted != read) {
            return Err(text::changed(&self.path));
        }
        Ok(())
    }

    /// The refusal of the whole file for one row, where a part of it would be of no use.
    pub fn refuse(&self, fault: &Fault) -> SheetError {
        let Fault { line: number, column, value, reason } = fault;
        line(&self.path, *number, Broken::Cell(column.clone(), value.clone(), reason.clone()))
    }

    /// A row seen through the columns; a row that is torn apart, or has more cells than the header, is a fault.
    pub fn row<'a>(&'a self, raw: &'a RawRow) -> Result<Row<'a>, Fault> {
        if let Some(flaw) = raw.flaws.first() {
            let place = Placed::At(flaw.column);
            let known = self.placed.iter().position(|placed| *placed == place);
            let name = known.and_then(|column| self.columns.get(column)).map(|one| one.name);
            return Err(Fault {
                line: raw.line,
                column: name.map_or_else(|| format!("column {}", flaw.column + 1), str::to_string),
                value: crate::kernel::text::excerpt(
                    raw.cells.get(flaw.column).map_or("", String::as_str),
                ),
                reason: flaw.reason.clone(),
            });
        }
        let beyond = raw.cells.iter().skip(self.header.len()).find(|cell| !is_blank_text(cell));
        match beyond {
            Some(cell) => Err(Fault {
                line: raw.line,
                column: format!("column {}", self.header.len() + 1),
                value: crate::kernel::text::excerpt(cell),
                reason: Wrong::BeyondHeader,
            }),
            None if raw.cells.iter().any(|cell| cell.contains('\0')) => Err(nul(raw)),
            None => Ok(Row { raw, columns: self.columns, placed: &self.placed }),
        }
    }
}

/// A NUL is in no name and no number, and no database keeps one.
fn nul(raw: &RawRow) -> Fault {
    let at = raw.cells.iter().position(|cell| cell.contains('\0')).unwrap_or_default();
    let value = raw.cells.get(at).map_or(String::new(), |cell| cell.replace('\0', "\u{2400}"));
    Fault {
        line: raw.line,
        column: format!("column {}", at + 1),
        value: crate::kernel::text::excerpt(&value),
        reason: Wrong::Nul,
    }
}

impl Source {
    /// Reads the next row, with at most `most` cells and one beyond.
    fn next(
        &mut self,
        row: &mut RawRow,
        most: usize,
        outline: Option<&Outline>,
    ) -> Result<bool, SheetError> {
        match self {
            Source::Delimited(delimited) => delimited.next(row, most, outline),
            Source::Workbook(workbook) => workbook.next(row, most),
        }
    }
}

/// The first row in which something stands.
fn read_header(path: &Path, source: &mut Source, lines: &mut Lines) -> Result<RawRow, SheetError> {
    let mut header = RawRow::default();
    loop {
        if !source.next(&mut header, MOST_COLUMNS, None)? {
            return Err(content(path, Unusable::Empty));
        }
        lines.blank += header.line - lines.read - 1;
        lines.read = header.line + header.lines - 1;
        if !header.is_blank() {
            break;
        }
        lines.blank += header.lines;
    }
    lines.header = header.lines;
    if let Some(flaw) = header.flaws.first() {
        let value = header.cells.get(flaw.column).map_or("", String::as_str);
        let value = crate::kernel::text::excerpt(value);
        return Err(line(path, header.line, Broken::HeaderCell(value, flaw.reason.clone())));
    }
    if header.cells.len() > MOST_COLUMNS
        && header.cells.iter().skip(MOST_COLUMNS).any(|cell| !is_blank_text(cell))
    {
        return Err(line(path, header.line, Broken::TooManyColumns(MOST_COLUMNS)));
    }
    header.cells.truncate(MOST_COLUMNS);
    Ok(header)
}

fn io(path: &Path, why: impl std::fmt::Display) -> SheetError {
    SheetError::Io { file: path.display().to_string(), why: why.to_string() }
}

fn content(path: &Path, why: Unusable) -> SheetError {
    SheetError::Content { file: path.display().to_string(), why }
}

fn line(path: &Path, line: u64, why: Broken) -> SheetError {
    SheetError::Line { file: path.display().to_string(), line, why }
}
