//! Signing in and out. A token is random and stored only as its hash; failures lock a login for a while.

use super::store::{self, SessionRow};
use super::{Person, password};
use crate::ambient;
use crate::db::{Db, write};
use crate::kernel::digest;

/// Failures after which a login waits.
const MOST_FAILURES: i64 = 5;
/// Minutes a locked login waits.
const LOCK_MINUTES: i64 = 15;
/// Minutes a session lasts.
const SESSION_MINUTES: i64 = 12 * 60;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown login or wrong password; the two look alike.
    #[error("login or password is wrong")]
    Wrong,
    /// Too many failures.
    #[error("too many failed attempts; try again in {LOCK_MINUTES} minutes")]
    Locked,
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

/// The hash of a password nobody has, verified when a login is unknown so that both cases take as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5c3NhbHQ$y0qYQ0PZbq2kQ1k9m7v0T1m5Yb5wq0m7m1c3s2r1p0o";

/// Signs a person in and gives the token for the cookie. Takes about 50 ms by design.
pub fn sign_in(db: &mut Db, login: &str, given: &str) -> Result<String, SignInError> {
    let now = ambient::now();
    let failures = store::failures_since(db, login, &ambient::minutes_from_now(-LOCK_MINUTES))?;
    if failures >= MOST_FAILURES {
        return Err(SignInError::Locked);
    }
    let person = store::person(db, login)?;
    let hash = person.as_ref().and_then(|person| person.password_hash.as_deref());
    let right = password::verify(given, hash.unwrap_or(NOBODY)) && hash.is_some();
    if !right {
        write(db, "", |db| store::set_failures(db, login, failures + 1, &now))?;
        return Err(SignInError::Wrong);
    }
    let token = digest::hex(&ambient::random_bytes::<32>());
    let session = SessionRow {
        token_hash: digest::sha256(token.as_bytes()),
        login: login.to_string(),
        csrf: digest::hex(&ambient::random_bytes::<16>()),
        expires_at: ambient::minutes_from_now(SESSION_MINUTES),
    };
    write(db, "", |db| {
        store::set_failures(db, login, 0, &now)?;
        store::add_session(db, &session, &now)
    })?;
    Ok(token)
}

/// The person and session behind a token.
pub fn who(
    db: &mut Db,
    token: &str,
) -> Result<Option<(Person, SessionRow)>, diesel::result::Error> {
    let Some(session) = store::session(db, &digest::sha256(token.as_bytes()), &ambient::now())?
    else {
        return Ok(None);
    };
    Ok(store::person(db, &session.login)?.map(|person| (person, session)))
}

/// Signs out.
pub fn sign_out(db: &mut Db, session: &SessionRow) -> Result<(), diesel::result::Error> {
    write(db, "", |db| store::end_session(db, &session.token_hash))
}
