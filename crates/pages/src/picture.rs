use std::fmt;

use crate::web_link::web_link;

/// A picture served by us, and the backgrounds on which it is visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its path.
    pub path: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Whether it is visible on a light background.
    pub seen_on_light: bool,
    /// Whether it is visible on a dark background.
    pub seen_on_dark: bool,
}

/// A logo, in variants for light and dark pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logo {
    /// For light pages, and wherever there is no other variant.
    pub light: Option<Picture>,
    /// For dark pages.
    pub dark: Option<Picture>,
}

/// The space that a logo gets, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// In the header of a page.
    Head,
    /// Next to a line of text.
    Line,
    /// In the header of an email.
    Mail,
}

impl Room {
    /// The maximum width and height, and the area that logos of every shape occupy: a square logo looks as large as a
    /// wide one only if it is taller.
    fn bounds(self) -> (f64, f64, f64) {
        match self {
            Self::Head | Self::Mail => (240.0, 48.0, 4400.0),
            Self::Line => (88.0, 20.0, 800.0),
        }
    }
}

/// The URL and size of a picture: browsers must know the size before the picture has loaded, so that nothing shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed<'a> {
    pub(crate) path: &'a str,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The URL of a picture, if it is safe in a page: a web link without a comma, which would end a URL in `srcset`, or a
/// `data:` URL for a picture that is not stored.
pub(crate) fn picture_address(path: &str) -> Option<&str> {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    match path.strip_prefix(DRAWN) {
        Some(data) => data.bytes().all(base64).then_some(path),
        None => web_link(path).filter(|path| !path.contains(',')),
    }
}

/// The prefix of a picture's `data:` URL.
const DRAWN: &str = "data:image/png;base64,";

impl Picture {
    /// The `data:` URL of a PNG, given in base64.
    pub fn address_of(base64: &str) -> String {
        format!("{DRAWN}{base64}")
    }

    fn placed(&self, room: Room) -> Option<Placed<'_>> {
        let path = picture_address(&self.path)?;
        let (widest, highest, area) = room.bounds();
        let shape = f64::from(self.width.max(1)) / f64::from(self.height.max(1));
        let height = (area / shape).sqrt().min(highest).min(widest / shape);
        let pixels = |length: f64| length.round().clamp(1.0, 10_000.0) as u32;
        Some(Placed { path, width: pixels(height * shape), height: pixels(height) })
    }
}

/// A logo with its URL and size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedLogo<'a> {
    pub(crate) picture: Placed<'a>,
    /// The picture for dark pages, if it is a different one.
    pub(crate) dark: Option<Placed<'a>>,
    grounds: Grounds,
}

/// The backgrounds that a logo needs because it is not visible on the page's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grounds {
    on_light: bool,
    on_dark: bool,
}

impl fmt::Display for Grounds {
    /// Writes the CSS classes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.on_light { " dark-ground" } else { "" })?;
        f.write_str(if self.on_dark { " light-ground" } else { "" })
    }
}

impl PlacedLogo<'_> {
    /// The CSS classes for the backgrounds that it needs.
    pub(crate) fn grounds(&self) -> String {
        self.grounds.to_string()
    }
}

impl Logo {
    /// The pictures for light and for dark pages.
    fn pictures(&self) -> Option<(&Picture, &Picture)> {
        let light = self.light.as_ref().or(self.dark.as_ref())?;
        Some((light, self.dark.as_ref().unwrap_or(light)))
    }

