//! The organization's own page: what a company opens of it to its customers' administrators, in the product's look. Its pages
//! call the same domain operations as the management API, each with the organization of the visit.
//!
//! | Module | Owns |
//! |---|---|
//! | [`call`] | who visits, and what is open to them |
//! | [`page`] | the shell of every page, its headers, and pages that say one thing |
//! | [`visit`] | opening a link, choosing an organization, leaving |
//! | [`machines`] | applications of the organization and their secrets |
//! | [`keys`] | its API keys |
//! | [`new`] | the form that makes an application or a key |
//! | [`connections`] | what its members have connected |
//! | [`domains`] | proof of its domains |

pub mod call;
pub mod connections;
pub mod domains;
pub mod keys;
pub mod machines;
pub mod new;
pub mod page;
pub mod visit;

use crate::hosted::page::PageError;
use call::PortalCall;
use countersign_pages::portal::AccessOption;
use countersign_protocol::model::MadeBy;
use countersign_protocol::oauth::params::Params;
use countersign_store::{Reader, permission, user};

/// What the company lets organizations give to what they make, the ticked ones ticked.
async fn offered(call: &PortalCall, form: Option<&Params<'_>>) -> Result<Vec<AccessOption>, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let mut options = Vec::new();
    for slug in &call.settings().permissions {
        // One that was deleted is offered no more.
        let Some(known) = permission::find(&mut reader, call.environment_id(), slug).await? else { continue };
        let chosen = form.is_some_and(|form| form.get(&format!("scope_{slug}")).is_some());
        let description = known.description.unwrap_or_default();
        options.push(AccessOption { slug: known.slug, name: known.name, description, chosen });
    }
    Ok(options)
}

/// Who has made a credential, in words for people of the organization.
async fn in_words(call: &PortalCall, reader: &mut Reader, made_by: MadeBy) -> Result<String, PageError> {
    let t = call.language().texts();
    Ok(match made_by {
        // Customers are not shown whether the API, the operator or a member of staff made it: all are the company.
        MadeBy::Api | MadeBy::Operator | MadeBy::Staff => call.product(),
        MadeBy::Visitor => t.portal_by_visitor().to_owned(),
        MadeBy::Member(id) => {
            let found = user::find(reader, call.environment_id(), id).await?;
            found.map_or_else(|| t.portal_by_former().to_owned(), |user| user.email)
        }
    })
}
