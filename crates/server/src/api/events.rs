//! `/events`.

use crate::domain::{Failure, events};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::events::{cursor_not_found, event_view, organization_not_found, parse};
use countersign_store::{event, organization};

/// `GET /events`.
///
/// # Errors
/// 400 for an unknown cursor or organization; 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let (request, filter) = parse(&call.query)?;
    // Place the newest events first, so that a caller that has just changed something finds its event.
    events::place_if_possible(&call.app.store, &call.app.clock).await;
    let (mut reader, environment_id) = (call.reader().await?, call.environment.id());
    if let Some(id) = filter.organization_id
        && organization::find(&mut reader, environment_id, id).await?.is_none()
        // A deleted organization has at least its deletion event.
        && !event::is_of_organization(&mut reader, environment_id, id).await?
    {
        return Err(organization_not_found(&id.to_string()).into());
    }
    let slice = request.slice();
    let from = match slice.from {
        None => None,
        Some(id) => {
            let position = event::position(&mut reader, environment_id, id).await?;
            Some(position.ok_or_else(|| cursor_not_found(id))?)
        }
    };
    let stretch = event::EventRange { scan: slice.scan, from, limit: slice.limit };
    let found = event::list(&mut reader, environment_id, &filter, stretch).await?;
    Ok(Reply::ok(&request.page(found, |event| event.id).map(|event| event_view(&event)).envelope()))
}
