//! Individually revoked tokens (RFC 7009). A row lives as long as the token would have.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, TokenId};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO revoked_token (environment_id, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT (environment_id, jti) DO NOTHING";
    EXISTS = "SELECT 1 FROM revoked_token WHERE environment_id = $1 AND jti = $2";
    LIVE = "SELECT environment_id, jti, expires_at FROM revoked_token WHERE expires_at > $1 ORDER BY expires_at DESC LIMIT $2";
    PRUNE = "DELETE FROM revoked_token WHERE (environment_id, jti) IN (SELECT environment_id, jti FROM revoked_token WHERE expires_at < $1 LIMIT 1000)";
}

/// Revokes a token; `false` if it was already revoked.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, jti: TokenId, expires_at: Timestamp) -> Result<bool> {
    Ok(tx.execute(INSERT, &[environment_id.into(), jti.into(), expires_at.into()]).await? == 1)
}

/// Whether a token was revoked.
///
/// # Errors
/// Database errors.
pub async fn exists(query: &mut impl Query, environment_id: EnvironmentId, jti: TokenId) -> Result<bool> {
    Ok(query.query_opt(EXISTS, &[environment_id.into(), jti.into()]).await?.is_some())
}

/// Returns up to `limit` revoked tokens of every environment that would otherwise still be valid, for a node to keep in
/// memory.
///
/// # Errors
/// Database errors.
pub async fn live(
    query: &mut impl Query,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(EnvironmentId, TokenId, Timestamp)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query(LIVE, &[now.into(), limit.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.parse(0)?, row.word(1, |text| TokenId::parse(text).ok())?, row.timestamp(2)?)))
        .collect()
}

/// Deletes tokens that have since expired, at most a thousand.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[now.into()]).await
}
