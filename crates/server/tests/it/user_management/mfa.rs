//! Second factors at `/user_management/authenticate`.

use crate::harness::{Answer, TestServer, assert_keys, on_both_databases};
use countersign_protocol::second_factor::{enrolment, totp};
use serde_json::{Value, json};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const MFA: &str = "urn:workos:oauth:grant-type:mfa-totp";

/// Returns the code that the authenticator app shows, this many steps from now.
fn shown(server: &TestServer, secret: &str, steps: i64) -> String {
    let secret = enrolment::from_text(secret).unwrap();
    totp::code_at(&secret, server.app.clock.now().as_secs() + steps * totp::PERIOD)
}

/// Checks that a step is still missing.
fn missing(answer: Answer, what: &str) {
    assert_eq!(answer.expect(403).text_at("code"), what);
}

impl TestServer {
    /// Gives a user a confirmed factor.
    async fn factor(&self, user: &str) -> Value {
        let path = format!("/user_management/users/{user}/auth_factors");
        let new = json!({"type": "totp", "totp_secret": SECRET});
        self.management().post(&path, new).await.expect(201).json()["authentication_factor"].clone()
    }

    async fn challenge(&self, factor: &str) -> String {
        self.management().post(&format!("/auth/factors/{factor}/challenge"), json!({})).await.expect(201).text_at("id")
    }

    async fn with_code(&self, pending: &Value, challenge: &str, code: &str) -> Answer {
        let pending = pending["pending_authentication_token"].as_str().unwrap();
        let fields =
            [("pending_authentication_token", pending), ("authentication_challenge_id", challenge), ("code", code)];
        self.authenticate(MFA, &fields).await
    }
}

