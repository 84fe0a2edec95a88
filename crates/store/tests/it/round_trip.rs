//! Every kind of row is read back as inserted, once with all optional values missing and once with all present.

use crate::harness::{Database, at};
use crate::sample::{
    World, a_domain, a_permission, a_secret, a_signing_key, an_api_key, an_application, an_environment,
    an_environment_api_key, an_organization, everything, fresh, fresh_digest, fresh_token, insert_application,
    insert_organization, plant, plant_environment, plant_organization,
};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{
    ApplicationKind, Authentication, ClientSecret, ClientType, ConnectApplication, DefaultMails, DocumentPolicy,
    DomainState, EnvironmentApiKey, EnvironmentKind, KeyPurpose, KeyState, Ownership, PortalSettings, ProductPages,
    RedirectUri, RegisteredGrants, SelfRegistration, SessionPolicy, SigningKeyRecord, VerificationStrategy, WebAddress,
};
use countersign_store::environment::EnvironmentSettings;
use countersign_store::self_registration::NewSelfRegistration;
use countersign_store::{
    Store, api_key, application, client_secret, data_key, environment, environment_api_key, event, idempotency,
    organization, permission, revoked_token, self_registration, signing_key,
};
use std::sync::Arc;

/// A text with everything that might break an encoding, a quotation, or a separator.
const DIFFICULT: &str = "O'Neill \"& Søns\" \\ % _ $1 ?1 {} 日本 🦀\n\t";

/// Returns a client secret as something that can be compared.
fn secret_parts(secret: &ClientSecret) -> impl PartialEq + std::fmt::Debug + use<> {
    let ClientSecret { id, digest, hint, made_by, last_used_at, created_at, updated_at } = secret.clone();
    (id, *digest.as_bytes(), hint, made_by, last_used_at, created_at, updated_at)
}

fn environment_api_key_parts(key: &EnvironmentApiKey) -> impl PartialEq + std::fmt::Debug + use<> {
    let EnvironmentApiKey { id, environment_id, name, hint, last_used_at, created_at } = key.clone();
    (id, environment_id, name, hint, last_used_at, created_at)
}

fn signing_key_parts(key: &SigningKeyRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let SigningKeyRecord {
        id,
        environment_id,
        purpose,
        algorithm,
        state,
        public_key,
        certificate,
        sealed_private_key,
        created_at,
    } = key.clone();
    (id, environment_id, purpose, algorithm, state, public_key, certificate, sealed_private_key, created_at)
}

