//! Which environment a request is for, by its `Host` header.

use crate::harness::{Backend, TestServer, on_both_databases, run};
use reqwest::Method;
use serde_json::json;

on_both_databases! {
    async fn threat_17_an_unknown_host_is_refused(server: TestServer) {
        let management = server.management();
        for host in ["evil.example", "localhost", "localhost:1", "", "a b", "localhost.evil.example"] {
            for path in ["/oauth2/jwks", "/.well-known/openid-configuration", "/organizations"] {
                let request = management.request(Method::GET, path).header("host", host);
                // The builder adds a header, so replace the first `Host`.
                let (http, built) = request.build_split();
                let mut built = built.unwrap();
                if built.headers_mut().insert("host", host.parse().unwrap()).is_none() {
                    continue;
                }
                let answer = http.execute(built).await.unwrap();
                assert!([400, 421].contains(&answer.status().as_u16()), "{host:?} {path}: {}", answer.status());
            }
        }
    }

    async fn threat_17_a_host_of_any_length_is_only_looked_up(server: TestServer) {
        for host in [format!("x{}", ":80".repeat(20_000)), format!("x{}", ":443".repeat(60)), "a".repeat(60_000)] {
            let answer = server.anonymous().with_host(&host).get("/.well-known/openid-configuration").await;
            assert_eq!(answer.status, 421, "{}", answer.text);
        }
        server.anonymous().get("/healthz").await.expect(200);
    }

    async fn threat_17_two_hosts_are_none(server: TestServer) {
        let own = server.base_url.trim_start_matches("http://").to_owned();
        for (first, second) in [(own.as_str(), "evil.example"), ("evil.example", own.as_str()), (own.as_str(), own.as_str())] {
            let client = server.anonymous().with_host(first);
            let request = client.request(Method::GET, "/oauth2/jwks").header("host", second);
            let answer = client.send(request).await;
            assert!([400, 421].contains(&answer.status), "{}", answer.status);
        }
    }

    async fn this_machine_has_several_names(server: TestServer) {
        let port = server.base_url.rsplit(':').next().unwrap().to_owned();
        for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), format!("LOCALHOST:{port}")] {
            let answer = server.anonymous().with_host(&host).get("/.well-known/openid-configuration").await.expect(200);
            assert_eq!(answer.json()["issuer"], server.base_url.as_str(), "the issuer is the configured one, whatever the host");
        }
    }

    async fn headers_of_a_stranger_change_neither_issuer_nor_environment(server: TestServer) {
        let anonymous = server.anonymous();
        let plain = anonymous.get("/.well-known/openid-configuration").await.expect(200).text;
        let request = anonymous.request(Method::GET, "/.well-known/openid-configuration")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-for", "6.6.6.6")
            .header("forwarded", "host=evil.example");
        assert_eq!(anonymous.send(request).await.expect(200).text, plain);
    }

    async fn an_environment_that_cannot_be_read_keeps_no_other_from_being_served(server: TestServer) {
        let (one, other) = (server.another_environment().await, server.another_environment().await);
        let template = json!({"content": "{\"team\": \"blue\"}"});
        for management in [&one.management, &other.management] {
            management.put("/user_management/jwt_template", template.clone()).await.expect(200);
        }
        // As a newer program might find what an older one has stored.
        let spoil = "UPDATE jwt_template SET content = 'no template' WHERE environment_id = (SELECT id FROM environment WHERE name = ";
        server.database.tamper(&format!("{spoil}'{}')", one.name)).await;
        // And the node restarts its caches.
        server.database.tamper("DELETE FROM change WHERE version > 1").await;
        server.database.tamper("UPDATE change_counter SET version = 1").await;
        server.app.catch_up().await;
        let configuration = "/.well-known/openid-configuration";
        let spoilt = server.anonymous().with_host(&one.authority).get(configuration).await.expect(503);
        assert_eq!(spoilt.header("retry-after"), Some("1"));
        one.management.get("/organizations").await.expect(503);
        server.anonymous().with_host(&other.authority).get(configuration).await.expect(200);
        other.management.get("/organizations").await.expect(200);
        server.management().get("/organizations").await.expect(200);
        server.anonymous().get("/readyz").await.expect(200);
        // Once repaired, it is served again as soon as anything in it changes.
        let mend = spoil.replace("no template", "{\"team\": \"blue\"}");
        server.database.tamper(&format!("{mend}'{}')", one.name)).await;
        let another = json!({"content": "{\"team\": \"green\"}"});
        other.management.put("/user_management/jwt_template", another).await.expect(200);
        server.anonymous().with_host(&one.authority).get(configuration).await.expect(200);
    }

    async fn health_answers_on_any_host_and_metrics_only_to_this_machine(server: TestServer) {
        let anonymous = server.anonymous().with_host("10.0.0.7:8080");
        assert_eq!(anonymous.get("/healthz").await.expect(200).json()["status"], "ok");
        assert_eq!(anonymous.get("/readyz").await.expect(200).json()["status"], "ready");
        let metrics = anonymous.get("/metrics").await.expect(200);
        assert!(metrics.text.contains("countersign_http_requests_total{route=\"GET /healthz\",status=\"2xx\"} 1"), "{}", metrics.text);
        assert!(metrics.text.ends_with("# EOF\n"));
        let through_proxy = anonymous.request(Method::GET, "/metrics").header("x-forwarded-for", "192.0.2.1");
        anonymous.send(through_proxy).await.expect(404);
    }
}

#[test]
fn in_an_https_set_up_plain_text_is_refused() {
    run(async {
        let settings = [("public_url", "https://auth.example.com"), ("trusted_proxies", "127.0.0.1")];
        let server = TestServer::start_with(Backend::Sqlite, &settings).await.unwrap();
        let client = server.management();
        let plain = client.get("/organizations").await.expect(403);
        assert_eq!(plain.text_at("code"), "https_required");
        client.get("/healthz").await.expect(200);
        let through =
            |proto: &str| client.request(Method::GET, "/organizations").header("x-forwarded-proto", proto.to_owned());
        client.send(through("http")).await.expect(403);
        let answer = client.send(through("https")).await.expect(200);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    });
}

#[test]
fn threat_17_without_a_trusted_proxy_a_forwarded_scheme_is_not_believed() {
    run(async {
        let settings = [("public_url", "https://auth.example.com")];
        let server = TestServer::start_with(Backend::Sqlite, &settings).await.unwrap();
        let client = server.management();
        let request = client.request(Method::GET, "/organizations").header("x-forwarded-proto", "https");
        client.send(request).await.expect(403);
    });
}
