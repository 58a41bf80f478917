//! CSV out: the one door by which tables leave the program, so that no cell of them is run by a spreadsheet.

use std::io::Write;

use crate::kernel::text::neutral;

/// Rows being written as CSV.
pub struct Csv<W: Write> {
    writer: csv::Writer<W>,
    neutralised: bool,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`; its first row is the heading.
    pub fn new(out: W) -> Csv<W> {
        Csv { writer: csv::Writer::from_writer(out), neutralised: true }
    }

    /// Writes cells as they are: for a digest, never for a file.
    pub fn verbatim(out: W) -> Csv<W> {
        Csv { writer: csv::Writer::from_writer(out), neutralised: false }
    }

    /// Writes a row of as many cells as the first.
    pub fn row<T: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
    ) -> Result<(), csv::Error> {
        for cell in cells {
            let cell = cell.as_ref();
            if self.neutralised {
                self.writer.write_field(neutral(cell).as_bytes())?;
            } else {
                self.writer.write_field(cell)?;
            }
        }
        self.writer.write_record(None::<&[u8]>)
    }

    /// Where it goes.
    pub fn destination(&self) -> &W {
        self.writer.get_ref()
    }

    /// Writes out what is left, and gives back where it went.
    pub fn finish(self) -> Result<W, csv::Error> {
        self.writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}
