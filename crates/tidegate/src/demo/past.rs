//! Makes the demo's past: weeks of exports that the service itself makes, under a clock that is
//! behind and steps forward. Nothing is written but what the service would have written then.

mod life;
mod routine;
mod script;
mod wish;

use std::{collections::BTreeMap, sync::Arc};

use chrono::DateTime;
use tidegate_model::{
    actor::Via,
    ids::{JobId, ScheduleId},
};
use tidegate_service::{
    Upkeep, Worker, WorkerByHand,
    upkeep::{PurgeGuard, PurgeSettings, checkpoint::Checkpoints, purge},
};
use tidegate_store::Clock;

use self::script::{DAY, DAYS, Deed, MINUTE, SECOND, script};
use super::{counts::Counts, operators::ADA, random::Draw};
use crate::{cli::Cli, control::Control, failure::Failure, signal::Signal};

/// What a past is made for, and what it grows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastOptions {
    /// Orders of the site.
    pub rows: u64,
    /// Another seed makes another past.
    pub seed: u64,
}

impl PastOptions {
    fn views(self) -> u64 {
        Counts::of(self.rows).page_views
    }
}

/// Makes the past of a site that has none, and leaves an export that is being built. A site that
/// somebody has used keeps the past it has.
///
/// # Errors
///
/// If the control plane cannot be opened, or does not do what it did then.
pub async fn make(cli: &Cli, options: PastOptions, begin: impl FnOnce()) -> Result<(), Failure> {
    let signal = Signal::listen();
    signal.heed();
    // Whole days and a bit: the first event is in the morning of the first one.
    #[expect(clippy::disallowed_methods, reason = "the one place where a past is made")]
    let clock = Clock::behind((DAYS as i64 + 1) * DAY);
    let control = Control::open_by(cli, &clock).await?;
    if has_past(&control).await? {
        return Ok(());
    }
    begin();
    control.claim_store().await?;
    let mut past = Past::open(control, clock, options).await?;
    let lived = past.live(&signal).await;
    past.close().await;
    lived
}

/// Whether there is somebody already, or anything that happened later than the past begins.
async fn has_past(control: &Control) -> Result<bool, Failure> {
    let store = control.service.store();
    let last = store.entries(store.head().await?.0 - 1, 1).await?;
    let begin = store.now().await?;
    let is_later = last.first().is_some_and(|(_, columns)| columns.at > begin);
    Ok(is_later || !control.service.is_empty().await?)
}

/// The past, as far as it has come.
struct Past {
    control: Control,
    clock: Clock,
    options: PastOptions,
    worker: WorkerByHand,
    upkeep: Upkeep,
    checkpoints: Checkpoints,
    /// What is still to happen, by moment and then by the order of being put here.
    ahead: BTreeMap<(i64, u64), Step>,
    put: u64,
    draw: Draw,
}

