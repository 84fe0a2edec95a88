//! Loads of users: each connection is a browser and the application it comes from, and repeats one complete operation.
//! What is counted is the complete operation: a code flow from the authorization request to the tokens, or a refresh.

use super::browser::Browser;
use super::client::Running;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "https%3A%2F%2Fapp.example.com%2Fcallback";

/// The number of connections of a user load.
const CONNECTIONS: usize = 32;
/// The number of connections of a refresh load: each waits for the disk, and the core should still be fully used.
pub const REFRESHING: usize = 64;

/// A server with a client that users sign in to.
#[derive(Debug, Clone)]
pub struct Party {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The `Host` header of requests.
    pub host: String,
    /// The path of its authorization endpoint.
    pub authorize: &'static str,
    /// The path of its token endpoint.
    pub token: String,
    /// The client ID.
    pub client_id: String,
    /// Its secret.
    pub client_secret: &'static str,
    /// The requested scope; empty to omit it.
    pub scope: &'static str,
    /// Whether users are asked for consent each time.
    pub asks_consent: bool,
    /// The users who sign in, in turn.
    pub people: Arc<[String]>,
}

/// The operation that each connection repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A code flow of a signed-out user, in a browser unknown to the server.
    SignedOut,
    /// A code flow of a user who is already signed in.
    SignedIn,
    /// A refresh with the token that the previous one returned.
    Refresh,
    /// At the bare handler: this many documents, and a token. An upper bound for a code flow with as many requests.
    Bare(usize),
}

impl Party {
    fn authorization_request(&self) -> String {
        let scope = if self.scope.is_empty() { String::new() } else { format!("&scope={}", self.scope) };
        let prompt = if self.asks_consent { "&prompt=consent" } else { "" };
        format!(
            "{}?client_id={}&redirect_uri={REDIRECT}&response_type=code&state=s-1{scope}{prompt}&code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.authorize, self.client_id
        )
    }

    /// Takes a browser through a code flow; returns the token response.
    async fn flow(&self, browser: &mut Browser, person: &str) -> String {
        let (back, agreed) = browser.journey(&self.authorization_request(), person).await;
        assert_eq!(agreed, self.asks_consent, "asked to agree when that is what is measured, and only then");
        let code = back.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        let code = code.unwrap_or_else(|| panic!("no code: {back}"));
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}&client_id={}&client_secret={}",
            self.client_id, self.client_secret
        );
        browser.post(&self.token, &body).await
    }

    /// Starts the load.
    pub fn start(&self, deed: Deed, from: Instant, until: Instant) -> Running {
        let next = Arc::new(AtomicUsize::new(0));
        let connection = |_| tokio::spawn(self.clone().keep_doing(deed, Arc::clone(&next), from, until));
        let connections = if deed == Deed::Refresh { REFRESHING } else { CONNECTIONS };
        (0..connections).map(connection).collect()
    }

    /// Runs one connection; returns the durations in microseconds of the operations between `from` and `until`.
    async fn keep_doing(self, deed: Deed, next: Arc<AtomicUsize>, from: Instant, until: Instant) -> Vec<u32> {
        let mut browser = Browser::connect(self.address, &self.host).await;
        let number = next.fetch_add(1, Ordering::Relaxed);
        let mut person = self.people[number % self.people.len()].clone();
        let mut refresh_token = String::new();
        if matches!(deed, Deed::SignedIn | Deed::Refresh) {
            browser.belongs_to(number);
            let tokens = self.flow(&mut browser, &person).await;
            if deed == Deed::Refresh {
                refresh_token = member(&tokens, "refresh_token");
            }
        }
        let mut times = Vec::with_capacity(16 * 1024);
        let mut began = Instant::now();
        loop {
            match deed {
                Deed::SignedOut => {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    person.clone_from(&self.people[number % self.people.len()]);
                    browser.belongs_to(number);
                    self.flow(&mut browser, &person).await;
                }
                Deed::SignedIn => {
                    self.flow(&mut browser, &person).await;
                }
                Deed::Refresh => {
                    let body = format!(
                        "grant_type=refresh_token&refresh_token={refresh_token}&client_id={}&client_secret={}",
                        self.client_id, self.client_secret
                    );
                    refresh_token = member(&browser.post(&self.token, &body).await, "refresh_token");
                }
                Deed::Bare(documents) => {
                    for _ in 0..documents {
                        browser.get(self.authorize).await;
                    }
                    let body = format!("client_id={}&client_secret={}", self.client_id, self.client_secret);
                    browser.post(&self.token, &body).await;
                }
            }
            let now = Instant::now();
            if now >= until {
                return times;
            }
            if now >= from {
                times.push(u32::try_from((now - began).as_micros()).unwrap_or(u32::MAX));
            }
            began = now;
        }
    }
}

/// Returns a string member of a JSON object that contains no escapes, without parsing the rest.
fn member(body: &str, name: &str) -> String {
    let value = body.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.unwrap_or_else(|| panic!("no {name} in {body}")).0.to_owned()
}
