//! Sample rows. Identifiers count up, so that "oldest first" and "by identifier" are the same order.

use crate::harness::at;
use countersign_protocol::id::{ApplicationId, ClientId, EnvironmentId, Id, OrganizationId, TokenId, UserId};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{
    ApiKey, ApiKeyOwner, ApplicationKind, Authentication, ClientSecret, ConnectApplication, DefaultMails,
    DocumentPolicy, DomainState, Environment, EnvironmentApiKey, EnvironmentKind, Invitation, InvitationState, Issuer,
    KeyPurpose, KeyState, MadeBy, Membership, MembershipStatus, Organization, OrganizationDomain, Permission,
    PortalCredentials, PortalSettings, ProductPages, Role, SelfRegistration, SessionPolicy, SigningKeyRecord, User,
    VerificationStrategy, WebAddress,
};
use countersign_protocol::secret::Digest;
use countersign_store::{
    Store, api_key, application, client_secret, environment, environment_api_key, invitation, membership, organization,
    permission, role, signing_key, user,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Returns an identifier greater than all before it.
pub(crate) fn fresh<I: Id>() -> I {
    I::from_ulid(u128::from(next_number()) << 64)
}

pub(crate) fn fresh_token() -> TokenId {
    TokenId::from_ulid(u128::from(next_number()) << 64)
}

/// Returns a digest different from all before it.
pub(crate) fn fresh_digest() -> Digest {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&next_number().to_be_bytes());
    Digest::from_bytes(&bytes).unwrap()
}

pub(crate) fn an_environment() -> Environment {
    let id: EnvironmentId = fresh();
    let number = next_number();
    Environment {
        id,
        name: format!("environment-{number}"),
        kind: EnvironmentKind::Staging,
        client_id: fresh(),
        issuer: Issuer::parse(&format!("https://auth-{number}.example.com")).unwrap(),
        signing_algorithm: Algorithm::Rs256,
        session_issuer: None,
        access_token_lifetime: 3600,
        sessions: SessionPolicy { maximum_length: 86_400, inactivity_timeout: 7200 },
        authentication: Authentication { sign_up: true, password: false, magic_auth: true, mfa_required: false },
        self_registration: SelfRegistration {
            documents: DocumentPolicy::Listed(vec!["a.example".into()]),
            dynamic: true,
        },
        portal: PortalSettings {
            credentials: PortalCredentials::Create,
            permissions: vec!["posts:read".into(), "posts:write".into()],
        },
        product_pages: Arc::new(ProductPages {
            home: Some(WebAddress::from_stored("https://app.example.com/".to_owned())),
            ..ProductPages::default()
        }),
        default_mails: DefaultMails { invitation: false, password_reset: false, ..DefaultMails::default() },
        brand: Arc::default(),
        created_at: at(1),
        updated_at: at(1),
    }
}

pub(crate) fn an_organization() -> Organization {
    Organization {
        id: fresh(),
        name: "Acme".to_owned(),
        external_id: None,
        metadata: BTreeMap::new(),
        stripe_customer_id: None,
        allow_profiles_outside_organization: false,
        domains: Vec::new(),
        created_at: at(2),
        updated_at: at(2),
    }
}

pub(crate) fn a_domain(organization_id: OrganizationId, domain: &str, state: DomainState) -> OrganizationDomain {
    OrganizationDomain {
        id: fresh(),
        organization_id,
        domain: domain.to_owned(),
        state,
        verification_strategy: VerificationStrategy::Dns,
        verification_token: "token".to_owned(),
        created_at: at(3),
        updated_at: at(3),
    }
}

pub(crate) fn a_permission(slug: &str) -> Permission {
    Permission {
        id: fresh(),
        slug: slug.to_owned(),
        name: "A permission".to_owned(),
        description: None,
        system: false,
        resource_type_slug: "authorization".to_owned(),
        created_at: at(4),
        updated_at: at(4),
    }
}

pub(crate) fn an_application(kind: ApplicationKind, scopes: &[&str]) -> ConnectApplication {
    ConnectApplication {
        id: fresh::<ApplicationId>(),
        client_id: fresh::<ClientId>(),
        metadata_url: None,
        name: "An application".to_owned(),
        description: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        kind,
        created_at: at(5),
        updated_at: at(5),
    }
}

