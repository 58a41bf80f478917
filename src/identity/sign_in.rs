//! Signing in and out. Tokens are random and stored only as their hashes. A session ends after half a day, or an hour
//! without use; at once when its person is disabled, signs out, or gets a new password elsewhere
//! (rule 10.5).

use std::net::IpAddr;

use chrono::DateTime;

use super::people::Changing;
use super::store::{self, SessionRow};
use super::throttle::{self, Bucket};
use super::{Person, password, throttle_store};
use crate::ambient;
use crate::audit::{By, INSTALLATION};
use crate::db::{Db, write};
use crate::kernel::digest::sha256;

/// Minutes a session lasts at most.
const SESSION_MINUTES: i64 = 12 * 60;
/// Minutes a session lasts without use.
const IDLE_MINUTES: i64 = 60;
/// Minutes after which a session's use is written down again.
const TOUCH_MINUTES: i64 = 5;
/// Days a device is remembered without use.
pub const DEVICE_DAYS: i64 = 180;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown login, wrong password or disabled person; they look alike.
    #[error("login or password is wrong")]
    Wrong,
    /// Too many failures; minutes to wait.
    #[error("too many failed attempts; try again in {0} minutes")]
    Wait(i64),
    /// The password could not be stored.
    #[error("the password could not be stored: {0}")]
    Password(String),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who they say they are.
    pub login: String,
    /// The password they give.
    pub password: String,
    /// From where, as far as it is known.
    pub address: Option<IpAddr>,
    /// The token of the browser, when it carries one.
    pub device: Option<String>,
}

/// What a person who was let in takes along, each for a cookie.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The session's.
    pub session: String,
    /// The device's.
    pub device: String,
}

/// The hash of a password nobody has, verified when a login is unknown so that both cases take as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5c3NhbHQ$y0qYQ0PZbq2kQ1k9m7v0T1m5Yb5wq0m7m1c3s2r1p0o";

/// Signs a person in. Takes about 50 ms by design.
pub fn sign_in(db: &mut Db, attempt: &Attempt) -> Result<Tokens, SignInError> {
    let device = attempt.device.as_deref().map(|token| sha256(token.as_bytes()));
    let known = match &device {
        Some(hash) => store::knows_device(db, hash, &attempt.login)?,
        None => false,
    };
    let device = device.filter(|_| known);
    let buckets = throttle::buckets(&attempt.login, attempt.address, device.as_deref());
    let person = check(db, &attempt.login, &attempt.password, &buckets)?;
    let (now, token) = (ambient::now(), hex::encode(ambient::random_bytes::<32>()));
    let session = SessionRow {
        token_hash: sha256(token.as_bytes()),
        login: attempt.login.clone(),
        csrf: hex::encode(ambient::random_bytes::<16>()),
        seen_at: now.clone(),
        expires_at: ambient::minutes_from_now(SESSION_MINUTES),
    };
    // A token that no person has signed in with was perhaps put there by somebody else.
    let carried = attempt.device.clone().filter(|_| known);
    let carried = carried.unwrap_or_else(|| hex::encode(ambient::random_bytes::<32>()));
    write(db, INSTALLATION, |db| {
        unchanged(db, &person)?;
        throttle_store::give_back(db, &buckets)?;
        let unused_since = ambient::minutes_from_now(-DEVICE_DAYS * 24 * 60);
        store::keep_device(db, &sha256(carried.as_bytes()), &person.login, &now, &unused_since)?;
        store::add_session(db, &session, &ambient::minutes_from_now(-IDLE_MINUTES))?;
        Ok(Tokens { session: token, device: carried })
    })
}

/// Sets a person's own password and ends all other sessions of theirs; the old password is asked like at the door.
pub fn change_password(
    db: &mut Db,
    session: &SessionRow,
    attempt: &Attempt,
    new: &str,
    by: &By,
) -> Result<usize, SignInError> {
    let buckets = throttle::buckets(&attempt.login, attempt.address, Some(&session.token_hash));
    let person = check(db, &attempt.login, &attempt.password, &buckets)?;
    let hash = password::hash(new).map_err(SignInError::Password)?;
    write(db, INSTALLATION, |db| {
        unchanged(db, &person)?;
        throttle_store::give_back(db, &buckets)?;
        let after = Person { password_hash: Some(hash), ..person.clone() };
        let mut changing = Changing::begin(db)?;
        changing.save(db, Some(&person), &after, Some(&session.token_hash))?;
        let ended = changing.sessions_ended;
        changing.finish(db, by, "password changed")?;
        Ok(ended)
    })
}

/// Counts a try, then looks whether the password is right.
fn check(db: &mut Db, login: &str, given: &str, buckets: &[Bucket]) -> Result<Person, SignInError> {
    let now = ambient::now();
    // First without the lock, so that whoever has to wait costs nobody anything.
    let mut until = throttle_store::wait(db, buckets, &now)?;
    if until.is_none() {
        until =
            write(db, INSTALLATION, |db| throttle_store::reserve(db, buckets, &ambient::now()))?;
    }
    if let Some(until) = until {
        return Err(SignInError::Wait(minutes(&now, &until)));
    }
    let person = store::person(db, login)?.filter(|person| person.active);
    let hash = person.as_ref().and_then(|person| person.password_hash.as_deref());
    let right = password::verify(given, hash.unwrap_or(NOBODY)) && hash.is_some();
    person.filter(|_| right).ok_or(SignInError::Wrong)
}

/// Refuses where a person was disabled or got another password while the password was looked at.
fn unchanged(db: &mut Db, person: &Person) -> Result<(), SignInError> {
    let now = store::person(db, &person.login)?;
    let same = now.is_some_and(|now| now.active && now.password_hash == person.password_hash);
    if same { Ok(()) } else { Err(SignInError::Wrong) }
}

/// Whole minutes between two instants, at least one.
fn minutes(now: &str, until: &str) -> i64 {
    let read = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let seconds = read(until).zip(read(now)).map_or(0, |(until, now)| (until - now).num_seconds());
    seconds / 60 + 1
}

/// The person and session behind a token.
pub fn who(
    db: &mut Db,
    token: &str,
) -> Result<Option<(Person, SessionRow)>, diesel::result::Error> {
    let (now, idle_since) = (ambient::now(), ambient::minutes_from_now(-IDLE_MINUTES));
    let Some(session) = store::session(db, &sha256(token.as_bytes()), &now, &idle_since)? else {
        return Ok(None);
    };
    let person = store::person(db, &session.login)?.filter(|person| person.active);
    Ok(person.map(|person| (person, session)))
}

/// Whether it is time to write down again that a session is used.
pub fn is_due(session: &SessionRow) -> bool {
    session.seen_at < ambient::minutes_from_now(-TOUCH_MINUTES)
}

/// Writes down that a session is used.
pub fn touch(db: &mut Db, session: &SessionRow) -> Result<(), diesel::result::Error> {
    write(db, INSTALLATION, |db| store::touch_session(db, &session.token_hash, &ambient::now()))
}

/// Signs out.
pub fn sign_out(db: &mut Db, session: &SessionRow) -> Result<(), diesel::result::Error> {
    write(db, INSTALLATION, |db| store::end_session(db, &session.token_hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_takes_as_long_as_anybody_s() {
        use argon2::password_hash::phc::PasswordHash;
        let cost = |hash: &str| PasswordHash::new(hash).unwrap().params.to_string();
        assert_eq!(cost(NOBODY), cost(&password::hash("x").unwrap()));
        assert!(!password::verify("x", NOBODY));
    }
}
