//! Reads files again, and marks the jobs whose file is missing or not what was written.

use std::time::Duration;

use futures_util::TryStreamExt;
use tidegate_model::{action::Action, ids::JobId, job::Job};
use tidegate_store::{Change, Store};
use tokio::time::{Instant, sleep_until};

use super::error::{UpkeepError, commit};
use crate::{
    artifacts::{
        ArtifactError, Artifacts, FAULT_CORRUPT, FAULT_MISSING, StoredFile, refuse_other_store,
    },
    exports::target_of,
};

/// Name of the task.
const TASK: &str = "scrub";
/// Missing files that may just be missing; of more, at least half must be there.
const MISSING_MAX: u64 = 10;

/// How to scrub.
#[derive(Clone, Copy, Debug)]
pub struct ScrubSettings {
    /// Where the last pass ended; 0 at first.
    pub behind: JobId,
    /// Jobs of one pass at most.
    pub jobs_max: u32,
    /// Bytes that are read in a second at most, so that others can read, too.
    pub bytes_per_second: u64,
}

impl Default for ScrubSettings {
    fn default() -> Self {
        // A terabyte in a day.
        Self { behind: JobId(0), jobs_max: 100, bytes_per_second: 16 << 20 }
    }
}

/// What a pass has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Files that were looked at.
    pub checked: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Jobs that were marked, with their fault.
    pub faults: Vec<(JobId, &'static str)>,
    /// Jobs whose file could not be read, which says nothing about it.
    pub unread: Vec<JobId>,
    /// Where the next pass begins; none where it begins at the first job again.
    pub next: Option<JobId>,
}

/// One pass over the next jobs that have a file.
///
/// # Errors
///
/// If the store is another's, the control database fails, or so many files are missing that
/// something else must be wrong.
pub async fn scrub(
    store: &Store,
    artifacts: &Artifacts,
    settings: &ScrubSettings,
) -> Result<ScrubReport, UpkeepError> {
    let jobs = store.jobs_with_file(settings.behind, settings.jobs_max).await?;
    let is_full = jobs.len() >= settings.jobs_max as usize;
    let mut report = ScrubReport {
        next: jobs.last().map(|job| job.id).filter(|_| is_full),
        ..ScrubReport::default()
    };
    let mut pace = Pace::new(settings.bytes_per_second);
    let mut found = Vec::new();
    for job in jobs {
        report.checked += 1;
        match look(artifacts, &job, &mut pace).await {
            Ok(None) => {}
            Ok(Some(fault)) => found.push((job, fault)),
            Err(error) => {
                tracing::warn!(job.id = %job.id, %error, "a file could not be read");
                report.unread.push(job.id);
            }
        }
    }
    report.bytes = pace.bytes;
    refuse_too_many_missing(&found, report.checked)?;
    if !found.is_empty() {
        refuse_other_store::<UpkeepError>(store, artifacts).await?;
    }
    for (job, fault) in found {
        let asked = (Action::ArtifactFault, target_of(&job));
        let change = Change::Fault { fault: fault.to_owned() };
        // One that expired or was deleted meanwhile is missing for a reason.
        if commit(store, TASK, asked, change).await? {
            tracing::error!(job.id = %job.id, fault, "a file is damaged");
            report.faults.push((job.id, fault));
        }
    }
    Ok(report)
}

fn refuse_too_many_missing(found: &[(Job, &'static str)], checked: u64) -> Result<(), UpkeepError> {
    let missing = found.iter().filter(|(_, fault)| *fault == FAULT_MISSING).count() as u64;
    if missing > MISSING_MAX && missing > checked / 2 {
        return Err(UpkeepError::TooManyMissing { missing, checked });
    }
    Ok(())
}

/// What is wrong with a file, if anything. What looks wrong is looked at twice.
async fn look(
    artifacts: &Artifacts,
    job: &Job,
    pace: &mut Pace,
) -> Result<Option<&'static str>, ArtifactError> {
    let Some(stored) = StoredFile::of_job(job) else { return Ok(Some(FAULT_CORRUPT)) };
    let mut read_again = read(artifacts, &stored, pace).await;
    if read_again.as_ref().is_err_and(|error| error.fault().is_some()) {
        read_again = read(artifacts, &stored, pace).await;
    }
    match read_again {
        Ok(()) => Ok(None),
        Err(error) => error.fault().map(Some).ok_or(error),
    }
}

async fn read(
    artifacts: &Artifacts,
    stored: &StoredFile,
    pace: &mut Pace,
) -> Result<(), ArtifactError> {
    let mut pieces = artifacts.download(stored, None).await?.pieces;
    while let Some(piece) = pieces.try_next().await? {
        pace.keep(piece.len() as u64).await;
    }
    Ok(())
}

/// Keeps reading at its rate.
struct Pace {
    start: Instant,
    bytes: u64,
    bytes_per_second: u64,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        Self { start: Instant::now(), bytes: 0, bytes_per_second: bytes_per_second.max(1) }
    }

    async fn keep(&mut self, bytes: u64) {
        self.bytes += bytes;
        sleep_until(self.start + self.due()).await;
    }

    /// When so many bytes may have been read, from the start on.
    fn due(&self) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "a pace needs few digits")]
        Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_second as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrub_leaves_the_disk_to_others() {
        let pace = Pace { bytes: 5_000, ..Pace::new(1_000) };
        assert_eq!(pace.due(), Duration::from_secs(5));
        assert_eq!(Pace::new(0).due(), Duration::ZERO);
    }
}
