//! Users as staff create and change them: the account, its sessions, the applications it authorized, its password.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;

const LIST: &str = "/dashboard/env/default/users";
const NEW: &str = "/dashboard/env/default/users/new";

fn page_of(id: impl std::fmt::Display) -> String {
    format!("{LIST}/{id}")
}

on_both_databases! {
    async fn an_account_is_made_found_changed_and_deleted(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        assert!(developer.open(LIST).await.html.contains("Nobody yet"));
        let page = developer.open(NEW).await;
        let typed = [("email", "ada@example.com"), ("first_name", "Ada <b>"), ("email_verified", "yes"), ("password", PASSWORD)];
        let page = developer.submit(&page, NEW, &typed).await;
        assert!(page.html.contains("Created.") && !page.html.contains("<b>"), "{}", page.html);
        assert!(!page.html.contains(PASSWORD));
        let made = server.management().get("/user_management/users").await.expect_list().remove(0);
        assert_eq!((&made["email_verified"], &made["first_name"]), (&json!(true), &json!("Ada <b>")));
        let mut person = Browser::new(&server);
        let sign_in = person.open("/sign-in").await;
        server.sign_in(&mut person, &sign_in, "ada@example.com").await;
        assert_eq!(person.open("/account").await.path, "/account", "the password is theirs");
        let href = page_of(made["id"].as_str().unwrap());
        server.management().user("grace@example.com").await;
        let found = developer.open(&format!("{LIST}?email=ADA@example.com")).await;
        assert!(found.html.contains(&href) && !found.html.contains("grace@"), "{}", found.html);
        let found = developer.open(&format!("{LIST}?email=Gr")).await;
        assert!(found.html.contains("grace@") && !found.html.contains(&href), "{}", found.html);
        for number in 0..51 {
            server.management().user(&format!("many-{number}@example.com")).await;
        }
        let found = developer.open(&format!("{LIST}?email=many-")).await;
        assert_eq!(found.html.matches(">many-").count(), 50);
        assert!(found.html.contains("Type more of the address"), "{}", found.html);
        assert!(!developer.open(&format!("{LIST}?email=many-4")).await.html.contains("Type more of the address"));
        for nobody in ["nobody@example.com", "race@", "%25", "grace@example.com."] {
            assert!(developer.open(&format!("{LIST}?email={nobody}")).await.html.contains("Nobody found"), "{nobody}");
        }
        let page = developer.open(&href).await;
        let saved = developer.submit(&page, &href, &[("first_name", ""), ("external_id", "a-1"), ("metadata", "{\"plan\":\"gold\"}")]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let now = server.management().get(&format!("/user_management/users/{}", made["id"].as_str().unwrap())).await.json();
        assert_eq!((&now["first_name"], &now["external_id"], &now["metadata"], &now["email_verified"]), (&json!(null), &json!("a-1"), &json!({"plan": "gold"}), &json!(true)));
        let gone = developer.submit(&saved, &format!("{href}/delete"), &[]).await;
        assert!(gone.html.contains("Deleted."), "{}", gone.html);
        assert_eq!(developer.open(&href).await.status, 404);
        assert_ne!(person.open("/account").await.path, "/account", "the session went with the account");
    }

    async fn what_is_wrong_is_said_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let id = server.management().user("taken@example.com").await;
        let page = developer.open(NEW).await;
        for (email, password, told) in [
            ("", "", "Email is required"),
            ("nobody", "", "The email address is not valid"),
            ("taken@example.com", "", "already used by another user"),
            ("new@example.com", "short", "at least"),
            ("new@example.com", "new@example.com", ""),
        ] {
            let answer = developer.submit(&page, NEW, &[("email", email), ("password", password), ("last_name", "L")]).await;
            assert_eq!(answer.status, 422, "{email} {password}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            assert_eq!(answer.html.contains("Type the password again."), !password.is_empty());
            let form = answer.form(NEW);
            assert_eq!((form.fields["email"].as_str(), form.fields["last_name"].as_str(), form.fields["password"].as_str()), (email, "L", ""));
        }
        let other = server.management().user("other@example.com").await;
        let (href, page) = (page_of(&other), developer.open(&page_of(&other)).await);
        for (typed, told) in [
            ([("email", "taken@example.com"), ("metadata", "")], "already used"),
            ([("email", "nobody"), ("metadata", "")], "The email address is not valid."),
            ([("email", "other@example.com"), ("metadata", "{")], "must be a JSON object"),
        ] {
            let answer = developer.submit(&page, &href, &typed).await;
            assert_eq!(answer.status, 422, "{typed:?}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            assert_eq!(answer.form(&href).fields[typed[0].0], typed[0].1);
        }
        assert_eq!(server.management().get(&format!("/user_management/users/{id}")).await.json()["email"], "taken@example.com");
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let ada = server.person("ada@example.com").await;
        let (href, api) = (page_of(ada), format!("/user_management/users/{ada}"));
        let stale = developer.open(&href).await;
        assert_eq!(stale.form(&href).fields["email_verified"], "yes");
        server.management().put(&api, json!({"email": "new@example.com"})).await.expect(200);
        let refused = developer.submit(&stale, &href, &[("last_name", "King")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{} {}", refused.status, refused.html);
        assert_eq!(refused.form(&href).fields["last_name"], "King", "what was typed stays");
        // Nor when something else was wrong with it first.
        let refused = developer.submit(&stale, &href, &[("metadata", "{")]).await;
        assert_eq!(refused.status, 409);
        let now = server.management().get(&api).await.json();
        assert_eq!((&now["email"], &now["email_verified"], &now["last_name"]), (&json!("new@example.com"), &json!(false), &json!("Lovelace")));
        let page = developer.open(&href).await;
        let saved = developer.submit(&page, &href, &[("last_name", "King")]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let mut fields = saved.form(&href).fields;
        fields.remove("seen");
        assert_eq!(developer.post(&href, &fields).await.status, 409, "one that does not say what it was drawn with");
    }

    async fn another_address_is_unproven_until_somebody_says_otherwise(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let ada = server.person("ada@example.com").await;
        let (href, verified) = (page_of(ada), format!("/user_management/users/{ada}"));
        let page = developer.open(&href).await;
        assert_eq!(page.form(&href).fields["email_verified"], "yes");
        // The box was checked for the old address.
        let page = developer.submit(&page, &href, &[("email", "ada@elsewhere.example")]).await;
        assert_eq!(server.management().get(&verified).await.json()["email_verified"], false);
        assert!(page.html.contains("Not verified yet"), "{}", page.html);
        developer.submit(&page, &href, &[("email_verified", "yes")]).await;
        assert_eq!(server.management().get(&verified).await.json()["email_verified"], true);
    }

    async fn sessions_end_one_by_one_and_all_together(server: TestServer) {
        let (ada, grace) = (server.person("ada@example.com").await, server.person("grace@example.com").await);
        let mut browsers = Vec::new();
        for email in ["ada@example.com", "ada@example.com", "ada@example.com", "grace@example.com"] {
            let mut browser = Browser::new(&server);
            browser.headers.push(("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/131.0".to_owned()));
            let page = browser.open("/sign-in").await;
            server.sign_in(&mut browser, &page, email).await;
            browsers.push(browser);
        }
        let mut developer = server.staff(StaffRole::Developer).await;
        let (href, revoke) = (page_of(ada), format!("{}/sessions/revoke", page_of(ada)));
        let page = developer.open(&href).await;
        assert!(page.html.contains("Firefox, Linux"), "{}", page.html);
        let forms: Vec<_> = page.forms().into_iter().filter(|form| form.action == revoke).collect();
        assert_eq!(forms.len(), 3);
        // Another user's session cannot be reached.
        let other = format!("{}/sessions/revoke", page_of(grace));
        assert_eq!(developer.post(&other, &forms[0].fields).await.status, 404);
        // The newest is listed first.
        let page = developer.post(&forms[0].action, &forms[0].fields).await;
        assert!(page.html.contains("Signed out."), "{}", page.html);
        assert_ne!(browsers[2].open("/account").await.path, "/account");
        assert_eq!(browsers[0].open("/account").await.path, "/account");
        developer.submit(&page, &format!("{href}/sign-out"), &[]).await;
        for (browser, signed_in) in browsers.iter_mut().zip([false, false, false, true]) {
            assert_eq!(browser.open("/account").await.path == "/account", signed_in);
        }
    }

    async fn what_somebody_let_in_is_taken_back(server: TestServer) {
        let ada = server.person("ada@example.com").await;
        let id = server.management().organization("Mine").await;
        server.member(ada, &id).await;
        let application = server.application("third", false, &[]).await;
        let mut person = Browser::new(&server);
        let page = person.open(&application.authorize("&scope=openid%20offline_access")).await;
        let page = server.sign_in(&mut person, &page, "ada@example.com").await;
        let code = person.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let tokens = server.redeem(&application, &code).await.expect(200);
        let mut developer = server.staff(StaffRole::Developer).await;
        let (href, revoke) = (page_of(ada), format!("{}/applications/revoke", page_of(ada)));
        let page = developer.open(&href).await;
        assert!(page.html.contains("The third application") && page.html.contains("Mine"), "{}", page.html);
        let fields = page.form(&revoke).fields;
        let page = developer.post(&revoke, &fields).await;
        assert!(page.html.contains("Revoked.") && page.html.contains("No connected applications"), "{}", page.html);
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(400);
        assert_eq!(developer.post(&revoke, &fields).await.status, 404, "there is nothing left");
    }

    async fn a_link_for_a_new_password_is_mailed_and_not_shown(server: TestServer) {
        let ada = server.person("ada@example.com").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let (href, send) = (page_of(ada), format!("{}/password-reset", page_of(ada)));
        let page = developer.open(&href).await;
        let page = developer.submit(&page, &send, &[]).await;
        assert!(page.html.contains("on its way") && !page.html.contains("token"), "{}", page.html);
        let mails = server.mails("ada@example.com").await;
        assert!(mails.len() == 1 && mails[0].text.contains("/reset-password?token="));
        let mut page = page;
        for _ in 0..3 {
            page = developer.submit(&page, &send, &[]).await;
        }
        assert_eq!(page.status, 422, "an address is not flooded: {}", page.html);
        assert_eq!(server.mails("ada@example.com").await.len(), 3);
    }

    async fn threat_34_a_person_of_another_environment_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = another.management.user("ada@example.com").await;
        let mut owner = server.staff(StaffRole::Owner).await;
        let right = format!("/dashboard/env/{}/users/{theirs}", another.name);
        let page = owner.open(&right).await;
        let fields = page.form(&format!("{right}/delete")).fields;
        let wrong = page_of(&theirs);
        assert_eq!(owner.open(&wrong).await.status, 404);
        for path in ["", "/delete", "/sessions/revoke", "/sign-out", "/applications/revoke", "/password-reset"] {
            assert_eq!(owner.post(&format!("{wrong}{path}"), &fields).await.status, 404, "{path}");
        }
        assert!(!owner.open(&format!("{LIST}?email=ada@example.com")).await.html.contains(&theirs));
        assert_eq!(owner.open(&right).await.status, 200, "they are still there");
    }
}
