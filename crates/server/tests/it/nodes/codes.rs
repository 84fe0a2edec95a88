//! Codes redeemed twice at the same time, at two nodes.

use super::{PROMISE, until};
use crate::harness::{Application, Browser, TestServer, on_both_databases};

const CODES: usize = 1000;
/// The number of browsers that fetch codes concurrently.
const BROWSERS: usize = 4;
/// One in this many codes is followed until what was issued for it is revoked.
const FOLLOWED: usize = 25;

/// The results of redeeming codes: the number of token responses and of `invalid_grant` errors.
#[derive(Default)]
struct Counts(usize, usize);

async fn redeem_twice(one: &TestServer, two: &TestServer, application: &Application, codes: usize) -> Counts {
    let introspector = one.introspector().await;
    let mut browser = Browser::new(one);
    let page = browser.open(&application.authorize("")).await;
    let page = one.sign_in(&mut browser, &page, "ada@example.com").await;
    assert!(page.sent("code").is_some());
    let mut counts = Counts::default();
    for number in 0..codes {
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let code = page.sent("code").unwrap();
        let both = tokio::join!(one.redeem(application, &code), two.redeem(application, &code));
        let mut issued = None;
        for answer in [both.0, both.1] {
            match answer.status {
                200 => {
                    counts.0 += 1;
                    issued = Some(answer);
                }
                400 if answer.text_at("error") == "invalid_grant" => counts.1 += 1,
                other => panic!("{other} {}", answer.text),
            }
        }
        let Some(issued) = issued.filter(|_| number % FOLLOWED == 0) else { continue };
        let (access, refresh) = (issued.text_at("access_token"), issued.text_at("refresh_token"));
        for node in [one, two] {
            let took = until(async || node.introspected(&introspector, &access).await["active"] == false).await;
            assert!(took < PROMISE, "{took:?}");
            assert_eq!(node.refresh(application, &refresh).await.expect(400).text_at("error"), "invalid_grant");
        }
    }
    counts
}

on_both_databases! {
    async fn threat_29_of_a_thousand_codes_that_come_twice_each_is_redeemed_once(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let other = server.another_node().await;
        let some = || redeem_twice(&server, &other, &application, CODES / BROWSERS);
        let all: [Counts; BROWSERS] = tokio::join!(some(), some(), some(), some()).into();
        let all = all.iter().fold((0, 0), |(issued, refused), counts| (issued + counts.0, refused + counts.1));
        assert_eq!(all, (CODES, CODES), "one gets tokens, the other invalid_grant");
    }
}
