//! Events as staff read them.

use crate::harness::{Client, TestServer, on_both_databases};
use countersign_protocol::management::events::NAMES;
use countersign_protocol::model::StaffRole;
use serde_json::json;

const PAGE: &str = "/dashboard/env/default/events";

async fn organization(management: &Client, name: &str) -> String {
    management.organization(name).await
}

on_both_databases! {
    async fn the_newest_come_first_and_each_can_be_read_whole(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let page = reader.open(PAGE).await;
        assert!(page.html.contains("Nothing has happened yet") && page.html.contains("data-live=\"2000\""), "{}", page.html);
        organization(&server.management(), "First").await;
        organization(&server.management(), "<script>alert(1)</script>").await;
        let page = reader.open(PAGE).await;
        let (newer, older) = (page.html.find("&#60;script&#62;alert(1)").unwrap(), page.html.find("<span>First</span>").unwrap());
        assert!(newer < older && !page.html.contains("<script>alert"), "{}", page.html);
        let event = server.management().get("/events?order=desc").await.expect_list().remove(0);
        assert!(page.html.contains(&format!("<li id=\"{}\">", event["id"].as_str().unwrap())), "{}", page.html);
        assert!(page.html.contains("organization.created"));
    }

    async fn the_list_is_narrowed_by_name_organization_and_time(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let management = server.management();
        let acme = organization(&management, "Acme").await;
        organization(&management, "Other").await;
        management.put(&format!("/organizations/{acme}"), json!({"name": "Acme 2"})).await.expect(200);
        let rows = async |reader: &mut crate::harness::Browser, query: &str| {
            let page = reader.open(&format!("{PAGE}?{query}")).await;
            assert_eq!(page.status, 200, "{}", page.html);
            page.html.matches("<li id=\"event_").count()
        };
        assert_eq!(rows(&mut reader, "event=organization.updated").await, 1);
        assert_eq!(rows(&mut reader, &format!("organization_id={acme}")).await, 2);
        assert_eq!(rows(&mut reader, &format!("organization_id={acme}&event=organization.created")).await, 1);
        assert_eq!(rows(&mut reader, "event=never.heard").await, 0);
        // The server's clock is moved rather than waited for.
        let now = server.clock.now().to_string();
        server.clock.advance_seconds(7200);
        organization(&management, "Later").await;
        let minute = now.get(..14).unwrap().to_owned();
        let later = server.clock.now().to_string().get(..14).unwrap().to_owned();
        assert_eq!(rows(&mut reader, &format!("to={later}00&event=organization.created")).await, 2, "{minute}");
        assert_eq!(rows(&mut reader, &format!("from={later}00")).await, 1);
        let page = reader.open(&format!("{PAGE}?from={later}00&event=organization.created")).await;
        assert_eq!(page.form(PAGE).fields["from"], format!("{later}00"));
        assert_eq!(page.form(PAGE).fields["event"], "organization.created");
        for wrong in ["organization_id=nope", "from=yesterday", "from=2026-01-02T00:00&to=2026-01-01T00:00", "after=event_01EHZNVPK3SFK441A1RGBFSHRT"] {
            assert_eq!(reader.open(&format!("{PAGE}?{wrong}")).await.status, 422, "{wrong}");
        }
    }

    async fn the_list_has_pages_and_only_the_first_goes_on_by_itself(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let management = server.management();
        for number in 0..52 {
            organization(&management, &format!("Organization {number}")).await;
        }
        let page = reader.open(&format!("{PAGE}?event=organization.created&limit=3")).await;
        assert_eq!(page.html.matches("<li id=\"event_").count(), 50);
        assert!(page.html.contains("data-live=\"2000\""));
        let older = page.html.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
        let older = older.replace("&amp;", "&").replace("&#38;", "&");
        let second = reader.open(&older).await;
        assert_eq!(second.html.matches("<li id=\"event_").count(), 2, "{older} {}", second.html);
        assert!(!second.html.contains("data-live=\"2000\"") && second.html.contains("rel=\"prev\""));
        // Paused and resumed by links.
        let paused = reader.open(&format!("{PAGE}?paused=yes&event=organization.created")).await;
        assert!(!paused.html.contains("data-live=\"2000\"") && paused.html.contains("Resume"), "{}", paused.html);
        assert!(!reader.open(&format!("{PAGE}?to=2026-01-01T00:00")).await.html.contains("data-live=\"2000\""), "the past does not grow");
    }

    async fn threat_34_events_are_one_environments(server: TestServer) {
        let another = server.another_environment().await;
        organization(&another.management, "Theirs").await;
        let event = another.management.get("/events").await.expect_list().remove(0)["id"].as_str().unwrap().to_owned();
        let mut owner = server.staff(StaffRole::Owner).await;
        assert!(!owner.open(PAGE).await.html.contains("Theirs"));
        let page = owner.open(&format!("{PAGE}?after={event}")).await;
        assert_eq!(page.status, 422);
        assert!(!page.html.contains("Theirs"));
        assert!(owner.open(&format!("/dashboard/env/{}/events", another.name)).await.html.contains("Theirs"));
    }
}

#[test]
fn names_are_in_order_and_named_once() {
    assert!(NAMES.is_sorted() && NAMES.windows(2).all(|pair| pair[0] != pair[1]));
}
