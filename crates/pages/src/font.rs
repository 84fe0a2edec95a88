/// The selectable fonts: font families that come with operating systems. No font is downloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Font {
    /// The system font.
    #[default]
    System,
    /// A humanist sans-serif.
    Humanist,
    /// A geometric sans-serif.
    Geometric,
    /// A sans-serif with rounded ends.
    Rounded,
    /// A serif.
    Serif,
    /// A monospaced font.
    Mono,
}

impl Font {
    /// All values.
    pub const ALL: [Self; 6] = [Self::System, Self::Humanist, Self::Geometric, Self::Rounded, Self::Serif, Self::Mono];

    /// The word used in storage and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Humanist => "humanist",
            Self::Geometric => "geometric",
            Self::Rounded => "rounded",
            Self::Serif => "serif",
            Self::Mono => "mono",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|font| font.as_str() == text)
    }

    /// The font families in order of preference, with single quotes because emails use them in an attribute.
    pub(crate) const fn families(self) -> &'static str {
        match self {
            Self::System => {
                "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
            }
            Self::Humanist => {
                "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'Open Sans', 'Noto Sans', 'DejaVu Sans', sans-serif"
            }
            Self::Geometric => "Avenir, Montserrat, Corbel, 'URW Gothic', Poppins, Jost, 'Noto Sans', sans-serif",
            Self::Rounded => {
                "ui-rounded, 'SF Pro Rounded', 'Hiragino Maru Gothic ProN', Quicksand, Nunito, Comfortaa, 'Arial Rounded MT Bold', Calibri, system-ui, sans-serif"
            }
            Self::Serif => {
                "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, 'Iowan Old Style', 'Source Serif 4', Georgia, 'Noto Serif', 'DejaVu Serif', serif"
            }
            Self::Mono => {
                "ui-monospace, SFMono-Regular, Menlo, 'Cascadia Code', Consolas, 'DejaVu Sans Mono', monospace"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_named_and_fit_into_a_mail() {
        for font in Font::ALL {
            assert_eq!(Font::parse(font.as_str()), Some(font));
            assert!(!font.families().contains(['"', '<', '>', ';', '{']), "{font:?}");
        }
        assert_eq!(Font::parse("Comic Sans"), None);
    }
}
