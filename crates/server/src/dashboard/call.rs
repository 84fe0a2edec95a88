//! Calls of the dashboard: a member of staff in their browser, and the environment they look at.

use crate::cache::environments::EnvironmentState;
use crate::domain::{Act, Failure, audit_log, staff};
use crate::hosted::flow::{Flow, Target};
use crate::hosted::page::{PageError, redirect, stopped};
use crate::hosted::session;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::Trouble;
use countersign_protocol::model::{Actor, Environment, EnvironmentKind, Place, STAFF_BASE, StaffRole, User};

use http::StatusCode;
use http::header::USER_AGENT;
use std::sync::Arc;

/// A call from a member of staff whose role allows what is asked for. There is no other way to make one than
/// [`DashboardCall::admit`].
#[derive(Debug)]
pub struct DashboardCall {
    /// The browser's call, in the built-in environment.
    pub page: PageCall,
    /// The environment that is looked at; the first one, where the path names none.
    pub environment: Arc<EnvironmentState>,
    /// Who calls.
    pub user: User,
    /// What they may do.
    pub role: StaffRole,
    /// Whether the path names an environment.
    pub names_environment: bool,
    act: Act,
}

impl DashboardCall {
    /// Lets a call in whose session is a member of staff's with the role that is needed. What others are answered comes with
    /// the call.
    ///
    /// # Errors
    /// To the sign-in, or a page that says no.
    pub async fn admit(page: PageCall, needed: StaffRole) -> Result<Self, (PageCall, Reply)> {
        match Self::look(&page).await {
            Ok(Some((user, role, environment, names_environment))) => {
                let act = act_in(&page, &environment, &user);
                let call = Self { page, environment, user, role, names_environment, act };
                if role.allows(needed) {
                    return Ok(call);
                }
                let reply = call.not_allowed(needed);
                Err((call.page, reply))
            }
            Ok(None) => {
                let reply = to_sign_in(&page).unwrap_or_else(|stop| stopped(&page, stop));
                Err((page, reply))
            }
            Err(stop) => {
                let reply = stopped(&page, stop);
                Err((page, reply))
            }
        }
    }

    async fn look(page: &PageCall) -> Result<Option<(User, StaffRole, Arc<EnvironmentState>, bool)>, PageError> {
        let Some(current) = session::current(page).await? else { return Ok(None) };
        let of_staff = session::act(page);
        let role = staff::role_of(&mut page.app.store.reader().await?, &of_staff, current.user.id).await?;
        // An account without a role is nobody here, and is not told what there is.
        let role = role.ok_or(PageError::Trouble(StatusCode::FORBIDDEN, Trouble::NoRole))?;
        // What staff save at one node they look at on another next: forms are drawn with what there is.
        page.app.catch_up().await;
        let environments = page.app.environments();
        let name = page.path.get("environment");
        let environment = match name {
            "" => environments.products().first().map(|first| Arc::clone(first)),
            name => environments.product_named(name).map(Arc::clone),
        };
        let environment = environment.ok_or(PageError::Trouble(StatusCode::NOT_FOUND, Trouble::Address))?;
        Ok(Some((current.user, role, environment, !name.is_empty())))
    }

    /// What acts in the environment that is looked at need.
    pub fn act(&self) -> Act {
        self.act.clone()
    }

    /// What acts in an environment that is being made need.
    pub fn act_for(&self, environment: &Environment) -> Act {
        let app = &self.page.app;
        let actor = Arc::clone(&self.act.actor);
        Act::new(environment, actor, &app.clock, &app.entropy, &app.keyring).traced_with(&self.act)
    }

    /// What acts among staff need.
    pub fn act_of_staff(&self) -> Act {
        act_in(&self.page, &self.page.environment, &self.user).traced_with(&self.act)
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
        self.commit_deed(Box::new(act)).await
    }

    async fn commit_deed<T: Send + 'static>(&self, act: Deed<T>) -> Result<T, Failure> {
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

    /// Whether people of this environment get what is mailed to them: it is sent, or whoever calls can read it here.
    pub fn mail_reaches_people(&self) -> bool {
        let kept_here = self.environment.environment.kind == EnvironmentKind::Staging && self.page.peer.local;
        !self.page.app.mailer.keeps() || kept_here
    }

    /// The address of a page of this environment, as links have it.
    pub fn at(&self, path: &str) -> String {
        format!("{STAFF_BASE}/env/{}{path}", self.environment.environment.name)
    }

    /// Sends the browser to a page of this environment.
    ///
    /// # Errors
    /// When the path cannot stand in a header.
    pub fn to(&self, path: &str) -> Result<Reply, PageError> {
        redirect(&format!("/env/{}{path}", self.environment.environment.name))
    }
}

fn act_in(page: &PageCall, environment: &EnvironmentState, user: &User) -> Act {
    let user_agent = page.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let from = Place::new(page.peer.address, user_agent);
    let actor = Actor::Staff { id: user.id.to_string(), name: user.email.clone(), from };
    Act::new(&environment.environment, actor, &page.app.clock, &page.app.entropy, &page.app.keyring)
}

/// An act behind a pointer, so that what is around it is compiled once and not for each.
type Deed<T> = Box<dyn for<'t> FnOnce(&'t mut countersign_store::Tx) -> Acting<'t, T> + Send>;

/// What an act comes to, in its time.
pub type Acting<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 't>>;

/// Sends the browser to the sign-in, and from there to where it wanted to be; a form that was posted is not posted again.
fn to_sign_in(page: &PageCall) -> Result<Reply, PageError> {
    let asked = page.uri.path_and_query().map_or("/", |asked| asked.as_str());
    let below = asked.strip_prefix(STAFF_BASE).filter(|below| below.starts_with('/') && !below.starts_with("//"));
    let is_get = page.keeps.is_some();
    let target = below.filter(|_| is_get).unwrap_or("/");
    redirect(&Flow::begin(page, Target::Dashboard(target.to_owned())).link(page, "/sign-in"))
}
