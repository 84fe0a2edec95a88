//! `/oauth2/authorize`: from a request to a code. Each time the browser arrives here, everything is read and decided anew
//! from what is true then; a flow only says what the person has done in it.

use super::choose_organization::{Choice, Organizations};
use super::flow::{Flow, Target};
use super::page::{Origin, PageError, keep_requested_language, redirect};
use super::session::{self, Current, SessionStart};
use super::{choose_organization, client, consent, login_uri, not_a_member, select_account, sign_out};
use crate::domain::Failure;
use crate::domain::connect::{authorization_codes, grants};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::Trouble;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::model::{AuthorizationCode, Choices, Consent, ConsentOption, Persona, settled};
use countersign_protocol::oauth::authorize::carried_scopes::CarriedScopes;
use countersign_protocol::oauth::authorize::decision::{
    GivenConsent, Hinted, Next, Progress, SignedIn, must_not_redirect_out, needs_consent, next,
};
use countersign_protocol::oauth::authorize::request::{
    AuthorizeErrorCode, AuthorizeRequest, NotForTheClient, Refusal, client_name, read, without_unknown,
};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::grant::authorization_code::CODE_LIFETIME;
use countersign_protocol::oauth::params::Params;
use countersign_store::{consent as consents, membership, session as sessions};
use http::StatusCode;
use std::sync::Arc;

/// Longest query, in bytes, of which something is read: the browser carries it from page to page, sealed, in addresses that
/// many proxies take up to 8 KiB of.
pub(super) const MAX_LENGTH: usize = 4 * 1024;

/// Of how many consents the organizations are looked up for somebody who belongs to more than a page shows. With two that count
/// there is a choice already.
const MAX_AGREED: usize = 10;

/// What the person has agreed to on the page they were shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// For this organization.
    pub organization_id: Option<OrganizationId>,
    /// With these choices.
    pub choices: Choices,
}

/// A request whose client and parameters are good, and who is there to answer it.
#[derive(Debug)]
pub struct Asked {
    /// The application.
    pub client: Arc<Client>,
    /// The request.
    pub request: AuthorizeRequest,
    /// Who is signed in.
    pub current: Option<Current>,
    /// Of which organizations they are an active member.
    pub organizations: Organizations,
    /// What they have agreed to before, for this application and resource.
    pub given: Vec<Consent>,
    /// What there is to choose.
    pub options: Vec<ConsentOption>,
}

pub(super) fn of_the_application() -> PageError {
    PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Application)
}

/// `GET /oauth2/authorize`.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let (params, _) =
        Params::first_of_each(call.uri.query().unwrap_or("").as_bytes()).map_err(|_| of_the_application())?;
    let flow = match params.get("flow") {
        Some(sealed) => Flow::carried(call, Some(sealed))?,
        None => {
            let query = without_unknown(call.uri.query().unwrap_or(""));
            if query.len() > MAX_LENGTH {
                return Err(of_the_application());
            }
            Flow::begin(call, Target::Authorize(query))
        }
    };
    Ok(keep_requested_language(call, found(advance(call, flow).await?)))
}

/// What was asked with a GET goes on with one: a redirect is 302, which the reference says.
pub(super) fn found(mut reply: Reply) -> Reply {
    if reply.status == StatusCode::SEE_OTHER {
        reply.status = StatusCode::FOUND;
    }
    reply
}

/// `POST /oauth2/authorize` (OpenID Connect Core §3.1.2.1): the same request, asked again with a GET, with which the
/// browser sends its session along.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn post(call: &PageCall) -> Result<Reply, PageError> {
    Params::first_of_each(&call.body).map_err(|_| of_the_application())?;
    let query = without_unknown(std::str::from_utf8(&call.body).map_err(|_| of_the_application())?);
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'#');
    if query.len() > MAX_LENGTH || !query.bytes().all(plain) {
        return Err(of_the_application());
    }
    redirect(&format!("/oauth2/authorize?{query}"))
}

