//! Human-readable durations: "5 minutes", "30 days".

/// The units, longest first: name, abbreviation, and length in seconds.
const UNITS: [(&str, &str, i64); 4] =
    [("day", "d", 86_400), ("hour", "h", 3_600), ("minute", "m", 60), ("second", "s", 1)];

/// Formats a duration in the longest unit that represents it exactly.
pub fn in_words(seconds: i64) -> String {
    let exact = UNITS.into_iter().find(|(_, _, length)| seconds % length == 0 && seconds >= *length);
    let (name, _, length) = exact.unwrap_or(("second", "s", 1));
    let count = seconds / length;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// Parses a duration: a number and a unit, spelled out or abbreviated to its first letter. A bare number is in seconds.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let count: i64 = number.parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    if unit.is_empty() {
        return Some(count);
    }
    let known = |(name, letter, _): &(&str, &str, i64)| {
        unit == *letter || unit == *name || unit.strip_suffix('s') == Some(name)
    };
    let (_, _, length) = UNITS.into_iter().find(known)?;
    count.checked_mul(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("5 minutes", 300),
            ("5m", 300),
            (" 1 Day ", 86_400),
            ("30 days", 30 * 86_400),
            ("90", 90),
            ("90 s", 90),
            ("2 hours", 7200),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "minutes",
            "-5 minutes",
            "5 fortnights",
            "1.5 hours",
            "5 minutes 3",
            "99999999999999999999",
            "9223372036854775807 d",
            "٥ m",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        for seconds in [0, 1, 59, 60, 90, 3_600, 3_660, 86_400, 90_000, 30 * 86_400, 400 * 86_400] {
            assert_eq!(parse(&in_words(seconds)), Some(seconds), "{}", in_words(seconds));
        }
        assert_eq!(
            (in_words(300).as_str(), in_words(86_400).as_str(), in_words(90).as_str()),
            ("5 minutes", "1 day", "90 seconds")
        );
    }
}
