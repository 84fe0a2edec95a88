//! Hashing and comparing passwords: work that takes tens of milliseconds and megabytes on purpose. It runs on threads for
//! blocking work (but for plain digests that were brought along), a few at a time, so that a rush of sign-ins leaves a core
//! for everything else; who would have to wait too long is told to come again.
//!
//! What a hash looks like is decided by `countersign_protocol::password`. Never called inside a transaction.

mod strength;

pub use strength::{LONGEST, SHORTEST, Weakness, strength};

use crate::entropy::Entropy;
use countersign_protocol::password;
use countersign_protocol::secret::Secret;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// How many may wait for each that is being worked on: about a second's worth.
const WAITING_PER_PERMIT: usize = 32;

/// What is compared with when there is no hash: one of our own form, of no password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// There is no place in the line, or no memory or random bytes can be obtained: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being worked on")]
pub struct Busy;

/// What came of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right {
        /// Whether its hash is not in our own form, and should be written anew while the password is known.
        rehash: bool,
    },
    /// It is not.
    Wrong,
}

/// Hashes and compares passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    entropy: Arc<Entropy>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Whether hashes that are not in our own form are to be written anew.
    renews: bool,
}

/// A place in the line, given up when dropped: also when the caller has gone away.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    /// As many at a time as there are cores, less one.
    pub fn new(entropy: Arc<Entropy>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = cores.saturating_sub(1).max(1);
        Self::with_bounds(entropy, permits, permits * WAITING_PER_PERMIT)
    }

    fn with_bounds(entropy: Arc<Entropy>, permits: usize, most_waiting: usize) -> Self {
        let permits = Arc::new(Semaphore::new(permits));
        Self { entropy, permits, waiting: AtomicUsize::new(0), most_waiting, renews: true }
    }

    /// Has no hash written anew, whatever it is. For measurements that set the cost of hashing aside; there is no setting
    /// for it.
    #[must_use]
    pub fn leaving_hashes_as_they_are(self) -> Self {
        Self { renews: false, ..self }
    }

    /// Hashes a password in our own form.
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

    /// Compares a password with a stored hash. Where there is no hash, or a quick one of another system, a wrong password takes
    /// as long as with a hash of our own form: the time does not reveal whether the account exists. Slow hashes of other systems
    /// take as long as they ask for.
    ///
    /// The caller has counted the try before: a right password may be answered sooner than [`Busy`] is.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, stored: Option<String>, password: Secret) -> Result<Verdict, Busy> {
        let renews = self.renews;
        let stored = match stored {
            // Nothing to wait for: to hand it to another thread would take longer than to do it.
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
        // The permit goes along: work whose caller has gone away still takes its core.
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
            // SHA-256 of the password and the salt, and the salt.
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
            // Three of four are sent away while one waits.
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
