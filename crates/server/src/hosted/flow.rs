//! What a browser carries from page to page: where it is going and what was proven on the way. Sealed for this
//! environment and this browser, good for an hour; the server keeps nothing.

use super::page::PageError;
use crate::http::page_call::PageCall;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_pages::Trouble;
use countersign_protocol::id::{ClientId, OrganizationId, UserId};
use countersign_protocol::oauth::params::Params;
use countersign_protocol::time::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// How long a flow may take, in seconds.
const LIFETIME: i64 = 3600;
/// Sealed texts are a multiple of so many bytes.
const PADDED: usize = 256;

/// A flow.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    /// When it began, in milliseconds.
    began_at: i64,
    /// Where it leads.
    pub target: Target,
    /// The application that people come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ClientId>,
    /// The scheme of the program on the person's device to which the last answer leads: forms must be allowed to lead there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_scheme: Option<String>,
    /// The person has said which account to go on with.
    #[serde(default)]
    pub account_chosen: bool,
    /// The organization that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The address that was typed on the first page. Nothing is proven by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A code that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// What was proven, when a second factor is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_proof: Option<FirstProof>,
    /// The secret of a second factor that is being set up, as base32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_secret: Option<String>,
    /// Whether the person is making an account.
    #[serde(default)]
    pub signs_up: bool,
    /// The person has said that they follow the invitation.
    #[serde(default)]
    pub follows_invitation: bool,
    /// Who was shown the consent page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_to: Option<UserId>,
    /// Since when the client says of itself what was shown there, in milliseconds, where nobody has registered it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_since: Option<i64>,
}

/// Codes, hashes and secrets are in it.
impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("began_at", &self.began_at).finish_non_exhaustive()
    }
}

/// Where a flow leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// To the authorization endpoint, with this query.
    Authorize(String),
    /// To the authorization endpoint of the environment's own application, with this query.
    OwnApplication(String),
    /// To the person's own account.
    Account,
    /// To setting up a second factor.
    SecondFactor,
    /// To the page of one of the person's organizations.
    Portal,
    /// To a page of the dashboard, by its path and query below the dashboard's own.
    Dashboard(String),
    /// To connecting the device that shows this code.
    Device(String),
    /// To accepting the invitation with this token.
    Invitation(String),
    /// To signing out, and then back to the application that asked for it with this query.
    SignOut(String),
}

impl Target {
    /// The invitation that is followed on the way.
    pub fn invitation_token(&self) -> Option<String> {
        match self {
            Self::Invitation(token) => Some(token.clone()),
            Self::OwnApplication(query) => {
                let params = Params::from_form(query.as_bytes()).ok()?;
                params.get("invitation_token").map(str::to_owned)
            }
            Self::Authorize(_)
            | Self::Account
            | Self::SecondFactor
            | Self::Portal
            | Self::Dashboard(_)
            | Self::Device(_)
            | Self::SignOut(_) => None,
        }
    }
}

/// The proof that came first, of somebody of whom a second factor is asked. It begins no session by itself, and one with a
/// second factor once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FirstProof {
    /// What its use is counted by.
    #[serde(default)]
    pub id: String,
    /// When it was made, in milliseconds.
    #[serde(default)]
    pub made_at: i64,
    /// The person.
    pub user_id: UserId,
    /// How it was proven.
    pub by: ProvenBy,
    /// What the account was like then: see [`crate::domain::users::people::likeness`].
    pub likeness: String,
}

/// How somebody has proven who they are, before a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProvenBy {
    /// By their password.
    Password,
    /// By a code that was mailed.
    Code,
}

/// A code that was sent by mail. The browser carries it and cannot read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Challenge {
    /// What its attempts are counted by, and the API finds it by when it was sent to an account.
    pub id: String,
    /// The code.
    pub code: String,
    /// The address as it was typed: what is shown.
    pub email: String,
    /// The digest of the address it was sent to.
    pub address: String,
    /// When it expires, in milliseconds.
    pub expires_at: i64,
    /// What it is good for.
    pub proves: Proves,
}

/// What a code is good for. What is good for nothing looks the same from outside, to the byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Proves {
    /// Signing in to this account.
    SignIn(UserId),
    /// Nothing: there is no such account. The identifier is nobody's.
    Nobody(UserId),
    /// The address of an account whose password was right, and what the account was like then: see
    /// [`crate::domain::users::people::likeness`].
    Address(UserId, String),
    /// The address of an account to be made.
    SignUp(NewAccount),
    /// Nothing: there is an account already.
    Exists(NewAccount),
}

/// An account that waits for the proof of its address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewAccount {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The hash of its password; `None` where there are no passwords.
    pub password_hash: Option<String>,
}

