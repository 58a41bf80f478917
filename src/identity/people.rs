//! Changing people. A person's row says what is; the chain of the installation says who made it so, from what, and
//! when, and `verify` compares the two (rules 10.4 and 10.5). A chain that does not speak of people yet (they were set up by an earlier
//! version) begins with everybody as they stand.

use diesel::QueryResult;
use serde_json::{Value, json};

use super::store;
use super::{Person, Role};
use crate::audit::{Act, By, Change, History, INSTALLATION};
use crate::db::{Db, write};
use crate::kernel::digest::sha256;

/// How events name people.
pub const PERSON: &str = "person";

/// What an event says of a person. A password appears as the digest of its salted hash: it shows that the password was
/// changed, and nothing can be tried against it.
pub fn state(person: &Person) -> Value {
    let roles: Vec<&str> = person.roles.iter().copied().map(Role::name).collect();
    json!({
        "name": person.name,
        "organisation": person.organisation,
        "roles": roles,
        "status": person.status(),
        "password": person.password_hash.as_ref().map(|hash| sha256(hash.as_bytes())),
    })
}

/// People being changed, in the transaction of the installation's only writer.
pub struct Changing {
    changes: Vec<Change>,
    /// Sessions that the changes ended.
    pub sessions_ended: usize,
}

impl Changing {
    /// Begins to change people.
    pub fn begin(db: &mut Db) -> QueryResult<Changing> {
        crate::audit::open_installation(db)?;
        let history = History::of(&crate::audit::events(db, INSTALLATION)?);
        let mut changes = Vec::new();
        if history.states.is_empty() {
            let people = store::people(db)?;
            changes.extend(
                people.iter().filter_map(|one| Change::of(PERSON, &one.login, None, state(one))),
            );
        }
        Ok(Changing { changes, sessions_ended: 0 })
    }

    /// Saves a person as it is to be. Whoever is disabled or gets a new password is signed out everywhere, but for the
    /// session `but`.
    pub fn save(
        &mut self,
        db: &mut Db,
        before: Option<&Person>,
        after: &Person,
        but: Option<&str>,
    ) -> QueryResult<()> {
        let change = Change::of(PERSON, &after.login, before.map(state), state(after));
        let Some(change) = change else { return Ok(()) };
        self.changes.push(change);
        store::save(db, after, before.is_some())?;
        let same_password = before.is_some_and(|one| one.password_hash == after.password_hash);
        if !after.active || !same_password {
            self.sessions_ended += store::end_sessions(db, &after.login, but)?;
        }
        if !after.active {
            store::forget_devices(db, &after.login)?;
        }
        Ok(())
    }

    /// Records what was changed; nothing when nothing was.
    pub fn finish(self, db: &mut Db, by: &By, kind: &str) -> QueryResult<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let act = Act::begin(db, INSTALLATION, by)?;
        act.finish(db, kind, &json!({"changes": self.changes})).map(|_| ())
    }
}

/// Records everybody as they stand where the chain does not speak of people yet.
pub fn record_all(db: &mut Db, by: &By) -> QueryResult<()> {
    let known = crate::audit::book(db, INSTALLATION).is_ok_and(|book| book.seq > 0);
    if known || store::people(db)?.is_empty() {
        return Ok(());
    }
    write(db, INSTALLATION, |db| Changing::begin(db)?.finish(db, by, "people recorded"))
}
