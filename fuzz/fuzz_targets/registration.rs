//! The metadata that a client registers itself with.
#![no_main]

use countersign_protocol::model::ClientType;
use countersign_protocol::oauth::registration::dynamic::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let registered = match read(body) {
        Ok(registered) => registered,
        Err(error) => {
            assert_eq!(error.code.status(), 400);
            assert!(!error.description.is_empty());
            return;
        }
    };
    assert!(!registered.client_name.is_empty() && !registered.client_name.chars().any(char::is_control));
    assert!(!registered.redirect_uris.is_empty());
    for uri in &registered.redirect_uris {
        let lower = uri.to_ascii_lowercase();
        assert!(
            !["javascript:", "data:", "file:", "vbscript:"].iter().any(|scheme| lower.starts_with(scheme)),
            "{uri}"
        );
        assert!(!uri.contains(['#', '*', '\\', ' ']), "{uri}");
    }
    let scopes = registered.scope.as_deref().unwrap_or("").split(' ').filter(|scope| !scope.is_empty());
    assert!(scopes.into_iter().all(|scope| ["openid", "profile", "email", "offline_access"].contains(&scope)));
    assert_eq!(registered.sameness().is_some(), registered.client_type() == ClientType::Public);
});
