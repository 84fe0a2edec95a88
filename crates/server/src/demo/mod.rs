//! `countersign demo`: a sample company on localhost, to explore in a browser. It needs no setup and keeps nothing.
//!
//! Every part is written as an outside program would be: it talks to Countersign only over HTTP.
//!
//! | Module | Owns |
//! |---|---|
//! | [`installation`] | the temporary server, and the company's declaration |
//! | [`company`] | the company's back end: what it creates through the management API |
//! | [`application`] | the partner's application and the company's own forum: OAuth clients |
//! | [`api`] | the company's API, which checks access tokens |
//! | [`machine`] | a customer's machine client, which calls that API every few seconds |
//! | [`start_page`] | the page that gives the tour |
//! | [`website`] | serving small sites; [`requests`]: calling others |

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

/// Why the demo does not start, or stops. The message is for the user of the command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DemoError(pub String);

impl DemoError {
    /// Converts any error to its message.
    pub fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Where the parts listen: five consecutive ports on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Countersign itself.
    pub countersign: String,
    /// The page that gives the tour.
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
    /// The other sites and the machine client.
    others: JoinSet<()>,
}

impl Demo {
    /// Starts everything. `port` is the first of five consecutive ports; 0 picks free ones.
    ///
    /// # Errors
    /// When a port is taken or something cannot be created.
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

    /// Stops everything and deletes its data.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.others.join_next().await.is_some() {}
        self.server.stopped().await;
    }
}
