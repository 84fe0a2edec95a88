//! Users.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | the list of users |
//! | [`create`] | creating an account |
//! | [`detail`] | a user's page: editing and deleting the account |
//! | [`acts`] | a user's sessions, authorized applications, password and second factor |

pub mod acts;
pub mod create;
pub mod detail;
pub mod list;

use super::call::DashboardCall;
use crate::domain::users;
use crate::hosted::page::PageError;
use countersign_protocol::model::User;

/// Maximum length of an email address.
pub(super) const MAX_EMAIL_LENGTH: usize = 254;

/// The user named by the path.
async fn find(call: &DashboardCall) -> Result<User, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(users::find(&mut reader, &call.act(), call.page.path.get("id")).await?)
}
