//! The rules of a site: which exports wait for a second person, and which say why they are wanted.

use regex::RegexBuilder;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::Hours;
use crate::{
    fault::{Fault, Faults},
    known::Known,
    nearest::unknown,
    pointer::Pointer,
};

/// Rules of a site at most: each is asked at every create.
pub const RULES_MAX: usize = 100;
/// Characters of a name, and of a slug that a rule names.
const NAME_CHARACTERS_MAX: usize = 100;
/// Operators or roles that a rule names at most.
const NAMED_MAX: usize = 100;
/// Hours that an approval waits, or is good, at most: four weeks.
const HOURS_MAX: u32 = 28 * 24;
/// Hours that an approval waits, and is good, unless a rule says otherwise.
const HOURS: u32 = 24;
/// Characters of a pattern, and bytes that it may need: it comes from a person.
const PATTERN_CHARACTERS_MAX: usize = 200;
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Characters of a reason: as long as a request takes it.
pub const REASON_CHARACTERS_MAX: usize = 1_000;
/// A row number at most: the greatest integer that every reader of JSON takes as it is.
const ROWS_MAX: u64 = (1 << 53) - 1;
/// Microseconds of an hour.
const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;

/// What a site asks of its exports beside the right to make them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalRules {
    /// Which exports wait for a second person; none is off. The first that matches counts.
    pub rules: Vec<ApprovalRule>,
    /// Whether whoever may approve may release an export of their own, to be reviewed later.
    pub break_glass: bool,
    /// Which exports have to say why they are wanted.
    pub reason: ReasonRule,
}

/// A rule: an export that fits all that it says waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// What people call it.
    pub name: String,
    /// Slug of the subject; none is any.
    #[serde(default)]
    pub subject: Option<String>,
    /// Only exports with personal data.
    #[serde(default)]
    pub pii: bool,
    /// Only exports of more rows than this; what nobody can say counts as more.
    #[serde(default)]
    pub rows_over: Option<u64>,
    /// Mail addresses of operators; with `roles`, whoever is one of either. None is anybody.
    #[serde(default)]
    pub operators: Vec<String>,
    /// Slugs of roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Only within these hours.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// Hours that it waits before it lapses.
    #[serde(default = "usual_hours")]
    pub wait_hours: u32,
    /// Hours within which it is used once it is granted.
    #[serde(default = "usual_hours")]
    pub good_hours: u32,
}

fn usual_hours() -> u32 {
    HOURS
}

/// An export that is asked for, as far as rules ask about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Slug of the subject.
    pub subject: &'a str,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// Rows that are expected; none if nobody can say.
    pub rows: Option<u64>,
    /// Mail address of who asks.
    pub operator: &'a str,
    /// Slug of the role of who asks.
    pub role: &'a str,
    /// When, in microseconds since 1970.
    pub at: i64,
}

/// Which exports have to say why they are wanted, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReasonRule {
    /// Which.
    pub required_for: ReasonFor,
    /// A regular expression that the whole reason has to match, such as the number of a ticket.
    pub pattern: Option<String>,
}

/// Which exports have to say why they are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum ReasonFor {
    /// None.
    #[default]
    None,
    /// Those with personal data.
    Personal,
    /// All.
    All,
}

impl ReasonFor {
    /// Every choice.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Personal => "personal",
            Self::All => "all",
        }
    }

    /// The choice of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.slug() == slug)
    }
}

impl ApprovalRule {
    /// Whether an export waits by it.
    pub fn matches(&self, asked: &Asked<'_>) -> bool {
        let is_anybody = self.operators.is_empty() && self.roles.is_empty();
        let is_named = || {
            let same = |one: &String| one.to_lowercase() == asked.operator;
            self.operators.iter().any(same) || self.roles.iter().any(|role| role == asked.role)
        };
        let is_over = |most: u64| asked.rows.is_none_or(|rows| rows > most);
        self.subject.as_deref().is_none_or(|subject| subject == asked.subject)
            && (asked.has_pii || !self.pii)
            && self.rows_over.is_none_or(is_over)
            && (is_anybody || is_named())
            && self.hours.as_ref().is_none_or(|hours| hours.contain(asked.at))
    }

    /// How long it waits, in microseconds.
    pub fn wait_micros(&self) -> i64 {
        i64::from(self.wait_hours).saturating_mul(HOUR_MICROS)
    }

    /// How long it is good once it is granted, in microseconds.
    pub fn good_micros(&self) -> i64 {
        i64::from(self.good_hours).saturating_mul(HOUR_MICROS)
    }
}

