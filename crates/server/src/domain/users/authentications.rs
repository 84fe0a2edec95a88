//! Events about proofs: somebody has shown who they are, or has tried to. What succeeded is told where it leads to a
//! session; what failed in a transaction that counts the try, or right after it, so nobody writes more of them than they
//! have tries.

use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{AuthenticationMethod, User, is_email};
use countersign_store::Tx;
use serde_json::{Value, json};

/// Longest name of a program that is kept.
const LONGEST_USER_AGENT: usize = 400;

/// What was proven, or was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That somebody knows the password.
    Password,
    /// That somebody reads the mail of the account, to sign in.
    MagicAuth,
    /// The same, to have the address counted as theirs.
    EmailVerification,
    /// That somebody has the second factor.
    Mfa,
}

impl Proof {
    /// What a session that was begun in this way has shown; `None` for proofs that were made elsewhere.
    pub const fn of_session(method: AuthenticationMethod) -> Option<Self> {
        match method {
            AuthenticationMethod::Password => Some(Self::Password),
            AuthenticationMethod::MagicAuth => Some(Self::MagicAuth),
            AuthenticationMethod::ExternalAuth | AuthenticationMethod::Link => None,
        }
    }

    /// The word, and the events of success and failure.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Password => ("password", "authentication.password_succeeded", "authentication.password_failed"),
            Self::MagicAuth => {
                ("magic_auth", "authentication.magic_auth_succeeded", "authentication.magic_auth_failed")
            }
            Self::EmailVerification => (
                "email_verification",
                "authentication.email_verification_succeeded",
                "authentication.email_verification_failed",
            ),
            Self::Mfa => ("mfa", "authentication.mfa_succeeded", "authentication.mfa_failed"),
        }
    }
}

/// From where somebody signs in, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct ClientInfo {
    /// The address.
    pub ip_address: Option<String>,
    /// The browser, as it calls itself.
    pub user_agent: Option<String>,
}

impl ClientInfo {
    fn data(&self, proof: &str, status: &str) -> Value {
        let user_agent = self.user_agent.as_deref().filter(|text| !text.is_empty());
        json!({
            "type": proof,
            "status": status,
            "ip_address": self.ip_address,
            "user_agent": user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect::<String>()),
        })
    }
}

/// Somebody has proven who they are.
///
/// # Errors
/// Database errors.
pub async fn succeeded(tx: &mut Tx, act: &Act, proof: Proof, whence: &ClientInfo, user: &User) -> Result<(), Failure> {
    let (word, name, _) = proof.names();
    let mut data = whence.data(word, "succeeded");
    data["user_id"] = json!(user.id);
    data["email"] = json!(user.email);
    events::record(tx, act, name, None, &data).await
}

/// Somebody has tried to, and was refused for this reason. The address may be nobody's.
///
/// # Errors
/// Database errors.
pub async fn failed(
    tx: &mut Tx,
    act: &Act,
    proof: Proof,
    whence: &ClientInfo,
    (email, user_id): (&str, Option<UserId>),
    (code, message): (&str, &str),
) -> Result<(), Failure> {
    let (word, _, name) = proof.names();
    let mut data = whence.data(word, "failed");
    data["user_id"] = json!(user_id);
    // Whatever else was typed there may be a secret.
    data["email"] = is_email(email).then_some(email).into();
    data["error"] = json!({"code": code, "message": message});
    events::record(tx, act, name, None, &data).await
}

/// The word and the sentence of a refusal.
pub fn reason(refusal: &ApiError) -> (&str, &str) {
    match refusal {
        ApiError::BadRequest { code, message } => (code, message),
        _ => ("refused", "It was refused."),
    }
}
