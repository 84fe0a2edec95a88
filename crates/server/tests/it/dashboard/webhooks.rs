//! Webhooks as staff see and change them: endpoints, and the results of deliveries.

use crate::harness::{Browser, Client, Page, Receiver, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LIST: &str = "/dashboard/env/default/webhooks";
const NEW: &str = "/dashboard/env/default/webhooks/new";
const NOTHING: &str = "event_01EHZNVPK3SFK441A1RGBFSHRT";

/// Creates an endpoint through the API; returns its page and its API representation.
async fn endpoint(management: &Client, url: &str, events: &[&str]) -> (String, Value) {
    let made = management.post("/webhook_endpoints", json!({"endpoint_url": url, "events": events})).await;
    let made = made.expect(201).json();
    (format!("{LIST}/{}", made["id"].as_str().unwrap()), made)
}

/// Reloads a page until it contains a text.
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

/// Returns only the CSRF field of a page.
fn csrf(page: &Page) -> BTreeMap<String, String> {
    let csrf = page.forms().into_iter().find_map(|form| form.fields.get("csrf").cloned()).unwrap();
    BTreeMap::from([("csrf".to_owned(), csrf)])
}

on_both_databases! {
    async fn an_endpoint_is_made_tested_and_its_deliveries_are_read(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(LIST).await;
        assert!(page.html.contains("No endpoint yet"), "{}", page.html);
        let page = developer.open(NEW).await;
        let url = format!("{}/hook", receiver.base_url);
        let none = developer.submit(&page, NEW, &[("endpoint_url", &url), ("which", "some")]).await;
        assert!(none.status == 422 && none.html.contains("Tick at least one event"), "{}", none.html);
        assert_eq!(none.form(NEW).fields["endpoint_url"], url, "what was typed is there still");
        let wrong = developer.submit(&page, NEW, &[("endpoint_url", "nonsense"), ("which", "all")]).await;
        assert_eq!(wrong.status, 422, "{}", wrong.html);
        let made = developer
            .submit(&none, NEW, &[("endpoint_url", &url), ("which", "some"), ("event_organization.created", "yes")])
            .await;
        assert!(made.status == 200 && made.path.ends_with("?done=created"), "{} {}", made.path, made.html);
        let endpoint = made.path.split('?').next().unwrap().to_owned();
        let id = endpoint.rsplit('/').next().unwrap();
        let known = server.management().get(&format!("/webhook_endpoints/{id}")).await.expect(200).json();
        assert_eq!(known["events"], json!(["organization.created"]));
        assert!(made.html.contains(known["secret"].as_str().unwrap()) && made.html.contains("data-live=\"2000\""));
        let twice = developer.submit(&page, NEW, &[("endpoint_url", &url), ("which", "all")]).await;
        assert!(twice.status == 422 && twice.html.contains("already"), "{}", twice.html);

        let tested = developer.submit(&made, &format!("{endpoint}/test"), &[]).await;
        assert!(tested.html.contains("The test event was delivered: 200 OK"), "{}", tested.html);
        assert!(receiver.next().await.body.contains("webhook_endpoint.tested"));
        receiver.answer(500);
        let tested = developer.submit(&made, &format!("{endpoint}/test"), &[]).await;
        assert!(tested.html.contains("The test event was not delivered: 500 Internal Server Error"), "{}", tested.html);
        receiver.next().await;

        server.management().organization("<script>alert(1)</script>").await;
        let received = receiver.next().await;
        let event = received.headers["webhook-id"].to_str().unwrap().to_owned();
        let page = until(&mut developer, &endpoint, "Delivered").await;
        let delivery = format!("{endpoint}/deliveries/{event}");
        assert!(page.html.contains(&format!("href=\"{delivery}\"")), "{}", page.html);
        let page = until(&mut developer, &delivery, "200 OK").await;
        for name in ["workos-signature", "webhook-id", "webhook-timestamp", "webhook-signature"] {
            let sent = received.headers[name].to_str().unwrap().replace('+', "&#43;");
            let shown = page.html.replace('+', "&#43;");
            assert!(shown.contains(&format!("{name}: {sent}")), "{name}: {sent} is not in {}", page.html);
        }
        assert!(!page.html.contains("<script>alert") && page.html.contains("&#60;script&#62;alert(1)"));
        developer.submit(&page, &format!("{delivery}/resend"), &[]).await;
        assert_eq!(receiver.next().await.headers["webhook-id"], event.as_str());
        until(&mut developer, LIST, "Delivered").await;
        assert_eq!(developer.open(&format!("{endpoint}/deliveries/{NOTHING}")).await.status, 404);
        assert_eq!(developer.open(&format!("{endpoint}?after={NOTHING}")).await.status, 422);
    }

    async fn who_only_reads_sees_no_secret_no_signature_and_nothing_to_press(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let (page, made) = endpoint(&management, &receiver.base_url, &["organization.created"]).await;
        management.organization("A").await;
        let event = receiver.next().await.headers["webhook-id"].to_str().unwrap().to_owned();
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        for path in [LIST.to_owned(), page.clone(), format!("{page}/settings"), format!("{page}/deliveries/{event}")] {
            let shown = reader.open(&path).await;
            assert_eq!(shown.status, 200, "{path}");
            assert!(!shown.html.contains(made["secret"].as_str().unwrap()), "{path}");
            assert!(!shown.html.contains("v1="), "{path}");
            assert!(!shown.html.contains("<button class=\"primary\"") && !shown.html.contains("/delete\""), "{path}: {}", shown.html);
        }
    }

    async fn the_secret_is_rotated_in_two_steps_or_at_once(server: TestServer) {
        let (page, made) = endpoint(&server.management(), "https://hooks.example.com/", &["user.created"]).await;
        let api = format!("/webhook_endpoints/{}", made["id"].as_str().unwrap());
        let mut developer = server.staff(StaffRole::Developer).await;
        let settings = format!("{page}/settings");
        let shown = developer.open(&settings).await;
        let shown = developer.submit(&shown, &format!("{page}/secret"), &[]).await;
        let known = server.management().get(&api).await.expect(200).json();
        let next = known["next_secret"].as_str().unwrap().to_owned();
        assert_eq!(known["secret"], made["secret"]);
        assert!(shown.html.contains(made["secret"].as_str().unwrap()) && shown.html.contains(&next), "{}", shown.html);
        // The button of an outdated page is pressed.
        let twice = developer.post(&format!("{page}/secret"), &csrf(&shown)).await;
        assert_eq!(twice.status, 422);
        assert!(twice.html.contains("A secret rotation is already in progress"), "{}", twice.html);
        developer.submit(&shown, &format!("{page}/secret/complete"), &[]).await;
        assert_eq!(server.management().get(&api).await.expect(200).json()["secret"], next.as_str());
        let early = developer.post(&format!("{page}/secret/complete"), &csrf(&shown)).await;
        assert_eq!(early.status, 422, "there is none to take over");
        let shown = developer.open(&settings).await;
        let shown = developer.submit(&shown, &format!("{page}/secret/replace"), &[]).await;
        let known = server.management().get(&api).await.expect(200).json();
        assert!(known["secret"] != next.as_str() && known.get("next_secret").is_none());
        assert!(shown.html.contains(known["secret"].as_str().unwrap()) && !shown.html.contains(&next));
    }

    async fn settings_are_changed_and_an_endpoint_is_disabled_enabled_and_deleted(server: TestServer) {
        let (page, made) = endpoint(&server.management(), "https://hooks.example.com/", &["user.created"]).await;
        let api = format!("/webhook_endpoints/{}", made["id"].as_str().unwrap());
        let mut developer = server.staff(StaffRole::Developer).await;
        let settings = format!("{page}/settings");
        let shown = developer.open(&settings).await;
        assert_eq!(shown.form(&settings).fields["event_user.created"], "yes");
        assert_eq!(shown.form(&settings).fields["which"], "some");
        developer.submit(&shown, &settings, &[("which", "all"), ("endpoint_url", "https://hooks.example.com/2")]).await;
        let known = server.management().get(&api).await.expect(200).json();
        assert_eq!(known["endpoint_url"], "https://hooks.example.com/2");
        assert!(known["events"].as_array().unwrap().len() > 30);
        let stale = developer.submit(&shown, &settings, &[("endpoint_url", "https://hooks.example.com/3")]).await;
        assert_eq!(stale.status, 409, "it was drawn before that: {}", stale.html);
        assert_eq!(server.management().get(&api).await.json()["endpoint_url"], "https://hooks.example.com/2");
        let shown = developer.open(&settings).await;
        assert_eq!(shown.form(&settings).fields["which"], "all");
        let shown = developer.submit(&shown, &format!("{page}/status"), &[]).await;
        assert_eq!(server.management().get(&api).await.expect(200).json()["status"], "disabled");
        assert!(!shown.html.contains("Disabled automatically") && !shown.html.contains("/replay\""), "{}", shown.html);
        let refused = developer.post(&format!("{page}/status"), &csrf(&shown)).await;
        assert_eq!(refused.status, 400, "neither on nor off");
        developer.submit(&shown, &format!("{page}/status"), &[]).await;
        assert_eq!(server.management().get(&api).await.expect(200).json()["status"], "enabled");
        let shown = developer.open(&settings).await;
        let shown = developer.submit(&shown, &format!("{page}/delete"), &[]).await;
        assert!(shown.path.ends_with("/webhooks?done=deleted"), "{}", shown.path);
        server.management().get(&api).await.expect(404);
        assert_eq!(developer.open(&page).await.status, 404);
    }

    async fn one_that_says_it_is_gone_says_why_it_was_disabled(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        receiver.answer(410);
        let (page, _) = endpoint(&management, &receiver.base_url, &["organization.created"]).await;
        management.organization("A").await;
        receiver.next().await;
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let shown = until(&mut reader, &page, "Disabled automatically").await;
        assert!(shown.html.contains("410 Gone"), "{}", shown.html);
        assert!(reader.open(LIST).await.html.contains("Failed"));
    }

    async fn what_does_not_arrive_is_shown_as_tried_again(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        receiver.always_answer(503);
        let (page, _) = endpoint(&management, &receiver.base_url, &["organization.created"]).await;
        management.organization("A").await;
        let event = receiver.next().await.headers["webhook-id"].to_str().unwrap().to_owned();
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let shown = until(&mut reader, &format!("{page}/deliveries/{event}"), "503 Service Unavailable").await;
        assert!(shown.html.contains("Retrying") && shown.html.contains("Next try"), "{}", shown.html);
        let shown = reader.open(&page).await;
        assert!(shown.html.contains("The last try failed"), "{}", shown.html);
        assert!(reader.open(&format!("{page}?state=failed")).await.html.contains("No delivery has failed"));
    }

    async fn deliveries_are_shown_by_what_became_of_them(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let (page, _) = endpoint(&management, &receiver.base_url, &["organization.created", "role.created"]).await;
        management.organization("A").await;
        let arrived = receiver.next().await.headers["webhook-id"].to_str().unwrap().to_owned();
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        until(&mut reader, &page, "Delivered</span>").await;
        receiver.always_answer(503);
        management.post("/authorization/roles", serde_json::json!({"slug": "editor", "name": "Editor"})).await.expect(201);
        let waits = receiver.next().await.headers["webhook-id"].to_str().unwrap().to_owned();
        until(&mut reader, &page, "Retrying").await;
        let all = reader.open(&page).await;
        assert!(all.html.contains(&arrived) && all.html.contains(&waits), "{}", all.html);
        for (state, shown, hidden) in [("pending", &waits, &arrived), ("delivered", &arrived, &waits)] {
            let found = reader.open(&format!("{page}?state={state}")).await;
            assert!(found.html.contains(shown) && !found.html.contains(hidden), "{state}: {}", found.html);
            assert!(found.html.contains(&format!("?state={state}\" aria-current=\"page\"")), "{}", found.html);
        }
        let none = reader.open(&format!("{page}?state=failed")).await;
        assert!(none.html.contains("No delivery has failed") && !none.html.contains(&arrived), "{}", none.html);
        let id = page.rsplit('/').next().unwrap();
        for (state, shown) in [("pending", vec![waits.as_str()]), ("delivered", vec![arrived.as_str()]), ("failed", vec![])] {
            let found = management.get(&format!("/webhook_endpoints/{id}/deliveries?state={state}")).await.expect_list();
            assert_eq!(found.iter().map(|one| one["event_id"].as_str().unwrap()).collect::<Vec<_>>(), shown, "{state}");
        }
    }

    async fn earlier_events_are_sent_again_from_one_on_or_from_a_moment_on(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        management.organization("Before").await;
        let first = management.get("/events").await.expect_list().remove(0)["id"].as_str().unwrap().to_owned();
        let (page, _) = endpoint(&management, &receiver.base_url, &["organization.created"]).await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let shown = developer.open(&page).await;
        let replay = format!("{page}/replay");
        for (values, says) in [
            (vec![], "Enter the event or the time"),
            (vec![("event", first.as_str()), ("moment", "2026-01-01T00:00")], "not both"),
            (vec![("event", "nonsense")], "begins with event_"),
            (vec![("event", NOTHING)], NOTHING),
            (vec![("moment", "yesterday")], "Enter a time such as"),
            (vec![("moment", "2999-01-01T00:00")], "Nothing has happened since that time"),
        ] {
            let refused = developer.submit(&shown, &replay, &values).await;
            assert!(refused.status == 422 && refused.html.contains(says), "{says}: {}", refused.html);
        }
        let done = developer.submit(&shown, &replay, &[("event", &first)]).await;
        assert!(done.path.ends_with("?done=replayed"), "{} {}", done.path, done.html);
        assert_eq!(receiver.next().await.headers["webhook-id"], first.as_str());
        let shown = until(&mut developer, &page, "Delivered").await;
        developer.submit(&shown, &replay, &[("moment", "2020-01-01T00:00")]).await;
        assert_eq!(receiver.next().await.headers["webhook-id"], first.as_str());
    }

    async fn threat_34_another_environments_endpoint_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let (theirs, _) = endpoint(&another.management, "https://theirs.example.com/", &["user.created"]).await;
        let (ours, _) = endpoint(&server.management(), "https://ours.example.com/", &["user.created"]).await;
        let mut owner = server.staff(StaffRole::Owner).await;
        assert!(!owner.open(LIST).await.html.contains("theirs.example.com"));
        let mut fields = csrf(&owner.open(&ours).await);
        fields.insert("status".to_owned(), "disabled".to_owned());
        fields.insert("which".to_owned(), "all".to_owned());
        fields.insert("endpoint_url".to_owned(), "https://evil.example.com/".to_owned());
        fields.insert("moment".to_owned(), "2020-01-01T00:00".to_owned());
        for path in ["", "/settings"] {
            assert_eq!(owner.open(&format!("{theirs}{path}")).await.status, 404, "{path}");
        }
        for path in ["/test", "/replay", "/settings", "/status", "/delete", "/secret", "/secret/complete", "/secret/replace"] {
            assert_eq!(owner.post(&format!("{theirs}{path}"), &fields).await.status, 404, "{path}");
        }
        assert_eq!(owner.post(&format!("{theirs}/deliveries/{NOTHING}/resend"), &fields).await.status, 404);
        let id = theirs.rsplit('/').next().unwrap();
        let known = another.management.get(&format!("/webhook_endpoints/{id}")).await.expect(200).json();
        assert_eq!((&known["status"], &known["endpoint_url"]), (&json!("enabled"), &json!("https://theirs.example.com/")));
    }
}
