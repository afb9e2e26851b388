//! The five figures on top: how much, and how that is to the days before.

use tidegate_model::status::Status;
use tidegate_service::{EgressMeasure, EgressShare};

use super::{chart::Drawing, ways::Only};
use crate::pages::words;

/// A figure.
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) number: String,
    pub(super) unit: String,
    /// The list that it is the sum of.
    pub(super) path: Option<String>,
    /// Icon of which way it went.
    pub(super) icon: Option<&'static str>,
    pub(super) note: String,
}

/// The figures.
pub(super) fn of(drawing: &Drawing<'_>) -> Vec<Figure> {
    let Drawing { egress, ways, measure, .. } = *drawing;
    let (now, before) = (&egress.total.all, &egress.before.all);
    let days = egress.window.days();
    let figure = |label, (number, unit): (String, String), path: Option<String>, (icon, note)| {
        // Of nothing there is no list.
        let path = path.filter(|_| number != "0" && number != "–");
        Figure { label, number, unit, path, icon, note }
    };
    let sent = ways.to(egress, EgressMeasure::BytesSent, Only::default());
    let (icon, change) = change(now.bytes_sent, before.bytes_sent);
    let than = match change.is_empty() {
        true => format!("in {}", words::plural(now.downloads, "download")),
        false => format!("{change} on the {days} days before"),
    };
    let taken = figure("Downloaded", halves(&words::size(now.bytes_sent)), sent, (icon, than));

    let files = format!("{} in {}", words::size(now.bytes), words::plural(now.files, "file"));
    let rows = figure(
        "Rows in files",
        halves(&words::many(now.rows)),
        ways.to(egress, EgressMeasure::Rows, Only::default()),
        joined(self::change(now.rows, before.rows), &files),
    );

    let downloads = words::plural(now.downloads, "download");
    let exports = figure(
        "Exports",
        (words::count(now.exports), String::new()),
        Some(ways.list(&[])),
        joined(self::change(now.exports, before.exports), &downloads),
    );

    let share = share_of(&egress.total, measure);
    let personal = figure(
        "With personal data",
        share
            .map_or(("–".to_owned(), String::new()), |share| (share.to_string(), "%".to_owned())),
        ways.to(egress, measure, Only { is_personal: true, ..Only::default() }),
        points(share, share_of(&egress.before, measure), of_words(measure)),
    );

    let share = match now.failed {
        0 => format!("of {}", words::plural(now.exports, "export")),
        failed => format!("{} % of exports", tenths(failed * 1000 / now.exports.max(1))),
    };
    let failed = figure(
        "Failed",
        (words::count(now.failed), String::new()),
        Some(ways.list(&[("status", Status::Failed.slug())])),
        (None, share),
    );
    vec![taken, rows, exports, personal, failed]
}

/// Percent of a measure that has personal data.
pub(super) fn share_of(share: &EgressShare, measure: EgressMeasure) -> Option<i64> {
    let (all, personal) = (measure.of(&share.all), measure.of(&share.personal));
    (all > 0).then(|| rounded(personal, all))
}

/// Percent, rounded; what is not all is not said to be.
fn rounded(part: i64, all: i64) -> i64 {
    let (part, all) = (i128::from(part), i128::from(all));
    let percent = (part * 200 + all) / (2 * all);
    let percent = match percent {
        100.. if part < all => 99,
        0 if part > 0 => 1,
        percent => percent,
    };
    i64::try_from(percent).unwrap_or(100)
}

fn of_words(measure: EgressMeasure) -> &'static str {
    match measure {
        EgressMeasure::BytesSent => "of bytes downloaded",
        EgressMeasure::Bytes => "of bytes in files",
        EgressMeasure::Rows => "of rows in files",
    }
}

/// `122.8 GB` as number and unit.
fn halves(text: &str) -> (String, String) {
    match text.split_once(' ') {
        Some((number, unit)) => (number.to_owned(), unit.to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

fn tenths(permille: i64) -> String {
    format!("{}.{}", permille / 10, permille % 10)
}

/// Which way something went, and by how much; nothing where there is nothing to compare with.
fn change(now: i64, before: i64) -> (Option<&'static str>, String) {
    if before == 0 || now == 0 {
        return (None, String::new());
    }
    let (now, before) = (i128::from(now), i128::from(before));
    let percent = ((now - before).abs() * 200 + before) / (2 * before);
    let icon = match now.cmp(&before) {
        std::cmp::Ordering::Less => Some("arrow-down"),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some("arrow-up"),
    };
    let words = match (percent, now / before) {
        (0, _) => "as much as".to_owned(),
        (_, times @ 10..) => format!("{times} times"),
        (percent, _) => format!("{percent} %"),
    };
    match percent {
        // A word that only makes sense before more words.
        0 => (None, String::new()),
        _ => (icon, words),
    }
}

fn joined(
    (icon, change): (Option<&'static str>, String),
    rest: &str,
) -> (Option<&'static str>, String) {
    match change.is_empty() {
        true => (icon, rest.to_owned()),
        false => (icon, format!("{change} · {rest}")),
    }
}

/// By how many points a share went which way.
fn points(now: Option<i64>, before: Option<i64>, of: &str) -> (Option<&'static str>, String) {
    let (Some(now), Some(before)) = (now, before) else { return (None, of.to_owned()) };
    let icon = match now - before {
        ..0 => "arrow-down",
        0 => return (None, of.to_owned()),
        1.. => "arrow-up",
    };
    (Some(icon), format!("{}, {of}", words::plural((now - before).abs(), "point")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_which_way_and_how_much() {
        let said = |now, before| {
            let (icon, words) = change(now, before);
            format!("{} {words}", icon.unwrap_or("-"))
        };
        assert_eq!(said(112, 100), "arrow-up 12 %");
        assert_eq!(said(96, 100), "arrow-down 4 %");
        assert_eq!(said(3_000, 100), "arrow-up 30 times");
        assert_eq!(said(1_001, 1_000), "- ");
        assert_eq!((said(5, 0), said(0, 5)), ("- ".to_owned(), "- ".to_owned()));
    }

    #[test]
    fn what_is_not_all_and_what_is_not_nothing_are_not_rounded_to_it() {
        let shares = [(0, 10), (1, 1_000_000), (340, 1000), (999_999, 1_000_000), (5, 5)];
        let said = shares.map(|(part, all)| rounded(part, all));
        assert_eq!(said, [0, 1, 34, 99, 100]);
        assert_eq!(rounded(i64::MAX - 1, i64::MAX), 99);
    }
}
