//! `countersign doctor mcp URL`: does what an unregistered Model Context Protocol client does to reach a server, step
//! by step, up to the sign-in page.

use super::{Found, tell};
use crate::cli::{CommandResult, say};
use crate::config::Config;
use crate::outbound::{Limits, OutboundClient};
use bytes::Bytes;
use countersign_protocol::mcp::authorization_server::{self, AuthorizationServer, AuthorizationServerError};
use countersign_protocol::mcp::challenge::BearerChallenge;
use countersign_protocol::mcp::protected_resource::{self, ProtectedResource};
use countersign_protocol::outbound::{Reach, Target};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

const LIMITS: Limits = Limits { time: Duration::from_secs(15), bytes: 256 * 1024 };
/// A loopback redirect URI, as native applications use.
const REDIRECT_URI: &str = "http://127.0.0.1:33418/callback";
/// The example from RFC 7636 (appendix B); no code is redeemed here.
const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(in crate::cli) async fn run(config: &Config, url: &str, register: bool) -> CommandResult {
    if !["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))
    {
        let advice = "Write the whole address, such as https://mcp.example.com/mcp, or http://localhost:3000/mcp on this machine.";
        return Err(format!("'{url}' does not begin with https://. {advice}").into());
    }
    let Ok(called) = Url::parse(url) else { return Err(format!("'{url}' is not a URL.").into()) };
    Target::parse(called.as_str(), Reach::Anywhere).map_err(|error| format!("'{url}' {error}."))?;
    say(format_args!("Calling {called} as an unregistered client.\n"))?;
    let doctor = Doctor { client: &config.outbound, called, register };
    if doctor.walk().await? {
        say("\nThe rest needs a person: connect with a real client, sign in, and give your consent.")?;
        return Ok(ExitCode::SUCCESS);
    }
    say("\nClients would fail at this point. Fix it and run this again.")?;
    Ok(ExitCode::FAILURE)
}

struct Doctor<'a> {
    client: &'a OutboundClient,
    called: Url,
    register: bool,
}

