//! Settings of a site: what can be changed while it runs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    fault::{Fault, Faults},
    mask::MaskRules,
    role::Role,
};

/// Microseconds of an hour.
const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;
/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
/// Hours that a bearer link lives at most, whatever a site says: whoever holds it has the file.
pub const BEARER_LINK_HOURS_MAX: u32 = 24;

/// Largest whole number that every reader of JSON keeps: 2⁵³ − 1 (RFC 8259, section 6).
const EXACT_MAX: u64 = (1 << 53) - 1;

/// One setting: what it is called, what it means, and which values it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name in requests and in the configuration.
    pub name: &'static str,
    /// What it means, as people read it.
    pub words: &'static str,
    /// Smallest value.
    pub least: u64,
    /// Largest value.
    pub most: u64,
    /// The words that it takes; none if it takes numbers.
    pub words_taken: &'static [&'static str],
    /// Whether null means that there is no limit.
    pub may_be_null: bool,
    /// Whether it is on or off, and takes no number.
    pub is_switch: bool,
    /// What it is a list of; none if it is no list.
    pub list_of: Option<ListOf>,
}

/// What a setting is a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOf {
    /// Slugs of subjects.
    Subjects,
    /// Classes of personal data, each with its mask.
    Masks,
}

const fn setting(name: &'static str, words: &'static str, least: u64, most: u64) -> Setting {
    Setting {
        name,
        words,
        least,
        most,
        words_taken: &[],
        may_be_null: false,
        is_switch: false,
        list_of: None,
    }
}

const fn switch(name: &'static str, words: &'static str) -> Setting {
    Setting { is_switch: true, ..setting(name, words, 0, 0) }
}

const fn optional(name: &'static str, words: &'static str, least: u64, most: u64) -> Setting {
    Setting { may_be_null: true, ..setting(name, words, least, most) }
}

const fn ceiling(name: &'static str, words: &'static str) -> Setting {
    Setting { may_be_null: true, ..setting(name, words, 1, EXACT_MAX) }
}

const fn list(name: &'static str, words: &'static str, of: ListOf) -> Setting {
    Setting { list_of: Some(of), ..setting(name, words, 0, 0) }
}

const fn choice(
    name: &'static str,
    words: &'static str,
    words_taken: &'static [&'static str],
) -> Setting {
    Setting { words_taken, ..setting(name, words, 0, 0) }
}

/// Every setting. None takes a value that would shut everybody out, or stop all work unsaid.
pub const SETTINGS: &[Setting] = &[
    setting("retention_days", "Days that a file is kept after it was made", 0, 3_660),
    optional(
        "activity_retention_days",
        "Days after which entries of the activity log move to signed files; null for never",
        0,
        36_600,
    ),
    setting("open_jobs_max", "Exports of one operator that may be open at a time", 1, 1_000_000),
    ceiling("rows_max", "Rows of an export at most; null for no limit"),
    ceiling("bytes_max", "Bytes of an export at most; null for no limit"),
    setting(
        "view_rows_max",
        "Rows with personal data that an operator may look at within an hour",
        0,
        1_000_000_000,
    ),
    switch(
        "formula_guard",
        "Whether a CSV of the pages guards text that a spreadsheet would run as a formula, unless \
         its maker chooses otherwise",
    ),
    switch(
        "client_export",
        "Whether a browser may make a file of the rows on a list page, where none is personal data",
    ),
    setting("link_minutes", "Minutes that a download link lives", 1, 24 * 60),
    setting(
        "session_idle_minutes",
        "Minutes without a request after which a sign-in has ended",
        1,
        30 * 24 * 60,
    ),
    setting("session_hours_max", "Hours after which a sign-in has ended in any case", 1, 366 * 24),
    choice(
        "require_second_factor",
        "Whose sign-in by password takes a second factor, beside those who have enrolled one",
        &SecondFactorRule::SLUGS,
    ),
    optional(
        "bearer_link_hours_max",
        "Hours that a link lives at most which needs no sign-in; null for no such links",
        1,
        BEARER_LINK_HOURS_MAX as u64,
    ),
    list(
        "masks",
        "What is shown of each class of personal data to whose role says nothing about it",
        ListOf::Masks,
    ),
    Setting {
        may_be_null: true,
        ..list(
            "pii_subjects",
            "Subjects of which every record is personal data; null for those that the \
             configuration says",
            ListOf::Subjects,
        )
    },
    setting(
        "cron_seconds_min",
        "Seconds between two fires of a schedule, at least",
        60,
        7 * 24 * 60 * 60,
    ),
    setting("attempts_max", "Attempts that an export gets", 1, 1_000),
    setting("builds_max", "Exports that one worker builds at a time", 1, 256),
];

