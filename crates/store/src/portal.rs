//! Links that open an organization's page, and the visits that they become.

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
    /// Whose page.
    pub organization_id: OrganizationId,
    /// What may be seen there.
    pub intents: Vec<PortalIntent>,
    /// Where people come from.
    pub return_url: Option<String>,
    /// Where people go who have finished.
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

/// Keeps a link.
///
/// # Errors
/// `ForeignKey` when the organization is gone.
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

/// Whose page a link opens that was not used yet and is not too old.
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

/// Uses a link up; of two who do it at once, one gets it.
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

/// Forgets links that are too old, a thousand at most; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune_links(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE_LINKS, &[before.into()]).await
}

/// Starts a visit.
///
/// # Errors
/// `ForeignKey` when the organization is gone.
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

/// The visit with this cookie, over or not.
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

/// Notes that a visit goes on.
///
/// # Errors
/// Database errors.
pub async fn seen(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest, now: Timestamp) -> Result<()> {
    tx.execute(SEEN, &[environment_id.into(), digest.into(), now.into()]).await?;
    Ok(())
}

/// Ends a visit; `false` when there is none such.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, environment_id: EnvironmentId, digest: &Digest) -> Result<bool> {
    Ok(tx.execute(END, &[environment_id.into(), digest.into()]).await? == 1)
}

/// Forgets visits that began before, a thousand at most; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