/// Goes one step on: to a page, or back to the application.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn advance(call: &PageCall, flow: Flow) -> Result<Reply, PageError> {
    Box::pin(step(call, flow, None)).await
}

/// The same for who has agreed to what was asked in this very call.
///
/// # Errors
/// As [`advance`].
pub async fn agree(call: &PageCall, flow: Flow, asked: Asked, agreed: Agreed) -> Result<Reply, PageError> {
    Box::pin(go_on(call, flow, asked, Some(agreed), None)).await
}

/// The same for somebody whose session is about to begin in this very call. When nothing is left to ask, it begins together
/// with the code; else nothing is done, and the authorization endpoint asks when the browser comes back with its session.
///
/// # Errors
/// When something of ours fails.
pub async fn go_on_as(
    call: &PageCall,
    flow: &Flow,
    current: Current,
    session_start: &mut Option<SessionStart>,
) -> Result<Option<Reply>, PageError> {
    let Target::Authorize(query) = &flow.target else { return Ok(None) };
    let Ok(asked) = Box::pin(ask_as(call, query, flow.organization_id, Some(current))).await? else { return Ok(None) };
    let Decision { next: Next::Issue { organization_id }, .. } = decide(call, flow, query, &asked, None) else {
        return Ok(None);
    };
    let choices = chosen_for(&asked, organization_id, None);
    issue(call, &asked, organization_id, choices, session_start.take()).await
}

/// The same, where the person looks for one of their organizations by name.
///
/// # Errors
/// A page for what cannot be sent to the application.
pub async fn search_organization(call: &PageCall, flow: Flow, search: &str) -> Result<Reply, PageError> {
    Box::pin(step(call, flow, Some(search))).await
}

async fn step(call: &PageCall, flow: Flow, search: Option<&str>) -> Result<Reply, PageError> {
    let Target::Authorize(query) = &flow.target else { return Err(PageError::flow()) };
    match ask(call, query, flow.organization_id).await? {
        Ok(asked) => go_on(call, flow, asked, None, search).await,
        Err(Refusal::ToThePerson(NotForTheClient::UnknownClient)) => {
            redirect("/oauth2/error?error=application_not_found")
        }
        Err(Refusal::ToThePerson(_)) => Err(of_the_application()),
        Err(Refusal::ToTheClient(address, code, why)) => {
            redirect(&address.with_error(call.environment.environment.issuer.as_str(), code, &why))
        }
    }
}

async fn go_on(
    call: &PageCall,
    mut flow: Flow,
    asked: Asked,
    agreed: Option<Agreed>,
    search: Option<&str>,
) -> Result<Reply, PageError> {
    let Target::Authorize(query) = &flow.target else { return Err(PageError::flow()) };
    let issuer = call.environment.environment.issuer.as_str();
    let Decision { next, agreed, agreed_before } = decide(call, &flow, query, &asked, agreed);
    let Asked { client, request, current, organizations: belongs, .. } = &asked;
    flow.application = Some(client.application.client_id);
    flow.redirect_scheme = redirect_scheme(request.return_address.redirect.as_str());
    match next {
        Next::SignIn => {
            flow.email = match &request.login_hint {
                Some(hint) => Some(hint.clone()),
                None => session::address_to_prove(call).await?,
            };
            let open = call.environment.environment.authentication.sign_up;
            login_uri::sign_in(call, flow, client, if request.sign_up && open { "/sign-up" } else { "/sign-in" }).await
        }
        Next::ChooseAccount => match current {
            Some(current) => select_account::show(call, &flow, Some(Origin::of(client)), current),
            None => Err(PageError::flow()),
        },
        Next::ChooseOrganization => match current {
            Some(current) => {
                let choice = Choice::of(Some(Origin::of(client)), current.user.id, belongs);
                Box::pin(choose_organization::show(call, &flow, choice, search)).await
            }
            None => Err(PageError::flow()),
        },
        Next::NotAMember => not_a_member::show(call, flow, &asked),
        Next::AskConsent { organization_id } => {
            let chosen = chosen_before(&asked);
            Box::pin(consent::show(call, flow, &asked, organization_id, (&chosen, None))).await
        }
        Next::Issue { organization_id } => {
            let choices = chosen_for(&asked, organization_id, agreed.as_ref());
            match issue(call, &asked, organization_id, choices, None).await? {
                Some(reply) => Ok(reply),
                None => redirect(&flow.resume(call)),
            }
        }
        Next::Refuse(code, why) if !agreed_before && must_not_redirect_out(client, &request.return_address) => {
            tracing::info!(client_id = %client.application.client_name(), error = code.as_str(), why, "a request is refused on a page");
            Err(of_the_application())
        }
        Next::Refuse(code, why) => redirect(&request.return_address.with_error(issuer, code, why)),
    }
}

