//! Masks: what is shown of a personal value to whoever may not see it as it is.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{
    fault::{FaultList, shown},
    pointer::Pointer,
};

/// The class of a rule for every class that has none of its own.
pub const EVERY_CLASS: &str = "*";
/// Rules of a role or a site: more than a site has classes.
pub const MASK_RULES_MAX: usize = 200;
/// Characters of a class: a few words.
const CLASS_CHARACTERS_MAX: usize = 63;

/// What is shown of the values of a field.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
pub enum MaskPolicy {
    /// The value.
    #[default]
    Show,
    /// A keyed hash: the same for the same value, and of no use to whoever has no key.
    Hash,
    /// A part that tells people apart without naming them, as its class has it.
    Partial,
    /// That there is such a field, and nothing of its values.
    Redact,
    /// Nothing: the field is not there.
    Drop,
}

impl MaskPolicy {
    /// Every policy, from the one that shows most to the one that shows least.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Hash => "hash",
            Self::Partial => "partial",
            Self::Redact => "redact",
            Self::Drop => "drop",
        }
    }

    /// What it does, as the pages say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Show => "as it is",
            Self::Hash => "as a hash",
            Self::Partial => "in part",
            Self::Redact => "as a blank",
            Self::Drop => "not at all",
        }
    }

    /// The policy of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|policy| policy.slug() == slug)
    }

    /// Whether the value is anything else than what it is.
    pub fn hides(self) -> bool {
        self != Self::Show
    }

    /// Whether what this policy has left of a value may be given to somebody whom `other` is for.
    /// A blank tells as much as a field that is not there. A hash and a part tell different
    /// things: neither may stand for the other.
    pub fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Redact | Self::Drop, _) | (_, Self::Show) => true,
            (Self::Show | Self::Hash | Self::Partial, _) => self == other,
        }
    }
}

/// What is shown of one class of personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskRule {
    /// Class, as the configuration gives it to fields; [`EVERY_CLASS`] is all others.
    pub class: String,
    /// What is shown.
    pub policy: MaskPolicy,
}

/// The rules of a role, or of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaskRules(pub Vec<MaskRule>);

impl MaskRules {
    /// What the rules say about a class, if they say anything.
    pub fn of(&self, class: &str) -> Option<MaskPolicy> {
        let named = |name: &str| self.0.iter().find(|rule| rule.class == name);
        named(class).or_else(|| named(EVERY_CLASS)).map(|rule| rule.policy)
    }

    /// Whether they say nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes what is wrong with the rules.
    pub(crate) fn check(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        if self.0.len() > MASK_RULES_MAX {
            faults.add(at, format!("there are at most {MASK_RULES_MAX} masks"));
            return;
        }
        for (index, rule) in self.0.iter().enumerate() {
            let at = at.index(index);
            let is_word = |c: char| !c.is_control() && !c.is_whitespace();
            let is_class = !rule.class.is_empty()
                && rule.class.chars().count() <= CLASS_CHARACTERS_MAX
                && rule.class.chars().all(is_word);
            if !is_class {
                let detail =
                    "a class is a word, as `pii` gives it to fields, or `*` for all others";
                faults.add(&at.member("class"), detail);
            }
            if self.0[..index].iter().any(|one| one.class == rule.class) {
                let class = shown(&rule.class);
                faults.add(&at.member("class"), format!("there is a mask of `{class}` already"));
            }
        }
    }

    /// Everything that is wrong with the rules; pointers begin with `at`.
    pub fn faults(&self, at: &str) -> Vec<crate::fault::Fault> {
        let mut faults = FaultList::default();
        self.check(&Pointer::at(at), &mut faults);
        faults.into_faults().map(|faults| faults.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(of: &[(&str, MaskPolicy)]) -> MaskRules {
        let rule = |(class, policy): &(&str, MaskPolicy)| MaskRule {
            class: (*class).to_owned(),
            policy: *policy,
        };
        MaskRules(of.iter().map(rule).collect())
    }

    #[test]
    fn a_policy_is_found_by_the_name_that_it_is_written_with() {
        for &policy in MaskPolicy::ALL {
            assert_eq!(MaskPolicy::find(policy.slug()), Some(policy));
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.slug());
        }
    }

    #[test]
    fn what_is_left_of_a_value_may_be_given_to_whom_as_much_is_shown() {
        let table: String = MaskPolicy::ALL
            .iter()
            .map(|left| {
                let to = MaskPolicy::ALL.iter().filter(|to| left.covers(**to));
                let to: Vec<&str> = to.map(|policy| policy.slug()).collect();
                format!("{} → {}\n", left.slug(), to.join(" "))
            })
            .collect();
        assert_eq!(
            table,
            "show → show\nhash → show hash\npartial → show partial\n\
             redact → show hash partial redact drop\ndrop → show hash partial redact drop\n"
        );
    }

    #[test]
    fn a_class_has_its_own_rule_or_that_of_all_others() {
        let rules = rules(&[("*", MaskPolicy::Redact), ("email", MaskPolicy::Hash)]);
        assert_eq!(rules.of("email"), Some(MaskPolicy::Hash));
        assert_eq!(rules.of("phone"), Some(MaskPolicy::Redact));
        assert_eq!(MaskRules::default().of("email"), None);
    }

    #[test]
    fn a_class_is_a_word_and_has_one_rule() {
        let wrong = rules(&[
            ("email", MaskPolicy::Hash),
            ("", MaskPolicy::Hash),
            ("two words", MaskPolicy::Hash),
            ("email", MaskPolicy::Drop),
        ]);
        let places: Vec<String> =
            wrong.faults("/masks").into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(places, ["/masks/1/class", "/masks/2/class", "/masks/3/class"]);
        assert!(
            rules(&[("*", MaskPolicy::Drop), ("email", MaskPolicy::Show)]).faults("").is_empty()
        );
    }
}
