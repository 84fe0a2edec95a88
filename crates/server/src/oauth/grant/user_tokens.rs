//! Tokens about a person: what every grant in which somebody has signed in issues.

use super::token_response::TokenResponse;
use crate::domain::connect::grants;
use crate::domain::environments::jwt_templates;
use crate::domain::sessions::backchannel_logout::{logout_uri, session_name};
use crate::domain::{Act, Failure};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::id::{ApplicationId, OrganizationId, SessionId, TokenFamilyId, UserId};
use countersign_protocol::jwt_template::TooBig;
use countersign_protocol::model::{self, SessionPolicy, TokenFamily, User};
use countersign_protocol::oauth::access_token::{Actor, UserTokenClaims, with_template};
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::grant::device_code::Approval;
use countersign_protocol::oauth::grant::token_exchange::{ACCESS_TOKEN, Exchanged};
use countersign_protocol::oauth::id_token::{IdTokenClaims, PersonClaims};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::scope::still_assigned;
use countersign_protocol::secret::Digest;
use countersign_store::{Reader, device_authorization, logout_notice, membership, session, token_family, user};
use serde_json::{Map, Value};

/// Makes the family of an authorization that is redeemed now, from what was authorized: with `offline_access` it has a
/// first refresh token, without it lives as long as its access token.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn begin(call: &OAuthCall, authorized: Authorized) -> Result<TokenFamily, OAuthError> {
    let now = call.app.clock.now();
    let refreshes = authorized.scopes.iter().any(|scope| scope == "offline_access");
    let lifetime = call.environment.environment.access_token_lifetime;
    let SessionPolicy { maximum_length, inactivity_timeout } = call.environment.environment.sessions;
    let (idle, absolute) = if refreshes { (inactivity_timeout, maximum_length) } else { (lifetime, lifetime) };
    let Authorized { approval, shows_auth_time, application_id, resource, scopes } = authorized;
    Ok(TokenFamily {
        id: call.app.entropy.id(now).map_err(|error| oauth_error(Failure::internal(error)))?,
        consent_id: approval.consent_id,
        application_id,
        user_id: approval.user_id,
        organization_id: approval.organization_id,
        session_id: approval.session_id,
        resource,
        scopes,
        persona: approval.persona,
        authenticated_at: approval.authenticated_at,
        shows_auth_time,
        generation: i64::from(refreshes),
        rotated_at: now,
        idle_expires_at: now.plus_secs(idle),
        expires_at: now.plus_secs(absolute),
        ended_at: None,
        created_at: now,
    })
}

/// Why nothing was redeemed.
enum NotRedeemed {
    /// Somebody else was faster, or the session has ended.
    Spent,
    Store(countersign_store::Error),
}

impl From<countersign_store::Error> for NotRedeemed {
    fn from(error: countersign_store::Error) -> Self {
        Self::Store(error)
    }
}

/// What is redeemed: an authorization code or a device code, by its digest.
#[derive(Debug)]
pub enum RedeemedCode {
    /// An authorization code.
    AuthorizationCode(Digest),
    /// A device code.
    DeviceCode(Digest),
}

/// Keeps a family and spends what it is issued for, in one transaction; `false` when somebody else has spent it already, or
/// when what stands behind it has gone or ended at this moment.
///
/// # Errors
/// Database errors.
pub async fn redeem(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    family: &TokenFamily,
    spends: RedeemedCode,
) -> Result<bool, OAuthError> {
    let (environment_id, family, told) =
        (call.environment.id(), family.clone(), backchannel_logout_session(client, family));
    let redeemed = call.app.store.write::<(), NotRedeemed, _>(move |tx| {
        Box::pin(async move {
            // They were a member when the tokens were put together, and still are when the family is kept.
            if let Some(id) = family.organization_id
                && !membership::hold(tx, environment_id, family.user_id, id).await?
            {
                return Err(NotRedeemed::Spent);
            }
            // The session before the consent: in this order whoever ends one of them waits or is waited for, and never both.
            let TokenFamily { application_id, user_id, created_at, .. } = family;
            let subject = family.persona.subject_of(user_id);
            let who = (user_id, subject.as_str());
            let stands = match (told, family.session_id) {
                (Some(id), _) => logout_notice::note(tx, environment_id, id, application_id, who, created_at).await?,
                // One that has ended meanwhile has taken back what it was just giving.
                (None, Some(id)) => session::hold(tx, environment_id, id).await?,
                // Every authorization is given in a session.
                (None, None) => false,
            };
            // A device stays connected when the person signs out of the browser, and so it does before it has come for its
            // tokens; what takes everything back denies it.
            if !stands && matches!(spends, RedeemedCode::AuthorizationCode(_)) {
                return Err(NotRedeemed::Spent);
            }
            match spends {
                RedeemedCode::AuthorizationCode(digest) => {
                    token_family::insert(tx, environment_id, &family, Some(&digest)).await?;
                }
                RedeemedCode::DeviceCode(digest) => {
                    token_family::insert(tx, environment_id, &family, None).await?;
                    if !device_authorization::redeem(tx, environment_id, &digest).await? {
                        return Err(NotRedeemed::Spent);
                    }
                }
            }
            Ok(())
        })
    });
    match redeemed.await {
        Ok(()) => Ok(true),
        Err(NotRedeemed::Spent | NotRedeemed::Store(countersign_store::Error::ForeignKey)) => Ok(false),
        Err(NotRedeemed::Store(error)) if token_family::is_of_spent_code(&error) => Ok(false),
        Err(NotRedeemed::Store(error)) => Err(oauth_error(error.into())),
    }
}

