//! A scope string.
#![no_main]

use countersign_protocol::oauth::scope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(scopes) = scope::parse(text) {
        let joined = scopes.join(" ");
        assert_eq!(scope::parse(&joined).unwrap(), scopes, "joining and parsing gives the same");
        for (at, scope) in scopes.iter().enumerate() {
            assert!(!scope.is_empty() && scope.is_ascii() && !scopes[..at].contains(scope));
        }
    }
});
