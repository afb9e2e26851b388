//! Settings of a site: what can be changed while it runs.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Faults};

/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

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
    /// Whether null means that there is no limit.
    pub may_be_null: bool,
}

const fn setting(name: &'static str, words: &'static str, least: u64, most: u64) -> Setting {
    Setting { name, words, least, most, may_be_null: false }
}

const fn ceiling(name: &'static str, words: &'static str) -> Setting {
    Setting { may_be_null: true, ..setting(name, words, 1, EXACT_MAX) }
}

/// Every setting. None takes a value that would shut everybody out, or stop all work unsaid.
pub const SETTINGS: &[Setting] = &[
    setting("retention_days", "Days that a file is kept after it was made", 0, 3_660),
    setting("open_jobs_max", "Exports of one operator that may be open at a time", 1, 1_000_000),
    ceiling("rows_max", "Rows of an export at most; null for no limit"),
    ceiling("bytes_max", "Bytes of an export at most; null for no limit"),
    setting(
        "view_rows_max",
        "Rows with personal data that an operator may look at within an hour",
        0,
        1_000_000_000,
    ),
    setting("link_minutes", "Minutes that a download link lives", 1, 24 * 60),
    setting(
        "session_idle_minutes",
        "Minutes without a request after which a sign-in has ended",
        1,
        30 * 24 * 60,
    ),
    setting("session_hours_max", "Hours after which a sign-in has ended in any case", 1, 366 * 24),
    setting("attempts_max", "Attempts that an export gets", 1, 1_000),
    setting("builds_max", "Exports that one worker builds at a time", 1, 256),
];

/// Settings of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days that a file is kept after it was made.
    pub retention_days: u32,
    /// Jobs of one operator that may be open at a time.
    pub open_jobs_max: u32,
    /// Rows of an export at most.
    pub rows_max: Option<u64>,
    /// Bytes of an export at most.
    pub bytes_max: Option<u64>,
    /// Rows of personal subjects that an operator may look at on list pages within an hour.
    pub view_rows_max: u32,
    /// Minutes that a download link lives.
    pub link_minutes: u32,
    /// Minutes without a request after which a sign-in has ended.
    pub session_idle_minutes: u32,
    /// Hours after which a sign-in has ended in any case.
    pub session_hours_max: u32,
    /// Attempts that a job gets.
    pub attempts_max: u32,
    /// Exports that one worker builds at a time.
    pub builds_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_days: 7,
            open_jobs_max: 100,
            rows_max: None,
            bytes_max: None,
            view_rows_max: 5_000,
            link_minutes: 15,
            session_idle_minutes: 60,
            session_hours_max: 12,
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
        let faults: Vec<Fault> = SETTINGS.iter().filter_map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    /// How long a file is kept, in microseconds.
    pub fn retention_micros(&self) -> i64 {
        i64::from(self.retention_days).saturating_mul(DAY_MICROS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn settings_that_would_shut_everybody_out_are_refused() {
        let shut = Settings { session_hours_max: 0, builds_max: 0, ..Settings::default() };
        let Faults(faults) = shut.check().unwrap_err();
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/session_hours_max", "/builds_max"]);
        let vast = Settings { rows_max: Some(u64::MAX), ..Settings::default() };
        assert_eq!(vast.check().unwrap_err().0.len(), 1);
    }
}
