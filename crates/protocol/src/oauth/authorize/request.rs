//! The authorization request. Errors found before the redirect URI is proven and errors found after it are different
//! types, and only the latter can be sent to the application.

use super::redirect::{ProvenRedirect, prove};
use crate::id::OrganizationId;
use crate::model::{ApplicationKind, ClientType, OAuthResource, RegisteredGrant};
use crate::oauth::client::Client;
use crate::oauth::client_name::ClientName;
use crate::oauth::error::OAuthError;
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::{resource, scope};

/// Every parameter that a response may depend on: those of [`read`], the client, and the hints about the user.
const PARAMETERS: [&str; 20] = [
    "client_id",
    "redirect_uri",
    "state",
    "request",
    "request_uri",
    "registration",
    "response_type",
    "response_mode",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "scope",
    "nonce",
    "prompt",
    "max_age",
    "organization_id",
    "login_hint",
    "screen_hint",
    "id_token_hint",
    "ui_locales",
];

/// The maximum length of `state` and `nonce`.
const MAX_ECHO_LENGTH: usize = 2048;

/// Why an authorization request is answered with a page of our own and never redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotForTheClient {
    /// No client is named, or it does not exist here.
    UnknownClient,
    /// The redirect URI is missing or not registered for the client.
    UnknownRedirectUri,
    /// The client is a machine client: users do not sign in to it.
    NotForPeople,
    /// The request is malformed, so nothing in it can be relied on.
    Malformed,
    /// Anyone can register such a client, so users are not redirected to it with errors (RFC 9700 §4.11.2).
    AnybodysClient,
}

/// The error codes that are sent to the client (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizeErrorCode {
    /// The request is invalid.
    InvalidRequest,
    /// Denied by the user or by a policy.
    AccessDenied,
    /// The client has not registered the authorization code grant.
    UnauthorizedClient,
    /// A response type other than `code`.
    UnsupportedResponseType,
    /// A scope that this client may not request.
    InvalidScope,
    /// An unknown resource.
    InvalidTarget,
    /// `prompt=none`, but nobody is signed in.
    LoginRequired,
    /// `prompt=none`, but the user would have to consent.
    ConsentRequired,
    /// `prompt=none`, but the user would have to make a choice.
    InteractionRequired,
    /// A `request` object was sent (OpenID Connect Core §6.1).
    RequestNotSupported,
    /// A `request_uri` was sent (OpenID Connect Core §6.2).
    RequestUriNotSupported,
    /// A `registration` was sent (OpenID Connect Core §7.2.1).
    RegistrationNotSupported,
}

impl AuthorizeErrorCode {
    /// The code as sent on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::AccessDenied => "access_denied",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }
}

/// Where a response goes, and the state it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnAddress {
    /// The proven redirect URI.
    pub redirect: ProvenRedirect,
    /// The client's own state, returned unchanged.
    pub state: Option<String>,
}

impl ReturnAddress {
    fn with(&self, issuer: &str, first: &[(&str, &str)]) -> String {
        let mut parameters = first.to_vec();
        if let Some(state) = &self.state {
            parameters.push(("state", state));
        }
        // RFC 9207: a client that uses several servers can tell which one responded.
        parameters.push(("iss", issuer));
        self.redirect.with_query(&parameters)
    }

    /// The URL for a response with a code.
    pub fn with_code(&self, issuer: &str, code: &str) -> String {
        self.with(issuer, &[("code", code)])
    }

    /// The URL for an error response.
    pub fn with_error(&self, issuer: &str, code: AuthorizeErrorCode, description: &str) -> String {
        self.with(issuer, &[("error", code.as_str()), ("error_description", description)])
    }
}

/// Why an authorization request fails, and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The user is told on a page.
    ToThePerson(NotForTheClient),
    /// The client receives an error.
    ToTheClient(ReturnAddress, AuthorizeErrorCode, String),
}

/// The values of `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The user must sign in again.
    pub login: bool,
    /// The user must consent again.
    pub consent: bool,
    /// The user must be asked which account to use.
    pub select_account: bool,
    /// The user wants to create an account.
    pub create: bool,
}

/// An authorization request whose client, redirect URI and parameters are valid. Nothing has been decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Where the response goes.
    pub return_address: ReturnAddress,
    /// The requested scopes, in order.
    pub scopes: Vec<String>,
    /// The requested resource; empty for none.
    pub resource: String,
    /// The nonce, copied into the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// The requested prompts.
    pub prompt: Prompt,
    /// The maximum age of the user's sign-in, in seconds.
    pub max_age: Option<i64>,
    /// A hint about who will sign in.
    pub login_hint: Option<String>,
    /// The requested organization.
    pub organization_id: Option<OrganizationId>,
    /// Whether the user probably needs to create an account first.
    pub sign_up: bool,
}

