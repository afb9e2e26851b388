//! Hours of a week, in a time zone.

use chrono::{DateTime, Datelike, NaiveTime, Timelike, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A span of the clock on some days of the week. One that ends before it begins goes over midnight;
/// the part after midnight belongs to the day on which it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Minutes after midnight at which it begins.
    #[serde(with = "clock")]
    pub from: NaiveTime,
    /// Minutes after midnight at which it ends; the same as `from` is the whole day.
    #[serde(with = "clock")]
    pub until: NaiveTime,
    /// Days; none is every day.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// The zone of both.
    #[serde(default = "utc")]
    pub time_zone: Tz,
}

fn utc() -> Tz {
    Tz::UTC
}

impl Hours {
    /// Whether a moment, in microseconds since 1970, is within.
    pub fn contain(&self, micros: i64) -> bool {
        let moment = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        let local = moment.with_timezone(&self.time_zone);
        let (time, day) = (local.time(), local.weekday());
        let is_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        match self.from.cmp(&self.until) {
            std::cmp::Ordering::Equal => is_on(day),
            std::cmp::Ordering::Less => is_on(day) && self.from <= time && time < self.until,
            std::cmp::Ordering::Greater => {
                (time >= self.from && is_on(day)) || (time < self.until && is_on(day.pred()))
            }
        }
    }

    /// As people read them: `18:00–08:00 on Mon, Tue (Europe/Berlin)`.
    pub fn words(&self) -> String {
        let days: Vec<String> = self.days.iter().map(ToString::to_string).collect();
        let on = if days.is_empty() { String::new() } else { format!(" on {}", days.join(", ")) };
        format!("{}–{}{on} ({})", clock::text(self.from), clock::text(self.until), self.time_zone)
    }
}

/// A time of day as `18:30`.
mod clock {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{NaiveTime, Timelike};

    pub(super) fn text(time: NaiveTime) -> String {
        format!("{:02}:{:02}", time.hour(), time.minute())
    }

    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(from)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| D::Error::custom("a time of day is written as `18:30`"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hours(value: serde_json::Value) -> Hours {
        serde_json::from_value(value).unwrap()
    }

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        let day = hours(json!({ "from": "08:00", "until": "18:00" }));
        for (time, is_in) in [("07:59:59", false), ("08:00:00", true), ("17:59:59", true)] {
            assert_eq!(day.contain(at(&format!("2026-11-23T{time}Z"))), is_in, "{time}");
        }
        assert!(!day.contain(at("2026-11-23T18:00:00Z")));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_began() {
        // A Friday's night, as the clocks of Berlin have it.
        let night = json!({ "from": "18:00", "until": "08:00", "days": ["Fri"],
            "time_zone": "Europe/Berlin" });
        let night = hours(night);
        assert!(night.contain(at("2026-11-27T17:00:00Z")), "Friday, 18:00");
        assert!(!night.contain(at("2026-11-27T16:59:59Z")), "Friday, just before");
        assert!(night.contain(at("2026-11-28T06:59:59Z")), "Saturday, before eight");
        assert!(!night.contain(at("2026-11-28T07:00:00Z")), "Saturday, eight");
        assert!(!night.contain(at("2026-11-28T17:00:00Z")), "Saturday's own night");
        assert!(!night.contain(at("2026-11-27T06:00:00Z")), "Thursday's night");
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let text = json!({ "from": "18:05", "until": "08:00", "days": ["Sat", "Sun"],
            "time_zone": "Asia/Kathmandu" });
        assert_eq!(serde_json::to_value(hours(text.clone())).unwrap(), text);
        let wrong = json!({ "from": "25:00", "until": "08:00" });
        assert!(serde_json::from_value::<Hours>(wrong).is_err());
    }
}
