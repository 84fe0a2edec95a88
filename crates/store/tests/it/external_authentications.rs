//! Users redirected to an external login: completed once, used once, in time, and only in their environment.

use crate::harness::at;
use crate::sample::{World, fresh, fresh_digest, plant};
use crate::sessions::a_session;
use countersign_protocol::model::{
    Completed, EnvironmentKind, ExternalAuthentication, LoginUri, SessionLogin, Standalone, StandaloneSubject,
};
use countersign_store::{Store, application, external_authentication, session, session_login, standalone, user};

fn begun(world: &World) -> ExternalAuthentication {
    ExternalAuthentication {
        id: fresh(),
        application_id: world.application.id,
        login_uri: LoginUri::from_stored("https://product.example/login".to_owned()),
        sealed_flow: "sealed".to_owned(),
        completed: None,
        used_at: None,
        expires_at: at(300),
    }
}

fn completed(world: &World) -> Completed {
    Completed { user_id: world.user.id, consent_options: Some("[]".to_owned()) }
}

on_both_databases! {
    async fn one_is_completed_once_and_used_once(store: Store) {
        let world = plant(&store).await;
        let (id, one, who, digest) = (world.environment.id, begun(&world), completed(&world), fresh_digest());
        let (kept, said, token) = (one.clone(), who.clone(), digest);
        transaction!(store, |tx| {
            external_authentication::insert(tx, id, &kept).await?;
            assert!(!external_authentication::claim(tx, id, kept.id, at(300)).await?, "its time is over");
            assert!(external_authentication::claim(tx, id, kept.id, at(299)).await?);
            assert!(!external_authentication::claim(tx, id, kept.id, at(299)).await?, "once");
            external_authentication::complete(tx, id, kept.id, &said, (&token, at(500))).await
        })
        .unwrap();
        let expected = ExternalAuthentication { completed: Some(who), expires_at: at(500), ..one };
        let mut reader = store.reader().await.unwrap();
        let found = external_authentication::find_by_token(&mut reader, id, &digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        assert_eq!(external_authentication::find(&mut reader, id, expected.id).await.unwrap(), found);
        drop(reader);
        let number = expected.id;
        transaction!(store, |tx| {
            assert!(!external_authentication::use_up(tx, id, number, at(500)).await?, "its time is over");
            assert!(external_authentication::use_up(tx, id, number, at(499)).await?);
            assert!(!external_authentication::use_up(tx, id, number, at(499)).await?, "once");
            assert_eq!(external_authentication::prune_begun(tx, at(501)).await?, 0, "it is completed");
            assert_eq!(external_authentication::prune_completed(tx, at(500)).await?, 0);
            assert_eq!(external_authentication::prune_completed(tx, at(501)).await?, 1);
            Ok(())
        })
        .unwrap();
    }

    async fn of_those_that_are_not_completed_the_oldest_give_way(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let begun_at = |world: &World, second| ExternalAuthentication { expires_at: at(second), ..begun(world) };
        let completed_first = begun_at(&mine, 300);
        let (oldest, newer, newest) = (begun_at(&mine, 301), begun_at(&mine, 302), begun_at(&mine, 303));
        let (foreign, said, digest) = (begun_at(&theirs, 300), completed(&mine), fresh_digest());
        let (id, other) = (mine.environment.id, theirs.environment.id);
        let all = [completed_first.id, oldest.id, newer.id, newest.id];
        transaction!(store, |tx| {
            for one in [&newest, &oldest, &completed_first, &newer] {
                external_authentication::insert(tx, id, one).await?;
            }
            external_authentication::insert(tx, other, &foreign).await?;
            external_authentication::claim(tx, id, completed_first.id, at(1)).await?;
            external_authentication::complete(tx, id, completed_first.id, &said, (&digest, at(300))).await?;
            assert_eq!(external_authentication::trim(tx, id, 3).await?, 0);
            assert_eq!(external_authentication::trim(tx, id, 2).await?, 1);
            assert_eq!(external_authentication::prune_begun(tx, at(301)).await?, 1, "the foreign one");
            assert_eq!(external_authentication::prune_begun(tx, at(303)).await?, 1);
            Ok(())
        })
        .unwrap();
        let mut left = Vec::new();
        for one in all {
            let found = external_authentication::find(&mut store.reader().await.unwrap(), id, one).await.unwrap();
            left.push(found.is_some());
        }
        assert_eq!(left, [true, false, false, true]);
    }

    async fn what_is_not_completed_cannot_be_used(store: Store) {
        let world = plant(&store).await;
        let (id, one) = (world.environment.id, begun(&world));
        let refused = transaction!(store, |tx| {
            external_authentication::insert(tx, id, &one).await?;
            external_authentication::use_up(tx, id, one.id, at(1)).await
        });
        assert!(refused.is_err(), "{refused:?}");
    }

    async fn nothing_is_seen_or_changed_from_another_environment(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let (id, one, digest) = (theirs.environment.id, begun(&theirs), fresh_digest());
        let (kept, said, token) = (one.clone(), completed(&theirs), digest);
        transaction!(store, |tx| {
            external_authentication::insert(tx, id, &kept).await?;
            external_authentication::complete(tx, id, kept.id, &said, (&token, at(500))).await
        })
        .unwrap();
        let (foreign, number, application_id) = (mine.environment.id, one.id, one.application_id);
        let misplaced = begun(&theirs);
        let refused = transaction!(store, |tx| external_authentication::insert(tx, foreign, &misplaced).await);
        assert!(matches!(refused, Err(countersign_store::Error::ForeignKey)), "{refused:?}");
        transaction!(store, |tx| {
            assert!(!external_authentication::claim(tx, foreign, number, at(1)).await?);
            assert!(!external_authentication::use_up(tx, foreign, number, at(1)).await?);
            standalone::set_of_application(tx, foreign, application_id, None).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(external_authentication::find(&mut reader, foreign, number).await.unwrap(), None);
        assert_eq!(external_authentication::find_by_token(&mut reader, foreign, &digest).await.unwrap(), None);
    }

    async fn it_goes_with_its_application_and_with_its_person(store: Store) {
        let world = plant(&store).await;
        let (id, one, two, digest) = (world.environment.id, begun(&world), begun(&world), fresh_digest());
        let (user_id, application_id, said) = (world.user.id, world.application.id, completed(&world));
        let (first, second) = (one.id, two.id);
        transaction!(store, |tx| {
            external_authentication::insert(tx, id, &one).await?;
            external_authentication::insert(tx, id, &two).await?;
            external_authentication::claim(tx, id, one.id, at(1)).await?;
            external_authentication::complete(tx, id, one.id, &said, (&digest, at(500))).await?;
            user::delete(tx, id, user_id).await
        })
        .unwrap();
        let left = async |number| {
            external_authentication::find(&mut store.reader().await.unwrap(), id, number).await.unwrap().is_some()
        };
        assert_eq!((left(first).await, left(second).await), (false, true));
        transaction!(store, |tx| application::delete(tx, id, application_id).await).unwrap();
        assert!(!left(second).await);
    }

    async fn the_settings_are_kept(store: Store) {
        let (world, other) = (plant(&store).await, plant(&store).await);
        let (id, application_id) = (world.environment.id, world.application.id);
        let uri = LoginUri::parse("https://product.example/login", EnvironmentKind::Production).unwrap();
        let settings = Standalone { login_uri: Some(uri.clone()), subject: StandaloneSubject::UserId };
        let (kept, own) = (settings.clone(), uri.clone());
        transaction!(store, |tx| {
            standalone::set(tx, id, &Standalone::default(), at(1)).await?;
            standalone::set(tx, id, &kept, at(2)).await?;
            standalone::set_of_application(tx, id, application_id, Some(&own)).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(standalone::find(&mut reader, id).await.unwrap(), settings);
        assert_eq!(standalone::find(&mut reader, other.environment.id).await.unwrap(), Standalone::default());
        assert_eq!(standalone::find_of_application(&mut reader, id, application_id).await.unwrap(), Some(uri));
        drop(reader);
        transaction!(store, |tx| standalone::set_of_application(tx, id, application_id, None).await).unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(standalone::find_of_application(&mut reader, id, application_id).await.unwrap(), None);
    }

    async fn a_session_knows_its_logins_apart(store: Store) {
        let (world, other) = (plant(&store).await, plant(&store).await);
        let id = world.environment.id;
        let started = a_session(world.user.id);
        let (kept, session_id) = (started.clone(), started.id);
        let uri = |text: &str| LoginUri::from_stored(text.to_owned());
        let (one, two) = (uri("https://product.example/login"), uri("https://product.example/login?"));
        let (first, second) = (one.clone(), two.clone());
        let options = "[{\"claim\": \"a\", \"label\": \"b\", \"groups\": []}]";
        transaction!(store, |tx| {
            session::insert(tx, id, &kept, None).await?;
            session_login::set(tx, id, session_id, (&first, None), at(1)).await?;
            session_login::set(tx, id, session_id, (&second, Some(options)), at(2)).await?;
            session_login::set(tx, id, session_id, (&second, None), at(3)).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        let found = session_login::find(&mut reader, id, session_id, &one).await.unwrap().unwrap();
        assert_eq!(found, SessionLogin { authenticated_at: at(1), consent_options: None });
        let found = session_login::find(&mut reader, id, session_id, &two).await.unwrap().unwrap();
        let offered = found.consent_options.unwrap();
        assert_eq!((found.authenticated_at, offered.len(), offered[0].claim.as_str()), (at(3), 1, "a"), "what was said stays");
        assert_eq!(session_login::find(&mut reader, other.environment.id, session_id, &two).await.unwrap(), None);
        drop(reader);
        transaction!(store, |tx| session_login::set(tx, id, session_id, (&two, Some("[]")), at(4)).await).unwrap();
        let two = uri("https://product.example/login?");
        let found = session_login::find(&mut store.reader().await.unwrap(), id, session_id, &two).await.unwrap().unwrap();
        assert_eq!(found.consent_options, Some(Vec::new()), "nothing is something that can be said");
        let foreign = other.environment.id;
        let refused = transaction!(store, |tx| session_login::set(tx, foreign, session_id, (&one, None), at(4)).await);
        assert!(matches!(refused, Err(countersign_store::Error::ForeignKey)), "{refused:?}");
        let user_id = world.user.id;
        transaction!(store, |tx| user::delete(tx, id, user_id).await).unwrap();
        let gone = session_login::find(&mut store.reader().await.unwrap(), id, session_id, &two).await.unwrap();
        assert_eq!(gone, None, "it goes with its session");
    }
}
