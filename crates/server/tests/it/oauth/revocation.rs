//! `POST /oauth2/revoke` (RFC 7009).

use crate::harness::{TestServer, on_both_databases};

on_both_databases! {
    async fn a_client_ends_its_own_token_and_only_that(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let one = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let other = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let form = [("client_id", client_id.as_str()), ("client_secret", secret.as_str()), ("token", one.as_str())];
        for _ in 0..2 {
            let answer = anonymous.form("/oauth2/revoke", &form).await.expect(200);
            assert_eq!(answer.text, "");
            assert_eq!(answer.header("content-type"), None);
        }
        assert_eq!(anonymous.introspect(&client_id, &secret, &one).await["active"], false);
        assert_eq!(anonymous.introspect(&client_id, &secret, &other).await["active"], true);
    }

    async fn another_clients_token_stays_and_nothing_is_told(server: TestServer) {
        let management = server.management();
        let (client_id, secret) = management.credential(&[]).await;
        let (stranger, stranger_secret) = management.credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        for token in [token.as_str(), "nonsense", "a.b.c"] {
            let form = [("client_id", stranger.as_str()), ("client_secret", stranger_secret.as_str()), ("token", token)];
            assert_eq!(anonymous.form("/oauth2/revoke", &form).await.expect(200).text, "");
        }
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
    }

    async fn the_client_must_prove_itself(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let form = [("client_id", client_id.as_str()), ("client_secret", "wrong"), ("token", token.as_str())];
        assert_eq!(anonymous.form("/oauth2/revoke", &form).await.expect(401).text_at("error"), "invalid_client");
        let form = [("client_id", client_id.as_str()), ("client_secret", secret.as_str())];
        assert_eq!(anonymous.form("/oauth2/revoke", &form).await.expect(400).text_at("error"), "invalid_request");
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
    }

    async fn threat_21_a_revocation_outlives_the_process(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let form = [("client_id", client_id.as_str()), ("client_secret", secret.as_str()), ("token", token.as_str())];
        anonymous.form("/oauth2/revoke", &form).await.expect(200);
        let restarted = server.another_node().await;
        assert_eq!(restarted.anonymous().introspect(&client_id, &secret, &token).await["active"], false);
    }
}
