//! The change feed, and when memory may be trusted.
//!
//! A node polls the feed every [`POLL`]. Memory is trusted for [`TRUST`] after the beginning of the last poll that
//! succeeded; after that a request polls first, and is answered "not now" when that fails. So a revocation is in force
//! on every node within a second, also while a connection hangs: stale is worse than slow.
//!
//! A change made through this node is applied before it is answered, because [`Freshness::catch_up`] runs between the
//! commit and the answer.

use crate::cache::environments::SnapshotError;
use countersign_store::Store;
use countersign_store::change::{self, Change, Head};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a node asks for changes.
pub const POLL: Duration = Duration::from_millis(200);
/// How long memory is trusted after a poll began.
pub const TRUST: Duration = Duration::from_millis(900);

/// What a change does to the memory of a node.
pub trait Memory: Send + Sync {
    /// Drops what the changes concern. Called with the feed's lock held; quick.
    fn apply(&self, changes: &[Change]);
    /// Drops everything.
    fn forget(&self);
    /// Reads anew what cannot be filled on demand, if a change has made it stale. Memory is not current before that.
    fn refresh(&self, store: &Store) -> impl Future<Output = Result<(), SnapshotError>> + Send;
}

/// The state of the feed on this node.
#[derive(Debug)]
pub struct Freshness {
    started: Instant,
    /// Milliseconds after `started` at which the last good poll began.
    confirmed: AtomicU64,
    /// The newest change that is applied.
    version: AtomicI64,
    /// Held while changes are applied and while a loaded value is put into a cache, so that a value read before a change
    /// cannot be put in after it.
    applying: Mutex<()>,
    /// Held while polling: those who wait for it are served by one poll.
    polling: tokio::sync::Mutex<()>,
}

impl Freshness {
    /// A feed that has seen everything up to a head.
    pub fn new(head: Head) -> Self {
        Self {
            started: Instant::now(),
            confirmed: AtomicU64::new(0),
            version: AtomicI64::new(head.version),
            applying: Mutex::new(()),
            polling: tokio::sync::Mutex::new(()),
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether memory may be trusted now.
    pub fn is_current(&self) -> bool {
        let age = self.elapsed().saturating_sub(self.confirmed.load(Ordering::Acquire));
        age < TRUST.as_millis() as u64
    }

    /// The newest change that is applied: to be read before a value is loaded, and given to [`Freshness::admit`].
    pub fn version(&self) -> i64 {
        self.version.load(Ordering::Acquire)
    }

    /// Runs `insert` unless a change was applied since `loaded_at`: the value loaded then may be from before it.
    pub fn admit(&self, loaded_at: i64, insert: impl FnOnce()) {
        let _applying = self.applying.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.version() == loaded_at {
            insert();
        }
    }

    /// Reads and applies what has changed since the last time. When it returns, every change committed before the call
    /// is applied.
    ///
    /// # Errors
    /// Database errors; memory is then not confirmed as current.
    pub async fn catch_up(&self, store: &Store, memory: &impl Memory) -> Result<(), SnapshotError> {
        let asked = self.elapsed();
        let _polling = self.polling.lock().await;
        if self.confirmed.load(Ordering::Acquire) > asked {
            // Somebody's poll began after we asked, and has seen what we wait for.
            return Ok(());
        }
        let began = self.elapsed();
        let mut reader = store.reader().await?;
        let head = change::head(&mut reader).await?;
        while self.version() < head.version {
            let known = self.version();
            if known < head.pruned_through {
                self.advance(head.version, || memory.forget());
                break;
            }
            let changes = change::since(&mut reader, known).await?;
            let Some(last) = changes.last() else {
                self.advance(head.version, || memory.forget());
                break;
            };
            self.advance(last.version, || memory.apply(&changes));
        }
        drop(reader);
        memory.refresh(store).await?;
        self.confirmed.store(began.max(1), Ordering::Release);
        Ok(())
    }

    fn advance(&self, version: i64, apply: impl FnOnce()) {
        let _applying = self.applying.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.version.store(version, Ordering::Release);
        apply();
    }
}
