//! `/user_management/invitations`.

use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/user_management/invitations";
const NOBODY: &str = "invitation_01EHZNVPK3SFK441A1RGBFSHRT";
const DAY: i64 = 86_400;

const KEYS: [&str; 15] = [
    "accept_invitation_url",
    "accepted_at",
    "accepted_user_id",
    "created_at",
    "email",
    "expires_at",
    "id",
    "inviter_user_id",
    "object",
    "organization_id",
    "revoked_at",
    "role_slug",
    "state",
    "token",
    "updated_at",
];

fn path(invitation: &Value) -> String {
    format!("{PATH}/{}", invitation["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_new_invitation_has_every_key_and_is_found_by_its_token(server: TestServer) {
        let management = server.management();
        let made = management.post(PATH, json!({"email": "Ada@example.com"})).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "invitation");
        assert_id(&made["id"], "invitation");
        assert_eq!((&made["email"], &made["state"]), (&json!("Ada@example.com"), &json!("pending")));
        for key in ["accepted_at", "revoked_at", "organization_id", "inviter_user_id", "accepted_user_id", "role_slug"] {
            assert_eq!(made[key], Value::Null, "{key}");
        }
        assert_moment(&made["expires_at"]);
        let token = made["token"].as_str().unwrap();
        assert_eq!(token.len(), 25);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
        assert_eq!(made["accept_invitation_url"], format!("{}/invite?invitation_token={token}", server.base_url));
        assert_eq!(management.get(&path(&made)).await.expect(200).expect_json(), made);
        assert_eq!(management.get(&format!("{PATH}/by_token/{token}")).await.expect(200).expect_json(), made);
        assert_eq!(management.get(PATH).await.expect_list(), std::slice::from_ref(&made));
        management.get(&format!("{PATH}/by_token/{}", token.to_uppercase())).await.expect_not_found("Invitation", &token.to_uppercase());
        management.get(&format!("{PATH}/by_token/{}", "x".repeat(500))).await.expect_not_found("Invitation", &"x".repeat(500));
    }

    async fn everything_that_can_be_given_is_kept(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let (inviter, organization) = (management.user("boss@example.com").await, management.organization("Acme").await);
        let body = json!({
            "email": "a@example.com", "organization_id": organization, "role_slug": "admin", "expires_in_days": 30,
            "inviter_user_id": inviter, "locale": "de",
        });
        let made = management.post(PATH, body).await.expect(201).json();
        assert_eq!((&made["organization_id"], &made["inviter_user_id"], &made["role_slug"]), (&json!(organization), &json!(inviter), &json!("admin")));
        server.clock.advance_seconds(30 * DAY - 60);
        assert_eq!(management.get(&path(&made)).await.json()["state"], "pending");
        server.clock.advance_seconds(61);
        assert_eq!(management.get(&path(&made)).await.json()["state"], "expired");
        assert_eq!(management.get(PATH).await.expect_list()[0]["state"], "expired");
    }

    async fn what_is_of_the_wrong_form_or_not_there_is_refused(server: TestServer) {
        let management = server.management();
        for body in [json!({}), json!({"email": null})] {
            management.post(PATH, body).await.expect_invalid(&[("email", "required")]);
        }
        management.post(PATH, json!({"email": "nobody"})).await.expect_invalid(&[("email", "invalid")]);
        let body = json!({"email": 1, "organization_id": 2, "role_slug": 3, "expires_in_days": "7", "inviter_user_id": 4, "locale": 5});
        management.post(PATH, body).await.expect_invalid(&[
            ("email", "invalid_type"), ("organization_id", "invalid_type"), ("role_slug", "invalid_type"), ("expires_in_days", "invalid_type"),
            ("inviter_user_id", "invalid_type"), ("locale", "invalid_type"),
        ]);
        let with = |field: &str, value: Value| {
            let mut body = json!({"email": "a@example.com"});
            body[field] = value;
            management.post(PATH, body)
        };
        with("expires_in_days", json!(1.5)).await.expect_invalid(&[("expires_in_days", "invalid_type")]);
        with("expires_in_days", json!(0)).await.expect_code(400, "expires_in_days_too_short");
        with("expires_in_days", json!(31)).await.expect_code(400, "expires_in_days_too_long");
        with("role_slug", json!("nobody")).await.expect_code(400, "invalid_role");
        with("organization_id", json!("org_x")).await.expect_not_found("Organization", "org_x");
        with("inviter_user_id", json!("user_x")).await.expect_not_found("User", "user_x");
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        for id in [NOBODY, "x"] {
            management.get(&format!("{PATH}/{id}")).await.expect_not_found("Invitation", id);
            for act in ["accept", "resend", "revoke"] {
                management.post(&format!("{PATH}/{id}/{act}"), json!({})).await.expect_not_found("Invitation", id);
            }
        }
    }

    async fn who_was_suspended_is_not_invited(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        let member = management.user("member@example.com").await;
        let membership = management.member(&member, &acme).await["id"].as_str().unwrap().to_owned();
        let membership = format!("/user_management/organization_memberships/{membership}");
        management.put(&format!("{membership}/deactivate"), json!({})).await.expect(200);
        let invite = json!({"email": "member@example.com", "organization_id": acme});
        management.post(PATH, invite.clone()).await.expect_code(400, "user_already_organization_member");
        assert!(server.mails("member@example.com").await.is_empty() && server.events("invitation.created").await.is_empty());
        management.delete(&membership).await.expect(200);
        management.post(PATH, invite).await.expect(201);
    }

    async fn nobody_is_invited_twice_or_when_they_are_there_already(server: TestServer) {
        let management = server.management();
        let (acme, other) = (management.organization("Acme").await, management.organization("Other").await);
        let member = management.user("member@example.com").await;
        management.member(&member, &acme).await;
        let into = async |email: &str, organization: &str| management.post(PATH, json!({"email": email, "organization_id": organization})).await;
        into("Member@example.com", &acme).await.expect_code(400, "user_already_organization_member");
        into("member@example.com", &other).await.expect(201);
        into("new@example.com", &acme).await.expect(201);
        into("NEW@example.com", &acme).await.expect_code(400, "email_already_invited_to_organization");
        into("new@example.com", &other).await.expect(201);
        management.post(PATH, json!({"email": "Member@example.com"})).await.expect_code(400, "user_already_exists");
        let made = management.post(PATH, json!({"email": "new@example.com"})).await.expect(201).json();
        management.post(PATH, json!({"email": "New@example.com"})).await.expect_code(400, "email_already_invited");
        management.post(&format!("{}/revoke", path(&made)), json!({})).await.expect(200);
        management.post(PATH, json!({"email": "New@example.com"})).await.expect(201);
        server.clock.advance_seconds(8 * DAY);
        into("new@example.com", &acme).await.expect(201);
        management.post(PATH, json!({"email": "new@example.com"})).await.expect(201);
    }

    async fn who_is_a_member_to_be_keeps_the_role_they_were_given_since(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let organization = management.organization("Acme").await;
        for (invited_as, changed_to) in [("member", "admin"), ("admin", "member")] {
            let email = format!("{changed_to}@example.com");
            let user = management.user(&email).await;
            let made = management.post(PATH, json!({"email": email, "organization_id": organization, "role_slug": invited_as})).await.expect(201).json();
            let list = format!("/user_management/organization_memberships?user_id={user}&statuses=pending");
            let waiting = management.get(&list).await.expect_list();
            let membership = format!("/user_management/organization_memberships/{}", waiting[0]["id"].as_str().unwrap());
            management.put(&membership, json!({"role_slug": changed_to})).await.expect(200);
            management.post(&format!("{}/accept", path(&made)), json!({})).await.expect(200);
            let now = management.get(&membership).await.expect(200).json();
            assert_eq!((&now["status"], &now["role"]["slug"]), (&json!("active"), &json!(changed_to)));
        }
    }

    async fn the_newest_invitation_says_as_what_somebody_is_to_be_a_member(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let (organization, user) = (management.organization("Acme").await, management.user("ada@example.com").await);
        let invite = async |role: &str| {
            let body = json!({"email": "ada@example.com", "organization_id": organization, "role_slug": role, "expires_in_days": 1});
            management.post(PATH, body).await.expect(201).json()
        };
        invite("admin").await;
        server.clock.advance_seconds(DAY + 60);
        let made = invite("member").await;
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect(200);
        let list = format!("/user_management/organization_memberships?user_id={user}");
        let now = management.get(&list).await.expect_list();
        assert_eq!((now.len(), &now[0]["role"]["slug"]), (1, &json!("member")));
    }

    async fn an_old_invitation_lets_nobody_in_who_was_suspended(server: TestServer) {
        let management = server.management();
        let (organization, user) = (management.organization("Acme").await, management.user("ada@before.example").await);
        let membership = management.member(&user, &organization).await;
        let id = membership["id"].as_str().unwrap();
        management.put(&format!("/user_management/organization_memberships/{id}/deactivate"), json!({})).await.expect(200);
        // Invited under another address, which they have since taken on.
        let made = management.post(PATH, json!({"email": "ada@example.com", "organization_id": organization})).await.expect(201).json();
        management.put(&format!("/user_management/users/{user}"), json!({"email": "ada@example.com"})).await.expect(200);
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invalid_invite");
        let now = management.get(&format!("/user_management/organization_memberships/{id}")).await.expect(200).json();
        assert_eq!(now["status"], "inactive");
        assert_eq!(management.get(&path(&made)).await.json()["state"], "pending");
    }

    async fn of_many_invitations_at_once_one_is_made(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        for (body, code) in [
            (json!({"email": "a@example.com"}), "email_already_invited"),
            (json!({"email": "a@example.com", "organization_id": organization}), "email_already_invited_to_organization"),
        ] {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let (management, body) = (management.clone(), body.clone());
                tasks.spawn(async move { management.post(PATH, body).await });
            }
            let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
            assert_eq!(made.len(), 1);
            for answer in refused {
                answer.expect_code(400, code);
            }
        }
    }

    async fn somebody_who_is_there_waits_and_becomes_a_member_by_accepting(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let body = json!({"email": "A@example.com", "organization_id": organization, "role_slug": "admin"});
        let made = management.post(PATH, body).await.expect(201).json();
        let memberships = format!("/user_management/organization_memberships?user_id={user}");
        assert_eq!(management.get(&memberships).await.expect_list(), Vec::<Value>::new());
        let waiting = management.get(&format!("{memberships}&statuses=pending")).await.expect_list();
        assert_eq!((&waiting[0]["status"], &waiting[0]["role"]["slug"]), (&json!("pending"), &json!("admin")));
        let membership = format!("/user_management/organization_memberships/{}", waiting[0]["id"].as_str().unwrap());
        management.put(&format!("{membership}/deactivate"), json!({})).await.expect_code(400, "cannot_deactivate_pending_organization_membership");
        management.put(&format!("{membership}/reactivate"), json!({})).await.expect_code(400, "cannot_reactivate_pending_organization_membership");
        let body = json!({"user_id": user, "organization_id": organization});
        management.post("/user_management/organization_memberships", body).await.expect_code(400, "cannot_reactivate_pending_organization_membership");

        let accepted = management.post(&format!("{}/accept", path(&made)), json!({})).await.expect(200).expect_json();
        assert_keys(&accepted, &KEYS);
        assert_eq!((&accepted["state"], &accepted["accepted_user_id"]), (&json!("accepted"), &json!(user)));
        assert_moment(&accepted["accepted_at"]);
        assert_eq!(accepted["token"], made["token"]);
        let member = management.get(&memberships).await.expect_list();
        assert_eq!((&member[0]["id"], &member[0]["status"], &member[0]["role"]["slug"]), (&waiting[0]["id"], &json!("active"), &json!("admin")));
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
        management.post(&format!("{}/revoke", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
        management.post(&format!("{}/resend", path(&made)), json!({})).await.expect_code(400, "invite_accepted");
    }

    async fn somebody_new_accepts_when_there_is_an_account(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let organization = management.organization("Acme").await;
        let body = json!({"email": "a@example.com", "organization_id": organization, "role_slug": "admin"});
        let made = management.post(PATH, body).await.expect(201).json();
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invalid_invite");
        let user = management.user("a@example.com").await;
        // The role has since been deleted, so the default role applies.
        management.delete("/authorization/roles/admin").await.expect(204);
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect(200);
        let member = management.get(&format!("/user_management/organization_memberships?user_id={user}")).await.expect_list();
        assert_eq!((&member[0]["organization_id"], &member[0]["role"]["slug"]), (&json!(organization), &json!("member")));
    }

    async fn an_invitation_is_accepted_once_and_revoked_once(server: TestServer) {
        let management = server.management();
        management.user("a@example.com").await;
        let organization = management.organization("Acme").await;
        for _ in 0..5 {
            let made = management.post(PATH, json!({"email": "a@example.com", "organization_id": organization})).await.expect(201).json();
            let (accept, revoke) = (format!("{}/accept", path(&made)), format!("{}/revoke", path(&made)));
            let answers = tokio::join!(
                management.post(&accept, json!({})), management.post(&accept, json!({})), management.post(&revoke, json!({})),
            );
            let statuses = [answers.0.status, answers.1.status, answers.2.status];
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            for membership in management.get(&format!("/user_management/organization_memberships?organization_id={organization}&statuses=active,pending")).await.expect_list() {
                assert_eq!((&membership["status"], statuses[2]), (&json!("active"), 400));
                management.delete(&format!("/user_management/organization_memberships/{}", membership["id"].as_str().unwrap())).await.expect(200);
            }
        }
    }

    async fn a_revoked_invitation_lets_nobody_in(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let made = management.post(PATH, json!({"email": "a@example.com", "organization_id": organization})).await.expect(201).json();
        let revoked = management.post(&format!("{}/revoke", path(&made)), json!({})).await.expect(200).expect_json();
        assert_keys(&revoked, &KEYS);
        assert_eq!((&revoked["state"], &revoked["accepted_at"]), (&json!("revoked"), &Value::Null));
        assert_moment(&revoked["revoked_at"]);
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
        management.post(&format!("{}/resend", path(&made)), json!({})).await.expect_code(400, "invite_revoked");
        let waiting = management.get(&format!("/user_management/organization_memberships?user_id={user}&statuses=pending")).await.expect_list();
        assert_eq!(waiting, Vec::<Value>::new());
    }

    async fn who_is_removed_is_not_let_in_by_an_invitation_that_is_open(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let other = management.organization("Other").await;
        let elsewhere = management.post(PATH, json!({"email": "a@example.com", "organization_id": other})).await.expect(201).json();
        // A pending member.
        let made = management.post(PATH, json!({"email": "A@example.com", "organization_id": organization})).await.expect(201).json();
        let list = format!("/user_management/organization_memberships?user_id={user}&organization_id={organization}&statuses=pending,active");
        let waiting = management.get(&list).await.expect_list();
        management.delete(&format!("/user_management/organization_memberships/{}", waiting[0]["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(management.get(&path(&made)).await.expect(200).json()["state"], "revoked");
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
        assert_eq!(management.get(&list).await.expect_list(), Vec::<Value>::new());
        // An active member, who was invited before they had an account and was then added directly.
        let made = management.post(PATH, json!({"email": "b@example.com", "organization_id": organization})).await.expect(201).json();
        let late = management.user("b@example.com").await;
        let member = management.member(&late, &organization).await;
        management.delete(&format!("/user_management/organization_memberships/{}", member["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(management.get(&path(&made)).await.expect(200).json()["state"], "revoked");
        assert_eq!(server.events("invitation.revoked").await.len(), 2);
        assert_eq!(management.get(&path(&elsewhere)).await.expect(200).json()["state"], "pending", "of another organization");
    }

    async fn accepting_and_removing_at_once_end_in_one_of_both(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let list = format!("/user_management/organization_memberships?user_id={user}&organization_id={organization}&statuses=pending,active");
        for _ in 0..6 {
            let made = management.post(PATH, json!({"email": "a@example.com", "organization_id": organization})).await.expect(201).json();
            let waiting = management.get(&list).await.expect_list();
            let membership = format!("/user_management/organization_memberships/{}", waiting[0]["id"].as_str().unwrap());
            let accept = format!("{}/accept", path(&made));
            let (accepted, removed) = tokio::join!(management.post(&accept, json!({})), management.delete(&membership));
            assert!(matches!(accepted.status, 200 | 400), "{}", accepted.text);
            removed.expect(200);
            assert_ne!(management.get(&path(&made)).await.expect(200).json()["state"], "pending");
            assert_eq!(management.get(&list).await.expect_list(), Vec::<Value>::new());
        }
    }

    async fn an_expired_invitation_lets_nobody_in(server: TestServer) {
        let management = server.management();
        management.user("b@example.com").await;
        let organization = management.organization("Acme").await;
        let made = management.post(PATH, json!({"email": "b@example.com", "organization_id": organization})).await.expect(201).json();
        let resent = management.post(&format!("{}/resend", path(&made)), json!({"locale": "de"})).await.expect(200).json();
        assert_keys(&resent, &KEYS);
        assert_eq!((&resent["state"], &resent["token"]), (&json!("pending"), &made["token"]));
        server.clock.advance_seconds(7 * DAY + 1);
        management.post(&format!("{}/accept", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
        management.post(&format!("{}/resend", path(&made)), json!({})).await.expect_code(400, "invite_expired");
        management.post(&format!("{}/revoke", path(&made)), json!({})).await.expect_code(400, "invite_not_pending");
    }

    async fn lists_are_filtered_and_paged(server: TestServer) {
        let management = server.management();
        let (acme, other) = (management.organization("Acme").await, management.organization("Other").await);
        let mut made = Vec::new();
        for (email, organization) in [("a@example.com", Some(&acme)), ("a@example.com", Some(&other)), ("b@example.com", Some(&acme)), ("a@example.com", None)] {
            let body = json!({"email": email, "organization_id": organization});
            made.push(management.post(PATH, body).await.expect(201).text_at("id"));
        }
        let list = async |query: String| ids(&Value::Array(management.get(&format!("{PATH}?order=asc&{query}")).await.expect_list()));
        let at = |places: &[usize]| places.iter().map(|place| made[*place].clone()).collect::<Vec<_>>();
        assert_eq!(list(String::new()).await, made);
        assert_eq!(list("email=A@example.com".into()).await, at(&[0, 1, 3]));
        assert_eq!(list(format!("organization_id={acme}")).await, at(&[0, 2]));
        assert_eq!(list(format!("organization_id={acme}&email=a@example.com")).await, at(&[0]));
        assert_eq!(list(format!("limit=1&email=a@example.com&after={}", made[0])).await, at(&[1]));
        assert_eq!(list("organization_id=org_x".into()).await, at(&[]));
        let page = management.get(&format!("{PATH}?order=asc&limit=3")).await.expect(200).json();
        assert_eq!(page["list_metadata"], json!({"before": null, "after": made[2]}));
        management.get(&format!("{PATH}?before=x")).await.expect_invalid(&[("before", "invalid")]);
        management.delete(&format!("/organizations/{acme}")).await.expect(200);
        assert_eq!(list(String::new()).await, at(&[1, 3]));
    }
}
