//! A snapshot of all environments: who answers to which host, with which keys, and the documents ready to send.

use crate::domain::environments::branding;
use crate::domain::product_name;
use crate::keys::keyring::Keyring;
use crate::keys::signing;
use aws_lc_rs::digest;
use bytes::Bytes;
use countersign_pages::{Branding, Language, branding_css};
use countersign_protocol::id::{ClientId, EnvironmentId, SigningKeyId};
use countersign_protocol::jose::{Algorithm, SigningKey, VerifyingKey, public_jwk};
use countersign_protocol::jwt_template::Template;
use countersign_protocol::model::{
    Admission, CorsOrigin, Environment, EnvironmentRedirectUri, Issuer, KeyPurpose, KeyState, OAuthResource,
    RedirectPurpose, SigningKeyRecord, Standalone,
};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::metadata;
use countersign_protocol::time::Timestamp;
use countersign_store::{
    Query, cors_origin, jwt_template, oauth_resource, past_signing_key, redirect_uri, signing_key, standalone,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An environment cannot be served: a key of it does not open, or its template is no longer valid.
#[derive(Debug, thiserror::Error)]
#[error("environment '{environment}': {reason}")]
pub struct Unreadable {
    /// Whose.
    environment: String,
    /// What is wrong with it.
    reason: String,
}

/// An environment as requests need it.
#[derive(Debug)]
pub struct EnvironmentState {
    /// The environment.
    pub environment: Environment,
    /// What is added to the claims of access tokens about people.
    pub jwt_template: Option<Template>,
    /// The key that signs sessions with the product and machines' tokens now.
    pub direct_signer: SigningKey,
    /// The key that signs what applications hold about people now.
    pub delegated_signer: SigningKey,
    /// Every published key.
    verifiers: Vec<(SigningKeyId, KeyPurpose, VerifyingKey)>,
    /// Keys that are gone and signed ID tokens, each until a moment.
    past_verifiers: Vec<(VerifyingKey, SigningKeyId, Timestamp)>,
    /// `/.well-known/openid-configuration`.
    pub openid_configuration: Bytes,
    /// `/.well-known/oauth-authorization-server`.
    pub authorization_server: Bytes,
    /// `/oauth2/jwks`: every key.
    pub oauth_jwks: Bytes,
    /// `/sso/jwks/{client_id}`: the keys of sessions with the product, and of machines.
    pub direct_jwks: Bytes,
    /// Where the environment's own application may have people sent.
    redirect_uris: Vec<EnvironmentRedirectUri>,
    /// Whose pages may call it.
    cors_origins: Vec<CorsOrigin>,
    /// What access tokens may be for.
    pub resources: Vec<OAuthResource>,
    /// Where people sign in who are on the way to an application.
    pub standalone: Standalone,
    /// How its pages and mails look.
    pub look: Look,
}

/// The look of an environment, ready to be served.
#[derive(Debug)]
pub struct Look {
    /// What pages and mails are drawn with.
    pub branding: Arc<Branding>,
    /// Its style sheet.
    pub stylesheet: Bytes,
    /// Where that is; `None` when it would say nothing new. The path changes with the content.
    pub stylesheet_path: Option<String>,
}

impl Look {
    fn new(environment: &Environment) -> Self {
        let branding = branding::look(&product_name(environment), &environment.brand);
        let stylesheet = branding_css(&branding);
        let stylesheet_path = (stylesheet != branding_css(&Branding::default())).then(|| {
            let hash = digest::digest(&digest::SHA256, stylesheet.as_bytes());
            let hash: String = hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            format!("{}{hash}.css", branding::FOLDER)
        });
        Self { branding: Arc::new(branding), stylesheet: stylesheet.into(), stylesheet_path }
    }
}

impl Unreadable {
    /// Why an environment cannot be served.
    pub fn new(environment: &Environment, reason: &dyn std::fmt::Display) -> Self {
        Self { environment: environment.name.clone(), reason: reason.to_string() }
    }
}

impl EnvironmentState {
    fn new(
        environment: Environment,
        jwt_template: Option<Template>,
        keys: &[SigningKeyRecord],
        keyring: &Keyring,
    ) -> Result<Self, Unreadable> {
        let wrong = |reason: &dyn std::fmt::Display| Unreadable::new(&environment, reason);
        let signer = |purpose: KeyPurpose| {
            let active = keys.iter().find(|key| key.purpose == purpose && key.state == KeyState::Active);
            let active = active.ok_or_else(|| wrong(&format!("no active signing key ({})", purpose.as_str())))?;
            signing::open(active, keyring).map_err(|error| wrong(&error))
        };
        let mut verifiers = Vec::with_capacity(keys.len());
        let mut published = Vec::with_capacity(keys.len());
        let mut direct = Vec::with_capacity(keys.len());
        let languages = Language::ALL.map(Language::tag);
        let mut algorithms: Vec<Algorithm> = Vec::new();
        for key in keys {
            let verifier = VerifyingKey::new(key.id, key.algorithm, &key.public_key).map_err(|error| wrong(&error))?;
            verifiers.push((key.id, key.purpose, verifier));
            let jwk =
                public_jwk(key.id, key.algorithm, &key.public_key, &key.certificate).map_err(|error| wrong(&error))?;
            if key.purpose == KeyPurpose::Direct {
                direct.push(jwk.clone());
            }
            published.push(jwk);
            // Applications get nothing that is signed with the others.
            if key.purpose == KeyPurpose::Delegated && !algorithms.contains(&key.algorithm) {
                algorithms.push(key.algorithm);
            }
        }
        let (issuer, clients) = (&environment.issuer, &environment.self_registration);
        Ok(Self {
            openid_configuration: metadata::openid_configuration(issuer, &algorithms, clients, &languages)
                .to_string()
                .into(),
            authorization_server: metadata::authorization_server(issuer, clients).to_string().into(),
            oauth_jwks: serde_json::json!({"keys": published}).to_string().into(),
            direct_jwks: serde_json::json!({"keys": direct}).to_string().into(),
            direct_signer: signer(KeyPurpose::Direct)?,
            delegated_signer: signer(KeyPurpose::Delegated)?,
            look: Look::new(&environment),
            environment,
            jwt_template,
            verifiers,
            past_verifiers: Vec::new(),
            redirect_uris: Vec::new(),
            cors_origins: Vec::new(),
            resources: Vec::new(),
            standalone: Standalone::default(),
        })
    }

    /// Reads what belongs to an environment.
    ///
    /// # Errors
    /// Database errors; inside, why it cannot be served.
    pub async fn read(
        query: &mut impl Query,
        environment: Environment,
        keyring: &Keyring,
    ) -> countersign_store::Result<Result<Self, Unreadable>> {
        let id = environment.id;
        let keys = signing_key::list(query, id).await?;
        let redirect_uris = redirect_uri::all(query, id).await?;
        let cors_origins = cors_origin::all(query, id).await?;
        let resources = oauth_resource::all(query, id).await?;
        let standalone = standalone::find(query, id).await?;
        let template = jwt_template::find(query, id).await?;
        let template = match template.map(|template| Template::parse(&template.content)).transpose() {
            Ok(template) => template,
            Err(wrong) => return Ok(Err(Unreadable::new(&environment, &format!("its JWT template {wrong}")))),
        };
        // Those that are too old go with the next rotation; who asks for one looks at its age.
        let past = past_signing_key::list(query, id).await?;
        // A hint that cannot be checked is no reason not to serve.
        let past_verifiers = past.into_iter().filter_map(|key| {
            Some((VerifyingKey::new(key.id, key.algorithm, &key.public_key).ok()?, key.id, key.retired_at))
        });
        let past_verifiers = past_verifiers.collect();
        Ok(Self::new(environment, template, &keys, keyring).map(|state| Self {
            redirect_uris,
            cors_origins,
            resources,
            standalone,
            past_verifiers,
            ..state
        }))
    }

    /// Where the environment's own application may have people sent for a purpose, the default first.
    pub fn redirect_uris(&self, purpose: RedirectPurpose) -> impl Iterator<Item = &EnvironmentRedirectUri> {
        let of = move |default| {
            self.redirect_uris.iter().filter(move |known| known.purpose == purpose && known.default == default)
        };
        of(true).chain(of(false))
    }

    /// Whether pages of this origin may call the environment's own application.
    pub fn allows_origin(&self, origin: &[u8]) -> bool {
        self.cors_origins.iter().any(|known| known.origin.as_bytes() == origin)
    }

    /// The origins of pages that may call its own application.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.cors_origins.iter().map(|known| known.origin.as_str())
    }

    /// Whether a client may be one here: with a metadata document, only while that is admitted.
    pub fn admits(&self, client: &Client) -> bool {
        client.application.metadata_url.as_ref().is_none_or(|url| {
            let decision = client.registered.and_then(|registered| registered.decision);
            self.environment.self_registration.documents.admits(url, decision) == Admission::Yes
        })
    }

    /// The environment's identifier.
    pub fn id(&self) -> EnvironmentId {
        self.environment.id
    }

    /// The published key of this identifier, and which tokens it may have signed.
    pub fn verifier(&self, kid: SigningKeyId) -> Option<(KeyPurpose, &VerifyingKey)> {
        self.verifiers.iter().find(|(id, _, _)| *id == kid).map(|(_, purpose, key)| (*purpose, key))
    }

    /// The key of this identifier that signed ID tokens until a moment and is gone: good for hints, and for nothing else.
    pub fn past_verifier(&self, kid: SigningKeyId) -> Option<(&VerifyingKey, Timestamp)> {
        self.past_verifiers.iter().find(|(_, id, _)| *id == kid).map(|(key, _, until)| (key, *until))
    }
}

