//! An authorization server's metadata (RFC 8414, OpenID Connect Discovery), as MCP clients read it.

use serde_json::{Map, Value};
use url::Url;

/// The parts of an authorization server's metadata that clients use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationServer {
    /// Where users are sent.
    pub authorization_endpoint: Url,
    /// Where clients register themselves.
    pub registration_endpoint: Option<Url>,
    /// Whether the URL of a client's metadata document can serve as its client ID.
    pub takes_metadata_documents: bool,
    /// Whether clients can use refresh tokens.
    pub refreshes: bool,
}

/// Why clients reject a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationServerError {
    /// Not a JSON object.
    #[error("it is no JSON object")]
    NotAnObject,
    /// A different issuer.
    #[error("its 'issuer' is '{0}', not the address it was asked for under: clients refuse that (RFC 8414 §3.3)")]
    AnotherIssuer(String),
    /// An endpoint is missing or invalid.
    #[error("it has no good '{0}'")]
    NoEndpoint(&'static str),
    /// PKCE is not supported.
    #[error(
        "it does not say that PKCE with S256 is supported ('code_challenge_methods_supported'): clients refuse that"
    )]
    NoPkce,
    /// Authorization codes are not supported.
    #[error("it does not support the response type 'code'")]
    NoCode,
    /// Only clients with a secret are accepted.
    #[error("it takes no clients without a secret ('none' in 'token_endpoint_auth_methods_supported')")]
    NoPublicClients,
    /// Only manually registered clients are accepted.
    #[error("it takes neither clients that register themselves nor clients named by the address of a document")]
    NoUnknownClients,
}

/// Where an authorization server's document may be, in the order in which clients look.
pub fn well_known(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let mut all = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        all.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    all
}

fn endpoint(document: &Map<String, Value>, name: &'static str) -> Result<Option<Url>, AuthorizationServerError> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let url =
        value.as_str().and_then(|text| Url::parse(text).ok()).filter(|url| matches!(url.scheme(), "https" | "http"));
    url.map(Some).ok_or(AuthorizationServerError::NoEndpoint(name))
}

/// Reads an issuer's document.
///
/// # Errors
/// The reason why unregistered clients reject it.
pub fn read(document: &[u8], issuer: &Url) -> Result<AuthorizationServer, AuthorizationServerError> {
    let document: Value = serde_json::from_slice(document).map_err(|_| AuthorizationServerError::NotAnObject)?;
    let document = document.as_object().ok_or(AuthorizationServerError::NotAnObject)?;
    let named = document.get("issuer").and_then(Value::as_str).unwrap_or("");
    // Clients compare the texts, but tolerate a difference in the trailing slash.
    if named.trim_end_matches('/') != issuer.as_str().trim_end_matches('/') {
        return Err(AuthorizationServerError::AnotherIssuer(named.to_owned()));
    }
    let required = |name| endpoint(document, name)?.ok_or(AuthorizationServerError::NoEndpoint(name));
    let authorization_endpoint = required("authorization_endpoint")?;
    required("token_endpoint")?;
    let lists = |name: &str, wanted: &str, otherwise: bool| match document.get(name).and_then(Value::as_array) {
        Some(listed) => listed.iter().any(|value| value == wanted),
        None => otherwise,
    };
    if !lists("code_challenge_methods_supported", "S256", false) {
        return Err(AuthorizationServerError::NoPkce);
    }
    if !lists("response_types_supported", "code", true) {
        return Err(AuthorizationServerError::NoCode);
    }
    // Without the list, clients may only use a secret in the `Authorization` header (RFC 8414 §2).
    if !lists("token_endpoint_auth_methods_supported", "none", false) {
        return Err(AuthorizationServerError::NoPublicClients);
    }
    let takes_metadata_documents = document.get("client_id_metadata_document_supported") == Some(&Value::Bool(true));
    let registration_endpoint = endpoint(document, "registration_endpoint")?;
    if registration_endpoint.is_none() && !takes_metadata_documents {
        return Err(AuthorizationServerError::NoUnknownClients);
    }
    let refreshes = lists("grant_types_supported", "refresh_token", false);
    Ok(AuthorizationServer { authorization_endpoint, registration_endpoint, takes_metadata_documents, refreshes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DocumentPolicy;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "registration_endpoint": "https://id.example/register",
            "code_challenge_methods_supported": ["plain", "S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        })
    }

    fn read_value(document: &Value) -> Result<AuthorizationServer, AuthorizationServerError> {
        read(document.to_string().as_bytes(), &Url::parse("https://id.example").unwrap())
    }

    #[test]
    fn the_document_is_looked_for_as_clients_do() {
        let all = |text: &str| well_known(&Url::parse(text).unwrap()).iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(
            all("https://id.example/"),
            [
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            all("https://id.example/tenant"),
            [
                "https://id.example/.well-known/oauth-authorization-server/tenant",
                "https://id.example/.well-known/openid-configuration/tenant",
                "https://id.example/tenant/.well-known/openid-configuration"
            ]
        );
    }

    #[test]
    fn our_own_document_would_do_with_either_door_open() {
        assert!(read_value(&good()).unwrap().refreshes);
        let issuer = crate::model::Issuer::parse("https://id.example").unwrap();
        let own = |documents, dynamic| {
            let clients = crate::model::SelfRegistration { documents, dynamic };
            read_value(&crate::oauth::metadata::authorization_server(&issuer, &clients))
        };
        assert!(own(DocumentPolicy::Any, false).unwrap().takes_metadata_documents);
        assert!(own(DocumentPolicy::Off, true).unwrap().registration_endpoint.is_some());
        assert_eq!(own(DocumentPolicy::Off, false), Err(AuthorizationServerError::NoUnknownClients));
    }

    #[test]
    fn what_stops_a_client_is_named() {
        use AuthorizationServerError as E;
        let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut document = good();
            change(document.as_object_mut().unwrap());
            read_value(&document).unwrap_err()
        };
        assert_eq!(read_value(&json!([])), Err(E::NotAnObject));
        let other = changed(&|d| drop(d.insert("issuer".into(), json!("https://evil.example"))));
        assert_eq!(other, E::AnotherIssuer("https://evil.example".into()));
        for name in ["authorization_endpoint", "token_endpoint"] {
            assert_eq!(changed(&|d| drop(d.remove(name))), E::NoEndpoint(name));
            assert_eq!(changed(&|d| drop(d.insert(name.into(), json!("javascript:1")))), E::NoEndpoint(name));
        }
        assert_eq!(changed(&|d| drop(d.remove("code_challenge_methods_supported"))), E::NoPkce);
        let plain = changed(&|d| drop(d.insert("code_challenge_methods_supported".into(), json!(["plain"]))));
        assert_eq!(plain, E::NoPkce);
        assert_eq!(changed(&|d| drop(d.insert("response_types_supported".into(), json!(["token"])))), E::NoCode);
        assert_eq!(changed(&|d| drop(d.remove("token_endpoint_auth_methods_supported"))), E::NoPublicClients);
        assert_eq!(changed(&|d| drop(d.remove("registration_endpoint"))), E::NoUnknownClients);
    }
}
