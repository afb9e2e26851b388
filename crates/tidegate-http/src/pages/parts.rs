//! What the parts of pages are drawn from: statuses, headings that sort, feet of lists, fields.

use tidegate_model::status::Status;

/// A status: icon, word, tint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pill {
    /// Class of the tint.
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) word: &'static str,
    /// Whether something is going on.
    pub(super) spins: bool,
}

impl Pill {
    /// Of an export. One that a rule holds waits for an approval.
    pub(super) fn of(status: Status, is_held: bool) -> Self {
        let (class, icon, word) = match status {
            Status::Pending if is_held => ("st-approval", "hand", "Awaiting approval"),
            Status::Pending => ("", "clock", "Pending"),
            Status::Building => ("st-building", "loader-circle", "Building"),
            Status::Ready => ("st-ready", "circle-check", "Ready"),
            Status::Failed => ("st-failed", "circle-x", "Failed"),
            Status::Cancelled => ("st-over", "ban", "Cancelled"),
            Status::Expired => ("st-over", "hourglass", "Expired"),
            Status::Deleted => ("st-over", "trash-2", "Deleted"),
        };
        Self { class, icon, word, spins: status == Status::Building }
    }
}

/// A heading of a list that sorts it.
#[derive(Clone, Debug)]
pub(super) struct Sorter {
    pub(super) label: &'static str,
    /// The same list, sorted by it; the other way round where it is sorted by it now.
    pub(super) path: String,
    /// `ascending` or `descending` where the list is sorted by it.
    pub(super) direction: Option<&'static str>,
    /// Whether numbers stand below it.
    pub(super) is_num: bool,
}

/// The foot of a list.
#[derive(Clone, Debug)]
pub(super) struct Pager {
    /// How many there are.
    pub(super) words: String,
    /// Path of the list, and what its query keeps when the size of a page changes.
    pub(super) action: String,
    pub(super) kept: Vec<(String, String)>,
    /// Sizes to choose from, and the one that is chosen.
    pub(super) sizes: &'static [u32],
    pub(super) limit: u32,
    /// Other pages, where there are.
    pub(super) first: Option<String>,
    pub(super) back: Option<String>,
    pub(super) next: Option<String>,
    /// Words of the links, such as `Newer` and `Older`.
    pub(super) back_word: &'static str,
    pub(super) next_word: &'static str,
}

/// A path with a query: pairs whose value is empty are left out.
pub(super) fn path_with(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use chrono_tz::Tz;

    use super::*;
    use crate::pages::words::{Left, When};

    #[derive(Template)]
    #[template(
        ext = "html",
        source = r##"
{%- import "parts/basic.html" as part -%}
{%- import "parts/list.html" as list -%}
{%- import "parts/form.html" as form -%}
{{ part::status(pill) }}
{{ part::icon("x") }}{{ part::icon_14("x") }}{{ part::icon_12("x") }}{{ part::mark() }}
{{ part::crumb("/sg-admin/exports", "Exports") }}{{ part::pii() }}{{ part::tag("csv") }}
{{ part::progress(64, "Export #7") }}
{{ part::when(when) }}{{ part::left(left) }}{{ part::none("no size yet") }}
{{ part::chip("Created", "in the last", "30 days", "/sg-admin/exports") }}
{{ part::notice("note-bad", "info", "A fact.", "A <reason>.") }}
{% call part::empty("No exports yet", "A sentence.") %}<a href="/">New</a>{% endcall %}
{{ list::sort(sorter) }}
{% call list::menu("m-7", "More for #7") %}{{ list::look("/a", "pencil", "Edit") }}{{ list::change("/b", "x", "Cancel") }}{{ list::harm("/c", "trash-2", "Delete") }}{% endcall %}
{{ list::pager(pager) }}
{{ form::fault_line("to", "Too <long>") }}{{ form::faults(faults) }}
{{ form::confirm("/back", "Keep it", "/sg-admin/exports/7/delete", "trash-2", "Delete the file") }}
"##
    )]
    struct All {
        pill: Pill,
        when: When,
        left: Left,
        sorter: Sorter,
        pager: Pager,
        faults: Vec<(&'static str, String)>,
    }

    #[test]
    fn every_part_can_be_drawn_and_escapes_what_it_is_given() {
        let all = All {
            pill: Pill::of(Status::Building, false),
            when: When::of(0, 0, Tz::UTC),
            left: Left::of(0, 10, 5),
            sorter: Sorter {
                label: "Created",
                path: "/sg-admin/exports?sort=created&limit=25".to_owned(),
                direction: Some("ascending"),
                is_num: true,
            },
            pager: Pager {
                words: "1–25 of 312".to_owned(),
                action: "/sg-admin/exports".to_owned(),
                kept: vec![("q".to_owned(), "\"<b>".to_owned())],
                sizes: &[25, 50],
                limit: 50,
                first: None,
                back: None,
                next: Some("/sg-admin/exports?cursor=a".to_owned()),
                back_word: "Newer",
                next_word: "Older",
            },
            faults: vec![("to", "Too <long>".to_owned())],
        };
        insta::assert_snapshot!(all.render().unwrap());
    }

    #[test]
    fn a_path_keeps_what_is_asked_for_and_nothing_else() {
        let pairs = [("q", "a&b"), ("status", ""), ("limit", "25")];
        assert_eq!(path_with("/sg-admin/exports", &pairs), "/sg-admin/exports?q=a%26b&limit=25");
        assert_eq!(path_with("/sg-admin/exports", &[("q", "")]), "/sg-admin/exports");
    }
}
