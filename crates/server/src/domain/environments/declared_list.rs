//! Lists that are declared as a whole.

use crate::domain::Act;
use countersign_store::Tx;
use countersign_store::change::{self, Topic};

/// The result of replacing a list.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The new entries.
    pub added: Vec<String>,
    /// The deleted entries.
    pub deleted: Vec<String>,
    /// Whether the default has changed.
    pub other_default: bool,
}

impl Replaced {
    /// Notifies every node if anything has changed.
    pub(super) fn record(&self, tx: &mut Tx, act: &Act) {
        if *self != Self::default() {
            change::record(tx, act.environment_id, &Topic::Environment, act.now);
        }
    }
}
