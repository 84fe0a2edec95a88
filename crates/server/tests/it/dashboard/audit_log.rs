//! The audit log: what administrators did, and the organizations' logs, as staff see them.

use crate::harness::{Browser, Page, Receiver, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const TRAIL: &str = "/dashboard/env/default/audit-log";

fn of(organization: &str) -> String {
    format!("{TRAIL}/organizations/{organization}")
}

async fn until(browser: &mut Browser, path: &str, says: &str) -> Page {
    let began = Instant::now();
    loop {
        let page = browser.open(path).await;
        if page.html.contains(says) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never says {says}: {} {}", page.status, page.html);
    }
}

/// Sends an organization's event.
async fn tell(server: &TestServer, organization: &str, actor: &str) {
    let management = server.management();
    management
        .post("/audit_logs/actions/team.renamed/schemas", json!({"targets": [{"type": "team"}]}))
        .await
        .expect(201);
    let event = json!({"organization_id": organization, "event": {
        "action": "team.renamed", "occurred_at": "2026-01-15T12:00:00.000Z",
        "actor": {"id": "user_1", "type": "user", "name": actor},
        "targets": [{"id": "team_1", "type": "team"}], "context": {"location": "192.0.2.1"}}});
    management.post("/audit_logs/events", event).await.expect(200);
}

on_both_databases! {
    async fn what_was_done_is_told_with_who_what_when_and_from_where(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        owner.headers = vec![("user-agent", "<b>Browser</b>".to_owned())];
        let organization = server.management().organization("<script>alert(1)</script>").await;
        // A staff member changes something, too.
        let page = owner.open("/dashboard/env/default/redirects").await;
        owner.submit(&page, "/dashboard/env/default/redirects", &[("uri", "https://app.example.com/callback")]).await;
        let page = owner.open(TRAIL).await;
        assert!(page.html.contains("data-live=\"2000\"") && page.html.contains("data-live-list"), "{}", page.html);
        let (newer, older) = (page.html.find("@staff.example").unwrap(), page.html.find("organization.created").unwrap());
        assert!(newer < older, "newest first");
        assert!(page.html.contains("API key “") && page.html.contains(&organization) && page.html.contains("127.0.0.1"), "{}", page.html);
        assert!(!page.html.contains("<script>alert") && page.html.contains("&#60;script&#62;alert(1)"));
        assert!(!page.html.contains("<b>Browser") && page.html.contains("&#60;b&#62;Browser"));
        // Reading leaves no trace, and nothing from another environment is shown.
        let another = server.another_environment().await;
        another.management.organization("Theirs").await;
        let rows = page.html.matches("<li id=\"").count();
        let again = owner.open(TRAIL).await;
        assert_eq!(again.html.matches("<li id=\"").count(), rows);
        assert!(!again.html.contains("Theirs"));
    }

    async fn the_trail_is_narrowed_and_has_pages(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        let other = management.organization("Other").await;
        management.put(&format!("/organizations/{acme}"), json!({"name": "Acme 2"})).await.expect(200);
        let rows = async |reader: &mut Browser, query: &str| {
            let page = reader.open(&format!("{TRAIL}?{query}")).await;
            assert_eq!(page.status, 200, "{}", page.html);
            page.html.matches("<li id=\"").count()
        };
        assert_eq!(rows(&mut reader, "action=organization.updated").await, 1);
        assert_eq!(rows(&mut reader, "action=organization.created").await, 2);
        assert_eq!(rows(&mut reader, &format!("organization_id={acme}")).await, 2);
        assert_eq!(rows(&mut reader, &format!("target={other}")).await, 1);
        assert_eq!(rows(&mut reader, "actor=nobody").await, 0);
        assert_eq!(rows(&mut reader, "from=2999-01-01T00:00").await, 0);
        // By the displayed name, and by the identifier that the row links to.
        let page = reader.open(&format!("{TRAIL}?action=organization.updated")).await;
        let link = page.html.split(">All of theirs<").next().unwrap().rsplit("href=\"").next().unwrap().trim_end_matches('"').to_owned();
        assert!(reader.open(&link).await.html.matches("<li id=\"").count() >= 3, "{link}");
        let name = page.html.split("API key “").nth(1).unwrap().split('”').next().unwrap();
        assert!(rows(&mut reader, &format!("actor={}", name.replace(' ', "+"))).await >= 3, "{name}");
        for wrong in ["organization_id=nope", "from=yesterday", "before=nonsense", "from=2026-01-02T00:00&to=2026-01-01T00:00"] {
            let page = reader.open(&format!("{TRAIL}?{wrong}")).await;
            assert!(page.status == 422 && !page.html.contains("data-live=\"2000\""), "{wrong}");
        }
        for number in 0..50 {
            management.organization(&format!("Organization {number}")).await;
        }
        let page = reader.open(&format!("{TRAIL}?action=organization.created")).await;
        assert_eq!(page.html.matches("<li id=\"").count(), 50);
        let older = page.html.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
        let older = older.replace("&#38;", "&").replace("&amp;", "&");
        let page = reader.open(&older).await;
        assert_eq!(page.html.matches("<li id=\"").count(), 2, "{older} {}", page.html);
        assert!(page.html.contains(">Newest</a>") && !page.html.contains("data-live=\"2000\""));
    }

    async fn a_copy_is_asked_for_and_downloaded(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let elsewhere = server.management().organization("Elsewhere").await;
        tell(&server, &organization, "Ada").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let (page, action) = (of(&organization), format!("{}/exports", of(&organization)));
        assert!(developer.open(&format!("{TRAIL}/organizations")).await.html.contains(&page));
        let shown = developer.open(&page).await;
        for (from, to) in [("", ""), ("2026-01-01T00:00", ""), ("2026-02-01T00:00", "2026-01-01T00:00"), ("now", "later")] {
            let refused = developer.submit(&shown, &action, &[("from", from), ("to", to)]).await;
            assert_eq!(refused.status, 422, "{from} {to}");
            assert_eq!(refused.form(&action).fields["from"], from);
        }
        let asked = developer.submit(&shown, &action, &[("from", "2026-01-01T00:00"), ("to", "2026-02-01T00:00")]).await;
        assert!(asked.path.ends_with("?done=exported"), "{} {}", asked.path, asked.html);
        let ready = until(&mut developer, &page, "/download\"").await;
        let download = ready.html.split("/download\"").next().unwrap().rsplit('"').next().unwrap().to_owned() + "/download";
        let file = developer.open(&download).await;
        assert!(file.status == 200 && file.html.starts_with("id,action,") && file.html.contains("Ada"), "{}", file.html);
        // A read-only user sees that there is an export but cannot download it; another organization does not have it.
        let seen = reader.open(&page).await;
        assert!(seen.html.contains("Ready") && !seen.html.contains("/download"), "{}", seen.html);
        assert_eq!(reader.open(&download).await.status, 403);
        assert_eq!(developer.open(&download.replace(&organization, &elsewhere)).await.status, 404);
        assert!(!developer.open(&of(&elsewhere)).await.html.contains("/download"));
        let trail = developer.open(&format!("{TRAIL}?action=audit_log_export.created")).await;
        assert_eq!(trail.html.matches("<li id=\"").count(), 1);
    }

    async fn the_log_of_an_organization_that_is_gone_is_there(server: TestServer) {
        let management = server.management();
        let (organization, silent) = (management.organization("Acme").await, management.organization("Silent").await);
        tell(&server, &organization, "Ada").await;
        for gone in [&organization, &silent] {
            management.delete(&format!("/organizations/{gone}")).await.expect(200);
        }
        let mut owner = server.staff(StaffRole::Owner).await;
        let (page, action) = (of(&organization), format!("{}/exports", of(&organization)));
        let shown = owner.open(&format!("{TRAIL}/organizations?search={organization}")).await;
        assert!(shown.path == page && shown.html.contains("This organization was deleted"), "{} {}", shown.path, shown.html);
        assert!(!shown.html.contains("/retention\"") && !shown.html.contains("/stream\"") && !shown.html.contains("Its page"), "{}", shown.html);
        let asked = owner.submit(&shown, &action, &[("from", "2026-01-01T00:00"), ("to", "2026-02-01T00:00")]).await;
        assert!(asked.path.ends_with("?done=exported"), "{} {}", asked.path, asked.html);
        let ready = until(&mut owner, &page, "/download\"").await;
        let download = ready.html.split("/download\"").next().unwrap().rsplit('"').next().unwrap().to_owned() + "/download";
        assert!(owner.open(&download).await.html.contains("Ada"));
        assert_eq!(owner.open(&of(&silent)).await.status, 404);
    }

    async fn an_admin_says_how_long_events_are_kept_and_where_they_are_sent(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let organization = server.management().organization("Acme").await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = of(&organization);
        let configuration = format!("/organizations/{organization}/audit_log_configuration");
        let shown = admin.open(&page).await;
        assert_eq!(shown.form(&format!("{page}/retention")).fields["days"], "365");
        // A shorter period needs confirmation, which says what is lost.
        let asked = admin.submit(&shown, &format!("{page}/retention"), &[("days", "90")]).await;
        assert!(asked.html.contains("Keep events for 90 days only?") && asked.html.contains("cannot be recovered"), "{}", asked.html);
        assert_eq!(server.management().get(&configuration).await.expect(200).json()["retention_period_in_days"], 365);
        let other = admin.submit(&asked, &format!("{page}/retention"), &[("days", "30")]).await;
        assert!(other.html.contains("Keep events for 30 days only?"), "a yes to something else is none: {}", other.html);
        let shown = admin.submit(&asked, &format!("{page}/retention"), &[]).await;
        assert_eq!(shown.form(&format!("{page}/retention")).fields["days"], "90");
        assert_eq!(server.management().get(&configuration).await.expect(200).json()["retention_period_in_days"], 90);
        for wrong in ["", "0", "91", "99999", "-30"] {
            assert_eq!(admin.submit(&shown, &format!("{page}/retention"), &[("days", wrong)]).await.status, 400, "{wrong}");
        }
        let stream = format!("{page}/stream");
        let url = format!("{}/in", receiver.base_url);
        for (url, headers) in [("nonsense", ""), (url.as_str(), "no header hunter2"), (url.as_str(), "Host: evil.example")] {
            let refused = admin.submit(&shown, &stream, &[("url", url), ("headers", headers)]).await;
            assert_eq!(refused.status, 422, "{url} {headers}");
            assert!(!refused.html.contains("hunter2"), "{}", refused.html);
        }
        let shown = admin.submit(&shown, &stream, &[("url", &url), ("headers", "Authorization: Bearer hunter2"), ("format", "ndjson")]).await;
        assert!(shown.html.contains("Active") && !shown.html.contains("hunter2"), "{}", shown.html);
        tell(&server, &organization, "Ada").await;
        let received = receiver.next().await;
        assert_eq!(received.headers["authorization"], "Bearer hunter2");
        assert!(received.body.contains("team.renamed"));
        // Developers see the stream, but have no form for it.
        let seen = until(&mut developer, &page, &url).await;
        assert!(!seen.html.contains("/stream\"") && !seen.html.contains("/retention\"") && !seen.html.contains("hunter2"), "{}", seen.html);
        let (end, csrf) = (format!("{page}/stream/end"), shown.form(&stream).fields["csrf"].clone());
        let fields = |how: &str| BTreeMap::from([("csrf".to_owned(), csrf.clone()), ("how".to_owned(), how.to_owned())]);
        assert_eq!(admin.post(&end, &fields("")).await.status, 400);
        let shown = admin.post(&end, &fields("stop")).await;
        assert!(shown.html.contains("Stopped") && !shown.html.contains(">Stop the stream<"), "{}", shown.html);
        let shown = admin.post(&end, &fields("forget")).await;
        assert!(shown.html.contains("No stream: events stay here"), "{}", shown.html);
        assert_eq!(admin.post(&end, &fields("forget")).await.status, 404, "there is none any more");
    }

    async fn threat_34_the_log_of_another_environments_organization_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = another.management.organization("Theirs").await;
        let ours = server.management().organization("Ours").await;
        let mut owner = server.staff(StaffRole::Owner).await;
        assert!(!owner.open(&format!("{TRAIL}/organizations")).await.html.contains("Theirs"));
        let mut fields = owner.open(&of(&ours)).await.form(&format!("{}/stream", of(&ours))).fields;
        fields.extend([("days", "30"), ("how", "stop"), ("url", "https://evil.example.com/"), ("from", "2026-01-01T00:00"), ("to", "2026-02-01T00:00")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(owner.open(&of(&theirs)).await.status, 404);
        for path in ["exports", "retention", "stream", "stream/end"] {
            assert_eq!(owner.post(&format!("{}/{path}", of(&theirs)), &fields).await.status, 404, "{path}");
        }
        let known = another.management.get(&format!("/organizations/{theirs}/audit_log_configuration")).await.expect(200).json();
        assert!(known["retention_period_in_days"] == 365 && known.get("log_stream").is_none_or(serde_json::Value::is_null), "{known}");
    }

    async fn the_head_of_the_chain_is_there_to_be_kept_elsewhere(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        server.management().organization("Acme").await;
        let page = reader.open(&format!("{TRAIL}/chain")).await;
        let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
        let report = countersign::domain::audit_log::chain::verify(store, key, server.environment_id()).await.unwrap();
        assert!(report.broken.is_none() && report.ends.sequence > 0);
        assert!(page.html.contains(&report.ends.hash.to_string()), "{}", page.html);
        assert!(page.html.contains(&format!("<dd>{}</dd>", report.ends.sequence)) && !page.html.contains("no longer linked"));
    }
}