/// What is to come next.
struct Decision {
    next: Next,
    /// What was agreed to, if it still is what the page said.
    agreed: Option<Agreed>,
    /// Whether the person has agreed to anything of this application before.
    agreed_before: bool,
}

fn decide(call: &PageCall, flow: &Flow, query: &str, asked: &Asked, agreed: Option<Agreed>) -> Decision {
    let Asked { client, request, current, organizations: belongs, given, options } = asked;
    let before: Vec<GivenConsent> = given
        .iter()
        .filter(|consent| client.is_as_agreed_to(consent.updated_at))
        .map(|Consent { id, organization_id, scopes, choices, .. }| GivenConsent {
            id: *id,
            organization_id: *organization_id,
            scopes: scopes.clone(),
            still_offered: settled(options, choices).is_some(),
        })
        .collect();
    let organizations: Vec<OrganizationId> =
        belongs.memberships.iter().map(|membership| membership.organization_id).collect();
    let hint = Params::from_form(query.as_bytes())
        .ok()
        .and_then(|params| params.get("id_token_hint").map(|token| sign_out::id_token(call, token)));
    let hinted = match (&hint, current) {
        (None, _) => Hinted::Nobody,
        (Some(None), _) => Hinted::Unverifiable,
        // An ID token that leaked from one application must not tell another one who is signed in.
        (Some(Some(hint)), _) if ClientName::parse(&hint.aud) != Some(client.application.client_name()) => {
            Hinted::Unverifiable
        }
        (Some(Some(hint)), Some(current)) if login_uri::names(call, client, &hint.sub, &current.user) => {
            Hinted::WhoIsSignedIn
        }
        (Some(Some(_)), _) => Hinted::SomebodyElse,
    };
    let signed_in = current.as_ref().map(|current| SignedIn {
        user_id: current.user.id,
        authenticated_at: current.session.authenticated_at,
        organization_id: current.session.organization_id,
        has_many: belongs.many,
    });
    let progress = Progress {
        began_at: Some(flow.began_at()),
        account_chosen: flow.account_chosen,
        organization_chosen: agreed.as_ref().and_then(|agreed| agreed.organization_id).or(flow.organization_id),
        agreed: agreed.is_some(),
    };
    let now = call.app.clock.now();
    let decide = |progress| next(request, client, (signed_in, hinted), progress, &organizations, &before, now);
    let mut next = decide(progress);
    // Consent covers only what the page showed: when that has changed, ask again.
    let mut agreed = agreed;
    if let Some(said) = &agreed
        && (matches!(&next, Next::Issue { organization_id } if *organization_id != said.organization_id)
            || settled(options, &said.choices).is_none())
    {
        agreed = None;
        next = decide(Progress { agreed: false, ..progress });
    }
    Decision { next, agreed, agreed_before: !before.is_empty() }
}

