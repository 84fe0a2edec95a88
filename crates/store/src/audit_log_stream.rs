//! Audit log streams: where an organization's events are sent as they arrive.

use crate::sql::{Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::audit::export::{AuditStream, StreamFormat, StreamState};
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO audit_log_stream (environment_id, id, organization_id, url, format, sealed_headers, state, sequence, attempts, ",
        "next_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $10) ",
        "ON CONFLICT (environment_id, organization_id) DO UPDATE SET url = $4, format = $5, sealed_headers = $6, state = $7, ",
        "attempts = 0, next_at = $9, updated_at = $10";
    OF_ORGANIZATION = "SELECT environment_id, id, organization_id, url, format, sealed_headers, state, sequence, attempts, next_at, last_synced_at, ",
        "created_at, updated_at FROM audit_log_stream WHERE environment_id = $1 AND organization_id = $2";
    ALL = "SELECT environment_id, id, organization_id, url, format, sealed_headers, state, sequence, attempts, next_at, last_synced_at, ",
        "created_at, updated_at FROM audit_log_stream WHERE environment_id = $1 ORDER BY id";
    // Only streams that have something to send: the first of each environment, then the second, and so on.
    DUE = "SELECT environment_id, id, organization_id, url, format, sealed_headers, state, sequence, attempts, next_at, last_synced_at, ",
        "created_at, updated_at FROM (SELECT s.*, row_number() OVER (PARTITION BY s.environment_id ORDER BY s.next_at) AS turn ",
        "FROM audit_log_stream s WHERE s.next_at <= $1 AND EXISTS (SELECT 1 FROM audit_log_event e WHERE e.environment_id = s.environment_id ",
        "AND e.organization_id = s.organization_id AND e.kind = 'organization' AND e.sequence > s.sequence)) AS due ",
        "ORDER BY turn, next_at LIMIT 100";
    CLAIM = "UPDATE audit_log_stream SET next_at = $4 WHERE environment_id = $1 AND id = $2 AND next_at = $3";
    SETTLE = "UPDATE audit_log_stream SET state = $4, sequence = $5, attempts = $6, next_at = $7, last_synced_at = $8 ",
        "WHERE environment_id = $1 AND id = $2 AND next_at = $3";
    SWITCH_OFF = "UPDATE audit_log_stream SET state = 'inactive', next_at = NULL, updated_at = $3 WHERE environment_id = $1 AND organization_id = $2";
    DELETE = "DELETE FROM audit_log_stream WHERE environment_id = $1 AND organization_id = $2";
    CLOSE = "UPDATE audit_log_stream SET ends_at = $1 WHERE ends_at IS NULL AND NOT EXISTS (SELECT 1 FROM organization o ",
        "WHERE o.environment_id = audit_log_stream.environment_id AND o.id = audit_log_stream.organization_id)";
    // Streams whose time is over, which are switched off, or which have sent everything.
    PRUNE = "DELETE FROM audit_log_stream WHERE ends_at IS NOT NULL AND (ends_at <= $1 OR next_at IS NULL OR NOT (",
        "EXISTS (SELECT 1 FROM audit_log_event e WHERE e.environment_id = audit_log_stream.environment_id ",
        "AND e.organization_id = audit_log_stream.organization_id AND e.kind = 'organization' AND e.sequence IS NULL) ",
        "OR EXISTS (SELECT 1 FROM audit_log_event e WHERE e.environment_id = audit_log_stream.environment_id ",
        "AND e.organization_id = audit_log_stream.organization_id AND e.kind = 'organization' AND e.sequence > audit_log_stream.sequence)))";
}

fn read(row: &Row) -> Result<(EnvironmentId, AuditStream)> {
    let stream = AuditStream {
        id: row.parse(1)?,
        organization_id: row.parse(2)?,
        url: row.text(3)?.to_owned(),
        format: row.word(4, StreamFormat::parse)?,
        sealed_headers: row.bytes(5)?.to_vec(),
        state: row.word(6, StreamState::parse)?,
        sequence: row.int(7)?,
        attempts: row.int(8)?,
        next_at: row.opt_timestamp(9)?,
        last_synced_at: row.opt_timestamp(10)?,
        created_at: row.timestamp(11)?,
        updated_at: row.timestamp(12)?,
    };
    Ok((row.parse(0)?, stream))
}

/// Sets the stream of an organization. An existing stream continues from its place.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, stream: &AuditStream) -> Result<()> {
    let params = [
        environment_id.into(),
        stream.id.into(),
        stream.organization_id.into(),
        (&stream.url).into(),
        stream.format.as_str().into(),
        stream.sealed_headers.as_slice().into(),
        stream.state.as_str().into(),
        stream.sequence.into(),
        stream.next_at.into(),
        stream.updated_at.into(),
    ];
    tx.execute(SET, &params).await?;
    Ok(())
}

/// Returns an organization's stream.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<AuditStream>> {
    let row = query.query_opt(OF_ORGANIZATION, &[environment_id.into(), organization_id.into()]).await?;
    row.as_ref().map(read).transpose().map(|found| found.map(|(_, stream)| stream))
}

/// Returns all streams of an environment.
///
/// # Errors
/// Database errors.
pub async fn all(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Vec<AuditStream>> {
    let rows = query.query(ALL, &[environment_id.into()]).await?;
    rows.iter().map(|row| Ok(read(row)?.1)).collect()
}

/// Returns some of the due streams that have something to send, taking environments in turn, longest due first.
///
/// # Errors
/// Database errors.
pub async fn due(reader: &mut Reader, now: Timestamp) -> Result<Vec<(EnvironmentId, AuditStream)>> {
    reader.query(DUE, &[now.into()]).await?.iter().map(read).collect()
}

/// Claims a due stream for one node until the given time; `false` if another node has it.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, environment_id: EnvironmentId, stream: &AuditStream, until: Timestamp) -> Result<bool> {
    let params = [environment_id.into(), stream.id.into(), stream.next_at.into(), until.into()];
    Ok(tx.execute(CLAIM, &params).await? == 1)
}

/// Stores the progress of a stream that this node holds until `until`; does nothing if it has been changed in the
/// meantime.
///
/// # Errors
/// Database errors.
pub async fn settle(tx: &mut Tx, environment_id: EnvironmentId, stream: &AuditStream, until: Timestamp) -> Result<()> {
    let params = [
        environment_id.into(),
        stream.id.into(),
        until.into(),
        stream.state.as_str().into(),
        stream.sequence.into(),
        stream.attempts.into(),
        stream.next_at.into(),
        stream.last_synced_at.into(),
    ];
    tx.execute(SETTLE, &params).await?;
    Ok(())
}

/// Switches a stream off; `false` if there is none.
///
/// # Errors
/// Database errors.
pub async fn switch_off(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<bool> {
    let params = [environment_id.into(), organization_id.into(), now.into()];
    Ok(tx.execute(SWITCH_OFF, &params).await? == 1)
}

/// Sets an end time for streams whose organization is gone: they send what is left until then.
///
/// # Errors
/// Database errors.
pub async fn close(tx: &mut Tx, ends_at: Timestamp) -> Result<u64> {
    tx.execute(CLOSE, &[ends_at.into()]).await
}

/// Deletes streams whose organization is gone and that have nothing left to send, or no time left.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[now.into()]).await
}

/// Deletes a stream; `false` if there is none.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, organization_id: OrganizationId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), organization_id.into()]).await? == 1)
}
