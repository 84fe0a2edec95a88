//! Signing in.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases};
use countersign::domain::{Failure, attempts};
use serde_json::json;

async fn to_password(browser: &mut Browser, email: &str) -> Page {
    let page = browser.open("/sign-in").await;
    browser.submit(&page, "/sign-in", &[("email", email)]).await
}

on_both_databases! {
    async fn who_asks_for_mails_in_somebodys_name_does_not_use_up_theirs(server: TestServer) {
        server.person("ada@example.com").await;
        let node = server.another_node_with(&[("trusted_proxies", "127.0.0.1")]).await;
        let from = |address: &str| {
            let mut browser = Browser::new(&node);
            browser.headers = vec![("x-forwarded-for", address.to_owned())];
            browser
        };
        let (mut stranger, mut ada) = (from("192.0.2.66"), from("192.0.2.1"));
        let page = to_password(&mut stranger, "ada@example.com").await;
        let code = page.form("/sign-in/code/send").fields;
        for _ in 0..5 {
            assert_eq!(stranger.post("/sign-in/code/send", &code).await.status, 200);
        }
        assert_eq!(stranger.post("/sign-in/code/send", &code).await.status, 429);
        let page = to_password(&mut ada, "ada@example.com").await;
        assert_eq!(ada.submit(&page, "/sign-in/code/send", &[]).await.status, 200);
        let page = stranger.open("/forgot-password").await;
        for _ in 0..5 {
            assert_eq!(stranger.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await.status, 200);
        }
        assert_eq!(stranger.submit(&page, "/forgot-password", &[("email", "Ada@example.com")]).await.status, 429);
        let page = ada.open("/forgot-password").await;
        assert_eq!(ada.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await.status, 200);
        // There is a limit all the same, however many clients ask.
        let mut sent = 2;
        for stranger in 70..90 {
            let mut stranger = from(&format!("192.0.2.{stranger}"));
            let page = to_password(&mut stranger, "ada@example.com").await;
            sent += u16::from(stranger.submit(&page, "/sign-in/code/send", &[]).await.status == 200);
        }
        assert_eq!(sent - 2 + 6, 20);
    }

    async fn an_address_is_one_account_in_either_spelling_of_its_domain(server: TestServer) {
        // A program writes the domain in Unicode, a browser in ASCII.
        let id = server.person("ada@bücher.example").await.to_string();
        let management = server.management();
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "Ada@xn--bcher-kva.example").await;
        let account = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((account.status, account.path.as_str()), (200, "/account"), "{}", account.html);
        assert!(account.html.contains("ada@bücher.example"), "it is shown as it was given: {}", account.html);
        for email in ["ada@xn--bcher-kva.example", "ADA@BÜCHER.EXAMPLE"] {
            let taken = management.post("/user_management/users", json!({"email": email})).await.expect(400);
            assert!(taken.text.contains("email_not_available"), "{}", taken.text);
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("email", email).finish();
            let found = management.get(&format!("/user_management/users?{query}")).await.expect_list();
            assert_eq!(found.iter().map(|user| &user["id"]).collect::<Vec<_>>(), [&json!(id)]);
        }
        // Letters that only look alike are different.
        management.post("/user_management/users", json!({"email": "ada@bucher.example"})).await.expect(201);
    }

    async fn the_time_of_a_wrong_password_does_not_tell_whose_hash_it_was_held_against(server: TestServer) {
        server.person("ada@example.com").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut browser = Browser::new(&server);
            let page = to_password(&mut browser, email).await;
            let began = std::time::Instant::now();
            let wrong = browser.submit(&page, "/sign-in/password", &[("password", "no tractor at all")]).await;
            assert_eq!(wrong.status, 422);
            assert!(began.elapsed() >= std::time::Duration::from_millis(500), "{email}");
        }
    }

    async fn somebody_signs_up_proves_the_address_and_sees_their_account(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        let typed = [("email", "grace@example.com"), ("first_name", "Grace"), ("last_name", "Hopper"), ("password", PASSWORD)];
        let weak = browser.submit(&page, "/sign-up", &[typed[0], typed[1], typed[2], ("password", "password123")]).await;
        assert_eq!(weak.status, 422);
        let page = browser.submit(&page, "/sign-up", &typed).await;
        assert!(page.html.contains("grace@example.com"), "{}", page.html);
        let wrong = browser.submit(&page, "/sign-in/code", &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422);
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert!(page.path == "/account" && page.html.contains("Grace Hopper"), "{} {}", page.path, page.html);
        let page = to_password(&mut Browser::new(&server), "grace@example.com").await;
        assert!(page.html.contains("grace@example.com"));
    }

    async fn of_two_who_sign_up_with_one_address_at_once_both_are_let_in(server: TestServer) {
        for round in 0..8 {
            let email = format!("grace-{round}@example.com");
            let mut ready = Vec::new();
            for password in [PASSWORD, "another-quiet-lighthouse-7"] {
                let mut browser = Browser::new(&server);
                let page = browser.open("/sign-up").await;
                let page = browser.submit(&page, "/sign-up", &[("email", &email), ("password", password)]).await;
                let code = server.mailed_code(&email).await;
                ready.push((browser, page, code));
            }
            let (mut two, mut one) = (ready.pop().unwrap(), ready.pop().unwrap());
            let (code_one, code_two) = ([("code", one.2.as_str())], [("code", two.2.as_str())]);
            let (first, second) = tokio::join!(
                one.0.submit(&one.1, "/sign-in/code", &code_one), two.0.submit(&two.1, "/sign-in/code", &code_two),
            );
            assert_eq!((first.path.as_str(), second.path.as_str()), ("/account", "/account"), "{}\n{}", first.html, second.html);
        }
    }

    async fn of_many_sign_ups_that_end_at_the_same_moment_all_find_one_account(server: TestServer) {
        for round in 0..20 {
            let email = format!("grace-{round}@example.com");
            let made = tokio::join!(
                server.sign_up(&email, "$one".into()), server.sign_up(&email, "$two".into()),
                server.sign_up(&email, "$three".into()), server.sign_up(&email, "$four".into()),
            );
            let made = [made.0.unwrap(), made.1.unwrap(), made.2.unwrap(), made.3.unwrap()];
            assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
        }
        assert_eq!(server.events("user.created").await.len(), 20);
    }

    async fn a_code_from_the_mail_signs_in_once(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("ada@example.com").await;
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let inside = browser.submit(&page, "/sign-in/code", &[("code", &spaced)]).await;
        assert_eq!(inside.path, "/account");
        let again = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(again.status, 422, "used up");
        // The flow is sealed for the browser that started it: the code is useless elsewhere.
        let mut thief = Browser::new(&server);
        thief.open("/sign-in").await;
        let mut fields = page.form("/sign-in/code").fields;
        fields.insert("code".into(), code);
        assert_eq!(thief.post("/sign-in/code", &fields).await.status, 403);
    }

    async fn nobody_learns_who_has_an_account(server: TestServer) {
        server.person("ada@example.com").await;
        let (mut one, mut two) = (Browser::new(&server), Browser::new(&server));
        let pages = [to_password(&mut one, "ada@example.com").await, to_password(&mut two, "nobody@example.com").await];
        let same = |pages: &[Page; 2]| {
            let plain = |page: &Page, email: &str| {
                let mut html = page.html.replace(email, "");
                for form in page.forms() {
                    for value in form.fields.values().filter(|value| value.len() > 20) {
                        html = html.replace(value.as_str(), "");
                    }
                }
                let links: Vec<&str> = html.split("flow=").collect();
                links.iter().map(|part| part.split_once('"').map_or(*part, |(_, rest)| rest)).collect::<String>()
            };
            assert_eq!(pages[0].status, pages[1].status);
            // Sealing hides the content, and its length must not reveal anything either.
            let carried = |page: &Page| page.forms().iter().map(|form| form.fields["flow"].len()).collect::<Vec<_>>();
            assert_eq!(carried(&pages[0]), carried(&pages[1]));
            assert_eq!(plain(&pages[0], "ada@example.com").len(), plain(&pages[1], "nobody@example.com").len());
        };
        same(&pages);
        let wrong = [
            one.submit(&pages[0], "/sign-in/password", &[("password", "wrong")]).await,
            two.submit(&pages[1], "/sign-in/password", &[("password", "wrong")]).await,
        ];
        same(&wrong);
        let codes = [
            one.submit(&pages[0], "/sign-in/code/send", &[]).await,
            two.submit(&pages[1], "/sign-in/code/send", &[]).await,
        ];
        same(&codes);
        assert!(server.mails("nobody@example.com").await.is_empty());
        let wrong = [
            one.submit(&codes[0], "/sign-in/code", &[("code", "000001")]).await,
            two.submit(&codes[1], "/sign-in/code", &[("code", "000001")]).await,
        ];
        same(&wrong);
        let forgot = [
            one.submit(&one_forgot(&mut Browser::new(&server)).await, "/forgot-password", &[("email", "x")]).await.status,
            two.submit(&one_forgot(&mut Browser::new(&server)).await, "/forgot-password", &[("email", "x")]).await.status,
        ];
        assert_eq!(forgot[0], forgot[1]);
    }

    async fn threat_20_what_was_sent_to_one_address_proves_no_other(server: TestServer) {
        let user = server.person("me@evil.example").await;
        let mut browser = Browser::new(&server);
        let page = one_forgot(&mut browser).await;
        browser.submit(&page, "/forgot-password", &[("email", "me@evil.example")]).await;
        let mail = server.mails("me@evil.example").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/reset-password?token=")).unwrap().to_owned();
        let page = to_password(&mut browser, "me@evil.example").await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("me@evil.example").await;

        let path = format!("/user_management/users/{user}");
        let changed = server.management().put(&path, serde_json::json!({"email": "ceo@corp.example"})).await.expect(200);
        assert_eq!(changed.json()["email_verified"], false);
        assert_eq!(browser.open(&link[server.base_url.len()..]).await.status, 400);
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.status, 422);
        assert_eq!(server.management().get(&path).await.json()["email_verified"], false);
    }

    async fn a_password_of_somebody_who_never_proved_the_address_goes_when_the_owner_does(server: TestServer) {
        let body = serde_json::json!({"email": "ada@example.com", "password": PASSWORD});
        server.management().post("/user_management/users", body).await.expect(201);
        let mut thief = Browser::new(&server);
        let page = to_password(&mut thief, "ada@example.com").await;
        let page = thief.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(page.path.starts_with("/sign-in/code"), "a password alone does not prove the address");
        let mut owner = Browser::new(&server);
        let page = to_password(&mut owner, "ada@example.com").await;
        let page = owner.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("ada@example.com").await;
        assert_eq!(owner.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        let page = to_password(&mut thief, "ada@example.com").await;
        let page = thief.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(page.status, 422, "the password of before is gone");
    }

    async fn guessing_ends_soon(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "ada@example.com").await;
        for _ in 0..10 {
            assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", "guess")]).await.status, 422);
        }
        let right = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(right.status, 429, "also the right one waits");
        server.clock.advance_seconds(15 * 60 + 1);
        let right = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(right.path, "/account");

        let page = to_password(&mut browser, "ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        for _ in 0..5 {
            browser.submit(&page, "/sign-in/code", &[("code", "000002")]).await;
        }
        let code = server.mailed_code("ada@example.com").await;
        let right = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(right.status, 422, "five tries at a code, and no sixth");
    }

    async fn what_strangers_have_used_up_uses_up_no_tries_of_ones_own(server: TestServer) {
        server.person("ada@example.com").await;
        let strangers = |most: i64| {
            let act = server.act();
            server.app.store.write::<(), Failure, _>(move |tx| Box::pin(async move {
                attempts::clear(tx, &act, attempts::PASSWORDS_FOR_ACCOUNT, "ada@example.com").await?;
                for _ in 0..most {
                    attempts::count(tx, &act, attempts::PASSWORDS_FOR_ACCOUNT, "ada@example.com").await?.ok();
                }
                Ok(())
            }))
        };
        strangers(attempts::PASSWORDS_FOR_ACCOUNT.most).await.unwrap();
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "ada@example.com").await;
        for _ in 0..12 {
            assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.status, 429);
        }
        strangers(0).await.unwrap();
        assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.path, "/account");
    }

    async fn threat_18_a_new_password_needs_the_mailed_link_and_ends_every_session(server: TestServer) {
        server.person("ada@example.com").await;
        let mut inside = Browser::new(&server);
        let page = to_password(&mut inside, "ada@example.com").await;
        inside.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(inside.open("/account").await.path, "/account");

        let mut browser = Browser::new(&server);
        let page = one_forgot(&mut browser).await;
        browser.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await;
        let mail = server.mails("ada@example.com").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/reset-password?token=")).unwrap().to_owned();
        assert!(link.starts_with(&server.base_url), "threat 17: links lead to the issuer");
        let page = browser.open(&link[server.base_url.len()..]).await;
        let weak = browser.submit(&page, "/reset-password", &[("password", "short")]).await;
        assert_eq!(weak.status, 422);
        let fresh = "another-quiet-lighthouse-7";
        let done = browser.submit(&page, "/reset-password", &[("password", fresh)]).await;
        assert!(done.path.starts_with("/sign-in"), "{} {}", done.status, done.html);
        let again = browser.submit(&page, "/reset-password", &[("password", fresh)]).await;
        assert_eq!(again.status, 400, "a link works once");
        assert!(inside.open("/account").await.path.starts_with("/sign-in"), "every session has ended");
        let page = to_password(&mut browser, "ada@example.com").await;
        assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.status, 422);
        assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", fresh)]).await.path, "/account");
        assert_eq!(browser.open("/reset-password?token=cs_reset_x").await.status, 400);
        assert_eq!(browser.open("/reset-password").await.status, 400);
    }

    async fn threat_18_a_password_that_is_changed_at_the_same_moment_begins_no_session(server: TestServer) {
        server.person("ada@example.com").await;
        let management = server.management();
        let ada = management.get("/user_management/users?email=ada%40example.com").await.expect_list()[0].clone();
        let path = format!("/user_management/users/{}", ada["id"].as_str().unwrap());
        let brought = |hash: &str| serde_json::json!({"password_hash": hash, "password_hash_type": "ssha256"});
        // The hash of the typed password, and another one. Neither takes time while our own format is being verified or
        // written.
        let (right, other) = (brought("{SSHA256}6jLp0vQ49YvX7cFdbupn4qFcZugSH7TPWnm3iPf9nXgHBwcHBwcHBwcHBwcHBwcH"), brought("{SSHA256}S5Jl/kE9uQ2Gy4j9saEdQS5qbeFtk0FpPB6hdNwvPiIHBwcHBwcHBwcHBwcHBwcH"));
        for round in 0..12 {
            let before = if round % 2 == 0 { serde_json::json!({"password": PASSWORD}) } else { right.clone() };
            management.put(&path, before).await.expect(200);
            let mut browser = Browser::new(&server);
            let page = to_password(&mut browser, "ada@example.com").await;
            let (on_the_page, by_api, changed) = tokio::join!(
                browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]),
                server.with_password("ada@example.com"),
                management.put(&path, other.clone()),
            );
            changed.expect(200);
            let status = on_the_page.status;
            assert!([400, 422].contains(&status) || on_the_page.path == "/account", "{round}: {status}");
            assert!([200, 400].contains(&by_api.status), "{round}: {}", by_api.status);
            let after = browser.open("/account").await;
            assert!(after.path.starts_with("/sign-in"), "{round}: {} after {status}", after.path);
            let sessions = management.get(&format!("{path}/sessions?limit=100")).await.expect_list();
            assert!(sessions.iter().all(|one| one["status"] == "revoked"), "{round}: {sessions:?}");
            server.clock.advance_seconds(15 * 60 + 1);
        }
    }

    async fn threat_18_a_password_that_was_right_before_it_was_changed_is_worth_nothing_with_a_code(server: TestServer) {
        let management = server.management();
        let body = serde_json::json!({"email": "ada@example.com", "password": PASSWORD});
        let ada = management.post("/user_management/users", body).await.expect(201).text_at("id");
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(page.path.starts_with("/sign-in/code"), "{}", page.path);
        let another = serde_json::json!({"password": "another-quiet-lighthouse-7"});
        management.put(&format!("/user_management/users/{ada}"), another).await.expect(200);
        let code = server.mailed_code("ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.status, 422, "{}", page.path);
        assert!(browser.open("/account").await.path.starts_with("/sign-in"));
        assert!(management.get(&format!("/user_management/users/{ada}/sessions")).await.expect_list().is_empty());
    }

    async fn a_session_starts_anew_and_ends_for_good(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = to_password(&mut browser, "ada@example.com").await;
        browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        let mut copy = Browser::new(&server);
        copy.steal(&browser, "cs_session");
        assert_eq!(copy.open("/account").await.path, "/account");
        let page = browser.open("/sign-out").await;
        let page = browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!(page.path, "/signed-out");
        assert!(!browser.has_cookie("cs_session"));
        assert!(copy.open("/account").await.path.starts_with("/sign-in"), "the value is worth nothing any more");

        let page = to_password(&mut browser, "ada@example.com").await;
        browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        server.clock.advance_seconds(8 * 86_400);
        assert!(browser.open("/account").await.path.starts_with("/sign-in"), "unused for a week");
    }

    async fn the_account_page_revokes_sessions_and_applications(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        server.person("ada@example.com").await;
        let (mut browser, mut phone) = (Browser::new(&server), Browser::new(&server));
        for one in [&mut browser, &mut phone] {
            one.headers.push(("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".into()));
            let page = to_password(one, "ada@example.com").await;
            one.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        }
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let page = browser.open("/account").await;
        assert!(page.html.contains("Firefox, Linux") && page.html.contains("The third application"), "{}", page.html);
        browser.submit(&page, "/account/applications/revoke", &[]).await;
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(400);
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, &tokens.text_at("access_token")).await;
        assert_eq!(told, serde_json::json!({"active": false}));
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert!(page.html.contains("/consent"), "asked again");

        let page = browser.open("/account").await;
        browser.submit(&page, "/account/sign-out-everywhere", &[]).await;
        assert!(phone.open("/account").await.path.starts_with("/sign-in"));
        assert_eq!(server.events("session.revoked").await.len(), 2, "each is told");
    }
}

