//! Clients that registered themselves, with a company's own login.

use super::choices::{FIELD, WORKSPACE, workspaces};
use super::{complete_with, sent_away, somebody, standalone, way_back};
use crate::harness::{Application, Browser, TestServer, Website, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::json;

const MCP: &str = "https://gateway.example/mcp";
const API: &str = "https://api.example/";

/// Takes a client that requests the MCP server through the company's login and consent to tokens.
async fn connected(
    (server, issuer): (&TestServer, &TestServer),
    application: &Application,
    person: &str,
) -> serde_json::Value {
    let resource: String = url::form_urlencoded::byte_serialize(MCP.as_bytes()).collect();
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize(&format!("&scope=openid+offline_access&resource={resource}"))).await;
    let answer = complete_with(server, &sent_away(&page), somebody(person), workspaces(&["w1", "w2"])).await;
    let page = browser.open(&way_back(issuer, answer)).await;
    assert!(page.html.contains("This application chose its own name"), "{}", page.html);
    let page = browser.submit(&page, "/consent", &[("decision", "allow"), (FIELD, "w2")]).await;
    server.redeem(application, &page.sent("code").unwrap()).await.expect(200).json()
}

on_both_databases! {
    async fn strangers_clients_go_to_the_companys_login_and_their_tokens_say_what_was_chosen(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        standalone(&server).await;
        let clients = "client_id_metadata = \"any\"\ndynamic_client_registration = \"on\"\n";
        server.declare(&format!("resources = [\"{MCP}\", \"{API}\"]\n[environment.clients]\n{clients}")).await.done();
        let url = website.url("client.example", "/client.json");
        let metadata = json!({"client_name": "Assistant", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"});
        website.document(&url, metadata.clone(), "");
        let registered = server.anonymous().post("/oauth2/register", metadata).await.expect(201).text_at("client_id");
        let gateway = server.application("gateway", false, &[]).await;
        for (number, client_id) in [url, registered].into_iter().enumerate() {
            let application = Application { client_id, secret: None, redirect_uri: "http://127.0.0.1:50123/cb".to_owned() };
            let person = format!("p-{number}");
            let issued = connected((&server, &first), &application, &person).await;
            let token = issued["access_token"].as_str().unwrap();
            let said = claims(token);
            assert_eq!((&said["sub"], &said["aud"], &said[WORKSPACE]), (&json!(person), &json!(MCP), &json!("w2")));
            assert_eq!(said["client_id"], json!(application.client_id));
            let refreshed = server.refresh(&application, issued["refresh_token"].as_str().unwrap()).await.expect(200);
            assert_eq!(claims(&refreshed.text_at("access_token"))[WORKSPACE], "w2");

            // The token that the MCP server exchanges it for has the same subject and the same choice.
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token", token), ("resource", API),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ("client_id", &gateway.client_id), ("client_secret", gateway.secret.as_ref().unwrap()),
            ];
            let exchanged = server.anonymous().form("/oauth2/token", &form).await.expect(200).text_at("access_token");
            let said = claims(&exchanged);
            assert_eq!((&said["sub"], &said["aud"], &said[WORKSPACE]), (&json!(person), &json!(API), &json!("w2")));
            let introspected = server.introspected(&server.introspector().await, &exchanged).await;
            assert_eq!((&introspected["active"], &introspected[WORKSPACE]), (&json!(true), &json!("w2")));

            // Disallowing the client also revokes the exchanged token.
            if number == 0 {
                server.declare("[environment.clients]\nclient_id_metadata = \"off\"\n").await.done();
                assert_eq!(server.introspected(&server.introspector().await, &exchanged).await["active"], false);
            }
        }
    }
}
