//! Email as received by an independent mail server.

use super::mail_server::{MailServer, certificate};
use crate::harness::{Backend, Browser, PASSWORD, TestServer, run};
use countersign::mailer::mail_server::{LEASE, SLACK};
use countersign_store::mail::{self, QueuedMail};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const FROM: &str = "Anmeldung bei Müller <no-reply@mail.example.com>";

/// Generates a SQLite and a PostgreSQL test for each body; the body starts the server.
macro_rules! with_either_database {
    ($(async fn $name:ident($backend:ident) $body:block)*) => {$(
        mod $name {
            use super::*;
            async fn body($backend: Backend) $body
            #[test]
            fn sqlite() { run(body(Backend::Sqlite)); }
            #[test]
            fn postgres() { run(body(Backend::Postgres)); }
        }
    )*};
}

async fn start(backend: Backend, url: &str, more: &[(&'static str, &str)]) -> Option<TestServer> {
    let settings = [&[("smtp_url", url), ("mail_from", FROM)], more].concat();
    TestServer::start_with(backend, &settings).await
}

/// The messages waiting to be sent.
async fn waiting(server: &TestServer) -> Vec<QueuedMail> {
    mail::list(&mut server.app.store.reader().await.unwrap(), server.environment_id()).await.unwrap()
}

/// Describes the state of messages without their content.
fn states(mails: &[QueuedMail]) -> String {
    mails.iter().map(|mail| format!("{}: {} attempts, next {:?}\n", mail.id, mail.attempts, mail.next_at)).collect()
}

/// Whether a message is waiting after this many attempts and not being sent right now.
fn was_tried(server: &TestServer, mail: &QueuedMail, attempts: i64) -> bool {
    let on_its_way = server.clock.now().plus_secs(LEASE - SLACK);
    mail.attempts == attempts && mail.next_at.is_some_and(|next| next < on_its_way)
}

/// Waits until the queued message has had this many attempts, and returns it.
async fn tried(server: &TestServer, attempts: i64) -> QueuedMail {
    let began = Instant::now();
    loop {
        if let Some(found) = waiting(server).await.into_iter().find(|mail| was_tried(server, mail, attempts)) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(server).await));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends this many invitations and waits until each email has had one attempt; the server accepts none.
async fn tried_once(server: &TestServer, queued: usize) {
    let management = server.management();
    for number in 0..queued {
        let body = json!({"email": format!("person{number}@example.com")});
        management.post("/user_management/invitations", body).await.expect(201);
    }
    let began = Instant::now();
    // Some may have had a second attempt by then.
    let tried = |mail: &&QueuedMail| was_tried(server, mail, 1) || mail.attempts > 1;
    while waiting(server).await.iter().filter(tried).count() < queued {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(server).await));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_none_waits(server: &TestServer) {
    let began = Instant::now();
    while !waiting(server).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(server).await));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn forget_password(server: &TestServer, email: &str) {
    let mut browser = Browser::new(server);
    let page = browser.open("/forgot-password").await;
    let page = browser.submit(&page, "/forgot-password", &[("email", email)]).await;
    assert_eq!(page.status, 200);
}

fn text(mail: &Value, name: &str) -> String {
    mail[name].as_str().unwrap_or_else(|| panic!("no {name} in {mail}")).to_owned()
}

/// Checks what holds for every message.
fn check(mail: &Value, to: &str, id: &str) {
    let header = |name: &str| text(&mail["headers"], name);
    assert_eq!((header("from").as_str(), header("to").as_str()), (FROM, to));
    assert_eq!((&mail["sender"], &mail["hello"]), (&json!("no-reply@mail.example.com"), &json!("localhost")));
    let message_id = header("message-id");
    assert!(message_id.starts_with("<mail_") && message_id.ends_with("@mail.example.com>"), "{message_id}");
    assert!(id.is_empty() || message_id.contains(id), "{message_id}");
    assert_eq!(header("auto-submitted"), "auto-generated");
    // RFC 5322 §3.3. Comparing the date to the hour is enough to see that it belongs to this message.
    let date = header("date");
    let now = std::process::Command::new("date").args(["-u", "+%a, %d %b %Y %H"]).output().unwrap();
    let earlier =
        std::process::Command::new("date").args(["-u", "-d", "-1 minute", "+%a, %d %b %Y %H"]).output().unwrap();
    let begins = [now, earlier].map(|out| String::from_utf8(out.stdout).unwrap().trim().to_owned());
    assert!(begins.iter().any(|begin| date.starts_with(begin)) && date.ends_with("+0000"), "{date} {begins:?}");
    assert_eq!((&mail["type"], &mail["plain_headers"]), (&json!("multipart/alternative"), &json!(true)));
    let (plain, html) = (text(mail, "text"), text(mail, "html"));
    assert!(html.contains("<html") && !plain.contains("</"), "{plain}\n{html}");
}

with_either_database! {
    async fn codes_and_links_arrive_as_text_and_html(backend) {
        let Some(inbox) = MailServer::start("mail", &[]) else { return };
        let Some(server) = start(backend, &format!("smtp://localhost:{}", inbox.port), &[]).await else { return };
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        let typed = [("email", "grace@example.com"), ("first_name", "Grace"), ("last_name", "Hopper"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let arrived = inbox.mail("grace@example.com", 1).await;
        check(&arrived, "grace@example.com", "");
        let code = text(&arrived, "text");
        let code = code.split_whitespace().find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()));
        let code = code.expect("a code");
        assert!(text(&arrived, "html").contains(code) && text(&arrived["headers"], "subject").contains(code));
        let page = browser.submit(&page, "/sign-in/code", &[("code", code)]).await;
        assert_eq!(page.path, "/account");

        forget_password(&server, "grace@example.com").await;
        let arrived = inbox.mail("grace@example.com", 2).await;
        check(&arrived, "grace@example.com", "");
        let link = format!("{}/reset-password?token=", server.base_url);
        let plain = text(&arrived, "text");
        let link = plain.split_whitespace().find(|word| word.starts_with(&link)).expect("a link");
        assert!(text(&arrived, "html").contains(link), "the same link in both");
        assert_eq!(browser.open(&link[server.base_url.len()..]).await.status, 200);

        // Names with characters that headers cannot contain directly.
        let management = server.management();
        let organization = management.organization("Søren & Söhne <script> 渡辺").await;
        let body = json!({"email": "ada@example.com", "organization_id": organization});
        management.post("/user_management/invitations", body).await.expect(201);
        let arrived = inbox.mail("ada@example.com", 1).await;
        check(&arrived, "ada@example.com", "");
        assert!(text(&arrived["headers"], "subject").contains("Søren & Söhne <script> 渡辺"), "{arrived}");
        assert!(text(&arrived, "text").contains("Søren & Söhne") && !text(&arrived, "html").contains("<script>"));
        until_none_waits(&server).await;
        assert_eq!((inbox.taken_in("grace@example.com").len(), inbox.taken_in("ada@example.com").len()), (2, 1));
    }

    async fn what_a_dead_or_busy_server_did_not_take_arrives_later_and_once(backend) {
        // Nothing listens there for now.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let Some(server) = start(backend, &format!("smtp://127.0.0.1:{port}"), &[]).await else { return };
        server.person("ada@example.com").await;
        forget_password(&server, "ada@example.com").await;
        let first = tried(&server, 1).await;
        let pause = first.next_at.unwrap().as_secs() - first.created_at.as_secs();
        assert!((10..25).contains(&pause), "ten seconds after the first attempt: {pause}");

        let Some(inbox) = MailServer::start("mail", &["--port", &port.to_string(), "--refuse", "1"]) else { return };
        server.clock.advance_seconds(11);
        let second = tried(&server, 2).await;
        assert_eq!(inbox.taken_in("ada@example.com").len(), 0, "refused for now");
        let pause = second.next_at.unwrap().as_secs() - server.clock.now().as_secs();
        assert!((20..=30).contains(&pause), "half a minute after the second: {pause}");
        server.clock.advance_seconds(31);
        check(&inbox.mail("ada@example.com", 1).await, "ada@example.com", &first.id.to_string());
        until_none_waits(&server).await;
        server.clock.advance_seconds(86_400);
        assert_eq!(inbox.taken_in("ada@example.com").len(), 1);
    }

    async fn a_long_queue_is_sent_and_slow_recipients_keep_nobody_waiting(backend) {
        const QUEUED: usize = 45;
        let Some(inbox) = MailServer::start("mail", &["--seconds", "4"]) else { return };
        let Some(server) = start(backend, &format!("smtp://127.0.0.1:{}", inbox.port), &[]).await else { return };
        let management = server.management();
        let invite = async |email: String| {
            management.post("/user_management/invitations", json!({"email": email})).await.expect(201);
        };
        for number in 0..3 {
            invite(format!("slow@host{number}.example.com")).await;
        }
        for number in 0..QUEUED {
            invite(format!("person{number}@example.com")).await;
        }
        let arrived = async |number: usize| inbox.mail(&format!("person{number}@example.com"), 1).await;
        for number in 0..QUEUED {
            arrived(number).await;
        }
        // The server has stored these but not yet acknowledged them: nobody resends them in the meantime.
        server.clock.advance_seconds(300);
        until_none_waits(&server).await;
        for number in 0..3 {
            assert_eq!(inbox.taken_in(&format!("slow@host{number}.example.com")).len(), 1);
        }
        let metrics = server.anonymous().get("/metrics").await.text;
        assert!(metrics.contains("countersign_mail_attempts_total{outcome=\"Sent\"} 48"), "{metrics}");
    }

    async fn what_is_about_us_loses_nothing_and_what_is_about_the_mailbox_is_given_up(backend) {
        let Some(inbox) = MailServer::start("mail", &[]) else { return };
        let Some(server) = start(backend, &format!("smtp://127.0.0.1:{}", inbox.port), &[]).await else { return };
        let management = server.management();
        for email in ["nobody@example.com", "abroad@example.com"] {
            management.post("/user_management/invitations", json!({"email": email})).await.expect(201);
        }
        let kept = tried(&server, 1).await;
        let began = Instant::now();
        while waiting(&server).await.len() > 1 {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(&server).await));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(waiting(&server).await[0].id, kept.id, "that we may not send there is not the mailbox's");
        let metrics = server.anonymous().get("/metrics").await.text;
        assert!(metrics.contains("countersign_mail_attempts_total{outcome=\"GivenUp\"} 1\n"), "{metrics}");
        assert!(metrics.contains("countersign_mail_attempts_total{outcome=\"Retried\"} "), "{metrics}");

        // The operator has mistyped the sender: the server rejects every message permanently.
        let Some(inbox) = MailServer::start("mail", &["--refuse-sender"]) else { return };
        let server = start(backend, &format!("smtp://127.0.0.1:{}", inbox.port), &[]).await.unwrap();
        tried_once(&server, 3).await;
        server.clock.advance_seconds(31);
        let began = Instant::now();
        while waiting(&server).await.iter().any(|mail| mail.attempts < 2) {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(&server).await));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(waiting(&server).await.len(), 3, "none is lost");
    }

    async fn what_is_not_good_any_more_is_not_sent(backend) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let Some(server) = start(backend, &format!("smtp://127.0.0.1:{port}"), &[]).await else { return };
        server.person("ada@example.com").await;
        let management = server.management();
        management.post("/user_management/magic_auth", json!({"email": "ada@example.com"})).await.expect(201);
        tried(&server, 1).await;
        forget_password(&server, "ada@example.com").await;
        // Codes are valid for ten minutes, links for an hour.
        server.clock.advance_seconds(600);
        let Some(inbox) = MailServer::start("mail", &["--port", &port.to_string()]) else { return };
        until_none_waits(&server).await;
        let arrived = inbox.taken_in("ada@example.com");
        assert!(arrived.len() == 1 && text(&arrived[0], "text").contains("/reset-password?token="), "{arrived:?}");
    }

    async fn a_stop_gives_back_what_the_server_cannot_have(backend) {
        // It accepts connections but says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://127.0.0.1:{}", silent.local_addr().unwrap().port());
        let Some(server) = start(backend, &url, &[]).await else { return };
        server.person("ada@example.com").await;
        forget_password(&server, "ada@example.com").await;
        let began = Instant::now();
        let claimed = loop {
            if let Some(found) = waiting(&server).await.into_iter().find(|mail| mail.attempts == 1) {
                break found;
            }
            assert!(began.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(claimed.next_at.unwrap() > server.clock.now().plus_secs(LEASE - SLACK), "on its way");
        server.stop();
        while waiting(&server).await[0].next_at.unwrap() > server.clock.now() {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(&server).await));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The next claim gets a different attempt number from this node's.
        assert_eq!(waiting(&server).await[0].attempts, 1);
    }

    async fn one_that_cannot_be_read_takes_none_of_the_others_with_it(backend) {
        const QUEUED: usize = 15;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let Some(server) = start(backend, &format!("smtp://127.0.0.1:{port}"), &[]).await else { return };
        tried_once(&server, QUEUED).await;
        let spoilt = waiting(&server).await[0].id;
        let another = format!("(SELECT sealed_message FROM mail WHERE id <> '{spoilt}' LIMIT 1)");
        server.database.tamper(&format!("UPDATE mail SET sealed_message = {another} WHERE id = '{spoilt}'")).await;
        let Some(_inbox) = MailServer::start("mail", &["--port", &port.to_string()]) else { return };
        server.clock.advance_seconds(40);
        let began = Instant::now();
        while waiting(&server).await.len() > 1 {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", states(&waiting(&server).await));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(waiting(&server).await[0].id, spoilt);
    }

    async fn with_credentials_over_tls_to_a_server_that_is_trusted(backend) {
        let folder = tempfile::tempdir().unwrap();
        let (authority, both) = certificate(folder.path());
        let both = both.to_str().unwrap();
        for tls in ["always", "starttls"] {
            let options = ["--tls", tls, "--certificate", both, "--login", "countersign:pass word"];
            let Some(inbox) = MailServer::start("mail", &options) else { return };
            let port = inbox.port;
            let url = |password: &str| match tls {
                "always" => format!("smtps://countersign:{password}@localhost:{port}"),
                _ => format!("smtp://countersign:{password}@localhost:{port}?tls=required"),
            };
            let trusted = [("smtp_ca", authority.to_str().unwrap())];
            let Some(server) = start(backend, &url("pass%20word"), &trusted).await else { return };
            server.person("ada@example.com").await;
            forget_password(&server, "ada@example.com").await;
            let arrived = inbox.mail("ada@example.com", 1).await;
            assert_eq!((&arrived["encrypted"], &arrived["login"]), (&json!(true), &json!("countersign")));
            check(&arrived, "ada@example.com", "");

            // An untrusted certificate, and wrong credentials: nothing is sent, and nothing lost.
            for (url, trusted) in [(url("pass%20word"), &[][..]), (url("wrong"), &trusted[..])] {
                let server = start(backend, &url, trusted).await.unwrap();
                server.person("grace@example.com").await;
                forget_password(&server, "grace@example.com").await;
                let kept = tried(&server, 1).await;
                assert!(kept.next_at.is_some(), "it is tried again");
                server.clock.advance_seconds(11);
                assert!(tried(&server, 2).await.next_at.is_some());
            }
            assert_eq!(inbox.taken_in("grace@example.com").len(), 0);
        }
        // An attacker in between strips the STARTTLS offer.
        let Some(inbox) = MailServer::start("mail", &[]) else { return };
        let url = format!("smtp://localhost:{}?tls=required", inbox.port);
        let server = start(backend, &url, &[]).await.unwrap();
        server.person("ada@example.com").await;
        forget_password(&server, "ada@example.com").await;
        tried(&server, 1).await;
        assert_eq!(inbox.taken_in("ada@example.com").len(), 0);
    }
}
