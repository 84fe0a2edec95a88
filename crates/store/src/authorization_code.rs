//! Authorization codes.

use crate::consent::written;
use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, TokenFamilyId};
use countersign_protocol::model::{AuthorizationCode, Persona};
use countersign_protocol::oauth::pkce::CodeChallenge;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO authorization_code (environment_id, digest, consent_id, application_id, user_id, organization_id, session_id, ",
        "redirect_uri, scope, resource, nonce, code_challenge, subject, choices, authenticated_at, show_auth_time, expires_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    FIND = "SELECT digest, consent_id, application_id, user_id, organization_id, session_id, redirect_uri, scope, resource, nonce, ",
        "code_challenge, authenticated_at, show_auth_time, family_id, expires_at, subject, choices FROM authorization_code ",
        "WHERE environment_id = $1 AND digest = $2";
    SPEND = "UPDATE authorization_code SET family_id = $3 WHERE environment_id = $1 AND digest = $2 AND family_id IS NULL";
    PRUNE = "DELETE FROM authorization_code WHERE (environment_id, digest) IN ",
        "(SELECT environment_id, digest FROM authorization_code WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<AuthorizationCode> {
    Ok(AuthorizationCode {
        digest: row.digest(0)?,
        consent_id: row.parse(1)?,
        application_id: row.parse(2)?,
        user_id: row.parse(3)?,
        organization_id: row.opt_parse(4)?,
        session_id: row.opt_parse(5)?,
        redirect_uri: row.text(6)?.to_owned(),
        scopes: row.text(7)?.split_ascii_whitespace().map(str::to_owned).collect(),
        resource: row.text(8)?.to_owned(),
        nonce: row.opt_text(9)?.map(str::to_owned),
        code_challenge: row.opt_text(10)?.map(|text| CodeChallenge::from_kept(text.to_owned())),
        persona: Persona { subject: row.opt_text(15)?.map(str::to_owned), choices: row.json(16)? },
        authenticated_at: row.timestamp(11)?,
        show_auth_time: row.truth(12)?,
        family_id: row.opt_parse(13)?,
        expires_at: row.timestamp(14)?,
    })
}

/// Keeps a code that was issued.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, code: &AuthorizationCode) -> Result<()> {
    let params = [
        environment_id.into(),
        (&code.digest).into(),
        code.consent_id.into(),
        code.application_id.into(),
        code.user_id.into(),
        code.organization_id.into(),
        code.session_id.into(),
        (&code.redirect_uri).into(),
        code.scopes.join(" ").into(),
        (&code.resource).into(),
        code.nonce.as_ref().into(),
        code.code_challenge.as_ref().map(CodeChallenge::as_str).into(),
        code.persona.subject.as_ref().into(),
        written(&code.persona.choices).into(),
        code.authenticated_at.into(),
        code.show_auth_time.into(),
        code.expires_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// The code with this digest.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: &Digest,
) -> Result<Option<AuthorizationCode>> {
    query.query_opt(FIND, &[environment_id.into(), digest.into()]).await?.as_ref().map(read).transpose()
}

/// Spends a code: of all who try, on whatever node, one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn spend(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    digest: &Digest,
    family_id: TokenFamilyId,
) -> Result<bool> {
    Ok(tx.execute(SPEND, &[environment_id.into(), digest.into(), family_id.into()]).await? == 1)
}

/// Forgets up to a thousand codes that expired before a moment; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
