//! Access to the management API: only with an environment's API key.

use crate::harness::{Client, TestServer, ids, on_both_databases};
use countersign::http::routes::{Policy, Route};
use countersign::router;
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "event_01EHZNVPK3SFK441A1RGBFSHRT";

/// Returns every management route.
fn management_routes() -> Vec<Route> {
    let routes: Vec<Route> =
        router::routes().table().iter().filter(|route| route.policy == Policy::EnvironmentKey).cloned().collect();
    assert!(routes.len() >= 70, "the table has the management routes");
    routes
}

/// The identifiers of one object of every kind that paths contain.
struct Names {
    organization: String,
    application: String,
    secret: String,
    key: String,
    user: String,
    membership: String,
    invitation: String,
    token: String,
    magic_auth: String,
    password_reset: String,
    webhook_endpoint: String,
    event: String,
}

impl Names {
    /// Creates one of everything; also returns the values of the client secret and of the API key.
    async fn made(management: &Client) -> (Self, String, String) {
        management.permission("posts:read").await;
        let body = json!({"name": "Acme", "external_id": "acme"});
        let organization = management.post("/organizations", body).await.expect(201).text_at("id");
        let application = management.machine(&organization, &["posts:read"]).await["id"].as_str().unwrap().to_owned();
        let (secret, secret_value) = management.secret(&application).await;
        let path = format!("/organizations/{organization}/api_keys");
        let key = management.post(&path, json!({"name": "K"})).await.expect(201);
        let body = json!({"email": "a@example.com", "external_id": "acme"});
        let user = management.post("/user_management/users", body).await.expect(201).text_at("id");
        let membership = management.member(&user, &organization).await["id"].as_str().unwrap().to_owned();
        let body = json!({"email": "b@example.com"});
        let invitation = management.post("/user_management/invitations", body).await.expect(201);
        let body = json!({"slug": "posts:read", "name": "Reader"});
        management.post("/authorization/roles", body).await.expect(201);
        let body = json!({"slug": "posts:read"});
        management.post("/authorization/roles/posts:read/permissions", body).await.expect(200);
        let body = json!({"email": "c@example.com"});
        let magic_auth = management.post("/user_management/magic_auth", body.clone()).await.expect(201).text_at("id");
        let reset = management.post("/user_management/password_reset", body).await.expect(201).text_at("id");
        let body = json!({"endpoint_url": "http://localhost:1/hooks", "events": ["role.created"]});
        let webhook_endpoint = management.post("/webhook_endpoints", body).await.expect(201).text_at("id");
        management.role("told").await;
        let event =
            management.get("/events?order=desc&limit=1").await.expect_list()[0]["id"].as_str().unwrap().to_owned();
        let names = Self {
            webhook_endpoint,
            event,
            magic_auth,
            password_reset: reset,
            organization,
            application,
            secret,
            key: key.text_at("id"),
            user,
            membership,
            invitation: invitation.text_at("id"),
            token: invitation.text_at("token"),
        };
        (names, secret_value, key.text_at("value"))
    }

    /// Returns a path with its parameters replaced by existing identifiers.
    fn filled(&self, path: &str) -> String {
        let id = match path {
            path if path.starts_with("/organizations") => &self.organization,
            path if path.starts_with("/connect/applications") => &self.application,
            path if path.starts_with("/connect/client_secrets") => &self.secret,
            path if path.starts_with("/user_management/users") => &self.user,
            path if path.starts_with("/user_management/organization_memberships") => &self.membership,
            path if path.starts_with("/user_management/invitations") => &self.invitation,
            path if path.starts_with("/user_management/magic_auth") => &self.magic_auth,
            path if path.starts_with("/user_management/password_reset") => &self.password_reset,
            path if path.starts_with("/webhook_endpoints") => &self.webhook_endpoint,
            _ => &self.key,
        };
        path.replace("{id}", id)
            .replace("{event_id}", &self.event)
            .replace("{external_id}", "acme")
            .replace("{slug}", "posts:read")
            .replace("{permission}", "posts:read")
            .replace("{token}", &self.token)
    }
}

/// Returns a body that the route would accept from a key holder.
fn welcome_body(path: &str, organization: &str) -> Value {
    match path {
        "/connect/applications" => json!({"name": "M", "application_type": "m2m", "organization_id": organization}),
        "/organization_domains" => json!({"domain": "acme.com", "organization_id": organization}),
        "/authorization/permissions" | "/authorization/roles" => json!({"slug": "posts:write", "name": "Write"}),
        "/user_management/users" | "/user_management/invitations" => json!({"email": "new@example.com"}),
        "/user_management/magic_auth" | "/user_management/password_reset" => json!({"email": "c@example.com"}),
        path if path.ends_with("/email_change/send") => json!({"new_email": "changed@example.com"}),
        path if path.ends_with("/confirm") => json!({"code": "123456"}),
        "/webhook_endpoints" => json!({"endpoint_url": "http://localhost:1/other", "events": ["user.created"]}),
        path if path.starts_with("/webhook_endpoints") => {
            json!({"status": "disabled", "from": NOBODY, "immediately": true})
        }
        path if path.ends_with("/permissions") => json!({"slug": "posts:read", "permissions": []}),
        _ => json!({"name": "Changed", "value": "sk_x"}),
    }
}

/// Returns all data as the key holder sees it.
async fn everything(management: &Client, organization: &str, application: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [
        "/organizations".to_owned(),
        "/authorization/permissions".to_owned(),
        "/connect/applications".to_owned(),
        format!("/organizations/{organization}/api_keys"),
        format!("/connect/applications/{application}/client_secrets"),
        "/authorization/roles".to_owned(),
        "/user_management/users".to_owned(),
        "/user_management/invitations".to_owned(),
        "/webhook_endpoints".to_owned(),
        format!("/user_management/organization_memberships?organization_id={organization}"),
    ] {
        seen.push(management.get(&path).await.expect(200).json());
    }
    seen
}

