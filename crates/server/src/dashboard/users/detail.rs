//! `/dashboard/env/{environment}/users/{id}`.

use super::{MAX_EMAIL_LENGTH, find};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::list_cursor::ListCursor;
use crate::dashboard::organizations::people::ALL;
use crate::dashboard::page::{reply, when};
use crate::domain::{Failure, users};
use crate::hosted::account::device;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{ConnectedRow, MemberRow, Pager, Section, SessionRow, User as Page};
use countersign_protocol::id::{ConsentId, MembershipId, SessionId};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::model::{AuthenticationMethod, User};
use countersign_protocol::oauth::params::Params;
use countersign_store::membership::{self, Of};
use countersign_store::{application, authentication_factor, consent, organization, session, user};
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;

/// The path of a user's page.
fn path_of(call: &DashboardCall, of: &User) -> String {
    call.at(&format!("/users/{}", of.id))
}

async fn memberships(call: &DashboardCall, of: &User) -> Result<(Vec<MemberRow>, Pager), PageError> {
    let part = ListCursor::of(call, "organizations", |text| MembershipId::parse(text).ok())?;
    let mut reader = call.page.app.store.reader().await?;
    let rows = membership::list(&mut reader, call.environment.id(), &part.slice(), Of::User(of.id), &ALL).await?;
    let (rows, pager) = part.page(&path_of(call, of), rows, |(row, _)| row.id);
    let row = |one: countersign_protocol::model::Membership| MemberRow {
        href: call.at(&format!("/organizations/{}/people/{}", one.organization_id, one.id)),
        email: one.organization_name,
        name: String::new(),
        roles: one.roles,
        status: one.status.as_str(),
        since: when(one.created_at),
    };
    Ok((rows.into_iter().map(|(one, _)| row(one)).collect(), pager))
}

async fn sessions(call: &DashboardCall, of: &User) -> Result<(Vec<SessionRow>, Pager), PageError> {
    let part = ListCursor::of(call, "sessions", |text| SessionId::parse(text).ok())?;
    let counts = (call.environment.environment.sessions, call.page.app.clock.now());
    let mut reader = call.page.app.store.reader().await?;
    let rows = session::list(&mut reader, call.environment.id(), &part.slice(), of.id, counts).await?;
    let (rows, pager) = part.page(&path_of(call, of), rows, |row| row.id);
    let method = |method| match method {
        AuthenticationMethod::Password => "Password",
        AuthenticationMethod::MagicAuth => "An emailed code",
        AuthenticationMethod::ExternalAuth => "The company's own login",
        AuthenticationMethod::Link => "A staff link",
    };
    let row = |one: countersign_protocol::model::Session| SessionRow {
        id: one.id.to_string(),
        device: device(one.user_agent.as_deref().unwrap_or("")),
        address: one.ip_address.unwrap_or_default(),
        method: method(one.authentication_method).to_owned(),
        last_seen: when(one.last_seen_at),
    };
    Ok((rows.into_iter().map(row).collect(), pager))
}

async fn connected(call: &DashboardCall, of: &User) -> Result<(Vec<ConnectedRow>, Pager), PageError> {
    let environment_id = call.environment.id();
    let part = ListCursor::of(call, "applications", |text| ConsentId::parse(text).ok())?;
    let mut reader = call.page.app.store.reader().await?;
    let given = consent::list(&mut reader, environment_id, &part.slice(), consent::Of::User(of.id)).await?;
    let (given, pager) = part.page(&path_of(call, of), given, |row| row.id);
    let mut rows = Vec::new();
    for given in given {
        let Some(found) = application::find(&mut reader, environment_id, given.application_id).await? else { continue };
        let with = match given.organization_id {
            Some(id) => organization::find(&mut reader, environment_id, id).await?,
            None => None,
        };
        rows.push(ConnectedRow {
            application_id: found.id.to_string(),
            href: call.at(&format!("/applications/{}", found.id)),
            name: found.name,
            with_href: with.as_ref().map_or_else(String::new, |with| call.at(&format!("/organizations/{}", with.id))),
            with: with.map_or_else(String::new, |with| with.name),
            scopes: given.scopes,
            since: when(given.created_at),
        });
    }
    Ok((rows, pager))
}

/// The version of the account that the form is drawn from.
fn version_of(user: &User) -> String {
    form_version::of(&(
        &user.email,
        user.email_verified,
        &user.first_name,
        &user.last_name,
        &user.external_id,
        &user.metadata,
    ))
}

