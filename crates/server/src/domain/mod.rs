//! Acts that more than one front door performs: the management API and `countersign apply` create the same things
//! through the same functions. Each runs inside the caller's transaction and writes its events there.

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

/// What people know the product of an environment as: what was chosen, else the environment's name.
pub fn product_name(environment: &countersign_protocol::model::Environment) -> String {
    match &environment.brand.name {
        Some(name) => name.clone(),
        None if environment.name == "default" => "Countersign".to_owned(),
        None => environment.name.clone(),
    }
}
