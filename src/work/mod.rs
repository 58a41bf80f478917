//! Work that lasts (后台任务): imports, runs and closings that were asked for on the pages.
//!
//! A form becomes a row of the table `job` and is answered; a [`Worker`] of any server on the database takes it up. What
//! a job does to the book and that it is done are one transaction, so that a job that is killed, cancelled or taken over
//! by somebody else has done nothing, and one that is done was done once. Who carries a job out holds a lease on it and
//! renews it; a lease that ran out is anybody's, and the job begins again from its arguments.
//!
//! The files of a job lie in the database, sealed with the key that seals personal data, because whoever takes the job
//! up may be another machine. What was sent goes when the job ends; what it made is kept for [`KEPT_DAYS`].

mod ask;
mod carry;
mod file;
mod lease;
pub mod store;
mod watch;
mod worker;
mod works;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use ask::{Sent, ask};
pub use file::{FileError, read_file, seal_outcome};
pub use store::Job;
pub use watch::Told;
pub use worker::Worker;
pub use works::Works;

use crate::identity::Permission;
use crate::kernel::{Month, enumeration};

/// So long what a job made can be fetched.
pub const KEPT_DAYS: i64 = 7;

enumeration! {
    /// What a job does.
    pub enum JobKind ("kind of job") {
        /// Takes in a portfolio.
        ImportPortfolio = "import_portfolio",
        /// Takes in recoveries.
        ImportRecoveries = "import_recoveries",
        /// Takes in contact records.
        ImportContacts = "import_contacts",
        /// Takes in complaints.
        ImportComplaints = "import_complaints",
        /// Simulates a strategy.
        Simulate = "simulate",
        /// Commits a run.
        Commit = "commit",
        /// Closes a month.
        Close = "close",
        /// Writes a file of what a list shows; nothing asks for it yet.
        Export = "export",
    }
}

enumeration! {
    /// How far a job is.
    pub enum Status ("status of a job") {
        /// Nobody has taken it up.
        Queued = "queued",
        /// Somebody works on it.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It did not come to its end; nothing was changed.
        Failed = "failed",
        /// It was called off; nothing was changed.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        !matches!(self, Status::Queued | Status::Running)
    }
}

enumeration! {
    /// Why a job failed.
    pub enum Failure ("failure of a job") {
        /// The book refused it; its outcome says why.
        Refused = "refused",
        /// The database or a disk did not do what it was asked.
        Trouble = "trouble",
        /// A fault of this program.
        Fault = "fault",
        /// It was begun several times, and whoever did was gone before its end.
        GaveUp = "gave_up",
        /// Its file does not open with the key of this server, or its row was changed outside this program.
        Unreadable = "unreadable",
    }
}

enumeration! {
    /// A file of a job.
    pub enum FileKind ("file of a job") {
        /// As it was sent.
        Sent = "sent",
        /// The rejected rows of what was sent.
        Rejects = "rejects",
        /// What the job made.
        Made = "made",
    }
}

impl JobKind {
    /// Who asks for such a job, and sees what became of it: a lender's people and an agency's.
    pub fn permissions(self) -> (Permission, Option<Permission>) {
        match self {
            JobKind::ImportPortfolio => (Permission::TakeInPortfolios, None),
            JobKind::ImportRecoveries => (Permission::TakeInRecoveries, None),
            JobKind::ImportContacts => {
                (Permission::ActOnConduct, Some(Permission::SendOwnContacts))
            }
            JobKind::ImportComplaints => (Permission::ActOnConduct, None),
            JobKind::Simulate | JobKind::Commit => (Permission::Allocate, None),
            JobKind::Close => (Permission::CloseMonths, None),
            JobKind::Export => (Permission::Accounts, None),
        }
    }
}

