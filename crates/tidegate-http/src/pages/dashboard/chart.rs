//! The days as a drawing: a bar for each, of what it is made of; the same numbers as a table.

use chrono::{Datelike, NaiveDate};
use tidegate_service::{Egress, EgressDay, EgressKey, EgressMeasure, EgressPart, EgressShare};

use super::{
    amount, label,
    ways::{Only, Ways},
};
use crate::pages::{shell::Shell, words};

/// Size of the drawing, which is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;
/// Share of a day's place that its bar takes.
const BAR: f64 = 0.72;
/// Between the parts of a bar.
const GAP: f64 = 1.2;
/// The thinnest part that is drawn.
const THIN: f64 = 0.6;
/// Hues that there are; what comes behind them is grey.
const HUES: usize = 5;
/// Lines above the axis.
const LINES: i64 = 4;

/// What to draw.
#[derive(Clone, Copy)]
pub(super) struct Drawing<'a> {
    pub(super) shell: &'a Shell,
    pub(super) egress: &'a Egress,
    pub(super) ways: &'a Ways,
    pub(super) measure: EgressMeasure,
}

/// The drawing, and its table.
pub(super) struct Chart {
    /// Marks of the axis, from the top down.
    pub(super) marks: Vec<String>,
    /// Heights of the lines.
    pub(super) lines: Vec<String>,
    pub(super) columns: Vec<Column>,
    /// Days below the axis.
    pub(super) dates: Vec<String>,
    /// Whether each day has its mark.
    pub(super) is_each: bool,
    pub(super) legend: Vec<Entry>,
    /// The newest first.
    pub(super) rows: Vec<TableRow>,
}

/// A day as a bar.
pub(super) struct Column {
    pub(super) path: Option<String>,
    pub(super) title: String,
    /// Left edge and width of what can be clicked.
    pub(super) at: String,
    pub(super) wide: String,
    pub(super) pieces: Vec<Piece>,
}

/// A part of a bar.
pub(super) struct Piece {
    /// Class of the hue.
    pub(super) hue: String,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
}

/// What a hue stands for.
pub(super) struct Entry {
    pub(super) hue: String,
    pub(super) label: String,
    pub(super) total: String,
    pub(super) path: Option<String>,
}

/// A day in the table.
pub(super) struct TableRow {
    pub(super) day: String,
    pub(super) cells: Vec<String>,
    pub(super) all: String,
    pub(super) path: Option<String>,
}

/// A part that has its own place in each bar.
struct Layer {
    part: EgressPart,
    hue: String,
    label: String,
}

impl Drawing<'_> {
    /// Number of a subject's hue: the same on every page.
    fn place(&self, key: &EgressKey) -> Option<usize> {
        match key {
            EgressKey::Subject(slug) => {
                self.shell.standing.subjects.iter().position(|subject| subject.slug == *slug)
            }
            EgressKey::Operator(_) => {
                self.egress.operators.iter().position(|part| part.key == *key)
            }
            EgressKey::Others => None,
        }
    }

    fn of(&self, share: &EgressShare) -> i64 {
        self.measure.of(&share.all)
    }

    /// What bars are made of, the most at the base.
    fn layers(&self) -> Vec<Layer> {
        let mut parts: Vec<EgressPart> = Vec::new();
        for part in self.egress.days.iter().flat_map(|day| &day.parts) {
            match parts.iter_mut().find(|known| known.key == part.key) {
                Some(known) => known.share = known.share + part.share,
                None => parts.push(part.clone()),
            }
        }
        parts.retain(|part| self.of(&part.share) > 0);
        parts.sort_by_key(|part| {
            (part.key == EgressKey::Others, std::cmp::Reverse(self.of(&part.share)))
        });
        let layer = |part: EgressPart| {
            let hue = self.place(&part.key).filter(|place| *place < HUES);
            let hue = hue.map_or_else(|| "hue-0".to_owned(), |place| format!("hue-{}", place + 1));
            Layer { label: label(self.shell, self.egress, &part), hue, part }
        };
        parts.into_iter().map(layer).collect()
    }
}

/// The drawing.
pub(super) fn of(drawing: &Drawing<'_>) -> Chart {
    let layers = drawing.layers();
    let most = drawing.egress.days.iter().map(|day| drawing.of(&day.share)).max().unwrap_or(0);
    let step = step(most);
    let days = &drawing.egress.days;
    let count = days.len();
    let columns = days.iter().enumerate().map(|(place, day)| {
        column(drawing, &layers, day, Place { place, count, top: step * LINES })
    });
    let dates: Vec<NaiveDate> = days.iter().map(|day| day.date).collect();
    Chart {
        marks: marks(drawing.measure, step),
        lines: (0..LINES).map(|line| coordinate(HEIGHT * ratio(line, LINES))).collect(),
        columns: columns.collect(),
        is_each: count <= 7,
        dates: dates_below(&dates),
        legend: layers.iter().map(|layer| entry(drawing, layer)).collect(),
        rows: days.iter().rev().map(|day| row(drawing, &layers, day)).collect(),
    }
}

/// Where a bar stands, and what its drawing is as high as.
#[derive(Clone, Copy)]
struct Place {
    place: usize,
    count: usize,
    top: i64,
}

