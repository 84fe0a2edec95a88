//! Allowed destinations of outbound requests. URLs that others supply, such as an application's logout URL, must not
//! turn this server into a gateway to its own network (server-side request forgery).

mod address;
mod target;

pub use address::is_public;
pub use target::{Reach, Target, TargetError};
