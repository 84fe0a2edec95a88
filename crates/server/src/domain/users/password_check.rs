//! Whether a password is right: counted before the work, with the same work and the same answer for an address that has no
//! account or no password.

use crate::domain::attempts::{self, Limit};
use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::{Act, Failure};
use crate::passwords::{Busy, Passwords, Verdict};
use countersign_protocol::id::UserId;
use countersign_protocol::model::User;
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Store, Tx, user};

/// What a try is counted by: a word, a subject, and how often it may be.
pub type Count = (Limit, String);

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
pub struct Tries(Vec<Count>);

impl Tries {
    /// Forgets the first count, and lowers the others again. In the transaction that makes the session, where there is one:
    /// each commit waits for the disk.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget(self, tx: &mut Tx, act: &Act) -> Result<(), Failure> {
        for (at, (limit, subject)) in self.0.iter().enumerate() {
            if at == 0 {
                attempts::clear(tx, act, *limit, subject).await?;
            } else {
                attempts::take_back(tx, act, *limit, subject).await?;
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
/// wrong, an event says so: as many as there are tries, but for a password that is changed between this and the session.
///
/// # Errors
/// Database errors.
pub async fn check(
    (store, passwords): (&Store, &Passwords),
    act: &Act,
    (email, password): (&str, Secret),
    counts: Vec<Count>,
    whence: ClientInfo,
) -> Result<Checked, Failure> {
    let tries = Tries(counts.clone());
    let counting = act.clone();
    // A write that does not wait for the disk: a crash may lose one count, and a sign-in waits half as long for the disk.
    let counted = store.note::<_, Failure, _>(move |tx| {
        Box::pin(async move {
            let counts: Vec<_> = counts.iter().map(|(limit, subject)| (*limit, subject.as_str())).collect();
            Ok(attempts::count_all(tx, &counting, &counts).await?.map_err(|(_, over_at)| over_at))
        })
    });
    if let Err(over_at) = counted.await? {
        return Ok(Checked::TooMany(over_at));
    }
    let found = user::find_to_sign_in(&mut store.reader().await?, act.environment_id, email).await?;
    let (found, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let verdict = match passwords.verify(hash.clone(), password.clone()).await {
        Ok(verdict) => verdict,
        Err(Busy) => return Ok(Checked::Busy),
    };
    let known = found.as_ref().map(|user| user.id);
    let (Some(user), Some(hash), Verdict::Right { rehash }) = (found, hash, verdict) else {
        return wrong(store, act, (email, known), whence).await;
    };
    let new_hash = if rehash { passwords.hash(password.clone()).await.ok() } else { None };
    let Some(new) = new_hash else { return Ok(Checked::Right(Box::new(user), hash, tries)) };
    let (environment_id, id, now) = (act.environment_id, user.id, act.now);
    let (before, rewritten) = (hash, new.clone());
    let was_rewritten = store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move { Ok(user::rehash_password(tx, environment_id, id, (&before, &rewritten), now).await?) })
    });
    if was_rewritten.await? {
        return Ok(Checked::Right(Box::new(user), new, tries));
    }
    // Somebody has signed in at the same moment and was faster by one rewriting, or the password has changed: what is there
    // now is compared with as well.
    let now_hash = user::password_hash(&mut store.reader().await?, environment_id, id).await?;
    match (passwords.verify(now_hash.clone(), password).await, now_hash) {
        (Ok(Verdict::Right { .. }), Some(hash)) => Ok(Checked::Right(Box::new(user), hash, tries)),
        (Ok(_), _) => wrong(store, act, (email, known), whence).await,
        (Err(Busy), _) => Ok(Checked::Busy),
    }
}

/// Tells that a password was wrong.
async fn wrong(
    store: &Store,
    act: &Act,
    (email, known): (&str, Option<UserId>),
    whence: ClientInfo,
) -> Result<Checked, Failure> {
    let (act, email) = (act.clone(), email.to_owned());
    let why = ("invalid_credentials", "The address or the password is wrong.");
    let told = store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { authentications::failed(tx, &act, Proof::Password, &whence, (&email, known), why).await })
    });
    told.await?;
    Ok(Checked::Wrong)
}
