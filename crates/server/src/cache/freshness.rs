//! The change feed, and when memory may be trusted.
//!
//! A node polls the feed every [`POLL`]. Memory is trusted for [`TRUST`] after the beginning of the last poll that
//! succeeded; after that a request polls first, and is answered "not now" when that fails. So a revocation is in force
//! on every node within a second, also while a connection hangs: stale is worse than slow.
//!
//! A change made through this node is applied before it is answered, because [`Freshness::catch_up`] runs between the
//! commit and the answer.

use countersign_store::change::{self, Change, Head};
use countersign_store::{Reader, Result, Store};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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
    /// Reads anew what cannot be filled on demand, if a change has made it stale. Memory is not current before that. Given up
    /// half-way, it goes on from there the next time.
    fn refresh(&self, store: &Store) -> impl Future<Output = Result<()>> + Send;
}

/// The state of the feed on this node.
#[derive(Debug)]
pub struct Freshness {
    started: Instant,
    /// Milliseconds after `started` at which the last good poll began.
    confirmed: AtomicU64,
    /// The newest change that is applied.
    version: AtomicI64,
    /// Its mark.
    mark: Mutex<String>,
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
            mark: Mutex::new(head.mark),
            applying: Mutex::new(()),
            polling: tokio::sync::Mutex::new(()),
        }
    }

    fn elapsed(&self) -> u64 {
        self.age_at(Instant::now())
    }

    fn age_at(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether memory may be trusted at this moment.
    pub fn is_current_at(&self, now: Instant) -> bool {
        let age = self.age_at(now).saturating_sub(self.confirmed.load(Ordering::Acquire));
        age < TRUST.as_millis() as u64
    }

    /// The newest change that is applied: to be read before a value is loaded, and given to [`Freshness::admit`].
    pub fn version(&self) -> i64 {
        self.version.load(Ordering::Acquire)
    }

    /// Runs `insert` unless a change was applied since `loaded_at`: the value loaded then may be from before it.
    pub fn admit(&self, loaded_at: i64, insert: impl FnOnce()) {
        let _applying = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.version() == loaded_at {
            insert();
        }
    }

    /// Reads and applies what has changed since the last time. When it returns, every change committed before the call
    /// is applied.
    ///
    /// # Errors
    /// Database errors; memory is then not confirmed as current.
    pub async fn catch_up(&self, store: &Store, memory: &impl Memory) -> Result<()> {
        let asked = self.elapsed();
        let _polling = self.polling.lock().await;
        if self.confirmed.load(Ordering::Acquire) > asked {
            // Somebody's poll began after we asked, and has seen what we wait for.
            return Ok(());
        }
        let began = self.elapsed();
        let mut reader = store.feed_reader().await?;
        let head = change::head(&mut reader).await?;
        if self.follows(&head) {
            self.read_on(&mut reader, &head, memory).await?;
        } else {
            self.start_over(&head, memory);
        }
        drop(reader);
        memory.refresh(store).await?;
        self.confirmed.store(began.max(1), Ordering::Release);
        Ok(())
    }

    /// Whether a head can be reached from what is applied: not when changes are no longer kept, and not when the database
    /// was set back (a restore, a fail-over that lost transactions).
    fn follows(&self, head: &Head) -> bool {
        let known = self.version();
        let mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        match head.version.cmp(&known) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => head.mark.is_empty() || *mark == head.mark,
            std::cmp::Ordering::Greater => known >= head.pruned_through,
        }
    }

    async fn read_on(&self, reader: &mut Reader, head: &Head, memory: &impl Memory) -> Result<()> {
        while self.version() < head.version {
            let known = self.version();
            // Read with the one that is known, to see that it still is the same.
            let mut changes = change::from(reader, known.max(1)).await?;
            let first = changes.first().map(|first| first.version);
            let same = if first == Some(known) {
                let known_one = changes.remove(0);
                *self.mark.lock().unwrap_or_else(PoisonError::into_inner) == known_one.mark
            } else {
                // Nothing was known yet, or what was is just no longer kept.
                known == 0 || known == head.pruned_through
            };
            let unbroken = changes.iter().zip(known + 1..).all(|(change, version)| change.version == version);
            match changes.last() {
                Some(last) if same && unbroken => self.advance(last.version, &last.mark, || memory.apply(&changes)),
                _ => {
                    self.start_over(head, memory);
                    break;
                }
            }
        }
        Ok(())
    }

    fn start_over(&self, head: &Head, memory: &impl Memory) {
        tracing::info!(version = head.version, "the change feed does not go on from what is known; memory starts over");
        self.advance(head.version, &head.mark, || memory.forget());
    }

    fn advance(&self, version: i64, mark: &str, apply: impl FnOnce()) {
        let _applying = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        mark.clone_into(&mut self.mark.lock().unwrap_or_else(PoisonError::into_inner));
        self.version.store(version, Ordering::Release);
        apply();
    }
}
