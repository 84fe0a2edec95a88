//! Sends queued mail. Several messages are sent concurrently, so that a server that is slow for one recipient holds up
//! nobody else, but not many, because mail servers limit connections.
//!
//! Any number of nodes can do so: each claims a message until it is ready to send its text, then extends the claim for
//! as long as that may take, and settles the message afterwards.

use crate::app::App;
use crate::domain::{Failure, mails};
use crate::jobs::clock_skew;
use crate::mailer::mail_server::{LEASE, LEASE_OF_TEXT, SLACK};
use crate::mailer::{NotSent, Retryability};
use crate::operations::metrics::MailOutcome;
use countersign_protocol::model::EnvironmentKind;
use countersign_protocol::time::Timestamp;
use countersign_store::image;
use countersign_store::mail::{self, QueuedMail};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// How often to check for messages that are due.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds until a message is retried, by the number of attempts. The first pauses are short because codes are valid
/// for minutes.
const PAUSES: [i64; 9] = [10, 30, 60, 120, 300, 900, 3600, 7200, 14_400];
/// The last of [`PAUSES`].
const LAST: i64 = 14_400;
/// How long to keep trying to record the outcome of a message that was not delivered.
const SETTLING: Duration = Duration::from_secs(20);
/// The maximum number of messages that this node sends concurrently.
const CONNECTIONS: usize = 8;

/// Sends mail until `stop` becomes true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut post = Post { app, stop: stop.clone(), sending: JoinSet::new(), apart: false };
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Like all jobs, only while the database is reachable.
            _ = ticks.tick() => if post.app.freshness.is_current_at(Instant::now())
                && let Err(failure) = post.round().await
            {
                tracing::warn!(%failure, "mail could not be sent; the next round tries again");
            },
            () = super::until_stopped(&mut stop) => break,
        }
    }
    while let Some(ended) = post.sending.join_next().await {
        outcome(ended);
    }
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The message is settled, whatever the result.
    Settled,
    /// The mail server accepts no mail at the moment.
    ServerFails,
}

/// The messages in flight.
struct Post {
    app: Arc<App>,
    stop: watch::Receiver<bool>,
    sending: JoinSet<Result<Ended, Failure>>,
    /// Whether the clock difference has been logged.
    apart: bool,
}

impl Post {
    /// Sends everything that is due, as long as the mail server accepts mail.
    async fn round(&mut self) -> Result<(), Failure> {
        // Failures since the last round say nothing about this one.
        while let Some(ended) = self.sending.try_join_next() {
            outcome(ended);
        }
        loop {
            let due = mail::due(&mut self.app.store.reader().await?, self.app.clock.now()).await?;
            if due.is_empty() {
                return Ok(());
            }
            // By a wrong clock, valid codes look expired and other nodes' claims look lapsed.
            if let Some(seconds) = clock_skew::apart(&self.app).await? {
                if !std::mem::replace(&mut self.apart, true) {
                    tracing::error!(
                        seconds,
                        "the clocks of this machine and of the database are apart: this node sends no mail until they agree"
                    );
                }
                return Ok(());
            }
            if std::mem::replace(&mut self.apart, false) {
                tracing::info!("the clocks of this machine and of the database agree: this node sends mail again");
            }
            for queued in due {
                if !self.has_place().await {
                    return Ok(());
                }
                if let Some(claimed) = claim(&self.app, queued).await? {
                    self.sending.spawn(send(Arc::clone(&self.app), self.stop.clone(), claimed));
                }
            }
        }
    }

    /// Waits until another message may be sent. Returns `false` when this process is stopping or the server has just
    /// failed; the remaining messages then wait for the next round without losing an attempt.
    async fn has_place(&mut self) -> bool {
        loop {
            let ended = if self.sending.len() < CONNECTIONS {
                match self.sending.try_join_next() {
                    Some(ended) => ended,
                    None => return !*self.stop.borrow(),
                }
            } else {
                tokio::select! {
                    Some(ended) = self.sending.join_next() => ended,
                    () = super::until_stopped(&mut self.stop) => return false,
                }
            };
            if outcome(ended) == Ended::ServerFails {
                return false;
            }
        }
    }
}

