//! Portal links and the visits they become: used once, expiring, and out of reach of other environments.

use crate::harness::at;
use crate::sample::{fresh_digest, plant};
use countersign_protocol::model::{PortalIntent, PortalVisit};
use countersign_store::portal::{self, PortalLink};
use countersign_store::{Error, Store, organization};

on_both_databases! {
    async fn a_link_is_used_once_in_its_environment_and_in_time(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let (id, other, digest) = (mine.environment.id, theirs.environment.id, fresh_digest());
        let link = PortalLink {
            organization_id: mine.organization.id,
            intents: PortalIntent::ALL.to_vec(),
            return_url: Some("https://app.example.com/?a='b'".to_owned()),
            success_url: None,
        };
        let kept = link.clone();
        transaction!(store, |tx| portal::insert_link(tx, id, &digest, &kept, at(100)).await).unwrap();
        let stray = PortalLink { organization_id: theirs.organization.id, ..link.clone() };
        let refused = transaction!(store, |tx| portal::insert_link(tx, id, &fresh_digest(), &stray, at(100)).await);
        assert!(matches!(refused, Err(Error::ForeignKey)), "an organization of another environment: {refused:?}");
        let mut reader = store.reader().await.unwrap();
        let whose = Some(mine.organization.id);
        assert_eq!(portal::organization_of_link(&mut reader, id, &digest, at(99)).await.unwrap(), whose);
        assert_eq!(portal::organization_of_link(&mut reader, id, &digest, at(100)).await.unwrap(), None);
        assert_eq!(portal::organization_of_link(&mut reader, other, &digest, at(0)).await.unwrap(), None);
        transaction!(store, |tx| {
            assert_eq!(portal::use_up(tx, other, &digest, at(0)).await?, None);
            assert_eq!(portal::use_up(tx, id, &digest, at(100)).await?, None);
            assert_eq!(portal::use_up(tx, id, &digest, at(99)).await?, Some(link));
            assert_eq!(portal::use_up(tx, id, &digest, at(99)).await?, None);
            Ok(())
        })
        .unwrap();
    }

    async fn a_visit_is_seen_ended_and_gone_with_its_organization(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let (id, other, digest, second) = (mine.environment.id, theirs.environment.id, fresh_digest(), fresh_digest());
        let visit = PortalVisit {
            organization_id: mine.organization.id,
            intents: vec![PortalIntent::DomainVerification],
            return_url: None,
            success_url: Some("https://app.example.com/done".to_owned()),
            created_at: at(1),
            last_seen_at: at(1),
        };
        let kept = visit.clone();
        transaction!(store, |tx| {
            portal::insert(tx, id, &digest, &kept).await?;
            portal::insert(tx, id, &second, &kept).await
        })
        .unwrap();
        transaction!(store, |tx| {
            portal::seen(tx, other, &digest, at(9)).await?;
            assert!(!portal::end(tx, other, &digest).await?);
            portal::seen(tx, id, &digest, at(5)).await?;
            // A late update does not move it back.
            portal::seen(tx, id, &digest, at(3)).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(portal::find(&mut reader, other, &digest).await.unwrap(), None);
        let found = portal::find(&mut reader, id, &digest).await.unwrap();
        assert_eq!(found, Some(PortalVisit { last_seen_at: at(5), ..visit }));
        drop(reader);
        transaction!(store, |tx| {
            assert!(portal::end(tx, id, &digest).await?);
            assert!(!portal::end(tx, id, &digest).await?);
            organization::delete(tx, id, mine.organization.id).await
        })
        .unwrap();
        assert_eq!(portal::find(&mut store.reader().await.unwrap(), id, &second).await.unwrap(), None);
    }

    async fn what_is_over_is_forgotten_and_nothing_else(store: Store) {
        let mine = plant(&store).await;
        let (id, organization_id) = (mine.environment.id, mine.organization.id);
        let (early, late, first, last) = (fresh_digest(), fresh_digest(), fresh_digest(), fresh_digest());
        let link = PortalLink { organization_id, intents: PortalIntent::ALL.to_vec(), return_url: None, success_url: None };
        let visit = |made: i64| PortalVisit {
            organization_id,
            intents: PortalIntent::ALL.to_vec(),
            return_url: None,
            success_url: None,
            created_at: at(made),
            last_seen_at: at(made),
        };
        let (one, other) = (visit(10), visit(20));
        transaction!(store, |tx| {
            portal::insert_link(tx, id, &early, &link, at(10)).await?;
            portal::insert_link(tx, id, &late, &link, at(20)).await?;
            portal::insert(tx, id, &first, &one).await?;
            portal::insert(tx, id, &last, &other).await?;
            assert_eq!(portal::prune_links(tx, at(15)).await?, 1);
            assert_eq!(portal::prune(tx, at(15)).await?, 1);
            assert!(portal::organization_of_link(tx, id, &late, at(0)).await?.is_some());
            assert_eq!(portal::organization_of_link(tx, id, &early, at(0)).await?, None);
            assert!(portal::find(tx, id, &last).await?.is_some() && portal::find(tx, id, &first).await?.is_none());
            Ok(())
        })
        .unwrap();
    }
}
