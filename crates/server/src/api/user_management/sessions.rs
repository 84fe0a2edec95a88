//! User sessions.

use crate::domain::sessions::{self, session_view};
use crate::domain::{Failure, users};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::SessionId;
use countersign_protocol::management::page::PageRequest;
use countersign_store::session;

/// `GET /user_management/users/{id}/sessions`: the live ones.
///
/// # Errors
/// 404, 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| SessionId::parse(text).ok())?;
    let mut reader = call.reader().await?;
    let user = users::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let counts = (call.environment.environment.sessions, call.app.clock.now());
    let rows = session::list(&mut reader, call.environment.id(), &request.slice(), user.id, counts).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| session_view(&row)).envelope()))
}

/// `POST /user_management/sessions/revoke`.
///
/// # Errors
/// 422; 400 for a session that has ended; 404.
pub async fn revoke(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let id = fields.required_text("session_id", 255);
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let missing = || Failure::not_found("Session", &id);
            let parsed = SessionId::parse(&id).map_err(|_| missing())?;
            session::find(tx, act.environment_id, parsed).await?.ok_or_else(missing)?;
            if !sessions::end(tx, &act, parsed).await? {
                return Err(Failure::bad_request("session_not_revocable", "The session has ended already."));
            }
            let ended = session::find(tx, act.environment_id, parsed).await?.ok_or_else(missing)?;
            Ok(Reply::ok(&session_view(&ended)))
        })
    })
    .await
}
