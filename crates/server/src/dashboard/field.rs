//! Reading forms of the dashboard.

use countersign_protocol::oauth::params::Params;

/// A field as it was typed, without white space around it; the empty text when it is not there.
pub fn text<'f>(form: &'f Params<'_>, name: &str) -> &'f str {
    form.get(name).unwrap_or("").trim()
}

/// The same, where nothing is nothing.
pub fn optional(form: &Params<'_>, name: &str) -> Option<String> {
    Some(text(form, name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// One entry per line, without empty ones.
pub fn lines(form: &Params<'_>, name: &str) -> Vec<String> {
    text(form, name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Whether a box was ticked.
pub fn ticked(form: &Params<'_>, name: &str) -> bool {
    form.get(name).is_some_and(|value| !value.is_empty())
}
