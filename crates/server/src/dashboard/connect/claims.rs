//! `/dashboard/env/{environment}/connect/claims`: the JWT template and a preview of the claims it yields.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::reply;
use crate::domain::Failure;
use crate::domain::environments::jwt_templates;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Claims, Section};
use countersign_protocol::jwt_template::{MAX_LENGTH, RESERVED, Template, Values};
use countersign_protocol::model::JwtTemplate;
use countersign_protocol::oauth::params::Params;
use countersign_store::{jwt_template, membership, signing_key, user};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// The starting point offered if there is no template.
const BEGINNING: &str = "{\n  \"email\": \"{{ user.email }}\",\n  \"organization\": \"{{ organization.name }}\"\n}";

/// What the page shows.
#[derive(Default)]
struct Shown {
    /// For a preview, the version that the form was drawn from; otherwise the page uses the current one.
    seen: Option<String>,
    content: String,
    wrong: Option<String>,
    email: String,
    unknown: Option<String>,
    claims: Option<Map<String, Value>>,
}

/// The version of the template that the form is drawn from.
fn version_of(kept: Option<&JwtTemplate>) -> String {
    form_version::of(&kept.map(|kept| &kept.content))
}

/// Renders the template for an example user.
fn example(template: &Template) -> Result<Map<String, Value>, String> {
    let moment = "2026-01-31T12:00:00.000Z";
    let user = json!({
        "object": "user", "id": "user_01EHZNVPK3SFK441A1RGBFSHRT", "email": "ada@example.com", "email_verified": true,
        "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "external_id": "4711", "metadata": {},
        "locale": "en", "profile_picture_url": null, "identities": {}, "created_at": moment, "updated_at": moment,
    });
    let organization = json!({
        "object": "organization", "id": "org_01EHZNVPK3SFK441A1RGBFSHRT", "name": "Northwind Traders", "domains": [],
        "metadata": {}, "external_id": "northwind", "created_at": moment, "updated_at": moment,
    });
    let membership = json!({
        "object": "organization_membership", "id": "om_01EHZNVPK3SFK441A1RGBFSHRT", "user_id": user["id"],
        "organization_id": organization["id"], "status": "active", "role": {"slug": "member"}, "roles": [{"slug": "member"}],
        "custom_attributes": {}, "directory_managed": false, "created_at": moment, "updated_at": moment,
    });
    let values = Values { user: Some(&user), organization: Some(&organization), membership: Some(&membership) };
    template.render(values).map_err(|too_big| format!("For the example: {too_big}."))
}

/// Renders a typed template, or reports what is wrong with it.
async fn tried(call: &DashboardCall, content: String, email: String) -> Result<Shown, PageError> {
    let shown = Shown { content, email, ..Shown::default() };
    let template = match Template::parse(&shown.content) {
        Ok(template) => template,
        Err(wrong) => return Ok(Shown { wrong: Some(format!("{wrong}.")), ..shown }),
    };
    let rendered = if shown.email.is_empty() {
        example(&template)
    } else {
        let environment_id = call.environment.id();
        let mut reader = call.page.app.store.reader().await?;
        let Some(person) = user::find_by_email(&mut reader, environment_id, &shown.email).await? else {
            let unknown = Some("No user has this address.".to_owned());
            return Ok(Shown { unknown, ..shown });
        };
        let member = membership::active_of_user(&mut reader, environment_id, person.id, 1, None).await?;
        let organization_id = member.first().map(|member| member.organization_id);
        let claims = jwt_templates::claims(&mut reader, environment_id, &template, &person, organization_id).await?;
        claims.map_err(|too_big| format!("For this person: {too_big}."))
    };
    Ok(match rendered {
        Ok(claims) => Shown { claims: Some(claims), ..shown },
        Err(wrong) => Shown { wrong: Some(wrong), ..shown },
    })
}

async fn show(call: &DashboardCall, shown: &Shown) -> Result<Reply, PageError> {
    let kept = jwt_template::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?;
    let is_wrong = shown.wrong.is_some() || shown.unknown.is_some();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let claims = shown.claims.as_ref().and_then(|claims| serde_json::to_string_pretty(claims).ok());
    let shell = if is_wrong { call.shell_with(Section::Connect, None) } else { call.shell(Section::Connect) };
    let page = Claims {
        shell: &shell,
        seen: &shown.seen.clone().unwrap_or_else(|| version_of(kept.as_ref())),
        content: &shown.content,
        wrong: shown.wrong.as_deref(),
        email: &shown.email,
        unknown: shown.unknown.as_deref(),
        claims: claims.as_deref(),
        example: shown.email.is_empty(),
        longest: MAX_LENGTH,
        reserved: &RESERVED.join(", "),
        kept: kept.is_some(),
    };
    Ok(reply(status, &page))
}

fn typed(form: &Params<'_>) -> (String, String) {
    (field::text(form, "content").to_owned(), field::text(form, "email").to_owned())
}

/// The stored template.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = jwt_template::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?;
    match found {
        Some(found) => show(call, &tried(call, found.content, String::new()).await?).await,
        None => show(call, &Shown { content: BEGINNING.to_owned(), ..Shown::default() }).await,
    }
}

/// Previews the typed template without saving it.
///
/// # Errors
/// Database errors.
pub async fn preview(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (content, email) = typed(&form);
    let shown = tried(call, content, email).await?;
    show(call, &Shown { seen: Some(field::text(&form, "seen").to_owned()), ..shown }).await
}

/// Saves the template; every node uses it within a second. An empty template is removed.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (content, email) = typed(&form);
    let (act, text, before) = (call.act(), content.clone(), field::text(&form, "seen").to_owned());
    let saved: Result<(), Failure> = call
        .commit(move |tx| {
            Box::pin(async move {
                signing_key::lock(tx, act.environment_id).await?;
                let kept = jwt_template::find(tx, act.environment_id).await?;
                form_version::unchanged(&before, &version_of(kept.as_ref()))?;
                match text.as_str() {
                    "" => jwt_templates::remove(tx, &act).await.map(drop),
                    text => jwt_templates::set(tx, &act, text).await.map(drop),
                }
            })
        })
        .await;
    match saved {
        Ok(()) if content.is_empty() => call.to("/connect/claims?done=removed"),
        Ok(()) => call.to("/connect/claims?done=saved"),
        Err(failure) => {
            let (status, wrong) = form_version::refused_with(failure)?;
            let shown = Shown { content, wrong: Some(wrong), email, ..Shown::default() };
            Ok(show(call, &shown).await?.with_status(status))
        }
    }
}

/// Removes the template; every node stops using it within a second. Succeeds if there is none.
///
/// # Errors
/// Database errors.
pub async fn remove(call: &DashboardCall) -> Result<Reply, PageError> {
    let act = call.act();
    call.commit(move |tx| Box::pin(async move { jwt_templates::remove(tx, &act).await })).await?;
    call.to("/connect/claims?done=deleted")
}