/// Shows a user, with the typed values if they were refused.
pub(super) async fn show(
    call: &DashboardCall,
    found: &User,
    typed: Option<&Params<'_>>,
    problem: Option<String>,
) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let has_password = user::password_hash(&mut reader, call.environment.id(), found.id).await?.is_some();
    let factors = authentication_factor::confirmed(&mut reader, call.environment.id(), found.id).await?;
    let factor_since = factors.first().map(|factor| when(factor.confirmed_at.unwrap_or(factor.created_at)));
    drop(reader);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Users, problem);
    let or = |name: &str, kept: Option<&str>| match typed {
        Some(form) => field::text(form, name).to_owned(),
        None => kept.unwrap_or("").to_owned(),
    };
    let (memberships, memberships_pager) = memberships(call, found).await?;
    let (sessions, sessions_pager) = sessions(call, found).await?;
    let (connected, connected_pager) = connected(call, found).await?;
    let page = Page {
        shell: &shell,
        seen: &version_of(found),
        href: &path_of(call, found),
        title: &found.full_name().unwrap_or_else(|| found.email.clone()),
        id: &found.id.to_string(),
        created: &when(found.created_at),
        last_sign_in: &found.last_sign_in_at.map_or_else(|| "Never".to_owned(), when),
        has_password,
        second_factor: factor_since.as_deref(),
        passwords: call.environment.environment.authentication.password,
        proven: found.email_verified,
        email: &or("email", Some(&found.email)),
        verified: typed.map_or(found.email_verified, |form| field::ticked(form, "email_verified")),
        first_name: &or("first_name", found.first_name.as_deref()),
        last_name: &or("last_name", found.last_name.as_deref()),
        external_id: &or("external_id", found.external_id.as_deref()),
        metadata: &or("metadata", Some(&field::metadata_text(&found.metadata))),
        memberships: &memberships,
        memberships_pager: &memberships_pager,
        sessions: &sessions,
        sessions_pager: &sessions_pager,
        connected: &connected,
        connected_pager: &connected_pager,
    };
    Ok(reply(status, &page))
}

/// The user's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    show(call, &found, None, None).await
}

/// The account's new values, validated by the rules of the API.
struct Account {
    email: String,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    external_id: Option<String>,
    metadata: BTreeMap<String, String>,
}

fn read(form: &Params<'_>) -> Result<Account, Failure> {
    let mut fields = field::as_body(&json!({
        "email": field::or_null(form, "email"),
        "first_name": field::or_null(form, "first_name"),
        "last_name": field::or_null(form, "last_name"),
        "external_id": field::or_null(form, "external_id"),
        "metadata": field::metadata(form)?,
    }))?;
    let read = Account {
        email: fields.required_text("email", MAX_EMAIL_LENGTH),
        email_verified: field::ticked(form, "email_verified"),
        first_name: fields.nullable_text("first_name", MAX_NAME_LENGTH).value(),
        last_name: fields.nullable_text("last_name", MAX_NAME_LENGTH).value(),
        external_id: fields.external_id().value(),
        metadata: fields.whole_metadata(),
    };
    fields.finish()?;
    Ok(read)
}

/// Saves the account. Changing a verified address makes it unverified, even though the box was ticked: it was ticked
/// for the old address, so it has to be ticked again for the new one.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, id, before) = (call.act(), found.id.to_string(), version_of(&found));
    let changed = match form_version::check(&form, &before).and_then(|()| read(&form)) {
        Ok(read) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    let mut changed = users::find_and_lock(tx, &act, &id).await?;
                    form_version::unchanged(&before, &version_of(&changed))?;
                    let was_verified = changed.email_verified;
                    users::set_email(&mut changed, read.email)?;
                    let same_address = changed.email_verified == was_verified;
                    if same_address || !was_verified {
                        changed.email_verified = read.email_verified;
                    }
                    changed.first_name = read.first_name;
                    changed.last_name = read.last_name;
                    changed.external_id = read.external_id;
                    changed.metadata = read.metadata;
                    users::update(tx, &act, changed, None).await.map(drop)
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => call.to(&format!("/users/{}?done=saved", found.id)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, &found, Some(&form), Some(problem)).await?.with_status(status))
        }
    }
}

/// Deletes the account.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let (act, id) = (call.act(), call.page.path.get("id").to_owned());
    call.commit(move |tx| Box::pin(async move { users::delete(tx, &act, &id).await })).await?;
    call.to("/users?done=deleted")
}
