//! The text of a file, decoded piece by piece, and its lines.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::wrong::{Broken, Unusable};
use super::{SheetError, io, line};
use crate::kernel::digest::Running;

/// Longest row in bytes, of text and of a workbook; a longer one is an unclosed quote or no table at all.
pub(super) const LONGEST_ROW: usize = 1 << 20;

/// A file's text as it is decoded; bytes that are no text stop it.
pub(super) struct Decoded {
    file: File,
    decoder: Decoder,
    raw: Vec<u8>,
    offset: u64,
    ended: bool,
    digest: Running,
}

/// Why decoding stops.
pub(super) enum Stop {
    /// The file cannot be read.
    Io(std::io::Error),
    /// The bytes from this place on (0-based) are not of the encoding.
    Malformed(u64),
    /// A character that no text has.
    Nul,
}

impl Decoded {
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Decoded, SheetError> {
        let file = File::open(path).map_err(|error| io(path, error))?;
        Ok(Decoded {
            file,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; 1 << 16],
            offset: 0,
            ended: false,
            digest: Running::default(),
        })
    }

    /// Puts the next piece behind `text`, up to what stops it; `false` at the end.
    pub(super) fn more(&mut self, text: &mut String) -> Result<bool, Stop> {
        if self.ended {
            return Ok(false);
        }
        let read = self.file.read(&mut self.raw).map_err(Stop::Io)?;
        self.digest.update(&self.raw[..read]);
        self.ended = read == 0;
        let before = text.len();
        let room = self.decoder.max_utf8_buffer_length_without_replacement(read);
        text.reserve(room.unwrap_or(4 * (read + 1)));
        let (result, consumed) =
            self.decoder.decode_to_string_without_replacement(&self.raw[..read], text, self.ended);
        if let DecoderResult::Malformed(bad, behind) = result {
            let back = u64::from(bad) + u64::from(behind);
            return Err(Stop::Malformed((self.offset + consumed as u64).saturating_sub(back)));
        }
        if let Some(nul) = text.as_bytes()[before..].iter().position(|byte| *byte == 0) {
            text.truncate(before + nul);
            return Err(Stop::Nul);
        }
        self.offset += read as u64;
        Ok(!self.ended)
    }

    /// SHA-256 of the bytes read.
    pub(super) fn digest(self) -> String {
        self.digest.finish()
    }
}

/// Counts lines as an editor does: a return and a newline end one line together, and each of them alone ends one too.
#[derive(Default)]
pub(super) struct Counter {
    ended: u64,
    after_return: bool,
    open: bool,
}

impl Counter {
    pub(super) fn count(&mut self, text: &str) {
        for byte in text.bytes() {
            let ends = byte == b'\r' || byte == b'\n' && !self.after_return;
            self.ended += u64::from(ends);
            self.open = !matches!(byte, b'\r' | b'\n');
            self.after_return = byte == b'\r';
        }
    }

    /// The line (1-based) behind what was counted.
    pub(super) fn line(&self) -> u64 {
        self.ended + 1
    }

    /// All lines, the last one also without an end.
    pub(super) fn lines(&self) -> u64 {
        self.ended + u64::from(self.open)
    }
}

/// A line of a file.
pub(super) struct Line<'a> {
    /// 1-based.
    pub(super) number: u64,
    pub(super) text: &'a str,
    /// What ends it; empty at the end of the file.
    pub(super) end: &'a str,
}

/// A file's lines one after the other; none is longer than a row may be, so that memory never grows with a broken file.
pub(super) struct Lines {
    decoded: Decoded,
    text: String,
    at: usize,
    number: u64,
    ended: bool,
}

impl Lines {
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Lines, SheetError> {
        let decoded = Decoded::open(path, encoding)?;
        Ok(Lines { decoded, text: String::new(), at: 0, number: 0, ended: false })
    }

    pub(super) fn next(&mut self, path: &Path) -> Result<Option<Line<'_>>, SheetError> {
        let mut searched = 0;
        let (length, end) = loop {
            let rest = &self.text.as_bytes()[self.at..];
            let found = rest[searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            match found.map(|n| searched + n) {
                // What follows a return at the end of the piece decides whether it ends the line alone.
                Some(n) if rest[n] == b'\n' => break (n, 1),
                Some(n) if n + 1 < rest.len() => break (n, 1 + usize::from(rest[n + 1] == b'\n')),
                Some(n) if self.ended => break (n, 1),
                Some(n) => searched = n,
                None if self.ended && rest.is_empty() => return Ok(None),
                None if self.ended => break (rest.len(), 0),
                None => searched = rest.len(),
            }
            self.fill(path)?;
        };
        let start = self.at;
        self.at = start + length + end;
        self.number += 1;
        Ok(Some(Line {
            number: self.number,
            text: &self.text[start..start + length],
            end: &self.text[start + length..self.at],
        }))
    }

    fn fill(&mut self, path: &Path) -> Result<(), SheetError> {
        self.text.drain(..self.at);
        self.at = 0;
        let number = self.number + 1;
        if self.text.len() > LONGEST_ROW {
            return Err(too_long(path, number));
        }
        match self.decoded.more(&mut self.text) {
            Ok(more) => self.ended = !more,
            Err(Stop::Io(error)) => return Err(io(path, error)),
            // The file decoded when it was looked over.
            Err(Stop::Malformed(_) | Stop::Nul) => return Err(changed(path)),
        }
        Ok(())
    }
}

pub(super) fn too_long(path: &Path, number: u64) -> SheetError {
    line(path, number, Broken::TooLong)
}

/// The refusal of a file whose second reading differs from the first.
pub(super) fn changed(path: &Path) -> SheetError {
    super::content(path, Unusable::Changed)
}