/// What was authorized.
#[derive(Debug)]
pub struct Authorized {
    /// By whom.
    pub approval: Approval,
    /// Whether the application has asked when the person proved who they are.
    pub shows_auth_time: bool,
    /// To which application.
    pub application_id: ApplicationId,
    /// For which resource; empty for none.
    pub resource: String,
    /// For what.
    pub scopes: Vec<String>,
}

/// The session whose end the application wants to be told of.
pub fn backchannel_logout_session(client: AuthenticatedClient<'_>, family: &TokenFamily) -> Option<SessionId> {
    family.session_id.filter(|_| logout_uri(&client.client().application).is_some())
}

/// Ends what a code or token has led to that came a second time, and gives the answer to it.
pub async fn end_reused(
    call: &OAuthCall,
    event: &'static str,
    family_id: TokenFamilyId,
    answer: OAuthError,
) -> OAuthError {
    let act = Act::new(
        &call.environment.environment,
        model::Actor::Visitor,
        &call.app.clock,
        &call.app.entropy,
        &call.app.keyring,
    );
    let ended = call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { grants::end_reused(tx, &act, event, family_id).await })
    });
    if let Err(failure) = ended.await {
        return oauth_error(failure);
    }
    call.app.catch_up().await;
    answer
}

/// Whom tokens are about, with what the environment's template says of them.
#[derive(Debug)]
pub struct Person {
    user: User,
    claims: Option<Map<String, Value>>,
}

impl Person {
    /// Loads a person for whom tokens are to be issued: still there, and still a member of the organization. The template
    /// is rendered here, before anything is spent: a code is good for another try when its token would be too big.
    ///
    /// # Errors
    /// `invalid_grant` when the person or the membership has gone; `token_too_big`.
    pub async fn load(
        call: &OAuthCall,
        reader: &mut Reader,
        user_id: UserId,
        organization_id: Option<OrganizationId>,
        rejection: fn() -> OAuthError,
    ) -> Result<Self, OAuthError> {
        let environment_id = call.environment.id();
        let database = |error: countersign_store::Error| oauth_error(error.into());
        let user = user::find(reader, environment_id, user_id).await.map_err(database)?.ok_or_else(rejection)?;
        if let Some(id) = organization_id
            && !membership::is_active(reader, environment_id, user.id, id).await.map_err(database)?
        {
            return Err(rejection());
        }
        let claims = match &call.environment.jwt_template {
            None => None,
            Some(template) => {
                let rendered = jwt_templates::claims(reader, environment_id, template, &user, organization_id).await;
                let too_big = |error: TooBig| OAuthError::new(OAuthErrorCode::TokenTooBig, format!("{error}."));
                Some(rendered.map_err(database)?.map_err(too_big)?)
            }
        };
        Ok(Self { user, claims })
    }
}

