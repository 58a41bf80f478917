//! What each kind of job does: made ready first, then carried out inside the transaction that also ends the job.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::file::{FileError, read_file};
use super::{Declared, FileKind, Imported, Job, Order, Outcome, Part, Rejected};
use crate::allocation::AllocationError;
use crate::allocation::run::{self, commit_inside, run_inside};
use crate::audit::By;
use crate::conduct::complaints::Complaints;
use crate::conduct::contacts::{Contacts, Sender};
use crate::db::Db;
use crate::intake::{IntakeError, Kind, Opened, Options, Report};
use crate::kernel::progress::{Progress, Stop};
use crate::party::Lang;
use crate::placement::PlacementError;
use crate::portfolio::import::Portfolio;
use crate::portfolio::personal::Key;
use crate::recovery::import::Recoveries;
use crate::settlement::SettlementError;
use crate::settlement::close::{NewClosing, close_inside};
use crate::sheet::Fault;

/// Why a job does not come to its end. Nothing of it is saved.
#[derive(Debug)]
pub(super) enum Halt {
    /// The book refuses it: why, in both languages.
    Refused(String, String),
    /// The database failed.
    Db(diesel::result::Error),
    /// A disk failed.
    Io(std::io::Error),
    /// Its file does not open, or its row says what it cannot say.
    Unreadable,
    /// It is not wanted any more, or somebody else has it.
    Stopped,
    /// A fault of this program.
    Fault(String),
}

impl From<diesel::result::Error> for Halt {
    fn from(error: diesel::result::Error) -> Halt {
        Halt::Db(error)
    }
}

impl From<std::io::Error> for Halt {
    fn from(error: std::io::Error) -> Halt {
        Halt::Io(error)
    }
}

impl From<Stop> for Halt {
    fn from(_: Stop) -> Halt {
        Halt::Stopped
    }
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Halt {
        match error {
            FileError::Db(error) => Halt::Db(error),
            FileError::Io(error) => Halt::Io(error),
            FileError::Sealed => Halt::Unreadable,
        }
    }
}

/// A job made ready.
pub(super) type Ready<'a> =
    Box<dyn FnOnce(&mut Db, &By, &mut dyn Progress) -> Result<Outcome, Halt> + 'a>;

/// What a job is made ready with.
pub(super) struct Bench<'a> {
    pub job: &'a Job,
    pub key: Option<&'a Key>,
    /// A folder that goes with the job.
    pub folder: &'a Path,
}

impl<'a> Bench<'a> {
    /// Reads what a job asks for and opens its file, before anything is locked.
    pub fn ready(&self, db: &mut Db) -> Result<Ready<'a>, Halt> {
        let order: Order =
            serde_json::from_str(&self.job.arguments).map_err(|_| Halt::Unreadable)?;
        let lender = self.job.lender.as_str();
        Ok(match order {
            Order::ImportPortfolio { file, as_of, declared } => {
                self.import(db, &file, declared, Portfolio::as_of(as_of, self.key))?
            }
            Order::ImportRecoveries { file, declared } => {
                self.import(db, &file, declared, Recoveries::default())?
            }
            Order::ImportComplaints { file, declared } => {
                self.import(db, &file, declared, Complaints::default())?
            }
            Order::ImportContacts { file, agency, own, declared } => {
                let sender = if own { Sender::Agency } else { Sender::Lender };
                self.import(db, &file, declared, Contacts::of(&agency, sender, self.key))?
            }
            Order::Simulate { on, strategy } => Box::new(move |db, by, progress| {
                let order = run::Order { lender, file: "", strategy: &strategy, on, commit: false };
                let done = run_inside(db, &order, by, progress).map_err(of_run)?;
                Ok(Outcome::Run { run_no: done.run_no })
            }),
            Order::Commit { run_no } => Box::new(move |db, by, progress| {
                commit_inside(db, lender, run_no, by, progress).map_err(of_run)?;
                Ok(Outcome::Run { run_no })
            }),
            Order::Close { month } => Box::new(move |db, by, progress| {
                let new = NewClosing { month, preview: false, allow_future: false };
                let done = close_inside(db, lender, &new, by, progress).map_err(of_closing)?;
                Ok(Outcome::Closed {
                    already: done.already_closed,
                    statements: done
                        .statements
                        .iter()
                        .map(|one| one.statement_no.clone())
                        .collect(),
                    expired: done.expired,
                    recalls_final: done.recalls_final,
                })
            }),
        })
    }

    /// The file as it was sent, under the name it was sent with, so that refusals name it.
    fn open_file(&self, db: &mut Db, name: &str) -> Result<PathBuf, Halt> {
        let path = self.folder.join(name);
        let mut file = BufWriter::new(std::fs::File::create(&path)?);
        let sent = Part { lender: &self.job.lender, job: &self.job.id, what: FileKind::Sent };
        if !read_file(db, self.key, &sent, &mut file)? {
            return Err(Halt::Unreadable);
        }
        file.flush()?;
        Ok(path)
    }

    fn import<K: Kind + 'a>(
        &self,
        db: &mut Db,
        name: &str,
        declared: Declared,
        kind: K,
    ) -> Result<Ready<'a>, Halt> {
        let path = self.open_file(db, name)?;
        let rejects = self.folder.join("rejects.csv");
        let (job, key, folder) = (self.job, self.key, self.folder);
        let options = Options { rejects: Some(&rejects), ..Options::default() };
        let opened = Opened::open(&path, kind, &options).map_err(|error| of_file(error, folder))?;
        Ok(Box::new(move |db, by, progress| {
            let options = Options {
                expect_rows: declared.rows,
                expect_total: declared.total.as_deref(),
                all_or_nothing: declared.whole,
                ..Options::default()
            };
            let done = opened
                .take_in(db, &job.lender, &options, by, progress)
                .map_err(|error| of_file(error, folder))?;
            if done.rejected > 0
                && !done.already_imported
                && let Some(key) = key
            {
                let mut file = std::fs::File::open(&rejects)?;
                let length = file.metadata()?.len();
                let kept = Part { lender: &job.lender, job: &job.id, what: FileKind::Rejects };
                kept.keep(db, key, &mut file, length)?;
            }
            imported(done)
        }))
    }
}

