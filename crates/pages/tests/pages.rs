//! Properties that hold for every page, in every state and language.

#[path = "../examples/preview/samples.rs"]
mod samples;

use countersign_pages::{Branding, Frame, Language, Logo, Picture};
use samples::{HOSTILE, Words};

/// Every page, by name, filled with these words.
fn pages(words: Words) -> Vec<(String, String)> {
    let picture = |path: &str| {
        Some(Picture { path: path.to_owned(), width: 640, height: 160, seen_on_light: false, seen_on_dark: false })
    };
    let (light, dark) = if words == Words::Hostile { (HOSTILE, "/<x-hostile>") } else { ("/logo.png", "/dark.png") };
    let branding = Branding {
        logo: Logo { light: picture(light), dark: picture(dark) },
        icon: picture(light),
        ..words.branding()
    };
    let mut pages = Vec::new();
    for language in Language::ALL {
        let frame = Frame {
            language,
            branding: &branding,
            branding_stylesheet: Some(HOSTILE),
            base: "",
            language_keeps: Some(HOSTILE),
        };
        for problem in [false, true] {
            pages.extend(samples::pages(frame, words, problem));
        }
    }
    assert!(pages.len() > 80, "{}", pages.len());
    pages
}

/// The tags of this name, as written in the HTML.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let starts = format!("<{name}");
    html.match_indices(&starts)
        .map(|(at, _)| html[at..].split('>').next().unwrap_or_default())
        .filter(|tag| tag[starts.len()..].starts_with([' ', '\n']) || tag.len() == starts.len())
        .collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let after = tag.split_once(&format!(" {name}=\""))?.1;
    after.split('"').next()
}

#[test]
fn what_others_wrote_is_never_markup() {
    for (name, html) in pages(Words::Hostile) {
        for raw in ["<x-hostile", "\"'&", ">\"'"] {
            assert!(!html.contains(raw), "{name} has {raw}: {html}");
        }
        assert!(html.contains("&#60;x-hostile&#62;"), "{name}");
    }
}

#[test]
fn no_page_has_scripts_or_inline_styles() {
    for words in [Words::Plain, Words::Long, Words::Hostile] {
        for (name, html) in pages(words) {
            for never in
                ["<script", "<style", " style=", " onclick", " onload", " onerror", "javascript:", "<iframe", "<base"]
            {
                assert!(!html.contains(never), "{name} has {never}");
            }
        }
    }
}

#[test]
fn every_form_is_posted_with_csrf_and_flow() {
    for (name, html) in pages(Words::Plain) {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\" action=\"/"), "{name}: {form}");
            for field in ["csrf", "flow"] {
                let hidden = format!("<input type=\"hidden\" name=\"{field}\" value=\"{field}\">");
                assert_eq!(form.matches(&hidden).count(), 1, "{name} {field}: {form}");
            }
            assert!(form.contains("<button"), "{name}: {form}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_picture_a_text() {
    for (name, html) in pages(Words::Plain) {
        for tag in tags(&html, "input").into_iter().chain(tags(&html, "select")) {
            match attribute(tag, "type") {
                Some("hidden") => {}
                Some("radio") => assert!(html.contains(&format!("<label class=\"radio\">{tag}")), "{name}: {tag}"),
                _ => {
                    let id = attribute(tag, "id").unwrap_or_else(|| panic!("{name}: {tag}"));
                    assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {tag}");
                }
            }
        }
        for tag in tags(&html, "img") {
            // With width and height, nothing shifts when the picture loads.
            assert!(["alt", "width", "height"].iter().all(|known| attribute(tag, known).is_some()), "{name}: {tag}");
        }
        assert_eq!(tags(&html, "h1").len(), 1, "{name}");
    }
}

#[test]
fn ids_are_used_once_and_descriptions_exist() {
    for (name, html) in pages(Words::Plain) {
        for id in html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{name}: {id}");
        }
        for described in html.split("aria-describedby=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            for id in described.split(' ') {
                assert!(html.contains(&format!(" id=\"{id}\"")), "{name}: {id}");
            }
        }
    }
}

#[test]
fn a_problem_is_announced_and_points_at_its_field() {
    let branding = Branding::default();
    let frame = Frame {
        language: Language::German,
        branding: &branding,
        branding_stylesheet: None,
        base: "",
        language_keeps: None,
    };
    for (name, html) in samples::pages(frame, Words::Plain, true) {
        assert_eq!(html.matches("role=\"alert\"").count(), 1, "{name}");
        // A problem in a field is shown next to it, any other problem above the form.
        let (above, form) = html.split_once("<form").unwrap();
        let beside = html.contains("aria-describedby=\"problem");
        assert_eq!(
            (above.contains("class=\"problem\""), form.contains("class=\"field-problem\"")),
            (!beside, beside),
            "{name}"
        );
        let fields = ["Email", "Password", "Name", "Code", "Credentials"];
        let has_field =
            name.split_once('-').is_some_and(|(_, problem)| fields.iter().any(|field| problem.starts_with(field)))
                || name.contains("DeviceCode");
        assert_eq!(
            html.contains("aria-invalid=\"true\" aria-describedby=\"problem"),
            has_field || ["consent_many-OrganizationNeeded", "consent_choices-ChoiceNeeded"].contains(&name.as_str()),
            "{name}"
        );
        assert!(!html.contains("hreflang"), "{name}");
    }
    for (name, html) in samples::pages(frame, Words::Plain, false) {
        assert!(!html.contains("role=\"alert\"") && !html.contains("aria-invalid"), "{name}");
        assert!(html.contains("<html lang=\"de\">") && html.contains(" · Countersign</title>"), "{name}");
        assert!(tags(&html, "input").iter().filter(|tag| tag.ends_with(" autofocus")).count() <= 1, "{name}");
    }
}
