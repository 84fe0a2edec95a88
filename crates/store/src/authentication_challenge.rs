//! Challenges: requests for a code of a second factor.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{AuthChallengeId, EnvironmentId};
use countersign_protocol::model::AuthenticationChallenge;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO authentication_challenge (environment_id, id, factor_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)";
    FIND = "SELECT id, factor_id, verified_at, created_at, updated_at FROM authentication_challenge WHERE environment_id = $1 AND id = $2";
    VERIFY = "UPDATE authentication_challenge SET verified_at = $3, updated_at = $3 WHERE environment_id = $1 AND id = $2 AND verified_at IS NULL";
    PRUNE = "DELETE FROM authentication_challenge WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM authentication_challenge WHERE created_at < $1 ORDER BY created_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<AuthenticationChallenge> {
    Ok(AuthenticationChallenge {
        id: row.parse(0)?,
        factor_id: row.parse(1)?,
        verified_at: row.opt_timestamp(2)?,
        created_at: row.timestamp(3)?,
        updated_at: row.timestamp(4)?,
    })
}

/// Inserts a challenge.
///
/// # Errors
/// `ForeignKey` if there is no such factor.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, challenge: &AuthenticationChallenge) -> Result<()> {
    let params = [environment_id.into(), challenge.id.into(), challenge.factor_id.into(), challenge.created_at.into()];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the challenge with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: AuthChallengeId,
) -> Result<Option<AuthenticationChallenge>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Marks a challenge as answered with a correct code: of several concurrent callers, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn verify(tx: &mut Tx, environment_id: EnvironmentId, id: AuthChallengeId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(VERIFY, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Deletes up to a thousand challenges created before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
