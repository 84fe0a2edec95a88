//! How long the events of an organization are kept.

use crate::management::error::ApiError;
use crate::management::fields::Fields;

/// Days that events are kept when nobody says otherwise, and those of administrators always.
pub const KEPT_DAYS: i64 = 365;
/// The fewest days that can be said.
pub const FEWEST_DAYS: i64 = 30;
/// The longest word for a period.
const LONGEST: usize = 20;

/// Reads the body that says it: `retention_period_in_days`, 30 or 365, or the newer `retention_period`, one to eleven months
/// of thirty days, or a year. Longer than a year nothing is kept here; what is to be kept for longer goes elsewhere by a stream.
///
/// # Errors
/// 422.
pub fn parse(mut fields: Fields) -> Result<i64, ApiError> {
    let days = fields.integer("retention_period_in_days").value();
    let period = fields.text_or_nothing("retention_period", LONGEST).value();
    let settled = match (days, period) {
        (Some(days), _) if days != 30 && days != KEPT_DAYS => {
            fields.refuse("retention_period_in_days", "invalid", "retention_period_in_days must be 30 or 365.");
            None
        }
        (Some(days), _) => Some(days),
        (None, Some(period)) => {
            let days = in_days(&period);
            if days.is_none() {
                fields.refuse(
                    "retention_period",
                    "invalid",
                    "retention_period must be 1_MONTH to 11_MONTHS, or 1_YEAR.",
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

/// For how many days events are kept of which a row says so: whatever somebody has written there, none is forgotten sooner than
/// could have been asked for.
pub fn kept_days(written: i64) -> i64 {
    written.clamp(FEWEST_DAYS, KEPT_DAYS)
}

fn in_days(period: &str) -> Option<i64> {
    match period.split_once('_')? {
        ("1", "YEAR") => Some(KEPT_DAYS),
        ("1", "MONTH") => Some(30),
        (number, "MONTHS") => {
            number.parse::<i64>().ok().filter(|months| (2..=11).contains(months)).map(|months| months * 30)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn whatever_is_written_the_period_is_one_that_could_be_asked_for() {
        for (written, expected) in
            [(i64::MIN, 30), (-100_000, 30), (0, 30), (30, 30), (90, 90), (366, 365), (i64::MAX, 365)]
        {
            assert_eq!(kept_days(written), expected, "{written}");
        }
    }

    #[test]
    fn periods() {
        let check = |body: Value, expected: Result<i64, &str>| {
            let seen = parse(Fields::parse(body.to_string().as_bytes()).unwrap());
            let seen = seen.map_err(|error| match error {
                ApiError::Validation(errors) => errors[0].field.clone(),
                other => panic!("{other:?}"),
            });
            assert_eq!(seen.as_ref().map_err(String::as_str), expected.as_ref().map_err(|field| *field), "{body}");
        };
        for days in [30, 365] {
            check(json!({"retention_period_in_days": days}), Ok(days));
        }
        for days in [json!(0), json!(31), json!(-30), json!("30"), Value::Null] {
            check(json!({"retention_period_in_days": days}), Err("retention_period_in_days"));
        }
        check(json!({}), Err("retention_period_in_days"));
        for (period, days) in [("1_MONTH", 30), ("2_MONTHS", 60), ("11_MONTHS", 330), ("1_YEAR", 365)] {
            check(json!({"retention_period": period}), Ok(days));
        }
        for period in
            ["2_YEARS", "12_MONTHS", "0_MONTHS", "1_MONTHS", "MONTH", "-2_MONTHS", "99999999999999999999_MONTHS"]
        {
            check(json!({"retention_period": period}), Err("retention_period"));
        }
    }
}
