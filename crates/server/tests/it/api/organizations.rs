//! `/organizations`.

use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use serde_json::{Value, json};

const KEYS: [&str; 9] = [
    "allow_profiles_outside_organization",
    "created_at",
    "domains",
    "external_id",
    "id",
    "metadata",
    "name",
    "object",
    "updated_at",
];

const NOBODY: &str = "org_01EHZNVPK3SFK441A1RGBFSHRT";

on_both_databases! {
    async fn a_new_organization_has_every_key(server: TestServer) {
        let management = server.management();
        let answer = management.post("/organizations", json!({"name": "Acme"})).await.expect(201);
        let made = answer.expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "organization");
        assert_id(&made["id"], "org");
        assert_eq!(made["name"], "Acme");
        assert_eq!(made["domains"], json!([]));
        assert_eq!(made["metadata"], json!({}));
        assert_eq!(made["external_id"], Value::Null);
        assert_eq!(made["allow_profiles_outside_organization"], false);
        assert_moment(&made["created_at"]);
        assert_eq!(made["created_at"], made["updated_at"]);
        let id = made["id"].as_str().unwrap();
        assert_eq!(management.get(&format!("/organizations/{id}")).await.expect(200).expect_json(), made);
        assert_eq!(management.get("/organizations").await.expect_list(), [made]);
    }

    async fn everything_that_can_be_given_is_kept(server: TestServer) {
        let management = server.management();
        let body = json!({
            "name": "Acme", "external_id": "crm-1", "metadata": {"tier": "gold", "gone": null},
            "allow_profiles_outside_organization": true, "unknown_field": {"ignored": [1]},
            "domain_data": [{"domain": "Acme.com", "state": "verified"}, {"domain": "acme.org", "state": "pending"}],
        });
        let made = management.post("/organizations", body).await.expect(201).json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["external_id"], "crm-1");
        assert_eq!(made["metadata"], json!({"tier": "gold"}));
        assert_eq!(made["allow_profiles_outside_organization"], true);
        let domains: Vec<(&str, &str)> = made["domains"].as_array().unwrap().iter()
            .map(|domain| (domain["domain"].as_str().unwrap(), domain["state"].as_str().unwrap())).collect();
        assert_eq!(domains, [("acme.com", "verified"), ("acme.org", "pending")]);
        let id = made["id"].as_str().unwrap();
        assert_eq!(management.get(&format!("/organizations/{id}")).await.expect(200).json(), made);
    }

    async fn nulls_for_what_was_not_set_mean_nothing_on_creation(server: TestServer) {
        let body = json!({
            "name": "Acme", "external_id": null, "metadata": null, "domain_data": null, "domains": null,
            "allow_profiles_outside_organization": null,
        });
        let made = server.management().post("/organizations", body).await.expect(201).json();
        assert_keys(&made, &KEYS);
        assert_eq!((&made["domains"], &made["metadata"], &made["external_id"]), (&json!([]), &json!({}), &Value::Null));
    }

    async fn a_name_is_required_and_need_not_be_unique(server: TestServer) {
        let management = server.management();
        for (body, code) in [
            (json!({}), "required"), (json!({"name": null}), "required"), (json!({"name": ""}), "required"),
            (json!({"name": "   "}), "required"), (json!({"name": 1}), "invalid_type"),
            (json!({"name": "x".repeat(256)}), "too_long"), (json!({"name": "a\nb"}), "invalid"),
        ] {
            management.post("/organizations", body).await.expect_invalid(&[("name", code)]);
        }
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
        let (first, second) = (management.organization("Same").await, management.organization("Same").await);
        assert_ne!(first, second);
        management.organization(&"ü".repeat(255)).await;
    }

    async fn an_update_changes_what_it_names_and_leaves_the_rest(server: TestServer) {
        let management = server.management();
        let body = json!({
            "name": "Acme", "external_id": "crm-1", "metadata": {"a": "1"},
            "domain_data": [{"domain": "acme.com", "state": "verified"}],
        });
        let made = management.post("/organizations", body).await.expect(201).json();
        let path = format!("/organizations/{}", made["id"].as_str().unwrap());
        server.clock.advance_seconds(60);

        let mut expected = made.clone();
        let unchanged = management.put(&path, json!({})).await.expect(200).json();
        expected["updated_at"] = unchanged["updated_at"].clone();
        assert_eq!(unchanged, expected);
        assert!(unchanged["updated_at"].as_str() > made["updated_at"].as_str());

        let renamed = management.put(&path, json!({"name": "Emca", "stripe_customer_id": "cus_1"})).await.expect(200).json();
        expected["name"] = "Emca".into();
        expected["stripe_customer_id"] = "cus_1".into();
        expected["updated_at"] = renamed["updated_at"].clone();
        assert_eq!(renamed, expected);
        assert_eq!(management.get(&path).await.expect(200).json(), expected);

        let nulls = json!({"name": null, "domain_data": null, "allow_profiles_outside_organization": null});
        let after = management.put(&path, nulls).await.expect(200).json();
        expected["updated_at"] = after["updated_at"].clone();
        assert_eq!(after, expected, "null leaves what cannot be without a value");

        let cleared = management.put(&path, json!({"external_id": null, "stripe_customer_id": null})).await.expect(200).json();
        assert_eq!(cleared["external_id"], Value::Null);
        assert!(cleared.get("stripe_customer_id").is_none());
        assert_eq!(cleared["metadata"], json!({"a": "1"}));
    }

    async fn a_refused_update_changes_nothing(server: TestServer) {
        let management = server.management();
        management.post("/organizations", json!({"name": "Other", "external_id": "taken"})).await.expect(201);
        let made = management.post("/organizations", json!({"name": "Acme", "metadata": {"a": "1"}})).await.expect(201).json();
        let path = format!("/organizations/{}", made["id"].as_str().unwrap());
        management.put(&path, json!({"name": ""})).await.expect_invalid(&[("name", "required")]);
        management.put(&path, json!({"name": "New", "external_id": "taken"})).await.expect_code(400, "external_id_already_used");
        management.put(&path, json!({"name": "New", "metadata": {"a": 1}})).await.expect_code(400, "invalid_metadata");
        management.put(&path, json!({"name": "New", "domain_data": [{"domain": "gmail.com"}]})).await
            .expect_invalid(&[("domain_data.0.domain", "invalid")]);
        assert_eq!(management.get(&path).await.expect(200).json(), made);
    }

    async fn an_external_identifier_is_unique_and_finds_its_organization(server: TestServer) {
        let management = server.management();
        let made = management.post("/organizations", json!({"name": "Acme", "external_id": "a/b ?%"})).await.expect(201).json();
        let found = management.get("/organizations/external_id/a%2Fb%20%3F%25").await.expect(200).json();
        assert_eq!(found, made);
        management.post("/organizations", json!({"name": "B", "external_id": "a/b ?%"})).await
            .expect_code(400, "external_id_already_used");
        assert_eq!(management.get("/organizations").await.expect_list().len(), 1);
        management.get("/organizations/external_id/A%2FB%20%3F%25").await.expect_not_found("Organization", "A/B ?%");
        management.get("/organizations/external_id/nobody").await.expect_not_found("Organization", "nobody");
        let id = made["id"].as_str().unwrap();
        management.get(&format!("/organizations/external_id/{id}")).await.expect_not_found("Organization", id);
        // Once it is released it can be taken.
        management.put(&format!("/organizations/{id}"), json!({"external_id": null})).await.expect(200);
        management.get("/organizations/external_id/a%2Fb%20%3F%25").await.expect(404);
        management.post("/organizations", json!({"name": "B", "external_id": "a/b ?%"})).await.expect(201);
    }

    async fn an_external_identifier_is_short_ascii(server: TestServer) {
        let management = server.management();
        for (value, code) in [
            (json!("x".repeat(129)), "too_long"), (json!("ü"), "invalid"), (json!(7), "invalid_type"), (json!("a\u{7}"), "invalid"),
        ] {
            management.post("/organizations", json!({"name": "A", "external_id": value})).await.expect_invalid(&[("external_id", code)]);
        }
        management.post("/organizations", json!({"name": "A", "external_id": "x".repeat(128)})).await.expect(201);
    }

    async fn metadata_merges_and_clears(server: TestServer) {
        let management = server.management();
        let made = management.post("/organizations", json!({"name": "A", "metadata": {"a": "1", "b": "2"}})).await.expect(201);
        let path = format!("/organizations/{}", made.text_at("id"));
        let put = async |metadata: Value| {
            management.put(&path, json!({"metadata": metadata})).await.expect(200).json()["metadata"].clone()
        };
        assert_eq!(put(json!({"c": "3"})).await, json!({"a": "1", "b": "2", "c": "3"}));
        assert_eq!(put(json!({"a": null, "b": "two", "missing": null})).await, json!({"b": "two", "c": "3"}));
        assert_eq!(put(json!({})).await, json!({}));
        assert_eq!(put(json!({"d": ""})).await, json!({"d": ""}));
        assert_eq!(put(Value::Null).await, json!({}));
    }

    async fn metadata_has_limits(server: TestServer) {
        let management = server.management();
        let many = |from: usize, to: usize| -> Value { (from..to).map(|n| (format!("k{n:02}"), json!("v"))).collect::<serde_json::Map<_, _>>().into() };
        let post = async |metadata: Value| management.post("/organizations", json!({"name": "A", "metadata": metadata})).await;
        post(many(0, 51)).await.expect_code(400, "invalid_metadata");
        post(json!({"a": "x".repeat(601)})).await.expect_code(400, "invalid_metadata");
        post(json!({"x".repeat(41): "a"})).await.expect_code(400, "invalid_metadata");
        post(json!({"": "a"})).await.expect_code(400, "invalid_metadata");
        for wrong in [json!(1), json!(true), json!([]), json!({"b": "c"})] {
            post(json!({"a": wrong})).await.expect_code(400, "invalid_metadata");
        }
        for wrong in [json!([]), json!("a"), json!(1)] {
            post(wrong).await.expect_invalid(&[("metadata", "invalid_type")]);
        }
        post(json!({"x".repeat(40): "y".repeat(600)})).await.expect(201);
        let path = format!("/organizations/{}", post(many(0, 50)).await.expect(201).text_at("id"));
        management.put(&path, json!({"metadata": {"one_more": "v"}})).await.expect_code(400, "invalid_metadata");
        let swapped = management.put(&path, json!({"metadata": {"one_more": "v", "k00": null}})).await.expect(200).json();
        assert_eq!(swapped["metadata"].as_object().unwrap().len(), 50);
        let mut all_new = many(50, 100);
        for n in 1..50 {
            all_new[format!("k{n:02}")] = Value::Null;
        }
        all_new["one_more"] = Value::Null;
        let replaced = management.put(&path, json!({"metadata": all_new})).await.expect(200).json();
        assert_eq!(replaced["metadata"], many(50, 100), "as many may go as come");
    }

    async fn organizations_are_found_by_name_and_by_domain(server: TestServer) {
        let management = server.management();
        let mut made = Vec::new();
        for (name, domain) in [("Foo 100%", "foo.com"), ("foobar_x", "bar.com"), ("Über", "baz.com")] {
            let body = json!({"name": name, "domain_data": [{"domain": domain, "state": "verified"}]});
            made.push(management.post("/organizations", body).await.expect(201).text_at("id"));
        }
        let found = async |query: &str| ids(&management.get(&format!("/organizations?order=asc&{query}")).await.expect(200).json()["data"]);
        assert_eq!(found("search=FOO").await, made[..2]);
        assert_eq!(found("search=%25").await, made[..1], "a per cent sign is itself");
        assert_eq!(found("search=_").await, made[1..2], "an underscore is itself");
        assert_eq!(found("search=%5C").await, Vec::<String>::new());
        assert_eq!(found("search=%C3%BCber").await, made[2..]);
        assert_eq!(found("search='%20OR%201=1--").await, Vec::<String>::new());
        assert_eq!(found("search=").await, made);
        assert_eq!(found("domains=foo.com").await, made[..1]);
        assert_eq!(found("domains=foo.com,BAR.com").await, made[..2]);
        assert_eq!(found("domains=foo.com&domains=bar.com").await, made[..2]);
        assert_eq!(found("domains[]=foo.com&domains%5B%5D=bar.com").await, made[..2]);
        assert_eq!(found("domains[0]=foo.com&domains[1]=bar.com&search=bar").await, made[1..2]);
        assert_eq!(found("domains=nobody.com").await, Vec::<String>::new());
        assert_eq!(found("domains=nonsense").await, Vec::<String>::new());
        let page = management.get("/organizations?order=asc&domains=foo.com,bar.com,baz.com&limit=2").await.expect(200).json();
        assert_eq!(ids(&page["data"]), made[..2]);
        assert_eq!(page["list_metadata"], json!({"before": null, "after": made[1]}));
        assert_eq!(found(&format!("domains=foo.com,bar.com,baz.com&limit=2&after={}", made[1])).await, made[2..]);
        assert_eq!(found(&format!("domains=foo.com,bar.com,baz.com&limit=1&before={}", made[2])).await, made[1..2]);
    }

    async fn a_deleted_organization_takes_everything_with_it(server: TestServer) {
        let management = server.management();
        let body = json!({"name": "Acme", "external_id": "acme", "domain_data": [{"domain": "acme.com", "state": "verified"}]});
        let made = management.post("/organizations", body.clone()).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        let domain = made["domains"][0]["id"].as_str().unwrap();
        let application = management.machine(id, &[]).await;
        let (application_id, client_id) = (application["id"].as_str().unwrap(), application["client_id"].as_str().unwrap());
        let (secret_id, secret) = management.secret(client_id).await;
        let key = management.post(&format!("/organizations/{id}/api_keys"), json!({"name": "K"})).await.expect(201).json();
        server.anonymous().token(client_id, &secret).await.expect(200);

        let gone = management.delete(&format!("/organizations/{id}")).await.expect(200);
        assert_eq!(gone.text, "");
        management.get(&format!("/organizations/{id}")).await.expect_not_found("Organization", id);
        management.delete(&format!("/organizations/{id}")).await.expect_not_found("Organization", id);
        management.put(&format!("/organizations/{id}"), json!({"name": "x"})).await.expect_not_found("Organization", id);
        management.get("/organizations/external_id/acme").await.expect_not_found("Organization", "acme");
        management.get(&format!("/organization_domains/{domain}")).await.expect(404);
        management.get(&format!("/connect/applications/{application_id}")).await.expect(404);
        management.delete(&format!("/connect/client_secrets/{secret_id}")).await.expect(404);
        management.get(&format!("/organizations/{id}/api_keys")).await.expect_not_found("Organization", id);
        let validated = management.post("/api_keys/validations", json!({"value": key["value"]})).await.expect(200);
        assert_eq!(validated.json(), json!({"api_key": null}));
        server.anonymous().token(client_id, &secret).await.expect(401);
        management.post("/organizations", body).await.expect(201);
    }

    async fn changes_at_once_do_not_undo_each_other(server: TestServer) {
        let management = server.management();
        let path = format!("/organizations/{}", management.organization("Acme").await);
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..12 {
            let (management, path) = (management.clone(), path.clone());
            tasks.spawn(async move { management.put(&path, json!({"metadata": {format!("k{n:02}"): "v"}})).await.expect(200) });
        }
        tasks.join_all().await;
        let after = management.get(&path).await.expect(200).json();
        assert_eq!(after["metadata"].as_object().unwrap().len(), 12);
    }

    async fn of_many_with_one_external_identifier_one_is_made(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let management = management.clone();
            tasks.spawn(async move { management.post("/organizations", json!({"name": "A", "external_id": "one"})).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_code(400, "external_id_already_used");
        }
    }

    async fn a_stripe_customer_belongs_to_one_organization(server: TestServer) {
        let management = server.management();
        let (first, second) = (management.organization("A").await, management.organization("B").await);
        let customer = json!({"stripe_customer_id": "cus_1"});
        management.put(&format!("/organizations/{first}"), customer.clone()).await.expect(200);
        management.put(&format!("/organizations/{second}"), customer.clone()).await.expect_code(400, "stripe_customer_id_already_used");
        management.put(&format!("/organizations/{first}"), customer).await.expect(200);
        assert!(management.get(&format!("/organizations/{second}")).await.json().get("stripe_customer_id").is_none());
    }

    async fn what_is_not_there_is_not_found(server: TestServer) {
        let management = server.management();
        for id in [NOBODY, "org_x", "nobody", "app_01EHZNVPK3SFK441A1RGBFSHRT", "01EHZNVPK3SFK441A1RGBFSHRT"] {
            management.get(&format!("/organizations/{id}")).await.expect_not_found("Organization", id);
            management.put(&format!("/organizations/{id}"), json!({"name": "x"})).await.expect_not_found("Organization", id);
            management.delete(&format!("/organizations/{id}")).await.expect_not_found("Organization", id);
        }
    }
}
