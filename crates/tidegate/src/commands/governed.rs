//! `tidegate export` where the configuration has a control database: the job, the capability, the
//! entries of every other export, and the file at the end.

use std::{sync::Arc, time::Duration};

use tidegate_model::{actor::Caller, ids::JobId, job::Job, status::Status};
use tidegate_pipeline::{Checkpoint, Progress};
use tidegate_service::Worker;

use crate::{
    cli::{Cli, ExportArgs},
    commands::{
        jobs::receive,
        place::Place,
        request::{self, More},
    },
    control::{self, Control},
    failure::Failure,
    signal::Signal,
    watch::Watch,
};

/// Time between two looks at the job and at the signals.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or anything stands in the way of a whole file.
pub(super) fn run(args: &ExportArgs, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let signal = Signal::listen();
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let subject = args.subject.as_deref().unwrap_or_default();
        let sent = request::of(subject, &args.request, More::default())?;
        signal.heed();
        let created = control.service.create_export(&caller, &sent, None).await?;
        let job = created.job;
        if control.service.created_export(&caller, created).await?.hold.is_some() {
            return Err(Failure::waits(job));
        }
        let watch = Watch::new(signal.clone(), cli.json);
        let built = build(&control, &caller, job, &signal, &watch).await;
        watch.end();
        let built = built?;
        let name = || built.file_name.clone().unwrap_or_default();
        let place = Place::of(args.output.as_deref(), args.manifest.as_deref(), name);
        receive(&control, &caller, job, &place, cli.json).await
    })
}

/// Builds the job here, unless another worker is faster, and follows it to its end.
async fn build(
    control: &Control,
    caller: &Caller,
    id: JobId,
    signal: &Signal,
    watch: &Watch,
) -> Result<Job, Failure> {
    control.claim_store().await?;
    let worker = Worker::new(
        Arc::clone(&control.service),
        Arc::clone(&control.artifacts),
        control.worker_settings(),
    );
    let worker = worker.map_err(|error| Failure::failed("state_folder", &error))?;
    let building = tokio::spawn(Arc::new(worker).build_only(id));
    let mut is_cancelled = false;
    loop {
        // Asked first: a build that ends after the job was looked at has published it, maybe.
        let is_over = building.is_finished();
        let job = control.service.export(caller, id).await?;
        watch.progress(progress(&job));
        let is_left = is_over && job.status.is_open();
        match job.status {
            Status::Ready => return Ok(job),
            Status::Pending | Status::Building => {}
            Status::Cancelled if is_cancelled => return Err(Failure::cancelled()),
            Status::Failed | Status::Cancelled | Status::Expired | Status::Deleted => {
                return Err(Failure::ended(&job));
            }
        }
        if signal.is_raised() && !is_cancelled {
            control.service.cancel_export(caller, id).await?;
            is_cancelled = true;
        } else if is_left && waits_for_another_attempt(control, id).await? {
            // Nobody stays to see the next attempt: whoever typed this decides.
            return give_up(control, caller, id).await;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// Whether the last attempt has ended, and the job waits for its next one. The job is looked at
/// after that: another worker's attempt may have ended well since it was looked at last.
async fn waits_for_another_attempt(control: &Control, id: JobId) -> Result<bool, Failure> {
    let store = control.service.store();
    let attempts = store.attempts(id).await?;
    let has_ended = attempts.last().is_some_and(|attempt| attempt.ended_at.is_some());
    Ok(has_ended && store.job(id).await?.is_some_and(|job| job.status.is_open()))
}

async fn give_up(control: &Control, caller: &Caller, id: JobId) -> Result<Job, Failure> {
    let attempts = control.service.store().attempts(id).await?;
    // Another worker may have taken it meanwhile; then it is stopped there.
    control.service.cancel_export(caller, id).await?;
    let said = attempts
        .last()
        .and_then(|attempt| Some((attempt.outcome.clone()?, attempt.detail.clone())));
    let (outcome, detail) = said.unwrap_or_default();
    Err(Failure::attempt(&outcome, detail.as_deref().unwrap_or_default()))
}

fn progress(job: &Job) -> Progress {
    Progress {
        rows: job.rows_done.unsigned_abs(),
        bytes: job.size_bytes.unwrap_or_default().unsigned_abs(),
        extent_done: job.progress.unsigned_abs(),
        extent_total: 100,
        rows_estimated: job.rows_estimated.map(i64::unsigned_abs),
    }
}