/// The choices that tokens are issued with: those of now, or those made before for this organization.
fn chosen_for(asked: &Asked, organization_id: Option<OrganizationId>, agreed: Option<&Agreed>) -> Choices {
    let known = || asked.given.iter().find(|one| one.organization_id == organization_id).map(|one| &one.choices);
    let chosen = agreed.map(|said| &said.choices).or_else(known);
    chosen.and_then(|chosen| settled(&asked.options, chosen)).unwrap_or_default()
}

/// What the person has chosen before for this application, whatever the organization; the latest counts.
fn chosen_before(asked: &Asked) -> Choices {
    let mut given: Vec<&Consent> = asked.given.iter().collect();
    given.sort_by_key(|consent| consent.updated_at);
    given.into_iter().flat_map(|consent| consent.choices.clone()).collect()
}

/// Reads a request, and who is there to answer it. `chosen` is the organization that the person has chosen by now.
///
/// # Errors
/// Database errors.
pub async fn ask(
    call: &PageCall,
    query: &str,
    chosen: Option<OrganizationId>,
) -> Result<Result<Asked, Refusal>, PageError> {
    Box::pin(ask_as(call, query, chosen, None)).await
}

/// The same, where somebody may have signed in in this very call.
async fn ask_as(
    call: &PageCall,
    query: &str,
    chosen: Option<OrganizationId>,
    arrived: Option<Current>,
) -> Result<Result<Asked, Refusal>, PageError> {
    let Ok((params, repeated)) = Params::first_of_each(query.as_bytes()) else {
        return Ok(Err(Refusal::ToThePerson(NotForTheClient::Malformed)));
    };
    // Which client, where to, and what it has to know itself again by: with two of one, nobody knows whom to tell.
    if repeated.iter().any(|name| matches!(&**name, "client_id" | "redirect_uri" | "state")) {
        return Ok(Err(Refusal::ToThePerson(NotForTheClient::Malformed)));
    }
    let client = match client_name(&params) {
        Ok(name) => client::find(call, &name).await?,
        Err(_) => None,
    };
    let Some(client) = client else { return Ok(Err(Refusal::ToThePerson(NotForTheClient::UnknownClient))) };
    // RFC 6749 §3.1: none of them comes twice.
    let once = |request: AuthorizeRequest| match repeated.first() {
        None => Ok(request),
        Some(name) => {
            let why = format!("The request repeats the parameter '{name}'.");
            Err(Refusal::ToTheClient(request.return_address, AuthorizeErrorCode::InvalidRequest, why))
        }
    };
    let request = match read(&params, &client, &call.environment.resources).and_then(once) {
        Ok(request) => request,
        Err(Refusal::ToTheClient(address, code, why)) if must_not_redirect_out(&client, &address) => {
            tracing::info!(client_id = %client.application.client_name(), error = code.as_str(), why, "a request is refused on a page");
            return Ok(Err(Refusal::ToThePerson(NotForTheClient::AnybodysClient)));
        }
        Err(refusal) => return Ok(Err(refusal)),
    };
    let current = match arrived {
        Some(arrived) => login_uri::counted(call, &client, arrived).await?,
        None => login_uri::current(call, &client).await?,
    };
    let (mut organizations, mut given) = (Organizations::default(), Vec::new());
    if let Some(Current { session, user, .. }) = &current {
        let mut reader = call.app.store.reader().await?;
        let (environment_id, application_id) = (call.environment.id(), client.application.id);
        given =
            consents::of_user_and_application(&mut reader, environment_id, user.id, application_id, &request.resource)
                .await?;
        let mut named = vec![request.organization_id, chosen, session.organization_id];
        named.extend(given.iter().take(MAX_AGREED).map(|consent| consent.organization_id));
        organizations = Organizations::load(call, &mut reader, user.id, &named).await?;
    }
    let options = current.as_ref().map(|current| current.options.clone()).unwrap_or_default();
    Ok(Ok(Asked { client, request, current, organizations, given, options }))
}

