//! Which environments of the snapshot a change has made stale, and what was read of them since.

use super::environments::EnvironmentState;
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::Environment;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The environments that are to be read anew.
#[derive(Debug)]
pub(super) struct StaleEnvironments(Mutex<Stale>);

#[derive(Debug, Default)]
struct Stale {
    /// All there are, whichever those may be.
    all: bool,
    /// These.
    named: BTreeSet<EnvironmentId>,
    /// What was read since; `None` is one that cannot be served.
    read: HashMap<EnvironmentId, Option<Arc<EnvironmentState>>>,
}

impl StaleEnvironments {
    /// Nothing was read yet.
    pub(super) fn all() -> Self {
        Self(Mutex::new(Stale { all: true, ..Stale::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Stale> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An environment has changed.
    pub(super) fn add(&self, id: EnvironmentId) {
        self.lock().named.insert(id);
    }

    /// Nothing that was read may be believed.
    pub(super) fn add_all(&self) {
        self.lock().all = true;
    }

    /// Whether anything is to be read.
    pub(super) fn any(&self) -> bool {
        let stale = self.lock();
        stale.all || !stale.named.is_empty() || !stale.read.is_empty()
    }

    /// Names what is to be read, of the environments that there are: with those that have changed those that are not known.
    pub(super) fn settle(&self, environments: &[Environment], is_known: impl Fn(EnvironmentId) -> bool) {
        let mut stale = self.lock();
        let Stale { all, named, read } = &mut *stale;
        if std::mem::take(all) {
            read.clear();
            named.extend(environments.iter().map(|environment| environment.id));
        }
        let unknown = environments.iter().map(|environment| environment.id).filter(|id| !is_known(*id));
        named.extend(unknown.filter(|id| !read.contains_key(id)));
    }

    /// One that is still to be read.
    pub(super) fn next(&self) -> Option<EnvironmentId> {
        self.lock().named.first().copied()
    }

    /// What came of reading it.
    pub(super) fn was_read(&self, id: EnvironmentId, state: Option<Arc<EnvironmentState>>) {
        let mut stale = self.lock();
        stale.named.remove(&id);
        stale.read.insert(id, state);
    }

    /// There is no such environment any more.
    pub(super) fn has_gone(&self, id: EnvironmentId) {
        let mut stale = self.lock();
        stale.named.remove(&id);
        stale.read.remove(&id);
    }

    /// Everything was read: what is known now, of what was known before.
    pub(super) fn finish(
        &self,
        before: &HashMap<EnvironmentId, Arc<EnvironmentState>>,
    ) -> HashMap<EnvironmentId, Arc<EnvironmentState>> {
        let mut states = before.clone();
        for (id, state) in self.lock().read.drain() {
            match state {
                Some(state) => states.insert(id, state),
                None => states.remove(&id),
            };
        }
        states
    }
}
