//! When a schedule fires, as a form says it: the usual choices, or an expression.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use tidegate_model::{fault::Faults, schedule::Timing};
use tidegate_service::ServiceError;

use crate::{clock::moment, edge::Edge, problem::Problem};

/// What the inputs' names begin with.
pub(super) const WHEN: &str = "when.";
/// The choices, in words. The first is for the wizard only.
const CHOICES: [(&str, &str); 7] = [
    ("once", "Once, now"),
    ("at", "Once, at a moment"),
    ("daily", "Every day"),
    ("weekdays", "Monday to Friday"),
    ("weekly", "Every week"),
    ("monthly", "Every month"),
    ("cron", "By a cron expression"),
];
const WEEKDAYS: [(&str, &str); 7] = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("0", "Sunday"),
];
/// Hour that is offered first: before people come.
const FIRST_TIME: &str = "06:00";

/// An option of a choice: word, words, and whether it is chosen.
pub(super) type Choice = (String, String, bool);

/// What the form shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TimingForm {
    pub(super) values: BTreeMap<String, String>,
    /// Whether it may be now.
    pub(super) has_now: bool,
    /// What is wrong: id on the page, and words.
    pub(super) faults: Vec<(String, String)>,
    /// The next times, where nothing is wrong.
    pub(super) fires: Vec<String>,
    /// When it is, in words.
    pub(super) words: String,
}

impl TimingForm {
    /// The form of a schedule as a request says it; null is now.
    pub(super) fn of(document: &Value, zone: &str) -> Self {
        let text = |name: &str| match &document[name] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let own_zone = Some(text("time_zone")).filter(|zone| !zone.is_empty());
        let zone = own_zone.unwrap_or_else(|| zone.to_owned());
        let local = |name: &str| local_of(&text(name), &zone);
        let mut form = Self::default();
        form.say("zone", &zone);
        form.say("missed", &text("missed"));
        form.say("starts", &local("starts_at"));
        form.say("ends", &local("ends_at"));
        for (name, member) in [("jitter", "jitter_seconds"), ("lag", "lag_seconds")] {
            form.say(name, Some(text(member)).filter(|text| text != "0").as_deref().unwrap_or(""));
        }
        form.say("at", &local("at"));
        form.say("cron", &text("cron"));
        let cron = text("cron");
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let choice = match (document.is_null(), fields.as_slice()) {
            (true, _) => "once",
            (false, []) => "at",
            (false, [minute, hour, day, "*", weekday]) => {
                form.take_usual([minute, hour, day, weekday]).unwrap_or("cron")
            }
            (false, _) => "cron",
        };
        form.say("is", choice);
        form
    }

