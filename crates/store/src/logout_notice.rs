//! The applications each session has signed in to, and pending notices to them that it has ended.

use crate::sql::{Query, Row, statements};
use crate::{Reader, Result, Tx, session};
use countersign_protocol::id::{ApplicationId, EnvironmentId, OrganizationId, SessionId, UserId};
use countersign_protocol::time::Timestamp;

statements! {
    NOTE = "INSERT INTO session_application (environment_id, session_id, application_id, user_id, subject, created_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (environment_id, session_id, application_id) DO UPDATE SET subject = excluded.subject";
    IS_NOTED = "SELECT 1 FROM session_application WHERE environment_id = $1 AND session_id = $2 AND application_id = $3";
    OF_ENDED = "INSERT INTO logout_notice (environment_id, session_id, application_id, user_id, subject, attempts, next_at, created_at) ",
        "SELECT a.environment_id, a.session_id, a.application_id, a.user_id, a.subject, 0, $3, $3 FROM session_application a ",
        "JOIN session s ON s.environment_id = a.environment_id AND s.id = a.session_id ",
        "WHERE a.environment_id = $1 AND a.user_id = $2 AND s.ended_at = $3 ",
        "ON CONFLICT (environment_id, session_id, application_id) DO NOTHING";
    OF_ENDED_ORGANIZATION = "INSERT INTO logout_notice (environment_id, session_id, application_id, user_id, subject, attempts, next_at, created_at) ",
        "SELECT a.environment_id, a.session_id, a.application_id, a.user_id, a.subject, 0, $3, $3 FROM session_application a ",
        "JOIN session s ON s.environment_id = a.environment_id AND s.id = a.session_id ",
        "WHERE a.environment_id = $1 AND s.organization_id = $2 AND s.ended_at = $3 AND a.user_id IN ",
        "(SELECT user_id FROM organization_membership WHERE environment_id = $1 AND organization_id = $2 AND id > '') ",
        "ON CONFLICT (environment_id, session_id, application_id) DO NOTHING";
    IS_DUE = "SELECT 1 FROM logout_notice WHERE next_at <= $1 LIMIT 1";
    // Steps from one application to the next, however many notices each has.
    DUE_APPLICATIONS = "WITH RECURSIVE a (environment_id, id) AS (SELECT e.id, (SELECT MIN(n.application_id) FROM logout_notice n ",
        "WHERE n.environment_id = e.id) FROM environment e UNION ALL SELECT a.environment_id, (SELECT MIN(n.application_id) ",
        "FROM logout_notice n WHERE n.environment_id = a.environment_id AND n.application_id > a.id) FROM a WHERE a.id IS NOT NULL) ",
        "SELECT a.environment_id, a.id FROM a WHERE a.id IS NOT NULL AND EXISTS (SELECT 1 FROM logout_notice n ",
        "WHERE n.environment_id = a.environment_id AND n.application_id = a.id AND n.next_at <= $1)";
    DUE = "SELECT environment_id, session_id, application_id, user_id, attempts, next_at, subject FROM logout_notice ",
        "WHERE environment_id = $1 AND application_id = $2 AND next_at <= $3 ORDER BY next_at, session_id LIMIT $4";
    PRUNE = "DELETE FROM logout_notice WHERE (environment_id, session_id, application_id) IN ",
        "(SELECT environment_id, session_id, application_id FROM logout_notice WHERE created_at < $1 LIMIT 1000)";
    CLAIM = "UPDATE logout_notice SET next_at = $5, attempts = attempts + 1 ",
        "WHERE environment_id = $1 AND session_id = $2 AND application_id = $3 AND next_at = $4";
    DELETE = "DELETE FROM logout_notice WHERE environment_id = $1 AND session_id = $2 AND application_id = $3";
}

/// A pending notice to an application that a session has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The session.
    pub session_id: SessionId,
    /// The application.
    pub application_id: ApplicationId,
    /// The session's user.
    pub user_id: UserId,
    /// The subject by which the application knows the user.
    pub subject: String,
    /// Number of delivery attempts so far.
    pub attempts: i64,
    /// Time of the next attempt.
    pub next_at: Timestamp,
}