impl Doctor<'_> {
    /// Performs the steps until one fails.
    async fn walk(&self) -> Result<bool, std::io::Error> {
        let (found, metadata) = self.ask_without_token().await;
        if !tell(&found)? {
            return Ok(false);
        }
        let (found, resource) = self.resource(metadata).await;
        tell(&found)?;
        let Some(resource) = resource else { return Ok(false) };
        let (found, server) = self.authorization_server(&resource.authorization_server).await;
        tell(&found)?;
        let Some(server) = server else { return Ok(false) };
        if !server.refreshes {
            tell(&Found::Note(
                "It issues no refresh tokens ('refresh_token' in 'grant_types_supported'): people have to sign in again and again."
                    .to_owned(),
            ))?;
        }
        if !server.takes_metadata_documents {
            tell(&Found::Note(
                "Clients cannot use a metadata document (client_id_metadata_document_supported); those that would use one register instead."
                    .to_owned(),
            ))?;
        }
        let Some(endpoint) = &server.registration_endpoint else {
            tell(&Found::Note(
                "Nothing more can be checked from here: clients are identified by a metadata document, and this tool has none."
                    .to_owned(),
            ))?;
            return Ok(true);
        };
        if !self.register {
            tell(&Found::Note(
                "No client was registered, as requested, so the sign-in page was not opened.".to_owned(),
            ))?;
            return Ok(true);
        }
        let (found, client_id) = self.register(endpoint).await;
        tell(&found)?;
        let Some(client_id) = client_id else { return Ok(false) };
        tell(&self.open_sign_in(&server, &resource, &client_id).await)
    }

    async fn send(&self, url: &Url, method: Method, body: Option<Value>) -> Result<Response<Bytes>, String> {
        let target = Target::parse(url.as_str(), Reach::Anywhere).map_err(|error| format!("the URL {error}"))?;
        let request = Request::builder()
            .method(method)
            .header(ACCEPT, "application/json, text/event-stream, text/html")
            .header(USER_AGENT, concat!("countersign-doctor/", env!("CARGO_PKG_VERSION")))
            .header("mcp-protocol-version", "2025-11-25");
        let request = match body {
            None => request.body(Full::default()),
            Some(body) => {
                request.header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body.to_string())))
            }
        };
        let request = request.map_err(|error| error.to_string())?;
        self.client.send(&target, Reach::Anywhere, request, LIMITS).await.map_err(|error| error.to_string())
    }

    /// Sends a client's first request. Returns the metadata URL given in the response.
    async fn ask_without_token(&self) -> (Found, Option<Url>) {
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "countersign-doctor", "version": env!("CARGO_PKG_VERSION")},
        }});
        let bad = |seen: String, fix: &str| (Found::bad(seen, fix), None);
        let answer = match self.send(&self.called, Method::POST, Some(hello)).await {
            Ok(answer) => answer,
            Err(error) => {
                return bad(format!("No answer: {error}."), "is the server running, and is this its address?");
            }
        };
        match answer.status() {
            StatusCode::UNAUTHORIZED => {}
            StatusCode::OK | StatusCode::ACCEPTED => {
                return bad(
                    "The server answers without a token.".to_owned(),
                    "check the token of every request, and answer 401 if there is none.",
                );
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                return bad(
                    format!("A POST gets {}.", answer.status()),
                    "use the address that accepts requests, often /mcp.",
                );
            }
            status if status.is_redirection() => {
                return bad(
                    format!("A POST gets {status}: clients lose the body of their request there."),
                    "use and publish the address it redirects to.",
                );
            }
            status => {
                return bad(
                    format!("A request without a token gets {status}."),
                    "answer 401 with WWW-Authenticate if there is no token; only that makes clients sign in.",
                );
            }
        }
        let headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = headers.filter_map(|value| value.to_str().ok()).find_map(BearerChallenge::parse);
        let named = challenge.as_ref().and_then(|challenge| challenge.get("resource_metadata"));
        match (named, named.and_then(|text| Url::parse(text).ok())) {
            (_, Some(url)) => (Found::Good(format!("Without a token: 401, which names {url}")), Some(url)),
            (Some(text), None) => bad(
                format!("The 401 has '{text}' as its resource_metadata, which is not a URL."),
                "give the full URL of /.well-known/oauth-protected-resource.",
            ),
            (None, None) => (
                Found::Note(
                    "Without a token: 401, which does not name its metadata (WWW-Authenticate: Bearer resource_metadata=\"…\"). Clients then have to guess where it is."
                        .to_owned(),
                ),
                None,
            ),
        }
    }

    /// Fetches the protected resource metadata.
    async fn resource(&self, named: Option<Url>) -> (Found, Option<ProtectedResource>) {
        let places = named.map_or_else(|| protected_resource::well_known(&self.called), |url| vec![url]);
        let mut seen = String::new();
        for place in places {
            match self.send(&place, Method::GET, None).await {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    return match protected_resource::read(answer.body(), &self.called) {
                        Ok(resource) => (
                            Found::Good(format!(
                                "{place} says: resource {}, authorization server {}",
                                resource.resource, resource.authorization_server
                            )),
                            Some(resource),
                        ),
                        Err(error) => (
                            Found::bad(
                                format!("{place}: {error}."),
                                format!(
                                    "answer {{\"resource\":\"{}\",\"authorization_servers\":[\"<your issuer>\"]}} there.",
                                    self.called
                                ),
                            ),
                            None,
                        ),
                    };
                }
                Ok(answer) => seen = format!("{place} returns {}.", answer.status()),
                Err(error) => seen = format!("{place}: {error}."),
            }
        }
        (Found::bad(seen, "serve the metadata of your server there (RFC 9728), without authentication."), None)
    }

    /// Fetches the authorization server metadata.
    async fn authorization_server(&self, issuer: &Url) -> (Found, Option<AuthorizationServer>) {
        let mut seen = String::new();
        for place in authorization_server::well_known(issuer) {
            match self.send(&place, Method::GET, None).await {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    return match authorization_server::read(answer.body(), issuer) {
                        Ok(server) => (Found::Good(format!("{place} has what clients need")), Some(server)),
                        Err(error) => {
                            let fix = match &error {
                                AuthorizationServerError::NoUnknownClients => {
                                    "with countersign: declare [environment.clients] client_id_metadata = \"any\", or dynamic_client_registration = \"on\" (docs/mcp.md)."
                                }
                                AuthorizationServerError::AnotherIssuer(_) => {
                                    "name the issuer in 'authorization_servers' exactly as its own document does."
                                }
                                _ => "tell the operator of the authorization server.",
                            };
                            (Found::bad(format!("{place}: {error}."), fix), None)
                        }
                    };
                }
                Ok(answer) => seen = format!("{place} returns {}.", answer.status()),
                Err(error) => seen = format!("{place}: {error}."),
            }
        }
        (Found::bad(seen, "is this the address of your authorization server, and can it be reached from here?"), None)
    }

    /// Registers a client, as programs do when they connect for the first time.
    async fn register(&self, endpoint: &Url) -> (Found, Option<String>) {
        let metadata = json!({
            "client_name": "countersign doctor", "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let answer = match self.send(endpoint, Method::POST, Some(metadata)).await {
            Ok(answer) => answer,
            Err(error) => {
                return (Found::bad(format!("{endpoint}: {error}."), "can it be reached from here?"), None);
            }
        };
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        match body["client_id"].as_str().filter(|_| answer.status().is_success()) {
            Some(id) => {
                (Found::Good(format!("A client can register: it is {id} (it expires unused)")), Some(id.to_owned()))
            }
            None => {
                let why = body["error_description"].as_str().or(body["error"].as_str()).unwrap_or("no client_id");
                let seen = format!("{endpoint} returns {}: {why}", answer.status());
                (Found::bad(seen, "allow clients to register (docs/mcp.md), or check the quota of unused ones."), None)
            }
        }
    }

    /// Opens the page on which a user would sign in.
    async fn open_sign_in(&self, server: &AuthorizationServer, resource: &ProtectedResource, client_id: &str) -> Found {
        let mut url = server.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("state", "doctor")
            .append_pair("code_challenge", CODE_CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &resource.resource);
        if !resource.scopes.is_empty() {
            url.query_pairs_mut().append_pair("scope", &resource.scopes.join(" "));
        }
        let answer = match self.send(&url, Method::GET, None).await {
            Ok(answer) => answer,
            Err(error) => {
                return Found::bad(
                    format!("{}: {error}.", server.authorization_endpoint),
                    "can it be reached from here?",
                );
            }
        };
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
        let back = location.starts_with(REDIRECT_URI).then(|| Url::parse(location).ok()).flatten();
        if let Some(back) = back {
            let value = |name: &str| {
                back.query_pairs()
                    .find(|(key, _)| key == name)
                    .map_or_else(String::new, |(_, value)| value.into_owned())
            };
            let (error, why) = (value("error"), value("error_description"));
            let fix = match error.as_str() {
                "invalid_target" => format!(
                    "with countersign: declare resources = [\"{}\"] for the environment, exactly so (docs/mcp.md).",
                    resource.resource
                ),
                "invalid_scope" => {
                    "list in 'scopes_supported' only scopes that unregistered clients may ask for.".to_owned()
                }
                _ => "tell the operator of the authorization server.".to_owned(),
            };
            return Found::bad(format!("Asked for {}, the server says {error}: {why}", resource.resource), fix);
        }
        if answer.status() == StatusCode::OK || answer.status().is_redirection() {
            Found::Good(format!("A person can sign in for {}", resource.resource))
        } else {
            Found::bad(
                format!("The sign-in page returns {}.", answer.status()),
                "open it in a browser: it says what is wrong.",
            )
        }
    }
}