    /// The logo with its URL and size, if there is one.
    pub(crate) fn placed(&self, room: Room) -> Option<PlacedLogo<'_>> {
        let (light, dark) = self.pictures()?;
        let grounds = Grounds { on_light: !light.seen_on_light, on_dark: !dark.seen_on_dark };
        let picture = light.placed(room)?;
        Some(PlacedLogo { picture, dark: dark.placed(room).filter(|dark| *dark != picture), grounds })
    }

    /// Whether the picture for light pages is invisible there, and the same for dark pages.
    pub(crate) fn is_hidden(&self) -> (bool, bool) {
        self.pictures().map_or((false, false), |(light, dark)| (!light.seen_on_light, !dark.seen_on_dark))
    }

    pub(crate) fn in_head(&self) -> Option<PlacedLogo<'_>> {
        self.placed(Room::Head)
    }

    pub(crate) fn in_line(&self) -> Option<PlacedLogo<'_>> {
        self.placed(Room::Line)
    }

    /// The variant that is visible on the white card of an email, if any.
    pub(crate) fn in_mail(&self) -> Option<Placed<'_>> {
        [&self.light, &self.dark].into_iter().flatten().find(|picture| picture.seen_on_light)?.placed(Room::Mail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(path: &str, width: u32, height: u32) -> Picture {
        Picture { path: path.to_owned(), width, height, seen_on_light: true, seen_on_dark: false }
    }

    #[test]
    fn logos_of_every_shape_have_their_room_and_are_not_squeezed() {
        let check = |width, height, room: Room, expected: (u32, u32)| {
            let picture = picture("/x.png", width, height);
            let placed = picture.placed(room).unwrap();
            assert_eq!((placed.width, placed.height), expected, "{width}x{height} {room:?}");
        };
        check(500, 500, Room::Head, (48, 48));
        check(400, 100, Room::Head, (133, 33));
        check(2000, 100, Room::Head, (240, 12));
        check(100, 400, Room::Head, (12, 48));
        check(3, 3, Room::Head, (48, 48));
        check(500, 500, Room::Line, (20, 20));
        check(0, 0, Room::Line, (20, 20));
        check(1, 1_000_000, Room::Head, (1, 48));
        check(u32::MAX, 1, Room::Head, (240, 1));
    }

    #[test]
    fn only_pictures_of_ours_are_shown() {
        for (address, expected) in [
            ("/branding/x.png", true),
            ("https://example.com/x.png", true),
            ("/a,b.png", false),
            ("data:image/png;base64,iVBORw0KGgo=", true),
            ("data:image/png;base64,\"><script>", false),
            ("data:image/png;base64,a b", false),
            ("data:image/svg+xml;base64,AAAA", false),
            ("data:text/html,x", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(picture_address(address).is_some(), expected, "{address}");
        }
        assert!(picture_address(&Picture::address_of("AAAA")).is_some());
    }

    #[test]
    fn a_logo_that_would_not_be_seen_brings_its_ground() {
        let dark_ink = picture("/dark-ink.png", 10, 10);
        let light_ink =
            Picture { path: "/light-ink.png".into(), seen_on_light: false, seen_on_dark: true, ..dark_ink.clone() };
        let check = |light: Option<&Picture>, dark: Option<&Picture>, expected: Option<(&str, Option<&str>, &str)>| {
            let logo = Logo { light: light.cloned(), dark: dark.cloned() };
            let placed = logo.in_head();
            let grounds = placed.map(|placed| placed.grounds());
            let found = placed
                .map(|placed| (placed.picture.path, placed.dark.map(|dark| dark.path), grounds.as_deref().unwrap()));
            assert_eq!(found, expected);
        };
        check(None, None, None);
        check(Some(&dark_ink), Some(&light_ink), Some(("/dark-ink.png", Some("/light-ink.png"), "")));
        check(Some(&dark_ink), None, Some(("/dark-ink.png", None, " light-ground")));
        check(None, Some(&light_ink), Some(("/light-ink.png", None, " dark-ground")));
        check(
            Some(&light_ink),
            Some(&dark_ink),
            Some(("/light-ink.png", Some("/dark-ink.png"), " dark-ground light-ground")),
        );
        let logo = Logo { light: Some(light_ink.clone()), dark: Some(dark_ink.clone()) };
        assert_eq!(logo.in_mail().map(|placed| placed.path), Some("/dark-ink.png"));
        assert_eq!(Logo { light: Some(light_ink), dark: None }.in_mail(), None);
        assert!(Logo { light: Some(picture("javascript:alert(1)", 1, 1)), dark: None }.in_head().is_none());
    }
}
