//! The sidebar: what there is for whoever looks.

use super::{path_of, shell::Shell, words};

/// A group of places.
pub(super) struct Group {
    /// What they are.
    pub(super) title: &'static str,
    /// The places.
    pub(super) places: Vec<Place>,
}

/// Where one can go.
pub(super) struct Place {
    /// Its path.
    pub(super) path: String,
    /// Its name.
    pub(super) label: String,
    /// Its icon.
    pub(super) icon: &'static str,
    /// Whether one is there, or below it.
    pub(super) is_here: bool,
    /// How many wait there, and what they are said to be; nothing where there is none.
    pub(super) waits: Option<(String, &'static str)>,
}

/// A place that every site has.
struct Known {
    /// Its name in the table of pages.
    page: &'static str,
    label: &'static str,
    icon: &'static str,
    /// Capabilities of which one suffices; none means that it is for everybody.
    any_of: &'static [&'static str],
}

const TOOLS: &[Known] = &[
    Known {
        page: "dashboard",
        label: "Dashboard",
        icon: "waves",
        any_of: &["exports.list.own", "exports.list.any"],
    },
    Known {
        page: "exports",
        label: "Exports",
        icon: "file-down",
        any_of: &["exports.list.own", "exports.list.any"],
    },
    Known {
        page: "cron",
        label: "Cron jobs",
        icon: "calendar-clock",
        any_of: &["exports.list.own", "exports.list.any"],
    },
    Known { page: "approvals", label: "Approvals", icon: "hand", any_of: &["exports.approve"] },
    Known {
        page: "activity",
        label: "Activity log",
        icon: "scroll-text",
        any_of: &["activity.view"],
    },
    Known { page: "notifications", label: "Notifications", icon: "bell", any_of: &[] },
];

const SITE: &[Known] = &[
    Known {
        page: "operators",
        label: "Operators",
        icon: "user-cog",
        any_of: &["operators.manage"],
    },
    Known { page: "budgets", label: "Budgets", icon: "gauge", any_of: &["budgets.manage"] },
    Known { page: "pause", label: "Pause", icon: "pause", any_of: &["egress.pause"] },
    Known { page: "roles", label: "Roles", icon: "key-round", any_of: &["roles.manage"] },
    Known { page: "settings", label: "Settings", icon: "settings", any_of: &["settings.manage"] },
    Known { page: "help", label: "Help", icon: "circle-question-mark", any_of: &[] },
];

/// The groups that are not empty.
pub(super) fn groups(shell: &Shell) -> Vec<Group> {
    if shell.must_enrol {
        return Vec::new();
    }
    let subjects = match path_of("subject") {
        Some(path) => shell.standing.subjects.iter().map(|subject| {
            let label = subject.label.clone().unwrap_or_else(|| words::title(&subject.slug));
            place(shell, path.replace("{slug}", &subject.slug), label, "table-2")
        }),
        None => return shown([("Tools", known(shell, TOOLS)), ("Site", known(shell, SITE))]),
    };
    let subjects = subjects.collect();
    shown([("Content", subjects), ("Tools", known(shell, TOOLS)), ("Site", known(shell, SITE))])
}

fn shown<const N: usize>(groups: [(&'static str, Vec<Place>); N]) -> Vec<Group> {
    let groups = groups.into_iter().map(|(title, places)| Group { title, places });
    groups.filter(|group| !group.places.is_empty()).collect()
}

/// The places that exist and are for whoever looks.
fn known(shell: &Shell, places: &[Known]) -> Vec<Place> {
    let open = places.iter().filter(|one| {
        one.any_of.is_empty() || one.any_of.iter().any(|capability| shell.holds(capability))
    });
    let there = open.filter_map(|one| Some((one, path_of(one.page)?)));
    there.map(|(one, path)| place(shell, path.to_owned(), one.label.to_owned(), one.icon)).collect()
}

/// A number that stands beside a name: of many, it says only that they are many.
pub(super) fn few(number: i64) -> String {
    /// Beyond two digits it would push the name aside.
    const SHOWN_MAX: i64 = 99;
    if number > SHOWN_MAX { format!("{SHOWN_MAX}+") } else { number.to_string() }
}

fn place(shell: &Shell, path: String, label: String, icon: &'static str) -> Place {
    let here = shell.here.split('?').next().unwrap_or_default();
    let below = here.strip_prefix(path.as_str());
    let is_here = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let waits = match path.as_str() {
        super::notifications::PATH => Some((shell.standing.unread, "unread")),
        super::approvals::PATH => Some((shell.standing.approvals, "waiting")),
        _ => None,
    };
    let waits = waits.filter(|(number, _)| *number > 0).map(|(number, words)| (few(number), words));
    Place { path, label, icon, is_here, waits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beside_a_name_has_two_digits_at_most() {
        assert_eq!([0, 99, 100, i64::MAX].map(few), ["0", "99", "99+", "99+"]);
    }
}
