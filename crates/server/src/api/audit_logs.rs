//! `/audit_logs`, and the audit log settings of an organization.

use crate::app::App;
use crate::domain::audit_log::{self, exports};
use crate::domain::{Act, Failure, organizations};
use crate::http::management::ManagementCall;
use crate::http::public_call::PublicCall;
use crate::http::reply::Reply;
use crate::http::streamed::{StreamedBody, TIMEOUT};
use bytes::Bytes;
use countersign_protocol::audit::export::{configuration_view, export_view};
use countersign_protocol::audit::schema::{is_action_name, schema_view};
use countersign_protocol::audit::{event, export, retention, schema};
use countersign_protocol::id::{AuditActionId, AuditExportId, AuditSchemaId, EnvironmentId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::Actor;
use countersign_store::audit_log_schema::{self, Action};
use countersign_store::{audit_log_export, audit_log_retention, audit_log_stream};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Value, json};
use std::sync::Arc;

/// The maximum size of an event, in bytes of JSON.
const MAX_EVENT_LENGTH: usize = 64 * 1024;
/// The `Retry-After` when there are too many downloads of one export, in seconds.
const ASK_AGAIN: u64 = 10;

fn action_view(action: &Action) -> Value {
    json!({
        "object": "audit_log_action",
        "name": action.name,
        "schema": schema_view(&action.schema),
        "created_at": action.created_at,
        "updated_at": action.updated_at,
    })
}

/// `GET /audit_logs/actions`.
///
/// # Errors
/// 422.
pub async fn actions(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| AuditActionId::parse(text).ok())?;
    let found = audit_log_schema::actions(&mut call.reader().await?, call.environment.id(), &request.slice()).await?;
    Ok(Reply::ok(&request.page(found, |action| action.id).map(|action| action_view(&action)).envelope()))
}

/// `POST /audit_logs/actions/{name}/schemas`: a new version, unless it is identical to the newest one.
///
/// # Errors
/// 422.
pub async fn create_schema(call: ManagementCall) -> Result<Reply, Failure> {
    let name = call.path.get("name").to_owned();
    if !is_action_name(&name) {
        return Err(Failure::invalid(
            "name",
            "invalid",
            "The name of an action has 1 to 255 characters, and no spaces.",
        ));
    }
    let rules = schema::parse(call.fields()?)?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let latest = audit_log_schema::find(tx, act.environment_id, &name, None).await?;
            if let Some(same) = latest.filter(|latest| latest.rules == rules) {
                audit_log::mark_unchanged(&act);
                return Ok(Reply::created(&schema_view(&same)));
            }
            let (action_id, id) = (act.entropy.id(act.now)?, act.entropy.id(act.now)?);
            let made =
                audit_log_schema::insert(tx, act.environment_id, (action_id, &name), (id, rules), act.now).await?;
            audit_log::note(tx, &act, "audit_log_schema.created", "audit_log_action", &name).await?;
            Ok(Reply::created(&schema_view(&made)))
        })
    })
    .await
}

/// `GET /audit_logs/actions/{name}/schemas`.
///
/// # Errors
/// 404, 422.
pub async fn schemas(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| AuditSchemaId::parse(text).ok())?;
    let (mut reader, environment_id, name) = (call.reader().await?, call.environment.id(), call.path.get("name"));
    let action = audit_log_schema::find_action(&mut reader, environment_id, name).await?;
    let action = action.ok_or_else(|| Failure::not_found("Audit Log action", name))?;
    let found = audit_log_schema::versions(&mut reader, environment_id, action, &request.slice()).await?;
    Ok(Reply::ok(&request.page(found, |schema| schema.id).map(|schema| schema_view(&schema)).envelope()))
}

/// `POST /audit_logs/events`.
///
/// # Errors
/// 400 `invalid_audit_log_event`, 404, 413, 422.
pub async fn create_event(call: ManagementCall) -> Result<Reply, Failure> {
    let call = call.once_per_content();
    let (organization_id, mut event) = event::parse(call.fields()?)?;
    if serde_json::to_string(&event).map_err(Failure::internal)?.len() > MAX_EVENT_LENGTH {
        return Err(ApiError::TooLarge.into());
    }
    call.commit(move |tx, act| {
        Box::pin(async move {
            let organization = organizations::find(tx, &act, &organization_id).await?;
            let schema = audit_log_schema::find(tx, act.environment_id, &event.action, event.version).await?;
            let schema = match (schema, event.version) {
                (Some(schema), _) => schema,
                (None, Some(_))
                    if audit_log_schema::find_action(tx, act.environment_id, &event.action).await?.is_some() =>
                {
                    return Err(ApiError::InvalidAuditLogEvent(vec!["/version".to_owned()]).into());
                }
                (None, _) => return Err(Failure::not_found("Audit Log action", &event.action)),
            };
            let faults = schema.rules.faults(&event);
            if !faults.is_empty() {
                return Err(ApiError::InvalidAuditLogEvent(faults).into());
            }
            event.version = Some(schema.version);
            audit_log::tell(tx, &act, organization.id, &event).await?;
            Ok(Reply::ok(&json!({"success": true})))
        })
    })
    .await
}

