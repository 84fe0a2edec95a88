//! What an environment has chosen of its look. What is made of the choices is the business of the pages.

use super::{Image, Logo};

/// The look of an environment, as far as it was chosen. Colours are `#rrggbb`; corners and font are words that the pages
/// know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// What people know the product as.
    pub name: Option<String>,
    /// The logo.
    pub logo: Logo,
    /// A square icon: for the tab of the browser, and beside the name where there is no logo.
    pub icon: Option<Image>,
    /// The main button, on light pages.
    pub primary: Option<String>,
    /// The main button, on dark pages.
    pub primary_dark: Option<String>,
    /// Behind the card, on light pages.
    pub background: Option<String>,
    /// Behind the card, on dark pages.
    pub background_dark: Option<String>,
    /// The corners of buttons and fields.
    pub corners: Option<String>,
    /// The font.
    pub font: Option<String>,
    /// The address of the terms of service.
    pub terms_url: Option<String>,
    /// The address of the privacy policy.
    pub privacy_url: Option<String>,
}

impl Brand {
    /// The pictures that it refers to.
    pub fn images(&self) -> impl Iterator<Item = Image> {
        [self.logo.light, self.logo.dark, self.icon].into_iter().flatten()
    }
}