fn read(row: &Row) -> Result<LogoutNotice> {
    Ok(LogoutNotice {
        environment_id: row.parse(0)?,
        session_id: row.parse(1)?,
        application_id: row.parse(2)?,
        user_id: row.parse(3)?,
        subject: row.text(6)?.to_owned(),
        attempts: row.int(4)?,
        next_at: row.timestamp(5)?,
    })
}

/// Records that a session signed in to an application that wants to be notified of its end; `false` if the session has
/// already ended. Ending it concurrently waits for this transaction, and then sees the record.
///
/// # Errors
/// `ForeignKey` if the application is gone.
pub async fn note(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    session_id: SessionId,
    application_id: ApplicationId,
    (user_id, subject): (UserId, &str),
    now: Timestamp,
) -> Result<bool> {
    if !session::hold(tx, environment_id, session_id).await? {
        return Ok(false);
    }
    let params =
        [environment_id.into(), session_id.into(), application_id.into(), user_id.into(), subject.into(), now.into()];
    tx.execute(NOTE, &params).await?;
    Ok(true)
}

/// Whether [`note`] has recorded this session and application.
///
/// # Errors
/// Database errors.
pub async fn is_noted(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    session_id: SessionId,
    application_id: ApplicationId,
) -> Result<bool> {
    let params = [environment_id.into(), session_id.into(), application_id.into()];
    Ok(query.query_opt(IS_NOTED, &params).await?.is_some())
}

/// Creates notices for the applications of a user's sessions that ended at `ended_at`, in this transaction.
///
/// # Errors
/// Database errors.
pub async fn of_ended(tx: &mut Tx, environment_id: EnvironmentId, user_id: UserId, ended_at: Timestamp) -> Result<()> {
    tx.execute(OF_ENDED, &[environment_id.into(), user_id.into(), ended_at.into()]).await?;
    Ok(())
}

/// Creates notices for the applications of all members' sessions in an organization that ended at `ended_at`, in this
/// transaction.
///
/// # Errors
/// Database errors.
pub async fn of_ended_organization(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    ended_at: Timestamp,
) -> Result<()> {
    tx.execute(OF_ENDED_ORGANIZATION, &[environment_id.into(), organization_id.into(), ended_at.into()]).await?;
    Ok(())
}

/// An application and its environment.
pub type Key = (EnvironmentId, ApplicationId);

/// Returns the applications of all environments that have due notices, in order.
///
/// # Errors
/// Database errors.
pub async fn due_applications(reader: &mut Reader, now: Timestamp) -> Result<Vec<Key>> {
    // Usually nothing is due, and this query is cheaper.
    if reader.query_opt(IS_DUE, &[now.into()]).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = reader.query(DUE_APPLICATIONS, &[now.into()]).await?;
    let mut due = rows.iter().map(|row| Ok((row.parse(0)?, row.parse(1)?))).collect::<Result<Vec<Key>>>()?;
    due.sort_unstable();
    Ok(due)
}

/// Returns up to `most` of an application's due notices, longest due first.
///
/// # Errors
/// Database errors.
pub async fn due(
    reader: &mut Reader,
    (environment_id, application_id): Key,
    now: Timestamp,
    most: usize,
) -> Result<Vec<LogoutNotice>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let params = [environment_id.into(), application_id.into(), now.into(), most.into()];
    reader.query(DUE, &params).await?.iter().map(read).collect()
}

/// Deletes at most a thousand notices from before the given time.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}

/// Claims a due notice for one node until its next attempt at `next`; `false` if another node has it.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, notice: &LogoutNotice, next: Timestamp) -> Result<bool> {
    let params = [
        notice.environment_id.into(),
        notice.session_id.into(),
        notice.application_id.into(),
        notice.next_at.into(),
        next.into(),
    ];
    Ok(tx.execute(CLAIM, &params).await? == 1)
}

/// Deletes a notice: the application has been told, or never will be.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, notice: &LogoutNotice) -> Result<()> {
    tx.execute(DELETE, &[notice.environment_id.into(), notice.session_id.into(), notice.application_id.into()]).await?;
    Ok(())
}
