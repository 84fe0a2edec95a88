//! Calls of an organization's page: somebody whom the company, or the organization itself, has let in.

use crate::domain::organizations::portal;
use crate::domain::{Act, Failure, audit_log, product_name};
use crate::hosted::flow::{Flow, Target};
use crate::hosted::page::{PageError, language, redirect, stopped};
use crate::hosted::session;
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::Language;
use countersign_protocol::id::{EnvironmentId, OrganizationId};
use countersign_protocol::model::{Actor, Organization, Place, PortalCredentials, PortalIntent, PortalSettings, User};
use countersign_store::organization;
use http::Method;
use http::header::USER_AGENT;
use std::pin::Pin;

/// How somebody has come here.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// By a link of the company's.
    Link {
        /// Where people come from.
        return_url: Option<String>,
        /// Where people go who have finished.
        success_url: Option<String>,
    },
    /// As a member of the organization, signed in.
    Member(Box<User>),
}

/// A call to whose maker this part of the organization's page is open. There is no other way to make one than
/// [`PortalCall::admit`], which asks at every call anew.
#[derive(Debug)]
pub struct PortalCall {
    /// The browser's call.
    pub page: PageCall,
    /// Whose page it is. It comes from the visit or the membership; what a form says of it is only held against that.
    pub organization: Organization,
    /// What is open.
    pub intents: Vec<PortalIntent>,
    /// Who visits.
    pub visitor: Visitor,
    /// What all acts of this call leave their traces with.
    traced: Act,
}

/// Result of identifying the visitor: let in, or the answer that is sent instead.
enum Looked {
    In(Box<Organization>, Vec<PortalIntent>, Visitor),
    Answer(Reply),
}

impl PortalCall {
    /// Lets a call in. What others are answered comes with the call.
    ///
    /// # Errors
    /// To the sign-in, or a page that says no.
    pub async fn admit(page: PageCall, needed: Option<PortalIntent>) -> Result<Self, (PageCall, Reply)> {
        match look(&page).await {
            Ok(Looked::In(organization, intents, visitor)) => {
                if page.method == Method::POST && !is_for(&page, organization.id) {
                    let reply = super::page::of_another(&page, &organization.name);
                    return Err((page, reply));
                }
                let traced = session::act(&page);
                let call = Self { page, organization: *organization, intents, visitor, traced };
                if needed.is_none_or(|needed| call.intents.contains(&needed)) {
                    return Ok(call);
                }
                let reply = super::page::not_opened(&call.page);
                Err((call.page, reply))
            }
            Ok(Looked::Answer(reply)) => Err((page, reply)),
            Err(stop) => {
                let reply = stopped(&page, stop);
                Err((page, reply))
            }
        }
    }

    /// What acts of this visitor need.
    pub fn act(&self) -> Act {
        let member = match &self.visitor {
            Visitor::Link { .. } => None,
            Visitor::Member(user) => Some(user.id),
        };
        let user_agent = self.page.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let from = Place::new(self.page.peer.address, user_agent);
        let actor = Actor::Portal { member, organization_id: self.organization.id, from };
        let app = &self.page.app;
        Act::new(&self.page.environment.environment, actor, &app.clock, &app.entropy, &app.keyring)
            .traced_with(&self.traced)
    }

    /// Does something in a transaction, with its trace in the audit log, and has this node know of it before the answer.
    ///
    /// # Errors
    /// As the act.
    pub async fn commit<T, F>(&self, act: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut countersign_store::Tx) -> Acting<'t, T> + Send + 'static,
    {
        let (by, request) = (self.act(), format!("{} {}", self.page.method, self.page.uri.path()));
        let done = self.page.app.store.write::<T, Failure, _>(move |tx| {
            Box::pin(async move {
                let done = act(tx).await?;
                audit_log::ensure(tx, &by, &request).await?;
                Ok(done)
            })
        });
        let done = done.await?;
        self.page.app.catch_up().await;
        Ok(done)
    }

    /// The tenant.
    pub fn environment_id(&self) -> EnvironmentId {
        self.page.environment.id()
    }

    /// What the company lets organizations do.
    pub fn settings(&self) -> &PortalSettings {
        &self.page.environment.environment.portal
    }

    /// Whether the company allows that much about credentials.
    ///
    /// # Errors
    /// A page that says no.
    pub fn require(&self, needed: PortalCredentials) -> Result<(), Reply> {
        if self.settings().credentials >= needed { Ok(()) } else { Err(super::page::not_opened(&self.page)) }
    }

    /// The language of the page.
    pub fn language(&self) -> Language {
        language(&self.page)
    }