pub(crate) fn a_secret() -> ClientSecret {
    ClientSecret {
        id: fresh(),
        digest: fresh_digest(),
        hint: "abcd".to_owned(),
        made_by: MadeBy::Staff,
        last_used_at: None,
        created_at: at(6),
        updated_at: at(6),
    }
}

pub(crate) fn an_api_key(organization_id: OrganizationId, permissions: &[&str]) -> ApiKey {
    ApiKey {
        id: fresh(),
        owner: ApiKeyOwner::Organization(organization_id),
        name: "A key".to_owned(),
        obfuscated_value: "sk_cs_org_…wxyz".to_owned(),
        permissions: permissions.iter().map(|slug| (*slug).to_owned()).collect(),
        made_by: MadeBy::Member(fresh()),
        last_used_at: None,
        expires_at: None,
        created_at: at(7),
        updated_at: at(7),
    }
}

pub(crate) fn an_environment_api_key(environment_id: EnvironmentId, name: &str) -> EnvironmentApiKey {
    EnvironmentApiKey {
        id: fresh(),
        environment_id,
        name: name.to_owned(),
        hint: "wxyz".to_owned(),
        last_used_at: None,
        created_at: at(8),
    }
}

pub(crate) fn a_signing_key(environment_id: EnvironmentId, state: KeyState) -> SigningKeyRecord {
    SigningKeyRecord {
        id: fresh(),
        environment_id,
        purpose: KeyPurpose::Direct,
        algorithm: Algorithm::Es256,
        state,
        public_key: vec![4, 0, 255],
        certificate: vec![48, 130],
        sealed_private_key: vec![1, 2, 3],
        created_at: at(9),
    }
}

pub(crate) fn a_user(email: &str) -> User {
    User {
        id: fresh(),
        email: email.to_owned(),
        email_verified: false,
        first_name: None,
        last_name: None,
        name: None,
        profile_picture_url: None,
        external_id: None,
        metadata: BTreeMap::new(),
        locale: None,
        last_sign_in_at: None,
        created_at: at(10),
        updated_at: at(10),
    }
}

pub(crate) fn a_role(slug: &str) -> Role {
    Role {
        id: fresh(),
        slug: slug.to_owned(),
        name: "A role".to_owned(),
        description: None,
        permissions: Vec::new(),
        created_at: at(11),
        updated_at: at(11),
    }
}

pub(crate) fn a_membership(user_id: UserId, organization: &Organization) -> Membership {
    Membership {
        id: fresh(),
        user_id,
        organization_id: organization.id,
        organization_name: organization.name.clone(),
        status: MembershipStatus::Active,
        roles: vec!["admin".to_owned(), "member".to_owned()],
        created_at: at(12),
        updated_at: at(12),
    }
}

pub(crate) fn an_invitation(email: &str, organization_id: Option<OrganizationId>) -> Invitation {
    Invitation {
        id: fresh(),
        email: email.to_owned(),
        state: InvitationState::Pending,
        organization_id,
        inviter_user_id: None,
        role_slug: None,
        sealed_token: vec![1, 0, 255],
        expires_at: at(1_000_000),
        created_at: at(13),
        updated_at: at(13),
    }
}

/// Creates a user in an environment.
pub(crate) async fn plant_user(store: &Store, environment_id: EnvironmentId, email: &str) -> User {
    let user = a_user(email);
    let inserted = user.clone();
    transaction!(store, |tx| user::insert(tx, environment_id, &inserted).await).unwrap();
    user
}

/// An environment with one of everything.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) environment: Environment,
    pub(crate) organization: Organization,
    pub(crate) domain: OrganizationDomain,
    pub(crate) permission: Permission,
    pub(crate) application: ConnectApplication,
    pub(crate) secret: ClientSecret,
    pub(crate) api_key: ApiKey,
    pub(crate) api_key_digest: Digest,
    pub(crate) environment_api_key: EnvironmentApiKey,
    pub(crate) environment_api_key_digest: Digest,
    pub(crate) signing_key: SigningKeyRecord,
    pub(crate) user: User,
    pub(crate) role: Role,
    pub(crate) membership: Membership,
    pub(crate) invitation: Invitation,
    pub(crate) invitation_digest: Digest,
}

