//! Token families: the tokens that result from each authorization.

use crate::consent::written;
use crate::sql::{Query, Row, statements};
use crate::{Error, Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId, TokenFamilyId, UserId};
use countersign_protocol::model::{Persona, TokenFamily};
use countersign_protocol::oauth::introspection::StandingFamily;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO token_family (environment_id, id, consent_id, application_id, user_id, organization_id, session_id, resource, ",
        "scope, subject, choices, authenticated_at, generation, rotated_at, idle_expires_at, expires_at, created_at, code_digest, shows_auth_time) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    OF_CODE = "SELECT id FROM token_family WHERE environment_id = $1 AND code_digest = $2";
    IS_OF_CODE = "SELECT 1 FROM token_family WHERE environment_id = $1 AND id = $2 AND code_digest IS NOT NULL";
    FIND = "SELECT id, consent_id, application_id, user_id, organization_id, session_id, resource, scope, authenticated_at, generation, ",
        "rotated_at, idle_expires_at, expires_at, ended_at, created_at, subject, choices, shows_auth_time ",
        "FROM token_family WHERE environment_id = $1 AND id = $2";
    STANDING = "SELECT f.id, f.consent_id, f.application_id, f.user_id, f.organization_id, f.choices, a.client_id FROM token_family f ",
        "JOIN connect_application a ON a.environment_id = f.environment_id AND a.id = f.application_id ",
        "WHERE f.environment_id = $1 AND f.id = $2 AND f.ended_at IS NULL AND (f.organization_id IS NULL OR EXISTS (",
        "SELECT 1 FROM organization_membership m WHERE m.environment_id = f.environment_id AND m.user_id = f.user_id ",
        "AND m.organization_id = f.organization_id AND m.status = 'active'))";
    ROTATE = "UPDATE token_family SET generation = generation + 1, rotated_at = $4, idle_expires_at = $5, scope = $6 ",
        "WHERE environment_id = $1 AND id = $2 AND generation = $3 AND ended_at IS NULL";
    END = "UPDATE token_family SET ended_at = $3 WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    // Goes through the consents, which are few: an index by user would be written at every authorization.
    END_OF_MEMBER = "UPDATE token_family SET ended_at = $4 WHERE environment_id = $1 AND consent_id IN (SELECT id FROM consent ",
        "WHERE environment_id = $1 AND user_id = $2 AND organization_id = $3) AND ended_at IS NULL";
    END_OF_USER = "UPDATE token_family SET ended_at = $3 WHERE environment_id = $1 AND consent_id IN (SELECT id FROM consent ",
        "WHERE environment_id = $1 AND user_id = $2) AND ended_at IS NULL";
    END_FIRST_PARTY_OF_USER = "UPDATE token_family SET ended_at = $3 WHERE environment_id = $1 AND consent_id IN (SELECT c.id FROM consent c ",
        "JOIN connect_application a ON a.environment_id = c.environment_id AND a.id = c.application_id ",
        "WHERE c.environment_id = $1 AND c.user_id = $2 AND a.ownership = 'first_party') AND ended_at IS NULL";
    PRUNE = "DELETE FROM token_family WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM token_family WHERE idle_expires_at < $1 ORDER BY idle_expires_at LIMIT 1000)";
}

fn read(row: &Row) -> Result<TokenFamily> {
    Ok(TokenFamily {
        id: row.parse(0)?,
        consent_id: row.parse(1)?,
        application_id: row.parse(2)?,
        user_id: row.parse(3)?,
        organization_id: row.opt_parse(4)?,
        session_id: row.opt_parse(5)?,
        resource: row.text(6)?.to_owned(),
        scopes: row.text(7)?.split_ascii_whitespace().map(str::to_owned).collect(),
        persona: Persona { subject: row.opt_text(15)?.map(str::to_owned), choices: row.json(16)? },
        authenticated_at: row.timestamp(8)?,
        shows_auth_time: row.truth(17)?,
        generation: row.int(9)?,
        rotated_at: row.timestamp(10)?,
        idle_expires_at: row.timestamp(11)?,
        expires_at: row.timestamp(12)?,
        ended_at: row.opt_timestamp(13)?,
        created_at: row.timestamp(14)?,
    })
}

