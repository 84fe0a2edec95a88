//! Writes every page in every state into a folder, to be looked at:
//!
//!     cargo run -p countersign-pages --example preview -- FOLDER

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use countersign_pages::*;

mod samples;

use samples::Words;

/// Stand-ins for the pictures that people upload: an icon, and a logo in dark and in light ink.
const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="#d9480f"/><path d="M14 33V15h11a6 6 0 0 1 0 12H14" fill="none" stroke="#fff" stroke-width="4"/></svg>"##;
const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 176 40"><g fill="none" stroke="INK" stroke-width="6"><circle cx="20" cy="20" r="15"/><path d="M44 34 57 6l13 28M49 25h16M98 12a12 12 0 1 0 0 17M110 34V6l14 16 14-16v28M168 9h-18v23h18M150 20h15"/></g></svg>"##;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: preview FOLDER")?);
    fs::create_dir_all(folder.join("assets"))?;
    fs::write(folder.join(STYLESHEET_PATH.trim_start_matches('/')), STYLESHEET)?;
    fs::write(folder.join("assets/partner.svg"), ICON)?;
    fs::write(folder.join("assets/logo.svg"), LOGO.replace("INK", "#1b1c22"))?;
    fs::write(folder.join("assets/logo-dark.svg"), LOGO.replace("INK", "#ffffff"))?;

    for (kind, words) in [("plain", Words::Plain), ("long", Words::Long), ("hostile", Words::Hostile)] {
        let branding = words.branding();
        for language in Language::ALL {
            let frame =
                Frame { language, branding: &branding, branding_stylesheet: None, base: "", language_keeps: Some("") };
            for problem in [false, true] {
                for (name, html) in samples::pages(frame, words, problem) {
                    write(&folder, &format!("{kind}-{}-{name}", language.tag()), &html)?;
                }
            }
        }
    }

    for (look, branding) in looks() {
        let path = format!("/assets/branding-{look}.css");
        fs::write(folder.join(path.trim_start_matches('/')), branding_css(&branding))?;
        for language in Language::ALL {
            let branding_stylesheet = (look != "plain").then_some(path.as_str());
            let frame =
                Frame { language, branding: &branding, branding_stylesheet, base: "", language_keeps: Some("") };
            // Without a look they are there already.
            let pages = branding_stylesheet.map(|_| samples::pages(frame, Words::Plain, false));
            for (name, html) in pages.into_iter().flatten() {
                write(&folder, &format!("{look}-{}-{name}", language.tag()), &html)?;
            }
            let style = mail::Style { language, branding: &branding };
            for (name, mail) in mails(style) {
                let name = format!("mail-{look}-{}-{name}", language.tag());
                let picture = mail.picture.unwrap_or_default();
                write(&folder, &name, &mail.html.replace(&format!("cid:{}", mail::PICTURE_ID), &picture))?;
                fs::write(folder.join(format!("{name}.txt")), mail.text)?;
            }
        }
    }
    Ok(())
}

fn mails(style: mail::Style<'_>) -> Vec<(&'static str, mail::Mail)> {
    let link = "https://id.acme.example/reset-password?token=cs_reset_01JZ8Z5V3M6Q7R8S9TABCDEFGH";
    vec![
        ("code", mail::sign_in_code(style, "482913", 10, Some(link))),
        ("verify", mail::verify_email(style, "482913", 10, Some(link))),
        ("reset", mail::reset_password(style, link, 60)),
        ("invitation", mail::invitation(style, "Northwind", Some("Grace Hopper"), link, mail::Valid::Days(7))),
        ("exists", mail::account_exists(style, link)),
        ("changed", mail::password_changed(style, "12 May, 10:31", link)),
        ("moved", mail::email_changed(style, "ada@new.example", "12 May, 10:31")),
    ]
}

/// Opened as a file, a page finds its assets beside it.
fn write(folder: &std::path::Path, name: &str, html: &str) -> std::io::Result<()> {
    fs::write(folder.join(format!("{name}.html")), html.replace("=\"/assets/", "=\"assets/"))
}

/// Some brandings: none, one with everything, one with a logo that is seen on light pages only, one whose button is pale,
/// one with a name only.
fn looks() -> Vec<(&'static str, Branding)> {
    let palette = |primary, background, otherwise| match (Colour::parse(primary), Colour::parse(background)) {
        (Some(primary), Some(background)) => Palette { primary, background },
        _ => otherwise,
    };
    let picture = |path: &str, (width, height), seen_on_light, seen_on_dark| {
        Some(Picture { path: format!("/assets/{path}"), width, height, seen_on_light, seen_on_dark })
    };
    let (logo, logo_dark) =
        (picture("logo.svg", (704, 160), true, false), picture("logo-dark.svg", (704, 160), false, true));
    let icon = picture("partner.svg", (256, 256), true, true);
    let plain = Words::Plain.branding();
    vec![
        ("plain", plain.clone()),
        (
            "orange",
            Branding {
                logo: Logo { light: logo.clone(), dark: logo_dark },
                icon: icon.clone(),
                light: palette("#c2410c", "#fff7ed", Palette::LIGHT),
                dark: palette("#fb923c", "#1c0f06", Palette::DARK),
                corners: Corners::Pill,
                font: Font::Humanist,
                ..plain.clone()
            },
        ),
        (
            "pale",
            Branding {
                logo: Logo { light: logo, dark: None },
                light: palette("#ffe66d", "#3b1f6b", Palette::LIGHT),
                dark: palette("#1a1b20", "#3b1f6b", Palette::DARK),
                corners: Corners::Square,
                font: Font::Serif,
                ..plain.clone()
            },
        ),
        ("named", Branding { name: "Northwind Identity Services for Professionals".to_owned(), icon, ..plain }),
    ]
}
