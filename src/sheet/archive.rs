//! The parts of a workbook, which is a ZIP file: found by its directory, unpacked as they are read, checked against
//! their sums. Whatever the file claims, no more is held or unpacked than the bounds here allow.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Parts of a workbook; real ones have tens.
const MOST_PARTS: u64 = 4096;
/// Bytes of the directory of parts.
const LARGEST_DIRECTORY: u64 = 1 << 20;

/// A ZIP file whose directory was read.
pub(super) struct Archive {
    path: PathBuf,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Archive, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let end = End::find(&mut file, length)?;
        if end.entries > MOST_PARTS || end.size > LARGEST_DIRECTORY {
            return Err(format!("its directory is longer than {MOST_PARTS} parts"));
        }
        let directory = bytes_at(&mut file, end.offset, usize::try_from(end.size).unwrap_or(0))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut rest = &directory[..];
        for _ in 0..end.entries {
            let (entry, length) = Entry::read(rest).ok_or("its directory is damaged")?;
            if entries.iter().any(|other| other.name.eq_ignore_ascii_case(&entry.name)) {
                return Err(format!("it has the part {} twice", entry.name));
            }
            entries.push(entry);
            rest = rest.get(length..).unwrap_or(&[]);
        }
        if !rest.is_empty() {
            return Err("its directory is damaged".to_string());
        }
        Ok(Archive { path: path.to_path_buf(), entries })
    }

    /// A part, of at most `most` bytes; nothing when there is none of that name.
    pub(super) fn part(&self, name: &str, most: u64) -> Result<Option<BufReader<Part>>, String> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
        else {
            return Ok(None);
        };
        if entry.unpacked > most {
            let (size, most) = (entry.unpacked >> 20, most >> 20);
            return Err(format!("{name} unpacks to {size} MiB, and at most {most} MiB are read"));
        }
        let mut file = File::open(&self.path).map_err(|error| error.to_string())?;
        let local = bytes_at(&mut file, entry.offset, 30)?;
        if !local.starts_with(b"PK\x03\x04") || entry.flags & 1 == 1 {
            return Err(format!("{name} is damaged, or protected by a password"));
        }
        let skipped = 30 + u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
        let start = entry.offset.saturating_add(skipped);
        file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
        let packed = BufReader::with_capacity(1 << 16, file.take(entry.packed));
        let inner: Box<dyn Read + Send> = match entry.method {
            0 => Box::new(packed),
            8 => Box::new(DeflateDecoder::new(packed)),
            method => {
                return Err(format!("{name} is packed in a way (no. {method}) that is not read"));
            }
        };
        let part = Part { inner, crc: Crc::new(), sum: entry.crc, left: entry.unpacked };
        Ok(Some(BufReader::with_capacity(1 << 16, part)))
    }
}

/// One part as it is unpacked. Its end is reached only when size and sum are what the directory says.
pub(super) struct Part {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    sum: u32,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let damaged = || std::io::Error::other("a part does not have the bytes its sum stands for");
        self.left = self.left.checked_sub(read as u64).ok_or_else(damaged)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && (self.left > 0 || self.crc.sum() != self.sum) {
            return Err(damaged());
        }
        Ok(read)
    }
}

/// Where the directory is.
struct End {
    entries: u64,
    size: u64,
    offset: u64,
}

impl End {
    fn find(file: &mut File, length: u64) -> Result<End, String> {
        let no_end = "it has no directory of its parts; was it sent as a whole?";
        let tail_length = length.min(22 + 65_535);
        let tail_begin = length - tail_length;
        let tail = bytes_at(file, tail_begin, usize::try_from(tail_length).unwrap_or(0))?;
        let at = (0..tail.len().saturating_sub(21))
            .rev()
            .find(|at| {
                tail[*at..].starts_with(b"PK\x05\x06")
                    && usize::from(u16_at(&tail, at + 20)) == tail.len() - at - 22
            })
            .ok_or(no_end)?;
        let end = End {
            entries: u16_at(&tail, at + 10).into(),
            size: u32_at(&tail, at + 12).into(),
            offset: u32_at(&tail, at + 16).into(),
        };
        if u16_at(&tail, at + 8) != u16_at(&tail, at + 10) {
            return Err(no_end.to_string());
        }
        let large = end.entries == 0xFFFF || end.size == 0xFFFF_FFFF || end.offset == 0xFFFF_FFFF;
        let begin = tail_begin + at as u64;
        if !large || begin < 20 {
            return Ok(end);
        }
        let locator = bytes_at(file, begin - 20, 20)?;
        if !locator.starts_with(b"PK\x06\x07") {
            return Ok(end);
        }
        let record = bytes_at(file, u64_at(&locator, 8), 56)?;
        if !record.starts_with(b"PK\x06\x06") {
            return Err(no_end.to_string());
        }
        let (entries, size) = (u64_at(&record, 32), u64_at(&record, 40));
        Ok(End { entries, size, offset: u64_at(&record, 48) })
    }
}

impl Entry {
    /// The first entry of a directory, and how long it is there.
    fn read(directory: &[u8]) -> Option<(Entry, usize)> {
        let fixed = directory.get(..46).filter(|fixed| fixed.starts_with(b"PK\x01\x02"))?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
        let length = 46 + name + extra + comment;
        directory.get(..length)?;
        let mut sizes = [20, 24, 42].map(|at| u64::from(u32_at(fixed, at)));
        // Unpacked, packed and offset, in this order, where the plain field is full.
        if let Some(large) = large_sizes(&directory[46 + name..46 + name + extra]) {
            let mut values = large.chunks_exact(8).map(|value| u64_at(value, 0));
            for i in [1, 0, 2] {
                if sizes[i] == 0xFFFF_FFFF {
                    sizes[i] = values.next()?;
                }
            }
        }
        let [packed, unpacked, offset] = sizes;
        let entry = Entry {
            name: String::from_utf8_lossy(&directory[46..46 + name]).replace('\\', "/"),
            flags: u16_at(fixed, 8),
            method: u16_at(fixed, 10),
            crc: u32_at(fixed, 16),
            packed,
            unpacked,
            offset,
        };
        Some((entry, length))
    }
}

/// The extra field that holds sizes beyond 32 bits.
fn large_sizes(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let end = 4 + usize::from(u16_at(extra, 2));
        let field = extra.get(4..end)?;
        if u16_at(extra, 0) == 1 {
            return Some(field);
        }
        extra = &extra[end..];
    }
    None
}

fn bytes_at(file: &mut File, offset: u64, length: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(|_| "it is cut off or damaged".to_string())?;
    Ok(bytes)
}

/// Little-endian numbers; the callers have checked that the bytes are there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}