/// Returns the outcome of an attempt. After an internal failure, the message is retried once its claim expires.
fn outcome(ended: Result<Result<Ended, Failure>, JoinError>) -> Ended {
    ended.unwrap_or_else(|error| Err(Failure::internal(error))).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "a message could not be sent; it is tried again later");
        Ended::Settled
    })
}

/// A message claimed by this node until [`LEASE`] expires, or [`LEASE_OF_TEXT`] once its text may be sent.
struct Claimed {
    mail: QueuedMail,
    /// The number of previous attempts.
    tried: i64,
    /// When the claim expires; `None` for a message that is kept here and not sent.
    until: Option<Timestamp>,
}

/// Claims a message; `None` if another node has claimed it.
async fn claim(app: &App, queued: QueuedMail) -> Result<Option<Claimed>, Failure> {
    let environment = app.environments().get(queued.environment_id).cloned();
    let staging = environment.is_some_and(|environment| environment.environment.kind == EnvironmentKind::Staging);
    let stays = app.mailer.keeps() && staging;
    let until = if stays { None } else { Some(app.clock.now().plus_secs(LEASE)) };
    let mail = queued.clone();
    let taken = app
        .store
        .write::<bool, Failure, _>(move |tx| Box::pin(async move { Ok(mail::claim(tx, &queued, until).await?) }));
    Ok(taken.await?.then_some(Claimed { tried: mail.attempts, mail, until }))
}

/// Sends a message and records the outcome.
async fn send(app: Arc<App>, stop: watch::Receiver<bool>, claimed: Claimed) -> Result<Ended, Failure> {
    let Claimed { mail, tried, until } = claimed;
    let message = mails::open(&app.keyring, &mail)?;
    let Some(lease) = until else {
        tracing::info!(
            to = message.to,
            subject = message.subject,
            page = format!("/dev/mailbox/{}", mail.id),
            text = message.text,
            "no mail server is configured: the message stays here"
        );
        return Ok(Ended::Settled);
    };
    let sent = if message.good_until.is_some_and(|end| end <= app.clock.now()) {
        let reason = "what it says is not good any more".to_owned();
        Err(NotSent { reason, outlook: Retryability::GivesUp })
    } else {
        // Without a logo, the email shows the product's name.
        let picture = match message.picture.as_deref().and_then(|digest| digest.parse().ok()) {
            Some(digest) => image::png(&mut app.store.reader().await?, mail.environment_id, digest).await?,
            None => None,
        };
        // This node waited too long for the database: another one would claim the message before it is delivered.
        if app.clock.now().plus_secs(LEASE - SLACK) > lease {
            tracing::warn!(id = %mail.id, "a message was not sent in time; it is tried again later");
            return Ok(Ended::Settled);
        }
        let mut stop = stop;
        let held = hold(&app, &mail, tried + 1);
        let stopping = super::until_stopped(&mut stop);
        Box::pin(app.mailer.send(&message, (mail.id, mail.created_at), picture, stopping, held)).await
    };
    let now = app.clock.now();
    let pause = pause(tried, now.as_secs() - mail.created_at.as_secs());
    let (outcome, again) = match &sent {
        Ok(()) => (MailOutcome::Sent, None),
        // The attempt number identifies the claim's owner, so it never decreases.
        Err(NotSent { outlook: Retryability::Stopped, .. }) => (MailOutcome::Retried, Some((now, tried + 1))),
        Err(NotSent { outlook: Retryability::NotHeld, .. }) => {
            (MailOutcome::Retried, Some((now.plus_secs(pause.unwrap_or(LAST)), tried + 1)))
        }
        Err(NotSent { outlook: Retryability::Later | Retryability::ServerFails, .. }) if let Some(pause) = pause => {
            (MailOutcome::Retried, Some((now.plus_secs(pause), tried + 1)))
        }
        Err(_) => (MailOutcome::GivenUp, None),
    };
    if let Err(error) = &sent {
        tracing::warn!(%error, id = %mail.id, gives_up = again.is_none(), "a message was not sent");
    }
    app.metrics.mail_attempt(outcome);
    let noted = match again {
        Some((at, tried)) => RecordedOutcome::Again(at, tried),
        None if sent.is_ok() => RecordedOutcome::Sent,
        None => RecordedOutcome::GivenUp,
    };
    settle(&app, &mail, tried + 1, noted).await?;
    Ok(match sent {
        Err(NotSent { outlook: Retryability::ServerFails, .. }) => Ended::ServerFails,
        _ => Ended::Settled,
    })
}

