//! Reads when a schedule fires, as a request says it.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::{
    JITTER_SECONDS_MAX, LAG_SECONDS_MAX, Missed, Recurrence, Timing, expression::Expression,
};
use crate::{
    fault::{FaultList, Faults},
    nearest::unknown,
    pointer::Pointer,
    request::zone_of,
    resolve::instant_of,
    scope::kind_of,
};

/// Members of a schedule.
const MEMBERS: &[&str] =
    &["cron", "at", "time_zone", "missed", "starts_at", "ends_at", "jitter_seconds", "lag_seconds"];
/// How a local time may be written.
const LOCAL_FORMATS: [&str; 3] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
/// Characters of a slug or a moment.
const WORD_CHARACTERS_MAX: usize = 200;

impl Timing {
    /// Reads the member `schedule` of a request. Times without a zone, and a cron expression
    /// without one, are meant in `zone`.
    ///
    /// # Errors
    ///
    /// All faults, with pointers that begin with `at`.
    pub fn read(sent: &Value, zone: Option<&str>, at: &Pointer<'_>) -> Result<Self, Faults> {
        let mut faults = FaultList::default();
        let Value::Object(members) = sent else {
            let detail = format!("a schedule is an object, not {}", kind_of(sent));
            faults.add(at, detail);
            return Err(faults.into_faults().unwrap_or(Faults(Vec::new())));
        };
        for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            faults.add(&at.member(name), unknown("member of a schedule", name, MEMBERS));
        }
        let mut reader = Reader { members, at, faults: &mut faults };
        let timing = reader.timing(zone);
        match (faults.into_faults(), timing) {
            (None, Some(timing)) => Ok(timing),
            (Some(faults), _) => Err(faults),
            (None, None) => Err(Faults(vec![at.fault("this is no schedule")])),
        }
    }

    /// Checks what depends on the site and on the moment: no fire more often than the site admits,
    /// and one that is still to come.
    ///
    /// # Errors
    ///
    /// All faults, with pointers that begin with `at`.
    pub fn check(&self, now: i64, seconds_min: u32, at: &Pointer<'_>) -> Result<(), Faults> {
        let mut faults = FaultList::default();
        match &self.recurrence {
            Recurrence::Cron { expression, .. } => {
                let gap = expression.least_gap_seconds();
                if gap < seconds_min {
                    let detail = format!(
                        "`{}` fires every {gap} seconds at times; this site admits {seconds_min} \
                         seconds at least (`cron_seconds_min`)",
                        expression.text()
                    );
                    faults.add(&at.member("cron"), detail);
                } else if self.next_after(now).is_none() {
                    let detail = "there is no fire before `ends_at`";
                    faults.add(&at.member("ends_at"), detail);
                }
                if self.jitter_seconds >= gap {
                    let detail = format!(
                        "`jitter_seconds` is less than the {gap} seconds between two fires"
                    );
                    faults.add(&at.member("jitter_seconds"), detail);
                }
            }
            Recurrence::At { .. } if self.next_after(now).is_none() => {
                faults.add(&at.member("at"), "`at` is a moment that is still to come");
            }
            Recurrence::At { .. } => {}
        }
        faults.or(())
    }
}

/// Reads the members one by one.
struct Reader<'a> {
    members: &'a Map<String, Value>,
    at: &'a Pointer<'a>,
    faults: &'a mut FaultList,
}

