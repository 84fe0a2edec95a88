//! `countersign apply`: declared, planned, idempotent, checked.

use crate::harness::{Browser, PASSWORD, TestServer, binary, on_both_databases};
use countersign::domain::audit_log::{self, Trail};
use countersign_protocol::secret::Secret;
use serde_json::{Value, json};
use std::process::Command;

const DECLARED: &str = r#"
[[environment]]
name = "default"
access_token_lifetime = 600

[[environment.api_key]]
name = "backend"
value = { env = "BACKEND_KEY" }

[[environment.permission]]
slug = "posts:read"
name = "Read posts"
description = "See what was written"

[[environment.organization]]
external_id = "acme"
name = "Acme"
metadata = { tier = "gold" }
domains = [{ domain = "acme.example.com", state = "verified" }, { domain = "acme.example.org" }]

[[environment.application]]
name = "Reporting"
application_type = "m2m"
organization = "acme"
scopes = ["posts:read"]
client_id = "client_01EHZNVPK3SFK441A1RGBFSHRT"
secrets = [{ file = "reporting.secret" }]

[[environment.application]]
name = "Forum"
application_type = "oauth"
is_first_party = true
redirect_uris = [{ uri = "https://forum.example.com/cb" }]

[[environment]]
name = "second"
issuer = "http://localhost:45678"
kind = "staging"
signing_algorithm = "ES256"

[[environment.api_key]]
name = "other"
value = { env = "OTHER_KEY" }
"#;

const PEOPLE: &str = r#"
[[environment]]
name = "default"
jwt_template = """
{
  "who": "{{ user.email }}"
}
"""

[[environment.organization]]
external_id = "acme"
name = "Acme"

[[environment.user]]
email = "ada@example.com"
email_verified = true
first_name = "Ada"
last_name = "Lovelace"
external_id = "customer-7"
password_hash = { file = "ada.hash" }
password_hash_type = "argon2"
memberships = [{ organization = "acme", roles = ["admin", "member"] }]

[[environment.user]]
email = "grace@example.com"
external_id = "customer-8"
memberships = [{ organization = "acme" }]
"#;

const SECRET: &str = "reporting-secret-of-at-least-thirty-two-characters";
const BACKEND: &str = "sk_backend_key_of_at_least_thirty_two_characters";
const OTHER: &str = "sk_other_key_of_at_least_thirty_two_characters";

struct Applied {
    code: Option<i32>,
    out: String,
    err: String,
}

