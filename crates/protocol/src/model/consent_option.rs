//! What people are asked to choose when they allow an application something (Standalone Connect): each choice becomes a
//! claim of the tokens.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was chosen, by claim.
pub type Choices = BTreeMap<String, String>;

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentOption {
    /// The claim that the choice becomes.
    pub claim: String,
    /// What people read beside it.
    pub label: String,
    /// What there is to choose from.
    pub groups: Vec<ChoiceGroup>,
}

/// Choices that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceGroup {
    /// What people read above them; `None` for choices that stand by themselves.
    pub name: Option<String>,
    /// Them.
    pub choices: Vec<Choice>,
}

/// One of the things to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the claim becomes.
    pub value: String,
    /// What people read.
    pub label: String,
}

impl ConsentOption {
    /// Everything there is to choose from.
    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.groups.iter().flat_map(|group| &group.choices)
    }

    /// Whether this can be chosen.
    pub fn offers(&self, value: &str) -> bool {
        self.choices().any(|choice| choice.value == value)
    }
}

/// The choices that are offered; `None` unless something that is offered was chosen for every option.
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
