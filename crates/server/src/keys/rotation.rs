//! The life of signing keys: pending, active, retiring, gone.
//!
//! A new key is published before it signs, so that clients that cache the key set know it by then; the old one stays
//! published until the last token it signed has expired. `burn` skips both: for a key that has leaked.

use crate::app::App;
use crate::domain::{Act, Failure, audit_log};
use crate::keys::signing;
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{Actor, Environment, KeyPurpose, KeyState, SigningKeyRecord};
use countersign_protocol::time::Timestamp;
use countersign_store::change::{self, Topic};
use countersign_store::past_signing_key::{self, PastSigningKey};
use countersign_store::{Tx, signing_key};

/// How long a new key is published before it signs, in seconds: three times what clients may cache the key set for.
pub const PUBLISHED_BEFORE_SIGNING: i64 = 900;
/// How long a key that no longer signs stays published, in seconds: the longest life that any setting gives a token, for
/// the setting may have been longer when the token was made; and a minute for clocks that differ.
pub const RETIRING: i64 = 86_400 + 60;
/// How long the public half of a key that signed ID tokens is kept after it has stopped to sign, in seconds: applications keep
/// them for as long as a session may last, and name people by them.
pub const KNOWN: i64 = 400 * 86_400;

/// A step in the life of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It enters another state.
    Enter(SigningKeyId, KeyState),
    /// It is deleted.
    Delete(SigningKeyId),
}

impl Step {
    /// What the audit log calls it.
    const fn action(self) -> &'static str {
        match self {
            Self::Enter(_, KeyState::Pending { .. }) => "signing_key.updated",
            Self::Enter(_, KeyState::Active) => "signing_key.activated",
            Self::Enter(_, KeyState::Retiring { .. }) => "signing_key.retired",
            Self::Delete(_) => "signing_key.deleted",
        }
    }
}

/// The steps that are due, in an order that keeps one key of each purpose active at a time. Pure.
pub fn due(keys: &[SigningKeyRecord], now: Timestamp) -> Vec<Step> {
    KeyPurpose::ALL.into_iter().flat_map(|purpose| due_for(&of(keys, purpose), now)).collect()
}

fn of(keys: &[SigningKeyRecord], purpose: KeyPurpose) -> Vec<&SigningKeyRecord> {
    keys.iter().filter(|key| key.purpose == purpose).collect()
}

fn due_for(keys: &[&SigningKeyRecord], now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::new();
    for key in keys {
        if let KeyState::Retiring { gone_at } = key.state
            && gone_at <= now
        {
            steps.push(Step::Delete(key.id));
        }
    }
    let ready =
        |key: &&&SigningKeyRecord| matches!(key.state, KeyState::Pending { activates_at } if activates_at <= now);
    if let Some(next) = keys.iter().find(ready) {
        let gone_at = now.plus_secs(RETIRING);
        steps.extend(
            keys.iter()
                .filter(|key| key.state == KeyState::Active)
                .map(|key| Step::Enter(key.id, KeyState::Retiring { gone_at })),
        );
        steps.push(Step::Enter(next.id, KeyState::Active));
    }
    steps
}

/// Whether the active key of a purpose is old enough for a successor to be made. Pure.
pub fn wants_successor(keys: &[SigningKeyRecord], purpose: KeyPurpose, rotation_days: u32, now: Timestamp) -> bool {
    let keys = of(keys, purpose);
    let waiting = keys.iter().any(|key| matches!(key.state, KeyState::Pending { .. }));
    let age_limit = i64::from(rotation_days) * 86_400;
    let old = keys.iter().any(|key| {
        key.state == KeyState::Active && key.created_at.plus_secs(age_limit - PUBLISHED_BEFORE_SIGNING) <= now
    });
    rotation_days > 0 && old && !waiting
}

