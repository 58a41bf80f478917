//! Rejected rows, kept so that they can be corrected and sent again.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{Csv, Fault, RawRow, SheetError, io};
use crate::kernel::text::meant;

/// Counts rejected rows, keeps the first ones for the report, and writes all of them to a file when asked.
pub struct Rejects {
    /// How many rows were rejected.
    pub count: u64,
    /// The first faults, for the report.
    pub first: Vec<Fault>,
    writer: Option<(PathBuf, Csv<BufWriter<File>>)>,
    width: usize,
}

/// Faults kept for the report.
const KEPT: usize = 200;

impl Rejects {
    /// Collects the rejected rows of a file with this header; `path` gets them as CSV: the columns as they came, then
    /// line, column, value and reason. A cell that a spreadsheet would run has an apostrophe before it, which is taken off
    /// when the file comes back.
    pub fn new(header: &[String], path: Option<&Path>) -> Result<Rejects, SheetError> {
        let writer = match path {
            None => None,
            Some(path) => {
                let file = File::create(path).map_err(|error| io(path, error))?;
                let mut writer = Csv::new(BufWriter::new(file));
                let names =
                    header.iter().map(String::as_str).chain(["line", "column", "value", "reason"]);
                writer.row(names).map_err(|error| io(path, error))?;
                Some((path.to_path_buf(), writer))
            }
        };
        Ok(Rejects { count: 0, first: Vec::new(), writer, width: header.len() })
    }

    /// Takes in one rejected row.
    pub fn add(&mut self, row: &RawRow, fault: Fault) -> Result<(), SheetError> {
        self.count += 1;
        if let Some((path, writer)) = &mut self.writer {
            let cells = (0..self.width).map(|i| row.cells.get(i).map_or("", |cell| meant(cell)));
            let line = fault.line.to_string();
            let report = [line.as_str(), &fault.column, &fault.value, &fault.reason];
            writer.row(cells.chain(report)).map_err(|error| io(path, error))?;
        }
        if self.first.len() < KEPT {
            self.first.push(fault);
        }
        Ok(())
    }

    /// Finishes the file; the faults kept for the report are put in order of their lines.
    pub fn finish(&mut self) -> Result<(), SheetError> {
        self.first.sort_by_key(|fault| fault.line);
        match self.writer.take() {
            Some((path, writer)) => writer
                .finish()
                .map_err(|error| io(&path, error))?
                .flush()
                .map_err(|error| io(&path, error)),
            None => Ok(()),
        }
    }
}
