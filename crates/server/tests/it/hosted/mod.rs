//! What browsers and applications meet: from a request to tokens, page by page.

mod authorization_code;
mod refresh_token;
mod sign_in;
