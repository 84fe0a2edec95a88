//! `/dashboard/env/{environment}/roles/permissions`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::{pager, refused, reply, shown};
use crate::domain::Failure;
use crate::domain::organizations::permissions::{self, NewPermission};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Permission as Page, PermissionRow, Permissions, Section};
use countersign_protocol::id::PermissionId;
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::Permission;
use countersign_protocol::oauth::params::Params;
use countersign_store::permission;
use http::StatusCode;
use serde_json::json;

/// The resource type of permissions created here.
const RESOURCE_TYPE: &str = "organization";

/// The list, paginated, newest first.
///
/// # Errors
/// Database errors.
pub async fn list(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| PermissionId::parse(text).ok()).map_err(Failure::from)?;
    let mut reader = call.page.app.store.reader().await?;
    let rows = permission::list(&mut reader, call.environment.id(), &request.slice()).await?;
    drop(reader);
    let page = request.page(rows, |row| row.id);
    let shell = call.shell(Section::Roles);
    let rows: Vec<PermissionRow> = page
        .data
        .into_iter()
        .map(|row| PermissionRow {
            href: shell.at(&format!("/roles/permissions/edit/{}", row.slug)),
            name: row.name,
            slug: row.slug,
            description: row.description.unwrap_or_default(),
        })
        .collect();
    let pager = pager(&shell.at("/roles/permissions"), "", page.before, page.after);
    Ok(shown(&Permissions { shell: &shell, rows: &rows, pager: &pager }))
}

/// The version of a permission that the form is drawn from; empty for a new one.
fn version_of(permission: Option<&Permission>) -> String {
    permission.map_or_else(String::new, |permission| form_version::of(&(&permission.name, &permission.description)))
}

/// Shows a permission, or the form for a new one.
fn show(
    call: &DashboardCall,
    found: Option<&Permission>,
    typed: Option<&Params<'_>>,
    problem: Option<String>,
) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Roles, problem);
    let or = |name: &str, kept: Option<&str>| match typed {
        Some(form) => field::text(form, name).to_owned(),
        None => kept.unwrap_or("").to_owned(),
    };
    let description = found.and_then(|found| found.description.as_deref());
    let page = Page {
        shell: &shell,
        seen: &version_of(found),
        href: &match found {
            Some(found) => shell.at(&format!("/roles/permissions/edit/{}", found.slug)),
            None => shell.at("/roles/permissions/new"),
        },
        title: found.map_or("", |found| &found.name),
        slug: &found.map_or_else(|| or("slug", None), |found| found.slug.clone()),
        name: &or("name", found.map(|found| found.name.as_str())),
        description: &or("description", description),
        system: found.is_some_and(|found| found.system),
        shown_name: found.map_or("", |found| &found.name),
        shown_description: description.unwrap_or(""),
    };
    reply(status, &page)
}

/// The empty form.
///
/// # Errors
/// Never; the signature is that of a page.
pub async fn get_new(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, None, None, None))
}

/// Validates the form by the rules of the API. The slug of an existing permission does not change. Its name and
/// description are accepted unchanged even if they are longer than a new one's may be.
fn read(form: &Params<'_>, found: Option<&Permission>) -> Result<NewPermission, Failure> {
    let typed = found.map_or_else(|| field::or_null(form, "slug"), |found| found.slug.as_str().into());
    let longest = if found.is_some_and(|found| found.name == field::text(form, "name")) {
        MAX_NAME_LENGTH
    } else {
        permissions::MAX_NAME_LENGTH
    };
    let same = found.is_some_and(|found| found.description == field::optional(form, "description"));
    let mut fields = field::as_body(&json!({
        "slug": typed,
        "name": field::or_null(form, "name"),
        "description": field::or_null(form, "description"),
    }))?;
    let new = NewPermission {
        slug: fields.required_slug("slug"),
        name: fields.required_text("name", longest),
        description: if same { fields.description() } else { permissions::description(&mut fields) }.value(),
        resource_type_slug: RESOURCE_TYPE.to_owned(),
    };
    fields.finish()?;
    Ok(new)
}

/// Creates a permission and redirects to its page.
///
/// # Errors
/// Database errors.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let act = call.act();
    let made = match read(&form, None) {
        Ok(new) => call.commit(move |tx| Box::pin(async move { permissions::create(tx, &act, new).await })).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok(made) => call.to(&format!("/roles/permissions/edit/{}?done=created", made.slug)),
        Err(failure) => Ok(show(call, None, Some(&form), Some(refused(failure)?))),
    }
}

async fn find(call: &DashboardCall) -> Result<Permission, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(permissions::find(&mut reader, &call.act(), call.page.path.get("slug")).await?)
}

/// A permission's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, Some(&find(call).await?), None, None))
}

/// Saves the name and description.
///
/// # Errors
/// 404.
pub async fn update(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let (act, before) = (call.act(), version_of(Some(&found)));
    let changed = match form_version::check(&form, &before).and_then(|()| read(&form, Some(&found))) {
        Ok(read) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    let mut changed = permissions::find_and_lock(tx, &act, &read.slug).await?;
                    form_version::unchanged(&before, &version_of(Some(&changed)))?;
                    changed.name = read.name;
                    changed.description = read.description;
                    permissions::update(tx, &act, changed).await.map(drop)
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => call.to(&format!("/roles/permissions/edit/{}?done=saved", found.slug)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, Some(&found), Some(&form), Some(problem)).with_status(status))
        }
    }
}

/// Deletes a permission, or says why it cannot be deleted.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, slug) = (call.act(), found.slug.clone());
    match call.commit(move |tx| Box::pin(async move { permissions::delete(tx, &act, &slug).await })).await {
        Ok(()) => call.to("/roles/permissions?done=deleted"),
        Err(failure) => Ok(show(call, Some(&found), None, Some(refused(failure)?))),
    }
}
