//! Resources that access tokens can be issued for.

use crate::domain::audit_log;
use crate::domain::environments::declared_list::Replaced;
use crate::domain::{Act, Failure};
use countersign_protocol::id::OAuthResourceId;
use countersign_protocol::model::OAuthResource;
use countersign_protocol::oauth::resource::check_uri;
use countersign_store::change::{self, Topic};
use countersign_store::{Tx, oauth_resource, signing_key};

/// The maximum number of resources of an environment: every node holds them in memory.
const MAX: usize = 200;

/// Creates a resource.
///
/// # Errors
/// 422.
pub async fn create(tx: &mut Tx, act: &Act, uri: String, default: bool) -> Result<OAuthResource, Failure> {
    check_uri(&uri).map_err(|error| Failure::invalid("uri", "invalid", format!("uri {error}.")))?;
    // Serialized by the lock, so that concurrent requests cannot exceed the limit or set two defaults.
    signing_key::lock(tx, act.environment_id).await?;
    if oauth_resource::all(tx, act.environment_id).await?.len() >= MAX {
        return Err(Failure::invalid(
            "uri",
            "too_many",
            format!("There are {MAX} resources already. Delete one first."),
        ));
    }
    if default {
        oauth_resource::no_default(tx, act.environment_id, act.now).await?;
    }
    let made = OAuthResource { id: act.entropy.id(act.now)?, uri, default, created_at: act.now, updated_at: act.now };
    oauth_resource::insert(tx, act.environment_id, &made).await.map_err(|error| {
        if error.is_unique("oauth_resource", "uri") {
            Failure::invalid("uri", "duplicate", "There is a resource with this uri already.")
        } else {
            error.into()
        }
    })?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "authkit_oauth_resource.created", "authkit_oauth_resource", made.id).await?;
    Ok(made)
}

/// Replaces the resources with a list; one of them may be the default, or none.
///
/// # Errors
/// As [`create`]; 422 for a default that is not in the list.
pub async fn set(tx: &mut Tx, act: &Act, uris: &[String], default: Option<&str>) -> Result<Replaced, Failure> {
    if default.is_some_and(|default| !uris.iter().any(|uri| uri == default)) {
        return Err(Failure::invalid("default_resource", "invalid", "default_resource must be one of resources."));
    }
    signing_key::lock(tx, act.environment_id).await?;
    let known = oauth_resource::all(tx, act.environment_id).await?;
    let mut replaced = Replaced::default();
    for gone in known.iter().filter(|known| !uris.contains(&known.uri)) {
        oauth_resource::delete(tx, act.environment_id, gone.id).await?;
        audit_log::note(tx, act, "authkit_oauth_resource.deleted", "authkit_oauth_resource", gone.id).await?;
        replaced.deleted.push(gone.uri.clone());
    }
    for uri in uris {
        if !known.iter().any(|known| known.uri == *uri) && !replaced.added.contains(uri) {
            create(tx, act, uri.clone(), false).await?;
            replaced.added.push(uri.clone());
        }
    }
    let now = oauth_resource::all(tx, act.environment_id).await?;
    let before = now.iter().find(|known| known.default).map(|known| known.uri.as_str());
    if before != default {
        oauth_resource::no_default(tx, act.environment_id, act.now).await?;
        if let Some(chosen) = now.iter().find(|known| Some(known.uri.as_str()) == default) {
            oauth_resource::set_default(tx, act.environment_id, chosen.id, act.now).await?;
            audit_log::note(tx, act, "authkit_oauth_resource.updated", "authkit_oauth_resource", chosen.id).await?;
        }
        replaced.other_default = true;
    }
    replaced.record(tx, act);
    Ok(replaced)
}

/// Makes a resource the default, replacing the previous one; `None` leaves no default.
///
/// # Errors
/// 404.
pub async fn make_default(tx: &mut Tx, act: &Act, id: Option<&str>) -> Result<(), Failure> {
    signing_key::lock(tx, act.environment_id).await?;
    let chosen = match id {
        None => None,
        Some(id) => {
            let all = oauth_resource::all(tx, act.environment_id).await?;
            let found = all.into_iter().find(|known| known.id.to_string() == id);
            Some(found.ok_or_else(|| Failure::not_found("AuthKit OAuth resource", id))?)
        }
    };
    oauth_resource::no_default(tx, act.environment_id, act.now).await?;
    if let Some(chosen) = chosen {
        oauth_resource::set_default(tx, act.environment_id, chosen.id, act.now).await?;
        audit_log::note(tx, act, "authkit_oauth_resource.updated", "authkit_oauth_resource", chosen.id).await?;
    }
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    Ok(())
}

/// Deletes a resource: no more tokens are issued for it.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("AuthKit OAuth resource", id);
    let parsed = OAuthResourceId::parse(id).map_err(|_| missing())?;
    if !oauth_resource::delete(tx, act.environment_id, parsed).await? {
        return Err(missing());
    }
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "authkit_oauth_resource.deleted", "authkit_oauth_resource", parsed).await
}
