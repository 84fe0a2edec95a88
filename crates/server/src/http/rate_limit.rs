//! Rate limits, counted on this node: a bound on what one caller can ask of it.

use crate::config::RateLimits;
use countersign_protocol::id::{ClientId, EnvironmentApiKeyId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::oauth::error::OAuthError;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How many addresses over their share are remembered.
const OVER: usize = 10_000;

/// The limit was reached; how many whole seconds until it is worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Seconds, at least 1.
    pub retry_after: u64,
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited { retry_after: exceeded.retry_after }
    }
}

impl From<Exceeded> for OAuthError {
    fn from(exceeded: Exceeded) -> Self {
        Self::too_many_requests(exceeded.retry_after)
    }
}

/// A limit per key, or none.
#[derive(Debug)]
struct Limit<K: Hash + Eq + Clone>(Option<RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>>);

impl<K: Hash + Eq + Clone> Limit<K> {
    fn per_minute(most: u32) -> Self {
        Self(NonZeroU32::new(most).map(|most| RateLimiter::keyed(Quota::per_minute(most))))
    }

    fn check(&self, key: &K) -> Result<(), Exceeded> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(key).map_err(|until| Exceeded {
            retry_after: until.wait_time_from(DefaultClock::default().now()).as_secs() + 1,
        })
    }

    fn tidy(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// All limits.
#[derive(Debug)]
pub struct RateLimiters {
    management: Limit<EnvironmentApiKeyId>,
    client: Limit<(ClientId, Option<IpAddr>)>,
    failures: Limit<IpAddr>,
    /// Addresses over their share of failures, and until when nothing is looked up in the database for them.
    over: Cache<IpAddr, Instant>,
}

impl RateLimiters {
    /// As configured.
    pub fn new(limits: &RateLimits) -> Self {
        Self {
            management: Limit::per_minute(limits.management),
            client: Limit::per_minute(limits.client),
            failures: Limit::per_minute(limits.failures),
            over: Cache::new(OVER),
        }
    }

    /// A management request with a good key.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn management(&self, key: EnvironmentApiKeyId) -> Result<(), Exceeded> {
        self.management.check(&key)
    }

    /// An OAuth request of an authenticated client; of a public one, by the address it comes from.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn client(&self, client: ClientId, from: Option<IpAddr>) -> Result<(), Exceeded> {
        self.client.check(&(client, from))
    }

    /// A failed authentication. When there were too many, the answer is "too many" instead of "wrong"; callers from the
    /// same address with good credentials are not affected.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn failure(&self, address: IpAddr) -> Result<(), Exceeded> {
        self.failures.check(&address).inspect_err(|exceeded| {
            self.over.insert(address, Instant::now() + Duration::from_secs(exceeded.retry_after));
        })
    }

    /// Whether this address is over its share of failures: then only what memory knows is served to it.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn lookup(&self, address: IpAddr) -> Result<(), Exceeded> {
        let Some(until) = self.over.get(&address) else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Ok(()) } else { Err(Exceeded { retry_after: left.as_secs() + 1 }) }
    }

    /// Forgets whoever has not been seen for long. To be called now and then.
    pub fn tidy(&self) {
        self.management.tidy();
        self.client.tidy();
        self.failures.tidy();
    }
}
