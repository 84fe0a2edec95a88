//! A query of the authorization endpoint, for a public client with every kind of redirect URI.
#![no_main]

use countersign_protocol::id::Id;
use countersign_protocol::model::{ApplicationKind, ClientType, ConnectApplication, Ownership, RedirectUri};
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
            name: "x".into(),
            description: None,
            scopes: vec!["posts:read".into()],
            kind: ApplicationKind::OAuth {
                ownership: Ownership::FirstParty,
                client_type: ClientType::Public,
                redirect_uris: uris.map(|uri| RedirectUri { uri: uri.into(), default: false }).into(),
                cors_origins: vec![],
            },
            created_at: epoch,
            updated_at: epoch,
        },
        secrets: vec![],
    }
});

fuzz_target!(|input: &[u8]| {
    let Ok(params) = Params::from_form(input) else { return };
    let address = match read(&params, &CLIENT) {
        Ok(request) => {
            assert!(request.code_challenge.is_some(), "a public client proves itself");
            assert!(request.scopes.iter().all(|scope| ["email", "offline_access", "openid", "profile", "posts:read"].contains(&scope.as_str())));
            request.return_address
        }
        Err(Refusal::ToTheClient(address, _, why)) => {
            assert!(!why.is_empty());
            address
        }
        Err(Refusal::ToThePerson(_)) => return,
    };
    // Whatever is sent goes to a registered place, and is a header value.
    let answer = address.with_code("https://id.example", "code");
    assert!(answer.bytes().all(|byte| byte.is_ascii_graphic()), "{answer}");
    let url = url::Url::parse(&answer).unwrap();
    match url.scheme() {
        "com.example.app" => assert_eq!(url.path(), "/cb"),
        _ => {
            let host = url.host_str().unwrap();
            assert!(host == "a.example" || host == "127.0.0.1" || host.ends_with(".b.example.com"), "{host}");
            assert_eq!(url.path(), "/cb");
        }
    }
});
