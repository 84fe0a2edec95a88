//! People.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | who there is |
//! | [`create`] | making an account |
//! | [`detail`] | one of them: the account, its end |
//! | [`acts`] | their sessions, what they have let in, their password |

pub mod acts;
pub mod create;
pub mod detail;
pub mod list;

use super::call::DashboardCall;
use crate::domain::users;
use crate::hosted::page::PageError;
use countersign_protocol::model::User;

/// Longest address.
pub(super) const LONGEST_EMAIL: usize = 254;

/// The person that the path names.
async fn find(call: &DashboardCall) -> Result<User, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(users::find(&mut reader, &call.act(), call.page.path.get("id")).await?)
}
