//! Loads of people: each connection is a browser and the application it comes from, and does one whole thing after the
//! other. What is counted is the whole: a code flow from the authorization request to the tokens, a refresh.

use super::browser::Browser;
use super::client::Running;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "https%3A%2F%2Fapp.example.com%2Fcallback";

/// Connections of a load of people.
const CONNECTIONS: usize = 32;
/// Connections of a load of refreshes: each waits for the disk, and the core is to be full all the same.
pub const REFRESHING: usize = 64;

/// A server with a client that people sign in to.
#[derive(Debug, Clone)]
pub struct Party {
    /// Where it listens.
    pub address: SocketAddr,
    /// The host that requests name.
    pub host: String,
    /// Where its authorization endpoint is.
    pub authorize: &'static str,
    /// Where its token endpoint is.
    pub token: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: &'static str,
    /// What it asks for; empty is nothing in particular.
    pub scope: &'static str,
    /// Whether people are asked for their consent each time.
    pub asks_consent: bool,
    /// Who signs in, in turn.
    pub people: Arc<[String]>,
}

/// What each connection does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A code flow by somebody who is signed out, in a browser the server has never seen.
    SignedOut,
    /// A code flow by somebody who has signed in before.
    SignedIn,
    /// A refresh, with the token that the last one gave.
    Refresh,
    /// At the bare handler: so many documents, and a token. What nobody's code flow of as many requests can surpass here.
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

    /// Lets one browser go through a code flow; gives the answer of the token endpoint.
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

    /// One connection: the times, in microseconds, of what was done between `from` and `until`.
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

/// A string member of a JSON object that holds no escapes, without reading the rest.
fn member(body: &str, name: &str) -> String {
    let value = body.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.unwrap_or_else(|| panic!("no {name} in {body}")).0.to_owned()
}
