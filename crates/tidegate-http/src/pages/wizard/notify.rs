//! The fourth step: when the export is made, and why.

use askama::Template;
use serde_json::Value;
use tidegate_model::request::REASON_CHARACTERS_MAX;

use super::super::{shell::Shell, timing::TimingForm};
use super::{Checked, frame::Frame};

#[derive(Template)]
#[template(path = "wizard/notify.html")]
pub(super) struct Notify<'a> {
    shell: &'a Shell,
    frame: Frame,
    reason: &'a str,
    characters_max: usize,
    has_pii: bool,
    /// When it is made; none for whoever may not make schedules.
    timing: Option<TimingForm>,
}

impl<'a> Notify<'a> {
    pub(super) fn new(shell: &'a Shell, frame: Frame, checked: &'a Checked) -> Self {
        let Checked { draft, terms, when, .. } = checked;
        let timing = shell.holds("exports.schedule").then(|| {
            let zone = draft.time_zone.as_deref().unwrap_or(shell.zone_name());
            let form = TimingForm::of(&draft.when().unwrap_or(Value::Null), zone);
            TimingForm {
                has_now: draft.of_schedule.is_none(),
                faults: frame.faults.clone(),
                fires: when.as_ref().map(|when| when.fires.clone()).unwrap_or_default(),
                words: when.as_ref().map(|when| when.words.clone()).unwrap_or_default(),
                ..form
            }
        });
        Self {
            shell,
            reason: draft.reason.as_deref().unwrap_or_default(),
            characters_max: REASON_CHARACTERS_MAX,
            has_pii: terms.as_ref().is_some_and(|terms| terms.has_pii),
            timing,
            frame,
        }
    }
}