/// The permission of a planted world's application and API key, in addition to one of their own.
pub(crate) const SLUG: &str = "posts:read";

/// Creates an environment with one of everything.
pub(crate) async fn plant(store: &Store) -> World {
    let environment = an_environment();
    let mut organization = an_organization();
    organization.external_id = Some("customer-1".to_owned());
    let domain = a_domain(organization.id, "acme.example", DomainState::Verified);
    organization.domains.push(domain.clone());
    let mut user = a_user("ada@acme.example");
    user.external_id = Some("person-1".to_owned());
    let mut role = a_role("admin");
    role.permissions = vec![SLUG.to_owned(), "posts:write".to_owned()];
    let machine = ApplicationKind::Machine { organization_id: organization.id };
    let planted = World {
        domain,
        permission: a_permission(SLUG),
        application: an_application(machine, &[SLUG, "posts:write"]),
        secret: a_secret(),
        api_key: an_api_key(organization.id, &[SLUG, "posts:write"]),
        api_key_digest: fresh_digest(),
        environment_api_key: an_environment_api_key(environment.id, "default"),
        environment_api_key_digest: fresh_digest(),
        signing_key: a_signing_key(environment.id, KeyState::Active),
        membership: a_membership(user.id, &organization),
        invitation: an_invitation("eve@acme.example", Some(organization.id)),
        invitation_digest: fresh_digest(),
        user,
        role,
        environment,
        organization,
    };
    let world = planted.clone();
    transaction!(store, |tx| {
        let id = world.environment.id;
        environment::insert(tx, &world.environment).await?;
        organization::insert(tx, id, &world.organization).await?;
        organization::insert_domain(tx, id, &world.domain).await?;
        permission::insert(tx, id, &world.permission).await?;
        application::insert(tx, id, &world.application).await?;
        client_secret::insert(tx, id, world.application.id, &world.secret).await?;
        api_key::insert(tx, id, &world.api_key, &world.api_key_digest).await?;
        environment_api_key::insert(tx, &world.environment_api_key, &world.environment_api_key_digest).await?;
        signing_key::insert(tx, &world.signing_key).await?;
        user::insert(tx, id, &world.user).await?;
        user::set_password_hash(tx, id, world.user.id, "a hash", at(10)).await?;
        role::insert(tx, id, &world.role).await?;
        membership::insert(tx, id, &world.membership).await?;
        invitation::insert(tx, id, &world.invitation, &world.invitation_digest).await
    })
    .unwrap();
    planted
}

/// Creates an empty environment.
pub(crate) async fn plant_environment(store: &Store) -> EnvironmentId {
    let environment = an_environment();
    let id = environment.id;
    transaction!(store, |tx| environment::insert(tx, &environment).await).unwrap();
    id
}

/// Creates an organization in an environment.
pub(crate) async fn plant_organization(store: &Store, environment_id: EnvironmentId) -> Organization {
    let organization = an_organization();
    insert_organization(store, environment_id, &organization).await.unwrap();
    organization
}

pub(crate) async fn insert_organization(
    store: &Store,
    environment_id: EnvironmentId,
    organization: &Organization,
) -> countersign_store::Result<()> {
    let organization = organization.clone();
    transaction!(store, |tx| organization::insert(tx, environment_id, &organization).await)
}

pub(crate) async fn insert_application(
    store: &Store,
    environment_id: EnvironmentId,
    application: &ConnectApplication,
) -> countersign_store::Result<()> {
    let application = application.clone();
    transaction!(store, |tx| application::insert(tx, environment_id, &application).await)
}

/// All rows of a list, oldest first.
pub(crate) const fn everything<I>() -> Slice<I> {
    Slice { scan: Scan::Ascending, from: None, limit: 1_000_000 }
}

/// Returns the IDs of all organizations of an environment, oldest first.
pub(crate) async fn organization_ids(store: &Store, environment_id: EnvironmentId) -> Vec<OrganizationId> {
    let mut reader = store.reader().await.unwrap();
    let found = organization::list(&mut reader, environment_id, &everything(), None).await.unwrap();
    found.iter().map(|organization| organization.id).collect()
}
