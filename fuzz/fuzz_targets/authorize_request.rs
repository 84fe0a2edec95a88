//! A query string of the authorization endpoint, for a public client with every kind of redirect URI.
#![no_main]

use countersign_protocol::id::Id;
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, OAuthResource, Ownership, RedirectUri,
};
use countersign_protocol::oauth::authorize::request::{Refusal, read};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let uris = ["https://a.example/cb?k=v", "https://*.b.example.com/cb", "http://127.0.0.1/cb", "com.example.app:/cb"];
    let epoch = Timestamp::from_millis(0);
    Client {
        environment_id: Id::from_ulid(1),
        application: ConnectApplication {
            id: Id::from_ulid(2),
            client_id: Id::from_ulid(3),
            metadata_url: None,
            name: "x".into(),
            description: None,
            scopes: vec!["posts:read".into()],
            kind: ApplicationKind::OAuth {
                ownership: Ownership::FirstParty,
                client_type: ClientType::Public,
                redirect_uris: uris.map(|uri| RedirectUri { uri: uri.into(), default: false }).into(),
                cors_origins: vec![],
                backchannel_logout_uri: None,
            },
            created_at: epoch,
            updated_at: epoch,
        },
        secrets: vec![],
        logo: Default::default(),
        login_uri: None,
        registered: None,
    }
});

static RESOURCES: LazyLock<[OAuthResource; 1]> = LazyLock::new(|| {
    let epoch = Timestamp::from_millis(0);
    let (uri, default) = ("https://api.example".into(), true);
    [OAuthResource { id: Id::from_ulid(4), uri, default, created_at: epoch, updated_at: epoch }]
});

fuzz_target!(|input: &[u8]| {
    let Ok(params) = Params::from_form(input) else { return };
    let address = match read(&params, &CLIENT, &*RESOURCES) {
        Ok(request) => {
            assert!(request.code_challenge.is_some(), "a public client proves itself");
            assert!(request.scopes.iter().all(|scope| {
                ["email", "offline_access", "openid", "profile", "posts:read"].contains(&scope.as_str())
            }));
            assert!(request.resource.is_empty() || request.resource == "https://api.example");
            request.return_address
        }
        Err(Refusal::ToTheClient(address, _, why)) => {
            assert!(!why.is_empty());
            address
        }
        Err(Refusal::ToThePerson(_)) => return,
    };
    // Every response goes to a registered redirect URI and is a valid header value.
    let answer = address.with_code("https://id.example", "code");
    assert!(answer.bytes().all(|byte| byte.is_ascii_graphic()), "{answer}");
    let host = answer.strip_prefix("https://").and_then(|rest| rest.split_once("/cb?")).map(|(host, _)| host);
    let registered = answer.starts_with("https://a.example/cb?k=v&code=")
        || answer.starts_with("com.example.app:/cb?code=")
        || answer.strip_prefix("http://127.0.0.1").is_some_and(|rest| {
            let port = rest.split_once("/cb?").map(|(port, _)| port);
            port.is_some_and(|port| port.is_empty() || port.trim_start_matches(':').bytes().all(|b| b.is_ascii_digit()))
        })
        || host.and_then(|host| host.strip_suffix(".b.example.com")).is_some_and(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        });
    assert!(registered, "{answer}");
});
