//! What must be unique, and that both engines report the violated constraint in the same way.

use crate::harness::at;
use crate::sample::{
    SLUG, World, a_domain, a_membership, a_permission, a_role, a_signing_key, a_user, an_api_key, an_application,
    an_environment, an_environment_api_key, an_invitation, an_organization, fresh_digest, plant, plant_environment,
    plant_organization, plant_user,
};
use countersign_protocol::model::{DomainState, Environment, KeyPurpose, KeyState, OrganizationDomain};
use countersign_store::{
    Error, Result, Store, api_key, application, environment, environment_api_key, invitation, membership, organization,
    permission, role, signing_key, user,
};

fn check_unique(outcome: &Result<()>, table: &str, columns: &str) {
    match outcome {
        Err(error) => {
            assert!(error.is_unique(table, columns), "{error:?} is not {table} {columns}");
            assert!(!error.is_unique(table, "id") && !error.is_unique(table, "environment_id"), "{error:?}");
            assert!(!error.is_unique("other", columns), "{error:?}");
        }
        Ok(()) => panic!("{table} {columns} is not unique"),
    }
}

async fn insert_domain(store: &Store, world: &World, domain: &OrganizationDomain) -> Result<()> {
    let (id, domain) = (world.environment.id, domain.clone());
    transaction!(store, |tx| organization::insert_domain(tx, id, &domain).await)
}

