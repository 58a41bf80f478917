//! The only reader of the environment.

#![allow(clippy::disallowed_methods)]

use chrono::NaiveDate;

use crate::kernel::calendar::parse_date;

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

/// The addresses of proxies in front of the server, which say whom they speak for: `CONSIGN_PROXIES=10.0.0.1,10.0.0.2`.
pub fn proxies() -> Result<Vec<std::net::IpAddr>, String> {
    let named = std::env::var("CONSIGN_PROXIES").unwrap_or_default();
    let addresses = named.split(',').map(str::trim).filter(|address| !address.is_empty());
    addresses
        .map(|address| {
            address.parse().map_err(|_| {
                format!("CONSIGN_PROXIES: \"{address}\" is no address; write addresses like 10.0.0.1, separated by commas")
            })
        })
        .collect()
}

/// What the server writes down of its work: `CONSIGN_LOG` = off, error, warn, info, debug or trace.
pub fn log_level() -> Option<String> {
    std::env::var("CONSIGN_LOG").ok().filter(|level| !level.is_empty())
}

/// The day that stands for today in every time zone: `CONSIGN_TODAY`, for rehearsals and tests. The text where it is
/// no day.
pub fn today() -> Result<Option<NaiveDate>, String> {
    match std::env::var("CONSIGN_TODAY").ok().filter(|day| !day.is_empty()) {
        None => Ok(None),
        Some(text) => parse_date(&text).map(Some).ok_or(text),
    }
}