/// Issues the tokens of a family: an access token, and what its scopes bring along. `nonce` is that of the authorization request,
/// which only the first ID token repeats.
///
/// # Errors
/// `server_error` when signing fails.
pub fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    family: &TokenFamily,
    person: Person,
    nonce: Option<&str>,
) -> Result<TokenResponse, OAuthError> {
    let Person { user, claims: template } = person;
    let failed = |error| oauth_error(Failure::internal(error));
    let environment = &call.environment.environment;
    let (issuer, application) = (environment.issuer.as_str(), &client.client().application);
    let (now, lifetime) = (call.app.clock.now(), environment.access_token_lifetime);
    let scopes = still_assigned(&family.scopes, &application.scopes);
    let scope = scopes.join(" ");
    let subject = family.persona.subject_of(user.id);
    let terms = Terms { resource: &family.resource, scope: &scope, exp: now.as_secs() + lifetime, acting: None };
    let access_token = sign_access_token(call, client, family, (&subject, template), terms)?;
    let id_token = if scopes.contains(&"openid") {
        let person = PersonClaims::new(subject.clone(), &user, scopes.iter().copied());
        let sid = backchannel_logout_session(client, family)
            .map(|id| session_name(&call.app.keyring, id, application.client_id));
        let claims = IdTokenClaims {
            nonce,
            auth_time: family.shows_auth_time.then(|| family.authenticated_at.as_secs()),
            sid,
            ..IdTokenClaims::new(issuer, application.client_name(), person, now)
        };
        Some(call.environment.delegated_signer.sign(&claims).map_err(failed)?)
    } else {
        None
    };
    let refresh_token = (family.generation > 0).then(|| {
        let token = RefreshToken { family_id: family.id, generation: family.generation };
        token.compose(&call.app.keyring.refresh_token, call.environment.id()).expose().to_owned()
    });
    call.app.metrics.tokens_issued.inc();
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: lifetime,
        scope,
        issued_token_type: None,
        id_token,
        refresh_token,
    })
}

/// Issues what a token of a family is exchanged for: an access token of an application that acts for the person, and
/// nothing else.
///
/// # Errors
/// `server_error` when signing fails.
pub fn issue_exchanged(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    family: &TokenFamily,
    person: Person,
    exchanged: Exchanged,
) -> Result<TokenResponse, OAuthError> {
    let Exchanged { resource, scope, act, not_after } = exchanged;
    let now = call.app.clock.now().as_secs();
    let exp = not_after.min(now + call.environment.environment.access_token_lifetime);
    let subject = family.persona.subject_of(person.user.id);
    let terms = Terms { resource: &resource, scope: &scope, exp, acting: Some(&act) };
    let access_token = sign_access_token(call, client, family, (&subject, person.claims), terms)?;
    call.app.metrics.tokens_issued.inc();
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: exp - now,
        scope,
        issued_token_type: Some(ACCESS_TOKEN),
        id_token: None,
        refresh_token: None,
    })
}

/// What an access token is for, and how long.
#[derive(Debug, Clone, Copy)]
struct Terms<'a> {
    /// The resource; empty for the environment itself.
    resource: &'a str,
    scope: &'a str,
    /// In seconds.
    exp: i64,
    /// Who acts for the person.
    acting: Option<&'a Actor>,
}

/// The one place in which the claims of a person's access token are put together.
fn sign_access_token(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    family: &TokenFamily,
    (subject, template): (&str, Option<Map<String, Value>>),
    terms: Terms<'_>,
) -> Result<String, OAuthError> {
    let failed = |error| oauth_error(Failure::internal(error));
    let environment = &call.environment.environment;
    let now = call.app.clock.now();
    let environment_itself = environment.client_id.to_string();
    let claims = UserTokenClaims {
        iss: environment.issuer.as_str(),
        aud: if terms.resource.is_empty() { &environment_itself } else { terms.resource },
        sub: subject,
        client_id: client.client().application.client_name(),
        org_id: family.organization_id,
        sid: family.consent_id,
        scope: terms.scope,
        grant_id: family.id,
        act: terms.acting,
        jti: call.app.entropy.token_id(now).map_err(|error| oauth_error(Failure::internal(error)))?,
        iat: now.as_secs(),
        exp: terms.exp,
    };
    let choices = &family.persona.choices;
    match template {
        None if choices.is_empty() => call.environment.delegated_signer.sign(&claims).map_err(failed),
        template => {
            let mut template = template.unwrap_or_default();
            // A token for one resource is for no other, whatever a template says (RFC 8707 §2).
            if !terms.resource.is_empty() {
                template.remove("aud");
            }
            let claims =
                with_template(&claims, template, choices).map_err(|error| oauth_error(Failure::internal(error)))?;
            call.environment.delegated_signer.sign(&claims).map_err(failed)
        }
    }
}
