//! The official MCP client with an MCP server (`examples/mcp-server`): with dynamic registration, and with a metadata
//! document on a website that the harness makes reachable.

use super::{CHROMIUM, Script, folder, installed};
use crate::harness::{Backend, TestServer, Website, on_both_databases, run, skip};
use serde_json::json;
use std::path::Path;

const ON: &str = "[environment.clients]\nclient_id_metadata = \"any\"\ndynamic_client_registration = \"on\"";
const NAME: &str = "A program with a document";

async fn connects(backend: Backend) {
    const FILE: &str = "mcp.test.mjs";
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mcp-server/node_modules");
    if !folder("node").join("node_modules").exists() || !example.exists() {
        return skip(FILE, "its packages are missing (scripts/install-clients installs them)");
    }
    if !installed(FILE, &[CHROMIUM]) {
        return;
    }
    let website = Website::start().await;
    let Some(server) = TestServer::start_on_the_web(backend, &website).await else { return };
    server.declare(ON).await.done();
    let url = website.url("client.example", "/oauth/client.json");
    website.document(&url, json!({"client_name": NAME, "redirect_uris": ["http://127.0.0.1/callback"]}), "");
    let TestServer { base_url, api_key, client_id, .. } = &server;
    let variables = vec![("MCP_CLIENT_METADATA_URL", url.as_str()), ("MCP_CLIENT_NAME", NAME)];
    Script { file: FILE, base_url, api_key, client_id, variables }.run().await;
}

on_both_databases! {
    async fn the_conformance_tests_for_authorization_servers_pass(server: TestServer) {
        if !folder("mcp").join("node_modules").exists() {
            return skip("mcp-conformance.test.mjs", "conformance/mcp/node_modules is missing (scripts/install-clients makes it)");
        }
        server.declare(ON).await.done();
        crate::clients::browser(&server, "mcp-conformance.test.mjs", &[]).await;
    }
}

#[test]
fn the_mcp_client_connects_sqlite() {
    run(connects(Backend::Sqlite));
}

#[test]
fn the_mcp_client_connects_postgres() {
    run(connects(Backend::Postgres));
}
