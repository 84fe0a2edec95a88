//! Redirect URIs of the environment's own application.

use super::declared_list::Replaced;
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::id::RedirectUriId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{EnvironmentRedirectUri, RedirectPurpose};
use countersign_protocol::oauth::redirect_uri::{MAX_REDIRECT_URIS, RedirectUriError, check_own};
use countersign_store::change::{self, Topic};
use countersign_store::{Tx, redirect_uri, signing_key};

/// The properties of a new redirect URI.
#[derive(Debug, Clone)]
pub struct NewRedirectUri {
    /// Its purpose.
    pub purpose: RedirectPurpose,
    /// The URI.
    pub uri: String,
    /// Whether it replaces the current default.
    pub default: bool,
}

fn refused(error: RedirectUriError) -> Failure {
    Failure::invalid("uri", "invalid_redirect_uri", error.to_string())
}

/// Creates a redirect URI. The first one without a wildcard is the default.
///
/// # Errors
/// 422 for a URI that may not be registered, already exists, or exceeds the maximum number.
pub async fn create_redirect_uri(
    tx: &mut Tx,
    act: &Act,
    new: NewRedirectUri,
) -> Result<EnvironmentRedirectUri, Failure> {
    check_own(&new.uri, act.environment_kind).map_err(refused)?;
    let wildcard = new.uri.contains('*');
    if new.default && wildcard {
        return Err(refused(RedirectUriError::WildcardDefault));
    }
    // Of two concurrent requests, the second sees what the first has done.
    signing_key::lock(tx, act.environment_id).await?;
    let mut known = redirect_uri::all(tx, act.environment_id).await?;
    known.retain(|known| known.purpose == new.purpose);
    if known.len() >= MAX_REDIRECT_URIS {
        return Err(refused(RedirectUriError::TooMany));
    }
    if known.iter().any(|known| known.uri == new.uri) {
        return Err(Failure::Refused(ApiError::Unprocessable {
            code: "redirect_uri_already_exists",
            message: format!("The redirect URI '{}' exists already.", new.uri),
        }));
    }
    if new.default {
        redirect_uri::clear_default(tx, act.environment_id, new.purpose, act.now).await?;
    }
    let made = EnvironmentRedirectUri {
        id: act.entropy.id(act.now)?,
        purpose: new.purpose,
        uri: new.uri,
        default: new.default || (!wildcard && !known.iter().any(|known| known.default)),
        created_at: act.now,
        updated_at: act.now,
    };
    redirect_uri::insert(tx, act.environment_id, &made).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "redirect_uri.created", "redirect_uri", made.id).await?;
    Ok(made)
}

/// Replaces the redirect URIs of a purpose with a list, whose first entry is the default. Returns what was added, what
/// was deleted, and whether the default has changed.
///
/// # Errors
/// As [`create_redirect_uri`]; 422 when the first one has a wildcard.
pub async fn set_redirect_uris(
    tx: &mut Tx,
    act: &Act,
    purpose: RedirectPurpose,
    uris: &[String],
) -> Result<Replaced, Failure> {
    signing_key::lock(tx, act.environment_id).await?;
    let mut known = redirect_uri::all(tx, act.environment_id).await?;
    known.retain(|known| known.purpose == purpose);
    let mut replaced = Replaced::default();
    for gone in known.iter().filter(|known| !uris.contains(&known.uri)) {
        redirect_uri::delete(tx, act.environment_id, gone.id).await?;
        audit_log::note(tx, act, "redirect_uri.deleted", "redirect_uri", gone.id).await?;
        replaced.deleted.push(gone.uri.clone());
    }
    for uri in uris {
        if !known.iter().any(|known| known.uri == *uri) && !replaced.added.contains(uri) {
            create_redirect_uri(tx, act, NewRedirectUri { purpose, uri: uri.clone(), default: false }).await?;
            replaced.added.push(uri.clone());
        }
    }
    let now = redirect_uri::all(tx, act.environment_id).await?;
    let first = now.iter().find(|known| known.purpose == purpose && Some(&known.uri) == uris.first());
    if let Some(first) = first.filter(|first| !first.default) {
        if first.uri.contains('*') {
            return Err(refused(RedirectUriError::WildcardDefault));
        }
        redirect_uri::clear_default(tx, act.environment_id, purpose, act.now).await?;
        redirect_uri::set_default(tx, act.environment_id, first.id, act.now).await?;
        audit_log::note(tx, act, "redirect_uri.updated", "redirect_uri", first.id).await?;
        replaced.other_default = true;
    }
    replaced.record(tx, act);
    Ok(replaced)
}

/// Makes a redirect URI the default of its purpose, replacing the previous one.
///
/// # Errors
/// 404; 422 for one with a wildcard.
pub async fn make_default(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("Redirect URI", id);
    let parsed = RedirectUriId::parse(id).map_err(|_| missing())?;
    signing_key::lock(tx, act.environment_id).await?;
    let chosen = redirect_uri::find(tx, act.environment_id, parsed).await?.ok_or_else(missing)?;
    if chosen.uri.contains('*') {
        return Err(refused(RedirectUriError::WildcardDefault));
    }
    if !chosen.default {
        redirect_uri::clear_default(tx, act.environment_id, chosen.purpose, act.now).await?;
        redirect_uri::set_default(tx, act.environment_id, chosen.id, act.now).await?;
        audit_log::note(tx, act, "redirect_uri.updated", "redirect_uri", chosen.id).await?;
        change::record(tx, act.environment_id, &Topic::Environment, act.now);
    }
    Ok(())
}

/// Deletes a redirect URI.
///
/// # Errors
/// 404; 409 for the default.
pub async fn delete_redirect_uri(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("Redirect URI", id);
    let parsed = RedirectUriId::parse(id).map_err(|_| missing())?;
    signing_key::lock(tx, act.environment_id).await?;
    let gone = redirect_uri::find(tx, act.environment_id, parsed).await?.ok_or_else(missing)?;
    if gone.default {
        return Err(Failure::conflict(
            "default_redirect_uri",
            "The default redirect URI cannot be deleted. Make another one the default first.",
        ));
    }
    redirect_uri::delete(tx, act.environment_id, parsed).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "redirect_uri.deleted", "redirect_uri", parsed).await
}
