//! The dashboard, where the company's own staff see and change the product. Its pages call the same domain operations
//! as the management API; there is no other path to the data.
//!
//! | Module | Owns |
//! |---|---|
//! | [`call`] | the caller: a member of staff and the environment they are looking at |
//! | [`page`] | the shell of every page, its headers, messages, and error pages |
//! | [`field`] | form parsing |
//! | [`form_version`] | detection of concurrent edits to what a form shows |
//! | [`list_cursor`] | pagination of one of several lists on a page |
//! | [`assets`] | stylesheet and script |
//! | [`welcome`] | account creation from a link |
//! | [`overview`] | the first page of an environment |
//! | [`applications`] | applications and their credentials |
//! | [`organizations`] | organizations, their domains, people, machines and API keys |
//! | [`users`] | people and their sessions |
//! | [`roles`] | roles and permissions |
//! | [`api_keys`] | API keys of the management API |
//! | [`signing_keys`] | token signing keys |
//! | [`environments`] | environments and their settings |
//! | [`staff`] | who may use the dashboard |
//! | [`duration`] | human-readable durations |
//! | [`branding`] | the look of pages and emails, with a preview |
//! | [`pictures`] | picture upload and display |
//! | [`connect`] | external login, clients that register themselves, resources |
//! | [`redirects`] | redirect URIs of the environment's own application |
//! | [`events`] | the event list |
//! | [`webhooks`] | webhook endpoints and their deliveries |
//! | [`audit_log`] | the staff audit log and organizations' audit logs |

pub mod api_keys;
pub mod applications;
pub mod assets;
pub mod audit_log;
pub mod branding;
pub mod call;
pub mod connect;
pub mod duration;
pub mod environments;
pub mod events;
pub mod field;
pub mod form_version;
pub mod list_cursor;
pub mod organizations;
pub mod overview;
pub mod page;
pub mod pictures;
pub mod redirects;
pub mod roles;
pub mod signing_keys;
pub mod staff;
pub mod users;
pub mod webhooks;
pub mod welcome;
