//! What browsers and applications see: from a request to the tokens, page by page.

pub mod authorization_code;
mod backchannel_logout;
pub mod client_documents;
mod code_link;
mod codes_as_objects;
mod conformance;
mod device;
mod document_policy;
mod front_door;
mod invitation;
mod jwt_template;
mod languages;
mod look;
mod many_organizations;
mod policy;
mod product;
mod refresh_token;
mod resource_indicators;
mod second_factor;
mod seen_by_the_company;
mod sign_in;
mod sign_out;
mod vanishing;
mod ways_on;
