//! OAuth applications: the clients, the consents given to them, and the grants that follow from these.

pub mod applications;
pub mod authorization_codes;
pub mod client_secrets;
pub mod external_authentications;
pub mod grants;
pub mod self_registration;
