//! No function sees or touches a row of another environment, even when it is given that row's identifier.

use crate::harness::at;
use crate::sample::{World, everything, fresh_digest, fresh_token, plant};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{
    Authentication, DefaultMails, DomainState, InvitationState, KeyState, MembershipStatus, PortalSettings,
    SelfRegistration, SessionPolicy, VerificationStrategy,
};
use countersign_store::environment::EnvironmentSettings;
use countersign_store::idempotency::KeptReply;
use countersign_store::{
    Error, Store, api_key, application, client_secret, environment, environment_api_key, idempotency, invitation,
    membership, organization, permission, revoked_token, role, signing_key, user,
};
use std::sync::Arc;

const EVERY_STATUS: [MembershipStatus; 3] =
    [MembershipStatus::Active, MembershipStatus::Inactive, MembershipStatus::Pending];
const ALL: application::Filter = application::Filter { organization_id: None, authenticated: true, dynamic: true };

/// Returns everything that can be read of a world, from inside or from another environment, as text.
async fn all_that_is_seen(store: &Store, environment_id: EnvironmentId, of: &World) -> Vec<String> {
    let reader = &mut store.reader().await.unwrap();
    let mut seen = Vec::new();
    macro_rules! look {
        ($($found:expr),* $(,)?) => {$( seen.extend($found.await.unwrap().iter().map(|row| format!("{row:?}"))); )*};
    }
    let domains = [of.domain.domain.clone()];
    let organization_id = of.organization.id;
    let filter = application::Filter { organization_id: Some(organization_id), ..ALL };
    look!(
        organization::find(reader, environment_id, organization_id),
        organization::find_by_external_id(reader, environment_id, of.organization.external_id.as_deref().unwrap()),
        organization::list(reader, environment_id, &everything(), None),
        organization::list(reader, environment_id, &everything(), Some(&of.organization.name)),
        organization::claiming(reader, environment_id, &domains),
        organization::domains(reader, environment_id, organization_id),
        organization::find_domain(reader, environment_id, of.domain.id),
        organization::owner_of_domain(reader, environment_id, &of.domain.domain),
        application::find_by_name(reader, environment_id, &of.application.name),
        permission::find(reader, environment_id, &of.permission.slug),
        permission::list(reader, environment_id, &everything()),
        application::find(reader, environment_id, of.application.id),
        application::find_by_client_id(reader, environment_id, of.application.client_id),
        application::load_client(reader, environment_id, of.application.client_id),
        application::list(reader, environment_id, ALL, &everything()),
        application::list(reader, environment_id, filter, &everything()),
        client_secret::list(reader, environment_id, of.application.id),
        api_key::find(reader, environment_id, of.api_key.id),
        api_key::find_by_digest(reader, environment_id, &of.api_key_digest),
        api_key::list(reader, environment_id, organization_id, &everything()),
        environment_api_key::list(reader, environment_id),
        signing_key::list(reader, environment_id),
    );
    let (user_id, membership_id) = (of.user.id, of.membership.id);
    let whose = [membership::Of::User(user_id), membership::Of::Organization(organization_id)];
    let invited = invitation::Filter { email: Some(&of.invitation.email), organization_id: Some(organization_id) };
    look!(
        user::find(reader, environment_id, user_id),
        user::find_by_email(reader, environment_id, &of.user.email.to_uppercase()),
        user::find_to_sign_in(reader, environment_id, &of.user.email),
        user::find_with_password(reader, environment_id, user_id),
        user::with_address_beginning(reader, environment_id, &of.user.email[..1], 9),
        user::find_by_external_id(reader, environment_id, of.user.external_id.as_deref().unwrap()),
        user::list(reader, environment_id, &everything(), None),
        user::list(reader, environment_id, &everything(), Some(organization_id)),
        user::password_hash(reader, environment_id, user_id),
        role::find(reader, environment_id, &of.role.slug),
        role::list(reader, environment_id),
        membership::find(reader, environment_id, membership_id),
        membership::find_of_user(reader, environment_id, user_id, organization_id),
        membership::active_of_user(reader, environment_id, user_id, 9, None),
        membership::list(reader, environment_id, &everything(), whose[0], &EVERY_STATUS),
        membership::list(reader, environment_id, &everything(), whose[1], &EVERY_STATUS),
        membership::search(reader, environment_id, &everything(), organization_id, &of.user.email),
        invitation::find(reader, environment_id, of.invitation.id),
        invitation::find_by_token(reader, environment_id, &of.invitation_digest),
        invitation::find_open(reader, environment_id, &of.invitation.email, Some(organization_id), at(0)),
        invitation::list(reader, environment_id, &everything(), invitation::Filter::default()),
        invitation::list(reader, environment_id, &everything(), invited),
    );
    if membership::is_active(reader, environment_id, user_id, organization_id).await.unwrap() {
        seen.push(format!("{user_id} is active"));
    }
    let (id, digest) = (of.environment_api_key.id, &of.environment_api_key_digest);
    if environment_api_key::has_digest(reader, environment_id, id, digest).await.unwrap() {
        seen.push("has digest".to_owned());
    }
    seen
}

