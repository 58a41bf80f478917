//! The floor under the stores: one connection type over SQLite and PostgreSQL, one writer at a time per book.

// The derive of the connection writes conversions for every type a database has, floats among them, undocumented.
#[allow(clippy::disallowed_types, missing_docs)]
mod connection;
mod dialect;
mod fact;
mod migrate;
mod pool;

pub use connection::Db;
pub use dialect::{insert_rows, is_locked, refresh_statistics, schema_of};
pub use fact::{
    Cell, FactTable, Kind, canonical_rows, insert_facts, keys_in, keys_json, rows_of_json,
};
pub use migrate::migrate;
pub use pool::{Pool, PoolError};

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
    #[error("cannot open the database {0}: {1}")]
    Connect(String, String),
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database's tables up to date: {0}")]
    Migrate(String),
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
}

/// Runs `work` as the only writer of a lender's book: saved whole when it succeeds, not at all when it fails.
/// An empty lender means the installation itself (lenders, people).
pub fn write<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    dialect::begin_writer(db, lender)?;
    finish(db, work)
}

/// Runs `work` on one snapshot of the database; nothing is written.
pub fn read<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    dialect::begin_reader(db)?;
    let outcome = work(db);
    dialect::rollback(db)?;
    outcome
}

fn finish<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    match work(db) {
        Ok(done) => {
            dialect::commit(db)?;
            Ok(done)
        }
        Err(why) => {
            dialect::rollback(db)?;
            Err(why)
        }
    }
}
