use crate::{Language, Problem};

/// What every form contains.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The path that it posts to.
    pub action: &'a str,
    /// The hidden field `csrf`.
    pub csrf: &'a str,
    /// The hidden field `flow`: opaque here.
    pub flow: &'a str,
    /// Why it is shown again.
    pub problem: Option<Problem>,
}

impl Form<'_> {
    /// The title of its page, prefixed if there is a problem: the title is what screen readers read first.
    pub(crate) fn title(&self, title: &str, language: Language) -> String {
        match self.problem {
            Some(_) => language.texts().in_title_problem(title),
            None => title.to_owned(),
        }
    }

    /// Whether the problem is in this field.
    pub(crate) fn wrong(&self, name: &str) -> bool {
        self.problem.and_then(Problem::field).is_some_and(|field| field.name() == name)
    }

    /// The problem in this field, if any.
    pub(crate) fn problem_in(&self, name: &str, language: Language) -> Option<String> {
        self.problem.filter(|_| self.wrong(name)).map(|problem| problem.text(language))
    }

    /// The problem, if it is in none of these fields, whose names are separated by spaces.
    pub(crate) fn problem_above(&self, fields: &str, language: Language) -> Option<String> {
        let beside_a_field = fields.split(' ').any(|name| self.wrong(name));
        self.problem.filter(|_| !beside_a_field).map(|problem| problem.text(language))
    }

    /// Whether this field gets the focus: the one with the problem, otherwise the page's first.
    pub(crate) fn focus(&self, name: &str, first: &bool) -> bool {
        self.problem.and_then(Problem::field).map_or(*first, |field| field.name() == name)
    }
}

/// A selectable organization.
#[derive(Clone, Copy, Debug)]
pub struct Organization<'a> {
    /// The value of the field `organization_id`.
    pub id: &'a str,
    /// Its display name.
    pub name: &'a str,
}
