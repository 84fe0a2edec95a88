//! Where organizations' audit log events are sent, as the file declares it.

use super::End;
use super::document::{EnvironmentEntry, LogStreamEntry};
use crate::domain::audit_log::streams::{NewStream, headers, set};
use crate::domain::{Act, Failure};
use countersign_protocol::audit::export::StreamFormat;
use countersign_store::{Tx, audit_log_stream, organization};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Returns the declared streams with their header values resolved.
pub(super) fn read(entry: &EnvironmentEntry, base: &Path) -> Result<Vec<NewStream>, String> {
    let mut organizations = BTreeSet::new();
    let mut wanted = Vec::new();
    for stream in &entry.log_streams {
        let within = |error: &str| format!("log stream of '{}': {error}", stream.organization);
        if !organizations.insert(&stream.organization) {
            return Err(within("an organization has one."));
        }
        let format = StreamFormat::parse(stream.format.as_deref().unwrap_or(StreamFormat::Json.as_str()))
            .ok_or_else(|| within("format must be 'json', 'ndjson', 'datadog' or 'splunk'."))?;
        let mut headers = BTreeMap::new();
        for (name, header) in &stream.headers {
            let value = header.resolve(base).map_err(|error| within(&format!("header {name}: {error}")))?;
            headers.insert(name.clone(), value.expose().to_owned());
        }
        wanted.push(NewStream { url: stream.url.clone(), format, headers });
    }
    Ok(wanted)
}

/// Sets a stream unless it already matches the declaration. A stream that has been stopped in the meantime stays
/// stopped until some part of its declaration changes.
pub(super) async fn apply(
    tx: &mut Tx,
    act: &Act,
    entry: &LogStreamEntry,
    wanted: &NewStream,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let of = &entry.organization;
    let wrong = |error: &str| End::Wrong(format!("log stream of '{of}': {error}"));
    let organization = organization::find_by_external_id(tx, act.environment_id, of)
        .await?
        .ok_or_else(|| wrong("there is no such organization."))?;
    let found = audit_log_stream::find(tx, act.environment_id, organization.id).await?;
    let line = match &found {
        None => format!("+ log stream of {of}"),
        Some(found) => {
            let known = headers(&act.keyring, act.environment_id, found)?;
            let differences: Vec<&str> = [
                ("url", found.url != wanted.url),
                ("format", found.format != wanted.format),
                ("headers", known != wanted.headers),
            ]
            .into_iter()
            .filter_map(|(field, differs)| differs.then_some(field))
            .collect();
            if differences.is_empty() {
                return Ok(());
            }
            format!("~ log stream of {of}: {}", differences.join(", "))
        }
    };
    set(tx, act, &organization.id.to_string(), wanted.clone()).await.map_err(|failure| match failure {
        Failure::Refused(error) => wrong(&error.to_string()),
        failure => failure.into(),
    })?;
    plan.push(line);
    Ok(())
}