/// A host name has 253 characters at most, and a port five.
const MAX_AUTHORITY_LENGTH: usize = 260;

/// What a `Host` header stands for.
#[derive(Debug, Clone)]
pub enum Host {
    /// The issuer of an environment.
    Issuer(Arc<EnvironmentState>),
    /// The API's own host, which is no issuer.
    Api,
    /// The issuer of an environment that cannot be served.
    Unreadable,
}

/// All environments.
#[derive(Debug, Default)]
pub struct Environments {
    by_id: HashMap<EnvironmentId, Arc<EnvironmentState>>,
    by_client_id: HashMap<ClientId, Arc<EnvironmentState>>,
    by_authority: HashMap<String, Arc<EnvironmentState>>,
    api_authorities: HashSet<String>,
    unreadable_authorities: HashSet<String>,
    staff: Option<Arc<EnvironmentState>>,
}

impl Environments {
    /// A snapshot of these environments, oldest first, with what was read of each; one of which that could not be done is left
    /// out, and its hosts are known for it.
    pub fn assemble(
        environments: &[Environment],
        states: &HashMap<EnvironmentId, Arc<EnvironmentState>>,
        public_url: &Issuer,
    ) -> Self {
        let mut all = Self::default();
        all.api_authorities.extend(authorities(public_url));
        for environment in environments {
            let Some(state) = states.get(&environment.id).cloned() else {
                all.unreadable_authorities.extend(authorities(&environment.issuer));
                continue;
            };
            all.by_id.insert(state.id(), Arc::clone(&state));
            // No host is its own, and no client is one of it.
            if state.environment.is_of_staff() {
                all.staff = Some(state);
                continue;
            }
            all.by_client_id.insert(state.environment.client_id, Arc::clone(&state));
            for authority in authorities(&state.environment.issuer) {
                all.by_authority.entry(authority).or_insert_with(|| Arc::clone(&state));
            }
            // The issuer's own spelling wins over another's loopback alias.
            all.by_authority.insert(state.environment.issuer.authority().to_owned(), state);
        }
        all
    }

