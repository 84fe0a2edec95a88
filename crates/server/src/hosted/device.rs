//! The page on which a person enters the code that a device shows (RFC 8628 §3.3), says that it is the one on their own
//! device (§5.4), and agrees.

use super::choose_organization::{self, Choice, Organizations};
use super::consent::{Shown, chosen, described_since, render};
use super::flow::{Flow, Target};
use super::login_uri;
use super::page::{Carried, Origin, PageError, branding, frame, redirect, reply};
use super::session::{self, Current};
use crate::domain::Failure;
use crate::domain::attempts::{self, Limit};
use crate::domain::connect::grants;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Device as DevicePage, DeviceConfirm, DeviceDone, Problem, Trouble};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::{
    Choices, ClientType, Consent, ConsentOption, Membership, Persona, SessionDevice, settled,
};
use countersign_protocol::oauth::authorize::decision::{covers, needs_consent};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::grant::device_code::{Approval, DeviceAuthorization, DeviceState, read_user_code};
use countersign_store::{application, consent as consents, device_authorization, session as stored, session_device};
use http::StatusCode;
use std::sync::Arc;

/// Codes entered from one address: there are too many codes to guess one at this rate (RFC 8628 §5.1).
const ENTRIES: Limit = Limit::new("user code", 20, 10 * 60);

/// `GET /device`.
///
/// # Errors
/// A page for a query that is not good.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let typed = query.get("user_code").and_then(read_user_code).unwrap_or_default();
    Ok(show(call, &typed, StatusCode::OK, None))
}

fn show(call: &PageCall, typed: &str, status: StatusCode, problem: Option<Problem>) -> Reply {
    let branding = branding(call);
    let flow = Flow::begin(call, Target::Account);
    let carried = Carried::new(call, Some(&flow));
    let page = DevicePage { frame: frame(call, &branding), form: carried.form("/device", problem), user_code: typed };
    reply(call, status, &page, None)
}

/// `POST /device`.
///
/// # Errors
/// A page for too many tries.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let typed = form.get("user_code").unwrap_or("");
    let (act, from) = (session::act(call), call.peer.limit_key().to_string());
    let (counting, address) = (act.clone(), from.clone());
    let counted = call.app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { attempts::count(tx, &counting, ENTRIES, &address).await })
    });
    if counted.await?.is_err() {
        return Err(PageError::Trouble(StatusCode::TOO_MANY_REQUESTS, Trouble::Attempts));
    }
    let unknown = || show(call, typed, StatusCode::UNPROCESSABLE_ENTITY, Some(Problem::DeviceCodeUnknown));
    let Some(user_code) = read_user_code(typed) else { return Ok(unknown()) };
    let Some(device) = waiting(call, &user_code).await? else { return Ok(unknown()) };
    // The code was right, so this try was no guess: take back its count.
    let right = call.app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { attempts::take_back(tx, &act, ENTRIES, &from).await })
    });
    right.await?;
    let mut flow = Flow::begin(call, Target::Device(user_code));
    flow.application = device.client().map(|client| client.application.client_id);
    match sign_in_first(call, &flow, &device).await? {
        Some(reply) => Ok(reply),
        None => redirect(&flow.resume(call)),
    }
}

/// A device that waits for an answer.
enum Device {
    /// Of an application.
    OfClient(DeviceAuthorization, Arc<Client>),
    /// Of the environment's own application, which is the product: there is nothing to agree to.
    OfOwn(SessionDevice),
}

impl Device {
    fn user_code(&self) -> &str {
        match self {
            Self::OfClient(device, _) => &device.user_code,
            Self::OfOwn(device) => &device.user_code,
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::OfClient(_, client) => Some(client),
            Self::OfOwn(_) => None,
        }
    }

    /// What people know its application as.
    fn origin(&self, call: &PageCall) -> Origin {
        self.client().map_or_else(|| Origin::own(call), Origin::of)
    }

    fn needs_consent(&self) -> bool {
        matches!(self, Self::OfClient(_, client) if needs_consent(client))
    }
}

