//! The floor under the stores: one connection type over SQLite and PostgreSQL, one writer at a time per book.

// The derive of the connection writes conversions for every type a database has, floats among them, undocumented.
#[allow(clippy::disallowed_types, missing_docs)]
mod connection;
#[macro_use]
mod define;
mod column;
mod copy;
mod dialect;
mod fact;
mod migrate;
mod pool;
mod reading;
mod trouble;

pub use column::{Cell, Column, Kind};
pub use connection::Db;
pub(crate) use define::{fact, group, row};
pub use dialect::{refresh_statistics, schema_of};
pub(crate) use fact::build;
pub use fact::{
    Backend, ColumnOf, Description, Fact, Fault, Field, Member, Row, Shape, Table, Unfit,
    canonical_rows, columns_of, digest_row, insert, insert_facts, keys_in, keys_json, names_of,
    rows_of_json, select,
};
pub use migrate::migrate;
pub use pool::{Pool, PoolError};
pub use trouble::{Trouble, TroubleKind, told};

use crate::kernel::progress::Stop;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A file, created when missing.
    Sqlite(String),
    /// A server, by its URL.
    Postgres(String),
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite:` nor `postgres://`.
    #[error(
        "the database address \"{0}\" is not understood; write sqlite:PATH or postgres://USER@HOST/NAME"
    )]
    Address(String),
    /// It does not answer, or the file cannot be opened.
    #[error("cannot open the database {0}: {1}; nothing was changed; {hint}", hint = what_to_do(.1))]
    Connect(String, String),
    /// The tables are those of an earlier version, and cannot be brought up to date from here.
    #[error(
        "the tables of {0} are those of an earlier version of the program (they lack {1}), and they cannot be brought up to date \
         from here; nothing was changed; open a copy that can be written, by any command, or use the version that wrote it"
    )]
    Older(String, String),
    /// The tables are those of a later version.
    #[error(
        "the tables of {0} are those of a later version of the program (they have {1}); nothing was changed; use that version"
    )]
    Newer(String, String),
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database's tables up to date: {0}; nothing was changed")]
    Migrate(String),
}

/// What to do about a database that does not open.
fn what_to_do(why: &str) -> &'static str {
    match Trouble::of_opening(why).kind {
        TroubleKind::Locked => "try again when the other program has finished",
        TroubleKind::Full => "free space on the disk of the database, then try again",
        TroubleKind::NotAllowed | TroubleKind::ReadOnly => {
            "give this user the right, or name another database with --database or DATABASE_URL"
        }
        TroubleKind::Damaged => "name another file, or take the last backup",
        _ => "check the address (--database or DATABASE_URL), and that it can be reached from here",
    }
}

impl Address {
    /// Chooses the database by the scheme of the URL, never by trying.
    pub fn parse(text: &str) -> Result<Address, OpenError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.is_empty() && !path.starts_with(":memory:") {
                return Ok(Address::Sqlite(path.to_string()));
            }
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Address::Postgres(text.to_string()));
        }
        Err(OpenError::Address(text.to_string()))
    }

    /// Opens a connection with the settings every connection of this database needs.
    pub fn connect(&self) -> Result<Db, OpenError> {
        dialect::connect(self)
    }

    /// Opens a connection and brings the tables up to date.
    pub fn open(&self) -> Result<Db, OpenError> {
        let mut db = self.connect()?;
        migrate(&mut db)?;
        Ok(db)
    }

    /// Opens a connection to read. Where writing is not allowed nothing is written, created or brought up to date.
    pub fn open_to_read(&self) -> Result<Db, OpenError> {
        let (mut db, closed) = dialect::connect_to_read(self)?;
        let state = migrate::state(&mut db);
        if !state.newer.is_empty() {
            return Err(OpenError::Newer(self.shown(), state.newer.join(", ")));
        }
        if !state.lacking.is_empty() && (closed || migrate(&mut db).is_err()) {
            return Err(OpenError::Older(self.shown(), state.lacking.join(", ")));
        }
        Ok(db)
    }

    /// Whether a transaction that writes keeps everybody else from writing, whatever they write.
    pub fn has_one_writer(&self) -> bool {
        matches!(self, Address::Sqlite(_))
    }

    /// The address as it may be shown: without a password.
    pub fn shown(&self) -> String {
        match self {
            Address::Sqlite(path) => path.clone(),
            Address::Postgres(url) => dialect::without_password(url),
        }
    }
}

/// Runs `work` as the only writer of a lender's book: saved whole when it succeeds, not at all when it fails.
/// An empty lender means the installation itself (lenders, people).
pub fn write<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    write_all(db, &[lender], work)
}

/// As [`write()`], as the only writer of several books at once. Whoever takes several names the lenders in the order of
/// their codes and the installation last, so that two never wait for each other, and nobody who signs in for a book.
pub fn write_all<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    lenders: &[&str],
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    dialect::begin_writer(db)?;
    finish(db, |db| {
        lenders.iter().try_for_each(|lender| dialect::lock(db, lender))?;
        work(db)
    })
}

/// Runs `work` on one snapshot of the database; nothing is written.
pub fn read<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    dialect::begin_reader(db)?;
    let outcome = work(db);
    let ended = dialect::rollback(db);
    // Where the work failed, why it failed is what matters, not that nothing more could be said to the database.
    let done = outcome?;
    ended?;
    Ok(done)
}

/// Work that is stopped undoes its transaction like any other that fails.
impl From<Stop> for diesel::result::Error {
    fn from(_: Stop) -> diesel::result::Error {
        diesel::result::Error::RollbackTransaction
    }
}

fn finish<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    match work(db) {
        Ok(done) => {
            dialect::commit(db).map_err(trouble::of_commit)?;
            Ok(done)
        }
        Err(why) => {
            // A connection that cannot even do this is not used again; the database rolls back on its own.
            let undone = dialect::rollback(db);
            drop(undone);
            Err(why)
        }
    }
}
