//! The consent page: who asks, for what, for which organization.

use super::authorize::{Agreed, Asked, advance, agree, decline};
use super::flow::{Flow, Target};
use super::page::{Carried, Origin, PageError, branding, frame, reply};
use super::session::Current;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Access, ChoiceGroup, Choosing, Consent, Identity, Language, Organization, Problem};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::{ApplicationKind, Choices, ConsentOption, Membership, Ownership, settled};
use countersign_protocol::oauth::authorize::decision::any_local_program_may_receive;
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::oauth::registration::document_url::host;
use countersign_protocol::oauth::scope;
use countersign_store::{Reader, organization, permission};
use http::StatusCode;

/// A scope in words: what it is called, and what it means.
fn built_in(scope: &str, language: Language) -> (&'static str, &'static str) {
    match (scope, language) {
        ("openid", Language::English) => ("Know who you are", "The application recognizes you when you come back."),
        ("openid", Language::German) => ("Wissen, wer Sie sind", "Die Anwendung erkennt Sie wieder."),
        ("profile", Language::English) => ("See your name", ""),
        ("profile", Language::German) => ("Ihren Namen sehen", ""),
        ("email", Language::English) => ("See your email address", ""),
        ("email", Language::German) => ("Ihre E\u{2011}Mail-Adresse sehen", ""),
        (_, Language::English) => {
            ("Keep this access while you are away", "Until you take it back on your account page.")
        }
        (_, Language::German) => {
            ("Den Zugriff behalten, auch wenn Sie nicht da sind", "Bis Sie ihn auf Ihrer Kontoseite entziehen.")
        }
    }
}

/// What scopes mean, in words.
///
/// # Errors
/// Database errors.
pub async fn in_words(
    call: &PageCall,
    reader: &mut Reader,
    scopes: &[String],
    language: Language,
) -> Result<Vec<(String, String)>, countersign_store::Error> {
    let mut words = Vec::with_capacity(scopes.len());
    for wanted in scopes {
        if scope::is_built_in(wanted) {
            let (name, description) = built_in(wanted, language);
            words.push((name.to_owned(), description.to_owned()));
            continue;
        }
        let found = permission::find(reader, call.environment.id(), wanted).await?;
        words.push(match found {
            Some(permission) => (permission.name, permission.description.unwrap_or_default()),
            // A scope that is assigned and has no permission any more: its own name is better than nothing.
            None => (wanted.clone(), String::new()),
        });
    }
    Ok(words)
}

/// What the page says.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// For what.
    pub scopes: &'a [String],
    /// For which API; empty for none in particular.
    pub resource: &'a str,
    /// Who is asked.
    pub current: &'a Current,
    /// The organizations there are to choose from.
    pub organizations: Vec<&'a Membership>,
    /// The one that is picked beforehand.
    pub picked: Option<OrganizationId>,
    /// What there is to choose besides.
    pub options: &'a [ConsentOption],
    /// What is chosen beforehand.
    pub chosen: &'a Choices,
    /// Where the person is sent afterwards; empty for a device.
    pub redirect_host: String,
    /// Whether any program on the person's device could receive what is allowed.
    pub on_this_device: bool,
    /// Where the page is posted to.
    pub action: &'static str,
}

/// Shows the page for an authorization request.
///
/// # Errors
/// Database errors.
pub async fn show(
    call: &PageCall,
    flow: Flow,
    asked: &Asked,
    picked: Option<OrganizationId>,
    (chosen, problem): (&Choices, Option<Problem>),
) -> Result<Reply, PageError> {
    let Asked { client, request, current: Some(current), organizations, options, .. } = asked else {
        return Err(PageError::flow());
    };
    // Where the application has named an organization, there is no choice; of many, one was chosen before.
    let only = request.organization_id.or(picked.filter(|_| organizations.many));
    let named = |membership: &&Membership| only.is_none_or(|id| id == membership.organization_id);
    let shown = Shown {
        client,
        scopes: &request.scopes,
        resource: &request.resource,
        current,
        organizations: organizations.memberships.iter().filter(named).collect(),
        picked,
        options,
        chosen,
        redirect_host: request.return_address.redirect.host(),
        on_this_device: any_local_program_may_receive(client, request.return_address.redirect.as_str()),
        action: "/consent",
    };
    render(call, flow, shown, problem).await
}

/// Since when a client says of itself what it says now, in milliseconds.
pub fn described_since(client: &Client) -> Option<i64> {
    client.registered.map(|registered| registered.changed_at.as_millis())
}