/// Makes a key on a thread for blocking work.
async fn generate(
    app: &App,
    environment: &Environment,
    purpose: KeyPurpose,
    algorithm: Algorithm,
    state: KeyState,
) -> Result<SigningKeyRecord, Failure> {
    let (keyring, entropy, environment, now) =
        (app.keyring.clone(), app.entropy.clone(), environment.clone(), app.clock.now());
    tokio::task::spawn_blocking(move || {
        signing::generate(&environment, purpose, algorithm, state, &keyring, &entropy, now)
    })
    .await
    .map_err(Failure::internal)?
    .map_err(Failure::internal)
}

/// Publishes a successor of the active key of a purpose; it signs from `activates_at` on. A successor that waits already is replaced.
///
/// # Errors
/// Database errors.
pub async fn rotate(
    app: &App,
    by: Actor,
    environment: &Environment,
    purpose: KeyPurpose,
    algorithm: Algorithm,
    activates_at: Timestamp,
) -> Result<SigningKeyId, Failure> {
    let record = generate(app, environment, purpose, algorithm, KeyState::Pending { activates_at }).await?;
    let (id, environment_id) = (record.id, environment.id);
    let act = Act::new(environment, by, &app.clock, &app.entropy, &app.keyring);
    app.store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                signing_key::lock(tx, environment_id).await?;
                for key in signing_key::list(tx, environment_id).await? {
                    if key.purpose == purpose && matches!(key.state, KeyState::Pending { .. }) {
                        signing_key::delete(tx, environment_id, key.id).await?;
                        audit_log::note(tx, &act, "signing_key.deleted", "signing_key", key.id).await?;
                    }
                }
                publish(tx, &act, &record).await
            })
        })
        .await?;
    app.catch_up().await;
    Ok(id)
}

/// The same when the schedule wants it; `None` when another node has done so while the key was made. What others have
/// published is not replaced: resource servers may know it already.
async fn rotate_if_due(
    app: &App,
    by: Actor,
    environment: &Environment,
    purpose: KeyPurpose,
    rotation_days: u32,
) -> Result<Option<SigningKeyId>, Failure> {
    let state = KeyState::Pending { activates_at: app.clock.now() };
    let mut record = generate(app, environment, purpose, environment.signing_algorithm, state).await?;
    let (id, environment_id, clock) = (record.id, environment.id, app.clock.clone());
    let act = Act::new(environment, by, &app.clock, &app.entropy, &app.keyring);
    let published = app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            signing_key::lock(tx, environment_id).await?;
            // Read the clock again: this node may have stalled since it made the key, and a stale start would shorten the time
            // that others have to learn of the key before it signs.
            let now = clock.now();
            if !wants_successor(&signing_key::list(tx, environment_id).await?, purpose, rotation_days, now) {
                return Ok(false);
            }
            record.state = KeyState::Pending { activates_at: now.plus_secs(PUBLISHED_BEFORE_SIGNING) };
            publish(tx, &act, &record).await?;
            Ok(true)
        })
    });
    let published = published.await?;
    app.catch_up().await;
    Ok(published.then_some(id))
}

/// Adds a key to those that are published, and takes the steps that are due.
async fn publish(tx: &mut Tx, act: &Act, record: &SigningKeyRecord) -> Result<(), Failure> {
    signing_key::insert(tx, record).await?;
    audit_log::note(tx, act, "signing_key.created", "signing_key", record.id).await?;
    advance_in(tx, act).await?;
    change::record(tx, act.environment_id, &Topic::Environment, act.now);
    Ok(())
}

