//! What keeps a database or a disk from doing what it is asked, in words for people: what failed, that nothing was
//! changed, and what to do.

use std::io;

use diesel::result::{DatabaseErrorKind, Error};

use super::fact::Fault;
use crate::kernel::Lang;

/// A failure that is nobody's mistake in what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind.
    pub kind: TroubleKind,
    /// How the database or the system says it, for whoever runs it.
    pub detail: String,
}

/// The kinds that somebody can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Another program holds the database.
    Locked,
    /// The server does not answer any more.
    Gone,
    /// The server went while a change was being saved: it may be saved.
    Unsure,
    /// No room on the disk.
    Full,
    /// The file, its folder or the disk can only be read.
    ReadOnly,
    /// The database's user may not do this.
    NotAllowed,
    /// The file is damaged, or no database.
    Damaged,
    /// A text has a NUL, which PostgreSQL cannot keep.
    Nul,
    /// What is stored is nothing that this program writes.
    Unreadable,
    /// Anything else.
    Other,
}

/// What is left of a commit that was never answered.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost while the change was being saved: {0}")]
struct Unanswered(Error);

/// A commit that failed: where the server is gone nobody knows whether it took place.
pub(super) fn of_commit(error: Error) -> Error {
    match Trouble::of(&error).kind {
        TroubleKind::Gone => Error::QueryBuilderError(Box::new(Unanswered(error))),
        _ => error,
    }
}

impl Trouble {
    /// What a failed query means.
    pub fn of(error: &Error) -> Trouble {
        let detail = error.to_string().trim().to_string();
        let kind = match error {
            Error::RollbackErrorOnCommit { commit_error, .. } => Trouble::of(commit_error).kind,
            Error::QueryBuilderError(inner) if inner.is::<Unanswered>() => TroubleKind::Unsure,
            Error::BrokenTransactionManager
            | Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => TroubleKind::Gone,
            Error::DeserializationError(inner) if inner.is::<Fault>() => TroubleKind::Unreadable,
            Error::InvalidCString(_) => TroubleKind::Nul,
            Error::DatabaseError(..) => said(&detail),
            _ => TroubleKind::Other,
        };
        Trouble { kind, detail }
    }

    /// What a failure to reach a database means.
    pub fn of_opening(why: &str) -> Trouble {
        let kind = match said(why) {
            TroubleKind::Other => TroubleKind::Gone,
            kind => kind,
        };
        Trouble { kind, detail: why.trim().to_string() }
    }

    /// What a failed reading or writing of a file means.
    pub fn of_io(error: &io::Error) -> Trouble {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => TroubleKind::Full,
            io::ErrorKind::ReadOnlyFilesystem => TroubleKind::ReadOnly,
            io::ErrorKind::PermissionDenied => TroubleKind::NotAllowed,
            _ => TroubleKind::Other,
        };
        Trouble { kind, detail: error.to_string() }
    }

    /// In words.
    pub fn told(&self, t: Lang) -> String {
        let what = match self.kind {
            TroubleKind::Locked => t.trouble_locked(),
            TroubleKind::Gone => t.trouble_gone(),
            TroubleKind::Unsure => t.trouble_unsure(),
            TroubleKind::Full => t.trouble_full(),
            TroubleKind::ReadOnly => t.trouble_read_only(),
            TroubleKind::NotAllowed => t.trouble_not_allowed(),
            TroubleKind::Damaged => t.trouble_damaged(),
            TroubleKind::Nul => t.trouble_nul(),
            TroubleKind::Unreadable => t.trouble_unreadable(),
            TroubleKind::Other => t.trouble_other(),
        };
        what.to_string()
    }
}

/// A failed query in English, with what the database says: for the command line and its log.
pub fn told(error: &Error) -> String {
    let trouble = Trouble::of(error);
    format!("{} ({})", trouble.told(Lang::En), trouble.detail)
}

/// The databases' own words, which have no codes where they reach us.
fn said(detail: &str) -> TroubleKind {
    let any = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if any(&["database is locked", "database table is locked", "lock timeout", "deadlock detected"])
    {
        TroubleKind::Locked
    } else if any(&["disk is full", "No space left on device", "disk I/O error"]) {
        TroubleKind::Full
    } else if any(&["readonly database", "read-only transaction"]) {
        TroubleKind::ReadOnly
    } else if any(&["permission denied", "must be owner"]) {
        TroubleKind::NotAllowed
    } else if any(&["malformed", "is not a database"]) {
        TroubleKind::Damaged
    } else if any(&["byte sequence for encoding", "unsupported Unicode escape"]) {
        TroubleKind::Nul
    } else if any(&[
        "server closed the connection",
        "terminating connection",
        "no connection to the server",
        "could not receive data",
        "could not send data",
        "connection to server",
        "Connection refused",
        "Connection reset",
        "Broken pipe",
        "database system is s",
        "SSL SYSCALL",
    ]) {
        TroubleKind::Gone
    } else {
        TroubleKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_words_become_ours() {
        let known = [
            ("database is locked", TroubleKind::Locked),
            ("database or disk is full", TroubleKind::Full),
            ("attempt to write a readonly database", TroubleKind::ReadOnly),
            ("database disk image is malformed", TroubleKind::Damaged),
            ("permission denied for table event", TroubleKind::NotAllowed),
            ("terminating connection due to administrator command", TroubleKind::Gone),
            ("FATAL:  the database system is shutting down", TroubleKind::Gone),
            ("could not extend file \"base/1\": No space left on device", TroubleKind::Full),
            ("invalid byte sequence for encoding \"UTF8\": 0x00", TroubleKind::Nul),
            ("UNIQUE constraint failed", TroubleKind::Other),
        ];
        known.iter().for_each(|(words, kind)| assert_eq!(said(words), *kind, "{words}"));
    }

    #[test]
    fn a_stored_value_that_cannot_be_read_is_no_refusal_of_the_database() {
        let (key, why) = ("1".to_string(), "is no month".to_string());
        let fault = Fault { table: "statement", key, column: "month", why };
        let trouble = Trouble::of(&fault.into());
        assert_eq!(trouble.kind, TroubleKind::Unreadable);
        assert!(trouble.told(Lang::En).starts_with("A stored value cannot be read."));
    }

    #[test]
    fn a_commit_that_is_never_answered_may_have_taken_place() {
        let lost = Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection,
            Box::new("server closed the connection unexpectedly".to_string()),
        );
        assert_eq!(Trouble::of(&of_commit(lost)).kind, TroubleKind::Unsure);
        assert_eq!(Trouble::of(&Error::BrokenTransactionManager).kind, TroubleKind::Gone);
    }
}
