//! Whether this machine's clock can be trusted for irreversible actions: deleting rows and retiring keys. The reference
//! is the database's clock, which all nodes share.

use crate::app::App;
use crate::clock::MAX_APART;
use countersign_protocol::time::Timestamp;
use countersign_store::Result;

/// Returns by how many seconds this machine's clock differs from the database's, if that is too much; `None` while they
/// agree, or if they are the same clock.
///
/// # Errors
/// Database errors.
pub async fn apart(app: &App) -> Result<Option<i64>> {
    let Some(theirs) = app.store.clock().await? else { return Ok(None) };
    Ok(too_far(app.clock.of_system(), theirs))
}

fn too_far(ours: Timestamp, theirs: Timestamp) -> Option<i64> {
    let seconds = ours.as_millis().saturating_sub(theirs.as_millis()) / 1000;
    (seconds.abs() > MAX_APART).then_some(seconds)
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
