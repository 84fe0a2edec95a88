//! A redirect URI to be registered: the first byte picks the environment and client type, the rest is the URI.
#![no_main]

use countersign_protocol::model::{ClientType, EnvironmentKind};
use countersign_protocol::oauth::redirect_uri::{check, settle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (choice, uri) = input;
    let kind = if choice & 1 == 0 { EnvironmentKind::Production } else { EnvironmentKind::Staging };
    let client = if choice & 2 == 0 { ClientType::Confidential } else { ClientType::Public };
    if check(uri, kind, client).is_ok() {
        let lower = uri.to_ascii_lowercase();
        for scheme in ["javascript:", "data:", "vbscript:", "file:", "blob:"] {
            assert!(!lower.starts_with(scheme));
        }
        assert!(uri.bytes().all(|byte| matches!(byte, 0x21..=0x7E)) && !uri.contains(['#', '\\']));
        assert!(uri.matches('*').count() <= 1);
        if client == ClientType::Confidential {
            assert!(lower.starts_with("https://") || lower.starts_with("http://"));
        }
        if kind == EnvironmentKind::Production && lower.starts_with("http://") {
            let loopback = lower.starts_with("http://127.") || lower.starts_with("http://[");
            // Other spellings of a loopback address (`http://0x7f.1/`) count as loopback too.
            let number = lower.as_bytes().get(7).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'%');
            assert!(loopback || number, "plain http to another machine: {uri}");
        }
    }
    let entries: Vec<(String, bool)> = uri.split('|').map(|uri| (uri.to_owned(), choice & 4 != 0)).collect();
    if let Ok(settled) = settle(entries, kind, client) {
        assert!(settled.iter().filter(|entry| entry.default).count() <= 1);
        assert!(settled.iter().all(|entry| check(&entry.uri, kind, client).is_ok()));
        assert!(settled.iter().all(|entry| !entry.default || !entry.uri.contains('*')));
    }
});
