//! Users who are sent to sign in at the company's own login (Standalone Connect). An external authentication is begun
//! here, completed by the company, and continued in the browser that was sent away, each step once.

use crate::domain::attempts::{self, Limit};
use crate::domain::environments::standalone;
use crate::domain::users::{self, email_change};
use crate::domain::{Act, Failure, events, organizations};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::{ApplicationId, ExternalAuthenticationId, UserId};
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{
    ApplicationKind, Completed, ConsentOption, ExternalAuthentication, LoginUri, Ownership, User, email_key, is_email,
};
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, application, external_authentication, user};
use std::collections::BTreeMap;

/// How long a user may take to sign in there, and then the browser to return, in seconds.
pub const LIFETIME: i64 = 300;
/// Limits how many begin at one source address: they are rows, and anybody can begin one.
const BEGUN_FROM: Limit = Limit::new("external authentications from", 120, 10 * 60);
/// How many may wait for completion in an environment. Beyond that, the oldest are deleted: refusing new ones would
/// shut everybody out for as long as a flood lasts, whereas this affects only users who sign in more slowly than this
/// many begin.
pub const MAX_BEGUN: i64 = 20_000;

/// Begins one. Returns `Err` with the time at which the next one may begin if there were too many from this source
/// address.
///
/// # Errors
/// Database errors.
pub async fn begin(
    tx: &mut Tx,
    act: &Act,
    application_id: ApplicationId,
    (login_uri, sealed_flow): (LoginUri, String),
    from: &str,
) -> Result<Result<ExternalAuthenticationId, Timestamp>, Failure> {
    if let Err(over_at) = attempts::count(tx, act, BEGUN_FROM, from).await? {
        return Ok(Err(over_at));
    }
    let begun = ExternalAuthentication {
        id: act.entropy.id(act.now)?,
        application_id,
        login_uri,
        sealed_flow,
        completed: None,
        used_at: None,
        expires_at: act.now.plus_secs(LIFETIME),
    };
    external_authentication::insert(tx, act.environment_id, &begun).await?;
    external_authentication::trim(tx, act.environment_id, MAX_BEGUN).await?;
    Ok(Ok(begun.id))
}

/// What the company reports about a user who has signed in; `None` leaves a known value unchanged.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The company's identifier of the user.
    pub external_id: String,
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// Text values by key; a `None` removes an entry.
    pub metadata: Option<BTreeMap<String, Option<String>>>,
}

/// Completes one: records who the user is, and returns the URL to which the browser must be sent. The URL is valid
/// once, for a while, and only in the browser that was sent away; it cannot be guessed from the identifier.
///
/// # Errors
/// 404; 400 `external_auth_session_already_completed`, `user_consent_options_not_supported`, `invalid_email`,
/// `email_not_available`, `email_change_not_allowed`; 422.
pub async fn complete(
    tx: &mut Tx,
    act: &Act,
    id: &str,
    profile: Profile,
    options: &[ConsentOption],
) -> Result<String, Failure> {
    let missing = || Failure::not_found("External authentication", id);
    let twice =
        || Failure::bad_request("external_auth_session_already_completed", "This sign-in has been completed already.");
    let parsed = ExternalAuthenticationId::parse(id).map_err(|_| missing())?;
    let found = external_authentication::find(tx, act.environment_id, parsed).await?.ok_or_else(missing)?;
    if found.completed.is_some() {
        return Err(twice());
    }
    if act.now >= found.expires_at {
        return Err(missing());
    }
    let asking = application::find(tx, act.environment_id, found.application_id).await?.ok_or_else(missing)?;
    let asks = !matches!(asking.kind, ApplicationKind::OAuth { ownership: Ownership::FirstParty, .. });
    if !options.is_empty() && !asks {
        return Err(Failure::bad_request(
            "user_consent_options_not_supported",
            "People are not asked for consent by a first-party application, so there is nothing to choose.",
        ));
    }
    // Of two concurrent requests, the second waits here, and is too late.
    if !external_authentication::claim(tx, act.environment_id, parsed, act.now).await? {
        return Err(twice());
    }
    let user_id = settle(tx, act, profile).await?;
    let token = URL_SAFE_NO_PAD.encode(act.entropy.bytes::<32>()?);
    let consent_options = if asks { Some(serde_json::to_string(options).map_err(Failure::internal)?) } else { None };
    let completed = Completed { user_id, consent_options };
    let good = (&act.keyring.external_authentication.digest(&token), act.now.plus_secs(LIFETIME));
    external_authentication::complete(tx, act.environment_id, parsed, &completed, good).await?;
    Ok(format!("{}/oauth2/authorize/complete?token={token}", act.issuer))
}

