//! What is going on on a connection. Over HTTP/1 its own bounds apply: one request after the other, each of which is taken or
//! not. Over HTTP/2 the other side says how much of each answer it takes, and may take nothing of any of them and go on
//! asking: so each exchange has until a moment, and a connection on which nothing is asked any more is closed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection may wait between requests, and a request head may take to arrive: longer than the 60 seconds
/// for which the usual load balancers keep a connection, so that it is never we who close one that they are about to use.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a request may take until there is an answer: longer than requests may take here.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was asked yet.
    Silent,
    /// It carries one request at a time.
    OneAtATime,
    /// It is in use.
    InUse,
    /// Nothing is asked any more.
    Idle,
    /// An answer is not taken; others are.
    PartlyStuck,
    /// None of the answers is taken.
    Stuck,
}

/// What is going on on a connection.
#[derive(Debug, Default)]
pub struct Conversation {
    spoken: AtomicBool,
    /// The exchanges of a connection that carries several at once.
    exchanges: Mutex<Option<Exchanges>>,
}

#[derive(Debug)]
struct Exchanges {
    next: u64,
    /// Until when each of them has to be over.
    until: BTreeMap<u64, Instant>,
    /// When the last one began or was over.
    last: Instant,
}

/// A request and its answer; over when it is dropped.
#[derive(Debug)]
pub struct Exchange {
    conversation: Arc<Conversation>,
    number: u64,
}

impl Conversation {
    fn lock(&self) -> MutexGuard<'_, Option<Exchanges>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins, over a version of HTTP; its exchange where there may be others beside it.
    pub fn begin(self: &Arc<Self>, version: http::Version) -> Option<Exchange> {
        self.spoken.store(true, Ordering::Relaxed);
        if version != http::Version::HTTP_2 {
            return None;
        }
        let now = Instant::now();
        let mut exchanges = self.lock();
        let exchanges = exchanges.get_or_insert_with(|| Exchanges { next: 0, until: BTreeMap::new(), last: now });
        let number = exchanges.next;
        exchanges.next += 1;
        exchanges.last = now;
        exchanges.until.insert(number, now + REQUEST_TIMEOUT);
        Some(Exchange { conversation: Arc::clone(self), number })
    }

    /// What is to become of the connection at this moment.
    pub fn verdict(&self, now: Instant) -> Verdict {
        let exchanges = self.lock();
        let Some(Exchanges { until, last, .. }) = &*exchanges else {
            return if self.spoken.load(Ordering::Relaxed) { Verdict::OneAtATime } else { Verdict::Silent };
        };
        match until.values().filter(|until| **until <= now).count() {
            0 if until.is_empty() && *last + IDLE_TIMEOUT <= now => Verdict::Idle,
            0 => Verdict::InUse,
            overdue if overdue == until.len() => Verdict::Stuck,
            _ => Verdict::PartlyStuck,
        }
    }
}

impl Exchange {
    /// There is an answer, or another part of it, which is to be taken within this time.
    pub fn answered(&self, patience: Duration) {
        if let Some(exchanges) = &mut *self.conversation.lock() {
            exchanges.until.insert(self.number, Instant::now() + patience);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(exchanges) = &mut *self.conversation.lock() {
            exchanges.until.remove(&self.number);
            exchanges.last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Version;

    #[test]
    fn one_request_at_a_time_is_not_counted() {
        let conversation = Arc::new(Conversation::default());
        assert_eq!(conversation.verdict(Instant::now()), Verdict::Silent);
        assert!(conversation.begin(Version::HTTP_11).is_none());
        assert_eq!(conversation.verdict(Instant::now() + Duration::from_secs(3600)), Verdict::OneAtATime);
    }

    #[test]
    fn each_of_several_has_until_a_moment() {
        let conversation = Arc::new(Conversation::default());
        let (slow, quick) =
            (conversation.begin(Version::HTTP_2).unwrap(), conversation.begin(Version::HTTP_2).unwrap());
        slow.answered(Duration::from_secs(10));
        quick.answered(Duration::from_secs(30));
        let began = Instant::now();
        assert_eq!(conversation.verdict(began + Duration::from_secs(9)), Verdict::InUse);
        assert_eq!(conversation.verdict(began + Duration::from_secs(11)), Verdict::PartlyStuck);
        assert_eq!(conversation.verdict(began + Duration::from_secs(31)), Verdict::Stuck);
        drop(slow);
        assert_eq!(conversation.verdict(began + Duration::from_secs(11)), Verdict::InUse);
        drop(quick);
        assert_eq!(conversation.verdict(began + Duration::from_secs(74)), Verdict::InUse);
        assert_eq!(conversation.verdict(began + Duration::from_secs(76)), Verdict::Idle);
    }
}
