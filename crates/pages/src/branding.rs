use std::fmt::Write as _;

use crate::picture::picture_address;
use crate::web_link::web_link;
use crate::{Colour, Font, Logo, Picture};

/// The look of an environment's pages and emails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branding {
    /// The name of the product: shown in the header if there is no logo, and part of every title and email.
    pub name: String,
    /// The logo.
    pub logo: Logo,
    /// A square icon: for the browser tab, and next to the name if there is no logo.
    pub icon: Option<Picture>,
    /// The colors for the light color scheme.
    pub light: Palette,
    /// The colors for the dark color scheme.
    pub dark: Palette,
    /// The corners of buttons and fields.
    pub corners: Corners,
    /// The font.
    pub font: Font,
    /// The URL of the terms of service.
    pub terms_url: Option<String>,
    /// The URL of the privacy policy.
    pub privacy_url: Option<String>,
}

/// The two configurable colors; the text color on each follows from contrast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The color of the main button.
    pub primary: Colour,
    /// The color behind the card.
    pub background: Colour,
}

impl Palette {
    /// The default colors of light pages.
    pub const LIGHT: Self = Self { primary: Colour([0x1b, 0x1c, 0x22]), background: Colour([0xf5, 0xf5, 0xf7]) };
    /// The color of the card on light pages, behind pictures.
    pub const LIGHT_CARD: Colour = LIGHT.card;
    /// The color of the card on dark pages.
    pub const DARK_CARD: Colour = DARK.card;

    /// The default colors of dark pages.
    pub const DARK: Self = Self { primary: Colour([0xf1, 0xf1, 0xf4]), background: Colour([0x0c, 0x0d, 0x10]) };
}

/// The corners of buttons and fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Corners {
    /// Sharp.
    Square,
    /// Slightly rounded.
    #[default]
    Rounded,
    /// Pill-shaped buttons.
    Pill,
}