fn apply(server: &TestServer, text: &str, check: bool) -> Applied {
    let directory = server.database.directory.path();
    let file = directory.join("declared.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::write(directory.join("reporting.secret"), format!("{SECRET}\n")).unwrap();
    let data = directory.join("data");
    let mut command = Command::new(binary());
    command.args([
        "apply",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--database",
        &server.database.url,
    ]);
    command.env("BACKEND_KEY", BACKEND).env("OTHER_KEY", OTHER);
    if check {
        command.arg("--check");
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Applied { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = std::time::Instant::now();
    while !done().await {
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{what}");
    }
}

const ADDRESSES: &str = r#"
redirect_uris = ["https://app.example.com/cb", "https://app.example.com/other"]
sign_out_uris = ["https://app.example.com/bye"]
cors_origins = ["https://app.example.com"]
resources = ["https://api.example.com/", "https://mcp.example.com/mcp"]
default_resource = "https://mcp.example.com/mcp"
"#;

on_both_databases! {
    async fn addresses_are_declared_as_whole_lists(server: TestServer) {
        let management = server.management();
        let uris = async |path: &str, name: &str| -> Vec<String> {
            let rows = management.get(path).await.expect_list();
            let mut all: Vec<String> = rows.iter().map(|row| {
                let default = if row["default"] == true { " (default)" } else { "" };
                format!("{}{default}", row[name].as_str().unwrap())
            }).collect();
            all.sort();
            all
        };
        let declared = server.declare(ADDRESSES).await.done();
        assert!(declared.out.contains("+ redirect URI https://app.example.com/cb"), "{}", declared.out);
        let head = async || countersign_store::change::head(&mut server.app.store.reader().await.unwrap()).await.unwrap();
        let before = head().await;
        assert_eq!(server.declare(ADDRESSES).await.done().out, "Nothing to change.\n");
        assert_eq!(head().await, before, "no node has anything to follow");
        let redirects = "/user_management/redirect_uris";
        assert_eq!(uris(redirects, "uri").await, ["https://app.example.com/cb (default)", "https://app.example.com/other"]);
        assert_eq!(uris("/user_management/redirect_uris?purpose=sign_out", "uri").await, ["https://app.example.com/bye (default)"]);
        assert_eq!(uris("/user_management/cors_origins", "origin").await, ["https://app.example.com"]);
        let resources = "/user_management/authkit_oauth_resources";
        assert_eq!(uris(resources, "uri").await, ["https://api.example.com/", "https://mcp.example.com/mcp (default)"]);

        let other = "redirect_uris = [\"https://app.example.com/other\", \"https://new.example.com/cb\"]\nresources = [\"https://mcp.example.com/mcp\"]\ncors_origins = []\n";
        let declared = server.declare(other).await.done();
        assert!(declared.out.contains("- redirect URI https://app.example.com/cb"), "{}", declared.out);
        assert!(declared.out.contains("~ default redirect URI: https://app.example.com/other"), "{}", declared.out);
        assert!(declared.out.contains("~ default resource: none"), "{}", declared.out);
        assert_eq!(uris(redirects, "uri").await, ["https://app.example.com/other (default)", "https://new.example.com/cb"]);
        assert_eq!(uris(resources, "uri").await, ["https://mcp.example.com/mcp"]);
        assert_eq!(uris("/user_management/cors_origins", "origin").await, [""; 0]);
        assert_eq!(uris("/user_management/redirect_uris?purpose=sign_out", "uri").await.len(), 1, "what is not named stays");

        for wrong in [
            "redirect_uris = [\"https://*.example.com/cb\"]\n", "redirect_uris = [\"javascript:alert(1)\"]\n",
            "cors_origins = [\"https://app.example.com/path\"]\n", "default_resource = \"https://mcp.example.com/mcp\"\n",
            "resources = [\"https://a.example\"]\ndefault_resource = \"https://b.example\"\n",
        ] {
            assert_ne!(server.declare(wrong).await.code, 0, "{wrong}");
        }
        assert_eq!(uris(redirects, "uri").await.len(), 2);
    }

    async fn a_file_is_checked_applied_and_then_there_is_nothing_to_change(server: TestServer) {
        let checked = apply(&server, DECLARED, true);
        assert_eq!(checked.code, Some(2), "{}", checked.err);
        assert!(checked.out.contains("+ organization acme") && checked.out.contains("Nothing was changed."), "{}", checked.out);
        server.anonymous().with_key(BACKEND).get("/organizations").await.expect(401);

        let applied = apply(&server, DECLARED, false);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        let lines = |text: &str| text.lines().filter(|line| line.starts_with(['+', '~'])).map(|l| l.split(", client id").next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&applied.out), lines(&checked.out), "the plan is what is done");

        // Nothing is reported either: not to other nodes, and not in the audit log.
        let head = async || countersign_store::change::head(&mut server.app.store.reader().await.unwrap()).await.unwrap();
        let trail = async || {
            let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
            let page = audit_log::list(store, key, server.environment_id(), &Trail::default(), None, 1000).await.unwrap();
            page.entries.len()
        };
        let before = (head().await, trail().await);
        for check in [true, false] {
            let again = apply(&server, DECLARED, check);
            assert_eq!((again.code, again.out.as_str()), (Some(0), "Nothing to change.\n"), "{}", again.err);
        }
        assert_eq!((head().await, trail().await), before);

        let client = server.anonymous().with_key(BACKEND);
        eventually("the key works", async || client.get("/organizations").await.status == 200).await;
        let organization = client.get("/organizations/external_id/acme").await.expect(200).json();
        assert_eq!(organization["metadata"]["tier"], "gold");
        assert_eq!(organization["domains"].as_array().unwrap().len(), 2);
        let ask = async || server.anonymous().token("client_01EHZNVPK3SFK441A1RGBFSHRT", SECRET).await;
        eventually("the lifetime is in force", async || ask().await.expect(200).json()["expires_in"] == 600).await;
        let token = ask().await.json();
        assert_eq!(token["scope"], "posts:read");

        // The second environment is another tenant, with its own issuer and algorithm.
        let second = server.anonymous().with_host("localhost:45678");
        eventually("the second environment serves", async || second.get("/oauth2/jwks").await.status == 200).await;
        assert_eq!(second.get("/oauth2/jwks").await.json()["keys"][0]["alg"], "ES256");
        assert_eq!(second.get("/.well-known/openid-configuration").await.json()["issuer"], "http://localhost:45678");
        let other = server.anonymous().with_key(OTHER);
        assert_eq!(other.get("/organizations").await.expect(200).json()["data"], serde_json::json!([]));
        second.token("client_01EHZNVPK3SFK441A1RGBFSHRT", SECRET).await.expect(401);
    }

    async fn changes_are_planned_and_made(server: TestServer) {
        apply(&server, DECLARED, false);
        let changed = DECLARED.replace("name = \"Acme\"", "name = \"Acme Corp\"").replace("Read posts", "Read all posts").replace("= 600", "= 900").replace("forum.example.com/cb", "forum.example.com/callback");
        let applied = apply(&server, &changed, false);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        for line in ["~ environment default", "~ permission posts:read", "~ organization acme", "~ application Forum", "4 changed."] {
            assert!(applied.out.contains(line), "{line}: {}", applied.out);
        }
        assert_eq!(apply(&server, &changed, false).out, "Nothing to change.\n");
    }

    async fn users_are_brought_along_with_their_passwords_and_memberships(server: TestServer) {
        let hash = server.app.passwords.hash(Secret::new(PASSWORD.to_owned())).await.unwrap();
        std::fs::write(server.database.directory.path().join("ada.hash"), format!("{hash}\n")).unwrap();
        server.management().role("admin").await;
        let checked = apply(&server, PEOPLE, true);
        assert_eq!(checked.code, Some(2), "{}", checked.err);
        assert_eq!(server.management().get("/user_management/users").await.expect_list(), Vec::<Value>::new());
        let applied = apply(&server, PEOPLE, false);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        for line in ["+ user ada@example.com", "+ membership of ada@example.com in acme", "+ user grace@example.com", "+ JWT template", "6 changed."] {
            assert!(applied.out.contains(line), "{line}: {}", applied.out);
        }
        for check in [true, false] {
            let again = apply(&server, PEOPLE, check);
            assert_eq!((again.code, again.out.as_str()), (Some(0), "Nothing to change.\n"), "{}", again.err);
        }
        let management = server.management();
        let user = management.get("/user_management/users/external_id/customer-7").await.expect(200).json();
        assert_eq!((&user["email"], &user["email_verified"], &user["first_name"]), (&json!("ada@example.com"), &json!(true), &json!("Ada")));
        let list = format!("/user_management/organization_memberships?user_id={}&statuses=active,inactive", user["id"].as_str().unwrap());
        assert_eq!(management.get(&list).await.expect_list()[0]["roles"], json!([{"slug": "admin"}, {"slug": "member"}]));
        // An empty string removes the template, once; the last iteration restores it for what follows.
        for (content, told) in [("", "- JWT template"), ("", "Nothing to change."), ("{\"who\": \"{{ user.email }}\"}", "+ JWT template")] {
            let declared = server.declare(&format!("jwt_template = '{content}'\n")).await.done();
            assert!(declared.out.contains(told), "{told}: {}", declared.out);
            let expected = if content.is_empty() { 404 } else { 200 };
            assert_eq!(server.management().get("/user_management/jwt_template").await.status, expected);
        }
        eventually("the template is in force", async || management.get("/user_management/jwt_template").await.status == 200).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        assert_eq!(server.sign_in(&mut browser, &page, "ada@example.com").await.path, "/account");

        // What the file declares is changed; what the users have done since stays.
        let id = user["id"].as_str().unwrap();
        management.put(&format!("/user_management/users/{id}"), json!({"password": "another-quiet-lighthouse-7"})).await.expect(200);
        let changed = PEOPLE.replace("\"Ada\"", "\"Augusta\"").replace("[\"admin\", \"member\"]", "[\"member\"]").replace("user.email", "user.id");
        let applied = apply(&server, &changed, false);
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        for line in ["~ user ada@example.com", "~ membership of ada@example.com in acme", "~ JWT template", "3 changed."] {
            assert!(applied.out.contains(line), "{line}: {}", applied.out);
        }
        let page = browser.open("/sign-in").await;
        assert_ne!(server.sign_in(&mut browser, &page, "ada@example.com").await.path, "/account", "the old password does not come back");
        let membership = management.get(&list).await.expect_list().remove(0);
        management.put(&format!("/user_management/organization_memberships/{}/deactivate", membership["id"].as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!(apply(&server, &changed, false).out, "Nothing to change.\n", "who was suspended stays so");
        // The same user with another address.
        let moved = changed.replace("ada@example.com", "lovelace@example.com").replace("email_verified = true", "");
        assert!(apply(&server, &moved, false).out.contains("~ user lovelace@example.com"));
        let user = management.get("/user_management/users/external_id/customer-7").await.expect(200).json();
        assert_eq!((&user["id"], &user["email"], &user["email_verified"]), (&json!(id), &json!("lovelace@example.com"), &json!(false)));
    }

    async fn what_is_wrong_with_a_user_is_told_and_nothing_is_changed(server: TestServer) {
        std::fs::write(server.database.directory.path().join("ada.hash"), "not a hash, but long enough to be one of those").unwrap();
        let check = |text: &str, expected: &str| {
            let applied = apply(&server, text, false);
            assert_eq!(applied.code, Some(1), "{}", applied.out);
            assert!(applied.err.contains(expected), "{expected}: {}", applied.err);
        };
        check(PEOPLE, "its password_hash is no hash of this type");
        let plain = PEOPLE.replace("password_hash = { file = \"ada.hash\" }\n", "").replace("password_hash_type = \"argon2\"\n", "");
        check(&plain.replace("organization = \"acme\"", "organization = \"nobody\""), "there is no organization 'nobody'");
        check(&plain, "admin");
        let plain = plain.replace("[\"admin\", \"member\"]", "[\"member\"]");
        check(&plain.replace("grace@example.com", "ADA@example.com"), "belongs to the user with the external_id 'customer-7'");
        check(&plain.replace("ada@example.com", "nobody"), "The email address is not valid");
        check(&plain.replace("email_verified = true", "password_hash_type = \"bcrypt\""), "go with password_hash");
        check(&plain.replace("email_verified = true", "password = \"in the clear\""), "unknown field");
        check(&plain.replace("\"who\"", "\"sub\""), "must not set the claim 'sub'");
        assert_eq!(server.management().get("/user_management/users").await.expect_list(), Vec::<Value>::new(), "all or nothing");
    }

    async fn what_is_wrong_is_told_and_nothing_is_changed(server: TestServer) {
        let check = |text: &str, expected: &str| {
            let applied = apply(&server, text, false);
            assert_eq!(applied.code, Some(1), "{}", applied.out);
            assert!(applied.err.contains(expected), "{expected}: {}", applied.err);
        };
        check("[[environment.webhook_endpoint]]\nendpoint_url = \"https://a.example.com\"", "put [[environment]] and a line such as name");
        check("[environment]\nname = \"default\"", "in two brackets");
        check("[[environment]]\nname = \"default\"\nissuerr = 1", "unknown field `issuerr`");
        check("[[environment]]\nname = \"default\"\n[[environment.api_key]]\nname = \"x\"\nvalue = \"in the clear\"", "never in the file itself");
        check("[[environment]]\nname = \"default\"\n[[environment.api_key]]\nname = \"x\"\nvalue = { env = \"NOT_SET_ANYWHERE\" }", "NOT_SET_ANYWHERE is not set");
        check("[[environment]]\nname = \"new\"", "needs an issuer");
        check("[[environment]]\nname = \"new\"\nissuer = \"http://auth.example.com\"", "must be https");
        check("[[environment]]\nname = \"default\"\nissuer = \"https://other.example.com\"", "for its whole life");
        check(&format!("[[environment]]\nname = \"new\"\nissuer = \"{}\"", server.base_url), "belongs to another environment");
        check(&DECLARED.replace("scopes = [\"posts:read\"]", "scopes = [\"posts:write\"]"), "There is no permission 'posts:write'");
        check(&DECLARED.replace("organization = \"acme\"", "organization = \"nobody\""), "there is no organization 'nobody'");
        check(&DECLARED.replace("https://forum.example.com/cb", "javascript:alert(1)"), "not allowed");
        let listed = server.management().get("/organizations").await.expect(200).json();
        assert_eq!(listed["data"], serde_json::json!([]), "all or nothing");
    }
}

#[test]
fn what_is_wrong_for_an_empty_place_is_told_before_anything_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let (file, data) = (directory.path().join("declared.toml"), directory.path().join("data"));
    let key = "\n[[environment.api_key]]\nname = \"x\"\nvalue = { env = \"NOT_SET_ANYWHERE\" }";
    for (text, expected) in [
        ("[[environment]]\nname = \"new\"".to_owned(), "environment 'new': a new environment needs an issuer."),
        (
            format!("[[environment]]\nname = \"new\"\nissuer = \"http://localhost:1\"{key}"),
            "NOT_SET_ANYWHERE is not set",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        for flags in [[].as_slice(), &["--check"]] {
            let mut command = Command::new(binary());
            command.arg("apply").arg(&file).args(flags).arg("--data").arg(&data);
            let done = command.output().unwrap();
            let said = String::from_utf8(done.stderr).unwrap();
            assert!(done.status.code() == Some(1) && said.contains(expected), "{said}");
            assert!(!data.exists(), "nothing was made");
        }
    }
}
