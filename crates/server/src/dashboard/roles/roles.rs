//! `/dashboard/env/{environment}/roles`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::organizations;
use crate::dashboard::page::{refused, reply, shown};
use crate::domain::Failure;
use crate::domain::organizations::permissions;
use crate::domain::organizations::roles::{self, MAX_NAME_LENGTH, NewRole};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Role as Page, RoleRow, Roles, Section, Tick};
use countersign_protocol::model::{DEFAULT_ROLE, Role};
use countersign_protocol::oauth::params::Params;
use countersign_store::role;
use http::StatusCode;
use serde_json::json;

/// The list. It is not paginated because there are few roles.
///
/// # Errors
/// Database errors.
pub async fn list(call: &DashboardCall) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let all = role::list(&mut reader, call.environment.id()).await?;
    drop(reader);
    let shell = call.shell(Section::Roles);
    let end = |role: Option<&Role>| role.map(|role| role.slug.clone()).unwrap_or_default();
    let (first, last) = (end(all.first()), end(all.last()));
    let rows: Vec<RoleRow> = all
        .into_iter()
        .map(|role| RoleRow {
            href: shell.at(&format!("/roles/edit/{}", role.slug)),
            first: role.slug == first,
            last: role.slug == last,
            is_default: role.slug == DEFAULT_ROLE,
            name: role.name,
            slug: role.slug,
            description: role.description.unwrap_or_default(),
            permissions: role.permissions.len(),
        })
        .collect();
    Ok(shown(&Roles { shell: &shell, rows: &rows }))
}

/// The version of a role that the form is drawn from; empty for a new one.
fn version_of(role: Option<&Role>) -> String {
    role.map_or_else(String::new, |role| form_version::of(&(&role.name, &role.description, &role.permissions)))
}

/// Shows a role, or the form for a new one.
fn show(
    call: &DashboardCall,
    found: Option<&Role>,
    typed: Option<&Params<'_>>,
    permissions: &[Tick],
    problem: Option<String>,
) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Roles, problem);
    let or = |name: &str, kept: Option<&str>| match typed {
        Some(form) => field::text(form, name).to_owned(),
        None => kept.unwrap_or("").to_owned(),
    };
    let page = Page {
        shell: &shell,
        seen: &version_of(found),
        href: &match found {
            Some(found) => shell.at(&format!("/roles/edit/{}", found.slug)),
            None => shell.at("/roles/new"),
        },
        title: found.map_or("", |found| &found.name),
        slug: &found.map_or_else(|| or("slug", None), |found| found.slug.clone()),
        name: &or("name", found.map(|found| found.name.as_str())),
        description: &or("description", found.and_then(|found| found.description.as_deref())),
        is_default: found.is_some_and(|found| found.slug == DEFAULT_ROLE),
        permissions,
    };
    reply(status, &page)
}

/// The empty form.
///
/// # Errors
/// Database errors.
pub async fn get_new(call: &DashboardCall) -> Result<Reply, PageError> {
    let permissions = organizations::permissions(call, &[]).await?;
    Ok(show(call, None, None, &permissions, None))
}

/// Validates the form by the rules of the API. The slug of an existing role does not change.
fn read(form: &Params<'_>, slug: Option<&str>) -> Result<NewRole, Failure> {
    let typed = slug.map_or_else(|| field::or_null(form, "slug"), Into::into);
    let mut fields = field::as_body(&json!({
        "slug": typed,
        "name": field::or_null(form, "name"),
        "description": field::or_null(form, "description"),
    }))?;
    let new = NewRole {
        slug: fields.required_slug("slug"),
        name: fields.required_text("name", MAX_NAME_LENGTH),
        description: permissions::description(&mut fields).value(),
    };
    fields.finish()?;
    Ok(new)
}

/// Creates a role with the ticked permissions.
///
/// # Errors
/// Database errors.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let offered = organizations::permissions(call, &[]).await?;
    let wanted = field::chosen(&form, "scope_", &offered);
    let (act, kept) = (call.act(), wanted.clone());
    let made = match read(&form, None) {
        Ok(new) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    let made = roles::create(tx, &act, new).await?;
                    if !wanted.is_empty() {
                        roles::set_permissions(tx, &act, &made.slug, wanted).await?;
                    }
                    Ok(made)
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match made {
        Ok(made) => call.to(&format!("/roles/edit/{}?done=created", made.slug)),
        Err(failure) => {
            let problem = refused(failure)?;
            Ok(show(call, None, Some(&form), &ticked(offered, &kept), Some(problem)))
        }
    }
}

fn ticked(offered: Vec<Tick>, chosen: &[String]) -> Vec<Tick> {
    offered.into_iter().map(|one| Tick { chosen: chosen.contains(&one.slug), ..one }).collect()
}

async fn find(call: &DashboardCall) -> Result<Role, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    Ok(roles::find(&mut reader, &call.act(), call.page.path.get("slug")).await?)
}

/// A role's page.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let permissions = organizations::permissions(call, &found.permissions).await?;
    Ok(show(call, Some(&found), None, &permissions, None))
}

/// Saves a role, with exactly the ticked permissions and those that the page did not offer.
///
/// # Errors
/// 404.
pub async fn update(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let found = find(call).await?;
    let offered = organizations::permissions(call, &[]).await?;
    let chosen = field::chosen(&form, "scope_", &offered);
    // Permissions that the page did not offer cannot have been unticked, so they stay.
    let hidden = found.permissions.iter().filter(|slug| !offered.iter().any(|one| one.slug == **slug));
    let wanted: Vec<String> = chosen.iter().chain(hidden).cloned().collect();
    let (act, before) = (call.act(), version_of(Some(&found)));
    let changed = match form_version::check(&form, &before).and_then(|()| read(&form, Some(&found.slug))) {
        Ok(read) => {
            call.commit(move |tx| {
                Box::pin(async move {
                    // Permissions are locked before roles.
                    permissions::require_scopes(tx, &act, "permissions", &wanted, false).await?;
                    let now = roles::find_and_lock(tx, &act, &read.slug).await?;
                    form_version::unchanged(&before, &version_of(Some(&now)))?;
                    let mut changed = roles::set_permissions(tx, &act, &read.slug, wanted).await?;
                    if (&changed.name, &changed.description) != (&read.name, &read.description) {
                        changed.name = read.name;
                        changed.description = read.description;
                        roles::update(tx, &act, changed).await?;
                    }
                    Ok(())
                })
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(()) => call.to(&format!("/roles/edit/{}?done=saved", found.slug)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            let page = show(call, Some(&found), Some(&form), &ticked(offered, &chosen), Some(problem));
            Ok(page.with_status(status))
        }
    }
}

/// Moves a role up or down in the list.
///
/// # Errors
/// 404.
pub async fn change_priority(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let up = match field::text(&form, "way") {
        "up" => true,
        "down" => false,
        _ => return Err(PageError::flow()),
    };
    let (act, slug) = (call.act(), call.page.path.get("slug").to_owned());
    call.commit(move |tx| Box::pin(async move { roles::move_by_one(tx, &act, &slug, up).await })).await?;
    call.to("/roles?done=moved")
}

/// Deletes a role that is not assigned, or says why it cannot be deleted.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, slug) = (call.act(), found.slug.clone());
    match call.commit(move |tx| Box::pin(async move { roles::delete(tx, &act, &slug).await })).await {
        Ok(()) => call.to("/roles?done=deleted"),
        Err(failure) => {
            let problem = refused(failure)?;
            let permissions = organizations::permissions(call, &found.permissions).await?;
            Ok(show(call, Some(&found), None, &permissions, Some(problem)))
        }
    }
}
