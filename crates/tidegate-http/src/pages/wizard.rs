//! The wizard: an export asked for in five steps, each of which is an address.

mod condition;
mod fields;
mod format;
mod frame;
mod notify;
mod review;
mod rows;
mod scope;
mod sent;
mod step;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::Value;
use tidegate_model::{
    fault::{Fault, Faults},
    ids::{JobId, ScheduleId},
    request::ExportRequest,
    subject::Subject,
};
use tidegate_service::{ExportTerms, ScheduleWish, ServiceError};

pub(super) use self::rows::{Cell, read as read_csv};
use self::{frame::Frame, sent::Sent, step::Step};
use super::{draft::Draft, flash::Flash, see_other, shell::Shell, timing};
use crate::{edge::Shared, problem::Problem};

/// Where it begins.
pub(super) const PATH: &str = "/sg-admin/exports/new";
/// Bytes of a query above which a draft is sent in forms.
const QUERY_BYTES_MAX: usize = 4_000;

/// Which records.
pub(super) async fn show_scope(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    show(&edge, &shell, sent, Step::Scope).await
}

/// Which fields.
pub(super) async fn show_fields(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    show(&edge, &shell, sent, Step::Fields).await
}

/// Which format.
pub(super) async fn show_format(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    show(&edge, &shell, sent, Step::Format).await
}

/// Why, and who is told.
pub(super) async fn show_notify(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    show(&edge, &shell, sent, Step::Notify).await
}

/// What it would be.
pub(super) async fn show_review(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    show(&edge, &shell, sent, Step::Review).await
}

/// Makes the export. The key of the page makes a second click the same one.
pub(super) async fn start(
    State(edge): State<Shared>,
    shell: Shell,
    sent: Sent,
) -> Result<Response, Problem> {
    let request = match sent.draft.request() {
        Ok(request) => request,
        Err(_) => return show(&edge, &shell, sent, Step::Review).await,
    };
    let key = Some(sent.key.as_str()).filter(|key| !key.is_empty());
    if !request.schedule.is_null() || sent.draft.of_schedule.is_some() {
        return start_schedule(&edge, &shell, sent, request).await;
    }
    match edge.service.create_export(&shell.caller, &request, key).await {
        Ok(created) => {
            let made = edge.service.created_export(&shell.caller, created).await?;
            let flash = match made.hold {
                None => Flash::new(format!("Export #{} started", created.job))
                    .line("You can leave this page: it is built without you."),
                Some(_) => Flash::new(format!("Export #{} waits for approval", created.job))
                    .line("It is built once a second person has approved it."),
            };
            Ok(shell.to(&format!("/sg-admin/exports/{}", created.job), &flash))
        }
        Err(ServiceError::Faults(_)) => show(&edge, &shell, sent, Step::Review).await,
        Err(error) => Err(error.into()),
    }
}

/// Makes the schedule, or changes the one that the draft is of.
async fn start_schedule(
    edge: &Shared,
    shell: &Shell,
    sent: Sent,
    request: ExportRequest,
) -> Result<Response, Problem> {
    let key = Some(sent.key.as_str()).filter(|key| !key.is_empty());
    let (caller, of) = (&shell.caller, sent.draft.of_schedule.map(ScheduleId));
    let made = match of {
        None => {
            let made = edge.service.create_schedule(caller, &request, key).await;
            made.map(|made| (made.schedule, "was made"))
        }
        Some(id) => {
            let timing = Some(request.schedule.clone()).filter(|when| !when.is_null());
            let request = ExportRequest { schedule: Value::Null, ..request };
            let wish = ScheduleWish { timing, request: Some(request), version: None };
            edge.service.change_schedule(caller, id, wish).await.map(|_| (id, "was changed"))
        }
    };
    match made {
        Ok((id, what)) => {
            let flash = Flash::new(format!("Schedule #{id} {what}"));
            Ok(shell.to(&format!("{}/{id}", super::cron::PATH), &flash))
        }
        Err(ServiceError::Faults(_)) => show(edge, shell, sent, Step::Review).await,
        Err(error) => Err(error.into()),
    }
}

/// A draft with what it is checked against.
struct Checked {
    draft: Draft,
    /// The subject, or its kind; none where none has been chosen.
    subject: Option<Subject>,
    /// Slugs of its kinds.
    kinds: Vec<String>,
    /// What the export would be made under; none where something is wrong.
    terms: Option<ExportTerms>,
    faults: Vec<Fault>,
    /// When it is made, where that is not once and now: in words, and its next times.
    when: Option<When>,
}

/// When it is made.
struct When {
    words: String,
    zone: &'static str,
    fires: Vec<String>,
}

