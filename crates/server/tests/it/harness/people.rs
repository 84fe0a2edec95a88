//! Users, their memberships and emails, and applications they sign in to.

use super::{Browser, Page, TestServer};
use countersign::domain::users::authentications::ClientInfo;
use countersign::domain::users::magic_auth;
use countersign::domain::users::mailed_codes::Refused;
use countersign::domain::users::sign_up::{SignUp, sign_up};
use countersign::domain::{Act, Failure, mails};
use countersign_protocol::id::{EnvironmentId, OrganizationId, UserId};
use countersign_protocol::model::{Membership, MembershipStatus};
use countersign_protocol::secret::Secret;
use countersign_store::{mail, membership, user};
use serde_json::{Value, json};

/// The password of every test user.
pub const PASSWORD: &str = "violet-tractor-humming-42";
/// A PKCE verifier and its challenge (RFC 7636, appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An application that users sign in to.
#[derive(Debug, Clone)]
pub struct Application {
    pub client_id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
}

impl Application {
    /// Returns the path of an authorization request, with more parameters appended.
    pub fn authorize(&self, more: &str) -> String {
        let redirect_uri: String = url::form_urlencoded::byte_serialize(self.redirect_uri.as_bytes()).collect();
        format!(
            "/oauth2/authorize?client_id={}&redirect_uri={redirect_uri}&response_type=code&state=s-1&code_challenge={CHALLENGE}&code_challenge_method=S256{more}",
            self.client_id
        )
    }
}

impl TestServer {
    /// Returns the ID of the environment that the server was started with.
    pub fn environment_id(&self) -> EnvironmentId {
        let environments = self.app.environments();
        environments.by_client_id(self.client_id.parse().unwrap()).unwrap().id()
    }

    /// Returns the context for anonymous actions in this environment.
    pub fn act(&self) -> Act {
        let environments = self.app.environments();
        let state = environments.by_client_id(self.client_id.parse().unwrap()).unwrap();
        Act::new(
            &state.environment,
            countersign_protocol::model::Actor::Visitor,
            &self.app.clock,
            &self.app.entropy,
            &self.app.keyring,
        )
    }

    /// Creates an account with a verified email address and the shared test password.
    pub async fn person(&self, email: &str) -> UserId {
        let password_hash = self.app.passwords.hash(Secret::new(PASSWORD.to_owned())).await.unwrap();
        self.sign_up(email, password_hash).await.unwrap()
    }

    /// Does what the last page of sign-up does.
    pub async fn sign_up(&self, email: &str, password_hash: String) -> Result<UserId, Failure> {
        let new = SignUp {
            email: email.to_owned(),
            first_name: Some("Ada".into()),
            last_name: Some("Lovelace".into()),
            password_hash: Some(password_hash),
            locale: None,
        };
        let act = self.act();
        self.app
            .store
            .write::<UserId, Failure, _>(move |tx| Box::pin(async move { sign_up(tx, &act, new).await }))
            .await
    }