/// The query string as it is stored: exactly as written, without the parameters that are never read.
pub fn without_unknown(query: &str) -> String {
    Params::keep_only(query, &PARAMETERS)
}

/// Returns the client named in a request.
///
/// # Errors
/// [`NotForTheClient::UnknownClient`].
pub fn client_name<'a>(params: &'a Params<'_>) -> Result<ClientName<'a>, NotForTheClient> {
    let text = params.get("client_id").ok_or(NotForTheClient::UnknownClient)?;
    ClientName::parse(text).ok_or(NotForTheClient::UnknownClient)
}

/// Reads an authorization request from this client.
///
/// # Errors
/// See [`Refusal`].
pub fn read(params: &Params<'_>, client: &Client, resources: &[OAuthResource]) -> Result<AuthorizeRequest, Refusal> {
    let ApplicationKind::OAuth { client_type, .. } = client.application.kind else {
        return Err(Refusal::ToThePerson(NotForTheClient::NotForPeople));
    };
    let redirect = params
        .get("redirect_uri")
        .and_then(|uri| prove(client, uri))
        .ok_or(Refusal::ToThePerson(NotForTheClient::UnknownRedirectUri))?;
    let state = params.get("state").map(str::to_owned);
    let return_address = ReturnAddress { redirect, state };
    let refuse =
        |code: AuthorizeErrorCode, why: &str| Err(Refusal::ToTheClient(return_address.clone(), code, why.to_owned()));
    use AuthorizeErrorCode as Code;
    if return_address.state.as_ref().is_some_and(|state| state.len() > MAX_ECHO_LENGTH) {
        return refuse(Code::InvalidRequest, "The state is too long.");
    }
    for (name, code) in [
        ("request", Code::RequestNotSupported),
        ("request_uri", Code::RequestUriNotSupported),
        ("registration", Code::RegistrationNotSupported),
    ] {
        if params.get(name).is_some() {
            return refuse(code, "This parameter is not supported.");
        }
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return refuse(Code::UnsupportedResponseType, "The response_type must be code."),
        None => return refuse(Code::InvalidRequest, "The parameter 'response_type' is missing."),
    }
    if !client.may(RegisteredGrant::Code) {
        return refuse(Code::UnauthorizedClient, "The client has not registered the grant type authorization_code.");
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return refuse(Code::InvalidRequest, "The response_mode must be query.");
    }
    let resource = match resource::authorized(&params.all("resource"), &client.application, resources) {
        Ok(resource) => resource.unwrap_or_default(),
        Err(error) => return refuse(Code::InvalidTarget, &error.description),
    };
    let told = |error: OAuthError| {
        Refusal::ToTheClient(return_address.clone(), Code::InvalidRequest, error.description.into_owned())
    };
    let code_challenge =
        CodeChallenge::read(params.get("code_challenge"), params.get("code_challenge_method")).map_err(told)?;
    if client_type == ClientType::Public && code_challenge.is_none() {
        return refuse(Code::InvalidRequest, "A public client must send a code_challenge (RFC 7636).");
    }
    let scopes = match requested_scopes(params.get("scope"), client) {
        Ok(scopes) => scopes,
        Err(why) => return refuse(Code::InvalidScope, &why),
    };
    let nonce = params.get("nonce").map(str::to_owned);
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_ECHO_LENGTH) {
        return refuse(Code::InvalidRequest, "The nonce is too long.");
    }
    let prompt = match read_prompt(params.get("prompt").unwrap_or("")) {
        Some(prompt) => prompt,
        None => return refuse(Code::InvalidRequest, "The prompt is not understood."),
    };
    let max_age = match params.get("max_age").map(|text| text.parse::<u32>()) {
        None => None,
        Some(Ok(seconds)) => Some(i64::from(seconds)),
        Some(Err(_)) => return refuse(Code::InvalidRequest, "The max_age is not a number of seconds."),
    };
    let organization_id = match params.get("organization_id").map(OrganizationId::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return refuse(Code::InvalidRequest, "The organization_id is not an identifier."),
    };
    Ok(AuthorizeRequest {
        scopes,
        resource,
        nonce,
        code_challenge,
        prompt,
        max_age,
        login_hint: params.get("login_hint").filter(|hint| hint.len() <= 254).map(str::to_owned),
        organization_id,
        sign_up: prompt.create || params.get("screen_hint") == Some("sign-up"),
        return_address,
    })
}

