//! What was proven when something is still missing: sealed for the client to bring back, good for twenty minutes and once.

use super::Refused;
use super::authenticate::Asking;
use crate::domain::attempts::{self, Limit};
use crate::domain::users::address_proof::likeness;
use crate::domain::{Act, Failure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::id::{AuthFactorId, UserId};
use countersign_protocol::model::{AuthenticationMethod, User};
use countersign_protocol::user_management::error::AuthenticateError;
use countersign_store::{Tx, user};
use serde::{Deserialize, Serialize};

/// How long it is good, in seconds.
const LIFETIME: i64 = 20 * 60;
/// A pending proof is used once.
const ONCE: Limit = Limit::new("pending authentication used", 1, LIFETIME);
/// Longest token that is looked at.
const MAX_LENGTH: usize = 4096;
/// How often one may be brought back, right or wrong.
const TRIES: Limit = Limit::new("pending authentication", 10, 60);

/// Who somebody has proven to be, and how. Made by the grants that check a proof, and by opening what they sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proof {
    /// The person.
    pub user_id: UserId,
    /// How they proved who they are.
    pub method: AuthenticationMethod,
    /// What the account was like when that was proven: see [`likeness`].
    account: String,
    /// The invitation that is followed.
    pub invitation_token: Option<String>,
    /// The second factor of which a code was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_id: Option<AuthFactorId>,
    /// From where.
    pub ip_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// A proof that was left pending.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    id: String,
    expires_at: i64,
    proof: Proof,
}

/// Names a pending proof that is about to be used up.
#[derive(Debug, Clone)]
pub struct PendingId(String);

impl Proof {
    /// A proof of who has this account, whose password has this hash.
    pub fn new(
        asking: &Asking<'_>,
        method: AuthenticationMethod,
        (user, password_hash): (&User, Option<&str>),
        invitation_token: Option<&str>,
    ) -> Self {
        Self {
            user_id: user.id,
            method,
            account: likeness(&asking.act(), user, password_hash).to_base64url(),
            invitation_token: invitation_token.map(str::to_owned),
            factor_id: None,
            ip_address: asking.ip_address.clone(),
            user_agent: asking.user_agent.clone(),
        }
    }

    /// The account as it is now, if it is still the one that the proof is about. Nobody changes it before this transaction
    /// ends.
    ///
    /// # Errors
    /// Database errors.
    pub async fn account(&self, tx: &mut Tx, act: &Act) -> Result<Option<User>, Failure> {
        user::lock(tx, act.environment_id, self.user_id).await?;
        let found = user::find_with_password(tx, act.environment_id, self.user_id).await?;
        let same = |(user, hash): &(User, Option<String>)| {
            likeness(act, user, hash.as_deref()).matches_base64url(&self.account)
        };
        Ok(found.filter(same).map(|(user, _)| user))
    }

    /// Seals a proof for the client to bring back.
    ///
    /// # Errors
    /// When random bytes cannot be obtained.
    pub fn seal(&self, act: &Act) -> Result<String, Failure> {
        let pending = Pending {
            id: URL_SAFE_NO_PAD.encode(act.entropy.bytes::<16>()?),
            expires_at: act.now.plus_secs(LIFETIME).as_millis(),
            proof: self.clone(),
        };
        let text = serde_json::to_vec(&pending).map_err(Failure::internal)?;
        let environment = act.environment_id.to_string();
        let sealed = act
            .keyring
            .pending_authentication
            .seal(&["pending-authentication", &environment], &text, act.entropy.bytes()?)
            .map_err(Failure::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }
}

/// Opens a proof that was sealed here and is not too old, and counts that it came back.
///
/// # Errors
/// `invalid_pending_authentication_token`; too many tries.
pub async fn open(asking: &Asking<'_>, token: &str) -> Result<(Proof, PendingId), Refused> {
    let rejection = AuthenticateError::invalid_pending_authentication_token;
    let act = asking.act();
    let environment = act.environment_id.to_string();
    let opened = Some(token)
        .filter(|token| token.len() <= MAX_LENGTH)
        .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
        .and_then(|sealed| {
            let key = &act.keyring.pending_authentication;
            key.open(&["pending-authentication", &environment], &sealed).ok()
        })
        .ok_or_else(rejection)?;
    let Pending { id, expires_at, proof } = serde_json::from_slice(&opened).map_err(Failure::internal)?;
    if act.now.as_millis() >= expires_at {
        return Err(rejection().into());
    }
    let (now, subject) = (act.now, id.clone());
    let counted =
        asking.call.app.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { attempts::count(tx, &act, TRIES, &subject).await })
        });
    match counted.await? {
        Ok(()) => Ok((proof, PendingId(id))),
        Err(over_at) => Err(Refused::too_many(over_at, now)),
    }
}

/// Uses a pending proof up: of all whose transactions commit, on whatever node, one gets `true`.
///
/// # Errors
/// Database errors.
pub async fn use_up(tx: &mut Tx, act: &Act, id: &PendingId) -> Result<bool, Failure> {
    Ok(attempts::count(tx, act, ONCE, &id.0).await?.is_ok())
}
