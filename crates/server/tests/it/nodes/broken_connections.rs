//! A node that cannot reach the database does not trust its caches: stale is worse than slow.

use crate::harness::{Answer, Backend, TestServer, run};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to a database until told to hold everything back, with the connections open but silent.
async fn forward(to: String, held: watch::Receiver<bool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((inbound, _)) = listener.accept().await {
            let outbound = TcpStream::connect(&to).await.unwrap();
            let ((from_node, to_node), (from_database, to_database)) = (inbound.into_split(), outbound.into_split());
            tokio::spawn(pump(from_node, to_database, held.clone()));
            tokio::spawn(pump(from_database, to_node, held.clone()));
        }
    });
    port
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if held.wait_for(|held| !held).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[test]
fn a_node_whose_connection_hangs_stops_believing_its_memory_within_a_second() {
    run(async {
        let Some(server) = TestServer::start(Backend::Postgres).await else { return };
        let url = url::Url::parse(&server.database.url).unwrap();
        let (hold, held) = watch::channel(false);
        let port = forward(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()), held).await;
        let mut through = url.clone();
        through.set_port(Some(port)).unwrap();
        // The node is polled without a pause, which must not hit the rate limit.
        let settings = [("database", through.as_str()), ("rate_limit_client", "0")];
        let node = Arc::new(server.another_node_with(&settings).await);

        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let (secret_id, secret) = management.secret(&client_id).await;
        let there = node.anonymous();
        let token = there.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let ask = async || -> Answer {
            let form = [
                ("client_id", watcher.as_str()),
                ("client_secret", watcher_secret.as_str()),
                ("token", token.as_str()),
            ];
            there.form("/oauth2/introspection", &form).await
        };
        assert_eq!(ask().await.expect(200).json()["active"], true);

        hold.send(true).unwrap();
        management.delete(&format!("/connect/client_secrets/{secret_id}")).await.expect(204);
        let deleted = Instant::now();
        // Requests later than a second after the deletion are not answered from the cache.
        let mut last_active = Duration::ZERO;
        let refused = loop {
            let asked = deleted.elapsed();
            let answer = ask().await;
            if answer.status != 200 {
                break answer;
            }
            assert_eq!(answer.json()["active"], true, "nothing else can be known here");
            last_active = asked;
            assert!(asked < Duration::from_secs(5), "it went on believing");
        };
        assert!(last_active < Duration::from_secs(1), "{last_active:?}");
        assert_eq!(refused.status, 503);
        assert_eq!(refused.text_at("error"), "temporarily_unavailable");
        assert!(refused.header("retry-after").is_some());
        assert_eq!(there.get("/readyz").await.status, 503);
        let page = there.send(there.request(reqwest::Method::GET, "/sign-in").header("accept", "text/html")).await;
        assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")));
        assert!(page.header("retry-after").is_some() && page.text.contains("Try again in a moment"), "{}", page.text);
        assert_eq!(there.get("/healthz").await.status, 200, "the process itself is well");

        // The connection recovers, and with it the correct answer.
        hold.send(false).unwrap();
        let began = Instant::now();
        loop {
            let answer = ask().await;
            if answer.status == 200 {
                assert_eq!(answer.json()["active"], false);
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it never recovered");
        }
    });
}

#[test]
fn connections_that_break_are_replaced() {
    run(async {
        let Some(server) = TestServer::start(Backend::Postgres).await else { return };
        let other = server.another_node().await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        for _ in 0..3 {
            let (secret_id, secret) = management.secret(&client_id).await;
            let token = other.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
            server.database.end_connections().await;
            // The deletion itself may hit a broken connection; a client retries on 503.
            let began = Instant::now();
            while management.delete(&format!("/connect/client_secrets/{secret_id}")).await.status == 503 {
                assert!(began.elapsed() < Duration::from_secs(10));
            }
            let deleted = Instant::now();
            let form = [
                ("client_id", watcher.as_str()),
                ("client_secret", watcher_secret.as_str()),
                ("token", token.as_str()),
            ];
            loop {
                let asked = deleted.elapsed();
                let answer = other.anonymous().form("/oauth2/introspection", &form).await;
                if answer.status == 200 && answer.json()["active"] == false {
                    break;
                }
                assert!(asked < Duration::from_secs(1) || answer.status == 503, "stale after {asked:?}");
                assert!(asked < Duration::from_secs(10), "it never recovered");
            }
        }
    });
}
