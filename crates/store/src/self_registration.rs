//! What is stored about self-registered clients, dynamically registered or with a metadata document, besides their
//! applications.

use crate::change::{self, Topic};
use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ApplicationId, EnvironmentId};
use countersign_protocol::model::{ConnectApplication, Decision, RegisteredGrants, SelfRegistered};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

/// Maximum number deleted at a time: each adds a row to the change feed.
pub const STEP: u64 = 100;

statements! {
    INSERT = "INSERT INTO self_registration (environment_id, application_id, sameness, changed_at, fresh_until, unused_until, grant_types) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "SELECT r.changed_at, r.fresh_until, d.decision, r.grant_types FROM self_registration r ",
        "LEFT JOIN client_document d ON d.environment_id = r.environment_id AND d.url = $3 ",
        "WHERE r.environment_id = $1 AND r.application_id = $2";
    FIND_SAME = "SELECT application_id FROM self_registration WHERE environment_id = $1 AND sameness = $2";
    FETCHED = "UPDATE self_registration SET fresh_until = $3, changed_at = $4, grant_types = COALESCE($5, grant_types) ",
        "WHERE environment_id = $1 AND application_id = $2";
    INVALID = "UPDATE self_registration SET fresh_until = $3 WHERE environment_id = $1 AND application_id = $2 AND fresh_until = $4";
    SET_GRANTS = "UPDATE self_registration SET grant_types = $3 WHERE environment_id = $1 AND application_id = $2 AND grant_types IS NULL";
    KEEP_FOR_NOW = "UPDATE self_registration SET unused_until = $3 WHERE environment_id = $1 AND application_id = $2 AND unused_until < $3";
    KEEP = "UPDATE self_registration SET unused_until = NULL WHERE environment_id = $1 AND application_id = $2 AND unused_until IS NOT NULL";
    CHANGED_AT = "SELECT changed_at FROM self_registration WHERE environment_id = $1 AND application_id = $2";
    COUNT_UNUSED = "SELECT COUNT(*) FROM self_registration WHERE environment_id = $1 AND unused_until > $2 AND fresh_until IS NULL";
    COUNT_UNUSED_DOCUMENTS = "SELECT COUNT(*) FROM self_registration WHERE environment_id = $1 AND unused_until > $2 AND fresh_until IS NOT NULL";
    SET_APART = "UPDATE self_registration SET sameness = NULL, changed_at = $3 WHERE environment_id = $1 AND application_id = $2";
    LOCK = "UPDATE self_registration SET changed_at = changed_at WHERE environment_id = $1 AND application_id = $2";
    PRUNE = "DELETE FROM self_registration WHERE unused_until < $1 AND (environment_id, application_id) IN ",
        "(SELECT environment_id, application_id FROM self_registration WHERE unused_until < $1 ORDER BY unused_until LIMIT 100) ",
        "RETURNING environment_id, application_id";
    TRIM = "DELETE FROM self_registration WHERE unused_until <= $2 AND (environment_id, application_id) IN ",
        "(SELECT environment_id, application_id FROM self_registration WHERE environment_id = $1 AND unused_until <= $2 ",
        "AND fresh_until IS NULL ORDER BY unused_until LIMIT $3) RETURNING environment_id, application_id";
    TRIM_DOCUMENTS = "DELETE FROM self_registration WHERE unused_until <= $2 AND (environment_id, application_id) IN ",
        "(SELECT environment_id, application_id FROM self_registration WHERE environment_id = $1 AND unused_until <= $2 ",
        "AND fresh_until IS NOT NULL ORDER BY unused_until LIMIT $3) RETURNING environment_id, application_id";
    PRUNE_APPLICATION = "DELETE FROM connect_application WHERE environment_id = $1 AND id = $2 RETURNING client_id";
}

/// A new self-registered client.
#[derive(Debug)]
pub struct NewSelfRegistration {
    /// Its application.
    pub application_id: ApplicationId,
    /// The digest of the registered metadata, if all clients that register the same share this one.
    pub sameness: Option<Digest>,
    /// When it registered.
    pub changed_at: Timestamp,
    /// Until when its metadata document is fresh; `None` without one.
    pub fresh_until: Option<Timestamp>,
    /// When it is deleted if no user has consented to it by then.
    pub unused_until: Timestamp,
    /// The grants it has registered.
    pub grants: RegisteredGrants,
}

/// Inserts a client. Its application already exists.
///
/// # Errors
/// `Unique` if an identical registration exists.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, new: &NewSelfRegistration) -> Result<()> {
    let params = [
        environment_id.into(),
        new.application_id.into(),
        new.sameness.as_ref().into(),
        new.changed_at.into(),
        new.fresh_until.into(),
        new.unused_until.into(),
        new.grants.written().into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns what is stored about an application, if it registered itself.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    application: &ConnectApplication,
) -> Result<Option<SelfRegistered>> {
    let params = [environment_id.into(), application.id.into(), application.metadata_url.as_ref().into()];
    let Some(row) = query.query_opt(FIND, &params).await? else { return Ok(None) };
    Ok(Some(SelfRegistered {
        changed_at: row.timestamp(0)?,
        fresh_until: row.opt_timestamp(1)?,
        decision: match row.opt_text(2)? {
            None => None,
            Some(_) => Some(row.word(2, Decision::parse)?),
        },
        grants: match row.opt_text(3)? {
            // Registered before grants were stored: the grants that all clients had then, and none that would let
            // others start a request in its name.
            None => RegisteredGrants::UNSAID,
            Some(_) => row.word(3, RegisteredGrants::parse)?,
        },
    }))
}

