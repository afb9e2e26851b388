//! What every step is drawn with: the rail, the form, what is wrong.

use tidegate_model::fault::Fault;

use super::{
    super::{
        draft::{Draft, filter},
        sentence,
        shell::Shell,
        words,
    },
    Checked,
    step::Step,
};

/// What every step is drawn with.
pub(super) struct Frame {
    pub(super) step: Step,
    pub(super) title: String,
    pub(super) rail: Vec<Stop>,
    /// Pairs of the draft that the inputs of this step do not say.
    pub(super) kept: Vec<(String, String)>,
    /// Whether the draft is too long for an address, so that each step is sent a form.
    pub(super) is_long: bool,
    /// What is wrong: id on the page, and words.
    pub(super) faults: Vec<(String, String)>,
}

/// A step in the rail.
pub(super) struct Stop {
    pub(super) step: Step,
    pub(super) answer: String,
    /// Its address with the draft.
    pub(super) path: String,
    pub(super) is_done: bool,
    pub(super) is_now: bool,
}

impl Frame {
    pub(super) fn new(
        shell: &Shell,
        checked: &Checked,
        step: Step,
        told: &[&Fault],
        is_long: bool,
    ) -> Self {
        let draft = &checked.draft;
        let stop = |stop: Step| Stop {
            step: stop,
            answer: answer(shell, checked, stop),
            path: draft.path(stop.path()),
            is_done: stop < step,
            is_now: stop == step,
        };
        let words = |fault: &&Fault| (Step::id_of(&fault.pointer), sentence(&fault.detail));
        Self {
            step,
            title: title(shell, draft, step),
            rail: Step::ALL.map(stop).into_iter().collect(),
            kept: draft.pairs().into_iter().filter(|(name, _)| is_kept(step, name)).collect(),
            is_long,
            faults: told.iter().map(words).collect(),
        }
    }

    /// Method of the form.
    pub(super) fn method(&self) -> &'static str {
        if self.is_long || self.step == Step::Review { "post" } else { "get" }
    }

    /// Where the form is sent.
    pub(super) fn action(&self) -> &'static str {
        self.step.next().map_or("/sg-admin/exports/new/start", Step::path)
    }

    /// What is wrong with one thing on the page.
    pub(super) fn fault(&self, id: &str) -> Option<&str> {
        self.faults.iter().find(|(of, _)| of == id).map(|(_, words)| words.as_str())
    }

    /// Whether anything is wrong with it.
    pub(super) fn has_fault(&self, id: &str) -> bool {
        self.fault(id).is_some()
    }
}

/// Whether a step says nothing of it itself.
fn is_kept(step: Step, name: &str) -> bool {
    match step {
        Step::Scope => !matches!(name, "kind" | "q" | "sort") && (!name.starts_with("scope.")),
        Step::Fields => name != "fields",
        Step::Format => !matches!(name, "time_zone") && !name.starts_with("option."),
        Step::Notify => !matches!(name, "reason" | "schedule"),
        Step::Review => true,
    }
}

fn title(shell: &Shell, draft: &Draft, step: Step) -> String {
    if draft.subject.is_empty() || shell.subject(&draft.subject).is_none() {
        return "New export".to_owned();
    }
    let label = shell.subject_label(&draft.subject);
    match step {
        Step::Scope => format!("{label}: which records"),
        Step::Fields => format!("{label}: which fields"),
        Step::Format => format!("{label}: which format"),
        Step::Notify => format!("{label}: when, and what for"),
        Step::Review => format!("Review: {label} as {}", words::format_label(&draft.format)),
    }
}

/// What has been said in a step, in a few words.
fn answer(shell: &Shell, checked: &Checked, step: Step) -> String {
    let Checked { draft, subject, terms, .. } = checked;
    let Some(subject) = subject else { return String::new() };
    match step {
        Step::Scope => {
            let mut said = vec![shell.subject_label(&draft.subject)];
            let filters = filter::parts(&draft.filter).len()
                + draft.shorthands.len()
                + usize::from(!draft.search.is_empty());
            match &draft.ids {
                Some(ids) => said.push(format!("{} selected", words::count_of(ids.len() as u64))),
                None if filters == 0 => said.push("all records".to_owned()),
                None => said.push(words::plural(i64::try_from(filters).unwrap_or(0), "filter")),
            }
            if let Some(except) = &draft.except {
                said.push(format!("except {}", words::count_of(except.len() as u64)));
            }
            said.join(" · ")
        }
        Step::Fields => {
            let Some(terms) = terms else { return String::new() };
            let personal = terms.fields.iter().filter(|one| one.field.pii.is_some()).count();
            let of = format!("{} of {}", terms.fields.len(), subject.fields.len());
            match personal {
                0 => of,
                personal => format!("{of} · {personal} with personal data"),
            }
        }
        Step::Format => {
            let zone = draft.time_zone.as_deref().unwrap_or("UTC");
            format!("{} · {zone}", words::format_label(&draft.format))
        }
        Step::Notify => {
            let when = checked.when.as_ref().map_or("now", |when| when.words.as_str());
            match &draft.reason {
                Some(reason) => format!("{when} · {reason}"),
                None => when.to_owned(),
            }
        }
        Step::Review => "Look, then start".to_owned(),
    }
}
