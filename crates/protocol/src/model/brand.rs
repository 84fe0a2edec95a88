//! An environment's branding settings. How they are rendered is up to the pages.

use super::{Image, Logo};

/// An environment's branding; anything not chosen is `None`. Colors are `#rrggbb`; corners and font are keywords that
/// the pages know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The product's name, as users know it.
    pub name: Option<String>,
    /// The logo.
    pub logo: Logo,
    /// A square icon: for the browser tab, and next to the name if there is no logo.
    pub icon: Option<Image>,
    /// The color of the primary button, on light pages.
    pub primary: Option<String>,
    /// The color of the primary button, on dark pages.
    pub primary_dark: Option<String>,
    /// The color behind the card, on light pages.
    pub background: Option<String>,
    /// The color behind the card, on dark pages.
    pub background_dark: Option<String>,
    /// The corner style of buttons and fields.
    pub corners: Option<String>,
    /// The font.
    pub font: Option<String>,
    /// The URL of the terms of service.
    pub terms_url: Option<String>,
    /// The URL of the privacy policy.
    pub privacy_url: Option<String>,
}

impl Brand {
    /// The images it refers to.
    pub fn images(&self) -> impl Iterator<Item = Image> {
        [self.logo.light, self.logo.dark, self.icon].into_iter().flatten()
    }
}
