//! How long an organization's events are retained.

use crate::management::error::ApiError;
use crate::management::fields::Fields;

/// The default retention period in days, which always applies to administrators' events.
pub const KEPT_DAYS: i64 = 365;
/// The minimum retention period, in days.
pub const MIN_DAYS: i64 = 30;
/// The maximum retention period, in days: ten years.
pub const MAX_DAYS: i64 = 3650;
/// The maximum length of a period's text form.
const MAX_LENGTH: usize = 20;

/// The available periods in days, shortest first: one to eleven months of 30 days, one to ten years of 365.
pub fn periods() -> impl Iterator<Item = i64> {
    (1..=11).map(|months| months * 30).chain((1..=10).map(|years| years * 365))
}

/// Whether a period is available.
pub fn is_period(days: i64) -> bool {
    periods().any(|period| period == days)
}

/// Reads the body of a change: `retention_period_in_days`, or the newer `retention_period`, but not both.
///
/// # Errors
/// 422 when the period is missing or not available, or when both fields are given.
pub fn parse(mut fields: Fields) -> Result<i64, ApiError> {
    let days = fields.integer("retention_period_in_days").value();
    let period = fields.nullable_text("retention_period", MAX_LENGTH).value();
    let settled = match (days, period) {
        (Some(_), Some(_)) => {
            let message = "Give retention_period or retention_period_in_days, not both.";
            fields.refuse("retention_period", "invalid", message);
            None
        }
        (Some(days), None) if !is_period(days) => {
            fields.refuse(
                "retention_period_in_days",
                "invalid",
                "retention_period_in_days must be a multiple of 30 up to 330, or a multiple of 365 up to 3650.",
            );
            None
        }
        (Some(days), None) => Some(days),
        (None, Some(period)) => {
            let days = in_days(&period);
            if days.is_none() {
                fields.refuse(
                    "retention_period",
                    "invalid",
                    "retention_period must be 1_MONTH to 11_MONTHS, or 1_YEAR to 10_YEARS.",
                );
            }
            days
        }
        (None, None) => {
            fields.require("retention_period_in_days", "retention_period_in_days is required.");
            None
        }
    };
    fields.finish()?;
    Ok(settled.unwrap_or(KEPT_DAYS))
}

/// The effective retention period for the one stored in a row: whatever the row contains, no event is deleted sooner,
/// or kept longer, than could have been configured.
pub fn kept_days(written: i64) -> i64 {
    written.clamp(MIN_DAYS, MAX_DAYS)
}

fn in_days(period: &str) -> Option<i64> {
    let (number, unit) = period.split_once('_')?;
    let (days, most) = match unit {
        "MONTH" | "MONTHS" => (30, 11),
        "YEAR" | "YEARS" => (365, 10),
        _ => return None,
    };
    // One form per period: no sign, no leading zero, and no "1_MONTHS".
    let number = (1..=most).find(|count: &i64| count.to_string() == number)?;
    ((number == 1) != unit.ends_with('S')).then_some(number * days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn whatever_is_written_the_period_is_one_that_could_be_asked_for() {
        for (written, expected) in
            [(i64::MIN, 30), (-100_000, 30), (0, 30), (30, 30), (90, 90), (366, 366), (3650, 3650), (i64::MAX, 3650)]
        {
            assert_eq!(kept_days(written), expected, "{written}");
        }
    }

    #[test]
    fn what_can_be_said() {
        let check = |body: Value, expected: Result<i64, &str>| {
            let seen = parse(Fields::parse(body.to_string().as_bytes()).unwrap());
            let seen = seen.map_err(|error| match error {
                ApiError::Validation(errors) => errors[0].field.clone(),
                other => panic!("{other:?}"),
            });
            assert_eq!(seen.as_ref().map_err(String::as_str), expected.as_ref().map_err(|field| *field), "{body}");
        };
        for days in [30, 60, 330, 365, 730, 3650] {
            check(json!({"retention_period_in_days": days}), Ok(days));
        }
        for days in [
            json!(0),
            json!(31),
            json!(-30),
            json!(360),
            json!(366),
            json!(3660),
            json!(4015),
            json!(i64::MAX),
            json!("30"),
            Value::Null,
        ] {
            check(json!({"retention_period_in_days": days}), Err("retention_period_in_days"));
        }
        check(json!({}), Err("retention_period_in_days"));
        for (period, days) in [
            ("1_MONTH", 30),
            ("2_MONTHS", 60),
            ("11_MONTHS", 330),
            ("1_YEAR", 365),
            ("2_YEARS", 730),
            ("10_YEARS", 3650),
        ] {
            check(json!({"retention_period": period}), Ok(days));
        }
        check(json!({"retention_period": "1_YEAR", "retention_period_in_days": 365}), Err("retention_period"));
        for period in [
            "11_YEARS",
            "12_MONTHS",
            "0_MONTHS",
            "1_MONTHS",
            "1_YEARS",
            "2_YEAR",
            "MONTH",
            "-2_MONTHS",
            "+2_MONTHS",
            "02_MONTHS",
            "1_DAY",
            "99999999999999999999_MONTHS",
            "1_year",
            "2_ONTHS",
        ] {
            check(json!({"retention_period": period}), Err("retention_period"));
        }
    }

    #[test]
    fn every_period_lies_within_what_a_row_may_say() {
        assert_eq!((periods().count(), periods().next(), periods().last()), (21, Some(MIN_DAYS), Some(MAX_DAYS)));
        assert!(periods().all(|days| kept_days(days) == days && is_period(days)));
        assert!(periods().is_sorted() && is_period(KEPT_DAYS));
    }
}
