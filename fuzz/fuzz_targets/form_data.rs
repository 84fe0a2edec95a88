//! The body of a multipart form, and its content type.
#![no_main]

use countersign_protocol::form_data::{boundary, parse};
use countersign_protocol::oauth::params::Params;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(text) = std::str::from_utf8(body)
        && let Some(found) = boundary(text)
    {
        assert!(!found.is_empty() && found.len() <= 70 && text.contains(found));
    }
    let Ok(parts) = parse("b", body) else { return };
    for part in &parts {
        // No part runs over into the next one.
        assert!(!part.content.windows(5).any(|window| window == b"\r\n--b"));
        assert!(!part.name.contains('"'));
    }
    if let Ok(params) = Params::from_parts(&parts) {
        // An uploaded file is never taken for a typed value.
        for part in parts.iter().filter(|part| part.is_file) {
            let typed = parts.iter().any(|other| !other.is_file && other.name == part.name);
            assert!(typed || params.get(part.name).is_none());
        }
    }
});
