//! A small HTTP client for tests: JSON in, status and JSON out, and shortcuts for what most tests need.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {:?}", self.status, self.text))
    }

    /// Returns a string member of the body.
    pub fn text_at(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no text '{name}' in {}", self.text)).to_owned()
    }

    /// Panics unless the response has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    key: Option<String>,
    host: Option<String>,
}

impl Client {
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, base_url: base_url.to_owned(), key: None, host: None }
    }

    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Sends a different `Host` header from the address connected to, like a load balancer that passes the header on.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Returns a request that can be modified before it is sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status: status.as_u16(), headers, text: response.text().await.unwrap() };
        assert!(answer.headers.contains_key("x-request-id"), "every answer has a request id");
        if status == StatusCode::NO_CONTENT {
            assert!(answer.text.is_empty());
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// Creates an organization; returns its ID.
    pub async fn organization(&self, name: &str) -> String {
        self.post("/organizations", json!({"name": name})).await.expect(201).text_at("id")
    }

    /// Creates a permission.
    pub async fn permission(&self, slug: &str) {
        self.post("/authorization/permissions", json!({"slug": slug, "name": slug})).await.expect(201);
    }

    /// Creates a user; returns their ID.
    pub async fn user(&self, email: &str) -> String {
        self.post("/user_management/users", json!({"email": email})).await.expect(201).text_at("id")
    }

    /// Makes a user a member of an organization; returns the membership.
    pub async fn member(&self, user: &str, organization: &str) -> Value {
        let body = json!({"user_id": user, "organization_id": organization});
        self.post("/user_management/organization_memberships", body).await.expect(201).json()
    }

    /// Creates a role.
    pub async fn role(&self, slug: &str) {
        self.post("/authorization/roles", json!({"slug": slug, "name": slug})).await.expect(201);
    }

    /// Creates a machine application with these scopes; returns the application.
    pub async fn machine(&self, organization: &str, scopes: &[&str]) -> Value {
        let body =
            json!({"name": "Machine", "application_type": "m2m", "organization_id": organization, "scopes": scopes});
        self.post("/connect/applications", body).await.expect(201).json()
    }

    /// Creates a client secret; returns its ID and value.
    pub async fn secret(&self, application: &str) -> (String, String) {
        let made =
            self.post(&format!("/connect/applications/{application}/client_secrets"), json!({})).await.expect(201);
        (made.text_at("id"), made.text_at("secret"))
    }

    /// Creates an organization, a machine application, and a secret; returns the client ID and the secret's value.
    pub async fn credential(&self, scopes: &[&str]) -> (String, String) {
        let organization = self.organization("Acme").await;
        let application = self.machine(&organization, scopes).await;
        let client_id = application["client_id"].as_str().unwrap().to_owned();
        let (_, secret) = self.secret(&client_id).await;
        (client_id, secret)
    }

    /// Requests a token with client credentials.
    pub async fn token(&self, client_id: &str, secret: &str) -> Answer {
        let form = [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
        self.form("/oauth2/token", &form).await
    }

    /// Introspects a token as a client.
    pub async fn introspect(&self, client_id: &str, secret: &str, token: &str) -> Value {
        let form = [("client_id", client_id), ("client_secret", secret), ("token", token)];
        self.form("/oauth2/introspection", &form).await.expect(200).json()
    }
}
