//! Which redirect URIs an application may have.

use super::{PATH, first_party};
use crate::harness::{TestServer, on_both_databases};
use serde_json::{Value, json};

fn oauth(public: bool, redirect_uris: &Value) -> Value {
    json!({"name": "O", "application_type": "oauth", "is_first_party": true, "uses_pkce": public, "redirect_uris": redirect_uris})
}

on_both_databases! {
    async fn there_is_one_default(server: TestServer) {
        let management = server.management();
        let settled = async |entries: Value| -> Vec<bool> {
            let made = first_party(&management, json!({"redirect_uris": entries})).await;
            made["redirect_uris"].as_array().unwrap().iter().map(|entry| entry["default"].as_bool().unwrap()).collect()
        };
        let entry = |host: &str, default: Value| json!({"uri": format!("https://{host}/cb"), "default": default});
        assert_eq!(settled(json!([{"uri": "https://a.example/cb"}, {"uri": "https://b.example/cb"}])).await, [true, false]);
        assert_eq!(settled(json!([entry("a.example", Value::Null), entry("b.example", json!(false))])).await, [true, false]);
        assert_eq!(settled(json!([entry("a.example", json!(false)), entry("b.example", json!(true))])).await, [false, true]);
        assert_eq!(settled(json!([entry("*.a.example.com", json!(false)), entry("b.example", Value::Null)])).await, [false, true]);
        for wrong in [
            json!([entry("a.example", json!(true)), entry("b.example", json!(true))]),
            json!([entry("a.example", json!(true)), entry("a.example", json!(false))]),
            json!([entry("*.a.example.com", json!(true))]),
        ] {
            management.post(PATH, oauth(false, &wrong)).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        }
    }

    async fn entries_have_a_form(server: TestServer) {
        let management = server.management();
        for (wrong, field, code) in [
            (json!("https://a.example/cb"), "redirect_uris", "invalid_type"),
            (json!(["https://a.example/cb"]), "redirect_uris.0.uri", "required"),
            (json!([{}]), "redirect_uris.0.uri", "required"),
            (json!([{"uri": null}]), "redirect_uris.0.uri", "required"),
            (json!([{"uri": 1}]), "redirect_uris.0.uri", "required"),
            (json!([{"uri": "https://a.example/cb", "default": "yes"}]), "redirect_uris.0.default", "invalid_type"),
            (json!([{"uri": "https://a.example/cb"}, {"default": true}]), "redirect_uris.1.uri", "required"),
        ] {
            management.post(PATH, oauth(false, &wrong)).await.expect_invalid(&[(field, code)]);
        }
        let many: Vec<Value> = (0..101).map(|n| json!({"uri": format!("https://a.example/{n}")})).collect();
        management.post(PATH, oauth(false, &json!(many))).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        management.post(PATH, oauth(false, &json!(many[..100]))).await.expect(201);
        assert_eq!(management.get(PATH).await.expect_list().len(), 1);
    }

    async fn a_staging_environment_takes_plain_http(server: TestServer) {
        let management = server.management();
        for good in [
            "https://a.example/cb?x=1&y=2", "http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "http://a.example/cb",
            "https://*.partner.example.com/cb", "https://pre-*-post.partner.com/cb", "http://localhost:*/cb", "http://127.0.0.1:*/cb",
        ] {
            let made = management.post(PATH, oauth(false, &json!([{"uri": good}]))).await.expect(201).json();
            assert_eq!(made["redirect_uris"][0]["uri"], good, "kept as it was written");
        }
    }

    async fn a_production_environment_takes_plain_http_for_this_machine_only(server: TestServer) {
        let production = server.another_environment_with("kind = \"production\"").await.management;
        for good in ["https://a.example/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "http://127.0.0.1:*/cb", "https://*.partner.example.com/cb"] {
            production.post(PATH, oauth(false, &json!([{"uri": good}]))).await.expect(201);
        }
        for bad in ["http://a.example/cb", "http://localhost:3000/cb", "http://localhost:*/cb", "http://*.partner.example.com/cb", "http://10.0.0.1/cb", "http://127.0.0.1.evil.example/cb"] {
            production.post(PATH, oauth(false, &json!([{"uri": bad}]))).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        }
        assert_eq!(production.get(PATH).await.expect_list().len(), 5);
    }

    async fn what_a_browser_would_misread_is_refused(server: TestServer) {
        let management = server.management();
        for bad in [
            "", "/cb", "a.example/cb", "https:///cb", "https:a.example", "https://a.example/ cb", "https://a.example\\@evil.example",
            "https://a.example/cb#x", "https://user:password@a.example/cb", "javascript:alert(1)", "JavaScript:alert(1)",
            "data:text/html,x", "file:///etc/passwd", "com.example.app:/cb", "https://ä.example", "https://a.example/\u{0}",
            "https://*/cb", "https://*.com/cb", "https://*.co.uk/cb", "https://a.*.com/cb", "https://*.*.partner.com/cb",
            "https://partner.com/*", "https://partner.com:*/cb", "https://*.127.0.0.1/cb",
        ] {
            management.post(PATH, oauth(false, &json!([{"uri": "https://a.example/ok"}, {"uri": bad}]))).await
                .expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        }
        let long = format!("https://a.example/{}", "x".repeat(2048));
        management.post(PATH, oauth(false, &json!([{"uri": long}]))).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
    }

    async fn a_native_application_may_have_a_scheme_of_its_own(server: TestServer) {
        let management = server.management();
        for good in ["com.example.app:/cb", "warp://auth/cb"] {
            management.post(PATH, oauth(true, &json!([{"uri": good}]))).await.expect(201);
            management.post(PATH, oauth(false, &json!([{"uri": good}]))).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        }
        for bad in ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "com.example.app:/cb#x"] {
            management.post(PATH, oauth(true, &json!([{"uri": bad}]))).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        }
    }
}
