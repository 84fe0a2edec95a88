//! What a person sees of their own: where they are signed in, and which applications have access.

use super::consent::in_words;
use super::flow::{Flow, Target};
use super::page::{Carried, PageError, branding, frame, moment, redirect, reply};
use super::second_factor;
use super::session::{self, Current};
use super::sign_in::allowed;
use crate::domain::connect::grants;
use crate::domain::environments::branding::shown_logo;
use crate::domain::sessions::everywhere;
use crate::domain::{Failure, sessions};
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Account, ConnectedApplication, Session, TwoSteps};
use countersign_protocol::id::{AuthorizedApplicationId, SessionId};
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{ApplicationKind, Ownership};
use countersign_store::{
    application, application_logo, authentication_factor, consent, organization, session as stored,
};
use http::StatusCode;

/// Most sessions, and most applications, shown.
const MAX: usize = 50;

/// A browser in words: its name and its system, where they are known.
pub(crate) fn device(user_agent: &str) -> String {
    let browser =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (find(&browser), find(&system)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => user_agent.chars().take(60).collect(),
    }
}

async fn signed_in(call: &PageCall) -> Result<Result<Current, Reply>, PageError> {
    match session::current(call).await? {
        Some(current) => Ok(Ok(current)),
        None => Ok(Err(redirect(&Flow::begin(call, Target::Account).link(call, "/sign-in"))?)),
    }
}

/// `GET /account`.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PageCall) -> Result<Reply, PageError> {
    let current = match signed_in(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let branding = branding(call);
    let frame = frame(call, &branding);
    let environment_id = call.environment.id();
    let mut reader = call.app.store.reader().await?;
    let slice = Slice { scan: Scan::Descending, from: None, limit: MAX };
    let counts = (call.environment.environment.sessions, call.app.clock.now());
    let live = stored::list(&mut reader, environment_id, &slice, current.user.id, counts).await?;
    let unknown = || frame.language.texts().unknown_device().to_owned();
    let session_texts: Vec<[String; 3]> = live
        .iter()
        .map(|one| {
            [
                one.id.to_string(),
                one.user_agent.as_deref().filter(|agent| !agent.trim().is_empty()).map_or_else(unknown, device),
                moment(one.last_seen_at, frame.language),
            ]
        })
        .collect();
    let sessions: Vec<Session<'_>> = live
        .iter()
        .zip(&session_texts)
        .map(|(one, [id, device, last_seen])| Session {
            id,
            device,
            address: one.ip_address.as_deref().unwrap_or(""),
            last_seen,
            current: one.id == current.session.id,
        })
        .collect();
    let factors = authentication_factor::confirmed(&mut reader, environment_id, current.user.id).await?;
    let factor_since =
        factors.first().map(|factor| moment(factor.confirmed_at.unwrap_or(factor.created_at), frame.language));
    let elsewhere = call.environment.standalone.login_uri.is_some();
    // Who signs in elsewhere and has none is asked for one there, if anywhere.
    let has_use = !factors.is_empty() || second_factor::is_for(call, &current);
    let mut connected = Vec::new();
    let given = consent::of_user(&mut reader, environment_id, current.user.id).await?;
    for given in given {
        if connected.len() == MAX {
            break;
        }
        let Some(found) = application::find(&mut reader, environment_id, given.application_id).await? else { continue };
        // First-party applications are the product itself: nobody was asked, and nothing is there to take back.
        if matches!(found.kind, ApplicationKind::OAuth { ownership: Ownership::FirstParty, .. }) {
            continue;
        }
        let for_organization = match given.organization_id {
            Some(id) => organization::find(&mut reader, environment_id, id).await?.map(|found| found.name),
            None => None,
        };
        let words: Vec<String> = in_words(call, &mut reader, &given.scopes, frame.language)
            .await?
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let logo = shown_logo(&application_logo::find(&mut reader, environment_id, found.id).await?);
        let since = moment(given.created_at, frame.language);
        connected.push((
            AuthorizedApplicationId::from(given.id).to_string(),
            found.name,
            logo,
            for_organization,
            words,
            since,
        ));
    }
    drop(reader);
    let access: Vec<Vec<&str>> = connected.iter().map(|one| one.4.iter().map(String::as_str).collect()).collect();
    let applications: Vec<ConnectedApplication<'_>> = connected
        .iter()
        .zip(&access)
        .map(|((id, name, logo, organization, _, since), access)| ConnectedApplication {
            id,
            name,
            logo,
            organization: organization.as_deref(),
            access,
            since,
        })
        .collect();
    let flow = Flow::begin(call, Target::Account);
    let carried = Carried::new(call, Some(&flow));
    // By the same link as who has forgotten it: it proves the address once more.
    let change_password = (allowed(call).password && !elsewhere).then(|| {
        let mut flow = Flow::begin(call, Target::Account);
        flow.email = Some(current.user.email.clone());
        flow.link(call, "/forgot-password")
    });
    let name = current.user.full_name().unwrap_or_default();
    let page = Account {
        frame,
        form: carried.form("/account/sign-out-everywhere", None),
        name: &name,
        email: &current.user.email,
        change_password: change_password.as_deref(),
        second_factor: has_use.then_some(TwoSteps { since: factor_since.as_deref(), href: "/account/second-factor" }),
        sessions: &sessions,
        revoke_session_action: "/account/sessions/revoke",
        applications: &applications,
        revoke_application_action: "/account/applications/revoke",
    };
    Ok(reply(call, StatusCode::OK, &page, None))
}

