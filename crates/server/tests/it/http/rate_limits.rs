//! Rate limits.

use crate::harness::{Backend, TestServer, run};

#[test]
fn a_management_key_has_its_share() {
    run(async {
        let server = TestServer::start_with(Backend::Sqlite, &[("rate_limit_management", "5")]).await.unwrap();
        let client = server.management();
        for _ in 0..5 {
            client.get("/organizations").await.expect(200);
        }
        let answer = client.get("/organizations").await.expect(429);
        assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1, "whole seconds");
        assert_eq!(answer.text_at("code"), "rate_limit_exceeded");
        server.anonymous().get("/oauth2/jwks").await.expect(200);
    });
}

#[test]
fn a_client_has_its_share_and_its_neighbour_too() {
    run(async {
        let server = TestServer::start_with(Backend::Sqlite, &[("rate_limit_client", "3")]).await.unwrap();
        let (client_id, secret) = server.management().credential(&[]).await;
        let (neighbour, neighbours_secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        for _ in 0..3 {
            anonymous.token(&client_id, &secret).await.expect(200);
        }
        let answer = anonymous.token(&client_id, &secret).await.expect(429);
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.text_at("error"), "too_many_requests");
        anonymous.token(&neighbour, &neighbours_secret).await.expect(200);
    });
}

#[test]
fn who_fails_too_often_is_told_to_wait_and_who_does_not_is_served() {
    run(async {
        let server = TestServer::start_with(Backend::Sqlite, &[("rate_limit_failures", "4")]).await.unwrap();
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        for _ in 0..2 {
            anonymous.token(&client_id, "wrong").await.expect(401);
            anonymous.get("/organizations").await.expect(401);
        }
        anonymous.token(&client_id, "wrong").await.expect(429);
        anonymous.get("/organizations").await.expect(429);
        anonymous.token(&client_id, &secret).await.expect(200);
        server.management().get("/organizations").await.expect(200);
    });
}
