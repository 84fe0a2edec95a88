//! Dynamic client registration (RFC 7591): the metadata a client sends, and what it is registered as. Unknown members
//! are ignored (§2) and omitted from the response.

use super::redirect_policy::check_redirect_uri;
use crate::model::{ClientType, RegisteredGrant, RegisteredGrants, shown_name};
use crate::oauth::authorize::redirect::without_loopback_port;
use crate::oauth::error::{OAuthError, OAuthErrorCode};
use crate::oauth::redirect_uri::RedirectUriError;
use crate::oauth::scope;
use serde::{Deserialize, Serialize};

/// The maximum size of a request, in bytes.
pub const MAX_SIZE: usize = 16 * 1024;
/// More redirect URIs than any client needs.
const MAX_REDIRECT_URIS: usize = 20;
/// The name shown to users for a client that gives none.
const NAMELESS: &str = "An application without a name";

/// How a client will authenticate at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// With a secret in the request body.
    ClientSecretPost,
    /// With a secret in the `Authorization` header.
    ClientSecretBasic,
}

/// The registered metadata of a client, in the form returned to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// The client's name for itself.
    pub client_name: String,
    /// The redirect URIs that codes may be sent to.
    pub redirect_uris: Vec<String>,
    /// The grants it may use at the token endpoint.
    #[serde(serialize_with = "as_words")]
    pub grant_types: RegisteredGrants,
    /// Always `code`.
    pub response_types: [&'static str; 1],
    /// How the client authenticates.
    pub token_endpoint_auth_method: AuthMethod,
    /// `web` or `native`, if specified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<&'static str>,
    /// The scopes it announced it will request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Registration {
    /// Whether the client can keep a secret.
    pub fn client_type(&self) -> ClientType {
        match self.token_endpoint_auth_method {
            AuthMethod::None => ClientType::Public,
            AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic => ClientType::Confidential,
        }
    }

    /// A key that is equal for registrations that can share one client; `None` for a client with a secret, which is
    /// never shared. Loopback ports are ignored, as they are when a redirect URI is matched.
    pub fn sameness(&self) -> Option<String> {
        let without_port = |uri: &String| match without_loopback_port(uri) {
            Some((host, rest)) => format!("{host}{rest}"),
            None => uri.clone(),
        };
        match self.client_type() {
            ClientType::Public => {
                let redirect_uris = self.redirect_uris.iter().map(without_port).collect();
                serde_json::to_string(&Self { redirect_uris, ..self.clone() }).ok()
            }
            ClientType::Confidential => None,
        }
    }
}

fn as_words<S: serde::Serializer>(grants: &RegisteredGrants, serializer: S) -> Result<S::Ok, S::Error> {
    grants.words().serialize(serializer)
}

/// The members that are read. A repeated member, or one of the wrong type, makes the whole request unreadable.
#[derive(Deserialize)]
struct Written {
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    scope: Option<String>,
    application_type: Option<String>,
    logo_uri: Option<String>,
    client_uri: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
}

fn invalid_metadata(why: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidClientMetadata, why)
}

fn invalid_redirect(why: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidRedirectUri, why)
}

