//! Sign-in sessions.

use crate::sql::{Paged, Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId, SessionId, UserId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{AuthenticationMethod, Session, SessionPolicy};
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO session (environment_id, id, user_id, organization_id, token_digest, authentication_method, ip_address, ",
        "user_agent, authenticated_at, last_seen_at, expires_at, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $9, $9)";
    FIND_BY_DIGEST = "SELECT id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at FROM session WHERE environment_id = $1 AND token_digest = $2";
    FIND = "SELECT id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at FROM session WHERE environment_id = $1 AND id = $2";
    OF_USER_DESCENDING = "SELECT id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at FROM session ",
        "WHERE environment_id = $1 AND user_id = $4 AND id < $2 AND ended_at IS NULL AND expires_at > $5 ",
        "AND authenticated_at > $6 AND last_seen_at > $7 ORDER BY id DESC LIMIT $3";
    OF_USER_ASCENDING = "SELECT id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at FROM session ",
        "WHERE environment_id = $1 AND user_id = $4 AND id > $2 AND ended_at IS NULL AND expires_at > $5 ",
        "AND authenticated_at > $6 AND last_seen_at > $7 ORDER BY id ASC LIMIT $3";
    RENEW = "UPDATE session SET token_digest = $3, authentication_method = $4, ip_address = $5, user_agent = $6, authenticated_at = $7, ",
        "expires_at = $8, last_seen_at = $9, updated_at = $9 WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    HOLD = "UPDATE session SET updated_at = updated_at WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    SEEN = "UPDATE session SET last_seen_at = $3 WHERE environment_id = $1 AND id = $2 AND last_seen_at < $3";
    CHOOSE_ORGANIZATION = "UPDATE session SET organization_id = $3, updated_at = $4 WHERE environment_id = $1 AND id = $2";
    END = "UPDATE session SET ended_at = $3, updated_at = $3 WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    END_ALL = "UPDATE session SET ended_at = $3, updated_at = $3 WHERE environment_id = $1 AND user_id = $2 AND ended_at IS NULL ",
        "RETURNING id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at";
    END_IN_ORGANIZATION = "UPDATE session SET ended_at = $4, updated_at = $4 ",
        "WHERE environment_id = $1 AND user_id = $2 AND organization_id = $3 AND ended_at IS NULL ",
        "RETURNING id, user_id, organization_id, authentication_method, ip_address, user_agent, authenticated_at, last_seen_at, ",
        "expires_at, ended_at, created_at, updated_at";
    // Goes through the members: an index by organization would be written at every sign-in. Every ID is greater than
    // '', which leads SQLite to the index of an organization's members.
    END_OF_ORGANIZATION = "UPDATE session SET ended_at = $3, updated_at = $3 WHERE environment_id = $1 AND user_id IN ",
        "(SELECT user_id FROM organization_membership WHERE environment_id = $1 AND organization_id = $2 AND id > '') ",
        "AND organization_id = $2 AND ended_at IS NULL";
    PRUNE = "DELETE FROM session WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM session WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<Session> {
    let text = |at: usize| -> Result<Option<String>> { Ok(row.opt_text(at)?.map(str::to_owned)) };
    Ok(Session {
        id: row.parse(0)?,
        user_id: row.parse(1)?,
        organization_id: row.opt_parse(2)?,
        authentication_method: row.word(3, AuthenticationMethod::parse)?,
        ip_address: text(4)?,
        user_agent: text(5)?,
        authenticated_at: row.timestamp(6)?,
        last_seen_at: row.timestamp(7)?,
        expires_at: row.timestamp(8)?,
        ended_at: row.opt_timestamp(9)?,
        created_at: row.timestamp(10)?,
        updated_at: row.timestamp(11)?,
    })
}

/// Inserts a session; one held by a browser is looked up by the digest of its cookie's value.
///
/// # Errors
/// Database errors.
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    session: &Session,
    token_digest: Option<&Digest>,
) -> Result<()> {
    let params = [
        environment_id.into(),
        session.id.into(),
        session.user_id.into(),
        session.organization_id.into(),
        token_digest.into(),
        session.authentication_method.as_str().into(),
        session.ip_address.as_ref().into(),
        session.user_agent.as_ref().into(),
        session.authenticated_at.into(),
        session.expires_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Renews a session after the same user has authenticated again in the same browser: it continues under a new cookie.
/// `false` if it has ended.
///
/// # Errors
/// Database errors.
pub async fn renew(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    session: &Session,
    token_digest: Option<&Digest>,
) -> Result<bool> {
    let params = [
        environment_id.into(),
        session.id.into(),
        token_digest.into(),
        session.authentication_method.as_str().into(),
        session.ip_address.as_ref().into(),
        session.user_agent.as_ref().into(),
        session.authenticated_at.into(),
        session.expires_at.into(),
        session.last_seen_at.into(),
    ];
    Ok(tx.execute(RENEW, &params).await? == 1)
}

/// Returns the session with this cookie digest, ended or not.
///
/// # Errors
/// Database errors.
pub async fn find_by_digest(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<Session>> {
    query.query_opt(FIND_BY_DIGEST, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the session with this ID, ended or not.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: SessionId) -> Result<Option<Session>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Lists a slice of a user's live sessions, by the rules of [`Session::is_live`].
///
/// # Errors
/// Database errors.
pub async fn list(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    slice: &Slice<SessionId>,
    user_id: UserId,
    (policy, now): (SessionPolicy, Timestamp),
) -> Result<Vec<Session>> {
    let (sql, bound, limit) = Paged { descending: OF_USER_DESCENDING, ascending: OF_USER_ASCENDING }.pick(slice);
    let too_old = now.plus_secs(-policy.maximum_length);
    let unused = now.plus_secs(-policy.inactivity_timeout);
    let params = [environment_id.into(), bound, limit, user_id.into(), now.into(), too_old.into(), unused.into()];
    let rows = reader.query(sql, &params).await?;
    rows.iter().map(read).collect()
}

/// Locks a session, so that ending it waits for this transaction; `false` if it has already ended.
///
/// # Errors
/// Database errors.
pub async fn hold(tx: &mut Tx, environment_id: EnvironmentId, id: SessionId) -> Result<bool> {
    Ok(tx.execute(HOLD, &[environment_id.into(), id.into()]).await? == 1)
}

/// Records that a session was used.
///
/// # Errors
/// Database errors.
pub async fn seen(tx: &mut Tx, environment_id: EnvironmentId, id: SessionId, now: Timestamp) -> Result<()> {
    tx.execute(SEEN, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Records the organization chosen most recently.
///
/// # Errors
/// Database errors.
pub async fn choose_organization(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: SessionId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(CHOOSE_ORGANIZATION, &[environment_id.into(), id.into(), organization_id.into(), now.into()]).await?;
    Ok(())
}

/// Ends a session; `false` if it does not exist or has already ended.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, environment_id: EnvironmentId, id: SessionId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(END, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Ends all sessions of a user; returns them, oldest first.
///
/// # Errors
/// Database errors.
pub async fn end_all(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Vec<Session>> {
    ended(&tx.query(END_ALL, &[environment_id.into(), user_id.into(), now.into()]).await?)
}

fn ended(rows: &[Row]) -> Result<Vec<Session>> {
    let mut ended: Vec<Session> = rows.iter().map(read).collect::<Result<_>>()?;
    ended.sort_unstable_by_key(|session| session.id);
    Ok(ended)
}

/// Ends a user's sessions in an organization; returns them, oldest first.
///
/// # Errors
/// Database errors.
pub async fn end_in_organization(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<Vec<Session>> {
    let params = [environment_id.into(), user_id.into(), organization_id.into(), now.into()];
    ended(&tx.query(END_IN_ORGANIZATION, &params).await?)
}

/// Ends all members' sessions in an organization.
///
/// # Errors
/// Database errors.
pub async fn end_of_organization(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(END_OF_ORGANIZATION, &[environment_id.into(), organization_id.into(), now.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand sessions that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
