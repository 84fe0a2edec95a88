//! How many connections may be open: so many in all, and so many from one address, so that one stranger cannot take
//! every place.

use crate::domain::attempts::network;
use ipnet::IpNet;
use prometheus_client::encoding::EncodeLabelValue;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Most connections open at once, on one listener.
pub const IN_ALL: usize = 20_000;
/// Most connections open at once from one address: an office behind one address fits, a flood does not.
pub const FROM_ONE_ADDRESS: usize = 1_000;

/// Why there is no place for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Refused {
    /// All places are taken.
    AllTaken,
    /// This address has all it may have.
    AddressHasAll,
    /// The system has no more files to open.
    NoMoreFiles,
}

/// The places for connections of one listener.
#[derive(Debug)]
pub struct Places {
    taken: Mutex<Taken>,
    in_all: usize,
    from_one_address: usize,
    /// Trusted proxies. They carry the connections of many clients and are exempt from the limit for one address.
    trusted: Vec<IpNet>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    counted_as: Option<IpAddr>,
}

impl Places {
    /// The places of a listener. This machine and the trusted proxies are not bound by the number for one address.
    pub fn new(in_all: usize, from_one_address: usize, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), in_all, from_one_address, trusted })
    }

    /// Takes a place for a connection from this address.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Refused> {
        let address = address.to_canonical();
        let exempt = address.is_loopback() || self.trusted.iter().any(|network| network.contains(&address));
        let counted_as = (!exempt).then(|| network(address));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.in_all {
            return Err(Refused::AllTaken);
        }
        if let Some(key) = counted_as {
            let count = taken.by_address.entry(key).or_default();
            if *count >= self.from_one_address {
                return Err(Refused::AddressHasAll);
            }
            *count += 1;
        }
        taken.in_all += 1;
        Ok(Place { places: Arc::clone(self), counted_as })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        let Some(key) = self.counted_as else { return };
        if let Some(count) = taken.by_address.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_address.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let places = Places::new(4, 2, Vec::new());
        let first = places.take(address("192.0.2.1")).unwrap();
        let _second = places.take(address("::ffff:192.0.2.1")).unwrap();
        assert!(places.take(address("192.0.2.1")).is_err_and(|refused| refused == Refused::AddressHasAll));
        let _other = places.take(address("192.0.2.2")).unwrap();
        drop(first);
        let _again = places.take(address("192.0.2.1")).unwrap();
        let _last = places.take(address("192.0.2.3")).unwrap();
        assert_eq!(places.take(address("192.0.2.4")).err(), Some(Refused::AllTaken));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let places = Places::new(9, 1, Vec::new());
        let _one = places.take(address("2001:db8::1")).unwrap();
        assert!(places.take(address("2001:db8::2")).is_err());
        let _neighbour = places.take(address("2001:db8:0:1::1")).unwrap();
    }

    #[test]
    fn proxies_and_this_machine_speak_for_many() {
        let places = Places::new(9, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let held: Vec<Place> =
            ["10.0.0.1", "10.0.0.1", "127.0.0.1", "127.0.0.1"].map(|text| places.take(address(text)).unwrap()).into();
        drop(held);
        assert_eq!(places.taken.lock().unwrap().in_all, 0);
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let places = Places::new(9, 1, Vec::new());
        drop(places.take(address("192.0.2.1")).unwrap());
        assert!(places.taken.lock().unwrap().by_address.is_empty());
    }
}
