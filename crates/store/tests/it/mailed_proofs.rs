//! Emailed codes and links, and JWT templates: stored, replaced, used once, and out of reach of other environments.

use crate::harness::at;
use crate::sample::{fresh, fresh_digest, plant_environment, plant_user};
use countersign_protocol::id::{EmailChangeId, EmailVerificationId, EnvironmentId, MagicAuthId, UserId};
use countersign_protocol::model::{JwtTemplate, MailedCode, MailedCodeId};
use countersign_store::password_reset::PasswordReset;
use countersign_store::{Error, Store, jwt_template, mailed_code, password_reset, user};

fn a_code<I: MailedCodeId>(user_id: UserId, made: i64) -> MailedCode<I> {
    MailedCode {
        id: fresh(),
        user_id,
        email: "O'Neill+\"x\"@b.co".to_owned(),
        sealed_code: vec![0, 1, 255],
        used_at: None,
        expires_at: at(made + 600),
        created_at: at(made),
        updated_at: at(made),
    }
}

async fn keep<I: MailedCodeId>(store: &Store, id: EnvironmentId, code: &MailedCode<I>) -> Result<(), Error> {
    let code = code.clone();
    transaction!(store, |tx| mailed_code::insert(tx, id, &code).await)
}

on_both_databases! {
    async fn a_code_comes_back_and_a_newer_one_takes_its_place(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let first: MailedCode<MagicAuthId> = a_code(user_id, 1);
        let other: MailedCode<EmailVerificationId> = a_code(user_id, 2);
        let change: MailedCode<EmailChangeId> = a_code(user_id, 3);
        keep(&store, id, &first).await.unwrap();
        keep(&store, id, &other).await.unwrap();
        keep(&store, id, &change).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(mailed_code::find(&mut reader, id, first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(first.clone()));
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(other.clone()));
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(change));
        let second: MailedCode<MagicAuthId> = a_code(user_id, 5);
        keep(&store, id, &second).await.unwrap();
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(second.clone()));
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(other));
        let (old, new) = (first.id, second.id);
        let used = transaction!(store, |tx| {
            let used = [mailed_code::use_up(tx, id, old, at(9)).await?, mailed_code::use_up(tx, id, new, at(9)).await?];
            Ok((used, mailed_code::use_up(tx, id, new, at(10)).await?))
        });
        assert_eq!(used.unwrap(), ([false, true], false), "a replaced one is worth nothing, the newest is good once");
        let replaced = MailedCode { updated_at: at(5), ..first };
        assert_eq!(mailed_code::find(&mut reader, id, old).await.unwrap(), Some(replaced));
        let spent = MailedCode { used_at: Some(at(9)), updated_at: at(9), ..second };
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(spent), "known as used");
    }

    async fn what_is_kept_apart_is_never_the_newest_and_is_used_once(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let (mine, apart): (MailedCode<MagicAuthId>, MailedCode<MagicAuthId>) = (a_code(user_id, 1), a_code(user_id, 2));
        keep(&store, id, &mine).await.unwrap();
        let kept = apart.clone();
        transaction!(store, |tx| mailed_code::insert_apart(tx, id, &kept).await).unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(mine.clone()), "it has taken no place");
        assert_eq!(mailed_code::find(&mut reader, id, apart.id).await.unwrap(), Some(apart.clone()));
        let (other, code, beside) = (plant_environment(&store).await, mine.id, apart.id);
        let used = transaction!(store, |tx| {
            Ok([
                mailed_code::use_up(tx, id, beside, at(9)).await?,
                mailed_code::use_up_apart(tx, id, code, at(9)).await?,
                mailed_code::use_up_apart(tx, other, beside, at(9)).await?,
                mailed_code::use_up_apart(tx, id, beside, at(9)).await?,
                mailed_code::use_up_apart(tx, id, beside, at(10)).await?,
            ])
        });
        assert_eq!(used.unwrap(), [false, false, false, true, false]);
        let spent = MailedCode { used_at: Some(at(9)), updated_at: at(9), ..apart };
        assert_eq!(mailed_code::find(&mut reader, id, beside).await.unwrap(), Some(spent));
        assert_eq!(mailed_code::newest(&mut reader, id, user_id).await.unwrap(), Some(mine));
    }

    async fn codes_go_with_their_person_and_with_time(store: Store) {
        let id = plant_environment(&store).await;
        let (gone, stays) = (plant_user(&store, id, "a@b.co").await.id, plant_user(&store, id, "c@b.co").await.id);
        let (one, two): (MailedCode<MagicAuthId>, MailedCode<MagicAuthId>) = (a_code(gone, 1), a_code(stays, 2));
        keep(&store, id, &one).await.unwrap();
        keep(&store, id, &two).await.unwrap();
        transaction!(store, |tx| user::delete(tx, id, gone).await).unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(mailed_code::find(&mut reader, id, one.id).await.unwrap(), None);
        assert_eq!(mailed_code::find(&mut reader, id, two.id).await.unwrap(), Some(two.clone()));
        assert_eq!(transaction!(store, |tx| mailed_code::prune(tx, at(602)).await).unwrap(), 0);
        assert_eq!(transaction!(store, |tx| mailed_code::prune(tx, at(603)).await).unwrap(), 1);
        assert_eq!(mailed_code::find(&mut reader, id, two.id).await.unwrap(), None);
    }

    async fn of_many_who_use_a_code_up_one_does(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let code: MailedCode<MagicAuthId> = a_code(user_id, 1);
        keep(&store, id, &code).await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, code_id) = (store.clone(), code.id);
                tokio::spawn(async move { transaction!(store, |tx| mailed_code::use_up(tx, id, code_id, at(2)).await) })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap().unwrap());
        }
        assert_eq!(won, 1);
    }

    async fn what_another_environment_has_is_out_of_reach(store: Store) {
        let (mine, theirs) = (plant_environment(&store).await, plant_environment(&store).await);
        let user_id = plant_user(&store, theirs, "a@b.co").await.id;
        let code: MailedCode<MagicAuthId> = a_code(user_id, 1);
        keep(&store, theirs, &code).await.unwrap();
        let reset = PasswordReset {
            id: fresh(),
            user_id,
            email: "a@b.co".to_owned(),
            sealed_token: vec![1, 0, 255],
            used_at: None,
            expires_at: at(9),
            created_at: at(1),
        };
        let (kept, digest) = (reset.clone(), fresh_digest());
        transaction!(store, |tx| {
            jwt_template::set(tx, theirs, "{}", at(1)).await?;
            password_reset::insert(tx, theirs, &kept, &digest).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(mailed_code::find(&mut reader, mine, code.id).await.unwrap(), None);
        assert_eq!(mailed_code::newest::<MagicAuthId>(&mut reader, mine, user_id).await.unwrap(), None);
        assert_eq!(jwt_template::find(&mut reader, mine).await.unwrap(), None);
        assert!(password_reset::find(&mut reader, mine, reset.id).await.unwrap().is_none());
        let found = password_reset::find(&mut reader, theirs, reset.id).await.unwrap().unwrap();
        assert_eq!((found.id, found.sealed_token), (reset.id, reset.sealed_token));
        let code_id = code.id;
        let used = transaction!(store, |tx| {
            password_reset::use_up_all(tx, mine, user_id, at(2)).await?;
            Ok((mailed_code::use_up(tx, mine, code_id, at(2)).await?, password_reset::use_up(tx, mine, reset.id, at(2)).await?))
        });
        assert_eq!(used.unwrap(), (false, false));
        let refused = keep(&store, mine, &a_code::<MagicAuthId>(user_id, 1)).await;
        assert!(matches!(refused, Err(Error::ForeignKey)), "{refused:?}");
        assert_eq!(mailed_code::newest(&mut reader, theirs, user_id).await.unwrap(), Some(code));
    }

    async fn a_template_is_set_and_set_again_and_deleted(store: Store) {
        let id = plant_environment(&store).await;
        let find = async || jwt_template::find(&mut store.reader().await.unwrap(), id).await.unwrap();
        assert_eq!(find().await, None);
        for (content, now) in [("{\"a\": {{ user.email || 'it\u{301}s' }}}", at(1)), ("{\"b\": 1}", at(2))] {
            transaction!(store, |tx| jwt_template::set(tx, id, content, now).await).unwrap();
            let expected = JwtTemplate { content: content.to_owned(), created_at: at(1), updated_at: now };
            assert_eq!(find().await, Some(expected));
        }
        let other = plant_environment(&store).await;
        assert!(!transaction!(store, |tx| jwt_template::delete(tx, other).await).unwrap());
        assert!(find().await.is_some(), "each environment's own");
        assert!(transaction!(store, |tx| jwt_template::delete(tx, id).await).unwrap());
        assert_eq!(find().await, None);
        assert!(!transaction!(store, |tx| jwt_template::delete(tx, id).await).unwrap());
    }

    async fn an_address_is_taken_once(store: Store) {
        let id = plant_environment(&store).await;
        let tasks: Vec<_> = ["a@b.co", "A@b.co", "a@B.co", "A@B.CO"]
            .into_iter()
            .map(|email| {
                let (store, person) = (store.clone(), crate::sample::a_user(email));
                tokio::spawn(async move { transaction!(store, |tx| user::insert_unless_taken(tx, id, &person).await) })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            made += usize::from(task.await.unwrap().unwrap());
        }
        assert_eq!(made, 1);
        assert!(user::find_by_email(&mut store.reader().await.unwrap(), id, "a@b.co").await.unwrap().is_some());
    }
}
