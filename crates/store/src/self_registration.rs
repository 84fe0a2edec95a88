//! What is remembered of clients that nobody registered by hand, besides the application that each of them is.

use crate::change::{self, Topic};
use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ApplicationId, EnvironmentId};
use countersign_protocol::model::{ConnectApplication, Decision, RegisteredGrants, SelfRegistered};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

/// How many are forgotten at a time: each is a line in the change feed.
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

/// What is kept of a new one.
#[derive(Debug)]
pub struct NewSelfRegistration {
    /// The application it is.
    pub application_id: ApplicationId,
    /// The digest of what was registered, where all who register the same share it.
    pub sameness: Option<Digest>,
    /// When it came.
    pub changed_at: Timestamp,
    /// Until when its metadata document is good.
    pub fresh_until: Option<Timestamp>,
    /// When it is forgotten if nobody has agreed to it by then.
    pub unused_until: Timestamp,
    /// What it has registered to do.
    pub grants: RegisteredGrants,
}

/// Keeps a new one. Its application is there already.
///
/// # Errors
/// `Unique` when there is the same already.
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

/// What is remembered of an application.
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
            // It may do what everybody did before, and nothing in whose name others could begin.
            None => RegisteredGrants::UNSAID,
            Some(_) => row.word(3, RegisteredGrants::parse)?,
        },
    }))
}

/// The application of those who registered the same.
///
/// # Errors
/// Database errors.
pub async fn find_same(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    sameness: &Digest,
) -> Result<Option<ApplicationId>> {
    let row = query.query_opt(FIND_SAME, &[environment_id.into(), sameness.into()]).await?;
    row.map(|row| row.parse(0)).transpose()
}

/// The metadata document that was good until `seen` is not good any more: since `over`. One that was fetched meanwhile stays as it
/// is.
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

/// A metadata document was fetched; `changed_at` is when what people are shown of it last changed. What it may do stays as it
/// is where nothing is said of that.
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

/// Remembers what one may do that came before that was remembered; `false` where it is known.
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

/// One that nobody has agreed to is kept until this moment at least; one that somebody has is kept anyway.
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

/// Somebody has agreed to it: it is kept. Gives since when it says of itself what it says now; `None` when it has gone.
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

/// An administrator has made something else of a client: who registers what it was gets another one, and who agreed to what
/// it was is asked again.
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

/// Makes other transactions that decide about this one wait. Whoever is to change its application, too, takes this row
/// first: those who agree to it and those who forget it do. `false` when there is none (any more).
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, application_id: ApplicationId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), application_id.into()]).await? == 1)
}

/// How many there are that nobody has agreed to: with a metadata document, or registered.
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

/// Forgets those that nobody has agreed to in time, [`STEP`] at most, with their applications.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    // This row first: whoever agrees at this moment has locked it, and then it stays.
    let gone = tx.query(PRUNE, &[now.into()]).await?;
    delete_applications(tx, &gone, now).await?;
    Ok(gone.len() as u64)
}

/// Forgets so many of an environment that nobody has agreed to, with their applications: with a metadata document, or
/// registered; those that would be forgotten first, and none that would stay after this moment.
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