    /// What people know the product as.
    pub fn product(&self) -> String {
        product_name(&self.page.environment.environment)
    }
}

/// What an act comes to, in its time.
pub type Acting<'t, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 't>>;

/// Whether the form stood on a page of this organization.
fn is_for(page: &PageCall, organization_id: OrganizationId) -> bool {
    let said = page.form().ok().and_then(|form| OrganizationId::parse(form.get("organization_id")?).ok());
    said == Some(organization_id)
}

/// Whether the page of another organization is open in this browser: to who came by a link, or to who is signed in.
///
/// # Errors
/// Database errors.
pub async fn open_for_another(page: &PageCall, organization_id: OrganizationId) -> Result<bool, PageError> {
    let act = session::act(page);
    let cookie = Cookie::Portal.read(&page.headers, &page.environment.environment.issuer);
    let chosen = cookie.as_deref().and_then(|cookie| OrganizationId::parse(cookie).ok());
    if let Some(cookie) = cookie {
        let mut reader = page.app.store.reader().await?;
        if let Some(visit) = portal::visit(&mut reader, &act, &cookie).await? {
            return Ok(visit.organization_id != organization_id);
        }
    }
    let Some(current) = session::current_here(page).await? else { return Ok(false) };
    let mut reader = page.app.store.reader().await?;
    if let Some(id) = chosen
        && !portal::of_member(&mut reader, &act, current.user.id, id).await?.is_empty()
    {
        return Ok(id != organization_id);
    }
    let open = portal::organizations_of(&mut reader, &act, current.user.id).await?;
    Ok(open.iter().any(|(membership, _)| membership.organization_id != organization_id))
}

/// Who visits, whose page, and what is open.
async fn look(page: &PageCall) -> Result<Looked, PageError> {
    let act = session::act(page);
    let cookie = Cookie::Portal.read(&page.headers, &page.environment.environment.issuer);
    // A member's choice is kept there, too. It opens nothing: whether they belong there is asked below.
    let chosen = cookie.as_deref().and_then(|cookie| OrganizationId::parse(cookie).ok());
    if let Some(cookie) = cookie.as_deref().filter(|_| chosen.is_none())
        && let Some(found) = of_link(page, &act, cookie).await?
    {
        return Ok(found);
    }
    let Some(current) = session::current_here(page).await? else {
        return Ok(Looked::Answer(match cookie {
            Some(_) if chosen.is_none() => super::page::over(page),
            _ => redirect(&Flow::begin(page, Target::Portal).link(page, "/sign-in"))?,
        }));
    };
    let mut reader = page.app.store.reader().await?;
    let member = Visitor::Member(Box::new(current.user.clone()));
    if let Some(id) = chosen {
        let intents = portal::of_member(&mut reader, &act, current.user.id, id).await?;
        if !intents.is_empty()
            && let Some(found) = organization::find(&mut reader, act.environment_id, id).await?
        {
            return Ok(Looked::In(Box::new(found), intents, member));
        }
    }
    let mut open = portal::organizations_of(&mut reader, &act, current.user.id).await?;
    if open.len() > 1 {
        let memberships: Vec<_> = open.into_iter().map(|(membership, _)| membership).collect();
        return Ok(Looked::Answer(super::page::choose(page, &memberships)));
    }
    let Some((membership, intents)) = open.pop() else {
        return Ok(Looked::Answer(super::page::no_role(page)));
    };
    let found = organization::find(&mut reader, act.environment_id, membership.organization_id).await?;
    Ok(match found {
        Some(found) => Looked::In(Box::new(found), intents, member),
        None => Looked::Answer(super::page::no_role(page)),
    })
}

async fn of_link(page: &PageCall, act: &Act, cookie: &str) -> Result<Option<Looked>, PageError> {
    let mut reader = page.app.store.reader().await?;
    let Some(visit) = portal::visit(&mut reader, act, cookie).await? else { return Ok(None) };
    let found = organization::find(&mut reader, act.environment_id, visit.organization_id).await?;
    drop(reader);
    let Some(found) = found else { return Ok(None) };
    if portal::is_to_be_noted(&visit, act) {
        let (act, cookie) = (act.clone(), cookie.to_owned());
        let noted = page
            .app
            .store
            .write::<(), Failure, _>(move |tx| Box::pin(async move { portal::seen(tx, &act, &cookie).await }));
        noted.await?;
    }
    let visitor = Visitor::Link { return_url: visit.return_url, success_url: visit.success_url };
    Ok(Some(Looked::In(Box::new(found), visit.intents, visitor)))
}
