//! Times that a list of exports is narrowed down to.

use std::ops::Range;

use chrono::NaiveDate;
use tidegate_service::{EgressWindow, PERIOD_DAYS_MAX, hours_of};

use crate::{
    pages::{forms, shell::Shell},
    problem::Problem,
};

/// Days of the week: the word in an address, and what people say.
const WEEK: [(&str, &str); 7] = [
    ("mon", "Mondays"),
    ("tue", "Tuesdays"),
    ("wed", "Wednesdays"),
    ("thu", "Thursdays"),
    ("fri", "Fridays"),
    ("sat", "Saturdays"),
    ("sun", "Sundays"),
];

/// An hour of the week, as an address has it.
pub(in crate::pages) fn hour_word(weekday: usize, hour: usize) -> String {
    format!("{}-{hour:02}", WEEK[weekday % WEEK.len()].0)
}

/// The same as people say it.
pub(in crate::pages) fn hour_words(word: &str) -> Option<String> {
    let (weekday, hour) = read(word)?;
    let (_, words) = WEEK[weekday as usize];
    Some(format!("{words}, {hour:02}:00–{:02}:00", hour + 1))
}

fn read(word: &str) -> Option<(u32, u32)> {
    let (day, hour) = word.split_once('-')?;
    let weekday = WEEK.iter().position(|(known, _)| *known == day)?;
    let hour = hour.parse().ok().filter(|hour| *hour < 24)?;
    Some((u32::try_from(weekday).ok()?, hour))
}

/// A moment as a filter says it.
pub(super) fn said(text: &str) -> String {
    text.replace('T', " ")
}

/// The times; none where nothing is said of them.
pub(super) fn of(
    from: &str,
    to: &str,
    hour: &str,
    shell: &Shell,
) -> Result<Vec<Range<i64>>, Problem> {
    if !hour.is_empty() {
        return hours(from, to, hour, shell);
    }
    let moment = |text: &str, name: &str, otherwise: i64| match text {
        "" => Ok(otherwise),
        text => forms::moment(text, shell.zone).ok_or_else(|| {
            let detail = "a time is a day, or a day and a time: `2026-11-21T14:00`";
            Problem::fault(format!("/{name}"), detail)
        }),
    };
    let within = moment(from, "from", i64::MIN)?..moment(to, "to", i64::MAX)?;
    Ok(if within == (i64::MIN..i64::MAX) { Vec::new() } else { vec![within] })
}

/// An hour of the week, on each of the days.
fn hours(from: &str, to: &str, hour: &str, shell: &Shell) -> Result<Vec<Range<i64>>, Problem> {
    let [from, to] = [from, to].map(|text| text.parse::<NaiveDate>().ok());
    let until = to.and_then(|day| day.pred_opt());
    let detail = format!(
        "an hour of the week is such as `mon-09`, and goes with the days `from` and `to`, \
         {PERIOD_DAYS_MAX} at most"
    );
    let fault = || Problem::fault("/hour", detail.clone());
    let (Some((weekday, hour)), Some(from), Some(until)) = (read(hour), from, until) else {
        return Err(fault());
    };
    let window = EgressWindow { from, until, zone: shell.zone };
    if until < from || window.days() > PERIOD_DAYS_MAX {
        return Err(fault());
    }
    let spans = hours_of(&window, weekday, hour);
    // None of these days is of that day of the week: nothing is within no time.
    Ok(if spans.is_empty() { std::iter::once(i64::MIN..i64::MIN).collect() } else { spans })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_the_week_is_read_as_it_is_written() {
        assert_eq!(hour_word(0, 9), "mon-09");
        assert_eq!(hour_words("sun-23").unwrap(), "Sundays, 23:00–24:00");
        for (weekday, (word, _)) in WEEK.iter().enumerate() {
            assert_eq!(read(&hour_word(weekday, 7)), Some((u32::try_from(weekday).unwrap(), 7)));
            assert_eq!(read(&format!("{word}-24")), None);
        }
        assert_eq!(read("someday-1"), None);
        assert_eq!(read("mon"), None);
    }
}
