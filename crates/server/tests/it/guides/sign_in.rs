//! Applications that people sign in to.

use super::machines::clients_are_installed;
use super::reader::Reader;
use crate::harness::{Backend, Browser, Database, Page, TestServer, on_both_databases, run};
use reqwest::{Client, redirect::Policy};

/// Visits the application of the sign-in guide in a browser and agrees; returns what it shows in the end.
async fn visit(server: &TestServer, browser: &mut Browser, application: &str) -> String {
    let elsewhere = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let left = elsewhere.get(application).send().await.unwrap();
    let to = left.headers()["location"].to_str().unwrap().to_owned();
    let mut page = browser.open(to.strip_prefix(&server.base_url).unwrap()).await;
    if page.asks_to_sign_in() {
        page = server.sign_in(browser, &page, "ada@example.com").await;
    }
    if page.left_to.is_none() {
        page = agree(browser, &page).await;
    }
    elsewhere.get(page.left_to.unwrap()).send().await.unwrap().text().await.unwrap()
}

async fn agree(browser: &mut Browser, page: &Page) -> Page {
    assert!(page.html.contains("Partner Reports") && page.html.contains("Read your reports"), "{}", page.html);
    browser.submit(page, "/consent", &[("decision", "allow")]).await
}

on_both_databases! {
    async fn sign_in_sign_out_and_another_api(server: TestServer) {
        if !clients_are_installed("sign-in.md") {
            return;
        }
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("sign-in.md");
        reader.paste("manage() {").await;
        reader.paste("ORGANIZATION=").await;
        reader.paste("manage POST /authorization/permissions").await;
        reader.paste("cd \"$(mktemp -d)\"").await;
        let address = reader.filled_in("http://localhost:3000");
        let mut browser = Browser::new(&server);
        let ready = format!("Open {address} in a browser.");
        reader.start("node application.mjs", &ready).await;
        let shown = visit(&server, &mut browser, &address).await;
        assert!(shown.contains("\"email\": \"ada@example.com\"") && shown.contains("reports:read"), "{shown}");
        reader.pass_over("countersign serve");

        reader.open("sign-out.md");
        assert!(reader.paste("curl -s -X PUT").await.contains("/signed-out"));
        reader.save("import { createServer } from 'node:http';\nimport { createRemoteJWKSet", "signed-out.mjs").await;
        reader.type_in("npm install jose@6.2.17; kill $!; wait $! || true").await;
        reader.start("node signed-out.mjs &\nnode application.mjs", &ready).await;
        reader.until_it_prints("curl -s -o /dev/null -w '%{http_code}' http://localhost:3001 || true", "400").await;
        visit(&server, &mut browser, &address).await;
        let page = browser.open("/sign-out").await;
        assert_eq!(browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await.path, "/signed-out");
        reader.until("This session has ended: ").await;
        reader.pass_over("countersign serve --outbound-allow");

        reader.open("token-exchange.md");
        assert!(reader.paste("for uri in").await.contains("https://api.example.com/"));
        reader.paste("GATEWAY=").await;
        reader.type_in("kill $!; wait $! || true").await;
        // "The second and the fourth of these."
        for begins in ["  const to = oauth", "  const tokens = await"] {
            let shown = reader.shown(begins);
            let (before, line) = shown.split_once('\n').unwrap();
            let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
            let change = "import sys; text = open('application.mjs').read(); assert sys.argv[1] in text; \
                open('application.mjs', 'w').write(text.replace(sys.argv[1], sys.argv[1] + '\\n' + sys.argv[2]))";
            reader.type_in(&format!("python3 -c {} {} {}", quoted(change), quoted(before), quoted(line))).await;
        }
        reader.type_in("node application.mjs &").await;
        reader.until(&ready).await;
        visit(&server, &mut browser, &address).await;
        reader.until("eyJ").await;
        let token = format!("eyJ{}", reader.until("\n").await);
        reader.answer("read -rp", &token).await;
        let exchanged = reader.paste("curl -sS").await;
        assert!(exchanged.contains("\"issued_token_type\":") && exchanged.contains("\"scope\":\"openid\""), "{exchanged}");
        reader.done();
    }

    async fn an_application_for_the_clients_that_are_shown(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("clients.md");
        reader.fill_in("http://localhost:8080   # Issuer", &server.base_url);
        reader.fill_in("sk_...", &server.api_key);
        reader.paste("export ISSUER=").await;
        let made = reader.paste("curl -sS").await;
        let (_, id) = made.split_once("\"client_id\":\"").unwrap();
        reader.fill_in("client_...", id.split('"').next().unwrap());
        let made = reader.paste("export CLIENT_ID=").await;
        let (_, secret) = made.split_once("\"secret\":\"").unwrap();
        reader.fill_in("CLIENT_SECRET=...", &format!("CLIENT_SECRET={}", secret.split('"').next().unwrap()));
        reader.paste("export CLIENT_SECRET=").await;
        reader.done();
        // They are good for what comes next.
        let refused = reader
            .type_in("curl -s $ISSUER/oauth2/token -u $CLIENT_ID:$CLIENT_SECRET -d grant_type=authorization_code -d code=x")
            .await;
        assert!(refused.contains("invalid_grant"), "{refused}");
    }

    async fn mcp_servers_and_their_clients(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("mcp.md");
        reader.paste("cat > countersign.toml").await;
        // A running server takes it over within a second.
        let discovery = "curl -s http://localhost:8080/.well-known/oauth-authorization-server";
        reader.until_it_prints(discovery, "registration_endpoint").await;
        let told = reader.paste("curl -s").await;
        assert!(told.contains("\"client_id_metadata_document_supported\":true"), "{told}");
        reader.pass_over("countersign applications list");
        assert!(reader.paste("curl -s").await.contains("\"client_id\":\"client_"));
        reader.pass_over("npm ci");
        reader.pass_over("curl -s https://mcp.example.com");
        reader.pass_over("countersign doctor");
        reader.done();
        reader.type_in("countersign applications list").await;
        reader.type_in("countersign applications allow https://claude.ai/oauth/claude-code-client-metadata").await;
        reader.type_in("countersign applications refuse https://somebody.example/client.json").await;
        let list = reader.type_in("countersign applications list").await;
        assert!(list.contains("claude.ai") && list.contains("somebody.example"), "{list}");
    }
}

/// The guide makes an installation of its own.
async fn the_product_keeps_its_login(backend: Backend) {
    let Some(database) = Database::fresh(backend).await else { return };
    let Some(mut reader) = Reader::on(&database, &[]).await else { return };
    reader.open("standalone-connect.md");
    reader.paste("cd \"$(mktemp -d)\"").await;
    reader.paste("export ISSUER=").await;
    let login = reader.paste("browser() {").await;
    assert!(login.contains(&reader.filled_in("http://localhost:3000/login?external_auth_id=")), "{login}");
    let choices = reader.paste("BACK=").await;
    assert!(choices.contains("Marketing") && choices.contains("Research"), "{choices}");
    let claims = reader.paste("hidden() {").await;
    assert!(claims.contains("\"urn:northwind:workspace\":\"ws_2\""), "{claims}");
    reader.paste("kill \"$SERVER\"").await;
    reader.done();
}

#[test]
fn the_product_keeps_its_login_sqlite() {
    run(the_product_keeps_its_login(Backend::Sqlite));
}

#[test]
fn the_product_keeps_its_login_postgres() {
    run(the_product_keeps_its_login(Backend::Postgres));
}
