//! Client authentication (RFC 6749 §2.3): the credentials a client presents, and their verification.

use super::client::Client;
use super::client_name::ClientName;
use super::error::{OAuthError, OAuthErrorCode};
use super::params::{Params, decode_form_component};
use crate::id::ClientSecretId;
use crate::model::ClientType;
use crate::secret::{Digest, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The credentials a client presented, unverified.
#[derive(Debug)]
pub struct Presented<'a> {
    /// The client it claims to be.
    pub client: ClientName<'a>,
    /// The secret it presented, if any.
    pub secret: Option<Secret>,
}

/// Reads the client's credentials from the `Authorization` header and the parameters.
///
/// # Errors
/// - `invalid_request` when two methods are used at once (RFC 6749 §2.3), or header and body name different clients;
/// - `invalid_client` when no client is named, the header is malformed, or the identifier is not in our format.
pub fn present<'a>(authorization: Option<&[u8]>, params: &'a Params<'_>) -> Result<Presented<'a>, OAuthError> {
    let body_client = params.get("client_id");
    let body_secret = params.get("client_secret");
    if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
        return Err(OAuthError::new(
            OAuthErrorCode::InvalidClient,
            "Client assertions are not supported; use client_secret_basic or client_secret_post.",
        ));
    }
    let Some(authorization) = authorization else {
        let Some(client_id) = body_client else {
            return Err(OAuthError::new(OAuthErrorCode::InvalidClient, "Missing authorization header."));
        };
        return Ok(Presented {
            client: parse_client_name(client_id)?,
            secret: body_secret.map(|secret| Secret::new(secret.to_owned())),
        });
    };
    let (client_id, secret) = basic_credentials(authorization)?;
    if body_secret.is_some() {
        return Err(OAuthError::invalid_request("Use one method of client authentication, not two."));
    }
    if body_client.is_some_and(|body| body != client_id.expose()) {
        return Err(OAuthError::invalid_request("The client_id differs from the one in the Authorization header."));
    }
    Ok(Presented {
        client: parse_client_name(client_id.expose())?.into_owned(),
        secret: Some(secret).filter(|secret| !secret.expose().is_empty()),
    })
}

fn parse_client_name(text: &str) -> Result<ClientName<'_>, OAuthError> {
    ClientName::parse(text).ok_or_else(OAuthError::invalid_client)
}

/// Reads `Basic` credentials (RFC 7617 §2) with both parts form-encoded (RFC 6749 §2.3.1). A part that does not decode
/// is taken literally, for clients that do not encode.
fn basic_credentials(authorization: &[u8]) -> Result<(Secret, Secret), OAuthError> {
    let refused =
        || OAuthError::new(OAuthErrorCode::InvalidClient, "The Authorization header holds no Basic credentials.");
    let (scheme, credentials) = authorization.split_first_chunk::<6>().ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return Err(refused());
    }
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(credentials.trim_ascii()).map_err(|_| refused())?);
    let colon = decoded.iter().position(|&byte| byte == b':').ok_or_else(refused)?;
    let (user, password) = decoded.split_at_checked(colon).ok_or_else(refused)?;
    let part = |raw: &[u8]| -> Result<Secret, OAuthError> {
        let raw = std::str::from_utf8(raw).map_err(|_| refused())?;
        let text = decode_form_component(raw).map_or_else(|| raw.to_owned(), Cow::into_owned);
        if text.contains('\0') { Err(refused()) } else { Ok(Secret::new(text)) }
    };
    Ok((part(user)?, part(password.strip_prefix(b":").unwrap_or_default())?))
}

/// Proof that a client authenticated with one of its secrets, or is a public client. Only [`authenticate`] creates one.
#[derive(Debug, Clone, Copy)]
pub struct AuthenticatedClient<'a> {
    client: &'a Client,
    secret_id: Option<ClientSecretId>,
}

impl<'a> AuthenticatedClient<'a> {
    /// The client.
    pub fn client(&self) -> &'a Client {
        self.client
    }

    /// The secret the client authenticated with: the authority behind whatever is issued now. `None` for a public
    /// client, which has proven nothing but its name.
    pub fn secret_id(&self) -> Option<ClientSecretId> {
        self.secret_id
    }

    /// Returns the secret the client authenticated with.
    ///
    /// # Errors
    /// `invalid_client` for a public client.
    pub fn require_secret(&self) -> Result<ClientSecretId, OAuthError> {
        self.secret_id.ok_or_else(OAuthError::invalid_client)
    }
}

