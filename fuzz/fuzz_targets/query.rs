//! The query string of a management request.
#![no_main]

use countersign_protocol::management::query::Query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text) else { return };
    for name in ["limit", "search", "domains", "registration_types", ""] {
        if let Ok(Some(value)) = query.get(name) {
            assert!(!value.is_empty() && !value.contains('\0'));
        }
        for value in query.list(name).unwrap_or_default() {
            assert!(!value.is_empty() && value.trim() == value && !value.contains(','));
        }
    }
});