/// Inserts a family; `code` is the digest of the authorization code redeemed for it. Of all concurrent redemptions of
/// one code, on any node, one inserts a family.
///
/// # Errors
/// Database errors, including that the consent has since been deleted, and that the code was already redeemed: see
/// [`is_of_spent_code`].
pub async fn insert(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    family: &TokenFamily,
    code: Option<&Digest>,
) -> Result<()> {
    let params = [
        environment_id.into(),
        family.id.into(),
        family.consent_id.into(),
        family.application_id.into(),
        family.user_id.into(),
        family.organization_id.into(),
        family.session_id.into(),
        (&family.resource).into(),
        family.scopes.join(" ").into(),
        family.persona.subject.as_ref().into(),
        written(&family.persona.choices).into(),
        family.authenticated_at.into(),
        family.generation.into(),
        family.rotated_at.into(),
        family.idle_expires_at.into(),
        family.expires_at.into(),
        family.created_at.into(),
        code.into(),
        family.shows_auth_time.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Whether a family was not inserted because its authorization code had already been redeemed.
pub fn is_of_spent_code(error: &Error) -> bool {
    error.is_unique("token_family", "code_digest")
}

/// Returns the family an authorization code was redeemed for, if it was.
///
/// # Errors
/// Database errors.
pub async fn of_code(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    code: &Digest,
) -> Result<Option<TokenFamilyId>> {
    query.query_opt(OF_CODE, &[environment_id.into(), code.into()]).await?.map(|row| row.parse(0)).transpose()
}

/// Whether a family comes from an authorization code, rather than from a device authorization.
///
/// # Errors
/// Database errors.
pub async fn is_of_code(query: &mut impl Query, environment_id: EnvironmentId, id: TokenFamilyId) -> Result<bool> {
    Ok(query.query_opt(IS_OF_CODE, &[environment_id.into(), id.into()]).await?.is_some())
}

/// Returns the family with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: TokenFamilyId,
) -> Result<Option<TokenFamily>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the family if its tokens are still valid: it has not ended, and the user is an active member of its
/// organization, if it has one.
///
/// # Errors
/// Database errors.
pub async fn standing(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: TokenFamilyId,
) -> Result<Option<StandingFamily>> {
    let Some(row) = query.query_opt(STANDING, &[environment_id.into(), id.into()]).await? else { return Ok(None) };
    Ok(Some(StandingFamily {
        id: row.parse(0)?,
        consent_id: row.parse(1)?,
        application_id: row.parse(2)?,
        user_id: row.parse(3)?,
        organization_id: row.opt_parse(4)?,
        choices: row.json(5)?,
        client_id: row.parse(6)?,
    }))
}

/// Makes the next refresh token the current one, unless another call has just done so: of several concurrent callers,
/// at most one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn rotate(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    family: &TokenFamily,
    scopes: &[String],
    (now, idle_expires_at): (Timestamp, Timestamp),
) -> Result<bool> {
    let params = [
        environment_id.into(),
        family.id.into(),
        family.generation.into(),
        now.into(),
        idle_expires_at.into(),
        scopes.join(" ").into(),
    ];
    Ok(tx.execute(ROTATE, &params).await? == 1)
}

/// Ends a family; `false` if it does not exist or has already ended.
///
/// # Errors
/// Database errors.
pub async fn end(tx: &mut Tx, environment_id: EnvironmentId, id: TokenFamilyId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(END, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Ends all of a user's families in an organization.
///
/// # Errors
/// Database errors.
pub async fn end_of_member(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    let params = [environment_id.into(), user_id.into(), organization_id.into(), now.into()];
    tx.execute(END_OF_MEMBER, &params).await?;
    Ok(())
}

/// Ends all of a user's families.
///
/// # Errors
/// Database errors.
pub async fn end_of_user(tx: &mut Tx, environment_id: EnvironmentId, user_id: UserId, now: Timestamp) -> Result<()> {
    tx.execute(END_OF_USER, &[environment_id.into(), user_id.into(), now.into()]).await?;
    Ok(())
}

/// Ends all of a user's families with the company's own applications.
///
/// # Errors
/// Database errors.
pub async fn end_first_party_of_user(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(END_FIRST_PARTY_OF_USER, &[environment_id.into(), user_id.into(), now.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand families whose tokens all expired before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
