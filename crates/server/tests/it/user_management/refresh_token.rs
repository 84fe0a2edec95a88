//! Refresh tokens of sessions: rotation, legitimate retries, theft, and switching organizations.

use crate::harness::{TestServer, assert_keys, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

async fn switch(server: &TestServer, refresh_token: &str, organization: &str) -> crate::harness::Answer {
    let fields = [("refresh_token", refresh_token), ("organization_id", organization)];
    server.authenticate_publicly("refresh_token", &fields).await
}

on_both_databases! {
    async fn every_use_gives_a_new_token_and_an_honest_retry_the_same(server: TestServer) {
        server.person("ada@example.com").await;
        let signed_in = server.with_password("ada@example.com").await.expect(200).json();
        let first = text(&signed_in, "refresh_token");
        let second = server.renew(&first).await.expect(200).json();
        assert_ne!(first, text(&second, "refresh_token"));
        let sid = |answer: &Value| claims(&text(answer, "access_token"))["sid"].clone();
        assert_eq!(sid(&signed_in), sid(&second));
        assert_ne!(claims(&text(&signed_in, "access_token"))["jti"], claims(&text(&second, "access_token"))["jti"]);
        assert_eq!((&second["user"]["email"], &second["authentication_method"]), (&json!("ada@example.com"), &json!("Password")));
        server.clock.advance_seconds(29);
        let retried = server.renew(&first).await.expect(200);
        assert_eq!(retried.text_at("refresh_token"), text(&second, "refresh_token"), "no second branch");
        let with_secret = [("refresh_token", retried.text_at("refresh_token"))];
        let with_secret = server.authenticate("refresh_token", &[(with_secret[0].0, &with_secret[0].1)]).await.expect(200);
        server.renew(&with_secret.text_at("refresh_token")).await.expect(200);
        for bad in ["x", "", "cs_rt_", &first.replace("cs_rt_", "cs_rt_0")] {
            let answer = server.renew(bad).await;
            assert!(matches!(answer.status, 400 | 422), "{bad}");
        }
        let wrong = [("refresh_token", first.as_str()), ("client_secret", "sk_wrong")];
        assert_eq!(server.authenticate_publicly("refresh_token", &wrong).await.expect(400).text_at("error"), "invalid_client", "a secret that is shown is held to");
    }

    async fn a_token_that_was_spent_long_ago_ends_its_family_and_no_other(server: TestServer) {
        server.person("ada@example.com").await;
        let first = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let elsewhere = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let second = server.renew(&first).await.expect(200).text_at("refresh_token");
        server.clock.advance_seconds(31);
        assert_eq!(server.renew(&first).await.expect(400).text_at("error"), "invalid_grant");
        assert_eq!(server.renew(&second).await.expect(400).text_at("error"), "invalid_grant");
        server.renew(&elsewhere).await.expect(200);
        let told = server.management().get("/events?events=session.refresh_token_reused").await.expect_list();
        assert_eq!(told.len(), 1);
        assert_keys(&told[0]["data"], &["id", "object", "organization_id", "session_id", "user_id"]);
        assert_eq!(told[0]["data"]["object"], "session_family");
    }

    async fn many_refreshes_at_once_make_one_successor(server: TestServer) {
        server.person("ada@example.com").await;
        let first = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let other = server.another_node().await;
        let there = |token: String| {
            let (client, client_id) = (other.anonymous(), server.client_id.clone());
            async move {
                let form = [("grant_type", "refresh_token"), ("client_id", &client_id), ("refresh_token", &token)];
                client.form("/user_management/authenticate", &form).await
            }
        };
        let (a, b, c, d) = tokio::join!(server.renew(&first), there(first.clone()), server.renew(&first), there(first.clone()));
        let successors: Vec<String> = [a, b, c, d].map(|answer| answer.expect(200).text_at("refresh_token")).into();
        assert!(successors.windows(2).all(|pair| pair[0] == pair[1]));
        server.renew(&successors[0]).await.expect(200);
    }

    async fn threat_21_an_unused_token_expires_and_so_does_the_session(server: TestServer) {
        server.person("ada@example.com").await;
        let unused = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let mut used = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        for _ in 0..4 {
            server.clock.advance_seconds(6 * 86_400);
            used = server.renew(&used).await.expect(200).text_at("refresh_token");
        }
        server.renew(&unused).await.expect(400);
        server.clock.advance_seconds(6 * 86_400);
        assert_eq!(server.renew(&used).await.expect(400).text_at("error"), "invalid_grant", "thirty days are over");
    }

    async fn the_organization_is_switched_to_where_the_person_belongs(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex, other) =
            (management.organization("Acme").await, management.organization("Globex").await, management.organization("Other").await);
        let signed_in = server.with_password("ada@example.com").await.expect(200).json();
        assert!(signed_in.get("organization_id").is_none());
        let first = text(&signed_in, "refresh_token");
        let at_acme = server.member(user, &acme).await;
        server.member(user, &globex).await;
        for (organization, error) in [(other.as_str(), "organization_membership_not_found"), ("org_00000000000000000000000001", "organization_membership_not_found")] {
            assert_eq!(switch(&server, &first, organization).await.expect(400).text_at("error"), error);
        }
        assert_eq!(switch(&server, &first, "nonsense").await.expect(400).text_at("code"), "invalid_organization_id");
        let second = switch(&server, &first, &acme).await.expect(200).json();
        assert_eq!(second["organization_id"], json!(acme));
        assert_eq!(claims(&text(&second, "access_token"))["org_id"], json!(acme));
        // A retry that asks for a different organization gets it, with the same successor.
        let retried = switch(&server, &first, &globex).await.expect(200).json();
        assert_eq!((&retried["organization_id"], &retried["refresh_token"]), (&json!(globex), &second["refresh_token"]));
        let third = server.renew(&text(&retried, "refresh_token")).await.expect(200).json();
        assert_eq!(third["organization_id"], json!(globex), "the last one, unasked");
        let fourth = switch(&server, &text(&third, "refresh_token"), &acme).await.expect(200).json();
        let listed = management.get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        assert_eq!(listed[0]["organization_id"], json!(acme));
        // A user who leaves an organization loses access at once.
        server.expel(&at_acme).await;
        assert_eq!(server.renew(&text(&fourth, "refresh_token")).await.expect(400).text_at("error"), "invalid_grant");
        switch(&server, &text(&fourth, "refresh_token"), &globex).await.expect(400);
    }

    async fn another_environment_knows_no_token_of_this_one(server: TestServer) {
        server.person("ada@example.com").await;
        let another = server.another_environment().await;
        let first = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let there = server.anonymous().with_host(&another.authority);
        let client_id = match server.app.environments().host(&another.authority) {
            Some(countersign::cache::environments::Host::Issuer(state)) => state.environment.client_id.to_string(),
            other => panic!("{other:?}"),
        };
        let form = [("grant_type", "refresh_token"), ("client_id", client_id.as_str()), ("refresh_token", &first)];
        assert_eq!(there.form("/user_management/authenticate", &form).await.expect(400).text_at("error"), "invalid_grant");
        server.renew(&first).await.expect(200);
    }
}
