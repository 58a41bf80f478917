//! The one door by which files leave for where somebody asked them to go (`-o`, `--rejects`, `--export`, `--strata`).
//!
//! A plain file is there whole or not at all: it is written under another name beside its place and then takes it, with
//! the permissions of the file that stood there. A link stays a link, and what it leads to is replaced. What is no plain
//! file – a device, a pipe – is written through and stays what it is. `-` is standard output.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Access, access};
use tempfile::NamedTempFile;

/// Why a file does not get where it should.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {why}; {left}", path.display())]
pub struct OutFileError {
    path: PathBuf,
    why: String,
    left: &'static str,
}

/// What there is of a file that could not be written.
const AS_IT_WAS: &str = "what stood there is as it was; free space or name another place";
const IN_PART: &str = "a part of it may have been written";

/// Whether a file went to standard output, so that what else there is to say goes to standard error.
static STANDARD_OUTPUT_IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether a file went to standard output.
pub fn standard_output_is_taken() -> bool {
    STANDARD_OUTPUT_IS_TAKEN.load(Ordering::Relaxed)
}

/// A file on its way out. Dropped before [`OutFile::finish`], a plain file leaves no trace.
pub struct OutFile {
    path: PathBuf,
    sink: Sink,
    trouble: Option<String>,
}

enum Sink {
    Standard(BufWriter<io::Stdout>),
    Through(BufWriter<File>),
    Whole { part: BufWriter<NamedTempFile>, place: PathBuf },
}

/// Where a path leads.
enum Place {
    Standard,
    Through,
    Plain(PathBuf, Option<Metadata>),
}

impl OutFile {
    /// Begins a file.
    pub fn create(path: &Path) -> Result<OutFile, OutFileError> {
        let failed = |error| refused(path, error);
        let sink = match find(path).map_err(failed)? {
            Place::Standard => {
                STANDARD_OUTPUT_IS_TAKEN.store(true, Ordering::Relaxed);
                Sink::Standard(BufWriter::new(io::stdout()))
            }
            Place::Through => {
                let file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
                Sink::Through(BufWriter::new(file))
            }
            Place::Plain(place, old) => {
                let part = beside(&place, old.as_ref()).map_err(failed)?;
                Sink::Whole { part: BufWriter::new(part), place }
            }
        };
        Ok(OutFile { path: path.to_path_buf(), sink, trouble: None })
    }

    /// Refuses a path that cannot be written, before anything is done; nothing is left at it.
    pub fn check(path: &Path) -> Result<(), OutFileError> {
        let failed = |error| refused(path, error);
        match find(path).map_err(failed)? {
            Place::Standard => Ok(()),
            Place::Through => access(path, Access::WRITE_OK).map_err(|error| failed(error.into())),
            Place::Plain(place, old) => beside(&place, old.as_ref()).map(drop).map_err(failed),
        }
    }

    /// Puts the file in its place.
    pub fn finish(self) -> Result<(), OutFileError> {
        let OutFile { path, sink, .. } = self;
        match sink {
            Sink::Standard(mut out) => out.flush().map_err(|error| in_part(&path, &error)),
            Sink::Through(mut out) => out.flush().map_err(|error| in_part(&path, &error)),
            Sink::Whole { part, place } => {
                let failed = |error| refused(&path, error);
                let part = part.into_inner().map_err(|error| failed(error.into_error()))?;
                part.as_file().sync_all().map_err(failed)?;
                part.persist(&place).map(drop).map_err(|error| failed(error.error))
            }
        }
    }

    /// Why writing to it failed, when it did: whoever filled it knows only that something did.
    pub fn trouble(&self) -> Option<OutFileError> {
        let why = self.trouble.clone()?;
        let plain = matches!(self.sink, Sink::Whole { .. });
        let left = if plain { AS_IT_WAS } else { IN_PART };
        Some(OutFileError { path: self.path.clone(), why, left })
    }

    fn noted<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.inspect_err(|error| self.trouble = Some(error.to_string()))
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.sink {
            Sink::Standard(out) => out.write(bytes),
            Sink::Through(out) => out.write(bytes),
            Sink::Whole { part, .. } => part.write(bytes),
        };
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.sink {
            Sink::Standard(out) => out.flush(),
            Sink::Through(out) => out.flush(),
            Sink::Whole { part, .. } => part.flush(),
        };
        self.noted(flushed)
    }
}

fn refused(path: &Path, error: io::Error) -> OutFileError {
    OutFileError { path: path.to_path_buf(), why: error.to_string(), left: AS_IT_WAS }
}

fn in_part(path: &Path, error: &io::Error) -> OutFileError {
    OutFileError { path: path.to_path_buf(), why: error.to_string(), left: IN_PART }
}

fn find(path: &Path) -> io::Result<Place> {
    if path == Path::new("-") {
        return Ok(Place::Standard);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::other("it is a folder")),
        Ok(found) if !found.is_file() => Ok(Place::Through),
        Ok(found) => {
            access(path, Access::WRITE_OK)?;
            if is_database(path) {
                return Err(io::Error::other("it is a database, which no file may replace"));
            }
            Ok(Place::Plain(fs::canonicalize(path)?, Some(found)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Place::Plain(end_of_links(path)?, None))
        }
        Err(error) => Err(error),
    }
}

/// Where links lead that lead to nothing yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_path_buf();
    for _ in 0..40 {
        match fs::read_link(&place) {
            Ok(to) => place = folder_of(&place).join(to),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("its links lead nowhere"))
}

fn folder_of(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_database(path: &Path) -> bool {
    let mut first = [0_u8; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first == *b"SQLite format 3\0"
}

/// The file under another name, in the same folder, so that taking its place is one step.
fn beside(place: &Path, old: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".consign-").suffix(".part").permissions(Permissions::from_mode(0o666));
    let part = builder.tempfile_in(folder_of(place))?;
    if let Some(old) = old {
        // Only root can give a file away; for others the new file is their own, as any file they write.
        let given = chown(part.path(), Some(old.uid()), Some(old.gid()));
        drop(given);
        part.as_file().set_permissions(old.permissions())?;
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};

    use super::*;

    fn write(path: &Path, text: &str) -> Result<(), OutFileError> {
        OutFile::check(path)?;
        let mut out = OutFile::create(path)?;
        out.write_all(text.as_bytes()).unwrap();
        out.finish()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_plain_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        write(&path, "one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o111, 0);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let mut begun = OutFile::create(&path).unwrap();
        begun.write_all(b"half of").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        drop(begun);
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        symlink("real", &link).unwrap();
        for text in ["one", "two"] {
            write(&link, text).unwrap();
            assert_eq!(fs::read_to_string(&real).unwrap(), text);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
    }

    #[test]
    fn what_is_no_plain_file_stays_what_it_is() {
        write(Path::new("/dev/null"), "nothing").unwrap();
        let null = fs::metadata("/dev/null").unwrap();
        assert!(null.file_type().is_char_device());
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
        };
        write(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_folder_and_a_database_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(folder.path(), "x").unwrap_err().to_string().contains("is a folder"));
        let database = folder.path().join("consign.db");
        fs::write(&database, b"SQLite format 3\0and pages").unwrap();
        assert!(write(&database, "x").unwrap_err().to_string().contains("is a database"));
        assert!(write(&folder.path().join("none/out"), "x").is_err());
    }
}
