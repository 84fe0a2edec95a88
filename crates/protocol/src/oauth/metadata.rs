//! The discovery documents (RFC 8414 §2, OpenID Connect Discovery §3). They list exactly what is served, and agree
//! wherever they overlap.

use super::scope::BUILT_IN;
use super::token::GRANT_TYPES;
use crate::jose::Algorithm;
use crate::model::{DocumentPolicy, Issuer, SelfRegistration};
use serde_json::{Value, json};

const CLIENT_AUTH_METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];
const SECRET_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// `/.well-known/oauth-authorization-server`.
pub fn authorization_server(issuer: &Issuer, clients: &SelfRegistration) -> Value {
    let mut document = json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "device_authorization_endpoint": format!("{issuer}/oauth2/device_authorization"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "introspection_endpoint": format!("{issuer}/oauth2/introspection"),
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "grant_types_supported": GRANT_TYPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": BUILT_IN,
        "token_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
    });
    if clients.dynamic {
        document["registration_endpoint"] = format!("{issuer}/oauth2/register").into();
    }
    if clients.documents != DocumentPolicy::Off {
        document["client_id_metadata_document_supported"] = true.into();
    }
    document
}

/// `/.well-known/openid-configuration`: the same, plus what OpenID Connect requires. `languages` are those of the
/// hosted pages.
pub fn openid_configuration(
    issuer: &Issuer,
    algorithms: &[Algorithm],
    clients: &SelfRegistration,
    languages: &[&str],
) -> Value {
    let mut document = authorization_server(issuer, clients);
    document["userinfo_endpoint"] = format!("{issuer}/oauth2/userinfo").into();
    document["end_session_endpoint"] = format!("{issuer}/oauth2/logout").into();
    document["backchannel_logout_supported"] = json!(true);
    document["backchannel_logout_session_supported"] = json!(true);
    document["claims_supported"] = json!([
        "aud",
        "auth_time",
        "email",
        "email_verified",
        "exp",
        "family_name",
        "given_name",
        "iat",
        "iss",
        "name",
        "nonce",
        "sid",
        "sub"
    ]);
    document["prompt_values_supported"] = json!(["none", "login", "consent", "select_account", "create"]);
    document["request_parameter_supported"] = json!(false);
    document["request_uri_parameter_supported"] = json!(false);
    document["ui_locales_supported"] = json!(languages);
    document["subject_types_supported"] = json!(["public"]);
    document["id_token_signing_alg_values_supported"] =
        algorithms.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().into();
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_documents_agree() {
        let issuer = Issuer::parse("https://auth.example.com").unwrap();
        let clients = SelfRegistration { documents: DocumentPolicy::Ask, dynamic: true };
        let oauth = authorization_server(&issuer, &clients);
        let openid = openid_configuration(&issuer, &[Algorithm::Rs256], &clients, &["en"]);
        assert_eq!(oauth["registration_endpoint"], "https://auth.example.com/oauth2/register");
        assert_eq!(oauth["client_id_metadata_document_supported"], true);
        let without = authorization_server(&issuer, &SelfRegistration::default());
        assert!(without.get("registration_endpoint").is_none());
        assert!(without.get("client_id_metadata_document_supported").is_none());
        for (name, value) in oauth.as_object().unwrap() {
            assert_eq!(openid.get(name), Some(value), "{name}");
        }
        assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["RS256"]));
    }
}