/// Returns the user's account: the one with the company's identifier, or a new one. An account is never matched by its
/// email address.
async fn settle(tx: &mut Tx, act: &Act, profile: Profile) -> Result<UserId, Failure> {
    if !is_email(&profile.email) {
        return Err(Failure::bad_request("invalid_email", "The email address is not valid."));
    }
    let environment_id = act.environment_id;
    // Of two concurrent first sign-ins, the second finds the account that the first has created.
    for _ in 0..2 {
        if let Some(found) = user::find_by_external_id(tx, environment_id, &profile.external_id).await? {
            user::lock(tx, environment_id, found.id).await?;
            let found = user::find(tx, environment_id, found.id).await?;
            let same = |found: &User| found.external_id.as_ref() == Some(&profile.external_id);
            let Some(found) = found.filter(same) else { continue };
            check_subject(tx, act, &profile, Some(found.id)).await?;
            return change(tx, act, found, profile).await;
        }
        check_subject(tx, act, &profile, None).await?;
        let mut metadata = BTreeMap::new();
        organizations::merge_metadata(&mut metadata, profile.metadata.clone().unwrap_or_default())?;
        let made = User {
            id: act.entropy.id(act.now)?,
            email: profile.email.clone(),
            email_verified: true,
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            name: profile.name.clone(),
            profile_picture_url: None,
            external_id: Some(profile.external_id.clone()),
            metadata,
            locale: None,
            last_sign_in_at: None,
            created_at: act.now,
            updated_at: act.now,
        };
        if user::insert_unless_taken(tx, environment_id, &made).await? {
            events::record(tx, act, "user.created", None, &user_view(&made)).await?;
            return Ok(made.id);
        }
    }
    Err(Failure::bad_request("email_not_available", "The email address is already used by another user."))
}

async fn check_subject(tx: &mut Tx, act: &Act, profile: &Profile, own: Option<UserId>) -> Result<(), Failure> {
    if standalone::names_another(tx, act.environment_id, &profile.external_id, own).await? {
        let why = "user.id is the identifier of another user, or has the form of a client identifier.";
        return Err(Failure::invalid("user.id", "invalid", why));
    }
    Ok(())
}

async fn change(tx: &mut Tx, act: &Act, found: User, profile: Profile) -> Result<UserId, Failure> {
    let mut changed = found.clone();
    // Signing in must not move a user out of the organization that manages them.
    if email_key(&found.email) != email_key(&profile.email)
        && email_change::leaves_organization(tx, act, &found, &profile.email).await?
    {
        return Err(Failure::bad_request("email_change_not_allowed", email_change::NOT_ALLOWED));
    }
    changed.email = profile.email;
    changed.email_verified = true;
    let names = [
        (&mut changed.first_name, profile.first_name),
        (&mut changed.last_name, profile.last_name),
        (&mut changed.name, profile.name),
    ];
    for (known, said) in names {
        if said.is_some() {
            *known = said;
        }
    }
    if let Some(metadata) = profile.metadata {
        organizations::merge_metadata(&mut changed.metadata, metadata)?;
    }
    if changed == found { Ok(found.id) } else { Ok(users::update(tx, act, changed, None).await?.id) }
}

/// Uses up a completed one; returns `false` if it was used before or has expired.
///
/// # Errors
/// Database errors.
pub async fn use_up(
    tx: &mut Tx,
    act: &Act,
    id: ExternalAuthenticationId,
    completed: &Completed,
) -> Result<bool, Failure> {
    // Accounts are locked before what belongs to them, here as everywhere.
    if !user::lock(tx, act.environment_id, completed.user_id).await? {
        return Ok(false);
    }
    Ok(external_authentication::use_up(tx, act.environment_id, id, act.now).await?)
}
