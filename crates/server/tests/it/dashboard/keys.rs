//! Management API keys, and the keys that sign tokens.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::Value;

const API_KEYS: &str = "/dashboard/env/default/api-keys";
const SIGNING_KEYS: &str = "/dashboard/env/default/signing-keys";

async fn published(server: &TestServer) -> Vec<String> {
    let keys = server.anonymous().get("/oauth2/jwks").await.expect(200).json()["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Returns the key ID of the key that signed a token.
fn signer(token: &str) -> String {
    use base64::Engine;
    let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&head).unwrap()["kid"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn an_api_key_is_shown_once_works_at_once_and_ends_at_once(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(API_KEYS).await;
        for (name, told) in [("", "Name is required"), ("default", "named &#39;default&#39; already")] {
            let refused = admin.submit(&page, API_KEYS, &[("name", name)]).await;
            assert_eq!((refused.status, refused.form(API_KEYS).fields["name"].as_str()), (422, name));
            assert!(refused.html.contains(told), "{}", refused.html);
        }
        let made = admin.submit(&page, API_KEYS, &[("name", "nightly <b>job</b>")]).await;
        assert!(made.status == 201 && !made.html.contains("<b>"), "{}", made.html);
        let (_, rest) = made.html.split_once("<span class=\"copyable\"><code>").unwrap();
        let value = rest.split('<').next().unwrap().to_owned();
        let client = server.anonymous().with_key(&value);
        client.get("/organizations").await.expect(200);
        let page = admin.open(API_KEYS).await;
        assert!(!page.html.contains(&value), "shown once");
        // The newest is listed first.
        let page = admin.submit(&page, &format!("{API_KEYS}/revoke"), &[]).await;
        assert!(page.html.contains("Revoked."), "{}", page.html);
        client.get("/organizations").await.expect(401);
        server.management().get("/organizations").await.expect(200);
    }

    async fn threat_34_a_key_of_another_environment_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let mut owner = server.staff(StaffRole::Owner).await;
        let theirs = format!("/dashboard/env/{}", another.name);
        let keys = owner.open(&format!("{theirs}/api-keys")).await;
        let fields = keys.form(&format!("{theirs}/api-keys/revoke")).fields;
        assert_eq!(owner.post(&format!("{API_KEYS}/revoke"), &fields).await.status, 404);
        another.management.get("/organizations").await.expect(200);
        let keys = owner.open(&format!("{theirs}/signing-keys")).await;
        let fields = keys.form(&format!("{theirs}/signing-keys/burn")).fields;
        assert_eq!(owner.post(&format!("{SIGNING_KEYS}/burn"), &fields).await.status, 404);
        assert!(owner.open(&format!("{theirs}/signing-keys")).await.html.contains(&fields["key_id"]));
    }

    async fn successors_are_published_first_and_sign_in_time_or_at_once(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let (client_id, secret) = server.management().credential(&[]).await;
        let before = published(&server).await;
        let page = admin.open(SIGNING_KEYS).await;
        let page = admin.submit(&page, SIGNING_KEYS, &[]).await;
        assert!(page.html.contains("start signing in 15 minutes"), "{}", page.html);
        let after = published(&server).await;
        assert_eq!((before.len(), after.len()), (2, 4));
        let token = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert!(before.contains(&signer(&token)), "the old one signs until then");
        let page = admin.submit(&page, SIGNING_KEYS, &[("when", "now")]).await;
        assert!(page.html.contains("New keys sign from now on"), "{}", page.html);
        let token = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert!(!before.contains(&signer(&token)) && !after.contains(&signer(&token)));
        assert!(before.iter().all(|old| page.html.contains(old)), "what was signed stands: {}", page.html);
    }

    async fn a_burnt_key_voids_what_it_signed(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let (client_id, secret) = server.management().credential(&[]).await;
        let token = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
        let page = admin.open(SIGNING_KEYS).await;
        let burn = format!("{SIGNING_KEYS}/burn");
        let forms = page.forms();
        let of_it = forms.iter().find(|form| form.action == burn && form.fields["key_id"] == signer(&token)).unwrap();
        let page = admin.post(&burn, &of_it.fields).await;
        assert!(page.html.contains("Every token it signed is invalid") && !page.html.contains(&signer(&token)), "{}", page.html);
        assert_eq!(server.anonymous().introspect(&client_id, &secret, &token).await["active"], false);
        let fresh = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(server.anonymous().introspect(&client_id, &secret, &fresh).await["active"], true);
        assert_eq!(admin.post(&burn, &of_it.fields).await.status, 404, "it is gone");
    }

    async fn who_may_only_develop_sees_the_keys_and_changes_none(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        for path in [API_KEYS, SIGNING_KEYS, "/dashboard/env/default/settings", "/dashboard/environments", "/dashboard/staff"] {
            let page = developer.open(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.html.contains("class=\"destroy\"") && !page.html.contains("class=\"primary\""), "{path}: {}", page.html);
        }
    }
}
