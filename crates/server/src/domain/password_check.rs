//! Whether a password is right: counted before the work, with the same work and the same answer for an address that has no
//! account or no password.

use super::attempts::{self, Allowance};
use super::authentications::{self, Proof, Whence};
use super::{Act, Failure};
use crate::passwords::{Busy, Passwords, Verdict};
use countersign_protocol::model::User;
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Store, Tx, user};

/// What a try is counted by: a word, a subject, and how often it may be.
pub type Count = (&'static str, String, Allowance);

/// What came of a try.
#[derive(Debug)]
pub enum Checked {
    /// It is the password of this account, whose hash is this one now. Its tries are to be forgotten.
    Right(Box<User>, String, Tries),
    /// The address or the password is wrong.
    Wrong,
    /// There were too many tries; the next is allowed at this moment.
    TooMany(Timestamp),
    /// There is too much to do right now.
    Busy,
}

/// The tries that led to a right password, which are still counted: what is to be counted is failures.
#[derive(Debug)]
#[must_use = "who signs in often is locked out"]
pub struct Tries(Vec<(&'static str, String)>);

impl Tries {
    /// Forgets the first count, and lowers the others again. In the transaction that makes the session, where there is one:
    /// each commit waits for the disk.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget(self, tx: &mut Tx, act: &Act) -> Result<(), Failure> {
        for (at, (what, subject)) in self.0.iter().enumerate() {
            if at == 0 {
                attempts::clear(tx, act, what, subject).await?;
            } else {
                attempts::take_back(tx, act, what, subject).await?;
            }
        }
        Ok(())
    }

    /// The same in a transaction of its own.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget_now(self, store: &Store, act: &Act) -> Result<(), Failure> {
        let act = act.clone();
        store.write::<(), Failure, _>(move |tx| Box::pin(async move { self.forget(tx, &act).await })).await
    }
}

/// Checks a password. Every count is raised; when the password is right, they are given back to be forgotten. When it is
/// wrong, an event says so: as many as there are tries.
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
    let subjects: Vec<(&'static str, String)> =
        counts.iter().map(|(what, subject, _)| (*what, subject.clone())).collect();
    let counting = act.clone();
    // The power may fail and a try be forgotten; no more than that hangs on it, and half of a sign-in's wait for the disk.
    let counted = store.note::<_, Failure, _>(move |tx| {
        Box::pin(async move {
            for (what, subject, allowance) in counts {
                if let Err(over_at) = attempts::count(tx, &counting, what, &subject, allowance).await? {
                    return Ok(Err(over_at));
                }
            }
            Ok(Ok(()))
        })
    });
    if let Err(over_at) = counted.await? {
        return Ok(Checked::TooMany(over_at));
    }
    let mut reader = store.reader().await?;
    let found = user::find_by_email(&mut reader, act.environment_id, email).await?;
    let hash = match &found {
        Some(user) => user::password_hash(&mut reader, act.environment_id, user.id).await?,
        None => None,
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
        store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    authentications::failed(tx, &act, Proof::Password, &whence, (&email, known), wrong).await
                })
            })
            .await?;
        return Ok(Checked::Wrong);
    };
    let tries = Tries(subjects);
    let new_hash = if rehash { passwords.hash(password).await.ok() } else { None };
    let Some(new) = new_hash else { return Ok(Checked::Right(Box::new(user), hash, tries)) };
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
    Ok(Checked::Right(Box::new(user), now_hash, tries))
}
