//! The body of an OAuth request, as a form and as JSON.
#![no_main]

use countersign_protocol::oauth::params::Params;
use countersign_protocol::oauth::token::TokenRequest;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] = ["grant_type", "scope", "client_id", "client_secret", "token", "resource"];

fn read(params: &Params<'_>) {
    for name in NAMES {
        if let Some(value) = params.get(name) {
            assert!(!value.is_empty() && !value.contains('\0'));
        }
    }
    if let Ok(TokenRequest::ClientCredentials { scope }) = TokenRequest::parse(params) {
        assert_eq!(params.get("grant_type"), Some("client_credentials"));
        assert_eq!(params.get("scope"), scope);
    }
    // Values may be secrets, so the debug output contains only names.
    let printed = format!("{params:?}");
    if let Some(secret) = params.get("client_secret").filter(|secret| secret.len() > 20) {
        assert!(!printed.contains(secret) || NAMES.iter().all(|name| *name != secret));
    }
}

fuzz_target!(|body: &[u8]| {
    if let Ok(params) = Params::from_form(body) {
        read(&params);
    }
    if let Ok(params) = Params::from_json(body) {
        read(&params);
    }
});
