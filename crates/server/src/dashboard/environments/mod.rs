//! The installation's environments and their settings.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | the list of environments |
//! | [`create`] | creating an environment |
//! | [`settings`] | an environment's settings |

pub mod create;
pub mod list;
pub mod settings;
