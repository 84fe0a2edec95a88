//! The environments of the installation, and each one's settings.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::Value;

const LIST: &str = "/dashboard/environments";
const NEW: &str = "/dashboard/environments/new";
const SETTINGS: &str = "/dashboard/env/default/settings";

/// Returns the first copyable value on a page.
#[track_caller]
fn copyable(html: &str) -> String {
    let (_, rest) = html.split_once("<span class=\"copyable\"><code>").unwrap_or_else(|| panic!("{html}"));
    rest.split('<').next().unwrap().to_owned()
}

on_both_databases! {
    async fn an_environment_is_made_and_works_at_once(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(NEW).await;
        for (name, kind, issuer, told) in [
            ("", "staging", "http://localhost:1", "Name is required"),
            ("Not a slug", "staging", "http://localhost:1", "lower-case letters"),
            ("second", "", "http://localhost:1", "Choose what it is for"),
            ("second", "production", "https://id.example.com/path", "must be an origin"),
            ("second", "production", "http://id.example.com", "must be https"),
            ("default", "production", "https://id.example.com", "The name belongs to another environment"),
        ] {
            let answer = admin.submit(&page, NEW, &[("name", name), ("kind", kind), ("issuer", issuer)]).await;
            assert_eq!(answer.status, 422, "{name} {issuer}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            let form = answer.form(NEW);
            assert_eq!((form.fields["name"].as_str(), form.fields["issuer"].as_str()), (name, issuer));
        }
        let made = admin.submit(&page, NEW, &[("name", "second"), ("kind", "production"), ("issuer", "https://id.example.com")]).await;
        assert_eq!(made.status, 201, "{}", made.html);
        assert!(made.html.contains("id.example.com") && made.html.contains("a DNS record"), "{}", made.html);
        let key = copyable(&made.html);
        assert!(!admin.open(LIST).await.html.contains(&key), "shown once");
        let theirs = server.anonymous().with_key(&key);
        theirs.organization("Theirs").await;
        assert!(server.management().get("/organizations").await.expect_list().is_empty());
        let discovery = server.anonymous().with_host("id.example.com").get("/.well-known/openid-configuration").await;
        assert_eq!(discovery.expect(200).json()["issuer"], "https://id.example.com");
        let page = admin.open("/dashboard/env/second/roles").await;
        assert!(page.html.contains("Member"), "the default role is there: {}", page.html);
        let page = admin.open(NEW).await;
        let again = admin.submit(&page, NEW, &[("name", "third"), ("kind", "production"), ("issuer", "https://id.example.com")]).await;
        assert!(again.status == 422 && again.html.contains("The issuer belongs to another environment"), "{}", again.html);
    }

    async fn settings_are_saved_and_count_at_once(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let (client_id, secret) = server.management().credential(&[]).await;
        let page = admin.open(SETTINGS).await;
        let form = page.form(SETTINGS);
        let field = |name: &str| form.fields[name].as_str();
        assert_eq!((field("access_token_lifetime"), field("maximum_length"), field("inactivity_timeout")), ("5 minutes", "30 days", "7 days"));
        assert_eq!((field("kind"), field("password"), field("sign_up")), ("staging", "yes", "yes"));
        let changed = [("access_token_lifetime", "90 seconds"), ("inactivity_timeout", "12h"), ("session_issuer", "https://api.example.com")];
        let page = admin.submit(&page, SETTINGS, &changed).await;
        assert!(page.html.contains("Saved.") && page.html.contains("12 hours"), "{}", page.html);
        let token = server.anonymous().token(&client_id, &secret).await.expect(200).json();
        assert_eq!(token["expires_in"], Value::from(90));
        let mut fields = page.form(SETTINGS).fields;
        fields.remove("sign_up");
        fields.insert("session_issuer".to_owned(), String::new());
        let page = admin.post(SETTINGS, &fields).await;
        let form = page.form(SETTINGS);
        assert!(!form.fields.contains_key("sign_up") && form.fields["session_issuer"].is_empty(), "{}", page.html);
    }

    async fn what_cannot_be_lived_with_is_said_and_what_was_typed_stays(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(SETTINGS).await;
        for (name, value, told) in [
            ("access_token_lifetime", "soon", "write a number and a unit"),
            ("access_token_lifetime", "10 seconds", "Lifetime of access tokens must be 30 to 86400 seconds"),
            ("maximum_length", "401 days", "must be 300 to"),
            ("inactivity_timeout", "31 days", "must not be longer"),
            ("inactivity_timeout", "5 minutes", "must be longer than an access token lives"),
            ("session_issuer", "javascript:alert(1)", ""),
        ] {
            let answer = admin.submit(&page, SETTINGS, &[(name, value)]).await;
            assert_eq!(answer.status, 422, "{name} {value}: {}", answer.html);
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            assert_eq!(answer.form(SETTINGS).fields[name], value);
        }
        let mut fields = page.form(SETTINGS).fields;
        fields.remove("password");
        fields.remove("magic_auth");
        let answer = admin.post(SETTINGS, &fields).await;
        assert!(answer.status == 422 && answer.html.contains("nobody could sign in"), "{}", answer.html);
        assert!(!answer.form(SETTINGS).fields.contains_key("password"));
        assert!(admin.open(SETTINGS).await.form(SETTINGS).fields.contains_key("password"), "nothing was saved");
    }

    async fn threat_34_settings_are_those_of_the_environment_in_the_path(server: TestServer) {
        let another = server.another_environment().await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let theirs = format!("/dashboard/env/{}/settings", another.name);
        let page = admin.open(&theirs).await;
        admin.submit(&page, &theirs, &[("access_token_lifetime", "60 seconds")]).await;
        assert_eq!(admin.open(&theirs).await.form(&theirs).fields["access_token_lifetime"], "1 minute");
        assert_eq!(admin.open(SETTINGS).await.form(SETTINGS).fields["access_token_lifetime"], "5 minutes");
        let list = admin.open(LIST).await;
        assert!(list.html.contains(&another.name) && !list.html.contains(">Countersign</a>"), "{}", list.html);
    }
}
