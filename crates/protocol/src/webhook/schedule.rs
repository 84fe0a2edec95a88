//! When a failed request is sent again, and when an endpoint is given up on.

use crate::time::Timestamp;

/// The maximum number of attempts per delivery.
pub const TRIES: i64 = 12;

/// The pauses in seconds before the next attempt, by the number of attempts so far. Including the maximum jitter, they
/// add up to less than 72 hours.
const PAUSES: [i64; 11] = [10, 30, 120, 600, 1800, 3600, 7200, 14_400, 36_000, 57_600, 86_400];

/// The maximum jitter added to a pause, in percent of it.
const JITTER: i64 = 20;

/// The number of consecutive failures after which an endpoint gets one request at a time, with pauses in between.
pub const STRUGGLES_AFTER: i64 = 8;

/// The first and the maximum length of these pauses, in seconds.
const BREATHERS: (i64, i64) = (5, 300);

/// How long an endpoint may reject everything before it is given up on, in seconds.
const TIMEOUT: i64 = 72 * 3600;

/// How long a delivery may wait without being attempted before it is given up on, in seconds: its endpoint accepts
/// fewer events than are sent to it.
pub const MAX_WAIT_LENGTH: i64 = 72 * 3600;

/// When the next attempt is due for a delivery with `remaining` attempts left; `None` if there is none. `chance` is any
/// number: it spreads out the retries of deliveries that failed together.
pub fn next_try(remaining: i64, now: Timestamp, chance: u64) -> Option<Timestamp> {
    let made = usize::try_from((TRIES - remaining).max(1)).ok()?;
    let pause = if remaining < 1 { None } else { PAUSES.get(made - 1) }?;
    let most = u64::try_from(pause * 10 * JITTER).unwrap_or(0);
    let added = i64::try_from(chance % (most + 1)).unwrap_or(0);
    Some(Timestamp::from_millis(now.as_millis().saturating_add(pause * 1000).saturating_add(added)))
}

/// When an endpoint may be contacted again after this many consecutive failures; `None` below [`STRUGGLES_AFTER`].
pub fn breather(failures: i64, now: Timestamp) -> Option<Timestamp> {
    let beyond = failures - STRUGGLES_AFTER;
    let (first, longest) = BREATHERS;
    // Doubled with each failure, which exceeds the maximum after a few.
    (beyond >= 0).then(|| now.plus_secs((first << beyond.min(10)).min(longest)))
}

/// Whether an endpoint is given up on: as many consecutive failures as a delivery has attempts, over at least three
/// days.
pub fn is_given_up(failures: i64, failing_since: Timestamp, now: Timestamp) -> bool {
    failures >= TRIES && failing_since.plus_secs(TIMEOUT) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_millis(1_768_478_400_000);

    #[test]
    fn twelve_tries_and_no_more() {
        let mut remaining = TRIES;
        let mut tries = 0;
        let mut now = Some(NOON);
        while let Some(moment) = now {
            tries += 1;
            remaining -= 1;
            now = next_try(remaining, moment, 0);
        }
        assert_eq!(tries, TRIES);
        assert_eq!(next_try(0, NOON, 0), None);
        assert_eq!(next_try(-3, NOON, 0), None);
    }

    #[test]
    fn an_endpoint_that_struggles_has_ever_longer_pauses() {
        assert_eq!(breather(STRUGGLES_AFTER - 1, NOON), None);
        assert_eq!(breather(STRUGGLES_AFTER, NOON), Some(NOON.plus_secs(5)));
        assert_eq!(breather(STRUGGLES_AFTER + 3, NOON), Some(NOON.plus_secs(40)));
        assert_eq!(breather(STRUGGLES_AFTER + 6, NOON), Some(NOON.plus_secs(300)));
        assert_eq!(breather(i64::MAX, NOON), Some(NOON.plus_secs(300)));
    }

    #[test]
    fn an_endpoint_is_given_up_after_three_days_and_twelve_tries() {
        let days = |days: i64| NOON.plus_secs(days * 86_400);
        assert!(is_given_up(TRIES, NOON, days(3)));
        assert!(!is_given_up(TRIES, NOON, days(2)));
        assert!(!is_given_up(TRIES - 1, NOON, days(30)), "nobody asked often enough");
    }

    proptest! {
        #[test]
        fn all_tries_are_within_72_hours_and_each_pause_is_longer(chances in proptest::collection::vec(any::<u64>(), 11)) {
            let (mut now, mut remaining, mut last) = (NOON, TRIES, 0);
            for chance in chances {
                remaining -= 1;
                let next = next_try(remaining, now, chance).unwrap();
                let pause = next.as_millis() - now.as_millis();
                prop_assert!(pause > last, "{pause} after {last}");
                (now, last) = (next, pause);
            }
            remaining -= 1;
            prop_assert_eq!(next_try(remaining, now, 0), None);
            prop_assert!(now < NOON.plus_secs(72 * 3600));
        }
    }
}