/// `POST /audit_logs/exports`.
///
/// # Errors
/// 400 `invalid_audit_log_export_range_date`, 404, 422, 429.
pub async fn create_export(call: ManagementCall) -> Result<Reply, Failure> {
    let (organization_id, wanted) = export::parse(call.fields()?)?;
    // The export must include events that were sent just before this call.
    exports::settle(&call.app, call.environment.id()).await?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let made = exports::create(tx, &act, &organization_id, wanted).await?;
            Ok(Reply::created(&export_view(&made, None)))
        })
    })
    .await
}

/// `GET /audit_logs/exports/{id}`: every response has a new download URL.
///
/// # Errors
/// 404.
pub async fn get_export(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = exports::find(&mut call.reader().await?, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&export_view(&found, exports::address(&act, &found).as_deref())))
}

/// `GET /audit_logs/exports/{id}/download`: the URL is the credential.
///
/// # Errors
/// 404 for an invalid or expired URL; 429 while there are too many downloads of the export.
pub async fn download(call: PublicCall, query: Query) -> Result<Reply, Failure> {
    let environment = &call.environment()?.environment;
    let act = Act::new(environment, Actor::Visitor, &call.app.clock, &call.app.entropy, &call.app.keyring);
    let (app, id) = (Arc::clone(&call.app), call.path.get("id"));
    let mut reader = app.store.reader().await?;
    let (expires, signature) = (query.get("expires")?, query.get("signature")?);
    let found = exports::addressed(&mut reader, &act, id, expires, signature).await?;
    drop(reader);
    let export = found.ok_or(Failure::Refused(ApiError::NoSuchPath))?;
    let busy = || ApiError::TooMany {
        code: "too_many_downloads",
        message: "Too many downloads of this export are in progress. Try again later.".to_owned(),
        retry_after: ASK_AGAIN,
    };
    let reading = app.downloads.take(export.id.to_string()).ok_or_else(busy)?;
    let name = format!("attachment; filename=\"{}\"", exports::file_name(&export));
    let (environment_id, id, parts) = (act.environment_id, export.id, export.parts);
    // Part by part, each after the one before was sent: no part waits in memory.
    let body = StreamedBody::new(TIMEOUT, move |mut send| async move {
        // Released when this task ends, which is within a time limit; over HTTP/2 the body might not be.
        let _reading = reading;
        for number in 0..parts {
            send.send(part(&app, environment_id, id, number).await?).await?;
        }
        Ok(())
    });
    Ok(Reply::streamed(body)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"))
        .with(CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Failure::internal)?)
        .no_store())
}

async fn part(app: &App, environment_id: EnvironmentId, id: AuditExportId, number: i64) -> Result<Bytes, Failure> {
    let body = audit_log_export::part(&mut app.store.reader().await?, environment_id, id, number).await?;
    body.map(Bytes::from).ok_or_else(|| Failure::internal("a part of a copy is gone"))
}

/// `GET /organizations/{id}/audit_logs_retention`.
///
/// # Errors
/// 404.
pub async fn get_retention(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let organization = organizations::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let days = audit_log_retention::find(&mut reader, call.environment.id(), organization.id).await?;
    Ok(Reply::ok(&json!({"retention_period_in_days": days})))
}

/// `PUT /organizations/{id}/audit_logs_retention`.
///
/// # Errors
/// 404, 422.
pub async fn set_retention(call: ManagementCall) -> Result<Reply, Failure> {
    let (id, days) = (call.path.get("id").to_owned(), retention::parse(call.fields()?)?);
    call.commit(move |tx, act| {
        Box::pin(async move {
            audit_log::retention::set(tx, &act, &id, days).await?;
            Ok(Reply::ok(&json!({"retention_period_in_days": days})))
        })
    })
    .await
}

/// `GET /organizations/{id}/audit_log_configuration`.
///
/// # Errors
/// 404.
pub async fn configuration(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let (environment_id, act) = (call.environment.id(), call.act());
    let organization = organizations::find(&mut reader, &act, call.path.get("id")).await?;
    let days = audit_log_retention::find(&mut reader, environment_id, organization.id).await?;
    let stream = audit_log_stream::find(&mut reader, environment_id, organization.id).await?;
    let days = days.unwrap_or(retention::KEPT_DAYS);
    Ok(Reply::ok(&configuration_view(organization.id, days, stream.as_ref())))
}
