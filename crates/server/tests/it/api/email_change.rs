//! Changing an account's email address, which is verified first.

use crate::harness::{TestServer, assert_keys, assert_moment, on_both_databases};
use serde_json::json;

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn user(server: &TestServer, email: &str) -> (String, String, String) {
    let body = json!({"email": email, "email_verified": true});
    let id = server.management().post("/user_management/users", body).await.expect(201).text_at("id");
    let path = format!("/user_management/users/{id}/email_change");
    (id, format!("{path}/send"), format!("{path}/confirm"))
}

on_both_databases! {
    async fn the_new_address_is_the_accounts_when_its_code_is_right(server: TestServer) {
        let management = server.management();
        let (id, send, confirm) = user(&server, "ada@example.com").await;
        management.post(&confirm, json!({"code": "123456"})).await.expect_code(409, "no_pending_email_change");
        let sent = management.post(&send, json!({"new_email": "Lovelace@example.com"})).await.expect(200).expect_json();
        assert_keys(&sent, &["object", "user", "new_email", "expires_at", "created_at"]);
        assert_eq!((&sent["object"], &sent["new_email"]), (&json!("email_change"), &json!("Lovelace@example.com")));
        assert_eq!((&sent["user"]["id"], &sent["user"]["email"]), (&json!(id), &json!("ada@example.com")));
        assert_moment(&sent["expires_at"]);
        assert!(server.mails("ada@example.com").await.is_empty());
        let digits = server.mailed_code("Lovelace@example.com").await;
        management.post(&confirm, json!({"code": another(&digits)})).await.expect_code(400, "email_change_code_incorrect");
        let done = management.post(&confirm, json!({"code": digits})).await.expect(200).expect_json();
        assert_keys(&done, &["object", "user"]);
        assert_eq!((&done["object"], &done["user"]["email"], &done["user"]["email_verified"]), (&json!("email_change_confirmation"), &json!("Lovelace@example.com"), &json!(true)));
        management.post(&confirm, json!({"code": digits})).await.expect_code(409, "email_change_code_previously_used");
        assert_eq!(server.events("user.updated").await.len(), 1);
        // The previous address is notified of the change; a wrong code notifies nobody.
        let told = server.mails("ada@example.com").await;
        assert!(told.len() == 1 && told[0].text.contains("was changed to Lovelace@example.com"), "{told:?}");
        assert_eq!(management.get(&format!("/user_management/users/{id}")).await.json()["email"], "Lovelace@example.com");
    }

    async fn an_address_that_is_taken_or_none_is_refused(server: TestServer) {
        let management = server.management();
        let (_, send, _) = user(&server, "ada@example.com").await;
        management.user("grace@example.com").await;
        management.post(&send, json!({"new_email": "ADA@example.com"})).await.expect_code(409, "email_change_not_needed");
        management.post(&send, json!({"new_email": "Grace@example.com"})).await.expect_code(409, "email_not_available");
        for bad in ["ada", "ada@", &format!("{}@example.com", "a".repeat(100))] {
            management.post(&send, json!({"new_email": bad})).await.expect_code(422, "invalid_email");
        }
        management.post(&send, json!({})).await.expect_invalid(&[("new_email", "required")]);
        let nobody = "user_01EHZNVPK3SFK441A1RGBFSHRT";
        management.post(&format!("/user_management/users/{nobody}/email_change/send"), json!({"new_email": "a@b.co"})).await.expect_not_found("User", nobody);
        management.post(&format!("/user_management/users/{nobody}/email_change/confirm"), json!({"code": "123456"})).await.expect_not_found("User", nobody);
    }

    async fn an_address_that_an_organization_answers_for_stays_at_its_domain(server: TestServer) {
        let declared = "[[environment.organization]]\nexternal_id = \"acme\"\nname = \"Acme\"\ndomains = [{ domain = \"acme.example\", state = \"verified\" }]";
        server.declare(declared).await.done();
        let management = server.management();
        let acme = management.get("/organizations/external_id/acme").await.expect(200).text_at("id");
        let (id, send, confirm) = user(&server, "ada@acme.example").await;
        let elsewhere = json!({"new_email": "ada@elsewhere.example"});
        management.post(&send, elsewhere.clone()).await.expect(200);
        let code = server.mailed_code("ada@elsewhere.example").await;
        management.member(&id, &acme).await;
        management.post(&confirm, json!({"code": code})).await.expect_code(409, "email_change_not_allowed");
        management.post(&send, elsewhere.clone()).await.expect_code(409, "email_change_not_allowed");
        management.post(&send, json!({"new_email": "lovelace@acme.example"})).await.expect(200);
        // The company itself can decide otherwise.
        let path = format!("/user_management/users/{id}");
        management.put(&path, json!({"email": "ada@elsewhere.example"})).await.expect(200);
        // The rule does not apply to users who are not members.
        let (_, send, _) = user(&server, "grace@acme.example").await;
        management.post(&send, json!({"new_email": "grace@elsewhere.example"})).await.expect(200);
    }

    async fn of_two_who_want_an_address_one_gets_it(server: TestServer) {
        let management = server.management();
        let (_, send_a, confirm_a) = user(&server, "a@example.com").await;
        let (_, send_b, confirm_b) = user(&server, "b@example.com").await;
        management.post(&send_a, json!({"new_email": "new@example.com"})).await.expect(200);
        let code_a = server.mailed_code("new@example.com").await;
        management.post(&send_b, json!({"new_email": "new@example.com"})).await.expect(200);
        let code_b = server.mailed_code("new@example.com").await;
        let answers = tokio::join!(
            management.post(&confirm_a, json!({"code": code_a})), management.post(&confirm_b, json!({"code": code_b})),
        );
        let (done, refused) = if answers.0.status == 200 { answers } else { (answers.1, answers.0) };
        done.expect(200);
        refused.expect_code(409, "email_not_available");
    }

    async fn a_code_expires_is_replaced_and_is_guessed_five_times_at_most(server: TestServer) {
        let management = server.management();
        let (_, send, confirm) = user(&server, "ada@example.com").await;
        management.post(&send, json!({"new_email": "one@example.com"})).await.expect(200);
        let first = server.mailed_code("one@example.com").await;
        management.post(&send, json!({"new_email": "two@example.com"})).await.expect(200);
        let second = server.mailed_code("two@example.com").await;
        if first != second {
            management.post(&confirm, json!({"code": first})).await.expect_code(400, "email_change_code_incorrect");
        }
        server.clock.advance_seconds(600);
        management.post(&confirm, json!({"code": second})).await.expect_code(400, "email_change_code_expired");
        management.post(&send, json!({"new_email": "two@example.com"})).await.expect(200);
        let third = server.mailed_code("two@example.com").await;
        for _ in 0..5 {
            management.post(&confirm, json!({"code": another(&third)})).await.expect_code(400, "email_change_code_incorrect");
        }
        let refused = management.post(&confirm, json!({"code": third})).await;
        assert!(refused.header("retry-after").is_some());
        refused.expect_code(429, "email_change_too_many_attempts");
    }

    async fn threat_16_a_change_belongs_to_its_user(server: TestServer) {
        let management = server.management();
        let (_, send, _) = user(&server, "ada@example.com").await;
        let (other, _, confirm_other) = user(&server, "other@example.com").await;
        management.post(&send, json!({"new_email": "new@example.com"})).await.expect(200);
        let digits = server.mailed_code("new@example.com").await;
        management.post(&confirm_other, json!({"code": digits})).await.expect_code(409, "no_pending_email_change");
        assert_eq!(management.get(&format!("/user_management/users/{other}")).await.json()["email"], "other@example.com");
        let another = server.another_environment().await;
        let id = send.split('/').nth(3).unwrap().to_owned();
        another.management.post(&send, json!({"new_email": "x@example.com"})).await.expect_not_found("User", &id);
    }

    async fn links_that_were_mailed_to_the_old_address_are_worth_nothing(server: TestServer) {
        let management = server.management();
        let (_, send, confirm) = user(&server, "ada@example.com").await;
        let reset = management.post("/user_management/password_reset", json!({"email": "ada@example.com"})).await.expect(201).json();
        management.post(&send, json!({"new_email": "new@example.com"})).await.expect(200);
        let digits = server.mailed_code("new@example.com").await;
        management.post(&confirm, json!({"code": digits})).await.expect(200);
        let body = json!({"token": reset["password_reset_token"], "new_password": "another-quiet-lighthouse-7"});
        management.post("/user_management/password_reset/confirm", body).await.expect_reasons("password_reset_error", &["password_reset_token_used"]);
    }
}
