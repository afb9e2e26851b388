//! The busiest hours: a table of the week whose cells are as dark as they are busy.

use tidegate_service::Egress;

use super::ways::Ways;
use crate::pages::{exports::within, words};

/// Steps of the hue above none.
const STEPS: i64 = 5;
/// Days of the week.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The table.
pub(super) struct Heat {
    pub(super) rows: Vec<Day>,
    /// What the darkest cell has.
    pub(super) most: i64,
    /// The busiest hour in words, how many, and the list of them.
    pub(super) busiest: Option<(String, String, String)>,
}

/// A day of the week.
pub(super) struct Day {
    pub(super) name: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// An hour of it.
pub(super) struct Cell {
    pub(super) step: i64,
    pub(super) count: i64,
    pub(super) title: String,
}

/// The table.
pub(super) fn of(egress: &Egress, ways: &Ways) -> Heat {
    let most = egress.hours.iter().flatten().copied().max().unwrap_or(0);
    let day = |(weekday, hours): (usize, &[i64; 24])| {
        let name = DAYS[weekday];
        let cell = |(hour, count): (usize, &i64)| Cell {
            step: step(*count, most),
            count: *count,
            title: format!("{name} {hour:02}:00, {}", words::plural(*count, "export")),
        };
        Day { name, cells: hours.iter().enumerate().map(cell).collect() }
    };
    Heat {
        rows: egress.hours.iter().enumerate().map(day).collect(),
        most,
        busiest: busiest(egress, ways, most),
    }
}

fn busiest(egress: &Egress, ways: &Ways, most: i64) -> Option<(String, String, String)> {
    let mut all = egress.hours.iter().enumerate().flat_map(|(weekday, hours)| {
        hours.iter().enumerate().map(move |(hour, count)| (weekday, hour, *count))
    });
    let (weekday, hour, _) = all.find(|(_, _, count)| *count == most && most > 0)?;
    let word = within::hour_word(weekday, hour);
    let words = within::hour_words(&word)?;
    Some((words, words::plural(most, "export"), ways.list(&[("hour", &word)])))
}

/// Step of a count: none is 0, anything is 1 at least.
fn step(count: i64, most: i64) -> i64 {
    match most {
        0 => 0,
        most => (count * STEPS + most - 1) / most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_never_as_light_as_nothing() {
        assert_eq!([0, 1, 2, 3].map(|count| step(count, 3)), [0, 2, 4, 5]);
        assert_eq!([0, 1, 20, 21, 50, 100].map(|count| step(count, 100)), [0, 1, 1, 2, 3, 5]);
    }
}
