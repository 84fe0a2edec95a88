//! The domain model as plain values: what the store returns and the rules read. Each type exists exactly once.

mod actor;
mod api_key;
mod application;
mod authentication_factor;
mod authentication_method;
mod brand;
mod consent_option;
mod email_address;
mod environment;
mod grant;
mod image;
mod invitation;
mod jwt_template;
mod mailed_code;
mod oauth_resource;
mod organization;
mod permission;
mod policy;
mod portal;
mod product;
mod registered_grants;
mod role;
mod self_registration;
mod session;
mod session_grant;
mod shown_name;
mod sign_in_settings;
mod signing_key;
mod staff;
mod standalone;
mod user;
mod web_address;
mod webhook;

pub use actor::{Actor, MAX_USER_AGENT_LENGTH, Place};
pub use api_key::{ApiKey, ApiKeyOwner, ENVIRONMENT_API_KEY_HINT, EnvironmentApiKey};
pub use application::{
    ApplicationKind, ClientSecret, ClientType, ConnectApplication, MAX_CLIENT_SECRETS, Ownership, RedirectUri,
};
pub use authentication_factor::{AuthenticationChallenge, AuthenticationFactor};
pub use authentication_method::AuthenticationMethod;
pub use brand::Brand;
pub use consent_option::{Choice, ChoiceGroup, Choices, ConsentOption, settled};
pub use email_address::{email_for_smtp, email_key, is_email, resembles_email};
pub use environment::{Environment, EnvironmentKind, Issuer, IssuerError, STAFF_BASE};
pub use grant::{AuthorizationCode, Consent, Persona, TokenFamily};
pub use image::{Image, ImageDigest, Logo, ParseImageDigestError};
pub use invitation::{Invitation, InvitationState};
pub use jwt_template::JwtTemplate;
pub use mailed_code::{MailedCode, MailedCodeId};
pub use oauth_resource::OAuthResource;
pub use organization::{DomainState, Organization, OrganizationDomain, VerificationStrategy};
pub use permission::Permission;
pub use policy::{Authentication, NoMethodLeft, SessionPolicy, SessionPolicyError};
pub use portal::{
    MadeBy, PORTAL_LINK_LIFETIME, PORTAL_VISIT_IDLE, PORTAL_VISIT_LONGEST, PortalCredentials, PortalIntent,
    PortalSettings, PortalVisit, portal_onward,
};
pub use product::{DefaultMails, ProductPages};
pub use registered_grants::{RegisteredGrant, RegisteredGrants};
pub use role::{DEFAULT_ROLE, Role};
pub use self_registration::{Admission, Decision, DocumentPolicy, KnownDocument, SelfRegistered, SelfRegistration};
pub use session::Session;
pub use session_grant::{SessionCode, SessionDevice, SessionFamily};
pub use shown_name::shown_name;
pub use sign_in_settings::{CorsOrigin, EnvironmentRedirectUri, RedirectPurpose};
pub use signing_key::{KeyPurpose, KeyState, SigningKeyRecord};
pub use staff::StaffRole;
pub use standalone::{
    Completed, ExternalAuthentication, LoginUri, LoginUriError, SessionLogin, Standalone, StandaloneSubject,
};
pub use user::{Membership, MembershipStatus, User};
pub use web_address::{WebAddress, WebAddressError};
pub use webhook::{AttemptOutcome, DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookStatus};