/// The device that shows a code and waits for an answer.
async fn waiting(call: &PageCall, user_code: &str) -> Result<Option<Device>, PageError> {
    let environment_id = call.environment.id();
    let mut reader = call.app.store.reader().await?;
    let found = device_authorization::find_by_user_code(&mut reader, environment_id, user_code).await?;
    let now = call.app.clock.now();
    let Some(device) = found.filter(|device| device.state == DeviceState::Pending && now < device.expires_at) else {
        let found = session_device::find_by_user_code(&mut reader, environment_id, user_code).await?;
        let waits = |device: &SessionDevice| device.state == DeviceState::Pending && now < device.expires_at;
        return Ok(found.filter(waits).map(Device::OfOwn));
    };
    let Some(application) = application::find(&mut reader, environment_id, device.application_id).await? else {
        return Ok(None);
    };
    drop(reader);
    let client = call.app.client_named(&call.environment, &application.client_name()).await?;
    Ok(client.map(|client| Device::OfClient(device, client)))
}

/// Who is signed in, as far as it counts for this device.
async fn current(call: &PageCall, device: &Device) -> Result<Option<Current>, PageError> {
    match device.client() {
        Some(client) => login_uri::current(call, client).await,
        None => session::current_with_address(call).await,
    }
}

/// The way to a sign-in elsewhere, for whoever has to take it first.
async fn sign_in_first(call: &PageCall, flow: &Flow, device: &Device) -> Result<Option<Reply>, PageError> {
    if current(call, device).await?.is_some() { Ok(None) } else { login_uri::instead(call, flow).await }
}

/// Everything that a step after the first one needs.
struct Step {
    flow: Flow,
    device: Device,
    current: Current,
    organizations: Organizations,
    /// What the person has agreed to before, for this application.
    given: Vec<Consent>,
    /// What there is to choose.
    options: Vec<ConsentOption>,
}

/// Loads a step of this flow, in which this organization may have been chosen; a sign-in comes first for whoever is not
/// signed in.
async fn step(
    call: &PageCall,
    sealed: Option<&str>,
    chosen: Option<OrganizationId>,
) -> Result<Result<Step, Reply>, PageError> {
    let mut flow = Flow::carried(call, sealed)?;
    let Target::Device(user_code) = &flow.target else { return Err(PageError::flow()) };
    let Some(device) = waiting(call, user_code).await? else {
        return Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link));
    };
    let Some(current) = current(call, &device).await? else {
        flow.application = device.client().map(|client| client.application.client_id);
        flow.email = session::address_to_prove(call).await?;
        return Ok(Err(match login_uri::instead(call, &flow).await? {
            Some(away) => away,
            None => redirect(&flow.link(call, "/sign-in"))?,
        }));
    };
    let mut reader = call.app.store.reader().await?;
    let named = [chosen, current.session.organization_id];
    let organizations = Organizations::load(call, &mut reader, current.user.id, &named).await?;
    let (mut given, options) = (Vec::new(), current.options.clone());
    if let Device::OfClient(_, client) = &device
        && needs_consent(client)
    {
        let (environment_id, user_id, application_id) = (call.environment.id(), current.user.id, client.application.id);
        given = consents::of_user_and_application(&mut reader, environment_id, user_id, application_id, "").await?;
    }
    Ok(Ok(Step { flow, device, current, organizations, given, options }))
}

/// `GET /device/confirm?flow=…`.
///
/// # Errors
/// A page for a flow or a code that is not good.
pub async fn resume(call: &PageCall) -> Result<Reply, PageError> {
    let query = call.query()?;
    let step = match step(call, query.get("flow"), None).await? {
        Ok(step) => step,
        Err(reply) => return Ok(reply),
    };
    Ok(show_code(call, step))
}

/// Asks whether the code is the right one, and the account.
fn show_code(call: &PageCall, step: Step) -> Reply {
    let Step { mut flow, device, current, .. } = step;
    flow.shown_to = Some(current.user.id);
    let branding = branding(call);
    let carried = Carried::new(call, Some(&flow));
    let origin = device.origin(call);
    let other_account = carried.link("/use-another-account");
    let page = DeviceConfirm {
        frame: frame(call, &branding),
        form: carried.form("/device/confirm", None),
        user_code: device.user_code(),
        application: origin.shown(),
        account: &current.user.email,
        other_account: &other_account,
    };
    reply(call, StatusCode::OK, &page, None)
}

