use crate::Texts;

/// A supported language; every text exists in each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, which is also the fallback for unsupported languages.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All languages, in the order in which pages offer them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The tag for `lang` attributes and `?lang=`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Its name in the language itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// Parses a tag such as `de` or `de-AT`; the region is ignored.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The supported language that an `Accept-Language` header prefers (RFC 9110 §12.5.4); the first among equals. `*`
    /// stands for languages that the header does not name.
    pub fn negotiate(accept_language: &str) -> Self {
        let ranges = || accept_language.split(',').map(range);
        let named = |language| ranges().any(|(tag, _)| Self::parse(tag) == Some(language));
        let mut best = (Self::default(), 0.0);
        for (tag, weight) in ranges() {
            let meant =
                |language: &Self| if tag == "*" { !named(*language) } else { Self::parse(tag) == Some(*language) };
            if let Some(language) = Self::ALL.into_iter().find(meant)
                && weight > best.1
                && weight <= 1.0
            {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The texts in this language.
    pub fn texts(self) -> Texts {
        Texts::new(self)
    }
}

/// A language range and its weight, which defaults to the maximum.
fn range(text: &str) -> (&str, f64) {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('='));
    (tag, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_liked_language_that_there_is() {
        for (header, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,en;q=0.5", Language::German),
            ("en-GB,de;q=0.9", Language::English),
            ("fr-FR, de;q=0.4, en;q=0.3", Language::German),
            ("en;q=0.2, de;q=0.8", Language::German),
            ("de;q=0, en;q=0.1", Language::English),
            ("de;q=0", Language::English),
            ("fr, *;q=0.5", Language::English),
            ("en;q=0, *", Language::German),
            ("*, en;q=0.5", Language::German),
            ("de;Q=0.1, en;Q=0.2", Language::English),
            (", ,de", Language::German),
            ("de;q=many", Language::English),
            ("de;q=7, en;q=0.1", Language::English),
            ("den", Language::English),
        ] {
            assert_eq!(Language::negotiate(header), expected, "{header}");
        }
    }

    #[test]
    fn tags_are_parsed() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.tag()), Some(language));
        }
        assert_eq!(Language::parse("DE_ch"), Some(Language::German));
        assert_eq!(Language::parse("fr"), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(header: String) {
            Language::negotiate(&header);
        }
    }
}