/// Checks the digest of a presented secret against every active secret of the client, always all of them, in constant
/// time.
///
/// # Errors
/// `invalid_client`, with the same description for every cause. `presented` is `None` when no secret was presented; a
/// public client that presents one fails, because it has no secret.
pub fn authenticate<'a>(client: &'a Client, presented: Option<&Digest>) -> Result<AuthenticatedClient<'a>, OAuthError> {
    let Some(presented) = presented else {
        return match client.client_type() {
            ClientType::Public => Ok(AuthenticatedClient { client, secret_id: None }),
            ClientType::Confidential => Err(OAuthError::invalid_client()),
        };
    };
    let mut found = None;
    for secret in &client.secrets {
        if secret.digest.matches(presented) {
            found = Some(secret.id);
        }
    }
    match (client.client_type(), found) {
        (ClientType::Confidential, Some(secret_id)) => Ok(AuthenticatedClient { client, secret_id: Some(secret_id) }),
        _ => Err(OAuthError::invalid_client()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ApplicationKind, ConnectApplication, Ownership};
    use crate::secret::DigestKey;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    const ID: &str = "client_01EHZNVPK3SFK441A1RGBFSHRT";

    fn basic(user: &str, password: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))).into_bytes()
    }

    fn check(header: Option<Vec<u8>>, form: &str, expected: Result<Option<&str>, OAuthErrorCode>) {
        let params = Params::from_form(form.as_bytes()).unwrap();
        let presented = present(header.as_deref(), &params);
        if let Ok(presented) = &presented {
            assert_eq!(presented.client.to_string(), ID);
        }
        let seen = presented.as_ref().map(|p| p.secret.as_ref().map(Secret::expose)).map_err(|e| e.code);
        assert_eq!(seen, expected, "{form}");
    }

    #[test]
    fn credentials_come_in_one_place() {
        let form = format!("client_id={ID}&client_secret=s%2B");
        check(None, &form, Ok(Some("s+")));
        check(None, &format!("client_id={ID}"), Ok(None));
        check(Some(basic(ID, "s")), "", Ok(Some("s")));
        check(Some(basic(ID, "s%2B")), "", Ok(Some("s+")));
        check(Some(basic(ID, "100%")), "", Ok(Some("100%")));
        check(Some(basic(ID, "a:b")), "", Ok(Some("a:b")));
        check(Some(basic(ID, "")), "", Ok(None));
        check(Some(basic(ID, "s")), &format!("client_id={ID}"), Ok(Some("s")));
        check(Some(basic(ID, "s")), &form, Err(OAuthErrorCode::InvalidRequest));
        check(Some(basic(ID, "s")), "client_id=client_other", Err(OAuthErrorCode::InvalidRequest));
        check(Some(basic(ID, "s\0")), "", Err(OAuthErrorCode::InvalidClient));
        check(Some(b"Bearer abc".to_vec()), &form, Err(OAuthErrorCode::InvalidClient));
        check(Some(b"Basic !!!".to_vec()), "", Err(OAuthErrorCode::InvalidClient));
        check(Some(b"Basic \xff".to_vec()), "", Err(OAuthErrorCode::InvalidClient));
        check(None, "", Err(OAuthErrorCode::InvalidClient));
        check(None, "client_id=nobody", Err(OAuthErrorCode::InvalidClient));
        check(None, &format!("{form}&client_assertion=x"), Err(OAuthErrorCode::InvalidClient));
    }

    fn client(client_type: ClientType, secrets: &[&str], key: &DigestKey) -> Client {
        let epoch = Timestamp::from_millis(0);
        Client {
            environment_id: EnvironmentIdOf::from_ulid(1),
            application: ConnectApplication {
                id: Id::from_ulid(2),
                client_id: Id::from_ulid(3),
                metadata_url: None,
                name: "x".into(),
                description: None,
                scopes: vec![],
                kind: ApplicationKind::OAuth {
                    ownership: Ownership::FirstParty,
                    client_type,
                    redirect_uris: vec![],
                    cors_origins: vec![],
                    backchannel_logout_uri: None,
                },
                created_at: epoch,
                updated_at: epoch,
            },
            logo: Default::default(),
            login_uri: None,
            registered: None,
            secrets: secrets
                .iter()
                .zip(10..)
                .map(|(value, id)| crate::model::ClientSecret {
                    id: Id::from_ulid(id),
                    digest: key.digest(value),
                    hint: String::new(),
                    made_by: Default::default(),
                    last_used_at: None,
                    created_at: epoch,
                    updated_at: epoch,
                })
                .collect(),
        }
    }
    use crate::id::EnvironmentId as EnvironmentIdOf;

    #[test]
    fn any_live_secret_proves_a_confidential_client_and_names_itself() {
        let key = DigestKey::new(&[1; 32]);
        let confidential = client(ClientType::Confidential, &["one", "two"], &key);
        let proof = authenticate(&confidential, Some(&key.digest("two"))).unwrap();
        assert_eq!(proof.secret_id(), Some(confidential.secrets[1].id));
        assert!(authenticate(&confidential, Some(&key.digest("three"))).is_err());
        assert!(authenticate(&confidential, None).is_err());
        let public = client(ClientType::Public, &["one"], &key);
        assert!(authenticate(&public, Some(&key.digest("one"))).is_err());
        let unproven = authenticate(&public, None).unwrap();
        assert!(unproven.secret_id().is_none() && unproven.require_secret().is_err());
    }

    proptest! {
        #[test]
        fn presenting_noise_never_panics(header: Vec<u8>, form: Vec<u8>) {
            if let Ok(params) = Params::from_form(&form) {
                let _ = present(Some(&header), &params);
                let _ = present(Some(&[b"Basic ".as_slice(), &header].concat()), &params);
            }
        }

        #[test]
        fn a_form_encoded_secret_comes_back(secret in "[^\\x00:]{1,40}") {
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let params = Params::default();
            let presented = present(Some(&basic(ID, &encoded)), &params).unwrap();
            let presented = presented.secret.unwrap();
            prop_assert_eq!(presented.expose(), secret);
        }
    }
}
