//! The baseline for comparison: the same HTTP stack with handlers that do only the indispensable work. No routing
//! beyond axum's, no clients, no policy, no metrics, no headers but the content type.

use super::lines::{DISCOVERY, INTROSPECTION, JWKS};
use super::signing;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use bytes::Bytes;
use countersign::clock::Clock;
use countersign::http::server::connection_builder;
use countersign_protocol::id::{Id, TokenId};
use countersign_protocol::jose::{Algorithm, SigningKey};
use countersign_protocol::oauth::access_token::MachineTokenClaims;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::ServiceExt;

/// Serves until the parent exits. The sizes are those of the server's own bodies: discovery, JWKS, introspection.
pub fn serve(sizes: &[&str]) {
    let [discovery, jwks, introspection] = [0, 1, 2].map(|at: usize| filler(sizes[at].parse().unwrap()));
    // Like the server with `--threads 1`.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut router = Router::new()
        .route(DISCOVERY, get(async move || json(discovery.clone())))
        .route(JWKS, get(async move || json(jwks.clone())))
        .route(
            INTROSPECTION,
            post(async move |request: Request| {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                assert!(field(&body, "client_id").is_some(), "the form is read");
                json(introspection.clone())
            }),
        );
    for algorithm in Algorithm::ALL {
        let key = Arc::new(signing::key(algorithm));
        let count = Arc::new(AtomicU64::new(0));
        let issue = async move |request: Request| {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            assert!(field(&body, "client_id").is_some(), "the form is read");
            json(Bytes::from(token_response(&key, count.fetch_add(1, Ordering::Relaxed))))
        };
        router = router.route(&token_path(algorithm), post(issue));
    }
    runtime.spawn(accept(router));
    // The parent holds the other end of standard input.
    let _ = std::io::stdin().read(&mut [0]);
}

/// Returns the path that signs with an algorithm, as long as the server's token path.
pub fn token_path(algorithm: Algorithm) -> String {
    format!("/{algorithm:/>7}/token")
}

async fn accept(router: Router) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The parent reads the address there, as it does for the server.
    eprintln!("address={}", listener.local_addr().unwrap());
    let builder = Arc::new(connection_builder());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (router, builder) = (router.clone(), Arc::clone(&builder));
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                router.clone().oneshot(request.map(Body::new))
            });
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn json(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns a body of this many bytes.
fn filler(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

fn field(body: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[derive(serde::Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: &'static str,
}

const SCOPE: &str = "posts:read posts:write";

fn token_response(key: &SigningKey, count: u64) -> Vec<u8> {
    let now = Clock::default().now().as_secs();
    let claims = MachineTokenClaims {
        iss: "https://rs256.auth.example.com",
        aud: Id::from_ulid(1 << 120),
        sub: Id::from_ulid(2 << 120),
        client_id: Id::from_ulid(2 << 120),
        org_id: Id::from_ulid(3 << 120),
        scope: SCOPE,
        credential_id: Id::from_ulid(4 << 120),
        jti: TokenId::from_ulid(u128::from(count)),
        iat: now,
        exp: now + 3600,
    };
    let access_token = key.sign(&claims).unwrap();
    serde_json::to_vec(&TokenResponse { access_token, token_type: "Bearer", expires_in: 3600, scope: SCOPE }).unwrap()
}
