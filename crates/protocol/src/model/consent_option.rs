//! Choices that users make when they give an application consent (Standalone Connect): each becomes a claim of the
//! tokens.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The chosen values, by claim.
pub type Choices = BTreeMap<String, String>;

/// A choice to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentOption {
    /// The claim that the choice sets.
    pub claim: String,
    /// The label shown to users.
    pub label: String,
    /// The available choices.
    pub groups: Vec<ChoiceGroup>,
}

/// A group of choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceGroup {
    /// The heading shown above the group; `None` for ungrouped choices.
    pub name: Option<String>,
    /// The group's choices.
    pub choices: Vec<Choice>,
}

/// One of the available choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The claim's value.
    pub value: String,
    /// The label shown to users.
    pub label: String,
}

impl ConsentOption {
    /// All available choices.
    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.groups.iter().flat_map(|group| &group.choices)
    }

    /// Whether this value can be chosen.
    pub fn offers(&self, value: &str) -> bool {
        self.choices().any(|choice| choice.value == value)
    }
}

/// Returns the choices for the offered options; `None` unless every option has a valid choice.
pub fn settled(options: &[ConsentOption], chosen: &Choices) -> Option<Choices> {
    options
        .iter()
        .map(|option| {
            let value = chosen.get(&option.claim).filter(|value| option.offers(value))?;
            Some((option.claim.clone(), value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(claim: &str, values: &[&str]) -> ConsentOption {
        let choice = |value: &&str| Choice { value: (*value).to_owned(), label: String::new() };
        let (first, rest) = values.split_at(1);
        let group = |name: Option<&str>, values: &[&str]| ChoiceGroup {
            name: name.map(str::to_owned),
            choices: values.iter().map(choice).collect(),
        };
        ConsentOption {
            claim: claim.to_owned(),
            label: String::new(),
            groups: vec![group(None, first), group(Some("More"), rest)],
        }
    }

    fn chosen(pairs: &[(&str, &str)]) -> Choices {
        pairs.iter().map(|(claim, value)| ((*claim).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn something_offered_is_chosen_of_every_option() {
        let options = [option("a", &["1", "2"]), option("b", &["x", "y", "z"])];
        let both = chosen(&[("a", "2"), ("b", "z")]);
        assert_eq!(settled(&options, &both), Some(both.clone()));
        assert_eq!(settled(&options, &chosen(&[("a", "2"), ("b", "z"), ("sub", "me")])), Some(both));
        assert_eq!(settled(&options, &chosen(&[("a", "2")])), None, "not all");
        assert_eq!(settled(&options, &chosen(&[("a", "2"), ("b", "1")])), None, "what another option offers");
        assert_eq!(settled(&options, &chosen(&[("a", ""), ("b", "x")])), None);
        assert_eq!(settled(&[], &chosen(&[("a", "2")])), Some(Choices::new()), "nothing is offered, nothing is told");
    }
}