    /// What was read of each environment.
    pub fn states(&self) -> &HashMap<EnvironmentId, Arc<EnvironmentState>> {
        &self.by_id
    }

    /// What a `Host` header stands for; `None` for a host that is not ours.
    pub fn host(&self, authority: &str) -> Option<Host> {
        if authority.len() > MAX_AUTHORITY_LENGTH {
            return None;
        }
        self.known_host(authority).or_else(|| {
            // Rare: capitals, or the scheme's own port written out. Once, whatever is left.
            self.known_host(&plain(authority))
        })
    }

    fn known_host(&self, authority: &str) -> Option<Host> {
        if let Some(state) = self.by_authority.get(authority) {
            return Some(Host::Issuer(Arc::clone(state)));
        }
        if self.api_authorities.contains(authority) {
            return Some(Host::Api);
        }
        self.unreadable_authorities.contains(authority).then_some(Host::Unreadable)
    }

    /// The built-in environment, where the host is the API's own: there the dashboard is.
    pub fn staff_at(&self, authority: &str) -> Option<&Arc<EnvironmentState>> {
        let known = |authority: &str| self.api_authorities.contains(authority);
        let ours = authority.len() <= MAX_AUTHORITY_LENGTH && (known(authority) || known(&plain(authority)));
        self.staff.as_ref().filter(|_| ours)
    }

    /// The environments of the company's products, oldest first.
    pub fn products(&self) -> Vec<&Arc<EnvironmentState>> {
        let mut all: Vec<_> = self.by_id.values().filter(|state| !state.environment.is_of_staff()).collect();
        all.sort_unstable_by_key(|state| state.id());
        all
    }

    /// The environment of a product by its name.
    pub fn product_named(&self, name: &str) -> Option<&Arc<EnvironmentState>> {
        let mut all = self.by_id.values();
        all.find(|state| state.environment.name == name && !state.environment.is_of_staff())
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<EnvironmentState>> {
        self.by_id.values()
    }

    /// The environment of this identifier.
    pub fn get(&self, id: EnvironmentId) -> Option<&Arc<EnvironmentState>> {
        self.by_id.get(&id)
    }

    /// The environment whose own application has this client id.
    pub fn by_client_id(&self, client_id: ClientId) -> Option<&Arc<EnvironmentState>> {
        self.by_client_id.get(&client_id)
    }
}

/// An authority in small letters, and without the port that its scheme has anyway.
fn plain(authority: &str) -> String {
    let mut lower = authority.to_ascii_lowercase();
    if let Some(host) = lower.strip_suffix(":443").or_else(|| lower.strip_suffix(":80")) {
        lower.truncate(host.len());
    }
    lower
}

/// The authorities an origin is reached under: on this machine also its other names.
fn authorities(issuer: &Issuer) -> Vec<String> {
    let own = issuer.authority();
    let mut all = vec![own.to_owned()];
    if issuer.is_this_machine() {
        let port = own.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let port = port.map_or_else(String::new, |(_, port)| format!(":{port}"));
        all.extend(["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}{port}")));
    }
    all
}
