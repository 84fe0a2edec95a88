//! Outbound requests, and how other servers may misbehave.

use countersign::outbound::{Limits, OutboundClient, OutboundError};
use countersign_protocol::outbound::{Reach, Target};
use http_body_util::Full;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMITS: Limits = Limits { time: Duration::from_millis(800), bytes: 1000 };

/// Starts a server that sends this to every client, and then, with `goes_on`, continues forever.
async fn server(says: &'static [u8], goes_on: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = connection.read(&mut asked).await;
                let _ = connection.write_all(says).await;
                while goes_on && connection.write_all(&[b'a'; 1000]).await.is_ok() {}
                // Kept open until the client gives up.
                if !says.is_empty() && !goes_on {
                    return;
                }
                let _ = connection.read(&mut asked).await;
            });
        }
    });
    port
}

async fn ask(client: &OutboundClient, url: &str, reach: Reach) -> Result<http::Response<bytes::Bytes>, OutboundError> {
    let target = Target::parse(url, reach).unwrap();
    client.send(&target, reach, http::Request::get("/").body(Full::default()).unwrap(), LIMITS).await
}

fn here(port: u16) -> String {
    format!("http://localhost:{port}/x?y=1")
}

#[test]
fn a_good_answer_is_read_whatever_its_status() {
    crate::harness::run(async {
        let client = OutboundClient::new(&[], None).unwrap();
        let port = server(b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhello", false).await;
        let answer = ask(&client, &here(port), Reach::PublicAndThisMachine).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (404, b"hello".as_slice()));
    });
}

#[test]
fn threat_22_a_name_that_stands_for_a_private_address_is_not_connected_to() {
    crate::harness::run(async {
        let client = OutboundClient::new(&[], None).unwrap();
        let port = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false).await;
        let refused = ask(&client, &format!("https://localhost:{port}/"), Reach::Public).await;
        assert!(matches!(refused, Err(OutboundError::Forbidden(address)) if address.is_loopback()), "{refused:?}");
        // It fails because it is not encrypted, but it was connected to, because the operator allowed the network.
        let allowed = OutboundClient::new(&["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], None).unwrap();
        let tried = ask(&allowed, &format!("https://localhost:{port}/"), Reach::Public).await;
        assert!(matches!(tried, Err(OutboundError::Connect(_))), "{tried:?}");
    });
}

#[test]
fn threat_22_a_redirect_is_an_answer_and_is_not_followed() {
    crate::harness::run(async {
        let client = OutboundClient::new(&[], None).unwrap();
        let port =
            server(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", false)
                .await;
        assert_eq!(ask(&client, &here(port), Reach::PublicAndThisMachine).await.unwrap().status().as_u16(), 302);
    });
}

#[test]
fn threat_22_endless_slow_compressed_and_broken_answers_end_soon() {
    crate::harness::run(async {
        let client = OutboundClient::new(&[], None).unwrap();
        let began = Instant::now();
        let endless = server(b"HTTP/1.1 200 OK\r\n\r\n", true).await;
        let answer = ask(&client, &here(endless), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::TooLong)), "{answer:?}");
        let headers = server(b"HTTP/1.1 200 OK\r\nx: ", true).await;
        let answer = ask(&client, &here(headers), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::Answer(_))), "{answer:?}");
        let compressed =
            server(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", false).await;
        let answer = ask(&client, &here(compressed), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::Answer(_))), "{answer:?}");
        let garbage = server(b"SSH-2.0-OpenSSH_9.9\r\n", false).await;
        let answer = ask(&client, &here(garbage), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::Answer(_))), "{answer:?}");
        let short = server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", false).await;
        let answer = ask(&client, &here(short), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::Answer(_))), "{answer:?}");
        let silent = server(b"", false).await;
        let answer = ask(&client, &here(silent), Reach::PublicAndThisMachine).await;
        assert!(matches!(answer, Err(OutboundError::TooSlow)), "{answer:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
        let nobody = ask(&client, "https://does-not-exist.invalid/", Reach::Public).await;
        assert!(matches!(nobody, Err(OutboundError::Name(_) | OutboundError::TooSlow)), "{nobody:?}");
    });
}
