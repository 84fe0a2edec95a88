//! `countersign demo`: a sample company on localhost, to be looked at in a browser. Nothing is set up and nothing is kept.
//!
//! Every part is a program as others would write it: it speaks HTTP to Countersign and to nobody's insides.
//!
//! | Module | Owns |
//! |---|---|
//! | [`installation`] | the temporary server, and what the company has declared |
//! | [`company`] | the company's back end: what it makes through the management API |
//! | [`application`] | the partner's application and the company's own forum: OAuth clients |
//! | [`api`] | the company's API, which checks access tokens |
//! | [`machine`] | a customer's program, which calls that API every few seconds |
//! | [`start_page`] | the page that walks through all of it |
//! | [`website`] | serving small sites; [`requests`]: asking others |

pub mod api;
pub mod application;
pub mod company;
pub mod installation;
pub mod machine;
pub mod requests;
pub mod start_page;
pub mod website;

use application::{Application, Kind};
use requests::Requests;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Why the demo does not start, or stops. The text is for whoever typed the command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DemoError(pub String);

impl DemoError {
    /// Whatever went wrong, in words.
    pub fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Where the parts listen: five ports in a row on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Countersign itself.
    pub countersign: String,
    /// The page that walks through.
    pub start: String,
    /// The partner's application.
    pub partner: String,
    /// The company's forum.
    pub forum: String,
    /// The company's API.
    pub api: String,
}

impl Places {
    fn at(ports: [u16; 5]) -> Self {
        let [countersign, start, partner, forum, api] = ports.map(|port| format!("http://localhost:{port}"));
        Self { countersign, start, partner, forum, api }
    }
}

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    /// Where its parts are.
    pub places: Places,
    stop: watch::Sender<bool>,
    server: installation::Server,
    /// The other sites, and the machine.
    others: JoinSet<()>,
}

impl Demo {
    /// Starts everything. `port` is the first of five in a row; 0 takes any that are free.
    ///
    /// # Errors
    /// When a port is taken, or something cannot be made.
    pub async fn start(port: u16) -> Result<Self, DemoError> {
        let mut listeners = Vec::with_capacity(5);
        for at in 0..5 {
            let wanted = if port == 0 { 0 } else { port.saturating_add(at) };
            listeners.push(TcpListener::bind(("127.0.0.1", wanted)).await.map_err(|error| {
                DemoError(format!("Cannot listen on 127.0.0.1:{wanted}: {error}. Choose other ports with --port."))
            })?);
        }
        let mut ports = [0; 5];
        for (port, listener) in ports.iter_mut().zip(&listeners) {
            *port = listener.local_addr().map_err(DemoError::because)?.port();
        }
        let places = Places::at(ports);
        let mut listeners = listeners.into_iter();
        let mut next = || listeners.next().ok_or_else(|| DemoError("a listener is missing".to_owned()));
        let (stop, stopped) = watch::channel(false);
        let server = installation::Server::start(next()?, &places, &stopped).await?;
        let requests = Requests::new(Arc::clone(&server.app));
        let company = company::Company::open(&requests, &places, &server.api_key).await?;
        let machine = Arc::new(machine::Machine::new(requests.clone(), &places, company.machine.clone()));
        let start = start_page::StartPage::new(
            requests.clone(),
            &places,
            company.clone(),
            Arc::clone(&machine),
            server.staff_link.clone(),
        );
        let partner = Application::new(Kind::Partner, requests.clone(), &places, company.partner.clone());
        let forum = Application::new(Kind::Forum, requests.clone(), &places, company.forum.clone());
        let api = api::Api::new(requests, &places, company.api.clone());
        let mut others = JoinSet::new();
        others.spawn(website::serve(next()?, start, stopped.clone()));
        others.spawn(website::serve(next()?, partner, stopped.clone()));
        others.spawn(website::serve(next()?, forum, stopped.clone()));
        others.spawn(website::serve(next()?, api, stopped.clone()));
        others.spawn(machine.run(stopped));
        Ok(Self { places, stop, server, others })
    }

    /// Stops everything and forgets it.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.others.join_next().await.is_some() {}
        self.server.stopped().await;
    }
}
