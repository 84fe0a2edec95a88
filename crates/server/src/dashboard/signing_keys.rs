//! `/dashboard/env/{environment}/signing-keys`.

use super::call::DashboardCall;
use super::field;
use super::page::{shown, when};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::keys::rotation;
use countersign_pages::dashboard::{KeysOfPurpose, Section, SigningKeyRow, SigningKeys};
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::model::{Actor, KeyPurpose, KeyState, SigningKeyRecord};
use countersign_store::signing_key;

fn row(key: &SigningKeyRecord) -> SigningKeyRow {
    SigningKeyRow {
        id: key.id.to_string(),
        algorithm: key.algorithm.to_string(),
        state: key.state.as_str(),
        meaning: match key.state {
            KeyState::Pending { activates_at } => {
                format!("Published so that clients know it. Signs from {}.", when(activates_at))
            }
            KeyState::Active => "Signs new tokens now.".to_owned(),
            KeyState::Retiring { gone_at } => {
                format!("No longer signs. Published until its last token expires, on {}.", when(gone_at))
            }
        },
        created: when(key.created_at),
    }
}

/// The keys, grouped by purpose.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let all = signing_key::list(&mut reader, call.environment.id()).await?;
    drop(reader);
    let purposes = KeyPurpose::ALL.map(|purpose| {
        let (title, text) = match purpose {
            KeyPurpose::Direct => (
                "Your product and machines",
                "Sign the tokens of sessions with your own product, and those of machines.",
            ),
            KeyPurpose::Delegated => (
                "Applications that users allow",
                "Sign the access tokens and ID tokens that applications get for users. Kept separate so that such a token can never pass for a session with your product.",
            ),
        };
        let of_purpose = all.iter().filter(|key| key.purpose == purpose).rev();
        KeysOfPurpose { purpose: purpose.as_str(), title, text, keys: of_purpose.map(row).collect() }
    });
    let page = SigningKeys {
        shell: &call.shell(Section::SigningKeys),
        purposes: &purposes,
        algorithm: call.environment.environment.signing_algorithm.as_str(),
    };
    Ok(shown(&page))
}

/// Publishes successors of the active keys, which start signing at once or after a delay.
///
/// # Errors
/// Database errors.
pub async fn rotate(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (app, environment) = (&call.page.app, &call.environment.environment);
    let now = app.clock.now();
    let at_once = form.get("when") == Some("now");
    let activates_at = if at_once { now } else { now.plus_secs(rotation::PUBLISHED_BEFORE_SIGNING) };
    let by = call.act().actor;
    for purpose in KeyPurpose::ALL {
        rotation::rotate(app, Actor::clone(&by), environment, purpose, environment.signing_algorithm, activates_at)
            .await?;
    }
    call.to(if at_once { "/signing-keys?done=rotated" } else { "/signing-keys?done=rotating" })
}

/// Removes a key at once, for use after a leak.
///
/// # Errors
/// 404.
pub async fn burn(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let typed = field::text(&form, "key_id");
    let id = SigningKeyId::parse(typed).map_err(|_| Failure::not_found("Signing key", typed))?;
    rotation::burn(&call.page.app, Actor::clone(&call.act().actor), &call.environment.environment, id).await?;
    call.to("/signing-keys?done=burnt")
}