on_both_databases! {
    async fn environments(store: Store) {
        let mut expected = Vec::new();
        for (kind, algorithm, lifetime) in [
            (EnvironmentKind::Staging, Algorithm::Rs256, 30),
            (EnvironmentKind::Production, Algorithm::Es256, 86400),
            (EnvironmentKind::Staging, Algorithm::EdDsa, 3600),
        ] {
            let mut environment = an_environment();
            environment.kind = kind;
            environment.signing_algorithm = algorithm;
            environment.access_token_lifetime = lifetime;
            expected.push(environment.clone());
            transaction!(store, |tx| environment::insert(tx, &environment).await).unwrap();
        }
        let all = environment::all(&mut store.reader().await.unwrap()).await.unwrap();
        assert_eq!(all, expected);

        let changed = &mut expected[1];
        changed.kind = EnvironmentKind::Staging;
        changed.signing_algorithm = Algorithm::EdDsa;
        changed.session_issuer = Some("https://api.workos.com".to_owned());
        changed.access_token_lifetime = 300;
        changed.sessions = SessionPolicy { maximum_length: 400 * 86_400, inactivity_timeout: 301 };
        changed.authentication = Authentication { sign_up: false, password: true, magic_auth: false, mfa_required: true };
        changed.self_registration = SelfRegistration { documents: DocumentPolicy::Ask, dynamic: false };
        changed.portal = PortalSettings::default();
        let sign_in = Some(WebAddress::from_stored("https://app.example.com/\"login\"?a=1&b=ü".to_owned()));
        changed.product_pages = Arc::new(ProductPages { sign_in, ..ProductPages::default() });
        changed.default_mails = DefaultMails { magic_auth: false, ..DefaultMails::default() };
        changed.updated_at = at(50);
        let id = changed.id;
        let settings = EnvironmentSettings {
            kind: changed.kind,
            signing_algorithm: changed.signing_algorithm,
            session_issuer: changed.session_issuer.clone(),
            access_token_lifetime: changed.access_token_lifetime,
            sessions: changed.sessions,
            authentication: changed.authentication,
            self_registration: changed.self_registration.clone(),
            portal: changed.portal.clone(),
            product_pages: Arc::clone(&changed.product_pages),
            default_mails: changed.default_mails,
        };
        transaction!(store, |tx| environment::update(tx, id, settings, at(50)).await).unwrap();
        assert_eq!(environment::all(&mut store.reader().await.unwrap()).await.unwrap(), expected);
    }

    async fn environment_api_keys(store: Store) {
        let id = plant_environment(&store).await;
        let mut key = an_environment_api_key(id, DIFFICULT);
        let (inserted, digest, new_digest) = (key.clone(), fresh_digest(), fresh_digest());
        transaction!(store, |tx| environment_api_key::insert(tx, &inserted, &digest).await).unwrap();
        let key_id = key.id;
        let mut reader = store.reader().await.unwrap();
        let found = environment_api_key::find_by_digest(&mut reader, &digest).await.unwrap().unwrap();
        assert_eq!(environment_api_key_parts(&found), environment_api_key_parts(&key));

        transaction!(store, |tx| {
            environment_api_key::touch(tx, id, key_id, at(60)).await?;
            environment_api_key::set_digest(tx, id, key_id, &new_digest, "efgh").await
        })
        .unwrap();
        key.last_used_at = Some(at(60));
        key.hint = "efgh".to_owned();
        let list = environment_api_key::list(&mut reader, id).await.unwrap();
        assert_eq!(list.iter().map(environment_api_key_parts).collect::<Vec<_>>(), [environment_api_key_parts(&key)]);
        assert!(environment_api_key::find_by_digest(&mut reader, &digest).await.unwrap().is_none());
        assert!(environment_api_key::find_by_digest(&mut reader, &new_digest).await.unwrap().is_some());
        assert!(!environment_api_key::has_digest(&mut reader, id, key_id, &digest).await.unwrap());
        assert!(environment_api_key::has_digest(&mut reader, id, key_id, &new_digest).await.unwrap());
        assert!(transaction!(store, |tx| environment_api_key::delete(tx, id, key_id).await).unwrap());
        assert!(!transaction!(store, |tx| environment_api_key::delete(tx, id, key_id).await).unwrap());
    }

    async fn signing_keys(store: Store) {
        let id = plant_environment(&store).await;
        let mut expected = Vec::new();
        for (state, algorithm) in [
            (KeyState::Active, Algorithm::Rs256),
            (KeyState::Pending { activates_at: at(70) }, Algorithm::Es256),
            (KeyState::Retiring { gone_at: at(71) }, Algorithm::EdDsa),
        ] {
            let mut key = a_signing_key(id, state);
            key.algorithm = algorithm;
            key.purpose = if state == KeyState::Active { KeyPurpose::Delegated } else { KeyPurpose::Direct };
            key.sealed_private_key = (0..=255).collect();
            expected.push(key.clone());
            transaction!(store, |tx| signing_key::insert(tx, &key).await).unwrap();
        }
        let check = async |expected: &[SigningKeyRecord]| {
            let found = signing_key::list(&mut store.reader().await.unwrap(), id).await.unwrap();
            let parts = |keys: &[SigningKeyRecord]| keys.iter().map(signing_key_parts).collect::<Vec<_>>();
            assert_eq!(parts(&found), parts(expected));
        };
        check(&expected).await;
        expected[0].state = KeyState::Retiring { gone_at: at(72) };
        let first = expected[0].clone();
        transaction!(store, |tx| signing_key::set_state(tx, id, first.id, first.state).await).unwrap();
        check(&expected).await;
        let gone = expected.pop().unwrap().id;
        assert!(transaction!(store, |tx| signing_key::delete(tx, id, gone).await).unwrap());
        check(&expected).await;
    }

    async fn organizations_with_their_domains(store: Store) {
        let id = plant_environment(&store).await;
        let mut full = an_organization();
        full.name = DIFFICULT.to_owned();
        full.external_id = Some(DIFFICULT.to_owned());
        full.stripe_customer_id = Some("cus_1".to_owned());
        full.metadata = [("tier", "gold"), ("difficult", DIFFICULT), ("", "")]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        full.allow_profiles_outside_organization = true;
        let mut bare = an_organization();
        let check = async |expected: &countersign_protocol::model::Organization| {
            let mut reader = store.reader().await.unwrap();
            assert_eq!(organization::find(&mut reader, id, expected.id).await.unwrap().as_ref(), Some(expected));
            let listed = organization::list(&mut reader, id, &everything(), None).await.unwrap();
            assert!(listed.contains(expected), "{listed:?}");
            if let Some(external_id) = &expected.external_id {
                let found = organization::find_by_external_id(&mut reader, id, external_id).await.unwrap();
                assert_eq!(found.as_ref(), Some(expected));
            }
        };
        for organization in [&full, &bare] {
            insert_organization(&store, id, organization).await.unwrap();
            check(organization).await;
        }
        for (state, strategy) in [
            (DomainState::Pending, VerificationStrategy::Dns),
            (DomainState::Verified, VerificationStrategy::Manual),
            (DomainState::Failed, VerificationStrategy::Dns),
        ] {
            let mut domain = a_domain(full.id, &format!("{}.example", state.as_str()), state);
            domain.verification_strategy = strategy;
            full.domains.push(domain.clone());
            transaction!(store, |tx| organization::insert_domain(tx, id, &domain).await).unwrap();
        }
        check(&full).await;
        let changed = &mut full.domains[0];
        (changed.state, changed.verification_strategy) = (DomainState::Verified, VerificationStrategy::Manual);
        changed.updated_at = at(80);
        let domain = changed.clone();
        let (state, strategy) = (domain.state, domain.verification_strategy);
        transaction!(store, |tx| {
            organization::set_domain_state(tx, id, domain.id, state, strategy, at(80)).await
        })
        .unwrap();
        check(&full).await;
        let found = organization::find_domain(&mut store.reader().await.unwrap(), id, full.domains[0].id).await.unwrap();
        assert_eq!(found.as_ref(), full.domains.first());

        // Everything present is cleared, everything missing is set.
        std::mem::swap(&mut full.external_id, &mut bare.external_id);
        std::mem::swap(&mut full.stripe_customer_id, &mut bare.stripe_customer_id);
        std::mem::swap(&mut full.metadata, &mut bare.metadata);
        full.allow_profiles_outside_organization = false;
        full.updated_at = at(81);
        for organization in [&full, &bare] {
            let changed = organization.clone();
            transaction!(store, |tx| organization::update(tx, id, &changed).await).unwrap();
            check(organization).await;
        }
        let locked = full.id;
        assert!(transaction!(store, |tx| organization::lock(tx, id, locked).await).unwrap());
    }

    async fn permissions(store: Store) {
        let id = plant_environment(&store).await;
        let mut described = a_permission("posts:read");
        described.name = DIFFICULT.to_owned();
        described.description = Some(DIFFICULT.to_owned());
        described.system = true;
        let mut bare = a_permission("posts:write");
        let check = async |expected: &countersign_protocol::model::Permission| {
            let mut reader = store.reader().await.unwrap();
            assert_eq!(permission::find(&mut reader, id, &expected.slug).await.unwrap().as_ref(), Some(expected));
            assert!(permission::list(&mut reader, id, &everything()).await.unwrap().contains(expected));
        };
        for permission in [&described, &bare] {
            let inserted = permission.clone();
            transaction!(store, |tx| permission::insert(tx, id, &inserted).await).unwrap();
            check(permission).await;
        }
        std::mem::swap(&mut described.description, &mut bare.description);
        described.name = "Another".to_owned();
        for permission in [&mut described, &mut bare] {
            permission.updated_at = at(85);
            let changed = permission.clone();
            transaction!(store, |tx| permission::update(tx, id, &changed, at(85)).await).unwrap();
            check(permission).await;
        }
    }

    async fn applications_of_every_kind(store: Store) {
        let id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, id).await.id;
        let redirect_uris = vec![
            RedirectUri { uri: "https://app.example.com/callback?x='\"&y=1".to_owned(), default: true },
            RedirectUri { uri: "com.example.app:/callback".to_owned(), default: false },
        ];
        let oauth = |ownership, client_type, full: bool| ApplicationKind::OAuth {
            ownership,
            client_type,
            redirect_uris: if full { redirect_uris.clone() } else { Vec::new() },
            cors_origins: if full { vec!["https://app.example.com".to_owned()] } else { Vec::new() },
            backchannel_logout_uri: full.then(|| "https://app.example.com/signed-out".to_owned()),
        };
        for (kind, scopes, description) in [
            (ApplicationKind::Machine { organization_id }, &["posts:write", "posts:read", "a"][..], Some(DIFFICULT)),
            (ApplicationKind::Machine { organization_id }, &[], None),
            (oauth(Ownership::FirstParty, ClientType::Confidential, true), &["openid"], None),
            (oauth(Ownership::FirstParty, ClientType::Public, false), &[], Some("")),
            (oauth(Ownership::ThirdParty { organization_id }, ClientType::Confidential, false), &["b", "a"], None),
            (oauth(Ownership::ThirdParty { organization_id }, ClientType::Public, true), &[], None),
            (oauth(Ownership::DynamicallyRegistered, ClientType::Public, true), &["openid"], None),
        ] {
            let mut application = an_application(kind, scopes);
            application.description = description.map(str::to_owned);
            insert_application(&store, id, &application).await.unwrap();
            if application.registered_itself() {
                let new = NewSelfRegistration {
                    application_id: application.id,
                    sameness: None,
                    changed_at: at(0),
                    fresh_until: None,
                    unused_until: at(100),
                    grants: RegisteredGrants::UNSAID,
                };
                transaction!(store, |tx| self_registration::insert(tx, id, &new).await).unwrap();
            }
            let check = async |expected: &ConnectApplication| {
                let mut reader = store.reader().await.unwrap();
                let found = application::find(&mut reader, id, expected.id).await.unwrap();
                assert_eq!(found.as_ref(), Some(expected));
                let found = application::find_by_client_id(&mut reader, id, expected.client_id).await.unwrap();
                assert_eq!(found.as_ref(), Some(expected));
                let client = application::load_client(&mut reader, id, expected.client_id).await.unwrap().unwrap();
                assert_eq!((client.environment_id, &client.application), (id, expected));
            };
            check(&application).await;
            application.name = DIFFICULT.to_owned();
            application.description = if description.is_none() { Some("Now it has one".to_owned()) } else { None };
            application.scopes = if scopes.is_empty() { vec!["z".to_owned(), "y".to_owned()] } else { Vec::new() };
            if let ApplicationKind::OAuth { redirect_uris: uris, cors_origins, .. } = &mut application.kind {
                *uris = if uris.is_empty() { redirect_uris.clone() } else { Vec::new() };
                cors_origins.push("https://other.example.com".to_owned());
            }
            application.updated_at = at(86);
            let changed = application.clone();
            transaction!(store, |tx| application::update(tx, id, &changed).await).unwrap();
            // The scopes are updated by another function.
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            check(&ConnectApplication { scopes, ..application.clone() }).await;
            let changed = application.clone();
            transaction!(store, |tx| application::set_scopes(tx, id, &changed).await).unwrap();
            check(&application).await;
        }
    }

    async fn client_secrets(store: Store) {
        let world: World = plant(&store).await;
        let (id, application_id) = (world.environment.id, world.application.id);
        let (mut used, second) = (world.secret.clone(), a_secret());
        let inserted = second.clone();
        let used_id = used.id;
        transaction!(store, |tx| {
            client_secret::insert(tx, id, application_id, &inserted).await?;
            client_secret::touch(tx, id, used_id, at(90)).await
        })
        .unwrap();
        used.last_used_at = Some(at(90));
        let expected = [secret_parts(&used), secret_parts(&second)];
        let mut reader = store.reader().await.unwrap();
        let listed = client_secret::list(&mut reader, id, application_id).await.unwrap();
        assert_eq!(listed.iter().map(secret_parts).collect::<Vec<_>>(), expected);
        let client = application::load_client(&mut reader, id, world.application.client_id).await.unwrap().unwrap();
        assert_eq!(client.secrets.iter().map(secret_parts).collect::<Vec<_>>(), expected);
    }

    async fn api_keys(store: Store) {
        let id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, id).await.id;
        for (permissions, expires_at) in [(&["b", "a", "c"][..], Some(at(1000))), (&[], None)] {
            let mut key = an_api_key(organization_id, permissions);
            key.name = DIFFICULT.to_owned();
            key.expires_at = expires_at;
            let (inserted, digest, key_id) = (key.clone(), fresh_digest(), key.id);
            transaction!(store, |tx| api_key::insert(tx, id, &inserted, &digest).await).unwrap();
            let check = async |expected: &countersign_protocol::model::ApiKey| {
                let mut reader = store.reader().await.unwrap();
                assert_eq!(api_key::find(&mut reader, id, key_id).await.unwrap().as_ref(), Some(expected));
                let found = api_key::find_by_digest(&mut reader, id, &digest).await.unwrap();
                assert_eq!(found.as_ref(), Some(expected));
                let listed = api_key::list(&mut reader, id, organization_id, &everything()).await.unwrap();
                assert!(listed.contains(expected), "{listed:?}");
                let locked = transaction!(store, |tx| api_key::find_and_lock(tx, id, key_id).await).unwrap();
                assert_eq!(locked.as_ref(), Some(expected));
            };
            check(&key).await;
            key.expires_at = if expires_at.is_none() { Some(at(2000)) } else { None };
            (key.updated_at, key.last_used_at) = (at(95), Some(at(96)));
            let changed = key.clone();
            transaction!(store, |tx| {
                api_key::touch(tx, id, changed.id, at(96)).await?;
                api_key::set_expiry(tx, id, changed.id, changed.expires_at, at(95)).await
            })
            .unwrap();
            check(&key).await;
        }
    }

    async fn revoked_tokens(store: Store) {
        let (one, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let expected = [(other, fresh_token(), at(500)), (one, fresh_token(), at(400)), (one, fresh_token(), at(300))];
        for (id, jti, until) in expected {
            assert!(transaction!(store, |tx| revoked_token::insert(tx, id, jti, until).await).unwrap());
            assert!(!transaction!(store, |tx| revoked_token::insert(tx, id, jti, until).await).unwrap());
        }
        let live = async |now, limit| revoked_token::live(&mut store.reader().await.unwrap(), at(now), limit).await.unwrap();
        assert_eq!(live(0, 10).await, expected);
        assert_eq!(live(0, 2).await, expected[..2]);
        assert_eq!(live(300, 10).await, expected[..2]);
        assert_eq!(live(500, 10).await, []);
    }

    async fn kept_replies(store: Store) {
        let id = plant_environment(&store).await;
        let (key, request_digest) = (fresh_digest(), fresh_digest());
        let sealed_reply: Vec<u8> = (0..=255).collect();
        let reply = idempotency::KeptReply { request_digest, status: 422, sealed_reply: sealed_reply.clone() };
        assert!(transaction!(store, |tx| idempotency::keep(tx, id, &key, &reply, at(10), at(0)).await).unwrap());
        let mut reader = store.reader().await.unwrap();
        let found = idempotency::find(&mut reader, id, &key, at(9)).await.unwrap().unwrap();
        assert!(found.request_digest.matches(&request_digest));
        assert_eq!((found.status, found.sealed_reply), (422, sealed_reply));
        assert!(idempotency::find(&mut reader, id, &key, at(10)).await.unwrap().is_none());
        assert!(idempotency::find(&mut reader, id, &fresh_digest(), at(9)).await.unwrap().is_none());
    }

    async fn the_data_key(store: Store) {
        assert_eq!(data_key::find(&mut store.reader().await.unwrap()).await.unwrap(), None);
        let sealed: Vec<u8> = (0..=255).collect();
        for (bytes, made) in [(sealed.clone(), true), (vec![1], false)] {
            assert_eq!(transaction!(store, |tx| data_key::insert(tx, &bytes, at(1)).await).unwrap(), made);
        }
        assert_eq!(data_key::find(&mut store.reader().await.unwrap()).await.unwrap(), Some(sealed));
    }

    async fn events(database: Database) {
        let store = database.migrated().await;
        let id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, id).await.id;
        let data = serde_json::json!({"object": "organization", "name": DIFFICULT});
        let mut expected = Vec::new();
        for (event, organization_id) in [("organization.created", Some(organization_id)), ("permission.created", None)] {
            let (event_id, data): (countersign_protocol::id::EventId, _) = (fresh(), data.clone());
            let organization = organization_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let made_at = at(99).as_millis().to_string();
            let row = [id.to_string(), event_id.to_string(), event.to_owned(), organization, data.to_string(), made_at];
            expected.push([&row[..], &["-".to_owned()]].concat());
            transaction!(store, |tx| {
                let new = event::NewEvent { id: event_id, event, organization_id, subject: "it", data: &data, created_at: at(99) };
                event::append(tx, id, &new).await
            })
            .unwrap();
        }
        let rows = "SELECT environment_id, id, event, organization_id, data, created_at, position FROM event ORDER BY id";
        assert_eq!(database.rows(rows).await, expected);
    }
}
