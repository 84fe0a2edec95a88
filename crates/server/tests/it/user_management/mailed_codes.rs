//! Emailed codes at `/user_management/authenticate`: instead of a password, and to verify an address.

use crate::harness::{Answer, PASSWORD, TestServer, assert_id, assert_keys, on_both_databases};
use serde_json::{Value, json};

const MAGIC: &str = "urn:workos:oauth:grant-type:magic-auth:code";
const VERIFY: &str = "urn:workos:oauth:grant-type:email-verification:code";

fn email_is(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

async fn send(server: &TestServer, email: &str) -> String {
    let body = json!({"email": email});
    server.management().post("/user_management/magic_auth", body).await.expect(201).text_at("code")
}

async fn with_code(server: &TestServer, email: &str, code: &str) -> Answer {
    server.authenticate(MAGIC, &[("email", email), ("code", code)]).await
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

/// Creates a user with an unverified address, whose sign-in lacks that step.
async fn unproven(server: &TestServer) -> (String, Value) {
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let user = server.management().post("/user_management/users", body).await.expect(201).text_at("id");
    (user, server.with_password("ada@example.com").await.expect(403).expect_json())
}

async fn verify(server: &TestServer, asked: &Value, code: &str) -> Answer {
    let token = asked["pending_authentication_token"].as_str().unwrap();
    server.authenticate(VERIFY, &[("pending_authentication_token", token), ("code", code)]).await
}

on_both_databases! {
    async fn a_mailed_code_signs_in_once(server: TestServer) {
        let code = send(&server, "ada@example.com").await;
        assert_eq!(with_code(&server, "ada@example.com", &another(&code)).await.expect(400).text_at("code"), "invalid_one_time_code");
        let answer = with_code(&server, "ADA@example.com", &code).await.expect(200).json();
        assert_eq!((&answer["authentication_method"], &answer["user"]["email_verified"]), (&json!("MagicAuth"), &json!(true)));
        let path = format!("/user_management/users/{}/sessions", answer["user"]["id"].as_str().unwrap());
        assert_eq!(server.management().get(&path).await.expect_list()[0]["auth_method"], "magic_code");
        let again = with_code(&server, "ada@example.com", &code).await.expect(400).expect_json();
        assert_keys(&again, &["code", "message"]);
        assert_eq!(again["code"], "one_time_code_previously_used");
        let late = send(&server, "ada@example.com").await;
        server.clock.advance_seconds(600);
        assert_eq!(with_code(&server, "ada@example.com", &late).await.expect(400).text_at("code"), "one_time_code_expired");
        assert_eq!(with_code(&server, "nobody@example.com", &late).await.expect(400).text_at("code"), "invalid_one_time_code");
        let publicly = server.authenticate_publicly(MAGIC, &[("email", "ada@example.com"), ("code", &late)]).await;
        assert_eq!(publicly.expect(400).text_at("error"), "invalid_client");
        // Emulators omit the last part of the name.
        let code = send(&server, "ada@example.com").await;
        let fields = [("email", "ada@example.com"), ("code", code.as_str())];
        server.authenticate("urn:workos:oauth:grant-type:magic-auth", &fields).await.expect(200);
    }

    async fn of_many_who_bring_a_code_at_once_one_signs_in(server: TestServer) {
        let code = send(&server, "ada@example.com").await;
        let ask = || with_code(&server, "ada@example.com", &code);
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400]);
    }

    async fn an_invitation_proves_the_address_it_was_sent_to(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        for (email, invited) in [("ada@example.com", "Ada@Example.com"), ("grace@example.com", "other@example.com")] {
            management.post("/user_management/users", json!({"email": email, "password": PASSWORD})).await.expect(201);
            let invitation = json!({"email": invited, "organization_id": acme});
            let token = management.post("/user_management/invitations", invitation).await.expect(201).text_at("token");
            let fields = [("email", email), ("password", PASSWORD), ("invitation_token", token.as_str())];
            let answer = server.authenticate("password", &fields).await;
            if email_is(email, invited) {
                let answer = answer.expect(200).json();
                assert_eq!((&answer["organization_id"], &answer["user"]["email_verified"]), (&json!(acme), &json!(true)));
                server.with_password(email).await.expect(200);
            } else {
                assert_eq!(answer.expect(403).text_at("code"), "email_verification_required", "a mail to somebody else proves nothing");
            }
        }
    }

    async fn who_guesses_codes_does_not_lock_out_who_knows(server: TestServer) {
        let with = async |code: &str, from: &str| {
            server.authenticate(MAGIC, &[("email", "ada@example.com"), ("code", code), ("ip_address", from)]).await
        };
        // So many that a newly sent code would be rejected as well.
        for _ in 0..5 {
            let code = send(&server, "ada@example.com").await;
            for _ in 0..5 {
                with(&another(&code), "192.0.2.66").await.expect(400);
            }
            server.clock.advance_seconds(61);
        }
        let code = send(&server, "ada@example.com").await;
        for _ in 0..6 {
            assert_eq!(with(&code, "192.0.2.66").await.expect(400).text_at("code"), "one_time_code_too_many_attempts");
        }
        with(&code, "192.0.2.1").await.expect(200);
    }

    async fn a_code_is_not_guessed_and_tells_nobody_who_has_an_account(server: TestServer) {
        let code = send(&server, "ada@example.com").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut seen = Vec::new();
            for _ in 0..6 {
                let refused = with_code(&server, email, &another(&code)).await.expect(400);
                seen.push(refused.text_at("code"));
            }
            assert_eq!(seen[..5], ["invalid_one_time_code"; 5]);
            assert_eq!(seen[5], "one_time_code_too_many_attempts", "{email}");
        }
        assert_eq!(with_code(&server, "ada@example.com", &code).await.expect(400).text_at("code"), "one_time_code_too_many_attempts");
        for _ in 0..4 {
            with_code(&server, "grace@example.com", "000000").await.expect(400);
        }
    }

    async fn an_organization_is_chosen_after_a_mailed_code_too(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        for organization in [&acme, &globex] {
            server.member(user, organization).await;
        }
        let code = send(&server, "ada@example.com").await;
        let asked = with_code(&server, "ada@example.com", &code).await.expect(403).json();
        assert_eq!(asked["code"], "organization_selection_required");
        let fields = [("pending_authentication_token", asked["pending_authentication_token"].as_str().unwrap()), ("organization_id", acme.as_str())];
        let answer = server.authenticate("urn:workos:oauth:grant-type:organization-selection", &fields).await.expect(200).json();
        assert_eq!((&answer["authentication_method"], &answer["organization_id"]), (&json!("MagicAuth"), &json!(acme)));
    }

    async fn the_missing_proof_of_an_address_is_mailed_and_brought_back(server: TestServer) {
        let (user, asked) = unproven(&server).await;
        assert_keys(&asked, &["code", "email", "email_verification_id", "message", "pending_authentication_token"]);
        assert_id(&asked["email_verification_id"], "email_verification");
        let code = server.mailed_code("ada@example.com").await;
        let path = format!("/user_management/email_verification/{}", asked["email_verification_id"].as_str().unwrap());
        assert_eq!(server.management().get(&path).await.expect(200).text_at("code"), code);
        assert_eq!(verify(&server, &asked, &another(&code)).await.expect(400).text_at("code"), "invalid_one_time_code");
        let answer = verify(&server, &asked, &code).await.expect(200).json();
        assert_eq!((&answer["user"]["id"], &answer["user"]["email_verified"]), (&json!(user), &json!(true)));
        assert_eq!(answer["authentication_method"], "Password");
        verify(&server, &asked, &code).await.expect(400);
        server.with_password("ada@example.com").await.expect(200);
    }

    async fn threat_18_a_code_and_a_password_are_each_their_own_proof(server: TestServer) {
        let (_, asked) = unproven(&server).await;
        let code = server.mailed_code("ada@example.com").await;
        // The code that verifies the address is not a sign-in code, nor the other way round.
        assert_eq!(with_code(&server, "ada@example.com", &code).await.expect(400).text_at("code"), "invalid_one_time_code");
        let magic = send(&server, "ada@example.com").await;
        if magic != code {
            assert_eq!(verify(&server, &asked, &magic).await.expect(400).text_at("code"), "invalid_one_time_code");
        }
        assert_eq!(verify(&server, &asked, "").await.expect(422).status, 422);
        // Another user's code is not valid.
        let body = json!({"email": "grace@example.com", "password": PASSWORD});
        server.management().post("/user_management/users", body).await.expect(201);
        let graces = server.with_password("grace@example.com").await.expect(403).json();
        if server.mailed_code("grace@example.com").await != code {
            assert_eq!(verify(&server, &graces, &code).await.expect(400).text_at("code"), "invalid_one_time_code");
        }
        // Verifying the address in another way removes the password set by whoever created the account.
        with_code(&server, "ada@example.com", &magic).await.expect(200);
        assert_eq!(verify(&server, &asked, &code).await.expect(400).text_at("code"), "invalid_pending_authentication_token");
        assert_eq!(server.with_password("ada@example.com").await.expect(400).text_at("code"), "invalid_credentials");
    }

    async fn the_code_of_an_address_is_not_guessed(server: TestServer) {
        let (_, asked) = unproven(&server).await;
        let code = server.mailed_code("ada@example.com").await;
        for _ in 0..5 {
            assert_eq!(verify(&server, &asked, &another(&code)).await.expect(400).text_at("code"), "invalid_one_time_code");
        }
        assert_eq!(verify(&server, &asked, &code).await.expect(400).text_at("code"), "one_time_code_too_many_attempts");
    }

    async fn two_who_prove_an_address_at_once_make_one_session(server: TestServer) {
        let (user, asked) = unproven(&server).await;
        let code = server.mailed_code("ada@example.com").await;
        let (a, b) = tokio::join!(verify(&server, &asked, &code), verify(&server, &asked, &code));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        assert_eq!(server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list().len(), 1);
    }
}