on_both_databases! {
    async fn who_signs_out_everywhere_leaves_nothing_with_the_companys_own_applications(server: TestServer) {
        let (forum, partner) = (server.application("forum", true, &[]).await, server.application("third", true, &[]).await);
        let command_line = server.application("cli", true, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let at_forum = server.redeem(&forum, &page.sent("code").unwrap()).await.expect(200);
        let page = browser.open(&partner.authorize("&scope=openid+offline_access")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let at_partner = server.redeem(&partner, &page.sent("code").unwrap()).await.expect(200);
        let asked = [("client_id", command_line.client_id.as_str()), ("scope", "openid offline_access")];
        let device = server.anonymous().form("/oauth2/device_authorization", &asked).await.expect(200);
        let page = browser.open(&format!("/device?user_code={}", device.text_at("user_code"))).await;
        let page = browser.submit(&page, "/device", &[]).await;
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;

        let page = browser.open("/account").await;
        browser.submit(&page, "/account/sign-out-everywhere", &[]).await;
        let refused = server.refresh(&forum, &at_forum.text_at("refresh_token")).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_grant");
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, &at_forum.text_at("access_token")).await;
        assert_eq!(told, serde_json::json!({"active": false}));
        let code = device.text_at("device_code");
        let poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", &code), asked[0]];
        assert_eq!(server.anonymous().form("/oauth2/token", &poll).await.expect(400).text_at("error"), "access_denied");
        // The partner is on the list of applications with access, where it can be revoked.
        server.refresh(&partner, &at_partner.text_at("refresh_token")).await.expect(200);
    }

    async fn access_is_removed_for_one_organization_at_a_time(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        let (ada, grace) = (server.person("ada@example.com").await, server.person("grace@example.com").await);
        let management = server.management();
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let mut tokens = Vec::new();
        for name in ["Acme", "Globex"] {
            let organization = management.organization(name).await;
            server.member(ada, &organization).await;
            server.member(grace, &organization).await;
            let page = browser.open(&application.authorize(&format!("&scope=openid+offline_access&organization_id={organization}"))).await;
            let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
            tokens.push(server.redeem(&application, &page.sent("code").unwrap()).await.expect(200));
            server.clock.advance_seconds(1);
        }
        let page = browser.open("/account").await;
        let forms: Vec<_> = page.forms().into_iter().filter(|form| form.action == "/account/applications/revoke").collect();
        assert_eq!(forms.len(), 2);
        // Globex, the newest, is first. Nobody else can revoke it.
        let mut other = Browser::new(&server);
        let start = other.open("/sign-in").await;
        let theirs = server.sign_in(&mut other, &start, "grace@example.com").await;
        let mut foreign = theirs.form("/account/sign-out-everywhere").fields;
        foreign.insert("authorized_application_id".into(), forms[0].fields["authorized_application_id"].clone());
        other.post("/account/applications/revoke", &foreign).await;
        let second = server.refresh(&application, &tokens[1].text_at("refresh_token")).await.expect(200);
        browser.post("/account/applications/revoke", &forms[0].fields).await;
        server.refresh(&application, &second.text_at("refresh_token")).await.expect(400);
        server.refresh(&application, &tokens[0].text_at("refresh_token")).await.expect(200);
        let page = browser.open("/account").await;
        assert!(page.html.contains("Acme") && !page.html.contains("Globex"), "{}", page.html);
    }

    async fn who_signs_up_says_their_own_name(server: TestServer) {
        let management = server.management();
        let made = serde_json::json!({"email": "grace@example.com", "first_name": "G.", "last_name": "Murray", "external_id": "7"});
        let made = management.post("/user_management/users", made).await.expect(201).text_at("id");
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up?lang=de").await;
        let typed = [("email", "grace@example.com"), ("first_name", "Grace"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert!(page.path == "/account" && page.html.contains("Grace Murray"), "{} {}", page.path, page.html);
        let user = management.get(&format!("/user_management/users/{made}")).await.expect(200).json();
        assert_eq!([&user["first_name"], &user["last_name"], &user["locale"], &user["external_id"]], ["Grace", "Murray", "de", "7"]);
        let told = server.events("user.updated").await;
        assert_eq!(told.last().unwrap()["first_name"], "Grace");
    }
}

async fn one_forgot(browser: &mut Browser) -> Page {
    browser.open("/forgot-password").await
}
