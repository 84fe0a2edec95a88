//! Webhook delivery attempts and their outcomes.

use crate::sql::{Query, Row, statements};
use crate::webhook_endpoint::Key;
use crate::{Result, Tx};
use countersign_protocol::id::EventId;
use countersign_protocol::model::{AttemptOutcome, WebhookAttempt};

/// Number of attempts kept per delivery: the most recent ones.
const KEPT: i64 = 20;

statements! {
    INSERT = "INSERT INTO webhook_attempt (environment_id, endpoint_id, event_id, number, attempted_at, milliseconds, endpoint_url, status, headers, body, error) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    TRIM = "DELETE FROM webhook_attempt WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 AND number <= $4";
    LIST = "SELECT number, attempted_at, milliseconds, endpoint_url, status, headers, body, error FROM webhook_attempt ",
        "WHERE environment_id = $1 AND endpoint_id = $2 AND event_id = $3 ORDER BY number";
}

/// Records a delivery attempt.
///
/// # Errors
/// `ForeignKey` if there is no such delivery.
pub async fn insert(
    tx: &mut Tx,
    (environment_id, endpoint_id): Key,
    event_id: EventId,
    attempt: &WebhookAttempt,
) -> Result<()> {
    let (status, headers, body, error) = match &attempt.outcome {
        AttemptOutcome::Answered { status, headers, body } => {
            (Some(i64::from(*status)), Some(headers.as_str()), Some(body.as_str()), None)
        }
        AttemptOutcome::Nothing(error) => (None, None, None, Some(error.as_str())),
    };
    let params = [
        environment_id.into(),
        endpoint_id.into(),
        event_id.into(),
        attempt.number.into(),
        attempt.attempted_at.into(),
        attempt.milliseconds.into(),
        (&attempt.endpoint_url).into(),
        status.into(),
        headers.into(),
        body.into(),
        error.into(),
    ];
    tx.execute(INSERT, &params).await?;
    if attempt.number > KEPT {
        let last = attempt.number - KEPT;
        tx.execute(TRIM, &[environment_id.into(), endpoint_id.into(), event_id.into(), last.into()]).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<WebhookAttempt> {
    let text = |at| row.opt_text(at).map(|text| text.unwrap_or_default().to_owned());
    let outcome = match row.opt_int(4)? {
        Some(status) => AttemptOutcome::Answered {
            status: u16::try_from(status).unwrap_or_default(),
            headers: text(5)?,
            body: text(6)?,
        },
        None => AttemptOutcome::Nothing(text(7)?),
    };
    Ok(WebhookAttempt {
        number: row.int(0)?,
        attempted_at: row.timestamp(1)?,
        milliseconds: row.int(2)?,
        endpoint_url: row.text(3)?.to_owned(),
        outcome,
    })
}

/// Returns the attempts kept of a delivery, in order.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    (environment_id, endpoint_id): Key,
    event_id: EventId,
) -> Result<Vec<WebhookAttempt>> {
    let params = [environment_id.into(), endpoint_id.into(), event_id.into()];
    query.query(LIST, &params).await?.iter().map(read).collect()
}
