//! `/user_management/redirect_uris` and `/user_management/cors_origins`.

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const URIS: &str = "/user_management/redirect_uris";
const ORIGINS: &str = "/user_management/cors_origins";

async fn register(management: &Client, body: Value) -> Value {
    management.post(URIS, body).await.expect(201).expect_json()
}

fn uris(rows: &[Value]) -> Vec<(&str, bool)> {
    rows.iter().map(|row| (row["uri"].as_str().unwrap(), row["default"].as_bool().unwrap())).collect()
}

on_both_databases! {
    async fn there_is_one_default_and_it_stays(server: TestServer) {
        let management = server.management();
        let port = register(&management, json!({"uri": "http://localhost:*/cb"})).await;
        assert_eq!(port["default"], false, "a wildcard is nobody's default");
        let first = register(&management, json!({"uri": "https://app.example.com/cb"})).await;
        assert_keys(&first, &["created_at", "default", "id", "object", "updated_at", "uri"]);
        assert_id(&first["id"], "redir");
        assert_moment(&first["created_at"]);
        assert_eq!((&first["object"], &first["default"]), (&json!("redirect_uri"), &json!(true)));
        let second = register(&management, json!({"uri": "https://app.example.com/second"})).await;
        assert_eq!(second["default"], false);
        let path = |row: &Value| format!("{URIS}/{}", row["id"].as_str().unwrap());
        management.delete(&path(&first)).await.expect_code(409, "default_redirect_uri");
        let third = register(&management, json!({"uri": "https://app.example.com/third", "default": true})).await;
        assert_eq!(third["default"], true);
        management.delete(&path(&first)).await.expect(204);
        management.delete(&path(&first)).await.expect_not_found("Redirect URI", first["id"].as_str().unwrap());
        let listed = management.get(&format!("{URIS}?order=asc")).await.expect_list();
        assert_eq!(uris(&listed), [
            ("http://localhost:*/cb", false), ("https://app.example.com/second", false), ("https://app.example.com/third", true),
        ]);
        let page = management.get(&format!("{URIS}?limit=2")).await.expect(200).json();
        assert_eq!(page["list_metadata"]["after"], page["data"][1]["id"]);
        management.post(URIS, json!({"uri": "http://127.0.0.1:*/cb", "default": true})).await.expect_invalid(&[("uri", "invalid_redirect_uri")]);
    }

    async fn where_people_go_after_signing_out_is_a_list_of_its_own(server: TestServer) {
        let management = server.management();
        register(&management, json!({"uri": "https://app.example.com/cb"})).await;
        let out = register(&management, json!({"uri": "https://app.example.com/cb", "purpose": "sign_out"})).await;
        assert_eq!((&out["purpose"], &out["default"]), (&json!("sign_out"), &json!(true)));
        assert_eq!(management.get(URIS).await.expect_list().len(), 1);
        assert_eq!(management.get(&format!("{URIS}?purpose=sign_out")).await.expect_list(), [out]);
        management.get(&format!("{URIS}?purpose=other")).await.expect_invalid(&[("purpose", "invalid")]);
        management.post(URIS, json!({"uri": "https://a.example.com/", "purpose": "other"})).await.expect_invalid(&[("purpose", "invalid")]);
    }

    async fn threat_25_what_may_not_be_registered_is_refused(server: TestServer) {
        let management = server.management();
        for bad in [
            "https://*.app.example.com/cb", "https://pre-*.example.com/cb", "https://app.example.com/*", "https://app.example.com:*/cb", "*",
            "javascript:alert(1)", "com.example.app:/cb#x", "com.example.*:/cb", "/cb", "https://app.example.com/cb#x", "https://a:b@app.example.com/cb", "https://app.example.com\\@evil.example",
        ] {
            management.post(URIS, json!({"uri": bad})).await.expect_invalid(&[("uri", "invalid_redirect_uri")]);
        }
        management.post(URIS, json!({})).await.expect_invalid(&[("uri", "required")]);
        register(&management, json!({"uri": "http://app.example.com/cb"})).await;
        management.post(URIS, json!({"uri": "http://app.example.com/cb"})).await.expect_code(422, "redirect_uri_already_exists");
        let production = server.another_environment_with("kind = \"production\"").await.management;
        for bad in ["http://app.example.com/cb", "http://localhost/cb", "http://localhost:*/cb"] {
            production.post(URIS, json!({"uri": bad})).await.expect_invalid(&[("uri", "invalid_redirect_uri")]);
        }
        register(&production, json!({"uri": "http://127.0.0.1:*/cb"})).await;
        register(&production, json!({"uri": "https://app.example.com/cb"})).await;
        assert_eq!(management.get(URIS).await.expect_list().len(), 1, "each environment has its own");
    }

    async fn two_who_register_the_same_at_once_make_one(server: TestServer) {
        let management = server.management();
        let ask = || management.post(URIS, json!({"uri": "https://app.example.com/cb"}));
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422, 422]);
        let ask = |number: u8| {
            let management = management.clone();
            async move { management.post(URIS, json!({"uri": format!("https://app.example.com/{number}"), "default": true})).await.expect(201) }
        };
        tokio::join!(ask(1), ask(2), ask(3));
        let listed = management.get(URIS).await.expect_list();
        assert_eq!(uris(&listed).iter().filter(|(_, default)| *default).count(), 1);
    }

    async fn origins_are_exact(server: TestServer) {
        let management = server.management();
        let made = management.post(ORIGINS, json!({"origin": "https://app.example.com"})).await.expect(201).expect_json();
        assert_keys(&made, &["created_at", "id", "object", "origin", "updated_at"]);
        assert_id(&made["id"], "cors_origin");
        assert_eq!(made["object"], "cors_origin");
        management.post(ORIGINS, json!({"origin": "https://app.example.com"})).await.expect_code(409, "duplicate_cors_origin");
        for bad in [
            "https://app.example.com/", "https://app.example.com/x", "https://*.example.com", "*", "null", "app.example.com", "https://App.example.com",
            "https://app.example.com:443", "ftp://app.example.com", "https://a@app.example.com",
        ] {
            let refused = management.post(ORIGINS, json!({"origin": bad})).await.expect(422).expect_json();
            assert_keys(&refused, &["code", "errors", "message"]);
            assert_keys(&refused["errors"][0], &["constraints", "property"]);
            assert_eq!(refused["errors"][0]["property"], "origin", "{bad}");
        }
        management.post(ORIGINS, json!({"origin": "http://localhost:3000"})).await.expect(201);
        assert_eq!(management.get(ORIGINS).await.expect_list().len(), 2);
        let path = format!("{ORIGINS}/{}", made["id"].as_str().unwrap());
        management.delete(&path).await.expect(204);
        management.delete(&path).await.expect_not_found("CORS origin", made["id"].as_str().unwrap());
        let production = server.another_environment_with("kind = \"production\"").await.management;
        production.post(ORIGINS, json!({"origin": "http://app.example.com"})).await.expect(422);
        production.post(ORIGINS, json!({"origin": "http://localhost:3000"})).await.expect(201);
    }
}