/// `POST /device/confirm`: the code is the one on the person's own device, or it is not.
///
/// # Errors
/// A page for a flow or a code that is not good.
pub async fn confirm(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let step = match step(call, form.get("flow"), None).await? {
        Ok(step) => step,
        Err(reply) => return Ok(reply),
    };
    if form.get("decision") != Some("allow") {
        return deny(call, step.device).await;
    }
    // This may be the final step, so the approver must be the user whom the page was shown to, not one who signed in since.
    if step.flow.shown_to != Some(step.current.user.id) {
        return Ok(show_code(call, step));
    }
    let organization_id = match step.organizations.memberships.as_slice() {
        [] => None,
        [only] => Some(only.organization_id),
        // A device stays signed in for long: it is said for which organization, and not taken from where the browser is.
        several => {
            let agreed = |one: &&Membership| {
                step.device.needs_consent() && agreed_before(&step, Some(one.organization_id)).is_some()
            };
            let mut agreed = several.iter().filter(agreed);
            match (agreed.next(), agreed.next()) {
                (Some(only), None) => Some(only.organization_id),
                _ => {
                    let last = step.current.session.organization_id;
                    let picked = last.filter(|last| !step.organizations.many && step.organizations.has(*last));
                    return ask(call, step, picked, Asking::default()).await;
                }
            }
        }
    };
    let agreed = agreed_before(&step, organization_id);
    match agreed {
        Some(choices) => approve(call, step, organization_id, choices).await,
        None => {
            // The consent page can offer no choice among many: then it comes first.
            let picked = organization_id.filter(|_| !step.organizations.many);
            ask(call, step, picked, Asking::default()).await
        }
    }
}

/// What the person has chosen, if they have agreed before to what the device asks for, or need not.
fn agreed_before(step: &Step, organization_id: Option<OrganizationId>) -> Option<Choices> {
    let Device::OfClient(device, client) = &step.device else { return Some(Choices::default()) };
    if !needs_consent(client) {
        return Some(Choices::default());
    }
    let covered = |one: &&Consent| {
        one.organization_id == organization_id
            && covers(&one.scopes, &device.scopes)
            && client.is_as_agreed_to(one.updated_at)
            // Anybody can begin in the name of one that has no secret.
            && client.client_type() == ClientType::Confidential
    };
    step.given.iter().filter(covered).find_map(|one| settled(&step.options, &one.choices))
}

/// How a page asks.
#[derive(Default)]
struct Asking<'a> {
    /// What was chosen in the form, where it is shown again; else what was chosen before.
    choices: Option<Choices>,
    problem: Option<Problem>,
    search: Option<&'a str>,
}

/// Asks what is left to ask: consent and organization, or the organization alone; of many, the organization first.
async fn ask(
    call: &PageCall,
    step: Step,
    picked: Option<OrganizationId>,
    asking: Asking<'_>,
) -> Result<Reply, PageError> {
    let Step { mut flow, device, current, organizations, given, options } = step;
    if let Device::OfClient(device, client) = &device
        && needs_consent(client)
        && (picked.is_some() || !organizations.many)
    {
        let offered = |one: &&Membership| !organizations.many || picked == Some(one.organization_id);
        let chosen = asking.choices.unwrap_or_else(|| given.into_iter().flat_map(|consent| consent.choices).collect());
        let shown = Shown {
            client,
            scopes: &device.scopes,
            resource: "",
            current: &current,
            organizations: organizations.memberships.iter().filter(offered).collect(),
            picked,
            options: &options,
            chosen: &chosen,
            redirect_host: String::new(),
            on_this_device: false,
            action: "/device/consent",
        };
        return render(call, flow, shown, asking.problem).await;
    }
    flow.shown_to = Some(current.user.id);
    let origin = Some(device.origin(call));
    let choice = Choice { origin, user_id: current.user.id, organizations: &organizations, action: "/device/consent" };
    choose_organization::show(call, &flow, choice, asking.search).await
}

