//! The connection itself: HTTP/2, slow and broken clients, TLS, shutdown.

use crate::harness::{Backend, Process, TestServer, run};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn raw(base_url: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(base_url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that has seen enough may close the connection before everything is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn broken_requests_end_their_connection_and_nothing_else() {
    run(async {
        let server = TestServer::start(Backend::Sqlite).await.unwrap();
        let base_url = server.base_url.clone();
        let answers = tokio::task::spawn_blocking(move || {
            let head = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n", base_url.trim_start_matches("http://"));
            let huge = format!("{head}X: {}\r\n\r\n", "a".repeat(200_000));
            let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
            [
                raw(&base_url, b"\0\0\0\0\r\n\r\n"),
                raw(&base_url, b"GET / HTTP/9.9\r\n\r\n"),
                raw(&base_url, huge.as_bytes()),
                raw(&base_url, format!("{head}{many}\r\n").as_bytes()),
                raw(&base_url, format!("{head}Content-Length: -1\r\n\r\n").as_bytes()),
                raw(
                    &base_url,
                    format!(
                        "{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
                    )
                    .as_bytes(),
                ),
            ]
        })
        .await
        .unwrap();
        for answer in &answers {
            let status = answer.split(' ').nth(1).unwrap_or("closed");
            assert!(["400", "431", "closed", "200"].contains(&status), "{answer}");
        }
        server.anonymous().get("/healthz").await.expect(200);
    });
}

#[test]
fn two_requests_in_one_stream_are_two_answers() {
    run(async {
        let server = TestServer::start(Backend::Sqlite).await.unwrap();
        let base_url = server.base_url.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let host = base_url.trim_start_matches("http://").to_owned();
            raw(&base_url, format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\nGET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
        })
        .await
        .unwrap();
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
        assert_eq!(answer.matches("x-request-id: ").count(), 2);
    });
}

/// A proxy that is still sending takes a closed connection for a broken server, and sends it nothing for a while.
#[test]
fn a_body_that_nobody_reads_breaks_no_connection() {
    run(async {
        let server = TestServer::start(Backend::Sqlite).await.unwrap();
        let base_url = server.base_url.clone();
        let answers = tokio::task::spawn_blocking(move || {
            let host = base_url.trim_start_matches("http://").to_owned();
            let then = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let body = "x".repeat(3_000_000);
            let refused = [
                ("POST", "/nowhere", host.as_str(), "404"),
                ("POST", "/oauth2/jwks", &host, "405"),
                ("POST", "/organizations", &host, "401"),
                ("POST", "/oauth2/token", &host, "413"),
                ("POST", "/oauth2/token", "elsewhere.example", "421"),
                ("PUT", "/dashboard/branding", &host, "404"),
            ];
            refused.map(|(method, path, host, status)| {
                let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", body.len());
                let parts = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n{body}\r\n0\r\n\r\n");
                let announced = raw(&base_url, [head.as_str(), &body, &then].concat().as_bytes());
                (path, status, announced, raw(&base_url, [parts.as_str(), &then].concat().as_bytes()))
            })
        })
        .await
        .unwrap();
        for (path, status, announced, in_parts) in answers {
            for answer in [announced, in_parts] {
                let statuses: Vec<&str> =
                    answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
                assert_eq!(statuses, [status, "200"], "{path}: {answer}");
            }
        }
    });
}

/// A client that waits for 100 Continue is rejected without having sent its body.
#[test]
fn whoever_asks_first_is_not_told_to_send_what_nobody_reads() {
    run(async {
        let server = TestServer::start(Backend::Sqlite).await.unwrap();
        let base_url = server.base_url.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let host = base_url.trim_start_matches("http://").to_owned();
            raw(
                &base_url,
                format!("POST /nowhere HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                    .as_bytes(),
            )
        })
        .await
        .unwrap();
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("100 Continue"), "{answer}");
        // A client that was told to continue is heard to the end.
        let base_url = server.base_url.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let host = base_url.trim_start_matches("http://").to_owned();
            let body = "x".repeat(3_000_000);
            raw(&base_url, format!("POST /oauth2/token HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n2dc6c0\r\n{body}\r\n0\r\n\r\n").as_bytes())
        })
        .await
        .unwrap();
        assert!(answer.starts_with("HTTP/1.1 100 Continue") && answer.contains("HTTP/1.1 413"), "{answer}");
    });
}

#[test]
fn at_shutdown_requests_in_flight_finish_and_the_exit_is_clean() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut process = Process::start(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[]);
    let host = process.base_url.trim_start_matches("http://").to_owned();
    let key = process.api_key();
    let body = r#"{"name":"Slow"}"#;
    let mut stream = TcpStream::connect(&host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /organizations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server requests the body: from here on the request is in flight.
    let mut continued = [0; 25];
    stream.read_exact(&mut continued).unwrap();
    assert!(continued.starts_with(b"HTTP/1.1 100 Continue"));
    process.signal("TERM");
    while !process.log.lock().unwrap().contains("stopping") {
        std::thread::yield_now();
    }
    // For a limited time only: once the port is free, another test may use it.
    let patience = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(&host).is_ok() && Instant::now() < patience {
        std::thread::yield_now();
    }
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(process.wait(), Some(0));
    assert!(process.log.lock().unwrap().contains("stopped"));
}

#[test]
fn tls_from_certificate_files() {
    let directory = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let data = directory.path().join("data");
    let process = Process::start(
        &[
            "--data",
            data.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--tls-certificate",
            certificate.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ],
        &[],
    );
    let url = process.base_url.replace("http://", "https://");
    run(async move {
        let root = reqwest::Certificate::from_pem(certified.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
        let answer = client.get(format!("{url}/.well-known/openid-configuration")).send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        assert!(answer.headers().contains_key("strict-transport-security"));
        let document: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(document["issuer"], url.as_str());
        let key = process.api_key();
        let made = client
            .post(format!("{url}/organizations"))
            .bearer_auth(key)
            .json(&serde_json::json!({"name": "Acme"}))
            .send()
            .await
            .unwrap();
        assert_eq!(made.status(), 201);
    });
}

#[test]
fn a_connection_without_a_request_does_not_keep_its_place() {
    run(async {
        let server = TestServer::start(Backend::Sqlite).await.unwrap();
        for opening in [&b""[..], b"PRI * HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"] {
            let base_url = server.base_url.clone();
            let opening = opening.to_vec();
            let held = tokio::task::spawn_blocking(move || {
                let began = std::time::Instant::now();
                let answer = raw(&base_url, &opening);
                (answer, began.elapsed())
            });
            let (answer, took) = held.await.unwrap();
            assert!(!answer.contains("200 OK") && took < Duration::from_secs(15), "{took:?} {answer}");
        }
    });
}

#[test]
fn a_key_revoked_while_the_body_arrives_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    let process = Process::start(&["--data", data, "--listen", "127.0.0.1:0"], &[]);
    let host = process.base_url.trim_start_matches("http://").to_owned();
    let key = process.api_key();
    let mut stream = TcpStream::connect(&host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = r#"{"name":"Late"}"#;
    let head = format!(
        "POST /organizations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut continued = [0; 25];
    stream.read_exact(&mut continued).unwrap();
    let revoked = std::process::Command::new(crate::harness::binary())
        .args(["api-keys", "revoke", "default", "--data", data])
        .status()
        .unwrap();
    assert!(revoked.success());
    run(async {
        let client = crate::harness::Client::new(&process.base_url).with_key(&key);
        while client.get("/organizations").await.status != 401 {}
    });
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