impl Corners {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Square, Self::Rounded, Self::Pill];

    /// The word used in storage and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Square => "square",
            Self::Rounded => "rounded",
            Self::Pill => "pill",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|corners| corners.as_str() == text)
    }
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            name: "Countersign".to_owned(),
            logo: Logo::default(),
            icon: None,
            light: Palette::LIGHT,
            dark: Palette::DARK,
            corners: Corners::default(),
            font: Font::default(),
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

    pub(crate) fn small_icon(&self) -> Option<&str> {
        self.icon.as_ref().and_then(|icon| picture_address(&icon.path))
    }

    /// The class for the background that the icon needs next to the name, if any.
    pub(crate) fn icon_ground(&self) -> &'static str {
        match &self.icon {
            Some(icon) if !icon.seen_on_light => " dark-ground",
            Some(icon) if !icon.seen_on_dark => " light-ground",
            _ => "",
        }
    }

    /// The letter that represents the product if there is neither logo nor icon.
    pub(crate) fn initial(&self) -> String {
        self.name.chars().find(|letter| letter.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect()
    }

    /// The default browser tab icon: the initial on the main button's color, drawn in a `data:` URL. The initial is
    /// alphanumeric, so only URL encoding is needed.
    pub(crate) fn drawn_icon(&self) -> String {
        let Palette { primary, .. } = self.light;
        let encoded = |colour: Colour| colour.to_string().replace('#', "%23");
        let (fill, ink) = (encoded(primary), encoded(primary.readable()));
        let mut initial = String::new();
        for byte in self.initial().bytes() {
            // Writing to a String cannot fail.
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => initial.write_char(char::from(byte)),
                _ => write!(initial, "%{byte:02X}"),
            };
        }
        // The rest is already encoded, because this is rendered for every page.
        format!(
            "data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%2032%2032%27%3E\
             %3Crect%20width=%2732%27%20height=%2732%27%20rx=%278%27%20fill=%27{fill}%27/%3E\
             %3Ctext%20x=%2716%27%20y=%2722.5%27%20text-anchor=%27middle%27%20font-family=%27system-ui,sans-serif%27%20\
             font-size=%2718%27%20font-weight=%27600%27%20fill=%27{ink}%27%3E{initial}%3C/text%3E%3C/svg%3E"
        )
    }

    /// The icon, if it is visible on the white card of an email.
    pub(crate) fn mail_icon(&self) -> Option<&str> {
        self.icon.as_ref().filter(|icon| icon.seen_on_light).and_then(|icon| picture_address(&icon.path))
    }

    /// The corner radius of an email's button, in pixels.
    pub(crate) fn button_radius(&self) -> u32 {
        match self.corners {
            Corners::Square => 0,
            Corners::Rounded => 8,
            Corners::Pill => 24,
        }
    }

    /// The corner radius of an email's code, in pixels.
    pub(crate) fn field_radius(&self) -> u32 {
        self.button_radius().min(12)
    }

    /// The corner radius of an email's card, in pixels.
    pub(crate) fn card_radius(&self) -> u32 {
        match self.corners {
            Corners::Square => 0,
            Corners::Rounded => 16,
            Corners::Pill => 24,
        }
    }

    /// Warnings about branding that will not look as configured, for whoever configures it.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (field, page, palette, ground) in
            [("primary", "light", &self.light, &LIGHT), ("primary_dark", "dark", &self.dark, &DARK)]
        {
            let seen = palette.primary.contrast(ground.card);
            if seen < SEEN {
                warnings.push(format!(
                    "{field}: {} is hard to see on the card of {page} pages (contrast {seen:.1}; {SEEN} is needed): the button \
                     gets an edge, and links have the colour of the text",
                    palette.primary
                ));
            } else if seen < READ {
                warnings.push(format!(
                    "{field}: {} is hard to read as text on the card of {page} pages (contrast {seen:.1}; {READ} is needed): \
                     links have the colour of the text",
                    palette.primary
                ));
            }
        }
        let (on_light, on_dark) = self.logo.is_hidden();
        if on_light {
            warnings.push("logo: cannot be made out on light pages: it stands on a dark ground there".to_owned());
        }
        if on_dark && self.logo.dark.is_some() {
            warnings.push("logo_dark: cannot be made out on dark pages: it stands on a light ground there".to_owned());
        } else if on_dark {
            warnings.push(
                "logo: cannot be made out on dark pages: it stands on a light ground there; set logo_dark".to_owned(),
            );
        }
        warnings
    }
}

/// The minimum contrast of graphical objects, and that of text (WCAG 2.2, 1.4.11 and 1.4.3).
const SEEN: f64 = 3.0;
const READ: f64 = 4.5;

/// The colors of the card and its text in `pages.css`, against which a configured color must be visible.
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

impl Colour {
    /// The default for this color on dark pages: unchanged or, if it would be illegible there, lighter.
    #[must_use]
    pub fn for_dark_pages(self) -> Self {
        let lighter = (0..=20).map(|step| Self::WHITE.mixed(self, f64::from(step) / 20.0));
        lighter.into_iter().find(|colour| colour.contrast(DARK.card) >= READ).unwrap_or(Self::WHITE)
    }

    /// The border color of a button of this color on a light card.
    pub(crate) fn edge(self) -> Self {
        if self.contrast(LIGHT.card) >= SEEN { self } else { LIGHT.line }
    }

    /// Gray text on this background: blended with it as long as the result is legible.
    pub(crate) fn muted(self) -> Self {
        let text = self.readable();
        let muted = text.mixed(self, 0.7);
        if muted.contrast(self) >= READ { muted } else { text }
    }
}

