//! The page that gives the tour.

use super::Places;
use super::company::{Company, EMAIL};
use super::installation::PASSWORD;
use super::machine::Machine;
use super::requests::Requests;
use super::website::{self, Answer, Asked, Website, not_found, to};
use countersign_pages::demo::{MachineCalls, Start};
use http::Method;
use std::sync::Arc;

/// The start page.
#[derive(Debug)]
pub struct StartPage {
    requests: Requests,
    places: Places,
    company: Company,
    machine: Arc<Machine>,
    dashboard: String,
}

impl StartPage {
    /// Creates the page.
    pub fn new(
        requests: Requests,
        places: &Places,
        company: Company,
        machine: Arc<Machine>,
        staff_link: Option<String>,
    ) -> Self {
        let dashboard = staff_link.unwrap_or_else(|| format!("{}/dashboard", places.countersign));
        Self { requests, places: places.clone(), company, machine, dashboard }
    }
}

impl Website for StartPage {
    async fn answer(&self, asked: Asked) -> Answer {
        match (asked.method.clone(), asked.path.as_str()) {
            (Method::GET, "/") => {
                let Places { countersign, partner, forum, .. } = &self.places;
                let machine =
                    format!("{countersign}/dashboard/env/default/applications/{}", self.company.machine.application_id);
                website::page(&Start {
                    countersign,
                    partner,
                    forum,
                    account: &format!("{countersign}/account"),
                    dashboard_first: &self.dashboard,
                    dashboard: &format!("{countersign}/dashboard"),
                    machine: &machine,
                    email: EMAIL,
                    password: PASSWORD,
                })
            }
            (Method::GET, "/demo.css") => website::stylesheet(),
            (Method::GET, "/machine") => {
                let calls = self.machine.calls();
                let calls: Vec<(&str, bool, &str)> =
                    calls.iter().map(|call| (call.at.as_str(), call.good, call.what.as_str())).collect();
                website::page(&MachineCalls { calls: &calls })
            }
            (Method::POST, "/machine/secret") => {
                match self.company.another_secret(&self.requests).await {
                    Ok(secret) => self.machine.give(secret),
                    Err(error) => tracing::warn!(%error, "no other secret for the machine"),
                }
                to("/#machine")
            }
            _ => not_found(),
        }
    }
}
