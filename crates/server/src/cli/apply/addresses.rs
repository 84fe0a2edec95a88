//! The addresses that an environment allows: redirect URIs, CORS origins, and OAuth resources. A declared list replaces
//! the whole list.

use super::End;
use super::document::EnvironmentEntry;
use crate::domain::Act;
use crate::domain::environments::cors_origins::set_cors_origins;
use crate::domain::environments::declared_list::Replaced;
use crate::domain::environments::oauth_resources;
use crate::domain::environments::redirect_uris::set_redirect_uris;
use countersign_protocol::model::RedirectPurpose;
use countersign_store::Tx;

pub(super) async fn apply(tx: &mut Tx, act: &Act, entry: &EnvironmentEntry, plan: &mut Vec<String>) -> Result<(), End> {
    for (purpose, uris, what) in [
        (RedirectPurpose::SignIn, &entry.redirect_uris, "redirect URI"),
        (RedirectPurpose::SignOut, &entry.sign_out_uris, "sign-out URI"),
    ] {
        if let Some(uris) = uris {
            tell(set_redirect_uris(tx, act, purpose, uris).await?, what, uris.first(), plan);
        }
    }
    if let Some(origins) = &entry.cors_origins {
        tell(set_cors_origins(tx, act, origins).await?, "CORS origin", None, plan);
    }
    match (&entry.resources, &entry.default_resource) {
        (None, None) => {}
        (None, Some(_)) => {
            return Err(End::Wrong(format!("environment '{}': default_resource requires resources.", entry.name)));
        }
        (Some(uris), default) => {
            let replaced = oauth_resources::set(tx, act, uris, default.as_deref()).await?;
            tell(replaced, "resource", default.as_ref(), plan);
        }
    }
    Ok(())
}

fn tell(replaced: Replaced, what: &str, default: Option<&String>, plan: &mut Vec<String>) {
    plan.extend(replaced.deleted.iter().map(|uri| format!("- {what} {uri}")));
    plan.extend(replaced.added.iter().map(|uri| format!("+ {what} {uri}")));
    if replaced.other_default {
        plan.push(format!("~ default {what}: {}", default.map_or("none", String::as_str)));
    }
}
