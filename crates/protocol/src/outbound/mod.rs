//! Where requests of ours may go. Addresses that others give us, such as an application's logout address, must not make
//! this server a way into the network it stands in (server-side request forgery).

mod address;
mod target;

pub use address::is_public;
pub use target::{Reach, Target, TargetError};