/// The scopes a request without `scope` implies: all available ones except `offline_access`.
pub(crate) fn default_scopes(client: &Client) -> Vec<String> {
    let built_in = scope::BUILT_IN.into_iter().filter(|scope| *scope != "offline_access").map(str::to_owned);
    let assigned = client.application.scopes.iter().filter(|scope| !scope::is_built_in(scope)).cloned();
    built_in.chain(assigned).collect()
}

/// Returns the scopes a client requests, which must be built in or assigned to it. `offline_access` is dropped if the
/// client has not registered the refresh token grant.
///
/// # Errors
/// A message naming the scope that the client may not request.
pub fn requested_scopes(requested: Option<&str>, client: &Client) -> Result<Vec<String>, String> {
    let Some(requested) = requested else { return Ok(default_scopes(client)) };
    let scopes = scope::parse(requested).map_err(|error| error.description.into_owned())?;
    let may = |scope: &str| scope::is_built_in(scope) || client.application.scopes.iter().any(|known| known == scope);
    match scopes.iter().find(|scope| !may(scope)) {
        Some(unassigned) => Err(format!("The scope '{unassigned}' is not assigned to this application.")),
        None => {
            let refreshes = client.may(RegisteredGrant::Refresh);
            let kept = scopes.into_iter().filter(|scope| refreshes || *scope != "offline_access");
            Ok(kept.map(str::to_owned).collect())
        }
    }
}

fn read_prompt(text: &str) -> Option<Prompt> {
    let mut prompt = Prompt::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            // OpenID Connect Prompt Create 1.0 §4: a new account is created even if a user is already signed in.
            "create" => (prompt.login, prompt.create) = (true, true),
            _ => return None,
        }
    }
    // `none` must be the only value (OpenID Connect Core §3.1.2.1).
    (!prompt.none || text.trim() == "none").then_some(prompt)
}

#[cfg(test)]
mod tests {
    use super::super::redirect::tests::client;
    use super::*;
    use crate::model::{Ownership, RegisteredGrants, SelfRegistered};
    use proptest::prelude::*;

    const GOOD: &str =
        "client_id=client_00000000000000000000000003&redirect_uri=https://a.example/cb&response_type=code&state=s1";
    const CHALLENGE: &str = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    fn ask(client_type: ClientType, query: &str) -> Result<AuthorizeRequest, Refusal> {
        let params = Params::from_form(query.as_bytes()).unwrap();
        let epoch = crate::time::Timestamp::from_millis(0);
        let resource = OAuthResource {
            id: crate::id::Id::from_ulid(1),
            uri: "https://api.example".to_owned(),
            default: true,
            created_at: epoch,
            updated_at: epoch,
        };
        read(&params, &client(client_type, Ownership::FirstParty, &["https://a.example/cb"]), &[resource])
    }