    /// What a form has sent.
    pub(super) fn sent(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            if let Some(name) = name.strip_prefix(WHEN) {
                form.say(name, value.trim());
            }
        }
        form
    }

    /// Whether a form with these inputs was sent.
    pub(super) fn is_sent(&self) -> bool {
        !self.value("is").is_empty()
    }

    /// As a request says it; null for now.
    pub(super) fn document(&self) -> Value {
        let time = self.value("time");
        let (hour, minute) = time.split_once(':').unwrap_or((time, "0"));
        let number = |text: &str| match text.trim_start_matches('0') {
            "" => "0".to_owned(),
            text => text.to_owned(),
        };
        let (hour, minute) = (number(hour), number(minute));
        let cron = match self.value("is") {
            "" | "once" => return Value::Null,
            "at" => None,
            "daily" => Some(format!("{minute} {hour} * * *")),
            "weekdays" => Some(format!("{minute} {hour} * * 1-5")),
            "weekly" => Some(format!("{minute} {hour} * * {}", self.value("weekday"))),
            "monthly" => Some(format!("{minute} {hour} {} * *", self.value("day"))),
            _ => Some(self.value("cron").to_owned()),
        };
        let mut document = Map::new();
        let mut say = |name: &str, value: &str| {
            if !value.is_empty() {
                document.insert(name.to_owned(), value.into());
            }
        };
        say("time_zone", self.value("zone"));
        say("missed", self.value("missed"));
        match cron {
            None => {
                document.insert("at".to_owned(), self.value("at").into());
            }
            Some(cron) => {
                say("starts_at", self.value("starts"));
                say("ends_at", self.value("ends"));
                document.insert("cron".to_owned(), cron.into());
                seconds(&mut document, "jitter_seconds", self.value("jitter"));
            }
        }
        seconds(&mut document, "lag_seconds", self.value("lag"));
        Value::Object(document)
    }

    /// What an input shows.
    pub(super) fn value(&self, name: &str) -> &str {
        let first = match name {
            "time" => FIRST_TIME,
            "weekday" | "day" => "1",
            _ => "",
        };
        self.values.get(name).map_or(first, String::as_str)
    }

    /// What is wrong with one thing on the page.
    pub(super) fn fault(&self, id: &str) -> Option<&str> {
        self.faults.iter().find(|(of, _)| of == id).map(|(_, words)| words.as_str())
    }

    /// Whether anything is said that few people say.
    pub(super) fn has_more(&self) -> bool {
        let said = ["starts", "ends", "jitter", "lag"];
        let is_wrong = |name: &str| self.fault(&format!("{WHEN}{name}")).is_some();
        said.iter().any(|name| !self.value(name).is_empty() || is_wrong(name))
            || self.value("missed") == "skip"
    }

    /// The kinds of times.
    pub(super) fn kinds(&self) -> Vec<Choice> {
        let all = CHOICES.iter().skip(usize::from(!self.has_now));
        self.chosen("is", all.copied())
    }

    /// The days of the week.
    pub(super) fn weekdays(&self) -> Vec<Choice> {
        self.chosen("weekday", WEEKDAYS)
    }

    /// The days of a month.
    pub(super) fn days(&self) -> Vec<Choice> {
        let chosen = self.value("day");
        let day = |day: u32| (day.to_string(), format!("Day {day}"), day.to_string() == chosen);
        let last = ("L".to_owned(), "The last day".to_owned(), chosen == "L");
        (1..=28).map(day).chain([last]).collect()
    }

    /// What becomes of times that were missed.
    pub(super) fn policies(&self) -> Vec<Choice> {
        let all = [("once", "Make one export for the last of them"), ("skip", "Leave them out")];
        self.chosen("missed", all)
    }

    /// Checks it, and works out the next times.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub(super) async fn look_ahead(&mut self, edge: &Edge) -> Result<(), Problem> {
        let document = self.document();
        if document.is_null() {
            return Ok(());
        }
        match edge.service.next_fires(&document, None).await {
            Ok((timing, fires)) => {
                self.words = super::words::quoted(&timing.words());
                self.fires = shown(&timing, &fires);
            }
            Err(ServiceError::Faults(Faults(faults))) => {
                let words = |detail: &str| super::words::sentence(detail);
                self.faults = faults
                    .iter()
                    .map(|fault| {
                        let member = fault.pointer.strip_prefix("/schedule/");
                        (id_of(member.unwrap_or_default()), words(&fault.detail))
                    })
                    .collect();
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn say(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.values.insert(name.to_owned(), value.to_owned());
        }
    }

    /// An expression that is one of the usual choices.
    fn take_usual(&mut self, [minute, hour, day, weekday]: [&str; 4]) -> Option<&'static str> {
        let (minute, hour): (u32, u32) = (minute.parse().ok()?, hour.parse().ok()?);
        let is_day = day == "L" || day.parse::<u32>().is_ok_and(|day| day <= 28);
        let choice = match (day, weekday) {
            ("*", "*") => "daily",
            ("*", "1-5") => "weekdays",
            ("*", one) if WEEKDAYS.iter().any(|(word, _)| *word == one) => "weekly",
            (_, "*") if is_day => "monthly",
            _ => return None,
        };
        self.say("time", &format!("{hour:02}:{minute:02}"));
        if choice == "weekly" {
            self.say("weekday", weekday);
        }
        if choice == "monthly" {
            self.say("day", day);
        }
        Some(choice)
    }

    fn chosen(
        &self,
        name: &str,
        all: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Vec<Choice> {
        let chosen = self.value(name);
        let choice =
            |(word, words): (&str, &str)| (word.to_owned(), words.to_owned(), word == chosen);
        all.into_iter().map(choice).collect()
    }
}

/// The id of the input that a member of a schedule is said in.
pub(super) fn id_of(member: &str) -> String {
    let name = match member {
        "cron" | "at" | "missed" => member,
        "time_zone" => "zone",
        "starts_at" => "starts",
        "ends_at" => "ends",
        "jitter_seconds" => "jitter",
        "lag_seconds" => "lag",
        _ => "is",
    };
    format!("{WHEN}{name}")
}

/// What is no number is sent as it is, so that it is told.
fn seconds(document: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        let number = value.parse::<u64>().map(|number| json!(number));
        document.insert(name.to_owned(), number.unwrap_or_else(|_| value.into()));
    }
}

/// A moment as an input for local times takes it.
fn local_of(text: &str, zone: &str) -> String {
    let Ok(whole) = DateTime::parse_from_rfc3339(text) else { return text.to_owned() };
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    whole.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}

/// Fires, in the zone of their schedule.
pub(super) fn shown(timing: &Timing, fires: &[i64]) -> Vec<String> {
    let zone = timing.recurrence.zone();
    let said = |at: &i64| {
        let local = zone.from_utc_datetime(&moment(*at).naive_utc());
        local.format("%a %-d %b %Y, %H:%M").to_string()
    };
    fires.iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_shows_is_what_it_sends() {
        for document in [
            json!(null),
            json!({ "cron": "0 6 * * *", "time_zone": "Europe/Berlin" }),
            json!({ "cron": "30 18 * * 1-5", "time_zone": "UTC", "missed": "skip" }),
            json!({ "cron": "0 0 * * 0", "time_zone": "UTC", "jitter_seconds": 60 }),
            json!({ "cron": "5 7 L * *", "time_zone": "UTC", "lag_seconds": 30 }),
            json!({ "cron": "5 7 31 * *", "time_zone": "UTC" }),
            json!({ "cron": "*/20 8-17 * * 1", "time_zone": "UTC", "ends_at": "2030-01-01T00:00" }),
            json!({ "at": "2027-03-01T06:00", "time_zone": "Europe/Berlin" }),
        ] {
            assert_eq!(TimingForm::of(&document, "UTC").document(), document);
        }
        let moment = json!({ "at": "2027-03-01T05:00:00Z", "time_zone": "Europe/Berlin" });
        assert_eq!(TimingForm::of(&moment, "UTC").value("at"), "2027-03-01T06:00");
    }
}
