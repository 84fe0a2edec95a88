//! Lists that are declared as a whole.

use crate::domain::Act;
use countersign_store::Tx;
use countersign_store::change::{self, Topic};

/// What became of a list that took another's place.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What is new.
    pub added: Vec<String>,
    /// What is gone.
    pub deleted: Vec<String>,
    /// Another one is the default now.
    pub other_default: bool,
}

impl Replaced {
    /// Tells every node, if anything is another now.
    pub(super) fn record(&self, tx: &mut Tx, act: &Act) {
        if *self != Self::default() {
            change::record(tx, act.environment_id, &Topic::Environment, act.now);
        }
    }
}
