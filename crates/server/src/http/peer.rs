//! Who is at the other end: its address, and whether it came encrypted. Forwarded headers count only when they come from
//! a proxy that the configuration names.

use crate::domain::attempts::network;
use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether its connection, or the one to the trusted proxy, is encrypted.
    pub encrypted: bool,
    /// Whether the connection comes straight from this machine, with no proxy between.
    pub local: bool,
}

impl Peer {
    /// Settles who the caller is.
    pub fn settle(connection: SocketAddr, tls: bool, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let direct = canonical(connection.ip());
        let forwarded = headers.contains_key("x-forwarded-for")
            || headers.contains_key("x-forwarded-proto")
            || headers.contains_key("forwarded");
        let local = direct.is_loopback() && !forwarded;
        if !trusted.iter().any(|network| network.contains(&direct)) {
            return Self { address: direct, encrypted: tls, local };
        }
        let proto = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|value| value.to_str().ok());
        let encrypted = tls
            || proto.is_some_and(|proto| proto.rsplit(',').next().unwrap_or("").trim().eq_ignore_ascii_case("https"));
        // From the right: the last entry that is not itself a trusted proxy is the caller; what stands before it is
        // whatever the caller wrote.
        let mut address = direct;
        let entries = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let entries: Vec<&str> = entries.flat_map(|value| value.split(',')).map(str::trim).collect();
        for entry in entries.iter().rev() {
            let Some(parsed) = forwarded_address(entry) else { break };
            address = canonical(parsed);
            if !trusted.iter().any(|network| network.contains(&address)) {
                break;
            }
        }
        Self { address, encrypted, local }
    }

    /// What rate limits count by: an IPv4 address, or the /64 an IPv6 address lies in.
    pub fn limit_key(&self) -> IpAddr {
        network(self.address)
    }
}

/// An entry of `X-Forwarded-For`. Some proxies write the caller's port as well, or brackets.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// An IPv4 address that came as an IPv6 one is an IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(connection: &str, forwarded_for: &[&str], proto: Option<&str>, expected: (&str, bool)) {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        if let Some(proto) = proto {
            headers.insert("x-forwarded-proto", proto.parse().unwrap());
        }
        let peer = Peer::settle(SocketAddr::new(connection.parse().unwrap(), 1), false, &headers, &trusted);
        assert_eq!(
            (peer.address.to_string().as_str(), peer.encrypted),
            expected,
            "{connection} {forwarded_for:?} {proto:?}"
        );
    }

    #[test]
    fn threat_17_only_a_trusted_proxy_is_believed() {
        check("192.0.2.1", &[], None, ("192.0.2.1", false));
        check("192.0.2.1", &["198.51.100.7"], Some("https"), ("192.0.2.1", false));
        check("10.1.1.1", &["198.51.100.7"], Some("https"), ("198.51.100.7", true));
        check("10.1.1.1", &["198.51.100.7"], Some("http"), ("198.51.100.7", false));
        check("10.1.1.1", &["6.6.6.6, 198.51.100.7, 10.2.2.2"], Some("https"), ("198.51.100.7", true));
        check("10.1.1.1", &["6.6.6.6", "198.51.100.7"], None, ("198.51.100.7", false));
        check("10.1.1.1", &["nonsense"], Some("https, http"), ("10.1.1.1", false));
        check("::ffff:10.1.1.1", &["198.51.100.7"], None, ("198.51.100.7", false));
    }

    #[test]
    fn some_proxies_write_ports_and_brackets() {
        check("10.1.1.1", &["198.51.100.7:51234"], None, ("198.51.100.7", false));
        check("10.1.1.1", &["6.6.6.6, 198.51.100.7:443, 10.2.2.2:80"], None, ("198.51.100.7", false));
        check("10.1.1.1", &["[2001:db8::1]:443"], None, ("2001:db8::1", false));
        check("10.1.1.1", &["[2001:db8::1]"], None, ("2001:db8::1", false));
        check("10.1.1.1", &["2001:db8::1"], None, ("2001:db8::1", false));
        check("10.1.1.1", &["198.51.100.7:nonsense"], None, ("10.1.1.1", false));
    }

    #[test]
    fn an_ipv6_caller_counts_as_its_network() {
        let peer = |text: &str| Peer { address: text.parse().unwrap(), encrypted: false, local: false };
        assert_eq!(peer("2001:db8::1").limit_key(), peer("2001:db8::ffff:2").limit_key());
        assert_ne!(peer("2001:db8::1").limit_key(), peer("2001:db8:0:1::1").limit_key());
    }
}
