//! The dashboard: the product, as the company's own staff see and change it. Its pages call the same domain operations as the
//! management API; there is no second way into the data.
//!
//! | Module | Owns |
//! |---|---|
//! | [`call`] | who calls: a member of staff, and which environment they look at |
//! | [`page`] | the shell of every page, its headers, messages, and pages for what cannot be done |
//! | [`field`] | reading forms |
//! | [`form_version`] | forms over what somebody else may have changed since they were drawn |
//! | [`list_cursor`] | one of several lists on a page |
//! | [`assets`] | style sheet and script |
//! | [`welcome`] | making one's account from a link |
//! | [`overview`] | the first page of an environment |
//! | [`applications`] | applications and their credentials |
//! | [`organizations`] | organizations, their domains, people, machines and API keys |
//! | [`users`] | people and their sessions |
//! | [`roles`] | roles and permissions |
//! | [`api_keys`] | keys of the management API |
//! | [`signing_keys`] | what tokens are signed with |
//! | [`environments`] | the environments and their settings |
//! | [`staff`] | who may use the dashboard |
//! | [`duration`] | spans of time as people write them |
//! | [`branding`] | how pages and mails look, and a preview of them |
//! | [`pictures`] | handing in pictures, and showing them |
//! | [`connect`] | sign-in elsewhere, clients that introduce themselves, resources |
//! | [`redirects`] | where the environment's own application may have people sent |
//! | [`events`] | what has happened |
//! | [`webhooks`] | who is told of it, and whether that arrived |
//! | [`audit_log`] | who did what here, and the logs of organizations |

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
