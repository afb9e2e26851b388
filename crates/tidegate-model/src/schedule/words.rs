//! When a schedule fires, in words that people read.

use super::{Recurrence, Timing, expression::Expression};

/// Days of the week, as cron numbers them.
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Timing {
    /// When it fires, without the zone: "every Monday at 06:00".
    pub fn words(&self) -> String {
        match &self.recurrence {
            Recurrence::Cron { expression, .. } => expression.words(),
            Recurrence::At { moment, zone } => {
                format!("once, {}", moment.with_timezone(zone).format("%-d %b %Y at %H:%M"))
            }
        }
    }
}

impl Expression {
    /// In words where it is one of the common kinds; else as it is written.
    pub fn words(&self) -> String {
        let fields: Vec<&str> = self.text().split(' ').collect();
        let said = match fields.as_slice() {
            [minute, hour, day, "*", weekday] => match clock_of(minute, hour) {
                Some(at) => day_of(day, weekday).map(|day| format!("{day} at {at}")),
                None if (*day, *weekday) == ("*", "*") => often_of(minute, hour),
                None => None,
            },
            _ => None,
        };
        said.unwrap_or_else(|| format!("by `{}`", self.text()))
    }
}

fn clock_of(minute: &str, hour: &str) -> Option<String> {
    let minute: u32 = minute.parse().ok()?;
    let hours: Result<Vec<u32>, _> = hour.split(',').map(str::parse).collect();
    let at: Vec<String> = hours.ok()?.iter().map(|hour| format!("{hour:02}:{minute:02}")).collect();
    Some(listed(&at))
}

fn often_of(minute: &str, hour: &str) -> Option<String> {
    let step = |field: &str| field.strip_prefix("*/")?.parse::<u32>().ok();
    match (minute.parse::<u32>().ok(), step(minute), step(hour)) {
        (None, Some(minutes), None) if hour == "*" => Some(format!("every {minutes} minutes")),
        (Some(0), None, None) if hour == "*" => Some("every hour".to_owned()),
        (Some(past), None, None) if hour == "*" => Some(format!("every hour at :{past:02}")),
        (Some(0), None, Some(hours)) => Some(format!("every {hours} hours")),
        _ => None,
    }
}

fn day_of(day: &str, weekday: &str) -> Option<String> {
    match (day, weekday) {
        ("*", "*") => Some("every day".to_owned()),
        ("*", "1-5" | "MON-FRI") => Some("Monday to Friday".to_owned()),
        ("*", weekdays) => {
            let named: Option<Vec<&str>> = weekdays.split(',').map(weekday_of).collect();
            Some(format!("every {}", listed(&named?)))
        }
        ("L" | "l", "*") => Some("the last day of every month".to_owned()),
        (day, "*") => {
            let day: u32 = day.parse().ok()?;
            Some(format!("day {day} of every month"))
        }
        _ => None,
    }
}

fn weekday_of(word: &str) -> Option<&'static str> {
    let number = word.parse::<usize>().ok().map(|number| number % WEEKDAYS.len());
    let by_name = || {
        let starts = |day: &&str| day[..3].eq_ignore_ascii_case(word);
        WEEKDAYS.iter().position(starts)
    };
    WEEKDAYS.get(number.or_else(by_name)?).copied()
}

fn listed<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [some @ .., last] if !some.is_empty() => format!("{} and {last}", some.join(", ")),
        parts => parts.concat(),
    }
}
