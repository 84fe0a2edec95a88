//! Applications and their credentials.
//!
//! | Module | Owns |
//! |---|---|
//! | [`list`] | the list of applications |
//! | [`create`] | creating an application |
//! | [`detail`] | an application's page: settings and deletion |
//! | [`logo`] | its logo |
//! | [`secrets`] | its credentials |
//! | [`snippets`] | code to paste |

pub mod create;
pub mod detail;
pub mod list;
pub mod logo;
pub mod secrets;
pub mod snippets;

use super::call::DashboardCall;
use super::field;
use crate::hosted::page::PageError;
use countersign_pages::dashboard::ScopeOption;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{ApplicationKind, ClientType, Ownership};
use countersign_protocol::oauth::params::Params;
use countersign_store::permission;
use serde_json::{Value, json};

/// Maximum number of permissions offered.
const MAX: usize = 500;

/// The application's kind, in words.
pub(super) fn kind_in_words(kind: &ApplicationKind) -> &'static str {
    match kind {
        ApplicationKind::Machine { .. } => "Machine",
        ApplicationKind::OAuth { ownership: Ownership::FirstParty, client_type: ClientType::Confidential, .. } => {
            "Web application, our own"
        }
        ApplicationKind::OAuth { ownership: Ownership::FirstParty, client_type: ClientType::Public, .. } => {
            "Public client, our own"
        }
        ApplicationKind::OAuth { client_type: ClientType::Confidential, .. } => "Web application",
        ApplicationKind::OAuth { client_type: ClientType::Public, .. } => "Public client",
    }
}

/// All permissions, with the chosen ones ticked.
async fn scope_options(call: &DashboardCall, chosen: &[String]) -> Result<Vec<ScopeOption>, PageError> {
    let slice = Slice { scan: Scan::Ascending, from: None, limit: MAX };
    let mut reader = call.page.app.store.reader().await?;
    let all = permission::list(&mut reader, call.environment.id(), &slice).await?;
    let option = |slug: String, name: String| ScopeOption { chosen: chosen.contains(&slug), slug, name };
    Ok(all.into_iter().map(|known| option(known.slug, known.name)).collect())
}

/// The ticked scopes.
fn chosen_scopes(form: &Params<'_>, options: &[ScopeOption]) -> Vec<String> {
    let ticked = |slug: &str| form.get(&format!("scope_{slug}")).is_some();
    options.iter().filter(|option| ticked(&option.slug)).map(|option| option.slug.clone()).collect()
}

/// The typed redirect URIs, one per line, in the API's format; the first is the default.
fn redirect_uris(form: &Params<'_>) -> Value {
    let lines = field::lines(form, "redirect_uris").into_iter().enumerate();
    lines.map(|(at, uri)| json!({"uri": uri, "default": at == 0})).collect()
}
