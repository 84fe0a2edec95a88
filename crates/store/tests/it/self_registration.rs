//! Self-registered clients: stored, shared, pruned unless a user consents, and out of reach of other environments.

use crate::harness::{Database, at};
use crate::sample::{an_application, fresh, fresh_digest, insert_application, plant_environment, plant_user};
use countersign_protocol::id::{ApplicationId, EnvironmentId};
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, Consent, Decision, KnownDocument, Ownership, RegisteredGrant,
    RegisteredGrants, SelfRegistered,
};
use countersign_protocol::secret::Digest;
use countersign_store::change::{self, Topic};
use countersign_store::self_registration::{self, NewSelfRegistration};
use countersign_store::{Error, Store, application, client_document, consent};

const URL: &str = "https://client.example/O'Neill?x=%00";

async fn plant(store: &Store, id: EnvironmentId, url: Option<&str>, sameness: Option<Digest>) -> ConnectApplication {
    let kind = ApplicationKind::OAuth {
        ownership: Ownership::DynamicallyRegistered,
        client_type: ClientType::Public,
        redirect_uris: vec![],
        cors_origins: vec![],
        backchannel_logout_uri: None,
    };
    let planted = ConnectApplication { metadata_url: url.map(str::to_owned), ..an_application(kind, &[]) };
    insert_application(store, id, &planted).await.unwrap();
    let new = NewSelfRegistration {
        application_id: planted.id,
        sameness,
        changed_at: at(5),
        fresh_until: url.map(|_| at(50)),
        unused_until: at(100),
        grants: RegisteredGrants::UNSAID,
    };
    transaction!(store, |tx| self_registration::insert(tx, id, &new).await).unwrap();
    planted
}

async fn is_there(store: &Store, id: EnvironmentId, application_id: ApplicationId) -> bool {
    application::find(&mut store.reader().await.unwrap(), id, application_id).await.unwrap().is_some()
}

