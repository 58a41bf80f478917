//! The only reader of the environment.

#![allow(clippy::disallowed_methods)]

/// The database's address: `--database`, else `DATABASE_URL`, else the fallback, a file in this folder.
pub fn database(flag: Option<&str>, fallback: &str) -> String {
    flag.map(str::to_string)
        .or_else(|| std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()))
        .unwrap_or_else(|| fallback.to_string())
}

/// The key for personal data, when the environment gives one.
pub fn key() -> Option<String> {
    std::env::var("CONSIGN_KEY").ok().filter(|key| !key.is_empty())
}

/// The person at the keyboard, for the audit record.
pub fn system_user() -> String {
    ["SUDO_USER", "USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "operator".to_string())
}

/// Whether cookies are marked Secure: `CONSIGN_HTTPS=1` behind a proxy that speaks TLS.
pub fn behind_https() -> bool {
    std::env::var("CONSIGN_HTTPS").is_ok_and(|value| value == "1")
}
