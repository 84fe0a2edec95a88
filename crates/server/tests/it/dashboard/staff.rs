//! The people who can use the dashboard, and who decides that.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases};
use countersign::domain::{Failure, mails, staff};
use countersign_protocol::model::StaffRole;
use countersign_store::mail;
use std::collections::BTreeMap;

const STAFF: &str = "/dashboard/staff";

/// Returns the path of the page of the first staff member with this role whose email is not `but`.
async fn page_of(server: &TestServer, role: StaffRole, but: &str) -> String {
    let act = server.act_of_staff().await;
    let all = staff::list(&mut server.app.store.reader().await.unwrap(), &act).await.unwrap();
    let has = |roles: &[String]| StaffRole::most(roles) == Some(role);
    let found = all.iter().find(|(one, user)| has(&one.roles) && user.email != but);
    format!("{STAFF}/{}", found.unwrap().0.id)
}

/// Returns the path of the browser user's own page.
async fn own_page(server: &TestServer, browser: &mut Browser) -> String {
    let account = browser.open("/dashboard/account").await.html;
    let act = server.act_of_staff().await;
    let all = staff::list(&mut server.app.store.reader().await.unwrap(), &act).await.unwrap();
    let (own, _) = all.iter().find(|(_, user)| account.contains(&user.email)).unwrap();
    format!("{STAFF}/{}", own.id)
}

async fn csrf(browser: &mut Browser) -> BTreeMap<String, String> {
    let page = browser.open("/dashboard/sign-out").await;
    let csrf = page.form("/dashboard/sign-out").fields.remove("csrf").unwrap();
    BTreeMap::from([("csrf".to_owned(), csrf)])
}

/// Posts to any address, like a browser whose page has no such button.
async fn forge(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut all = csrf(browser).await;
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post(path, &all).await
}

/// Returns the text of the newest message that the built-in environment sent to an address.
async fn mailed(server: &TestServer, to: &str) -> Option<String> {
    let act = server.act_of_staff().await;
    let kept = mail::list(&mut server.app.store.reader().await.unwrap(), act.environment_id).await.unwrap();
    let messages = kept.iter().map(|one| mails::open(&server.app.keyring, one).unwrap());
    messages.into_iter().find(|message| message.to == to).map(|message| message.text)
}

/// Returns the link of the invitation to an address.
async fn invitation(server: &TestServer, to: &str) -> String {
    let text = mailed(server, to).await.unwrap();
    let link = text.split_whitespace().find(|word| word.contains("/invite?invitation_token=")).unwrap();
    server.path_of(link)
}

/// Returns the link that a page shows.
fn link(server: &TestServer, page: &Page) -> String {
    let (_, rest) = page.html.split_once("<span class=\"copyable\"><code>").unwrap_or_else(|| panic!("{}", page.html));
    server.path_of(rest.split('<').next().unwrap())
}

