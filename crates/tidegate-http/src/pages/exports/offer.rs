//! What is offered for an export: by its state, and by what whoever looks may do.

use tidegate_model::{exposure::Withheld, job::Job, status::Status};

use crate::pages::{PAGES, sentence, shell::Shell};

/// Where the wizard begins.
const NEW: &str = "/sg-admin/exports/new";

/// What can be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::pages) struct Offer {
    pub(in crate::pages) downloads: bool,
    pub(in crate::pages) cancels: bool,
    /// Where a new run of it is asked for: a form that is sent twice makes one.
    pub(in crate::pages) rerun: Option<String>,
    /// Where the wizard begins with it.
    pub(in crate::pages) edit: Option<String>,
    /// Where the wizard begins with it, to be made again and again.
    pub(in crate::pages) schedule: Option<String>,
    pub(in crate::pages) has_manifest: bool,
    pub(in crate::pages) deletes: bool,
    /// Why its file is withheld from whoever looks.
    pub(in crate::pages) withheld: Option<String>,
}

impl Offer {
    /// What is offered of one. The service decides again when it is asked.
    pub(in crate::pages) fn of(shell: &Shell, job: &Job) -> Self {
        let owner = job.created_by;
        let is_ready = job.status == Status::Ready;
        let may_make = shell.subject(&job.subject).is_some_and(|subject| subject.may_export);
        let path = format!("/sg-admin/exports/{}", job.id.0);
        let rerun = format!("{path}/rerun?key={}-{}", shell.now, job.id.0);
        Self {
            downloads: is_ready && job.fault.is_none() && shell.reaches("exports.download", owner),
            cancels: job.status.is_open()
                && !job.cancel_requested
                && shell.reaches("exports.cancel", owner),
            rerun: (may_make && !job.status.is_open()).then_some(rerun),
            edit: (may_make && has_wizard()).then(|| format!("{NEW}?from={}", job.id.0)),
            schedule: (may_make && has_wizard() && shell.holds("exports.schedule"))
                .then(|| format!("{NEW}/notify?from={}", job.id.0)),
            has_manifest: is_ready,
            deletes: is_ready && shell.reaches("exports.delete", owner),
            withheld: None,
        }
    }

    /// The same of a file that holds more than whoever looks may see.
    pub(in crate::pages) fn without_file(self, why: &Withheld) -> Self {
        let withheld = Some(format!("{}.", sentence(&why.to_string()).trim_end_matches('.')));
        Self { downloads: false, has_manifest: false, withheld, ..self }
    }
}

/// Where a new export begins, for whoever may make one.
pub(in crate::pages) fn new_export(shell: &Shell) -> Option<&'static str> {
    let may = shell.standing.subjects.iter().any(|subject| subject.may_export);
    (may && has_wizard()).then_some(NEW)
}

fn has_wizard() -> bool {
    PAGES.iter().any(|page| page.path == NEW)
}
