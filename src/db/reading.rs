//! A SQLite file that can only be read: an auditor's copy, a backup, a book of somebody else's. Nothing is created beside
//! it – an ordinary connection would leave `-wal` and `-shm` there – and nothing is brought up to date.

use std::fs::{Metadata, metadata};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// How a file may be opened.
pub(super) enum Reading {
    /// As any other: it can be written.
    Ordinary,
    /// By this URL.
    Only(String),
    /// Not at all: why, and what to do.
    Impossible(&'static str),
}

/// How a file may be opened by who only reads.
pub(super) fn of(path: &str) -> Reading {
    let file = Path::new(path);
    let Ok(found) = metadata(file) else { return Reading::Ordinary };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let open_folder = metadata(folder).is_ok_and(|found| is_open(folder, &found));
    if open_folder && is_open(file, &found) {
        return Reading::Ordinary;
    }
    let holds_changes = metadata(beside(file, "-wal")).is_ok_and(|wal| wal.len() > 0);
    if beside(file, "-shm").exists() {
        return Reading::Only(url(path, "mode=ro"));
    }
    if holds_changes {
        return Reading::Impossible(
            "its -wal file holds changes that are not in it yet, and they cannot be read without the right to write; \
             copy both files to a folder that can be written, or make the copy with sqlite3's VACUUM INTO",
        );
    }
    Reading::Only(url(path, "mode=ro&immutable=1"))
}

/// Whether something may be written: by its own permissions, which bind root too, and by ours.
fn is_open(path: &Path, found: &Metadata) -> bool {
    !found.permissions().readonly() && access(path, Access::WRITE_OK).is_ok()
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn url(path: &str, how: &str) -> String {
    let plain = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{plain}?{how}")
}
