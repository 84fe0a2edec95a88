//! `countersign doctor mcp` against MCP servers and authorization servers that have one thing wrong.

use crate::harness::{TestServer, binary, on_both_databases, run};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

type Answer = (u16, Option<(&'static str, String)>, String);

/// An MCP server at `/mcp` and its authorization server, whose responses can be changed.
struct World {
    base: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

impl World {
    /// Starts one in which everything is right.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let answers: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let known = Arc::clone(&answers);
        let answer = move |method: Method, uri: Uri| async move {
            let found = known.lock().unwrap().get(&format!("{method} {}", uri.path())).cloned();
            let (status, header, body) = found.unwrap_or((404, None, String::new()));
            let mut headers = HeaderMap::new();
            if let Some((name, value)) = header {
                headers.insert(name, HeaderValue::from_str(&value).unwrap());
            }
            (StatusCode::from_u16(status).unwrap(), headers, body)
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap() });
        let world = Self { base, answers };
        let base = &world.base;
        let metadata = format!("{base}/.well-known/oauth-protected-resource/mcp");
        world.say("POST /mcp", 401, Some(("www-authenticate", format!("Bearer resource_metadata=\"{metadata}\""))), "");
        let resource = json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]});
        world.say("GET /.well-known/oauth-protected-resource/mcp", 200, None, &resource.to_string());
        world.describe(&|_| {});
        world.say("POST /register", 201, None, &json!({"client_id": "client_new"}).to_string());
        world.say("GET /authorize", 302, Some(("location", "/sign-in?flow=x".to_owned())), "");
        world
    }

    fn say(&self, what: &str, status: u16, header: Option<(&'static str, String)>, body: &str) {
        self.answers.lock().unwrap().insert(what.to_owned(), (status, header, body.to_owned()));
    }

    /// Publishes the authorization server metadata with one change.
    fn describe(&self, change: &dyn Fn(&mut Value)) {
        let base = &self.base;
        let mut document = json!({
            "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
            "registration_endpoint": format!("{base}/register"), "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"], "grant_types_supported": ["authorization_code", "refresh_token"],
            "client_id_metadata_document_supported": true,
        });
        change(&mut document);
        self.say("GET /.well-known/oauth-authorization-server", 200, None, &document.to_string());
    }

    /// Returns what the doctor prints, and whether it succeeds.
    async fn examined(&self, flags: &[&str]) -> (bool, String) {
        examined(&format!("{}/mcp", self.base), flags).await
    }

    /// Checks that exactly one step fails, and that its message contains these words.
    async fn fails_with(&self, words: &str) {
        let (content, said) = self.examined(&[]).await;
        assert!(!content && said.matches("FAIL").count() == 1 && said.matches("Fix: ").count() == 1, "{said}");
        assert!(said.contains(words), "'{words}' in: {said}");
    }
}

pub async fn examined(url: &str, flags: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(binary());
    command.args(["doctor", "mcp", url]).args(flags);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), said)
}

on_both_databases! {
    async fn this_very_server_is_examined_as_an_authorization_server(server: TestServer) {
        let world = World::start().await;
        let resource = json!({"resource": format!("{}/mcp", world.base), "authorization_servers": [server.base_url]});
        world.say("GET /.well-known/oauth-protected-resource/mcp", 200, None, &resource.to_string());
        world.fails_with("neither clients that register themselves").await;
        server.declare("resources = [\"https://other.example/\"]\n[environment.clients]\ndynamic_client_registration = \"on\"\n").await.done();
        world.fails_with("invalid_target").await;
        server.declare(&format!("resources = [\"{}/mcp\"]\n", world.base)).await.done();
        let (content, said) = world.examined(&[]).await;
        assert!(content && said.contains("A person can sign in"), "{said}");
        let listed = server.management().get("/connect/applications?registration_types=dynamic").await.expect_list();
        assert_eq!(listed.len(), 1, "one client, however often it is tried");
    }
}

#[test]
fn a_server_that_does_everything_right_leads_to_the_sign_in_page() {
    run(async {
        let world = World::start().await;
        let (content, said) = world.examined(&[]).await;
        assert!(content && said.contains("A person can sign in") && !said.contains("note"), "{said}");
        let (content, said) = world.examined(&["--no-register"]).await;
        assert!(content && !said.contains("client_new"), "{said}");
        world.say("POST /mcp", 401, None, "");
        let (content, said) = world.examined(&[]).await;
        assert!(content && said.contains("note"), "the metadata is found where clients guess: {said}");
    });
}

#[test]
fn an_address_without_its_beginning_is_told_before_anything_is_tried() {
    run(async {
        for url in ["localhost:3000/mcp", "mcp.example.com/mcp", "ftp://mcp.example.com/mcp"] {
            let (content, said) = examined(url, &[]).await;
            assert!(!content && said.contains("does not begin with https://"), "{said}");
            assert!(!said.contains("is the server running"), "{said}");
        }
    });
}

#[test]
fn the_step_that_fails_is_named_and_nothing_is_tried_beyond_it() {
    run(async {
        let world = World::start().await;
        for (status, words) in [
            (200, "answers without a token"),
            (307, "lose the body of their request"),
            (404, "often /mcp"),
            (403, "answer 401"),
        ] {
            world.say("POST /mcp", status, None, "");
            world.fails_with(words).await;
        }
        world.say("POST /mcp", 401, Some(("www-authenticate", "Bearer resource_metadata=\"/here\"".to_owned())), "");
        world.fails_with("not a URL").await;

        let world = World::start().await;
        let place = "GET /.well-known/oauth-protected-resource/mcp";
        world.say(place, 404, None, "");
        world.fails_with("RFC 9728").await;
        let other = json!({"resource": "https://other.example/mcp", "authorization_servers": [world.base]});
        world.say(place, 200, None, &other.to_string());
        world.fails_with("https://other.example/mcp").await;
        let nowhere =
            json!({"resource": format!("{}/mcp", world.base), "authorization_servers": ["http://127.0.0.1:1"]});
        world.say(place, 200, None, &nowhere.to_string());
        world.fails_with("cannot connect").await;

        let world = World::start().await;
        world.describe(&|document| document["issuer"] = json!("https://other.example"));
        world.fails_with("RFC 8414").await;
        world.describe(&|document| document["code_challenge_methods_supported"] = json!([]));
        world.fails_with("PKCE").await;
        world.describe(&|document| {
            document.as_object_mut().unwrap().remove("registration_endpoint");
            document["client_id_metadata_document_supported"] = json!(false);
        });
        world.fails_with("dynamic_client_registration").await;

        let world = World::start().await;
        let refused = json!({"error": "invalid_client_metadata", "error_description": "Too many."});
        world.say("POST /register", 400, None, &refused.to_string());
        world.fails_with("Too many.").await;

        let world = World::start().await;
        let back =
            "http://127.0.0.1:33418/callback?error=invalid_target&error_description=No+such+resource.&state=doctor";
        world.say("GET /authorize", 302, Some(("location", back.to_owned())), "");
        world.fails_with("declare resources = [").await;
        world.say("GET /authorize", 400, None, "<html>");
        world.fails_with("open it in a browser").await;
        let (content, said) = examined("https://", &[]).await;
        assert!(!content && said.contains("is not a URL"), "{said}");
    });
}
