//! The contents of a client metadata document (draft-ietf-oauth-client-id-metadata-document §4). Unknown members are
//! ignored.

use super::document_url;
use super::redirect_policy::check_redirect_uri;
use crate::model::shown_name;
use crate::model::{RegisteredGrant, RegisteredGrants};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The maximum size of a document, in bytes (the draft's §6.6).
pub const MAX_SIZE: usize = 5 * 1024;
/// More redirect URIs than any client needs.
const MAX_REDIRECT_URIS: usize = 50;

/// The stored part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The client's name for itself, or its host if it gives none.
    pub name: String,
    /// The redirect URIs that codes may be sent to.
    pub redirect_uris: Vec<String>,
    /// The grants it will use at the token endpoint.
    pub grants: RegisteredGrants,
}

/// Why a document is invalid. For the operator's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, the wrong structure, or a repeated member.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It describes another client: whoever serves it did not mean this URL.
    #[error("its client_id is not the URL it was fetched from")]
    OtherClient,
    /// It contains a secret, which anyone could read.
    #[error("it holds a client_secret")]
    Secret,
    /// It requires an unsupported client authentication method.
    #[error("its token_endpoint_auth_method is not 'none'")]
    AuthMethod,
    /// It leaves no way for users to sign in.
    #[error("its grant_types or response_types leave no way to sign in")]
    NoGrant,
    /// It has no usable redirect URI.
    #[error("none of its redirect_uris can be used")]
    NoRedirectUri,
    /// It has too many redirect URIs.
    #[error("it has more than 50 redirect_uris")]
    TooMany,
}

#[derive(Deserialize)]
struct Written {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_secret: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
}

/// Reads the document fetched from a URL. Redirect URIs that cannot be used here are skipped: a document is written for
/// every server, and a URI that is not listed is rejected when it is used.
///
/// # Errors
/// See [`DocumentError`].
pub fn read(url: &str, body: &[u8]) -> Result<Document, DocumentError> {
    let written: Written =
        serde_json::from_slice(body).map_err(|error| DocumentError::Unreadable(error.to_string()))?;
    if written.client_id != url {
        return Err(DocumentError::OtherClient);
    }
    if written.client_secret.is_some() || written.client_secret_expires_at.is_some() {
        return Err(DocumentError::Secret);
    }
    if written.token_endpoint_auth_method.is_some_and(|method| method != "none") {
        return Err(DocumentError::AuthMethod);
    }
    let grants = written.grant_types.as_deref().map_or(RegisteredGrants::UNSAID, RegisteredGrants::listed);
    let no_code = written.response_types.is_some_and(|listed| !listed.iter().any(|one| one == "code"));
    if !grants.has(RegisteredGrant::Code) || no_code {
        return Err(DocumentError::NoGrant);
    }
    if written.redirect_uris.len() > MAX_REDIRECT_URIS {
        return Err(DocumentError::TooMany);
    }
    let mut redirect_uris: Vec<String> = Vec::with_capacity(written.redirect_uris.len());
    for uri in written.redirect_uris {
        if check_redirect_uri(&uri, true).is_ok() && !redirect_uris.contains(&uri) {
            redirect_uris.push(uri);
        }
    }
    if redirect_uris.is_empty() {
        return Err(DocumentError::NoRedirectUri);
    }
    let claimed = written.client_name.as_deref().and_then(shown_name);
    Ok(Document { name: claimed.unwrap_or_else(|| document_url::host(url).to_owned()), redirect_uris, grants })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const URL: &str = "https://client.example/oauth/metadata.json";

    fn good() -> Value {
        json!({
            "client_id": URL,
            "client_name": "Example",
            "client_uri": "https://client.example",
            "logo_uri": "http://169.254.169.254/logo.png",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "something_else": {"deep": [1, 2, 3]},
        })
    }

    fn with(name: &str, value: Value) -> Result<Document, DocumentError> {
        let mut document = good();
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value,
        }
        read(URL, document.to_string().as_bytes())
    }

    #[test]
    fn a_document_tells_a_name_and_where_codes_go() {
        let document = read(URL, good().to_string().as_bytes()).unwrap();
        assert_eq!(document.name, "Example");
        assert_eq!(document.redirect_uris, ["http://localhost/callback", "http://127.0.0.1/callback"]);
        for optional in ["client_name", "grant_types", "response_types", "token_endpoint_auth_method", "client_uri"] {
            assert!(with(optional, Value::Null).is_ok(), "{optional}");
        }
        assert_eq!(
            with("grant_types", json!(["authorization_code", "x"])).unwrap().grants.words(),
            ["authorization_code"]
        );
        assert_eq!(with("grant_types", Value::Null).unwrap().grants, RegisteredGrants::UNSAID);
        assert_eq!(with("client_name", Value::Null).unwrap().name, "client.example");
        assert_eq!(with("client_name", json!("\u{202e}")).unwrap().name, "client.example");
    }

    #[test]
    fn a_document_of_another_client_or_with_a_secret_is_none() {
        use DocumentError as E;
        assert_eq!(with("client_id", json!(format!("{URL}/"))), Err(E::OtherClient));
        assert_eq!(with("client_id", json!("https://Client.example/oauth/metadata.json")), Err(E::OtherClient));
        assert_eq!(with("client_secret", json!("x")), Err(E::Secret));
        assert_eq!(with("client_secret_expires_at", json!(0)), Err(E::Secret));
        assert_eq!(with("token_endpoint_auth_method", json!("client_secret_basic")), Err(E::AuthMethod));
        assert_eq!(with("token_endpoint_auth_method", json!("private_key_jwt")), Err(E::AuthMethod));
        assert_eq!(with("grant_types", json!(["client_credentials"])), Err(E::NoGrant));
        assert_eq!(with("response_types", json!(["token"])), Err(E::NoGrant));
        assert_eq!(with("redirect_uris", json!([])), Err(E::NoRedirectUri));
        assert_eq!(with("redirect_uris", json!(["javascript:alert(1)", "http://a.example/"])), Err(E::NoRedirectUri));
        assert_eq!(with("redirect_uris", json!(vec!["https://a.example/"; 51])), Err(E::TooMany));
        for shape in [json!("https://a.example/"), json!([1]), Value::Null] {
            assert!(matches!(with("redirect_uris", shape), Err(E::Unreadable(_))));
        }
        let twice = format!(r#"{{"client_id":"{URL}","client_id":"https://other.example/x","redirect_uris":[]}}"#);
        for unreadable in ["", "[]", "null", "{", "<html>", &twice] {
            assert!(matches!(read(URL, unreadable.as_bytes()), Err(E::Unreadable(_))), "{unreadable}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_passed_over() {
        let document =
            with("redirect_uris", json!(["http://a.example/", "https://a.example/", "vscode://x/cb"])).unwrap();
        assert_eq!(document.redirect_uris, ["https://a.example/", "vscode://x/cb"]);
    }

    proptest! {
        #[test]
        fn noise_never_panics(body: Vec<u8>, uris in proptest::collection::vec("\\PC{0,20}", 0..4), name in "\\PC{0,20}") {
            let _ = read(URL, &body);
            let text = json!({"client_id": URL, "client_name": name, "redirect_uris": uris}).to_string();
            if let Ok(document) = read(URL, text.as_bytes()) {
                prop_assert!(document.redirect_uris.iter().all(|uri| uris.contains(uri)));
                prop_assert!(!document.name.is_empty());
            }
        }
    }
}
