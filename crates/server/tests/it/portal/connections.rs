//! Applications that members have connected, as the organization sees and revokes them.

use crate::harness::{Browser, TestServer, on_both_databases};
use serde_json::json;

on_both_databases! {
    async fn a_connection_of_a_member_is_seen_and_ended_with_its_tokens(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let third = server.application("third", true, &[]).await;
        let ada = server.person("ada@example.com").await;
        server.member(ada, &organization).await;
        let mut person = Browser::new(&server);
        let page = person.open(&third.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut person, &page, "ada@example.com").await;
        let page = person.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&third, &page.sent("code").unwrap()).await.expect(200);
        let watcher = server.introspector().await;
        assert_eq!(server.introspected(&watcher, &tokens.text_at("access_token")).await["active"], true);

        let mut browser = server.visitor(&organization, Some("api_credentials")).await;
        let page = browser.open("/portal/connections").await;
        assert!(page.html.contains("The third application") && page.html.contains("ada@example.com"), "{}", page.html);
        let done = browser.submit(&page, "/portal/connections/revoke", &[]).await;
        assert_eq!(done.status, 200);
        assert!(done.html.contains("was disconnected from ada@example.com on") && done.html.contains("Nothing is connected"), "{}", done.html);
        server.refresh(&third, &tokens.text_at("refresh_token")).await.expect(400);
        assert_eq!(server.introspected(&watcher, &tokens.text_at("access_token")).await, json!({"active": false}));
        // The second attempt: it is gone.
        let fields = page.form("/portal/connections/revoke").fields;
        assert_eq!(browser.post("/portal/connections/revoke", &fields).await.status, 404);
        assert!(person.open(&third.authorize("&scope=openid")).await.left_to.is_none(), "they are asked again");
    }
}
