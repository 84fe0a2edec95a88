//! Invitations.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, InvitationId, OrganizationId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{Invitation, InvitationState, email_key};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO invitation (environment_id, id, email, email_key, state, organization_id, inviter_user_id, role_slug, ",
        "token_digest, sealed_token, expires_at, created_at, updated_at) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $11)";
    SETTLE = "UPDATE invitation SET state = $3, accepted_at = $4, accepted_user_id = $5, revoked_at = $6, updated_at = $7 ",
        "WHERE environment_id = $1 AND id = $2 AND state = 'pending'";
    TOUCH = "UPDATE invitation SET updated_at = $3 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE invitation SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    FIND = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND id = $2";
    FIND_BY_TOKEN = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND token_digest = $2";
    OPEN_INTO = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $2 AND state = 'pending' AND expires_at > $3 AND organization_id = $4 ORDER BY id LIMIT 1";
    OPEN_WITHOUT = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $2 AND state = 'pending' AND expires_at > $3 AND organization_id IS NULL ORDER BY id LIMIT 1";
    LIST_DESCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    OF_ORGANIZATION_DESCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND organization_id = $4 AND id < $2 ORDER BY id DESC LIMIT $3";
    OF_ORGANIZATION_ASCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND organization_id = $4 AND id > $2 ORDER BY id ASC LIMIT $3";
    OF_EMAIL_DESCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $4 AND id < $2 ORDER BY id DESC LIMIT $3";
    OF_EMAIL_ASCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $4 AND id > $2 ORDER BY id ASC LIMIT $3";
    OF_BOTH_DESCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $4 AND organization_id = $5 AND id < $2 ORDER BY id DESC LIMIT $3";
    OF_BOTH_ASCENDING = "SELECT id, email, state, organization_id, inviter_user_id, accepted_user_id, role_slug, sealed_token, accepted_at, revoked_at, ",
        "expires_at, created_at, updated_at FROM invitation WHERE environment_id = $1 AND email_key = $4 AND organization_id = $5 AND id > $2 ORDER BY id ASC LIMIT $3";
}

/// Which invitations to list: those that match every given field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// For this email address, in any spelling that has the same [`email_key`].
    pub email: Option<&'a str>,
    /// Into this organization.
    pub organization_id: Option<OrganizationId>,
}

fn read(row: &Row) -> Result<Invitation> {
    let accepted = row.opt_timestamp(8)?.zip(row.opt_parse(5)?);
    let state = InvitationState::from_parts(row.text(2)?, accepted, row.opt_timestamp(9)?)
        .ok_or_else(|| crate::Error::Corrupt("an invitation's state".to_owned()))?;
    Ok(Invitation {
        id: row.parse(0)?,
        email: row.text(1)?.to_owned(),
        state,
        organization_id: row.opt_parse(3)?,
        inviter_user_id: row.opt_parse(4)?,
        role_slug: row.opt_text(6)?.map(str::to_owned),
        sealed_token: row.bytes(7)?.to_vec(),
        expires_at: row.timestamp(10)?,
        created_at: row.timestamp(11)?,
        updated_at: row.timestamp(12)?,
    })
}

/// Inserts a pending invitation.
///
/// # Errors
/// Database errors; `ForeignKey` if there is no such organization.
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    invitation: &Invitation,
    token_digest: &Digest,
) -> Result<()> {
    let params = [
        environment_id.into(),
        invitation.id.into(),
        (&invitation.email).into(),
        email_key(&invitation.email).into(),
        invitation.organization_id.into(),
        invitation.inviter_user_id.into(),
        invitation.role_slug.as_ref().into(),
        token_digest.into(),
        invitation.sealed_token.as_slice().into(),
        invitation.expires_at.into(),
        invitation.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Settles a pending invitation; `false` if it is not pending or does not exist.
///
/// # Errors
/// Database errors.
pub async fn settle(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: InvitationId,
    state: InvitationState,
    now: Timestamp,
) -> Result<bool> {
    let (accepted_at, accepted_by, revoked_at) = match state {
        InvitationState::Pending => (None, None, None),
        InvitationState::Accepted { at, by } => (Some(at), Some(by), None),
        InvitationState::Revoked { at } => (None, None, Some(at)),
    };
    let params = [
        environment_id.into(),
        id.into(),
        state.as_str().into(),
        accepted_at.into(),
        accepted_by.into(),
        revoked_at.into(),
        now.into(),
    ];
    Ok(tx.execute(SETTLE, &params).await? == 1)
}

/// Records that an invitation was changed.
///
/// # Errors
/// Database errors.
pub async fn touch(tx: &mut Tx, environment_id: EnvironmentId, id: InvitationId, now: Timestamp) -> Result<()> {
    tx.execute(TOUCH, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Locks an invitation until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, id: InvitationId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), id.into()]).await? == 1)
}

/// Returns the invitation with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: InvitationId,
) -> Result<Option<Invitation>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the invitation whose token has this digest.
///
/// # Errors
/// Database errors.
pub async fn find_by_token(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    token_digest: &Digest,
) -> Result<Option<Invitation>> {
    query.query_opt(FIND_BY_TOKEN, &[environment_id.into(), token_digest.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the oldest pending, unexpired invitation for an email address: into this organization, or into none.
///
/// # Errors
/// Database errors.
pub async fn find_open(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    email: &str,
    organization_id: Option<OrganizationId>,
    now: Timestamp,
) -> Result<Option<Invitation>> {
    let mut params = vec![environment_id.into(), email_key(email).into(), now.into()];
    params.extend(organization_id.map(Into::into));
    let sql = if organization_id.is_some() { OPEN_INTO } else { OPEN_WITHOUT };
    query.query_opt(sql, &params).await?.as_ref().map(read).transpose()
}

/// Lists a slice of the invitations.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<InvitationId>,
    filter: Filter<'_>,
) -> Result<Vec<Invitation>> {
    let paged = match (filter.email, filter.organization_id) {
        (None, None) => Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING },
        (None, Some(_)) => Paged { descending: OF_ORGANIZATION_DESCENDING, ascending: OF_ORGANIZATION_ASCENDING },
        (Some(_), None) => Paged { descending: OF_EMAIL_DESCENDING, ascending: OF_EMAIL_ASCENDING },
        (Some(_), Some(_)) => Paged { descending: OF_BOTH_DESCENDING, ascending: OF_BOTH_ASCENDING },
    };
    let (sql, bound, limit) = paged.pick(slice);
    let mut params = vec![environment_id.into(), bound, limit];
    params.extend(filter.email.map(|email| email_key(email).into()));
    params.extend(filter.organization_id.map(Into::into));
    query.query(sql, &params).await?.iter().map(read).collect()
}
