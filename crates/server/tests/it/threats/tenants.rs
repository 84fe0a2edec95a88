//! The tenant comes from the row: one environment or organization cannot reach what belongs to another.

use crate::harness::{Client, Environment, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

/// One of everything in an environment.
struct Belongings {
    organization: Value,
    application: Value,
    secret: (String, String),
    key: Value,
    user: String,
    membership: String,
    invitation: Value,
    redirect_uri: String,
    cors_origin: String,
    magic_auth: String,
    password_reset: String,
    webhook_endpoint: String,
    /// An event that was sent to it.
    event: String,
}

async fn furnish(management: &Client) -> Belongings {
    management.permission("posts:read").await;
    let body =
        json!({"name": "Acme", "external_id": "acme", "domain_data": [{"domain": "acme.com", "state": "verified"}]});
    let organization = management.post("/organizations", body).await.expect(201).json();
    let id = organization["id"].as_str().unwrap();
    let application = management.machine(id, &["posts:read"]).await;
    let secret = management.secret(application["id"].as_str().unwrap()).await;
    let key = management.post(&format!("/organizations/{id}/api_keys"), json!({"name": "K"})).await.expect(201).json();
    let body = json!({"email": "a@example.com", "external_id": "acme"});
    let user = management.post("/user_management/users", body).await.expect(201).text_at("id");
    let membership = management.member(&user, id).await["id"].as_str().unwrap().to_owned();
    let body = json!({"email": "b@example.com", "organization_id": id});
    let invitation = management.post("/user_management/invitations", body).await.expect(201).json();
    let body = json!({"uri": "https://acme.example/cb"});
    let redirect_uri = management.post("/user_management/redirect_uris", body).await.expect(201).text_at("id");
    let body = json!({"origin": "https://acme.example"});
    let cors_origin = management.post("/user_management/cors_origins", body).await.expect(201).text_at("id");
    let body = json!({"email": "a@example.com"});
    let magic_auth = management.post("/user_management/magic_auth", body.clone()).await.expect(201).text_at("id");
    let password_reset = management.post("/user_management/password_reset", body).await.expect(201).text_at("id");
    let body = json!({"endpoint_url": "http://localhost:1/hooks", "events": ["role.created"]});
    let webhook_endpoint = management.post("/webhook_endpoints", body).await.expect(201).text_at("id");
    management.role("told").await;
    let event = management.get("/events?order=desc&limit=1").await.expect_list()[0]["id"].as_str().unwrap().to_owned();
    Belongings {
        webhook_endpoint,
        event,
        organization,
        application,
        secret,
        key,
        user,
        membership,
        invitation,
        redirect_uri,
        cors_origin,
        magic_auth,
        password_reset,
    }
}

impl Belongings {
    /// Returns every request that names one of these objects, with the object's name in the 404 response.
    fn requests(&self) -> Vec<(Method, String, &'static str, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (organization, domain) = (text(&self.organization["id"]), text(&self.organization["domains"][0]["id"]));
        let (key, secret) = (text(&self.key["id"]), self.secret.0.clone());
        let mut requests = Vec::new();
        let mut add =
            |method: Method, path: String, thing, id: &str| requests.push((method, path, thing, id.to_owned()));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            add(method, format!("/organizations/{organization}"), "Organization", &organization);
        }
        for method in [Method::GET, Method::POST] {
            add(method, format!("/organizations/{organization}/api_keys"), "Organization", &organization);
        }
        for method in [Method::GET, Method::DELETE] {
            add(method, format!("/organization_domains/{domain}"), "Organization domain", &domain);
        }
        for name in [text(&self.application["id"]), text(&self.application["client_id"])] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                add(method, format!("/connect/applications/{name}"), "Application", &name);
            }
            for method in [Method::GET, Method::POST] {
                add(method, format!("/connect/applications/{name}/client_secrets"), "Application", &name);
            }
        }
        add(Method::DELETE, format!("/connect/client_secrets/{secret}"), "Client secret", &secret);
        add(Method::POST, format!("/api_keys/{key}/expire"), "API Key", &key);
        add(Method::DELETE, format!("/api_keys/{key}"), "API Key", &key);
        let users = format!("/user_management/users/{}", self.user);
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            add(method, users.clone(), "User", &self.user);
        }
        add(Method::GET, format!("{users}/identities"), "User", &self.user);
        for act in
            ["email_verification/send", "email_verification/confirm", "email_change/send", "email_change/confirm"]
        {
            add(Method::POST, format!("{users}/{act}"), "User", &self.user);
        }
        for (path, thing, id) in [
            ("magic_auth", "Magic Auth code", &self.magic_auth),
            ("password_reset", "Password reset", &self.password_reset),
        ] {
            add(Method::GET, format!("/user_management/{path}/{id}"), thing, id);
        }
        let (thing, endpoint) = ("Webhook endpoint", &self.webhook_endpoint);
        let path = format!("/webhook_endpoints/{endpoint}");
        for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
            add(method, path.clone(), thing, endpoint);
        }
        for act in ["rotate_secret", "complete_rotation", "test", "replay"] {
            add(Method::POST, format!("{path}/{act}"), thing, endpoint);
        }
        let delivery = format!("{path}/deliveries/{}", self.event);
        for (method, path) in [
            (Method::GET, format!("{path}/deliveries")),
            (Method::GET, delivery.clone()),
            (Method::POST, format!("{delivery}/resend")),
        ] {
            add(method, path, thing, endpoint);
        }
        let (thing, memberships) = ("Organization membership", "/user_management/organization_memberships");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            add(method, format!("{memberships}/{}", self.membership), thing, &self.membership);
        }
        for act in ["deactivate", "reactivate"] {
            add(Method::PUT, format!("{memberships}/{}/{act}", self.membership), thing, &self.membership);
        }
        let (invitation, token) = (text(&self.invitation["id"]), text(&self.invitation["token"]));
        let invitations = "/user_management/invitations";
        add(Method::GET, format!("{invitations}/{invitation}"), "Invitation", &invitation);
        add(Method::GET, format!("{invitations}/by_token/{token}"), "Invitation", &token);
        for act in ["accept", "resend", "revoke"] {
            add(Method::POST, format!("{invitations}/{invitation}/{act}"), "Invitation", &invitation);
        }
        for (list, thing, id) in
            [("redirect_uris", "Redirect URI", &self.redirect_uri), ("cors_origins", "CORS origin", &self.cors_origin)]
        {
            add(Method::DELETE, format!("/user_management/{list}/{id}"), thing, id);
        }
        requests
    }
}