/// Reads a registration request.
///
/// # Errors
/// `invalid_redirect_uri`, `invalid_client_metadata` (RFC 7591 §3.2.2).
pub fn read(body: &[u8]) -> Result<Registration, OAuthError> {
    let written: Written = serde_json::from_slice(body).map_err(|error| {
        // The position helps a developer; the content there is not echoed.
        let (line, column) = (error.line(), error.column());
        invalid_metadata(format!("The request is not the JSON of a registration (line {line}, column {column})."))
    })?;
    let auth_method = match written.token_endpoint_auth_method.as_deref() {
        None | Some("client_secret_basic") => AuthMethod::ClientSecretBasic,
        Some("client_secret_post") => AuthMethod::ClientSecretPost,
        Some("none") => AuthMethod::None,
        Some(_) => {
            return Err(invalid_metadata(
                "The token_endpoint_auth_method must be none, client_secret_post or client_secret_basic.",
            ));
        }
    };
    let application_type = match written.application_type.as_deref() {
        None => None,
        Some("web") => Some("web"),
        Some("native") => Some("native"),
        Some(_) => return Err(invalid_metadata("The application_type must be web or native.")),
    };
    let own_scheme = match application_type {
        Some(kind) => kind == "native",
        None => auth_method == AuthMethod::None,
    };
    let redirect_uris = read_redirect_uris(written.redirect_uris.unwrap_or_default(), own_scheme)?;
    let grant_types = written.grant_types.as_deref().map_or(RegisteredGrants::UNSAID, RegisteredGrants::listed);
    if !grant_types.has(RegisteredGrant::Code) && !grant_types.has(RegisteredGrant::Device) {
        return Err(invalid_metadata("The grant_types must hold authorization_code."));
    }
    if written.response_types.is_some_and(|asked| !asked.iter().any(|one| one == "code")) {
        return Err(invalid_metadata("The response_types must hold code."));
    }
    if let Some(scope) = &written.scope {
        check_scope(scope)?;
    }
    for (name, uri) in [
        ("logo_uri", &written.logo_uri),
        ("client_uri", &written.client_uri),
        ("policy_uri", &written.policy_uri),
        ("tos_uri", &written.tos_uri),
    ] {
        let is_web = |uri: &String| url::Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
        if !uri.as_ref().is_none_or(is_web) {
            return Err(invalid_metadata(format!("The {name} must be an https or http URL.")));
        }
    }
    Ok(Registration {
        client_name: written.client_name.as_deref().and_then(shown_name).unwrap_or_else(|| NAMELESS.to_owned()),
        redirect_uris,
        grant_types,
        response_types: ["code"],
        token_endpoint_auth_method: auth_method,
        application_type,
        scope: written.scope,
    })
}

fn read_redirect_uris(uris: Vec<String>, own_scheme: bool) -> Result<Vec<String>, OAuthError> {
    if uris.is_empty() {
        return Err(invalid_redirect("The redirect_uris are missing."));
    }
    if uris.len() > MAX_REDIRECT_URIS {
        return Err(invalid_redirect(RedirectUriError::TooMany.to_string()));
    }
    for (at, uri) in uris.iter().enumerate() {
        check_redirect_uri(uri, own_scheme).map_err(|error| {
            invalid_redirect(match error {
                RedirectUriError::NotHttps => "A redirect URI must be https, or http to this machine.".to_owned(),
                RedirectUriError::Wildcard => "A redirect URI must not have a wildcard.".to_owned(),
                error => error.to_string(),
            })
        })?;
        if uris.iter().take(at).any(|known| known == uri) {
            return Err(invalid_redirect(RedirectUriError::Repeated.to_string()));
        }
    }
    Ok(uris)
}

