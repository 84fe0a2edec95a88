//! Authentication events: a user has authenticated, or has tried to. A success is recorded where it leads to a session;
//! a failure in the transaction that counts the attempt, or right after it, so that nobody can cause more events than
//! they have attempts.

use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{AuthenticationMethod, User, is_email};
use countersign_store::Tx;
use serde_json::{Value, json};

/// The maximum length of a stored user agent.
const MAX_USER_AGENT_LENGTH: usize = 400;

/// What was proven, or was to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Knowledge of the password.
    Password,
    /// Access to the account's mailbox, to sign in.
    MagicAuth,
    /// The same, to verify the address.
    EmailVerification,
    /// Possession of the second factor.
    Mfa,
}

impl Proof {
    /// The proof by which a session began; `None` for proofs made elsewhere.
    pub const fn of_session(method: AuthenticationMethod) -> Option<Self> {
        match method {
            AuthenticationMethod::Password => Some(Self::Password),
            AuthenticationMethod::MagicAuth => Some(Self::MagicAuth),
            AuthenticationMethod::ExternalAuth | AuthenticationMethod::Link => None,
        }
    }

    /// The name of the proof, and of the events of its success and failure.
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

/// The client that a user signs in with, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct ClientInfo {
    /// The IP address.
    pub ip_address: Option<String>,
    /// The browser's user agent.
    pub user_agent: Option<String>,
}

impl ClientInfo {
    fn data(&self, proof: &str, status: &str) -> Value {
        let user_agent = self.user_agent.as_deref().filter(|text| !text.is_empty());
        json!({
            "type": proof,
            "status": status,
            "ip_address": self.ip_address,
            "user_agent": user_agent.map(|text| text.chars().take(MAX_USER_AGENT_LENGTH).collect::<String>()),
        })
    }
}

/// Records a successful authentication.
///
/// # Errors
/// Database errors.
pub async fn succeeded(
    tx: &mut Tx,
    act: &Act,
    proof: Proof,
    client_info: &ClientInfo,
    user: &User,
) -> Result<(), Failure> {
    let (word, name, _) = proof.names();
    let mut data = client_info.data(word, "succeeded");
    data["user_id"] = json!(user.id);
    data["email"] = json!(user.email);
    events::record(tx, act, name, None, &data).await
}

/// Records a failed authentication with its reason. The address may be nobody's.
///
/// # Errors
/// Database errors.
pub async fn failed(
    tx: &mut Tx,
    act: &Act,
    proof: Proof,
    client_info: &ClientInfo,
    (email, user_id): (&str, Option<UserId>),
    (code, message): (&str, &str),
) -> Result<(), Failure> {
    let (word, _, name) = proof.names();
    let mut data = client_info.data(word, "failed");
    data["user_id"] = json!(user_id);
    // Anything else that was typed there may be a secret.
    data["email"] = is_email(email).then_some(email).into();
    data["error"] = json!({"code": code, "message": message});
    events::record(tx, act, name, None, &data).await
}

/// The code and the message of a refusal.
pub fn reason(refusal: &ApiError) -> (&str, &str) {
    match refusal {
        ApiError::BadRequest { code, message } => (code, message),
        _ => ("refused", "It was refused."),
    }
}
