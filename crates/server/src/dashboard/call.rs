//! Dashboard requests: a member of staff in their browser and the environment they are looking at.

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

/// A request from a member of staff whose role permits it. [`DashboardCall::admit`] is the only way to create one.
#[derive(Debug)]
pub struct DashboardCall {
    /// The browser's request, in the built-in environment.
    pub page: PageCall,
    /// The environment being looked at; the first one if the path names none.
    pub environment: Arc<EnvironmentState>,
    /// The caller.
    pub user: User,
    /// The caller's role.
    pub role: StaffRole,
    /// Whether the path names an environment.
    pub names_environment: bool,
    act: Act,
}

impl DashboardCall {
    /// Admits a request whose session belongs to a member of staff with at least the `needed` role. Otherwise returns
    /// the request together with the reply to send.
    ///
    /// # Errors
    /// A redirect to the sign-in page, or an error page.
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
        // An account without a role has no access here and is told nothing about what exists.
        let role = role.ok_or(PageError::Trouble(StatusCode::FORBIDDEN, Trouble::NoRole))?;
        // Staff may save on one node and read from another next, so forms must be drawn from current state.
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

    /// The [`Act`] for changes in the environment being looked at.
    pub fn act(&self) -> Act {
        self.act.clone()
    }

    /// The [`Act`] for changes in an environment that is being created.
    pub fn act_for(&self, environment: &Environment) -> Act {
        let app = &self.page.app;
        let actor = Arc::clone(&self.act.actor);
        Act::new(environment, actor, &app.clock, &app.entropy, &app.keyring).traced_with(&self.act)
    }

    /// The [`Act`] for changes to staff.
    pub fn act_of_staff(&self) -> Act {
        act_in(&self.page, &self.page.environment, &self.user).traced_with(&self.act)
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
        self.commit_deed(Box::new(act)).await
    }

    async fn commit_deed<T: Send + 'static>(&self, act: Operation<T>) -> Result<T, Failure> {
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

    /// Whether users of this environment receive their email: it is actually sent, or the caller can read it here.
    pub fn mail_reaches_people(&self) -> bool {
        let kept_here = self.environment.environment.kind == EnvironmentKind::Staging && self.page.peer.local;
        !self.page.app.mailer.keeps() || kept_here
    }

    /// The path of a page of this environment, for links.
    pub fn at(&self, path: &str) -> String {
        format!("{STAFF_BASE}/env/{}{path}", self.environment.environment.name)
    }

    /// Redirects the browser to a page of this environment.
    ///
    /// # Errors
    /// If the path cannot be represented in a header.
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

/// A boxed act, so that the code around it is compiled once rather than once per act.
type Operation<T> = Box<dyn for<'t> FnOnce(&'t mut countersign_store::Tx) -> OperationFuture<'t, T> + Send>;

/// The future that an act returns.
pub type OperationFuture<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 't>>;

/// Redirects to the sign-in page, which then returns to the requested page. A posted form is not resubmitted.
fn to_sign_in(page: &PageCall) -> Result<Reply, PageError> {
    let asked = page.uri.path_and_query().map_or("/", |asked| asked.as_str());
    let below = asked.strip_prefix(STAFF_BASE).filter(|below| below.starts_with('/') && !below.starts_with("//"));
    let is_get = page.keeps.is_some();
    let target = below.filter(|_| is_get).unwrap_or("/");
    redirect(&Flow::begin(page, Target::Dashboard(target.to_owned())).link(page, "/sign-in"))
}
