//! Masks in a form: a class and what is shown of it, for the settings and for a role.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::mask::{EVERY_CLASS, MaskPolicy, MaskRule, MaskRules};

/// A class in a form.
pub(super) struct MaskField {
    /// Name of the control.
    pub(super) name: String,
    /// Id of it.
    pub(super) id: String,
    /// The class, in words.
    pub(super) label: String,
    pub(super) is_every: bool,
    /// Word, words, and whether it is chosen.
    pub(super) choices: Vec<(&'static str, String, bool)>,
}

/// The classes of a site and those of the rules, each with what is chosen. `none` says what it
/// means that there is no rule.
pub(super) fn fields(
    prefix: &str,
    classes: &BTreeSet<String>,
    rules: &MaskRules,
    none: &str,
) -> Vec<MaskField> {
    let known: BTreeSet<&str> = classes
        .iter()
        .map(String::as_str)
        .chain(rules.0.iter().map(|rule| rule.class.as_str()))
        .filter(|class| *class != EVERY_CLASS)
        .collect();
    let field = |(index, class): (usize, &str)| {
        let own = rules.0.iter().find(|rule| rule.class == class).map(|rule| rule.policy);
        let policy = |policy: &MaskPolicy| {
            (policy.slug(), sentence_case(policy.words()), own == Some(*policy))
        };
        let choices = std::iter::once(("", none.to_owned(), own.is_none()));
        MaskField {
            name: format!("{prefix}{class}"),
            id: format!("mask-{index}"),
            is_every: class == EVERY_CLASS,
            label: match class {
                EVERY_CLASS => "Every other class".to_owned(),
                "ip" => "IP address".to_owned(),
                class => sentence_case(&class.replace('_', " ")),
            },
            choices: choices.chain(MaskPolicy::ALL.iter().map(policy)).collect(),
        }
    };
    known.into_iter().chain([EVERY_CLASS]).enumerate().map(field).collect()
}

/// The rules that a form sends, by the names of its controls.
pub(super) fn read(prefix: &str, sent: &BTreeMap<String, String>) -> MaskRules {
    let rule = |(name, word): (&String, &String)| {
        let class = name.strip_prefix(prefix)?.to_owned();
        Some(MaskRule { class, policy: MaskPolicy::find(word)? })
    };
    MaskRules(sent.iter().filter_map(rule).collect())
}

/// What a form would send for these rules.
pub(super) fn written(prefix: &str, rules: &MaskRules) -> Vec<(String, String)> {
    let pair = |rule: &MaskRule| (format!("{prefix}{}", rule.class), rule.policy.slug().to_owned());
    rules.0.iter().map(pair).collect()
}

fn sentence_case(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next();
    first.into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_the_rules_that_it_was_made_of() {
        let rule = |class: &str, policy| MaskRule { class: class.to_owned(), policy };
        let rules = MaskRules(vec![
            rule("*", MaskPolicy::Redact),
            rule("email", MaskPolicy::Hash),
            rule("name", MaskPolicy::Show),
        ]);
        let sent: BTreeMap<String, String> = written("mask.", &rules).into_iter().collect();
        assert_eq!(read("mask.", &sent), rules);
        let classes = BTreeSet::from(["email".to_owned(), "phone".to_owned()]);
        let shown: Vec<(String, &str)> = fields("mask.", &classes, &rules, "As the site")
            .into_iter()
            .map(|field| {
                let chosen = field.choices.iter().find(|choice| choice.2).unwrap().0;
                (field.name, chosen)
            })
            .collect();
        let expected = [
            ("mask.email", "hash"),
            ("mask.name", "show"),
            ("mask.phone", ""),
            ("mask.*", "redact"),
        ];
        assert_eq!(shown, expected.map(|(name, word)| (name.to_owned(), word)));
    }
}
