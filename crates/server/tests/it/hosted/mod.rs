//! What browsers and applications meet: from a request to tokens, page by page.

mod authorization_code;
mod device;
mod invitation;
mod look;
mod policy;
mod refresh_token;
mod seen_by_the_company;
mod sign_in;
mod sign_out;
