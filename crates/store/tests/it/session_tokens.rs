//! Codes, devices, and refresh tokens of sessions, and the settings of an environment's own application: isolated per
//! environment, used once, and deleted with what they depend on.

use crate::harness::at;
use crate::sample::{a_membership, everything, fresh, fresh_digest, plant_environment, plant_organization, plant_user};
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::model::{
    AuthenticationMethod, CorsOrigin, EnvironmentRedirectUri, RedirectPurpose, Session, SessionCode, SessionDevice,
    SessionFamily, User,
};
use countersign_protocol::oauth::grant::device_code::DeviceState;
use countersign_protocol::oauth::pkce::CodeChallenge;
use countersign_store::{
    Error, Store, cors_origin, membership, organization, redirect_uri, session, session_code, session_device,
    session_family,
};

fn a_session(user: &User) -> Session {
    Session {
        id: fresh(),
        user_id: user.id,
        organization_id: None,
        authentication_method: AuthenticationMethod::Password,
        ip_address: None,
        user_agent: None,
        authenticated_at: at(10),
        last_seen_at: at(10),
        expires_at: at(1000),
        ended_at: None,
        created_at: at(10),
        updated_at: at(10),
    }
}

fn a_family(session: &Session, organization_id: Option<OrganizationId>) -> SessionFamily {
    SessionFamily {
        id: fresh(),
        session_id: session.id,
        organization_id,
        generation: 1,
        rotated_at: at(10),
        idle_expires_at: at(500),
        ended_at: None,
        created_at: at(10),
    }
}

fn a_code(session: &Session, organization_id: Option<OrganizationId>) -> SessionCode {
    SessionCode {
        digest: fresh_digest(),
        session_id: session.id,
        organization_id,
        redirect_uri: "https://app.example/cb".to_owned(),
        code_challenge: Some(CodeChallenge::from_stored("challenge".to_owned())),
        family_id: None,
        expires_at: at(20),
    }
}

fn a_device(user_code: &str) -> SessionDevice {
    SessionDevice {
        digest: fresh_digest(),
        user_code: user_code.to_owned(),
        state: DeviceState::Pending,
        session_id: None,
        organization_id: None,
        interval: 5,
        polled_at: None,
        expires_at: at(20),
    }
}

async fn plant_session(store: &Store, environment_id: EnvironmentId) -> (User, Session) {
    let user = plant_user(store, environment_id, "ada@example.com").await;
    let session = a_session(&user);
    let kept = session.clone();
    transaction!(store, |tx| session::insert(tx, environment_id, &kept, None).await).unwrap();
    (user, session)
}

