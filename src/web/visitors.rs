//! How many connections are open: in all, and from each address, so that nobody can hold them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

/// How many connections there may be.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// In all.
    pub in_all: usize,
    /// From one address; a proxy's own address is not bounded.
    pub per_address: usize,
    /// Proxies in front of the server, which say whom they speak for.
    pub proxies: Vec<IpAddr>,
}

/// The connections that are open.
#[derive(Clone)]
pub struct Visitors(Arc<Inner>);

struct Inner {
    bounds: Bounds,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    in_all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Visitors {
    /// Nobody yet.
    pub fn new(bounds: Bounds) -> Visitors {
        Visitors(Arc::new(Inner { bounds, open: Mutex::default() }))
    }

    /// Lets a connection in, unless there are too many.
    pub fn admit(&self, from: IpAddr) -> Option<Visit> {
        let (bounds, from) = (&self.0.bounds, network(from));
        let mut open = self.0.open();
        let known = open.by_address.get(&from).copied().unwrap_or_default();
        let bounded = !bounds.proxies.iter().any(|proxy| network(*proxy) == from);
        if open.in_all >= bounds.in_all || bounded && known >= bounds.per_address {
            return None;
        }
        open.in_all += 1;
        open.by_address.insert(from, known + 1);
        Some(Visit { visitors: self.clone(), from })
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one address: of the sixth version the network, which one household or office has whole.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        four => four,
    }
}

/// A connection that was let in; counted until it is dropped.
pub struct Visit {
    visitors: Visitors,
    from: IpAddr,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut open = self.visitors.0.open();
        open.in_all = open.in_all.saturating_sub(1);
        match open.by_address.get_mut(&self.from) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.by_address.remove(&self.from)),
        }
    }
}

/// Who sent a request: the address of the connection, or whom a proxy of ours says it speaks for.
pub fn address_of(request: &HttpRequest, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    Some(behind(peer, request.headers(), proxies))
}

/// The last address that no proxy of ours put there: what stands before it, anybody may have written.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let forwarded = headers.get_all("X-Forwarded-For").filter_map(|line| line.to_str().ok());
    let mut from = peer;
    let mut hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
    while proxies.iter().any(|proxy| proxy.to_canonical() == from) {
        let Some(hop) = hops.pop().and_then(|hop| hop.parse::<IpAddr>().ok()) else { break };
        from = hop.to_canonical();
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn visitors(in_all: usize, per_address: usize) -> Visitors {
        Visitors::new(Bounds { in_all, per_address, proxies: vec![address("10.0.0.1")] })
    }

    #[test]
    fn nobody_holds_all_connections() {
        let visitors = visitors(5, 2);
        let held: Vec<Visit> =
            (0..5).filter_map(|_| visitors.admit(address("192.0.2.1"))).collect();
        assert_eq!(held.len(), 2);
        let other = visitors.admit(address("192.0.2.2"));
        assert!(other.is_some());
        drop(held);
        assert!(visitors.admit(address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_proxy_is_bounded_with_all_only() {
        let visitors = visitors(3, 1);
        let held: Vec<Visit> = (0..5).filter_map(|_| visitors.admit(address("10.0.0.1"))).collect();
        assert_eq!(held.len(), 3);
        assert!(visitors.admit(address("192.0.2.2")).is_none());
    }

    #[test]
    fn a_network_of_the_sixth_version_is_one_address() {
        let visitors = visitors(9, 1);
        let held = visitors.admit(address("2001:db8::1"));
        assert!(held.is_some() && visitors.admit(address("2001:db8::ffff:2")).is_none());
        assert!(visitors.admit(address("2001:db8:0:1::1")).is_some());
        let four = visitors.admit(address("::ffff:192.0.2.1"));
        assert!(four.is_some() && visitors.admit(address("192.0.2.1")).is_none());
    }

    #[test]
    fn only_a_proxy_of_ours_says_whom_it_speaks_for() {
        let mut headers = HeaderMap::new();
        headers.append(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("203.0.113.9, 198.51.100.7"),
        );
        let proxies = [address("10.0.0.1")];
        assert_eq!(behind(address("10.0.0.1"), &headers, &proxies), address("198.51.100.7"));
        assert_eq!(behind(address("192.0.2.1"), &headers, &proxies), address("192.0.2.1"));
    }
}
