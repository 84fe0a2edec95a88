//! What a person sees who types an address into a browser.

use crate::harness::{Answer, Browser, Client, TestServer, on_both_databases};
use reqwest::Method;

/// The `Accept` header of browsers when they navigate to a page.
const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

async fn ask(client: &Client, method: Method, path: &str, accept: &'static str) -> Answer {
    client.send(client.request(method, path).header("accept", accept)).await
}

on_both_databases! {
    async fn the_bare_address_leads_to_the_own_account(server: TestServer) {
        let answer = server.anonymous().get("/").await.expect(303);
        assert_eq!((answer.header("location"), answer.header("cache-control")), (Some("/account"), Some("no-store")));
        let page = Browser::new(&server).open("/").await;
        assert!(page.asks_to_sign_in(), "{}", page.html);
        server.anonymous().with_host("evil.example").get("/").await.expect(421);
    }

    async fn where_only_the_api_is_the_bare_address_leads_to_the_dashboard(server: TestServer) {
        let api = server.another_node_with(&[("public_url", "http://localhost:9")]).await;
        let client = api.anonymous().with_host("localhost:9");
        assert_eq!(client.get("/").await.expect(303).header("location"), Some("/dashboard"));
        let lost = ask(&client, Method::GET, "/nowhere", PAGE).await.expect(404);
        assert!(lost.text.contains("This page does not exist"), "{}", lost.text);
    }

    async fn who_is_lost_in_a_browser_sees_a_page_and_a_program_json(server: TestServer) {
        let environment = server.another_environment().await;
        for client in [server.anonymous(), server.anonymous().with_host(&environment.authority)] {
            for path in ["/nowhere", "/dashboard/nowhere", "/organizations/org_x/nothing", "/oauth2/%00", "/sign-in/"] {
                let page = ask(&client, Method::GET, path, PAGE).await.expect(404);
                assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
                assert!(page.header("content-security-policy").is_some(), "{path}");
                assert!(page.text.contains("This page does not exist") && !page.text.contains("nowhere"), "{}", page.text);
                let head = ask(&client, Method::HEAD, path, PAGE).await.expect(404);
                assert_eq!(head.text, "");
                for accept in ["*/*", "application/json", "application/json, text/event-stream, text/html"] {
                    let answer = ask(&client, Method::GET, path, accept).await.expect(404);
                    assert_eq!(answer.header("content-type"), Some("application/json"), "{path} {accept}");
                }
                let known = client.request(Method::GET, path).header("accept", PAGE).bearer_auth("x");
                assert_eq!(client.send(known).await.expect(404).header("content-type"), Some("application/json"), "{path}");
                let posted = ask(&client, Method::POST, path, PAGE).await.expect(404);
                assert_eq!(posted.header("content-type"), Some("application/json"), "{path}");
            }
        }
        // Also when somebody opens the address of a form directly.
        let client = server.anonymous();
        for path in ["/consent", "/choose-organization", "/device/consent", "/sign-in/code/send", "/select-account"] {
            let page = ask(&client, Method::GET, path, PAGE).await.expect(405);
            assert!(page.text.contains("This page does not exist") && page.header("allow") == Some("POST"), "{path}");
            let answer = ask(&client, Method::GET, path, "*/*").await.expect(405);
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        }
        let answer = ask(&client, Method::GET, "/oauth2/token", PAGE).await.expect(405);
        assert_eq!(answer.header("content-type"), Some("application/json"), "no page is there in any way");
        let stranger = server.anonymous().with_host("evil.example");
        let refused = ask(&stranger, Method::GET, "/nowhere", PAGE).await.expect(404);
        assert_eq!(refused.header("content-type"), Some("application/json"));
    }
}