/// Returns the application shared by identical registrations.
///
/// # Errors
/// Database errors.
pub async fn find_identical(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    sameness: &Digest,
) -> Result<Option<ApplicationId>> {
    let row = query.query_opt(FIND_SAME, &[environment_id.into(), sameness.into()]).await?;
    row.map(|row| row.parse(0)).transpose()
}

/// Marks the metadata document that was fresh until `seen` as stale since `over`. One fetched in the meantime is left
/// as it is.
///
/// # Errors
/// Database errors.
pub async fn invalid(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    (seen, over): (Timestamp, Timestamp),
) -> Result<()> {
    tx.execute(INVALID, &[environment_id.into(), application_id.into(), over.into(), seen.into()]).await?;
    Ok(())
}

/// Records that a metadata document was fetched; `changed_at` is when the part of it shown to users last changed.
/// Without `grants`, the stored grants stay.
///
/// # Errors
/// Database errors.
pub async fn fetched(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    (fresh_until, changed_at): (Timestamp, Timestamp),
    grants: Option<RegisteredGrants>,
) -> Result<()> {
    let grants = grants.map(RegisteredGrants::written);
    let params =
        [environment_id.into(), application_id.into(), fresh_until.into(), changed_at.into(), grants.as_ref().into()];
    tx.execute(FETCHED, &params).await?;
    Ok(())
}

/// Stores the grants of a client that registered before grants were stored; `false` if they are known.
///
/// # Errors
/// Database errors.
pub async fn set_grants(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    grants: RegisteredGrants,
) -> Result<bool> {
    Ok(tx.execute(SET_GRANTS, &[environment_id.into(), application_id.into(), grants.written().into()]).await? == 1)
}

/// Keeps a client that no user has consented to until at least this time; one that has consent is kept anyway.
///
/// # Errors
/// Database errors.
pub async fn keep_for_now(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    until: Timestamp,
) -> Result<()> {
    tx.execute(KEEP_FOR_NOW, &[environment_id.into(), application_id.into(), until.into()]).await?;
    Ok(())
}

/// Keeps a client for good, because a user has consented to it. Returns when what users are shown of it last changed;
/// `None` if it is gone.
///
/// # Errors
/// Database errors.
pub async fn keep(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
) -> Result<Option<Timestamp>> {
    let params = [environment_id.into(), application_id.into()];
    tx.execute(KEEP, &params).await?;
    tx.query_opt(CHANGED_AT, &params).await?.map(|row| row.timestamp(0)).transpose()
}

/// Detaches a client that an administrator has changed: whoever registers the same metadata again gets another client,
/// and users who consented to the old version are asked again.
///
/// # Errors
/// Database errors.
pub async fn set_apart(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    application_id: ApplicationId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(SET_APART, &[environment_id.into(), application_id.into(), now.into()]).await?;
    Ok(())
}

/// Locks a client's row; `false` if it does not exist. A transaction that will also change its application takes this
/// lock first, as consenting to a client and deleting it do.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, application_id: ApplicationId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), application_id.into()]).await? == 1)
}

/// Returns how many clients no user has consented to: those with a metadata document, or the dynamically registered
/// ones.
///
/// # Errors
/// Database errors.
pub async fn count_unused(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    documents: bool,
    now: Timestamp,
) -> Result<i64> {
    let sql = if documents { COUNT_UNUSED_DOCUMENTS } else { COUNT_UNUSED };
    match query.query_opt(sql, &[environment_id.into(), now.into()]).await? {
        Some(row) => row.int(0),
        None => Ok(0),
    }
}

/// Deletes clients that no user has consented to in time, with their applications, at most [`STEP`].
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    // This row first: a transaction recording consent right now has locked it, and the client then stays.
    let gone = tx.query(PRUNE, &[now.into()]).await?;
    delete_applications(tx, &gone, now).await?;
    Ok(gone.len() as u64)
}

/// Deletes up to `many` of an environment's clients that no user has consented to, with their applications: those with
/// a metadata document, or the dynamically registered ones. Takes those due for deletion first, and none due after
/// `before`.
///
/// # Errors
/// Database errors.
pub async fn trim(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    documents: bool,
    many: i64,
    (before, now): (Timestamp, Timestamp),
) -> Result<()> {
    let sql = if documents { TRIM_DOCUMENTS } else { TRIM };
    let gone = tx.query(sql, &[environment_id.into(), before.into(), many.into()]).await?;
    delete_applications(tx, &gone, now).await
}

async fn delete_applications(tx: &mut Tx, gone: &[Row], now: Timestamp) -> Result<()> {
    for row in gone {
        let (environment_id, id): (EnvironmentId, ApplicationId) = (row.parse(0)?, row.parse(1)?);
        if let Some(row) = tx.query_opt(PRUNE_APPLICATION, &[environment_id.into(), id.into()]).await? {
            change::record(tx, environment_id, &Topic::Client(row.parse(0)?), now);
        }
    }
    Ok(())
}
