//! Races for something unique: exactly one wins, on both engines.

use crate::harness::at;
use crate::sample::{
    SLUG, a_domain, a_membership, a_secret, an_api_key, an_environment_api_key, an_organization, fresh, fresh_digest,
    fresh_token, insert_application, insert_organization, plant, plant_environment, plant_organization, plant_user,
};
use crate::sessions::a_session;
use countersign_protocol::model::{
    ApplicationKind, DomainState, MAX_CLIENT_SECRETS, Membership, MembershipStatus, Session,
};
use countersign_store::idempotency::KeptReply;
use countersign_store::{
    Error, Result, Store, api_key, application, client_secret, data_key, environment_api_key, idempotency, membership,
    organization, permission, revoked_token, session,
};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Barrier;

/// Starts this many tasks at the same time and waits for all of them.
async fn race<T, R>(count: usize, contender: impl Fn(usize) -> R) -> Vec<T>
where
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (barrier, contender) = (Arc::clone(&barrier), contender(number));
            tokio::spawn(async move {
                barrier.wait().await;
                contender.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// Checks that one succeeded and all others got the unique violation.
fn check_one_winner(outcomes: &[Result<()>], table: &str, column: &str) {
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(error.is_unique(table, column), "{error:?}");
    }
}

on_both_databases! {
    async fn for_an_external_id(store: Store) {
        let environment_id = plant_environment(&store).await;
        for round in 0..10 {
            let outcomes = race(2, |_| {
                let (store, mut organization) = (store.clone(), an_organization());
                organization.external_id = Some(format!("customer-{round}"));
                async move { insert_organization(&store, environment_id, &organization).await }
            })
            .await;
            check_one_winner(&outcomes, "organization", "external_id");
        }
    }

    async fn for_the_name_of_an_environment_api_key(store: Store) {
        let environment_id = plant_environment(&store).await;
        let outcomes = race(10, |_| {
            let (store, key) = (store.clone(), an_environment_api_key(environment_id, "default"));
            async move { transaction!(store, |tx| environment_api_key::insert(tx, &key, &fresh_digest()).await) }
        })
        .await;
        check_one_winner(&outcomes, "environment_api_key", "name");
    }

    async fn for_the_value_of_an_api_key(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, environment_id).await.id;
        let digest = fresh_digest();
        let outcomes = race(10, |_| {
            let (store, key) = (store.clone(), an_api_key(organization_id, &[]));
            async move { transaction!(store, |tx| api_key::insert(tx, environment_id, &key, &digest).await) }
        })
        .await;
        check_one_winner(&outcomes, "api_key", "digest");
    }

    async fn for_a_proven_domain(store: Store) {
        let environment_id = plant_environment(&store).await;
        let mut domains = Vec::new();
        for _ in 0..10 {
            let organization = plant_organization(&store, environment_id).await;
            domains.push(a_domain(organization.id, "acme.example", DomainState::Pending));
        }
        for domain in domains.clone() {
            transaction!(store, |tx| organization::insert_domain(tx, environment_id, &domain).await).unwrap();
        }
        let outcomes = race(10, |number| {
            let (store, domain) = (store.clone(), domains[number].clone());
            async move {
                transaction!(store, |tx| {
                    let (state, strategy) = (DomainState::Verified, domain.verification_strategy);
                    organization::set_domain_state(tx, environment_id, domain.id, state, strategy, at(9)).await.map(drop)
                })
            }
        })
        .await;
        check_one_winner(&outcomes, "organization_domain", "domain");
    }

    async fn for_the_last_places_among_an_applications_secrets(store: Store) {
        let environment_id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, environment_id).await.id;
        let application = crate::sample::an_application(ApplicationKind::Machine { organization_id }, &[]);
        insert_application(&store, environment_id, &application).await.unwrap();
        let id = application.id;
        let outcomes = race(20, |_| {
            let (store, secret) = (store.clone(), a_secret());
            async move {
                transaction!(store, |tx| {
                    client_secret::lock_application(tx, environment_id, id).await?;
                    let there_is_room = client_secret::list(tx, environment_id, id).await?.len() < MAX_CLIENT_SECRETS;
                    if there_is_room {
                        client_secret::insert(tx, environment_id, id, &secret).await?;
                    }
                    Ok(there_is_room)
                })
            }
        })
        .await;
        let made = outcomes.into_iter().map(Result::unwrap).filter(|made| *made).count();
        assert_eq!(made, MAX_CLIENT_SECRETS);
        let kept = client_secret::list(&mut store.reader().await.unwrap(), environment_id, id).await.unwrap();
        assert_eq!(kept.len(), MAX_CLIENT_SECRETS);
    }

    async fn to_revoke_a_token(store: Store) {
        let environment_id = plant_environment(&store).await;
        for _ in 0..5 {
            let jti = fresh_token();
            let outcomes = race(10, |_| {
                let store = store.clone();
                async move { transaction!(store, |tx| revoked_token::insert(tx, environment_id, jti, at(9)).await) }
            })
            .await;
            assert_eq!(outcomes.into_iter().map(Result::unwrap).filter(|first| *first).count(), 1);
            assert!(revoked_token::exists(&mut store.reader().await.unwrap(), environment_id, jti).await.unwrap());
        }
    }

    async fn to_delete_a_secret(store: Store) {
        let world = plant(&store).await;
        let (environment_id, id) = (world.environment.id, world.secret.id);
        let outcomes = race(10, |_| {
            let store = store.clone();
            async move { transaction!(store, |tx| client_secret::delete(tx, environment_id, id).await) }
        })
        .await;
        let clients: Vec<_> = outcomes.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(clients.iter().map(|(client_id, _)| *client_id).collect::<Vec<_>>(), [world.application.client_id]);
    }

    async fn to_store_the_data_key(store: Store) {
        let outcomes = race(10, |number| {
            let (store, sealed) = (store.clone(), vec![u8::try_from(number).unwrap()]);
            async move { transaction!(store, |tx| data_key::insert(tx, &sealed, at(1)).await) }
        })
        .await;
        let winners: Vec<_> =
            outcomes.into_iter().enumerate().filter(|(_, outcome)| *outcome.as_ref().unwrap()).collect();
        let [(winner, _)] = winners.as_slice() else { panic!("{winners:?}") };
        let kept = data_key::find(&mut store.reader().await.unwrap()).await.unwrap();
        assert_eq!(kept, Some(vec![u8::try_from(*winner).unwrap()]));
    }

    async fn to_keep_a_reply(store: Store) {
        let environment_id = plant_environment(&store).await;
        let key = fresh_digest();
        // The second round takes over an expired key.
        for (now, expires_at) in [(at(0), at(1000)), (at(1000), at(2000))] {
            let outcomes = race(10, |number| {
                let store = store.clone();
                let status = u16::try_from(200 + number).unwrap();
                let reply = KeptReply { request_digest: fresh_digest(), status, sealed_reply: vec![0; number] };
                async move {
                    let outcome = transaction!(store, |tx| {
                        idempotency::keep(tx, environment_id, &key, &reply, expires_at, now).await
                    });
                    outcome.map(|first| (first, status))
                }
            })
            .await;
            let winners: Vec<_> =
                outcomes.into_iter().map(Result::unwrap).filter(|(first, _)| *first).map(|(_, status)| status).collect();
            let [winner] = winners.as_slice() else { panic!("{winners:?}") };
            let mut reader = store.reader().await.unwrap();
            let kept = idempotency::find(&mut reader, environment_id, &key, now).await.unwrap().unwrap();
            assert_eq!(kept.status, *winner);
            assert_eq!(kept.sealed_reply.len(), usize::from(*winner - 200));
            assert!(idempotency::find(&mut reader, environment_id, &key, expires_at).await.unwrap().is_none());
        }
    }

    async fn to_delete_a_permission_against_assigning_it(store: Store) {
        for _ in 0..10 {
            let world = plant(&store).await;
            let id = world.environment.id;
            let outcomes = race(2, |number| {
                let (store, permission) = (store.clone(), world.permission.clone());
                let kind = ApplicationKind::Machine { organization_id: world.organization.id };
                let application = crate::sample::an_application(kind, &[SLUG]);
                async move {
                    transaction!(store, |tx| {
                        if number == 0 {
                            permission::delete(tx, id, &permission).await?;
                        } else if permission::lock(tx, id, SLUG).await? {
                            application::insert(tx, id, &application).await?;
                        }
                        Ok(())
                    })
                }
            })
            .await;
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            let filter = application::Filter { organization_id: None, authenticated: true, dynamic: true };
            let mut reader = store.reader().await.unwrap();
            let left = application::list(&mut reader, id, filter, &crate::sample::everything()).await.unwrap();
            assert!(left.iter().all(|application| !application.scopes.iter().any(|scope| scope == SLUG)), "{left:?}");
        }
    }

    async fn what_is_issued_to_a_member_against_their_leaving(store: Store) {
        let id = plant_environment(&store).await;
        for round in 0..20 {
            let user_id = plant_user(&store, id, &format!("ada+{round}@example.com")).await.id;
            let organization = plant_organization(&store, id).await;
            let (organization_id, member) = (organization.id, a_membership(user_id, &organization));
            let of_it = member.id;
            transaction!(store, |tx| membership::insert(tx, id, &Membership { roles: vec![], ..member }).await).unwrap();
            let session = Session { organization_id: Some(organization_id), ..a_session(user_id) };
            let begun = session.id;
            let issued = race(2, |number| {
                let (store, session) = (store.clone(), session.clone());
                async move {
                    transaction!(store, |tx| {
                        if number == 0 {
                            membership::lock(tx, id, of_it).await?;
                            session::end_in_organization(tx, id, user_id, organization_id, at(9)).await?;
                            membership::set_status(tx, id, of_it, MembershipStatus::Inactive, at(9)).await?;
                            return Ok(false);
                        }
                        let is_member = membership::hold(tx, id, user_id, organization_id).await?;
                        if is_member {
                            session::insert(tx, id, &session, None).await?;
                        }
                        Ok(is_member)
                    })
                    .unwrap()
                }
            })
            .await;
            let kept = session::find(&mut store.reader().await.unwrap(), id, begun).await.unwrap();
            assert_eq!(kept.is_some(), issued[1]);
            assert!(kept.is_none_or(|session| session.ended_at.is_some()), "nothing outlives the membership");
            let (stranger, elsewhere) = (fresh(), fresh());
            transaction!(store, |tx| {
                for (person, place) in [(user_id, organization_id), (stranger, organization_id), (user_id, elsewhere)] {
                    assert!(!membership::hold(tx, id, person, place).await?);
                }
                Ok(())
            })
            .unwrap();
        }
    }

    async fn a_delete_against_an_insert_below_it(store: Store) {
        let environment_id = plant_environment(&store).await;
        for _ in 0..10 {
            let organization_id = plant_organization(&store, environment_id).await.id;
            let outcomes = race(2, |number| {
                let (store, key) = (store.clone(), an_api_key(organization_id, &[]));
                async move {
                    transaction!(store, |tx| match number {
                        0 => organization::delete(tx, environment_id, organization_id).await.map(|_| ()),
                        _ => api_key::insert(tx, environment_id, &key, &fresh_digest()).await,
                    })
                }
            })
            .await;
            assert!(outcomes[0].is_ok(), "{outcomes:?}");
            assert!(matches!(outcomes[1], Ok(()) | Err(Error::ForeignKey)), "{outcomes:?}");
            let slice = crate::sample::everything();
            let mut reader = store.reader().await.unwrap();
            let left = api_key::list(&mut reader, environment_id, organization_id, &slice).await.unwrap();
            assert_eq!(left, []);
        }
    }
}