/// `POST /device/consent`: what the person has agreed to, and for which organization.
///
/// # Errors
/// A page for a flow or a code that is not good.
pub async fn consent(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    // The list that nothing was chosen from sends an empty text.
    let organization_id = form.get("organization_id").and_then(|id| OrganizationId::parse(id).ok());
    let step = match step(call, form.get("flow"), organization_id).await? {
        Ok(step) => step,
        Err(reply) => return Ok(reply),
    };
    // A page that only asks for the organization has organizations for its buttons, and no other decision.
    let only_chosen = !step.device.needs_consent() || (step.organizations.many && form.get("decision").is_none());
    if !only_chosen && form.get("decision") != Some("allow") {
        return deny(call, step.device).await;
    }
    let good = match organization_id {
        Some(id) => step.organizations.has(id),
        None => step.organizations.memberships.is_empty(),
    };
    // Consent counts only from the user who was shown this page, and only while what it said is unchanged.
    let said = match &step.device {
        Device::OfClient(_, client) if !only_chosen => described_since(client),
        _ => step.flow.shown_since,
    };
    let same = step.flow.shown_to == Some(step.current.user.id) && step.flow.shown_since == said;
    if !good || !same {
        let picked = organization_id.filter(|_| good || !step.organizations.many);
        // Approved without choosing an organization: ask again, and keep the other choices.
        let forgotten = same && !only_chosen && organization_id.is_none();
        let asking = Asking {
            choices: forgotten.then(|| chosen(&form, &step.options)),
            problem: forgotten.then_some(Problem::OrganizationNeeded),
            search: form.get("search"),
        };
        return ask(call, step, picked, asking).await;
    }
    if only_chosen && step.device.needs_consent() {
        return ask(call, step, organization_id, Asking::default()).await;
    }
    let choices = chosen(&form, &step.options);
    match settled(&step.options, &choices) {
        Some(choices) => approve(call, step, organization_id, choices).await,
        None => {
            let asking = Asking { choices: Some(choices), problem: Some(Problem::ChoiceNeeded), search: None };
            ask(call, step, organization_id, asking).await
        }
    }
}

fn done(call: &PageCall, approved: bool) -> Reply {
    let branding = branding(call);
    reply(call, StatusCode::OK, &DeviceDone { frame: frame(call, &branding), approved }, None)
}

async fn deny(call: &PageCall, device: Device) -> Result<Reply, PageError> {
    let environment_id = call.environment.id();
    call.app
        .store
        .write::<(), Failure, _>(move |tx| {
            Box::pin(async move {
                match device {
                    Device::OfClient(device, _) => {
                        device_authorization::deny(tx, environment_id, &device.digest).await?
                    }
                    Device::OfOwn(device) => session_device::deny(tx, environment_id, &device.digest).await?,
                };
                Ok(())
            })
        })
        .await?;
    Ok(done(call, false))
}

async fn approve(
    call: &PageCall,
    step: Step,
    organization_id: Option<OrganizationId>,
    choices: Choices,
) -> Result<Reply, PageError> {
    let act = session::act(call);
    let Step { device, current, .. } = step;
    let (device, subject, registered) = match device {
        Device::OfClient(device, client) => {
            let subject = login_uri::subject(call, &client, &current.user);
            (device, subject, client.registered)
        }
        Device::OfOwn(device) => {
            let approved = call.app.store.write::<bool, Failure, _>(move |tx| {
                Box::pin(async move {
                    let (environment_id, session_id) = (act.environment_id, current.session.id);
                    let digest = &device.digest;
                    Ok(session_device::approve(tx, environment_id, digest, session_id, organization_id).await?)
                })
            });
            return answered(call, approved.await?);
        }
    };
    let wanted = Consent {
        id: act.entropy.id(act.now)?,
        user_id: current.user.id,
        application_id: device.application_id,
        organization_id,
        resource: String::new(),
        scopes: device.scopes.clone(),
        choices: choices.clone(),
        created_at: act.now,
        updated_at: act.now,
    };
    let approved = call.app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            // The session before the consent, here as everywhere: whoever ends it has taken back what this would give.
            if !stored::hold(tx, act.environment_id, current.session.id).await? {
                return Ok(false);
            }
            let consent_id = grants::agree(tx, &act, wanted, registered).await?;
            let approval = Approval {
                consent_id,
                user_id: current.user.id,
                organization_id,
                session_id: Some(current.session.id),
                persona: Persona { subject, choices },
                authenticated_at: current.session.authenticated_at,
            };
            Ok(device_authorization::approve(tx, act.environment_id, &device.digest, approval).await?)
        })
    });
    answered(call, approved.await.map_err(PageError::without_application)?)
}

/// The end, unless somebody has answered before.
fn answered(call: &PageCall, approved: bool) -> Result<Reply, PageError> {
    if approved { Ok(done(call, true)) } else { Err(PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Link)) }
}
