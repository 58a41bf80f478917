//! Tables in files, as lenders' systems and spreadsheets save them.
//!
//! A [`Sheet`] recognises by itself UTF-8, UTF-16 and GB18030, comma, semicolon and tab, and workbooks; finds
//! its columns by name or alias; and gives one [`Row`] after the other without holding the file. A row that
//! cannot be used becomes a [`Fault`]; a file that cannot be used at all is a [`SheetError`].

mod columns;
mod delimited;
mod encoding;
mod out;
mod rejects;
mod workbook;

use std::path::{Path, PathBuf};

pub use columns::{Column, ColumnMap, Placed};
pub use out::Csv;
pub use rejects::Rejects;

use crate::kernel::text::meant;

/// Why a file as a whole is refused.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// It cannot be read.
    #[error("{file}: cannot be read: {why}")]
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
    #[error("{file}: {why}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// A place in it is beyond use.
    #[error("{file}, line {line}: {why}")]
    Line {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// What is wrong and what to do.
        why: String,
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
    pub reason: String,
}

/// One row: its line and its cells as they stand in the file.
#[derive(Clone, Debug, Default)]
pub struct RawRow {
    /// 1-based line (of a workbook, row) where it begins.
    pub line: u64,
    /// Cells, not trimmed.
    pub cells: Vec<String>,
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
    pub fn fault(&self, column: usize, reason: impl std::fmt::Display) -> Fault {
        Fault {
            line: self.raw.line,
            column: self.columns.get(column).map_or("", |column| column.name).to_string(),
            value: crate::kernel::text::excerpt(self.get(column).unwrap_or("")),
            reason: reason.to_string(),
        }
    }
}

/// White space that files carry around values, the ideographic and no-break spaces included.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'
}

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
}

enum Source {
    Delimited(Box<delimited::Delimited>),
    Workbook(workbook::Workbook),
}

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
        let (mut source, size) = match surveyed.content {
            encoding::Content::Workbook => {
                (Source::Workbook(workbook::Workbook::open(path, times)?), surveyed.size)
            }
            encoding::Content::Text(encoding) => (
                Source::Delimited(Box::new(delimited::Delimited::open(path, encoding)?)),
                surveyed.size,
            ),
        };
        let mut header = RawRow::default();
        if !source.next(&mut header)? {
            return Err(content(path, "is empty; it needs a header row with the column names"));
        }
        let (placed, warnings) = columns::place(path, &header.cells, columns, map)?;
        let sha256 = match map {
            Some(map) => crate::kernel::digest::sha256(
                format!("{}+{}", surveyed.sha256, map.sha256).as_bytes(),
            ),
            None => surveyed.sha256,
        };
        Ok(Sheet {
            path: path.to_path_buf(),
            sha256,
            size,
            header: header.cells,
            warnings,
            columns,
            placed,
            source,
        })
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

    /// Reads the next row that is not blank; `false` at the end.
    pub fn next(&mut self, row: &mut RawRow) -> Result<bool, SheetError> {
        while self.source.next(row)? {
            if row.cells.iter().any(|cell| !cell.trim_matches(is_blank).is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A row seen through the columns; a row with more cells than the header is a fault.
    pub fn row<'a>(&'a self, raw: &'a RawRow) -> Result<Row<'a>, Fault> {
        let beyond = raw
            .cells
            .iter()
            .skip(self.header.len())
            .find(|cell| !cell.trim_matches(is_blank).is_empty());
        match beyond {
            Some(cell) => Err(Fault {
                line: raw.line,
                column: format!("column {}", self.header.len() + 1),
                value: crate::kernel::text::excerpt(cell),
                reason: "the row has more cells than the header; quote a value that contains the separator".to_string(),
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
        reason: "contains a NUL character (shown as \u{2400}); remove it".to_string(),
    }
}

impl Source {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, SheetError> {
        match self {
            Source::Delimited(delimited) => delimited.next(row),
            Source::Workbook(workbook) => Ok(workbook.next(row)),
        }
    }
}

fn io(path: &Path, why: impl std::fmt::Display) -> SheetError {
    SheetError::Io { file: path.display().to_string(), why: why.to_string() }
}

fn content(path: &Path, why: impl std::fmt::Display) -> SheetError {
    SheetError::Content { file: path.display().to_string(), why: why.to_string() }
}
