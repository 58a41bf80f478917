//! How often somebody may try to sign in.
//!
//! A try is counted before the password is looked at, in the same transaction that asks whether it may be made, so that
//! any number of tries at once are counted as if they came one by one; the right password takes its own try back.
//! Three buckets count what goes wrong, each with tries that are free and then a wait that doubles with each failure:
//!
//! - **login and address**: what one address tries on one login. The main limit: some thirty guesses a day.
//! - **address**: what one address tries on all logins, so that it cannot try one password on everybody.
//! - **login**: what all addresses together try on one login, so that a thousand addresses are no better than a few.
//!
//! The last could shut a person out for as long as somebody else goes on guessing. So a browser that a person has
//! signed in with before carries a token of its own (a cookie, kept for half a year), and tries from it are counted in
//! a bucket of **login and device** alone: nobody without that browser can fill it. A person on a new device waits, during
//! such an attack, at most a quarter of an hour between tries. The token opens nothing; it only says whose failures count.
//!
//! Buckets are forgotten at the end of their window and are bounded in number, the oldest first; logins that do not exist
//! are counted like those that do. Their keys are digests. A refusal costs one look and writes nothing.

use std::net::IpAddr;

use crate::kernel::digest::sha256;

/// Buckets kept at most.
pub const MOST_BUCKETS: i64 = 20_000;

/// One counter of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The digest of what it counts.
    pub key: String,
    /// Failures without a wait.
    pub free: i64,
    /// The longest wait, in minutes.
    pub longest_wait: i64,
    /// Minutes from its first failure until it is forgotten.
    pub window: i64,
    /// Whether the right password empties it; otherwise that takes only its own try back.
    pub emptied: bool,
}

impl Bucket {
    /// Minutes to wait after so many failures.
    pub fn wait(&self, failures: i64) -> Option<i64> {
        let beyond = failures.checked_sub(self.free).filter(|beyond| *beyond >= 0)?;
        let doubled = u32::try_from(beyond).ok().and_then(|times| 1_i64.checked_shl(times.min(62)));
        Some(doubled.unwrap_or(self.longest_wait).min(self.longest_wait))
    }
}

/// The buckets a try is counted in. `device` is the token's digest of a device that the person has signed in with.
pub fn buckets(login: &str, address: Option<IpAddr>, device: Option<&str>) -> Vec<Bucket> {
    let key = |kind: &str, parts: [&str; 2]| {
        sha256(format!("{kind}\0{}\0{}", parts[0], parts[1]).as_bytes())
    };
    let own = |key| Bucket { key, free: 5, longest_wait: 60, window: 24 * 60, emptied: true };
    if let Some(device) = device {
        return vec![own(key("device", [login, device]))];
    }
    let address = address.map(network).unwrap_or_default();
    vec![
        own(key("login and address", [login, &address])),
        Bucket {
            key: key("address", [&address, ""]),
            free: 30,
            longest_wait: 15,
            window: 60,
            emptied: false,
        },
        Bucket {
            key: key("login", [login, ""]),
            free: 50,
            longest_wait: 15,
            window: 24 * 60,
            emptied: false,
        },
    ]
}

/// An address as it is counted: of IPv6 the first 64 bits, since whoever has one has all of them.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_minute_to_the_longest() {
        let bucket = &buckets("a", None, None)[0];
        let waits: Vec<_> = [0, 4, 5, 6, 7, 10, 11, 12, 1_000].map(|n| bucket.wait(n)).into();
        let minutes = [1, 2, 4, 32, 60, 60, 60].map(Some);
        assert_eq!(waits[..2], [None, None]);
        assert_eq!(waits[2..], minutes);
    }

    #[test]
    fn a_known_device_is_counted_by_itself_and_ipv6_by_its_network() {
        let of = |text: &str| buckets("a", Some(text.parse().unwrap()), None);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        let device = buckets("a", Some("192.0.2.1".parse().unwrap()), Some("d"));
        assert!(device.len() == 1 && !of("192.0.2.1").contains(&device[0]));
    }
}
