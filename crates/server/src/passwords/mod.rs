//! Password hashing and verification, which deliberately takes tens of milliseconds and megabytes. It runs on blocking
//! threads (except for imported plain digests), a few at a time, so that a rush of sign-ins leaves a core for
//! everything else; a request that would wait too long is told to retry.
//!
//! The hash format is defined by `countersign_protocol::password`. Never called inside a transaction.

mod strength;

pub use strength::{MAX_LENGTH, MIN_LENGTH, Weakness, strength};

use crate::entropy::Entropy;
use countersign_protocol::password;
use countersign_protocol::secret::Secret;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// The number of requests that may wait for each one in progress: about a second's worth of work.
const WAITING_PER_PERMIT: usize = 32;

/// The hash to compare with when there is none: in our own format, matching no password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The queue is full, or memory or random bytes cannot be obtained: retry later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being worked on")]
pub struct Busy;

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is correct.
    Right {
        /// Whether its hash is not in our own format and should be replaced while the password is known.
        rehash: bool,
    },
    /// The password is wrong.
    Wrong,
}

/// Hashes and verifies passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    entropy: Arc<Entropy>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Whether hashes that are not in our own format are replaced.
    renews: bool,
}

/// A place in the queue, released when dropped, including when the caller has gone away.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// Creates a hasher with a concurrency of one less than the number of cores.
    pub fn new(entropy: Arc<Entropy>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = cores.saturating_sub(1).max(1);
        Self::with_bounds(entropy, permits, permits * WAITING_PER_PERMIT)
    }

    fn with_bounds(entropy: Arc<Entropy>, permits: usize, most_waiting: usize) -> Self {
        let permits = Arc::new(Semaphore::new(permits));
        Self { entropy, permits, waiting: AtomicUsize::new(0), most_waiting, renews: true }
    }

    /// Disables the replacement of hashes. For measurements that exclude the cost of hashing; there is no setting for
    /// it.
    #[must_use]
    pub fn leaving_hashes_as_they_are(self) -> Self {
        Self { renews: false, ..self }
    }

    /// Hashes a password in our own format.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Secret) -> Result<String, Busy> {
        let salt = self.entropy.bytes().map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Busy
        })?;
        self.work(move || password::hash(password.expose(), salt)).await?.ok_or(Busy)
    }

    /// Compares a password with a stored hash. If there is no hash, or a fast one imported from another system, a wrong
    /// password takes as long as with a hash in our own format, so that the timing does not reveal whether the account
    /// exists. Slow hashes of other systems take as long as they require.
    ///
    /// The caller must count the attempt beforehand: with a fast hash, a correct password is confirmed even when a
    /// wrong one gets [`Busy`].
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, stored: Option<String>, password: Secret) -> Result<Verdict, Busy> {
        let renews = self.renews;
        let stored = match stored {
            // A fast digest: handing it to another thread would take longer than computing it.
            Some(quick) if password::is_quick(&quick) => {
                if password::verify(&quick, password.expose()) {
                    return Ok(Verdict::Right { rehash: renews });
                }
                None
            }
            stored => stored,
        };
        self.work(move || {
            let right = password::verify(stored.as_deref().unwrap_or(NOBODY), password.expose());
            match stored {
                Some(stored) if right => Verdict::Right { rehash: renews && !password::is_ours(&stored) },
                _ => Verdict::Wrong,
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let before = self.waiting.fetch_add(1, Ordering::Relaxed);
                let _place = Place(&self.waiting);
                if before >= self.most_waiting {
                    return Err(Busy);
                }
                Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Busy)?
            }
        };
        // The permit moves along: work whose caller has gone away still uses a core.
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "work on a password broke off");
            Busy
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn run(body: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(body);
    }

    #[test]
    fn a_password_is_right_for_its_own_hash_alone() {
        run(async {
            let passwords = Passwords::new(Arc::default());
            let stored = passwords.hash(secret("correct horse")).await.unwrap();
            assert_ne!(stored, passwords.hash(secret("correct horse")).await.unwrap(), "salted");
            let verify = async |stored: &str, text| passwords.verify(Some(stored.to_owned()), secret(text)).await;
            assert_eq!(verify(&stored, "correct horse").await, Ok(Verdict::Right { rehash: false }));
            assert_eq!(verify(&stored, "battery staple").await, Ok(Verdict::Wrong));
            assert_eq!(verify("no hash at all", "battery staple").await, Ok(Verdict::Wrong));
            let imported = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
            assert_eq!(verify(imported, "U*U").await, Ok(Verdict::Right { rehash: true }));
            // The SHA-256 digest of the password and salt, followed by the salt.
            let quick = "{SSHA256}6jLp0vQ49YvX7cFdbupn4qFcZugSH7TPWnm3iPf9nXgHBwcHBwcHBwcHBwcHBwcH";
            assert!(password::is_quick(quick));
            assert_eq!(verify(quick, "violet-tractor-humming-42").await, Ok(Verdict::Right { rehash: true }));
            assert_eq!(verify(quick, "another").await, Ok(Verdict::Wrong));
        });
    }

    #[test]
    fn without_a_hash_the_same_work_is_done_and_nothing_is_right() {
        assert!(password::is_ours(NOBODY), "a comparison with it costs what one with our own form costs");
        run(async {
            let passwords = Passwords::new(Arc::default());
            for text in ["", "password"] {
                assert_eq!(passwords.verify(None, secret(text)).await, Ok(Verdict::Wrong));
            }
        });
    }

    #[test]
    fn threat_43_who_finds_the_line_too_long_is_sent_away_and_the_line_moves_on() {
        run(async {
            let passwords = Arc::new(Passwords::with_bounds(Arc::default(), 1, 1));
            let mut tasks = tokio::task::JoinSet::new();
            let held = Arc::clone(&passwords.permits).acquire_owned().await.unwrap();
            for _ in 0..4 {
                let passwords = Arc::clone(&passwords);
                tasks.spawn(async move { passwords.verify(None, secret("x")).await });
            }
            // Three of the four are rejected while one waits.
            for _ in 0..3 {
                assert_eq!(tasks.join_next().await.unwrap().unwrap(), Err(Busy));
            }
            drop(held);
            assert_eq!(tasks.join_next().await.unwrap().unwrap(), Ok(Verdict::Wrong));
            assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
            assert_eq!(passwords.verify(None, secret("x")).await, Ok(Verdict::Wrong));
        });
    }
}
