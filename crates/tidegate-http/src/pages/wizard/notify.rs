//! The fourth step: why the data is wanted.

use askama::Template;
use tidegate_model::request::REASON_CHARACTERS_MAX;

use super::super::shell::Shell;
use super::{Checked, frame::Frame};

#[derive(Template)]
#[template(path = "wizard/notify.html")]
pub(super) struct Notify<'a> {
    shell: &'a Shell,
    frame: Frame,
    reason: &'a str,
    characters_max: usize,
    has_pii: bool,
}

impl<'a> Notify<'a> {
    pub(super) fn new(shell: &'a Shell, frame: Frame, checked: &'a Checked) -> Self {
        let has_pii = checked.terms.as_ref().is_some_and(|terms| terms.has_pii);
        let reason = checked.draft.reason.as_deref().unwrap_or_default();
        Self { shell, frame, reason, characters_max: REASON_CHARACTERS_MAX, has_pii }
    }
}
