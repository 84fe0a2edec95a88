//! The redirect URIs of the environment's own application.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use reqwest::Method;

const PAGE: &str = "/dashboard/env/default/redirects";

on_both_databases! {
    async fn an_address_added_here_is_one_that_people_are_sent_to_and_a_deleted_one_is_not(server: TestServer) {
        server.person("ada@example.com").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        assert!(page.html.contains("nobody can sign in to your own product"), "{}", page.html);
        let mut page = page;
        for uri in ["https://app.example.com/one", " https://app.example.com/two "] {
            page = developer.submit(&page, PAGE, &[("uri", uri)]).await;
            assert!(page.html.contains("Created."), "{}", page.html);
        }
        let listed = server.management().get("/user_management/redirect_uris").await.expect_list();
        let found = |uri: &str| listed.iter().find(|known| known["uri"] == uri).unwrap().clone();
        assert_eq!(found("https://app.example.com/one")["default"], true, "the first one");
        let two = found("https://app.example.com/two")["id"].as_str().unwrap().to_owned();
        // Another default; the previous one can now be deleted.
        assert!(!page.forms().iter().any(|form| form.action == format!("{PAGE}/delete") && form.fields["id"] != two), "{}", page.html);
        let page = developer.submit(&page, &format!("{PAGE}/default"), &[("id", &two)]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        let listed = server.management().get("/user_management/redirect_uris").await.expect_list();
        assert_eq!(listed.iter().filter(|known| known["default"] == true).map(|known| known["uri"].as_str().unwrap()).collect::<Vec<_>>(), ["https://app.example.com/two"]);
        let page = developer.submit(&page, &format!("{PAGE}/delete"), &[]).await;
        assert!(page.html.contains("Deleted.") && !page.html.contains("app.example.com/one"), "{}", page.html);
        assert_eq!(server.management().get("/user_management/redirect_uris").await.expect_list().len(), 1);
    }

    async fn what_is_refused_is_said_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        for (purpose, uri) in [
            ("sign_in", "javascript:alert(1)"), ("sign_in", "not a uri"), ("sign_out", "\"><script>alert(1)</script>"),
            ("sign_in", "https://app.example.com/#fragment"),
        ] {
            let answer = developer.submit(&page, PAGE, &[("purpose", purpose), ("uri", uri)]).await;
            assert_eq!(answer.status, 422, "{uri}");
            assert!(answer.html.contains("role=\"alert\"") && !answer.html.contains("<script>alert"), "{}", answer.html);
            let kept = answer.forms().into_iter().find(|form| form.action == PAGE && form.fields["purpose"] == purpose).unwrap();
            assert_eq!(kept.fields["uri"], uri);
            let other = answer.forms().into_iter().find(|form| form.action == PAGE && form.fields["purpose"] != purpose).unwrap();
            assert_eq!(other.fields["uri"], "");
        }
        assert_eq!(developer.submit(&page, PAGE, &[("purpose", "elsewhere"), ("uri", "https://app.example.com/")]).await.status, 400);
        let twice = developer.submit(&page, PAGE, &[("uri", "https://app.example.com/a")]).await;
        let twice = developer.submit(&twice, PAGE, &[("uri", "https://app.example.com/a")]).await;
        assert_eq!(twice.status, 422);
        // The default cannot be deleted, and a wildcard cannot be the default.
        let listed = server.management().get("/user_management/redirect_uris").await.expect_list();
        let default = listed[0]["id"].as_str().unwrap();
        let page = developer.submit(&page, PAGE, &[("uri", "http://localhost:*/a")]).await;
        assert!(page.html.contains("Wildcard"), "{}", page.html);
        let refused = developer.submit(&page, &format!("{PAGE}/delete"), &[("id", default)]).await;
        assert_eq!(refused.status, 422, "{}", refused.html);
        let listed = server.management().get("/user_management/redirect_uris").await.expect_list();
        let wildcard = listed.iter().find(|known| known["default"] == false).unwrap()["id"].as_str().unwrap().to_owned();
        let csrf = page.form(PAGE).fields["csrf"].clone();
        let fields = [("csrf".to_owned(), csrf), ("id".to_owned(), wildcard)].into();
        assert_eq!(developer.post(&format!("{PAGE}/default"), &fields).await.status, 422);
        assert_eq!(server.management().get("/user_management/redirect_uris").await.expect_list().len(), 2);
    }

    async fn where_people_go_after_signing_out_is_a_list_of_its_own(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let page = developer.submit(&page, PAGE, &[("purpose", "sign_out"), ("uri", "https://app.example.com/bye")]).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(server.management().get("/user_management/redirect_uris").await.expect_list().is_empty(), "codes never go there");
        assert_eq!(server.management().get("/user_management/redirect_uris?purpose=sign_out").await.expect_list().len(), 1);
    }

    async fn an_origin_added_here_may_call_and_a_deleted_one_may_not(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let allowed = async || {
            let client = server.anonymous();
            let request = client.request(Method::OPTIONS, "/user_management/authenticate").header("origin", "https://app.example.com");
            let request = request.header("access-control-request-method", "POST");
            client.send(request).await.header("access-control-allow-origin").map(str::to_owned)
        };
        assert_eq!(allowed().await, None);
        let page = developer.open(PAGE).await;
        let page = developer.submit(&page, &format!("{PAGE}/origins"), &[("origin", "https://app.example.com")]).await;
        assert_eq!(allowed().await.as_deref(), Some("https://app.example.com"));
        for wrong in ["https://app.example.com/path", "*", "https://*.example.com", "app.example.com"] {
            let answer = developer.submit(&page, &format!("{PAGE}/origins"), &[("origin", wrong)]).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert_eq!(answer.form(&format!("{PAGE}/origins")).fields["origin"], wrong);
        }
        let page = developer.submit(&page, &format!("{PAGE}/origins/delete"), &[]).await;
        assert!(page.html.contains("Deleted."), "{}", page.html);
        assert_eq!(allowed().await, None);
    }

    async fn threat_34_what_is_another_environments_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let body = serde_json::json!({"uri": "https://theirs.example.com/cb"});
        let uri = another.management.post("/user_management/redirect_uris", body).await.expect(201).text_at("id");
        let body = serde_json::json!({"origin": "https://theirs.example.com"});
        let origin = another.management.post("/user_management/cors_origins", body).await.expect(201).text_at("id");
        let mut owner = server.staff(StaffRole::Owner).await;
        let page = owner.open(PAGE).await;
        assert!(!page.html.contains("theirs.example.com"));
        let csrf = page.form(PAGE).fields["csrf"].clone();
        for (path, id) in [("/delete", &uri), ("/default", &uri), ("/origins/delete", &origin), ("/delete", &"nonsense".to_owned())] {
            let fields = [("csrf".to_owned(), csrf.clone()), ("id".to_owned(), id.clone())].into();
            assert_eq!(owner.post(&format!("{PAGE}{path}"), &fields).await.status, 404, "{path}");
        }
        let page = owner.open(&format!("/dashboard/env/{}/redirects", another.name)).await;
        assert!(page.html.contains("theirs.example.com/cb"), "{}", page.html);
    }

    async fn who_only_reads_sees_the_lists_and_no_forms(server: TestServer) {
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let page = reader.open(PAGE).await;
        assert_eq!((page.status, page.forms().len()), (200, 0), "{}", page.html);
    }
}