/// The application is told that the person said no.
///
/// # Errors
/// Database errors.
pub async fn decline(call: &PageCall, flow: &Flow) -> Result<Reply, PageError> {
    let Target::Authorize(query) = &flow.target else { return Err(PageError::flow()) };
    match ask(call, query, None).await? {
        Ok(asked) => redirect(&asked.request.return_address.with_error(
            call.environment.environment.issuer.as_str(),
            AuthorizeErrorCode::AccessDenied,
            "The person did not agree.",
        )),
        Err(_) => Err(of_the_application()),
    }
}

/// The scheme of a program on the person's device, as a source of a content security policy. Websites are none.
pub(super) fn redirect_scheme(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    (!matches!(url.scheme(), "http" | "https")).then(|| format!("{}:", url.scheme()))
}

/// Issues a code; `None` when the user's membership has just ended, so that everything has to be decided anew. A session
/// that is to begin has begun either way.
async fn issue(
    call: &PageCall,
    asked: &Asked,
    organization_id: Option<OrganizationId>,
    choices: Choices,
    session_start: Option<SessionStart>,
) -> Result<Option<Reply>, PageError> {
    let Asked { client, request, current: Some(current), .. } = asked else { return Err(PageError::flow()) };
    let act = session::act(call);
    let wanted = Consent {
        id: act.entropy.id(act.now)?,
        user_id: current.user.id,
        application_id: client.application.id,
        organization_id,
        resource: request.resource.clone(),
        scopes: request.scopes.clone(),
        choices: choices.clone(),
        created_at: act.now,
        updated_at: act.now,
    };
    let (now, registered) = (act.now, client.registered);
    let as_before = grants::as_before(&asked.given, &wanted, registered);
    let user_id = current.user.id;
    let (session_id, last_chosen) = (current.session.id, current.session.organization_id);
    // For which organization an application of others may act moves nobody in the company's own.
    let chosen = organization_id.filter(|id| !needs_consent(client) && Some(*id) != last_chosen);
    let consent_id = match as_before {
        Some(id) if session_start.is_none() && chosen.is_none() => id,
        _ => {
            let written = call.app.store.write::<_, Failure, _>(move |tx| {
                Box::pin(async move {
                    let is_member = match organization_id {
                        Some(id) => membership::hold(tx, act.environment_id, user_id, id).await?,
                        None => true,
                    };
                    if let Some(session_start) = session_start {
                        session_start.run(tx).await?;
                    }
                    if !is_member {
                        return Ok(None);
                    }
                    let consent_id = match as_before {
                        Some(id) => id,
                        None => grants::agree(tx, &act, wanted, registered).await?,
                    };
                    if let Some(id) = chosen {
                        sessions::choose_organization(tx, act.environment_id, session_id, id, act.now).await?;
                    }
                    Ok(Some(consent_id))
                })
            });
            match written.await.map_err(PageError::without_application)? {
                Some(consent_id) => consent_id,
                None => return Ok(None),
            }
        }
    };
    let code = AuthorizationCode {
        consent_id,
        application_id: client.application.id,
        user_id: current.user.id,
        organization_id,
        session_id: Some(session_id),
        redirect_uri: request.return_address.redirect.as_str().to_owned(),
        scopes: CarriedScopes::new(&request.scopes, client),
        resource: request.resource.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        persona: Persona { subject: login_uri::subject(call, client, &current.user), choices },
        authenticated_at: current.session.authenticated_at,
        show_auth_time: request.max_age.is_some(),
        expires_at: now.plus_secs(CODE_LIFETIME),
    };
    let value = authorization_codes::seal(&call.app.keyring, &call.app.entropy, call.environment.id(), &code)?;
    redirect(&request.return_address.with_code(call.environment.environment.issuer.as_str(), &value)).map(Some)
}

/// `GET /oauth2/error`: for requests that no application can be told about.
///
/// # Errors
/// Never; the type is that of a page.
pub async fn error(call: &PageCall) -> Result<Reply, PageError> {
    Ok(super::page::stopped(call, PageError::Trouble(StatusCode::OK, Trouble::Application)))
}