/// A self-registered client may request only the built-in scopes.
fn check_scope(text: &str) -> Result<(), OAuthError> {
    let scopes = scope::parse(text).map_err(|error| invalid_metadata(error.description))?;
    match scopes.iter().find(|one| !scope::is_built_in(one)) {
        Some(other) => {
            Err(invalid_metadata(format!("The scope '{other}' is not given to clients that register themselves.")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn with(more: Value) -> Result<Registration, OAuthError> {
        let mut request = json!({"redirect_uris": ["https://client.example/cb"]});
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        read(request.to_string().as_bytes())
    }

    #[test]
    fn what_is_not_said_has_its_usual_meaning() {
        let registered = with(json!({})).unwrap();
        assert_eq!(
            serde_json::to_value(&registered).unwrap(),
            json!({
                "client_name": NAMELESS,
                "redirect_uris": ["https://client.example/cb"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "client_secret_basic",
            })
        );
        assert_eq!(registered.client_type(), ClientType::Confidential);
    }

    #[test]
    fn what_is_not_supported_is_replaced() {
        let registered = with(json!({
            "client_name": " Example\n",
            "grant_types": ["refresh_token", "implicit", "authorization_code", "password"],
            "response_types": ["code", "id_token", "code id_token"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "scope": "openid offline_access",
            "logo_uri": "https://client.example/logo.png",
            "jwks_uri": "http://169.254.169.254/",
            "software_id": 7,
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(&registered).unwrap(),
            json!({
                "client_name": "Example",
                "redirect_uris": ["https://client.example/cb"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "application_type": "native",
                "scope": "openid offline_access",
            })
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        use OAuthErrorCode::{InvalidClientMetadata as Metadata, InvalidRedirectUri as Redirect};
        for (more, code) in [
            (json!({"redirect_uris": []}), Redirect),
            (json!({"redirect_uris": null}), Redirect),
            (json!({"redirect_uris": ["javascript:alert(1)"]}), Redirect),
            (json!({"redirect_uris": ["http://client.example/cb"]}), Redirect),
            (json!({"redirect_uris": ["https://*.client.example.com/cb"]}), Redirect),
            (json!({"redirect_uris": ["https://a.example/cb#x"]}), Redirect),
            (json!({"redirect_uris": ["https://a.example/cb", "https://a.example/cb"]}), Redirect),
            (json!({"redirect_uris": (0..21).map(|n| format!("https://a.example/{n}")).collect::<Vec<_>>()}), Redirect),
            (json!({"redirect_uris": ["cursor://x/cb"]}), Redirect),
            (
                json!({"redirect_uris": ["cursor://x/cb"], "token_endpoint_auth_method": "none", "application_type": "web"}),
                Redirect,
            ),
            (json!({"redirect_uris": "https://a.example/cb"}), Metadata),
            (json!({"token_endpoint_auth_method": "private_key_jwt"}), Metadata),
            (json!({"application_type": "robot"}), Metadata),
            (json!({"grant_types": ["refresh_token"]}), Metadata),
            (json!({"grant_types": ["client_credentials"]}), Metadata),
            (json!({"response_types": ["token"]}), Metadata),
            (json!({"scope": "openid posts:write"}), Metadata),
            (json!({"scope": "\""}), Metadata),
            (json!({"logo_uri": "javascript:alert(1)"}), Metadata),
            (json!({"tos_uri": "nonsense"}), Metadata),
        ] {
            assert_eq!(with(more.clone()).map_err(|error| error.code), Err(code), "{more}");
        }
        for unreadable in
            ["", "[]", "null", r#"{"redirect_uris":["https://a.example/"],"scope":"openid","scope":"email"}"#]
        {
            assert_eq!(read(unreadable.as_bytes()).map_err(|error| error.code), Err(Metadata), "{unreadable}");
        }
        for good in [
            json!({"redirect_uris": ["cursor://x/cb"], "token_endpoint_auth_method": "none"}),
            json!({"redirect_uris": ["cursor://x/cb"], "application_type": "native"}),
            json!({"redirect_uris": ["http://localhost:3000/cb", "http://127.0.0.1/cb"]}),
        ] {
            assert!(with(good.clone()).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_client_with_a_secret_is_the_same_as_no_other() {
        let public =
            |name: &str| with(json!({"client_name": name, "token_endpoint_auth_method": "none"})).unwrap().sameness();
        assert_eq!(public("x"), public("x"));
        assert_ne!(public("x"), public("y"));
        assert!(public("x").is_some());
        assert_eq!(with(json!({"client_name": "x"})).unwrap().sameness(), None);
        let at = |uri: &str| {
            let metadata = json!({"redirect_uris": [uri], "token_endpoint_auth_method": "none"});
            with(metadata).unwrap().sameness()
        };
        assert_eq!(at("http://127.0.0.1:49152/cb"), at("http://127.0.0.1:49153/cb"));
        assert_eq!(at("http://localhost/cb"), at("http://localhost:3000/cb"));
        assert_ne!(at("http://127.0.0.1:49152/cb"), at("http://127.0.0.1:49152/other"));
        assert_ne!(at("https://client.example:8443/cb"), at("https://client.example/cb"));
    }

    proptest! {
        #[test]
        fn noise_never_panics_and_registers_nothing_dangerous(
            body: Vec<u8>,
            uris in proptest::collection::vec("\\PC{0,30}|[a-z]{1,10}:[!-~]{0,20}", 0..4),
            name in "\\PC{0,20}",
        ) {
            let _ = read(&body);
            let more = json!({"redirect_uris": uris, "client_name": name, "token_endpoint_auth_method": "none"});
            if let Ok(registered) = read(more.to_string().as_bytes()) {
                prop_assert_eq!(registered.redirect_uris, uris.clone());
                for uri in &uris {
                    let scheme = url::Url::parse(uri).unwrap().scheme().to_owned();
                    prop_assert!(!matches!(scheme.as_str(), "javascript" | "data" | "vbscript" | "file"));
                }
            }
        }
    }
}
