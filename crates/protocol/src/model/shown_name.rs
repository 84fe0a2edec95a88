//! Names chosen by third parties, made safe to show to users.

/// The maximum length of a shown name, in characters.
const MAX_NAME_LENGTH: usize = 100;

/// Cleans a claimed name for display: on one line, without characters that control how text is rendered. `None` if
/// nothing readable remains.
pub fn shown_name(claimed: &str) -> Option<String> {
    // Bidirectional controls and invisible characters can make one name look like another.
    let steers = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        // Invisible, although classified as letters or marks.
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
    };
    let plain: String = claimed.chars().filter(|c| !steers(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name: String = plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_NAME_LENGTH).collect();
    let name = name.trim_end().to_owned();
    name.chars().any(char::is_alphanumeric).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_one_line_that_reads_as_it_is_written() {
        assert_eq!(shown_name("  Claude \n Code\t"), Some("Claude Code".into()));
        assert_eq!(shown_name("Bank\u{202e}knaB\u{200b}"), Some("BankknaB".into()));
        assert_eq!(shown_name("\u{202e}\n"), None);
        assert_eq!(shown_name(&"x".repeat(300)).map(|name| name.len()), Some(100));
    }

    proptest! {
        #[test]
        fn a_shown_name_is_shown_the_same_again(claimed in "\\PC{0,200}") {
            if let Some(name) = shown_name(&claimed) {
                prop_assert_eq!(shown_name(&name), Some(name));
            }
        }
    }
}
