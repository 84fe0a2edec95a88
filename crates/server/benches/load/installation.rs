//! The installation under test: one environment per signing algorithm, each with a machine client.

use super::child::{self, Serving};
use super::client::{self, Requests};
use countersign_protocol::jose::Algorithm;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_countersign"))
}

/// The secret of every client.
pub const CLIENT_SECRET: &str = "a-client-secret-of-more-than-thirty-two-characters";
const API_KEY: &str = "sk_api_key_of_more_than_thirty_two_characters";

/// An environment of the installation.
#[derive(Debug, Clone, Copy)]
pub struct Environment(pub Algorithm);

impl Environment {
    /// Returns the `Host` header of its requests.
    pub fn host(self) -> String {
        format!("{}.auth.example.com", self.0.as_str().to_lowercase())
    }

    fn client_id(self) -> &'static str {
        match self.0 {
            Algorithm::Rs256 => "client_01EHZNVPK3SFK441A1RGBFSHRA",
            Algorithm::Es256 => "client_01EHZNVPK3SFK441A1RGBFSHRB",
            Algorithm::EdDsa => "client_01EHZNVPK3SFK441A1RGBFSHRC",
        }
    }

    /// Returns the ID of the client that users sign in to.
    pub fn forum(self) -> &'static str {
        match self.0 {
            Algorithm::Rs256 => "client_01EHZNVPK3SFK441A1RGBFSHRD",
            Algorithm::Es256 => "client_01EHZNVPK3SFK441A1RGBFSHRE",
            Algorithm::EdDsa => "client_01EHZNVPK3SFK441A1RGBFSHRF",
        }
    }

    /// Returns the ID of a partner's client, which needs users' consent.
    pub fn partner(self) -> &'static str {
        match self.0 {
            Algorithm::Rs256 => "client_01EHZNVPK3SFK441A1RGBFSHRK",
            Algorithm::Es256 => "client_01EHZNVPK3SFK441A1RGBFSHRM",
            Algorithm::EdDsa => "client_01EHZNVPK3SFK441A1RGBFSHRN",
        }
    }

    /// Returns the client ID of its own application.
    fn own_client_id(self) -> &'static str {
        match self.0 {
            Algorithm::Rs256 => "client_01EHZNVPK3SFK441A1RGBFSHRG",
            Algorithm::Es256 => "client_01EHZNVPK3SFK441A1RGBFSHRH",
            Algorithm::EdDsa => "client_01EHZNVPK3SFK441A1RGBFSHRJ",
        }
    }

    /// Returns its management API key.
    fn api_key(self) -> String {
        let number = match self.0 {
            Algorithm::Rs256 => "",
            Algorithm::Es256 => "2",
            Algorithm::EdDsa => "3",
        };
        format!("{API_KEY}{number}")
    }

    fn post(self, path: &str, first: &str) -> Vec<u8> {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("{first}&client_id={}&client_secret={CLIENT_SECRET}", self.client_id());
        client::request("POST", path, &self.host(), &form, &body)
    }

    /// Returns a token request; the path differs for the bare handler.
    pub fn token_request(self, path: &str) -> Requests {
        Arc::new([self.post(path, "grant_type=client_credentials&scope=posts%3Aread%20posts%3Awrite")])
    }

    /// Returns an introspection request for each token.
    pub fn introspection_requests(self, path: &str, tokens: &[String]) -> Requests {
        tokens.iter().map(|token| self.post(path, &format!("token={token}"))).collect()
    }

    /// Returns sign-ins of these users to the environment's own application, from its back end: one password request
    /// each.
    pub fn sign_ins(self, people: &[String]) -> Requests {
        let one = |(number, email): (usize, &String)| {
            let body = serde_json::json!({
                "client_id": self.own_client_id(),
                "client_secret": self.api_key(),
                "grant_type": "password",
                "email": email,
                "password": super::browser::PASSWORD,
                "ip_address": format!("10.0.{}.{}", number / 256, number % 256),
            });
            let json = [("Content-Type", "application/json")];
            client::request("POST", "/user_management/authenticate", &self.host(), &json, &body.to_string())
        };
        people.iter().enumerate().map(one).collect()
    }

    /// Returns a request for a document.
    pub fn get(self, path: &str) -> Requests {
        Arc::new([client::request("GET", path, &self.host(), &[], "")])
    }

    /// Obtains this many different tokens.
    pub fn tokens(self, address: SocketAddr, count: usize) -> Vec<String> {
        let request = self.token_request("/oauth2/token")[0].clone();
        let bodies = client::ask_all(address, &vec![request; count]);
        bodies.iter().map(|body| member(body, "access_token")).collect()
    }
}

