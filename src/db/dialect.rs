//! The only file that matches on the database: how to connect, to be the only writer, and to write many rows.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::column::{Cell, Kind, Layout};
use super::reading::{self, Reading};
use super::{Address, Db, OpenError, copy};

/// Switches to the write-ahead log. While several programs do so with a new file at once SQLite does not wait for its busy
/// timeout, so that it is asked again, for as long.
fn write_ahead(connection: &mut SqliteConnection) -> Result<(), String> {
    let switch = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL;";
    for _ in 0..600 {
        match connection.batch_execute(switch) {
            Err(error) if error.to_string().contains("locked") => {
                std::thread::sleep(std::time::Duration::from_millis(100))
            }
            done => return done.map_err(|error| error.to_string()),
        }
    }
    connection.batch_execute(switch).map_err(|error| error.to_string())
}

pub(super) fn connect(address: &Address) -> Result<Db, OpenError> {
    match address {
        Address::Sqlite(path) => {
            let opened = SqliteConnection::establish(path).map_err(|e| e.to_string()).and_then(|mut c| {
                write_ahead(&mut c)?;
                c.batch_execute(
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; \
                     PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY;",
                )
                .map_err(|e| e.to_string())?;
                Ok(c)
            });
            opened.map(Db::Sqlite).map_err(|why| OpenError::Connect(path.clone(), why))
        }
        Address::Postgres(url) => {
            let opened =
                PgConnection::establish(url).map_err(|e| e.to_string()).and_then(|mut c| {
                    c.batch_execute(
                        "SET client_min_messages = warning; SET timezone = 'UTC'; SET jit = off;",
                    )
                    .map_err(|e| e.to_string())?;
                    Ok(c)
                });
            opened.map(Db::Postgres).map_err(|why| OpenError::Connect(without_password(url), why))
        }
    }
}

/// Connects to what may be a file that cannot be written; says whether it is one.
pub(super) fn connect_to_read(address: &Address) -> Result<(Db, bool), OpenError> {
    let Address::Sqlite(path) = address else { return Ok((connect(address)?, false)) };
    let failed = |why: String| OpenError::Connect(path.clone(), why);
    match reading::of(path) {
        Reading::Ordinary => Ok((connect(address)?, false)),
        Reading::Impossible(why) => Err(failed(why.to_string())),
        Reading::Only(url) => {
            let mut c = SqliteConnection::establish(&url).map_err(|e| failed(e.to_string()))?;
            let settings = "PRAGMA busy_timeout = 60000; PRAGMA query_only = ON; \
                 PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
            c.batch_execute(settings).map_err(|e| failed(e.to_string()))?;
            Ok((Db::Sqlite(c), true))
        }
    }
}

/// A URL that may be shown: the password is left out.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    match rest.split_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or("")),
        None => url.to_string(),
    }
}

/// Begins a transaction that writes: on SQLite as the only writer of the whole file, on PostgreSQL of what it locks.
pub(super) fn begin_writer(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        Db::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
    }
}

/// Makes the transaction the only writer of a lender's book.
pub(super) fn lock(db: &mut Db, lender: &str) -> QueryResult<()> {
    let Db::Postgres(c) = db else { return Ok(()) };
    diesel::sql_query(
        "SELECT pg_advisory_xact_lock(hashtextextended('consign:' || current_schema() || ':' || $1, 0))",
    )
    .bind::<Text, _>(lender)
    .execute(c)
    .map(|_| ())
}

/// Begins a transaction that sees one snapshot.
pub(super) fn begin_reader(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED"),
        Db::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
            c,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    }
}

pub(super) fn commit(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::commit_transaction(c),
        Db::Postgres(c) => AnsiTransactionManager::commit_transaction(c),
    }
}

pub(super) fn rollback(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::rollback_transaction(c),
        Db::Postgres(c) => AnsiTransactionManager::rollback_transaction(c),
    }
}

/// Whether a connection is of no use any more: lost, or left in a transaction.
pub(super) fn is_broken(db: &mut Db) -> bool {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::is_broken_transaction_manager(c),
        Db::Postgres(c) => AnsiTransactionManager::is_broken_transaction_manager(c),
    }
}

/// `column = one of the keys in the JSON array bound as $n`, so that any number of keys is one bind.
pub(super) fn keys_in(db: &Db, column: &str, bind: usize) -> String {
    match db {
        Db::Sqlite(_) => format!("{column} IN (SELECT value FROM json_each(${bind}))"),
        Db::Postgres(_) => {
            format!(
                "{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(${bind} AS jsonb))))"
            )
        }
    }
}