    fn refused(query: &str) -> AuthorizeErrorCode {
        match ask(ClientType::Confidential, query) {
            Err(Refusal::ToTheClient(address, code, why)) => {
                assert_eq!(address.redirect.as_str(), "https://a.example/cb");
                assert_eq!(address.state.as_deref(), Some("s1"));
                assert!(!why.is_empty());
                code
            }
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_asked_for_has_its_usual_meaning() {
        let request = ask(ClientType::Confidential, GOOD).unwrap();
        assert_eq!(request.scopes, ["email", "openid", "profile", "posts:read"]);
        assert_eq!(request.prompt, Prompt::default());
        assert_eq!((request.max_age, request.nonce, request.code_challenge), (None, None, None));
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let check = |query: &str, expected: &str| assert_eq!(without_unknown(query), expected, "{query}");
        check(GOOD, GOOD);
        check("pad=1&state=a%20b&&prompt&p%61d=1&x", "state=a%20b&prompt");
        check(
            "client%5Fid=1&%63lient_id=2&Client_id=3&%FF=4&resource=a&resource=b",
            "client%5Fid=1&%63lient_id=2&resource=a&resource=b",
        );
        check("", "");
        let source = include_str!("request.rs");
        for read in ["params.get(\"", "params.all(\""].iter().flat_map(|call| source.split(call).skip(1)) {
            let name = read.split('"').next().unwrap();
            assert!(PARAMETERS.contains(&name), "{name} is read, and not kept");
        }
    }

    #[test]
    fn errors_after_the_proof_go_to_the_client() {
        use AuthorizeErrorCode as Code;
        let code = |more: &str| refused(&format!("{GOOD}{more}"));
        assert_eq!(code("&scope=openid+posts:write"), Code::InvalidScope);
        assert_eq!(code("&scope=%22"), Code::InvalidScope);
        assert_eq!(code("&prompt=none+login"), Code::InvalidRequest);
        assert_eq!(code("&prompt=dance"), Code::InvalidRequest);
        assert_eq!(code("&max_age=-1"), Code::InvalidRequest);
        assert_eq!(code("&code_challenge=x&code_challenge_method=plain"), Code::InvalidRequest);
        assert_eq!(code("&code_challenge_method=S256"), Code::InvalidRequest);
        assert_eq!(code("&resource=https://mcp.example"), Code::InvalidTarget);
        assert_eq!(code("&request=x"), Code::RequestNotSupported);
        assert_eq!(code("&response_mode=fragment"), Code::InvalidRequest);
        assert_eq!(code("&organization_id=x"), Code::InvalidRequest);
        assert_eq!(refused(&GOOD.replace("=code", "=token")), Code::UnsupportedResponseType);
        assert_eq!(refused(&GOOD.replace("&response_type=code", "")), Code::InvalidRequest);
    }

    #[test]
    fn threat_28_errors_before_the_proof_go_nowhere() {
        for bad in [
            GOOD.replace("a.example", "evil.example"),
            GOOD.replace("&redirect_uri=https://a.example/cb", ""),
            GOOD.replace("/cb", "/cb/"),
        ] {
            let refusal = ask(ClientType::Confidential, &bad);
            assert_eq!(refusal, Err(Refusal::ToThePerson(NotForTheClient::UnknownRedirectUri)), "{bad}");
        }
    }

    #[test]
    fn a_client_that_registered_itself_does_what_it_has_registered() {
        let ask = |grants: &[RegisteredGrant], scope: &str| {
            let mut client = client(ClientType::Public, Ownership::DynamicallyRegistered, &["https://a.example/cb"]);
            let words: Vec<String> = grants.iter().map(|grant| grant.as_str().to_owned()).collect();
            client.registered = Some(SelfRegistered {
                changed_at: crate::time::Timestamp::from_millis(0),
                fresh_until: None,
                decision: None,
                grants: RegisteredGrants::listed(&words),
            });
            let query = format!("{GOOD}{CHALLENGE}&scope={scope}");
            let params = Params::from_form(query.as_bytes()).unwrap();
            read(&params, &client, &[]).map(|request| request.scopes)
        };
        use RegisteredGrant::{Code, Device, Refresh};
        let refused = ask(&[Device, Refresh], "openid");
        assert!(
            matches!(refused, Err(Refusal::ToTheClient(_, AuthorizeErrorCode::UnauthorizedClient, _))),
            "{refused:?}"
        );
        assert_eq!(ask(&[Code], "openid+offline_access"), Ok(vec!["openid".to_owned()]));
        let both = vec!["openid".to_owned(), "offline_access".to_owned()];
        assert_eq!(ask(&[Code, Refresh], "openid+offline_access"), Ok(both));
    }

    #[test]
    fn a_public_client_must_use_pkce() {
        assert!(matches!(
            ask(ClientType::Public, GOOD),
            Err(Refusal::ToTheClient(_, AuthorizeErrorCode::InvalidRequest, _))
        ));
        assert!(ask(ClientType::Public, &format!("{GOOD}{CHALLENGE}")).is_ok());
    }

    #[test]
    fn answers_name_the_issuer_and_carry_the_state() {
        let request = ask(ClientType::Confidential, GOOD).unwrap();
        assert_eq!(
            request.return_address.with_code("https://id.example", "C"),
            "https://a.example/cb?code=C&state=s1&iss=https%3A%2F%2Fid.example"
        );
    }

    proptest! {
        #[test]
        fn leaving_out_what_nobody_reads_changes_nothing(more in prop::collection::vec(("[a-z_%0-9]{0,12}|nonce|resource|max_age|%6eonce", "[a-z%0-9+:/.]{0,12}"), 0..5)) {
            let more: String = more.iter().map(|(name, value)| format!("&{name}={value}")).collect();
            let query = format!("{GOOD}{more}");
            prop_assume!(Params::from_form(query.as_bytes()).is_ok());
            prop_assert_eq!(ask(ClientType::Confidential, &without_unknown(&query)), ask(ClientType::Confidential, &query));
        }

        #[test]
        fn reading_noise_never_panics(query in "[a-z_]{1,12}=[\\PC&&[^&]]{0,20}(&(scope|prompt|max_age|state|nonce)=\\PC{0,20}){0,4}") {
            if let Ok(params) = Params::from_form(query.as_bytes()) {
                let _ = read(&params, &client(ClientType::Public, Ownership::FirstParty, &["https://a.example/cb"]), &[]);
            }
        }
    }
}
