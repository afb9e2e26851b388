//! Makes an export job: checks everything, freezes it, writes it down.

use sha2::{Digest, Sha256};
use tidegate_format::{Format, Options};
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    audit::hexadecimal,
    declaration,
    fault::{Fault, Faults},
    ids::{JobId, OperatorId},
    job::{FailureReason, Idempotency, Job, NewJob},
    policy::{Policy, Reason, sees_subject},
    request::{CheckedRequest, ExportRequest},
    scope,
    sight::Sight,
    subject::Subject,
};
use tidegate_store::{Change, StoreError};
use tracing::{Instrument, Span, field::Empty, info_span};

use crate::{
    error::ServiceError,
    service::{Bound, Service},
    trace,
};

/// Characters of an idempotency key at most.
const KEY_CHARACTERS_MAX: usize = 255;

/// A job that was made, or had been made by the same request before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// The job.
    pub job: JobId,
    /// Whether this request made it.
    pub is_new: bool,
}

/// A request with what it was checked against.
pub(crate) struct Prepared {
    pub(crate) request: CheckedRequest,
    pub(crate) format: &'static dyn Format,
    pub(crate) options: Options,
    pub(crate) bound: Bound,
}

impl Service {
    /// Makes a job.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the request is wrong: all faults at once.
    pub async fn create_export(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
        idempotency_key: Option<&str>,
    ) -> Result<Created, ServiceError> {
        self.create_like(caller, sent, Origin { idempotency_key, rerun_of: None }).await
    }

