//! A protected resource's metadata (RFC 9728), as clients read it.

use serde_json::Value;
use url::Url;

/// The parts of a resource's metadata that clients use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// The resource identifier that tokens must name.
    pub resource: String,
    /// The first authorization server listed.
    pub authorization_server: Url,
    /// The scopes that may be requested.
    pub scopes: Vec<String>,
}

/// Why clients reject a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtectedResourceError {
    /// Not a JSON object.
    #[error("it is no JSON object")]
    NotAnObject,
    /// No `resource`.
    #[error("it has no 'resource', or it is no URL (RFC 9728 §2)")]
    NoResource,
    /// The `resource` is not the one that was called.
    #[error("its 'resource' is {0}, which is not the address that was called: clients refuse that (RFC 9728 §3.3)")]
    AnotherResource(String),
    /// No `authorization_servers`.
    #[error("it has no 'authorization_servers' with the address of one")]
    NoAuthorizationServer,
    /// The authorization server's URL is invalid.
    #[error("the authorization server '{0}' is no https address without query and fragment")]
    AuthorizationServer(String),
}

/// Where a resource's document is if the resource does not say: next to its path, then at the root (RFC 9728 §3.1).
pub fn well_known(resource: &Url) -> Vec<Url> {
    let at = |path: &str| {
        let mut url = resource.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    let beside = at(&format!("/.well-known/oauth-protected-resource{}", resource.path().trim_end_matches('/')));
    let root = at("/.well-known/oauth-protected-resource");
    if beside == root { vec![root] } else { vec![beside, root] }
}

/// Whether a URL uses https or points to this machine.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

/// Reads the document of a resource that was called at this URL.
///
/// # Errors
/// The reason why clients reject it.
pub fn read(document: &[u8], called: &Url) -> Result<ProtectedResource, ProtectedResourceError> {
    let document: Value = serde_json::from_slice(document).map_err(|_| ProtectedResourceError::NotAnObject)?;
    let document = document.as_object().ok_or(ProtectedResourceError::NotAnObject)?;
    let text = document.get("resource").and_then(Value::as_str).ok_or(ProtectedResourceError::NoResource)?;
    let resource = Url::parse(text).map_err(|_| ProtectedResourceError::NoResource)?;
    if !covers(&resource, called) {
        return Err(ProtectedResourceError::AnotherResource(text.to_owned()));
    }
    let first = document.get("authorization_servers").and_then(Value::as_array).and_then(|all| all.first());
    let first = first.and_then(Value::as_str).ok_or(ProtectedResourceError::NoAuthorizationServer)?;
    let wrong = || ProtectedResourceError::AuthorizationServer(first.to_owned());
    let authorization_server = Url::parse(first).map_err(|_| wrong())?;
    let plain = authorization_server.query().is_none() && authorization_server.fragment().is_none();
    if !plain || !is_safe(&authorization_server) {
        return Err(wrong());
    }
    let scopes = document.get("scopes_supported").and_then(Value::as_array);
    let scopes = scopes.map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(ProtectedResource { resource: text.to_owned(), authorization_server, scopes })
}

/// Whether a resource is the URL that was called, or a parent of it on the same origin.
fn covers(resource: &Url, called: &Url) -> bool {
    let (above, below) = (resource.path().trim_end_matches('/'), called.path().trim_end_matches('/'));
    resource.origin() == called.origin()
        && resource.fragment().is_none()
        && below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn read_at(document: &Value, called: &str) -> Result<ProtectedResource, ProtectedResourceError> {
        read(document.to_string().as_bytes(), &url(called))
    }

    #[test]
    fn the_document_is_beside_the_path_and_at_the_root() {
        let all = |text: &str| well_known(&url(text)).iter().map(Url::to_string).collect::<Vec<_>>();
        let root = "https://a.example/.well-known/oauth-protected-resource";
        assert_eq!(all("https://a.example/"), [root]);
        assert_eq!(all("https://a.example/mcp?x=1"), [format!("{root}/mcp").as_str(), root]);
    }

    #[test]
    fn a_resource_is_the_address_called_or_above_it() {
        let with = |resource: &str| json!({"resource": resource, "authorization_servers": ["https://id.example"]});
        for good in ["https://a.example/mcp", "https://a.example/mcp/", "https://a.example", "https://A.example/"] {
            assert_eq!(read_at(&with(good), "https://a.example/mcp").unwrap().resource, good);
        }
        for bad in [
            "https://a.example/mc",
            "https://a.example/mcp/x",
            "http://a.example/mcp",
            "https://b.example/mcp",
            "https://a.example/#x",
        ] {
            let refused = read_at(&with(bad), "https://a.example/mcp").unwrap_err();
            assert_eq!(refused, ProtectedResourceError::AnotherResource(bad.to_owned()));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let at = "https://a.example/mcp";
        let resource = "https://a.example/mcp";
        assert_eq!(read(b"<html>", &url(at)), Err(ProtectedResourceError::NotAnObject));
        assert_eq!(read(b"[]", &url(at)), Err(ProtectedResourceError::NotAnObject));
        assert_eq!(read_at(&json!({}), at), Err(ProtectedResourceError::NoResource));
        for none in [json!({"resource": resource}), json!({"resource": resource, "authorization_servers": []})] {
            assert_eq!(read_at(&none, at), Err(ProtectedResourceError::NoAuthorizationServer));
        }
        for wrong in ["http://id.example", "id.example", "https://id.example?x", "https://id.example#x"] {
            let document = json!({"resource": resource, "authorization_servers": [wrong]});
            assert_eq!(read_at(&document, at), Err(ProtectedResourceError::AuthorizationServer(wrong.to_owned())));
        }
        let here = json!({"resource": resource, "authorization_servers": ["http://localhost:8080"], "scopes_supported": ["a", 1]});
        assert_eq!(read_at(&here, at).unwrap().scopes, ["a"]);
    }
}
