//! `/dashboard/env/{environment}/webhooks/new` and `…/webhooks/{id}/settings`.

use super::{find, page_of, secrets, shown_secrets};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::dashboard::page::{refused, reply};
use crate::domain::Failure;
use crate::domain::webhooks::{self, Changes};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{EndpointFields, EventGroup, EventTick, NewWebhook, Section, WebhookSettings};
use countersign_protocol::management::webhook_views::subscriptions;
use countersign_protocol::model::{WebhookEndpoint, WebhookStatus};
use countersign_protocol::oauth::params::Params;
use countersign_protocol::webhook::event_types::offered;
use http::StatusCode;

/// The stored or typed settings.
#[derive(Default)]
struct Chosen {
    url: String,
    all: bool,
    events: Vec<String>,
}

/// The events that can be ticked: those offered, and any others chosen before.
fn names(before: &[String]) -> Vec<String> {
    let mut names: Vec<String> = offered().into_iter().map(str::to_owned).chain(before.iter().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Chosen {
    fn of(endpoint: &WebhookEndpoint) -> Self {
        let all = names(&endpoint.events).len() == endpoint.events.len();
        Self { url: endpoint.endpoint_url.clone(), all, events: endpoint.events.clone() }
    }

    fn typed(form: &Params<'_>, before: &[String]) -> Self {
        let all = field::text(form, "which") == "all";
        let known = names(before);
        let ticked = known.into_iter().filter(|name| field::ticked(form, &format!("event_{name}")));
        Self { url: field::text(form, "endpoint_url").to_owned(), all, events: ticked.collect() }
    }

    /// The events to subscribe to.
    fn wanted(&self, before: &[String]) -> Result<Vec<String>, Failure> {
        let wanted = if self.all { names(before) } else { self.events.clone() };
        if wanted.is_empty() {
            return Err(Failure::invalid("events", "required", "Tick at least one event, or choose all."));
        }
        Ok(subscriptions(wanted)?)
    }

    fn groups(&self, before: &[String]) -> Vec<EventGroup> {
        let mut groups: Vec<EventGroup> = Vec::new();
        for name in names(before) {
            let word = name.split('.').next().unwrap_or_default().to_owned();
            let tick = EventTick { chosen: self.events.contains(&name), name };
            match groups.last_mut().filter(|group| group.name == word) {
                Some(group) => group.events.push(tick),
                None => groups.push(EventGroup { name: word, events: vec![tick] }),
            }
        }
        groups
    }
}

fn count(groups: &[EventGroup]) -> usize {
    groups.iter().map(|group| group.events.len()).sum()
}

fn show_new(call: &DashboardCall, chosen: &Chosen, problem: Option<String>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let groups = chosen.groups(&[]);
    let fields = EndpointFields { url: &chosen.url, all: chosen.all, groups: &groups, count: count(&groups) };
    reply(status, &NewWebhook { shell: &call.shell_with(Section::Webhooks, problem), fields })
}

/// The empty form.
///
/// # Errors
/// None.
pub async fn new(call: &DashboardCall) -> Result<Reply, PageError> {
    Ok(show_new(call, &Chosen { all: true, ..Chosen::default() }, None))
}

/// Creates an endpoint.
///
/// # Errors
/// Database errors.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let chosen = Chosen::typed(&call.page.form()?, &[]);
    let made = match chosen.wanted(&[]) {
        Err(failure) => Err(failure),
        Ok(events) => {
            let (act, url) = (call.act(), chosen.url.clone());
            call.commit(move |tx| Box::pin(async move { webhooks::create(tx, &act, url, events, None).await })).await
        }
    };
    match made {
        Ok(made) => call.to(&format!("/webhooks/{}?done=created", made.id)),
        Err(failure) => Ok(show_new(call, &chosen, Some(refused(failure)?))),
    }
}

/// The version of the settings that the form is drawn from.
fn version_of(endpoint: &WebhookEndpoint) -> String {
    form_version::of(&(&endpoint.endpoint_url, &endpoint.events))
}

/// Shows the settings and the problem, if any.
pub(super) fn show(
    call: &DashboardCall,
    endpoint: &WebhookEndpoint,
    problem: Option<String>,
) -> Result<Reply, PageError> {
    show_typed(call, endpoint, &Chosen::of(endpoint), problem)
}

fn show_typed(
    call: &DashboardCall,
    endpoint: &WebhookEndpoint,
    chosen: &Chosen,
    problem: Option<String>,
) -> Result<Reply, PageError> {
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Webhooks, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Webhooks)),
    };
    let groups = chosen.groups(&endpoint.events);
    let known = secrets(call, endpoint)?;
    let view = WebhookSettings {
        shell: &shell,
        seen: &version_of(endpoint),
        href: &page_of(call, endpoint),
        url: &endpoint.endpoint_url,
        enabled: endpoint.status == WebhookStatus::Enabled,
        fields: EndpointFields { url: &chosen.url, all: chosen.all, groups: &groups, count: count(&groups) },
        secrets: shown_secrets(&known),
    };
    Ok(reply(status, &view))
}

/// The settings.
///
/// # Errors
/// 404.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, &find(call).await?, None)
}

/// Saves the settings.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let endpoint = find(call).await?;
    let form = call.page.form()?;
    let (chosen, before) = (Chosen::typed(&form, &endpoint.events), version_of(&endpoint));
    let saved = match form_version::check(&form, &before).and_then(|()| chosen.wanted(&endpoint.events)) {
        Err(failure) => Err(failure),
        Ok(events) => {
            let (act, id) = (call.act(), endpoint.id.to_string());
            let changes = Changes { endpoint_url: Some(chosen.url.clone()), events: Some(events), enabled: None };
            call.commit(move |tx| {
                Box::pin(async move {
                    form_version::unchanged(&before, &version_of(&webhooks::held(tx, &act, &id).await?))?;
                    webhooks::update(tx, &act, &id, changes).await
                })
            })
            .await
        }
    };
    match saved {
        Ok(_) => call.to(&format!("/webhooks/{}/settings?done=saved", endpoint.id)),
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show_typed(call, &endpoint, &chosen, Some(problem))?.with_status(status))
        }
    }
}

/// Enables or disables an endpoint.
///
/// # Errors
/// 404.
pub async fn status(call: &DashboardCall) -> Result<Reply, PageError> {
    let word = match field::text(&call.page.form()?, "status") {
        "enabled" => "enabled",
        "disabled" => "disabled",
        _ => return Err(PageError::flow()),
    };
    let endpoint = find(call).await?;
    let (act, id) = (call.act(), endpoint.id.to_string());
    let changes = Changes { enabled: Some(word == "enabled"), ..Changes::default() };
    call.commit(move |tx| Box::pin(async move { webhooks::update(tx, &act, &id, changes).await })).await?;
    call.to(&format!("/webhooks/{}?done={word}", endpoint.id))
}

/// Deletes an endpoint.
///
/// # Errors
/// 404.
pub async fn delete(call: &DashboardCall) -> Result<Reply, PageError> {
    let (act, id) = (call.act(), call.page.path.get("id").to_owned());
    call.commit(move |tx| Box::pin(async move { webhooks::delete(tx, &act, &id).await })).await?;
    call.to("/webhooks?done=deleted")
}
