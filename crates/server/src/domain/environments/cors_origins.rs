//! Origins from which browsers may call.

use super::declared_list::Replaced;
use crate::domain::{Act, Failure, audit_log};
use countersign_protocol::id::CorsOriginId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{CorsOrigin, EnvironmentKind, Issuer};
use countersign_store::change::{self, Topic};
use countersign_store::{Tx, cors_origin, signing_key};

/// More than any application needs.
const MAX_ORIGINS: usize = 100;

/// Replaces the origins with a list.
///
/// # Errors
/// As [`create_cors_origin`].
pub async fn set_cors_origins(tx: &mut Tx, act: &Act, origins: &[String]) -> Result<Replaced, Failure> {
    signing_key::lock(tx, act.environment_id).await?;
    let known = cors_origin::all(tx, act.environment_id).await?;
    let mut replaced = Replaced::default();
    for gone in known.iter().filter(|known| !origins.contains(&known.origin)) {
        cors_origin::delete(tx, act.environment_id, gone.id).await?;
        audit_log::note(tx, act, "cors_origin.deleted", "cors_origin", gone.id).await?;
        replaced.deleted.push(gone.origin.clone());
    }
    for origin in origins {
        if !known.iter().any(|known| known.origin == *origin) && !replaced.added.contains(origin) {
            create_cors_origin(tx, act, origin.clone()).await?;
            replaced.added.push(origin.clone());
        }
    }
    replaced.record(tx, act);
    Ok(replaced)
}

/// Whether a text is an origin as browsers send it: https, unless it is this machine or the environment is a staging
/// one.
fn is_origin(text: &str, kind: EnvironmentKind) -> bool {
    Issuer::parse(text).is_ok()
        || (kind == EnvironmentKind::Staging
            && text.starts_with("http://")
            && url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text && !text.contains('*')))
}

fn wrong_origin(constraint: &'static str, message: &str) -> Failure {
    Failure::Refused(ApiError::Constraint { property: "origin", constraint, message: message.to_owned() })
}

/// Creates an origin.
///
/// # Errors
/// 422; 409 `duplicate_cors_origin`.
pub async fn create_cors_origin(tx: &mut Tx, act: &Act, origin: String) -> Result<CorsOrigin, Failure> {
    if origin.contains('*') || !is_origin(&origin, act.environment_kind) {
        return Err(wrong_origin(
            "isOrigin",
            "origin must be an origin such as https://app.example.com: scheme, host and port, without a path or a wildcard; http only for this machine, and in staging.",
        ));
    }
    signing_key::lock(tx, act.environment_id).await?;
    let known = cors_origin::all(tx, act.environment_id).await?;
    if known.iter().any(|known| known.origin == origin) {
        return Err(Failure::conflict("duplicate_cors_origin", "This CORS origin exists already."));
    }
    if known.len() >= MAX_ORIGINS {
        return Err(wrong_origin("tooMany", "There are too many CORS origins. Delete one first."));
    }
    let made = CorsOrigin { id: act.entropy.id(act.now)?, origin, created_at: act.now, updated_at: act.now };
    cors_origin::insert(tx, act.environment_id, &made).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "cors_origin.created", "cors_origin", made.id).await?;
    Ok(made)
}

/// Deletes an origin.
///
/// # Errors
/// 404.
pub async fn delete_cors_origin(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let missing = || Failure::not_found("CORS origin", id);
    let parsed = CorsOriginId::parse(id).map_err(|_| missing())?;
    if !cors_origin::delete(tx, act.environment_id, parsed).await? {
        return Err(missing());
    }
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    audit_log::note(tx, act, "cors_origin.deleted", "cors_origin", parsed).await
}