on_both_databases! {
    async fn every_route_refuses_strangers_and_does_nothing_for_them(server: TestServer) {
        let management = server.management();
        let (names, secret, key_value) = Names::made(&management).await;
        let (organization, application) = (names.organization.clone(), names.application.clone());
        let before = everything(&management, &organization, &application).await;
        let client_id = before[2]["data"][0]["client_id"].as_str().unwrap();
        let token = server.anonymous().token(client_id, &secret).await.expect(200).text_at("access_token");
        // Write the secret's last-used time now rather than in the background.
        countersign::jobs::last_used::run(std::sync::Arc::clone(&server.app)).await;
        let before = everything(&management, &organization, &application).await;

        let mut altered = server.api_key.clone();
        altered.pop();
        let credentials = [
            None,
            Some(String::new()),
            Some("Bearer realm=\"api\"".to_owned()),
            Some("Bearer ".to_owned()),
            Some("Bearer nobody".to_owned()),
            Some(format!("Bearer {altered}")),
            Some(format!("Bearer {}x", server.api_key)),
            Some(format!("Bearer {}", server.api_key.to_uppercase())),
            Some(format!("Bearer {secret}")),
            Some(format!("Bearer {key_value}")),
            Some(format!("Bearer {token}")),
            Some(format!("Bearer {client_id}")),
            Some(format!("Bearer {0} {0}", server.api_key)),
            Some(format!("Bearer\t{}", server.api_key)),
            Some(format!("Token {}", server.api_key)),
            Some(server.api_key.clone()),
            Some("Basic c2s6".to_owned()),
        ];
        let stranger = server.anonymous();
        for route in management_routes() {
            let path = names.filled(route.path);
            for credential in &credentials {
                let mut request = stranger.request(route.method.clone(), &path);
                if let Some(credential) = credential {
                    request = request.header("authorization", credential);
                }
                if route.method != Method::GET && route.method != Method::DELETE {
                    request = request.json(&welcome_body(route.path, &organization));
                }
                stranger.send(request).await.expect_unauthorized();
            }
        }
        assert_eq!(everything(&management, &organization, &application).await, before);
        server.anonymous().token(client_id, &secret).await.expect(200);
    }

    async fn the_same_requests_with_the_key_are_let_in(server: TestServer) {
        let management = server.management();
        let (names, ..) = Names::made(&management).await;
        let mut routes = management_routes();
        // Routes that create and change come before routes that delete; the organization, with everything in it, is
        // last.
        routes.sort_by_key(|route| (route.method == Method::DELETE, route.path == "/organizations/{id}"));
        for route in routes {
            let path = names.filled(route.path);
            let mut request = management.request(route.method.clone(), &path);
            if route.method != Method::GET && route.method != Method::DELETE {
                request = request.json(&welcome_body(route.path, &names.organization));
            }
            let answer = management.send(request).await;
            assert!(!matches!(answer.status, 401 | 403 | 405), "{} {path}: {} {}", route.method, answer.status, answer.text);
            assert!(answer.status < 500, "{} {path}: {}", route.method, answer.text);
        }
    }

    async fn the_scheme_may_be_written_in_any_case(server: TestServer) {
        let anonymous = server.anonymous();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let request = anonymous.request(Method::GET, "/organizations");
            let request = request.header("authorization", format!("{scheme} {}", server.api_key));
            anonymous.send(request).await.expect(200);
        }
    }

    async fn two_authorization_headers_are_one_too_many(server: TestServer) {
        let anonymous = server.anonymous();
        let good = format!("Bearer {}", server.api_key);
        for (first, second) in [(good.as_str(), good.as_str()), (good.as_str(), "Bearer x"), ("Bearer x", good.as_str())] {
            let request = anonymous.request(Method::GET, "/organizations");
            let request = request.header("authorization", first).header("authorization", second);
            anonymous.send(request).await.expect_unauthorized();
        }
    }

    async fn a_stranger_learns_nothing_about_bodies_queries_and_identifiers(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let anonymous = server.anonymous();
        for path in [
            format!("/organizations/{organization}"),
            "/organizations/org_01EHZNVPK3SFK441A1RGBFSHRT".to_owned(),
            "/organizations/x".to_owned(),
            "/organizations?limit=0".to_owned(),
            "/organizations?after=%00".to_owned(),
        ] {
            anonymous.get(&path).await.expect_unauthorized();
        }
        let broken = anonymous.request(Method::POST, "/organizations").header("content-type", "text/plain").body("{");
        anonymous.send(broken).await.expect_unauthorized();
    }

    async fn a_key_opens_its_own_environment_only(server: TestServer) {
        let another = server.another_environment().await;
        let ours = server.management().organization("Ours").await;
        let theirs = another.management.organization("Theirs").await;
        assert_eq!(ids(&server.management().get("/organizations").await.json()["data"]), [ours.as_str()]);
        assert_eq!(ids(&another.management.get("/organizations").await.json()["data"]), [theirs.as_str()]);
        // The `Host` header only says that the request is for this server; the key determines the environment.
        let request = another.management.request(Method::GET, "/organizations");
        let request = request.header("host", server.base_url.strip_prefix("http://").unwrap());
        assert_eq!(ids(&another.management.send(request).await.json()["data"]), [theirs.as_str()]);
        let request = server.management().request(Method::GET, "/organizations").header("host", &another.authority);
        assert_eq!(ids(&server.management().send(request).await.json()["data"]), [ours.as_str()]);
    }
}