impl ApprovalRules {
    /// The rule by which an export waits, if one says so.
    pub fn of(&self, asked: &Asked<'_>) -> Option<&ApprovalRule> {
        self.rules.iter().find(|rule| rule.matches(asked))
    }

    /// The rule that an export has slipped by which turned out to have that many rows.
    pub fn slipped(&self, asked: &Asked<'_>) -> Option<&ApprovalRule> {
        self.rules.iter().find(|rule| rule.rows_over.is_some() && rule.matches(asked))
    }

    /// Refuses rules that could not be meant. Without `known`, names are not asked about.
    ///
    /// # Errors
    ///
    /// All faults, each with a pointer to its place.
    pub fn check(&self, known: Option<Known<'_>>) -> Result<(), Faults> {
        let mut faults = Vec::new();
        let root = Pointer::ROOT.member("rules");
        if self.rules.len() > RULES_MAX {
            faults.push(root.fault(format!("a site has at most {RULES_MAX} rules")));
        }
        for (index, rule) in self.rules.iter().take(RULES_MAX).enumerate() {
            let at = root.index(index);
            let mut fault = |name: &str, detail: String| faults.push(at.member(name).fault(detail));
            let is_named = |name: &str| !name.is_empty() && is_short(name);
            if !is_named(rule.name.trim()) {
                fault(
                    "name",
                    format!("a rule has a name of 1 to {NAME_CHARACTERS_MAX} characters"),
                );
            }
            if self.rules[..index].iter().any(|other| other.name == rule.name) {
                fault("name", "two rules of one name cannot be told apart".to_owned());
            }
            if let Some(known) = known {
                let subject = rule.subject.iter().find(|one| !known.subjects.contains(&&***one));
                let role = rule.roles.iter().find(|one| !known.roles.contains(&&***one));
                if let Some(slug) = subject {
                    fault("subject", unknown("subject", slug, known.subjects));
                }
                if let Some(slug) = role {
                    fault("roles", unknown("role", slug, known.roles));
                }
            }
            for (name, listed) in [("operators", &rule.operators), ("roles", &rule.roles)] {
                if listed.len() > NAMED_MAX || !listed.iter().all(|one| is_named(one)) {
                    fault(name, format!("a list of at most {NAMED_MAX} names"));
                }
            }
            for (name, hours) in [("wait_hours", rule.wait_hours), ("good_hours", rule.good_hours)]
            {
                if !(1..=HOURS_MAX).contains(&hours) {
                    fault(name, format!("`{name}` is between 1 and {HOURS_MAX}"));
                }
            }
            if let Some(hours) = &rule.hours
                && hours.days.len() > 7
            {
                fault("hours", "a week has seven days".to_owned());
            }
            if rule.rows_over.is_some_and(|rows| rows > ROWS_MAX) {
                fault("rows_over", format!("at most {ROWS_MAX}"));
            }
        }
        faults.extend(self.reason.fault());
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }
}

fn is_short(name: &str) -> bool {
    name.chars().count() <= NAME_CHARACTERS_MAX && !name.contains('\0')
}

impl ReasonRule {
    /// What is wrong with a reason, or with there being none; a pointer into the request.
    pub fn fault_of(&self, reason: Option<&str>, has_pii: bool) -> Option<Fault> {
        let is_asked = match self.required_for {
            ReasonFor::None => false,
            ReasonFor::Personal => has_pii,
            ReasonFor::All => true,
        };
        let fault = |detail: &str| Some(Fault::new("/reason", detail));
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        match (reason, is_asked, &self.pattern) {
            (_, false, _) => None,
            (None, true, None) => fault("say why this is wanted: the site asks for a reason"),
            (None, true, Some(_)) => {
                fault("say why this is wanted: the site asks for a reason of a certain form")
            }
            (Some(_), true, None) => None,
            (Some(reason), true, Some(pattern)) => match is_match(pattern, reason) {
                true => None,
                false => fault(&format!("a reason has the form `{pattern}` on this site")),
            },
        }
    }

    fn fault(&self) -> Option<Fault> {
        let pattern = self.pattern.as_ref()?;
        let at = Pointer::ROOT.member("reason");
        let is_good = pattern.chars().count() <= PATTERN_CHARACTERS_MAX
            && !pattern.contains('\0')
            && whole(pattern).is_some();
        let detail = format!(
            "a pattern is a regular expression of at most {PATTERN_CHARACTERS_MAX} characters"
        );
        (!is_good).then(|| at.member("pattern").fault(detail))
    }
}

/// The whole reason has to match, not a part of it.
fn whole(pattern: &str) -> Option<regex::Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(PATTERN_BYTES_MAX).build().ok()
}

