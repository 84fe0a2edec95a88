//! Request bodies for streams, in the format that the receiver expects.

use super::event::{AuditEvent, delivered_view};
use super::export::StreamFormat;
use crate::id::AuditEventId;
use crate::time::Timestamp;
use serde_json::{Number, Value, json};

/// The maximum size of a batch of events in bytes, unless a single event exceeds it: Datadog accepts five million per
/// request, others less.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Returns how many of these events, given their sizes, go into one batch: at least one.
pub fn at_once(sizes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0_usize;
    let fitting = sizes.take_while(|size| {
        sum = sum.saturating_add(*size);
        sum <= MAX_BYTES
    });
    fitting.count().max(1)
}

/// The media type of the body.
pub fn content_type(format: StreamFormat) -> &'static str {
    match format {
        StreamFormat::Json | StreamFormat::Datadog | StreamFormat::Splunk => "application/json",
        StreamFormat::Lines => "application/x-ndjson",
    }
}

/// Names the header that a format requires if it is missing from these, in words.
pub fn lacking<'h>(
    format: StreamFormat,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
) -> Option<&'static str> {
    let (name, start, words) = match format {
        StreamFormat::Json | StreamFormat::Lines => return None,
        StreamFormat::Datadog => ("dd-api-key", "", "Datadog wants the header DD-API-KEY."),
        StreamFormat::Splunk => {
            ("authorization", "Splunk ", "Splunk wants the header 'Authorization: Splunk <token>'.")
        }
    };
    let there = headers.into_iter().any(|(known, value)| {
        known.eq_ignore_ascii_case(name) && value.strip_prefix(start).is_some_and(|rest| !rest.trim().is_empty())
    });
    (!there).then_some(words)
}

/// The body of a request with events from the environment named `source`.
pub fn body(format: StreamFormat, source: &str, events: &[(AuditEventId, AuditEvent)]) -> String {
    let entries = events.iter().map(|(id, event)| entry(format, source, *id, event));
    match format {
        StreamFormat::Json | StreamFormat::Datadog => Value::Array(entries.collect()).to_string(),
        // Splunk documents concatenated events, not an array.
        StreamFormat::Lines | StreamFormat::Splunk => entries.map(|entry| format!("{entry}\n")).collect(),
    }
}

fn entry(format: StreamFormat, source: &str, id: AuditEventId, event: &AuditEvent) -> Value {
    let view = delivered_view(id, event);
    match format {
        StreamFormat::Json | StreamFormat::Lines => {
            let bare = id.bare();
            let suffix = bare.get(bare.len().saturating_sub(8)..).unwrap_or_default();
            json!({"event": view, "keySuffix": suffix, "timestamp": event.occurred_at, "source": source})
        }
        StreamFormat::Datadog => json!({"message": view, "ddsource": source, "service": "audit-logs"}),
        StreamFormat::Splunk => json!({"event": view, "time": seconds(event.occurred_at), "source": source}),
    }
}

/// A timestamp in Splunk's format: seconds with three decimals.
fn seconds(moment: Timestamp) -> Option<Number> {
    let millis = moment.as_millis();
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1000, millis % 1000).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::{parse, tests::body as sample};
    use crate::management::fields::Fields;
    use proptest::prelude::*;

    const ALL: [StreamFormat; 4] =
        [StreamFormat::Json, StreamFormat::Lines, StreamFormat::Datadog, StreamFormat::Splunk];

    fn event() -> (AuditEventId, AuditEvent) {
        let id = AuditEventId::parse("audit_log_event_01EHZNVPK3SFK441A1RGBFSHRT").unwrap();
        (id, parse(Fields::parse(sample().to_string().as_bytes()).unwrap()).unwrap().1)
    }

    #[test]
    fn each_receiver_gets_what_it_reads() {
        let (id, event) = event();
        let view = delivered_view(id, &event);
        let check = |format: StreamFormat, expected: Value| {
            let two = body(format, "acme", &[(id, event.clone()), (id, event.clone())]);
            let read: Vec<Value> = match format {
                StreamFormat::Json | StreamFormat::Datadog => serde_json::from_str(&two).unwrap(),
                _ => two.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            };
            assert_eq!(read, [expected.clone(), expected], "{format:?}");
        };
        let generic = json!({"event": view, "keySuffix": "RGBFSHRT", "timestamp": event.occurred_at, "source": "acme"});
        check(StreamFormat::Json, generic.clone());
        check(StreamFormat::Lines, generic);
        check(StreamFormat::Datadog, json!({"message": view, "ddsource": "acme", "service": "audit-logs"}));
        let time = event.occurred_at.as_millis();
        let seconds: f64 = format!("{}.{:03}", time / 1000, time % 1000).parse().unwrap();
        check(StreamFormat::Splunk, json!({"event": view, "time": seconds, "source": "acme"}));
    }

    #[test]
    fn moments_in_seconds() {
        for (millis, expected) in
            [(0, "0.0"), (1, "0.001"), (1_768_478_400_123, "1768478400.123"), (-1, "-0.001"), (-1500, "-1.5")]
        {
            assert_eq!(seconds(Timestamp::from_millis(millis)).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn receivers_that_want_a_key_get_one() {
        let check = |format, headers: &[(&str, &str)], there: bool| {
            assert_eq!(lacking(format, headers.iter().copied()).is_none(), there, "{format:?} {headers:?}");
        };
        check(StreamFormat::Json, &[], true);
        check(StreamFormat::Lines, &[], true);
        check(StreamFormat::Datadog, &[], false);
        check(StreamFormat::Datadog, &[("DD-API-KEY", " ")], false);
        check(StreamFormat::Datadog, &[("Authorization", "Bearer x")], false);
        check(StreamFormat::Datadog, &[("dd-api-key", "x")], true);
        check(StreamFormat::Splunk, &[("Authorization", "Bearer x")], false);
        check(StreamFormat::Splunk, &[("Authorization", "Splunk ")], false);
        check(StreamFormat::Splunk, &[("X", "y"), ("authorization", "Splunk x")], true);
    }

    #[test]
    fn large_events_are_sent_in_smaller_batches() {
        let check = |sizes: &[usize], expected| assert_eq!(at_once(sizes.iter().copied()), expected, "{sizes:?}");
        check(&[], 1);
        check(&[1; 100], 100);
        check(&[64 * 1024; 100], 16);
        check(&[MAX_BYTES, 1], 1);
        check(&[MAX_BYTES + 1, 1], 1);
        check(&[usize::MAX, usize::MAX], 1);
    }

    proptest! {
        #[test]
        fn nothing_that_was_told_breaks_a_body(text in ".*", source in ".*", count in 0_usize..4) {
            let (id, mut event) = event();
            event.action.clone_from(&text);
            event.actor.name = Some(text.clone());
            let events = vec![(id, event); count];
            for format in ALL {
                let body = body(format, &source, &events);
                let read: Vec<Value> = match format {
                    StreamFormat::Json | StreamFormat::Datadog => serde_json::from_str(&body).unwrap(),
                    _ => body.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect(),
                };
                prop_assert_eq!(read.len(), count);
                for entry in read {
                    let inner = if format == StreamFormat::Datadog { &entry["message"] } else { &entry["event"] };
                    prop_assert_eq!(&inner["actor"]["name"], &Value::String(text.clone()));
                }
            }
        }
    }
}
