use crate::{Branding, Language, Texts};

/// What every page stands in.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The language of its texts.
    pub language: Language,
    /// The look of the environment.
    pub branding: &'a Branding,
    /// The path of [`crate::branding_css`] for this branding; `None` where the default look is wanted.
    pub branding_stylesheet: Option<&'a str>,
    /// Below which path the pages are: the empty text, but for the company's own staff. Stands before every path of ours.
    pub base: &'a str,
    /// The query parameters that a change of language keeps, encoded, such as `flow=abc`; the empty string if there are
    /// none. `None` offers no other language: right for the answer to a post, which a link cannot repeat.
    pub language_keeps: Option<&'a str>,
}

impl Frame<'_> {
    pub(crate) fn texts(&self) -> Texts {
        self.language.texts()
    }

    /// The address of this page in another language.
    pub(crate) fn in_language(&self, language: &Language) -> String {
        match self.language_keeps {
            None | Some("") => format!("?lang={}", language.tag()),
            Some(keeps) => format!("?{keeps}&lang={}", language.tag()),
        }
    }
}

/// A page: made from a view, whole.
pub trait Page {
    /// The HTML document.
    fn html(&self) -> String;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> String {
        // Rendering fails when the writer or a filter does: a String never, and our templates have no filters of that kind.
        self.render().unwrap_or_default()
    }
}
