//! The tables of both databases, embedded and brought up to date at start.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Db, OpenError, write};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs the migrations that the database lacks; several programs starting at once take turns.
pub fn migrate(db: &mut Db) -> Result<(), OpenError> {
    let pending = match db {
        Db::Sqlite(c) => c.has_pending_migration(SQLITE),
        Db::Postgres(c) => c.has_pending_migration(POSTGRES),
    };
    if let Ok(false) = pending {
        return Ok(());
    }
    write(db, "", |db| {
        let done = match db {
            Db::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|_| ()),
            Db::Postgres(c) => c.run_pending_migrations(POSTGRES).map(|_| ()),
        };
        done.map_err(|error| Failed(error.to_string()))
    })
    .map_err(|failed| OpenError::Migrate(failed.0))
}

struct Failed(String);

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Failed {
        Failed(error.to_string())
    }
}
