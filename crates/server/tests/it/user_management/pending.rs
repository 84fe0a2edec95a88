//! Pending authentications: the completed steps, carried by the client until the missing one is done.

use crate::harness::{PASSWORD, TestServer, assert_keys, on_both_databases};
use serde_json::{Value, json};

const SELECTION: &str = "urn:workos:oauth:grant-type:organization-selection";

/// Creates a user with two organizations, who must choose.
async fn undecided(server: &TestServer) -> (Value, [String; 2]) {
    let user = server.person("ada@example.com").await;
    let management = server.management();
    let organizations = [management.organization("Acme").await, management.organization("Globex").await];
    for organization in &organizations {
        server.member(user, organization).await;
    }
    (server.with_password("ada@example.com").await.expect(403).expect_json(), organizations)
}

async fn choose(server: &TestServer, token: &str, organization: &str) -> crate::harness::Answer {
    let fields = [("pending_authentication_token", token), ("organization_id", organization)];
    server.authenticate(SELECTION, &fields).await
}

fn token(asked: &Value) -> &str {
    asked["pending_authentication_token"].as_str().unwrap()
}

on_both_databases! {
    async fn who_has_several_organizations_chooses_one(server: TestServer) {
        let (asked, [acme, globex]) = undecided(&server).await;
        assert_keys(&asked, &["code", "message", "organizations", "pending_authentication_token", "user"]);
        assert_eq!(asked["code"], "organization_selection_required");
        assert_eq!(asked["user"]["email"], "ada@example.com");
        assert_eq!(asked["organizations"], json!([{"id": acme, "name": "Acme"}, {"id": globex, "name": "Globex"}]));
        let other = server.management().organization("Other").await;
        assert_eq!(choose(&server, token(&asked), &other).await.expect(400).text_at("error"), "organization_membership_not_found");
        assert_eq!(choose(&server, token(&asked), "org_00000000000000000000000001").await.expect(400).text_at("error"), "organization_membership_not_found");
        assert_eq!(choose(&server, token(&asked), "nonsense").await.expect(400).text_at("code"), "invalid_organization_id");
        let answer = choose(&server, token(&asked), &globex).await.expect(200).json();
        assert_eq!((&answer["organization_id"], &answer["authentication_method"]), (&json!(globex), &json!("Password")));
        let again = choose(&server, token(&asked), &acme).await.expect(400);
        assert_eq!(again.text_at("code"), "invalid_pending_authentication_token", "once");
    }

    async fn of_many_who_bring_it_back_at_once_one_signs_in(server: TestServer) {
        let (asked, [acme, globex]) = undecided(&server).await;
        let (a, b, c, d) = tokio::join!(
            choose(&server, token(&asked), &acme), choose(&server, token(&asked), &globex),
            choose(&server, token(&asked), &acme), choose(&server, token(&asked), &globex),
        );
        let mut statuses = [a.status, b.status, c.status, d.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400]);
    }

    async fn threat_15_it_is_sealed_for_its_environment_and_its_purpose(server: TestServer) {
        let (asked, [acme, _]) = undecided(&server).await;
        let another = server.another_environment().await;
        let refused = |answer: crate::harness::Answer| {
            assert_eq!(answer.expect(400).text_at("code"), "invalid_pending_authentication_token");
        };
        let mut altered = token(&asked).to_owned().into_bytes();
        altered[40] = if altered[40] == b'A' { b'B' } else { b'A' };
        refused(choose(&server, std::str::from_utf8(&altered).unwrap(), &acme).await);
        for bad in ["x", "", "%", &"A".repeat(5000), &format!("{}A", token(&asked))] {
            if !bad.is_empty() {
                refused(choose(&server, bad, &acme).await);
            }
        }
        // A flow from the pages is sealed with a different key.
        let mut browser = crate::harness::Browser::new(&server);
        let page = browser.open("/sign-in").await;
        refused(choose(&server, &page.form("/sign-in").fields["flow"], &acme).await);
        let theirs = another.management.clone().with_host(&another.authority);
        let key = format!("sk_another_environment_{:032}", another.name.rsplit('-').next().unwrap().parse::<u32>().unwrap());
        let client_id = theirs_client_id(&server, &another.authority);
        let body = json!({
            "grant_type": SELECTION, "client_id": client_id, "client_secret": key, "pending_authentication_token": token(&asked), "organization_id": acme,
        });
        refused(theirs.post("/user_management/authenticate", body).await);
        choose(&server, token(&asked), &acme).await.expect(200);
    }

    async fn it_ends_with_time_and_with_what_was_proven(server: TestServer) {
        let (asked, [acme, _]) = undecided(&server).await;
        server.clock.advance_seconds(20 * 60);
        assert_eq!(choose(&server, token(&asked), &acme).await.expect(400).text_at("code"), "invalid_pending_authentication_token");
        // After a change of password or address, those who proved the old ones are out.
        for change in [json!({"password": "another-violet-tractor-77"}), json!({"email": "grace@example.com", "email_verified": true})] {
            let password = if change.get("email").is_some() { "another-violet-tractor-77" } else { PASSWORD };
            let asked = server.authenticate("password", &[("email", "ada@example.com"), ("password", password)]).await.expect(403).json();
            let user = asked["user"]["id"].as_str().unwrap();
            server.management().put(&format!("/user_management/users/{user}"), change).await.expect(200);
            let refused = choose(&server, token(&asked), &acme).await.expect(400);
            assert_eq!(refused.text_at("code"), "invalid_pending_authentication_token");
        }
        let asked = server.authenticate("password", &[("email", "grace@example.com"), ("password", "another-violet-tractor-77")]).await.expect(403).json();
        server.management().delete(&format!("/user_management/users/{}", asked["user"]["id"].as_str().unwrap())).await;
        let refused = choose(&server, token(&asked), &acme).await.expect(400);
        assert_eq!(refused.text_at("code"), "invalid_pending_authentication_token");
    }

    async fn it_needs_the_secret_and_is_tried_ten_times_a_minute(server: TestServer) {
        let (asked, [acme, _]) = undecided(&server).await;
        let fields = [("pending_authentication_token", token(&asked)), ("organization_id", acme.as_str())];
        assert_eq!(server.authenticate_publicly(SELECTION, &fields).await.expect(400).text_at("error"), "invalid_client");
        for _ in 0..10 {
            choose(&server, token(&asked), "nonsense").await.expect(400);
        }
        choose(&server, token(&asked), &acme).await.expect(429);
        server.clock.advance_seconds(61);
        choose(&server, token(&asked), &acme).await.expect(200);
    }
}

/// Returns the client ID of the environment with this authority.
fn theirs_client_id(server: &TestServer, authority: &str) -> String {
    use countersign::cache::environments::Host;
    match server.app.environments().host(authority) {
        Some(Host::Issuer(state)) => state.environment.client_id.to_string(),
        other => panic!("{other:?}"),
    }
}
