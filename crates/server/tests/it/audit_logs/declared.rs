//! Log streams declared in a file.

use super::{action, event};
use crate::harness::{Receiver, TestServer, binary, on_both_databases};
use serde_json::Value;
use std::process::Command;

const ACME: &str = "[[environment.organization]]\nexternal_id = \"acme\"\nname = \"Acme\"\n";

/// Declares a stream of that organization.
fn stream(url: &str, more: &str) -> String {
    format!("{ACME}[[environment.log_stream]]\norganization = \"acme\"\nurl = \"{url}\"\n{more}\n")
}

const HEADERS: &str =
    "headers = { Authorization = { file = \"token\", scheme = \"Bearer\" }, X-Scope = { file = \"scope\" } }";

async fn organization(server: &TestServer) -> String {
    server.management().get("/organizations/external_id/acme").await.expect(200).text_at("id")
}

/// Returns the stream as the API shows it.
async fn known(server: &TestServer) -> Value {
    let path = format!("/organizations/{}/audit_log_configuration", organization(server).await);
    server.management().get(&path).await.expect(200).json()["log_stream"].clone()
}

async fn tell(server: &TestServer, number: usize) {
    let organization = organization(server).await;
    server.management().post("/audit_logs/events", event(&organization, "team.renamed", number)).await.expect(200);
}

on_both_databases! {
    async fn a_stream_is_made_left_alone_and_changed(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let url = format!("{}/in", receiver.base_url);
        action(&server.management(), "team.renamed").await;
        server.file("token", b"quiet-lighthouse\n");
        server.file("scope", b"7");
        let made = server.declare(&stream(&url, HEADERS)).await.done();
        assert!(made.out.contains("+ log stream of acme\n"), "{}", made.out);
        tell(&server, 1).await;
        let arrived = receiver.next().await;
        assert_eq!((&arrived.headers["authorization"], &arrived.headers["x-scope"]), (&"Bearer quiet-lighthouse".parse().unwrap(), &"7".parse().unwrap()));
        let same = server.declare(&stream(&url, HEADERS)).await.done();
        assert!(same.out.contains("Nothing to change."), "{}", same.out);

        // `--check` reports what would change without changing it.
        server.file("token", b"loud-lighthouse");
        let text = format!("[[environment]]\nname = \"default\"\n{}", stream(&url, HEADERS));
        let checked = server.declare_with(&text, &["--check"]).await;
        assert!(checked.code == 2 && checked.out.contains("~ log stream of acme: headers\n"), "{checked:?}");
        let id = known(&server).await["id"].clone();
        let changed = server.declare(&stream(&format!("{url}/2"), &format!("format = \"ndjson\"\n{HEADERS}"))).await.done();
        assert!(changed.out.contains("~ log stream of acme: url, format, headers\n"), "{}", changed.out);
        for said in [&made, &checked, &changed] {
            assert!(!format!("{said:?}").contains("lighthouse"), "{said:?}");
        }
        tell(&server, 2).await;
        server.clock.advance_seconds(6);
        let arrived = receiver.next().await;
        assert_eq!((arrived.uri.as_str(), &arrived.headers["authorization"]), ("/in/2", &"Bearer loud-lighthouse".parse().unwrap()));
        // It continues where it was.
        assert!(arrived.body.contains("team_2") && !arrived.body.contains("team_1"), "{}", arrived.body);
        assert_eq!(known(&server).await["id"], id);
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn what_the_file_does_not_mention_stays_and_what_was_stopped_stays_stopped(server: TestServer) {
        let receiver = Receiver::start().await;
        server.declare(&stream(&receiver.base_url, "")).await.done();
        assert!(server.declare(ACME).await.done().out.contains("Nothing to change."));
        assert_eq!(known(&server).await["state"], "active");
        let data = server.database.directory.path().join("data");
        let stopped = Command::new(binary())
            .args(["audit", "stream", "stop", &organization(&server).await, "--database", &server.database.url, "--data"])
            .arg(data).output().unwrap();
        assert!(stopped.status.success());
        assert!(server.declare(&stream(&receiver.base_url, "")).await.done().out.contains("Nothing to change."));
        assert_eq!(known(&server).await["state"], "inactive");
        server.declare(&stream(&format!("{}/2", receiver.base_url), "")).await.done();
        assert_eq!(known(&server).await["state"], "active");
    }

    async fn what_cannot_be_is_said_and_nothing_is_done(server: TestServer) {
        server.declare(ACME).await.done();
        server.file("token", b"quiet-lighthouse");
        server.file("two", b"one\ntwo");
        server.file("empty", b"");
        let url = "https://logs.example.com/in";
        let check = async |lines: &str, expected: &str| {
            let refused = server.declare(lines).await;
            assert!(refused.code == 1 && refused.err.contains(expected), "{lines}\n{refused:?}");
            assert!(!refused.err.contains("lighthouse"), "{refused:?}");
            assert_eq!(known(&server).await, Value::Null, "{lines}");
        };
        check(&stream("http://logs.example.com/in", ""), "log stream of 'acme': url").await;
        check(&stream(url, "format = \"xml\""), "format must be").await;
        check(&stream(url, "format = \"datadog\""), "DD-API-KEY").await;
        check(&stream(url, "format = \"splunk\"\nheaders = { Authorization = { file = \"token\", scheme = \"Bearer\" } }"), "Splunk").await;
        check(&stream(url, "headers = { Host = { file = \"token\" } }"), "'Host' cannot be sent").await;
        check(&stream(url, "headers = { X = { file = \"two\" } }"), "one line").await;
        check(&stream(url, "headers = { X = { file = \"empty\" } }"), "one line").await;
        check(&stream(url, "headers = { X = { file = \"nowhere\" } }"), "nowhere").await;
        check(&stream(url, "headers = { X = { file = \"token\", env = \"TOKEN\" } }"), "header X").await;
        check(&stream(url, "headers = { X = { scheme = \"Bearer\" } }"), "header X").await;
        let twice = format!("{}{}", stream(url, ""), stream(url, "").replace(ACME, ""));
        check(&twice, "an organization has one").await;
        check(&stream(url, "").replace("organization = \"acme\"", "organization = \"other\""), "no such organization").await;
        check(&stream(url, "state = \"active\""), "state").await;
    }

    async fn threat_34_an_organization_of_another_environment_is_not_there(server: TestServer) {
        server.declare(ACME).await.done();
        let another = server.another_environment().await;
        let theirs = stream("https://logs.example.com/in", "").replace(ACME, "");
        let refused = server.declare_with(&format!("[[environment]]\nname = \"{}\"\n{theirs}", another.name), &[]).await;
        assert!(refused.code == 1 && refused.err.contains("no such organization"), "{refused:?}");
        assert_eq!(known(&server).await, Value::Null);
    }
}
