//! The dashboard: the product, as the company's own staff see and change it. Its pages call the same domain operations as the
//! management API; there is no second way into the data.
//!
//! | Module | Owns |
//! |---|---|
//! | [`call`] | who calls: a member of staff, and which environment they look at |
//! | [`page`] | the shell of every page, its headers, messages, and pages for what cannot be done |
//! | [`field`] | reading forms |
//! | [`assets`] | style sheet and script |
//! | [`welcome`] | making one's account from a link |
//! | [`overview`] | the first page of an environment |
//! | [`applications`] | applications and their credentials |

pub mod applications;
pub mod assets;
pub mod call;
pub mod field;
pub mod overview;
pub mod page;
pub mod welcome;
