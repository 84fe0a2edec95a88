//! Organizations.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | the list of organizations |
//! | [`create`] | creating an organization |
//! | [`detail`] | an organization's page: settings and deletion |
//! | [`domains`] | its domains |
//! | [`people`] | its members |
//! | [`member`] | a member's page |
//! | [`invitations`] | its invitations |
//! | [`access`] | its applications, API keys and authorized applications |
//! | [`own_page`] | what organizations' administrators may do themselves |

pub mod access;
pub mod create;
pub mod detail;
pub mod domains;
pub mod invitations;
pub mod list;
pub mod member;
pub mod own_page;
pub mod people;

use super::call::DashboardCall;
use crate::domain::organizations;
use crate::hosted::page::PageError;
use countersign_pages::dashboard::Tick;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{DEFAULT_ROLE, Organization};
use countersign_store::{permission, role};

/// Maximum number of permissions offered.
const MAX: usize = 500;

/// The organization named by the path.
async fn find(call: &DashboardCall) -> Result<Organization, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(organizations::find(&mut reader, &call.act(), call.page.path.get("id")).await?)
}

/// All roles, with the chosen ones ticked; if none is chosen, the default role is ticked.
pub(super) async fn roles(call: &DashboardCall, chosen: &[String]) -> Result<Vec<Tick>, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let all = role::list(&mut reader, call.environment.id()).await?;
    let is_chosen = |slug: &String| if chosen.is_empty() { slug == DEFAULT_ROLE } else { chosen.contains(slug) };
    Ok(all.into_iter().map(|role| Tick { chosen: is_chosen(&role.slug), slug: role.slug, name: role.name }).collect())
}

/// All permissions, with the chosen ones ticked.
pub(super) async fn permissions(call: &DashboardCall, chosen: &[String]) -> Result<Vec<Tick>, PageError> {
    let slice = Slice { scan: Scan::Ascending, from: None, limit: MAX };
    let mut reader = call.page.app.store.reader().await?;
    let all = permission::list(&mut reader, call.environment.id(), &slice).await?;
    let tick = |slug: String, name: String| Tick { chosen: chosen.contains(&slug), slug, name };
    Ok(all.into_iter().map(|known| tick(known.slug, known.name)).collect())
}
