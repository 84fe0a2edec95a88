//! `/connect/applications`.

use crate::domain::Failure;
use crate::domain::connect::applications::{self, ApplicationChange, NewApplication, NewApplicationKind};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{ApplicationId, OrganizationId};
use countersign_protocol::management::fields::{Fields, MAX_NAME_LENGTH, MAX_SLUG_LENGTH, Patch};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::connect_application_view;
use countersign_protocol::model::ClientType;
use countersign_store::application::{self, Filter};

/// The maximum length of a URI.
pub const MAX_URI_LENGTH: usize = 2048;
/// The maximum length of an origin.
pub const MAX_ORIGIN_LENGTH: usize = 300;

/// `GET /connect/applications`: without self-registered ones, unless `registration_types` asks for them.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let mut reader = call.reader().await?;
    let environment_id = call.environment.id();
    let request = PageRequest::parse(&call.query, |text| ApplicationId::parse(text).ok())?;
    let mut filter = Filter { authenticated: true, ..Filter::default() };
    if let Some(types) = call.query.list("registration_types").filter(|types| !types.is_empty()) {
        filter.authenticated = types.contains(&"authenticated");
        filter.dynamic = types.contains(&"dynamic");
        if types.iter().any(|word| !matches!(*word, "authenticated" | "dynamic")) {
            return Err(Failure::invalid(
                "registration_types",
                "invalid",
                "registration_types may be 'authenticated' and 'dynamic'.",
            ));
        }
    }
    let organization = call.query.get("organization_id")?;
    let rows = match organization.map(OrganizationId::parse) {
        // An organization that cannot exist has no applications.
        Some(Err(_)) => Vec::new(),
        id => {
            filter.organization_id = id.and_then(Result::ok);
            application::list(&mut reader, environment_id, filter, &request.slice()).await?
        }
    };
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| connect_application_view(&row)).envelope()))
}

fn texts(fields: &mut Fields, field: &str, longest: usize) -> Option<Vec<String>> {
    fields.texts(field, longest).value()
}

/// `POST /connect/applications`.
///
/// # Errors
/// 404 for the organization, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let name = fields.required_text("name", MAX_NAME_LENGTH);
    let description = fields.description().value();
    let scopes = texts(&mut fields, "scopes", MAX_SLUG_LENGTH).unwrap_or_default();
    let redirect_uris = fields.redirect_uris().value();
    let cors_origins = texts(&mut fields, "cors_origins", MAX_ORIGIN_LENGTH);
    let backchannel_logout_uri = fields.optional_text("backchannel_logout_uri", MAX_URI_LENGTH).value();
    let organization_id = fields.optional_text("organization_id", MAX_NAME_LENGTH).value();
    let first_party = fields.boolean("is_first_party").value();
    let public = fields.boolean("uses_pkce").value().unwrap_or(false);
    let application_type = fields.required_text("application_type", MAX_NAME_LENGTH);
    let kind = match application_type.as_str() {
        "m2m" => {
            if first_party == Some(true) {
                fields.refuse(
                    "is_first_party",
                    "not_allowed",
                    "A machine-to-machine application is always third-party.",
                );
            }
            if public {
                fields.refuse(
                    "uses_pkce",
                    "not_allowed",
                    "A machine-to-machine application keeps a secret and does not use PKCE.",
                );
            }
            require_organization(&mut fields, &organization_id);
            applications::refuse_for_machines(&redirect_uris, &cors_origins)?;
            applications::refuse_logout_for_machines(backchannel_logout_uri.as_deref())?;
            NewApplicationKind::Machine { organization_id: organization_id.unwrap_or_default() }
        }
        "oauth" => {
            match first_party {
                None => fields.require("is_first_party", "is_first_party is required."),
                Some(true) if organization_id.is_some() => {
                    fields.refuse(
                        "organization_id",
                        "not_allowed",
                        "A first-party application belongs to no organization.",
                    );
                }
                Some(true) => {}
                Some(false) => require_organization(&mut fields, &organization_id),
            }
            NewApplicationKind::OAuth {
                third_party_organization_id: organization_id,
                client_type: if public { ClientType::Public } else { ClientType::Confidential },
                redirect_uris: redirect_uris.unwrap_or_default(),
                cors_origins: cors_origins.unwrap_or_default(),
                backchannel_logout_uri,
            }
        }
        _ => {
            if !application_type.is_empty() {
                fields.refuse("application_type", "invalid", "application_type must be 'oauth' or 'm2m'.");
            }
            NewApplicationKind::Machine { organization_id: String::new() }
        }
    };
    fields.finish()?;
    let new = NewApplication { name, description, scopes, kind, client_id: None };
    call.commit(|tx, act| {
        Box::pin(
            async move { Ok(Reply::created(&connect_application_view(&applications::create(tx, &act, new).await?))) },
        )
    })
    .await
}

fn require_organization(fields: &mut Fields, organization_id: &Option<String>) {
    if organization_id.is_none() {
        fields.require("organization_id", "organization_id is required for third-party applications.");
    }
}

/// `GET /connect/applications/{id}`, by identifier or client id.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = applications::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&connect_application_view(&found)))
}

/// `PUT /connect/applications/{id}`. A null list leaves the list unchanged (an SDK sends null for what its caller did
/// not set); an empty one clears it.
///
/// # Errors
/// 404, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let change = ApplicationChange {
        name: fields.optional_text("name", MAX_NAME_LENGTH).value(),
        description: match fields.description() {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(text) => Some(Some(text)),
        },
        scopes: texts(&mut fields, "scopes", MAX_SLUG_LENGTH),
        redirect_uris: fields.redirect_uris().value(),
        cors_origins: texts(&mut fields, "cors_origins", MAX_ORIGIN_LENGTH),
        backchannel_logout_uri: match fields.nullable_text("backchannel_logout_uri", MAX_URI_LENGTH) {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(uri) => Some(Some(uri)),
        },
    };
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            Ok(Reply::ok(&connect_application_view(&applications::update(tx, &act, &id, change).await?)))
        })
    })
    .await
}

/// `DELETE /connect/applications/{id}`: with its secrets and tokens.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            applications::delete(tx, &act, &id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
