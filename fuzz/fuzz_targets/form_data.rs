//! The body of a form with files, and the content type it comes with.
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
        // What was handed in as a file is never taken for something that was typed.
        for part in parts.iter().filter(|part| part.is_file) {
            let typed = parts.iter().any(|other| !other.is_file && other.name == part.name);
            assert!(typed || params.get(part.name).is_none());
        }
    }
});
