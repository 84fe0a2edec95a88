//! Resource indicators (RFC 8707): the one API a token is for.

use super::error::{OAuthError, OAuthErrorCode};
use crate::model::{ConnectApplication, OAuthResource};

/// The maximum length of a resource URI.
const MAX_LENGTH: usize = 2048;

/// A URI that cannot identify a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute URI without a fragment, of at most 2048 characters, such as https://mcp.example.com/mcp")]
pub struct NotAResource;

/// Checks whether a URI can identify a resource (RFC 8707 §2): absolute, without a fragment. Wildcards have no meaning
/// here, so a URI with one is rejected rather than misunderstood.
///
/// # Errors
/// [`NotAResource`].
pub fn check_uri(uri: &str) -> Result<(), NotAResource> {
    let plain =
        uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#' | b'*'));
    if uri.len() > MAX_LENGTH || !plain || url::Url::parse(uri).is_err() { Err(NotAResource) } else { Ok(()) }
}

fn invalid_target(why: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidTarget, why)
}

/// Returns the resource that an authorization request of this application is for; `None` for the environment itself. If
/// the environment has no resources, the parameter is ignored.
///
/// # Errors
/// `invalid_target` for an unknown resource, or for more than one.
pub fn authorized(
    requested: &[&str],
    application: &ConnectApplication,
    known: &[OAuthResource],
) -> Result<Option<String>, OAuthError> {
    if known.is_empty() {
        return Ok(None);
    }
    match requested {
        [] => Ok(known
            .iter()
            .find(|known| known.default && application.registered_itself())
            .map(|known| known.uri.clone())),
        [one] if known.iter().any(|known| known.uri == *one) => Ok(Some((*one).to_owned())),
        [_] => Err(invalid_target("The resource is not known here.")),
        _ => Err(invalid_target("A token is for one resource. Ask for one at a time.")),
    }
}

/// Checks whether tokens may be issued now for the authorized resource, which is empty for the environment itself
/// (RFC 8707 §2.2).
///
/// # Errors
/// `invalid_target` when the requested resource differs from the authorized one, or the authorized one no longer
/// exists.
pub fn issuable(requested: &[&str], authorized: &str, known: &[OAuthResource]) -> Result<(), OAuthError> {
    if !authorized.is_empty() && !known.iter().any(|known| known.uri == authorized) {
        return Err(invalid_target("The resource that was authorized is not known any more."));
    }
    if known.is_empty() || requested.iter().all(|one| *one == authorized) {
        Ok(())
    } else {
        Err(invalid_target("The resource is not the one that was authorized."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use crate::model::{ClientType, Ownership};
    use crate::oauth::authorize::redirect::tests::client;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    const MCP: &str = "https://mcp.example.com/mcp";
    const API: &str = "https://api.example.com/";

    fn resource(number: u128, uri: &str, default: bool) -> OAuthResource {
        let epoch = Timestamp::from_millis(0);
        OAuthResource { id: Id::from_ulid(number), uri: uri.to_owned(), default, created_at: epoch, updated_at: epoch }
    }

    fn application(ownership: Ownership) -> ConnectApplication {
        client(ClientType::Public, ownership, &["https://a.example/cb"]).application
    }

    fn check_authorized(ownership: Ownership, requested: &[&str], expected: Result<Option<&str>, ()>) {
        let known = [resource(1, API, false), resource(2, MCP, true)];
        let found = authorized(requested, &application(ownership), &known);
        assert_eq!(found.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{requested:?}");
    }

    #[test]
    fn a_resource_is_matched_byte_for_byte() {
        let mine = Ownership::FirstParty;
        check_authorized(mine, &[MCP], Ok(Some(MCP)));
        check_authorized(mine, &[API], Ok(Some(API)));
        check_authorized(mine, &["https://api.example.com"], Err(()));
        check_authorized(mine, &["https://mcp.example.com/mcp/"], Err(()));
        check_authorized(mine, &["HTTPS://mcp.example.com/mcp"], Err(()));
        check_authorized(mine, &["nonsense"], Err(()));
        check_authorized(mine, &[MCP, API], Err(()));
        check_authorized(mine, &[MCP, MCP], Err(()));
    }

    #[test]
    fn the_default_is_for_applications_that_registered_themselves() {
        check_authorized(Ownership::FirstParty, &[], Ok(None));
        check_authorized(Ownership::DynamicallyRegistered, &[], Ok(Some(MCP)));
    }

    #[test]
    fn an_environment_without_resources_takes_no_notice() {
        let application = application(Ownership::DynamicallyRegistered);
        assert_eq!(authorized(&[MCP, "x"], &application, &[]).unwrap(), None);
        issuable(&[MCP, "x"], "", &[]).unwrap();
    }

    #[test]
    fn a_token_is_for_what_was_authorized() {
        let known = [resource(1, API, false), resource(2, MCP, true)];
        for (requested, authorized, good) in [
            (&[][..], MCP, true),
            (&[MCP][..], MCP, true),
            (&[MCP, MCP][..], MCP, true),
            (&[API][..], MCP, false),
            (&[MCP, API][..], MCP, false),
            (&[][..], "", true),
            (&[MCP][..], "", false),
            (&[][..], "https://gone.example/", false),
            (&["https://gone.example/"][..], "https://gone.example/", false),
        ] {
            assert_eq!(issuable(requested, authorized, &known).is_ok(), good, "{requested:?} {authorized}");
        }
        assert!(issuable(&[], MCP, &[]).is_err(), "also when the last one was deleted");
    }

    #[test]
    fn a_resource_has_an_absolute_uri() {
        for good in [MCP, API, "urn:example:api", "https://a.example:8443/x?y=z"] {
            assert_eq!(check_uri(good), Ok(()), "{good}");
        }
        for bad in
            ["", "/mcp", "mcp.example.com", "https://a.example/#x", "https://*.example.com/", "https://a.example/ x"]
        {
            assert_eq!(check_uri(bad), Err(NotAResource), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_token_is_ever_for_what_the_environment_does_not_know(requested in "[ -~]{0,30}", own: bool) {
            let known = [resource(1, API, false), resource(2, MCP, true)];
            let ownership = if own { Ownership::FirstParty } else { Ownership::DynamicallyRegistered };
            if let Ok(Some(uri)) = authorized(&[&requested], &application(ownership), &known) {
                prop_assert!(known.iter().any(|known| known.uri == uri));
            }
        }
    }
}