/// The second stylesheet of every page: the custom properties that [`crate::STYLESHEET`] uses.
pub fn branding_css(branding: &Branding) -> String {
    let [button, field, corner, card] = match branding.corners {
        Corners::Square => ["0"; 4],
        Corners::Rounded => ["0.5rem", "0.5rem", "0.75rem", "1rem"],
        Corners::Pill => ["999px", "0.75rem", "1rem", "1.5rem"],
    };
    let mut css = format!(":root {{\n  --font: {};\n", branding.font.families());
    for (property, radius) in [("button", button), ("field", field), ("box", corner), ("card", card)] {
        // Writing to a String cannot fail.
        let _ = writeln!(css, "  --{property}-radius: {radius};");
    }
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
        // A button of nearly the card's color gets a border.
        ("primary-line", if seen >= SEEN { primary } else { ground.line }),
        ("link", if seen >= READ { primary } else { ground.text }),
        // A gray focus ring around a gray button is easily missed.
        ("focus", if seen >= SEEN && primary.is_colourful() { primary } else { ground.focus }),
        ("page", background),
        ("on-page", background.readable()),
        ("on-page-muted", background.muted()),
    ] {
        let _ = writeln!(css, "{indent}--{property}: {colour};");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let branding = Branding { light, ..Branding::default() };
        let css = branding_css(&branding);
        for line in ["--primary: #ffee00;", "--on-primary: #000000;", "--primary-line: #858791;", "--link: #1b1c22;"] {
            assert!(css.contains(line), "{line} {css}");
        }
        let warnings = branding.warnings();
        assert!(warnings.len() == 1 && warnings[0].starts_with("primary: #ffee00 is hard to see"), "{warnings:?}");
        assert_eq!(Branding::default().warnings(), Vec::<String>::new());
    }

    #[test]
    fn a_logo_that_would_not_be_seen_is_told_of() {
        let ink = Picture { path: "/x".into(), width: 9, height: 9, seen_on_light: true, seen_on_dark: false };
        let check = |light: Option<Picture>, dark: Option<Picture>, expected: &[&str]| {
            let branding = Branding { logo: Logo { light, dark }, ..Branding::default() };
            let told = branding.warnings();
            assert!(
                told.len() == expected.len() && told.iter().zip(expected).all(|(t, e)| t.starts_with(e)),
                "{told:?}"
            );
        };
        let bright = Picture { seen_on_light: false, seen_on_dark: true, ..ink.clone() };
        check(Some(ink.clone()), None, &["logo: cannot be made out on dark pages"]);
        check(Some(ink.clone()), Some(bright.clone()), &[]);
        check(Some(bright.clone()), Some(ink.clone()), &["logo: cannot be made out on light", "logo_dark: cannot"]);
        check(None, None, &[]);
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

    #[test]
    fn an_icon_is_drawn_from_the_name() {
        let icon = Branding { name: "<script>\"'ß".to_owned(), ..Branding::default() }.drawn_icon();
        assert!(
            icon.starts_with("data:image/svg+xml,%3Csvg%20xmlns=") && icon.ends_with("%3ES%3C/text%3E%3C/svg%3E"),
            "{icon}"
        );
        assert!(icon.contains("fill=%27%231b1c22%27"), "{icon}");
        let kept = |b: u8| b.is_ascii_alphanumeric() || b"-./:=,%+".contains(&b);
        assert!(icon.bytes().all(kept) && icon.matches("%3E").count() == 5, "{icon}");
        assert!(Branding { name: "Über".to_owned(), ..Branding::default() }.drawn_icon().contains("%3E%C3%9C%3C"));
    }

    #[test]
    fn corners_are_named() {
        for corners in Corners::ALL {
            assert_eq!(Corners::parse(corners.as_str()), Some(corners));
        }
        assert_eq!(Corners::parse("round"), None);
    }

    proptest! {
        #[test]
        fn every_colour_can_be_chosen(parts: [u8; 3]) {
            let colour = Colour(parts);
            prop_assert!(colour.for_dark_pages().contrast(DARK.card) >= READ);
            prop_assert!(colour.muted().contrast(colour) >= READ);
        }
    }
}
