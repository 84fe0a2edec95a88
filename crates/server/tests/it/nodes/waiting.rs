//! Requests wait for concurrent ones, and never the other way round.

use super::until;
use crate::harness::{Browser, REDIRECT_URI, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use countersign::domain::Failure;
use countersign::domain::organizations::invitations;
use countersign_protocol::id::{MembershipId, OrganizationId, SessionId};
use countersign_protocol::model::{MembershipStatus, StaffRole};
use countersign_store::{Tx, TxFuture, audit_log_event, audit_log_retention, membership, session, user};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Runs `ask` while a transaction has done `first`; the transaction does `then` once something waits for it. On SQLite,
/// `ask` runs after both.
async fn asked_during<T>(
    server: &TestServer,
    first: impl for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, (), Failure> + Send + 'static,
    then: impl for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, (), Failure> + Send + 'static,
    ask: impl Future<Output = T>,
) -> T {
    let (done, is_done) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    // SQLite has a single writer, so the writing transaction must not wait there.
    let waits = server.database.url.starts_with("postgres");
    let changing = server.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move {
            first(tx).await?;
            let _ = done.send(());
            if waits {
                let _ = may_go_on.await;
            }
            then(tx).await
        })
    });
    let asking = async {
        is_done.await.unwrap();
        let lets_go = async {
            let began = Instant::now();
            while !server.database.somebody_waits().await {
                assert!(began.elapsed() < Duration::from_secs(10), "nobody waits");
            }
            let _ = go_on.send(());
        };
        tokio::join!(ask, lets_go).0
    };
    let (changed, answer) = tokio::join!(changing, asking);
    changed.unwrap();
    answer
}

fn nothing(_: &mut Tx) -> TxFuture<'_, (), Failure> {
    Box::pin(async { Ok(()) })
}

