//! Threat 22 where unauthenticated clients can cause it: a client ID that is a URL makes this server send a request.

use crate::harness::{Browser, Page, Process, TestServer, Website, on_both_databases, run};
use crate::hosted::client_documents::{client, document};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ANY: &str = "[environment.clients]\nclient_id_metadata = \"any\"";
const REDIRECT: &str = "https://client.example/cb";

/// Returns the page that a browser sees with a URL as the client ID.
async fn come(server: &TestServer, url: &str) -> Page {
    Browser::new(server).open(&client(url, REDIRECT).authorize("&scope=openid")).await
}

/// Panics unless the page says that the client cannot be identified, without revealing why.
#[track_caller]
fn refused(page: &Page, what: &str) {
    assert_eq!((page.status, &page.left_to), (400, &None), "{what}: {}", page.html);
    assert!(page.html.contains("We cannot tell which application this is"), "{what}: {}", page.html);
    assert!(page.html.contains("<code>req_"), "{what}: {}", page.html);
    for reason in ["127.0.0.1", "169.254", "10.0.0", "private", "resolve", "connect", "timeout", "json", "compressed"] {
        assert!(!page.html.to_lowercase().contains(reason), "{what} tells {reason}: {}", page.html);
    }
}

on_both_databases! {
    async fn threat_22_no_name_leads_into_the_network(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_guarded_web(&website).await;
        server.declare(ANY).await.done();
        let began = Instant::now();
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        for address in [
            "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "10.0.0.1", "172.16.0.1", "192.168.1.1",
            "100.64.0.1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1",
        ] {
            website.name("client.example", &[&[address]]);
            refused(&come(&server, &url).await, address);
            server.clock.advance_seconds(61);
        }
        // A name that changes its addresses is resolved once, and the address checked is the one connected to.
        website.name("client.example", &[&["10.0.0.1"], &["127.0.0.1"]]);
        server.clock.advance_seconds(601);
        let asked = website.resolved().len();
        refused(&come(&server, &url).await, "rebinding");
        assert_eq!(website.resolved().len(), asked + 1);
        assert_eq!(website.asked(), Vec::<String>::new(), "nobody was connected to");
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }

    async fn threat_22_what_is_no_good_answer_is_refused_quickly(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        let json_of = |headers: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}").into_bytes();
        let good = |url: &str| json!({"client_id": url, "redirect_uris": [REDIRECT]}).to_string();
        let began = Instant::now();
        let mut number = 0;
        let mut at = || {
            number += 1;
            website.url("client.example", &format!("/{number}"))
        };
        let typed = "content-type: application/json\r\n";
        for (what, headers, goes_on) in [
            ("a redirect", "HTTP/1.1 302 Found\r\nlocation: https://169.254.169.254/x\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
            ("endless", format!("HTTP/1.1 200 OK\r\n{typed}\r\n"), true),
            ("endless headers", "HTTP/1.1 200 OK\r\nx: ".to_owned(), true),
            ("a compressed bomb", format!("HTTP/1.1 200 OK\r\n{typed}content-encoding: gzip\r\ncontent-length: 20\r\n\r\n\u{1f}aaaaaaaaaaaaaaaaaaa"), false),
            ("nothing there", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
            ("no HTTP", "SSH-2.0-OpenSSH_9.9\r\n".to_owned(), false),
            ("half an answer", format!("HTTP/1.1 200 OK\r\n{typed}content-length: 1000\r\n\r\n{{"), false),
        ] {
            let url = at();
            website.says(&url, headers.as_bytes(), goes_on);
            refused(&come(&server, &url).await, what);
        }
        for (what, headers, body) in [
            ("a page", "content-type: text/html\r\n", None),
            ("no type", "", None),
            ("no JSON", typed, Some("<html>".to_owned())),
            ("too long", typed, Some(format!("{}{}", good("x"), " ".repeat(6000)))),
            ("another client", typed, Some(good("https://client.example/other"))),
            ("a secret", typed, Some("SECRET".to_owned())),
            ("a key", typed, Some("KEY".to_owned())),
            ("nowhere to go", typed, Some("NOWHERE".to_owned())),
        ] {
            let url = at();
            let with = |name: &str, value: Value| {
                let mut written: Value = serde_json::from_str(&good(&url)).unwrap();
                written[name] = value;
                written.to_string()
            };
            let body = match body.as_deref() {
                None => good(&url),
                Some("SECRET") => with("client_secret", "x".into()),
                Some("KEY") => with("token_endpoint_auth_method", "private_key_jwt".into()),
                Some("NOWHERE") => with("redirect_uris", json!(["javascript:alert(1)"])),
                Some(body) => body.to_owned(),
            };
            website.says(&url, &json_of(&format!("{headers}content-length: {}\r\n", body.len()), &body), false);
            refused(&come(&server, &url).await, what);
        }
        let url = at();
        website.document(&url, document(), "");
        assert!(come(&server, &url).await.asks_to_sign_in(), "and a good one is good");
        // Slow: a server that does not respond is given up after a few seconds, for every request that waits for it.
        website.hold();
        let silent = at();
        let path = client(&silent, REDIRECT).authorize("&scope=openid");
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (client, path) = (server.anonymous(), path.clone());
            waiting.spawn(async move { client.get(&path).await.status });
        }
        assert_eq!(waiting.join_all().await, [400; 5]);
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert_eq!(website.asked().iter().filter(|path| silent.ends_with(*path)).count(), 1);
    }

    async fn threat_22_what_is_no_url_of_a_document_is_nobody(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        for nobody in [
            "http://client.example/x", "https://client.example", "https://client.example/", "https://client.example/a/../b", "https://127.0.0.1/x",
            "https://[::1]/x", "https://user@client.example/x", "https://client.example:443/x", "https://client.example:25/x",
            "https://Client.example/x", "https://client.example/x%23#y", "file:///etc/passwd", "https://2130706433/x", "ftp://client.example/x",
        ] {
            let encoded: String = url::form_urlencoded::byte_serialize(nobody.as_bytes()).collect();
            let answer = server.anonymous().get(&client(&encoded, REDIRECT).authorize("&scope=openid")).await.expect(302);
            assert_eq!(answer.header("location"), Some("/oauth2/error?error=application_not_found"), "{nobody}");
        }
        assert_eq!(website.resolved(), Vec::<String>::new());
    }

    async fn threat_22_nobody_hammers_others_through_this_server(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let other = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        other.app.catch_up().await;
        let missing = website.url("client.example", "/missing");
        for _ in 0..10 {
            refused(&come(&server, &missing).await, "missing");
        }
        assert_eq!(website.asked().len(), 1, "what failed is not tried again for a while");
        let mut stopped = 0;
        for number in 0..40 {
            let node = if number % 2 == 0 { &server } else { &other };
            let page = come(node, &website.url("client.example", &format!("/{number}"))).await;
            stopped += usize::from(page.status == 429);
        }
        assert_eq!((website.asked().len(), stopped), (30, 11), "over all nodes, from one address");
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        assert_eq!(come(&server, &url).await.status, 429);
        server.clock.advance_seconds(601);
        assert!(come(&server, &url).await.asks_to_sign_in());
    }
}

