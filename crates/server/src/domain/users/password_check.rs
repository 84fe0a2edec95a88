//! Password checks: attempts are counted before the work, with the same work and the same answer for an address that
//! has no account or no password.

use crate::domain::attempts::{self, Limit};
use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::{Act, Failure};
use crate::passwords::{Busy, Passwords, Verdict};
use countersign_protocol::id::UserId;
use countersign_protocol::model::User;
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Store, Tx, user};

/// What an attempt is counted by: a limit and a subject.
pub type Count = (Limit, String);

/// The outcome of an attempt.
#[derive(Debug)]
pub enum Checked {
    /// The password is right: the account, its current hash, and the attempts to clear.
    Right(Box<User>, String, Tries),
    /// The address or the password is wrong.
    Wrong,
    /// Too many attempts; the next is allowed at this time.
    TooMany(Timestamp),
    /// Too much load right now.
    Busy,
}

/// The attempts that led to a correct password and are still counted: only failures are meant to count.
#[derive(Debug)]
#[must_use = "who signs in often is locked out"]
pub struct Tries(Vec<Count>);

impl Tries {
    /// Clears the first count, and takes the attempt back from the others. If there is a session to store, this runs in
    /// its transaction: every commit waits for the disk.
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

/// Checks a password. Every count is raised; when the password is right, they are returned to be cleared. A wrong one
/// is recorded as an event: one per attempt, except when the password is changed between this check and the session.
///
/// # Errors
/// Database errors.
pub async fn check(
    (store, passwords): (&Store, &Passwords),
    act: &Act,
    (email, password): (&str, Secret),
    counts: Vec<Count>,
    client_info: ClientInfo,
) -> Result<Checked, Failure> {
    let tries = Tries(counts.clone());
    let counting = act.clone();
    // A write that does not wait for the disk: a crash may lose one count, and a sign-in waits half as long for the
    // disk.
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
        return record_wrong_password(store, act, (email, known), client_info).await;
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
    // A concurrent sign-in has just rehashed the password, or the password has changed: compare with the current hash
    // as well.
    let now_hash = user::password_hash(&mut store.reader().await?, environment_id, id).await?;
    match (passwords.verify(now_hash.clone(), password).await, now_hash) {
        (Ok(Verdict::Right { .. }), Some(hash)) => Ok(Checked::Right(Box::new(user), hash, tries)),
        (Ok(_), _) => record_wrong_password(store, act, (email, known), client_info).await,
        (Err(Busy), _) => Ok(Checked::Busy),
    }
}

/// Records an event about a wrong password.
async fn record_wrong_password(
    store: &Store,
    act: &Act,
    (email, known): (&str, Option<UserId>),
    client_info: ClientInfo,
) -> Result<Checked, Failure> {
    let (act, email) = (act.clone(), email.to_owned());
    let why = ("invalid_credentials", "The address or the password is wrong.");
    let told = store.write::<(), Failure, _>(move |tx| {
        Box::pin(
            async move { authentications::failed(tx, &act, Proof::Password, &client_info, (&email, known), why).await },
        )
    });
    told.await?;
    Ok(Checked::Wrong)
}
