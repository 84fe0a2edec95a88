//! Magic Auth: a code is emailed and returned, and redeemed once by whoever reads it.

use crate::harness::{PASSWORD, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use countersign::domain::users::mailed_codes::Refused;
use serde_json::{Value, json};

const PATH: &str = "/user_management/magic_auth";
const KEYS: [&str; 8] = ["object", "id", "user_id", "email", "expires_at", "code", "created_at", "updated_at"];

async fn send(server: &TestServer, email: &str) -> Value {
    server.management().post(PATH, json!({"email": email})).await.expect(201).expect_json()
}

fn code(sent: &Value) -> String {
    sent["code"].as_str().unwrap().to_owned()
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

on_both_databases! {
    async fn a_code_is_mailed_and_shown_and_makes_an_account(server: TestServer) {
        let management = server.management();
        let sent = send(&server, "Ada@example.com").await;
        assert_keys(&sent, &KEYS);
        assert_id(&sent["id"], "magic_auth");
        assert_eq!((&sent["object"], &sent["email"]), (&json!("magic_auth"), &json!("Ada@example.com")));
        assert_eq!(code(&sent).len(), 6);
        for moment in ["expires_at", "created_at", "updated_at"] {
            assert_moment(&sent[moment]);
        }
        assert_eq!(server.mailed_code("Ada@example.com").await, code(&sent));
        let read = management.get(&format!("{PATH}/{}", sent["id"].as_str().unwrap())).await.expect(200).expect_json();
        assert_eq!(read, sent);
        let user = management.get(&format!("/user_management/users/{}", sent["user_id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!((&user["email"], &user["email_verified"]), (&json!("Ada@example.com"), &json!(false)));
        // The same user, however the domain of the address is written.
        assert_eq!(send(&server, "ada@EXAMPLE.com").await["user_id"], sent["user_id"]);
        assert_eq!(server.events("magic_auth.created").await.len(), 2);
        for event in server.events("magic_auth.created").await {
            assert_keys(&event, &["object", "id", "user_id", "email", "expires_at", "created_at", "updated_at"]);
        }
        assert_eq!(server.events("user.created").await.len(), 1);

        management.get(&format!("{PATH}/magic_auth_01EHZNVPK3SFK441A1RGBFSHRT")).await.expect_not_found("Magic Auth code", "magic_auth_01EHZNVPK3SFK441A1RGBFSHRT");
        let other_kind = sent["id"].as_str().unwrap().replace("magic_auth", "email_verification");
        management.get(&format!("{PATH}/{other_kind}")).await.expect_not_found("Magic Auth code", &other_kind);
        management.get(&format!("/user_management/email_verification/{other_kind}")).await.expect_not_found("Email verification", &other_kind);
    }

    async fn a_code_is_good_once_and_proves_the_address(server: TestServer) {
        let sent = send(&server, "ada@example.com").await;
        let digits = code(&sent);
        assert_eq!(server.redeem_magic_code("ada@example.com", &another(&digits)).await, Err(Refused::Wrong));
        let spaced = format!("{} {}", &digits[..3], &digits[3..]);
        assert_eq!(server.redeem_magic_code("ADA@example.com", &spaced).await.unwrap().to_string(), sent["user_id"]);
        assert_eq!(server.redeem_magic_code("ada@example.com", &digits).await, Err(Refused::Used));
        assert_eq!(server.redeem_magic_code("ada@example.com", &another(&digits)).await, Err(Refused::Wrong));
        let user = server.management().get(&format!("/user_management/users/{}", sent["user_id"].as_str().unwrap())).await.json();
        assert_eq!(user["email_verified"], true);
        let read = server.management().get(&format!("{PATH}/{}", sent["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(read["code"], sent["code"], "a used one is shown as well");
    }

    async fn of_many_who_redeem_a_code_at_once_one_is_let_in(server: TestServer) {
        let sent = send(&server, "ada@example.com").await;
        let digits = code(&sent);
        let answers = tokio::join!(
            server.redeem_magic_code("ada@example.com", &digits), server.redeem_magic_code("ada@example.com", &digits),
            server.redeem_magic_code("ada@example.com", &digits), server.redeem_magic_code("ada@example.com", &digits),
        );
        let answers = [answers.0, answers.1, answers.2, answers.3];
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| **answer == Err(Refused::Used)).count(), 3, "{answers:?}");
    }

    async fn of_many_codes_sent_at_once_one_is_the_newest(server: TestServer) {
        let management = server.management();
        let answers = tokio::join!(
            management.post(PATH, json!({"email": "ada@example.com"})), management.post(PATH, json!({"email": "ada@example.com"})),
            management.post(PATH, json!({"email": "Ada@example.com"})),
        );
        let sent: Vec<Value> = [answers.0, answers.1, answers.2].into_iter().map(|answer| answer.expect(201).json()).collect();
        assert!(sent.iter().all(|one| one["user_id"] == sent[0]["user_id"]), "one account: {sent:?}");
        let mut good = 0;
        for one in &sent {
            good += usize::from(server.redeem_magic_code("ada@example.com", &code(one)).await.is_ok());
        }
        assert_eq!(good, 1);
    }

    async fn a_code_is_good_until_it_expires_or_a_newer_one_is_sent(server: TestServer) {
        let first = send(&server, "ada@example.com").await;
        let second = send(&server, "ada@example.com").await;
        if first["code"] != second["code"] {
            assert_eq!(server.redeem_magic_code("ada@example.com", &code(&first)).await, Err(Refused::Wrong));
        }
        server.clock.advance_seconds(599);
        assert!(server.redeem_magic_code("ada@example.com", &code(&second)).await.is_ok());
        let third = send(&server, "ada@example.com").await;
        server.clock.advance_seconds(600);
        assert_eq!(server.redeem_magic_code("ada@example.com", &code(&third)).await, Err(Refused::Expired));
        let wrong = another(&code(&third));
        assert_eq!(server.redeem_magic_code("ada@example.com", &wrong).await, Err(Refused::Wrong), "that it expired is told to who knows it");
    }

    async fn threat_45_guessing_ends_soon_for_known_and_unknown_alike(server: TestServer) {
        let sent = send(&server, "ada@example.com").await;
        let (right, wrong) = (code(&sent), another(&code(&sent)));
        for address in ["ada@example.com", "nobody@example.com"] {
            for _ in 0..5 {
                assert_eq!(server.redeem_magic_code(address, &wrong).await, Err(Refused::Wrong), "{address}");
            }
            assert!(matches!(server.redeem_magic_code(address, &right).await, Err(Refused::TooMany { .. })), "{address}");
        }
        // A new code allows new attempts, but not without limit: twenty a day.
        for _ in 0..3 {
            server.clock.advance_seconds(61);
            let wrong = another(&code(&send(&server, "ada@example.com").await));
            for _ in 0..5 {
                assert_eq!(server.redeem_magic_code("ada@example.com", &wrong).await, Err(Refused::Wrong));
            }
        }
        server.clock.advance_seconds(61);
        let sent = send(&server, "ada@example.com").await;
        assert!(matches!(server.redeem_magic_code("ada@example.com", &code(&sent)).await, Err(Refused::TooMany { .. })));
        server.clock.advance_seconds(86_400);
        let sent = send(&server, "ada@example.com").await;
        assert!(server.redeem_magic_code("ada@example.com", &code(&sent)).await.is_ok());
    }

    async fn threat_40_no_code_is_no_proof(server: TestServer) {
        let sent = send(&server, "ada@example.com").await;
        for nothing in ["", " ", "abc", "\0"] {
            assert_eq!(server.redeem_magic_code("ada@example.com", nothing).await, Err(Refused::Wrong), "{nothing:?}");
        }
        let user = server.management().get(&format!("/user_management/users/{}", sent["user_id"].as_str().unwrap())).await.json();
        assert_eq!(user["email_verified"], false);
    }

    async fn threat_20_a_code_proves_the_address_it_was_sent_to(server: TestServer) {
        let management = server.management();
        let sent = send(&server, "me@evil.example").await;
        let path = format!("/user_management/users/{}", sent["user_id"].as_str().unwrap());
        management.put(&path, json!({"email": "ceo@corp.example"})).await.expect(200);
        for address in ["ceo@corp.example", "me@evil.example"] {
            assert_eq!(server.redeem_magic_code(address, &code(&sent)).await, Err(Refused::Wrong), "{address}");
        }
        assert_eq!(management.get(&path).await.json()["email_verified"], false);
    }

    async fn threat_15_a_code_for_one_purpose_is_of_no_use_for_another(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let path = format!("/user_management/users/{user}/email_verification");
        management.post(&format!("{path}/send"), json!({})).await.expect(200);
        let digits = server.mailed_code("ada@example.com").await;
        assert_eq!(server.redeem_magic_code("ada@example.com", &digits).await, Err(Refused::Wrong));
        let sent = send(&server, "ada@example.com").await;
        if sent["code"] != digits.as_str() {
            management.post(&format!("{path}/confirm"), json!({"code": code(&sent)})).await.expect_code(400, "email_verification_code_incorrect");
        }
        assert!(server.redeem_magic_code("ada@example.com", &code(&sent)).await.is_ok());
    }

    async fn threat_16_a_code_is_good_in_its_environment_alone(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = another.management.post(PATH, json!({"email": "ada@example.com"})).await.expect(201).json();
        assert_eq!(server.redeem_magic_code("ada@example.com", &code(&theirs)).await, Err(Refused::Wrong));
        let id = theirs["id"].as_str().unwrap();
        server.management().get(&format!("{PATH}/{id}")).await.expect_not_found("Magic Auth code", id);
        another.management.get(&format!("{PATH}/{id}")).await.expect(200);
    }

    async fn a_password_of_somebody_who_never_proved_the_address_goes(server: TestServer) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        server.management().post("/user_management/users", body).await.expect(201);
        let sent = send(&server, "ada@example.com").await;
        assert!(server.has_password("ada@example.com").await);
        server.redeem_magic_code("ada@example.com", &code(&sent)).await.unwrap();
        assert!(!server.has_password("ada@example.com").await, "whoever set it had proven nothing");
    }

    async fn mails_to_an_address_are_few(server: TestServer) {
        let management = server.management();
        for _ in 0..3 {
            send(&server, "ada@example.com").await;
        }
        let refused = management.post(PATH, json!({"email": "ADA@example.com"})).await.expect(429);
        assert_eq!(refused.json()["code"], "rate_limit_exceeded");
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
        assert_eq!(server.mails("ada@example.com").await.len(), 3);
        send(&server, "grace@example.com").await;
        server.clock.advance_seconds(61);
        send(&server, "ada@example.com").await;
    }

    async fn an_invitation_has_to_be_open(server: TestServer) {
        let management = server.management();
        let made = management.post("/user_management/invitations", json!({"email": "ada@example.com"})).await.expect(201).json();
        let body = json!({"email": "ada@example.com", "invitation_token": made["token"], "ip_address": "192.0.2.1", "user_agent": "x", "signals_id": "y"});
        management.post(PATH, body.clone()).await.expect(201);
        management.post(&format!("/user_management/invitations/{}/revoke", made["id"].as_str().unwrap()), json!({})).await.expect(200);
        for body in [body, json!({"email": "new@example.com", "invitation_token": "nobody"})] {
            let refused = management.post(PATH, body).await.expect(400).expect_json();
            assert_keys(&refused, &["error", "error_description"]);
            assert_eq!(refused["error"], "invitation_invalid");
        }
        assert!(server.mails("new@example.com").await.is_empty());
        let listed = management.get("/user_management/users?email=new@example.com").await.expect_list();
        assert_eq!(listed, Vec::<Value>::new(), "who was refused has no account");
    }

    async fn bodies_are_read_strictly(server: TestServer) {
        let management = server.management();
        management.post(PATH, json!({})).await.expect_invalid(&[("email", "required")]);
        management.post(PATH, json!({"email": 1})).await.expect_invalid(&[("email", "invalid_type")]);
        management.post(PATH, json!({"email": "ada"})).await.expect_invalid(&[("email", "invalid")]);
        management.post(PATH, json!({"email": "a@b.co", "invitation_token": "x".repeat(200)})).await.expect_invalid(&[("invitation_token", "too_long")]);
    }

    async fn a_retry_with_the_same_key_sends_one_mail(server: TestServer) {
        let management = server.management();
        let ask = || management.request(reqwest::Method::POST, PATH).header("idempotency-key", "k-1").json(&json!({"email": "ada@example.com"}));
        let first = management.send(ask()).await.expect(201).json();
        assert_eq!(management.send(ask()).await.expect(201).json(), first);
        assert_eq!(server.mails("ada@example.com").await.len(), 1);
    }
}
