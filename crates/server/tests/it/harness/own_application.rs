//! The environment's own application: how the company's product signs users in.

use super::people::{CHALLENGE, VERIFIER};
use super::{Answer, Browser, PASSWORD, TestServer};
use serde_json::{Value, json};

/// The redirect URI in the tests.
pub const REDIRECT_URI: &str = "https://app.example/cb";

impl TestServer {
    /// Registers a redirect URI.
    pub async fn register(&self, uri: &str) {
        self.management().post("/user_management/redirect_uris", json!({"uri": uri})).await.expect(201);
    }

    /// Returns the path of an authorization request, with more parameters appended.
    pub fn ask(&self, more: &str) -> String {
        let redirect_uri: String = url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
        format!(
            "/user_management/authorize?client_id={}&redirect_uri={redirect_uri}&response_type=code&provider=authkit&state=s-1{more}",
            self.client_id
        )
    }

    /// Like [`TestServer::ask`], with a PKCE challenge.
    pub fn ask_with_challenge(&self, more: &str) -> String {
        self.ask(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"))
    }

    /// Requests tokens as the company's back end, which has the secret.
    pub async fn authenticate(&self, grant_type: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = json!({"grant_type": grant_type, "client_id": self.client_id, "client_secret": self.api_key});
        for (name, value) in fields {
            body[*name] = (*value).into();
        }
        self.anonymous().post("/user_management/authenticate", body).await
    }

    /// Requests tokens as a public client.
    pub async fn authenticate_publicly(&self, grant_type: &str, fields: &[(&str, &str)]) -> Answer {
        let known = [("grant_type", grant_type), ("client_id", self.client_id.as_str())];
        self.anonymous().form("/user_management/authenticate", &[&known, fields].concat()).await
    }

    /// Redeems a code with its verifier.
    pub async fn hand_in(&self, code: &str) -> Answer {
        self.authenticate_publicly("authorization_code", &[("code", code), ("code_verifier", VERIFIER)]).await
    }

    /// Signs a user in with the shared test password.
    pub async fn with_password(&self, email: &str) -> Answer {
        self.authenticate("password", &[("email", email), ("password", PASSWORD)]).await
    }

    /// Uses a session's refresh token.
    pub async fn renew(&self, refresh_token: &str) -> Answer {
        self.authenticate_publicly("refresh_token", &[("refresh_token", refresh_token)]).await
    }

    /// Signs a user in through the browser; returns the token response.
    pub async fn through_the_browser(&self, browser: &mut Browser, email: &str) -> Value {
        let page = browser.open(&self.ask_with_challenge("")).await;
        let page = self.sign_in(browser, &page, email).await;
        self.hand_in(&page.sent("code").unwrap()).await.expect(200).json()
    }
}
