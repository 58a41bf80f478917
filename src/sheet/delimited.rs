//! CSV in any of the usual spellings, read record by record with a limit on the length of a record.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::{RawRow, SheetError, content, io};

/// Longest record in bytes; a longer one is an unclosed quote or no table at all.
const LONGEST_RECORD: usize = 1 << 20;

pub(super) struct Delimited {
    path: PathBuf,
    reader: csv::Reader<Guard<Decoded>>,
    record: csv::StringRecord,
}

type Decoded = DecodeReaderBytes<BufReader<File>, Vec<u8>>;

impl Delimited {
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Delimited, SheetError> {
        let separator = separator(path, decode(path, encoding)?)?;
        let guard = Guard {
            inner: decode(path, encoding)?,
            separator,
            state: State::FieldStart,
            length: 0,
            line: 1,
            began: 1,
            in_record: false,
            after_return: false,
            begins: VecDeque::new(),
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .buffer_capacity(1 << 16)
            .from_reader(guard);
        Ok(Delimited { path: path.to_path_buf(), reader, record: csv::StringRecord::new() })
    }

    pub(super) fn next(&mut self, row: &mut RawRow) -> Result<bool, SheetError> {
        let more =
            self.reader.read_record(&mut self.record).map_err(|error| self.refused(&error))?;
        // The reader's own position lies before the end of the line before, and before lines that are empty.
        row.line = self.reader.get_mut().begins.pop_front().unwrap_or(0);
        row.cells.truncate(self.record.len());
        for (i, field) in self.record.iter().enumerate() {
            match row.cells.get_mut(i) {
                Some(cell) => {
                    cell.clear();
                    cell.push_str(field);
                }
                None => row.cells.push(field.to_string()),
            }
        }
        Ok(more)
    }

    fn refused(&self, error: &csv::Error) -> SheetError {
        if let csv::ErrorKind::Io(io) = error.kind()
            && let Some(TooLong(line)) =
                io.get_ref().and_then(|inner| inner.downcast_ref::<TooLong>())
        {
            return SheetError::Line {
                file: self.path.display().to_string(),
                line: *line,
                why: "the record that begins here is longer than 1 MiB; close its quote, or check that this is a table"
                    .to_string(),
            };
        }
        content(&self.path, error)
    }
}

fn decode(path: &Path, encoding: &'static Encoding) -> Result<Decoded, SheetError> {
    let file = File::open(path).map_err(|error| io(path, error))?;
    Ok(DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .build(BufReader::with_capacity(1 << 16, file)))
}

/// The separator the header line uses most outside quotes.
fn separator(path: &Path, mut decoded: Decoded) -> Result<u8, SheetError> {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let mut buffer = [0_u8; 4096];
    let mut seen = 0;
    'reading: loop {
        let read = decoded.read(&mut buffer).map_err(|error| io(path, error))?;
        for byte in &buffer[..read] {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted && seen > 0 => break 'reading,
                other => counts
                    .iter_mut()
                    .filter(|(separator, _)| separator == other && !quoted)
                    .for_each(|(_, count)| *count += 1),
            }
            seen += usize::from(!byte.is_ascii_whitespace());
        }
        if read == 0 || seen > LONGEST_RECORD {
            break;
        }
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    Ok(best.filter(|(_, count)| *count > 0).map_or(b',', |(separator, _)| *separator))
}

/// Passes text through, notes the line on which each record begins, and stops at a record that is too long, so that memory
/// never grows with a broken file.
struct Guard<R> {
    inner: R,
    separator: u8,
    state: State,
    length: usize,
    line: u64,
    began: u64,
    in_record: bool,
    after_return: bool,
    /// The first lines of records that the reader has not given out yet.
    begins: VecDeque<u64>,
}

/// Where a reader of CSV stands; quotes open only at the start of a field.
#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

#[derive(Debug, thiserror::Error)]
#[error("the record at line {0} is too long")]
struct TooLong(u64);

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in &buffer[..read] {
            self.length += 1;
            self.state = match (self.state, *byte) {
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
                (State::FieldStart, b'"') => State::Quoted,
                (_, byte) if byte == self.separator || byte == b'\n' || byte == b'\r' => {
                    State::FieldStart
                }
                _ => State::Plain,
            };
            let ends = matches!(byte, b'\n' | b'\r') && self.state == State::FieldStart;
            if !ends && !self.in_record {
                self.begins.push_back(self.line);
            }
            self.in_record = !ends;
            // A return and a newline end one line together; each of them alone ends one too.
            self.line += u64::from(*byte == b'\r' || *byte == b'\n' && !self.after_return);
            self.after_return = *byte == b'\r';
            if ends {
                self.length = 0;
                self.began = self.line;
            }
            if self.length > LONGEST_RECORD {
                return Err(std::io::Error::other(TooLong(self.began)));
            }
        }
        Ok(read)
    }
}
