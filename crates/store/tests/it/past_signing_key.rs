//! Public keys that are kept after their signing keys are gone.

use crate::harness::at;
use crate::sample::plant;
use countersign_protocol::jose::Algorithm;
use countersign_store::Store;
use countersign_store::past_signing_key::{PastSigningKey, delete, insert, list, prune};

on_both_databases! {
    async fn they_are_of_one_environment_and_are_forgotten_in_their_time(store: Store) {
        let (world, other) = (plant(&store).await, plant(&store).await);
        let (id, other_id) = (world.environment.id, other.environment.id);
        let key = |of: &crate::sample::World, retired_at| PastSigningKey {
            id: of.signing_key.id,
            algorithm: Algorithm::Es256,
            public_key: vec![4, 2],
            retired_at: at(retired_at),
        };
        let (old, young) = (key(&world, 50), key(&other, 60));
        let kept = (old.clone(), young.clone());
        transaction!(store, |tx| {
            insert(tx, id, &kept.0).await?;
            insert(tx, id, &kept.1).await?;
            insert(tx, other_id, &kept.1).await
        })
        .unwrap();
        let seen = |environment_id| {
            let store = store.clone();
            async move { list(&mut store.reader().await.unwrap(), environment_id).await.unwrap() }
        };
        assert_eq!(seen(other_id).await, std::slice::from_ref(&young));
        assert!(!transaction!(store, |tx| delete(tx, other_id, old.id).await).unwrap(), "not theirs");
        transaction!(store, |tx| prune(tx, id, at(60)).await).unwrap();
        assert_eq!(seen(id).await, std::slice::from_ref(&young), "the one that stopped before");
        assert!(transaction!(store, |tx| delete(tx, id, young.id).await).unwrap());
        assert_eq!((seen(id).await, seen(other_id).await), (vec![], vec![young]));
    }
}
