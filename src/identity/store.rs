//! People, their sessions, and the devices they have signed in with.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::Role;
use crate::db::{Db, row, select};
use crate::kernel::Lang;
use crate::kernel::{Spelled, enumeration};

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
    pub language: Option<Lang>,
}

impl Person {
    /// The status as a parties file writes it.
    pub fn status(&self) -> &'static str {
        if self.active { Access::Active.name() } else { Access::Disabled.name() }
    }
}

enumeration! {
    /// Whether a person may sign in.
    pub enum Access ("status of a person") {
        /// The person may.
        Active = "active",
        /// The person may not.
        Disabled = "disabled",
    }
}

/// Roles as a row has them: their names, with commas between them.
struct Roles(Vec<Role>);

impl Spelled for Roles {
    const WHAT: &'static str = "list of roles";

    fn spelling(&self) -> Cow<'_, str> {
        let names: Vec<&str> = self.0.iter().map(|role| role.name()).collect();
        Cow::Owned(names.join(","))
    }

    fn from_spelling(text: String) -> Result<Roles, String> {
        let roles: Option<Vec<Role>> = text.split(',').map(Role::parse).collect();
        roles.map(Roles).ok_or(text)
    }
}

row! {
    struct PersonRow in "person" key (login) {
        login: String,
        name: String,
        organisation: String,
        roles: Roles,
        status: Access,
        password_hash: Option<String>,
        language: Option<Lang>,
    }
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Person {
        let mut roles = row.roles.0;
        roles.sort_unstable();
        Person {
            login: row.login,
            name: row.name,
            organisation: row.organisation,
            roles,
            active: row.status == Access::Active,
            password_hash: row.password_hash,
            language: row.language,
        }
    }
}

/// A person by login.
pub fn person(db: &mut Db, login: &str) -> QueryResult<Option<Person>> {
    let row = select::<PersonRow>("WHERE login = $1").bind::<Text, _>(login);
    Ok(row.get_result::<PersonRow>(db).optional()?.map(Person::from))
}

/// Everybody, in byte order of logins.
pub fn people(db: &mut Db) -> QueryResult<Vec<Person>> {
    let rows: Vec<PersonRow> = select::<PersonRow>("ORDER BY login").load(db)?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// The people of an organisation.
pub fn people_of(db: &mut Db, organisation: &str) -> QueryResult<Vec<Person>> {
    let rows: Vec<PersonRow> = select::<PersonRow>("WHERE organisation = $1 ORDER BY login")
        .bind::<Text, _>(organisation)
        .load(db)?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// Writes a person's row, but for the language, which is the person's own affair.
pub(super) fn save(db: &mut Db, person: &Person, known: bool) -> QueryResult<()> {
    let roles = Roles(person.roles.clone());
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
        .bind::<Text, _>(roles.spelling())
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