/// Renders the page.
///
/// # Errors
/// Database errors.
pub async fn render(
    call: &PageCall,
    mut flow: Flow,
    shown: Shown<'_>,
    problem: Option<Problem>,
) -> Result<Reply, PageError> {
    flow.shown_to = Some(shown.current.user.id);
    flow.shown_since = described_since(shown.client);
    let branding = branding(call);
    let frame = frame(call, &branding);
    let mut reader = call.app.store.reader().await?;
    let mut words = in_words(call, &mut reader, shown.scopes, frame.language).await?;
    if !shown.resource.is_empty() {
        words.insert(0, (frame.language.texts().act_at(shown.resource).to_string(), String::new()));
    }
    let access: Vec<Access<'_>> = words.iter().map(|(name, description)| Access { name, description }).collect();
    let application = &shown.client.application;
    let publisher = match application.kind {
        ApplicationKind::OAuth { ownership: Ownership::ThirdParty { organization_id }, .. } => {
            organization::find(&mut reader, call.environment.id(), organization_id).await?.map(|found| found.name)
        }
        _ => None,
    };
    drop(reader);
    let ids: Vec<String> = shown.organizations.iter().map(|one| one.organization_id.to_string()).collect();
    let organizations: Vec<Organization<'_>> = shown
        .organizations
        .iter()
        .zip(&ids)
        .map(|(membership, id)| Organization { id, name: &membership.organization_name })
        .collect();
    let picked = shown.picked.map(|id| id.to_string());
    let fields: Vec<String> = shown.options.iter().map(field).collect();
    let offered: Vec<Vec<ChoiceGroup<'_>>> = shown.options.iter().map(groups).collect();
    let choosing: Vec<Choosing<'_>> = shown
        .options
        .iter()
        .zip(fields.iter().zip(&offered))
        .map(|(option, (name, groups))| {
            let chosen = shown.chosen.get(&option.claim).map(String::as_str).filter(|value| option.offers(value));
            // Of one there is no choice.
            let only = option.choices().next().filter(|_| option.choices().count() == 1);
            let chosen = chosen.or(only.map(|only| only.value.as_str()));
            Choosing { name, label: &option.label, groups, chosen }
        })
        .collect();
    let origin = Origin::of(shown.client);
    let carried = Carried::new(call, Some(&flow));
    let other_account = carried.link("/use-another-account");
    let page = Consent {
        frame,
        form: carried.form(shown.action, problem),
        application: &application.name,
        application_logo: origin.shown().logo,
        identity: match &application.metadata_url {
            Some(url) => Identity::Host(host(url)),
            None if application.registered_itself() => Identity::Nobody,
            None => Identity::Registered,
        },
        on_this_device: shown.on_this_device,
        publisher: publisher.as_deref(),
        account: &shown.current.user.email,
        other_account: &other_account,
        access: &access,
        organizations: &organizations,
        organization_id: picked.as_deref(),
        choosing: &choosing,
        redirect_host: &shown.redirect_host,
        terms_url: None,
        privacy_url: None,
    };
    Ok(reply(call, StatusCode::OK, &page, flow.redirect_scheme.as_deref()))
}

/// The field of the form for an option.
fn field(option: &ConsentOption) -> String {
    format!("choice:{}", option.claim)
}

/// What there is to choose, as the page shows it.
fn groups(option: &ConsentOption) -> Vec<ChoiceGroup<'_>> {
    option
        .groups
        .iter()
        .map(|group| ChoiceGroup {
            name: group.name.as_deref(),
            choices: group.choices.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect(),
        })
        .collect()
}

/// What was chosen in a form, whatever it is.
pub fn chosen(form: &Params<'_>, options: &[ConsentOption]) -> Choices {
    let value = |option: &ConsentOption| Some((option.claim.clone(), form.get(&field(option))?.to_owned()));
    options.iter().filter_map(value).collect()
}

/// `POST /consent`.
///
/// # Errors
/// A page for a flow that is not good.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    let form = call.form()?;
    let flow = Flow::carried(call, form.get("flow"))?;
    if form.get("decision") != Some("allow") {
        return decline(call, &flow).await;
    }
    let organization_id =
        form.get("organization_id").map(OrganizationId::parse).transpose().map_err(|_| PageError::flow())?;
    let Target::Authorize(query) = &flow.target else { return Err(PageError::flow()) };
    // An organization that was chosen counts only if it is one of those that were offered.
    let named = organization_id.or(flow.organization_id);
    let Ok(asked) = super::authorize::ask(call, query, named).await? else { return Err(PageError::flow()) };
    // Another user may have signed in since the page was shown: only the consent of the user who saw it counts.
    let same = asked.current.as_ref().is_some_and(|current| flow.shown_to == Some(current.user.id));
    // Likewise when the client has described itself differently since: that description was not consented to.
    if !same || flow.shown_since != described_since(&asked.client) {
        return advance(call, flow).await;
    }
    let choices = chosen(&form, &asked.options);
    if organization_id.is_none() && asked.organizations.memberships.len() > 1 {
        return show(call, flow, &asked, None, (&choices, Some(Problem::OrganizationNeeded))).await;
    }
    if settled(&asked.options, &choices).is_none() {
        return show(call, flow, &asked, organization_id, (&choices, Some(Problem::ChoiceNeeded))).await;
    }
    agree(call, flow, asked, Agreed { organization_id, choices }).await
}
