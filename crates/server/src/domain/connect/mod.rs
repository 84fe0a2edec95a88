//! OAuth applications: who may ask, what people have allowed them, and what they hold because of it.

pub mod applications;
pub mod authorization_codes;
pub mod client_secrets;
pub mod external_authentications;
pub mod grants;
pub mod self_registration;
