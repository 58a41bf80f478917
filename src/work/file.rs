//! The files of jobs: sealed part by part into the database, and opened into a folder that goes with its server.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::store;
use super::{Job, Outcome, Part};
use crate::db::Db;
use crate::portfolio::personal::Key;

/// Bytes of a part.
const PART: usize = 1 << 20;

/// Why a file of a job is not kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
    /// A disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no key, or another one, or the parts were changed.
    #[error("a file of a job does not open with the key of this server")]
    Sealed,
}

impl Part<'_> {
    /// The place of a part: of how many it is one, so that none can be moved, changed for another or left out.
    fn place(&self, number: u64, of: u64) -> String {
        format!("job file {}/{}/{} {number} of {of}", self.lender, self.job, self.what)
    }

    /// Seals a file of so many bytes into the database.
    pub fn keep(
        &self,
        db: &mut Db,
        key: &Key,
        from: &mut impl Read,
        length: u64,
    ) -> Result<(), FileError> {
        let parts = length.div_ceil(PART as u64).max(1);
        for number in 0..parts {
            let mut plain = Vec::with_capacity(PART);
            from.take(PART as u64).read_to_end(&mut plain)?;
            let sealed = key
                .seal_bytes(&self.place(number, parts), &plain)
                .map_err(|_| FileError::Sealed)?;
            store::add_part(db, self, number, &sealed)?;
        }
        Ok(())
    }
}

/// Opens a file of a job; says whether there is one.
pub fn read_file(
    db: &mut Db,
    key: Option<&Key>,
    part: &Part<'_>,
    into: &mut impl Write,
) -> Result<bool, FileError> {
    let parts = store::part_count(db, part)?;
    for number in 0..parts {
        let sealed = store::part(db, part, number)?.ok_or(FileError::Sealed)?;
        let key = key.ok_or(FileError::Sealed)?;
        let plain = key.open_bytes(&part.place(number, parts), &sealed).ok_or(FileError::Sealed)?;
        into.write_all(&plain)?;
    }
    Ok(parts > 0)
}

/// What precedes the text of an outcome that is sealed.
const SEALED: &str = "sealed:";

/// An outcome as its row keeps it: sealed, since it may repeat what stood in a file.
pub fn seal_outcome(key: Option<&Key>, job: &Job, outcome: &Outcome) -> Result<String, String> {
    let plain = serde_json::to_string(outcome).map_err(|error| error.to_string())?;
    let Some(key) = key else { return Ok(plain) };
    let sealed = key.seal_bytes(&outcome_place(job), plain.as_bytes())?;
    Ok(format!("{SEALED}{}", hex::encode(sealed)))
}

fn outcome_place(job: &Job) -> String {
    format!("job outcome {}/{}", job.lender, job.id)
}

impl Job {
    /// What came of it, as far as this key opens it.
    pub fn came(&self, key: Option<&Key>) -> Option<Outcome> {
        let kept = self.outcome.as_deref()?;
        let Some(sealed) = kept.strip_prefix(SEALED) else {
            return serde_json::from_str(kept).ok();
        };
        let plain = key?.open_bytes(&outcome_place(self), &hex::decode(sealed).ok()?)?;
        serde_json::from_slice(&plain).ok()
    }
}

/// What folders of servers begin with.
const FOLDER: &str = "consign-work-";

/// Where a server opens files while it works on them. It goes with the server; what a server that was killed left
/// behind goes when the next one starts.
pub(super) struct Folder {
    folder: tempfile::TempDir,
    _held: File,
}

impl Folder {
    pub fn new() -> io::Result<Folder> {
        sweep(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(FOLDER).tempdir()?;
        let held = File::create(folder.path().join("held"))?;
        held.try_lock().map_err(io::Error::from)?;
        Ok(Folder { folder, _held: held })
    }

    /// A folder for one job.
    pub fn for_a_job(&self) -> io::Result<tempfile::TempDir> {
        tempfile::tempdir_in(self.folder.path())
    }
}

/// Removes the folders that nobody holds any more.
fn sweep(among: &Path) {
    let Ok(entries) = std::fs::read_dir(among) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(FOLDER);
        let left =
            ours && File::open(entry.path().join("held")).is_ok_and(|held| held.try_lock().is_ok());
        if left {
            // One that cannot be removed is left for whoever may.
            let removed = std::fs::remove_dir_all(entry.path());
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_server_left_goes_and_what_is_held_stays() {
        let among = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = among.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file.csv"), "name\nsomebody\n").unwrap();
            let held = File::create(path.join("held")).unwrap();
            (path, held)
        };
        let (left, _) = folder("consign-work-left");
        let (held, lock) = folder("consign-work-held");
        let (foreign, _) = folder("somebody-else");
        lock.try_lock().unwrap();
        sweep(among.path());
        assert!(!left.exists() && held.exists() && foreign.exists());
    }
}
