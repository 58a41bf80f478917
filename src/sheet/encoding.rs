//! What a file is: one pass over its bytes finds the digest, the kind and the encoding.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::{SheetError, content, io};
use crate::kernel::digest::Running;

/// What a file's bytes are.
pub(super) enum Content {
    /// A workbook (.xlsx).
    Workbook,
    /// Text in an encoding.
    Text(&'static Encoding),
}

/// A file looked over once.
pub(super) struct Surveyed {
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) content: Content,
}

/// Looks a file over without holding it.
pub(super) fn survey(path: &Path) -> Result<Surveyed, SheetError> {
    let mut file = File::open(path).map_err(|error| io(path, error))?;
    let mut head = [0_u8; 4096];
    let head_length = fill(&mut file, &mut head).map_err(|error| io(path, error))?;
    let head = &head[..head_length];
    let named_workbook =
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    let text = match (head.starts_with(b"PK\x03\x04"), named_workbook) {
        (true, _) => None,
        (false, true) => {
            return Err(content(
                path,
                "is named .xlsx but is no workbook; save it from the spreadsheet again, or as CSV",
            ));
        }
        (false, false) => Some(text_encoding(path, head)?),
    };
    let mut file = File::open(path).map_err(|error| io(path, error))?;
    let (sha256, size, faulty_line) = scan(&mut file, text).map_err(|error| io(path, error))?;
    let content = match (text, faulty_line) {
        (None, _) => Content::Workbook,
        (Some(encoding), None) => Content::Text(encoding),
        (Some(encoding), Some(_)) if encoding == UTF_8 => {
            let mut file = File::open(path).map_err(|error| io(path, error))?;
            match scan(&mut file, Some(GB18030)).map_err(|error| io(path, error))?.2 {
                None => Content::Text(GB18030),
                Some(line) => {
                    return Err(undecodable(path, line, "neither UTF-8 nor GB18030 (GBK)"));
                }
            }
        }
        (Some(encoding), Some(line)) => {
            return Err(undecodable(path, line, &format!("not {}", encoding.name())));
        }
    };
    Ok(Surveyed { sha256, size, content })
}

fn undecodable(path: &Path, line: u64, what: &str) -> SheetError {
    SheetError::Line {
        file: path.display().to_string(),
        line,
        why: format!("the bytes are {what}; save the file as UTF-8, UTF-16 or GB18030"),
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// By byte-order mark, else by the zero bytes that UTF-16 puts beside plain letters; else UTF-8 until proven wrong.
fn text_encoding(path: &Path, head: &[u8]) -> Result<&'static Encoding, SheetError> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(content(path, "is an old Excel workbook (.xls); save it as .xlsx or CSV"));
    }
    let zeros =
        |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match (even, odd) {
        (0, 0) => Ok(UTF_8),
        (even, odd) if odd > 4 * even => Ok(UTF_16LE),
        (even, odd) if even > 4 * odd => Ok(UTF_16BE),
        _ => Err(content(path, "is no text file; export it as CSV or .xlsx")),
    }
}

/// Digest, size, and the first line that does not decode.
fn scan(
    file: &mut File,
    encoding: Option<&'static Encoding>,
) -> std::io::Result<(String, u64, Option<u64>)> {
    let mut digest = Running::default();
    let mut decoder = encoding.map(Encoding::new_decoder_with_bom_removal);
    let (mut size, mut lines, mut faulty) = (0_u64, 1_u64, None);
    let mut buffer = vec![0_u8; 1 << 16];
    let mut decoded = vec![0_u8; 1 << 18];
    loop {
        let read = fill(file, &mut buffer)?;
        digest.update(&buffer[..read]);
        size += read as u64;
        if let (Some(decoder), None) = (&mut decoder, faulty) {
            let (result, consumed, written) = decoder.decode_to_utf8_without_replacement(
                &buffer[..read],
                &mut decoded,
                read == 0,
            );
            lines += decoded[..written].iter().filter(|byte| **byte == b'\n').count() as u64;
            let nul = decoded[..written].contains(&0);
            if matches!(result, DecoderResult::Malformed(_, _)) || consumed < read || nul {
                faulty = Some(lines);
            }
        }
        if read == 0 {
            return Ok((digest.finish(), size, faulty));
        }
    }
}
