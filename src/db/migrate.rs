//! The tables of both databases, embedded and brought up to date at start.

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Db, OpenError, write};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs the migrations that the database lacks; several programs starting at once take turns.
pub fn migrate(db: &mut Db) -> Result<(), OpenError> {
    // Asked by reading only: a user who may change rows need not be one who may create tables.
    if state(db).lacking.is_empty() {
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

/// How the tables of a database stand to those of this program.
#[derive(Default)]
pub(super) struct State {
    /// What they lack.
    pub lacking: Vec<String>,
    /// What they have that this program does not know.
    pub newer: Vec<String>,
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

/// Compares the tables with this program's, reading only. A database without any lacks all.
pub(super) fn state(db: &mut Db) -> State {
    let known = match db {
        Db::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE),
        Db::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES),
    };
    let applied: Vec<VersionRow> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
            .load(db)
            .unwrap_or_default();
    let applied: Vec<String> = applied.into_iter().map(|row| row.version).collect();
    let without = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|one| !those.contains(one)).cloned().collect()
    };
    State { lacking: without(&known, &applied), newer: without(&applied, &known) }
}

fn versions<DB: diesel::backend::Backend>(embedded: &EmbeddedMigrations) -> Vec<String> {
    let migrations = MigrationSource::<DB>::migrations(embedded).unwrap_or_default();
    migrations.iter().map(|migration| migration.name().version().to_string()).collect()
}

struct Failed(String);

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Failed {
        Failed(error.to_string())
    }
}
