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
        page: "activity",
        label: "Activity log",
        icon: "scroll-text",
        any_of: &["activity.view"],
    },
];

const SITE: &[Known] = &[
    Known {
        page: "operators",
        label: "Operators",
        icon: "user-cog",
        any_of: &["operators.manage"],
    },
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

fn place(shell: &Shell, path: String, label: String, icon: &'static str) -> Place {
    let here = shell.here.split('?').next().unwrap_or_default();
    let below = here.strip_prefix(path.as_str());
    let is_here = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    Place { path, label, icon, is_here }
}
