//! Clients whose client ID is the URL of a metadata document.

use crate::harness::{Application, Browser, Page, TestServer, VERIFIER, Website, on_both_databases};
use crate::hosted::authorization_code::claims;
use countersign_protocol::id::ApplicationId;
use countersign_protocol::time::Timestamp;
use countersign_store::self_registration;
use serde_json::{Value, json};

const ANY: &str = "[environment.clients]\nclient_id_metadata = \"any\"";

/// A document with an https redirect URI.
pub fn document() -> Value {
    json!({"client_name": "Example Client", "redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "none"})
}

/// Returns the client with a document.
pub fn client(url: &str, redirect_uri: &str) -> Application {
    Application { client_id: url.to_owned(), secret: None, redirect_uri: redirect_uri.to_owned() }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Signs Ada in at a client with additional parameters; returns the page after that.
pub async fn arrive(server: &TestServer, browser: &mut Browser, application: &Application, more: &str) -> Page {
    let page = browser.open(&application.authorize(more)).await;
    server.sign_in(browser, &page, "ada@example.com").await
}

async fn agree(browser: &mut Browser, page: &Page) -> String {
    browser.submit(page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap()
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/it/fixtures/client_documents/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

on_both_databases! {
    async fn a_client_is_known_everywhere_by_its_url(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        let url = website.url("client.example", "/oauth/client.json");
        website.document(&url, document(), "");
        let user = server.person("ada@example.com").await;
        let application = client(&url, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application, "&scope=openid+offline_access+email").await;
        for words in ["Example Client", &format!("<strong class=\"break\">client.example:{}</strong>", website.port), "This application chose its own name", "ada@example.com"] {
            assert!(page.html.contains(words), "{words}: {}", page.html);
        }
        assert!(!page.html.contains("program on this device"), "codes go to a website");
        let code = agree(&mut browser, &page).await;
        let tokens = server.redeem(&application, &code).await.expect(200);
        let (access, id) = (claims(&tokens.text_at("access_token")), claims(&tokens.text_at("id_token")));
        assert_eq!((&access["client_id"], &access["aud"]), (&json!(url), &json!(server.client_id)));
        assert_eq!((&id["aud"], &id["sub"]), (&json!(url), &json!(user)));
        let introspector = server.introspector().await;
        for token in [tokens.text_at("access_token"), tokens.text_at("refresh_token")] {
            let told = server.introspected(&introspector, &token).await;
            assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(url)), "{told}");
        }
        let userinfo = server.anonymous().with_key(&tokens.text_at("access_token")).get("/oauth2/userinfo").await;
        assert_eq!(userinfo.expect(200).json()["email"], "ada@example.com");
        let refreshed = server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);

        // The API: listed among dynamically registered clients, found by its URL, and never by its internal identifier.
        let management = server.management();
        assert_eq!(management.get("/connect/applications").await.expect_list().iter().filter(|one| one["client_id"] == url.as_str()).count(), 0);
        let listed = management.get("/connect/applications?registration_types=dynamic").await.expect_list();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0]["client_id"], &listed[0]["was_dynamically_registered"], &listed[0]["uses_pkce"]), (&json!(url), &json!(true), &json!(true)));
        assert!(listed[0].get("organization_id").is_none());
        let found = management.get(&format!("/connect/applications/{}", encoded(&url))).await.expect(200).json();
        assert_eq!(found, listed[0]);
        let environment_id = server.environment_id();
        let kept_under = countersign_protocol::oauth::client_name::ClientName::parse(&url).unwrap().id(environment_id).to_string();
        management.get(&format!("/connect/applications/{kept_under}")).await.expect(404);
        let stopped = browser.open(&client(&kept_under, "https://client.example/cb").authorize("&scope=openid")).await;
        assert!(stopped.html.contains("The application made a mistake"), "{}", stopped.html);
        let by_id = server.refresh(&client(&kept_under, ""), &refreshed.text_at("refresh_token")).await;
        assert_eq!(by_id.expect(401).text_at("error"), "invalid_client");
        management.put(&format!("/connect/applications/{}", encoded(&url)), json!({"name": "Mine"})).await.expect_invalid(&[("name", "not_allowed")]);
        let authorized = management.get(&format!("/user_management/users/{user}/authorized_applications")).await.expect_list();
        assert_eq!(authorized[0]["application"]["client_id"], url.as_str());

        // A token is revoked by its client, and all access by the user or the company.
        let form = [("token", refreshed.text_at("access_token")), ("client_id", url.clone())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.anonymous().form("/oauth2/revoke", &form).await.expect(200);
        assert_eq!(server.introspected(&introspector, &refreshed.text_at("access_token")).await["active"], false);
        management.delete(&format!("/user_management/users/{user}/authorized_applications/{}", encoded(&url))).await.expect(204);
        assert_eq!(server.introspected(&introspector, &refreshed.text_at("refresh_token")).await["active"], false);
        management.delete(&format!("/connect/applications/{}", encoded(&url))).await.expect(204);
        management.get(&format!("/connect/applications/{}", encoded(&url))).await.expect(404);
        assert_eq!(website.asked(), ["/oauth/client.json"], "one fetch for all of that");
    }

    async fn published_documents_work_with_whatever_port_a_program_gets(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        server.person("ada@example.com").await;
        for (name, redirect_uris) in [
            ("claude-code", &["http://localhost:51004/callback", "http://127.0.0.1:51005/callback", "http://localhost/callback"][..]),
            ("vscode", &["http://127.0.0.1:33418/", "http://127.0.0.1:49152/", "https://vscode.dev/redirect"]),
            ("codex", &["http://127.0.0.1:1455/callback"]),
            ("hosted-assistant", &["https://chatgpt.com/connector/oauth/callback"]),
        ] {
            let published = fixture(name);
            let published_at = url::Url::parse(published["client_id"].as_str().unwrap()).unwrap();
            let url = website.url(published_at.host_str().unwrap(), published_at.path());
            website.document(&url, published.clone(), "");
            let mut browser = Browser::new(&server);
            for (at, redirect_uri) in redirect_uris.iter().enumerate() {
                let application = client(&url, redirect_uri);
                let page = if at == 0 {
                    arrive(&server, &mut browser, &application, "&scope=openid+offline_access").await
                } else {
                    browser.open(&application.authorize("&scope=openid+offline_access")).await
                };
                let on_this_device = redirect_uri.starts_with("http:");
                let page = if on_this_device || at == 0 {
                    assert!(page.html.contains(published["client_name"].as_str().unwrap()), "{name} {redirect_uri}: {}", page.html);
                    assert_eq!(page.html.contains("any program here could have asked"), on_this_device, "{name} {redirect_uri}");
                    browser.submit(&page, "/consent", &[("decision", "allow")]).await
                } else {
                    page
                };
                assert!(page.left_to.as_ref().unwrap().starts_with(redirect_uri), "{name} {:?}", page.left_to);
                let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
                server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);
            }
            for wrong in ["http://localhost:51004/other", "https://evil.example/callback", "http://localhost.evil.example/callback"] {
                let page = browser.open(&client(&url, wrong).authorize("&scope=openid")).await;
                assert!(page.left_to.is_none() && page.status == 400, "{name} {wrong}");
            }
        }
        assert_eq!(website.asked().len(), 4);
    }

    async fn what_any_program_could_have_asked_is_asked_every_time(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        server.person("ada@example.com").await;
        let url = website.url("client.example", "/client.json");
        let both = json!({"client_name": "Example", "redirect_uris": ["http://127.0.0.1/cb", "https://client.example/cb"]});
        website.document(&url, both, "");
        let mut browser = Browser::new(&server);
        let here = client(&url, "http://127.0.0.1:4711/cb");
        let page = arrive(&server, &mut browser, &here, "&scope=openid").await;
        agree(&mut browser, &page).await;
        let page = browser.open(&here.authorize("&scope=openid")).await;
        page.form("/consent");
        let quiet = browser.open(&here.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("consent_required"));
        let there = client(&url, "https://client.example/cb");
        assert!(browser.open(&there.authorize("&scope=openid")).await.sent("code").is_some(), "a website is who it is");
    }

    async fn a_hundred_at_once_make_one_request(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        website.hold();
        let path = client(&url, "https://client.example/cb").authorize("&scope=openid");
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (client, path) = (server.anonymous(), path.clone());
            asking.spawn(async move { client.get(&path).await.status });
        }
        while website.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        website.go_on();
        for status in asking.join_all().await {
            assert_eq!(status, 200, "the sign-in page");
        }
        assert_eq!(website.asked().len(), 1);
        assert_eq!(server.management().get("/connect/applications?registration_types=dynamic").await.expect_list().len(), 1);
    }

    async fn a_document_is_good_for_a_while_and_what_changes_in_it_is_in_force(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        server.person("ada@example.com").await;
        let url = website.url("client.example", "/client.json");
        let uris = |name: &str, uris: &[&str]| json!({"client_name": name, "redirect_uris": uris});
        website.document(&url, uris("First", &["https://client.example/cb", "https://client.example/old"]), "cache-control: max-age=600\r\n");
        let application = client(&url, "https://client.example/cb");
        let old = client(&url, "https://client.example/old");
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application, "&scope=openid").await;
        agree(&mut browser, &page).await;
        let ask = application.authorize("&scope=openid");
        assert!(browser.open(&ask).await.sent("code").is_some());
        assert!(browser.open(&old.authorize("&scope=openid")).await.sent("code").is_some());

        // While the document is fresh nothing is fetched. After that a removed redirect URI is rejected, and fewer URIs
        // need no new consent.
        website.document(&url, uris("First", &["https://client.example/cb"]), "cache-control: no-store\r\n");
        server.clock.advance_seconds(599);
        assert!(browser.open(&old.authorize("&scope=openid")).await.sent("code").is_some());
        server.clock.advance_seconds(2);
        let page = browser.open(&old.authorize("&scope=openid")).await;
        assert!(page.left_to.is_none() && page.status == 400, "{}", page.html);
        assert!(browser.open(&ask).await.sent("code").is_some());
        assert_eq!(website.asked().len(), 2);

        // The minimum freshness is five minutes. A different name or host needs new consent.
        website.document(&url, uris("Second", &["https://client.example/cb"]), "");
        server.clock.advance_seconds(299);
        assert!(browser.open(&ask).await.sent("code").is_some());
        server.clock.advance_seconds(2);
        let page = browser.open(&ask).await;
        assert!(page.html.contains("Second asks for access"), "{}", page.html);
        agree(&mut browser, &page).await;
        assert!(browser.open(&ask).await.sent("code").is_some(), "once");
        website.document(&url, uris("Second", &["https://client.example/cb", "https://other.example/cb"]), "");
        server.clock.advance_seconds(3601);
        let page = browser.open(&ask).await;
        agree(&mut browser, &page).await;
        assert_eq!(website.asked().len(), 4);

        // Consent applies to what the page showed, not to what the document says by then.
        website.document(&url, uris("Third", &["https://client.example/cb"]), "cache-control: no-store\r\n");
        server.clock.advance_seconds(3601);
        let page = browser.open(&ask).await;
        assert!(page.html.contains("Third asks for access"), "{}", page.html);
        website.document(&url, uris("Fourth", &["https://client.example/cb"]), "cache-control: no-store\r\n");
        server.clock.advance_seconds(301);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(page.left_to.is_none() && page.html.contains("Fourth asks for access"), "{}", page.html);
        agree(&mut browser, &page).await;
    }

    async fn nobody_agrees_to_what_another_node_has_replaced_a_moment_ago(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        server.person("ada@example.com").await;
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        let application = client(&url, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application, "&scope=openid").await;
        let management = server.management();
        let listed = management.get("/connect/applications?registration_types=dynamic").await.expect_list();
        let id: ApplicationId = listed[0]["id"].as_str().unwrap().parse().unwrap();
        let environment_id = server.environment_id();
        // Without an entry in the change feed, so this node does not learn of it.
        let changes = async |at: Timestamp| {
            let written = server.app.store.write::<(), countersign_store::Error, _>(move |tx| {
                Box::pin(async move { self_registration::fetched(tx, environment_id, id, (at.plus_secs(600), at), None).await })
            });
            written.await.unwrap();
        };
        let before = server.app.clock.now();
        changes(before.plus_secs(1)).await;
        let stopped = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(stopped.status == 400 && stopped.left_to.is_none(), "{}", stopped.html);
        let user = management.get("/user_management/users").await.expect_list()[0]["id"].as_str().unwrap().to_owned();
        let allowed = management.get(&format!("/user_management/users/{user}/authorized_applications")).await;
        assert!(allowed.expect_list().is_empty());
    }

    async fn a_known_client_outlives_an_outage_of_a_day_and_no_bad_document(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        server.person("ada@example.com").await;
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "cache-control: max-age=300\r\n");
        let application = client(&url, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application, "&scope=openid+offline_access").await;
        let code = agree(&mut browser, &page).await;
        let tokens = server.redeem(&application, &code).await.expect(200);
        let ask = application.authorize("&scope=openid");
        website.says(&url, b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", false);
        server.clock.advance_seconds(301);
        assert!(browser.open(&ask).await.sent("code").is_some(), "its server cannot be asked");
        assert!(browser.open(&ask).await.sent("code").is_some());
        assert_eq!(website.asked().len(), 2, "and is not asked again at once");
        website.name("client.example", &[&[]]);
        server.clock.advance_seconds(3600);
        assert!(browser.open(&ask).await.sent("code").is_some(), "its name is gone");
        server.clock.advance_seconds(86_400);
        let page = browser.open(&ask).await;
        assert!(page.status == 400 && page.html.contains("We cannot tell which application this is"), "{}", page.html);

        website.name("client.example", &[&["127.0.0.1"]]);
        website.document(&url, document(), "");
        server.clock.advance_seconds(61);
        assert!(browser.open(&ask).await.sent("code").is_some());
        // A response that is not a document is still a response: the client is rejected at once, for every sign-in.
        website.says(&url, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", false);
        server.clock.advance_seconds(3601);
        assert_eq!(browser.open(&ask).await.status, 400);
        // The old document is not trusted again when its server stops responding after that.
        website.says(&url, b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", false);
        server.clock.advance_seconds(61);
        assert_eq!(browser.open(&ask).await.status, 400);
        // Users who have signed in before are unaffected: the token endpoint fetches nothing.
        let asked = website.asked().len();
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);
        assert_eq!(website.asked().len(), asked);
    }

    async fn the_token_endpoint_fetches_nothing(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        let form = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", VERIFIER), ("client_id", url.as_str())];
        for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspection"] {
            let form: Vec<(&str, &str)> = form.iter().copied().chain([("token", "x")]).collect();
            assert_eq!(server.anonymous().form(path, &form).await.expect(401).text_at("error"), "invalid_client", "{path}");
        }
        assert_eq!(website.asked(), Vec::<String>::new());
    }

    async fn a_device_may_begin_with_a_url(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        server.declare(ANY).await.done();
        let url = website.url("client.example", "/client.json");
        let mut with_device = document();
        with_device["grant_types"] = json!(["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]);
        website.document(&url, with_device, "");
        server.person("ada@example.com").await;
        let ask = |url: &str| {
            let (client, url) = (server.anonymous(), url.to_owned());
            async move { client.form("/oauth2/device_authorization", &[("client_id", &url), ("scope", "openid")]).await }
        };
        let device = ask(&url).await.expect(200).json();
        let mut browser = Browser::new(&server);
        let page = browser.open(&format!("/device?user_code={}", device["user_code"].as_str().unwrap())).await;
        let page = browser.submit(&page, "/device", &[]).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        for words in ["This application chose its own name", "The device that shows the code will get access"] {
            assert!(page.html.contains(words), "{words}: {}", page.html);
        }
        browser.submit(&page, "/device/consent", &[("decision", "allow")]).await;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device["device_code"].as_str().unwrap()),
            ("client_id", &url),
        ];
        let tokens = server.anonymous().form("/oauth2/token", &form).await.expect(200);
        assert_eq!(claims(&tokens.text_at("access_token"))["client_id"], url.as_str());
        let missing = ask(&website.url("client.example", "/missing.json")).await;
        assert_eq!(missing.expect(401).text_at("error"), "invalid_client");
        // After the next fetch, a client whose document requests only codes cannot use the device flow.
        website.document(&url, document(), "");
        ask(&url).await.expect(200);
        server.clock.advance_seconds(86_401);
        assert_eq!(ask(&url).await.expect(400).text_at("error"), "unauthorized_client");
    }

    async fn two_nodes_agree_on_a_client(first: TestServer) {
        let website = Website::start().await;
        let (one, other) = (first.on_the_web(&website).await, first.on_the_web(&website).await);
        one.declare(ANY).await.done();
        other.app.catch_up().await;
        one.person("ada@example.com").await;
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        let application = client(&url, "https://client.example/cb");
        let path = application.authorize("&scope=openid");
        let at_once = tokio::join!(async { one.anonymous().get(&path).await }, async { other.anonymous().get(&path).await });
        assert_eq!((at_once.0.status, at_once.1.status), (200, 200), "{} {}", at_once.0.text, at_once.1.text);
        let listed = one.management().get("/connect/applications?registration_types=dynamic").await.expect_list();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let mut browser = Browser::new(&one);
        let page = arrive(&one, &mut browser, &application, "&scope=openid").await;
        browser.move_to(&other);
        let code = agree(&mut browser, &page).await;
        other.redeem(&application, &code).await.expect(200);
        assert!(website.asked().len() <= 2);
    }
}
