//! The demo without a browser; `scripts/walk-demo` walks through it with one.

use crate::harness::{TIMEOUT, run};
use countersign::demo::Demo;
use reqwest::{Client, RequestBuilder, StatusCode};

fn browser() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

async fn send(request: RequestBuilder, expected: u16) -> (reqwest::header::HeaderMap, String) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::from_u16(expected).unwrap(), "{text}");
    (headers, text)
}

/// Returns the page of the machine's calls once there are some; it makes the first as soon as it runs. Items of the list
/// are looked for, not the words that the page has until there are any.
async fn calls(browser: &Client, start: &str) -> String {
    let began = std::time::Instant::now();
    loop {
        let (_, page) = send(browser.get(format!("{start}/machine")), 200).await;
        if page.contains("<li class=") {
            return page;
        }
        assert!(began.elapsed() < TIMEOUT, "the machine has not called");
    }
}

#[test]
fn the_machine_calls_an_api_that_lets_nobody_else_in() {
    run(async {
        let demo = Demo::start(0).await.unwrap();
        let places = demo.places.clone();
        let browser = browser();
        let (_, page) = send(browser.get(&places.start), 200).await;
        assert!(page.contains(&places.partner) && page.contains("ada@acme.example"), "{page}");
        let called = calls(&browser, &places.start).await;
        assert!(called.contains("<li class=\"good\">"), "{called}");
        let reports = format!("{}/reports", places.api);
        let (headers, _) = send(browser.get(&reports), 401).await;
        assert_eq!(headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        for token in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            send(browser.get(&reports).bearer_auth(token), 401).await;
        }
        send(browser.get(format!("{}/other", places.api)), 404).await;
        // A sign-in that did not start in this browser fails.
        let back = format!("{}/callback?code=x&state=y&iss={}", places.partner, places.countersign);
        let (headers, _) = send(browser.get(back), 303).await;
        let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let (_, home) = send(browser.get(&places.partner).header("cookie", cookie), 200).await;
        assert!(home.contains("not started in this browser") && !home.contains("Hello"), "{home}");
        // Forms from other sites have no effect.
        send(browser.post(format!("{}/machine/secret", places.start)).header("sec-fetch-site", "cross-site"), 403)
            .await;
        demo.stop().await;
        assert!(browser.get(&places.start).send().await.is_err(), "it has stopped");
    });
}
