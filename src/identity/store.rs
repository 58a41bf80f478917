//! People, their sessions, and the devices they have signed in with.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::Role;
use crate::db::Db;

/// A person of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the person signs in with.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// A lender's or an assignee's code; empty for those who look after the installation.
    pub organisation: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// Whether the person may sign in. Nobody is deleted: records name them.
    pub active: bool,
    /// The argon2 hash of the password.
    pub password_hash: Option<String>,
    /// The language the person chose.
    pub language: Option<String>,
}

impl Person {
    /// The status as a parties file writes it.
    pub fn status(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }
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
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    password_hash: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
}

impl PersonRow {
    /// The person; a row that says what no setup writes lets nobody in.
    fn read(self) -> QueryResult<Person> {
        let corrupt = |column: &str, value: &str| {
            diesel::result::Error::DeserializationError(
                format!("person {} has {column} \"{value}\", which is none", self.login).into(),
            )
        };
        let roles = self
            .roles
            .split(',')
            .map(|name| Role::parse(name).ok_or_else(|| corrupt("the role", name)));
        let mut roles = roles.collect::<QueryResult<Vec<Role>>>()?;
        roles.sort_unstable();
        let active = match self.status.as_str() {
            "active" => true,
            "disabled" => false,
            other => return Err(corrupt("the status", other)),
        };
        Ok(Person {
            roles,
            active,
            login: self.login,
            name: self.name,
            organisation: self.organisation,
            password_hash: self.password_hash,
            language: self.language,
        })
    }
}

const PERSON: &str =
    "SELECT login, name, organisation, roles, status, password_hash, language FROM person";

/// A person by login.
pub fn person(db: &mut Db, login: &str) -> QueryResult<Option<Person>> {
    let row: Option<PersonRow> = diesel::sql_query(format!("{PERSON} WHERE login = $1"))
        .bind::<Text, _>(login)
        .get_result(db)
        .optional()?;
    row.map(PersonRow::read).transpose()
}

/// Everybody, in byte order of logins.
pub fn people(db: &mut Db) -> QueryResult<Vec<Person>> {
    let rows: Vec<PersonRow> = diesel::sql_query(format!("{PERSON} ORDER BY login")).load(db)?;
    rows.into_iter().map(PersonRow::read).collect()
}

/// The people of an organisation.
pub fn people_of(db: &mut Db, organisation: &str) -> QueryResult<Vec<Person>> {
    let rows: Vec<PersonRow> =
        diesel::sql_query(format!("{PERSON} WHERE organisation = $1 ORDER BY login"))
            .bind::<Text, _>(organisation)
            .load(db)?;
    rows.into_iter().map(PersonRow::read).collect()
}

/// Writes a person's row, but for the language, which is the person's own affair.
pub(super) fn save(db: &mut Db, person: &Person, known: bool) -> QueryResult<()> {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.name()).collect();
    let sql = if known {
        "UPDATE person SET name = $1, organisation = $2, roles = $3, status = $4, password_hash = $5 \
         WHERE login = $6"
    } else {
        "INSERT INTO person (name, organisation, roles, status, password_hash, login) \
         VALUES ($1, $2, $3, $4, $5, $6)"
    };
    diesel::sql_query(sql)
        .bind::<Text, _>(&person.name)
        .bind::<Text, _>(&person.organisation)
        .bind::<Text, _>(roles.join(","))
        .bind::<Text, _>(person.status())
        .bind::<Nullable<Text>, _>(person.password_hash.as_deref())
        .bind::<Text, _>(&person.login)
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
    /// When it was last known to be used.
    #[diesel(sql_type = Text)]
    pub seen_at: String,
    /// When it ends at the latest.
    #[diesel(sql_type = Text)]
    pub expires_at: String,
}

/// A session that has not ended at `now` and was used since `idle_since`.
pub fn session(
    db: &mut Db,
    token_hash: &str,
    now: &str,
    idle_since: &str,
) -> QueryResult<Option<SessionRow>> {
    diesel::sql_query(
        "SELECT token_hash, login, csrf, seen_at, expires_at FROM session \
         WHERE token_hash = $1 AND expires_at > $2 AND seen_at > $3",
    )
    .bind::<Text, _>(token_hash)
    .bind::<Text, _>(now)
    .bind::<Text, _>(idle_since)
    .get_result(db)
    .optional()
}

/// Opens a session and forgets those that have ended.
pub fn add_session(db: &mut Db, session: &SessionRow, idle_since: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM session WHERE expires_at <= $1 OR seen_at <= $2")
        .bind::<Text, _>(&session.seen_at)
        .bind::<Text, _>(idle_since)
        .execute(db)?;
    diesel::sql_query(
        "INSERT INTO session (token_hash, login, csrf, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)",
    )
    .bind::<Text, _>(&session.token_hash)
    .bind::<Text, _>(&session.login)
    .bind::<Text, _>(&session.csrf)
    .bind::<Text, _>(&session.seen_at)
    .bind::<Text, _>(&session.expires_at)
    .execute(db)
    .map(|_| ())
}

/// Remembers that a session was used.
pub fn touch_session(db: &mut Db, token_hash: &str, now: &str) -> QueryResult<()> {
    diesel::sql_query("UPDATE session SET seen_at = $1 WHERE token_hash = $2 AND seen_at < $1")
        .bind::<Text, _>(now)
        .bind::<Text, _>(token_hash)
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

/// Ends the sessions of a person, but for one; says how many.
pub(super) fn end_sessions(db: &mut Db, login: &str, but: Option<&str>) -> QueryResult<usize> {
    diesel::sql_query("DELETE FROM session WHERE login = $1 AND token_hash <> $2")
        .bind::<Text, _>(login)
        .bind::<Text, _>(but.unwrap_or_default())
        .execute(db)
}

#[derive(QueryableByName)]
struct DeviceRow {
    #[diesel(sql_type = Text)]
    login: String,
}

/// Whether a person has signed in with a device before.
pub fn knows_device(db: &mut Db, token_hash: &str, login: &str) -> QueryResult<bool> {
    let row: Option<DeviceRow> =
        diesel::sql_query("SELECT login FROM device WHERE token_hash = $1 AND login = $2")
            .bind::<Text, _>(token_hash)
            .bind::<Text, _>(login)
            .get_result(db)
            .optional()?;
    Ok(row.is_some_and(|row| row.login == login))
}

/// Remembers that a person signed in with a device, and forgets devices unused since `unused_since`.
pub fn keep_device(
    db: &mut Db,
    token_hash: &str,
    login: &str,
    now: &str,
    unused_since: &str,
) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM device WHERE login = $1 AND (token_hash = $2 OR used_at < $3)")
        .bind::<Text, _>(login)
        .bind::<Text, _>(token_hash)
        .bind::<Text, _>(unused_since)
        .execute(db)?;
    diesel::sql_query("INSERT INTO device (token_hash, login, used_at) VALUES ($1, $2, $3)")
        .bind::<Text, _>(token_hash)
        .bind::<Text, _>(login)
        .bind::<Text, _>(now)
        .execute(db)
        .map(|_| ())
}

/// Forgets the devices of a person.
pub(super) fn forget_devices(db: &mut Db, login: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM device WHERE login = $1")
        .bind::<Text, _>(login)
        .execute(db)
        .map(|_| ())
}
