//! What users did on the hosted pages, as the management API shows and revokes it.

use crate::harness::{Browser, TestServer, assert_keys, on_both_databases};
use serde_json::json;

on_both_databases! {
    async fn sessions_are_listed_and_revoked(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let management = server.management();
        let path = format!("/user_management/users/{user}/sessions");
        let listed = management.get(&path).await.expect(200).json();
        let session = &listed["data"][0];
        assert_keys(session, &[
            "auth_method", "created_at", "ended_at", "expires_at", "id", "ip_address", "object", "status",
            "updated_at", "user_agent", "user_id",
        ]);
        assert_eq!((&session["auth_method"], &session["status"]), (&json!("password"), &json!("active")));
        let revoke = json!({"session_id": session["id"]});
        let other = server.another_environment().await;
        other.management.post("/user_management/sessions/revoke", revoke.clone()).await.expect(404);
        assert_eq!(browser.open("/account").await.path, "/account");
        let ended = management.post("/user_management/sessions/revoke", revoke.clone()).await.expect(200).json();
        assert_eq!(ended["status"], "revoked");
        assert!(browser.open("/account").await.path.starts_with("/sign-in"));
        management.post("/user_management/sessions/revoke", revoke).await.expect(400);
        assert_eq!(management.get(&path).await.expect(200).json()["data"], json!([]));
        management.get("/user_management/users/user_01EHZNVPK3SFK441A1RGBFSHRT/sessions").await.expect(404);
    }

    async fn authorized_applications_are_listed_and_revoked(server: TestServer) {
        let (third, first) = (server.application("third", true, &[]).await, server.application("forum", true, &[]).await);
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        server.member(user, &organization).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&third.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&third, &page.sent("code").unwrap()).await.expect(200);
        browser.open(&first.authorize("&scope=openid")).await.sent("code").unwrap();

        let of_user = format!("/user_management/users/{user}/authorized_applications");
        let of_organization = format!("/organizations/{organization}/authorized_applications");
        let listed = management.get(&of_user).await.expect(200).json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "nobody was asked for the product's own");
        let row = &listed["data"][0];
        assert_keys(row, &["application", "granted_scopes", "id", "object"]);
        assert!(row["id"].as_str().unwrap().starts_with("authorized_connect_app_"));
        assert_eq!((&row["object"], &row["application"]["client_id"]), (&json!("authorized_connect_application"), &json!(third.client_id)));
        assert_eq!(management.get(&of_organization).await.expect(200).json()["data"][0]["user_id"], json!(user));
        let before = format!("{of_user}?after={}", row["id"].as_str().unwrap());
        assert_eq!(management.get(&before).await.expect(200).json()["data"], json!([]));
        let other = server.another_environment().await;
        other.management.get(&of_user).await.expect(404);

        let one = format!("{of_user}/{}", third.client_id);
        other.management.delete(&one).await.expect(404);
        management.delete(&one).await.expect(204);
        management.delete(&one).await.expect(404);
        server.refresh(&third, &tokens.text_at("refresh_token")).await.expect(400);
        let introspector = server.introspector().await;
        assert_eq!(server.introspected(&introspector, &tokens.text_at("access_token")).await, json!({"active": false}));
        assert!(browser.open(&third.authorize("&scope=openid")).await.left_to.is_none(), "asked again");
    }
}
