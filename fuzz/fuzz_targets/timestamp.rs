//! A timestamp as clients send it.
#![no_main]

use countersign_protocol::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(moment) = Timestamp::parse(text) {
        let written = moment.to_string();
        assert_eq!(Timestamp::parse(&written), Ok(moment), "written and read again it is the same");
        assert!(written.len() == 24 && written.ends_with('Z') && written.as_bytes()[19] == b'.', "{written}");
        let _ = (moment.as_secs(), moment.plus_secs(i64::MAX), moment.plus_secs(i64::MIN));
    }
});
