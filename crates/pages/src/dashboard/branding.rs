use askama::Template;

use super::Shell;

/// A picture that can be chosen.
#[derive(Clone, Debug)]
pub struct PictureField {
    /// The field of the file; with `remove_` before it, the one that takes the picture away.
    pub name: &'static str,
    /// What it is.
    pub label: &'static str,
    /// What is good to know.
    pub hint: &'static str,
    /// Where the one that is there is served.
    pub shown: Option<String>,
    /// Whether it is to be shown on a dark ground.
    pub on_dark: bool,
}

/// A colour that can be chosen.
#[derive(Clone, Debug)]
pub struct ColourField {
    /// The field.
    pub name: &'static str,
    /// What it colours.
    pub label: &'static str,
    /// What was chosen, or typed; may be empty.
    pub value: String,
    /// What is taken where nothing is chosen.
    pub without: String,
}

/// A word that can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct WordOption {
    /// The word that is posted.
    pub word: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A page that the look can be seen on.
#[derive(Clone, Copy, Debug)]
pub struct PreviewPage {
    /// Its word.
    pub word: &'static str,
    /// What people read.
    pub label: &'static str,
}

/// How the pages and mails of an environment look.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/branding.html")]
pub struct BrandingPage<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// What people know the product as; may be empty.
    pub name: &'a str,
    /// What it is called where nothing was chosen.
    pub without_name: &'a str,
    /// The colours.
    pub colours: &'a [ColourField],
    /// The corners.
    pub corners: &'a [WordOption],
    /// The fonts.
    pub fonts: &'a [WordOption],
    /// The address of the terms of service.
    pub terms_url: &'a str,
    /// The address of the privacy policy.
    pub privacy_url: &'a str,
    /// Logo and icon.
    pub pictures: &'a [PictureField],
    /// What will not look as it was chosen.
    pub warnings: &'a [String],
    /// The pages to see it on.
    pub previews: &'a [PreviewPage],
}
