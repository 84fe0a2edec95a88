//! The first page of an environment.

use super::call::DashboardCall;
use super::page::shown;
use crate::hosted::page::{PageError, redirect};
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Fact, Overview, Section, Step};
use countersign_protocol::management::page::{Scan, Slice};
use countersign_store::application::Filter;
use countersign_store::{application, organization};

/// `GET /dashboard`: redirects to the first environment.
///
/// # Errors
/// Never; the signature is that of a page.
pub async fn home(call: &DashboardCall) -> Result<Reply, PageError> {
    redirect(&format!("/env/{}", call.environment.environment.name))
}

/// `GET /dashboard/env/{environment}`.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let shell = call.shell(Section::Overview);
    let environment = &call.environment.environment;
    let mut reader = call.page.app.store.reader().await?;
    let first = Slice { scan: Scan::Descending, from: None, limit: 1 };
    let one = organization::list(&mut reader, environment.id, &first, None).await?;
    let filter = Filter { authenticated: true, ..Filter::default() };
    let slice = Slice { scan: Scan::Descending, from: None, limit: 1 };
    let any = application::list(&mut reader, environment.id, filter, &slice).await?;
    drop(reader);
    let issuer = environment.issuer.as_str();
    let facts = [
        Fact { label: "Issuer", value: issuer.to_owned() },
        Fact { label: "Discovery", value: format!("{issuer}/.well-known/openid-configuration") },
        Fact { label: "API base URL", value: call.page.app.public_url.as_str().to_owned() },
        Fact { label: "Client ID of your own product", value: environment.client_id.to_string() },
        Fact { label: "Environment ID", value: environment.id.to_string() },
    ];
    let steps = [
        Step {
            title: "Add an organization",
            text: "A customer or partner. Machine credentials and third-party applications belong to an organization.",
            href: shell.href(&Section::Organizations),
            done: !one.is_empty(),
        },
        Step {
            title: "Add an application",
            text: "A program that signs people in with you, or calls your API. You get a client ID, a secret and code to paste.",
            href: shell.href(&Section::Applications),
            done: !any.is_empty(),
        },
    ];
    Ok(shown(&Overview { shell: &shell, facts: &facts, steps: &steps }))
}