on_both_databases! {
    async fn an_admin_invites_a_developer_by_mail(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(STAFF).await;
        assert!(!page.html.contains("value=\"owner\""), "what an admin may not give is not offered");
        let refused = admin.submit(&page, STAFF, &[("email", "nobody"), ("role", "developer"), ("how", "mail")]).await;
        assert_eq!((refused.status, refused.form(STAFF).fields["email"].as_str()), (422, "nobody"));
        let page = admin.submit(&page, STAFF, &[("email", "grace@company.example"), ("role", "developer"), ("how", "mail")]).await;
        assert!(page.html.contains("Invited.") && page.html.contains("grace@company.example"), "{}", page.html);
        let mut grace = Browser::new(&server);
        let page = grace.open(&invitation(&server, "grace@company.example").await).await;
        let page = grace.submit(&page, "/dashboard/invite", &[]).await;
        let typed = [("email", "grace@company.example"), ("password", PASSWORD)];
        let page = grace.submit(&page, "/dashboard/sign-up", &typed).await;
        let code = mailed(&server, "grace@company.example").await.unwrap();
        let code = code.split_whitespace().find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit())).unwrap().to_owned();
        let form = page.forms().into_iter().find(|form| form.action.contains("/sign-in/code") && !form.action.contains("send")).unwrap();
        grace.submit(&page, &form.action, &[("code", &code)]).await;
        assert_eq!(grace.open("/dashboard/env/default/applications/new").await.status, 200);
        assert_eq!(grace.open("/dashboard/environments/new").await.status, 403);
    }

    async fn a_link_lets_in_once_and_is_shown_once(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let page = owner.open(STAFF).await;
        let page = owner.submit(&page, STAFF, &[("role", "read-only"), ("how", "link")]).await;
        assert_eq!(page.status, 201, "{}", page.html);
        let link = link(&server, &page);
        assert!(!owner.open(STAFF).await.html.contains(&link));
        let mut first = Browser::new(&server);
        let page = first.open(&link).await;
        first.submit(&page, "/dashboard/welcome", &[("email", "new@company.example"), ("password", PASSWORD)]).await;
        assert_eq!(first.open("/dashboard/env/default").await.status, 200);
        assert_eq!(first.open("/dashboard/env/default/users/new").await.status, 403);
        assert_eq!(Browser::new(&server).open(&link).await.status, 400);
    }

    async fn only_an_owner_makes_owners_or_changes_what_an_owner_is(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let owners = page_of(&server, StaffRole::Owner, "").await;
        let page = admin.open(&owners).await;
        assert!(page.html.contains("Only an owner can change") && page.forms().is_empty(), "{}", page.html);
        for fields in [[("role", "owner"), ("how", "link"), ("email", "")], [("role", "owner"), ("how", "mail"), ("email", "eve@company.example")]] {
            let page = forge(&mut admin, STAFF, &fields).await;
            assert!(page.status == 403 && page.html.contains("Only an owner can grant, change or take away"), "{}", page.html);
        }
        for (path, fields) in [(owners.clone(), vec![("role", "read-only")]), (format!("{owners}/dismiss"), vec![])] {
            let page = forge(&mut admin, &path, &fields).await;
            assert!(page.status == 403 && page.html.contains("Only an owner"), "{path}: {}", page.html);
        }
        server.staff(StaffRole::Developer).await;
        let developer = page_of(&server, StaffRole::Developer, "").await;
        let page = forge(&mut admin, &developer, &[("role", "owner")]).await;
        assert!(page.status == 403 && page.html.contains("Only an owner"), "{}", page.html);
        // An admin cannot revoke an owner's invitation.
        let page = owner.open(STAFF).await;
        let page = owner.submit(&page, STAFF, &[("email", "second@company.example"), ("role", "owner"), ("how", "mail")]).await;
        let id = page.form("/dashboard/staff/invitations/revoke").fields["invitation_id"].clone();
        for act in ["resend", "revoke"] {
            let page = forge(&mut admin, &format!("{STAFF}/invitations/{act}"), &[("invitation_id", &id)]).await;
            assert!(page.status == 403 && page.html.contains("Only an owner"), "{}", page.html);
        }
        let page = owner.open(STAFF).await;
        let page = owner.submit(&page, "/dashboard/staff/invitations/revoke", &[]).await;
        assert!(!page.html.contains("second@company.example"), "{}", page.html);
        // An admin may make other staff admins.
        let page = admin.open(&developer).await;
        let page = admin.submit(&page, &developer, &[("role", "admin")]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
    }

    async fn nobody_changes_what_they_are_and_an_owner_stays(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let own = own_page(&server, &mut owner).await;
        let page = owner.open(&own).await;
        assert!(page.html.contains("You cannot change your own role") && page.forms().is_empty(), "{}", page.html);
        for (path, fields) in [(own.clone(), vec![("role", "admin")]), (format!("{own}/dismiss"), vec![])] {
            let page = forge(&mut owner, &path, &fields).await;
            assert!(page.status == 403 && page.html.contains("You cannot change your own role"), "{}", page.html);
        }
        assert_eq!(owner.open("/dashboard/environments/new").await.status, 200);
    }

    async fn threat_46_who_is_dismissed_is_out_at_once_and_what_they_prepared_is_worth_nothing(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(STAFF).await;
        let made = admin.submit(&page, STAFF, &[("role", "admin"), ("how", "link")]).await;
        let way_back = link(&server, &made);
        admin.submit(&page, STAFF, &[("email", "mine@private.example"), ("role", "admin"), ("how", "mail")]).await;
        let invited = invitation(&server, "mine@private.example").await;
        let page = owner.open(STAFF).await;
        owner.submit(&page, STAFF, &[("email", "other@company.example"), ("role", "admin"), ("how", "mail")]).await;
        let kept = invitation(&server, "other@company.example").await;
        let href = own_page(&server, &mut admin).await;
        let page = owner.open(&href).await;
        let page = owner.submit(&page, &format!("{href}/dismiss"), &[]).await;
        assert!(page.html.contains("Removed") && !page.html.contains("mine@private.example"), "{}", page.html);
        assert_eq!(admin.open("/dashboard").await.path.split('?').next(), Some("/dashboard/sign-in"));
        assert_eq!(Browser::new(&server).open(&way_back).await.status, 400);
        assert_eq!(Browser::new(&server).open(&invited).await.status, 400);
        assert_eq!(Browser::new(&server).open(&kept).await.status, 200, "what others sent stands");
    }

    async fn who_is_made_less_may_do_less_at_once(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(STAFF).await;
        let made = admin.submit(&page, STAFF, &[("role", "admin"), ("how", "link")]).await;
        let way_back = link(&server, &made);
        let href = own_page(&server, &mut admin).await;
        let page = owner.open(&href).await;
        let page = owner.submit(&page, &href, &[("role", "read-only")]).await;
        assert!(page.html.contains("Saved.") && page.html.contains("Read-only"), "{}", page.html);
        assert_eq!(admin.open("/dashboard/environments/new").await.status, 403);
        assert_eq!(Browser::new(&server).open(&way_back).await.status, 400);
    }

    async fn threat_46_of_two_owners_who_dismiss_each_other_at_once_one_stays(server: TestServer) {
        let (mut one, mut other) = (server.staff(StaffRole::Owner).await, server.staff(StaffRole::Owner).await);
        let (of_one, of_other) = (own_page(&server, &mut one).await, own_page(&server, &mut other).await);
        let (page_of_one, page_of_other) = (one.open(&of_other).await, other.open(&of_one).await);
        let (against_other, against_one) = (format!("{of_other}/dismiss"), format!("{of_one}/dismiss"));
        tokio::join!(one.submit(&page_of_one, &against_other, &[]), other.submit(&page_of_other, &against_one, &[]));
        let act = server.act_of_staff().await;
        let all = staff::list(&mut server.app.store.reader().await.unwrap(), &act).await.unwrap();
        assert_eq!(all.len(), 1, "one of them was first");
    }

    async fn threat_46_the_rule_is_the_domains_and_not_the_pages(server: TestServer) {
        // Permission is checked again when the action is performed.
        let mut admin = server.staff(StaffRole::Admin).await;
        let href = own_page(&server, &mut admin).await;
        let act = server.act_of_staff().await;
        let all = staff::list(&mut server.app.store.reader().await.unwrap(), &act).await.unwrap();
        let by = all.iter().find(|(one, _)| href.ends_with(&one.id.to_string())).unwrap().1.id;
        server.dismiss_staff().await;
        let made = server.app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { countersign::domain::staff::changes::make_link(tx, &act, by, StaffRole::Admin).await })
        });
        assert!(matches!(made.await, Err(Failure::Refused(_))));
    }

    async fn a_member_of_an_organization_of_the_product_is_no_staff(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let user = server.management().user("ada@example.com").await;
        let membership = server.management().member(&user, &organization).await["id"].as_str().unwrap().to_owned();
        let mut owner = server.staff(StaffRole::Owner).await;
        for path in [format!("{STAFF}/{membership}"), format!("{STAFF}/nope")] {
            assert_eq!(owner.open(&path).await.status, 404);
            assert_eq!(forge(&mut owner, &path, &[("role", "owner")]).await.status, 404);
            assert_eq!(forge(&mut owner, &format!("{path}/dismiss"), &[]).await.status, 404);
        }
    }
}
