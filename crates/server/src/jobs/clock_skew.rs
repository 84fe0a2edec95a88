//! Whether this machine's clock can be believed where something is done that cannot be undone: rows are forgotten, keys go. The
//! database's clock is the one that all nodes have in common.

use crate::app::App;
use crate::clock::MOST_APART;
use countersign_protocol::time::Timestamp;
use countersign_store::Result;

/// How many seconds this machine's clock is from the database's, when that is too many; `None` while they agree, and where both
/// are one.
///
/// # Errors
/// Database errors.
pub async fn apart(app: &App) -> Result<Option<i64>> {
    let Some(theirs) = app.store.clock().await? else { return Ok(None) };
    Ok(too_far(app.clock.of_system(), theirs))
}

fn too_far(ours: Timestamp, theirs: Timestamp) -> Option<i64> {
    let seconds = ours.as_millis().saturating_sub(theirs.as_millis()) / 1000;
    (seconds.abs() > MOST_APART).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_a_minute_apart_agree_and_others_do_not() {
        let at = Timestamp::from_millis;
        for (ours, theirs, expected) in [
            (100_000, 100_000, None),
            (160_999, 100_000, None),
            (100_000, 160_999, None),
            (161_000, 100_000, Some(61)),
            (100_000, 161_000, Some(-61)),
            (100 * 86_400_000, 0, Some(100 * 86_400)),
        ] {
            assert_eq!(too_far(at(ours), at(theirs)), expected, "{ours} {theirs}");
        }
    }
}
