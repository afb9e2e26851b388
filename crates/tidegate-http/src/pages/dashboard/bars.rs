//! Tables whose rows are drawn as bars: personal data by subject, and who took most.

use tidegate_service::{EgressKey, EgressPart};

use super::{amount, chart::Drawing, figures::share_of, label, ways::Only};
use crate::pages::words;

/// A row.
pub(super) struct Bar {
    pub(super) label: String,
    /// What stands below the label.
    pub(super) line: String,
    pub(super) path: Option<String>,
    /// Length of the bar, of 100.
    pub(super) length: String,
    pub(super) percent: String,
    pub(super) amount: String,
}

/// How much of each subject has personal data.
pub(super) fn personal(drawing: &Drawing<'_>) -> Vec<Bar> {
    let Drawing { shell, egress, ways, measure } = *drawing;
    let mut parts: Vec<(Option<i64>, &EgressPart)> =
        egress.subjects.iter().map(|part| (share_of(&part.share, measure), part)).collect();
    parts
        .sort_by_key(|(share, part)| std::cmp::Reverse((*share, measure.of(&part.share.personal))));
    let bar = |(share, part): (Option<i64>, &EgressPart)| {
        let personal = measure.of(&part.share.personal);
        let only = Only { is_personal: true, part: Some(part), ..Only::default() };
        Bar {
            label: label(shell, egress, part),
            line: String::new(),
            path: ways.to(egress, measure, only).filter(|_| personal > 0),
            length: share.unwrap_or(0).to_string(),
            percent: share.map_or_else(|| "–".to_owned(), |share| format!("{share} %")),
            amount: amount(measure, personal),
        }
    };
    parts.into_iter().map(bar).collect()
}

/// Who took most.
pub(super) fn people(drawing: &Drawing<'_>) -> Vec<Bar> {
    let Drawing { shell, egress, ways, measure } = *drawing;
    let most = egress
        .operators
        .iter()
        .filter(|part| part.key != EgressKey::Others)
        .map(|part| measure.of(&part.share.all))
        .max();
    let bar = |part: &EgressPart| {
        let all = &part.share.all;
        let only = Only { part: Some(part), ..Only::default() };
        let length = match most.unwrap_or(0) {
            0 => 0,
            most => i128::from(measure.of(all)) * 100 / i128::from(most),
        };
        Bar {
            label: label(shell, egress, part),
            line: format!(
                "{} · {}",
                words::plural(all.exports, "export"),
                words::plural(all.downloads, "download")
            ),
            path: ways.to(egress, measure, only),
            length: length.min(100).to_string(),
            percent: String::new(),
            amount: amount(measure, measure.of(all)),
        }
    };
    egress.operators.iter().map(bar).collect()
}