impl Reader<'_> {
    fn timing(&mut self, zone: Option<&str>) -> Option<Timing> {
        let zone = self.zone(zone);
        let recurrence = self.recurrence(zone);
        let (starts_at, ends_at) = (self.moment("starts_at", zone), self.moment("ends_at", zone));
        if let (Some(start), Some(end)) = (starts_at, ends_at)
            && start > end
        {
            self.faults.add(&self.at.member("ends_at"), "`ends_at` is not before `starts_at`");
        }
        let is_once = matches!(recurrence, Some(Recurrence::At { .. }));
        for name in ["starts_at", "ends_at", "jitter_seconds"] {
            if is_once && self.members.get(name).is_some_and(|value| !is_nothing(value)) {
                let detail = format!("`{name}` is for `cron`: `at` is one moment");
                self.faults.add(&self.at.member(name), detail);
            }
        }
        Some(Timing {
            missed: self.missed(),
            starts_at,
            ends_at,
            jitter_seconds: self.seconds("jitter_seconds", JITTER_SECONDS_MAX),
            lag_seconds: self.seconds("lag_seconds", LAG_SECONDS_MAX),
            recurrence: recurrence?,
        })
    }

    fn recurrence(&mut self, zone: Tz) -> Option<Recurrence> {
        let has = |name: &str| self.members.get(name).is_some_and(|value| !value.is_null());
        match (has("cron"), has("at")) {
            (true, false) => {
                let text = self.text("cron")?;
                match Expression::read(&text) {
                    Ok(expression) => {
                        Some(Recurrence::Cron { expression: Box::new(expression), zone })
                    }
                    Err(detail) => {
                        self.faults.add(&self.at.member("cron"), detail);
                        None
                    }
                }
            }
            (false, true) => Some(Recurrence::At { moment: self.moment("at", zone)?, zone }),
            (true, true) => {
                let detail = "a schedule has `cron` or `at`, not both";
                self.faults.add(self.at, detail);
                None
            }
            (false, false) => {
                let detail = "a schedule has `cron`, an expression such as `0 6 * * 1`, or `at`, \
                              one moment";
                self.faults.add(self.at, detail);
                None
            }
        }
    }

    fn zone(&mut self, zone: Option<&str>) -> Tz {
        let own = self.text("time_zone");
        match (own, zone) {
            (Some(name), _) => zone_of(&name, &self.at.member("time_zone"), self.faults),
            // A wrong zone of the request is told with the request.
            (None, Some(name)) => name.parse().unwrap_or(Tz::UTC),
            (None, None) => Tz::UTC,
        }
    }

    fn missed(&mut self) -> Missed {
        let Some(word) = self.text("missed") else { return Missed::Once };
        let found = Missed::ALL.into_iter().find(|missed| missed.slug() == word);
        found.unwrap_or_else(|| {
            let known = Missed::ALL.map(Missed::slug);
            self.faults.add(&self.at.member("missed"), unknown("policy", &word, &known));
            Missed::Once
        })
    }

    fn seconds(&mut self, name: &str, most: u32) -> u32 {
        let detail = match self.members.get(name) {
            None | Some(Value::Null) => return 0,
            Some(Value::Number(number)) => {
                match number.as_u64().and_then(|seconds| u32::try_from(seconds).ok()) {
                    Some(seconds) if seconds <= most => return seconds,
                    _ => format!("`{name}` is a whole number of seconds, at most {most}"),
                }
            }
            Some(other) => format!("`{name}` takes a number of seconds, not {}", kind_of(other)),
        };
        self.faults.add(&self.at.member(name), detail);
        0
    }

    fn moment(&mut self, name: &str, zone: Tz) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        if let Ok(moment) = DateTime::parse_from_rfc3339(&text) {
            return Some(moment.with_timezone(&Utc));
        }
        let mut local = LOCAL_FORMATS.iter();
        let local = local.find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
        if local.is_none() {
            let detail = format!(
                "`{name}` is a moment such as `2027-03-01T06:00:00Z`, or a local time such as \
                 `2027-03-01T06:00`"
            );
            self.faults.add(&self.at.member(name), detail);
        }
        local.map(|local| instant_of(zone, local))
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let detail = match self.members.get(name)? {
            Value::Null => return None,
            Value::String(text) if text.contains('\0') => {
                format!("`{name}` holds no NUL character")
            }
            Value::String(text) if name == "cron" => return Some(text.clone()),
            Value::String(text) if text.chars().count() <= WORD_CHARACTERS_MAX => {
                return Some(text.clone());
            }
            Value::String(_) => format!("`{name}` has at most {WORD_CHARACTERS_MAX} characters"),
            other => format!("`{name}` takes text, not {}", kind_of(other)),
        };
        self.faults.add(&self.at.member(name), detail);
        None
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_u64() == Some(0)
}
