//! A client ID that may be a URL, and the metadata document found there.
#![no_main]

use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::registration::document::read;
use countersign_protocol::oauth::registration::document_url::{check, host};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const URL: &str = "https://client.example/oauth/client.json";

fuzz_target!(|input: (&str, &[u8])| {
    let (name, body) = input;
    if let Some(read) = ClientName::parse(name) {
        assert_eq!(read.to_string(), name);
    }
    if check(name).is_ok() {
        assert!(name.starts_with("https://") && name.is_ascii() && !name.contains(['#', '\\']));
        assert!(!host(name).is_empty() && !host(name).contains(['@', '/', '?']));
    }
    let _ = read(URL, body);
    // Again with the one member that the fuzzer cannot guess.
    let Ok(Value::Object(mut written)) = serde_json::from_slice(body) else { return };
    written.insert("client_id".to_owned(), json!(URL));
    let Ok(document) = read(URL, Value::Object(written).to_string().as_bytes()) else { return };
    assert!(!document.name.is_empty() && !document.name.chars().any(char::is_control));
    assert!(!document.redirect_uris.is_empty());
    for uri in &document.redirect_uris {
        let lower = uri.to_ascii_lowercase();
        assert!(
            !["javascript:", "data:", "file:", "vbscript:"].iter().any(|scheme| lower.starts_with(scheme)),
            "{uri}"
        );
        assert!(!uri.contains(['#', '*', '\\', ' ']), "{uri}");
    }
});
