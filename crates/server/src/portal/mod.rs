//! The organization's own page: the parts of an organization that the company opens to its customers' administrators,
//! with the product's branding. Its pages call the same domain operations as the management API, always with the
//! visit's organization.
//!
//! | Module | Owns |
//! |---|---|
//! | [`call`] | the visitor and what they may access |
//! | [`page`] | the shell of every page, its headers, and notice pages |
//! | [`visit`] | opening a link, choosing an organization, leaving |
//! | [`machines`] | applications of the organization and their secrets |
//! | [`keys`] | its API keys |
//! | [`new`] | the form that creates an application or a key |
//! | [`connections`] | applications that its members have authorized |
//! | [`domains`] | verification of its domains |

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

/// The permissions that the company lets organizations grant, with those chosen in the form ticked.
async fn offered(call: &PortalCall, form: Option<&Params<'_>>) -> Result<Vec<AccessOption>, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let mut options = Vec::new();
    for slug in &call.settings().permissions {
        // A deleted permission is no longer offered.
        let Some(known) = permission::find(&mut reader, call.environment_id(), slug).await? else { continue };
        let chosen = form.is_some_and(|form| form.get(&format!("scope_{slug}")).is_some());
        let description = known.description.unwrap_or_default();
        options.push(AccessOption { slug: known.slug, name: known.name, description, chosen });
    }
    Ok(options)
}

/// The creator of a credential, in words for people of the organization.
async fn in_words(call: &PortalCall, reader: &mut Reader, made_by: MadeBy) -> Result<String, PageError> {
    let t = call.language().texts();
    Ok(match made_by {
        // Customers are not told whether the API, the operator or a member of staff created it: all of them are the
        // company.
        MadeBy::Api | MadeBy::Operator | MadeBy::Staff => call.product(),
        MadeBy::Visitor => t.portal_by_visitor().to_owned(),
        MadeBy::Member(id) => {
            let found = user::find(reader, call.environment_id(), id).await?;
            found.map_or_else(|| t.portal_by_former().to_owned(), |user| user.email)
        }
    })
}
