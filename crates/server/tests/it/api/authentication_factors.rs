//! `/auth/factors`, `/auth/challenges` and `/user_management/users/{id}/auth_factors`.

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use countersign_protocol::second_factor::{enrolment, totp};
use serde_json::{Value, json};

/// Returns the code that an authenticator app with this factor's secret shows, this many steps from now.
fn shown(factor: &Value, server: &TestServer, steps: i64) -> String {
    let secret = enrolment::from_text(factor["totp"]["secret"].as_str().unwrap()).unwrap();
    totp::code_at(&secret, server.app.clock.now().as_secs() + steps * totp::PERIOD)
}

async fn verify(client: &Client, challenge: &Value, code: &str) -> crate::harness::Answer {
    let id = challenge["id"].as_str().unwrap();
    client.post(&format!("/auth/challenges/{id}/verify"), json!({"code": code})).await
}

on_both_databases! {
    async fn a_user_gets_a_factor_and_its_secret_is_shown_once(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/auth_factors");
        let made = management.post(&path, json!({"type": "totp", "totp_issuer": "Acme: & Sons"})).await.expect(201).json();
        assert_keys(&made, &["authentication_factor", "authentication_challenge"]);
        let factor = &made["authentication_factor"];
        assert_keys(factor, &["object", "id", "type", "user_id", "totp", "created_at", "updated_at"]);
        assert_keys(&factor["totp"], &["issuer", "user", "secret", "qr_code", "uri"]);
        assert_id(&factor["id"], "auth_factor");
        assert_moment(&factor["created_at"]);
        assert_eq!((factor["type"].as_str(), factor["totp"]["user"].as_str()), (Some("totp"), Some("ada@example.com")));
        assert!(factor["totp"]["qr_code"].as_str().unwrap().starts_with("data:image/png;base64,"));
        let uri = factor["totp"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/Acme%20%26%20Sons:ada%40example.com?secret="), "{uri}");
        let challenge = &made["authentication_challenge"];
        assert_keys(challenge, &["object", "id", "authentication_factor_id", "created_at", "updated_at"]);
        assert_id(&challenge["id"], "auth_challenge");
        assert_eq!(challenge["authentication_factor_id"], factor["id"]);
        // From then on it is returned without its secret.
        let id = factor["id"].as_str().unwrap();
        let seen = management.get(&format!("/auth/factors/{id}")).await.expect(200).json();
        assert_keys(&seen["totp"], &["issuer", "user"]);
        let listed = management.get(&path).await.expect(200).json();
        assert_eq!((ids(&listed["data"]), &listed["data"][0]), (vec![id.to_owned()], &seen));
        management.delete(&format!("/auth/factors/{id}")).await.expect(204);
        management.get(&format!("/auth/factors/{id}")).await.expect_not_found("Authentication factor", id);
        management.delete(&format!("/auth/factors/{id}")).await.expect_not_found("Authentication factor", id);
        assert!(management.get(&path).await.expect_list().is_empty());
    }

    async fn a_code_is_right_once_and_a_wrong_one_is_told(server: TestServer) {
        let management = server.management();
        let new = json!({"type": "totp", "totp_issuer": "Acme", "totp_user": "the till"});
        let factor = management.post("/auth/factors/enroll", new).await.expect(201).json();
        assert_keys(&factor, &["object", "id", "type", "totp", "created_at", "updated_at"]);
        let ask = format!("/auth/factors/{}/challenge", factor["id"].as_str().unwrap());
        let first = management.post(&ask, json!({})).await.expect(201).json();
        let wrong = verify(&management, &first, "000 000").await.expect(201).json();
        assert_keys(&wrong, &["challenge", "valid"]);
        assert_eq!(wrong["valid"], false);
        let code = shown(&factor, &server, 0);
        let right = verify(&management, &first, &code).await.expect(201).json();
        assert_eq!((&right["valid"], &right["challenge"]["id"]), (&json!(true), &first["id"]));
        verify(&management, &first, &code).await.expect_code(422, "authentication_challenge_previously_verified");
        // Another challenge accepts neither the same code nor an older one, but accepts the next one.
        let second = management.post(&ask, json!({"sms_template": "Your code is {{code}}"})).await.expect(201).json();
        assert_eq!(verify(&management, &second, &code).await.expect(201).json()["valid"], false);
        assert_eq!(verify(&management, &second, &shown(&factor, &server, -1)).await.expect(201).json()["valid"], false);
        assert_eq!(verify(&management, &second, &shown(&factor, &server, 1)).await.expect(201).json()["valid"], true);
    }

    async fn who_guesses_is_stopped(server: TestServer) {
        let management = server.management();
        let new = json!({"type": "totp", "totp_user": "the till"});
        let factor = management.post("/auth/factors/enroll", new).await.expect(201).json();
        let ask = format!("/auth/factors/{}/challenge", factor["id"].as_str().unwrap());
        for _ in 0..10 {
            let challenge = management.post(&ask, json!({})).await.expect(201).json();
            assert_eq!(verify(&management, &challenge, "12345").await.expect(201).json()["valid"], false);
        }
        let challenge = management.post(&ask, json!({})).await.expect(201).json();
        let code = shown(&factor, &server, 0);
        verify(&management, &challenge, &code).await.expect_code(400, "one_time_code_too_many_attempts");
    }

    async fn what_cannot_be_is_refused(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/auth_factors");
        management.post(&path, json!({})).await.expect_invalid(&[("type", "required")]);
        management.post(&path, json!({"type": "sms"})).await.expect_invalid(&[("type", "unsupported")]);
        let short = json!({"type": "totp", "totp_secret": "GEZDGNBV"});
        management.post(&path, short).await.expect_invalid(&[("totp_secret", "invalid")]);
        management.post("/auth/factors/enroll", json!({"type": "totp"})).await.expect_invalid(&[("totp_user", "required")]);
        let nobody = "user_01E4ZCR3C56J083X43JQXF3JK5";
        let of_nobody = json!({"type": "totp", "user_id": nobody});
        management.post("/auth/factors/enroll", of_nobody).await.expect_not_found("User", nobody);
        let path_of_nobody = format!("/user_management/users/{nobody}/auth_factors");
        management.get(&path_of_nobody).await.expect_not_found("User", nobody);
        let missing = "auth_challenge_01E4ZCR3C56J083X43JQXF3JK5";
        let code = json!({"code": "1"});
        management.post(&format!("/auth/challenges/{missing}/verify"), code).await.expect_not_found("Authentication challenge", missing);
        // Of ten unused factors the oldest is deleted; ten used ones stay.
        let first = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        for _ in 0..10 {
            management.post(&path, json!({"type": "totp"})).await.expect(201);
        }
        let listed = management.get(&format!("{path}?limit=100")).await.expect_list();
        assert_eq!(listed.len(), 10);
        assert!(listed.iter().all(|one| one["id"] != first["authentication_factor"]["id"]));
        let brought = json!({"type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"});
        for _ in 0..10 {
            management.post(&path, brought.clone()).await.expect(201);
        }
        management.post(&path, brought).await.expect_code(409, "too_many_authentication_factors");
    }

    async fn another_environment_knows_nothing_of_it(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/auth_factors");
        let made = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        let (factor, challenge) = (&made["authentication_factor"], &made["authentication_challenge"]);
        let (factor_id, challenge_id) = (factor["id"].as_str().unwrap(), challenge["id"].as_str().unwrap());
        let other = server.another_environment().await.management;
        other.get(&path).await.expect_not_found("User", &user);
        other.post(&path, json!({"type": "totp"})).await.expect_not_found("User", &user);
        let factor_path = format!("/auth/factors/{factor_id}");
        other.get(&factor_path).await.expect_not_found("Authentication factor", factor_id);
        other.delete(&factor_path).await.expect_not_found("Authentication factor", factor_id);
        other.post(&format!("{factor_path}/challenge"), json!({})).await.expect_not_found("Authentication factor", factor_id);
        let right = shown(factor, &server, 0);
        verify(&other, challenge, &right).await.expect_not_found("Authentication challenge", challenge_id);
        assert_eq!(verify(&management, challenge, &right).await.expect(201).json()["valid"], true);
        server.anonymous().get(&factor_path).await.expect_unauthorized();
    }
}
