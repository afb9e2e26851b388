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
    job::{Idempotency, Job, NewJob},
    policy::{Policy, sees_subject},
    request::{CheckedRequest, ExportRequest},
    scope,
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
        let prepared = self.prepare(sent).await?;
        let has_pii = prepared.request.has_pii();
        let target = Target { has_pii, job: None, ..target };
        let permit = self.permit(caller, action, target).await?;
        let settings = self.store.settings().await?;
        let span = span_of(sent, caller.via);
        let job = NewJob {
            trace: trace::place_of(&span),
            attempts_max: i64::from(settings.attempts_max),
            rerun_of: origin.rerun_of,
            idempotency: idempotency.clone(),
            ..self.frozen(sent, &prepared, operator, caller.via)
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
        job.filter(is_its).ok_or(ServiceError::NotFound)
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

    /// Checks a request against its subject as it is now.
    pub(crate) async fn prepare(&self, sent: &ExportRequest) -> Result<Prepared, ServiceError> {
        prepared(sent, self.bound(&sent.subject).await?)
    }

    fn frozen(
        &self,
        sent: &ExportRequest,
        prepared: &Prepared,
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
            notify_email: request.notify_email().map(str::to_owned),
            reason: request.reason().map(str::to_owned),
            via,
            created_by: operator,
            rerun_of: None,
            rows_estimated: None,
            attempts_max: tidegate_model::job::ATTEMPTS_MAX,
            scope_summary: scope::summary(&sent.scope, request.subject(), &hash),
            idempotency: None,
            trace: None,
        }
    }
}

/// Checks a request against its subject as it was found.
pub(crate) fn prepared(sent: &ExportRequest, bound: Bound) -> Result<Prepared, ServiceError> {
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
        Ok(subject) => sent.check(subject).map_err(|Faults(found)| faults.extend(found)).ok(),
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
fn idempotency(
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