/// Returns the seconds until a message with this many attempts and this age in seconds is retried; `None` if it has
/// been tried often enough. A stopping node claims a message and releases it unsent, which also counts as an attempt.
/// So for a young message its age decides: it neither waits longer nor is given up because of that.
fn pause(taken: i64, age: i64) -> Option<i64> {
    let by_count = usize::try_from(taken).ok().and_then(|taken| PAUSES.get(taken));
    let mut sum = 0;
    let by_age = PAUSES.iter().find(|pause| {
        sum += **pause;
        age < sum
    });
    by_count.into_iter().chain(by_age).min().copied()
}

/// Extends the claim on a message for as long as sending its text may take. An internal failure is treated as if
/// another node had claimed it.
async fn hold(app: &App, mail: &QueuedMail, attempt: i64) -> bool {
    let (mail, until) = (mail.clone(), app.clock.now().plus_secs(LEASE_OF_TEXT));
    let held = app
        .store
        .write::<bool, Failure, _>(move |tx| Box::pin(async move { Ok(mail::hold(tx, &mail, attempt, until).await?) }));
    held.await.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "a message could not be kept from others");
        false
    })
}

/// The outcome recorded for a message.
#[derive(Debug, Clone, Copy)]
enum RecordedOutcome {
    /// It was delivered.
    Sent,
    /// It will never be delivered.
    GivenUp,
    /// It is retried at this time, with this number of attempts.
    Again(Timestamp, i64),
}

/// Records the outcome of a message, retrying if necessary. A delivered message that is not deleted would be sent
/// again, so that is retried for as long as the claim lasts.
async fn settle(app: &App, mail: &QueuedMail, attempt: i64, noted: RecordedOutcome) -> Result<(), Failure> {
    let patience = match noted {
        RecordedOutcome::Sent => Duration::from_secs((LEASE_OF_TEXT - SLACK).unsigned_abs()),
        RecordedOutcome::GivenUp | RecordedOutcome::Again(..) => SETTLING,
    };
    let began = Instant::now();
    loop {
        let mail = mail.clone();
        let settled = app.store.write::<(), Failure, _>(move |tx| {
            Box::pin(async move {
                match noted {
                    RecordedOutcome::Again(at, tried) => mail::release(tx, &mail, attempt, (at, tried)).await?,
                    RecordedOutcome::GivenUp => mail::give_up(tx, &mail, attempt).await?,
                    RecordedOutcome::Sent => mail::delete(tx, mail.environment_id, mail.id).await?,
                }
                Ok(())
            })
        });
        match settled.await {
            Err(failure) if began.elapsed() < patience => {
                tracing::warn!(%failure, "what came of a message could not be noted; trying again");
                tokio::time::sleep(LOOK).await;
            }
            settled => return settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_given_up_after_all_pauses_and_not_for_having_been_given_back() {
        let mut age = 0;
        for (taken, expected) in (0..).zip(PAUSES) {
            assert_eq!(pause(taken, age), Some(expected));
            age += expected;
        }
        assert_eq!((pause(9, age), PAUSES.last()), (None, Some(&LAST)));
        // Claimed and released by stopping nodes, ten times within a minute.
        assert_eq!((pause(10, 5), pause(10, 50), pause(10, age - 1)), (Some(10), Some(60), Some(LAST)));
        // Queued behind others for a day, then rejected for the first time.
        assert_eq!((pause(0, 86_400), pause(8, 86_400), pause(9, 86_400)), (Some(10), Some(LAST), None));
    }
}
