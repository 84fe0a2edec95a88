//! Writes every page in every state into a folder, to be looked at:
//!
//!     cargo run -p countersign-pages --example preview -- FOLDER

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use countersign_pages::*;

mod samples;

use samples::Words;

/// A stand-in for the logos that people upload.
const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="#d9480f"/><path d="M14 33V15h11a6 6 0 0 1 0 12H14" fill="none" stroke="#fff" stroke-width="4"/></svg>"##;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: preview FOLDER")?);
    fs::create_dir_all(folder.join("assets"))?;
    fs::write(folder.join(STYLESHEET_PATH.trim_start_matches('/')), STYLESHEET)?;
    fs::write(folder.join("assets/partner.svg"), LOGO)?;

    for (kind, words) in [("plain", Words::Plain), ("long", Words::Long), ("hostile", Words::Hostile)] {
        let branding = words.branding();
        for language in Language::ALL {
            let frame = Frame { language, branding: &branding, branding_stylesheet: None, language_keeps: Some("") };
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
        let (language, branding_stylesheet) = (Language::English, Some(path.as_str()));
        let frame = Frame { language, branding: &branding, branding_stylesheet, language_keeps: Some("") };
        for (name, html) in samples::pages(frame, Words::Plain, false) {
            if ["sign_in", "password", "consent_few", "account"].contains(&name.as_str()) {
                write(&folder, &format!("{look}-en-{name}"), &html)?;
            }
        }
    }

    let branding = Words::Plain.branding();
    for language in Language::ALL {
        let style = mail::Style { language, branding: &branding };
        for (name, mail) in [
            (
                "code",
                mail::sign_in_code(style, "482913", 10, Some("https://id.acme.example/sign-in/code?id=x&code=482913")),
            ),
            (
                "invitation",
                mail::invitation(style, "Northwind", Some("Grace Hopper"), "https://id.acme.example/i/x", 7),
            ),
        ] {
            fs::write(folder.join(format!("mail-{}-{name}.html", language.tag())), mail.html)?;
            fs::write(folder.join(format!("mail-{}-{name}.txt", language.tag())), mail.text)?;
        }
    }
    Ok(())
}

/// Opened as a file, a page finds its assets beside it.
fn write(folder: &std::path::Path, name: &str, html: &str) -> std::io::Result<()> {
    fs::write(folder.join(format!("{name}.html")), html.replace("=\"/assets/", "=\"assets/"))
}

/// Some brandings: one with everything, one whose button is pale, one without colour.
fn looks() -> Vec<(&'static str, Branding)> {
    let palette = |primary, background| -> Option<Palette> {
        Some(Palette { primary: Colour::parse(primary)?, background: Colour::parse(background)? })
    };
    let plain = Words::Plain.branding();
    let (light, dark) = (plain.light, plain.dark);
    let look = |light: Option<Palette>, dark: Option<Palette>, otherwise: (Palette, Palette), corners| Branding {
        light: light.unwrap_or(otherwise.0),
        dark: dark.unwrap_or(otherwise.1),
        corners,
        ..plain.clone()
    };
    let logo = Some("/assets/partner.svg".to_owned());
    vec![
        (
            "orange",
            Branding {
                logo_light: logo.clone(),
                icon: logo.clone(),
                ..look(palette("#c2410c", "#fff7ed"), palette("#fb923c", "#1c0f06"), (light, dark), Corners::Pill)
            },
        ),
        (
            "pale",
            Branding {
                icon: logo,
                ..look(palette("#ffe66d", "#3b1f6b"), palette("#1a1b20", "#3b1f6b"), (light, dark), Corners::Square)
            },
        ),
    ]
}
