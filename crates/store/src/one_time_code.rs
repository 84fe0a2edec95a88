//! Codes sent by mail.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{EnvironmentId, UserId};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO one_time_code (environment_id, id, purpose, user_id, email, sealed_code, attempts, expires_at, created_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)";
    FIND = "SELECT id, user_id, email, sealed_code, attempts, used_at, expires_at, created_at FROM one_time_code ",
        "WHERE environment_id = $1 AND id = $2 AND purpose = $3";
    NEWEST = "SELECT id, user_id, email, sealed_code, attempts, used_at, expires_at, created_at FROM one_time_code ",
        "WHERE environment_id = $1 AND user_id = $2 AND purpose = $3 ORDER BY id DESC LIMIT 1";
    TRY = "UPDATE one_time_code SET attempts = attempts + 1 WHERE environment_id = $1 AND id = $2 AND attempts < $3";
    USE = "UPDATE one_time_code SET used_at = $3 WHERE environment_id = $1 AND id = $2 AND used_at IS NULL";
    PRUNE = "DELETE FROM one_time_code WHERE (environment_id, id) IN ",
        "(SELECT environment_id, id FROM one_time_code WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    MagicAuth,
    /// Proving an address.
    EmailVerification,
}

impl Purpose {
    /// The word in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MagicAuth => "magic_auth",
            Self::EmailVerification => "email_verification",
        }
    }
}

/// A code that was sent: its value is sealed.
#[derive(Debug, Clone)]
pub struct OneTimeCode {
    /// Its identifier, with the prefix of its purpose.
    pub id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it was sent.
    pub email: String,
    /// Its value, sealed.
    pub sealed_code: Vec<u8>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

fn read(row: &Row) -> Result<OneTimeCode> {
    Ok(OneTimeCode {
        id: row.text(0)?.to_owned(),
        user_id: row.parse(1)?,
        email: row.text(2)?.to_owned(),
        sealed_code: row.bytes(3)?.to_vec(),
        attempts: row.int(4)?,
        used_at: row.opt_timestamp(5)?,
        expires_at: row.timestamp(6)?,
        created_at: row.timestamp(7)?,
    })
}

/// Keeps a code.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, purpose: Purpose, code: &OneTimeCode) -> Result<()> {
    let params = [
        environment_id.into(),
        (&code.id).into(),
        purpose.as_str().into(),
        code.user_id.into(),
        (&code.email).into(),
        code.sealed_code.as_slice().into(),
        code.expires_at.into(),
        code.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// The code with this identifier.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    purpose: Purpose,
    id: &str,
) -> Result<Option<OneTimeCode>> {
    let params = [environment_id.into(), id.into(), purpose.as_str().into()];
    query.query_opt(FIND, &params).await?.as_ref().map(read).transpose()
}

/// The newest code of a person for a purpose: the only one that counts.
///
/// # Errors
/// Database errors.
pub async fn newest(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    purpose: Purpose,
    user_id: UserId,
) -> Result<Option<OneTimeCode>> {
    let params = [environment_id.into(), user_id.into(), purpose.as_str().into()];
    query.query_opt(NEWEST, &params).await?.as_ref().map(read).transpose()
}

/// Counts an attempt; `false` when there were as many as there may be.
///
/// # Errors
/// Database errors.
pub async fn count_attempt(tx: &mut Tx, environment_id: EnvironmentId, id: &str, most: i64) -> Result<bool> {
    Ok(tx.execute(TRY, &[environment_id.into(), id.into(), most.into()]).await? == 1)
}

/// Uses a code up: of all who try, one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn use_up(tx: &mut Tx, environment_id: EnvironmentId, id: &str, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(USE, &[environment_id.into(), id.into(), now.into()]).await? == 1)
}

/// Forgets up to a thousand codes that expired before a moment; gives how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
