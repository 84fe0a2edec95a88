//! The claims that an environment adds to users' access tokens.

use super::authorization_code::claims;
use crate::harness::{Application, Browser, Page, TestServer, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/user_management/jwt_template";

async fn put(server: &TestServer, content: &str) -> Value {
    server.management().put(PATH, json!({"content": content})).await.expect(200).expect_json()
}

async fn signed_in(server: &TestServer, application: &Application) -> (Browser, Page) {
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize("&scope=openid+email+offline_access")).await;
    let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
    (browser, page)
}

on_both_databases! {
    async fn a_template_is_kept_and_read(server: TestServer) {
        let management = server.management();
        let environment = server.environment_id().to_string();
        management.get(PATH).await.expect_not_found("JWT template", &environment);
        let content = "{\n\t\"a\": \"{{ user.email }}\"\r\n}";
        let kept = put(&server, content).await;
        assert_keys(&kept, &["object", "content", "created_at", "updated_at"]);
        assert_eq!((&kept["object"], &kept["content"]), (&json!("jwt_template"), &json!(content)));
        assert_moment(&kept["created_at"]);
        assert_eq!(management.get(PATH).await.expect(200).expect_json(), kept);
        server.clock.advance_seconds(5);
        let changed = put(&server, "{\"b\": 1}").await;
        assert_eq!(changed["created_at"], kept["created_at"]);
        assert_ne!(changed["updated_at"], kept["updated_at"]);
        for (body, code) in [
            (json!({}), "required"), (json!({"content": " "}), "required"), (json!({"content": 1}), "invalid_type"),
            (json!({"content": {}}), "invalid_type"), (json!({"content": "{}"}), "invalid_template"),
            (json!({"content": "{\"a\": {{user.email}}"}), "invalid_template"), (json!({"content": "{\"sub\": 1}"}), "reserved_claim"),
            (json!({"content": "x".repeat(17_000)}), "too_long"),
        ] {
            management.put(PATH, body).await.expect_invalid(&[("content", code)]);
        }
        assert_eq!(management.get(PATH).await.expect(200).json(), changed, "what was refused has changed nothing");
        let another = server.another_environment().await;
        assert_eq!(another.management.get(PATH).await.status, 404, "threat 16: each environment has its own");
    }

    async fn claims_are_added_to_access_tokens_of_people_and_to_no_others(server: TestServer) {
        let management = server.management();
        let application = server.application("forum", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let organization = management.post("/organizations", json!({"name": "Acme", "metadata": {"tier": "gold"}})).await.expect(201).text_at("id");
        server.member(user, &organization).await;
        let added = put(&server, r#"{
            "name": "{{ user.first_name }} {{ user.last_name }}",
            "tier": {{ organization.metadata.tier || 'none' }},
            "roles": {{ organization_membership.roles }},
            "nothing": {{ user.locale }},
            "aud": ["https://api.example.com", "other"],
            "org_id": {{ organization.name }},
            "client_id": "stolen", "scope": "everything", "sid": "x", "grant_id": "y", "credential_id": "z"
        }"#).await;
        assert_eq!(added["object"], "jwt_template");
        let (_, page) = signed_in(&server, &application).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        let token = tokens["access_token"].as_str().unwrap();
        let access = claims(token);
        assert_eq!((&access["name"], &access["tier"], &access["roles"]), (&json!("Ada Lovelace"), &json!("gold"), &json!([{"slug": "member"}])));
        assert!(access.get("nothing").is_none());
        assert_eq!((&access["aud"], &access["org_id"]), (&json!(["https://api.example.com", "other"]), &json!("Acme")));
        assert_eq!((&access["sub"], &access["client_id"], &access["scope"]), (&json!(user), &json!(application.client_id), &json!("openid email offline_access")));
        assert!(access["sid"].as_str().unwrap().starts_with("app_consent_") && access.get("credential_id").is_none());
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert!(id.get("tier").is_none() && id["aud"] == json!(application.client_id), "not in ID tokens: {id}");

        // A template's claims do not affect whether the token is valid.
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, token).await;
        assert_eq!((&told["active"], &told["aud"], &told["org_id"]), (&json!(true), &access["aud"], &json!("Acme")));
        let userinfo = server.anonymous().with_key(token).get("/oauth2/userinfo").await.expect(200).json();
        assert_eq!(userinfo["sub"], json!(user));
        let machine = server.anonymous().token(&introspector.0, &introspector.1).await.expect(200).text_at("access_token");
        assert!(claims(&machine).get("tier").is_none(), "not in machines' tokens");

        // A refresh uses the current values.
        management.put(&format!("/organizations/{organization}"), json!({"metadata": {"tier": "silver"}})).await.expect(200);
        let next = server.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(claims(next["access_token"].as_str().unwrap())["tier"], "silver");
        put(&server, r#"{"other": 1}"#).await;
        let next = server.refresh(&application, next["refresh_token"].as_str().unwrap()).await.expect(200).json();
        let access = claims(next["access_token"].as_str().unwrap());
        assert_eq!((&access["other"], access.get("tier"), &access["org_id"]), (&json!(1), None, &json!(organization)));
        management.delete(&format!("/user_management/users/{user}")).await.expect(200);
        assert_eq!(server.introspected(&introspector, token).await, json!({"active": false}));
    }

    async fn a_token_that_would_be_too_big_is_not_issued_and_nothing_is_spent_on_it(server: TestServer) {
        let management = server.management();
        let application = server.application("forum", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let metadata: Value = (0..6).map(|n| (format!("k{n}"), json!("x".repeat(600)))).collect::<serde_json::Map<_, _>>().into();
        let path = format!("/user_management/users/{user}");
        management.put(&path, json!({"metadata": metadata})).await.expect(200);
        put(&server, r#"{"all": {{ user.metadata }}}"#).await;
        let (_, page) = signed_in(&server, &application).await;
        let code = page.sent("code").unwrap();
        let refused = server.redeem(&application, &code).await.expect(400);
        assert_eq!(refused.text_at("error"), "token_too_big");
        management.put(&path, json!({"metadata": {"k0": null, "k1": null}})).await.expect(200);
        let tokens = server.redeem(&application, &code).await.expect(200).json();
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["all"].as_object().unwrap().len(), 4);
        management.put(&path, json!({"metadata": metadata})).await.expect(200);
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(server.refresh(&application, refresh_token).await.expect(400).text_at("error"), "token_too_big");
        server.clock.advance_seconds(60);
        management.put(&path, json!({"metadata": {}})).await.expect(200);
        server.refresh(&application, refresh_token).await.expect(200);
    }

    async fn another_node_follows_within_a_second(server: TestServer) {
        let other = server.another_node().await;
        let application = server.application("forum", true, &[]).await;
        server.person("ada@example.com").await;
        let (_, page) = signed_in(&server, &application).await;
        let mut tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        put(&server, r#"{"new": true}"#).await;
        let began = std::time::Instant::now();
        loop {
            tokens = other.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
            if claims(tokens["access_token"].as_str().unwrap())["new"] == true {
                break;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(1), "it did not follow");
        }
    }
}
