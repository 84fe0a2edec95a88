use askama::Template;

use super::Shell;

/// A picture setting.
#[derive(Clone, Debug)]
pub struct PictureField {
    /// The name of the file field; prefixed with `remove_`, that of the checkbox that removes the picture.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// A hint about format and size.
    pub hint: &'static str,
    /// The URL of the current picture.
    pub shown: Option<String>,
    /// Whether it is to be shown on a dark background.
    pub on_dark: bool,
}

/// A color setting.
#[derive(Clone, Debug)]
pub struct ColourField {
    /// The name of the field.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The stored or typed value; may be empty.
    pub value: String,
    /// The color used if none is set.
    pub without: String,
}

/// A selectable value.
#[derive(Clone, Copy, Debug)]
pub struct WordOption {
    /// The value that is posted.
    pub word: &'static str,
    /// Its label.
    pub label: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A page that can be previewed.
#[derive(Clone, Copy, Debug)]
pub struct PreviewPage {
    /// Its name in the query.
    pub word: &'static str,
    /// Its label.
    pub label: &'static str,
}

/// The branding settings of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/branding.html")]
pub struct BrandingPage<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The product's name; may be empty.
    pub name: &'a str,
    /// The name used if none is set.
    pub without_name: &'a str,
    /// The colors.
    pub colours: &'a [ColourField],
    /// The corners.
    pub corners: &'a [WordOption],
    /// The fonts.
    pub fonts: &'a [WordOption],
    /// The URL of the terms of service.
    pub terms_url: &'a str,
    /// The URL of the privacy policy.
    pub privacy_url: &'a str,
    /// Logo and icon.
    pub pictures: &'a [PictureField],
    /// Warnings about settings that will not look as configured.
    pub warnings: &'a [String],
    /// The pages that can be previewed.
    pub previews: &'a [PreviewPage],
}
