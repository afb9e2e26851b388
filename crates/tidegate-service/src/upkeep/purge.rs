//! Removes files that expired or were deleted, and notes it once they are seen gone.

use tidegate_model::{action::Action, ids::JobId, job::Job, status::Status};
use tidegate_store::{
    Change, Store,
    chaos::{self, Point},
};

use super::error::{UpkeepError, commit};
use crate::{
    artifacts::{ArtifactError, Artifacts, ObjectKey, refuse_other_store},
    exports::target_of,
};

/// Name of the task.
const TASK: &str = "purge";
/// Jobs that are asked for at a time.
const PAGE_JOBS: u32 = 100;

/// How to purge.
pub struct PurgeSettings<'a> {
    /// Jobs of one pass at most.
    pub jobs_max: usize,
    /// Whether a job's file is being sent just now. An expired one may be sent to its end; a
    /// deleted one is cut anyway.
    pub is_being_sent: &'a (dyn Fn(JobId) -> bool + Sync),
}

impl Default for PurgeSettings<'_> {
    fn default() -> Self {
        Self { jobs_max: 1_000, is_being_sent: &|_| false }
    }
}

/// What a pass has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgeReport {
    /// Jobs whose file was seen gone.
    pub purged: u64,
    /// Jobs whose file is still being sent.
    pub waiting: u64,
    /// Jobs whose file could not be removed; the next pass tries again.
    pub failed: Vec<JobId>,
}

/// One pass over all jobs whose file has ended.
///
/// # Errors
///
/// If the store is another's, where nothing is seen gone, or the control database fails. What the
/// artifact store does not do is in the report.
pub async fn purge(
    store: &Store,
    artifacts: &Artifacts,
    settings: &PurgeSettings<'_>,
) -> Result<PurgeReport, UpkeepError> {
    let mut report = PurgeReport::default();
    let (mut behind, mut left) = (JobId(0), settings.jobs_max);
    loop {
        let jobs = store.jobs_to_purge(behind, PAGE_JOBS).await?;
        let Some(last) = jobs.last() else { return Ok(report) };
        if behind == JobId(0) {
            refuse_other_store::<UpkeepError>(store, artifacts).await?;
        }
        behind = last.id;
        for job in jobs {
            if left == 0 {
                return Ok(report);
            }
            left -= 1;
            if job.status == Status::Expired && (settings.is_being_sent)(job.id) {
                report.waiting += 1;
                continue;
            }
            chaos::stop_at(Point::Purge);
            match remove(artifacts, &job).await {
                Ok(()) => {
                    let asked = (Action::ArtifactPurge, target_of(&job));
                    if commit(store, TASK, asked, Change::Purged).await? {
                        report.purged += 1;
                    }
                }
                Err(error) => {
                    tracing::error!(job.id = %job.id, %error, "a file could not be purged");
                    report.failed.push(job.id);
                }
            }
        }
    }
}

/// Removes file and manifest, and sees that they are gone.
async fn remove(artifacts: &Artifacts, job: &Job) -> Result<(), ArtifactError> {
    let name = job.artifact_key.as_deref().unwrap_or_default();
    let key = ObjectKey::parse(name)
        .ok_or_else(|| ArtifactError::Unfit { detail: format!("`{name}` is no key of a file") })?;
    artifacts.delete(&key).await?;
    match artifacts.has(&key).await? {
        true => Err(ArtifactError::unavailable("delete", key, "it is still there")),
        false => Ok(()),
    }
}
