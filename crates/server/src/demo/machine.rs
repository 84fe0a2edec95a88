//! A customer's machine client: it gets a token with its credential and calls the API every few seconds. When the
//! credential is revoked, the token it holds is rejected at once, and it cannot get another.

use super::Places;
use super::company::Credential;
use super::requests::Requests;
use countersign_protocol::secret::Secret;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The pause between calls.
const PAUSE: Duration = Duration::from_secs(2);
/// How many calls are remembered.
const REMEMBERED: usize = 12;

/// The result of a call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The time of day.
    pub at: String,
    /// Whether it succeeded.
    pub good: bool,
    /// The request and its result.
    pub what: String,
}

#[derive(Debug)]
struct State {
    secret: Secret,
    token: Option<(String, i64)>,
    calls: VecDeque<Call>,
}

/// The machine client.
#[derive(Debug)]
pub struct Machine {
    requests: Requests,
    issuer: String,
    api: String,
    client_id: String,
    state: Mutex<State>,
}

impl Machine {
    /// Creates the client with its credential.
    pub fn new(requests: Requests, places: &Places, credential: Credential) -> Self {
        let state = State { secret: credential.secret, token: None, calls: VecDeque::new() };
        Self {
            requests,
            issuer: places.countersign.clone(),
            api: places.api.clone(),
            client_id: credential.client_id,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the most recent calls, newest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    /// Replaces its secret.
    pub fn give(&self, secret: Secret) {
        let mut state = self.state();
        state.secret = secret;
        state.token = None;
    }

    fn note(&self, good: bool, what: String) {
        let call = Call { at: self.requests.time_of_day(), good, what };
        let mut state = self.state();
        state.calls.push_front(call);
        state.calls.truncate(REMEMBERED);
    }

    /// Calls the API until told to stop.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let calls = async {
            loop {
                self.once().await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = calls => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Makes one call, getting a token first if necessary.
    pub async fn once(&self) {
        let kept = self.state().token.clone().filter(|(_, until)| self.requests.now() < *until);
        let token = match kept {
            Some((token, _)) => token,
            None => match self.token().await {
                Ok(token) => token,
                Err(why) => return self.note(false, format!("No token: {why}")),
            },
        };
        match self.requests.get(&format!("{}/reports", self.api), Some(&token)).await {
            Ok(answer) if answer.status.is_success() => {
                self.note(
                    true,
                    format!("{}: {} reports", answer.status, answer.body["reports"].as_array().map_or(0, Vec::len)),
                );
            }
            Ok(answer) => {
                self.state().token = None;
                self.note(false, format!("{}: {}", answer.status, answer.body["error"].as_str().unwrap_or("")));
            }
            Err(error) => self.note(false, error.to_string()),
        }
    }

    async fn token(&self) -> Result<String, String> {
        let secret = self.state().secret.clone();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", secret.expose()),
            ("scope", "reports:read"),
        ];
        let answer = self.requests.form(&format!("{}/oauth2/token", self.issuer), &fields).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let Some(token) = answer.body["access_token"].as_str() else {
            let why = answer.body["error_description"].as_str().unwrap_or("");
            return Err(format!("{} ({why})", answer.body["error"].as_str().unwrap_or("no answer")));
        };
        let until = self.requests.now() + answer.body["expires_in"].as_i64().unwrap_or(0) - 5;
        self.state().token = Some((token.to_owned(), until));
        Ok(token.to_owned())
    }
}
