//! Which metadata documents are allowed as clients: off, any, listed, or after approval.

use crate::harness::{Browser, TestServer, Website, on_both_databases};
use crate::hosted::client_documents::{arrive, client, document};
use serde_json::json;

fn policy(lines: &str) -> String {
    format!("[environment.clients]\n{lines}")
}

impl TestServer {
    /// Runs `countersign applications`.
    async fn applications(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = std::process::Command::new(crate::harness::binary());
        command.arg("applications").args(arguments);
        command.arg("--data").arg(self.database.directory.path().join("data")).args(["--database", &self.database.url]);
        let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        self.app.catch_up().await;
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(said).unwrap())
    }
}

on_both_databases! {
    async fn off_is_off_and_nothing_is_fetched(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        let application = client(&url, "https://client.example/cb");
        let answer = server.anonymous().get(&application.authorize("&scope=openid")).await.expect(302);
        assert_eq!(answer.header("location"), Some("/oauth2/error?error=application_not_found"));
        server.applications(&["allow", &url]).await;
        server.anonymous().get(&application.authorize("&scope=openid")).await.expect(302);
        assert_eq!((website.asked(), website.resolved()), (Vec::<String>::new(), Vec::<String>::new()));
        let discovery = server.anonymous().get("/.well-known/oauth-authorization-server").await.json();
        assert!(discovery.get("client_id_metadata_document_supported").is_none());
    }

    async fn what_is_switched_off_ends_for_everybody(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let other = first.on_the_web(&website).await;
        let declared = server.declare(&policy("client_id_metadata = \"any\"")).await.done();
        assert!(declared.out.contains("environment default"), "{}", declared.out);
        for document in ["oauth-authorization-server", "openid-configuration"] {
            let discovery = server.anonymous().get(&format!("/.well-known/{document}")).await.json();
            assert_eq!(discovery["client_id_metadata_document_supported"], true);
        }
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        server.person("ada@example.com").await;
        let application = client(&url, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application, "&scope=openid+offline_access").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let introspector = server.introspector().await;
        let access = tokens.text_at("access_token");
        other.app.catch_up().await;
        assert_eq!(other.introspected(&introspector, &access).await["active"], true);
        for narrower in ["client_id_metadata = \"off\"", "client_id_metadata = \"listed\"\nclient_id_metadata_hosts = [\"client.example\"]", "client_id_metadata = \"ask\""] {
            server.declare(&policy(narrower)).await.done();
            other.app.catch_up().await;
            assert_eq!(other.introspected(&introspector, &access).await["active"], false, "{narrower}");
            assert_eq!(other.introspected(&introspector, &tokens.text_at("refresh_token")).await["active"], false, "{narrower}");
            let refused = other.refresh(&application, &tokens.text_at("refresh_token")).await;
            assert_eq!(refused.expect(401).text_at("error"), "invalid_client", "{narrower}");
        }
        let port = website.port;
        server.declare(&policy(&format!("client_id_metadata = \"listed\"\nclient_id_metadata_hosts = [\"client.example:{port}\"]"))).await.done();
        assert_eq!(server.introspected(&introspector, &access).await["active"], true);
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);
    }

    async fn a_list_lets_its_hosts_in_and_nobody_else(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let port = website.port;
        let lines = policy(&format!("client_id_metadata = \"listed\"\nclient_id_metadata_hosts = [\"client.example:{port}\"]"));
        let checked = server.declare_with(&format!("[[environment]]\nname = \"default\"\n{lines}"), &["--check"]).await;
        assert_eq!(checked.code, 2, "{} {}", checked.out, checked.err);
        server.declare(&lines).await.done();
        let again = server.declare_with(&format!("[[environment]]\nname = \"default\"\n{lines}"), &["--check"]).await;
        assert_eq!(again.code, 0, "{} {}", again.out, again.err);
        for (host, lets_in) in [("client.example", true), ("other.example", false)] {
            let url = website.url(host, "/client.json");
            website.document(&url, document(), "");
            let page = Browser::new(&server).open(&client(&url, "https://client.example/cb").authorize("&scope=openid")).await;
            assert_eq!((page.asks_to_sign_in(), page.path.starts_with("/oauth2/error")), (lets_in, !lets_in), "{host}");
        }
        assert_eq!(website.resolved(), ["client.example"]);
        // An administrator allows one more, and refuses a listed one.
        let other = website.url("other.example", "/client.json");
        let (done, said) = server.applications(&["allow", &other]).await;
        assert!(done, "{said}");
        let path = client(&other, "https://client.example/cb").authorize("&scope=openid");
        website.document(&other, document(), "");
        assert!(server.anonymous().get(&path).await.expect(200).text.contains("action=\"/sign-in\""));
        let listed = website.url("client.example", "/client.json");
        server.applications(&["refuse", &listed]).await;
        let path = client(&listed, "https://client.example/cb").authorize("&scope=openid");
        assert!(server.anonymous().get(&path).await.header("location").unwrap().starts_with("/oauth2/error"));
        for (wrong, why) in [
            ("client_id_metadata = \"listed\"\nclient_id_metadata_hosts = []", "lists nothing"),
            ("client_id_metadata = \"listed\"\nclient_id_metadata_hosts = [\"https://client.example\"]", "is no host"),
            ("client_id_metadata = \"any\"\nclient_id_metadata_hosts = [\"client.example\"]", "goes with"),
            ("client_id_metadata = \"sometimes\"", "must be 'off'"),
            ("dynamic_client_registration = \"yes\"", "must be 'off' or 'on'"),
        ] {
            let refused = server.declare(&policy(wrong)).await;
            assert!(refused.code == 1 && refused.err.contains(why), "{wrong}: {}", refused.err);
        }
    }

    async fn an_administrator_is_asked_once_and_decides_for_all_nodes(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let other = first.on_the_web(&website).await;
        server.declare(&policy("client_id_metadata = \"ask\"")).await.done();
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        server.person("ada@example.com").await;
        let application = client(&url, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        for _ in 0..3 {
            let page = browser.open(&application.authorize("&scope=openid")).await;
            assert_eq!(page.status, 403);
            assert!(page.html.contains(&format!("The application from client.example:{}", website.port)), "{}", page.html);
            assert!(page.left_to.is_none() && page.html.contains("req_"));
        }
        let german = Browser::new(&server).open(&format!("{}&lang=de", application.authorize("&scope=openid"))).await;
        assert!(german.html.contains("muss erst erlaubt werden"), "{}", german.html);
        assert_eq!(website.resolved(), Vec::<String>::new(), "nothing is fetched before");
        let (_, list) = server.applications(&["list"]).await;
        assert_eq!(list.lines().count(), 1, "{list}");
        assert!(list.starts_with(&format!("{url}  pending since ")), "{list}");

        let (done, said) = server.applications(&["allow", &url]).await;
        assert!(done && said.contains("may now sign people in"), "{said}");
        other.app.catch_up().await;
        browser.move_to(&other);
        let page = arrive(&other, &mut browser, &application, "&scope=openid+offline_access").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = other.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let (_, list) = server.applications(&["list"]).await;
        assert!(list.starts_with(&format!("{url}  allowed ")), "{list}");

        let (done, said) = server.applications(&["refuse", &url]).await;
        assert!(done && said.contains("has ended"), "{said}");
        other.app.catch_up().await;
        other.refresh(&application, &tokens.text_at("refresh_token")).await.expect(401);
        let introspector = server.introspector().await;
        assert_eq!(other.introspected(&introspector, &tokens.text_at("access_token")).await["active"], false);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert!(page.html.contains("The application made a mistake"), "{}", page.html);
        server.declare(&policy("client_id_metadata = \"any\"")).await.done();
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert!(page.left_to.is_none() && !page.html.contains("/consent"), "refused is refused: {}", page.html);
        for wrong in ["http://client.example/x", "client.example", "https://client.example/"] {
            let (done, said) = server.applications(&["allow", wrong]).await;
            assert!(!done && said.contains("cannot be the metadata document"), "{said}");
        }
    }

    async fn each_environment_has_its_own_clients(first: TestServer) {
        let website = Website::start().await;
        let server = first.on_the_web(&website).await;
        let another = first.another_environment_with("[environment.clients]\nclient_id_metadata = \"any\"").await;
        server.app.catch_up().await;
        let url = website.url("client.example", "/client.json");
        website.document(&url, document(), "");
        let path = client(&url, "https://client.example/cb").authorize("&scope=openid");
        let there = server.anonymous().with_host(&another.authority);
        assert!(there.get(&path).await.expect(200).text.contains("action=\"/sign-in\""));
        let here = server.anonymous().get(&path).await.expect(302);
        assert_eq!(here.header("location"), Some("/oauth2/error?error=application_not_found"), "off here");
        server.declare(&policy("client_id_metadata = \"any\"")).await.done();
        assert!(server.anonymous().get(&path).await.expect(200).text.contains("action=\"/sign-in\""));
        let list = "/connect/applications?registration_types=dynamic";
        let (ours, theirs) = (server.management().get(list).await.expect_list(), another.management.get(list).await.expect_list());
        assert_eq!((ours.len(), theirs.len()), (1, 1));
        assert_ne!(ours[0]["id"], theirs[0]["id"]);
        let id = theirs[0]["id"].as_str().unwrap();
        server.management().get(&format!("/connect/applications/{id}")).await.expect(404);
        server.management().delete(&format!("/connect/applications/{id}")).await.expect(404);
        server.management().put(&format!("/connect/applications/{id}"), json!({"description": "x"})).await.expect(404);
    }
}
