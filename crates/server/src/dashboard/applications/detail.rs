//! `/dashboard/env/{environment}/applications/{id}`.

use super::{chosen_scopes, kind_in_words, redirect_uris, scope_options, snippets};
use crate::api::connect_applications::{MAX_ORIGIN_LENGTH, MAX_URI_LENGTH};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::{reply, when};
use crate::domain::Failure;
use crate::domain::connect::applications::{self, ApplicationChange};
use crate::domain::environments::standalone::change_of_application;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_pages::dashboard::{Application, PictureField, Secret as SecretRow, Section};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, LoginUri, Logo, MAX_CLIENT_SECRETS,
};
use countersign_protocol::oauth::params::Params;
use countersign_protocol::secret::Secret;
use countersign_store::{Query, application_logo, client_secret, organization, standalone};
use http::StatusCode;
use serde_json::json;

fn pictures(call: &DashboardCall, logo: &Logo) -> [PictureField; 2] {
    [
        PictureField {
            name: "logo",
            label: "Logo",
            hint: "PNG, JPEG or WebP, at most 2 MiB. Shown beside the name, 20 pixels high.",
            shown: call.picture_of(logo.light),
            on_dark: logo.light.is_some_and(|logo| !logo.seen_on_light),
        },
        PictureField {
            name: "logo_dark",
            label: "Logo on dark pages",
            hint: "If there is none, the other logo is shown there.",
            shown: call.picture_of(logo.dark),
            on_dark: true,
        },
    ]
}

/// The version of the settings that the form is drawn from.
async fn version_of(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    found: &ConnectApplication,
) -> Result<String, Failure> {
    let login_uri = standalone::find_of_application(query, environment_id, found.id).await?;
    Ok(form_version::of(&(&found.name, &found.description, &found.scopes, &found.kind, &login_uri)))
}

/// Shows an application; the value of a new credential is shown only in this response.
///
/// # Errors
/// Database errors.
pub async fn show(
    call: &DashboardCall,
    found: &ConnectApplication,
    fresh: Option<&Secret>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Reply, PageError> {
    show_typed(call, found, fresh, None, problem, status).await
}

/// Like [`show`], with the typed settings if they were refused.
async fn show_typed(
    call: &DashboardCall,
    found: &ConnectApplication,
    fresh: Option<&Secret>,
    typed: Option<&Params<'_>>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Reply, PageError> {
    let environment_id = call.environment.id();
    let mut reader = call.page.app.store.reader().await?;
    let secrets = client_secret::list(&mut reader, environment_id, found.id).await?;
    let logo = application_logo::find(&mut reader, environment_id, found.id).await?;
    let login_uri = standalone::find_of_application(&mut reader, environment_id, found.id).await?;
    let seen = version_of(&mut reader, environment_id, found).await?;
    let of = match found.organization_id() {
        Some(id) => organization::find(&mut reader, environment_id, id).await?,
        None => None,
    };
    drop(reader);
    let shell = call.shell_with(Section::Applications, problem);
    let rows: Vec<SecretRow> = secrets
        .iter()
        .rev()
        .map(|secret| SecretRow {
            id: secret.id.to_string(),
            hint: secret.hint.clone(),
            created: when(secret.created_at),
            used: secret.last_used_at.map_or_else(|| "Never".to_owned(), when),
        })
        .collect();
    let organization = of.map(|of| (of.name, shell.at(&format!("/organizations/{}", of.id))));
    let none = (Vec::new(), Vec::new(), None);
    let (signs_people_in, keeps_secrets, (uris, origins, logout)) = match &found.kind {
        ApplicationKind::Machine { .. } => (false, true, none),
        ApplicationKind::OAuth { client_type, redirect_uris, cors_origins, backchannel_logout_uri, .. } => (
            true,
            *client_type == ClientType::Confidential,
            (redirect_uris.clone(), cors_origins.clone(), backchannel_logout_uri.clone()),
        ),
    };
    let default_first = uris.iter().filter(|uri| uri.default).chain(uris.iter().filter(|uri| !uri.default));
    let uris: Vec<&str> = default_first.map(|uri| uri.uri.as_str()).collect();
    let client_id = found.client_name().to_string();
    let snippets = snippets::of(&call.environment.environment, found, &client_id, &uris, fresh);
    let try_it = try_it(call, found, &client_id, uris.first().copied())?;
    let mut scopes = scope_options(call, &found.scopes).await?;
    if let Some(form) = typed {
        let chosen = chosen_scopes(form, &scopes);
        scopes.iter_mut().for_each(|one| one.chosen = chosen.contains(&one.slug));
    }
    // A field that was emptied stays empty.
    let or = |name: &str, kept: &str| typed.map_or(kept, |form| field::text(form, name)).to_owned();
    let page = Application {
        shell: &shell,
        seen: &seen,
        href: &shell.at(&format!("/applications/{}", found.id)),
        title: &found.name,
        name: &or("name", &found.name),
        description: &or("description", found.description.as_deref().unwrap_or("")),
        kind: kind_in_words(&found.kind),
        client_id: &client_id,
        organization: organization.as_ref().map(|(name, href)| (name.as_str(), href.as_str())),
        signs_people_in,
        keeps_secrets,
        by_document: found.metadata_url.is_some(),
        redirect_uris: &or("redirect_uris", &uris.join("\n")),
        cors_origins: &or("cors_origins", &origins.join("\n")),
        backchannel_logout_uri: &or("backchannel_logout_uri", logout.as_deref().unwrap_or("")),
        login_uri: &or("login_uri", login_uri.as_ref().map_or("", LoginUri::as_str)),
        pictures: &pictures(call, &logo),
        scopes: &scopes,
        secrets: &rows,
        most_secrets: MAX_CLIENT_SECRETS,
        fresh_secret: fresh.map(Secret::expose),
        try_it: try_it.as_deref(),
        snippets: &snippets,
    };
    Ok(reply(status, &page))
}

/// An authorization URL for trying a sign-in, like one the application would create, but with a random code challenge
/// that has no known verifier.
fn try_it(
    call: &DashboardCall,
    found: &ConnectApplication,
    client_id: &str,
    redirect_uri: Option<&str>,
) -> Result<Option<String>, PageError> {
    let Some(redirect_uri) = redirect_uri else { return Ok(None) };
    let scope = format!("openid profile email {}", found.scopes.join(" "));
    let challenge = URL_SAFE_NO_PAD.encode(call.page.app.entropy.bytes::<32>()?);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("scope", scope.trim_end()),
            ("state", "dashboard"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    Ok(Some(format!("{}/oauth2/authorize?{query}", call.environment.environment.issuer)))
}

/// The application named by the path.
pub(super) async fn find(call: &DashboardCall) -> Result<ConnectApplication, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(applications::find(&mut reader, &call.act(), call.page.path.get("id")).await?)
}

/// The application's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    show(call, &found, None, None, StatusCode::OK).await
}