/// Settings of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days that a file is kept after it was made.
    pub retention_days: u32,
    /// Days after which entries of the activity log move to signed files; none means never.
    pub activity_retention_days: Option<u32>,
    /// Jobs of one operator that may be open at a time.
    pub open_jobs_max: u32,
    /// Rows of an export at most.
    pub rows_max: Option<u64>,
    /// Bytes of an export at most.
    pub bytes_max: Option<u64>,
    /// Rows of personal subjects that an operator may look at on list pages within an hour.
    pub view_rows_max: u32,
    /// Whether a CSV of the pages guards text that a spreadsheet would run as a formula, unless its
    /// maker chooses otherwise.
    pub formula_guard: bool,
    /// Whether a browser may make a file of the rows on a list page. It asks for no permission, so
    /// it is offered where none of them is personal data.
    pub client_export: bool,
    /// Minutes that a download link lives.
    pub link_minutes: u32,
    /// Minutes without a request after which a sign-in has ended.
    pub session_idle_minutes: u32,
    /// Hours after which a sign-in has ended in any case.
    pub session_hours_max: u32,
    /// Who has to have a second factor.
    pub require_second_factor: SecondFactorRule,
    /// Hours that a link lives at most which needs no sign-in; none switches such links off, and
    /// takes back those that there are.
    pub bearer_link_hours_max: Option<BearerHours>,
    /// What is shown of personal data to whose role says nothing about it.
    pub masks: MaskRules,
    /// Subjects of which every record is personal data; none leaves it to the configuration.
    pub pii_subjects: Option<BTreeSet<String>>,
    /// Seconds between two fires of a schedule, at least.
    pub cron_seconds_min: u32,
    /// Attempts that a job gets.
    pub attempts_max: u32,
    /// Exports that one worker builds at a time.
    pub builds_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_days: 7,
            activity_retention_days: None,
            open_jobs_max: 100,
            rows_max: None,
            bytes_max: None,
            view_rows_max: 5_000,
            formula_guard: true,
            client_export: true,
            link_minutes: 15,
            session_idle_minutes: 60,
            session_hours_max: 12,
            require_second_factor: SecondFactorRule::None,
            bearer_link_hours_max: None,
            masks: MaskRules::default(),
            pii_subjects: None,
            cron_seconds_min: 300,
            attempts_max: 3,
            builds_max: 4,
        }
    }
}

impl Settings {
    /// Refuses values that a setting does not take.
    ///
    /// # Errors
    ///
    /// All faults, each with a pointer to its setting.
    pub fn check(&self) -> Result<(), Faults> {
        let values = serde_json::to_value(self).expect("settings are plain JSON");
        let fault = |setting: &Setting| {
            let Setting { name, least, most, .. } = setting;
            let value = values.get(name).and_then(serde_json::Value::as_u64)?;
            let detail = format!("`{name}` is between {least} and {most}");
            (!(*least..=*most).contains(&value)).then(|| Fault::new(format!("/{name}"), detail))
        };
        let mut faults: Vec<Fault> = SETTINGS.iter().filter_map(fault).collect();
        faults.extend(self.masks.faults("/masks"));
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    /// These settings, with some of another set in their places.
    #[must_use]
    pub fn with(&self, names: &[&str], other: &Self) -> Self {
        let value = |settings| serde_json::to_value(settings).expect("settings are plain JSON");
        let (mut own, other) = (value(self), value(other));
        for name in names {
            own[name] = other[name].clone();
        }
        serde_json::from_value(own).expect("every value is that of its setting")
    }

    /// Whether two sites with these settings show the same of personal data.
    pub fn shows_as(&self, other: &Self) -> bool {
        self.masks == other.masks && self.pii_subjects == other.pii_subjects
    }

    /// How long a file is kept, in microseconds.
    pub fn retention_micros(&self) -> i64 {
        i64::from(self.retention_days).saturating_mul(DAY_MICROS)
    }

    /// How long an entry stays in the log, in microseconds; none means for ever.
    pub fn activity_retention_micros(&self) -> Option<i64> {
        Some(i64::from(self.activity_retention_days?).saturating_mul(DAY_MICROS))
    }
}

/// Who has to have a second factor to sign in by password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorRule {
    /// Nobody.
    None,
    /// Whoever could let somebody else do what they may not do themselves.
    Administrators,
    /// Everybody.
    All,
}

impl SecondFactorRule {
    /// Words, as settings have them.
    pub const SLUGS: [&str; 3] = ["none", "administrators", "all"];
    /// What makes an administrator of somebody, whatever the role is called.
    const MANAGING: [&str; 3] = ["operators.manage", "roles.manage", "settings.manage"];