/// Something that is still to happen.
enum Step {
    Deed(Deed),
    Download { email: &'static str, job: JobId, is_whole: bool },
    Delete { email: &'static str, job: JobId },
    MakeAgain { email: &'static str, job: JobId },
    Fire(ScheduleId),
    Upkeep,
}

impl Past {
    async fn open(control: Control, clock: Clock, options: PastOptions) -> Result<Self, Failure> {
        let (service, artifacts) = (Arc::clone(&control.service), Arc::clone(&control.artifacts));
        let worker = Worker::new(service, artifacts, control.worker_settings());
        let worker = worker.map_err(|error| Failure::failed("state_folder", &error))?;
        let (service, artifacts) = (Arc::clone(&control.service), Arc::clone(&control.artifacts));
        let upkeep = Upkeep::new(service, artifacts, control.upkeep_settings()?);
        let (checkpoints, _) = control.watchers()?;
        let mut past = Self {
            worker: Arc::new(worker).by_hand(),
            draw: Draw::new(options.seed, "life", 0),
            ahead: BTreeMap::new(),
            put: 0,
            control,
            clock,
            options,
            upkeep,
            checkpoints,
        };
        let behind = past.clock.behind_micros();
        let present = past.now().await?.saturating_add(behind);
        let present = DateTime::from_timestamp_micros(present).unwrap_or_default();
        for event in script(options.seed, present) {
            past.put(event.at, Step::Deed(event.deed));
        }
        // As in a site that runs all the time, the log is signed while nothing happens, too.
        for day in 1..DAYS as i64 {
            let at = present.timestamp_micros() - day * DAY;
            past.put(at, Step::Upkeep);
        }
        Ok(past)
    }

    fn put(&mut self, at: i64, step: Step) {
        self.put += 1;
        self.ahead.insert((at, self.put), step);
    }

    async fn now(&self) -> Result<i64, Failure> {
        Ok(self.control.service.store().now().await?)
    }

    /// Lets everything happen that is over by now.
    async fn live(&mut self, signal: &Signal) -> Result<(), Failure> {
        while let Some(((at, _), step)) = self.ahead.pop_first() {
            if signal.is_raised() {
                return Err(Failure::wrong("interrupted: the site has a part of its past only"));
            }
            let left = at - self.now().await?;
            if left > self.clock.behind_micros() {
                break;
            }
            self.clock.step(left);
            self.take(step).await?;
        }
        // What is left is in the future, but for the last minutes.
        let behind = self.clock.behind_micros();
        self.clock.step(behind - 2 * MINUTE);
        self.leave_open().await?;
        self.clock.step(i64::MAX);
        self.look_after().await
    }

    async fn take(&mut self, step: Step) -> Result<(), Failure> {
        match step {
            Step::Deed(deed) => self.deed(deed).await,
            Step::Download { email, job, is_whole } => self.download(email, job, is_whole).await,
            Step::Delete { email, job } => self.delete(email, job).await,
            Step::MakeAgain { email, job } => self.make_again(email, job).await,
            Step::Fire(id) => self.fire(id).await,
            Step::Upkeep => self.look_after().await,
        }
    }

    /// What upkeep does by itself in a service that runs.
    async fn look_after(&mut self) -> Result<(), Failure> {
        let (service, artifacts) = (&self.control.service, &self.control.artifacts);
        let now = service.store().now().await?;
        while self.control.service.notify_once().await? > 0 {}
        self.upkeep.rescue().await?;
        // To a guard that began earlier the steps of this clock would be jumps.
        self.upkeep.expire(&mut PurgeGuard::new(now)).await?;
        let purged = purge(service.store(), artifacts, &PurgeSettings::default()).await;
        purged.map_err(|error| Failure::failed("upkeep", &error))?;
        let signed = self.checkpoints.run(service.store(), &service.keys(), now).await;
        signed.map_err(|error| Failure::failed("audit", &error))?;
        Ok(())
    }

    /// A worker takes a job, and hands it back because it is told to stop.
    async fn break_off(&self, job: JobId) -> Result<(), Failure> {
        let building = self.worker.build(job);
        tokio::pin!(building);
        loop {
            tokio::select! {
                biased;
                built = &mut building => return Ok(built?),
                () = tokio::task::yield_now() => self.worker.stop_builds(),
            }
        }
    }

    /// What the site is at when somebody comes to see it: one export that a worker was at, the
    /// largest, and one that waits.
    async fn leave_open(&mut self) -> Result<(), Failure> {
        let service = Arc::clone(&self.control.service);
        let ada = service.operator_caller(ADA, Via::Admin).await?;
        let visits = wish::visits(self.options.views());
        let large = service.create_export(&ada, &visits, None).await?;
        self.clock.step(4 * SECOND);
        self.break_off(large.job).await?;
        self.clock.step(MINUTE);
        service.create_export(&ada, &wish::ON_THE_WAY.request(), None).await?;
        Ok(())
    }

    async fn close(self) {
        self.worker.end().await;
        self.control.artifacts.settle().await;
    }
}
