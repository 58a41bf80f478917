//! Rejected rows, kept so that they can be corrected and sent again.

use std::path::{Path, PathBuf};

use super::{Csv, Fault, RawRow, SheetError, io};
use crate::kernel::text::meant;
use crate::outfile::OutFile;

/// Counts rejected rows, keeps the first ones for the report, and writes all of them to a file when asked.
pub struct Rejects {
    /// How many rows were rejected.
    pub count: u64,
    /// The first faults, for the report.
    pub first: Vec<Fault>,
    writer: Option<(PathBuf, Csv<OutFile>)>,
    width: usize,
}

fn failed(path: &Path, writer: &Csv<OutFile>, error: &csv::Error) -> SheetError {
    writer.destination().trouble().map_or_else(|| io(path, error), SheetError::Rejects)
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
                let mut writer = Csv::new(OutFile::create(path)?);
                let names =
                    header.iter().map(String::as_str).chain(["line", "column", "value", "reason"]);
                writer.row(names).map_err(|error| failed(path, &writer, &error))?;
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
            let (line, reason) = (fault.line.to_string(), fault.reason.to_string());
            let report = [line.as_str(), &fault.column, &fault.value, &reason];
            let written = writer.row(cells.chain(report));
            written.map_err(|error| failed(path, writer, &error))?;
        }
        if self.first.len() < KEPT {
            self.first.push(fault);
        }
        Ok(())
    }

    /// Finishes the file; the faults kept for the report are put in order of their lines.
    pub fn finish(&mut self) -> Result<(), SheetError> {
        self.first.sort_by_key(|fault| fault.line);
        let Some((path, writer)) = self.writer.take() else { return Ok(()) };
        let out = writer.finish().map_err(|error| io(&path, error))?;
        Ok(out.finish()?)
    }
}