/// Returns a string member of a JSON object.
fn member(body: &str, name: &str) -> String {
    let object: serde_json::Value = serde_json::from_str(body).unwrap();
    object[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned()
}

/// A data directory with everything that the benchmarks need.
#[derive(Debug)]
pub struct Installation {
    directory: tempfile::TempDir,
}

impl Installation {
    /// Creates one in the default temporary directory.
    pub fn make() -> Self {
        Self::make_in(std::env::temp_dir().to_str().unwrap())
    }

    /// Creates one in a folder.
    pub fn make_in(folder: &str) -> Self {
        let directory = tempfile::tempdir_in(folder).unwrap();
        let declared: String = Algorithm::ALL.map(|algorithm| declaration(Environment(algorithm))).concat();
        let file = directory.path().join("countersign.toml");
        std::fs::write(&file, declared).unwrap();
        let installation = Self { directory };
        let mut apply = Command::new(program());
        apply.args(["apply", file.to_str().unwrap(), "--data", installation.data().to_str().unwrap()]);
        child::output(apply.env("CLIENT_SECRET", CLIENT_SECRET).envs(Algorithm::ALL.map(|algorithm| {
            (format!("API_KEY_{}", algorithm.as_str().to_uppercase()), Environment(algorithm).api_key())
        })));
        installation
    }

    /// Returns the data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts the server with it.
    pub fn serve(&self, more: &[&str]) -> Serving {
        let data = self.data();
        let mut arguments = vec!["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        arguments.extend(["--threads", "1", "--rate-limit-client", "0", "--rate-limit-management", "0"]);
        arguments.extend(["--rate-limit-failures", "0"]);
        arguments.extend_from_slice(more);
        Serving::start(program(), &arguments)
    }

    /// Starts the server with it and with password hashing set aside.
    pub fn serve_without_hashing(&self) -> Serving {
        let data = self.data();
        Serving::start(&std::env::current_exe().unwrap(), &["without-hashing", data.to_str().unwrap()])
    }

    /// Creates this many users in the environments that sign with RS256 and EdDSA, with this imported password hash.
    pub fn people(&self, server: &Serving, prefix: &str, count: usize, (kind, hash): Brought<'_>) {
        let host = format!("localhost:{}", server.address.port());
        for environment in [Environment(Algorithm::Rs256), Environment(Algorithm::EdDsa)] {
            let authorization = format!("Bearer {}", environment.api_key());
            let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
            let one = |number| {
                let body = serde_json::json!({
                    "email": format!("{prefix}{number}@example.com"),
                    "email_verified": true,
                    "password_hash": hash,
                    "password_hash_type": kind,
                });
                client::request("POST", "/user_management/users", &host, &headers, &body.to_string())
            };
            let requests: Vec<Vec<u8>> = (0..count).map(one).collect();
            client::ask_all(server.address, &requests);
        }
    }

    /// Returns a request for a durable write: creating an organization.
    pub fn write_request(server: &Serving) -> Requests {
        let authorization = format!("Bearer {API_KEY}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let host = format!("localhost:{}", server.address.port());
        Arc::new([client::request("POST", "/organizations", &host, &headers, r#"{"name":"Acme Corporation"}"#)])
    }
}

/// An imported password hash: its type and its text.
pub type Brought<'a> = (&'a str, &'a str);

fn declaration(environment: Environment) -> String {
    let algorithm = environment.0;
    let (host, client_id, upper) = (environment.host(), environment.client_id(), algorithm.as_str().to_uppercase());
    format!(
        r#"
[[environment]]
name = "{name}"
issuer = "https://{host}"
client_id = "{own}"
signing_algorithm = "{algorithm}"
access_token_lifetime = 3600

[[environment.api_key]]
name = "load"
value = {{ env = "API_KEY_{upper}" }}

[[environment.permission]]
slug = "posts:read"
name = "Read posts"

[[environment.permission]]
slug = "posts:write"
name = "Write posts"

[[environment.organization]]
external_id = "acme"
name = "Acme"

[[environment.application]]
name = "Load"
application_type = "m2m"
organization = "acme"
scopes = ["posts:read", "posts:write"]
client_id = "{client_id}"
secrets = [{{ env = "CLIENT_SECRET" }}]

[[environment.application]]
name = "Forum"
application_type = "oauth"
is_first_party = true
redirect_uris = [{{ uri = "https://app.example.com/callback", default = true }}]
client_id = "{forum}"
secrets = [{{ env = "CLIENT_SECRET" }}]

[[environment.application]]
name = "Partner"
application_type = "oauth"
is_first_party = false
organization = "acme"
redirect_uris = [{{ uri = "https://app.example.com/callback", default = true }}]
client_id = "{partner}"
secrets = [{{ env = "CLIENT_SECRET" }}]
"#,
        name = algorithm.as_str().to_lowercase(),
        forum = environment.forum(),
        partner = environment.partner(),
        own = environment.own_client_id(),
    )
}