    /// Whether it is for people of this role; somebody without one is everybody.
    pub fn is_for(self, role: Option<&Role>) -> bool {
        match self {
            Self::None => false,
            Self::Administrators => role.is_some_and(|role| {
                Self::MANAGING.iter().any(|slug| role.capabilities.contains(*slug))
            }),
            Self::All => true,
        }
    }
}

/// Hours that a bearer link lives: 1 to [`BEARER_LINK_HOURS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BearerHours(u32);

/// It is none, or more than a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bearer link lives 1 to {BEARER_LINK_HOURS_MAX} hours")]
pub struct BearerHoursFault;

impl BearerHours {
    /// The same in microseconds.
    pub fn micros(self) -> i64 {
        i64::from(self.0).saturating_mul(HOUR_MICROS)
    }
}

impl TryFrom<u32> for BearerHours {
    type Error = BearerHoursFault;

    fn try_from(hours: u32) -> Result<Self, BearerHoursFault> {
        match (1..=BEARER_LINK_HOURS_MAX).contains(&hours) {
            true => Ok(Self(hours)),
            false => Err(BearerHoursFault),
        }
    }
}

impl From<BearerHours> for u32 {
    fn from(hours: BearerHours) -> Self {
        hours.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_settings_are_taken_from_others() {
        let own = Settings { retention_days: 3, rows_max: Some(7), ..Settings::default() };
        let other = Settings { rows_max: None, link_minutes: 1, ..Settings::default() };
        let both = own.with(&["rows_max", "link_minutes"], &other);
        assert_eq!(both, Settings { link_minutes: 1, rows_max: None, ..own });
    }

    #[test]
    fn a_bearer_link_lives_a_day_at_most_and_none_unless_a_site_says_so() {
        assert_eq!(Settings::default().bearer_link_hours_max, None);
        for hours in [0, 1, 24, 25, 48, u32::MAX] {
            let text = format!("{{\"bearer_link_hours_max\": {hours}}}");
            let read = serde_json::from_str::<Settings>(&text);
            let is_allowed = (1..=24).contains(&hours);
            assert_eq!(read.is_ok(), is_allowed, "{hours}: {read:?}");
            assert_eq!(BearerHours::try_from(hours).is_ok(), is_allowed, "{hours}");
        }
        let day = BearerHours::try_from(24).unwrap();
        assert_eq!(day.micros(), 24 * 60 * 60 * 1_000_000);
    }

    #[test]
    fn the_table_has_every_setting_and_admits_the_first_values() {
        let first = serde_json::to_value(Settings::default()).unwrap();
        let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let known: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, known);
        for setting in SETTINGS {
            assert_eq!(setting.may_be_null, first[setting.name].is_null(), "{}", setting.name);
        }
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn the_words_of_a_setting_are_those_that_it_reads() {
        for setting in SETTINGS.iter().filter(|setting| !setting.words_taken.is_empty()) {
            for word in setting.words_taken {
                let text = format!("{{\"{}\": \"{word}\"}}", setting.name);
                let read: Settings = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_value(read).unwrap()[setting.name], **word);
            }
            let text = format!("{{\"{}\": \"everybody\"}}", setting.name);
            assert!(serde_json::from_str::<Settings>(&text).is_err());
        }
    }

    #[test]
    fn an_administrator_is_who_may_manage_whatever_the_role_is_called() {
        let managing = ["operators.manage", "roles.manage", "settings.manage"];
        for known in crate::capability::KNOWN {
            let role = Role {
                slug: "custom".to_owned(),
                label: String::new(),
                capabilities: [known.slug.to_owned()].into(),
                limits: Vec::new(),
                masks: MaskRules::default(),
            };
            let is_for = |rule: SecondFactorRule| rule.is_for(Some(&role));
            assert_eq!(
                [SecondFactorRule::None, SecondFactorRule::Administrators, SecondFactorRule::All]
                    .map(is_for),
                [false, managing.contains(&known.slug), true],
                "{}",
                known.slug
            );
        }
        assert!(!SecondFactorRule::Administrators.is_for(None));
        assert!(SecondFactorRule::All.is_for(None));
    }

    #[test]
    fn settings_that_would_shut_everybody_out_are_refused() {
        let shut = Settings { session_hours_max: 0, builds_max: 0, ..Settings::default() };
        let Faults(faults) = shut.check().unwrap_err();
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/session_hours_max", "/builds_max"]);
        let vast = Settings { rows_max: Some(u64::MAX), ..Settings::default() };
        assert_eq!(vast.check().unwrap_err().0.len(), 1);
    }
}
