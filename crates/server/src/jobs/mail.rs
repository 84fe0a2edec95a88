//! Sends the messages that wait.

use crate::app::App;
use crate::domain::{Failure, mails};
use crate::mailer;
use countersign_protocol::model::EnvironmentKind;
use countersign_store::image;
use countersign_store::mail::{self, QueuedMail};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Seconds until a message is tried again, by how often it was.
const PAUSES: [i64; 7] = [30, 60, 300, 900, 3600, 7200, 14_400];

/// Most batches of one round: a long queue must not keep a stop waiting.
const BATCHES: usize = 50;

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// There may be more that is due.
    Sent,
    /// Nothing more is due, or the mail server does not take everything: later.
    Enough,
}

/// One round: everything that is due, while the mail server takes it.
pub async fn run(app: Arc<App>) {
    for _ in 0..BATCHES {
        match send(&app).await {
            Ok(Batch::Sent) => {}
            Ok(Batch::Enough) => return,
            Err(failure) => {
                tracing::warn!(%failure, "mail could not be sent; the next round tries again");
                return;
            }
        }
    }
}

async fn send(app: &Arc<App>) -> Result<Batch, Failure> {
    let due = mail::due(&mut app.store.reader().await?, app.clock.now()).await?;
    let mut batch = if due.is_empty() { Batch::Enough } else { Batch::Sent };
    let mut sending = JoinSet::new();
    for queued in due {
        sending.spawn(send_one(Arc::clone(app), queued));
    }
    while let Some(sent) = sending.join_next().await {
        match sent.unwrap_or_else(|error| Err(Failure::internal(error))) {
            Ok(Batch::Sent) => {}
            Ok(Batch::Enough) => batch = Batch::Enough,
            // The others are on their way: they must not end with it. What is behind them waits for the next round.
            Err(failure) => {
                tracing::warn!(%failure, "a message could not be sent; a later round tries again");
                batch = Batch::Enough;
            }
        }
    }
    Ok(batch)
}

async fn send_one(app: Arc<App>, queued: QueuedMail) -> Result<Batch, Failure> {
    let environment = app.environments().get(queued.environment_id).cloned();
    let staging = environment.is_some_and(|environment| environment.environment.kind == EnvironmentKind::Staging);
    let stays = app.mailer.keeps() && staging;
    let pause = usize::try_from(queued.attempts).ok().and_then(|attempts| PAUSES.get(attempts));
    let next = if stays { None } else { pause.map(|seconds| app.clock.now().plus_secs(*seconds)) };
    let claimed = queued.clone();
    let taken = app
        .store
        .write::<bool, Failure, _>(move |tx| Box::pin(async move { Ok(mail::claim(tx, &claimed, next).await?) }));
    if !taken.await? {
        // Another node has it. There may be more.
        return Ok(Batch::Sent);
    }
    let message = mails::open(&app.keyring, &queued)?;
    if stays {
        tracing::info!(
            to = message.to,
            subject = message.subject,
            page = format!("/dev/mailbox/{}", queued.id),
            "no mail server is configured: the message stays here"
        );
        return Ok(Batch::Sent);
    }
    // Without it the mail shows the name of the product.
    let picture = match message.picture.as_deref().and_then(|digest| digest.parse().ok()) {
        Some(digest) => image::png(&mut app.store.reader().await?, queued.environment_id, digest).await?,
        None => None,
    };
    // Another node takes it then: this one has waited for the database for too long to be done before that.
    if next.is_some_and(|next| app.clock.now().plus_secs(mailer::PATIENCE.as_secs().cast_signed()) > next) {
        tracing::warn!(id = %queued.id, "a message was not sent in time; a later round tries again");
        return Ok(Batch::Enough);
    }
    let sent = app.mailer.send(&message, (queued.id, queued.created_at), picture).await;
    let done = match &sent {
        Ok(()) => true,
        Err(error) => {
            let gives_up = error.for_good || next.is_none();
            tracing::warn!(%error, id = %queued.id, gives_up, "a message was not sent");
            gives_up
        }
    };
    if done {
        app.store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move { Ok(mail::delete(tx, queued.environment_id, queued.id).await?) })
            })
            .await?;
    }
    Ok(if sent.is_ok() { Batch::Sent } else { Batch::Enough })
}
