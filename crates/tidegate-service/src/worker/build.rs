//! Builds the file of one claimed job, and ends the attempt in one of its ways.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tidegate_model::{
    action::Action,
    actor::Caller,
    exposure::Exposure,
    job::{Failure, FailureReason, Job},
    query::Selected,
    request::CheckedRequest,
};
use tidegate_pipeline::{
    Artifact, Governance, JobEntry, Limits, Manifest, MaskEntry, OperatorEntry, Outcome, manifest,
};
use tidegate_store::{
    Change, FailJob, NewArtifact, ProgressReport, SinceRun, StoreError,
    chaos::{self, Point},
};
use tokio::time::{interval, sleep};
use tracing::{Instrument, Span, field::Empty};

use super::{
    approved::is_refused,
    control::{Control, Stop},
    creator::Creator,
    failure::{self, failure},
    frozen::Frozen,
    micros, phase, since,
};
use crate::{
    artifacts::{ArtifactError, Artifacts, ObjectKey},
    error::ServiceError,
    exports::{Prepared, request_of, target_of},
    exposure::{covered, covered_limit},
    manifest::sign_manifest,
    service::{Service, blocking},
    trace,
};

/// Time between two reports of progress.
const REPORT_PAUSE: Duration = Duration::from_millis(500);
/// Pause before the second attempt; it doubles with each one.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Longest such pause.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(300);
/// Times that a publication is tried again because the policy changed meanwhile.
const POLICY_CHANGES_MAX: u32 = 10;
/// Pause before the control database is asked again, and times that it is: a lease's life long.
const ASK_PAUSE: Duration = Duration::from_millis(250);
const ASKED_MAX: u32 = 60;
/// Times that the end of an attempt is told to a database that fails.
const TELL_ATTEMPTS_MAX: u32 = 10;

/// One attempt at one job.
pub(super) struct Build<'a> {
    pub(super) service: &'a Arc<Service>,
    pub(super) artifacts: &'a Arc<Artifacts>,
    pub(super) control: &'a Arc<Control>,
    pub(super) job: Job,
    pub(super) worker: &'a str,
    /// The attempt, for whoever follows the trace.
    pub(super) span: Span,
    /// What the file shows that is being built.
    pub(super) exposure: OnceLock<Exposure>,
}

/// A file that is whole and durable, and that nobody can see yet.
struct Built {
    manifest: Manifest,
    rows: u64,
    since: Option<SinceRun>,
}

/// Why there is no file.
pub(super) enum Ended {
    /// It has to stop.
    Stopped(Stop),
    /// It failed.
    Failed(Failure),
}

impl From<ArtifactError> for Ended {
    fn from(error: ArtifactError) -> Self {
        Self::Failed(failure::of_artifact(&error))
    }
}