/// Ends a key at once: no token it signed stands any longer. When it was the active one of its purpose, a new key signs
/// from now on.
///
/// # Errors
/// `NotFound` when the environment has no such key.
pub async fn burn(app: &App, by: Actor, environment: &Environment, id: SigningKeyId) -> Result<SigningKeyId, Failure> {
    let (environment_id, now) = (environment.id, app.clock.now());
    let act = Act::new(environment, by, &app.clock, &app.entropy, &app.keyring);
    // What a key is for never changes, so this needs no lock.
    let keys = signing_key::list(&mut app.store.reader().await?, environment_id).await?;
    let Some(purpose) = keys.iter().find(|key| key.id == id).map(|key| key.purpose) else {
        forget(app, act, id).await?;
        let signs = |key: &&SigningKeyRecord| key.purpose == KeyPurpose::Delegated && key.state == KeyState::Active;
        return keys.iter().find(signs).map(|key| key.id).ok_or_else(|| Failure::not_found("Signing key", id));
    };
    let successor = generate(app, environment, purpose, environment.signing_algorithm, KeyState::Active).await?;
    let active = app
        .store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                signing_key::lock(tx, environment_id).await?;
                // It may have gone in its turn since it was looked at; then what is left of it goes.
                if !signing_key::delete(tx, environment_id, id).await?
                    && !past_signing_key::delete(tx, environment_id, id).await?
                {
                    return Err(Failure::not_found("Signing key", id));
                }
                audit_log::note(tx, &act, "signing_key.deleted", "signing_key", id).await?;
                let rest = signing_key::list(tx, environment_id).await?;
                let active = match of(&rest, purpose).iter().find(|key| key.state == KeyState::Active) {
                    Some(key) => key.id,
                    None => {
                        signing_key::insert(tx, &successor).await?;
                        audit_log::note(tx, &act, "signing_key.created", "signing_key", successor.id).await?;
                        successor.id
                    }
                };
                change::record(tx, environment_id, &Topic::Environment, now);
                Ok(active)
            })
        })
        .await?;
    app.catch_up().await;
    Ok(active)
}

/// Forgets a key that is gone already: what it has signed is no hint any more.
async fn forget(app: &App, act: Act, id: SigningKeyId) -> Result<(), Failure> {
    let forgotten = app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move {
            if !past_signing_key::delete(tx, act.environment_id, id).await? {
                return Err(Failure::not_found("Signing key", id));
            }
            audit_log::note(tx, &act, "signing_key.deleted", "signing_key", id).await?;
            change::record(tx, act.environment_id, &Topic::Environment, act.now);
            Ok(())
        })
    });
    forgotten.await?;
    app.catch_up().await;
    Ok(())
}

/// Takes the steps that are due in every environment, and makes successors where the schedule wants them. Any number
/// of nodes may do this at once.
///
/// # Errors
/// Database errors.
pub async fn advance(app: &App, rotation_days: u32) -> Result<(), Failure> {
    let mut reader = app.store.reader().await?;
    for environment in countersign_store::environment::with_staff(&mut reader).await? {
        let keys = signing_key::list(&mut reader, environment.id).await?;
        let now = app.clock.now();
        let by = || Actor::System { job: "key_rotation" };
        let mut rotated = false;
        for purpose in KeyPurpose::ALL {
            if wants_successor(&keys, purpose, rotation_days, now) {
                if let Some(id) = rotate_if_due(app, by(), &environment, purpose, rotation_days).await? {
                    tracing::info!(
                        environment = %environment.name, key = %id, purpose = purpose.as_str(),
                        "published a successor of the signing key"
                    );
                }
                rotated = true;
            }
        }
        if !rotated && !due(&keys, now).is_empty() {
            let act = Act::new(&environment, by(), &app.clock, &app.entropy, &app.keyring);
            app.store.write::<_, Failure, _>(move |tx| Box::pin(async move { advance_in(tx, &act).await })).await?;
            app.catch_up().await;
        }
    }
    Ok(())
}

/// What stays of a key that goes in its turn: of one that signed ID tokens, its public half.
fn past(key: &SigningKeyRecord) -> Option<PastSigningKey> {
    let KeyState::Retiring { gone_at } = key.state else { return None };
    (key.purpose == KeyPurpose::Delegated).then(|| PastSigningKey {
        id: key.id,
        algorithm: key.algorithm,
        public_key: key.public_key.clone(),
        retired_at: gone_at.plus_secs(-RETIRING),
    })
}