    /// Makes a user an active member of an organization.
    pub async fn member(&self, user_id: UserId, organization_id: &str) -> Membership {
        let act = self.act();
        let membership = Membership {
            id: act.entropy.id(act.now).unwrap(),
            user_id,
            organization_id: OrganizationId::parse(organization_id).unwrap(),
            organization_name: String::new(),
            status: MembershipStatus::Active,
            roles: vec!["member".into()],
            created_at: act.now,
            updated_at: act.now,
        };
        let kept = membership.clone();
        self.app
            .store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move { Ok(membership::insert(tx, act.environment_id, &kept).await?) })
            })
            .await
            .unwrap();
        membership
    }

    /// Ends a membership.
    pub async fn expel(&self, membership: &Membership) {
        let (act, membership) = (self.act(), membership.clone());
        self.app
            .store
            .write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    membership::delete(tx, act.environment_id, membership.id).await?;
                    let Membership { user_id, organization_id, .. } = membership;
                    countersign::domain::connect::grants::membership_ended(tx, &act, user_id, organization_id).await
                })
            })
            .await
            .unwrap();
        self.app.catch_up().await;
    }

    /// Redeems a Magic Auth code as signing in with it does.
    pub async fn redeem_magic_code(&self, email: &str, code: &str) -> Result<UserId, Refused> {
        let (act, email, code) = (self.act(), email.to_owned(), code.to_owned());
        self.app
            .store
            .write::<_, Failure, _>(move |tx| {
                Box::pin(async move {
                    let redeemed = magic_auth::redeem(tx, &act, (&email, &code), &ClientInfo::default()).await?;
                    Ok(redeemed.map(|proven| proven.user().id))
                })
            })
            .await
            .unwrap()
    }

    /// Whether the account with this email address has a password.
    pub async fn has_password(&self, email: &str) -> bool {
        let mut reader = self.app.store.reader().await.unwrap();
        let found = user::find_by_email(&mut reader, self.environment_id(), email).await.unwrap().unwrap();
        user::password_hash(&mut reader, self.environment_id(), found.id).await.unwrap().is_some()
    }

    /// Returns the data of events with this name, oldest first.
    pub async fn events(&self, name: &str) -> Vec<Value> {
        self.database.events(&self.environment_id().to_string(), name).await
    }

    /// Returns the messages sent to an address, newest first.
    pub async fn mails(&self, to: &str) -> Vec<mails::Message> {
        let kept = mail::list(&mut self.app.store.reader().await.unwrap(), self.environment_id()).await.unwrap();
        let messages = kept.iter().map(|one| mails::open(&self.app.keyring, one).unwrap());
        messages.filter(|message| message.to == to).collect()
    }

    /// Returns the code in the newest message to an address.
    pub async fn mailed_code(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        let text = &mails.first().unwrap_or_else(|| panic!("no mail to {to}")).text;
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        text.split_whitespace().find(digits).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }

    /// Creates an OAuth application; `kind` is `first`, or `third` for a third-party one that belongs to an
    /// organization.
    pub async fn application(&self, kind: &str, public: bool, scopes: &[&str]) -> Application {
        let management = self.management();
        let redirect_uri = format!("https://{kind}.example/cb");
        let mut body = json!({
            "name": format!("The {kind} application"),
            "application_type": "oauth",
            "is_first_party": kind != "third",
            "scopes": scopes,
            "uses_pkce": public,
            "redirect_uris": [{"uri": redirect_uri, "default": true}],
        });
        if kind == "third" {
            body["organization_id"] = management.organization("Partner Ltd").await.into();
        }
        let made = management.post("/connect/applications", body).await.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let id = text("id");
        let secret = if public { None } else { Some(management.secret(&id).await.1) };
        Application { client_id: text("client_id"), secret, redirect_uri }
    }

    /// Redeems an authorization code.
    pub async fn redeem(&self, application: &Application, code: &str) -> super::Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &application.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", &application.client_id),
        ];
        if let Some(secret) = &application.secret {
            form.push(("client_secret", secret));
        }
        self.anonymous().form("/oauth2/token", &form).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, application: &Application, refresh_token: &str) -> super::Answer {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &application.client_id),
        ];
        if let Some(secret) = &application.secret {
            form.push(("client_secret", secret));
        }
        self.anonymous().form("/oauth2/token", &form).await
    }

    /// Signs a user in from any page that asks for it; returns the page after that.
    pub async fn sign_in(&self, browser: &mut Browser, page: &Page, email: &str) -> Page {
        let page = browser.submit(page, "/sign-in", &[("email", email)]).await;
        browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await
    }

    /// Creates a confidential client that may introspect.
    pub async fn introspector(&self) -> (String, String) {
        let management = self.management();
        management.credential(&[]).await
    }

    /// Returns the introspection response.
    pub async fn introspected(&self, (client_id, secret): &(String, String), token: &str) -> Value {
        self.anonymous().introspect(client_id, secret, token).await
    }
}
