//! Anybody can start an external sign-in without authentication, so what that leaves behind is small and expires.

use super::{claims, complete, sent_away, sign_in, somebody, standalone, tokens, way_back};
use crate::harness::{Browser, TestServer, on_both_databases};
use countersign::domain::connect::external_authentications::MAX_BEGUN;
use countersign_protocol::id::ExternalAuthenticationId;
use countersign_protocol::model::ExternalAuthentication;
use countersign_store::external_authentication;
use std::sync::Arc;

on_both_databases! {
    async fn so_many_begin_at_one_address(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let path = application.authorize("&scope=openid");
        let mut first = Browser::new(&server);
        let begun = first.open(&path).await;
        for _ in 1..120 {
            sent_away(&Browser::new(&server).open(&path).await);
        }
        let refused = Browser::new(&server).open(&path).await;
        assert_eq!((refused.status, refused.left_to), (429, None));
        let page = sign_in(&server, &mut first, &begun, somebody("p-1")).await;
        assert!(page.sent("code").is_some(), "who has begun may end it");
        assert!(first.open(&path).await.sent("code").is_some(), "who is signed in begins nothing");
        server.clock.advance_seconds(601);
        sent_away(&Browser::new(&server).open(&path).await);
    }

    async fn what_nobody_reads_is_not_kept(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let mut lengths = Vec::new();
        let pads = [String::new(), format!("&pad={}", "x".repeat(5000)), format!("&p%61d={}", "x".repeat(5000))];
        for (pad, person) in pads.iter().zip(["p-1", "p-2", "p-3"]) {
            let mut browser = Browser::new(&server);
            let page = browser.open(&application.authorize(&format!("{pad}&scope=openid&nonce=n-1"))).await;
            let back = way_back(&server, complete(&server, &sent_away(&page), somebody(person)).await);
            let page = browser.open(&back).await;
            lengths.push(page.form("/consent").fields["flow"].len());
            let done = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
            assert_eq!(done.sent("state").as_deref(), Some("s-1"));
            let issued = tokens(&server, &application, &done).await;
            assert_eq!(claims(&issued)["sub"], person);
            let told = crate::hosted::authorization_code::claims(issued["id_token"].as_str().unwrap());
            assert_eq!(told["nonce"], "n-1");
        }
        assert!(lengths[0] < 2000 && lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
    }

    async fn who_never_signs_in_leaves_nothing(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let path = application.authorize("&scope=openid");
        let prune = async || countersign::jobs::retention::run(Arc::clone(&server.app)).await;
        let begun = sent_away(&Browser::new(&server).open(&path).await);
        let mut browser = Browser::new(&server);
        let back = way_back(&server, complete(&server, &sent_away(&browser.open(&path).await), somebody("p-1")).await);
        assert!(browser.open(&back).await.sent("code").is_some());
        server.clock.advance_seconds(299);
        prune().await;
        // Pruned entries are not found even if they would still be valid: the clock is set back.
        let late = sent_away(&Browser::new(&server).open(&path).await);
        server.clock.advance_seconds(2);
        prune().await;
        server.clock.advance_seconds(-10);
        complete(&server, &begun, somebody("p-2")).await.expect_not_found("External authentication", &begun);
        complete(&server, &late, somebody("p-2")).await.expect(200);
        // Completed sign-ins are remembered for a day.
        server.clock.advance_seconds(3000);
        prune().await;
        assert!(browser.open(&back).await.html.contains("This sign-in was already used"));
        server.clock.advance_seconds(86_400);
        prune().await;
        server.clock.advance_seconds(-86_400);
        assert!(browser.open(&back).await.html.contains("This sign-in has ended"));
    }

    async fn a_flood_shuts_nobody_out(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let path = application.authorize("&scope=openid");
        let mut known = Browser::new(&server);
        let back = way_back(&server, complete(&server, &sent_away(&known.open(&path).await), somebody("p-1")).await);
        let oldest = sent_away(&Browser::new(&server).open(&path).await);
        server.clock.advance_seconds(1);
        // As many as fit, from any address.
        let (environment_id, now) = (server.environment_id(), server.app.clock.now());
        let entropy = Arc::clone(&server.app.entropy);
        let mut reader = server.app.store.reader().await.unwrap();
        let one: ExternalAuthenticationId = oldest.parse().unwrap();
        let sample = external_authentication::find(&mut reader, environment_id, one).await.unwrap().unwrap();
        drop(reader);
        let planted = server.app.store.write::<(), countersign_store::Error, _>(move |tx| {
            Box::pin(async move {
                for _ in 1..MAX_BEGUN {
                    let id = entropy.id(now).unwrap();
                    let begun = ExternalAuthentication { id, expires_at: now.plus_secs(300), ..sample.clone() };
                    external_authentication::insert(tx, environment_id, &begun).await?;
                }
                Ok(())
            })
        });
        planted.await.unwrap();
        server.clock.advance_seconds(1);
        let mut browser = Browser::new(&server);
        let page = browser.open(&path).await;
        complete(&server, &oldest, somebody("p-2")).await.expect_not_found("External authentication", &oldest);
        let page = sign_in(&server, &mut browser, &page, somebody("p-2")).await;
        assert!(page.sent("code").is_some(), "who comes now gets through");
        assert!(known.open(&back).await.sent("code").is_some(), "and so does who has signed in");
    }
}
