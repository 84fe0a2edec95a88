//! Client authentication: the `Authorization` header (the first line of the input) and a form body (the rest).
#![no_main]

use countersign_protocol::oauth::client_auth::present;
use countersign_protocol::oauth::params::Params;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let at = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (header, body) = (&input[..at], input.get(at + 1..).unwrap_or_default());
    let Ok(params) = Params::from_form(body) else { return };
    if let Ok(presented) = present(Some(header), &params) {
        // With a header, the body contains no second secret and no other client.
        assert!(params.get("client_secret").is_none());
        if let Some(body) = params.get("client_id") {
            assert_eq!(body, presented.client.to_string());
        }
        assert!(presented.secret.is_none_or(|secret| !secret.expose().is_empty()));
    }
    if let Ok(presented) = present(None, &params) {
        assert_eq!(params.get("client_id"), Some(&*presented.client.to_string()));
        assert_eq!(params.get("client_secret"), presented.secret.as_ref().map(|secret| secret.expose()));
    }
});
