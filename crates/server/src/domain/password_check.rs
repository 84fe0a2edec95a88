//! Whether a password is right: with the same work and the same answer for an address that has no account or no password.
//!
//! What is counted is failures, each in the transaction that tells of it: who signs in writes nothing for having tried. The
//! counts are read before the work, and again after it when the password is right. So of any number who guess at once, on
//! whatever nodes, as many are told anything as may guess one after the other: a failure is told when its own place in the
//! count is within what is allowed, and a success is told when, at a moment after its work, there was a place left.

use super::attempts::{self, Before, Count};
use super::authentications::{self, Proof, Whence};
use super::{Act, Failure};
use crate::passwords::{Busy, Passwords, Verdict};
use countersign_protocol::model::User;
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Store, Tx, user};

/// What came of a try.
#[derive(Debug)]
pub enum Checked {
    /// It is the password of this account, whose hash is this one now. What failed before is to be forgotten.
    Right(Box<User>, String, FailedBefore),
    /// The address or the password is wrong.
    Wrong,
    /// There were too many tries; the next is allowed at this moment.
    TooMany(Timestamp),
    /// There is too much to do right now.
    Busy,
}

/// What was counted under the first count before the password was right; mostly nothing.
#[derive(Debug)]
#[must_use = "who mistypes now and then is locked out in the end"]
pub struct FailedBefore(Option<Count>);

impl FailedBefore {
    /// Forgets it. In the transaction that makes the session, where there is one: each commit waits for the disk.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget(self, tx: &mut Tx, act: &Act) -> Result<(), Failure> {
        match self.0 {
            Some(count) => attempts::forget(tx, act, &count).await,
            None => Ok(()),
        }
    }

    /// The same in a transaction of its own.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget_now(self, store: &Store, act: &Act) -> Result<(), Failure> {
        if self.0.is_none() {
            return Ok(());
        }
        let act = act.clone();
        store.write::<(), Failure, _>(move |tx| Box::pin(async move { self.forget(tx, &act).await })).await
    }
}

/// Checks a password under up to three counts. When it is wrong, each of them is raised, and an event says so.
///
/// # Errors
/// Database errors.
pub async fn check(
    (store, passwords): (&Store, &Passwords),
    act: &Act,
    (email, password): (&str, Secret),
    counts: Vec<Count>,
    whence: Whence,
) -> Result<Checked, Failure> {
    let mut reader = store.reader().await?;
    if let Before::TooMany(over_at) = attempts::before(&mut reader, act, &counts).await? {
        return Ok(Checked::TooMany(over_at));
    }
    let (found, hash) = match user::find_to_sign_in(&mut reader, act.environment_id, email).await? {
        Some((user, hash)) => (Some(user), hash),
        None => (None, None),
    };
    drop(reader);
    let verdict = match passwords.verify(hash.clone(), password.clone()).await {
        Ok(verdict) => verdict,
        Err(Busy) => return Ok(Checked::Busy),
    };
    let known = found.as_ref().map(|user| user.id);
    let (Some(user), Some(hash), Verdict::Right { rehash }) = (found, hash, verdict) else {
        let (act, email) = (act.clone(), email.to_owned());
        let wrong = ("invalid_credentials", "The address or the password is wrong.");
        let raised = store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                let raised = attempts::raise(tx, &act, &counts).await?;
                if raised.is_ok() {
                    authentications::failed(tx, &act, Proof::Password, &whence, (&email, known), wrong).await?;
                }
                Ok(raised)
            })
        });
        return Ok(match raised.await? {
            Ok(()) => Checked::Wrong,
            Err(over_at) => Checked::TooMany(over_at),
        });
    };
    let failed_before = match attempts::before(&mut store.reader().await?, act, &counts).await? {
        Before::TooMany(over_at) => return Ok(Checked::TooMany(over_at)),
        Before::Allowed { any } => FailedBefore(counts.into_iter().next().filter(|_| any)),
    };
    let new_hash = if rehash { passwords.hash(password).await.ok() } else { None };
    let Some(new) = new_hash else { return Ok(Checked::Right(Box::new(user), hash, failed_before)) };
    let (environment_id, id, now) = (act.environment_id, user.id, act.now);
    let now_hash = store
        .write::<String, Failure, _>(move |tx| {
            Box::pin(async move {
                if user::rehash_password(tx, environment_id, id, (&hash, &new), now).await? {
                    return Ok(new);
                }
                // Somebody signed in at the same moment and was faster by one rewriting.
                Ok(user::password_hash(tx, environment_id, id).await?.unwrap_or(hash))
            })
        })
        .await?;
    Ok(Checked::Right(Box::new(user), now_hash, failed_before))
}
