//! `/connect/applications`: the objects, the rules, creation, lookup, and deletion. Updates, redirect URIs, and lists
//! have their own files below.

mod lists;
mod redirect_uris;
mod updates;

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

pub const PATH: &str = "/connect/applications";
pub const MACHINE_KEYS: [&str; 10] = [
    "application_type",
    "client_id",
    "created_at",
    "description",
    "id",
    "name",
    "object",
    "organization_id",
    "scopes",
    "updated_at",
];
pub const FIRST_PARTY_KEYS: [&str; 13] = [
    "application_type",
    "client_id",
    "cors_origins",
    "created_at",
    "description",
    "id",
    "is_first_party",
    "name",
    "object",
    "redirect_uris",
    "scopes",
    "updated_at",
    "uses_pkce",
];
const NOBODY: &str = "org_01EHZNVPK3SFK441A1RGBFSHRT";

/// Creates a first-party application with additional fields.
pub async fn first_party(management: &Client, more: Value) -> Value {
    let mut body = json!({"name": "Site", "application_type": "oauth", "is_first_party": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    management.post(PATH, body).await.expect(201).json()
}

/// Returns the path of an application.
pub fn path_of(application: &Value) -> String {
    format!("{PATH}/{}", application["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_machine_has_its_keys_and_no_others(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let body = json!({"name": "Machine", "application_type": "m2m", "organization_id": organization});
        let made = management.post(PATH, body).await.expect(201).expect_json();
        assert_keys(&made, &MACHINE_KEYS);
        assert_eq!(made["object"], "connect_application");
        assert_id(&made["id"], "app");
        assert_id(&made["client_id"], "client");
        assert_ne!(made["client_id"], server.client_id.as_str());
        assert_eq!((&made["name"], &made["description"]), (&json!("Machine"), &Value::Null));
        assert_eq!(made["scopes"], json!([]));
        assert_eq!(made["application_type"], "m2m");
        assert_eq!(made["organization_id"], organization.as_str());
        assert_moment(&made["created_at"]);
        assert_moment(&made["updated_at"]);
        assert_eq!(management.get(&path_of(&made)).await.expect(200).expect_json(), made);
        assert_eq!(management.get(PATH).await.expect_list(), [made]);
    }

    async fn a_first_party_application_has_its_keys_and_no_others(server: TestServer) {
        let made = first_party(&server.management(), json!({})).await;
        assert_keys(&made, &FIRST_PARTY_KEYS);
        assert_eq!(made["application_type"], "oauth");
        assert_eq!((&made["is_first_party"], &made["uses_pkce"]), (&json!(true), &json!(false)));
        assert_eq!((&made["redirect_uris"], &made["scopes"], &made["cors_origins"]), (&json!([]), &json!([]), &json!([])));
        assert_eq!(server.management().get(&path_of(&made)).await.expect(200).json(), made);
    }

    async fn a_third_party_application_has_its_keys_and_no_others(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        let organization = management.organization("Partner").await;
        let body = json!({
            "name": "Partner portal", "description": "For partners\nonly", "application_type": "oauth", "is_first_party": false,
            "organization_id": organization, "uses_pkce": true, "scopes": ["posts:read", "openid"],
            "redirect_uris": [{"uri": "https://partner.example/cb", "default": true}], "cors_origins": ["https://partner.example"],
        });
        let made = management.post(PATH, body).await.expect(201).json();
        assert_keys(&made, &[&FIRST_PARTY_KEYS[..], &["organization_id", "was_dynamically_registered"]].concat());
        assert_eq!((&made["is_first_party"], &made["was_dynamically_registered"]), (&json!(false), &json!(false)));
        assert_eq!(made["organization_id"], organization.as_str());
        assert_eq!(made["description"], "For partners\nonly");
        assert_eq!(made["uses_pkce"], true);
        assert_eq!(made["scopes"], json!(["posts:read", "openid"]));
        assert_eq!(made["redirect_uris"], json!([{"uri": "https://partner.example/cb", "default": true}]));
        assert_eq!(made["cors_origins"], json!(["https://partner.example"]));
        assert_eq!(management.get(&path_of(&made)).await.expect(200).json(), made);
    }

    async fn the_nulls_of_an_sdk_mean_nothing_on_creation(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let machine = json!({"name": "M", "application_type": "m2m", "organization_id": organization, "description": null, "scopes": null});
        assert_keys(&management.post(PATH, machine).await.expect(201).json(), &MACHINE_KEYS);
        let oauth = json!({
            "name": "O", "application_type": "oauth", "is_first_party": true, "description": null, "scopes": null,
            "redirect_uris": null, "uses_pkce": null, "organization_id": null,
        });
        let made = management.post(PATH, oauth).await.expect(201).json();
        assert_keys(&made, &FIRST_PARTY_KEYS);
        assert_eq!((&made["redirect_uris"], &made["scopes"], &made["uses_pkce"]), (&json!([]), &json!([]), &json!(false)));
    }

    async fn a_machine_belongs_to_an_organization_and_is_never_first_party(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let post = async |more: Value| {
            let mut body = json!({"name": "M", "application_type": "m2m", "organization_id": organization});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            management.post(PATH, body).await
        };
        post(json!({"organization_id": null})).await.expect_invalid(&[("organization_id", "required")]);
        management.post(PATH, json!({"name": "M", "application_type": "m2m"})).await.expect_invalid(&[("organization_id", "required")]);
        post(json!({"organization_id": NOBODY})).await.expect_not_found("Organization", NOBODY);
        post(json!({"organization_id": "x"})).await.expect_not_found("Organization", "x");
        post(json!({"is_first_party": true})).await.expect_invalid(&[("is_first_party", "not_allowed")]);
        post(json!({"uses_pkce": true})).await.expect_invalid(&[("uses_pkce", "not_allowed")]);
        post(json!({"redirect_uris": [{"uri": "https://a.example/cb"}]})).await.expect_invalid(&[("redirect_uris", "not_allowed")]);
        post(json!({"cors_origins": ["https://a.example"]})).await.expect_invalid(&[("cors_origins", "not_allowed")]);
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        post(json!({"is_first_party": null, "uses_pkce": null, "redirect_uris": null})).await.expect(201);
    }

    async fn only_a_third_party_application_has_an_organization(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let post = async |more: Value| {
            let mut body = json!({"name": "O", "application_type": "oauth"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            management.post(PATH, body).await
        };
        post(json!({})).await.expect_invalid(&[("is_first_party", "required")]);
        post(json!({"is_first_party": null})).await.expect_invalid(&[("is_first_party", "required")]);
        post(json!({"is_first_party": false})).await.expect_invalid(&[("organization_id", "required")]);
        post(json!({"is_first_party": false, "organization_id": null})).await.expect_invalid(&[("organization_id", "required")]);
        post(json!({"is_first_party": true, "organization_id": organization})).await.expect_invalid(&[("organization_id", "not_allowed")]);
        post(json!({"is_first_party": false, "organization_id": NOBODY})).await.expect_not_found("Organization", NOBODY);
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        post(json!({"is_first_party": false, "organization_id": organization})).await.expect(201);
    }

    async fn name_and_type_are_required(server: TestServer) {
        let management = server.management();
        management.post(PATH, json!({})).await.expect_invalid(&[("name", "required"), ("application_type", "required")]);
        for (wrong, code) in [(json!("web"), "invalid"), (json!("M2M"), "invalid"), (json!(1), "invalid_type"), (json!(""), "required")] {
            management.post(PATH, json!({"name": "A", "application_type": wrong})).await.expect_invalid(&[("application_type", code)]);
        }
        let organization = management.organization("Acme").await;
        for (name, code) in [(json!(""), "required"), (json!("x".repeat(256)), "too_long"), (json!({}), "invalid_type")] {
            management.post(PATH, json!({"name": name, "application_type": "m2m", "organization_id": organization})).await
                .expect_invalid(&[("name", code)]);
        }
    }

    async fn scopes_are_permissions_or_built_in(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        let organization = management.organization("Acme").await;
        let post = async |scopes: Value| {
            management.post(PATH, json!({"name": "M", "application_type": "m2m", "organization_id": organization, "scopes": scopes})).await
        };
        post(json!(["posts:read", "posts:write", "nope"])).await
            .expect_invalid(&[("scopes.1", "unknown_permission"), ("scopes.2", "unknown_permission")]);
        post(json!(["posts:read posts:read"])).await.expect_invalid(&[("scopes.0", "unknown_permission")]);
        post(json!([1])).await.expect_invalid(&[("scopes.0", "invalid_type")]);
        post(json!("posts:read")).await.expect_invalid(&[("scopes", "invalid_type")]);
        post(json!(["x".repeat(49)])).await.expect_invalid(&[("scopes.0", "too_long")]);
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        let all = json!(["openid", "profile", "email", "offline_access", "posts:read"]);
        assert_eq!(post(all.clone()).await.expect(201).json()["scopes"], all);
        assert_eq!(post(json!(["posts:read", "posts:read"])).await.expect(201).json()["scopes"], json!(["posts:read"]));
    }

    async fn origins_are_written_as_browsers_send_them(server: TestServer) {
        let management = server.management();
        for bad in ["https://a.example/", "https://a.example/x", "a.example", "https://a.example:443", "HTTPS://a.example", "*", "null", "ftp://a.example", "https://*.a.example"] {
            let body = json!({"name": "O", "application_type": "oauth", "is_first_party": true, "cors_origins": ["https://ok.example", bad]});
            management.post(PATH, body).await.expect_invalid(&[("cors_origins.1", "invalid")]);
        }
        let good = json!(["https://a.example", "http://localhost:3000", "https://a.example:8443"]);
        assert_eq!(first_party(&management, json!({"cors_origins": good})).await["cors_origins"], good);
        assert_eq!(first_party(&management, json!({"cors_origins": null})).await["cors_origins"], json!([]));
    }

    async fn an_application_is_found_under_each_of_its_names(server: TestServer) {
        let management = server.management();
        let made = management.machine(&management.organization("Acme").await, &[]).await;
        let (id, client_id) = (made["id"].as_str().unwrap(), made["client_id"].as_str().unwrap());
        for name in [id.to_owned(), format!("conn_{id}"), client_id.to_owned(), client_id.replace('_', "%5F")] {
            assert_eq!(management.get(&format!("{PATH}/{name}")).await.expect(200).json(), made);
        }
        for name in [
            "app_01EHZNVPK3SFK441A1RGBFSHRT", "conn_app_01EHZNVPK3SFK441A1RGBFSHRT", "client_01EHZNVPK3SFK441A1RGBFSHRT", "app_x", "x",
            server.client_id.as_str(), &id.to_lowercase(), made["organization_id"].as_str().unwrap(), "https://client.example/metadata.json",
        ] {
            let path = format!("{PATH}/{}", name.replace(':', "%3A").replace('/', "%2F"));
            management.get(&path).await.expect_not_found("Application", name);
            management.put(&path, json!({"name": "x"})).await.expect_not_found("Application", name);
            management.delete(&path).await.expect_not_found("Application", name);
        }
    }

    async fn a_deleted_application_takes_its_secrets_and_tokens(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let (id, client_id) = (application["id"].as_str().unwrap(), application["client_id"].as_str().unwrap());
        let (secret_id, secret) = management.secret(client_id).await;
        let (other_id, other_secret) = management.credential(&[]).await;
        let token = server.anonymous().token(client_id, &secret).await.expect(200).text_at("access_token");
        management.delete(&format!("{PATH}/{client_id}")).await.expect(204);
        server.anonymous().token(client_id, &secret).await.expect(401);
        assert_eq!(server.anonymous().introspect(&other_id, &other_secret, &token).await, json!({"active": false}));
        for name in [id, client_id] {
            management.get(&format!("{PATH}/{name}")).await.expect_not_found("Application", name);
            management.delete(&format!("{PATH}/{name}")).await.expect_not_found("Application", name);
            management.get(&format!("{PATH}/{name}/client_secrets")).await.expect_not_found("Application", name);
        }
        management.delete(&format!("/connect/client_secrets/{secret_id}")).await.expect_not_found("Client secret", &secret_id);
        server.anonymous().token(&other_id, &other_secret).await.expect(200);
    }
}
