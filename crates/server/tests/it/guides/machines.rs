//! Credentials for programs, and the page on which an organization looks after its own.

use super::reader::Reader;
use crate::harness::{Browser, TestServer, navigation, on_both_databases, skip};
use std::path::Path;

/// Whether the client libraries are installed that the guides install.
pub fn clients_are_installed(guide: &str) -> bool {
    let conformance = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
    let there = conformance.join("node/node_modules").exists() && conformance.join("python/.venv").exists();
    if !there {
        skip(guide, "client libraries are missing (scripts/install-clients installs them)");
    }
    there
}

on_both_databases! {
    async fn machine_credentials_in_five_minutes(server: TestServer) {
        if !clients_are_installed("quickstart-m2m.md") {
            return;
        }
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("quickstart-m2m.md");
        reader.pass_over("cargo run");
        reader.pass_over("export PATH=");
        reader.pass_over("export WORKOS_BASE_URL=");
        reader.paste("# Calls the management API").await;
        assert!(reader.paste("ORGANIZATION=").await.contains("\"application_type\":\"m2m\""));
        assert!(reader.paste("SECRET=").await.contains("\"secret\":"));
        assert!(reader.paste("ANSWER=").await.contains("\"scope\":\"invoices:read\""));
        let claims = reader.paste("python3 - \"$TOKEN\"").await;
        assert!(claims.contains("\"org_id\": \"org_") && claims.contains("\"scope\": \"invoices:read\""), "{claims}");
        let answers = reader.paste("cd \"$(mktemp -d)\"").await;
        assert!(answers.contains("{\"organization\":\"org_") && answers.contains("{\"error\":"), "{answers}");
        assert!(reader.paste("python3 -m venv").await.contains("org_"));
        assert!(reader.paste("introspect() {").await.contains("\"active\":true"));
        assert!(reader.paste("curl -sS \"$WORKOS_BASE_URL/oauth2/revoke\"").await.contains("200\n{\"active\":false}"));
        let replaced = reader.paste("TOKEN=").await;
        let (before, after) = replaced.split_once("{\"active\":false}").unwrap();
        assert!(before.contains("\"active\":true") && after.contains("invalid_client"), "{replaced}");
        assert!(reader.paste("curl -sS \"$WORKOS_BASE_URL/oauth2/token\"").await.contains("access_token"));
        assert!(reader.paste("cat > manage.mjs").await.contains("Globex import client_"));
        assert!(reader.paste("cat > manage.py").await.contains("Initech import client_"));
        reader.paste("manage DELETE").await;
        reader.done();
        let left = server.management().get("/organizations").await.expect_list();
        assert_eq!(left.len(), 2, "of the SDKs: {left:?}");
    }

    async fn api_keys_of_organizations(server: TestServer) {
        if !clients_are_installed("api-keys.md") {
            return;
        }
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.open("api-keys.md");
        assert!(reader.paste("ORGANIZATION=").await.contains("\"value\":\"sk_"));
        let told = reader.paste("manage POST /api_keys/validations").await;
        assert!(told.contains("\"permissions\":[\"reports:read\"]") && told.contains("{\"api_key\":null}"), "{told}");
        let answers = reader.paste("cd \"$(mktemp -d)\"").await;
        assert!(answers.contains("\"reports\":[]") && answers.contains("This is no API key"), "{answers}");
        assert!(reader.paste("manage GET").await.contains("Nightly report"));
        let ended = reader.paste("IN_AN_HOUR=").await;
        assert!(ended.contains("\"expires_at\":\"") && ended.contains("{\"api_key\":null}"), "{ended}");
        reader.done();
    }

    async fn an_organizations_own_page(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.open("portal.md");
        let link = reader.paste("ORGANIZATION=").await;
        let mut browser = Browser::new(&server);
        browser.headers = navigation();
        let page = browser.open(link.trim().strip_prefix(&server.base_url).unwrap()).await;
        assert!(page.status == 200 && page.html.contains("Acme"), "{}", page.html);
        assert!(reader.paste("manage POST /authorization/permissions").await.contains("\"slug\":\"it-admin\""));
        reader.done();
        let mut browser = Browser::new(&server);
        let page = browser.open("/portal").await;
        let page = server.sign_in(&mut browser, &page, "joan@example.com").await;
        assert!(page.html.contains("Acme"), "{} {}", page.path, page.html);
    }
}
