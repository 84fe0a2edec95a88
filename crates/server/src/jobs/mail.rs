//! Sends the messages that wait. Some are on their way at once, so one server that takes its time for one recipient keeps nobody
//! else waiting; not many, as mail servers count connections.
//!
//! Any number of nodes do so: each claims a message until its text may flow, keeps it for as long as that may take, and settles it
//! afterwards.

use crate::app::App;
use crate::domain::{Failure, mails};
use crate::jobs::clock_skew;
use crate::mailer::mail_server::{LEASE, LEASE_OF_TEXT, SLACK};
use crate::mailer::{NotSent, Outlook};
use crate::operations::metrics::MailOutcome;
use countersign_protocol::model::EnvironmentKind;
use countersign_protocol::time::Timestamp;
use countersign_store::image;
use countersign_store::mail::{self, QueuedMail};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// How often it is looked for messages that have become due.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds until a message is tried again, by how often it was. Codes are good for minutes: the first pauses are short.
const PAUSES: [i64; 9] = [10, 30, 60, 120, 300, 900, 3600, 7200, 14_400];
/// The last of them.
const LAST: i64 = 14_400;
/// For how long it is tried to note what came of a message that has not arrived.
const SETTLING: Duration = Duration::from_secs(20);
/// Most messages of this node on their way at once.
const CONNECTIONS: usize = 8;

/// Sends until `stop` becomes true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut post = Post { app, stop: stop.clone(), sending: JoinSet::new(), apart: false };
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // As all jobs, only while the database answers.
            _ = ticks.tick() => if post.app.freshness.is_current_at(Instant::now())
                && let Err(failure) = post.round().await
            {
                tracing::warn!(%failure, "mail could not be sent; the next round tries again");
            },
            () = super::until_stopped(&mut stop) => break,
        }
    }
    while let Some(ended) = post.sending.join_next().await {
        told(ended);
    }
}

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It is settled, whatever became of it.
    Settled,
    /// The mail server takes none now.
    ServerFails,
}

/// The messages on their way.
struct Post {
    app: Arc<App>,
    stop: watch::Receiver<bool>,
    sending: JoinSet<Result<Ended, Failure>>,
    /// Whether the log says that the clocks are apart.
    apart: bool,
}

impl Post {
    /// Sends all that is due, while the mail server takes it.
    async fn round(&mut self) -> Result<(), Failure> {
        // What has failed since the last round says nothing about this one.
        while let Some(ended) = self.sending.try_join_next() {
            told(ended);
        }
        loop {
            let due = mail::due(&mut self.app.store.reader().await?, self.app.clock.now()).await?;
            if due.is_empty() {
                return Ok(());
            }
            // By a wrong clock codes have expired that are good, and others' messages are one's own.
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

    /// Waits until one more may be on its way. Not when this process stops, or the server has just failed: those behind wait for
    /// the next round then, and have lost no try.
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
            if told(ended) == Ended::ServerFails {
                return false;
            }
        }
    }
}

/// What came of a message. One with a failure of ours is taken up again when the time is over for which it was claimed.
fn told(ended: Result<Result<Ended, Failure>, JoinError>) -> Ended {
    ended.unwrap_or_else(|error| Err(Failure::internal(error))).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "a message could not be sent; it is tried again later");
        Ended::Settled
    })
}

/// A message that this node has, until [`LEASE`] is over, or [`LEASE_OF_TEXT`] once its text may flow.
struct Claimed {
    mail: QueuedMail,
    /// How often it was tried before.
    tried: i64,
    /// Until when nobody else takes it; `None` for one that stays here.
    until: Option<Timestamp>,
}

/// Takes a message; `None` when another node has it.
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

/// Sends a message, and notes what came of it.
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
        Err(NotSent { reason, outlook: Outlook::GivesUp })
    } else {
        // Without it the mail shows the name of the product.
        let picture = match message.picture.as_deref().and_then(|digest| digest.parse().ok()) {
            Some(digest) => image::png(&mut app.store.reader().await?, mail.environment_id, digest).await?,
            None => None,
        };
        // Another node would take it before it has arrived: this one has waited for the database for too long.
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
        // The number of tries names whose the message is: it never falls.
        Err(NotSent { outlook: Outlook::Stopped, .. }) => (MailOutcome::Retried, Some((now, tried + 1))),
        Err(NotSent { outlook: Outlook::NotHeld, .. }) => {
            (MailOutcome::Retried, Some((now.plus_secs(pause.unwrap_or(LAST)), tried + 1)))
        }
        Err(NotSent { outlook: Outlook::Later | Outlook::ServerFails, .. }) if let Some(pause) = pause => {
            (MailOutcome::Retried, Some((now.plus_secs(pause), tried + 1)))
        }
        Err(_) => (MailOutcome::GivenUp, None),
    };
    if let Err(error) = &sent {
        tracing::warn!(%error, id = %mail.id, gives_up = again.is_none(), "a message was not sent");
    }
    app.metrics.mail_attempt(outcome);
    let noted = match again {
        Some((at, tried)) => Noted::Again(at, tried),
        None if sent.is_ok() => Noted::Sent,
        None => Noted::GivenUp,
    };
    settle(&app, &mail, tried + 1, noted).await?;
    Ok(match sent {
        Err(NotSent { outlook: Outlook::ServerFails, .. }) => Ended::ServerFails,
        _ => Ended::Settled,
    })
}

/// Seconds until a message that was made so many seconds ago, and taken so often before, is tried again; `None` when it was tried
/// often enough. A stop takes a message up and gives it back untried: whoever is young waits no longer for that, and is not
/// given up.
fn pause(taken: i64, age: i64) -> Option<i64> {
    let by_count = usize::try_from(taken).ok().and_then(|taken| PAUSES.get(taken));
    let mut sum = 0;
    let by_age = PAUSES.iter().find(|pause| {
        sum += **pause;
        age < sum
    });
    by_count.into_iter().chain(by_age).min().copied()
}

/// Keeps a message whose text is about to flow for as long as that may take. A failure of ours is as good as another node's having it.
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

/// What is noted of a message.
#[derive(Debug, Clone, Copy)]
enum Noted {
    /// It has arrived.
    Sent,
    /// It never will.
    GivenUp,
    /// It is tried again at a moment, as one that was tried so often.
    Again(Timestamp, i64),
}

/// Notes what came of a message, more than once if need be: what has arrived and is not forgotten is sent again, so that is tried
/// for as long as it may be kept from others.
async fn settle(app: &App, mail: &QueuedMail, attempt: i64, noted: Noted) -> Result<(), Failure> {
    let patience = match noted {
        Noted::Sent => Duration::from_secs((LEASE_OF_TEXT - SLACK).unsigned_abs()),
        Noted::GivenUp | Noted::Again(..) => SETTLING,
    };
    let began = Instant::now();
    loop {
        let mail = mail.clone();
        let settled = app.store.write::<(), Failure, _>(move |tx| {
            Box::pin(async move {
                match noted {
                    Noted::Again(at, tried) => mail::release(tx, &mail, attempt, (at, tried)).await?,
                    Noted::GivenUp => mail::give_up(tx, &mail, attempt).await?,
                    Noted::Sent => mail::delete(tx, mail.environment_id, mail.id).await?,
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
        // Taken up and given back by nodes that stop, ten times within a minute.
        assert_eq!((pause(10, 5), pause(10, 50), pause(10, age - 1)), (Some(10), Some(60), Some(LAST)));
        // Behind others for a day, and then refused for the first time.
        assert_eq!((pause(0, 86_400), pause(8, 86_400), pause(9, 86_400)), (Some(10), Some(LAST), None));
    }
}