/// Returns all data in an environment.
async fn everything(management: &Client, belongings: &Belongings) -> Vec<Value> {
    let organization = belongings.organization["id"].as_str().unwrap();
    let application = belongings.application["id"].as_str().unwrap();
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
        "/user_management/redirect_uris".to_owned(),
        "/user_management/cors_origins".to_owned(),
        "/webhook_endpoints".to_owned(),
        format!(
            "/user_management/organization_memberships?organization_id={organization}&statuses=active,inactive,pending"
        ),
    ] {
        seen.push(management.get(&path).await.expect(200).json());
    }
    seen
}

on_both_databases! {
    async fn threat_34_what_another_environment_has_does_not_exist(server: TestServer) {
        let another: Environment = server.another_environment().await;
        let ours = furnish(&server.management()).await;
        let theirs = furnish(&another.management).await;
        for (mine, foreign, own) in [(server.management(), &theirs, &ours), (another.management.clone(), &ours, &theirs)] {
            let before = everything(&mine, own).await;
            for (method, path, thing, id) in foreign.requests() {
                let mut request = mine.request(method.clone(), &path);
                if method != Method::GET && method != Method::DELETE {
                    request = request.json(&json!({"name": "Taken over", "external_id": "acme-2", "code": "123456", "new_email": "taken@over.example", "from": own.event}));
                }
                mine.send(request).await.expect_not_found(thing, &id);
            }
            let foreign_organization = foreign.organization["id"].as_str().unwrap();
            let body = json!({"name": "M", "application_type": "m2m", "organization_id": foreign_organization});
            mine.post("/connect/applications", body).await.expect_not_found("Organization", foreign_organization);
            let body = json!({"name": "P", "application_type": "oauth", "is_first_party": false, "organization_id": foreign_organization});
            mine.post("/connect/applications", body).await.expect_not_found("Organization", foreign_organization);
            let body = json!({"domain": "new.com", "organization_id": foreign_organization});
            mine.post("/organization_domains", body).await.expect_not_found("Organization", foreign_organization);
            // An event of the other environment has not been and cannot be sent to an endpoint of this one.
            let endpoint = format!("/webhook_endpoints/{}", own.webhook_endpoint);
            let delivery = format!("{endpoint}/deliveries/{}", foreign.event);
            mine.get(&delivery).await.expect_not_found("Webhook delivery", &foreign.event);
            mine.post(&format!("{delivery}/resend"), json!({})).await.expect_not_found("Webhook delivery", &foreign.event);
            mine.post(&format!("{endpoint}/replay"), json!({"from": foreign.event})).await.expect_code(400, "event_not_found");
            let own_organization = own.organization["id"].as_str().unwrap();
            let memberships = "/user_management/organization_memberships";
            let body = json!({"user_id": own.user, "organization_id": foreign_organization});
            mine.post(memberships, body).await.expect_not_found("Organization", foreign_organization);
            let body = json!({"user_id": foreign.user, "organization_id": own_organization});
            mine.post(memberships, body).await.expect_not_found("User", &foreign.user);
            let body = json!({"email": "c@example.com", "organization_id": foreign_organization});
            mine.post("/user_management/invitations", body).await.expect_not_found("Organization", foreign_organization);
            let body = json!({"email": "c@example.com", "inviter_user_id": foreign.user});
            mine.post("/user_management/invitations", body).await.expect_not_found("User", &foreign.user);
            for list in [
                format!("/connect/applications?organization_id={foreign_organization}"),
                format!("/user_management/users?organization_id={foreign_organization}"),
                format!("/user_management/invitations?organization_id={foreign_organization}"),
                format!("{memberships}?organization_id={foreign_organization}"),
                format!("{memberships}?user_id={}", foreign.user),
                format!("{memberships}?user_id={}&organization_id={own_organization}", foreign.user),
            ] {
                assert_eq!(mine.get(&list).await.expect_list(), Vec::<Value>::new(), "{list}");
            }
            let found = mine.get("/user_management/users/external_id/acme").await.expect(200).text_at("id");
            assert_eq!(found, own.user, "the same external identifier, each its own");
            let found = mine.get("/organizations/external_id/acme").await.expect(200).text_at("id");
            assert_eq!(found, own.organization["id"].as_str().unwrap(), "the same external identifier, each its own");
            assert_eq!(everything(&mine, own).await, before);
        }
        for (mine, own) in [(server.management(), &ours), (another.management.clone(), &theirs)] {
            for (method, path, ..) in own.requests() {
                if method == Method::GET {
                    mine.get(&path).await.expect(200);
                }
            }
        }
    }

    async fn threat_34_permissions_are_each_environments_own(server: TestServer) {
        let another = server.another_environment().await;
        server.management().permission("ours").await;
        another.management.permission("theirs").await;
        let organization = server.management().organization("Acme").await;
        for (method, body) in [(Method::GET, json!({})), (Method::PATCH, json!({"name": "x"})), (Method::DELETE, json!({}))] {
            let request = server.management().request(method, "/authorization/permissions/theirs").json(&body);
            server.management().send(request).await.expect_not_found("Permission", "theirs");
        }
        let body = json!({"name": "M", "application_type": "m2m", "organization_id": organization, "scopes": ["theirs"]});
        server.management().post("/connect/applications", body).await.expect_invalid(&[("scopes.0", "unknown_permission")]);
        let body = json!({"name": "K", "permissions": ["theirs"]});
        server.management().post(&format!("/organizations/{organization}/api_keys"), body).await
            .expect_invalid(&[("permissions.0", "unknown_permission")]);
        another.management.get("/authorization/permissions/theirs").await.expect(200);
    }

    async fn threat_34_a_client_of_another_environment_is_unknown_to_an_issuer(server: TestServer) {
        let another = server.another_environment().await;
        let ours = furnish(&server.management()).await;
        let theirs = furnish(&another.management).await;
        let stranger = server.anonymous();
        let ask = async |host: &str, belongings: &Belongings| {
            let form = [
                ("grant_type", "client_credentials"), ("client_id", belongings.application["client_id"].as_str().unwrap()),
                ("client_secret", belongings.secret.1.as_str()),
            ];
            stranger.send(stranger.request(Method::POST, "/oauth2/token").header("host", host).form(&form)).await
        };
        let host = server.base_url.strip_prefix("http://").unwrap();
        ask(host, &ours).await.expect(200);
        ask(&another.authority, &theirs).await.expect(200);
        assert_eq!(ask(host, &theirs).await.expect(401).text_at("error"), "invalid_client");
        assert_eq!(ask(&another.authority, &ours).await.expect(401).text_at("error"), "invalid_client");
    }

    async fn threat_16_the_organization_is_that_of_the_row(server: TestServer) {
        let management = server.management();
        let (acme, other) = (management.organization("Acme").await, management.organization("Other").await);
        let machine = management.machine(&acme, &[]).await;
        let secret = management.secret(machine["id"].as_str().unwrap()).await.1;
        let headers = ["x-organization-id", "x-org-id", "workos-organization-id", "x-zitadel-orgid", "organization"];
        let with_headers = |mut request: reqwest::RequestBuilder| {
            for header in headers {
                request = request.header(header, &other);
            }
            request
        };
        // A key belongs to the organization in the path.
        let path = format!("/organizations/{acme}/api_keys?organization_id={other}");
        let body = json!({"name": "K", "organization_id": other, "owner": {"type": "organization", "id": other}});
        let key = management.send(with_headers(management.request(Method::POST, &path)).json(&body)).await.expect(201).json();
        assert_eq!(key["owner"], json!({"type": "organization", "id": acme}));
        assert_eq!(management.get(&format!("/organizations/{other}/api_keys")).await.expect_list(), Vec::<Value>::new());
        // An application stays with the organization it was created for.
        let path = format!("/connect/applications/{}?organization_id={other}", machine["id"].as_str().unwrap());
        let body = json!({"name": "N", "organization_id": other});
        let changed = management.send(with_headers(management.request(Method::PUT, &path)).json(&body)).await.expect(200).json();
        assert_eq!(changed["organization_id"], acme.as_str());
        // A token names the organization of its application, whatever else is requested.
        let form = [
            ("grant_type", "client_credentials"), ("client_id", machine["client_id"].as_str().unwrap()), ("client_secret", &secret),
            ("organization_id", &other), ("org_id", &other),
        ];
        let stranger = server.anonymous();
        let token = stranger.send(with_headers(stranger.request(Method::POST, "/oauth2/token")).form(&form)).await.expect(200).text_at("access_token");
        let seen = stranger.introspect(machine["client_id"].as_str().unwrap(), &secret, &token).await;
        assert_eq!(seen["org_id"], acme.as_str());
    }
}