/// `POST /account/sessions/revoke`: of one's own only.
///
/// # Errors
/// Database errors.
pub async fn revoke_session(call: &PageCall) -> Result<Reply, PageError> {
    let current = match signed_in(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let form = call.form()?;
    if let Some(Ok(id)) = form.get("session_id").map(SessionId::parse) {
        let (act, user_id) = (session::act(call), current.user.id);
        call.app
            .store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    let found = stored::find(tx, act.environment_id, id).await?;
                    if found.is_some_and(|found| found.user_id == user_id) {
                        sessions::end(tx, &act, id).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    redirect("/account")
}

/// `POST /account/sign-out-everywhere`.
///
/// # Errors
/// Database errors.
pub async fn sign_out_everywhere(call: &PageCall) -> Result<Reply, PageError> {
    let current = match signed_in(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let (act, user_id) = (session::act(call), current.user.id);
    call.app
        .store
        .write::<(), Failure, _>(move |tx| {
            Box::pin(async move { everywhere::sign_out_everywhere(tx, &act, user_id).await })
        })
        .await?;
    call.app.catch_up().await;
    let reply = redirect("/signed-out")?;
    session::end(call, reply).await
}

/// `POST /account/applications/revoke`: what an application was allowed, for the organization that is beside it in the list.
///
/// # Errors
/// Database errors.
pub async fn revoke_application(call: &PageCall) -> Result<Reply, PageError> {
    let current = match signed_in(call).await? {
        Ok(current) => current,
        Err(reply) => return Ok(reply),
    };
    let form = call.form()?;
    if let Some(Ok(id)) = form.get("authorized_application_id").map(AuthorizedApplicationId::parse) {
        let (act, user_id) = (session::act(call), current.user.id);
        call.app
            .store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    let found = consent::find(tx, act.environment_id, id.into()).await?;
                    match found.filter(|found| found.user_id == user_id) {
                        Some(found) => grants::take_back(tx, &act, found.id).await,
                        None => Ok(()),
                    }
                })
            })
            .await?;
        call.app.catch_up().await;
    }
    redirect("/account")
}

#[cfg(test)]
mod tests {
    #[test]
    fn browsers_are_told_in_words() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let safari =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile Safari/604.1";
        assert_eq!(super::device(firefox), "Firefox, Linux");
        assert_eq!(super::device(safari), "Safari, iPhone");
        assert_eq!(super::device("curl/8"), "curl/8");
    }
}
