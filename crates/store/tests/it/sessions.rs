//! Sessions, and which applications are notified of their end.

use crate::harness::at;
use crate::sample::{World, fresh, fresh_digest, plant};
use countersign_protocol::id::UserId;
use countersign_protocol::model::{AuthenticationMethod, Session};
use countersign_store::{Store, logout_notice, session};

pub(crate) fn a_session(user_id: UserId) -> Session {
    Session {
        id: fresh(),
        user_id,
        organization_id: None,
        authentication_method: AuthenticationMethod::Password,
        ip_address: Some("192.0.2.1".to_owned()),
        user_agent: None,
        authenticated_at: at(1),
        last_seen_at: at(1),
        expires_at: at(1000),
        ended_at: None,
        created_at: at(1),
        updated_at: at(1),
    }
}

on_both_databases! {
    async fn a_session_goes_on_under_a_new_cookie_until_it_has_ended(store: Store) {
        let World { environment, user, .. } = plant(&store).await;
        let (id, made) = (environment.id, a_session(user.id));
        let (old, new) = (fresh_digest(), fresh_digest());
        let renewed = Session {
            authentication_method: AuthenticationMethod::MagicAuth,
            ip_address: None,
            user_agent: Some("A browser".to_owned()),
            authenticated_at: at(5),
            last_seen_at: at(5),
            expires_at: at(2000),
            updated_at: at(5),
            ..made.clone()
        };
        let (first, second) = (made.clone(), renewed.clone());
        transaction!(store, |tx| {
            session::insert(tx, id, &first, Some(&old)).await?;
            assert!(session::renew(tx, id, &second, Some(&new)).await?);
            Ok(())
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(session::find_by_digest(&mut reader, id, &old).await.unwrap(), None);
        assert_eq!(session::find_by_digest(&mut reader, id, &new).await.unwrap(), Some(renewed.clone()));
        let again = renewed.clone();
        let went_on = transaction!(store, |tx| {
            assert!(session::end(tx, id, again.id, at(6)).await?);
            session::renew(tx, id, &again, Some(&old)).await
        });
        assert!(!went_on.unwrap());
        assert_eq!(session::find(&mut reader, id, renewed.id).await.unwrap().unwrap().ended_at, Some(at(6)));
    }

    async fn who_is_told_of_the_end_of_a_session(store: Store) {
        let World { environment, user, application, .. } = plant(&store).await;
        let (id, user_id, application_id) = (environment.id, user.id, application.id);
        let (ending, staying) = (a_session(user_id), a_session(user_id));
        let (a, b) = (ending.clone(), staying.clone());
        transaction!(store, |tx| {
            for one in [&a, &b] {
                session::insert(tx, id, one, None).await?;
                for _ in 0..2 {
                    assert!(logout_notice::note(tx, id, one.id, application_id, (user_id, "ada"), at(2)).await?);
                }
            }
            session::end(tx, id, a.id, at(3)).await?;
            logout_notice::of_ended(tx, id, user_id, at(3)).await?;
            logout_notice::of_ended(tx, id, user_id, at(4)).await?;
            assert!(!logout_notice::note(tx, id, a.id, application_id, (user_id, "ada"), at(4)).await?, "it has ended");
            Ok(())
        })
        .unwrap();
        let due = async |now| {
            let reader = &mut store.reader().await.unwrap();
            let found = logout_notice::due(reader, (id, application_id), now, 9).await.unwrap();
            let applications = logout_notice::due_applications(reader, now).await.unwrap();
            assert_eq!(applications, if found.is_empty() { vec![] } else { vec![(id, application_id)] });
            found
        };
        assert_eq!(due(at(2)).await, []);
        let found = due(at(3)).await;
        assert_eq!(found.len(), 1, "only of the session that ended, and once");
        assert_eq!((found[0].session_id, found[0].application_id, found[0].user_id), (ending.id, application_id, user_id));
        assert_eq!(found[0].subject, "ada");
        let (one, other) = (found[0].clone(), found[0].clone());
        assert!(transaction!(store, |tx| logout_notice::claim(tx, &one, at(9)).await).unwrap());
        assert!(!transaction!(store, |tx| logout_notice::claim(tx, &other, at(9)).await).unwrap(), "one node tells");
        assert_eq!(due(at(8)).await, []);
        let again = due(at(9)).await;
        assert_eq!(again[0].attempts, 1);
        let gone = again[0].clone();
        transaction!(store, |tx| logout_notice::delete(tx, &gone).await).unwrap();
        assert_eq!(due(at(9)).await, []);
    }

    async fn a_note_made_while_the_session_ends_is_seen_or_refused(store: Store) {
        let World { environment, user, application, .. } = plant(&store).await;
        let (id, user_id, application_id) = (environment.id, user.id, application.id);
        for round in 0..20 {
            let made = a_session(user_id);
            let session_id = made.id;
            transaction!(store, |tx| session::insert(tx, id, &made, None).await).unwrap();
            let now = at(100 + round);
            let (noting, ending) = (store.clone(), store.clone());
            let (noted, _) = tokio::join!(
                async move {
                    transaction!(noting, |tx| logout_notice::note(tx, id, session_id, application_id, (user_id, "ada"), now).await).unwrap()
                },
                async move {
                    transaction!(ending, |tx| {
                        session::end(tx, id, session_id, now).await?;
                        logout_notice::of_ended(tx, id, user_id, now).await
                    })
                    .unwrap();
                },
            );
            let due = logout_notice::due(&mut store.reader().await.unwrap(), (id, application_id), at(500), 99).await.unwrap();
            assert_eq!(due.iter().any(|notice| notice.session_id == session_id), noted, "round {round}");
        }
    }
}