/// What is asked for: the arguments of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Take in a portfolio.
    ImportPortfolio {
        /// The file's name.
        file: String,
        /// The day it is of.
        #[serde(with = "spelling")]
        as_of: NaiveDate,
        /// What the sender says of it.
        declared: Declared,
    },
    /// Take in recoveries.
    ImportRecoveries {
        /// The file's name.
        file: String,
        /// What the sender says of it.
        declared: Declared,
    },
    /// Take in complaints.
    ImportComplaints {
        /// The file's name.
        file: String,
        /// What the sender says of it.
        declared: Declared,
    },
    /// Take in contact records of an agency.
    ImportContacts {
        /// The file's name.
        file: String,
        /// Whose records they are.
        agency: String,
        /// Whether the agency sends them itself.
        own: bool,
        /// What the sender says of the file.
        declared: Declared,
    },
    /// Simulate a strategy.
    Simulate {
        /// For this day.
        #[serde(with = "spelling")]
        on: NaiveDate,
        /// The strategy as it was typed.
        strategy: String,
    },
    /// Commit a run.
    Commit {
        /// Its number.
        run_no: i64,
    },
    /// Close a month.
    Close {
        /// The month.
        #[serde(with = "spelling")]
        month: Month,
    },
}

/// What the sender of a file says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// How many data rows it has.
    pub rows: Option<u64>,
    /// What its amounts add up to, as written.
    pub total: Option<String>,
    /// Whether it is to be refused whole when a row is rejected.
    pub whole: bool,
}

impl Order {
    /// What kind of job it makes.
    pub fn kind(&self) -> JobKind {
        match self {
            Order::ImportPortfolio { .. } => JobKind::ImportPortfolio,
            Order::ImportRecoveries { .. } => JobKind::ImportRecoveries,
            Order::ImportComplaints { .. } => JobKind::ImportComplaints,
            Order::ImportContacts { .. } => JobKind::ImportContacts,
            Order::Simulate { .. } => JobKind::Simulate,
            Order::Commit { .. } => JobKind::Commit,
            Order::Close { .. } => JobKind::Close,
        }
    }

    /// What it is about, in a word: a file, a day, a run, a month.
    pub fn subject(&self) -> String {
        match self {
            Order::ImportPortfolio { file, .. }
            | Order::ImportRecoveries { file, .. }
            | Order::ImportComplaints { file, .. }
            | Order::ImportContacts { file, .. } => file.clone(),
            Order::Simulate { on, .. } => on.to_string(),
            Order::Commit { run_no } => run_no.to_string(),
            Order::Close { month } => month.to_string(),
        }
    }
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "snake_case")]
pub enum Outcome {
    /// A file was taken in.
    Imported(Imported),
    /// A run was simulated or committed.
    Run {
        /// Its number.
        run_no: i64,
    },
    /// A month was closed, now or before.
    Closed {
        /// Whether it was closed before.
        already: bool,
        /// Its statements.
        statements: Vec<String>,
        /// Placements recorded as expired.
        expired: usize,
        /// Recalls recorded as final.
        recalls_final: usize,
    },
    /// The book refused: why, in both languages.
    Refused {
        /// In English.
        en: String,
        /// In Chinese.
        zh: String,
    },
}

/// What came of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Whether the same bytes were taken in before.
    pub already: bool,
    /// Data rows in the file.
    pub rows: u64,
    /// Rows taken in.
    pub accepted: u64,
    /// Rows that were known with the same content.
    pub duplicate: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// What is odd but harmless.
    pub warnings: Vec<String>,
    /// The first rejected rows.
    pub faults: Vec<Rejected>,
    /// What is particular to the kind of file.
    pub totals: serde_json::Value,
}

/// A rejected row, with why in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// 1-based line in the file.
    pub line: u64,
    /// The column.
    pub column: String,
    /// What stood there.
    pub value: String,
    /// What is wrong, in English.
    pub en: String,
    /// What is wrong, in Chinese.
    pub zh: String,
}

/// Days and months as they are written.
mod spelling {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::custom(format!("\"{text}\" is no day or month")))
    }
}

/// A file of a job.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// The job.
    pub job: &'a str,
    /// Which file.
    pub what: FileKind,
}
