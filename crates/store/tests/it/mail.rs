//! Which node may send a message.

use crate::harness::at;
use crate::sample::{fresh, plant_environment};
use countersign_store::mail::{self, QueuedMail};
use countersign_store::{Store, Tx};

async fn queue(store: &Store) -> QueuedMail {
    let environment_id = plant_environment(store).await;
    let sealed_message = vec![0, 1, 255];
    let (next_at, created_at) = (Some(at(1)), at(1));
    let queued = QueuedMail { environment_id, id: fresh(), sealed_message, attempts: 0, next_at, created_at };
    let kept = queued.clone();
    transaction!(store, |tx| mail::insert(tx, &kept).await).unwrap();
    queued
}

async fn found(store: &Store, queued: &QueuedMail) -> Option<QueuedMail> {
    mail::find(&mut store.reader().await.unwrap(), queued.environment_id, queued.id).await.unwrap()
}

/// Claims a message as a node that has read this state.
async fn claim(tx: &mut Tx, read: &QueuedMail, until: i64) -> bool {
    mail::claim(tx, read, Some(at(until))).await.unwrap()
}

on_both_databases! {
    async fn a_message_is_its_who_has_claimed_it_last(store: Store) {
        let queued = queue(&store).await;
        let read = queued.clone();
        transaction!(store, |tx| {
            assert!(claim(tx, &read, 10).await);
            assert!(!claim(tx, &read, 10).await, "another has it");
            assert!(mail::hold(tx, &read, 1, at(20)).await?);
            Ok(())
        })
        .unwrap();
        // The claim has expired: another node takes over, and the first one cannot undo that.
        let again = found(&store, &queued).await.unwrap();
        assert_eq!((again.attempts, again.next_at), (1, Some(at(20))));
        let read = again.clone();
        transaction!(store, |tx| {
            assert!(claim(tx, &read, 30).await);
            assert!(!mail::hold(tx, &read, 1, at(99)).await?);
            mail::release(tx, &read, 1, (at(0), 1)).await?;
            mail::give_up(tx, &read, 1).await
        })
        .unwrap();
        let taken = found(&store, &queued).await.unwrap();
        assert_eq!((taken.attempts, taken.next_at), (2, Some(at(30))));
        // The claim's owner can.
        let read = taken.clone();
        transaction!(store, |tx| mail::release(tx, &read, 2, (at(40), 2)).await).unwrap();
        assert_eq!(found(&store, &queued).await.unwrap().next_at, Some(at(40)));
        transaction!(store, |tx| mail::give_up(tx, &taken, 2).await).unwrap();
        assert!(found(&store, &queued).await.is_none());
    }

    async fn what_has_arrived_is_forgotten_whoever_has_it_by_now(store: Store) {
        let queued = queue(&store).await;
        let read = queued.clone();
        transaction!(store, |tx| {
            assert!(claim(tx, &read, 10).await);
            mail::delete(tx, read.environment_id, read.id).await
        })
        .unwrap();
        assert!(found(&store, &queued).await.is_none());
    }
}