#[test]
fn threat_22_the_operator_reads_why_and_finds_it_by_the_number_on_the_page() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("countersign.toml");
    std::fs::write(&file, format!("[[environment]]\nname = \"default\"\n{ANY}")).unwrap();
    let mut process = Process::start(
        &["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"],
        &[("COUNTERSIGN_LOG_FORMAT", "json")],
    );
    let mut apply = std::process::Command::new(crate::harness::binary());
    apply.arg("apply").arg(&file).args(["--data", data.to_str().unwrap()]);
    assert!(apply.output().unwrap().status.success());
    let client_of = crate::harness::Client::new(&process.base_url);
    let began = Instant::now();
    let mut page = String::new();
    // A name that resolves only locally, to this machine.
    let path = client("https://localhost:1234/client.json", REDIRECT).authorize("&scope=openid");
    while !page.contains("req_") {
        run(async { page = client_of.get(&path).await.text });
        assert!(began.elapsed() < Duration::from_secs(20), "{page}");
    }
    let (_, rest) = page.split_once("<code>").unwrap();
    let (request_id, _) = rest.split_once("</code>").unwrap();
    process.signal("TERM");
    process.wait();
    let log = process.log.lock().unwrap().clone();
    let line =
        log.lines().find(|line| line.contains("metadata document cannot be used")).unwrap_or_else(|| panic!("{log}"));
    for part in [request_id, "https://localhost:1234/client.json", "an address that requests may not go to"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}
