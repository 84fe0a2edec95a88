//! `/dashboard/env/{environment}/settings`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::reply;
use crate::dashboard::{duration, field, form_version};
use crate::domain::{Failure, environments};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Section, Settings};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{
    Authentication, DefaultMails, Environment, EnvironmentKind, ProductPages, SessionPolicy, WebAddress,
};
use countersign_protocol::oauth::params::Params;
use http::StatusCode;
use std::sync::Arc;

/// The version of the settings that the form is drawn from.
fn version_of(environment: &Environment) -> String {
    form_version::of(&(
        environment.kind,
        environment.access_token_lifetime,
        &environment.sessions,
        &environment.authentication,
        &environment.session_issuer,
        environment.signing_algorithm,
        &environment.product_pages,
        environment.default_mails,
    ))
}

fn show(call: &DashboardCall, typed: Option<&Params<'_>>, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shell = call.shell_with(Section::Environments, problem);
    let kept = &call.environment.environment;
    let or = |name: &str, kept: &str| match typed {
        Some(form) => field::text(form, name).to_owned(),
        None => kept.to_owned(),
    };
    let ticked = |name: &str, kept: bool| typed.map_or(kept, |form| field::ticked(form, name));
    let pages = kept
        .product_pages
        .named()
        .map(|(name, page)| (name, or(&page_field(name), page.map_or("", WebAddress::as_str))));
    let mails = kept.default_mails;
    let page = Settings {
        pages: &pages,
        mail_invitation: ticked("mail_invitation", mails.invitation),
        mail_magic_auth: ticked("mail_magic_auth", mails.magic_auth),
        mail_email_verification: ticked("mail_email_verification", mails.email_verification),
        mail_password_reset: ticked("mail_password_reset", mails.password_reset),
        shell: &shell,
        seen: &version_of(kept),
        issuer: kept.issuer.as_str(),
        client_id: &kept.client_id.to_string(),
        id: &kept.id.to_string(),
        kind: &or("kind", kept.kind.as_str()),
        password: ticked("password", kept.authentication.password),
        magic_auth: ticked("magic_auth", kept.authentication.magic_auth),
        mfa_required: ticked("mfa_required", kept.authentication.mfa_required),
        sign_up: ticked("sign_up", kept.authentication.sign_up),
        access_token_lifetime: &or("access_token_lifetime", &duration::in_words(kept.access_token_lifetime)),
        maximum_length: &or("maximum_length", &duration::in_words(kept.sessions.maximum_length)),
        inactivity_timeout: &or("inactivity_timeout", &duration::in_words(kept.sessions.inactivity_timeout)),
        session_issuer: &or("session_issuer", kept.session_issuer.as_deref().unwrap_or("")),
        algorithm: &or("signing_algorithm", kept.signing_algorithm.as_str()),
        algorithms: &Algorithm::ALL.map(Algorithm::as_str),
    };
    reply(status, &page)
}

/// The form field for the URL of a page of the product.
fn page_field(name: &str) -> String {
    format!("page_{name}")
}

/// The settings.
///
/// # Errors
/// Never; the signature is that of a page.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show(call, None, None))
}

/// The submitted settings.
struct Typed {
    kind: EnvironmentKind,
    access_token_lifetime: i64,
    sessions: SessionPolicy,
    authentication: Authentication,
    session_issuer: Option<String>,
    signing_algorithm: Algorithm,
    product_pages: ProductPages,
    default_mails: DefaultMails,
}

impl Typed {
    fn read(form: &Params<'_>) -> Result<Self, Failure> {
        let span = |name: &'static str, what: &str| {
            duration::parse(field::text(form, name)).ok_or_else(|| {
                Failure::invalid(name, "invalid", format!("{what}: write a number and a unit, such as “5 minutes”."))
            })
        };
        let kind = form.get("kind").and_then(EnvironmentKind::parse);
        let mut product_pages = ProductPages::default();
        for (name, _) in ProductPages::default().named() {
            if let Some(page) = product_pages.named_mut(name) {
                *page = field::optional(form, &page_field(name)).map(WebAddress::from_stored);
            }
        }
        let algorithm = form.get("signing_algorithm").and_then(Algorithm::parse);
        Ok(Self {
            kind: kind.ok_or_else(|| Failure::invalid("kind", "required", "Choose what it is for."))?,
            access_token_lifetime: span("access_token_lifetime", "The lifetime of access tokens")?,
            sessions: SessionPolicy {
                maximum_length: span("maximum_length", "The length of sessions")?,
                inactivity_timeout: span("inactivity_timeout", "The time without activity")?,
            },
            authentication: Authentication {
                sign_up: field::ticked(form, "sign_up"),
                password: field::ticked(form, "password"),
                magic_auth: field::ticked(form, "magic_auth"),
                mfa_required: field::ticked(form, "mfa_required"),
            },
            session_issuer: field::optional(form, "session_issuer"),
            signing_algorithm: algorithm
                .ok_or_else(|| Failure::invalid("signing_algorithm", "required", "Choose an algorithm."))?,
            product_pages,
            default_mails: DefaultMails {
                invitation: field::ticked(form, "mail_invitation"),
                magic_auth: field::ticked(form, "mail_magic_auth"),
                email_verification: field::ticked(form, "mail_email_verification"),
                password_reset: field::ticked(form, "mail_password_reset"),
            },
        })
    }

    fn apply(self, environment: &mut Environment) {
        environment.kind = self.kind;
        environment.access_token_lifetime = self.access_token_lifetime;
        environment.sessions = self.sessions;
        environment.authentication = self.authentication;
        environment.session_issuer = self.session_issuer;
        environment.signing_algorithm = self.signing_algorithm;
        environment.product_pages = Arc::new(self.product_pages);
        environment.default_mails = self.default_mails;
    }
}

/// Saves the settings; every node applies them within a second.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let act = call.act();
    let before = version_of(&call.environment.environment);
    let saved = match form_version::check(&form, &before).and_then(|()| Typed::read(&form)) {
        Ok(typed) => {
            let change = move |found: &mut Environment| {
                form_version::unchanged(&before, &version_of(found))?;
                typed.apply(found);
                Ok(())
            };
            call.commit(move |tx| Box::pin(async move { environments::change_settings(tx, &act, change).await })).await
        }
        Err(failure) => Err(failure),
    };
    match saved {
        Ok(()) => call.to("/settings?done=saved"),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, Some(&form), Some(problem)).with_status(status))
        }
    }
}