fn is_match(pattern: &str, reason: &str) -> bool {
    whole(pattern).is_some_and(|pattern| pattern.is_match(reason))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(value: serde_json::Value) -> ApprovalRules {
        serde_json::from_value(json!({ "rules": value })).unwrap()
    }

    fn asked(rows: Option<u64>) -> Asked<'static> {
        Asked {
            subject: "orders",
            has_pii: false,
            rows,
            operator: "bob@example.com",
            role: "editor",
            at: 0,
        }
    }

    #[test]
    fn without_a_rule_nothing_waits() {
        assert_eq!(ApprovalRules::default().of(&asked(None)), None);
    }

    #[test]
    fn rows_over_a_number_wait_at_one_more_and_where_nobody_can_say() {
        let rules = rules(json!([{ "name": "many", "rows_over": 10 }]));
        for (rows, waits) in [(Some(10), false), (Some(11), true), (None, true), (Some(0), false)] {
            assert_eq!(rules.of(&asked(rows)).is_some(), waits, "{rows:?}");
        }
    }

    #[test]
    fn a_rule_wants_all_that_it_says_and_either_of_operator_and_role() {
        let all = json!([{ "name": "all", "subject": "orders", "pii": true, "rows_over": 5,
            "operators": ["BOB@example.com"], "roles": ["clerk"],
            "hours": { "from": "00:00", "until": "01:00" } }]);
        let rules = rules(all);
        let fits = Asked { has_pii: true, ..asked(Some(6)) };
        assert!(rules.of(&fits).is_some());
        let other_role = Asked { role: "clerk", operator: "eve@example.com", ..fits };
        assert!(rules.of(&other_role).is_some(), "by the role");
        for other in [
            Asked { subject: "users", ..fits },
            Asked { has_pii: false, ..fits },
            Asked { rows: Some(5), ..fits },
            Asked { operator: "eve@example.com", ..fits },
            Asked { at: HOUR_MICROS, ..fits },
        ] {
            assert_eq!(rules.of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = rules(json!([{ "name": "users", "subject": "users" }, { "name": "any" },
            { "name": "later" }]));
        assert_eq!(rules.of(&asked(None)).unwrap().name, "any");
    }

    #[test]
    fn every_fault_of_rules_is_told_with_its_place() {
        let wrong = rules(json!([
            { "name": "", "subject": "order", "wait_hours": 0 },
            { "name": "b", "good_hours": 10_000, "operators": [""] },
            { "name": "b", "rows_over": 9_007_199_254_740_992_u64, "roles": ["viewer", "Editor"] },
        ]));
        let wrong = ApprovalRules {
            reason: ReasonRule { required_for: ReasonFor::All, pattern: Some("(".to_owned()) },
            ..wrong
        };
        let known = Known { subjects: &["orders"], roles: &["editor", "viewer"] };
        let Faults(faults) = wrong.check(Some(known)).unwrap_err();
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let expected = [
            "/rules/0/name",
            "/rules/0/subject",
            "/rules/0/wait_hours",
            "/rules/1/operators",
            "/rules/1/good_hours",
            "/rules/2/name",
            "/rules/2/roles",
            "/rules/2/rows_over",
            "/reason/pattern",
        ];
        assert_eq!(places, expected);
        assert_eq!(faults[6].detail, "`Editor` is no role; did you mean `editor`?");
        assert_eq!(ApprovalRules::default().check(Some(known)), Ok(()));
    }

    #[test]
    fn a_reason_is_asked_for_by_policy_and_matches_as_a_whole() {
        let rule = |required_for, pattern: Option<&str>| ReasonRule {
            required_for,
            pattern: pattern.map(str::to_owned),
        };
        let ticket = Some("[A-Z]+-[0-9]+");
        for (rule, reason, has_pii, is_taken) in [
            (rule(ReasonFor::None, None), None, true, true),
            (rule(ReasonFor::Personal, None), None, false, true),
            (rule(ReasonFor::Personal, None), None, true, false),
            (rule(ReasonFor::Personal, None), Some(" "), true, false),
            (rule(ReasonFor::All, None), Some("audit"), false, true),
            (rule(ReasonFor::All, ticket), Some("OPS-12"), false, true),
            (rule(ReasonFor::All, ticket), Some("see OPS-12"), false, false),
            (rule(ReasonFor::All, ticket), None, false, false),
            (rule(ReasonFor::Personal, ticket), Some("whatever"), false, true),
        ] {
            let fault = rule.fault_of(reason, has_pii);
            assert_eq!(fault.is_none(), is_taken, "{rule:?} {reason:?}");
            assert!(fault.is_none_or(|fault| fault.pointer == "/reason"));
        }
    }
}
