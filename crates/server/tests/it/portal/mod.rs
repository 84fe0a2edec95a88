//! The organization portal, as a customer's administrator sees it.

mod connections;
mod credentials;
mod domains;
mod links;
mod members;
mod policy;

/// Returns the text between two others.
#[track_caller]
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap()
}

/// Returns the value that is shown once.
#[track_caller]
fn shown_once(html: &str) -> String {
    let shown = between(html, "message good once", "</div></dl>");
    shown.rsplit("<code>").next().unwrap().split('<').next().unwrap().to_owned()
}
