//! Several nodes on one database: what is revoked on one is invalid on all within a second.

mod broken_connections;
mod codes;
mod events;
mod set_back;
mod waiting;

use crate::harness::{TestServer, on_both_databases};
use std::time::{Duration, Instant};

/// Polls until `done`, and returns the time that took; panics after three seconds.
async fn until(mut done: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(3), "it did not happen in time");
    }
    began.elapsed()
}

const PROMISE: Duration = Duration::from_secs(1);

on_both_databases! {
    async fn a_secret_deleted_on_one_node_is_dead_on_the_other_within_a_second(server: TestServer) {
        let other = server.another_node().await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let (secret_id, secret) = management.secret(&client_id).await;
        let there = other.anonymous();
        let token = there.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(there.introspect(&watcher, &watcher_secret, &token).await["active"], true);

        management.delete(&format!("/connect/client_secrets/{secret_id}")).await.expect(204);
        let took = until(async || there.introspect(&watcher, &watcher_secret, &token).await["active"] == false).await;
        assert!(took < PROMISE, "{took:?}");
        there.token(&client_id, &secret).await.expect(401);
    }

    async fn a_secret_revoked_on_the_organizations_page_is_dead_on_the_other_within_a_second(server: TestServer) {
        let other = server.another_node().await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        let machine = management.machine(&organization, &[]).await;
        let (id, client_id) = (machine["id"].as_str().unwrap(), machine["client_id"].as_str().unwrap());
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let (_, secret) = management.secret(id).await;
        let there = other.anonymous();
        let token = there.token(client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(there.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        let mut visitor = server.visitor(&organization, None).await;
        let page = visitor.open("/portal/machines").await;
        assert_eq!(visitor.submit(&page, &format!("/portal/machines/{id}/revoke"), &[]).await.status, 200);
        let took = until(async || there.introspect(&watcher, &watcher_secret, &token).await["active"] == false).await;
        assert!(took < PROMISE, "{took:?}");
        there.token(client_id, &secret).await.expect(401);
        // The visit is valid on the other node as well, and ends there when it is left here.
        let page = visitor.open("/portal/machines").await;
        visitor.move_to(&other);
        assert_eq!(visitor.open("/portal/machines").await.status, 200);
        visitor.submit(&page, "/portal/leave", &[]).await;
        visitor.move_to(&server);
        assert!(visitor.open("/portal/machines").await.path.starts_with("/sign-in"));
    }

    async fn an_application_an_organization_and_a_token_too(server: TestServer) {
        let other = server.another_node().await;
        let management = server.management();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let there = other.anonymous();
        let inactive = async |token: &str| {
            until(async || there.introspect(&watcher, &watcher_secret, token).await["active"] == false).await
        };

        let (client_id, secret) = management.credential(&[]).await;
        let token = there.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(there.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        management.delete(&format!("/connect/applications/{client_id}")).await.expect(204);
        assert!(inactive(&token).await < PROMISE);

        let organization = management.organization("Gone").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (_, secret) = management.secret(&client_id).await;
        let token = there.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(there.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        assert!(inactive(&token).await < PROMISE);

        let (client_id, secret) = management.credential(&[]).await;
        let token = there.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(there.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        let form = [("client_id", client_id.as_str()), ("client_secret", secret.as_str()), ("token", token.as_str())];
        server.anonymous().form("/oauth2/revoke", &form).await.expect(200);
        assert!(inactive(&token).await < PROMISE);
    }

    async fn what_one_node_makes_works_on_the_other_at_once(server: TestServer) {
        let other = server.another_node().await;
        for _ in 0..5 {
            let (client_id, secret) = server.management().credential(&[]).await;
            let token = other.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
            assert_eq!(server.anonymous().introspect(&client_id, &secret, &token).await["active"], true);
        }
    }

    async fn a_secret_added_later_works_at_once_where_the_client_is_already_known(server: TestServer) {
        let other = server.another_node().await;
        let management = server.management();
        let (client_id, first) = management.credential(&[]).await;
        other.anonymous().token(&client_id, &first).await.expect(200);
        let (_, second) = management.secret(&client_id).await;
        other.anonymous().token(&client_id, &second).await.expect(200);
    }

    async fn races_with_a_deletion_never_leave_a_dead_secret_alive(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        for _ in 0..10 {
            let (id, secret) = management.secret(&client_id).await;
            let hammering: Vec<_> = (0..4)
                .map(|_| {
                    let (anonymous, client_id, secret) = (server.anonymous(), client_id.clone(), secret.clone());
                    tokio::spawn(async move { while anonymous.token(&client_id, &secret).await.status == 200 {} })
                })
                .collect();
            management.delete(&format!("/connect/client_secrets/{id}")).await.expect(204);
            server.anonymous().token(&client_id, &secret).await.expect(401);
            for task in hammering {
                tokio::time::timeout(Duration::from_secs(5), task).await.expect("it was refused").unwrap();
            }
        }
    }
}
