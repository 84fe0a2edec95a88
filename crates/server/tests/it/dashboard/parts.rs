//! Pages with several lists: each is paged independently, and none ends without saying so.

use crate::harness::{Browser, Page, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;

/// The number of rows in each list: more than fit on one page, fewer than on two.
const MANY: usize = 13;

/// Returns the link to the next or previous page of the list with this name.
#[track_caller]
fn turned(page: &Page, list: &str, direction: &str) -> Option<String> {
    let (_, pager) = page.html.split_once(&format!("aria-label=\"Pages of {list}\""))?;
    let pager = pager.split("</nav>").next().unwrap();
    let link = pager.split("<a ").find(|link| link.contains(&format!("rel=\"{direction}\"")))?;
    Some(link.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"))
}

/// Pages through a list from its newest to its oldest row and back: each of these rows is on exactly one page.
async fn turn_over(browser: &mut Browser, path: &str, list: &str, rows: &[String], elsewhere: &str) {
    let first = browser.open(path).await;
    assert_eq!(turned(&first, list, "prev"), None, "{list}");
    let older = turned(&first, list, "next").unwrap_or_else(|| panic!("{list}: {}", first.html));
    assert!(older.ends_with(&format!("#{list}")) && first.html.contains(&format!("id=\"{list}\"")), "{older}");
    let second = browser.open(older.split('#').next().unwrap()).await;
    assert_eq!((second.status, turned(&second, list, "next")), (200, None), "{list}");
    for row in rows {
        assert_ne!(first.html.contains(row.as_str()), second.html.contains(row.as_str()), "{list}: {row}");
    }
    assert!(second.html.contains(elsewhere), "the other lists stay: {}", second.html);
    let newer = turned(&second, list, "prev").unwrap();
    let back = browser.open(newer.split('#').next().unwrap()).await;
    assert!(rows.iter().all(|row| back.html.contains(row.as_str()) == first.html.contains(row.as_str())), "{list}");
    // An invalid cursor, or another list's.
    for wrong in ["x", "%3Cb%3E"] {
        let answer = browser.open(&format!("{path}?{list}_after={wrong}")).await;
        assert_eq!((answer.status, answer.html.contains("<b>")), (422, false), "{list}");
    }
}

on_both_databases! {
    async fn the_lists_of_an_organization_are_turned_over(server: TestServer) {
        let management = server.management();
        let id = management.organization("Northwind").await;
        let (mut keys, mut machines, mut members, mut invited) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in 100..100 + MANY {
            let name = format!("Key {number}");
            management.post(&format!("/organizations/{id}/api_keys"), json!({"name": name})).await.expect(201);
            keys.push(name);
            let name = format!("Machine {number}");
            let machine = json!({"name": name, "application_type": "m2m", "organization_id": id});
            management.post("/connect/applications", machine).await.expect(201);
            machines.push(name);
            let email = format!("member{number}@example.com");
            let user = management.user(&email).await;
            let membership = json!({"user_id": user, "organization_id": id});
            management.post("/user_management/organization_memberships", membership).await.expect(201);
            members.push(email);
            let email = format!("invited{number}@example.com");
            let invitation = json!({"email": email, "organization_id": id});
            management.post("/user_management/invitations", invitation).await.expect(201);
            invited.push(email);
        }
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let path = format!("/dashboard/env/default/organizations/{id}");
        turn_over(&mut reader, &format!("{path}/access"), "api-keys", &keys, &machines[MANY - 1]).await;
        turn_over(&mut reader, &format!("{path}/access"), "applications", &machines, &keys[MANY - 1]).await;
        turn_over(&mut reader, &format!("{path}/people"), "members", &members, &invited[MANY - 1]).await;
        // The search stays in effect, whichever list is paged.
        let found = reader.open(&format!("{path}/people?search=member1")).await;
        for (list, members) in [("members", MANY - 10), ("invitations", 10)] {
            let older = turned(&found, list, "next").unwrap_or_else(|| panic!("{}", found.html));
            assert!(older.contains(&format!("?search=member1&{list}_after=")), "{older}");
            let older = reader.open(older.split('#').next().unwrap()).await;
            assert_eq!(older.html.matches("/people/om_").count(), members, "{list}");
            assert!(older.html.contains("value=\"member1\""), "{list}");
        }
        let odd = reader.open(&format!("{path}/people?search=%22%26%23%3Cb%3E")).await;
        let older = turned(&odd, "invitations", "next").unwrap();
        assert!(older.contains("?search=%22%26%23%3Cb%3E&invitations_after=") && !odd.html.contains("<b>"), "{older}");
        turn_over(&mut reader, &format!("{path}/people"), "invitations", &invited, &members[MANY - 1]).await;
    }

    async fn the_lists_of_a_person_are_turned_over(server: TestServer) {
        let management = server.management();
        let person = server.person("ada@example.com").await;
        let mut organizations = Vec::new();
        for number in 100..100 + MANY {
            let name = format!("Organization {number}");
            let organization = management.organization(&name).await;
            let membership = json!({"user_id": person, "organization_id": organization});
            management.post("/user_management/organization_memberships", membership).await.expect(201);
            organizations.push(name);
        }
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let path = format!("/dashboard/env/default/users/{person}");
        turn_over(&mut reader, &path, "organizations", &organizations, "Not signed in anywhere.").await;
        for _ in 0..MANY {
            let mut browser = Browser::new(&server);
            let page = browser.open("/sign-in").await;
            server.sign_in(&mut browser, &page, "ada@example.com").await;
        }
        turn_over(&mut reader, &path, "sessions", &[], &organizations[MANY - 1]).await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let first = developer.open(&path).await;
        let second = developer.open(turned(&first, "sessions", "next").unwrap().split('#').next().unwrap()).await;
        let shown = |page: &Page| page.html.matches("name=\"session_id\"").count();
        assert_eq!((shown(&first), shown(&second)), (10, MANY - 10));
    }

    async fn a_member_is_found_by_a_part_of_name_or_address_and_nobody_else_is(server: TestServer) {
        let management = server.management();
        let (here, there) = (management.organization("Here").await, management.organization("There").await);
        for (email, organization) in [("ada@example.com", &here), ("grace@example.com", &here), ("eve@example.com", &there)] {
            let user = management.user(email).await;
            management.put(&format!("/user_management/users/{user}"), json!({"first_name": "Miss", "last_name": email})).await.expect(200);
            let membership = json!({"user_id": user, "organization_id": organization});
            management.post("/user_management/organization_memberships", membership).await.expect(201);
        }
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let path = format!("/dashboard/env/default/organizations/{here}/people");
        for ada in ["ADA@example.com", "da@ex", "miss+ada"] {
            let found = reader.open(&format!("{path}?search={ada}")).await;
            assert!(found.html.contains(">ada@example.com<") && !found.html.contains("grace@"), "{}", found.html);
        }
        for nobody in ["eve@example.com", "nobody@example.com", "%3Cb%3E", "%25", "a_a"] {
            let found = reader.open(&format!("{path}?search={nobody}")).await;
            assert!(found.html.contains("No member has") && !found.html.contains("<b>"), "{}", found.html);
            assert!(!found.html.contains("/people/om_"), "{}", found.html);
        }
    }
}
