use std::fmt::Write as _;

use crate::Colour;
use crate::web_link::web_link;

/// How the pages and mails of an environment look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branding {
    /// The name of the product: the header where there is no logo, and part of every title and mail.
    pub name: String,
    /// The path of the logo on a light card.
    pub logo_light: Option<String>,
    /// The path of the logo on a dark card; without it the light one is shown there too.
    pub logo_dark: Option<String>,
    /// The path of a square icon: for the tab of the browser, and beside the name where there is no logo.
    pub icon: Option<String>,
    /// The colours for people who like light pages.
    pub light: Palette,
    /// The colours for people who like dark pages.
    pub dark: Palette,
    /// The corners of buttons and fields.
    pub corners: Corners,
    /// The address of the terms of service.
    pub terms_url: Option<String>,
    /// The address of the privacy policy.
    pub privacy_url: Option<String>,
}

/// The two colours that are chosen; what is written on them follows by contrast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The main button.
    pub primary: Colour,
    /// Behind the card.
    pub background: Colour,
}

/// The corners of buttons and fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Corners {
    /// Sharp.
    Square,
    /// A little rounded.
    #[default]
    Rounded,
    /// Buttons like pills.
    Pill,
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            name: "Countersign".to_owned(),
            logo_light: None,
            logo_dark: None,
            icon: None,
            light: Palette { primary: Colour([0x1b, 0x1c, 0x22]), background: Colour([0xf5, 0xf5, 0xf7]) },
            dark: Palette { primary: Colour([0xf1, 0xf1, 0xf4]), background: Colour([0x0c, 0x0d, 0x10]) },
            corners: Corners::default(),
            terms_url: None,
            privacy_url: None,
        }
    }
}

impl Branding {
    pub(crate) fn terms(&self) -> Option<&str> {
        self.terms_url.as_deref().and_then(web_link)
    }

    pub(crate) fn privacy(&self) -> Option<&str> {
        self.privacy_url.as_deref().and_then(web_link)
    }

    pub(crate) fn logo(&self) -> Option<&str> {
        self.logo_light.as_deref().or(self.logo_dark.as_deref()).and_then(web_link)
    }

    /// The logo for dark pages, if it is another one. A comma would end an address in `srcset`.
    pub(crate) fn dark_logo(&self) -> Option<&str> {
        self.logo_dark.as_deref().and_then(web_link).filter(|path| !path.contains(',') && Some(*path) != self.logo())
    }

    pub(crate) fn small_icon(&self) -> Option<&str> {
        self.icon.as_deref().and_then(web_link)
    }

    /// What stands for the product where there is neither logo nor icon.
    pub(crate) fn initial(&self) -> String {
        self.name.chars().find(|letter| letter.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect()
    }
}

/// The colours of the card and its text in `pages.css`, which a chosen colour has to be seen on.
struct Ground {
    card: Colour,
    text: Colour,
    line: Colour,
    focus: Colour,
}

const LIGHT: Ground = Ground {
    card: Colour::WHITE,
    text: Colour([0x1b, 0x1c, 0x22]),
    line: Colour([0x85, 0x87, 0x91]),
    focus: Colour([0x2b, 0x62, 0xd9]),
};

const DARK: Ground = Ground {
    card: Colour([0x16, 0x17, 0x1b]),
    text: Colour([0xed, 0xed, 0xf0]),
    line: Colour([0x74, 0x76, 0x80]),
    focus: Colour([0x7c, 0xa6, 0xff]),
};

/// The second stylesheet of every page: the custom properties that [`crate::STYLESHEET`] is drawn with.
pub fn branding_css(branding: &Branding) -> String {
    let (button, field) = match branding.corners {
        Corners::Square => ("0", "0"),
        Corners::Rounded => ("0.5rem", "0.5rem"),
        Corners::Pill => ("999px", "0.75rem"),
    };
    let mut css = format!(":root {{\n  --button-radius: {button};\n  --field-radius: {field};\n");
    write_palette(&mut css, "  ", &branding.light, &LIGHT);
    css.push_str("}\n\n@media (prefers-color-scheme: dark) {\n  :root {\n");
    write_palette(&mut css, "    ", &branding.dark, &DARK);
    css.push_str("  }\n}\n");
    css
}

fn write_palette(css: &mut String, indent: &str, palette: &Palette, ground: &Ground) {
    let Palette { primary, background } = *palette;
    let seen = primary.contrast(ground.card);
    for (property, colour) in [
        ("primary", primary),
        ("on-primary", primary.readable()),
        // A button of nearly the card's colour gets an edge; WCAG asks for 3 to see a thing and 4.5 to read a text.
        ("primary-line", if seen >= 3.0 { primary } else { ground.line }),
        ("link", if seen >= 4.5 { primary } else { ground.text }),
        // Around a grey button a grey ring is overlooked.
        ("focus", if seen >= 3.0 && primary.is_colourful() { primary } else { ground.focus }),
        ("page", background),
        ("on-page", background.readable()),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(css, "{indent}--{property}: {colour};");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_has_the_default_branding() {
        for line in branding_css(&Branding::default()).lines().filter(|line| line.contains("--")) {
            assert!(crate::STYLESHEET.contains(line), "{line}");
        }
        for ground in [LIGHT, DARK] {
            for (name, colour) in [("card", ground.card), ("text", ground.text), ("field-line", ground.line)] {
                assert!(crate::STYLESHEET.contains(&format!("--{name}: {colour};")), "--{name}: {colour}");
            }
        }
    }

    #[test]
    fn a_pale_button_is_edged_and_its_links_are_read() {
        let yellow = Colour::parse("#ffee00").unwrap();
        let light = Palette { primary: yellow, background: Colour::WHITE };
        let css = branding_css(&Branding { light, ..Branding::default() });
        for line in ["--primary: #ffee00;", "--on-primary: #000000;", "--primary-line: #858791;", "--link: #1b1c22;"] {
            assert!(css.contains(line), "{line} {css}");
        }
    }

    #[test]
    fn the_initial_is_a_letter() {
        let check = |name: &str, expected: &str| {
            assert_eq!(Branding { name: name.to_owned(), ..Branding::default() }.initial(), expected);
        };
        check("acme", "A");
        check("<3 you", "3");
        check("--", "");
    }
}
