//! Requests for an organization's own page, from somebody whom the company or the organization itself has given access.

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

/// How the visitor got access.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// Through a link from the company.
    Link {
        /// Where the visitor returns to.
        return_url: Option<String>,
        /// Where the visitor goes when finished.
        success_url: Option<String>,
    },
    /// As a signed-in member of the organization.
    Member(Box<User>),
}

/// A request from a visitor who may access this part of the organization's page. [`PortalCall::admit`] is the only way
/// to create one, and it checks access on every request.
#[derive(Debug)]
pub struct PortalCall {
    /// The browser's request.
    pub page: PageCall,
    /// The organization whose page this is. It comes from the visit or the membership; the ID in a form is only checked
    /// against it.
    pub organization: Organization,
    /// What the visitor may access.
    pub intents: Vec<PortalIntent>,
    /// The visitor.
    pub visitor: Visitor,
    /// Shared by all acts of this request, to know whether one of them has written an audit log entry.
    traced: Act,
}

/// Result of identifying the visitor: access, or the reply to send instead.
enum Looked {
    In(Box<Organization>, Vec<PortalIntent>, Visitor),
    Answer(Reply),
}

impl PortalCall {
    /// Admits a request. If it is not admitted, the request is returned together with the reply.
    ///
    /// # Errors
    /// A redirect to the sign-in page, or an error page.
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

    /// The [`Act`] for this visitor's changes.
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

    /// Runs `act` in a transaction that also writes the audit log entry, then brings this node's state up to date
    /// before replying.
    ///
    /// # Errors
    /// Those of `act`.
    pub async fn commit<T, F>(&self, act: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut countersign_store::Tx) -> OperationFuture<'t, T> + Send + 'static,
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

    /// Checks that the company allows organizations at least this level of access to credentials.
    ///
    /// # Errors
    /// An error page.
    pub fn require(&self, needed: PortalCredentials) -> Result<(), Reply> {
        if self.settings().credentials >= needed { Ok(()) } else { Err(super::page::not_opened(&self.page)) }
    }

    /// The language of the page.
    pub fn language(&self) -> Language {
        language(&self.page)
    }

    /// The product's name for users.
    pub fn product(&self) -> String {
        product_name(&self.page.environment.environment)
    }
}

/// The future that an act returns.
pub type OperationFuture<'t, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 't>>;

/// Whether the form was shown on a page of this organization.
fn is_for(page: &PageCall, organization_id: OrganizationId) -> bool {
    let said = page.form().ok().and_then(|form| OrganizationId::parse(form.get("organization_id")?).ok());
    said == Some(organization_id)
}

/// Whether another organization's page is open in this browser, either through a link or because the user is signed in.
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

/// Identifies the visitor, the organization, and what the visitor may access.
async fn look(page: &PageCall) -> Result<Looked, PageError> {
    let act = session::act(page);
    let cookie = Cookie::Portal.read(&page.headers, &page.environment.environment.issuer);
    // The cookie may also hold a member's choice of organization. It grants no access: membership is checked below.
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