/// A table made of the arrays in the JSON array bound as `$bind`.
pub(super) fn rows_of_json(db: &Db, bind: usize, columns: &[(&str, Kind)]) -> String {
    let (source, typed_dates) = match db {
        Db::Sqlite(_) => (format!("json_each(${bind})"), false),
        Db::Postgres(_) => (format!("jsonb_array_elements(CAST(${bind} AS jsonb))"), true),
    };
    let cells: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, (name, kind))| match kind {
            Kind::Int => format!("CAST(value->>{i} AS BIGINT) AS {name}"),
            Kind::Date if typed_dates => format!("CAST(value->>{i} AS DATE) AS {name}"),
            _ => format!("value->>{i} AS {name}"),
        })
        .collect();
    format!("(SELECT {} FROM {source})", cells.join(", "))
}

/// Inserts rows given as cells, all columns of the layout.
pub(super) fn insert_rows<L: Layout>(db: &mut Db, rows: &[Vec<Cell<'_>>]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    match db {
        Db::Sqlite(c) => {
            let (table, columns) = (L::table(), L::columns());
            rows.chunks(SQLITE_ROWS).try_for_each(|rows| {
                Insert { table, columns: &columns, rows }.execute(c).map(|_| ())
            })
        }
        Db::Postgres(c) => copy::insert::<L>(c, rows),
    }
}

/// Lets the server count a table that has grown much, so that it keeps choosing indexes; not where somebody else is at it.
/// SQLite lives by the statistics of its migrations.
pub fn refresh_statistics(db: &mut Db, table: &str) -> QueryResult<()> {
    match db {
        Db::Sqlite(_) => Ok(()),
        Db::Postgres(c) => {
            diesel::sql_query(format!("ANALYZE (SKIP_LOCKED) {table}")).execute(c).map(|_| ())
        }
    }
}

/// Rows of one statement: more do not help, and 64 × 25 columns stay far below SQLite's limit of binds.
const SQLITE_ROWS: usize = 64;

/// One insert of several rows; the statement is prepared once per number of rows and cached.
struct Insert<'a> {
    table: &'static str,
    columns: &'a [&'static str],
    rows: &'a [Vec<Cell<'a>>],
}

impl QueryId for Insert<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<SqliteConnection> for Insert<'_> {}

impl QueryFragment<Sqlite> for Insert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(self.table);
        out.push_sql(" (");
        for (i, column) in self.columns.iter().enumerate() {
            out.push_sql(if i == 0 { "" } else { ", " });
            out.push_sql(column);
        }
        out.push_sql(") VALUES ");
        for (i, row) in self.rows.iter().enumerate() {
            out.push_sql(if i == 0 { "(" } else { ", (" });
            for (j, cell) in row.iter().enumerate() {
                if j > 0 {
                    out.push_sql(", ");
                }
                match cell {
                    Cell::Null => out.push_bind_param::<Nullable<Text>, Option<String>>(&None)?,
                    Cell::Int(number) => out.push_bind_param::<BigInt, i64>(number)?,
                    Cell::Bool(flag) => out.push_bind_param::<Bool, bool>(flag)?,
                    Cell::Text(text) => out.push_bind_param::<Text, _>(text)?,
                    Cell::Date(day) => out.push_bind_param::<diesel::sql_types::Date, _>(day)?,
                }
            }
            out.push_sql(")");
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    spelled: String,
}

/// The tables of the database as `table.column type nullable`, spelled alike for both, for the parity test.
pub fn schema_of(db: &mut Db) -> QueryResult<Vec<String>> {
    let sql = match db {
        Db::Sqlite(_) => {
            "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || CASE WHEN c.\"notnull\" = 1 THEN 'required' ELSE 'optional' END AS spelled \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid"
        }
        Db::Postgres(_) => {
            "SELECT table_name || '.' || column_name || ' ' || \
             CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE 'TEXT' END \
             || ' ' || CASE is_nullable WHEN 'NO' THEN 'required' ELSE 'optional' END AS spelled \
             FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%' \
             ORDER BY table_name COLLATE \"C\", ordinal_position"
        }
    };
    let rows: Vec<ColumnRow> = diesel::sql_query(sql).load(db)?;
    Ok(rows.into_iter().map(|row| row.spelled).collect())
}
