//! What browsers and applications meet: from a request to tokens, page by page.

mod authorization_code;
mod code_link;
mod device;
mod invitation;
mod jwt_template;
mod many_organizations;
mod refresh_token;
mod seen_by_the_company;
mod sign_in;
mod sign_out;
mod vanishing;