/// Takes the steps that are due, each with its record.
async fn advance_in(tx: &mut Tx, act: &Act) -> Result<(), Failure> {
    let (environment_id, now) = (act.environment_id, act.now);
    signing_key::lock(tx, environment_id).await?;
    let keys = signing_key::list(tx, environment_id).await?;
    let steps = due(&keys, now);
    for step in &steps {
        let (Step::Enter(id, _) | Step::Delete(id)) = *step;
        audit_log::note(tx, act, step.action(), "signing_key", id).await?;
        match *step {
            Step::Enter(id, state) => signing_key::set_state(tx, environment_id, id, state).await?,
            Step::Delete(id) => {
                signing_key::delete(tx, environment_id, id).await?;
                if let Some(past) = keys.iter().find(|key| key.id == id).and_then(past) {
                    past_signing_key::insert(tx, environment_id, &past).await?;
                }
            }
        }
    }
    if !steps.is_empty() {
        past_signing_key::prune(tx, environment_id, now.plus_secs(-KNOWN)).await?;
        change::record(tx, environment_id, &Topic::Environment, now);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::{EnvironmentId, Id};

    fn key(id: u128, state: KeyState) -> SigningKeyRecord {
        SigningKeyRecord {
            id: SigningKeyId::from_ulid(id),
            environment_id: EnvironmentId::from_ulid(1),
            purpose: KeyPurpose::Direct,
            algorithm: Algorithm::Es256,
            state,
            public_key: vec![],
            certificate: vec![],
            sealed_private_key: vec![],
            created_at: Timestamp::from_millis(0),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_successor_takes_over_when_its_time_has_come() {
        let keys = [key(1, KeyState::Active), key(2, KeyState::Pending { activates_at: at(100) })];
        assert_eq!(due(&keys, at(99)), []);
        let old = Step::Enter(keys[0].id, KeyState::Retiring { gone_at: at(100 + RETIRING) });
        assert_eq!(due(&keys, at(100)), [old, Step::Enter(keys[1].id, KeyState::Active)]);
    }

    #[test]
    fn keys_of_another_purpose_do_not_make_way() {
        let mut other = key(3, KeyState::Active);
        other.purpose = KeyPurpose::Delegated;
        let keys = [key(1, KeyState::Active), key(2, KeyState::Pending { activates_at: at(100) }), other];
        assert_eq!(due(&keys, at(100)).len(), 2);
        assert!(!due(&keys, at(100)).iter().any(|step| matches!(step, Step::Enter(id, _) if *id == keys[2].id)));
        // A successor that waits is one of its own purpose.
        assert!(wants_successor(&keys, KeyPurpose::Delegated, 90, at(100 * 86_400)));
        assert!(!wants_successor(&keys, KeyPurpose::Direct, 90, at(100 * 86_400)));
    }

    #[test]
    fn a_retired_key_goes_after_its_last_token() {
        let keys = [key(1, KeyState::Retiring { gone_at: at(460) }), key(2, KeyState::Active)];
        assert_eq!(due(&keys, at(459)), []);
        assert_eq!(due(&keys, at(460)), [Step::Delete(keys[0].id)]);
    }

    #[test]
    fn the_schedule_makes_one_successor_in_time() {
        let day = 86_400;
        let active = [key(1, KeyState::Active)];
        assert!(!wants_successor(&active, KeyPurpose::Direct, 90, at(90 * day - PUBLISHED_BEFORE_SIGNING - 1)));
        assert!(wants_successor(&active, KeyPurpose::Direct, 90, at(90 * day - PUBLISHED_BEFORE_SIGNING)));
        assert!(!wants_successor(&active, KeyPurpose::Direct, 0, at(10_000 * day)));
        let waiting = [key(1, KeyState::Active), key(2, KeyState::Pending { activates_at: at(1) })];
        assert!(!wants_successor(&waiting, KeyPurpose::Direct, 90, at(100 * day)));
    }
}
