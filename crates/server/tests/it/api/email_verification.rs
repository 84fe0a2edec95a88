//! Verifying an account's email address from the company's own pages.

use crate::harness::{PASSWORD, TestServer, assert_id, assert_keys, on_both_databases};
use serde_json::json;

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

on_both_databases! {
    async fn an_address_is_proven_by_the_code_that_was_mailed(server: TestServer) {
        let management = server.management();
        let user = management.post("/user_management/users", json!({"email": "ada@example.com", "password": PASSWORD})).await.expect(201).text_at("id");
        let path = format!("/user_management/users/{user}/email_verification");
        let sent = management.post(&format!("{path}/send"), json!({})).await.expect(200).expect_json();
        assert_keys(&sent, &["user"]);
        assert_eq!((&sent["user"]["id"], &sent["user"]["email_verified"]), (&json!(user), &json!(false)));
        let event = server.events("email_verification.created").await.remove(0);
        assert_keys(&event, &["object", "id", "user_id", "email", "expires_at", "created_at", "updated_at"]);
        assert_id(&event["id"], "email_verification");
        let read = management.get(&format!("/user_management/email_verification/{}", event["id"].as_str().unwrap())).await.expect(200).expect_json();
        assert_keys(&read, &["object", "id", "user_id", "email", "expires_at", "code", "created_at", "updated_at"]);
        assert_eq!((&read["object"], &read["user_id"], &read["email"]), (&json!("email_verification"), &json!(user), &json!("ada@example.com")));
        let digits = server.mailed_code("ada@example.com").await;
        assert_eq!(read["code"], digits.as_str());

        management.post(&format!("{path}/confirm"), json!({"code": another(&digits)})).await.expect_code(400, "email_verification_code_incorrect");
        let done = management.post(&format!("{path}/confirm"), json!({"code": digits})).await.expect(200).expect_json();
        assert_keys(&done, &["user"]);
        assert_eq!(done["user"]["email_verified"], true);
        assert!(server.has_password("ada@example.com").await, "the company knows whose account it is: the password stays");
        management.post(&format!("{path}/confirm"), json!({"code": digits})).await.expect_code(400, "email_previously_verified");
        management.post(&format!("{path}/send"), json!({})).await.expect_code(400, "email_already_verified");
        assert_eq!(server.events("user.updated").await.len(), 1);

        // No longer verified: the used code does not help.
        management.put(&format!("/user_management/users/{user}"), json!({"email_verified": false})).await.expect(200);
        management.post(&format!("{path}/confirm"), json!({"code": digits})).await.expect_code(400, "email_verification_code_previously_used");
    }

    async fn a_code_expires_and_is_replaced(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/email_verification");
        management.post(&format!("{path}/confirm"), json!({"code": "123456"})).await.expect_code(400, "email_verification_code_incorrect");
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let first = server.mailed_code("ada@example.com").await;
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let second = server.mailed_code("ada@example.com").await;
        if first != second {
            management.post(&format!("{path}/confirm"), json!({"code": first})).await.expect_code(400, "email_verification_code_incorrect");
        }
        server.clock.advance_seconds(600);
        management.post(&format!("{path}/confirm"), json!({"code": second})).await.expect_code(400, "email_verification_code_expired");
    }

    async fn threat_20_a_code_proves_no_address_but_its_own(server: TestServer) {
        let management = server.management();
        let user = management.user("me@evil.example").await;
        let path = format!("/user_management/users/{user}");
        management.post(&format!("{path}/email_verification/send"), json!({})).await.expect(200);
        let digits = server.mailed_code("me@evil.example").await;
        management.put(&path, json!({"email": "ceo@corp.example"})).await.expect(200);
        management.post(&format!("{path}/email_verification/confirm"), json!({"code": digits})).await.expect_code(400, "email_verification_code_incorrect");
        let other = management.user("other@example.com").await;
        management.post(&format!("/user_management/users/{other}/email_verification/confirm"), json!({"code": digits})).await
            .expect_code(400, "email_verification_code_incorrect");
    }

    async fn of_many_who_confirm_at_once_one_does(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/email_verification");
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let body = json!({"code": server.mailed_code("ada@example.com").await});
        let confirm = format!("{path}/confirm");
        let answers = tokio::join!(
            management.post(&confirm, body.clone()), management.post(&confirm, body.clone()), management.post(&confirm, body.clone()),
        );
        let statuses = [answers.0.status, answers.1.status, answers.2.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 2, "{statuses:?}");
        assert_eq!(server.events("user.updated").await.len(), 1);
    }

    async fn threat_45_guessing_ends_and_is_counted_although_it_is_refused(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/email_verification");
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let digits = server.mailed_code("ada@example.com").await;
        let try_one = async |code: &str, key: &str| {
            let request = management.request(reqwest::Method::POST, &format!("{path}/confirm")).header("idempotency-key", key);
            management.send(request.json(&json!({"code": code}))).await
        };
        for number in 0..5 {
            try_one(&another(&digits), &format!("k-{number}")).await.expect_code(400, "email_verification_code_incorrect");
        }
        let refused = try_one(&digits, "k-6").await.expect(429);
        assert!(refused.header("retry-after").is_some());
        // A rejection is not stored under its idempotency key: with a new code the same request succeeds.
        server.clock.advance_seconds(61);
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let digits = server.mailed_code("ada@example.com").await;
        let done = try_one(&digits, "k-7").await.expect(200).json();
        assert_eq!(try_one(&digits, "k-7").await.expect(200).json(), done, "a retry gets the answer of the first");
    }

    async fn mails_are_few_and_strangers_get_none(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/email_verification");
        for _ in 0..3 {
            management.post(&format!("{path}/send"), json!({})).await.expect(200);
        }
        management.post(&format!("{path}/send"), json!({})).await.expect(429);
        let nobody = "user_01EHZNVPK3SFK441A1RGBFSHRT";
        let path = format!("/user_management/users/{nobody}/email_verification");
        management.post(&format!("{path}/send"), json!({})).await.expect_not_found("User", nobody);
        management.post(&format!("{path}/confirm"), json!({"code": "123456"})).await.expect_not_found("User", nobody);
        management.post(&format!("{path}/confirm"), json!({})).await.expect_invalid(&[("code", "required")]);
    }
}
