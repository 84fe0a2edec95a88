//! The company's back end: what it creates through the management API with its key.

use super::installation::PASSWORD;
use super::requests::Requests;
use super::{DemoError, Places};
use countersign_protocol::secret::Secret;
use serde_json::{Value, json};

/// The demo user's email address.
pub const EMAIL: &str = "ada@acme.example";

/// A Countersign client with its secret.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The application's identifier.
    pub application_id: String,
    /// Its client ID.
    pub client_id: String,
    /// The secret.
    pub secret: Secret,
}

/// What the company has created.
#[derive(Debug, Clone)]
pub struct Company {
    /// The partner's application.
    pub partner: Credential,
    /// The forum.
    pub forum: Credential,
    /// The API, which introspects tokens.
    pub api: Credential,
    /// The customer's machine client.
    pub machine: Credential,
    /// The customer's organization.
    pub northwind: String,
    base: String,
    api_key: Secret,
}

fn text(value: &Value, name: &str) -> Result<String, DemoError> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| DemoError(format!("no {name} in {value}")))
}

/// Creates a new secret for an application.
async fn secret(requests: &Requests, base: &str, key: &str, application: &str) -> Result<Secret, DemoError> {
    let url = format!("{base}/connect/applications/{application}/client_secrets");
    let made = requests.post(&url, key, &json!({})).await?.good()?;
    Ok(Secret::new(text(&made, "secret")?))
}

impl Company {
    /// Sets up the company: a secret for each application, and a user at one customer.
    ///
    /// # Errors
    /// The error response from Countersign.
    pub async fn open(requests: &Requests, places: &Places, api_key: &str) -> Result<Self, DemoError> {
        let base = places.countersign.clone();
        let listed = requests.get(&format!("{base}/connect/applications?limit=100"), Some(api_key)).await?.good()?;
        let all = listed["data"].as_array().cloned().unwrap_or_default();
        let mut found = Vec::new();
        for name in ["Summit Reports", "Acme Forum", "Reports API", "Nightly export"] {
            let one =
                all.iter().find(|one| one["name"] == name).ok_or_else(|| DemoError(format!("there is no {name}")))?;
            let (application_id, client_id) = (text(one, "id")?, text(one, "client_id")?);
            let secret = secret(requests, &base, api_key, &application_id).await?;
            found.push(Credential { application_id, client_id, secret });
        }
        let Ok([partner, forum, api, machine]) = <[Credential; 4]>::try_from(found) else {
            return Err(DemoError("applications are missing".to_owned()));
        };
        let url = format!("{base}/organizations/external_id/northwind");
        let northwind = text(&requests.get(&url, Some(api_key)).await?.good()?, "id")?;
        let person = json!({"email": EMAIL, "email_verified": true, "first_name": "Ada", "last_name": "Lovelace", "password": PASSWORD});
        let person = requests.post(&format!("{base}/user_management/users"), api_key, &person).await?.good()?;
        // In one organization only: with several, every application would have to ask which one.
        let body = json!({"user_id": person["id"], "organization_id": northwind});
        requests.post(&format!("{base}/user_management/organization_memberships"), api_key, &body).await?.good()?;
        Ok(Self { partner, forum, api, machine, northwind, base, api_key: Secret::new(api_key.to_owned()) })
    }

    /// Creates another secret for the customer's machine client.
    ///
    /// # Errors
    /// The error response from Countersign; five secrets are the maximum.
    pub async fn another_secret(&self, requests: &Requests) -> Result<Secret, DemoError> {
        secret(requests, &self.base, self.api_key.expose(), &self.machine.application_id).await
    }
}
