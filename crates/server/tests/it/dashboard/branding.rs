//! Branding and logos: what is saved is what users see, and a preview changes nothing.

use crate::harness::{Browser, FilePart, Page, TestServer, on_both_databases, picture};
use countersign_protocol::model::StaffRole;

const PAGE: &str = "/dashboard/env/default/branding";
const PREVIEW: &str = "/dashboard/env/default/branding/preview";

fn orange() -> Vec<u8> {
    picture(400, 100, [0xc2, 0x41, 0x0c])
}

/// Submits a form with files, as browsers do.
async fn submit(
    browser: &mut Browser,
    page: &Page,
    form: &str,
    to: &str,
    values: &[(&str, &str)],
    files: &[FilePart<'_>],
) -> Page {
    let mut fields = page.form(form).fields;
    for file in ["logo", "logo_dark", "icon"] {
        fields.remove(file);
    }
    fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post_files(to, &fields, files).await
}

/// Returns the address of the first image shown.
fn first_picture(page: &Page) -> String {
    let (_, rest) = page.html.split_once("<img src=\"").unwrap_or_else(|| panic!("no picture: {}", page.html));
    rest.split('"').next().unwrap().to_owned()
}

on_both_databases! {
    async fn what_is_chosen_here_is_what_people_see(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let values = [("name", "Acme & Sons"), ("primary", "#C2410C"), ("corners", "pill"), ("font", "serif"), ("terms_url", "https://acme.example/terms")];
        let saved = submit(&mut developer, &page, PAGE, PAGE, &values, &[("logo", "logo.png", &orange())]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let fields = saved.form(PAGE).fields;
        assert_eq!((fields["name"].as_str(), fields["primary"].as_str(), fields["corners"].as_str()), ("Acme & Sons", "#c2410c", "pill"));
        let seen = Browser::new(&server).open("/sign-in").await;
        assert!(seen.html.contains("alt=\"Acme &#38; Sons\"") && seen.html.contains("https://acme.example/terms"), "{}", seen.html);
        let logo = first_picture(&saved);
        assert!(logo.starts_with("/dashboard/env/default/pictures/"), "{logo}");
        assert_eq!(developer.open(&logo).await.status, 200);
        // Kept where the form says nothing about it, and removed where it says so.
        let stale = submit(&mut developer, &page, PAGE, PAGE, &[("name", "Stale")], &[]).await;
        assert_eq!(stale.status, 409, "it was drawn before that: {}", stale.html);
        let page = submit(&mut developer, &saved, PAGE, PAGE, &[], &[("logo", "", b"")]).await;
        assert_eq!(first_picture(&page), logo);
        let page = submit(&mut developer, &page, PAGE, PAGE, &[("remove_logo", "yes"), ("primary", "")], &[]).await;
        assert!(!page.html.contains("<img src=\"/dashboard"), "{}", page.html);
        assert_eq!(page.form(PAGE).fields["primary"], "");
        assert!(!Browser::new(&server).open("/sign-in").await.html.contains("brand-logo"));
    }

    async fn a_colour_that_is_hard_to_see_is_told_and_so_is_what_could_be_better(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        assert!(!page.html.contains("look different from what you chose"));
        let page = submit(&mut developer, &page, PAGE, PAGE, &[("primary", "#ffe66d")], &[("icon", "i.png", &picture(40, 20, [0, 0, 0]))]).await;
        assert!(page.html.contains("hard to see") && page.html.contains("not square"), "{}", page.html);
        assert!(developer.open(PAGE).await.html.contains("hard to see"));
    }

    async fn what_cannot_be_is_refused_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let hostile = "\"><script>alert(1)</script>";
        for (name, value) in [("primary", "red"), ("primary", hostile), ("name", "line\u{1}"), ("terms_url", "javascript:alert(1)"), ("corners", "round"), ("font", hostile)] {
            for path in [PAGE, PREVIEW] {
                let answer = submit(&mut developer, &page, PAGE, path, &[(name, value)], &[]).await;
                assert_eq!(answer.status, 422, "{name} {value}");
                assert!(!answer.html.contains("<script>alert"), "{}", answer.html);
                if path == PAGE && !["corners", "font"].contains(&name) {
                    assert_eq!(answer.form(PAGE).fields[name], value);
                }
            }
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice();
        for (file, told) in [(svg, "SVG"), (b"GIF89a".as_slice(), "not a PNG"), (&orange()[..60], "damaged")] {
            let answer = submit(&mut developer, &page, PAGE, PAGE, &[("name", "New")], &[("logo", "x.png", file)]).await;
            assert_eq!(answer.status, 422);
            assert!(answer.html.contains(told) && answer.form(PAGE).fields["name"] == "New", "{}", answer.html);
        }
        let large = vec![0; 2 * 1024 * 1024 + 1];
        let answer = submit(&mut developer, &page, PAGE, PAGE, &[], &[("logo", "x.png", &large)]).await;
        assert_eq!(answer.status, 422, "{}", answer.html);
        let answer = submit(&mut developer, &page, PAGE, PAGE, &[], &[("logo", "x.png", &vec![0; 7 * 1024 * 1024])]).await;
        assert_eq!(answer.status, 413);
        assert!(developer.open(PAGE).await.form(PAGE).fields["name"].is_empty());
    }

    async fn a_preview_shows_what_is_typed_and_keeps_nothing_of_it(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        for (word, seen) in [("sign-in", "Northwind Reports"), ("code", "ada@example.com"), ("consent", "Read reports"), ("mail", "482913")] {
            let values = [("name", "<b>Typed</b>"), ("primary", "#c2410c"), ("page", word), ("scheme", "dark")];
            let shown = submit(&mut developer, &page, PAGE, PREVIEW, &values, &[("logo", "l.png", &orange())]).await;
            assert_eq!(shown.status, 200, "{}", shown.html);
            assert!(shown.html.contains("Typed") && !shown.html.contains("<b>Typed") && shown.html.contains(seen), "{word} {}", shown.html);
            assert!(shown.html.contains("data:image/png;base64,") && shown.html.contains("<body inert"), "{}", shown.html);
            // It can be framed by our own pages only, and can do nothing there.
            for rule in ["default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"] {
                assert!(shown.policy.contains(rule), "{}", shown.policy);
            }
            assert!(!shown.policy.contains("script-src") && !shown.html.contains("prefers-color-scheme: dark"), "{word}");
        }
        let after = developer.open(PAGE).await;
        assert_eq!(after.form(PAGE).fields["name"], "");
        assert!(!after.html.contains("<img src=\"/dashboard"));
        let shown = developer.open(&format!("{PREVIEW}?page=sign-in")).await;
        assert!(!shown.html.contains("Typed"));
        // A warning about the typed values is included.
        let shown = submit(&mut developer, &page, PAGE, PREVIEW, &[("primary", "#ffe66d")], &[]).await;
        assert!(shown.html.contains("<meta name=\"warnings\" content=\"Buttons: #ffe66d is hard to see"), "{}", shown.html);
    }

    async fn threat_30_a_form_with_files_from_elsewhere_does_nothing(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut other = server.staff(StaffRole::Owner).await;
        let page = other.open(PAGE).await;
        let answer = submit(&mut owner, &page, PAGE, PAGE, &[("name", "Forged")], &[]).await;
        assert_eq!(answer.status, 403, "another browser's form");
        let answer = owner.post_files(PAGE, &[("name".to_owned(), "Forged".to_owned())].into(), &[]).await;
        assert_eq!(answer.status, 403, "without what proves it");
        // Nor is the CSRF token accepted as a file.
        let csrf = owner.open(PAGE).await.form(PAGE).fields["csrf"].clone();
        let fields = [("name".to_owned(), "Forged".to_owned())].into();
        assert_eq!(owner.post_files(PAGE, &fields, &[("csrf", "csrf", csrf.as_bytes())]).await.status, 403);
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let page = reader.open(PAGE).await;
        for path in [PAGE, PREVIEW] {
            assert_eq!(submit(&mut reader, &page, PAGE, path, &[("name", "Forged")], &[]).await.status, 403);
        }
        assert_eq!(reader.open(PREVIEW).await.status, 200);
        let mut stranger = Browser::new(&server);
        let answer = stranger.post_files(PAGE, &fields, &[("logo", "l.png", &orange())]).await;
        assert_eq!(answer.path.split('?').next(), Some("/dashboard/sign-in"));
        assert_eq!(owner.open(PAGE).await.form(PAGE).fields["name"], "");
    }

    async fn an_application_has_a_logo_that_people_see_and_a_machine_has_none(server: TestServer) {
        let application = server.application("first", true, &[]).await;
        let found = server.management().get("/connect/applications").await.expect_list().remove(0);
        let href = format!("/dashboard/env/default/applications/{}", found["id"].as_str().unwrap());
        let to = format!("{href}/logo");
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(&href).await;
        let saved = submit(&mut developer, &page, &to, &to, &[], &[("logo", "l.png", &orange()), ("logo_dark", "d.png", &picture(50, 50, [255, 255, 255]))]).await;
        assert!(saved.html.contains("Saved.") && saved.html.matches("<img src=\"/dashboard").count() == 2, "{}", saved.html);
        let seen = Browser::new(&server).open(&application.authorize("")).await;
        assert!(seen.html.contains("line-logo"), "{}", seen.html);
        let page = submit(&mut developer, &saved, &to, &to, &[("remove_logo", "yes"), ("remove_logo_dark", "yes")], &[]).await;
        assert!(!page.html.contains("<img src=\"/dashboard"), "{}", page.html);
        assert!(!Browser::new(&server).open(&application.authorize("")).await.html.contains("line-logo"));
        let refused = submit(&mut developer, &page, &to, &to, &[], &[("logo", "l.svg", b"<svg/>")]).await;
        assert_eq!(refused.status, 422);
        let organization = server.management().organization("Acme").await;
        let machine = server.management().machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let csrf = [("csrf".to_owned(), page.form(&to).fields["csrf"].clone())].into();
        let answer = developer.post_files(&format!("/dashboard/env/default/applications/{machine}/logo"), &csrf, &[("logo", "l.png", &orange())]).await;
        assert_eq!(answer.status, 422, "{}", answer.html);
    }

    async fn threat_34_pictures_of_another_environment_are_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = format!("/dashboard/env/{}/branding", another.name);
        let mut owner = server.staff(StaffRole::Owner).await;
        let page = owner.open(&theirs).await;
        let saved = submit(&mut owner, &page, &theirs, &theirs, &[("name", "Theirs")], &[("logo", "l.png", &orange())]).await;
        let logo = first_picture(&saved);
        assert_eq!(owner.open(&logo).await.status, 200);
        assert_eq!(owner.open(&logo.replace(&format!("/env/{}/", another.name), "/env/default/")).await.status, 404);
        assert_eq!(Browser::new(&server).open(&logo).await.path.split('?').next(), Some("/dashboard/sign-in"));
        assert_eq!(owner.open(PAGE).await.form(PAGE).fields["name"], "");
        let body = serde_json::json!({"name": "X", "application_type": "oauth", "is_first_party": true, "redirect_uris": [{"uri": "https://x.example/cb", "default": true}], "uses_pkce": true});
        let id = another.management.post("/connect/applications", body).await.expect(201).text_at("id");
        let csrf = [("csrf".to_owned(), saved.form(&theirs).fields["csrf"].clone())].into();
        let answer = owner.post_files(&format!("/dashboard/env/default/applications/{id}/logo"), &csrf, &[("logo", "l.png", &orange())]).await;
        assert_eq!(answer.status, 404);
    }
}