impl Flow {
    /// A flow that begins now.
    pub fn begin(call: &PageCall, target: Target) -> Self {
        Self {
            began_at: call.app.clock.now().as_millis(),
            target,
            application: None,
            redirect_scheme: None,
            account_chosen: false,
            organization_id: None,
            email: None,
            challenge: None,
            first_proof: None,
            factor_secret: None,
            signs_up: false,
            follows_invitation: false,
            shown_to: None,
            shown_since: None,
        }
    }

    /// A flow that leads to where people belong who have asked for nothing else: staff to the dashboard, others to their
    /// account.
    pub fn home(call: &PageCall) -> Self {
        let of_staff = call.environment.environment.is_of_staff();
        Self::begin(call, if of_staff { Target::Dashboard("/".to_owned()) } else { Target::Account })
    }

    /// When it began.
    pub fn began_at(&self) -> Timestamp {
        Timestamp::from_millis(self.began_at)
    }

    /// Seals it for the browser that makes this call. `None` only when random bytes cannot be obtained.
    pub fn seal(&self, call: &PageCall) -> Option<String> {
        let nonce = call.app.entropy.bytes().ok()?;
        let mut text = serde_json::to_vec(self).ok()?;
        // Sealing does not hide a length. White space behind JSON means nothing.
        text.resize(text.len().next_multiple_of(PADDED), b' ');
        let environment = call.environment.id().to_string();
        let sealed = call.app.keyring.flow.seal(&["flow", &environment, &call.browser], &text, nonce).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a flow that was sealed for this browser and is not too old.
    pub fn open(call: &PageCall, sealed: Option<&str>) -> Option<Self> {
        Self::unsealed(call, sealed).filter(|flow| !flow.is_over(call))
    }

    fn unsealed(call: &PageCall, sealed: Option<&str>) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed?).ok()?;
        let environment = call.environment.id().to_string();
        let text = call.app.keyring.flow.open(&["flow", &environment, &call.browser], &sealed).ok()?;
        let flow: Self = serde_json::from_slice(&text).ok()?;
        Some(flow)
    }

    /// What a form or link carries along.
    ///
    /// # Errors
    /// A page for what is not ours, of another browser, or too old: from that one may start again.
    pub fn carried(call: &PageCall, sealed: Option<&str>) -> Result<Self, PageError> {
        let flow = Self::unsealed(call, sealed).ok_or_else(PageError::flow)?;
        if flow.is_over(call) {
            return Err(flow.took_too_long());
        }
        Ok(flow)
    }

    /// A page for a sign-in that took too long: it starts again.
    pub fn took_too_long(&self) -> PageError {
        PageError::WithWayOn(StatusCode::BAD_REQUEST, Trouble::Flow, self.beginning())
    }

    /// A page for a sign-in whose account has changed since it began: it starts again.
    pub fn changed_meanwhile(&self) -> PageError {
        PageError::WithWayOn(StatusCode::BAD_REQUEST, Trouble::Changed, self.beginning())
    }

    fn is_over(&self, call: &PageCall) -> bool {
        call.app.clock.now() >= self.began_at().plus_secs(LIFETIME)
    }

    /// The address at which the flow began. The browser that carries it has been there, so showing it reveals nothing.
    fn beginning(&self) -> String {
        let with = |path: &str, query: &str| format!("{path}?{query}");
        let one = |path: &str, name: &str, value: &str| {
            with(path, &url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
        };
        match &self.target {
            Target::Authorize(query) => with("/oauth2/authorize", query),
            Target::OwnApplication(query) => with("/user_management/authorize", query),
            Target::Account => "/account".to_owned(),
            Target::SecondFactor => "/account/second-factor".to_owned(),
            Target::Portal => "/portal".to_owned(),
            Target::Dashboard(path) => path.clone(),
            Target::Device(user_code) => one("/device", "user_code", user_code),
            Target::Invitation(token) => one("/invite", "invitation_token", token),
            Target::SignOut(query) => with("/oauth2/logout", query),
        }
    }

    /// The address at which the flow goes on.
    pub fn resume(&self, call: &PageCall) -> String {
        match self.target {
            Target::Authorize(_) => format!("/oauth2/authorize?flow={}", self.seal(call).unwrap_or_default()),
            Target::OwnApplication(_) => self.link(call, "/user_management/authorize"),
            Target::Account => "/account".to_owned(),
            Target::SecondFactor => "/account/second-factor".to_owned(),
            Target::Portal => "/portal".to_owned(),
            Target::Dashboard(ref path) => path.clone(),
            Target::Device(_) => self.link(call, "/device/confirm"),
            Target::Invitation(_) => self.link(call, "/invite/accept"),
            Target::SignOut(_) => self.link(call, "/sign-out"),
        }
    }

    /// A page of this flow.
    pub fn link(&self, call: &PageCall, path: &str) -> String {
        format!("{path}?flow={}", self.seal(call).unwrap_or_default())
    }
}