fn column(drawing: &Drawing<'_>, layers: &[Layer], day: &EgressDay, at: Place) -> Column {
    let slot = WIDTH / whole(at.count);
    let (left, width) = (slot * whole(at.place), slot * BAR);
    let mut y = HEIGHT;
    let mut pieces = Vec::new();
    for layer in layers {
        let part = day.parts.iter().find(|part| part.key == layer.part.key);
        let amount = part.map_or(0, |part| drawing.of(&part.share));
        if amount == 0 {
            continue;
        }
        let height = HEIGHT * ratio(amount, at.top);
        y -= height;
        pieces.push(Piece {
            hue: layer.hue.clone(),
            x: coordinate(left + (slot - width) / 2.0),
            y: coordinate(y),
            width: coordinate(width),
            height: coordinate((height - GAP).max(THIN.min(height))),
        });
    }
    let all = drawing.of(&day.share);
    let only = Only { day: Some(day.date), ..Only::default() };
    let path = drawing.ways.to(drawing.egress, drawing.measure, only).filter(|_| all > 0);
    let said = day.date.format("%-d %b");
    Column {
        path,
        title: format!("{said}: {}", amount(drawing.measure, all)),
        at: coordinate(left),
        wide: coordinate(slot),
        pieces,
    }
}

fn entry(drawing: &Drawing<'_>, layer: &Layer) -> Entry {
    let only = Only { part: Some(&layer.part), ..Only::default() };
    Entry {
        hue: layer.hue.clone(),
        label: layer.label.clone(),
        total: amount(drawing.measure, drawing.of(&layer.part.share)),
        path: drawing.ways.to(drawing.egress, drawing.measure, only),
    }
}

fn row(drawing: &Drawing<'_>, layers: &[Layer], day: &EgressDay) -> TableRow {
    let cell = |layer: &Layer| {
        let part = day.parts.iter().find(|part| part.key == layer.part.key);
        part.map_or(0, |part| drawing.of(&part.share))
    };
    let all = drawing.of(&day.share);
    let only = Only { day: Some(day.date), ..Only::default() };
    TableRow {
        day: day.date.format("%a, %-d %b").to_string(),
        cells: layers.iter().map(|layer| amount(drawing.measure, cell(layer))).collect(),
        all: amount(drawing.measure, all),
        path: drawing.ways.to(drawing.egress, drawing.measure, only).filter(|_| all > 0),
    }
}

/// A round step, of which the lines above the axis suffice for the most.
fn step(most: i64) -> i64 {
    let least = (most.saturating_add(LINES - 1) / LINES).max(1);
    let mut power: i64 = 1;
    loop {
        // Halves of one are none.
        let steps = [power, power * 2, power * 5 / 2, power * 5];
        let round = steps.into_iter().find(|step| *step >= least && (power > 1 || *step != 2));
        match (round, power.checked_mul(10)) {
            (Some(step), _) => return step,
            (None, Some(next)) if next <= i64::MAX / 50 => power = next,
            (None, _) => return i64::MAX / LINES,
        }
    }
}

/// Marks of the axis from the top down: the unit stands at the top one.
fn marks(measure: EgressMeasure, step: i64) -> Vec<String> {
    let top = step * LINES;
    let (unit, word) = match measure {
        EgressMeasure::BytesSent | EgressMeasure::Bytes => words::size_unit(top),
        EgressMeasure::Rows => words::many_unit(top),
    };
    let mark = |line: i64| {
        let number = words::in_units(step * line, unit);
        match line == LINES && !word.is_empty() {
            true => format!("{number} {word}"),
            false => number,
        }
    };
    (0..=LINES).rev().map(mark).collect()
}

/// Days below the axis: each of a week, five of more.
fn dates_below(days: &[NaiveDate]) -> Vec<String> {
    let last = days.len().saturating_sub(1);
    match days.len() {
        ..=7 => days.iter().map(|day| format!("{} {}", day.format("%a"), day.day())).collect(),
        _ => {
            let places = (0..5).map(|mark| (last * mark + 2) / 4);
            places.map(|place| days[place].format("%-d %b").to_string()).collect()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing has few pixels")]
fn ratio(part: i64, all: i64) -> f64 {
    part as f64 / all.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a drawing has few days")]
fn whole(number: usize) -> f64 {
    number as f64
}

/// A coordinate, no longer than it is sharp.
fn coordinate(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_suffice() {
        let steps = [0, 1, 4, 5, 9, 17, 77, 410, 6_900_000_000].map(step);
        assert_eq!(steps, [1, 1, 1, 5, 5, 5, 20, 200, 2_000_000_000]);
        for most in (0..100_000).chain([i64::MAX / 2, i64::MAX]) {
            assert!(step(most) >= most / LINES, "{most}");
            assert!(most > 1_000_000 || step(most) * LINES <= (most + 8) * 3, "{most}");
        }
    }

    #[test]
    fn marks_have_one_unit() {
        let sent = marks(EgressMeasure::BytesSent, 2_000_000_000);
        assert_eq!(sent, ["8 GB", "6", "4", "2", "0"]);
        let half = marks(EgressMeasure::Bytes, 250_000);
        assert_eq!(half, ["1 MB", "0.75", "0.5", "0.25", "0"]);
        assert_eq!(marks(EgressMeasure::Rows, 5), ["20", "15", "10", "5", "0"]);
        let rows = marks(EgressMeasure::Rows, 500_000);
        assert_eq!(rows, ["2 million", "1.5", "1", "0.5", "0"]);
    }

    #[test]
    fn a_week_names_each_day_and_more_name_five() {
        let days = |count: usize| -> Vec<NaiveDate> {
            let first: NaiveDate = "2026-10-24".parse().unwrap();
            first.iter_days().take(count).collect()
        };
        assert_eq!(dates_below(&days(7)).first().unwrap(), "Sat 24");
        let month = dates_below(&days(30));
        assert_eq!(month, ["24 Oct", "31 Oct", "8 Nov", "15 Nov", "22 Nov"]);
    }
}
