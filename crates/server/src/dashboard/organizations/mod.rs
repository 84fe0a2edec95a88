//! Organizations.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | which there are |
//! | [`create`] | making one |
//! | [`detail`] | one of them: its settings, its end |
//! | [`domains`] | its domains |
//! | [`people`] | its members |
//! | [`member`] | one of them |
//! | [`invitations`] | whom it asks in |
//! | [`access`] | what programs may do for it |
//! | [`own_page`] | what administrators of organizations may do on their own |

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

/// Most permissions that are offered.
const MOST: usize = 500;

/// The organization that the path names.
async fn find(call: &DashboardCall) -> Result<Organization, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(organizations::find(&mut reader, &call.act(), call.page.path.get("id")).await?)
}

/// The roles there are, the chosen ones ticked; where nothing is chosen, the default one.
pub(super) async fn roles(call: &DashboardCall, chosen: &[String]) -> Result<Vec<Tick>, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let all = role::list(&mut reader, call.environment.id()).await?;
    let is_chosen = |slug: &String| if chosen.is_empty() { slug == DEFAULT_ROLE } else { chosen.contains(slug) };
    Ok(all.into_iter().map(|role| Tick { chosen: is_chosen(&role.slug), slug: role.slug, name: role.name }).collect())
}

/// The permissions there are, the chosen ones ticked.
pub(super) async fn permissions(call: &DashboardCall, chosen: &[String]) -> Result<Vec<Tick>, PageError> {
    let slice = Slice { scan: Scan::Ascending, from: None, limit: MOST };
    let mut reader = call.page.app.store.reader().await?;
    let all = permission::list(&mut reader, call.environment.id(), &slice).await?;
    let tick = |slug: String, name: String| Tick { chosen: chosen.contains(&slug), slug, name };
    Ok(all.into_iter().map(|known| tick(known.slug, known.name)).collect())
}
