//! Client libraries as customers use them, against a real server: the scripts in `conformance/`, each in its own
//! process. `scripts/install-clients` installs what they need.

mod behind_a_proxy;
mod mail;
mod mail_server;
mod mcp;

use crate::harness::{TestServer, on_both_databases, skip};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(name)
}

/// A script of `conformance/node`, and the server it runs against.
struct Script<'a> {
    file: &'a str,
    base_url: &'a str,
    api_key: &'a str,
    client_id: &'a str,
    /// Additional environment variables.
    variables: Vec<(&'a str, &'a str)>,
}

impl Script<'_> {
    async fn run(self) {
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter=spec", "--test-timeout=120000", self.file]);
        command.current_dir(folder("node")).envs(self.variables);
        run(command, self.base_url, self.api_key, self.client_id).await;
    }
}

/// Runs a script with the server's parameters; panics with its output unless it succeeds.
async fn run(mut command: Command, base_url: &str, api_key: &str, client_id: &str) {
    command
        .env("COUNTERSIGN_BASE_URL", base_url)
        .env("COUNTERSIGN_API_KEY", api_key)
        .env("COUNTERSIGN_CLIENT_ID", client_id)
        // The server is on this machine, so no proxy is used for it.
        .envs([("NO_PROXY", "localhost"), ("no_proxy", "localhost")])
        .stdin(Stdio::null());
    // On a separate thread, because the server that it talks to runs in this process.
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

async fn node(server: &TestServer, file: &str) {
    if !folder("node").join("node_modules").exists() {
        return skip(file, "conformance/node/node_modules is missing (scripts/install-clients makes it)");
    }
    let TestServer { base_url, api_key, client_id, .. } = server;
    Script { file, base_url, api_key, client_id, variables: Vec::new() }.run().await;
}

/// A program installed by the system, not by `scripts/install-clients`: one of its files, and its Debian package.
type Program = (&'static str, &'static str);
const CHROMIUM: Program = ("/usr/bin/chromium", "chromium");
const RACKUP: Program = ("/usr/bin/rackup", "ruby-rack");
const WEBRICK: Program = ("/var/lib/dpkg/info/ruby-webrick.list", "ruby-webrick");
const OMNIAUTH: Program = ("/var/lib/dpkg/info/ruby-omniauth-openid-connect.list", "ruby-omniauth-openid-connect");
const APACHE: Program = ("/usr/sbin/apache2", "apache2-bin");
const MOD_AUTH_OPENIDC: Program = ("/usr/lib/apache2/modules/mod_auth_openidc.so", "libapache2-mod-auth-openidc");

/// Whether the programs are installed; prints a visible notice if one is missing.
fn installed(script: &str, programs: &[Program]) -> bool {
    let missing = programs.iter().find(|(file, _)| !Path::new(file).exists());
    if let Some((file, package)) = missing {
        skip(script, &format!("{file} is missing (Debian: apt-get install {package})"));
    }
    missing.is_none()
}

/// Runs a script that needs a real browser and other programs.
async fn browser(server: &TestServer, script: &str, programs: &[Program]) {
    if installed(script, &[&[CHROMIUM], programs].concat()) {
        node(server, script).await;
    }
}

async fn python(server: &TestServer, script: &str) {
    let folder = folder("python");
    let interpreter = folder.join(".venv/bin/python");
    if !interpreter.exists() {
        return skip(script, "conformance/python/.venv is missing (scripts/install-clients makes it)");
    }
    let mut command = Command::new(interpreter);
    command.args(["-B", script, "--verbose"]).current_dir(folder);
    run(command, &server.base_url, &server.api_key, &server.client_id).await;
}

on_both_databases! {
    async fn the_workos_sdk_for_node_works_unmodified(server: TestServer) {
        node(&server, "workos-sdk.test.mjs").await;
    }

    async fn webhooks_are_verified_by_the_sdks_and_by_standard_webhooks(server: TestServer) {
        node(&server, "webhooks.test.mjs").await;
    }

    async fn webhooks_are_verified_by_the_sdk_for_python(server: TestServer) {
        python(&server, "test_webhooks.py").await;
    }

    async fn jose_verifies_an_access_token(server: TestServer) {
        node(&server, "jose.test.mjs").await;
    }

    async fn openid_client_needs_nothing_but_the_issuer(server: TestServer) {
        node(&server, "openid-client.test.mjs").await;
    }

    async fn people_sign_in_to_applications_in_a_real_browser(server: TestServer) {
        browser(&server, "sign-in.test.mjs", &[]).await;
    }

    async fn people_sign_up_are_invited_reset_passwords_and_look_after_their_account(server: TestServer) {
        browser(&server, "journeys.test.mjs", &[]).await;
    }

    async fn a_forum_its_documentation_and_a_partner_beside_them(server: TestServer) {
        browser(&server, "surfaces.test.mjs", &[]).await;
    }

    async fn a_command_line_shows_a_code_and_gets_tokens(server: TestServer) {
        browser(&server, "device.test.mjs", &[]).await;
    }

    async fn an_application_with_a_login_of_its_own_and_its_oauth_clients(server: TestServer) {
        let script = "standalone.test.mjs";
        if !folder("../examples/existing-app/node_modules").exists() {
            return skip(script, "examples/existing-app/node_modules is missing (scripts/install-clients makes it)");
        }
        if !installed(script, &[CHROMIUM]) || !folder("node/node_modules").exists() {
            return skip(script, "conformance/node/node_modules is missing (scripts/install-clients makes it)");
        }
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let login = format!("[environment.standalone]\nlogin_uri = \"http://localhost:{port}/login\"");
        server.declare(&login).await.done();
        let TestServer { base_url, api_key, client_id, .. } = &server;
        let variables = vec![("EXISTING_APP_PORT", port.as_str())];
        Script { file: script, base_url, api_key, client_id, variables }.run().await;
    }

    async fn passport_in_an_express_application(server: TestServer) {
        browser(&server, "passport.test.mjs", &[]).await;
    }

    async fn omniauth_in_a_rack_application(server: TestServer) {
        browser(&server, "omniauth.test.mjs", &[RACKUP, WEBRICK, OMNIAUTH]).await;
    }

    async fn mod_auth_openidc_protects_a_page_of_apache(server: TestServer) {
        browser(&server, "mod-auth-openidc.test.mjs", &[APACHE, MOD_AUTH_OPENIDC]).await;
    }

    async fn an_application_may_send_people_on_to_another_origin(server: TestServer) {
        if !Path::new("/usr/bin/chromium").exists() {
            return skip("onward.test.mjs", "/usr/bin/chromium is missing (Debian: apt-get install chromium)");
        }
        node(&server, "onward.test.mjs").await;
    }

    async fn the_product_signs_people_in_with_the_workos_sdk_for_node(server: TestServer) {
        browser(&server, "user-management.test.mjs", &[]).await;
    }

    async fn a_page_without_a_back_end_signs_people_in_with_authkit_js(server: TestServer) {
        browser(&server, "authkit-js.test.mjs", &[]).await;
    }

    async fn the_workos_sdk_for_python_pyjwt_and_authlib_work_unmodified(server: TestServer) {
        python(&server, "test_workos_sdk.py").await;
    }
}

#[test]
fn the_documentation_shows_what_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = |name| std::fs::read_to_string(root.join(name)).unwrap();
    let page = page("docs/clients.md") + &page("docs/webhooks.md");
    let shown: Vec<&str> = page.split("<!-- ").skip(1).collect();
    assert!(shown.len() >= 8, "{}", shown.len());
    for part in shown {
        let (file, rest) = part.split_once(" -->\n```").unwrap();
        let (_, text) = rest.split_once('\n').unwrap();
        let (text, _) = text.split_once("\n```").unwrap();
        let run = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(run.contains(text), "the documentation shows what is not in {file}:\n{text}");
    }
}
