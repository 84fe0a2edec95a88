//! Two applications that users sign in to with Acme: a partner's, which needs their consent, and the company's own
//! forum, which does not. Both are ordinary OAuth clients: authorization code, PKCE, client secret, and a validated ID
//! token.

use super::company::Credential;
use super::requests::Requests;
use super::website::{self, Answer, Asked, Website, not_found, setting, to};
use super::{DemoError, Places};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_pages::demo::{Application as Page, Person};
use http::Method;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Which of the two applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The partner's application.
    Partner,
    /// The forum.
    Forum,
}

impl Kind {
    const fn cookie(self) -> &'static str {
        match self {
            Self::Partner => "demo_partner",
            Self::Forum => "demo_forum",
        }
    }

    const fn scope(self) -> &'static str {
        match self {
            Self::Partner => "openid profile email reports:read",
            Self::Forum => "openid profile email",
        }
    }
}

/// The maximum number of browsers remembered.
const MAX: usize = 1000;

/// What the application remembers about a browser.
#[derive(Debug, Clone)]
enum Memory {
    /// A sign-in is in progress.
    Leaving { state: String, verifier: String, nonce: String },
    /// Signed in.
    SignedIn { claims: Value, id_token: String, access_token: String },
    /// The sign-in failed on return.
    Failed(String),
}

/// One of the two applications.
#[derive(Debug)]
pub struct Application {
    kind: Kind,
    requests: Requests,
    places: Places,
    own: Credential,
    browsers: Mutex<HashMap<String, Memory>>,
}

impl Application {
    /// Creates the application, with its credential.
    pub fn new(kind: Kind, requests: Requests, places: &Places, own: Credential) -> Self {
        Self { kind, requests, places: places.clone(), own, browsers: Mutex::default() }
    }

    fn here(&self) -> &str {
        match self.kind {
            Kind::Partner => &self.places.partner,
            Kind::Forum => &self.places.forum,
        }
    }

    fn remember(&self, browser: &str, memory: Memory) {
        let mut browsers = self.browsers.lock().unwrap_or_else(PoisonError::into_inner);
        if browsers.len() >= MAX {
            browsers.clear();
        }
        browsers.insert(browser.to_owned(), memory);
    }

    fn recall(&self, asked: &Asked) -> Option<(String, Memory)> {
        let browser = asked.cookie(self.kind.cookie())?;
        let browsers = self.browsers.lock().unwrap_or_else(PoisonError::into_inner);
        browsers.get(browser).map(|memory| (browser.to_owned(), memory.clone()))
    }

    fn forget(&self, browser: &str) {
        self.browsers.lock().unwrap_or_else(PoisonError::into_inner).remove(browser);
    }

