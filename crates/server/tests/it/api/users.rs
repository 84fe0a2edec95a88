//! `/user_management/users`.

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/user_management/users";
const NOBODY: &str = "user_01EHZNVPK3SFK441A1RGBFSHRT";
const GOOD: &str = "mallet sparrow tungsten";
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

pub(super) const KEYS: [&str; 14] = [
    "created_at",
    "email",
    "email_verified",
    "external_id",
    "first_name",
    "id",
    "last_name",
    "last_sign_in_at",
    "locale",
    "metadata",
    "name",
    "object",
    "profile_picture_url",
    "updated_at",
];

async fn create(management: &Client, body: Value) -> Value {
    management.post(PATH, body).await.expect(201).json()
}

fn path(user: &Value) -> String {
    format!("{PATH}/{}", user["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_new_user_has_every_key(server: TestServer) {
        let management = server.management();
        let made = management.post(PATH, json!({"email": "Ada@Example.com"})).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "user");
        assert_id(&made["id"], "user");
        assert_eq!(made["email"], "Ada@Example.com");
        assert_eq!(made["email_verified"], false);
        assert_eq!(made["metadata"], json!({}));
        for key in ["first_name", "last_name", "name", "external_id", "last_sign_in_at", "locale", "profile_picture_url"] {
            assert_eq!(made[key], Value::Null, "{key}");
        }
        assert_moment(&made["created_at"]);
        assert_eq!(made["created_at"], made["updated_at"]);
        assert_eq!(management.get(&path(&made)).await.expect(200).expect_json(), made);
        assert_eq!(management.get(PATH).await.expect_list(), std::slice::from_ref(&made));
        let identities = management.get(&format!("{}/identities", path(&made))).await.expect(200);
        assert_eq!(identities.expect_json(), json!([]));
    }

    async fn everything_that_can_be_given_is_kept_and_a_password_is_not_shown(server: TestServer) {
        let management = server.management();
        let body = json!({
            "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "name": "Countess", "email_verified": true,
            "external_id": "crm/1", "metadata": {"tier": "gold", "gone": null}, "password": GOOD, "ip_address": "192.0.2.1",
            "user_agent": "curl", "signals_id": "x", "unknown": [1],
        });
        let answer = management.post(PATH, body).await.expect(201);
        assert!(!answer.text.contains(GOOD) && !answer.text.contains("argon2"), "{}", answer.text);
        let made = answer.json();
        assert_keys(&made, &KEYS);
        assert_eq!((&made["first_name"], &made["last_name"], &made["name"]), (&json!("Ada"), &json!("Lovelace"), &json!("Countess")));
        assert_eq!((&made["email_verified"], &made["external_id"]), (&json!(true), &json!("crm/1")));
        assert_eq!(made["metadata"], json!({"tier": "gold"}));
        let found = management.get(&format!("{PATH}/external_id/crm%2F1")).await.expect(200).json();
        assert_eq!(found, made);
    }

    async fn nulls_and_empty_names_mean_nothing_on_creation(server: TestServer) {
        let made = create(&server.management(), json!({
            "email": "a@example.com", "first_name": null, "last_name": "", "name": null, "email_verified": null, "metadata": null,
            "external_id": null, "password": null, "password_hash": null, "password_hash_type": null, "password_salt_position": null,
        })).await;
        assert_eq!((&made["first_name"], &made["last_name"], &made["email_verified"]), (&Value::Null, &Value::Null, &json!(false)));
    }

    async fn what_is_of_the_wrong_form_is_told_at_once(server: TestServer) {
        let management = server.management();
        for body in [json!({}), json!({"email": null}), json!({"email": " "})] {
            management.post(PATH, body).await.expect_invalid(&[("email", "required")]);
        }
        let body = json!({
            "email": 1, "first_name": 2, "last_name": ["x"], "name": "a\u{0}", "email_verified": "yes", "external_id": 3, "metadata": [],
            "password": 12345678, "password_hash": {},
        });
        management.post(PATH, body).await.expect_invalid(&[
            ("email", "invalid_type"), ("email_verified", "invalid_type"), ("first_name", "invalid_type"), ("last_name", "invalid_type"),
            ("name", "invalid"), ("external_id", "invalid_type"), ("metadata", "invalid_type"), ("password", "invalid_type"),
            ("password_hash", "invalid_type"),
        ]);
        let long = json!({"email": format!("a@{}.com", "x".repeat(250)), "first_name": "x".repeat(256), "external_id": "ü"});
        management.post(PATH, long).await.expect_invalid(&[("email", "too_long"), ("first_name", "too_long"), ("external_id", "invalid")]);
        management.post(PATH, json!({"email": "a@example.com", "metadata": {"a": 1}})).await.expect_code(400, "invalid_metadata");
        for email in ["a", "a@b", "a b@example.com", "a@example..com", "a@b@example.com"] {
            management.post(PATH, json!({"email": email})).await.expect_reasons("user_creation_error", &["invalid_email"]);
        }
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
    }

    async fn an_address_belongs_to_one_user_however_it_is_written(server: TestServer) {
        let management = server.management();
        let made = create(&management, json!({"email": "Ada@example.com"})).await;
        for email in ["Ada@example.com", "ada@example.com", "ADA@EXAMPLE.COM"] {
            management.post(PATH, json!({"email": email})).await.expect_reasons("user_creation_error", &["email_not_available"]);
        }
        let other = create(&management, json!({"email": "eve@example.com"})).await;
        management.put(&path(&other), json!({"email": "aDa@example.com"})).await.expect_code(400, "email_not_available");
        management.delete(&path(&made)).await.expect(200);
        create(&management, json!({"email": "ada@example.com"})).await;
    }

    async fn of_many_with_one_address_at_once_one_is_made(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let management = management.clone();
            let email = if number % 2 == 0 { "ada@example.com" } else { "Ada@Example.com" };
            tasks.spawn(async move { management.post(PATH, json!({"email": email})).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_reasons("user_creation_error", &["email_not_available"]);
        }
        assert_eq!(management.get(PATH).await.expect_list().len(), 1);
    }

    async fn an_external_id_belongs_to_one_user(server: TestServer) {
        let management = server.management();
        let made = create(&management, json!({"email": "a@example.com", "external_id": "1"})).await;
        let again = json!({"email": "b@example.com", "external_id": "1"});
        management.post(PATH, again).await.expect_code(400, "external_id_already_used");
        let other = create(&management, json!({"email": "b@example.com"})).await;
        management.put(&path(&other), json!({"external_id": "1"})).await.expect_code(400, "external_id_already_used");
        management.put(&path(&made), json!({"external_id": null})).await.expect(200);
        management.put(&path(&other), json!({"external_id": "1"})).await.expect(200);
        management.get(&format!("{PATH}/external_id/2")).await.expect_not_found("User", "2");
    }

    async fn a_weak_password_is_refused_and_a_strong_one_taken(server: TestServer) {
        let management = server.management();
        for (password, reason) in [
            ("", "password_too_short"), ("k9#Vq2!", "password_too_short"), ("password123", "password_too_weak"),
            ("ada.lovelace", "password_too_weak"), (&"x y z ".repeat(60), "password_too_long"),
        ] {
            let body = json!({"email": "ada.lovelace@example.com", "password": password});
            management.post(PATH, body).await.expect_reasons("password_strength_error", &[reason]);
        }
        let made = create(&management, json!({"email": "ada.lovelace@example.com", "password": GOOD})).await;
        management.put(&path(&made), json!({"password": "lovelace1815"})).await
            .expect_reasons("password_strength_error", &["password_too_weak"]);
        management.put(&path(&made), json!({"password": "another sparrow mallet"})).await.expect(200);
    }

    async fn a_password_comes_in_one_way(server: TestServer) {
        let management = server.management();
        let made = create(&management, json!({"email": "b@example.com"})).await;
        for (fields, code) in [
            (json!({"password": GOOD, "password_hash": BCRYPT, "password_hash_type": "bcrypt"}), "password_and_password_hash_provided"),
            (json!({"password": GOOD, "password_hash_type": "bcrypt"}), "password_and_password_hash_type_provided"),
            (json!({"password": GOOD, "password_salt_position": "prefix"}), "password_salt_position_requires_password_hash"),
            (json!({"password_salt_position": "prefix"}), "password_salt_position_requires_password_hash"),
            (json!({"password_hash": BCRYPT, "password_hash_type": "argon2"}), "invalid_password_hash"),
            (json!({"password_hash": "x", "password_hash_type": "bcrypt"}), "invalid_password_hash"),
            (json!({"password_hash": BCRYPT.replace("05", "31"), "password_hash_type": "bcrypt"}), "invalid_password_hash"),
        ] {
            let mut body = fields.clone();
            body["email"] = "a@example.com".into();
            management.post(PATH, body).await.expect_code(400, code);
            management.put(&path(&made), fields).await.expect_code(400, code);
        }
        for (fields, field, code) in [
            (json!({"password_hash": BCRYPT}), "password_hash_type", "required"),
            (json!({"password_hash_type": "bcrypt"}), "password_hash", "required"),
            (json!({"password_hash": BCRYPT, "password_hash_type": "md5"}), "password_hash_type", "invalid"),
            (json!({"password_hash": BCRYPT, "password_hash_type": "bcrypt", "password_salt_position": "prefix"}), "password_salt_position", "not_allowed"),
        ] {
            let mut body = fields.clone();
            body["email"] = "a@example.com".into();
            management.post(PATH, body).await.expect_invalid(&[(field, code)]);
            management.put(&path(&made), fields).await.expect_invalid(&[(field, code)]);
        }
        assert_eq!(management.get(PATH).await.expect_list().len(), 1);
    }

    async fn a_hash_of_another_system_is_taken_over(server: TestServer) {
        let management = server.management();
        for (number, fields) in [
            json!({"password_hash": BCRYPT, "password_hash_type": "bcrypt"}),
            json!({"password_hash": "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password_hash_type": "argon2"}),
            json!({"password_hash": "{SSHA256}iP0a1ZcFOAv5PzOBUg1NQnXk9QKLZ6Zc3XTDlEnGYNsBAv5zYWx0", "password_hash_type": "ssha256", "password_salt_position": "prefix"}),
        ].into_iter().enumerate() {
            let mut body = fields;
            body["email"] = format!("a{number}@example.com").into();
            let answer = management.post(PATH, body.clone()).await.expect(201);
            assert!(!answer.text.contains(body["password_hash"].as_str().unwrap()));
        }
    }

    async fn an_update_changes_what_it_names_and_leaves_the_rest(server: TestServer) {
        let management = server.management();
        let made = create(&management, json!({
            "email": "a@example.com", "first_name": "A", "last_name": "B", "name": "AB", "external_id": "1", "metadata": {"a": "1"},
            "email_verified": true,
        })).await;
        server.clock.advance_seconds(60);
        let mut expected = made.clone();
        let unchanged = management.put(&path(&made), json!({})).await.expect(200).json();
        expected["updated_at"] = unchanged["updated_at"].clone();
        assert_eq!(unchanged, expected);
        assert!(unchanged["updated_at"].as_str() > made["updated_at"].as_str());
        let body = json!({"first_name": "X", "last_name": null, "name": "", "locale": "de-CH", "metadata": {"b": "2"}, "email": null, "email_verified": null});
        let changed = management.put(&path(&made), body).await.expect(200).json();
        expected["first_name"] = "X".into();
        expected["last_name"] = Value::Null;
        expected["name"] = Value::Null;
        expected["locale"] = "de-CH".into();
        expected["metadata"] = json!({"a": "1", "b": "2"});
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
        let changed = management.put(&path(&made), json!({"metadata": {"a": null}})).await.expect(200).json();
        assert_eq!(changed["metadata"], json!({"b": "2"}));
        for nothing in [json!({}), Value::Null] {
            let changed = management.put(&path(&made), json!({"metadata": nothing})).await.expect(200).json();
            assert_eq!(changed["metadata"], json!({}));
        }
        for locale in ["x", "english!", "de-", "de_DE", "12"] {
            management.put(&path(&made), json!({"locale": locale})).await.expect_code(400, "invalid_locale");
        }
        management.put(&path(&made), json!({"locale": null})).await.expect(200);
    }

    async fn another_address_is_unproven_unless_the_body_says_otherwise(server: TestServer) {
        let management = server.management();
        let made = create(&management, json!({"email": "a@example.com", "email_verified": true})).await;
        let put = async |body: Value| management.put(&path(&made), body).await.expect(200).json();
        let same = put(json!({"email": "A@example.com"})).await;
        assert_eq!((&same["email"], &same["email_verified"]), (&json!("A@example.com"), &json!(true)));
        let other = put(json!({"email": "b@example.com"})).await;
        assert_eq!((&other["email"], &other["email_verified"]), (&json!("b@example.com"), &json!(false)));
        assert_eq!(put(json!({"email_verified": true})).await["email_verified"], true);
        let vouched = put(json!({"email": "c@example.com", "email_verified": true})).await;
        assert_eq!((&vouched["email"], &vouched["email_verified"]), (&json!("c@example.com"), &json!(true)));
        management.put(&path(&made), json!({"email": "nobody"})).await.expect_code(400, "invalid_email");
        management.put(&path(&made), json!({"email": 1})).await.expect_invalid(&[("email", "invalid_type")]);
    }

    async fn lists_are_filtered_and_paged(server: TestServer) {
        let management = server.management();
        let (acme, other) = (management.organization("Acme").await, management.organization("Other").await);
        let mut users = Vec::new();
        for number in 0..5 {
            let user = management.user(&format!("User{number}@example.com")).await;
            if number != 2 {
                management.member(&user, &acme).await;
            }
            users.push(user);
        }
        let list = async |query: String| ids(&Value::Array(management.get(&format!("{PATH}?{query}")).await.expect_list()));
        assert_eq!(list("order=asc".into()).await, users);
        assert_eq!(list("email=uSER3@example.com".into()).await, [users[3].clone()]);
        assert_eq!(list("email=nobody@example.com".into()).await, Vec::<String>::new());
        let members = [0, 1, 3, 4].map(|at: usize| users[at].clone());
        for name in ["organization_id", "organization"] {
            assert_eq!(list(format!("order=asc&{name}={acme}")).await, members);
            assert_eq!(list(format!("order=asc&{name}={other}")).await, Vec::<String>::new());
            assert_eq!(list(format!("email=user3@example.com&{name}={acme}")).await, [users[3].clone()]);
            assert_eq!(list(format!("email=user2@example.com&{name}={acme}")).await, Vec::<String>::new());
        }
        assert_eq!(list("organization_id=org_01EHZNVPK3SFK441A1RGBFSHRT".into()).await, Vec::<String>::new());
        assert_eq!(list("organization_id=nonsense".into()).await, Vec::<String>::new());
        assert_eq!(list(format!("order=asc&limit=2&organization_id={acme}&after={}", users[1])).await, [users[3].clone(), users[4].clone()]);
        assert_eq!(list(format!("email=user3@example.com&after={}", users[3])).await, Vec::<String>::new());
        assert_eq!(list(format!("email=user3@example.com&after={}", users[4])).await, [users[3].clone()]);
        let page = management.get(&format!("{PATH}?order=asc&limit=2")).await.expect(200).json();
        assert_eq!(page["list_metadata"], json!({"before": null, "after": users[1]}));
        management.get(&format!("{PATH}?limit=0&after=org_x")).await.expect_invalid(&[("limit", "invalid"), ("after", "invalid")]);
        let inactive = management.get(&format!("/user_management/organization_memberships?user_id={}", users[4])).await.expect_list();
        let membership = inactive[0]["id"].as_str().unwrap();
        management.put(&format!("/user_management/organization_memberships/{membership}/deactivate"), json!({})).await.expect(200);
        assert_eq!(list(format!("order=asc&organization_id={acme}")).await, members[..3]);
    }

    async fn a_deleted_user_is_gone_with_all_memberships(server: TestServer) {
        let management = server.management();
        let user = management.user("a@example.com").await;
        let organization = management.organization("Acme").await;
        let membership = management.member(&user, &organization).await["id"].as_str().unwrap().to_owned();
        let answer = management.delete(&format!("{PATH}/{user}")).await.expect(200);
        assert_eq!(answer.text, "");
        let membership_path = format!("/user_management/organization_memberships/{membership}");
        management.get(&membership_path).await.expect_not_found("Organization membership", &membership);
        for answer in [
            management.get(&format!("{PATH}/{user}")).await, management.put(&format!("{PATH}/{user}"), json!({})).await,
            management.delete(&format!("{PATH}/{user}")).await, management.get(&format!("{PATH}/{user}/identities")).await,
        ] {
            answer.expect_not_found("User", &user);
        }
        management.get(&format!("/organizations/{organization}")).await.expect(200);
    }

    async fn what_is_not_there_is_not_found(server: TestServer) {
        let management = server.management();
        for id in [NOBODY, "user_x", "x", "org_01EHZNVPK3SFK441A1RGBFSHRT"] {
            management.get(&format!("{PATH}/{id}")).await.expect_not_found("User", id);
            management.put(&format!("{PATH}/{id}"), json!({"first_name": "x"})).await.expect_not_found("User", id);
            management.put(&format!("{PATH}/{id}"), json!({"password": "x"})).await.expect_not_found("User", id);
            management.delete(&format!("{PATH}/{id}")).await.expect_not_found("User", id);
            management.get(&format!("{PATH}/{id}/identities")).await.expect_not_found("User", id);
        }
    }

    async fn of_two_deletions_at_once_one_finds_nothing(server: TestServer) {
        let management = server.management();
        for _ in 0..5 {
            let path = format!("{PATH}/{}", management.user("a@example.com").await);
            let (first, second) = tokio::join!(management.delete(&path), management.delete(&path));
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 404]);
        }
    }

    async fn of_two_updates_at_once_none_undoes_the_other(server: TestServer) {
        let management = server.management();
        let path = format!("{PATH}/{}", management.user("a@example.com").await);
        for number in 0..10 {
            let (first, last) = (format!("F{number}"), format!("L{number}"));
            let (a, b) = tokio::join!(management.put(&path, json!({"first_name": first})), management.put(&path, json!({"last_name": last})));
            a.expect(200);
            b.expect(200);
            let after = management.get(&path).await.json();
            assert_eq!((&after["first_name"], &after["last_name"]), (&json!(first), &json!(last)));
        }
    }
}