/// Validates the form by the rules of the API. The name and redirect URIs of a client that come from its own metadata
/// document are not changed.
fn read(form: &Params<'_>, found: &ConnectApplication, scopes: Vec<String>) -> Result<ApplicationChange, Failure> {
    let signs_people_in = matches!(found.kind, ApplicationKind::OAuth { .. });
    let may_name = found.metadata_url.is_none();
    let mut fields = field::as_body(&json!({
        "name": field::or_null(form, "name"),
        "description": field::or_null(form, "description"),
        "redirect_uris": redirect_uris(form),
        "cors_origins": field::lines(form, "cors_origins"),
        "backchannel_logout_uri": field::or_null(form, "backchannel_logout_uri"),
    }))?;
    let name = fields.required_text("name", MAX_NAME_LENGTH);
    let uris = fields.redirect_uris().value();
    let change = ApplicationChange {
        name: Some(name).filter(|_| may_name),
        description: Some(fields.description().value()),
        scopes: Some(scopes),
        redirect_uris: uris.filter(|_| signs_people_in && may_name),
        cors_origins: fields.texts("cors_origins", MAX_ORIGIN_LENGTH).value().filter(|_| signs_people_in),
        backchannel_logout_uri: signs_people_in
            .then(|| fields.nullable_text("backchannel_logout_uri", MAX_URI_LENGTH).value()),
    };
    fields.finish()?;
    Ok(change)
}

/// Saves the settings.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let signs_people_in = matches!(found.kind, ApplicationKind::OAuth { .. });
    let offered = scope_options(call, &[]).await?;
    let mut scopes = chosen_scopes(&form, &offered);
    // Scopes that the page did not offer cannot have been unticked, so they stay.
    scopes.extend(found.scopes.iter().filter(|scope| !offered.iter().any(|one| one.slug == **scope)).cloned());
    let before = {
        let mut reader = call.page.app.store.reader().await?;
        version_of(&mut reader, call.environment.id(), &found).await?
    };
    let login_uri = field::text(&form, "login_uri").to_owned();
    let (act, id) = (call.act(), found.id.to_string());
    let changed = match form_version::check(&form, &before).and_then(|()| read(&form, &found, scopes)) {
        Ok(change) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    let now = applications::find_and_lock(tx, &act, &id).await?;
                    form_version::unchanged(&before, &version_of(tx, act.environment_id, &now).await?)?;
                    let changed = applications::update(tx, &act, &id, change).await?;
                    if signs_people_in {
                        change_of_application(tx, &act, &changed, &login_uri).await?;
                    }
                    Ok(())
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => call.to(&format!("/applications/{}?done=saved", found.id)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            show_typed(call, &found, None, Some(&form), Some(problem), status).await
        }
    }
}

/// Deletes the application.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let (act, id) = (call.act(), call.page.path.get("id").to_owned());
    call.commit(move |tx| Box::pin(async move { applications::delete(tx, &act, &id).await })).await?;
    call.to("/applications?done=deleted")
}