on_both_databases! {
    async fn a_code_is_not_redeemed_for_a_session_that_ends_at_this_moment(server: TestServer) {
        let user_id = server.person("ada@example.com").await;
        server.register(REDIRECT_URI).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.ask_with_challenge("")).await;
        let code = server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();
        let sessions = server.management().get(&format!("/user_management/users/{user_id}/sessions")).await.expect_list();
        let id: SessionId = sessions[0]["id"].as_str().unwrap().parse().unwrap();
        let (environment_id, now) = (server.environment_id(), server.app.clock.now());
        let answer = asked_during(
            &server,
            move |tx| {
                Box::pin(async move {
                    assert!(session::end(tx, environment_id, id, now).await?);
                    Ok(())
                })
            },
            nothing,
            server.hand_in(&code),
        )
        .await;
        assert_eq!(answer.expect(400).text_at("error"), "invalid_grant");
    }

    async fn a_session_that_enters_an_organization_while_it_is_deleted_ends_with_it(server: TestServer) {
        let user_id = server.person("ada@example.com").await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        let forum = server.application("forum", true, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();
        server.member(user_id, &acme).await;
        let sessions = management.get(&format!("/user_management/users/{user_id}/sessions")).await.expect_list();
        let id: SessionId = sessions[0]["id"].as_str().unwrap().parse().unwrap();
        let organization_id: OrganizationId = acme.parse().unwrap();
        let (environment_id, now) = (server.environment_id(), server.app.clock.now());
        let deleted = asked_during(
            &server,
            move |tx| {
                Box::pin(async move {
                    assert!(membership::hold(tx, environment_id, user_id, organization_id).await?);
                    Ok(session::choose_organization(tx, environment_id, id, organization_id, now).await?)
                })
            },
            nothing,
            management.delete(&format!("/organizations/{acme}")),
        )
        .await;
        deleted.expect(200);
        let page = browser.open(&forum.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"), "its session has ended");
    }

    async fn nobody_enters_an_organization_that_they_leave_at_this_moment(server: TestServer) {
        let user_id = server.person("ada@example.com").await;
        let acme = server.management().organization("Acme").await;
        let forum = server.application("forum", true, &[]).await;
        server.register(REDIRECT_URI).await;
        for (address, own) in [(forum.authorize("&scope=openid"), false), (server.ask_with_challenge(""), true)] {
            let mut browser = Browser::new(&server);
            let page = browser.open(&forum.authorize("&scope=openid")).await;
            server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();
            let id: MembershipId = server.member(user_id, &acme).await.id;
            let environment_id = server.environment_id();
            let page = asked_during(
                &server,
                move |tx| {
                    Box::pin(async move {
                        assert!(membership::delete(tx, environment_id, id).await?);
                        Ok(())
                    })
                },
                nothing,
                browser.open(&address),
            )
            .await;
            let code = page.sent("code").expect("a code, for no organization");
            let token = match own {
                true => server.hand_in(&code).await.expect(200).text_at("access_token"),
                false => server.redeem(&forum, &code).await.expect(200).text_at("access_token"),
            };
            assert_eq!(claims(&token).get("org_id"), None, "own: {own}");
        }
    }

    async fn who_is_dismissed_and_signs_in_at_this_moment_makes_nobody_wait_for_ever(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        server.staff(StaffRole::Admin).await;
        let act = server.act_of_staff().await;
        let all = countersign::domain::staff::list(&mut server.app.store.reader().await.unwrap(), &act).await.unwrap();
        let of_admin = |one: &countersign_protocol::model::Membership| one.roles.iter().any(|role| role == StaffRole::Admin.as_str());
        let (found, person) = all.into_iter().find(|(one, _)| of_admin(one)).unwrap();
        let (environment_id, user_id, organization_id) = (act.environment_id, person.id, found.organization_id);
        let href = format!("/dashboard/staff/{}", found.id);
        let page = owner.open(&href).await;
        let dismissed = asked_during(
            &server,
            move |tx| {
                Box::pin(async move {
                    user::lock(tx, environment_id, user_id).await?;
                    Ok(())
                })
            },
            move |tx| {
                Box::pin(async move {
                    assert!(membership::hold(tx, environment_id, user_id, organization_id).await?);
                    Ok(())
                })
            },
            owner.submit(&page, &format!("{href}/dismiss"), &[]),
        )
        .await;
        assert!(dismissed.html.contains("Removed"), "{}", dismissed.html);
    }

    async fn an_invitation_gives_nobody_the_roles_of_a_membership_that_is_taken_away_at_this_moment(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        management.post("/organization_domains", json!({"organization_id": acme, "domain": "acme.com"})).await.expect(201);
        management.role("boss").await;
        let ada = management.user("ada@acme.com").await;
        let invite = async |email: &str, role: &str| {
            let body = json!({"email": email, "organization_id": acme, "role_slug": role});
            management.post("/user_management/invitations", body).await.expect(201).text_at("id")
        };
        invite("ada@acme.com", "boss").await;
        let as_member = invite("colleague@acme.com", "member").await;
        let environment_id = server.environment_id();
        let organization_id: OrganizationId = acme.parse().unwrap();
        let listed = management
            .get(&format!("/user_management/organization_memberships?user_id={ada}&organization_id={acme}&statuses=pending"))
            .await
            .expect_list();
        let waiting: MembershipId = listed[0]["id"].as_str().unwrap().parse().unwrap();
        let (act, user_id) = (server.act(), ada.parse().unwrap());
        let follows = server.app.store.write::<(), Failure, _>(move |tx| {
            Box::pin(async move {
                let person = user::find(tx, environment_id, user_id).await?.unwrap();
                let found = invitations::find_and_lock(tx, &act, &as_member).await?;
                invitations::accept_as(tx, &act, found, &person).await.map(drop)
            })
        });
        let followed = asked_during(
            &server,
            move |tx| {
                Box::pin(async move {
                    assert!(membership::delete(tx, environment_id, waiting).await?);
                    Ok(())
                })
            },
            nothing,
            follows,
        )
        .await;
        let mut reader = server.app.store.reader().await.unwrap();
        let has = membership::find_of_user(&mut reader, environment_id, user_id, organization_id).await.unwrap();
        // On SQLite it runs afterwards, and creates a member as the invitation says. Elsewhere the request must be
        // retried.
        match followed {
            Ok(()) => assert_eq!(has.map(|has| (has.status, has.roles)), Some((MembershipStatus::Active, vec!["member".to_owned()]))),
            Err(_) => assert_eq!(has, None),
        }
    }

    async fn who_wants_events_kept_for_longer_is_answered_when_nothing_is_being_forgotten(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        let environment_id = server.environment_id();
        let organization_id: OrganizationId = acme.parse().unwrap();
        // Make sure that there is something to prune.
        until(async || audit_log_event::is_linked(&mut server.app.store.reader().await.unwrap(), environment_id).await.unwrap()).await;
        let path = format!("/organizations/{acme}/audit_logs_retention");
        let asked = management.put(&path, json!({"retention_period_in_days": 365}));
        let answer = asked_during(
            &server,
            move |tx| {
                Box::pin(async move {
                    audit_log_event::lock_head(tx, environment_id).await?;
                    Ok(())
                })
            },
            move |tx| {
                Box::pin(async move {
                    assert_eq!(audit_log_retention::find(tx, environment_id, organization_id).await?, None, "not yet");
                    Ok(())
                })
            },
            asked,
        );
        assert_eq!(answer.await.expect(200).json()["retention_period_in_days"], 365);
    }
}