on_both_databases! {
    async fn families_rotate_once_and_stand_while_their_session_does(store: Store) {
        let id = plant_environment(&store).await;
        let (_, session) = plant_session(&store, id).await;
        let organization_id = Some(plant_organization(&store, id).await.id);
        let (family, session_id) = (a_family(&session, None), session.id);
        let kept = family.clone();
        transaction!(store, |tx| session_family::insert(tx, id, &kept).await).unwrap();
        let find = async || session_family::find(&mut store.reader().await.unwrap(), id, family.id).await.unwrap();
        assert_eq!(find().await.as_ref(), Some(&family));
        let rotate = |from: SessionFamily| {
            let store = store.clone();
            async move { transaction!(store, |tx| session_family::rotate(tx, id, &from, organization_id, (at(30), at(530))).await).unwrap() }
        };
        let (a, b, c) = tokio::join!(rotate(family.clone()), rotate(family.clone()), rotate(family.clone()));
        assert_eq!([a, b, c].into_iter().filter(|won| *won).count(), 1, "of all who try, one");
        let rotated = find().await.unwrap();
        assert_eq!((rotated.generation, rotated.rotated_at, rotated.idle_expires_at), (2, at(30), at(530)));
        assert_eq!(rotated.organization_id, organization_id);
        let (old, new) = (family.clone(), rotated.clone());
        assert!(!transaction!(store, |tx| session_family::switch(tx, id, &old, None).await).unwrap(), "rotated meanwhile");
        assert!(transaction!(store, |tx| session_family::switch(tx, id, &new, None).await).unwrap());
        assert_eq!(find().await.unwrap().organization_id, None);

        transaction!(store, |tx| session::end(tx, id, session_id, at(40)).await).unwrap();
        assert!(!rotate(rotated).await, "its session has ended");
        let family_id = family.id;
        assert!(transaction!(store, |tx| session_family::end(tx, id, family_id, at(41)).await).unwrap());
        assert!(!transaction!(store, |tx| session_family::end(tx, id, family_id, at(42)).await).unwrap());
        assert_eq!(find().await.unwrap().ended_at, Some(at(41)));
    }

    async fn families_of_a_member_end_and_no_others(store: Store) {
        let id = plant_environment(&store).await;
        let (ada, adas) = plant_session(&store, id).await;
        let grace = plant_user(&store, id, "grace@example.com").await;
        let (graces, acme, globex) = (a_session(&grace), plant_organization(&store, id).await, plant_organization(&store, id).await);
        let families = [
            a_family(&adas, Some(acme.id)), a_family(&adas, Some(globex.id)), a_family(&adas, None), a_family(&graces, Some(acme.id)),
        ];
        let (kept, other) = (families.clone(), graces.clone());
        let memberships = [a_membership(ada.id, &acme), a_membership(grace.id, &acme)];
        let (user_id, organization_id) = (ada.id, acme.id);
        transaction!(store, |tx| {
            session::insert(tx, id, &other, None).await?;
            for membership in &memberships {
                membership::insert(tx, id, membership).await?;
            }
            for family in &kept {
                session_family::insert(tx, id, family).await?;
            }
            session_family::end_of_member(tx, id, user_id, organization_id, at(50)).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        let mut ended = Vec::new();
        for family in &families {
            ended.push(session_family::find(&mut reader, id, family.id).await.unwrap().unwrap().ended_at.is_some());
        }
        assert_eq!(ended, [true, false, false, false]);
        transaction!(store, |tx| organization::delete(tx, id, organization_id).await).unwrap();
        assert_eq!(session_family::find(&mut reader, id, families[3].id).await.unwrap(), None, "gone with its organization");
    }

    async fn a_code_is_spent_once(store: Store) {
        let id = plant_environment(&store).await;
        let (_, session) = plant_session(&store, id).await;
        let organization_id = Some(plant_organization(&store, id).await.id);
        let code = a_code(&session, organization_id);
        let (digest, kept) = (code.digest, code.clone());
        transaction!(store, |tx| session_code::insert(tx, id, &kept).await).unwrap();
        let found = session_code::find(&mut store.reader().await.unwrap(), id, &digest).await.unwrap().unwrap();
        assert!(found.digest.matches(&digest));
        assert_eq!((found.session_id, found.organization_id, found.family_id), (session.id, organization_id, None));
        assert_eq!((found.redirect_uri, found.code_challenge, found.expires_at), (code.redirect_uri, code.code_challenge, code.expires_at));
        let spend = || {
            let store = store.clone();
            async move { transaction!(store, |tx| session_code::spend(tx, id, &digest, fresh()).await).unwrap() }
        };
        let (a, b, c) = tokio::join!(spend(), spend(), spend());
        assert_eq!([a, b, c].into_iter().filter(|won| *won).count(), 1);
        assert!(session_code::find(&mut store.reader().await.unwrap(), id, &digest).await.unwrap().unwrap().family_id.is_some());
        let nobodys = a_code(&a_session(&plant_user(&store, id, "b@b.co").await), None);
        let refused = transaction!(store, |tx| session_code::insert(tx, id, &nobodys).await);
        assert!(matches!(refused, Err(Error::ForeignKey)), "{refused:?}");
    }

    async fn a_device_is_answered_once_and_redeemed_once(store: Store) {
        let id = plant_environment(&store).await;
        let (_, session) = plant_session(&store, id).await;
        let device = a_device("BCDF-GHJK");
        let (digest, kept, same) = (device.digest, device.clone(), a_device("BCDF-GHJK"));
        transaction!(store, |tx| session_device::insert(tx, id, &kept).await).unwrap();
        let taken = transaction!(store, |tx| session_device::insert(tx, id, &same).await).unwrap_err();
        assert!(taken.is_unique("session_device", "user_code"));
        assert!(!transaction!(store, |tx| session_device::redeem(tx, id, &digest).await).unwrap(), "nobody has agreed");
        transaction!(store, |tx| session_device::polled(tx, id, &digest, at(12), 5).await).unwrap();
        let answer = |allow: bool| {
            let (store, session_id) = (store.clone(), session.id);
            async move {
                transaction!(store, |tx| {
                    if allow { session_device::approve(tx, id, &digest, session_id, None).await } else { session_device::deny(tx, id, &digest).await }
                })
                .unwrap()
            }
        };
        assert!(answer(true).await && !answer(true).await && !answer(false).await);
        let found = session_device::find_by_user_code(&mut store.reader().await.unwrap(), id, "BCDF-GHJK").await.unwrap().unwrap();
        assert_eq!((found.state, found.session_id, found.polled_at, found.interval), (DeviceState::Approved, Some(session.id), Some(at(12)), 10));
        let redeem = || {
            let store = store.clone();
            async move { transaction!(store, |tx| session_device::redeem(tx, id, &digest).await).unwrap() }
        };
        let (a, b, c) = tokio::join!(redeem(), redeem(), redeem());
        assert_eq!([a, b, c].into_iter().filter(|won| *won).count(), 1);
    }

    async fn nothing_is_seen_or_changed_from_another_environment(store: Store) {
        let (mine, theirs) = (plant_environment(&store).await, plant_environment(&store).await);
        let (_, session) = plant_session(&store, theirs).await;
        let (family, code, device) = (a_family(&session, None), a_code(&session, None), a_device("BCDF-GHJK"));
        let uri = EnvironmentRedirectUri {
            id: fresh(), purpose: RedirectPurpose::SignIn, uri: "https://app.example/cb".to_owned(), default: true, created_at: at(1), updated_at: at(1),
        };
        let origin = CorsOrigin { id: fresh(), origin: "https://app.example".to_owned(), created_at: at(1), updated_at: at(1) };
        let (code_digest, device_digest, session_id) = (code.digest, device.digest, session.id);
        let (kept, kept_uri, kept_origin) = (family.clone(), uri.clone(), origin.clone());
        transaction!(store, |tx| {
            session_family::insert(tx, theirs, &kept).await?;
            session_code::insert(tx, theirs, &code).await?;
            session_device::insert(tx, theirs, &device).await?;
            redirect_uri::insert(tx, theirs, &kept_uri).await?;
            cors_origin::insert(tx, theirs, &kept_origin).await
        })
        .unwrap();
        let (moved, uri_id, origin_id, user_id) = (family.clone(), uri.id, origin.id, session.user_id);
        transaction!(store, |tx| {
            assert!(!session_family::rotate(tx, mine, &moved, None, (at(30), at(530))).await?);
            assert!(!session_family::switch(tx, mine, &moved, None).await?);
            assert!(!session_family::end(tx, mine, moved.id, at(30)).await?);
            session_family::end_of_member(tx, mine, user_id, fresh(), at(30)).await?;
            assert!(!session_code::spend(tx, mine, &code_digest, fresh()).await?);
            assert!(!session_device::approve(tx, mine, &device_digest, session_id, None).await?);
            assert!(!session_device::deny(tx, mine, &device_digest).await?);
            assert!(!session_device::redeem(tx, mine, &device_digest).await?);
            session_device::polled(tx, mine, &device_digest, at(30), 5).await?;
            redirect_uri::clear_default(tx, mine, RedirectPurpose::SignIn, at(30)).await?;
            assert!(!redirect_uri::delete(tx, mine, uri_id).await?);
            assert!(!cors_origin::delete(tx, mine, origin_id).await?);
            Ok(())
        })
        .unwrap();
        let reader = &mut store.reader().await.unwrap();
        for (environment_id, seen) in [(mine, 0), (theirs, 9)] {
            let found = [
                session_family::find(reader, environment_id, family.id).await.unwrap().is_some_and(|found| found == family),
                session_code::find(reader, environment_id, &code_digest).await.unwrap().is_some_and(|found| found.family_id.is_none()),
                session_device::find(reader, environment_id, &device_digest).await.unwrap().is_some_and(|found| found.polled_at.is_none()),
                session_device::find_by_user_code(reader, environment_id, "BCDF-GHJK").await.unwrap().is_some_and(|found| found.state == DeviceState::Pending),
                redirect_uri::find(reader, environment_id, uri.id).await.unwrap().is_some_and(|found| found == uri),
                redirect_uri::all(reader, environment_id).await.unwrap() == [uri.clone()],
                redirect_uri::list(reader, environment_id, &everything(), RedirectPurpose::SignIn).await.unwrap() == [uri.clone()],
                cors_origin::all(reader, environment_id).await.unwrap() == [origin.clone()],
                cors_origin::list(reader, environment_id, &everything()).await.unwrap() == [origin.clone()],
            ];
            assert_eq!(found.into_iter().filter(|found| *found).count(), seen);
        }
    }

    async fn what_has_had_its_time_is_forgotten_and_nothing_else(store: Store) {
        let id = plant_environment(&store).await;
        let (_, session) = plant_session(&store, id).await;
        let mut families = [a_family(&session, None), a_family(&session, None)];
        families[1].idle_expires_at = at(600);
        let mut codes = [a_code(&session, None), a_code(&session, None)];
        codes[1].expires_at = at(600);
        let mut devices = [a_device("BCDF-GHJK"), a_device("BCDF-GHJL")];
        devices[1].expires_at = at(600);
        transaction!(store, |tx| {
            for at in 0..2 {
                session_family::insert(tx, id, &families[at]).await?;
                session_code::insert(tx, id, &codes[at]).await?;
                session_device::insert(tx, id, &devices[at]).await?;
            }
            Ok(())
        })
        .unwrap();
        for left in [1, 0] {
            let pruned = transaction!(store, |tx| {
                let before = at(550);
                Ok([session_family::prune(tx, before).await?, session_code::prune(tx, before).await?, session_device::prune(tx, before).await?])
            });
            assert_eq!(pruned.unwrap(), [left; 3]);
        }
    }
}
