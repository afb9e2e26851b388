//! Capabilities in words, grouped by subject and by area.

use std::collections::BTreeSet;

use tidegate_model::{
    action::{Action, Need},
    capability::{KNOWN, export_of, list_of},
    sight::UNMASK,
};
use tidegate_service::ActionSummary;

/// A capability in words.
pub(super) struct Right {
    pub(super) slug: String,
    pub(super) words: String,
}

/// Capabilities about one thing.
pub(super) struct Area {
    pub(super) title: String,
    pub(super) rights: Vec<Right>,
}

/// What nothing asks for: it can be given, and changes nothing.
const LATER: &str = "For later: nothing asks for these yet";

/// The capabilities that change something on a site with these subjects and actions.
pub(super) fn areas_now(subjects: &[(String, String)], actions: &[ActionSummary]) -> Vec<Area> {
    let mut areas = areas(subjects, actions);
    areas.retain(|area| area.title != LATER);
    areas
}

/// Every capability of a site with these subjects and actions, each with its slug and its label.
pub(super) fn areas(subjects: &[(String, String)], actions: &[ActionSummary]) -> Vec<Area> {
    let mut areas: Vec<Area> =
        subjects.iter().map(|(slug, label)| of_subject(slug, label, actions)).collect();
    let asked = asked();
    let known = |is_wanted: &dyn Fn(&str) -> bool| {
        let wanted = KNOWN.iter().filter(|known| is_wanted(known.slug));
        wanted.map(|known| right(known.slug, known.words)).collect()
    };
    let is_of_exports = |slug: &str| slug.starts_with("exports.");
    let rest = [
        ("Exports", known(&|slug| asked.contains(slug) && is_of_exports(slug))),
        ("The site", known(&|slug| asked.contains(slug) && !is_of_exports(slug))),
        (LATER, known(&|slug| !asked.contains(slug))),
    ];
    areas.extend(rest.map(|(title, rights)| Area { title: title.to_owned(), rights }));
    areas.retain(|area| !area.rights.is_empty());
    areas
}

/// What is done with a subject. An action that is not declared any more stays as long as it is in
/// the registry: what a role holds of it is seen, and comes back with it.
fn of_subject(slug: &str, label: &str, actions: &[ActionSummary]) -> Area {
    let export = export_of(slug);
    let own = actions.iter().filter(|action| action.subject == slug);
    let (exports, others): (Vec<_>, Vec<_>) = own.partition(|one| one.capability == export);
    let declared = exports.iter().find(|one| !one.is_retired);
    let words = declared.map_or_else(|| format!("export {label}"), |one| one.action.name.clone());
    let mut rights = vec![right(&list_of(slug), &format!("see {label}")), right(&export, &words)];
    rights.extend(others.into_iter().map(|one| match one.is_retired {
        true => right(&one.capability, &format!("{} (retired: grants nothing)", one.action.name)),
        false => right(&one.capability, &one.action.name),
    }));
    Area { title: label.to_owned(), rights }
}

fn right(slug: &str, words: &str) -> Right {
    Right { slug: slug.to_owned(), words: words.to_owned() }
}

/// The capabilities that some action takes.
fn asked() -> BTreeSet<&'static str> {
    // By this one what leaves is decided, and no action.
    let mut asked = BTreeSet::from([UNMASK]);
    for &action in Action::ALL {
        match action.need() {
            Need::OwnOrAny { own, any } | Need::ScheduleOf { own, any } => asked.extend([own, any]),
            Need::OwnFreely { any } => {
                asked.insert(any);
            }
            Need::One(one) | Need::Second(one) | Need::Maker(one) => {
                asked.insert(one);
            }
            Need::Schedule => {
                asked.insert("exports.schedule");
            }
            Need::Rows
            | Need::Registered
            | Need::Export
            | Need::Rerun
            | Need::Started
            | Need::Worker
            | Need::Upkeep
            | Need::WorkerOrUpkeep => {}
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use tidegate_model::capability::all;

    use super::*;

    #[test]
    fn what_decides_about_masks_is_told_among_what_counts() {
        let areas = areas_now(&[], &[]);
        assert!(areas.iter().flat_map(|area| &area.rights).any(|right| right.slug == UNMASK));
    }

    #[test]
    fn every_capability_stands_in_one_area() {
        let subjects = [("orders".to_owned(), "Orders".to_owned())];
        let areas = areas(&subjects, &[]);
        let slugs: Vec<&str> =
            areas.iter().flat_map(|area| &area.rights).map(|right| right.slug.as_str()).collect();
        let unique: BTreeSet<String> = slugs.iter().map(|slug| (*slug).to_owned()).collect();
        assert_eq!(unique, all(["orders"]));
        assert_eq!(unique.len(), slugs.len(), "one stands in two areas");
    }
}
