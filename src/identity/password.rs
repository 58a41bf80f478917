//! Passwords: argon2, slow on purpose, so called away from the threads that answer requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::ambient;

/// The fewest characters of a password.
pub const SHORTEST: usize = 8;

/// Hashes a password with a fresh salt.
pub fn hash(password: &str) -> Result<String, String> {
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &ambient::random_bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// Whether a password is the hashed one.
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A password to hand out: 16 characters that are not mistaken for one another.
pub fn generate() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    ambient::random_bytes::<16>()
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

/// Why a person's own password stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The new one is too short.
    Short,
    /// The new one was not typed alike twice.
    Unlike,
    /// The new one is the old one, or the login.
    Known,
}

/// Whether somebody may choose a password.
pub fn fit(login: &str, old: &str, new: &str, again: &str) -> Result<(), Unfit> {
    if new.chars().count() < SHORTEST {
        Err(Unfit::Short)
    } else if new != again {
        Err(Unfit::Unlike)
    } else if new == old || new.eq_ignore_ascii_case(login) {
        Err(Unfit::Known)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_hashed_by_the_first_version_are_still_known() {
        for (password, hash) in [
            (
                "correct horse battery staple",
                "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$eZ8SueF3EIJEgtgpg1rLafWpNVv3dMTwc0KCOxG5CSg",
            ),
            (
                "密码-8 字以上",
                "$argon2id$v=19$m=19456,t=2,p=1$yMjIyMjIyMjIyMjIyMjIyA$wJ/GfEQWgUOuTEfj7SbtzExwsisZ88kT7dfGdJD3Uf8",
            ),
        ] {
            assert!(verify(password, hash) && !verify("another", hash));
        }
        let hashed = hash("a new one").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("a new one", &hashed) && !verify("a new One", &hashed));
    }
}