on_both_databases! {
    async fn what_is_remembered_comes_back_with_the_decision(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let mine = plant(&store, id, Some(URL), None).await;
        let theirs = plant(&store, other, Some(URL), None).await;
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(application::find(reader, id, mine.id).await.unwrap(), Some(mine.clone()));
        let remembered = SelfRegistered { changed_at: at(5), fresh_until: Some(at(50)), decision: None, grants: RegisteredGrants::UNSAID };
        assert_eq!(self_registration::find(reader, id, &mine).await.unwrap(), Some(remembered));
        assert_eq!(self_registration::find(reader, other, &mine).await.unwrap(), None);
        let mine_id = mine.id;
        let device = RegisteredGrants::listed(&[RegisteredGrant::Device.as_str().to_owned()]);
        transaction!(store, |tx| {
            client_document::decide(tx, id, URL, Decision::Allowed, at(9)).await?;
            // Neither affects another environment's client.
            self_registration::fetched(tx, other, mine_id, (at(99), at(99)), Some(RegisteredGrants::default())).await?;
            assert!(!self_registration::set_grants(tx, id, mine_id, RegisteredGrants::default()).await?, "it is known");
            assert_eq!(self_registration::keep(tx, other, mine_id).await?, None);
            self_registration::keep_for_now(tx, other, mine_id, at(999)).await?;
            self_registration::fetched(tx, id, mine_id, (at(55), at(7)), Some(device)).await?;
            // Without grants, the previous ones stay.
            self_registration::fetched(tx, id, mine_id, (at(60), at(7)), None).await?;
            // What another node has fetched since then stays, and so does the time since when consent is asked for
            // again.
            self_registration::invalid(tx, id, mine_id, (at(55), at(1))).await?;
            self_registration::invalid(tx, other, mine_id, (at(60), at(1))).await
        })
        .unwrap();
        let after = SelfRegistered { changed_at: at(7), fresh_until: Some(at(60)), decision: Some(Decision::Allowed), grants: device };
        assert_eq!(self_registration::find(reader, id, &mine).await.unwrap(), Some(after));
        assert_eq!(self_registration::find(reader, other, &theirs).await.unwrap(), Some(remembered));
        let loaded = application::load_client(reader, id, mine.client_id).await.unwrap().unwrap();
        assert_eq!(loaded.registered, Some(after));
        transaction!(store, |tx| self_registration::invalid(tx, id, mine_id, (at(60), at(1))).await).unwrap();
        let invalid = SelfRegistered { fresh_until: Some(at(1)), ..after };
        assert_eq!(self_registration::find(&mut store.reader().await.unwrap(), id, &mine).await.unwrap(), Some(invalid));
        assert_eq!(self_registration::count_unused(reader, id, true, at(99)).await.unwrap(), 1);
        assert_eq!(self_registration::count_unused(reader, id, true, at(100)).await.unwrap(), 0);
    }

    async fn a_client_that_is_being_forgotten_does_not_pass_for_one_that_was_registered_by_hand(database: Database) {
        let store = database.migrated().await;
        let id = plant_environment(&store).await;
        let planted = plant(&store, id, None, None).await;
        let reader = &mut store.reader().await.unwrap();
        assert!(application::load_client(reader, id, planted.client_id).await.unwrap().is_some());
        // As seen by a reader that loads the application before the deletion and the rest after it.
        database.execute("DELETE FROM self_registration").await;
        assert!(application::load_client(reader, id, planted.client_id).await.unwrap().is_none());
    }

    async fn those_who_register_the_same_share_one_in_their_environment(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let same = fresh_digest();
        let mine = plant(&store, id, None, Some(same)).await;
        plant(&store, other, None, Some(same)).await;
        plant(&store, id, None, None).await;
        plant(&store, id, None, None).await;
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(self_registration::find_identical(reader, id, &same).await.unwrap(), Some(mine.id));
        assert_eq!(self_registration::find_identical(reader, id, &fresh_digest()).await.unwrap(), None);
        let again = an_application(mine.kind.clone(), &[]);
        let refused = transaction!(store, |tx| {
            application::insert(tx, id, &again).await?;
            let new = NewSelfRegistration { application_id: again.id, sameness: Some(same), changed_at: at(5), fresh_until: None, unused_until: at(9), grants: RegisteredGrants::UNSAID };
            self_registration::insert(tx, id, &new).await
        });
        assert!(matches!(&refused, Err(error) if error.is_unique("self_registration", "sameness")), "{refused:?}");
    }

    async fn what_nobody_has_agreed_to_is_forgotten_with_its_application(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let (gone, kept) = (plant(&store, id, None, None).await, plant(&store, id, None, None).await);
        let (longer, theirs) = (plant(&store, id, None, None).await, plant(&store, other, None, None).await);
        let (kept_id, longer_id) = (kept.id, longer.id);
        let pruned = transaction!(store, |tx| {
            assert_eq!(self_registration::keep(tx, id, kept_id).await?, Some(at(5)));
            self_registration::keep_for_now(tx, id, kept_id, at(101)).await?;
            self_registration::keep_for_now(tx, id, longer_id, at(200)).await?;
            self_registration::keep_for_now(tx, id, longer_id, at(50)).await?;
            Ok((self_registration::prune(tx, at(100)).await?, self_registration::prune(tx, at(101)).await?))
        });
        assert_eq!(pruned.unwrap(), (0, 2));
        assert!(!is_there(&store, id, gone.id).await && !is_there(&store, other, theirs.id).await);
        assert!(is_there(&store, id, kept.id).await && is_there(&store, id, longer.id).await);
        let changes = change::from(&mut store.reader().await.unwrap(), 1).await.unwrap();
        for (environment_id, client_id) in [(id, gone.client_id), (other, theirs.client_id)] {
            let told = |one: &change::Change| one.environment_id == environment_id && one.topic == Some(Topic::Client(client_id));
            assert!(changes.iter().any(told), "{changes:?}");
        }
    }

    async fn where_there_are_too_many_those_go_that_would_go_first(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let (first, kept) = (plant(&store, id, None, None).await, plant(&store, id, None, None).await);
        let (longer, document) = (plant(&store, id, None, None).await, plant(&store, id, Some(URL), None).await);
        let theirs = plant(&store, other, None, None).await;
        let (first_id, kept_id, longer_id) = (first.id, kept.id, longer.id);
        transaction!(store, |tx| {
            self_registration::keep(tx, id, kept_id).await?;
            self_registration::keep_for_now(tx, id, longer_id, at(200)).await?;
            self_registration::trim(tx, id, false, 1, (at(99), at(50))).await
        })
        .unwrap();
        assert!(is_there(&store, id, first.id).await, "it would stay longer than the one that comes");
        transaction!(store, |tx| {
            self_registration::trim(tx, id, false, 1, (at(300), at(50))).await?;
            assert!(!self_registration::lock(tx, id, first_id).await?);
            assert!(self_registration::lock(tx, id, longer_id).await?);
            Ok(())
        })
        .unwrap();
        assert!(!is_there(&store, id, first.id).await && is_there(&store, other, theirs.id).await);
        transaction!(store, |tx| self_registration::trim(tx, id, true, 9, (at(300), at(50))).await).unwrap();
        assert!(!is_there(&store, id, document.id).await && is_there(&store, id, longer.id).await);
        transaction!(store, |tx| self_registration::trim(tx, id, false, 9, (at(300), at(50))).await).unwrap();
        assert!(!is_there(&store, id, longer.id).await && is_there(&store, id, kept.id).await);
        let changes = change::from(&mut store.reader().await.unwrap(), 1).await.unwrap();
        for gone in [first.client_id, longer.client_id, document.client_id] {
            assert!(changes.iter().any(|one| one.topic == Some(Topic::Client(gone))), "{changes:?}");
        }
    }

    async fn who_agrees_while_it_is_forgotten_has_either_agreed_or_come_too_late(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        for _ in 0..20 {
            let application_id = plant(&store, id, None, None).await.id;
            let wanted = Consent {
                id: fresh(), user_id, application_id, organization_id: None, resource: String::new(), scopes: vec![], created_at: at(9), updated_at: at(9),
                choices: Default::default(),
            };
            let (agreeing, forgetting) = (store.clone(), store.clone());
            let agreed = tokio::spawn(async move {
                transaction!(agreeing, |tx| {
                    self_registration::keep(tx, id, application_id).await?;
                    consent::insert(tx, id, &wanted).await
                })
            });
            let forgotten = tokio::spawn(async move { transaction!(forgetting, |tx| self_registration::prune(tx, at(101)).await) });
            let (agreed, forgotten) = (agreed.await.unwrap(), forgotten.await.unwrap().unwrap());
            let reader = &mut store.reader().await.unwrap();
            let kept = consent::of_user_and_application(reader, id, user_id, application_id, "").await.unwrap().len();
            match agreed {
                Ok(()) => assert_eq!((forgotten, kept, is_there(&store, id, application_id).await), (0, 1, true)),
                Err(Error::ForeignKey) => assert_eq!((forgotten, kept, is_there(&store, id, application_id).await), (1, 0, false)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    async fn a_document_waits_until_somebody_decides_or_it_is_forgotten(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let asked = transaction!(store, |tx| {
            let asked = [
                client_document::ask(tx, id, URL, at(1)).await?,
                client_document::ask(tx, id, URL, at(2)).await?,
                client_document::ask(tx, other, URL, at(3)).await?,
                client_document::ask(tx, id, "https://b.example/x", at(4)).await?,
            ];
            client_document::decide(tx, id, "https://b.example/x", Decision::Refused, at(5)).await?;
            client_document::decide(tx, id, "https://b.example/x", Decision::Allowed, at(6)).await?;
            client_document::decide(tx, other, "https://c.example/x", Decision::Refused, at(7)).await?;
            Ok(asked)
        });
        assert_eq!(asked.unwrap(), [true, false, true, true], "once each");
        let known = |url: &str, decision, created: i64, decided: Option<i64>| KnownDocument {
            url: url.to_owned(), decision, created_at: at(created), decided_at: decided.map(at),
        };
        let reader = &mut store.reader().await.unwrap();
        let allowed = known("https://b.example/x", Some(Decision::Allowed), 4, Some(6));
        assert_eq!(client_document::all(reader, id).await.unwrap(), [allowed.clone(), known(URL, None, 1, None)]);
        assert_eq!(client_document::find(reader, other, "https://b.example/x").await.unwrap(), None);
        assert_eq!(client_document::count_waiting(reader, id, at(0)).await.unwrap(), 1);
        assert_eq!(client_document::count_waiting(reader, id, at(1)).await.unwrap(), 0);
        assert_eq!(transaction!(store, |tx| client_document::prune(tx, at(3)).await).unwrap(), 1);
        assert_eq!(client_document::all(reader, id).await.unwrap(), [allowed]);
        assert_eq!(client_document::all(reader, other).await.unwrap().len(), 2);
    }
}
