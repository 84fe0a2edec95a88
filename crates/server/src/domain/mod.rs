//! Operations shared by several entry points: the management API and `countersign apply` create the same things through
//! the same functions. Each one runs inside the caller's transaction and writes its events there.

mod act;
pub mod attempts;
pub mod audit_log;
pub mod connect;
pub mod environments;
pub mod events;
mod failure;
pub mod mails;
pub mod organizations;
pub mod sessions;
pub mod staff;
pub mod users;
pub mod webhooks;

pub use act::Act;
pub use failure::Failure;

/// The product name of an environment as shown to users: the branding name if set, otherwise the environment's name.
pub fn product_name(environment: &countersign_protocol::model::Environment) -> String {
    match &environment.brand.name {
        Some(name) => name.clone(),
        None if environment.name == "default" => "Countersign".to_owned(),
        None => environment.name.clone(),
    }
}
