//! Timestamps formatted for people.

use countersign_pages::Language;
use countersign_protocol::time::Timestamp;

/// Formats a timestamp to the minute. On a narrow page it breaks before the time, not within the date.
pub fn moment(moment: Timestamp, language: Language) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let (year, month, day, time) = (part(0, 4), part(5, 7), part(8, 10), part(11, 16));
    let date = match language {
        Language::English => {
            let name = month.parse::<usize>().ok().and_then(|number| MONTHS.get(number.checked_sub(1)?));
            format!("{}\u{a0}{}\u{a0}{year}", day.trim_start_matches('0'), name.unwrap_or(&month))
        }
        Language::German => format!("{day}.{month}.{year}"),
    };
    format!("{date}, {time}\u{a0}UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_words() {
        let moment = |millis| Language::ALL.map(|language| super::moment(Timestamp::from_millis(millis), language));
        assert_eq!(moment(1_795_272_305_987), ["21\u{a0}Nov\u{a0}2026, 14:45\u{a0}UTC", "21.11.2026, 14:45\u{a0}UTC"]);
        assert_eq!(moment(0), ["1\u{a0}Jan\u{a0}1970, 00:00\u{a0}UTC", "01.01.1970, 00:00\u{a0}UTC"]);
    }
}
