//! Client libraries as customers use them, against a real server: the scripts in `conformance/`, each a process of its
//! own. `scripts/install-clients` installs what they need.

use crate::harness::{TestServer, on_both_databases, skip};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(name)
}

/// Runs a script with what it must know about the server; fails with all it said unless it succeeds.
async fn run(server: &TestServer, mut command: Command) {
    command
        .env("COUNTERSIGN_BASE_URL", &server.base_url)
        .env("COUNTERSIGN_API_KEY", &server.api_key)
        .env("COUNTERSIGN_CLIENT_ID", &server.client_id)
        // The server is on this machine, and no proxy is asked for it.
        .envs([("NO_PROXY", "localhost"), ("no_proxy", "localhost")])
        .stdin(Stdio::null());
    // On a thread of its own: the server that it talks to lives in this process and must go on.
    let (command, output) = tokio::task::spawn_blocking(move || {
        let output = command.output();
        (command, output)
    })
    .await
    .unwrap();
    let output = output.unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn node(server: &TestServer, script: &str) {
    let folder = folder("node");
    if !folder.join("node_modules").exists() {
        return skip(script, "conformance/node/node_modules is missing (scripts/install-clients makes it)");
    }
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=spec", "--test-timeout=120000", script]).current_dir(folder);
    run(server, command).await;
}

async fn python(server: &TestServer, script: &str) {
    let folder = folder("python");
    let interpreter = folder.join(".venv/bin/python");
    if !interpreter.exists() {
        return skip(script, "conformance/python/.venv is missing (scripts/install-clients makes it)");
    }
    let mut command = Command::new(interpreter);
    command.args(["-B", script, "--verbose"]).current_dir(folder);
    run(server, command).await;
}

on_both_databases! {
    async fn the_workos_sdk_for_node_works_unmodified(server: TestServer) {
        node(&server, "workos-sdk.test.mjs").await;
    }

    async fn jose_verifies_an_access_token(server: TestServer) {
        node(&server, "jose.test.mjs").await;
    }

    async fn openid_client_needs_nothing_but_the_issuer(server: TestServer) {
        node(&server, "openid-client.test.mjs").await;
    }

    async fn people_sign_in_to_applications_in_a_real_browser(server: TestServer) {
        if !Path::new("/usr/bin/chromium").exists() {
            return skip("sign-in.test.mjs", "/usr/bin/chromium is missing (Debian: apt-get install chromium)");
        }
        node(&server, "sign-in.test.mjs").await;
    }

    async fn an_application_may_send_people_on_to_another_origin(server: TestServer) {
        if !Path::new("/usr/bin/chromium").exists() {
            return skip("onward.test.mjs", "/usr/bin/chromium is missing (Debian: apt-get install chromium)");
        }
        node(&server, "onward.test.mjs").await;
    }

    async fn the_workos_sdk_for_python_pyjwt_and_authlib_work_unmodified(server: TestServer) {
        python(&server, "test_workos_sdk.py").await;
    }
}