async fn show(
    edge: &Shared,
    shell: &Shell,
    mut sent: Sent,
    asked: Step,
) -> Result<Response, Problem> {
    if let Some(id) = sent.draft.from.filter(|_| sent.draft.subject.is_empty()) {
        let job = edge.service.export(&shell.caller, JobId(id)).await?;
        sent.draft = settled_copy(Draft::of_job(&job));
        sent.is_untidy = true;
    }
    if let Some(id) = sent.draft.of_schedule.filter(|_| sent.draft.subject.is_empty()) {
        let schedule = edge.service.schedule(&shell.caller, ScheduleId(id)).await?;
        sent.draft = settled_copy(Draft::of_schedule(&schedule));
        sent.is_untidy = true;
    }
    let checked = check(edge, shell, &mut sent).await?;
    let query = checked.draft.query();
    let is_long = query.len() > QUERY_BYTES_MAX;
    if sent.is_untidy && !is_long && !sent.has_chosen_nothing(asked) {
        return Ok(see_other(&sent.tidy_path(&checked.draft, asked.path())));
    }
    // What is wrong in a step is told there, once one wants to go on from it.
    let wrong = |fault: &Fault| Step::of_pointer(&fault.pointer);
    let first = checked.faults.iter().map(wrong).filter(|step| *step < asked).min();
    let step = first.unwrap_or(asked);
    let told: Vec<&Fault> = match first {
        Some(_) => checked.faults.iter().filter(|fault| wrong(fault) == step).collect(),
        None => Vec::new(),
    };
    let status = match told.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let frame = Frame::new(shell, &checked, step, &told, is_long);
    Ok(match step {
        Step::Scope => shell.page(status, &scope::Scope::new(shell, frame, &checked)),
        Step::Fields => shell.page(status, &fields::Fields::new(shell, frame, &checked)),
        Step::Format => shell.page(status, &format::Format::new(shell, frame, &checked)),
        Step::Notify => shell.page(status, &notify::Notify::new(shell, frame, &checked)),
        Step::Review => {
            let review = review::Review::new(edge, shell, frame, &checked, sent.is_exact).await?;
            shell.page(status, &review)
        }
    })
}

/// Loads what the draft is about, finishes it, and finds what is wrong with it.
async fn check(edge: &Shared, shell: &Shell, sent: &mut Sent) -> Result<Checked, Problem> {
    let mut draft = sent.draft.clone();
    let (mut faults, mut subject, mut kinds) = (Vec::new(), None, Vec::new());
    let may_export = shell.subject(&draft.subject).is_some_and(|one| one.may_export);
    if may_export {
        let (summary, bound) = edge.service.subject(&shell.caller, &draft.subject).await?;
        kinds = summary.kinds;
        let of_kind = bound.of_kind(draft.kind.as_deref()).unwrap_or(bound.whole());
        sent.finish(&mut draft, of_kind);
        settle(edge, shell, &mut draft).await?;
        subject = Some(of_kind.clone());
    } else {
        let detail = match draft.subject.is_empty() {
            true => "choose what to export".to_owned(),
            false => "there is no such subject for you".to_owned(),
        };
        faults.push(Fault::new("/subject", detail));
    }
    let mut terms = None;
    if subject.is_some() {
        if sent.is_picked && draft.fields.is_empty() {
            faults.push(Fault::new("/fields", "tick at least one field"));
        }
        match draft.request() {
            Err(Faults(found)) => faults.extend(found),
            Ok(request) => match edge.service.export_terms(&shell.caller, &request).await {
                Ok(found) => terms = Some(found),
                Err(ServiceError::Faults(Faults(found))) => faults.extend(found),
                Err(error) => return Err(error.into()),
            },
        }
    }
    let mut when = None;
    if let Some(document) = draft.when().filter(|document| !document.is_null()) {
        match edge.service.next_fires(&document, draft.time_zone.as_deref()).await {
            Ok((timing, fires)) => {
                when = Some(When {
                    words: super::words::quoted(&timing.words()),
                    zone: timing.recurrence.zone().name(),
                    fires: timing::shown(&timing, &fires),
                });
            }
            Err(ServiceError::Faults(Faults(found))) => faults.extend(found),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Checked { draft, subject, kinds, terms, faults, when })
}

/// Fills in what nobody has said: what people mostly want.
pub(super) async fn settle(edge: &Shared, shell: &Shell, draft: &mut Draft) -> Result<(), Problem> {
    if draft.format.is_empty() {
        format::FIRST.clone_into(&mut draft.format);
    }
    let is_guarded = edge.service.has_formula_guard().await?;
    format::settle(draft, if is_guarded { format::GUARDED } else { format::PLAIN });
    if draft.time_zone.is_none() {
        draft.time_zone = Some(shell.zone_name().to_owned());
    }
    Ok(())
}

/// What a job did not say meant what the API means by it, not what the pages do.
fn settled_copy(mut draft: Draft) -> Draft {
    format::settle(&mut draft, format::PLAIN);
    draft
}
