//! The hosted pages and emails of Countersign: views in, HTML out.
//!
//! Owns how pages look and what they say, in every [`Language`]. Leaves to others: which page comes next, what is
//! stored, and serving [`STYLESHEET`] and [`branding_css`]. There is no I/O here. No page has an inline script or style,
//! and only the dashboard and the portal have a script, so pages work under the strictest Content Security Policy.

mod application;
mod branding;
mod colour;
pub mod dashboard;
pub mod demo;
mod font;
mod form;
mod frame;
mod language;
pub mod mail;
mod picture;
pub mod portal;
mod problem;
mod stylesheet;
mod texts;
mod web_link;

mod account;
mod choose_organization;
mod code;
mod code_elsewhere;
mod consent;
mod device;
mod device_confirm;
mod device_done;
mod error;
mod forgot_password;
mod invitation;
mod mailbox;
mod mailbox_message;
mod not_a_member;
mod password;
mod redirect_page;
mod reset_password;
mod second_factor;
mod select_account;
mod sign_in;
mod sign_out_confirm;
mod sign_up;
mod signed_out;

pub use account::{Account, ConnectedApplication, Session, TwoSteps};
pub use application::Application;
pub use branding::{Branding, Corners, Palette, branding_css};
pub use choose_organization::ChooseOrganization;
pub use code::{Code, CodePurpose};
pub use code_elsewhere::CodeElsewhere;
pub use colour::Colour;
pub use consent::{Access, ChoiceGroup, Choosing, Consent, Identity};
pub use device::Device;
pub use device_confirm::DeviceConfirm;
pub use device_done::DeviceDone;
pub use error::{ErrorPage, Trouble};
pub use font::Font;
pub use forgot_password::{ForgotPassword, ForgotPasswordSent};
pub use form::{Form, Organization};
pub use frame::{Frame, Page};
pub use invitation::Invitation;
pub use language::Language;
pub use mailbox::{Mailbox, MailboxEntry};
pub use mailbox_message::MailboxMessage;
pub use not_a_member::NotAMember;
pub use password::Password;
pub use picture::{Logo, Picture};
pub use problem::{Field, Problem};
pub use redirect_page::RedirectPage;
pub use reset_password::ResetPassword;
pub use second_factor::{RemoveSecondFactor, SecondFactor, SetUpSecondFactor};
pub use select_account::SelectAccount;
pub use sign_in::SignIn;
pub use sign_out_confirm::SignOutConfirm;
pub use sign_up::SignUp;
pub use signed_out::SignedOut;
pub use stylesheet::{
    DASHBOARD_ICON, DASHBOARD_SCRIPT, DASHBOARD_SCRIPT_PATH, DASHBOARD_STYLESHEET, DASHBOARD_STYLESHEET_PATH,
    STYLESHEET, STYLESHEET_PATH,
};
pub use texts::Texts;
