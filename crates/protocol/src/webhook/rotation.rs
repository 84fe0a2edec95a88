//! Which secrets sign during a rotation.
//!
//! `WorkOS-Signature` has room for one signature, so the new secret takes over at a set time. Until then it is shown,
//! so that receivers can be configured with it, and already signs where there is room for two. Afterwards the old
//! secret signs there for the same length of time.

use crate::time::Timestamp;

/// How long after its creation a new secret takes over, and how long the old one still signs alongside it, in seconds.
pub const OVERLAP: i64 = 24 * 3600;

/// The secrets of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation<S> {
    /// The original secret.
    pub secret: S,
    /// The secret that replaces it, and when it takes or took over.
    pub next: Option<(S, Timestamp)>,
}

impl<S> Rotation<S> {
    /// The secret that currently signs.
    pub fn current(&self, now: Timestamp) -> &S {
        match &self.next {
            Some((next, from)) if *from <= now => next,
            _ => &self.secret,
        }
    }

    /// The upcoming secret, and when it takes over.
    pub fn upcoming(&self, now: Timestamp) -> Option<&(S, Timestamp)> {
        self.next.as_ref().filter(|(_, from)| now < *from)
    }

    /// All secrets that sign where there is room for two, starting with the current one.
    pub fn signing(&self, now: Timestamp) -> Vec<&S> {
        match &self.next {
            Some((next, from)) if *from <= now => {
                let ended = from.plus_secs(OVERLAP) <= now;
                if ended { vec![next] } else { vec![next, &self.secret] }
            }
            Some((next, _)) => vec![&self.secret, next],
            None => vec![&self.secret],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_768_478_400_000);

    #[test]
    fn the_new_one_takes_over_and_the_old_one_fades() {
        let at = |seconds| NOON.plus_secs(seconds);
        let rotation = Rotation { secret: "old", next: Some(("new", NOON)) };
        for (now, current, signing, upcoming) in [
            (at(-OVERLAP), "old", vec!["old", "new"], true),
            (at(-1), "old", vec!["old", "new"], true),
            (at(0), "new", vec!["new", "old"], false),
            (at(OVERLAP - 1), "new", vec!["new", "old"], false),
            (at(OVERLAP), "new", vec!["new"], false),
        ] {
            assert_eq!(*rotation.current(now), current, "{now}");
            assert_eq!(rotation.signing(now).into_iter().copied().collect::<Vec<_>>(), signing, "{now}");
            assert_eq!(rotation.upcoming(now).is_some(), upcoming, "{now}");
        }
        let alone = Rotation { secret: "only", next: None };
        assert_eq!((*alone.current(NOON), alone.signing(NOON)), ("only", vec![&"only"]));
    }
}