    pub(super) async fn create_like(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
        origin: Origin<'_>,
    ) -> Result<Created, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        if !sent.schedule.is_null() {
            let detail = "this makes one export: make a schedule with `schedule`";
            return Err(Faults(vec![Fault::new("/schedule", detail)]).into());
        }
        let idempotency = idempotency(origin.idempotency_key, sent)?;
        let target = Target { subject: Some(sent.subject.clone()), ..Target::default() };
        let action = Action::ExportCreate;
        let policy = self.refuse_unknown_subject(caller, action, &sent.subject).await?;
        // Asked twice: before anything of the subject is told, and for the permit that is spent,
        // which says whether personal data is in it.
        self.permit_by(&policy, caller, action, target.clone()).await?;
        // What was made before is told again only to who could make it now.
        if let Some(made) = self.made_before(operator, idempotency.as_ref()).await? {
            return Ok(made);
        }
        let sight = Sight::of(&policy, caller);
        let prepared = self.prepare_with_reason(sent, &sight).await?;
        let has_pii = prepared.request.has_pii();
        let rows_estimated = self.rows_wanted(&policy, caller, (sent, has_pii), &origin).await?;
        let target = Target { has_pii, job: None, ..target };
        let permit = self.permit(caller, action, target.clone()).await?;
        let settings = self.store.settings().await?;
        let span = span_of(sent, caller.via);
        let job = NewJob {
            trace: trace::place_of(&span),
            attempts_max: i64::from(settings.attempts_max),
            rerun_of: origin.rerun_of,
            rows_estimated,
            idempotency: idempotency.clone(),
            ..self.frozen(sent, (&prepared, &sight), operator, caller.via)
        };
        let open_jobs_max = i64::from(settings.open_jobs_max);
        let change = Change::CreateExport { job: Box::new(job), open_jobs_max };
        match self.store.commit(permit, change).instrument(span.clone()).await {
            Ok(committed) => {
                let job = committed.job.ok_or(StoreError::Corrupt { what: "new job" })?;
                span.record("tidegate.job.id", job.0);
                tracing::info!(job.id = %job, subject = sent.subject, "export created");
                Ok(Created { job, is_new: true })
            }
            // The same request at the same moment was first.
            Err(StoreError::Exists { .. }) => {
                let made = self.made_before(operator, idempotency.as_ref()).await?;
                made.ok_or(ServiceError::KeyReused)
            }
            // The policy allows it, a budget has no room: refused, with its entry.
            Err(StoreError::OverBudget(over)) => {
                let permit = self.permit(caller, action, target).await?;
                self.turn_down(permit, Reason::OverBudget(*over)).await
            }
            Err(StoreError::PolicyChanged) => {
                Err(self.refused_meanwhile(caller, action, target).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The job that a request of the caller has made. It is told also to who may not list exports:
    /// it has just been asked for.
    ///
    /// # Errors
    ///
    /// If the caller has not made it.
    pub async fn created_export(
        &self,
        caller: &Caller,
        created: Created,
    ) -> Result<Job, ServiceError> {
        let job = self.store.job(created.job).await?;
        let is_its = |job: &Job| Some(job.created_by) == caller.operator();
        let job = job.filter(is_its).ok_or(ServiceError::NotFound)?;
        Ok(self.shown(&self.sight(caller).await?, job))
    }

    /// What does not exist and what may not be seen give the same answer. The entry of an attempt
    /// names the action that was asked for. Gives the policy by which the subject is seen.
    pub(crate) async fn refuse_unknown_subject(
        &self,
        caller: &Caller,
        action: Action,
        slug: &str,
    ) -> Result<Policy, ServiceError> {
        let sited = self.sited();
        let policy = self.store.policy().await?;
        let seen: Vec<_> = sited
            .site
            .subjects
            .iter()
            .filter(|subject| sees_subject(&policy, caller, &subject.slug))
            .cloned()
            .collect();
        if let Err(fault) = declaration::find(&seen, slug) {
            if sited.site.subject(slug).is_some() {
                // It exists: leave the entry of an attempt.
                let target = Target { subject: Some(slug.to_owned()), ..Target::default() };
                drop(self.permit_by(&policy, caller, action, target).await);
            }
            return Err(Faults(vec![fault]).into());
        }
        Ok(policy)
    }

    async fn made_before(
        &self,
        operator: OperatorId,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Created>, ServiceError> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        match self.store.job_of_key(operator, &idempotency.key).await? {
            None => Ok(None),
            Some((job, hash)) if hash == idempotency.request_hash => {
                Ok(Some(Created { job, is_new: false }))
            }
            Some(_) => Err(StoreError::KeyReused.into()),
        }
    }

    /// Checks a request against its subject as it is now, and as somebody sees it.
    pub(crate) async fn prepare(
        &self,
        sent: &ExportRequest,
        sight: &Sight,
    ) -> Result<Prepared, ServiceError> {
        let done = prepared(sent, self.bound_for(sight, &sent.subject).await?);
        let address = sent.notify.as_ref().map(|notify| notify.email.as_str());
        if address.is_none_or(|address| self.notify_settings().admits(address)) {
            return done;
        }
        let detail = "this site sends mail to certain domains only, and this is none of them";
        let mut faults = match done {
            Err(ServiceError::Faults(Faults(faults))) => faults,
            Ok(_) => Vec::new(),
            other => return other,
        };
        faults.push(Fault::new("/notify/email", detail));
        Err(Faults(faults).into())
    }

    /// The same, with the reason that the site asks for.
    pub(crate) async fn prepare_with_reason(
        &self,
        sent: &ExportRequest,
        sight: &Sight,
    ) -> Result<Prepared, ServiceError> {
        let rule = self.store.approval_rules().await?.reason;
        let fault = |has_pii| rule.fault_of(sent.reason.as_deref(), has_pii);
        match self.prepare(sent, sight).await {
            Ok(prepared) => match fault(prepared.request.has_pii()) {
                None => Ok(prepared),
                Some(fault) => Err(Faults(vec![fault]).into()),
            },
            Err(ServiceError::Faults(Faults(mut faults))) => {
                faults.extend(fault(false));
                Err(Faults(faults).into())
            }
            Err(error) => Err(error),
        }
    }

    /// Rows that are expected, where somebody asks for them: `wanted` is the request, and whether
    /// personal data is in it. Nobody can say of an export that was built before and was over a
    /// limit.
    async fn rows_wanted(
        &self,
        policy: &Policy,
        caller: &Caller,
        wanted: (&ExportRequest, bool),
        origin: &Origin<'_>,
    ) -> Result<Option<i64>, ServiceError> {
        if let Some(before) = origin.rerun_of {
            let error = self.store.job(before).await?.and_then(|job| job.error);
            if error.is_some_and(|error| error.reason == FailureReason::OverLimit) {
                return Ok(None);
            }
        }
        self.rows_expected(policy, caller, wanted).await
    }

    /// The same for a run of a schedule.
    pub(crate) async fn prepare_run(
        &self,
        sent: &ExportRequest,
        sight: &Sight,
    ) -> Result<Prepared, ServiceError> {
        prepared_run(sent, self.bound_for(sight, &sent.subject).await?)
    }

    pub(crate) fn frozen(
        &self,
        sent: &ExportRequest,
        (prepared, sight): (&Prepared, &Sight),
        operator: OperatorId,
        via: Via,
    ) -> NewJob {
        let keys = self.keys();
        let request = &prepared.request;
        let hash = |value: &str| keys.hash(value);
        NewJob {
            subject: sent.subject.clone(),
            kind: sent.kind.clone(),
            scope: sent.scope.clone(),
            fields: request.frozen_fields(),
            format: sent.format.clone(),
            options: sent.options.clone(),
            time_zone: request.time_zone().name().to_owned(),
            has_pii: request.has_pii(),
            is_unmasked: sight.is_unmasked(),
            notify_email: request.notify_email().map(str::to_owned),
            reason: request.reason().map(str::to_owned),
            via,
            created_by: operator,
            rerun_of: None,
            schedule: None,
            rows_estimated: None,
            attempts_max: tidegate_model::job::ATTEMPTS_MAX,
            exposure: request.exposure(sight.limit_of(&sent.subject)),
            scope_summary: scope::summary(&sent.scope, request.subject(), &hash),
            idempotency: None,
            trace: None,
        }
    }
}

/// Checks a request against its subject as it was found. One with a schedule is checked as each of
/// its runs will be.
pub(crate) fn prepared(sent: &ExportRequest, bound: Bound) -> Result<Prepared, ServiceError> {
    match sent.schedule.is_null() {
        true => checked(sent, bound, &ExportRequest::check),
        false => prepared_run(sent, bound),
    }
}

/// The same for a run of a schedule.
fn prepared_run(sent: &ExportRequest, bound: Bound) -> Result<Prepared, ServiceError> {
    checked(sent, bound, &ExportRequest::check_scheduled)
}

type Check = dyn Fn(&ExportRequest, &Subject) -> Result<CheckedRequest, Faults>;

fn checked(sent: &ExportRequest, bound: Bound, check: &Check) -> Result<Prepared, ServiceError> {
    let mut faults: Vec<Fault> = Vec::new();
    let format = tidegate_format::by_slug(&sent.format);
    if format.is_none() {
        let known: Vec<&str> =
            tidegate_format::FORMATS.iter().map(|format| format.slug()).collect();
        let detail = tidegate_model::nearest::unknown("format", &sent.format, &known);
        faults.push(Fault::new("/format", detail));
    }
    let options = format.and_then(|format| {
        let checked = Options::check(format.options(), &sent.options);
        let told = |fault: tidegate_format::OptionFault| {
            Fault::new(format!("/options/{}", fault.option), fault.detail)
        };
        checked.map_err(|found| faults.extend(found.into_iter().map(told))).ok()
    });
    let request = match bound.subject.of_kind(sent.kind.as_deref()) {
        Ok(subject) => check(sent, subject).map_err(|Faults(found)| faults.extend(found)).ok(),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    match (request, format, options) {
        (Some(request), Some(format), Some(options)) if faults.is_empty() => {
            Ok(Prepared { request, format, options, bound })
        }
        _ => Err(Faults(faults).into()),
    }
}

/// What a job comes from beside its request.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) rerun_of: Option<JobId>,
}

/// A job is made; its attempts stand below this, whoever makes them. Both words are known ones by
/// now.
fn span_of(sent: &ExportRequest, via: Via) -> Span {
    info_span!(
        target: trace::TARGET, "job create",
        otel.kind = "producer", tidegate.job.id = Empty,
        tidegate.subject = sent.subject, tidegate.format = sent.format, tidegate.via = via.slug(),
    )
}

/// The same key with the same request is the same job.
pub(crate) fn idempotency(
    key: Option<&str>,
    sent: &ExportRequest,
) -> Result<Option<Idempotency>, ServiceError> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.chars().count() > KEY_CHARACTERS_MAX {
        let detail = format!("an idempotency key has 1 to {KEY_CHARACTERS_MAX} characters");
        return Err(Faults(vec![Fault::new("", detail)]).into());
    }
    let text = serde_json::to_string(sent).expect("a request is plain JSON");
    let request_hash = hexadecimal(&Sha256::digest(text.as_bytes()));
    Ok(Some(Idempotency { key: key.to_owned(), request_hash }))
}
