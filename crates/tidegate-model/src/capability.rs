//! Capabilities: stable slugs of what one may do, and sets of them.

use std::collections::BTreeSet;

use crate::nearest::unknown;

/// A capability that every site has, with what it lets one do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Stable name.
    pub slug: &'static str,
    /// What it lets one do, as the roles page says it.
    pub words: &'static str,
}

const fn known(slug: &'static str, words: &'static str) -> Known {
    Known { slug, words }
}

/// Capabilities that do not depend on the site's subjects. Each subject adds two: see
/// [`list_of`] and [`export_of`].
pub const KNOWN: &[Known] = &[
    known("exports.list.own", "see the exports one has made"),
    known("exports.list.any", "see everybody's exports"),
    known("exports.download.own", "download the exports one has made"),
    known("exports.download.any", "download everybody's exports"),
    known("exports.cancel.own", "cancel the exports one has made"),
    known("exports.cancel.any", "cancel everybody's exports"),
    known("exports.delete.own", "delete the files of one's own exports"),
    known("exports.delete.any", "delete the files of everybody's exports"),
    known("exports.schedule", "make schedules and change one's own"),
    known("exports.schedule.any", "change everybody's schedules"),
    known("exports.approve", "approve exports that wait for a second person"),
    known("activity.view", "read the activity log"),
    known("activity.export", "export the activity log"),
    known("settings.manage", "change settings"),
    known("roles.manage", "change roles"),
    known("operators.manage", "invite, change and disable operators"),
    known("tokens.manage", "see and revoke everybody's tokens"),
    known("notifications.manage", "change templates and subscriptions"),
    known("budgets.manage", "change budgets"),
    known("pii.unmask", "see personal data without masks"),
    known("egress.pause", "pause and resume all egress"),
    known("actions.sync", "keep up the registry of actions, and what another site says of people"),
];

/// Ending of the capability to see a subject's records.
const LIST: &str = ".list";
/// Ending of the capability to export a subject.
const EXPORT: &str = ".export";

/// Capability to see the records of a subject. Without it the subject does not exist.
pub fn list_of(subject: &str) -> String {
    format!("{subject}{LIST}")
}

/// The subject whose records a capability shows; none if it shows none.
pub fn listed_by(capability: &str) -> Option<&str> {
    capability.strip_suffix(LIST)
}

/// Capability to export a subject.
pub fn export_of(subject: &str) -> String {
    format!("{subject}{EXPORT}")
}

/// Whether a capability is one to export a subject.
pub fn is_export(capability: &str) -> bool {
    capability.ends_with(EXPORT)
}

/// Capability to have an action of the registry done to a subject: `users.refund`. The action
/// `export` is the capability to export it.
pub fn action_of(subject: &str, codename: &str) -> String {
    format!("{subject}.{codename}")
}

/// A set of capabilities.
pub type Capabilities = BTreeSet<String>;

/// Every capability of a site with these subjects.
pub fn all<'a>(subjects: impl IntoIterator<Item = &'a str>) -> Capabilities {
    let of_subjects = subjects.into_iter().flat_map(|slug| [list_of(slug), export_of(slug)]);
    KNOWN.iter().map(|known| known.slug.to_owned()).chain(of_subjects).collect()
}

/// Says what is wrong with a capability's slug on a site with these subjects and these capabilities
/// of registered actions, if anything.
pub fn fault_of<'a>(
    slug: &str,
    subjects: impl IntoIterator<Item = &'a str>,
    actions: &Capabilities,
) -> Option<String> {
    let mut all = all(subjects);
    all.extend(actions.iter().cloned());
    if all.contains(slug) {
        return None;
    }
    let known: Vec<&str> = all.iter().map(String::as_str).collect();
    Some(unknown("capability", slug, &known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_brings_two_capabilities() {
        let all = all(["orders"]);
        assert_eq!(all.len(), KNOWN.len() + 2);
        assert!(all.contains("orders.list") && all.contains("orders.export"));
    }

    #[test]
    fn a_slug_that_nobody_knows_is_told_with_its_neighbour() {
        let actions = Capabilities::from(["orders.refund".to_owned()]);
        let fault_of = |slug| fault_of(slug, ["orders"], &actions);
        assert_eq!(fault_of("orders.export"), None);
        assert_eq!(fault_of("orders.refund"), None);
        let fault = fault_of("orders.exprt").unwrap();
        assert!(fault.contains("orders.export"), "{fault}");
    }
}