impl From<ServiceError> for Ended {
    fn from(error: ServiceError) -> Self {
        Self::Failed(failure::of_service(&error))
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl Build<'_> {
    /// Builds, publishes, or ends the attempt.
    pub(super) async fn run(self) {
        let (job, attempt) = (self.control.lease.job(), self.control.lease.attempt());
        let (span, job_span) = (
            tracing::info_span!("attempt", job.id = %job, attempt, trace_id = Empty),
            self.span.clone(),
        );
        span.in_scope(|| trace::note_in_log(&job_span));
        self.run_in_span().instrument(span).instrument(job_span).await;
    }

    async fn run_in_span(self) {
        let (job, attempt) = (self.control.lease.job(), self.control.lease.attempt());
        tracing::info!(job.id = %job, attempt, "export begins");
        let watched = async {
            let built = self.build();
            tokio::pin!(built);
            let mut tick = interval(REPORT_PAUSE);
            loop {
                tokio::select! {
                    built = &mut built => return built,
                    _ = tick.tick() => self.watch().await,
                    // A right that is lost does not wait for the next report.
                    () = self.control.policy_change() => self.watch().await,
                }
            }
        };
        let ended = match watched.await {
            Ok(built) => self.publish(built).await,
            Err(ended) => Err(ended),
        };
        match (ended, self.control.stopped()) {
            (Ok(()), _) => {
                self.span.record("tidegate.outcome", "published");
                tracing::info!(job.id = %job, attempt, "export ready");
            }
            // What failed after a stop failed because of it.
            (Err(Ended::Failed(_)), Some(stop)) => self.end(Ended::Stopped(stop)).await,
            (Err(ended), _) => self.end(ended).await,
        }
    }

    /// Reports progress, and asks about the creator again where the policy has changed.
    async fn watch(&self) {
        let progress = self.control.reached();
        #[expect(clippy::cast_possible_truncation, reason = "a share is below 1")]
        let percent = (progress.share() * 100.0) as i64;
        let rows = i64::try_from(progress.rows).unwrap_or(i64::MAX);
        let rows_estimated = self.rows_expected(progress.rows_estimated);
        let report = ProgressReport { percent, rows, rows_estimated };
        if let Err(StoreError::LeaseLost) =
            self.service.store().report(&self.control.lease, report).await
        {
            self.control.stop(Stop::LeaseLost);
        }
        if self.control.has_new_policy() {
            match self.creator().await {
                Ok(creator) if self.shows_as(&creator) => {
                    self.control.asked_policy(creator.policy.version);
                }
                Ok(_) => self.control.stop(Stop::Exposed),
                Err(Ended::Failed(failure))
                    if failure.reason == FailureReason::PermissionRevoked =>
                {
                    self.control.stop(Stop::Revoked);
                }
                Err(Ended::Stopped(stop)) => self.control.stop(stop),
                // The database fails: asked again at the next look, and at publication anyway.
                Err(_) => {}
            }
        }
    }

    async fn build(&self) -> Result<Built, Ended> {
        let creator = self.creator().await?;
        self.control.asked_policy(creator.policy.version);
        let prepared = self.prepare(&creator).await?;
        let started_at = self.now().await?;
        let since = self.since(&prepared, started_at).await?;
        let settings = self.patiently(|| self.service.store().settings()).await?;
        let upload_span = phase::upload(&self.span, self.artifacts.kind());
        let upload = self.artifacts.upload(&self.key()?)?;
        let mut artifact: Box<dyn Artifact> = Box::new(upload);
        let limits = Limits {
            rows_max: settings.rows_max,
            bytes_max: settings.bytes_max,
            ..Limits::default()
        };
        let control = Arc::clone(self.control);
        let (service, sight) = (Arc::clone(self.service), creator.sight.clone());
        let governance = self.governance((&creator, self.entry().await?), &prepared.request);
        let job = self.job.clone();
        let clock = self.service.store().clock().clone();
        let mask_key = self.service.keys().mask_key();
        let frozen = Frozen { limits, governance, clock, job, mask_key, span: self.span.clone() };
        let run = move |upload_span: &Span| -> Result<Ran, tidegate_pipeline::RunError> {
            let (query, scope) = prepared.request.query_since(started_at, since::asked(since));
            let plan = frozen.plan(&prepared, query);
            let outcome = tidegate_pipeline::run(&plan, &mut *artifact, &*control)?;
            upload_span.record("tidegate.bytes", outcome.bytes);
            // What is sought may be what somebody typed who sees more.
            let scope = covered(prepared.request.subject(), &scope);
            let noted = (frozen.job.subject.as_str(), frozen.job.exposure.as_ref());
            let scope = service.shown_scope(&sight, noted, &scope);
            let completion = frozen.completion(&prepared, scope, started_at);
            let manifest = manifest(&plan, &outcome, completion);
            chaos::stop_at(Point::Upload);
            phase::finish(upload_span).in_scope(|| artifact.publish())?;
            Ok(Ran { manifest, outcome })
        };
        let ran = blocking(move || {
            run(&upload_span).inspect_err(|error| phase::failed(&upload_span, error.reason()))
        })
        .await;
        match (ran, self.control.stopped()) {
            (Ok(Ran { manifest, outcome }), None) => {
                Ok(Built { manifest, rows: outcome.rows, since })
            }
            (Ok(_), Some(stop)) => {
                self.discard().await;
                Err(Ended::Stopped(stop))
            }
            (Err(_), Some(stop)) => Err(Ended::Stopped(stop)),
            (Err(error), None) => Err(Ended::Failed(failure::of_run(&error))),
        }
    }

    /// The only key that this attempt may write to.
    fn key(&self) -> Result<ObjectKey, Ended> {
        let key = ObjectKey::parse(self.control.lease.object_key());
        let unreadable = || failure(FailureReason::Internal, "its key cannot be read");
        key.ok_or_else(|| Ended::Failed(unreadable()))
    }

    /// Whether the file that is being built shows what its creator would be shown now.
    fn shows_as(&self, creator: &Creator) -> bool {
        let exposure = self.exposure.get();
        exposure.is_none_or(|exposure| exposure.is_by(&self.job.subject, &creator.sight))
    }

    /// What the manifest says of the job.
    fn governance(
        &self,
        (creator, job): (&Creator, JobEntry),
        request: &CheckedRequest,
    ) -> Governance {
        let masked = request.fields().iter().filter(|chosen| chosen.field.mask.hides());
        let mask = |chosen: &Selected| MaskEntry {
            field: chosen.field.slug.clone(),
            class: chosen.field.pii.clone(),
            mask: chosen.field.mask.slug().to_owned(),
        };
        Governance {
            job,
            operator: OperatorEntry { id: self.job.created_by, email: creator.caller.name.clone() },
            row_limits: creator
                .sight
                .limit_of(&self.job.subject)
                .map(|limit| covered_limit(request.subject(), limit))
                .into_iter()
                .collect(),
            masks: masked.map(mask).collect(),
        }
    }

    /// The request as it is good now, with the creator's masks and within the creator's row limit.
    async fn prepare(&self, creator: &Creator) -> Result<Prepared, Ended> {
        let request = request_of(&self.job);
        let mut prepared = match self.job.schedule_id {
            None => self.service.prepare(&request, &creator.sight).await?,
            Some(_) => self.service.prepare_run(&request, &creator.sight).await?,
        };
        let limit = creator.sight.limit_of(&self.job.subject);
        // A build is one attempt, so that this is set once.
        let exposure = self.exposure.get_or_init(|| prepared.request.exposure(limit));
        self.refuse_unapproved(&creator.caller, exposure).await?;
        if let Some(limit) = limit {
            let within = prepared.request.within(limit);
            prepared.request = within.map_err(ServiceError::Faults)?;
        }
        Ok(prepared)
    }

    async fn now(&self) -> Result<DateTime<Utc>, Ended> {
        let now = self.patiently(|| self.service.store().now()).await?;
        Ok(DateTime::from_timestamp_micros(now).unwrap_or_default())
    }

    /// Makes the file visible, unless the lease, the right or the wish for it is gone.
    async fn publish(&self, built: Built) -> Result<(), Ended> {
        let key = self.key()?;
        let signed = sign_manifest(&self.service.keys(), &built.manifest);
        chaos::stop_at(Point::Manifest);
        let kept = self.artifacts.put_manifest(&key, &signed);
        if let Err(error) = kept.instrument(phase::manifest(&self.span)).await {
            self.discard().await;
            return Err(error.into());
        }
        let retention =
            self.patiently(|| self.service.store().settings()).await?.retention_micros();
        for _ in 0..POLICY_CHANGES_MAX {
            let creator = match self.creator().await {
                Ok(asked) if self.shows_as(&asked) => asked,
                asked => {
                    self.discard().await;
                    return Err(asked.err().unwrap_or_else(|| Ended::Failed(exposed())));
                }
            };
            let made = NewArtifact {
                object_key: key.to_string(),
                file_name: built.manifest.artifact.name.clone(),
                bytes: number(built.manifest.artifact.bytes),
                rows: number(built.rows),
                rows_estimated: self.rows_expected(self.control.reached().rows_estimated),
                sha256: built.manifest.artifact.sha256.clone(),
                exposure: self.exposure.get().cloned().unwrap_or_default(),
                retention_micros: retention,
                policy_version: creator.policy.version,
                since: built.since,
            };
            chaos::stop_at(Point::Publish);
            let publish = || {
                let change = Change::Publish(self.control.lease.proof(), Box::new(made.clone()));
                self.commit(Action::JobPublish, change)
            };
            let published = self.patiently(publish).instrument(phase::publish(&self.span));
            match published.await {
                Ok(()) => {
                    self.span.record("tidegate.rows", made.rows);
                    self.span.record("tidegate.bytes", made.bytes);
                    return Ok(());
                }
                Err(StoreError::PolicyChanged) => {}
                // Cancelled or taken over: nobody refers to the object, and nobody ever will.
                Err(StoreError::LeaseLost) => {
                    self.discard().await;
                    let stop = self.control.stopped().unwrap_or(Stop::Cancelled);
                    return Err(Ended::Stopped(stop));
                }
                // Another run of its schedule was first, or a budget or a rule does not admit it.
                Err(error) if is_refused(&error) => {
                    self.discard().await;
                    return Err(error.into());
                }
                // Whether it is published is not known: the object stays, the sweep decides.
                Err(error @ StoreError::Unknown(_)) => {
                    tracing::error!(job.id = %self.job.id, %error, "publication not confirmed");
                    return Err(Ended::Stopped(Stop::LeaseLost));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.discard().await;
        let detail = "the policy changed too often while this was being published";
        Err(Ended::Failed(failure(FailureReason::Internal, detail)))
    }

    /// Asks the control database, again while it fails and the lease is trusted: that it was away
    /// for a moment is not the job's fault, and costs no attempt.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut asked = 0;
        loop {
            asked += 1;
            match ask().await {
                Err(error @ StoreError::Database(_))
                    if asked < ASKED_MAX && self.control.stopped().is_none() =>
                {
                    tracing::warn!(job.id = %self.job.id, %error, "the control database fails");
                    sleep(ASK_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// Ends the attempt without a file.
    async fn end(&self, ended: Ended) {
        let proof = || self.control.lease.proof();
        let job = self.job.id;
        match ended {
            Ended::Stopped(Stop::Cancelled) => {
                self.span.record("tidegate.outcome", "cancelled");
                self.tell(Action::JobCancel, || Change::Cancelled(Some(proof()))).await;
            }
            Ended::Stopped(Stop::Drained) => {
                self.span.record("tidegate.outcome", "handed_back");
                self.tell(Action::JobHandBack, || Change::HandBack(proof())).await;
            }
            // It is another's: there is nothing to tell.
            Ended::Stopped(Stop::LeaseLost) => {
                self.span.record("tidegate.outcome", "lost");
                tracing::warn!(job.id = %job, "lease lost");
            }
            Ended::Stopped(Stop::Revoked) => {
                let detail = "its creator may not export this any more";
                self.fail(failure(FailureReason::PermissionRevoked, detail)).await;
            }
            Ended::Stopped(Stop::Exposed) => self.end_failed(exposed()).await,
            Ended::Failed(failure) => self.end_failed(failure).await,
        }
    }

    /// Ends a failed attempt: for now where another one may end better, else for good.
    async fn end_failed(&self, failure: Failure) {
        let job = self.control.lease.job();
        tracing::warn!(job.id = %job, reason = failure.reason.slug(), "attempt failed");
        if failure.reason.is_retryable() {
            let pause_micros = micros(pause(self.control.lease.attempt()));
            let proof = || self.control.lease.proof();
            let retry = || Change::Retry { proof: proof(), failure: failure.clone(), pause_micros };
            if self.tell(Action::JobRetry, retry).await {
                phase::failed(&self.span, failure.reason.slug());
                self.span.record("tidegate.outcome", "retried");
                return;
            }
        }
        self.fail(failure).await;
    }

    async fn fail(&self, failure: Failure) {
        phase::failed(&self.span, failure.reason.slug());
        self.span.record("tidegate.outcome", "failed");
        let change = || {
            let fail =
                FailJob { proof: Some(self.control.lease.proof()), failure: failure.clone() };
            Change::Fail(fail)
        };
        if !self.tell(Action::JobFail, change).await {
            // Cancelled while it failed.
            let proof = || Change::Cancelled(Some(self.control.lease.proof()));
            self.tell(Action::JobCancel, proof).await;
        }
    }

    /// Tells how the attempt ended, again while the database fails and the lease is trusted. Says
    /// whether it was taken.
    async fn tell(&self, action: Action, change: impl Fn() -> Change) -> bool {
        for attempt in 1..=TELL_ATTEMPTS_MAX {
            match self.commit(action, change()).await {
                Ok(()) => return true,
                Err(StoreError::LeaseLost | StoreError::Conflict { .. }) => return false,
                Err(error) => {
                    tracing::error!(job.id = %self.job.id, %error, "cannot tell how it ended");
                    sleep(Duration::from_millis(100) * attempt).await;
                }
            }
        }
        false
    }

    async fn commit(&self, action: Action, change: Change) -> Result<(), StoreError> {
        let caller = Caller::worker(self.worker);
        let permit = match self.service.permit(&caller, action, target_of(&self.job)).await {
            Ok(permit) => permit,
            Err(ServiceError::Store(error)) => return Err(error),
            Err(_) => return Err(StoreError::LeaseLost),
        };
        self.service.store().commit(permit, change).await.map(drop)
    }

    /// Removes what this attempt has made.
    async fn discard(&self) {
        let Ok(key) = self.key() else { return };
        if let Err(error) = self.artifacts.delete(&key).await {
            // The sweep finds it.
            tracing::warn!(job.id = %self.job.id, %error, "an unused file is left for the sweep");
        }
    }
}

/// What the thread that ran the pipeline brings back.
struct Ran {
    manifest: Manifest,
    outcome: Outcome,
}

/// Why an attempt is of no use any more: the next one shows what the creator is shown then.
fn exposed() -> Failure {
    let detail = "what its creator is shown of this changed while it was built";
    failure(FailureReason::ExposureChanged, detail)
}

/// Pause before the next attempt: doubled each time, and never the same for two jobs.
fn pause(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 10) - 1).unwrap_or(0);
    let pause = RETRY_PAUSE.saturating_mul(1 << doublings).min(RETRY_PAUSE_MAX);
    pause.mul_f64(1.0 + 0.25 * rand::random::<f64>())
}

pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
