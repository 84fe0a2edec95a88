//! Vulnerabilities of similar servers, tried on this one. Each test is named after a row of the project's list of
//! threats.

mod documents;
mod tenants;

use crate::harness::{TestServer, ids, on_both_databases};
use countersign::http::routes::Policy;
use countersign::router;
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases! {
    async fn threat_17_a_host_that_is_not_ours_is_misdirected(server: TestServer) {
        let management = server.management();
        let port = server.base_url.rsplit(':').next().unwrap().to_owned();
        for route in router::routes().table().iter().filter(|route| route.policy == Policy::EnvironmentKey) {
            let path = route.path.replace("{id}", "x").replace("{external_id}", "x").replace("{slug}", "x");
            for host in ["evil.example", "evil.example:80", &format!("localhost.evil.example:{port}"), "localhost:1", ""] {
                let request = management.request(route.method.clone(), &path).header("host", host);
                management.send(request).await.expect_code(421, "unknown_host");
            }
        }
        let request = management.request(Method::POST, "/organizations").header("host", "evil.example").json(&json!({"name": "A"}));
        management.send(request).await.expect_code(421, "unknown_host");
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
    }

    async fn threat_17_forwarded_hosts_choose_nothing(server: TestServer) {
        let another = server.another_environment().await;
        let ours = server.management().organization("Ours").await;
        let management = server.management();
        for header in ["x-forwarded-host", "forwarded", "x-original-host", "x-host", "x-forwarded-server"] {
            for value in [another.authority.clone(), "evil.example".to_owned(), format!("host={}", another.authority)] {
                let request = management.request(Method::GET, "/organizations").header(header, &value);
                assert_eq!(ids(&management.send(request).await.expect(200).json()["data"]), [ours.as_str()]);
                let request = management.request(Method::GET, "/.well-known/oauth-authorization-server").header(header, &value);
                let document = management.send(request).await.expect(200);
                assert_eq!(document.text_at("issuer"), server.base_url);
                assert!(!document.text.contains("evil.example") && !document.text.contains(&another.authority));
            }
        }
    }

    async fn threat_32_cursors_are_data(server: TestServer) {
        let management = server.management();
        let made = [management.organization("A").await, management.organization("B").await];
        for injected in [
            "' OR '1'='1", "'; DROP TABLE organization; --", "org_' UNION SELECT 1--", "1 OR 1=1", "\" OR \"\"=\"", "\\'; --", "org_%", "org__",
            "eyJpZCI6MX0=", "$1", "${jndi:ldap://x}", "{\"$gt\":\"\"}",
        ] {
            let encoded: String = injected.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for cursor in ["before", "after"] {
                management.get(&format!("/organizations?{cursor}={encoded}")).await.expect_invalid(&[(cursor, "invalid")]);
            }
            assert_eq!(management.get(&format!("/organizations?search={encoded}")).await.expect_list(), Vec::<Value>::new(), "{injected}");
            assert_eq!(management.get(&format!("/connect/applications?organization_id={encoded}")).await.expect_list(), Vec::<Value>::new());
            management.get(&format!("/organizations/{encoded}")).await.expect_not_found("Organization", injected);
            management.get(&format!("/organizations/external_id/{encoded}")).await.expect_not_found("Organization", injected);
            management.get(&format!("/authorization/permissions/{encoded}")).await.expect_not_found("Permission", injected);
            management.get(&format!("/connect/applications/{encoded}")).await.expect_not_found("Application", injected);
            // Once stored, it is ordinary text.
            let stored = management.post("/organizations", json!({"name": injected, "external_id": injected, "metadata": {"a": injected}})).await.expect(201).json();
            assert_eq!((&stored["name"], &stored["metadata"]["a"]), (&json!(injected), &json!(injected)));
            let found = management.get(&format!("/organizations/external_id/{encoded}")).await.expect(200).json();
            assert_eq!(found, stored);
            assert_eq!(ids(&management.get(&format!("/organizations?search={encoded}")).await.json()["data"]), [stored["id"].as_str().unwrap()]);
            management.delete(&format!("/organizations/{}", stored["id"].as_str().unwrap())).await.expect(200);
        }
        assert_eq!(ids(&management.get("/organizations?order=asc").await.json()["data"]), made);
    }

    async fn threat_35_an_identifier_of_one_kind_is_none_of_another(server: TestServer) {
        let management = server.management();
        let body = json!({"name": "Acme", "domain_data": [{"domain": "acme.com", "state": "verified"}]});
        let organization = management.post("/organizations", body).await.expect(201).json();
        let application = management.machine(organization["id"].as_str().unwrap(), &[]).await;
        let (secret_id, _) = management.secret(application["id"].as_str().unwrap()).await;
        let key = management.post(&format!("/organizations/{}/api_keys", organization["id"].as_str().unwrap()), json!({"name": "K"})).await.expect(201).text_at("id");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let known = [
            ("/organizations/", text(&organization["id"])), ("/organization_domains/", text(&organization["domains"][0]["id"])),
            ("/connect/applications/", text(&application["id"])), ("/connect/client_secrets/", secret_id), ("/api_keys/", key),
        ];
        for (path, own) in &known {
            let prefix = own.rsplit_once('_').unwrap().0;
            for (_, other) in &known {
                if other == own {
                    continue;
                }
                // The identifier as it is, and with this resource's prefix.
                let renamed = format!("{prefix}_{}", other.rsplit('_').next().unwrap());
                for id in [other, &renamed] {
                    let answer = management.delete(&format!("{path}{id}")).await.expect(404);
                    assert_eq!(answer.text_at("entity_id"), *id);
                }
            }
        }
        let body = json!({"name": "M", "application_type": "m2m", "organization_id": application["id"]});
        management.post("/connect/applications", body).await.expect_not_found("Organization", application["id"].as_str().unwrap());
        assert_eq!(management.get(&format!("/organizations/{}", known[0].1)).await.expect(200).json(), organization);
    }

    async fn threat_39_nothing_in_a_request_stands_in_for_the_key(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let stranger = server.anonymous();
        let paths = ["/organizations".to_owned(), format!("/organizations/{organization}/api_keys"), "/connect/applications".to_owned()];
        let key = server.api_key.as_str();
        for path in &paths {
            for (name, value) in [
                ("x-internal", "true"), ("x-internal-request", "1"), ("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1"), ("x-admin", "true"),
                ("x-api-key", key), ("api-key", key), ("x-authorization", key), ("proxy-authorization", key), ("cookie", key),
                ("x-user-id", "user_1"), ("x-http-method-override", "GET"), ("x-middleware-subrequest", "middleware"), ("origin", &server.base_url),
                ("referer", &server.base_url), ("user-agent", "kube-probe/1.30"), ("upgrade", "h2c"),
            ] {
                stranger.send(stranger.request(Method::GET, path).header(name, value)).await.expect_unauthorized();
            }
            for query in [format!("api_key={key}"), format!("access_token={key}"), format!("key={key}"), "internal=true".to_owned(), "debug=1".to_owned()] {
                stranger.get(&format!("{path}?{query}")).await.expect_unauthorized();
            }
            for extra in [
                json!({"userId": "user_1"}), json!({"user_id": "user_1"}), json!({"internal": true}), json!({"api_key": key}), json!({"client_secret": key}),
                json!({"authorization": format!("Bearer {key}")}), json!({"environment_id": "environment_1"}), json!({"organization_id": organization}),
            ] {
                let mut body = json!({"name": "Forged", "application_type": "m2m", "organization_id": organization});
                body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                stranger.post(path, body).await.expect_unauthorized();
            }
        }
        assert_eq!(management.get("/organizations").await.expect_list().len(), 1);
        assert_eq!(management.get(&paths[1]).await.expect_list(), Vec::<Value>::new());
        assert_eq!(management.get(&paths[2]).await.expect_list(), Vec::<Value>::new());
    }

    async fn threat_42_every_route_has_a_policy_and_there_are_no_others(server: TestServer) {
        let table = router::routes();
        let without_key: Vec<(String, &str)> = table.table().iter()
            .filter(|route| !matches!(route.policy, Policy::EnvironmentKey | Policy::Browser | Policy::Staff(_) | Policy::Portal(_))).map(|route| (route.method.to_string(), route.path)).collect();
        for (method, path) in &without_key {
            let known = path.starts_with("/.well-known/") || path.starts_with("/oauth2/") || path.starts_with("/sso/jwks/")
                || ["/user_management/authenticate", "/user_management/authorize/device"].contains(path)
                || ["/", "/healthz", "/readyz", "/metrics"].contains(path) || path.starts_with("/assets/pages-") || path.starts_with("/assets/dashboard-") || *path == "/branding/{name}"
                // The address is the credential.
                || *path == "/audit_logs/exports/{id}/download";
            assert!(known, "{method} {path} is open: is that meant?");
        }
        let stranger = server.anonymous();
        for path in [
            "/debug", "/debug/pprof", "/debug/vars", "/admin", "/console", "/env", "/actuator", "/actuator/env", "/swagger", "/openapi.json", "/graphql",
            "/.env", "/server-status", "/trace", "/test", "/_internal", "/internal", "/api", "/v1", "/logs", "/users", "/oauth2/clients", "/config",
        ] {
            assert_eq!(stranger.get(path).await.expect(404).json(), json!({"message": "Not Found"}));
            server.management().get(path).await.expect(404);
        }
    }

    async fn threat_45_page_parameters_are_bounded(server: TestServer) {
        let management = server.management();
        let organization = management.organization("A").await;
        let keys = format!("/organizations/{organization}/api_keys");
        for path in ["/organizations", "/connect/applications", "/authorization/permissions", keys.as_str()] {
            for limit in ["0", "-0", "00", "-1", "101", "4294967296", "18446744073709551616"] {
                management.get(&format!("{path}?limit={limit}")).await.expect_invalid(&[("limit", "invalid")]);
            }
        }
    }

    async fn threat_46_a_key_that_is_revoked_opens_nothing_more(server: TestServer) {
        let another = server.another_environment().await;
        let organization = another.management.organization("Theirs").await;
        server.revoke(&another).await;
        another.management.get(&format!("/organizations/{organization}")).await.expect_unauthorized();
        another.management.post("/organizations", json!({"name": "Late"})).await.expect_unauthorized();
        another.management.delete(&format!("/organizations/{organization}")).await.expect_unauthorized();
        server.management().organization("Ours").await;
    }

    async fn threat_46_every_issuance_asks_again_whether_it_is_allowed(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        let organization = management.organization("Acme").await;
        let application = management.machine(&organization, &["a"]).await;
        let client_id = application["client_id"].as_str().unwrap();
        let (first_id, first) = management.secret(client_id).await;
        let (_, second) = management.secret(client_id).await;
        let (observer, observer_secret) = management.credential(&[]).await;
        let stranger = server.anonymous();
        let active = async |token: &str| stranger.introspect(&observer, &observer_secret, token).await["active"] == true;
        let of_first = stranger.token(client_id, &first).await.expect(200).text_at("access_token");
        let of_second = stranger.token(client_id, &second).await.expect(200).text_at("access_token");
        assert!(active(&of_first).await && active(&of_second).await);
        // The secret is deleted: it gets no more tokens, and the tokens it got are invalid.
        management.delete(&format!("/connect/client_secrets/{first_id}")).await.expect(204);
        stranger.token(client_id, &first).await.expect(401);
        assert!(!active(&of_first).await && active(&of_second).await);
        // The permission is deleted: the next token lacks it, and it cannot be requested.
        management.delete("/authorization/permissions/a").await.expect(204);
        assert_eq!(stranger.token(client_id, &second).await.expect(200).text_at("scope"), "");
        let form = [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", &second), ("scope", "a")];
        assert_eq!(stranger.form("/oauth2/token", &form).await.expect(400).text_at("error"), "invalid_scope");
        // The organization is deleted: nothing of it can act any longer.
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        stranger.token(client_id, &second).await.expect(401);
        assert!(!active(&of_second).await);
    }
}
