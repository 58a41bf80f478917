//! What a file is: one pass over its bytes finds the digest, the kind, the encoding and the number of lines.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::text::{Counter, Decoded, Stop};
use super::wrong::{Broken, Unusable};
use super::{SheetError, content, io, line};
use crate::kernel::digest::Running;

/// What a file's bytes are.
pub(super) enum Content {
    /// A workbook (.xlsx).
    Workbook,
    /// Text in an encoding, with so many lines.
    Text(&'static Encoding, u64),
}

/// A file looked over once.
pub(super) struct Surveyed {
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) content: Content,
}

/// Looks a file over without holding it.
pub(super) fn survey(path: &Path) -> Result<Surveyed, SheetError> {
    let meta = std::fs::metadata(path).map_err(|error| io(path, error))?;
    if !meta.is_file() {
        return Err(content(path, Unusable::NotPlain));
    }
    let mut head = Vec::with_capacity(4096);
    let file = File::open(path).map_err(|error| io(path, error))?;
    file.take(4096).read_to_end(&mut head).map_err(|error| io(path, error))?;
    let named_workbook =
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    let (sha256, found) = if head.starts_with(b"PK\x03\x04") {
        (digest(path).map_err(|error| io(path, error))?, Content::Workbook)
    } else if named_workbook {
        return Err(content(path, Unusable::NoWorkbook));
    } else {
        let encoding = text_encoding(path, &head)?;
        let scanned = match scan(path, encoding)? {
            Ok(scanned) => (scanned, encoding),
            Err(_) if encoding == UTF_8 && !is_mostly_utf8(path)? => {
                let scanned = scan(path, GB18030)?;
                (scanned.map_err(|fault| fault.refuse(path, Broken::NoEncoding))?, GB18030)
            }
            Err(fault) => {
                let damaged = |byte| Broken::Damaged(byte, encoding.name());
                return Err(fault.refuse(path, damaged));
            }
        };
        let ((sha256, lines), encoding) = scanned;
        (sha256, Content::Text(encoding, lines))
    };
    Ok(Surveyed { sha256, size: meta.len(), content: found })
}

/// A place that is no text.
struct Fault {
    line: u64,
    /// 0-based; none for a character that is decoded but stands in no text.
    byte: Option<u64>,
}

impl Fault {
    fn refuse(&self, path: &Path, why: impl Fn(u64) -> Broken) -> SheetError {
        line(path, self.line, self.byte.map_or(Broken::Nul, |byte| why(byte + 1)))
    }
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Running::default();
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finish()),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// By byte-order mark, else by the zero bytes that UTF-16 puts beside plain letters; else UTF-8 until proven wrong.
fn text_encoding(path: &Path, head: &[u8]) -> Result<&'static Encoding, SheetError> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(content(path, Unusable::OldWorkbook));
    }
    let zeros =
        |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match (even, odd) {
        (0, 0) => Ok(UTF_8),
        (even, odd) if odd > 4 * even => Ok(UTF_16LE),
        (even, odd) if even > 4 * odd => Ok(UTF_16BE),
        _ => Err(content(path, Unusable::NoText)),
    }
}

/// Digest and lines of a text, or the first place that is none.
fn scan(
    path: &Path,
    encoding: &'static Encoding,
) -> Result<Result<(String, u64), Fault>, SheetError> {
    let mut decoded = Decoded::open(path, encoding)?;
    let (mut lines, mut text) = (Counter::default(), String::new());
    loop {
        text.clear();
        let more = decoded.more(&mut text);
        lines.count(&text);
        let byte = match more {
            Ok(true) => continue,
            Ok(false) => return Ok(Ok((decoded.digest(), lines.lines()))),
            Err(Stop::Io(error)) => return Err(io(path, error)),
            Err(Stop::Malformed(byte)) => Some(byte),
            Err(Stop::Nul) => None,
        };
        return Ok(Err(Fault { line: lines.line(), byte }));
    }
}

/// Characters beyond ASCII, or broken places, that tell what a text is without reading on.
const ENOUGH: u64 = 100_000;

/// Whether a text that is not UTF-8 throughout is damaged UTF-8 rather than something else: most of its
/// characters beyond ASCII are UTF-8. (Of GBK about one in six pairs looks like it.)
fn is_mostly_utf8(path: &Path) -> Result<bool, SheetError> {
    let mut file = File::open(path).map_err(|error| io(path, error))?;
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let (mut raw, mut text) = (vec![0_u8; 1 << 16], String::with_capacity(1 << 18));
    let (mut seen, mut whole, mut broken, mut offset, mut broken_up_to) =
        (0, 0_u64, 0_u64, 0_u64, None);
    loop {
        let read = file.read(&mut raw).map_err(|error| io(path, error))?;
        let mut at = 0;
        loop {
            text.clear();
            let (result, consumed) =
                decoder.decode_to_string_without_replacement(&raw[at..read], &mut text, read == 0);
            seen += 1;
            whole += text.bytes().filter(|byte| *byte >= 0xC0).count() as u64;
            at += consumed;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bad, behind) => {
                    let end = (offset + at as u64).saturating_sub(u64::from(behind));
                    // Bytes that are broken side by side are one place.
                    let begin = end.saturating_sub(u64::from(bad));
                    broken += u64::from(broken_up_to != Some(begin));
                    broken_up_to = Some(end);
                }
            }
        }
        offset += read as u64;
        if read == 0 || whole > ENOUGH || seen > ENOUGH {
            return Ok(whole > broken);
        }
    }
}
