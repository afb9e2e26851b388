//! How numbers, sizes and moments are said on pages.

use chrono::{DateTime, Datelike, TimeZone, Utc};
use chrono_tz::Tz;

use tidegate_service::formats;
pub(super) use tidegate_service::words::{count, plural, title};

use crate::clock::moment;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Seconds of a minute, an hour, a day.
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Length of the ring of days: 2π · 5.2.
const RING: f64 = 32.67;

/// A moment, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    /// Relative up to a day, then the date.
    pub(super) words: String,
    /// To the second, with the zone.
    pub(super) title: String,
    /// For programs.
    pub(super) iso: String,
}

impl When {
    /// A moment as it is seen from now, in a zone.
    pub(super) fn of(micros: i64, now: i64, zone: Tz) -> Self {
        let local = local(micros, zone);
        Self {
            words: relative(micros, now, zone),
            title: local.format("%Y-%m-%d %H:%M:%S %Z").to_string(),
            iso: moment(micros).format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// What is left of a retention: a ring that empties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Days, rounded down; hours below 48 of them.
    pub(super) words: String,
    /// Length of the ring's drawn part.
    pub(super) dash: String,
    /// Whether it ends within a day.
    pub(super) is_soon: bool,
}

impl Left {
    /// What is left now of the time between two moments.
    pub(super) fn of(from: i64, until: i64, now: i64) -> Self {
        let seconds = ((until - now) / SECOND).max(0);
        let whole = ((until - from) / SECOND).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a ring has few pixels")]
        let share = (seconds as f64 / whole as f64).clamp(0.0, 1.0);
        let words = match seconds {
            ..MINUTE => "under a minute".to_owned(),
            MINUTE..HOUR => format!("{} min", seconds / MINUTE),
            HOUR..172_800 => plural(seconds / HOUR, "hour"),
            _ => plural(seconds / DAY, "day"),
        };
        Self { words, dash: format!("{:.2}", share * RING), is_soon: seconds < DAY }
    }
}

/// The same of what is never negative.
pub(super) fn count_of(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A count that is expected: `about 4,860,000`.
pub(super) fn about(number: i64) -> String {
    let digits = number.unsigned_abs().to_string().len();
    let unit = 10_i64.pow(u32::try_from(digits.saturating_sub(3)).unwrap_or(0));
    format!("about {}", count((number + unit / 2) / unit * unit))
}

/// A size in decimal units: `312 B`, `8.7 MB`.
pub(super) fn size(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let mut number = bytes.max(0) as f64;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && number < 99.95);
    format!("{number:.digits$} {}", UNITS[unit])
}

/// A large count: `48,213`, `61.4 million`.
pub(super) fn many(number: i64) -> String {
    match many_unit(number) {
        (_, "") => count(number),
        (unit, word) => format!("{} {word}", in_units(number, unit)),
    }
}

/// The unit that a size is said in, in bytes, and its word.
pub(super) fn size_unit(bytes: i64) -> (i64, &'static str) {
    let units = [(1, "B"), (1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB")];
    let larger = [(1_000_000_000_000, "TB"), (1_000_000_000_000_000, "PB")];
    let all = units.into_iter().chain(larger);
    all.take_while(|(unit, _)| *unit <= bytes.max(1)).last().unwrap_or((1, "B"))
}

/// The unit that a large count is said in, and its word.
pub(super) fn many_unit(number: i64) -> (i64, &'static str) {
    match number {
        ..1_000_000 => (1, ""),
        1_000_000..1_000_000_000 => (1_000_000, "million"),
        _ => (1_000_000_000, "billion"),
    }
}

/// A number in units: no digit more than it needs, and three figures at most behind a point.
pub(super) fn in_units(number: i64, unit: i64) -> String {
    if number % unit == 0 {
        return count(number / unit);
    }
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let share = number as f64 / unit as f64;
    let digits = if share < 9.995 { 2 } else { 1 };
    let text = format!("{share:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A length of time: `21 s`, `3 min`, `2 h 5 min`.
pub(super) fn span(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..600 if seconds % MINUTE > 0 => {
            format!("{} min {} s", seconds / MINUTE, seconds % MINUTE)
        }
        seconds @ MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        seconds @ HOUR..DAY if seconds % HOUR >= MINUTE => {
            format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE)
        }
        seconds @ HOUR..DAY => format!("{} h", seconds / HOUR),
        seconds => plural(seconds / DAY, "day"),
    }
}

/// The same of microseconds, with tenths below ten seconds: `1.1 s`.
pub(super) fn span_of(micros: i64) -> String {
    match micros.max(0) {
        ..100_000 => "under 0.1 s".to_owned(),
        micros @ ..10_000_000 => {
            format!("{}.{} s", micros / SECOND, micros % SECOND / 100_000)
        }
        micros => span(micros / SECOND),
    }
}

/// The time of day to the second, with the date where it is not today.
pub(super) fn clock(micros: i64, now: i64, zone: Tz) -> String {
    let (then, now) = (local(micros, zone), local(now, zone));
    if then.date_naive() == now.date_naive() {
        return then.format("%H:%M:%S").to_string();
    }
    format!("{}, {}", date(&then, &now), then.format("%H:%M:%S"))
}

/// A day: `15 Nov`, with its year where that is another one.
pub(super) fn day(micros: i64, now: i64, zone: Tz) -> String {
    date(&local(micros, zone), &local(now, zone))
}

/// Words in which names stand between quotes, where the program has them between backticks.
pub(super) fn quoted(words: &str) -> String {
    let mut is_open = false;
    let quote = |letter| match letter {
        '`' => {
            is_open = !is_open;
            if is_open { '“' } else { '”' }
        }
        other => other,
    };
    words.chars().map(quote).collect()
}

/// A message as people read it: errors are lower case, end without a full stop, and have names
/// between backticks.
pub(super) fn sentence(message: &str) -> String {
    let message = quoted(message);
    let mut characters = message.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let end = if message.ends_with('.') { "" } else { "." };
    first.chain(characters).chain(end.chars()).collect()
}

/// Letters for a face: of a name's first and last word, or of an address.
pub(super) fn initials(name: &str) -> String {
    let local = name.split('@').next().unwrap_or_default();
    let words: Vec<&str> =
        local.split([' ', '.', '_', '-']).filter(|word| !word.is_empty()).collect();
    let ends = match words.as_slice() {
        [] => Vec::new(),
        [one] => vec![*one],
        [first, .., last] => vec![*first, *last],
    };
    ends.iter().filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

fn local(micros: i64, zone: Tz) -> DateTime<Tz> {
    let utc: DateTime<Utc> = moment(micros);
    zone.from_utc_datetime(&utc.naive_utc())
}

fn date(then: &DateTime<Tz>, now: &DateTime<Tz>) -> String {
    let format = if then.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
    then.format(format).to_string()
}

fn relative(micros: i64, now: i64, zone: Tz) -> String {
    let seconds = (now - micros) / SECOND;
    match seconds {
        DAY.. | ..=-86_400 => day(micros, now, zone),
        HOUR.. => format!("{} h ago", seconds / HOUR),
        MINUTE.. => format!("{} min ago", seconds / MINUTE),
        1.. => format!("{seconds} s ago"),
        -9..=0 => "now".to_owned(),
        -59..=-10 => format!("in {} s", -seconds),
        -3599..=-60 => format!("in {} min", -seconds / MINUTE),
        -86_399..=-3600 => format!("in {} h", -seconds / HOUR),
    }
}

/// The name of a format as people read it.
pub(super) fn format_label(slug: &str) -> String {
    let formats = formats();
    let format = formats.iter().find(|format| format.slug == slug);
    format.map_or_else(|| title(slug), |format| format.label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 21 November 2026, 14:31:02 UTC.
    const NOW: i64 = 1_795_271_462 * SECOND;

    #[test]
    fn counts_have_groups_and_estimates_three_figures() {
        let counts = [0, 7, 999, 1000, 48_213, -1_234_567].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "48,213", "−1,234,567"]);
        let expected = [0, 12, 999, 48_213, 4_857_321].map(about);
        let said = ["about 0", "about 12", "about 999", "about 48,200", "about 4,860,000"];
        assert_eq!(expected, said);
        assert_eq!([plural(1, "row"), plural(2, "row")], ["1 row", "2 rows"]);
    }

    #[test]
    fn sizes_are_decimal() {
        let sizes =
            [0, 312, 999, 1000, 1234, 99_949, 412_000, 999_499, 999_500, 8_700_000].map(size);
        let said = [
            "0 B", "312 B", "999 B", "1.0 kB", "1.2 kB", "99.9 kB", "412 kB", "999 kB", "1.0 MB",
            "8.7 MB",
        ];
        assert_eq!(sizes, said);
    }

    #[test]
    fn large_counts_have_a_word_and_few_figures() {
        let said = [0, 999_999, 1_000_000, 61_400_000, 1_250_000_000].map(many);
        assert_eq!(said, ["0", "999,999", "1 million", "61.4 million", "1.25 billion"]);
        let units = [0, 999, 1_000, 8_000_000_000].map(|bytes| size_unit(bytes).1);
        assert_eq!(units, ["B", "B", "kB", "GB"]);
        assert_eq!([in_units(1_500, 1_000), in_units(250, 1_000)], ["1.5", "0.25"]);
    }

    #[test]
    fn moments_are_relative_up_to_a_day() {
        let ago = |seconds: i64| When::of(NOW - seconds * SECOND, NOW, Tz::UTC).words;
        let said = [0, 33, 60, 24 * 60, 3600, 86_399, 86_400, 400 * 86_400].map(ago);
        let expected = [
            "now",
            "33 s ago",
            "1 min ago",
            "24 min ago",
            "1 h ago",
            "23 h ago",
            "20 Nov",
            "17 Oct 2025",
        ];
        assert_eq!(said, expected);
        assert_eq!(
            [-5, -30, -90, -7200, -90_000].map(ago),
            ["now", "in 30 s", "in 1 min", "in 2 h", "22 Nov"]
        );
        let when = When::of(NOW, NOW, Tz::Europe__Lisbon);
        assert_eq!(when.title, "2026-11-21 14:31:02 WET");
        assert_eq!(when.iso, "2026-11-21T14:31:02Z");
        assert_eq!(clock(NOW - 86_400 * SECOND, NOW, Tz::Asia__Tokyo), "20 Nov, 23:31:02");
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        let said = [0, 21, 60, 90, 600, 3599, 3600, 7500, 90_000].map(span);
        let expected =
            ["0 s", "21 s", "1 min", "1 min 30 s", "10 min", "59 min", "1 h", "2 h 5 min", "1 day"];
        assert_eq!(said, expected);
        assert_eq!([9_000, 1_149_000, 12_900_000].map(span_of), ["under 0.1 s", "1.1 s", "12 s"]);
    }

    #[test]
    fn what_is_left_is_rounded_down_and_warned_of_in_its_last_day() {
        let week = 7 * DAY * SECOND;
        let left = |seconds: i64| Left::of(0, week, week - seconds * SECOND);
        let said =
            [7 * DAY, 6 * DAY + HOUR, 47 * HOUR, 90 * MINUTE, 90, 5].map(|at| left(at).words);
        assert_eq!(said, ["7 days", "6 days", "47 hours", "1 hour", "1 min", "under a minute"]);
        assert_eq!(left(7 * DAY).dash, "32.67");
        assert_eq!([left(DAY).is_soon, left(DAY - 1).is_soon], [false, true]);
    }

    #[test]
    fn messages_are_sentences_without_marks_of_code() {
        assert_eq!(sentence("field `amount` is not `integer`"), "Field “amount” is not “integer”.");
    }

    #[test]
    fn names_are_made_from_slugs_and_letters_from_names() {
        assert_eq!(title("order_lines"), "Order lines");
        let said = ["Mara Lindqvist", "ada@example.com", "jo van dam", ""].map(initials);
        assert_eq!(said, ["ML", "A", "JD", ""]);
    }
}
