//! The steps, and which of them a fault belongs to.

use super::super::timing;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Scope,
    Fields,
    Format,
    Notify,
    Review,
}

impl Step {
    pub(super) const ALL: [Self; 5] =
        [Self::Scope, Self::Fields, Self::Format, Self::Notify, Self::Review];

    /// Its address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Scope => "/sg-admin/exports/new",
            Self::Fields => "/sg-admin/exports/new/fields",
            Self::Format => "/sg-admin/exports/new/format",
            Self::Notify => "/sg-admin/exports/new/notify",
            Self::Review => "/sg-admin/exports/new/review",
        }
    }

    /// Its name.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Scope => "Subject and scope",
            Self::Fields => "Fields",
            Self::Format => "Format",
            Self::Notify => "When and why",
            Self::Review => "Review",
        }
    }

    /// Its place, from 1.
    pub(super) fn number(self) -> usize {
        self as usize + 1
    }

    /// The one before.
    pub(super) fn back(self) -> Option<Self> {
        (self as usize).checked_sub(1).map(|index| Self::ALL[index])
    }

    /// The one after.
    pub(super) fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    /// The step in which a member of a request is said.
    pub(super) fn of_pointer(pointer: &str) -> Self {
        match pointer.split('/').nth(1).unwrap_or_default() {
            "fields" => Self::Fields,
            "format" | "options" | "time_zone" => Self::Format,
            "reason" | "notify" | "schedule" => Self::Notify,
            _ => Self::Scope,
        }
    }

    /// The id of what a fault is about, on the page of its step.
    pub(super) fn id_of(pointer: &str) -> String {
        let mut parts = pointer.split('/').skip(1);
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("fields", Some(index)) => format!("field-{index}"),
            ("fields", None) => "fields".to_owned(),
            ("options", Some(option)) => format!("option.{option}"),
            ("notify", _) => "email".to_owned(),
            ("schedule", member) => timing::id_of(member.unwrap_or_default()),
            ("scope", Some("search")) => "q".to_owned(),
            ("scope", Some("ids" | "except_ids")) => "selection".to_owned(),
            ("scope", Some(member @ ("sort" | "date_range"))) => member.to_owned(),
            ("scope", Some("filter") | None) => "filter".to_owned(),
            ("scope", Some(shorthand)) => format!("scope.{shorthand}"),
            ("", _) => "wizard".to_owned(),
            (member, _) => member.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_a_request_belongs_to_a_step() {
        for (pointer, step, id) in [
            ("/subject", Step::Scope, "subject"),
            ("/kind", Step::Scope, "kind"),
            ("/scope/filter/all/0/value", Step::Scope, "filter"),
            ("/scope/status", Step::Scope, "scope.status"),
            ("/scope/ids/3", Step::Scope, "selection"),
            ("/fields", Step::Fields, "fields"),
            ("/fields/2/as", Step::Fields, "field-2"),
            ("/format", Step::Format, "format"),
            ("/options/delimiter", Step::Format, "option.delimiter"),
            ("/time_zone", Step::Format, "time_zone"),
            ("/reason", Step::Notify, "reason"),
            ("/schedule/cron", Step::Notify, "when.cron"),
            ("/schedule", Step::Notify, "when.is"),
            ("", Step::Scope, "wizard"),
        ] {
            assert_eq!(Step::of_pointer(pointer), step, "{pointer}");
            assert_eq!(Step::id_of(pointer), id, "{pointer}");
        }
    }
}
