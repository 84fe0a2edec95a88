//! Organizations as staff create and change them: settings, domains, members, invitations, and API keys.

use crate::harness::{Browser, Page, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;
use std::collections::BTreeMap;

const LIST: &str = "/dashboard/env/default/organizations";
const NEW: &str = "/dashboard/env/default/organizations/new";

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// Posts what a page's button posts, with a different value in one of its fields.
async fn forge(browser: &mut Browser, page: &Page, action: &str, to: &str, field: &str, value: &str) -> u16 {
    let mut fields: BTreeMap<String, String> = page.form(action).fields;
    fields.insert(field.to_owned(), value.to_owned());
    browser.post(to, &fields).await.status
}

on_both_databases! {
    async fn an_organization_is_made_found_changed_and_deleted(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        assert!(developer.open(LIST).await.html.contains("Your first organization"));
        let page = developer.open(NEW).await;
        let typed = [("name", "Summit <b>GmbH</b>"), ("external_id", "summit"), ("domains", "Summit.example\r\n\r\nsummit.dev")];
        let page = developer.submit(&page, NEW, &typed).await;
        assert_eq!((page.status, page.html.contains("Created.")), (200, true), "{}", page.html);
        assert!(!page.html.contains("<b>GmbH</b>"), "what was typed is text");
        let made = server.management().get("/organizations").await.expect_list().remove(0);
        assert_eq!((made["name"].as_str(), made["external_id"].as_str()), (Some("Summit <b>GmbH</b>"), Some("summit")));
        assert_eq!(made["domains"].as_array().unwrap().len(), 2);
        let href = page_of(made["id"].as_str().unwrap());
        assert!(page.path.starts_with(&href));
        server.management().organization("Northwind").await;
        let found = developer.open(&format!("{LIST}?search=summit")).await;
        assert!(found.html.contains(&href) && !found.html.contains("Northwind"), "{}", found.html);
        assert!(developer.open(&format!("{LIST}?search=%3Ci%3Enobody")).await.html.contains("Nothing found"));
        let saved = developer.submit(&page, &href, &[("name", "Summit"), ("external_id", ""), ("metadata", "{\"plan\": \"gold\"}")]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let now = server.management().get(&format!("/organizations/{}", made["id"].as_str().unwrap())).await.json();
        assert_eq!((&now["name"], &now["external_id"], &now["metadata"]), (&json!("Summit"), &json!(null), &json!({"plan": "gold"})));
        // A cleared field is empty, not unchanged.
        let saved = developer.submit(&saved, &href, &[("metadata", "")]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let now = server.management().get(&format!("/organizations/{}", made["id"].as_str().unwrap())).await.json();
        assert_eq!(now["metadata"], json!({}));
        let gone = developer.submit(&saved, &format!("{href}/delete"), &[]).await;
        assert!(gone.html.contains("Deleted.") && !gone.html.contains(&href), "{}", gone.html);
        assert_eq!(developer.open(&href).await.status, 404);
    }

    async fn what_is_wrong_is_said_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        server.management().post("/organizations", json!({"name": "Taken", "external_id": "taken"})).await.expect(201);
        let page = developer.open(NEW).await;
        for (typed, told) in [
            ([("name", ""), ("external_id", ""), ("domains", "")], "Name is required"),
            ([("name", "A"), ("external_id", "taken"), ("domains", "")], "already used by another organization"),
            ([("name", "A"), ("external_id", "b"), ("domains", "gmail.com")], "Not a domain that an organization can own"),
        ] {
            let answer = developer.submit(&page, NEW, &typed).await;
            assert_eq!(answer.status, 422, "{typed:?}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            let form = answer.form(NEW);
            for (name, value) in typed {
                assert_eq!(form.fields[name], value);
            }
        }
        let id = server.management().organization("Mine").await;
        let (href, page) = (page_of(&id), developer.open(&page_of(&id)).await);
        for (typed, told) in [
            ([("name", "Other"), ("external_id", "x"), ("metadata", "gold")], "must be a JSON object"),
            ([("name", "Other"), ("external_id", "x"), ("metadata", "[]")], "must be an object"),
            ([("name", "Other"), ("external_id", "x"), ("metadata", "{\"n\": 1}")], "must be a string"),
            ([("name", "Other"), ("external_id", "taken"), ("metadata", "")], "already used"),
        ] {
            let answer = developer.submit(&page, &href, &typed).await;
            assert_eq!(answer.status, 422, "{typed:?} {}", answer.html);
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            let form = answer.form(&href);
            for (name, value) in typed {
                assert_eq!(form.fields[name], value);
            }
        }
        assert_eq!(server.management().get(&format!("/organizations/{id}")).await.json()["name"], "Mine");
    }

    async fn a_domain_is_added_checked_and_deleted(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let (id, other) = (server.management().organization("Mine").await, server.management().organization("Other").await);
        let href = page_of(&id);
        let (add, verify, delete) = (format!("{href}/domains"), format!("{href}/domains/verify"), format!("{href}/domains/delete"));
        let page = developer.open(&href).await;
        let refused = developer.submit(&page, &add, &[("domain", "not a domain")]).await;
        assert_eq!((refused.status, refused.form(&add).fields["domain"].as_str()), (422, "not a domain"));
        let page = developer.submit(&page, &add, &[("domain", "Acme.example")]).await;
        let domain = server.management().get(&format!("/organizations/{id}")).await.json()["domains"][0].clone();
        assert_eq!(domain["domain"], "acme.example");
        assert!(page.html.contains(&format!("verification_token={}", domain["verification_token"].as_str().unwrap())), "{}", page.html);
        let page = developer.submit(&page, &verify, &[]).await;
        assert!(page.html.contains("looking for the TXT record"), "{}", page.html);
        // It cannot be reached through another organization's page.
        let elsewhere = page_of(&other);
        for act in ["verify", "delete"] {
            let domain = domain["id"].as_str().unwrap();
            assert_eq!(forge(&mut developer, &page, &delete, &format!("{elsewhere}/domains/{act}"), "domain_id", domain).await, 404);
        }
        let page = developer.submit(&page, &delete, &[]).await;
        assert!(page.html.contains("Deleted.") && !page.html.contains("acme.example"), "{}", page.html);
    }

    async fn members_are_added_changed_suspended_and_removed(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        let (id, other) = (management.organization("Mine").await, management.organization("Other").await);
        management.role("billing").await;
        let ada = management.user("ada@example.com").await;
        let people = format!("{}/people", page_of(&id));
        let page = developer.open(&people).await;
        for (who, told) in [("nobody@example.com", "Invite the person below"), ("user_nope", "user_nope")] {
            let refused = developer.submit(&page, &people, &[("who", who)]).await;
            assert_eq!((refused.status, refused.form(&people).fields["who"].as_str()), (422, who), "{}", refused.html);
            assert!(refused.html.contains(told), "{}", refused.html);
        }
        let page = developer.submit(&page, &people, &[("who", " ADA@example.com "), ("role", "billing")]).await;
        assert!(page.html.contains("Added.") && page.html.contains("ada@example.com"), "{}", page.html);
        let again = developer.submit(&page, &people, &[("who", &ada)]).await;
        assert!(again.status == 422 && again.html.contains("already a member"), "{}", again.html);
        let memberships = format!("/user_management/organization_memberships?user_id={ada}&statuses=active,inactive");
        let membership = management.get(&memberships).await.expect_list().remove(0);
        assert_eq!(membership["role"]["slug"], "billing");
        let href = format!("{people}/{}", membership["id"].as_str().unwrap());
        let page = developer.open(&href).await;
        let form = page.form(&href);
        assert!(form.fields.contains_key("role_billing") && !form.fields.contains_key("role_member"));
        let page = developer.submit(&page, &href, &[("role_member", "yes")]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        let page = developer.submit(&page, &format!("{href}/deactivate"), &[]).await;
        assert!(page.html.contains("Inactive"), "{}", page.html);
        assert_eq!(management.get(&memberships).await.expect_list()[0]["status"], "inactive");
        // It cannot be reached through another organization.
        let elsewhere = format!("{}/people/{}", page_of(&other), membership["id"].as_str().unwrap());
        assert_eq!(developer.open(&elsewhere).await.status, 404);
        for act in ["", "/deactivate", "/reactivate", "/remove"] {
            let fields = page.form(&href).fields;
            assert_eq!(developer.post(&format!("{elsewhere}{act}"), &fields).await.status, 404, "{act}");
        }
        let page = developer.submit(&page, &format!("{href}/reactivate"), &[]).await;
        let page = developer.submit(&page, &format!("{href}/remove"), &[]).await;
        assert!(page.html.contains("Removed") && !page.html.contains("ada@example.com"), "{}", page.html);
        assert!(management.get(&memberships).await.expect_list().is_empty());
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        let id = management.organization("Mine").await;
        let (href, api) = (page_of(&id), format!("/organizations/{id}"));
        let stale = developer.open(&href).await;
        management.put(&api, json!({"external_id": "theirs"})).await.expect(200);
        let refused = developer.submit(&stale, &href, &[("name", "Typed")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{} {}", refused.status, refused.html);
        assert_eq!(refused.form(&href).fields["name"], "Typed");
        let now = management.get(&api).await.json();
        assert_eq!((&now["name"], &now["external_id"]), (&json!("Mine"), &json!("theirs")));
        // The roles of a member.
        for slug in ["billing", "admin"] {
            management.role(slug).await;
        }
        let made = management.member(&management.user("ada@example.com").await, &id).await;
        let made = made["id"].as_str().unwrap();
        let (href, api) = (format!("{href}/people/{made}"), format!("/user_management/organization_memberships/{made}"));
        let stale = developer.open(&href).await;
        management.put(&api, json!({"role_slug": "billing"})).await.expect(200);
        let refused = developer.submit(&stale, &href, &[("role_admin", "yes")]).await;
        assert_eq!(refused.status, 409, "{}", refused.html);
        let ticked = refused.form(&href).fields;
        assert!(ticked.contains_key("role_admin") && !ticked.contains_key("role_billing"), "what was ticked stays: {ticked:?}");
        assert_eq!(management.get(&api).await.json()["role"]["slug"], "billing");
        assert!(developer.submit(&refused, &href, &[]).await.html.contains("Saved."));
        assert_eq!(management.get(&api).await.json()["role"]["slug"], "admin");
    }

    async fn who_is_told_of_a_mail_gets_one(server: TestServer) {
        server.declare("kind = \"production\"\n").await.done();
        let mut developer = server.staff(StaffRole::Developer).await;
        let id = server.management().organization("Mine").await;
        let (people, invitations) = (format!("{}/people", page_of(&id)), format!("{}/invitations", page_of(&id)));
        let page = developer.open(&people).await;
        // Emails are kept here, and in production nobody can read them.
        let page = developer.submit(&page, &invitations, &[("email", "grace@example.com")]).await;
        assert!(page.html.contains("no email was sent") && !page.html.contains("on its way"), "{}", page.html);
        let page = developer.submit(&page, &format!("{invitations}/resend"), &[]).await;
        assert!(page.html.contains("No email was sent") && !page.html.contains("on its way"), "{}", page.html);
        let person = format!("/dashboard/env/default/users/{}", server.person("ada@example.com").await);
        let page = developer.open(&person).await;
        let page = developer.submit(&page, &format!("{person}/password-reset"), &[]).await;
        assert!(page.html.contains("No email was sent") && !page.html.contains("on its way"), "{}", page.html);
    }

    async fn who_is_suspended_here_has_no_tokens_any_more(server: TestServer) {
        let ada = server.person("ada@example.com").await;
        let id = server.management().organization("Mine").await;
        let membership = server.member(ada, &id).await;
        let application = server.application("third", false, &[]).await;
        let mut person = Browser::new(&server);
        let page = person.open(&application.authorize("&scope=openid%20offline_access")).await;
        let page = server.sign_in(&mut person, &page, "ada@example.com").await;
        let code = person.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let tokens = server.redeem(&application, &code).await.expect(200);
        let introspector = server.introspector().await;
        let token = tokens.text_at("access_token");
        assert_eq!(server.introspected(&introspector, &token).await["active"], true);
        let mut developer = server.staff(StaffRole::Developer).await;
        // The organization's page shows which applications have access; suspending the member ends it.
        let access = developer.open(&format!("{}/access", page_of(&id))).await;
        assert!(access.html.contains("The third application") && access.html.contains("ada@example.com"), "{}", access.html);
        let href = format!("{}/people/{}", page_of(&id), membership.id);
        let page = developer.open(&href).await;
        developer.submit(&page, &format!("{href}/deactivate"), &[]).await;
        assert_eq!(server.introspected(&introspector, &token).await["active"], false);
    }

    async fn an_invitation_is_sent_sent_again_and_taken_back(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        let (id, other) = (management.organization("Mine").await, management.organization("Other").await);
        let (people, invitations) = (format!("{}/people", page_of(&id)), format!("{}/invitations", page_of(&id)));
        let page = developer.open(&people).await;
        let refused = developer.submit(&page, &invitations, &[("email", "nobody")]).await;
        assert_eq!((refused.status, refused.form(&invitations).fields["email"].as_str()), (422, "nobody"));
        let page = developer.submit(&page, &invitations, &[("email", "grace@example.com"), ("role", "member")]).await;
        assert!(page.html.contains("Invited.") && page.html.contains("Pending"), "{}", page.html);
        assert!(page.html.contains("aria-label=\"Revoke: grace@example.com\""), "{}", page.html);
        assert_eq!(server.mails("grace@example.com").await.len(), 1);
        let again = developer.submit(&page, &invitations, &[("email", "grace@example.com")]).await;
        assert!(again.status == 422 && again.html.contains("already been invited"), "{}", again.html);
        let page = developer.submit(&page, &format!("{invitations}/resend"), &[]).await;
        assert!(page.html.contains("on its way"), "{}", page.html);
        assert_eq!(server.mails("grace@example.com").await.len(), 2);
        let sent = management.get("/user_management/invitations").await.expect_list().remove(0);
        let revoke = format!("{invitations}/revoke");
        for act in ["resend", "revoke"] {
            let elsewhere = format!("{}/invitations/{act}", page_of(&other));
            assert_eq!(forge(&mut developer, &page, &revoke, &elsewhere, "invitation_id", sent["id"].as_str().unwrap()).await, 404);
        }
        let page = developer.submit(&page, &revoke, &[]).await;
        assert!(page.html.contains("Revoked"), "{}", page.html);
        assert!(!page.forms().iter().any(|form| form.action == revoke), "nothing is left to take back");
        assert_eq!(management.get("/user_management/invitations").await.expect_list()[0]["state"], "revoked");
    }

    async fn an_api_key_is_shown_once_and_stops_when_revoked(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        management.permission("reports:read").await;
        let (id, other) = (management.organization("Mine").await, management.organization("Other").await);
        let machine = management.machine(&id, &[]).await;
        management.secret(machine["id"].as_str().unwrap()).await;
        let (access, keys) = (format!("{}/access", page_of(&id)), format!("{}/api-keys", page_of(&id)));
        let page = developer.open(&access).await;
        assert!(page.html.contains("/applications/app_") || page.html.contains(machine["id"].as_str().unwrap()), "{}", page.html);
        let refused = developer.submit(&page, &keys, &[("name", ""), ("scope_reports:read", "yes")]).await;
        assert_eq!(refused.status, 422, "{}", refused.html);
        assert!(refused.form(&keys).fields.contains_key("scope_reports:read"), "what was ticked stays");
        let made = developer.submit(&page, &keys, &[("name", "Data <i>warehouse</i>"), ("scope_reports:read", "yes")]).await;
        assert_eq!(made.status, 201, "{}", made.html);
        assert!(!made.html.contains("<i>"));
        let value = made.html.split("not shown again.</strong></p><p><span class=\"copyable\"><code>").nth(1).unwrap();
        let value = value.split('<').next().unwrap().to_owned();
        let known = management.post("/api_keys/validations", json!({"value": value})).await.expect(200).json();
        assert_eq!(known["api_key"]["permissions"], json!(["reports:read"]));
        let page = developer.open(&access).await;
        assert!(!page.html.contains(&value), "shown once");
        let revoke = format!("{keys}/revoke");
        let key = known["api_key"]["id"].as_str().unwrap();
        assert_eq!(forge(&mut developer, &page, &revoke, &format!("{}/api-keys/revoke", page_of(&other)), "api_key_id", key).await, 404);
        let page = developer.submit(&page, &revoke, &[]).await;
        assert!(page.html.contains("Revoked."), "{}", page.html);
        assert_eq!(management.post("/api_keys/validations", json!({"value": value})).await.expect(200).json()["api_key"], json!(null));
    }

    async fn threat_34_an_organization_of_another_environment_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = another.management.organization("Theirs").await;
        let user = another.management.user("ada@example.com").await;
        let membership = another.management.member(&user, &theirs).await["id"].as_str().unwrap().to_owned();
        let mut owner = server.staff(StaffRole::Owner).await;
        let right = format!("/dashboard/env/{}/organizations/{theirs}", another.name);
        let page = owner.open(&right).await;
        assert_eq!(page.status, 200);
        let fields = page.form(&format!("{right}/delete")).fields;
        let wrong = page_of(&theirs);
        for path in ["", "/people", "/access", &format!("/people/{membership}")] {
            assert_eq!(owner.open(&format!("{wrong}{path}")).await.status, 404, "{path}");
        }
        for path in [
            "", "/delete", "/domains", "/domains/verify", "/domains/delete", "/people", "/invitations", "/invitations/resend",
            "/invitations/revoke", "/api-keys", "/api-keys/revoke", &format!("/people/{membership}/remove"),
        ] {
            assert_eq!(owner.post(&format!("{wrong}{path}"), &fields).await.status, 404, "{path}");
        }
        // Nor can one of the other environment's users be made a member here.
        let ours = server.management().organization("Ours").await;
        let people = format!("{}/people", page_of(&ours));
        let page = owner.open(&people).await;
        for who in [user.as_str(), "ada@example.com"] {
            assert_eq!(owner.submit(&page, &people, &[("who", who)]).await.status, 422);
        }
        assert!(another.management.get(&format!("/organizations/{theirs}")).await.status == 200, "it is still there");
    }

    async fn who_may_only_read_sees_everything_and_no_buttons(server: TestServer) {
        let id = server.management().organization("Mine").await;
        let ada = server.management().user("ada@example.com").await;
        let membership = server.management().member(&ada, &id).await["id"].as_str().unwrap().to_owned();
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let href = page_of(&id);
        for path in [LIST.to_owned(), href.clone(), format!("{href}/people"), format!("{href}/people/{membership}"), format!("{href}/access")] {
            let page = reader.open(&path).await;
            assert_eq!(page.status, 200, "{path}");
            let destroys = page.html.contains("class=\"destroy\"") || page.html.contains("class=\"primary\"");
            assert!(!destroys, "{path}: {}", page.html);
        }
    }
}
