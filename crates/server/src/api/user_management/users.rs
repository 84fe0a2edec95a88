//! `/user_management/users`.

use super::password::PasswordFields;
use crate::domain::{Failure, organizations, users};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_protocol::management::fields::{MAX_NAME_LENGTH, Patch};
use countersign_protocol::management::page::{PageRequest, Scan, Slice};
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::User;
use countersign_store::{Reader, membership, user};
use http::StatusCode;
use serde_json::Value;

/// The maximum length of an email address.
pub(in crate::api) const MAX_EMAIL_LENGTH: usize = 254;
/// The maximum length of a language tag.
pub(super) const MAX_LOCALE_LENGTH: usize = 35;

/// `GET /user_management/users`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| UserId::parse(text).ok())?;
    let email = call.query.get("email")?;
    // `organization` is the older name.
    let organization = call.query.get("organization_id")?.or(call.query.get("organization")?);
    let mut reader = call.reader().await?;
    let (slice, environment_id) = (request.slice(), call.environment.id());
    let rows = match (email, organization.map(OrganizationId::parse)) {
        // An organization that cannot exist has no members.
        (_, Some(Err(_))) => Vec::new(),
        (None, organization) => {
            user::list(&mut reader, environment_id, &slice, organization.and_then(Result::ok)).await?
        }
        (Some(email), organization) => {
            let organization = organization.and_then(Result::ok);
            with_address(&mut reader, &call, &slice, email, organization).await?.into_iter().collect()
        }
    };
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| user_view(&row)).envelope()))
}

/// The user with an address, if they are in the organization and in the slice.
async fn with_address(
    reader: &mut Reader,
    call: &ManagementCall,
    slice: &Slice<UserId>,
    email: &str,
    organization: Option<OrganizationId>,
) -> Result<Option<User>, Failure> {
    let environment_id = call.environment.id();
    let found = user::find_by_email(reader, environment_id, email).await?;
    let Some(found) = found.filter(|user| {
        slice.from.is_none_or(|from| match slice.scan {
            Scan::Descending => user.id < from,
            Scan::Ascending => user.id > from,
        })
    }) else {
        return Ok(None);
    };
    Ok(match organization {
        Some(id) if !membership::is_active(reader, environment_id, found.id, id).await? => None,
        _ => Some(found),
    })
}

/// Whether a text names a language, such as `de` or `es-419` (RFC 5646, without its rarer parts).
fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or("");
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `POST /user_management/users`.
///
/// # Errors
/// 400, 422; 503 when too many passwords are being hashed.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let email = fields.required_text("email", MAX_EMAIL_LENGTH);
    let new = users::NewUser {
        email,
        email_verified: fields.boolean("email_verified").value().unwrap_or(false),
        first_name: fields.nullable_text("first_name", MAX_NAME_LENGTH).value(),
        last_name: fields.nullable_text("last_name", MAX_NAME_LENGTH).value(),
        name: fields.nullable_text("name", MAX_NAME_LENGTH).value(),
        external_id: fields.external_id().value(),
        metadata: fields.whole_metadata(),
        locale: None,
        password_hash: None,
    };
    let password = PasswordFields::read(&mut fields);
    fields.finish()?;
    let names = [Some(&new.email), new.first_name.as_ref(), new.last_name.as_ref(), new.name.as_ref()];
    let known: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    let password_hash = password.into_hash(&call.app, &known).await?;
    let new = users::NewUser { password_hash, ..new };
    call.commit(|tx, act| Box::pin(async move { Ok(Reply::created(&user_view(&users::create(tx, &act, new).await?))) }))
        .await
}

/// `GET /user_management/users/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = users::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&user_view(&found)))
}

/// `GET /user_management/users/external_id/{external_id}`.
///
/// # Errors
/// 404.
pub async fn get_by_external_id(call: ManagementCall) -> Result<Reply, Failure> {
    let external_id = call.path.get("external_id");
    let found = user::find_by_external_id(&mut call.reader().await?, call.environment.id(), external_id).await?;
    Ok(Reply::ok(&user_view(&found.ok_or_else(|| Failure::not_found("User", external_id))?)))
}

/// `GET /user_management/users/{id}/identities`: a bare array. There are no identity providers yet.
///
/// # Errors
/// 404.
pub async fn identities(call: ManagementCall) -> Result<Reply, Failure> {
    users::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&Vec::<Value>::new()))
}

/// `PUT /user_management/users/{id}`: absent fields are unchanged. A new address is unverified, unless the body says
/// otherwise.
///
/// # Errors
/// 400, 404, 422; 503 when too many passwords are being hashed.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let email = fields.optional_text("email", MAX_EMAIL_LENGTH);
    let email_verified = fields.boolean("email_verified");
    let first_name = fields.nullable_text("first_name", MAX_NAME_LENGTH);
    let last_name = fields.nullable_text("last_name", MAX_NAME_LENGTH);
    let name = fields.nullable_text("name", MAX_NAME_LENGTH);
    let external_id = fields.external_id();
    let metadata = fields.metadata();
    let locale = fields.nullable_text("locale", MAX_NAME_LENGTH);
    let password = PasswordFields::read(&mut fields);
    fields.finish()?;
    if let Patch::Value(text) = &locale
        && !(text.len() <= MAX_LOCALE_LENGTH && is_locale(text))
    {
        return Err(Failure::bad_request("invalid_locale", "locale must name a language, such as 'de' or 'en-US'."));
    }
    let id = call.path.get("id").to_owned();
    // Hash only for an existing user, and check that the password is not made of what is known about them.
    let found = users::find(&mut call.reader().await?, &call.act(), &id).await?;
    let names = [Some(&found.email), found.first_name.as_ref(), found.last_name.as_ref(), found.name.as_ref()];
    let known: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    let password_hash = password.into_hash(&call.app, &known).await?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let mut changed = users::find_and_lock(tx, &act, &id).await?;
            if let Patch::Value(email) = email {
                users::set_email(&mut changed, email)?;
            }
            if let Patch::Value(verified) = email_verified {
                changed.email_verified = verified;
            }
            first_name.apply(&mut changed.first_name);
            last_name.apply(&mut changed.last_name);
            name.apply(&mut changed.name);
            external_id.apply(&mut changed.external_id);
            locale.apply(&mut changed.locale);
            match metadata {
                Patch::Absent => {}
                Patch::Null => changed.metadata.clear(),
                Patch::Value(patch) => organizations::merge_metadata(&mut changed.metadata, patch)?,
            }
            Ok(Reply::ok(&user_view(&users::update(tx, &act, changed, password_hash).await?)))
        })
    })
    .await
}

/// `DELETE /user_management/users/{id}`: with memberships, sessions and consents.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            users::delete(tx, &act, &id).await?;
            Ok(Reply::empty(StatusCode::OK))
        })
    })
    .await
}