on_both_databases! {
    async fn who_has_a_factor_gives_a_code_of_it(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        server.with_password("ada@example.com").await.expect(200);
        let factor = server.factor(&user).await;
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        assert_keys(&asked, &["code", "message", "pending_authentication_token", "user", "authentication_factors"]);
        assert_eq!((&asked["code"], &asked["user"]["id"]), (&json!("mfa_challenge"), &json!(user)));
        assert_eq!(asked["authentication_factors"], json!([{"id": factor["id"], "type": "totp"}]));
        let challenge = server.challenge(factor["id"].as_str().unwrap()).await;
        server.with_code(&asked, &challenge, "000000").await.expect_code(400, "invalid_one_time_code");
        let code = shown(&server, SECRET, 0);
        let signed_in = server.with_code(&asked, &challenge, &code).await.expect(200).json();
        assert_eq!((&signed_in["user"]["id"], &signed_in["authentication_method"]), (&json!(user), &json!("Password")));
        // Neither the pending token nor the code can be used twice.
        server.with_code(&asked, &challenge, &code).await.expect(400);
        let again = server.with_password("ada@example.com").await.expect(403).json();
        let other = server.challenge(factor["id"].as_str().unwrap()).await;
        server.with_code(&again, &other, &code).await.expect_code(400, "one_time_code_previously_used");
        server.with_code(&again, &other, &shown(&server, SECRET, 1)).await.expect(200);
        let told = server.events("authentication.mfa_succeeded").await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!((&told[0]["type"], &told[0]["user_id"]), (&json!("mfa"), &json!(user)));
        assert_eq!(server.events("authentication.mfa_failed").await.len(), 2);
        // Users whose factor has been deleted are not asked.
        server.management().delete(&format!("/auth/factors/{}", factor["id"].as_str().unwrap())).await.expect(204);
        server.with_password("ada@example.com").await.expect(200);
    }

    async fn a_factor_counts_from_its_first_code_on(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        let path = format!("/user_management/users/{user}/auth_factors");
        let begun = server.management().post(&path, json!({"type": "totp"})).await.expect(201).json();
        server.with_password("ada@example.com").await.expect(200);
        let secret = begun["authentication_factor"]["totp"]["secret"].as_str().unwrap();
        let verify = format!("/auth/challenges/{}/verify", begun["authentication_challenge"]["id"].as_str().unwrap());
        let code = json!({"code": shown(&server, secret, 0)});
        assert_eq!(server.management().post(&verify, code).await.expect(201).json()["valid"], true);
        missing(server.with_password("ada@example.com").await, "mfa_challenge");
    }

    async fn where_everybody_needs_one_it_is_set_up_on_the_way(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await.to_string();
        for name in ["Acme", "Globex"] {
            let organization = management.organization(name).await;
            management.member(&user, &organization).await;
        }
        assert_eq!(server.declare("[environment.authentication]\nmfa_required = true").await.done().code, 0);
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        assert_keys(&asked, &["code", "message", "pending_authentication_token", "user"]);
        assert_eq!((&asked["code"], &asked["user"]["email"]), (&json!("mfa_enrollment"), &json!("ada@example.com")));
        let path = format!("/user_management/users/{user}/auth_factors");
        let made = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        let secret = made["authentication_factor"]["totp"]["secret"].as_str().unwrap();
        let challenge = made["authentication_challenge"]["id"].as_str().unwrap();
        // Choosing the organization comes after that, and the factor is not asked for again.
        let begun = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        let chosen = server.with_code(&asked, challenge, &shown(&server, secret, 0)).await.expect(403).json();
        assert_eq!(chosen["code"], "organization_selection_required");
        // The user is notified, and the enrollment started in parallel is gone.
        let told: Vec<String> = server.mails("ada@example.com").await.into_iter().map(|mail| mail.subject).collect();
        assert!(told.iter().any(|subject| subject.ends_with("is on")), "{told:?}");
        let left: Vec<Value> = management.get(&path).await.expect_list().into_iter().map(|one| one["id"].clone()).collect();
        assert_eq!(left, [made["authentication_factor"]["id"].clone()], "{begun}");
        let organization = chosen["organizations"][0]["id"].as_str().unwrap();
        let pending = chosen["pending_authentication_token"].as_str().unwrap();
        let fields = [("pending_authentication_token", pending), ("organization_id", organization)];
        let grant = "urn:workos:oauth:grant-type:organization-selection";
        server.authenticate(grant, &fields).await.expect(200);
        missing(server.with_password("ada@example.com").await, "mfa_challenge");
    }

    async fn no_step_leads_around_the_factor(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await.to_string();
        let organization = management.organization("Acme").await;
        for name in ["Acme", "Globex"] {
            let organization = if name == "Acme" { organization.clone() } else { management.organization(name).await };
            management.member(&user, &organization).await;
        }
        // Pending since before the factor existed.
        let before = server.with_password("ada@example.com").await.expect(403).json();
        assert_eq!(before["code"], "organization_selection_required");
        let factor = server.factor(&user).await;
        let pending = before["pending_authentication_token"].as_str().unwrap();
        let fields = [("pending_authentication_token", pending), ("organization_id", organization.as_str())];
        let grant = "urn:workos:oauth:grant-type:organization-selection";
        let asked = server.authenticate(grant, &fields).await.expect(403).json();
        assert_eq!(asked["code"], "mfa_challenge");
        // An emailed code is a first factor, like the password.
        management.post("/user_management/magic_auth", json!({"email": "ada@example.com"})).await.expect(201);
        let code = server.mailed_code("ada@example.com").await;
        let grant = "urn:workos:oauth:grant-type:magic-auth:code";
        let asked = server.authenticate(grant, &[("email", "ada@example.com"), ("code", &code)]).await.expect(403).json();
        assert_eq!(asked["code"], "mfa_challenge");
        // Another user's factor, a factor without a user, and one whose enrollment was started next to the confirmed
        // one.
        let other = server.person("grace@example.com").await.to_string();
        let theirs = server.factor(&other).await;
        let challenge = server.challenge(theirs["id"].as_str().unwrap()).await;
        let right = shown(&server, SECRET, 0);
        server.with_code(&asked, &challenge, &right).await.expect_not_found("Authentication challenge", &challenge);
        let nobodys = management.post("/auth/factors/enroll", json!({"type": "totp", "totp_user": "x"})).await.expect(201).json();
        let challenge = server.challenge(nobodys["id"].as_str().unwrap()).await;
        let code = shown(&server, nobodys["totp"]["secret"].as_str().unwrap(), 0);
        server.with_code(&asked, &challenge, &code).await.expect_not_found("Authentication challenge", &challenge);
        let path = format!("/user_management/users/{user}/auth_factors");
        let begun = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        let code = shown(&server, begun["authentication_factor"]["totp"]["secret"].as_str().unwrap(), 0);
        let challenge = begun["authentication_challenge"]["id"].as_str().unwrap();
        server.with_code(&asked, challenge, &code).await.expect_code(400, "invalid_one_time_code");
        // After all of that, the right one works.
        let challenge = server.challenge(factor["id"].as_str().unwrap()).await;
        missing(server.with_code(&asked, &challenge, &right).await, "organization_selection_required");
    }

    async fn who_guesses_codes_is_stopped_and_what_is_right_then_too(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        let factor = server.factor(&user).await;
        let challenge = server.challenge(factor["id"].as_str().unwrap()).await;
        let mut asked = Value::Null;
        for round in 0..10 {
            if round % 5 == 0 {
                asked = server.with_password("ada@example.com").await.expect(403).json();
            }
            server.with_code(&asked, &challenge, "000000").await.expect_code(400, "invalid_one_time_code");
        }
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        let right = shown(&server, SECRET, 0);
        server.with_code(&asked, &challenge, &right).await.expect_code(400, "one_time_code_too_many_attempts");
    }

    async fn one_code_begins_one_session_of_those_who_come_with_it_at_once(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        let factor = server.factor(&user).await;
        let node = server.another_node().await;
        let mut asked = Vec::new();
        for _ in 0..4 {
            asked.push(server.with_password("ada@example.com").await.expect(403).json());
        }
        let challenge = server.challenge(factor["id"].as_str().unwrap()).await;
        let code = shown(&server, SECRET, 0);
        let (one, two, three, four) = tokio::join!(
            server.with_code(&asked[0], &challenge, &code),
            node.with_code(&asked[1], &challenge, &code),
            server.with_code(&asked[2], &challenge, &code),
            node.with_code(&asked[3], &challenge, &code),
        );
        let statuses = [one.status, two.status, three.status, four.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
    }

    async fn a_factor_that_has_gone_meanwhile_opens_nothing(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await.to_string();
        let mut organizations = Vec::new();
        for name in ["Acme", "Globex"] {
            let organization = management.organization(name).await;
            management.member(&user, &organization).await;
            organizations.push(organization);
        }
        let factor = server.factor(&user).await["id"].as_str().unwrap().to_owned();
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        let challenge = server.challenge(&factor).await;
        let chosen = server.with_code(&asked, &challenge, &shown(&server, SECRET, 0)).await.expect(403).json();
        assert_eq!(chosen["code"], "organization_selection_required");
        management.delete(&format!("/auth/factors/{factor}")).await.expect(204);
        server.factor(&user).await;
        let pending = chosen["pending_authentication_token"].as_str().unwrap();
        let fields = [("pending_authentication_token", pending), ("organization_id", organizations[0].as_str())];
        missing(server.authenticate("urn:workos:oauth:grant-type:organization-selection", &fields).await, "mfa_challenge");
    }

    async fn nobody_confirms_a_factor_at_an_address_that_is_not_proven(server: TestServer) {
        let management = server.management();
        let body = json!({"email": "ada@example.com", "password": crate::harness::PASSWORD});
        let user = management.post("/user_management/users", body).await.expect(201).text_at("id");
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        assert_eq!(asked["code"], "email_verification_required");
        let path = format!("/user_management/users/{user}/auth_factors");
        let made = management.post(&path, json!({"type": "totp"})).await.expect(201).json();
        let secret = made["authentication_factor"]["totp"]["secret"].as_str().unwrap();
        let challenge = made["authentication_challenge"]["id"].as_str().unwrap();
        server.with_code(&asked, challenge, &shown(&server, secret, 0)).await.expect_code(400, "invalid_pending_authentication_token");
        // And a new password removes the unconfirmed enrollment.
        management.put(&format!("/user_management/users/{user}"), json!({"password": "another-violet-tractor-77"})).await.expect(200);
        assert!(management.get(&path).await.expect_list().is_empty());
    }

    async fn one_who_guesses_from_a_whole_network_does_not_lock_out_who_knows(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        let factor = server.factor(&user).await["id"].as_str().unwrap().to_owned();
        let tries = async |from: &str, code: &str| {
            let asked = server.with_password("ada@example.com").await.expect(403).json();
            let challenge = server.challenge(&factor).await;
            let pending = asked["pending_authentication_token"].as_str().unwrap();
            let fields = [
                ("pending_authentication_token", pending), ("authentication_challenge_id", challenge.as_str()), ("code", code), ("ip_address", from),
            ];
            server.authenticate(MFA, &fields).await
        };
        for number in 0..10 {
            tries(&format!("2001:db8::{number}:1"), "000000").await.expect_code(400, "invalid_one_time_code");
            server.clock.advance_seconds(10);
        }
        for number in 0..45 {
            tries(&format!("2001:db8::{number}:2"), "000000").await.expect_code(400, "one_time_code_too_many_attempts");
            server.clock.advance_seconds(10);
        }
        // As dual-stack sockets report them.
        for _ in 0..10 {
            tries("::ffff:203.0.113.7", "000000").await.expect_code(400, "invalid_one_time_code");
            server.clock.advance_seconds(10);
        }
        tries("203.0.113.7", "000000").await.expect_code(400, "one_time_code_too_many_attempts");
        tries("::ffff:192.0.2.1", &shown(&server, SECRET, 0)).await.expect(200);
    }
}
