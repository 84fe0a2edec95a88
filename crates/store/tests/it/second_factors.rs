//! Second factors: stored, accepting each code once, and out of reach of other environments.

use crate::harness::at;
use crate::sample::{everything, fresh, plant_environment, plant_user};
use countersign_protocol::id::UserId;
use countersign_protocol::model::{AuthenticationChallenge, AuthenticationFactor};
use countersign_store::{Error, Store, authentication_challenge, authentication_factor, user};

fn a_factor(user_id: Option<UserId>, confirmed: bool) -> AuthenticationFactor {
    AuthenticationFactor {
        id: fresh(),
        user_id,
        issuer: "Acme & \"Sons\"".to_owned(),
        account: "O'Neill@b.co".to_owned(),
        sealed_secret: vec![0, 1, 255],
        confirmed_at: confirmed.then_some(at(1)),
        last_step: 0,
        created_at: at(1),
        updated_at: at(1),
    }
}

fn a_challenge(factor: &AuthenticationFactor, made: i64) -> AuthenticationChallenge {
    AuthenticationChallenge {
        id: fresh(),
        factor_id: factor.id,
        verified_at: None,
        created_at: at(made),
        updated_at: at(made),
    }
}

on_both_databases! {
    async fn a_factor_counts_from_its_first_code_on_and_each_code_once(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let (new, old, nobodys) = (a_factor(Some(user_id), false), a_factor(Some(user_id), true), a_factor(None, false));
        for factor in [&new, &old, &nobodys] {
            let factor = factor.clone();
            transaction!(store, |tx| authentication_factor::insert(tx, id, &factor).await).unwrap();
        }
        let reader = &mut store.reader().await.unwrap();
        for factor in [&new, &old, &nobodys] {
            assert_eq!(authentication_factor::find(reader, id, factor.id).await.unwrap().as_ref(), Some(factor));
        }
        assert_eq!(authentication_factor::confirmed(reader, id, user_id).await.unwrap(), std::slice::from_ref(&old));
        assert_eq!(authentication_factor::list(reader, id, user_id, &everything()).await.unwrap().len(), 2);
        let factor_id = new.id;
        let taken = transaction!(store, |tx| {
            let mut taken = Vec::new();
            for step in [7, 7, 6, 8] {
                taken.push(authentication_factor::take(tx, id, factor_id, step, at(step)).await?);
            }
            Ok(taken)
        });
        assert_eq!(taken.unwrap(), [true, false, false, true]);
        let reader = &mut store.reader().await.unwrap();
        let confirmed = authentication_factor::confirmed(reader, id, user_id).await.unwrap();
        let known = confirmed.iter().find(|factor| factor.id == factor_id).unwrap();
        assert_eq!((known.confirmed_at, known.last_step, known.updated_at), (Some(at(7)), 8, at(8)));
        assert!(transaction!(store, |tx| authentication_factor::delete(tx, id, factor_id).await).unwrap());
        assert!(!transaction!(store, |tx| authentication_factor::delete(tx, id, factor_id).await).unwrap());
    }

    async fn of_many_who_come_with_one_code_one_is_let_in(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let factor = a_factor(Some(user_id), true);
        let (kept, challenge) = (factor.clone(), a_challenge(&factor, 2));
        let asked = challenge.clone();
        transaction!(store, |tx| {
            authentication_factor::insert(tx, id, &kept).await?;
            authentication_challenge::insert(tx, id, &asked).await
        })
        .unwrap();
        let racing: Vec<_> = (0..8)
            .map(|_| {
                let (store, factor_id, challenge_id) = (store.clone(), factor.id, challenge.id);
                tokio::spawn(async move {
                    transaction!(store, |tx| {
                        let taken = authentication_factor::take(tx, id, factor_id, 9, at(9)).await?;
                        Ok((taken, authentication_challenge::verify(tx, id, challenge_id, at(9)).await?))
                    })
                })
            })
            .collect();
        let mut seen = Vec::new();
        for one in racing {
            seen.push(one.await.unwrap().unwrap());
        }
        assert_eq!(seen.iter().filter(|(taken, _)| *taken).count(), 1, "{seen:?}");
        assert_eq!(seen.iter().filter(|(_, verified)| *verified).count(), 1, "{seen:?}");
    }

    async fn challenges_are_forgotten_and_go_with_their_factor_and_it_with_its_person(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let factor = a_factor(Some(user_id), true);
        let (one, two) = (a_challenge(&factor, 2), a_challenge(&factor, 5));
        let (kept, first, second) = (factor.clone(), one.clone(), two.clone());
        transaction!(store, |tx| {
            authentication_factor::insert(tx, id, &kept).await?;
            authentication_challenge::insert(tx, id, &first).await?;
            authentication_challenge::insert(tx, id, &second).await
        })
        .unwrap();
        assert_eq!(transaction!(store, |tx| authentication_challenge::prune(tx, at(5)).await).unwrap(), 1);
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(authentication_challenge::find(reader, id, one.id).await.unwrap(), None);
        assert_eq!(authentication_challenge::find(reader, id, two.id).await.unwrap(), Some(two.clone()));
        assert!(transaction!(store, |tx| user::delete(tx, id, user_id).await).unwrap());
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(authentication_factor::find(reader, id, factor.id).await.unwrap(), None);
        assert_eq!(authentication_challenge::find(reader, id, two.id).await.unwrap(), None);
    }

    async fn no_other_environment_sees_or_touches_them(store: Store) {
        let (mine, theirs) = (plant_environment(&store).await, plant_environment(&store).await);
        let user_id = plant_user(&store, theirs, "a@b.co").await.id;
        let factor = a_factor(Some(user_id), true);
        let challenge = a_challenge(&factor, 2);
        let (kept, asked) = (factor.clone(), challenge.clone());
        transaction!(store, |tx| {
            authentication_factor::insert(tx, theirs, &kept).await?;
            authentication_challenge::insert(tx, theirs, &asked).await
        })
        .unwrap();
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(authentication_factor::find(reader, mine, factor.id).await.unwrap(), None);
        assert_eq!(authentication_factor::confirmed(reader, mine, user_id).await.unwrap(), []);
        assert_eq!(authentication_factor::list(reader, mine, user_id, &everything()).await.unwrap(), []);
        assert_eq!(authentication_challenge::find(reader, mine, challenge.id).await.unwrap(), None);
        let (factor_id, challenge_id) = (factor.id, challenge.id);
        transaction!(store, |tx| {
            assert_eq!(authentication_factor::find_and_lock(tx, mine, factor_id).await?, None);
            assert!(!authentication_factor::take(tx, mine, factor_id, 9, at(9)).await?);
            assert!(!authentication_factor::delete(tx, mine, factor_id).await?);
            assert!(!authentication_challenge::verify(tx, mine, challenge_id, at(9)).await?);
            Ok(())
        })
        .unwrap();
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(authentication_factor::find(reader, theirs, factor.id).await.unwrap(), Some(factor.clone()));
        let (below, of_theirs) = (a_challenge(&factor, 3), a_factor(Some(user_id), true));
        let outcome = transaction!(store, |tx| authentication_challenge::insert(tx, mine, &below).await);
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
        let outcome = transaction!(store, |tx| authentication_factor::insert(tx, mine, &of_theirs).await);
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
    }
}
