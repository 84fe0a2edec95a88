//! An export's download URL can be shared, and a client may stop reading.

use super::event;
use super::exports::{asked, fill, made};
use super::told;
use crate::harness::{TestServer, on_both_databases};
use countersign::http::downloads::AT_ONCE;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Starts a download, and reads no more of it than the system buffers by itself.
async fn begin(server: &TestServer, path: &str) -> TcpStream {
    let host = server.base_url.strip_prefix("http://").unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let port = host.rsplit(':').next().unwrap();
    let mut stream = socket.connect(format!("127.0.0.1:{port}").parse().unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

on_both_databases! {
    async fn whoever_stops_reading_is_cut_off_and_holds_nothing(server: TestServer) {
        let organization = told(&server, 0).await;
        // More than fits in the socket buffers.
        fill(&server, &organization, 250, |of, number| {
            let mut told = event(of, "team.renamed", number);
            told["event"]["metadata"] = json!({"text": "\"".repeat(30_000)});
            told
        }).await;
        let (path, other) = (made(&server, asked(&organization)).await, made(&server, asked(&organization)).await);
        let whole = server.anonymous().get(&path).await.expect(200).text.len();
        let mut stuck = Vec::new();
        for _ in 0..AT_ONCE {
            stuck.push(begin(&server, &path).await);
        }
        let refused = server.anonymous().get(&path).await;
        assert_eq!(refused.header("retry-after"), Some("10"));
        refused.expect_code(429, "too_many_downloads");
        // They block nobody but their own downloads.
        assert_eq!(server.anonymous().get(&other).await.expect(200).text.len(), whole);
        let began = Instant::now();
        while server.anonymous().get(&path).await.status != 200 {
            assert!(began.elapsed() < Duration::from_secs(90), "they are held for ever");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // What they received by then does not look complete.
        let mut rest = Vec::new();
        let ended = stuck.remove(0).read_to_end(&mut rest).await;
        assert!(rest.len() < whole && !rest.ends_with(b"0\r\n\r\n"), "{ended:?} after {} of {whole}", rest.len());
    }
}
