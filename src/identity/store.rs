//! People, sessions and failed sign-ins.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::Role;
use crate::db::Db;
use crate::party::NewUser;

/// A person of an organisation.
#[derive(Clone, Debug)]
pub struct Person {
    /// What the person signs in with.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// A lender's or an agency's code.
    pub organisation: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// The argon2 hash of the password.
    pub password_hash: Option<String>,
    /// The language the person chose.
    pub language: Option<String>,
}

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = Text)]
    login: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    organisation: String,
    #[diesel(sql_type = Text)]
    roles: String,
    #[diesel(sql_type = Nullable<Text>)]
    password_hash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
}

/// A person by login.
pub fn person(db: &mut Db, login: &str) -> QueryResult<Option<Person>> {
    let row: Option<PersonRow> = diesel::sql_query("SELECT * FROM person WHERE login = $1")
        .bind::<Text, _>(login)
        .get_result(db)
        .optional()?;
    Ok(row.map(|row| Person {
        login: row.login,
        name: row.name,
        organisation: row.organisation,
        roles: row.roles.split(',').filter_map(Role::parse).collect(),
        password_hash: row.password_hash,
        language: row.language,
    }))
}

/// Creates or updates a person; an absent hash leaves the password as it is.
pub fn save_person(
    db: &mut Db,
    user: &NewUser,
    hash: Option<&str>,
    known: bool,
) -> QueryResult<()> {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name()).collect();
    let sql = if known {
        "UPDATE person SET name = $1, organisation = $2, roles = $3, password_hash = COALESCE($4, password_hash) WHERE login = $5"
    } else {
        "INSERT INTO person (name, organisation, roles, password_hash, login) VALUES ($1, $2, $3, $4, $5)"
    };
    diesel::sql_query(sql)
        .bind::<Text, _>(&user.name)
        .bind::<Text, _>(&user.organisation)
        .bind::<Text, _>(roles.join(","))
        .bind::<Nullable<Text>, _>(hash)
        .bind::<Text, _>(&user.login)
        .execute(db)
        .map(|_| ())
}

/// Remembers the language a person chose.
pub fn set_language(db: &mut Db, login: &str, language: &str) -> QueryResult<()> {
    diesel::sql_query("UPDATE person SET language = $1 WHERE login = $2")
        .bind::<Text, _>(language)
        .bind::<Text, _>(login)
        .execute(db)
        .map(|_| ())
}

/// A session as it is stored: the hash of its token, never the token.
#[derive(QueryableByName, Clone, Debug)]
pub struct SessionRow {
    /// SHA-256 of the token.
    #[diesel(sql_type = Text)]
    pub token_hash: String,
    /// Whose session.
    #[diesel(sql_type = Text)]
    pub login: String,
    /// The token every form carries.
    #[diesel(sql_type = Text)]
    pub csrf: String,
    /// When it ends.
    #[diesel(sql_type = Text)]
    pub expires_at: String,
}

/// A session that has not ended at `now`.
pub fn session(db: &mut Db, token_hash: &str, now: &str) -> QueryResult<Option<SessionRow>> {
    diesel::sql_query("SELECT token_hash, login, csrf, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2")
        .bind::<Text, _>(token_hash)
        .bind::<Text, _>(now)
        .get_result(db)
        .optional()
}

/// Opens a session and forgets those that have ended.
pub fn add_session(db: &mut Db, session: &SessionRow, now: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM session WHERE expires_at <= $1")
        .bind::<Text, _>(now)
        .execute(db)?;
    diesel::sql_query(
        "INSERT INTO session (token_hash, login, csrf, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)",
    )
    .bind::<Text, _>(&session.token_hash)
    .bind::<Text, _>(&session.login)
    .bind::<Text, _>(&session.csrf)
    .bind::<Text, _>(now)
    .bind::<Text, _>(&session.expires_at)
    .execute(db)
    .map(|_| ())
}

/// Ends a session.
pub fn end_session(db: &mut Db, token_hash: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM session WHERE token_hash = $1")
        .bind::<Text, _>(token_hash)
        .execute(db)
        .map(|_| ())
}

#[derive(QueryableByName)]
struct AttemptRow {
    #[diesel(sql_type = BigInt)]
    failures: i64,
}

/// Failed sign-ins of a login since an instant.
pub fn failures_since(db: &mut Db, login: &str, since: &str) -> QueryResult<i64> {
    let row: Option<AttemptRow> =
        diesel::sql_query("SELECT failures FROM sign_in_attempt WHERE login = $1 AND last_at > $2")
            .bind::<Text, _>(login)
            .bind::<Text, _>(since)
            .get_result(db)
            .optional()?;
    Ok(row.map_or(0, |row| row.failures))
}

/// Counts a failed sign-in, or with `failures` 0 forgets them.
pub fn set_failures(db: &mut Db, login: &str, failures: i64, now: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM sign_in_attempt WHERE login = $1")
        .bind::<Text, _>(login)
        .execute(db)?;
    if failures == 0 {
        return Ok(());
    }
    diesel::sql_query("INSERT INTO sign_in_attempt (login, failures, last_at) VALUES ($1, $2, $3)")
        .bind::<Text, _>(login)
        .bind::<BigInt, _>(failures)
        .bind::<Text, _>(now)
        .execute(db)
        .map(|_| ())
}
