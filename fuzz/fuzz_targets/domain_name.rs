//! A domain name supplied by a client.
#![no_main]

use countersign_protocol::management::domain_name::normalize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(domain) = normalize(text) {
        assert_eq!(normalize(&domain).as_ref(), Some(&domain), "the normal form is its own normal form");
        assert!(domain.len() <= 253 && domain.contains('.'));
        assert!(domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.')));
        assert!(domain.parse::<std::net::IpAddr>().is_err(), "an address is no domain");
    }
});
