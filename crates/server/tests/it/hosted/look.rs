//! An environment's branding: declared, served, isolated from other environments, and never the uploaded file itself.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases, picture};
use reqwest::Method;
use serde_json::json;
use std::time::Instant;

const ORANGE: [u8; 3] = [0xc2, 0x41, 0x0c];
const INK: [u8; 3] = [0x1b, 0x1c, 0x22];
const LOOK: &str = r##"
[environment.branding]
name = "Acme & Sons"
logo = "logo.png"
logo_dark = "logo-dark.png"
icon = "icon.png"
primary = "#C2410C"
background = "#fff7ed"
corners = "pill"
font = "serif"
terms_url = "https://acme.example/terms"
privacy_url = "https://acme.example/privacy"
"##;

fn put_pictures(server: &TestServer) {
    server.file("logo.png", &picture(600, 150, INK));
    server.file("logo-dark.png", &picture(600, 150, [255; 3]));
    server.file("icon.png", &picture(256, 256, ORANGE));
}

/// Returns the addresses below `/branding/` that a page loads.
fn loaded(page: &Page) -> Vec<String> {
    let parts = page.html.split("\"/branding/").skip(1);
    let mut found: Vec<String> = parts.map(|part| format!("/branding/{}", part.split('"').next().unwrap())).collect();
    found.sort();
    found.dedup();
    found
}