fn imported<T: serde::Serialize>(done: Report<T>) -> Result<Outcome, Halt> {
    let totals =
        serde_json::to_value(done.totals).map_err(|error| Halt::Fault(error.to_string()))?;
    Ok(Outcome::Imported(Imported {
        already: done.already_imported,
        rows: done.rows,
        accepted: done.accepted,
        duplicate: done.duplicate,
        rejected: done.rejected,
        warnings: done.warnings,
        faults: done.faults.into_iter().map(rejected).collect(),
        totals,
    }))
}

fn rejected(fault: Fault) -> Rejected {
    let (en, zh) = (fault.reason.words(Lang::En), fault.reason.words(Lang::Zh));
    Rejected { line: fault.line, column: fault.column, value: fault.value, en, zh }
}

/// A refusal in the words of both languages.
fn refused(words: impl Fn(Lang) -> String) -> Halt {
    Halt::Refused(words(Lang::En), words(Lang::Zh))
}

/// Why a file is not taken in, without the folder it lay in.
fn of_file(error: IntakeError, folder: &Path) -> Halt {
    match error {
        IntakeError::Db(error) => Halt::Db(error),
        IntakeError::Stopped(stop) => stop.into(),
        other => {
            let folder = format!("{}/", folder.display());
            refused(|t| other.words(t).replace(&folder, ""))
        }
    }
}

fn of_run(error: AllocationError) -> Halt {
    match error {
        AllocationError::Db(error) => Halt::Db(error),
        AllocationError::Placement(PlacementError::Db(error)) => Halt::Db(error),
        AllocationError::Stopped(stop) => stop.into(),
        AllocationError::Committed(run_no) => {
            refused(|t| format!("{} {run_no} {}", t.run_word(), t.run_already()))
        }
        AllocationError::Moved(..) => refused(|t| t.run_moved().to_string()),
        AllocationError::Differs(_) => refused(|t| t.run_differs().to_string()),
        // The form has a name in either language where a command has a file.
        AllocationError::File { fault, .. } => {
            let file = |t: Lang| t.strategy_word().to_string();
            refused(|t| AllocationError::File { file: file(t), fault: fault.clone() }.words(t))
        }
        other => refused(|t| other.words(t)),
    }
}

fn of_closing(error: SettlementError) -> Halt {
    match error {
        SettlementError::Db(error) => Halt::Db(error),
        SettlementError::Placement(PlacementError::Db(error)) => Halt::Db(error),
        SettlementError::Stopped(stop) => stop.into(),
        other => refused(|t| other.words(t)),
    }
}