on_both_databases! {
    async fn nothing_is_seen_from_another_environment(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let own = all_that_is_seen(&store, mine.environment.id, &mine).await;
        assert_eq!(own.len(), 46, "{own:#?}");
        let foreign = all_that_is_seen(&store, mine.environment.id, &theirs).await;
        // The same names, slugs, and domains exist on both sides, so these do find rows, but only our own.
        for text in &foreign {
            assert!(own.contains(text), "{text}");
        }
        let ids = [
            theirs.organization.id.to_string(),
            theirs.domain.id.to_string(),
            theirs.permission.id.to_string(),
            theirs.application.id.to_string(),
            theirs.application.client_id.to_string(),
            theirs.secret.id.to_string(),
            theirs.api_key.id.to_string(),
            theirs.environment_api_key.id.to_string(),
            theirs.signing_key.id.to_string(),
            theirs.environment.id.to_string(),
            theirs.user.id.to_string(),
            theirs.role.id.to_string(),
            theirs.membership.id.to_string(),
            theirs.invitation.id.to_string(),
        ];
        for text in &foreign {
            assert!(!ids.iter().any(|id| text.contains(id)), "{text}");
        }
        let by_identifier: Vec<_> = foreign.iter().filter(|text| text.as_str() == "has digest").collect();
        assert!(by_identifier.is_empty());
    }

    async fn nothing_is_changed_from_another_environment(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let (their_id, alone) = (theirs.environment.id, crate::sample::a_permission("theirs:alone"));
        transaction!(store, |tx| permission::insert(tx, their_id, &alone).await).unwrap();
        let before = all_that_is_seen(&store, theirs.environment.id, &theirs).await;
        let (id, them) = (mine.environment.id, theirs.clone());
        transaction!(store, |tx| {
            let mut organization = them.organization.clone();
            organization.name = "Taken over".to_owned();
            organization::update(tx, id, &organization).await?;
            assert!(!organization::lock(tx, id, organization.id).await?);
            assert!(!organization::delete(tx, id, organization.id).await?);
            let (state, strategy) = (DomainState::Failed, VerificationStrategy::Manual);
            organization::set_domain_state(tx, id, them.domain.id, state, strategy, at(99)).await?;
            assert!(!organization::delete_domain(tx, id, them.domain.id).await?);

            let mut permission = them.permission.clone();
            permission.name = "Taken over".to_owned();
            permission::update(tx, id, &permission, at(99)).await?;
            permission::delete(tx, id, &permission).await?;
            assert!(!permission::lock(tx, id, "theirs:alone").await?);

            let mut application = them.application.clone();
            application.name = "Taken over".to_owned();
            application::update(tx, id, &application).await?;
            application.scopes.clear();
            application::set_scopes(tx, id, &application).await?;
            assert!(!application::delete(tx, id, them.application.id).await?);
            client_secret::lock_application(tx, id, them.application.id).await?;
            client_secret::touch(tx, id, them.secret.id, at(99)).await?;
            assert_eq!(client_secret::delete(tx, id, them.secret.id).await?, None);

            assert_eq!(api_key::find_and_lock(tx, id, them.api_key.id).await?, None);
            api_key::set_expiry(tx, id, them.api_key.id, Some(at(99)), at(99)).await?;
            api_key::touch(tx, id, them.api_key.id, at(99)).await?;
            assert!(!api_key::delete(tx, id, them.api_key.id).await?);

            environment_api_key::set_digest(tx, id, them.environment_api_key.id, &fresh_digest(), "hint").await?;
            environment_api_key::touch(tx, id, them.environment_api_key.id, at(99)).await?;
            assert!(!environment_api_key::delete(tx, id, them.environment_api_key.id).await?);

            signing_key::lock(tx, id).await?;
            signing_key::set_state(tx, id, them.signing_key.id, KeyState::Retiring { gone_at: at(99) }).await?;
            assert!(!signing_key::delete(tx, id, them.signing_key.id).await?);

            let mut user = them.user.clone();
            user.name = Some("Taken over".to_owned());
            user.email = "taken@over.example".to_owned();
            user.external_id = None;
            user::update(tx, id, &user).await?;
            user::signed_in(tx, id, user.id, at(99)).await?;
            user::rehash_password(tx, id, user.id, ("a hash", "another"), at(99)).await?;
            assert!(!user::lock(tx, id, user.id).await?);
            assert!(!user::delete(tx, id, user.id).await?);

            let mut role = them.role.clone();
            role.name = "Taken over".to_owned();
            role::update(tx, id, &role, at(99)).await?;
            role::set_permissions(tx, id, role.id, &[]).await?;
            assert!(!role::remove_permission(tx, id, role.id, crate::sample::SLUG).await?);
            assert!(!role::delete(tx, id, role.id).await?);

            membership::set_status(tx, id, them.membership.id, MembershipStatus::Inactive, at(99)).await?;
            membership::set_roles(tx, id, them.membership.id, &[]).await?;
            assert!(!membership::lock(tx, id, them.membership.id).await?);
            assert!(!membership::delete(tx, id, them.membership.id).await?);

            let revoked = InvitationState::Revoked { at: at(99) };
            assert!(!invitation::settle(tx, id, them.invitation.id, revoked, at(99)).await?);
            invitation::touch(tx, id, them.invitation.id, at(99)).await?;
            assert!(!invitation::lock(tx, id, them.invitation.id).await?);

            let settings = EnvironmentSettings {
                kind: mine.environment.kind,
                signing_algorithm: mine.environment.signing_algorithm,
                session_issuer: None,
                access_token_lifetime: 60,
                sessions: SessionPolicy::default(),
                authentication: Authentication::default(),
                self_registration: SelfRegistration::default(),
                portal: PortalSettings::default(),
                product_pages: Arc::default(),
                default_mails: DefaultMails::default(),
            };
            environment::update(tx, id, settings, at(99)).await
        })
        .unwrap();
        assert_eq!(all_that_is_seen(&store, theirs.environment.id, &theirs).await, before);
        let environments = environment::all(&mut store.reader().await.unwrap()).await.unwrap();
        assert!(environments.contains(&theirs.environment), "{environments:?}");
    }

    async fn nothing_is_put_below_a_row_of_another_environment(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        let id = mine.environment.id;
        let before = all_that_is_seen(&store, theirs.environment.id, &theirs).await;
        macro_rules! check_refused {
            ($(|$tx:ident, $them:ident| $insert:expr;)*) => {$(
                let ($them, mine) = (theirs.clone(), mine.clone());
                let _ = &mine;
                let outcome = transaction!(store, |$tx| $insert);
                assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
            )*};
        }
        check_refused! {
            |tx, them| client_secret::insert(tx, id, them.application.id, &crate::sample::a_secret()).await;
            |tx, them| {
                let key = crate::sample::an_api_key(them.organization.id, &[]);
                api_key::insert(tx, id, &key, &fresh_digest()).await
            };
            |tx, them| {
                let domain = crate::sample::a_domain(them.organization.id, "new.example", DomainState::Pending);
                organization::insert_domain(tx, id, &domain).await
            };
            |tx, them| {
                let application = crate::sample::an_application(them.application.kind, &[]);
                application::insert(tx, id, &application).await
            };
            |tx, them| user::set_password_hash(tx, id, them.user.id, "another", at(9)).await;
            |tx, them| role::add_permission(tx, id, them.role.id, "new").await;
            |tx, them| membership::set_roles(tx, id, them.membership.id, &["admin".to_owned()]).await;
            |tx, them| {
                // Their user in our organization.
                let membership = crate::sample::a_membership(them.user.id, &mine.organization);
                membership::insert(tx, id, &membership).await
            };
            |tx, them| {
                // Our user in their organization.
                let membership = crate::sample::a_membership(mine.user.id, &them.organization);
                membership::insert(tx, id, &membership).await
            };
            |tx, them| {
                let invitation = crate::sample::an_invitation("a@b.co", Some(them.organization.id));
                invitation::insert(tx, id, &invitation, &fresh_digest()).await
            };
            // Its scopes would belong to a nonexistent application.
            |tx, them| application::set_scopes(tx, id, &them.application).await;
        }
        assert_eq!(all_that_is_seen(&store, theirs.environment.id, &theirs).await, before);
    }

    async fn a_reply_or_a_revocation_counts_in_its_environment_alone(store: Store) {
        let (mine, theirs) = (plant(&store).await.environment.id, plant(&store).await.environment.id);
        let (key, jti) = (fresh_digest(), fresh_token());
        for id in [mine, theirs] {
            let mut reader = store.reader().await.unwrap();
            assert!(idempotency::find(&mut reader, id, &key, at(0)).await.unwrap().is_none());
            assert!(!revoked_token::exists(&mut reader, id, jti).await.unwrap());
            let outcome = transaction!(store, |tx| {
                let reply = KeptReply { request_digest: fresh_digest(), status: 201, sealed_reply: vec![1] };
                let kept = idempotency::keep(tx, id, &key, &reply, at(1000), at(0)).await?;
                Ok((kept, revoked_token::insert(tx, id, jti, at(1000)).await?))
            });
            assert_eq!(outcome.unwrap(), (true, true));
        }
    }
}
