//! Authorization codes for environments' own applications.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, SessionFamilyId};
use countersign_protocol::model::SessionCode;
use countersign_protocol::oauth::pkce::CodeChallenge;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO session_code (environment_id, digest, session_id, organization_id, redirect_uri, code_challenge, expires_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "SELECT digest, session_id, organization_id, redirect_uri, code_challenge, family_id, expires_at FROM session_code ",
        "WHERE environment_id = $1 AND digest = $2";
    SPEND = "UPDATE session_code SET family_id = $3 WHERE environment_id = $1 AND digest = $2 AND family_id IS NULL";
    PRUNE = "DELETE FROM session_code WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM session_code WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<SessionCode> {
    Ok(SessionCode {
        digest: row.digest(0)?,
        session_id: row.parse(1)?,
        organization_id: row.opt_parse(2)?,
        redirect_uri: row.text(3)?.to_owned(),
        code_challenge: row.opt_text(4)?.map(|text| CodeChallenge::from_stored(text.to_owned())),
        family_id: row.opt_parse(5)?,
        expires_at: row.timestamp(6)?,
    })
}

/// Inserts an issued code.
///
/// # Errors
/// `ForeignKey` if the session has since been deleted.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, code: &SessionCode) -> Result<()> {
    let params = [
        environment_id.into(),
        (&code.digest).into(),
        code.session_id.into(),
        code.organization_id.into(),
        (&code.redirect_uri).into(),
        code.code_challenge.as_ref().map(CodeChallenge::as_str).into(),
        code.expires_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Returns the code with this digest.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<SessionCode>> {
    query.query_opt(FIND, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Spends a code: of several concurrent callers, on any node, exactly one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn spend(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    family_id: SessionFamilyId,
) -> Result<bool> {
    Ok(tx.execute(SPEND, &[environment_id.into(), digest.into(), family_id.into()]).await? == 1)
}

/// Deletes up to a thousand codes that expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
