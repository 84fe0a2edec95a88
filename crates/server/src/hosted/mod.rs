//! What browsers visit: signing in, agreeing, choosing, the account page, and the authorization endpoint that leads
//! through them. How pages look is in `countersign_pages`; what is decided is in `countersign_protocol`.
//!
//! | Module | Owns |
//! |---|---|
//! | [`authorize`] | `/oauth2/authorize`: from a request to a code |
//! | [`own_application`] | `/user_management/authorize`: the same for the environment's own application |
//! | [`client`] | the client that a request names |
//! | [`form_redirect`] | how the answer to a form leaves our origin |
//! | [`response_timing`] | answers whose time does not reveal whether an account exists |
//! | [`flow`] | what a browser carries from page to page, sealed |
//! | [`page`] | the frame of every page, its headers, and pages for what cannot go on |
//! | [`login_uri`] | signing in at the company's own login instead |
//! | [`product_pages`] | the way to the company's product, for whoever was sent by no application |
//! | [`session`] | who is signed in in this browser |
//! | [`sign_in`], [`email_code`], [`sign_up`], [`password_reset`] | ways to prove who one is |
//! | [`second_factor`] | what is asked after that |
//! | [`consent`], [`choose_organization`], [`select_account`] | decisions of who is signed in |
//! | [`device`] | entering the code of a device |
//! | [`invitation`] | accepting an invitation |
//! | [`account`], [`sign_out`] | what a person sees of their own, and the way out |
//! | [`root`] | `/`, and addresses that lead nowhere |
//! | [`mailbox`] | the messages that nobody sent, for development |
//! | [`assets`] | style sheets |

pub mod account;
pub mod assets;
pub mod authorize;
pub mod choose_organization;
pub mod client;
pub mod consent;
pub mod device;
pub mod email_code;
pub mod flow;
pub mod form_redirect;
pub mod invitation;
pub mod login_uri;
pub mod mailbox;
pub mod not_a_member;
pub mod own_application;
pub mod page;
pub mod password_reset;
pub mod product_pages;
pub mod response_timing;
pub mod root;
pub mod second_factor;
pub mod select_account;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
