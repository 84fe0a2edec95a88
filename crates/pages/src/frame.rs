use crate::{Branding, Language, Texts};

/// What every page has in common.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The language of the texts.
    pub language: Language,
    /// The environment's branding.
    pub branding: &'a Branding,
    /// The path of [`crate::branding_css`] for this branding; `None` for the default look.
    pub branding_stylesheet: Option<&'a str>,
    /// The base path of the pages: empty, except on the sign-in pages for staff. It prefixes all of our paths.
    pub base: &'a str,
    /// The query parameters to keep when the language changes, encoded, such as `flow=abc`; the empty string if there
    /// are none. `None` hides the language menu, as is right for the response to a POST, which a link cannot repeat.
    pub language_keeps: Option<&'a str>,
}

impl Frame<'_> {
    pub(crate) fn texts(&self) -> Texts {
        self.language.texts()
    }

    /// The URL of this page in another language.
    pub(crate) fn in_language(&self, language: &Language) -> String {
        match self.language_keeps {
            None | Some("") => format!("?lang={}", language.tag()),
            Some(keeps) => format!("?{keeps}&lang={}", language.tag()),
        }
    }
}

/// A complete page, rendered from a view.
pub trait Page {
    /// The HTML document.
    fn html(&self) -> String;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> String {
        // Rendering fails only if the writer or a filter does: a String never does, and our templates have no such
        // filters.
        self.render().unwrap_or_default()
    }
}
