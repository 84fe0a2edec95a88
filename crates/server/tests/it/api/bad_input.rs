//! Input that no client should send: it is rejected as JSON, changes nothing, and the server keeps running.

use crate::harness::{Answer, Client, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A valid request, and the type of value that each of its fields takes.
type Case<'a> = (Method, &'a str, Value, Vec<(&'a str, &'a str)>);

/// Sends bytes as a JSON body.
async fn raw(management: &Client, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = management.request(method, path).header("content-type", "application/json");
    management.send(request.body(body.into())).await
}

/// Writes bytes to the server and reads the response head and possibly some of the body.
async fn answer_to(server: &TestServer, bytes: Vec<u8>) -> String {
    let stream = TcpStream::connect(server.base_url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    // The server may respond and close the connection before it has read everything.
    let sending = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("\r\n\r\n") {
        match reading.read(&mut buffer).await {
            Ok(count @ 1..) => seen.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    sending.abort();
    String::from_utf8_lossy(&seen).into_owned()
}

/// Returns a request head with the server's key.
fn head(server: &TestServer, line: &str, more: &str) -> String {
    let host = server.base_url.strip_prefix("http://").unwrap();
    format!("{line} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n{more}\r\n", server.api_key)
}

on_both_databases! {
    async fn every_field_refuses_values_of_the_wrong_type(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        management.permission("a").await;
        let machine = management.machine(&organization, &["a"]).await;
        let site = json!({"name": "S", "application_type": "oauth", "is_first_party": true});
        let site = management.post("/connect/applications", site).await.expect(201).json();
        let keys = format!("/organizations/{organization}/api_keys");
        let key = management.post(&keys, json!({"name": "K"})).await.expect(201).json();
        let of = |application: &Value| format!("/connect/applications/{}", application["id"].as_str().unwrap());
        let (text, list, truth, object) = ("text", "list", "truth", "object");
        let organization_path = format!("/organizations/{organization}");
        let oauth = json!({"name": "O", "application_type": "oauth", "is_first_party": true});
        let m2m = json!({"name": "M", "application_type": "m2m", "organization_id": organization});
        let expire = format!("/api_keys/{}/expire", key["id"].as_str().unwrap());
        let named = json!({"name": "N"});
        let cases: Vec<Case<'_>> = vec![
            (Method::POST, "/organizations", named.clone(), vec![("name", text), ("external_id", text), ("metadata", object), ("allow_profiles_outside_organization", truth), ("domain_data", list), ("domains", list)]),
            (Method::PUT, &organization_path, json!({}), vec![("name", text), ("external_id", text), ("stripe_customer_id", text), ("metadata", object), ("allow_profiles_outside_organization", truth), ("domain_data", list), ("domains", list)]),
            (Method::POST, "/organization_domains", json!({"domain": "a.com", "organization_id": organization}), vec![("domain", text), ("organization_id", text)]),
            (Method::POST, "/authorization/permissions", json!({"slug": "b", "name": "B"}), vec![("slug", text), ("name", text), ("description", text), ("resource_type_slug", text)]),
            (Method::PATCH, "/authorization/permissions/a", json!({}), vec![("name", text), ("description", text)]),
            (Method::POST, "/connect/applications", oauth, vec![("name", text), ("application_type", text), ("description", text), ("scopes", list), ("redirect_uris", list), ("cors_origins", list), ("is_first_party", truth), ("uses_pkce", truth), ("organization_id", text)]),
            (Method::POST, "/connect/applications", m2m, vec![("name", text), ("description", text), ("scopes", list), ("organization_id", text)]),
            (Method::POST, keys.as_str(), named, vec![("name", text), ("permissions", list), ("expires_at", text)]),
            (Method::POST, &expire, json!({}), vec![("expires_at", text)]),
            (Method::POST, "/api_keys/validations", json!({}), vec![("value", text)]),
        ];
        let everything = async || {
            let mut seen = Vec::new();
            for path in ["/organizations", "/authorization/permissions", "/connect/applications", &keys] {
                seen.push(management.get(path).await.expect(200).json());
            }
            seen
        };
        let before = everything().await;
        for (method, path, good, fields) in &cases {
            for (field, kind) in fields {
                for wrong in [json!(1), json!(1.5), json!(true), json!("text"), json!([]), json!({}), json!(-1e300)] {
                    let fits = match *kind {
                        "text" => wrong.is_string(),
                        "list" => wrong.is_array(),
                        "truth" => wrong.is_boolean(),
                        _ => wrong.is_object(),
                    };
                    if fits {
                        continue;
                    }
                    let mut body = good.clone();
                    body[*field] = wrong.clone();
                    let answer = management.send(management.request(method.clone(), path).json(&body)).await.expect(422);
                    let errors = answer.expect_json()["errors"].clone();
                    let named = errors.as_array().unwrap().iter().any(|error| error["field"] == *field && error["code"] == "invalid_type");
                    assert!(named, "{method} {path} {field} {wrong}: {errors}");
                }
            }
        }
        for application in [&machine, &site] {
            for (field, wrong) in [("name", json!(1)), ("description", json!([])), ("scopes", json!("a")), ("redirect_uris", json!({})), ("cors_origins", json!("a"))] {
                management.put(&of(application), json!({field: wrong})).await.expect_invalid(&[(field, "invalid_type")]);
            }
        }
        assert_eq!(everything().await, before);
    }

    async fn a_body_that_is_no_object_is_refused(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        for (method, path) in [
            (Method::POST, "/organizations".to_owned()), (Method::PUT, format!("/organizations/{organization}")),
            (Method::POST, "/connect/applications".to_owned()), (Method::POST, "/api_keys/validations".to_owned()),
            (Method::POST, "/authorization/permissions".to_owned()), (Method::POST, format!("/organizations/{organization}/api_keys")),
        ] {
            for body in ["[]", "[{\"name\":\"A\"}]", "null", "true", "1", "\"name\""] {
                raw(&management, method.clone(), &path, body).await.expect_invalid(&[("", "invalid_type")]);
            }
            for body in ["{", "{\"name\":\"A\",}", "{\"name\":\"A\"} x", "{\"name\":\"A\"}{}", "{'name':'A'}", "name=A", "\u{feff}{}", "{\"name\":NaN}",
                "{\"name\":\"\\ud800\"}", "{\"name\":\"a\tb\"}", "\u{0}", "{\"name\":\"A\"}\u{0}", "{\"name\":\"\\x\"}"] {
                raw(&management, method.clone(), &path, body).await.expect_code(400, "invalid_json");
            }
            for bytes in [&b"{\"name\":\"\xff\"}"[..], b"\xff\xfe{\0}\0", b"{\"name\":\"\xc3\x28\"}", b"{\"name\":\"\xed\xa0\x80\"}"] {
                raw(&management, method.clone(), &path, bytes).await.expect_code(400, "invalid_json");
            }
            for deep in [
                format!("{{\"name\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
                format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)),
                "[".repeat(100_000),
            ] {
                raw(&management, method.clone(), &path, deep).await.expect_code(400, "invalid_json");
            }
        }
        assert_eq!(management.get("/organizations").await.expect_list().len(), 1);
    }

    async fn a_nul_is_refused_wherever_it_stands(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        for (path, body, field) in [
            ("/organizations", json!({"name": "a\u{0}b"}), "name"),
            ("/organizations", json!({"name": "a", "external_id": "a\u{0}"}), "external_id"),
            ("/authorization/permissions", json!({"slug": "a\u{0}", "name": "a"}), "slug"),
            ("/authorization/permissions", json!({"slug": "a", "name": "a", "description": "\u{0}"}), "description"),
            ("/connect/applications", json!({"name": "\u{0}", "application_type": "m2m", "organization_id": organization}), "name"),
            ("/connect/applications", json!({"name": "a", "application_type": "m2m", "organization_id": "org_\u{0}"}), "organization_id"),
            ("/connect/applications", json!({"name": "a", "application_type": "m2m", "organization_id": organization, "scopes": ["a\u{0}"]}), "scopes.0"),
            ("/organization_domains", json!({"domain": "a.com", "organization_id": "\u{0}"}), "organization_id"),
        ] {
            management.post(path, body).await.expect_invalid(&[(field, "invalid")]);
        }
        for metadata in [json!({"a": "\u{0}"}), json!({"\u{0}": "a"})] {
            management.post("/organizations", json!({"name": "a", "metadata": metadata})).await.expect_code(400, "invalid_metadata");
        }
        management.post("/organizations", json!({"name": "a", "\u{0}": 1})).await.expect(201);
        for query in ["search=%00", "%00=1", "order=%00", "domains=%00"] {
            management.get(&format!("/organizations?{query}")).await.expect_invalid(&[("query", "invalid")]);
        }
        for path in ["/organizations/%00", "/organizations/external_id/a%00b", "/connect/applications/%00", "/authorization/permissions/a%00", "/%00"] {
            assert_eq!(management.get(path).await.expect(404).expect_json(), json!({"message": "Not Found"}));
        }
    }

    async fn a_path_that_means_nothing_is_not_found(server: TestServer) {
        let management = server.management();
        for path in [
            "/nothing", "/organizations/", "/organizations//", "//organizations", "/Organizations", "/organizations/x/y/z", "/api_keys",
            "/connect", "/connect/applications/x/secrets", "/%ff%fe", "/organizations/%ff", "/organizations/external_id/%c3%28",
            "/organizations/..%2f..%2fetc%2fpasswd/x", "/.git/config", "/organizations%2Forg_x",
        ] {
            assert_eq!(management.get(path).await.expect(404).expect_json(), json!({"message": "Not Found"}), "{path}");
            server.anonymous().get(path).await.expect(404);
        }
        for (path, id) in [("/organizations/%zz", "%zz"), ("/organizations/%", "%"), ("/organizations/a%22b", "a\"b"), ("/organizations/%F0%9F%92%A9", "\u{1f4a9}")] {
            management.get(path).await.expect_not_found("Organization", id);
        }
        let long = format!("/organizations/{}", "x".repeat(4000));
        management.get(&long).await.expect(404).expect_json();
    }

    async fn a_method_that_a_path_does_not_take_is_not_allowed(server: TestServer) {
        let management = server.management();
        for (method, path) in [
            (Method::PUT, "/organizations"), (Method::DELETE, "/organizations"), (Method::PATCH, "/organizations"),
            (Method::POST, "/organizations/x"), (Method::PATCH, "/connect/applications/x"), (Method::GET, "/api_keys/validations"),
            (Method::PUT, "/authorization/permissions/x"), (Method::GET, "/connect/client_secrets/x"), (Method::OPTIONS, "/organizations"),
            (Method::GET, "/organization_domains"), (Method::TRACE, "/organizations"),
        ] {
            let answer = management.send(management.request(method.clone(), path)).await.expect(405);
            assert_eq!(answer.expect_json(), json!({"message": "Method Not Allowed"}), "{method} {path}");
            assert!(answer.header("allow").is_some_and(|allowed| !allowed.is_empty()), "RFC 9110 §15.5.6: {method} {path}");
            assert!(answer.header("access-control-allow-origin").is_none(), "no browser page reads this API");
        }
    }

    async fn a_body_is_declared_as_json(server: TestServer) {
        let management = server.management();
        let send = async |kind: Option<&str>, body: &'static str| {
            let mut request = management.request(Method::POST, "/organizations");
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            management.send(request.body(body)).await
        };
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", "text/json", "*/*", ""] {
            send(Some(kind), "{\"name\":\"A\"}").await.expect_code(415, "unsupported_media_type");
        }
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
        for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", " application/json "] {
            send(Some(kind), "{\"name\":\"A\"}").await.expect(201);
        }
        send(Some("text/plain"), "").await.expect_invalid(&[("name", "required")]);
        send(None, " \r\n ").await.expect_invalid(&[("name", "required")]);
    }

    async fn a_body_has_a_size(server: TestServer) {
        let management = server.management();
        // A little too large: it arrives completely and is rejected.
        let body = format!("{{\"name\":\"A\",\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
        let announced = head(&server, "POST /organizations", &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        let answer = answer_to(&server, [announced.as_bytes(), body.as_bytes()].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        // Ten megabytes, announced: rejected before the body is sent.
        let announced = head(&server, "POST /organizations", "content-type: application/json\r\ncontent-length: 10485760\r\n");
        let answer = answer_to(&server, announced.into_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("content-type: application/json") && answer.contains("x-request-id: "), "{answer}");
        // Ten megabytes, not announced: rejected once it is too large.
        let mut chunked = head(&server, "POST /organizations", "content-type: application/json\r\ntransfer-encoding: chunked\r\n").into_bytes();
        for _ in 0..160 {
            chunked.extend_from_slice(b"10000\r\n");
            chunked.extend(std::iter::repeat_n(b' ', 0x10000));
            chunked.extend_from_slice(b"\r\n");
        }
        let answer = answer_to(&server, chunked).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
        let most = format!("{{\"name\":\"A\",\"x\":\"{}\"}}", "x".repeat(1024 * 1024 - 19));
        assert_eq!(most.len(), 1024 * 1024);
        raw(&management, Method::POST, "/organizations", most).await.expect(201);
    }

    async fn a_header_has_a_size(server: TestServer) {
        let huge = head(&server, "GET /organizations", &format!("x-huge: {}\r\n", "x".repeat(100 * 1024)));
        let answer = answer_to(&server, huge.into_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
        let answer = answer_to(&server, head(&server, "GET /organizations", &many).into_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let long = head(&server, &format!("GET /organizations?x={}", "x".repeat(100 * 1024)), "");
        let answer = answer_to(&server, long.into_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 "), "{answer}");
        let management = server.management();
        let request = management.request(Method::GET, "/organizations").header("x-large", "x".repeat(8 * 1024));
        management.send(request).await.expect(200);
    }

    async fn two_lengths_are_never_guessed_between(server: TestServer) {
        let management = server.management();
        for framing in [
            "content-length: 4\r\ncontent-length: 5\r\n", "content-length: -1\r\n", "content-length: 1x\r\n",
            "transfer-encoding: chunked, identity\r\n", "transfer-encoding: xchunked\r\n",
        ] {
            let request = head(&server, "POST /organizations", &format!("content-type: application/json\r\n{framing}"));
            let answer = answer_to(&server, [request.as_bytes(), b"{\"name\":\"smuggled\"}"].concat()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{framing:?}: {answer}");
        }
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
    }

    async fn a_query_has_bounds(server: TestServer) {
        let management = server.management();
        let many = "a=1&".repeat(201);
        management.get(&format!("/organizations?{many}")).await.expect_invalid(&[("query", "invalid")]);
        let domains: Vec<String> = (0..101).map(|n| format!("a{n}.com")).collect();
        management.get(&format!("/organizations?domains={}", domains.join(","))).await.expect_invalid(&[("domains", "too_many")]);
        management.get(&format!("/organizations?domains={}", domains[..100].join(","))).await.expect(200);
        management.get(&format!("/organizations?search={}", "%25".repeat(255))).await.expect(200);
        management.get(&format!("/organizations?search={}", "%25".repeat(256))).await.expect_invalid(&[("search", "too_long")]);
    }

    async fn every_answer_says_what_it_is(server: TestServer) {
        let management = server.management();
        let mut seen = Vec::new();
        for answer in [
            management.get("/organizations").await, management.get("/nothing").await, management.put("/organizations", json!({})).await,
            server.anonymous().get("/organizations").await, management.get("/organizations/x").await, management.post("/organizations", json!({})).await,
        ] {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert!(answer.json().is_object());
            assert!(answer.json().get("error").is_none(), "SDKs read 'error' as an OAuth failure");
            seen.push(answer.header("x-request-id").unwrap().to_owned());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6, "every answer has a name of its own");
        let named = management.request(Method::GET, "/organizations").header("x-request-id", "mine");
        assert_ne!(management.send(named).await.header("x-request-id"), Some("mine"));
    }
}
