//! What the thread that runs the pipeline takes along.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tidegate_model::{job::Job, query::Query};
use tidegate_pipeline::{Completion, Governance, Limits, MaskKey, Plan};
use tidegate_store::Clock;
use tracing::Span;

use crate::exports::Prepared;

/// A job with all that its export needs, and nothing that it may ask.
pub(super) struct Frozen {
    pub(super) job: Job,
    pub(super) limits: Limits,
    pub(super) governance: Governance,
    pub(super) clock: Clock,
    pub(super) mask_key: MaskKey,
    /// The attempt's.
    pub(super) span: Span,
}

impl Frozen {
    /// The plan of the export.
    pub(super) fn plan<'a>(&self, prepared: &'a Prepared, query: Query) -> Plan<'a> {
        Plan {
            source: &*prepared.bound.source,
            query,
            format: prepared.format,
            options: prepared.options.clone(),
            time_zone: prepared.request.time_zone(),
            title: self.job.subject.clone(),
            application: format!("tidegate/{}", self.job.id),
            readers: prepared.bound.settings.readers,
            snapshot_age_max: prepared.bound.settings.snapshot_age_max(),
            mask_key: Some(self.mask_key.clone()),
            limits: self.limits,
            span: self.span.clone(),
        }
    }

    /// What the manifest says beyond plan and outcome.
    pub(super) fn completion(
        &self,
        prepared: &Prepared,
        scope: Value,
        started_at: DateTime<Utc>,
    ) -> Completion {
        let job = &self.job;
        Completion {
            name: file_name(job, &prepared.format.file_extension(&prepared.options)),
            subject: job.subject.clone(),
            kind: job.kind.clone(),
            scope,
            source: prepared.bound.settings.name.clone(),
            started_at,
            completed_at: crate::clock::now(&self.clock),
            governance: Some(self.governance.clone()),
        }
    }
}

/// `{subject}[-{kind}]-{created, UTC}-{id}.{ext}`.
fn file_name(job: &Job, extension: &str) -> String {
    let kind = job.kind.as_ref().map(|kind| format!("-{kind}")).unwrap_or_default();
    let created = DateTime::from_timestamp_micros(job.created_at).unwrap_or_default();
    let time = created.format("%Y%m%dT%H%M%SZ");
    format!("{}{kind}-{time}-{}.{extension}", job.subject, job.id)
}