    /// Redirects the user to Acme (RFC 6749 §4.1.1, RFC 7636).
    fn leave(&self) -> Result<Answer, DemoError> {
        let (browser, state) = (self.requests.random()?, self.requests.random()?);
        let (verifier, nonce) = (self.requests.random()?, self.requests.random()?);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &self.own.client_id),
                ("redirect_uri", &format!("{}/callback", self.here())),
                ("scope", self.kind.scope()),
                ("state", &state),
                ("nonce", &nonce),
                ("code_challenge", &URL_SAFE_NO_PAD.encode(digest)),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        self.remember(&browser, Memory::Leaving { state, verifier, nonce });
        let answer = to(&format!("{}/oauth2/authorize?{query}", self.places.countersign));
        Ok(setting(answer, self.kind.cookie(), &browser))
    }

    /// Handles the user's return: redeems the code and validates the ID token (OpenID Connect Core §3.1.3).
    async fn arrive(&self, asked: &Asked) -> Result<Memory, DemoError> {
        let Some((_, Memory::Leaving { state, verifier, nonce })) = self.recall(asked) else {
            return Err(DemoError("This sign-in was not started in this browser. Sign in again.".to_owned()));
        };
        if asked.query.get("state") != Some(&state) || asked.query.get("iss") != Some(&self.places.countersign) {
            return Err(DemoError("The response belongs to another sign-in.".to_owned()));
        }
        if let Some(error) = asked.query.get("error") {
            return Err(DemoError(format!("Acme answered: {error}.")));
        }
        let code = asked.query.get("code").cloned().unwrap_or_default();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &format!("{}/callback", self.here())),
            ("code_verifier", &verifier),
            ("client_id", &self.own.client_id),
            ("client_secret", self.own.secret.expose()),
        ];
        let issuer = &self.places.countersign;
        let tokens = self.requests.form(&format!("{issuer}/oauth2/token"), &fields).await?.good()?;
        let text = |name: &str| tokens[name].as_str().unwrap_or("").to_owned();
        let claims = self.requests.verify(issuer, &text("id_token")).await?;
        if claims["aud"] != self.own.client_id.as_str() || claims["nonce"] != nonce.as_str() {
            return Err(DemoError("The ID token does not belong to this sign-in.".to_owned()));
        }
        Ok(Memory::SignedIn { claims, id_token: text("id_token"), access_token: text("access_token") })
    }

    /// Returns the company API's response to this user's token.
    async fn reports(&self, access_token: &str) -> String {
        match self.requests.get(&format!("{}/reports", self.places.api), Some(access_token)).await {
            Ok(answer) => {
                let body = serde_json::to_string_pretty(&answer.body).unwrap_or_default();
                format!("{}\n{body}", answer.status)
            }
            Err(error) => error.to_string(),
        }
    }

    async fn home(&self, asked: &Asked) -> Answer {
        let (mut claims_text, mut person, mut problem, mut reports) = (String::new(), None, None, None);
        match self.recall(asked) {
            Some((_, Memory::SignedIn { claims, access_token, .. })) => {
                if self.kind == Kind::Partner {
                    reports = Some(self.reports(&access_token).await);
                }
                claims_text = serde_json::to_string_pretty(&claims).unwrap_or_default();
                person = Some(claims);
            }
            Some((browser, Memory::Failed(why))) => {
                self.forget(&browser);
                problem = Some(why);
            }
            Some((_, Memory::Leaving { .. })) | None => {}
        }
        let text = |claims: &Value, name: &str| claims[name].as_str().unwrap_or("").to_owned();
        let person = person.map(|claims| (text(&claims, "name"), text(&claims, "email")));
        website::page(&Page {
            partner: self.kind == Kind::Partner,
            start: &self.places.start,
            account: &format!("{}/account", self.places.countersign),
            person: person.as_ref().map(|(name, email)| Person { name, email, claims: &claims_text }),
            reports: reports.as_deref(),
            problem: problem.as_deref(),
        })
    }

    /// Signs the user out here and, if they agree, at Acme (OpenID Connect RP-Initiated Logout §2).
    fn sign_out(&self, asked: &Asked) -> Answer {
        let Some((browser, Memory::SignedIn { id_token, .. })) = self.recall(asked) else { return to("/") };
        self.forget(&browser);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("id_token_hint", id_token), ("post_logout_redirect_uri", format!("{}/", self.here()))])
            .finish();
        to(&format!("{}/oauth2/logout?{query}", self.places.countersign))
    }
}

impl Website for Application {
    async fn answer(&self, asked: Asked) -> Answer {
        match (asked.method.clone(), asked.path.as_str()) {
            (Method::GET, "/") => self.home(&asked).await,
            (Method::GET, "/demo.css") => website::stylesheet(),
            (Method::GET, "/login") => self.leave().unwrap_or_else(|_| to("/")),
            (Method::GET, "/callback") => {
                let arrived = self.arrive(&asked).await.unwrap_or_else(|error| Memory::Failed(error.to_string()));
                // A fresh browser identifier, which nobody can have planted (session fixation).
                match self.requests.random() {
                    Ok(browser) => {
                        if let Some((before, _)) = self.recall(&asked) {
                            self.forget(&before);
                        }
                        self.remember(&browser, arrived);
                        setting(to("/"), self.kind.cookie(), &browser)
                    }
                    Err(_) => to("/"),
                }
            }
            (Method::POST, "/logout") => self.sign_out(&asked),
            _ => not_found(),
        }
    }
}
