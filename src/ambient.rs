//! The only reader of the clock and of randomness. Business days never come from here; the clock only refuses what
//! claims to have happened after today.

use chrono::{SecondsFormat, Utc};
use rand::Rng as _;

use crate::audit::By;
use crate::kernel::calendar::Today;

/// The instant now, UTC, as it is recorded: to the microsecond.
#[allow(clippy::disallowed_methods)]
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The instant some minutes from now (or ago).
#[allow(clippy::disallowed_methods)]
pub fn minutes_from_now(minutes: i64) -> String {
    (Utc::now() + chrono::Duration::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The instant some seconds from now (or ago).
#[allow(clippy::disallowed_methods)]
pub fn seconds_from_now(seconds: i64) -> String {
    (Utc::now() + chrono::Duration::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What day it is: the clock's, or what `CONSIGN_TODAY` says in its place.
#[allow(clippy::disallowed_methods)]
pub fn today() -> Today {
    match crate::config::today() {
        Ok(Some(day)) => Today::Everywhere(day),
        // One that is no day stops the program at its start.
        Ok(None) | Err(_) => Today::At(Utc::now()),
    }
}

/// The command line acting as the operator: `cli:` and the system user.
pub fn operator() -> By {
    let user = crate::config::system_user();
    let source = "command line".to_string();
    By { actor: format!("cli:{user}"), source, at: now(), today: today() }
}

/// Random bytes from the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// How long things take: for the person at the terminal and for benchmarks, never for the book.
pub struct Stopwatch(std::time::Instant);

impl Default for Stopwatch {
    fn default() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }
}

impl Stopwatch {
    /// Milliseconds since it was started or last asked.
    pub fn lap(&mut self) -> u128 {
        let lap = self.0.elapsed().as_millis();
        self.0 = std::time::Instant::now();
        lap
    }
}
