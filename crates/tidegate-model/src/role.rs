//! Roles: named sets of capabilities, with limits on rows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    capability::{Capabilities, KNOWN, export_of, list_of},
    mask::MaskRules,
};

/// A named set of capabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Stable name.
    pub slug: String,
    /// Name that people read.
    #[serde(default)]
    pub label: String,
    /// What its operators may do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Records that its operators may see, by subject; a subject that is absent is not limited.
    #[serde(default)]
    pub limits: Vec<RowLimit>,
    /// What its operators are shown of personal data; what no rule speaks of is as the site has it.
    #[serde(default)]
    pub masks: MaskRules,
}

/// A filter that is put over everything an operator sees of a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLimit {
    /// Slug of the subject.
    pub subject: String,
    /// A filter, as in a scope.
    #[serde(rename = "where")]
    pub filter: Value,
}

impl Role {
    /// The filter over a subject, if there is one.
    pub fn limit_of(&self, subject: &str) -> Option<&Value> {
        self.limits.iter().find(|limit| limit.subject == subject).map(|limit| &limit.filter)
    }
}

/// Capabilities of everybody who may export at all.
const OWN: [&str; 4] =
    ["exports.list.own", "exports.download.own", "exports.cancel.own", "exports.delete.own"];
/// Subjects that an editor lists and exports, lists only; and a viewer.
const EDITOR_EXPORTS: [&str; 2] = ["content", "analytics"];
const EDITOR_LISTS: [&str; 2] = ["orders", "users"];
const VIEWER_EXPORTS: [&str; 1] = ["content"];
const VIEWER_LISTS: [&str; 1] = ["analytics"];

/// The roles of a new site with these subjects. Subjects beside those of the platform are the
/// administrator's until somebody gives them to others.
pub fn defaults<'a>(subjects: impl IntoIterator<Item = &'a str> + Clone) -> Vec<Role> {
    let all = crate::capability::all(subjects.clone());
    let has = |slug: &&str| subjects.clone().into_iter().any(|subject| subject == *slug);
    let of = |exports: &[&str], lists: &[&str], more: &[&str]| -> Capabilities {
        let exported = exports.iter().copied().filter(has);
        let listed = lists.iter().copied().filter(has);
        let both = exported.flat_map(|slug| [list_of(slug), export_of(slug)]);
        let fixed = OWN.iter().chain(more).map(|slug| (*slug).to_owned());
        both.chain(listed.map(list_of)).chain(fixed).collect()
    };
    let role = |slug: &str, label: &str, capabilities| Role {
        slug: slug.to_owned(),
        label: label.to_owned(),
        capabilities,
        limits: Vec::new(),
        masks: MaskRules::default(),
    };
    vec![
        role(ADMINISTRATOR, "Administrator", all),
        role("editor", "Editor", of(&EDITOR_EXPORTS, &EDITOR_LISTS, &["exports.schedule"])),
        role("viewer", "Viewer", of(&VIEWER_EXPORTS, &VIEWER_LISTS, &[])),
    ]
}

/// Slug of the role that may do everything.
pub const ADMINISTRATOR: &str = "administrator";

/// A table of roles and capabilities, as the documentation shows it: one line a capability.
pub fn table(roles: &[Role], subjects: &[&str]) -> String {
    let mut slugs: Vec<String> = KNOWN.iter().map(|known| known.slug.to_owned()).collect();
    slugs.extend(subjects.iter().flat_map(|subject| [list_of(subject), export_of(subject)]));
    let mark = |slug: &String| -> String {
        roles
            .iter()
            .map(|role| if role.capabilities.contains(slug) { " ✓ |" } else { "   |" })
            .collect()
    };
    slugs.iter().map(|slug| format!("| `{slug}` |{}\n", mark(slug))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{job::FailureReason, status::TRANSITIONS};

    const SUBJECTS: [&str; 4] = ["content", "analytics", "orders", "users"];
    const PAGE: &str = include_str!("../../../docs/reference/control-plane.md");

    #[test]
    fn a_limit_is_of_its_own_subject_and_no_other() {
        let limit = |subject: &str, filter: Value| RowLimit { subject: subject.to_owned(), filter };
        let role = Role {
            slug: "north".to_owned(),
            label: "North".to_owned(),
            capabilities: Capabilities::new(),
            limits: vec![
                limit("orders", json!({ "region": "north" })),
                limit("users", json!({ "city": "Kiel" })),
            ],
            masks: MaskRules::default(),
        };
        assert_eq!(role.limit_of("orders"), Some(&json!({ "region": "north" })));
        assert_eq!(role.limit_of("users"), Some(&json!({ "city": "Kiel" })));
        assert_eq!(role.limit_of("content"), None);
    }

    #[test]
    fn the_page_of_the_documentation_says_what_the_code_does() {
        let mut lines: Vec<String> =
            table(&defaults(SUBJECTS), &SUBJECTS).lines().map(str::to_owned).collect();
        lines.extend(TRANSITIONS.iter().map(|transition| {
            format!("| {} | {} | {} |", transition.from, transition.to, transition.slug)
        }));
        lines.extend(FailureReason::ALL.iter().map(|reason| {
            let again = if reason.is_retryable() { "yes" } else { "no" };
            format!("| `{}` | {again} |", reason.slug())
        }));
        let missing: Vec<&String> =
            lines.iter().filter(|line| !PAGE.lines().any(|one| one == *line)).collect();
        assert!(missing.is_empty(), "docs/reference/control-plane.md lacks:\n{missing:#?}");
        let rows = PAGE.lines().filter(|line| line.starts_with("| ")).count();
        // Three heads, of which each has a line of dashes below it.
        assert_eq!(rows, lines.len() + 6, "a row that the code does not know");
    }
}