/// Fetches a document: its status, headers, and bytes.
async fn fetch(server: &TestServer, host: Option<&str>, path: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let client = server.anonymous();
    let client = match host {
        Some(host) => client.with_host(host),
        None => client,
    };
    let answer = client.request(Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

on_both_databases! {
    async fn a_look_is_on_every_page_and_in_every_mail(server: TestServer) {
        put_pictures(&server);
        let mut browser = Browser::new(&server);
        let plain = browser.open("/sign-in").await;
        assert!(plain.html.contains(" · Countersign</title>") && loaded(&plain).is_empty(), "{}", plain.html);
        let declared = server.declare(LOOK).await.done();
        assert!(declared.out.contains("~ branding of default: name, logo, logo_dark, icon, primary, background, corners, font, terms_url, privacy_url\n"), "{}", declared.out);
        for path in ["/sign-in", "/sign-up", "/forgot-password", "/device", "/signed-out", "/oauth2/error", "/dev/mailbox", "/invite?invitation_token=x"] {
            let page = browser.open(path).await;
            assert!(page.html.contains(" · Acme &#38; Sons</title>"), "{path}: {}", page.html);
            let paths = loaded(&page);
            assert_eq!(paths.iter().filter(|path| path.ends_with(".png")).count(), 3, "{path}: {paths:?}");
            assert_eq!(paths.iter().filter(|path| path.ends_with(".css")).count(), 1, "{path}: {paths:?}");
            assert!(page.html.contains("https://acme.example/terms") && page.html.contains("https://acme.example/privacy"));
            // The policy is just as strict.
            assert_eq!(page.policy, plain.policy, "{path}");
            assert!(page.policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self' data:;"), "{}", page.policy);
        }
        let (mut pictures, page) = (Vec::new(), browser.open("/sign-in").await);
        for path in loaded(&page) {
            let (status, headers, bytes) = fetch(&server, None, &path).await;
            let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
            assert_eq!((status, header("cache-control")), (200, "public, max-age=31536000, immutable"), "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("set-cookie"), "");
            if path.ends_with(".css") {
                let css = String::from_utf8(bytes).unwrap();
                assert_eq!(header("content-type"), "text/css; charset=utf-8");
                assert!(css.contains("--primary: #c2410c;") && css.contains("--page: #fff7ed;") && css.contains("--button-radius: 999px;"), "{css}");
            } else {
                assert_eq!((header("content-type"), header("cross-origin-resource-policy")), ("image/png", "same-origin"));
                assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox; frame-ancestors 'none'");
                let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).unwrap();
                pictures.push((picture.width(), picture.height()));
            }
        }
        pictures.sort_unstable();
        assert_eq!(pictures, [(256, 256), (480, 120), (480, 120)], "logos without their margin");

        server.person("ada@example.com").await;
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        browser.submit(&page, "/sign-in/code/send", &[]).await;
        let organization = server.management().organization("Northwind").await;
        let body = json!({"email": "ada@example.com", "organization_id": organization});
        server.management().post("/user_management/invitations", body).await.expect(201);
        let mails = server.mails("ada@example.com").await;
        assert_eq!(mails.len(), 2);
        for mail in mails {
            assert!(mail.html.contains("alt=\"Acme &#38; Sons\"") && mail.html.contains("src=\"cid:"), "{}", mail.html);
            assert!(mail.html.contains("background:#fff7ed") && mail.html.contains("https://acme.example/terms"));
            assert_eq!(mail.html.matches("src=").count(), 1, "nothing is loaded from anywhere");
            assert!(loaded(&browser.open("/sign-in").await).contains(&format!("/branding/{}.png", mail.picture.unwrap())));
        }
    }

    async fn applying_again_changes_nothing_and_an_empty_text_clears(server: TestServer) {
        put_pictures(&server);
        let whole = format!("[[environment]]\nname = \"default\"\n{LOOK}");
        let checked = server.declare_with(&whole, &["--check"]).await;
        assert_eq!((checked.code, checked.out.lines().last().unwrap()), (2, "1 would change. Nothing was changed."));
        assert!(loaded(&Browser::new(&server).open("/sign-in").await).is_empty(), "checked is not done");
        server.declare(LOOK).await.done();
        let before = loaded(&Browser::new(&server).open("/sign-in").await);
        for flags in [&["--check"][..], &[]] {
            let again = server.declare_with(&whole, flags).await;
            assert_eq!((again.code, again.out.as_str()), (0, "Nothing to change.\n"), "{}", again.err);
        }
        // What is not mentioned stays unchanged.
        assert_eq!(server.declare("").await.done().out, "Nothing to change.\n");
        assert_eq!(server.declare("[environment.branding]\nname = \"Acme & Sons\"\n").await.done().out, "Nothing to change.\n");
        assert_eq!(loaded(&Browser::new(&server).open("/sign-in").await), before);

        let one = server.declare("[environment.branding]\nlogo_dark = \"\"\ncorners = \"square\"\n").await.done();
        assert!(one.out.starts_with("~ branding of default: logo_dark, corners\n"), "{}", one.out);
        assert!(one.out.contains("! branding of default: logo: cannot be made out on dark pages"), "{}", one.out);
        let page = Browser::new(&server).open("/sign-in").await;
        assert!(page.html.contains("class=\"brand-logo light-ground\""), "{}", page.html);
        let fields = ["name", "logo", "icon", "primary", "background", "corners", "font", "terms_url", "privacy_url"];
        let cleared: String = fields.iter().map(|field| format!("{field} = \"\"\n")).collect();
        server.declare(&format!("[environment.branding]\n{cleared}")).await.done();
        let page = Browser::new(&server).open("/sign-in").await;
        assert!(page.html.contains(" · Countersign</title>") && loaded(&page).is_empty(), "{}", page.html);
        // Recently served pages still find their images; a day later the images are gone.
        let old: Vec<&String> = before.iter().filter(|path| path.ends_with(".png")).collect();
        for path in &old {
            assert_eq!(fetch(&server, None, path).await.0, 200);
        }
        server.clock.advance_seconds(86_400 + 60);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        for path in &old {
            assert_eq!(fetch(&server, None, path).await.0, 404);
        }
    }

    async fn threat_34_the_look_of_another_environment_is_not_there(server: TestServer) {
        put_pictures(&server);
        server.declare(LOOK).await.done();
        let other = server.another_environment().await;
        let page = Browser::new(&server).open("/sign-in").await;
        for path in loaded(&page) {
            let (status, headers, bytes) = fetch(&server, Some(&other.authority), &path).await;
            if path.ends_with(".png") {
                assert_eq!(status, 404, "{path}");
            } else {
                // It gets its own stylesheet, not this environment's, which must not be cached under this name.
                let css = String::from_utf8(bytes).unwrap();
                assert!(!css.contains("#c2410c") && headers["cache-control"] == "no-store", "{css}");
            }
            assert_eq!(fetch(&server, Some("evil.example"), &path).await.0, 421);
        }
        for name in ["x.png", "x", "..%2f..%2fetc%2fpasswd", &format!("{}.png", "0".repeat(64)), &format!("{}.png", "A".repeat(64)), ".png", ".svg"] {
            assert_eq!(fetch(&server, None, &format!("/branding/{name}")).await.0, 404, "{name}");
        }
    }

    async fn threat_45_what_is_no_picture_is_refused_at_once_and_nothing_changes(server: TestServer) {
        let good = picture(300, 100, ORANGE);
        let crc = |body: &[u8]| {
            !body.iter().fold(u32::MAX, |crc, byte| {
                (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
            })
        };
        let chunk = |kind: &[u8], data: &[u8]| {
            let body = [kind, data].concat();
            [&u32::try_from(data.len()).unwrap().to_be_bytes(), body.as_slice(), &crc(&body).to_be_bytes()].concat()
        };
        let side = 20_000_u32.to_be_bytes();
        let header = [&side[..], &side, &[8, 6, 0, 0, 0]].concat();
        let bomb = [&good[..8], &chunk(b"IHDR", &header), &good[33..]].concat();
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec();
        let polyglot = [b"<html><script>alert(1)</script><!--".as_slice(), &good].concat();
        for (name, file, why) in [
            ("bomb.png", bomb, "Save it smaller"),
            ("drawing.png", svg.clone(), "Export it as a PNG"),
            ("drawing.svg", svg, "Export it as a PNG"),
            ("page.png", polyglot, "not a PNG, JPEG or WebP picture"),
            ("half.png", good[..good.len() / 2].to_vec(), "the file is damaged"),
            ("large.png", vec![0x89; 3 * 1024 * 1024], "the file has more than 2048 KiB"),
            ("empty.png", Vec::new(), "not a PNG, JPEG or WebP picture"),
        ] {
            server.file(name, &file);
            for field in ["logo", "logo_dark", "icon"] {
                let began = Instant::now();
                let refused = server.declare(&format!("[environment.branding]\nname = \"Changed\"\n{field} = \"{name}\"\n")).await;
                assert!(refused.code == 1 && refused.err.contains(&format!("branding.{field}: {name}: ")) && refused.err.contains(why), "{refused:?}");
                assert!(began.elapsed().as_secs() < 5, "{name} {:?}", began.elapsed());
            }
        }
        let missing = server.declare("[environment.branding]\nlogo = \"nowhere.png\"\n").await;
        assert!(missing.code == 1 && missing.err.contains("nowhere.png: No such file"), "{missing:?}");
        for (line, why) in [
            ("primary = \"red\"", "primary: 'red' is not a colour"),
            ("primary = \"#fff;} body{display:none\"", "is not a colour"),
            ("corners = \"round\"", "one of: square, rounded, pill"),
            ("font = \"Comic Sans\"", "one of: system, humanist"),
            ("terms_url = \"javascript:alert(1)\"", "terms_url: Must be the address of a page"),
            ("privacy_url = \"/privacy\"", "privacy_url: Must be the address of a page"),
            ("name = \"two\\nlines\"", "name: Must have 1 to 80 characters, on one line"),
            ("colour = \"#000000\"", "unknown field"),
        ] {
            let refused = server.declare(&format!("[environment.branding]\n{line}\n")).await;
            assert!(refused.code == 1 && refused.err.contains(why), "{refused:?}");
        }
        let page = Browser::new(&server).open("/sign-in").await;
        assert!(page.html.contains(" · Countersign</title>") && loaded(&page).is_empty());
    }

    async fn a_picture_forgets_where_it_was_taken(server: TestServer) {
        let plain = picture(200, 200, ORANGE);
        let mut jpeg = Vec::new();
        let pixels = image::load_from_memory(&plain).unwrap().into_rgb8();
        image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&pixels).unwrap();
        let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\0\0\0\0\0 GPS 52.52 13.40 <script>alert(1)</script>";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let with_exif = [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..], b"<script>alert(2)</script>"].concat();
        server.file("photo.jpg", &with_exif);
        server.declare("[environment.branding]\nicon = \"photo.jpg\"\n").await.done();
        let paths = loaded(&Browser::new(&server).open("/sign-in").await);
        let picture = paths.iter().find(|path| path.ends_with(".png")).unwrap();
        let (_, _, bytes) = fetch(&server, None, picture).await;
        for hidden in [b"GPS".as_slice(), b"Exif", b"script"] {
            assert!(!bytes.windows(hidden.len()).any(|part| part == hidden));
        }
        assert!(bytes.starts_with(b"\x89PNG"));
    }

    async fn threat_10_a_hostile_name_is_a_text(server: TestServer) {
        server.declare("[environment.branding]\nname = \"</title><script>alert(1)</script>\\\"'\"\n").await.done();
        let page = Browser::new(&server).open("/sign-in").await;
        assert!(!page.html.contains("<script") && page.html.contains("&#60;script&#62;"), "{}", page.html);
    }

    async fn a_page_of_before_still_has_a_style_sheet(server: TestServer) {
        server.declare("[environment.branding]\nprimary = \"#c2410c\"\n").await.done();
        let old = loaded(&Browser::new(&server).open("/sign-in").await).remove(0);
        server.declare("[environment.branding]\nprimary = \"#0c41c2\"\n").await.done();
        let new = loaded(&Browser::new(&server).open("/sign-in").await).remove(0);
        assert_ne!(old, new);
        let (status, headers, bytes) = fetch(&server, None, &old).await;
        let css = String::from_utf8(bytes).unwrap();
        assert!(status == 200 && headers["cache-control"] == "no-store" && css.contains("#0c41c2"), "{css}");
    }

    async fn applications_show_their_logo_where_people_decide(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        server.person("ada@example.com").await;
        server.file("partner.png", &picture(400, 400, ORANGE));
        let lines = |logo: &str| {
            format!(
                "[[environment.application]]\nname = \"The third application\"\napplication_type = \"oauth\"\nclient_id = \"{}\"\n{logo}",
                application.client_id
            )
        };
        let declared = server.declare(&lines("logo = \"partner.png\"")).await.done();
        assert_eq!(declared.out, "~ logo of application The third application\n1 changed.\n");
        assert_eq!(server.declare(&lines("logo = \"partner.png\"")).await.done().out, "Nothing to change.\n");
        assert_eq!(server.declare(&lines("")).await.done().out, "Nothing to change.\n");
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let logo = loaded(&page).remove(0);
        assert!(page.html.contains(&format!("<img class=\"line-logo\" src=\"{logo}\" width=\"20\" height=\"20\" alt=\"\">")), "{}", page.html);
        assert_eq!(fetch(&server, None, &logo).await.0, 200);
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        assert_eq!(loaded(&page), [logo.as_str()]);
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(page.html.contains(&format!("<img class=\"asker-logo\" src=\"{logo}\" width=\"48\" height=\"48\"")), "{}", page.html);
        browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert_eq!(loaded(&browser.open("/account").await), [logo.as_str()]);
        server.declare(&lines("logo = \"\"")).await.done();
        assert!(loaded(&browser.open(&application.authorize("&scope=openid+email")).await).is_empty());

        let management = server.management();
        let organization = management.organization("Machines").await;
        let machine = management.machine(&organization, &[]).await;
        let lines = format!(
            "[[environment.application]]\nname = \"Machine\"\napplication_type = \"m2m\"\nclient_id = {}\nlogo = \"partner.png\"\n",
            machine["client_id"]
        );
        let refused = server.declare(&lines).await;
        assert!(refused.code == 1 && refused.err.contains("cannot have a logo"), "{refused:?}");
    }

    async fn another_look_is_on_every_node_within_a_second(server: TestServer) {
        let other = server.another_node().await;
        put_pictures(&server);
        let whole = format!("[[environment]]\nname = \"default\"\n{LOOK}");
        server.declare_with(&whole, &[]).await.done();
        let began = Instant::now();
        loop {
            let page = Browser::new(&other).open("/sign-in").await;
            if page.html.contains("Acme &#38; Sons") {
                for path in loaded(&page) {
                    assert_eq!(fetch(&other, None, &path).await.0, 200, "{path}");
                }
                break;
            }
            assert!(began.elapsed().as_millis() < 1000, "it did not happen in time");
        }
    }
}
