//! `GET /events`: its parameters, its errors, and the format of each event.

use crate::harness::{
    Browser, Client, PASSWORD, Receiver, TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases,
};
use countersign_protocol::management::events::NAMES;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const NOBODY: &str = "event_01EHZNVPK3SFK441A1RGBFSHRT";

async fn events(management: &Client, query: &str) -> Vec<Value> {
    management.get(&format!("/events?{query}")).await.expect_list()
}

/// Returns all events, page by page.
async fn all(management: &Client) -> Vec<Value> {
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = management.get(&format!("/events?limit=100{after}")).await.expect(200).json();
        seen.extend(page["data"].as_array().unwrap().clone());
        match page["list_metadata"]["after"].as_str() {
            Some(id) => after = format!("&after={id}"),
            None => return seen,
        }
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// Returns the expected keys of the data of every event provoked below.
fn shapes() -> BTreeMap<&'static str, Vec<&'static str>> {
    const USER: &str = "created_at email email_verified external_id first_name id last_name last_sign_in_at locale metadata name \
        object profile_picture_url updated_at";
    const ORGANIZATION: &str =
        "allow_profiles_outside_organization created_at domains external_id id metadata name object updated_at";
    const DOMAIN: &str =
        "created_at domain id object organization_id state updated_at verification_strategy verification_token";
    const PERMISSION: &str = "created_at description id name object resource_type_slug slug system updated_at";
    const ROLE: &str = "created_at object permissions resource_type_slug slug updated_at";
    const KEY: &str = "created_at expires_at id last_used_at name object obfuscated_value owner permissions updated_at";
    const MEMBERSHIP: &str =
        "created_at custom_attributes directory_managed id object organization_id role roles status updated_at user_id";
    const INVITATION: &str = "accepted_at accepted_user_id created_at email expires_at id inviter_user_id object \
        organization_id revoked_at role_slug state updated_at";
    const CODE: &str = "created_at email expires_at id object updated_at user_id";
    const RESET: &str = "created_at email expires_at id object user_id";
    const SESSION: &str = "auth_method created_at ended_at expires_at id ip_address object organization_id status updated_at user_agent user_id";
    const SUCCEEDED: &str = "email ip_address status type user_agent user_id";
    const FAILED: &str = "email error ip_address status type user_agent user_id";
    const DISABLED: &str = "created_at disabled_reason endpoint_url events id object status updated_at";
    const KEY_UPDATED: &str = "created_at expires_at id last_used_at name object obfuscated_value owner permissions \
        previous_attributes updated_at";
    [
        ("user.created", USER),
        ("user.updated", USER),
        ("user.deleted", USER),
        ("organization.created", ORGANIZATION),
        ("organization.updated", ORGANIZATION),
        ("organization.deleted", ORGANIZATION),
        ("organization_domain.created", DOMAIN),
        ("organization_domain.verified", DOMAIN),
        ("organization_domain.deleted", DOMAIN),
        ("permission.created", PERMISSION),
        ("permission.updated", PERMISSION),
        ("permission.deleted", PERMISSION),
        ("role.created", ROLE),
        ("role.updated", ROLE),
        ("role.deleted", ROLE),
        ("api_key.created", KEY),
        ("api_key.updated", KEY_UPDATED),
        ("api_key.revoked", KEY),
        ("organization_membership.created", MEMBERSHIP),
        ("organization_membership.updated", MEMBERSHIP),
        ("organization_membership.deleted", MEMBERSHIP),
        ("invitation.created", INVITATION),
        ("invitation.accepted", INVITATION),
        ("invitation.resent", INVITATION),
        ("invitation.revoked", INVITATION),
        ("magic_auth.created", CODE),
        ("email_verification.created", CODE),
        ("password_reset.created", RESET),
        ("password_reset.succeeded", RESET),
        ("session.created", SESSION),
        ("session.revoked", SESSION),
        ("authentication.password_succeeded", SUCCEEDED),
        ("authentication.magic_auth_succeeded", SUCCEEDED),
        ("authentication.email_verification_succeeded", SUCCEEDED),
        ("authentication.mfa_succeeded", SUCCEEDED),
        ("authentication.mfa_failed", FAILED),
        ("authentication.password_failed", FAILED),
        ("authentication.magic_auth_failed", FAILED),
        ("authentication.email_verification_failed", FAILED),
        ("webhook_endpoint.disabled", DISABLED),
    ]
    .into_iter()
    .map(|(name, keys)| (name, keys.split_whitespace().collect()))
    .collect()
}

/// Provokes at least one event of each kind.
async fn provoke(server: &TestServer) {
    let management = server.management();
    let post = async |path: String, body: Value| management.post(&path, body).await;
    let delete = async |path: String| assert!(management.delete(&path).await.status < 300);
    // An endpoint that no longer wants anything.
    let mut receiver = Receiver::start().await;
    receiver.answer(410);
    let body = json!({"endpoint_url": receiver.base_url, "events": ["organization.created"]});
    let endpoint = post("/webhook_endpoints".into(), body).await.expect(201).text_at("id");
    // Organizations and their resources.
    let body = json!({"name": "Acme", "domain_data": [{"domain": "acme.com", "state": "pending"}, {"domain": "acme.org", "state": "pending"}]});
    let organization = post("/organizations".into(), body).await.expect(201).text_at("id");
    let path = format!("/organizations/{organization}");
    management.put(&path, json!({"domain_data": [{"domain": "acme.com", "state": "verified"}]})).await.expect(200);
    management.permission("posts:read").await;
    management.patch("/authorization/permissions/posts:read", json!({"name": "P"})).await.expect(200);
    delete("/authorization/permissions/posts:read".to_owned()).await;
    management.role("editor").await;
    management.patch("/authorization/roles/editor", json!({"name": "E"})).await.expect(200);
    let key = post(format!("{path}/api_keys"), json!({"name": "K"})).await.expect(201).text_at("id");
    post(format!("/api_keys/{key}/expire"), json!({"expires_at": "2999-01-01T00:00:00Z"})).await.expect(200);
    delete(format!("/api_keys/{key}")).await;
    // Users.
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let ada = post("/user_management/users".into(), body).await.expect(201).text_at("id");
    let membership = management.member(&ada, &organization).await["id"].as_str().unwrap().to_owned();
    let membership = format!("/user_management/organization_memberships/{membership}");
    management.put(&membership, json!({"role_slug": "editor"})).await.expect(200);
    delete(membership).await;
    let invite = async |email: &str| {
        let body = json!({"email": email, "organization_id": organization});
        post("/user_management/invitations".into(), body).await.expect(201).text_at("id")
    };
    let (accepted, revoked) = (invite("ada@example.com").await, invite("bob@example.com").await);
    for (id, act) in [(&accepted, "resend"), (&accepted, "accept"), (&revoked, "revoke")] {
        post(format!("/user_management/invitations/{id}/{act}"), json!({})).await.expect(200);
    }
    // Verifications: each wrong, then right.
    let asked = server.with_password("ada@example.com").await.expect(403).json();
    let pending = asked["pending_authentication_token"].as_str().unwrap();
    let verification =
        format!("/user_management/email_verification/{}", asked["email_verification_id"].as_str().unwrap());
    let code = management.get(&verification).await.expect(200).text_at("code");
    for (code, status) in [("0", 400), (code.as_str(), 200)] {
        let fields = [("pending_authentication_token", pending), ("code", code)];
        server.authenticate("urn:workos:oauth:grant-type:email-verification:code", &fields).await.expect(status);
    }
    server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(400);
    let body = json!({"email": "ada@example.com"});
    let code = post("/user_management/magic_auth".into(), body.clone()).await.expect(201).text_at("code");
    for (code, status) in [("0", 400), (code.as_str(), 200)] {
        let fields = [("email", "ada@example.com"), ("code", code)];
        server.authenticate("urn:workos:oauth:grant-type:magic-auth:code", &fields).await.expect(status);
    }
    let reset = post("/user_management/password_reset".into(), body).await.expect(201).text_at("password_reset_token");
    let body = json!({"token": reset, "new_password": "another-quiet-lighthouse-7"});
    post("/user_management/password_reset/confirm".into(), body).await.expect(200);
    let fields = [("email", "ada@example.com"), ("password", "another-quiet-lighthouse-7")];
    server.authenticate("password", &fields).await.expect(200);
    let sessions = management.get(&format!("/user_management/users/{ada}/sessions?order=desc")).await.expect_list();
    let live = sessions.iter().find(|session| session["status"] == "active").unwrap();
    post("/user_management/sessions/revoke".into(), json!({"session_id": live["id"]})).await.expect(200);
    // A second factor.
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let body = json!({"type": "totp", "totp_secret": secret});
    let made = post(format!("/user_management/users/{ada}/auth_factors"), body).await.expect(201).json();
    let asked = server.authenticate("password", &fields).await.expect(403).json();
    let secret = countersign_protocol::second_factor::enrolment::from_text(secret).unwrap();
    let right = countersign_protocol::second_factor::totp::code_at(&secret, server.app.clock.now().as_secs());
    for (code, status) in [("0", 400), (right.as_str(), 200)] {
        let fields = [
            ("pending_authentication_token", asked["pending_authentication_token"].as_str().unwrap()),
            ("authentication_challenge_id", made["authentication_challenge"]["id"].as_str().unwrap()),
            ("code", code),
        ];
        server.authenticate("urn:workos:oauth:grant-type:mfa-totp", &fields).await.expect(status);
    }
    receiver.next().await;
    let began = std::time::Instant::now();
    while management.get(&format!("/webhook_endpoints/{endpoint}")).await.expect(200).json()["status"] != "disabled" {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "it was not disabled in time");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // Deletions.
    delete(format!("/user_management/users/{ada}")).await;
    delete(path).await;
    delete("/authorization/roles/editor".to_owned()).await;
}

on_both_databases! {
    async fn what_has_its_place_can_be_read_while_nothing_new_gets_one(server: TestServer) {
        let management = server.management();
        management.organization("Before").await;
        let before = all(&management).await;
        // The database rejects every new position.
        let head = countersign_store::event::head(&mut server.app.store.reader().await.unwrap()).await.unwrap();
        let stuck = format!("CREATE UNIQUE INDEX stuck ON event (environment_id) WHERE position >= {head}");
        server.database.tamper(&stuck).await;
        management.organization("After").await;
        assert_eq!(all(&management).await, before);
        server.database.tamper("DROP INDEX stuck").await;
        let after = all(&management).await;
        assert_eq!(after.len(), before.len() + 1);
        assert_eq!(after[before.len()]["data"]["name"], "After");
    }

    async fn each_event_has_its_keys_and_no_secret(server: TestServer) {
        provoke(&server).await;
        let seen = all(&server.management()).await;
        let mut missing = shapes();
        assert!(missing.keys().all(|name| NAMES.contains(name)), "what staff may choose from");
        for event in &seen {
            assert_keys(event, &["created_at", "data", "event", "id", "object"]);
            assert_eq!(event["object"], "event");
            assert_id(&event["id"], "event");
            assert_moment(&event["created_at"]);
            let name = event["event"].as_str().unwrap();
            let shapes = shapes();
            let keys = shapes.get(name).unwrap_or_else(|| panic!("{name} is not in the table"));
            assert_keys(&event["data"], keys);
            missing.remove(name);
        }
        assert_eq!(missing.keys().collect::<Vec<_>>(), Vec::<&&str>::new());
        let text = serde_json::to_string(&seen).unwrap();
        for secret in [PASSWORD, "another-quiet-lighthouse-7", "invitation_token", "password_reset_token", "\"code\":\"0\""] {
            assert!(!text.contains(secret), "{secret}");
        }
        let created = seen.iter().find(|event| event["event"] == "api_key.updated").unwrap();
        assert_eq!(created["data"]["previous_attributes"], json!({"expires_at": null}));
    }

    async fn what_a_proof_tells(server: TestServer) {
        provoke(&server).await;
        let seen = all(&server.management()).await;
        let ada = &seen.iter().find(|event| event["event"] == "user.created").unwrap()["data"]["id"];
        let of = |name: &str| seen.iter().filter(|event| event["event"] == name).map(|event| &event["data"]).collect::<Vec<_>>();
        for (proof, code) in [
            ("password", "invalid_credentials"), ("magic_auth", "invalid_one_time_code"),
            ("email_verification", "email_verification_code_incorrect"), ("mfa", "invalid_one_time_code"),
        ] {
            let failed = of(&format!("authentication.{proof}_failed"));
            assert_eq!(failed.len(), 1, "{proof}");
            assert_eq!((&failed[0]["type"], &failed[0]["status"]), (&json!(proof), &json!("failed")));
            assert_eq!((&failed[0]["user_id"], &failed[0]["email"]), (ada, &json!("ada@example.com")));
            assert_keys(&failed[0]["error"], &["code", "message"]);
            assert_eq!(failed[0]["error"]["code"], code);
            let succeeded = of(&format!("authentication.{proof}_succeeded"));
            assert_eq!(succeeded.len(), if proof == "password" { 3 } else { 1 }, "{proof}");
            assert_eq!((&succeeded[0]["type"], &succeeded[0]["status"]), (&json!(proof), &json!("succeeded")));
            assert_eq!((&succeeded[0]["user_id"], &succeeded[0]["email"]), (ada, &json!("ada@example.com")));
        }
        // One flow, in order.
        let order = names(&seen);
        let at = |name: &str| order.iter().position(|known| *known == name).unwrap();
        assert!(at("email_verification.created") < at("authentication.email_verification_succeeded"));
        assert!(at("authentication.email_verification_succeeded") < at("authentication.password_succeeded"));
        assert!(at("authentication.password_succeeded") < at("session.created"));
        assert!(at("magic_auth.created") < at("authentication.magic_auth_succeeded"));
    }

    async fn proofs_on_the_pages_are_told_with_address_and_browser(server: TestServer) {
        let management = server.management();
        let ada = server.person("ada@example.com").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut browser = Browser::new(&server);
            let page = browser.open("/sign-in").await;
            let page = browser.submit(&page, "/sign-in", &[("email", email)]).await;
            let page = browser.submit(&page, "/sign-in/password", &[("password", "not-it-at-all")]).await;
            assert_eq!(page.status, 422);
            let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
            let page = browser.submit(&page, "/sign-in/code", &[("code", "x")]).await;
            assert_eq!(page.status, 422);
        }
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        let typed = [("email", "grace@example.com"), ("first_name", "G"), ("last_name", "H"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        browser.submit(&page, "/sign-in/code", &[("code", "x")]).await;
        let code = server.mailed_code("grace@example.com").await;
        browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;

        let seen: Vec<Value> = all(&management).await;
        let proofs: Vec<&Value> = seen.iter().filter(|event| event["event"].as_str().unwrap().starts_with("authentication.")).collect();
        let grace = seen.iter().filter(|event| event["event"] == "user.created").find(|event| event["data"]["email"] == "grace@example.com").unwrap();
        let told: Vec<_> = proofs
            .iter()
            .map(|event| (event["event"].as_str().unwrap().trim_start_matches("authentication."), event["data"]["email"].as_str().unwrap(), &event["data"]["user_id"]))
            .collect();
        let (ada, grace) = (json!(ada), grace["data"]["id"].clone());
        assert_eq!(told, [
            ("password_failed", "ada@example.com", &ada),
            ("magic_auth_failed", "ada@example.com", &ada),
            ("password_failed", "nobody@example.com", &Value::Null),
            ("magic_auth_failed", "nobody@example.com", &Value::Null),
            ("password_succeeded", "ada@example.com", &ada),
            ("email_verification_failed", "grace@example.com", &Value::Null),
            ("email_verification_succeeded", "grace@example.com", &grace),
            ("password_succeeded", "grace@example.com", &grace),
        ]);
        for event in proofs {
            assert_eq!(event["data"]["ip_address"], "127.0.0.1", "{event}");
        }
    }

    async fn who_tries_without_end_does_not_write_without_end(server: TestServer) {
        server.person("ada@example.com").await;
        let mut refused = 0;
        for _ in 0..25 {
            let answer = server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await;
            refused += usize::from(answer.status == 429);
        }
        let code = json!({"email": "ada@example.com"});
        server.management().post("/user_management/magic_auth", code).await.expect(201);
        for _ in 0..25 {
            let fields = [("email", "ada@example.com"), ("code", "0")];
            server.authenticate("urn:workos:oauth:grant-type:magic-auth:code", &fields).await;
        }
        assert!(refused > 10, "{refused}");
        let written = events(&server.management(), "limit=100&events=authentication.password_failed,authentication.magic_auth_failed").await;
        assert!((10..=20).contains(&written.len()), "{}", written.len());
    }

    async fn the_oldest_come_first_unless_asked_otherwise(server: TestServer) {
        let management = server.management();
        let mut made = Vec::new();
        for n in 0..5 {
            made.push(management.organization(&format!("O{n}")).await);
        }
        let of = |page: &[Value]| page.iter().map(|event| event["data"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let seen = events(&management, "").await;
        assert_eq!(of(&seen), made);
        let ids = ids(&json!(seen));
        assert_eq!(of(&events(&management, "order=asc").await), made);
        made.reverse();
        assert_eq!(of(&events(&management, "order=desc").await), made);
        assert_eq!(of(&events(&management, "order=normal").await), made);
        made.reverse();
        assert_eq!(of(&events(&management, &format!("after={}", ids[2])).await), made[3..]);
        assert_eq!(of(&events(&management, &format!("before={}", ids[2])).await), made[..2]);
        assert_eq!(of(&events(&management, &format!("order=desc&after={}", ids[2])).await), [made[1].as_str(), &made[0]]);
        assert_eq!(of(&events(&management, &format!("order=normal&after={}", ids[2])).await), [made[4].as_str(), &made[3]]);
        let page = management.get("/events?limit=2").await.expect(200).json();
        assert_eq!(page["list_metadata"], json!({"before": null, "after": ids[1]}));
        let page = management.get(&format!("/events?limit=2&after={}", ids[1])).await.expect(200).json();
        assert_eq!(page["list_metadata"], json!({"before": ids[2], "after": ids[3]}));
        assert_eq!(events(&management, &format!("after={}", ids[4])).await, Vec::<Value>::new());
    }

    async fn each_filter_gives_what_it_says(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        let beta = management.organization("Beta").await;
        server.clock.advance_seconds(3600);
        let ada = management.user("ada@example.com").await;
        management.member(&ada, &acme).await;
        server.clock.advance_seconds(3600);
        management.delete(&format!("/organizations/{beta}")).await.expect(200);
        let whole = events(&management, "").await;
        assert_eq!(names(&whole), [
            "organization.created", "organization.created", "user.created", "organization_membership.created", "organization.deleted",
        ]);
        for spelling in [
            "events=organization.created,organization.deleted", "events=organization.created&events=organization.deleted",
            "events[]=organization.created&events[]=organization.deleted", "events%5B0%5D=organization.deleted&events%5B1%5D=organization.created",
            "events=organization.deleted,organization.created,flag.created,no.such",
        ] {
            let found = events(&management, spelling).await;
            assert_eq!(names(&found), ["organization.created", "organization.created", "organization.deleted"], "{spelling}");
        }
        assert_eq!(events(&management, "events=vault.data.created").await, Vec::<Value>::new());
        assert_eq!(events(&management, "events=").await, whole);
        let of_acme = events(&management, &format!("organization_id={acme}")).await;
        assert_eq!(names(&of_acme), ["organization.created", "organization_membership.created"]);
        // Also for a deleted organization.
        assert_eq!(names(&events(&management, &format!("organization_id={beta}")).await), ["organization.created", "organization.deleted"]);
        let both = events(&management, &format!("organization_id={beta}&events=organization.deleted")).await;
        assert_eq!(both, whole[4..]);
        let moment = |at: usize| whole[at]["created_at"].as_str().unwrap().to_owned();
        for (query, expected) in [
            (format!("range_start={}", moment(2)), &whole[2..]),
            (format!("range_end={}", moment(2)), &whole[..2]),
            (format!("range_start={}&range_end={}", moment(2), moment(4)), &whole[2..4]),
            (format!("range_start={}", moment(2).replace('Z', "%2B00:00")), &whole[2..]),
            (format!("range_start={}", moment(2).replace('Z', "+00:00")), &whole[2..]),
            (format!("range_start={}&events=user.created", moment(2)), &whole[2..3]),
            ("range_start=2999-01-01T00:00:00Z".to_owned(), &[]),
            ("range_end=1999-01-01T00:00:00Z".to_owned(), &[]),
            (format!("range_end={}&after={}", moment(4), whole[2]["id"].as_str().unwrap()), &whole[3..4]),
        ] {
            assert_eq!(events(&management, &query).await, expected, "{query}");
        }
        let page = management.get("/events?limit=1&events=organization.created,organization.deleted").await.expect(200).json();
        let next = page["list_metadata"]["after"].as_str().unwrap();
        assert_eq!(page["data"].as_array().unwrap(), &whole[..1]);
        assert_eq!(events(&management, &format!("limit=9&events=organization.created,organization.deleted&after={next}")).await, [whole[1].clone(), whole[4].clone()]);
    }

    async fn what_cannot_be_asked_is_refused(server: TestServer) {
        let management = server.management();
        management.organization("Acme").await;
        let known = events(&management, "").await[0]["id"].as_str().unwrap().to_owned();
        for (query, field) in [
            ("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order"), ("after=org_1", "after"), ("before=x", "before"),
            ("events=organization", "events"), ("events=Organization.Created", "events"), ("range_start=today", "range_start"),
            ("range_end=1", "range_end"), ("range_start=2026-01-02T00:00:00Z&range_end=2026-01-01T00:00:00Z", "range_end"),
        ] {
            management.get(&format!("/events?{query}")).await.expect_invalid(&[(field, "invalid")]);
        }
        management.get(&format!("/events?after={known}&range_start=2026-01-01T00:00:00Z")).await.expect_invalid(&[("range_start", "invalid")]);
        for cursor in ["after", "before"] {
            management.get(&format!("/events?{cursor}={NOBODY}")).await.expect_code(400, "event_not_found");
        }
        for organization in ["acme", "org_01EHZNVPK3SFK441A1RGBFSHRT"] {
            management.get(&format!("/events?organization_id={organization}")).await.expect_code(400, "organization_not_found");
        }
        server.anonymous().get("/events").await.expect_unauthorized();
        server.anonymous().with_key("sk_no_such_key").get("/events").await.expect_unauthorized();
    }

    async fn threat_16_another_environments_events_are_never_seen(server: TestServer) {
        let (here, other) = (server.management(), server.another_environment().await);
        let there = &other.management;
        let (mine, theirs) = (here.organization("Mine").await, there.organization("Theirs").await);
        let seen = |events: &[Value]| events.iter().map(|event| event["data"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let (of_here, of_there) = (all(&here).await, all(there).await);
        assert_eq!(seen(&of_here), std::slice::from_ref(&mine));
        assert_eq!(seen(&of_there), std::slice::from_ref(&theirs));
        for query in ["events=organization.created", "order=desc", "range_start=2000-01-01T00:00:00Z"] {
            assert_eq!(seen(&events(&here, query).await), std::slice::from_ref(&mine), "{query}");
        }
        here.get(&format!("/events?organization_id={theirs}")).await.expect_code(400, "organization_not_found");
        let cursor = of_there[0]["id"].as_str().unwrap();
        for name in ["after", "before"] {
            here.get(&format!("/events?{name}={cursor}")).await.expect_code(400, "event_not_found");
        }
    }

    async fn events_are_kept_for_ninety_days(server: TestServer) {
        let management = server.management();
        management.organization("Old").await;
        server.clock.advance_seconds(90 * 86_400 - 60);
        management.organization("New").await;
        countersign::jobs::retention::run(Arc::clone(&server.app)).await;
        let [old, new]: [Value; 2] = events(&management, "").await.try_into().unwrap();
        server.clock.advance_seconds(120);
        countersign::jobs::retention::run(Arc::clone(&server.app)).await;
        assert_eq!(events(&management, "").await, std::slice::from_ref(&new));
        management.get(&format!("/events?after={}", old["id"].as_str().unwrap())).await.expect_code(400, "event_not_found");
        management.organization("Newest").await;
        let next = events(&management, &format!("after={}", new["id"].as_str().unwrap())).await;
        assert_eq!(next.len(), 1);
        assert_eq!(next[0]["data"]["name"], "Newest");
    }
}
