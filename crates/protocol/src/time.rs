//! Points in time: UTC milliseconds internally, ISO 8601 with exactly three fractional digits on the wire.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from milliseconds since the epoch.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as tokens carry them (RFC 7519 §2, NumericDate).
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus a number of seconds, saturating.
    pub const fn plus_secs(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The number of seconds until a later moment, rounded up; 0 if it is not later.
    pub fn whole_seconds_until(self, later: Self) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0).div_ceil(1000)
    }

    /// Parses an ISO 8601 date and time with an offset, as sent by clients.
    ///
    /// # Errors
    /// When the text is not such a moment, or is outside the years 0000 to 9999.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        if text.len() > 64 {
            return Err(ParseTimestampError);
        }
        text.parse().map_err(|_| ParseTimestampError).and_then(Self::within_range)
    }

    /// Like [`Timestamp::parse`], but takes a time without an offset as UTC: for reports of past events, which must not
    /// be lost because some language prints timestamps without one.
    ///
    /// # Errors
    /// As in [`Timestamp::parse`].
    pub fn parse_or_utc(text: &str) -> Result<Self, ParseTimestampError> {
        // A time of day with nothing after it: the civil parser would ignore an offset or a zone.
        let time = text.get(11..).unwrap_or("");
        if time.contains(':') && time.bytes().all(|b| b.is_ascii_digit() || b":.".contains(&b)) {
            let civil: jiff::civil::DateTime = text.parse().map_err(|_| ParseTimestampError)?;
            let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| ParseTimestampError)?;
            return Self::within_range(zoned.timestamp());
        }
        Self::parse(text)
    }

    fn within_range(parsed: jiff::Timestamp) -> Result<Self, ParseTimestampError> {
        let milliseconds = parsed.as_millisecond();
        if (-62_167_219_200_000..=253_402_300_799_999).contains(&milliseconds) {
            Ok(Self(milliseconds))
        } else {
            Err(ParseTimestampError)
        }
    }
}

/// The text is not an ISO 8601 moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 date and time with an offset, such as 2030-01-01T00:00:00.000Z")]
pub struct ParseTimestampError;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            // Outside the calendar's range, which never occurs in stored values; the raw number is still correct.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn begun_seconds_count() {
        let until = |from, to| Timestamp::from_millis(from).whole_seconds_until(Timestamp::from_millis(to));
        assert_eq!((until(0, 1), until(0, 1000), until(999, 2000), until(1, 1), until(5, 0)), (1, 1, 2, 0, 0));
        assert_eq!(until(i64::MIN, i64::MAX), u64::try_from(i64::MAX).unwrap().div_ceil(1000));
    }

    #[test]
    fn the_wire_form_always_has_three_digits_and_z() {
        assert_eq!(Timestamp::from_millis(1_768_478_400_000).to_string(), "2026-01-15T12:00:00.000Z");
        assert_eq!(Timestamp::from_millis(1_768_478_400_007).to_string(), "2026-01-15T12:00:00.007Z");
    }

    #[test]
    fn offsets_are_read_and_nonsense_is_not() {
        assert_eq!(Timestamp::parse("2026-01-15T13:00:00+01:00"), Ok(Timestamp::from_millis(1_768_478_400_000)));
        for bad in ["", "tomorrow", "2026-01-15", "2026-01-15T12:00:00", "1768478400000", "2026-13-01T00:00:00Z"] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_an_offset_utc_may_be_meant() {
        for utc in [
            "2026-01-15T12:00:00",
            "2026-01-15T12:00:00.000000",
            "2026-01-15 12:00",
            "2026-01-15T12:00:00Z",
            "2026-01-15T13:00:00+01:00",
        ] {
            assert_eq!(Timestamp::parse_or_utc(utc), Ok(Timestamp::from_millis(1_768_478_400_000)), "{utc}");
        }
        for bad in [
            "",
            "tomorrow",
            "2026-01",
            "2026-01-15",
            "20260115",
            "2026-01-15T12",
            "1768478400000",
            "2026-02-30T12:00",
            "2026-01-15T25:00:00",
            "2026-01-15T12:00:00[Europe/Berlin]",
            "9999-12-31T20:00:00-05:00",
            "-000001-01-01T12:00",
        ] {
            assert!(Timestamp::parse_or_utc(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn printing_then_parsing_is_identity(ms in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let t = Timestamp::from_millis(ms);
            prop_assert_eq!(Timestamp::parse(&t.to_string()), Ok(t));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,80}") {
            let _ = (Timestamp::parse(&text), Timestamp::parse_or_utc(&text));
        }
    }
}