on_both_databases! {
    async fn every_rule_has_its_name(store: Store) {
        let world = plant(&store).await;
        let id = world.environment.id;

        let alike = |change: fn(&mut Environment, &Environment)| {
            let mut environment = an_environment();
            change(&mut environment, &world.environment);
            environment
        };
        for (environment, column) in [
            (alike(|new, old| new.name.clone_from(&old.name)), "name"),
            (alike(|new, old| new.client_id = old.client_id), "client_id"),
            (alike(|new, old| new.issuer = old.issuer.clone()), "issuer"),
        ] {
            check_unique(&transaction!(store, |tx| environment::insert(tx, &environment).await), "environment", column);
        }

        let mut other = plant_organization(&store, id).await;
        other.external_id = world.organization.external_id.clone();
        let updated = other.clone();
        let outcome = transaction!(store, |tx| organization::update(tx, id, &updated).await);
        check_unique(&outcome, "organization", "external_id");
        let mut customer = an_organization();
        customer.stripe_customer_id = Some("cus_1".to_owned());
        crate::sample::insert_organization(&store, id, &customer).await.unwrap();
        customer.id = crate::sample::fresh();
        let outcome = crate::sample::insert_organization(&store, id, &customer).await;
        check_unique(&outcome, "organization", "stripe_customer_id");

        let again = a_permission(SLUG);
        check_unique(&transaction!(store, |tx| permission::insert(tx, id, &again).await), "permission", "slug");

        let mut application = an_application(world.application.kind.clone(), &[]);
        application.client_id = world.application.client_id;
        let outcome = transaction!(store, |tx| application::insert(tx, id, &application).await);
        check_unique(&outcome, "connect_application", "client_id");

        let (key, digest) = (an_api_key(world.organization.id, &[]), world.api_key_digest);
        check_unique(&transaction!(store, |tx| api_key::insert(tx, id, &key, &digest).await), "api_key", "digest");

        let again = an_environment_api_key(id, &world.environment_api_key.name);
        let outcome = transaction!(store, |tx| environment_api_key::insert(tx, &again, &fresh_digest()).await);
        check_unique(&outcome, "environment_api_key", "name");
        let (other, digest) = (an_environment_api_key(id, "other"), world.environment_api_key_digest);
        let outcome = transaction!(store, |tx| environment_api_key::insert(tx, &other, &digest).await);
        check_unique(&outcome, "environment_api_key", "digest");

        let again = a_user("ADA@acme.EXAMPLE");
        check_unique(&transaction!(store, |tx| user::insert(tx, id, &again).await), "user_account", "email_key");
        let mut again = a_user("other@acme.example");
        again.external_id = world.user.external_id.clone();
        check_unique(&transaction!(store, |tx| user::insert(tx, id, &again).await), "user_account", "external_id");
        let other = plant_user(&store, id, "other@acme.example").await;
        let mut moved = other.clone();
        moved.email = "Ada@Acme.example".to_owned();
        check_unique(&transaction!(store, |tx| user::update(tx, id, &moved).await), "user_account", "email_key");

        let again = a_role(&world.role.slug);
        let missing = again.clone();
        check_unique(&transaction!(store, |tx| role::insert(tx, id, &again).await), "role", "slug");
        transaction!(store, |tx| role::insert_if_missing(tx, id, &missing).await).unwrap();

        let again = a_membership(world.user.id, &world.organization);
        let outcome = transaction!(store, |tx| membership::insert(tx, id, &again).await);
        check_unique(&outcome, "organization_membership", "user_id_organization_id");

        let (again, digest) = (an_invitation("eve@acme.example", None), world.invitation_digest);
        let outcome = transaction!(store, |tx| invitation::insert(tx, id, &again, &digest).await);
        check_unique(&outcome, "invitation", "token_digest");

        let again = a_domain(world.organization.id, &world.domain.domain, DomainState::Pending);
        let outcome = insert_domain(&store, &world, &again).await;
        check_unique(&outcome, "organization_domain", "organization_id_domain");
        assert!(!outcome.unwrap_err().is_unique("organization_domain", "domain"));
    }

    async fn of_two_accounts_of_one_address_at_once_one_is_made(store: Store) {
        let id = plant_environment(&store).await;
        for number in 0..10 {
            let (one, other) = (a_user(&format!("a{number}@b.co")), a_user(&format!("A{number}@B.co")));
            let (first, second) = tokio::join!(
                async { transaction!(store, |tx| user::insert(tx, id, &one).await) },
                async { transaction!(store, |tx| user::insert(tx, id, &other).await) },
            );
            let refused = match (first, second) {
                (Ok(()), refused) | (refused, Ok(())) => refused,
                both => panic!("{both:?}"),
            };
            check_unique(&refused, "user_account", "email_key");
        }
    }

    async fn a_client_id_is_unique_across_environments(store: Store) {
        let (one, other) = (plant(&store).await, plant(&store).await);
        let mut application = an_application(other.application.kind.clone(), &[]);
        application.client_id = one.application.client_id;
        let id = other.environment.id;
        let outcome = transaction!(store, |tx| application::insert(tx, id, &application).await);
        check_unique(&outcome, "connect_application", "client_id");
    }

    async fn many_may_claim_a_domain_and_one_may_own_it(store: Store) {
        let world = plant(&store).await;
        let id = world.environment.id;
        let mut claims = Vec::new();
        for state in [DomainState::Pending, DomainState::Pending, DomainState::Failed] {
            let claim = a_domain(plant_organization(&store, id).await.id, "wanted.example", state);
            insert_domain(&store, &world, &claim).await.unwrap();
            claims.push(claim);
        }
        let set_state = async |domain: &OrganizationDomain, state| {
            let (domain_id, strategy) = (domain.id, domain.verification_strategy);
            transaction!(store, |tx| organization::set_domain_state(tx, id, domain_id, state, strategy, at(9)).await)
                .map(|there| assert!(there))
        };
        set_state(&claims[0], DomainState::Verified).await.unwrap();
        check_unique(&set_state(&claims[1], DomainState::Verified).await, "organization_domain", "domain");
        let late = a_domain(world.organization.id, "wanted.example", DomainState::Verified);
        check_unique(&insert_domain(&store, &world, &late).await, "organization_domain", "domain");
        // It can still be claimed, even by the one that came too late.
        let claim = OrganizationDomain { state: DomainState::Pending, ..late };
        insert_domain(&store, &world, &claim).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        let claiming = organization::claiming(&mut reader, id, &["wanted.example".to_owned()]).await.unwrap();
        assert_eq!(claiming.len(), 4);
        let owner = async || {
            organization::owner_of_domain(&mut store.reader().await.unwrap(), id, "wanted.example").await.unwrap()
        };
        assert_eq!(owner().await, Some(claims[0].organization_id));
        // When the owner releases it, the next can have it.
        let owned = claims[0].id;
        assert!(transaction!(store, |tx| organization::delete_domain(tx, id, owned).await).unwrap());
        assert_eq!(owner().await, None);
        set_state(&claims[1], DomainState::Verified).await.unwrap();
        assert_eq!(owner().await, Some(claims[1].organization_id));
        // Another environment is independent.
        let elsewhere = plant(&store).await;
        let domain = a_domain(elsewhere.organization.id, "wanted.example", DomainState::Verified);
        insert_domain(&store, &elsewhere, &domain).await.unwrap();
    }

    async fn an_environment_signs_with_one_key_for_each_purpose(store: Store) {
        let id = plant_environment(&store).await;
        let mut other = a_signing_key(id, KeyState::Active);
        other.purpose = KeyPurpose::Delegated;
        let other_id = other.id;
        transaction!(store, |tx| signing_key::insert(tx, &other).await).unwrap();
        let insert = async |state| {
            let key = a_signing_key(id, state);
            let key_id = key.id;
            transaction!(store, |tx| signing_key::insert(tx, &key).await).map(|()| key_id)
        };
        let pending = KeyState::Pending { activates_at: at(1) };
        let retiring = KeyState::Retiring { gone_at: at(2) };
        let active = insert(KeyState::Active).await.unwrap();
        let next = insert(pending).await.unwrap();
        assert!(matches!(insert(KeyState::Active).await, Err(Error::Unique { .. })));
        assert!(matches!(insert(pending).await, Err(Error::Unique { .. })));
        insert(retiring).await.unwrap();
        insert(retiring).await.unwrap();
        let outcome = transaction!(store, |tx| signing_key::set_state(tx, id, next, KeyState::Active).await);
        assert!(matches!(outcome, Err(Error::Unique { .. })), "{outcome:?}");
        transaction!(store, |tx| {
            signing_key::lock(tx, id).await?;
            signing_key::set_state(tx, id, active, retiring).await?;
            signing_key::set_state(tx, id, next, KeyState::Active).await
        })
        .unwrap();
        insert(pending).await.unwrap();
        let keys = signing_key::list(&mut store.reader().await.unwrap(), id).await.unwrap();
        let mut active: Vec<_> = keys.iter().filter(|key| key.state == KeyState::Active).map(|key| key.id).collect();
        active.retain(|id| *id != other_id);
        assert_eq!(active, [next]);
        assert_eq!(keys.len(), 6);
    }

    async fn what_is_missing_is_not_alike(store: Store) {
        let id = plant_environment(&store).await;
        for _ in 0..3 {
            plant_organization(&store, id).await;
        }
        assert_eq!(crate::sample::organization_ids(&store, id).await.len(), 3);
    }
}
