//! The environments of the installation, and the settings of each.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | which there are |
//! | [`create`] | making one |
//! | [`settings`] | the settings of one |

pub mod create;
pub mod list;
pub mod settings;
