//! `/dashboard/environments/new`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::page::{refused, reply};
use crate::domain::Failure;
use crate::domain::environments::{self, environment_api_keys};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::keys::signing;
use countersign_pages::dashboard::{EnvironmentMade, NewEnvironment, Section};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{Environment, EnvironmentKind, Issuer, STAFF_BASE};
use countersign_protocol::oauth::params::Params;
use countersign_protocol::secret::Secret;
use http::StatusCode;
use serde_json::json;

/// Name of the first API key.
const FIRST_KEY: &str = "default";

fn show(call: &DashboardCall, form: &Params<'_>, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let kind = form.get("kind").and_then(EnvironmentKind::parse).unwrap_or(EnvironmentKind::Staging);
    let page = NewEnvironment {
        shell: &call.shell_with(Section::Environments, problem),
        name: field::text(form, "name"),
        kind: kind.as_str(),
        issuer: field::text(form, "issuer"),
    };
    reply(status, &page)
}

/// The empty form.
///
/// # Errors
/// If the query cannot be parsed.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, &call.page.query()?, None))
}

/// Parses the form into an environment that is not stored yet.
fn read(call: &DashboardCall, form: &Params<'_>) -> Result<Environment, Failure> {
    let mut fields = field::as_body(&json!({"name": field::or_null(form, "name")}))?;
    let name = fields.required_slug("name");
    fields.finish()?;
    let issuer = Issuer::parse(field::text(form, "issuer"))
        .map_err(|error| Failure::invalid("issuer", "invalid", format!("The issuer {error}.")))?;
    let kind = form.get("kind").and_then(EnvironmentKind::parse);
    let kind = kind.ok_or_else(|| Failure::invalid("kind", "required", "Choose what it is for."))?;
    let app = &call.page.app;
    let made = environments::fresh(&name, kind, issuer, Algorithm::Rs256, &app.entropy, app.clock.now())?;
    environments::check(&made)?;
    Ok(made)
}

/// Creates the environment with its keys. Key generation is slow, so it happens before the transaction.
async fn make(call: &DashboardCall, environment: Environment) -> Result<(Environment, Secret), Failure> {
    let app = &call.page.app;
    let (keyring, entropy, now, of) = (app.keyring.clone(), app.entropy.clone(), app.clock.now(), environment.clone());
    let keys = tokio::task::spawn_blocking(move || signing::generate_first(&of, &keyring, &entropy, now))
        .await
        .map_err(Failure::internal)?
        .map_err(Failure::internal)?;
    let act = call.act_for(&environment);
    call.commit(move |tx| {
        Box::pin(async move {
            environments::insert(tx, &act, &environment, &keys).await.map_err(environments::taken)?;
            let (_, value) = environment_api_keys::create(tx, &act, FIRST_KEY).await?;
            Ok((environment, value))
        })
    })
    .await
}

/// Creates an environment. Its first API key is shown only in this response.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let made = match read(call, &form) {
        Ok(environment) => make(call, environment).await,
        Err(failure) => Err(failure),
    };
    let (environment, value) = match made {
        Ok(made) => made,
        Err(failure) => return Ok(show(call, &form, Some(refused(failure)?))),
    };
    let page = EnvironmentMade {
        shell: &call.shell(Section::Environments),
        name: &environment.name,
        href: &format!("{STAFF_BASE}/env/{}", environment.name),
        issuer: environment.issuer.as_str(),
        host: environment.issuer.authority(),
        client_id: &environment.client_id.to_string(),
        api_key: value.expose(),
        local: environment.issuer.is_this_machine(),
    };
    Ok(reply(StatusCode::CREATED, &page))
}
