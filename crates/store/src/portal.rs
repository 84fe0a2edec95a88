//! Links that open an organization's portal, and the visits they become.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::model::{PortalIntent, PortalVisit};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT_LINK = "INSERT INTO portal_link (environment_id, digest, organization_id, intents, return_url, success_url, expires_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ORGANIZATION = "SELECT organization_id FROM portal_link WHERE environment_id = $1 AND digest = $2 AND expires_at > $3";
    USE_UP = "DELETE FROM portal_link WHERE environment_id = $1 AND digest = $2 AND expires_at > $3 ",
        "RETURNING organization_id, intents, return_url, success_url";
    PRUNE_LINKS = "DELETE FROM portal_link WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM portal_link WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
    INSERT = "INSERT INTO portal_visit (environment_id, digest, organization_id, intents, return_url, success_url, created_at, last_seen_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    FIND = "SELECT organization_id, intents, return_url, success_url, created_at, last_seen_at FROM portal_visit ",
        "WHERE environment_id = $1 AND digest = $2";
    SEEN = "UPDATE portal_visit SET last_seen_at = $3 WHERE environment_id = $1 AND digest = $2 AND last_seen_at < $3";
    END = "DELETE FROM portal_visit WHERE environment_id = $1 AND digest = $2";
    PRUNE = "DELETE FROM portal_visit WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM portal_visit WHERE created_at < $1 ORDER BY created_at LIMIT 1000)";
}

/// What a link opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLink {
    /// The organization whose portal it opens.
    pub organization_id: OrganizationId,
    /// The pages it opens.
    pub intents: Vec<PortalIntent>,
    /// Where visitors come from and return to.
    pub return_url: Option<String>,
    /// Where visitors go when they have finished.
    pub success_url: Option<String>,
}

fn read_link(row: &Row) -> Result<PortalLink> {
    Ok(PortalLink {
        organization_id: row.parse(0)?,
        intents: row.word(1, PortalIntent::read)?,
        return_url: row.opt_text(2)?.map(str::to_owned),
        success_url: row.opt_text(3)?.map(str::to_owned),
    })
}

/// Inserts a link.
///
/// # Errors
/// `ForeignKey` if the organization is gone.
pub async fn insert_link(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    link: &PortalLink,
    expires_at: Timestamp,
) -> Result<()> {
    let params = [
        environment_id.into(),
        digest.into(),
        link.organization_id.into(),
        PortalIntent::written(&link.intents).into(),
        link.return_url.as_ref().into(),
        link.success_url.as_ref().into(),
        expires_at.into(),
    ];
    tx.execute(INSERT_LINK, &params).await?;
    Ok(())
}

/// Returns the organization whose portal an unused, unexpired link opens.
///
/// # Errors
/// Database errors.
pub async fn organization_of_link(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<OrganizationId>> {
    let row = query.query_opt(ORGANIZATION, &[environment_id.into(), digest.into(), now.into()]).await?;
    row.map(|row| row.parse(0)).transpose()
}

/// Uses up a link; of two concurrent callers, one gets it.
///
/// # Errors
/// Database errors.
pub async fn use_up(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<PortalLink>> {
    let row = tx.query_opt(USE_UP, &[environment_id.into(), digest.into(), now.into()]).await?;
    row.as_ref().map(read_link).transpose()
}

/// Deletes expired links, at most a thousand; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune_links(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_LINKS, &[before.into()]).await
}

/// Starts a visit.
///
/// # Errors
/// `ForeignKey` if the organization is gone.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest, visit: &PortalVisit) -> Result<()> {
    let params = [
        environment_id.into(),
        digest.into(),
        visit.organization_id.into(),
        PortalIntent::written(&visit.intents).into(),
        visit.return_url.as_ref().into(),
        visit.success_url.as_ref().into(),
        visit.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the visit with this cookie digest, ended or not.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<PortalVisit>> {
    let Some(row) = query.query_opt(FIND, &[environment_id.into(), digest.into()]).await? else { return Ok(None) };
    let PortalLink { organization_id, intents, return_url, success_url } = read_link(&row)?;
    let (created_at, last_seen_at) = (row.timestamp(4)?, row.timestamp(5)?);
    Ok(Some(PortalVisit { organization_id, intents, return_url, success_url, created_at, last_seen_at }))
}

/// Records that a visit is still in use.
///
/// # Errors
/// Database errors.
pub async fn seen(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest, now: Timestamp) -> Result<()> {
    tx.execute(SEEN, &[environment_id.into(), digest.into(), now.into()]).await?;
    Ok(())
}

/// Ends a visit; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest) -> Result<bool> {
    Ok(tx.execute(END, &[environment_id.into(), digest.into()]).await? == 1)
}

/// Deletes visits that began before the given time, at most a thousand; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
