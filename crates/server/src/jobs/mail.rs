//! Sends the messages that wait.

use crate::app::App;
use crate::domain::{Failure, mails};
use countersign_protocol::model::EnvironmentKind;
use countersign_store::mail::{self, QueuedMail};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Seconds until a message is tried again, by how often it was.
const PAUSES: [i64; 7] = [30, 60, 300, 900, 3600, 7200, 14_400];

/// One round.
pub async fn run(app: Arc<App>) {
    if let Err(failure) = send(&app).await {
        tracing::warn!(%failure, "mail could not be sent; the next round tries again");
    }
}

async fn send(app: &Arc<App>) -> Result<(), Failure> {
    let due = mail::due(&mut app.store.reader().await?, app.clock.now()).await?;
    let mut sending = JoinSet::new();
    for queued in due {
        sending.spawn(send_one(Arc::clone(app), queued));
    }
    while let Some(sent) = sending.join_next().await {
        sent.map_err(Failure::internal)??;
    }
    Ok(())
}

async fn send_one(app: Arc<App>, queued: QueuedMail) -> Result<(), Failure> {
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
        return Ok(());
    }
    let message = mails::open(&app.keyring, &queued)?;
    if stays {
        tracing::info!(
            to = message.to,
            subject = message.subject,
            page = format!("/dev/mailbox/{}", queued.id),
            "no mail server is configured: the message stays here"
        );
        return Ok(());
    }
    let done = match app.mailer.send(&message, queued.id, queued.created_at).await {
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
    Ok(())
}
