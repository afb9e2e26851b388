//! Many schedulers in several processes, some of which are killed: each fire makes one export.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use tidegate_model::{ids::ScheduleId, request::ExportRequest, schedule::FireOutcome};
use tidegate_service::{Clock, Keys, Service, Store};
use tokio::sync::Mutex;

use crate::check::{Check, Kind, site_of_shop};

const MINUTE: i64 = 60 * 1_000_000;
const LONG_AGO: i64 = 400 * 24 * 60 * MINUTE;
/// Processes, and schedulers in each: ten in all.
const SCHEDULERS: [usize; 3] = [4, 3, 3];
/// Schedules; each fires every five minutes.
const SCHEDULES: usize = 8;
/// Fires in all, unless the variable says how many: the long form is 10,000.
const FIRES: usize = 800;
const FIRES_VARIABLE: &str = "TIDEGATE_FIRES";
/// Fires after which a process is killed, in the short form: in the long one it is 500.
const FIRES_A_KILL: usize = 100;
/// What a process of schedulers is told: address, folder and number of schedulers.
const PROCESS: &str = "TIDEGATE_SCHEDULERS";
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// Longest wait for the fires of a step.
const WAIT: Duration = Duration::from_secs(60);
/// What ends the processes.
const END: &str = "end";

/// A process of schedulers that ends when it is dropped.
struct Process(Child);

impl Process {
    fn start(check: &Check, schedulers: usize) -> Self {
        let folder = check.folder.path().display();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["schedulers::a_process_of_schedulers", "--exact", "--nocapture"])
            .env(PROCESS, format!("{} {folder} {schedulers}", check.control_url))
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn clock_file(folder: &Path) -> PathBuf {
    folder.join("clock")
}

/// Says the time, or that it is over. A file that is half written must not be read.
fn say(folder: &Path, text: &str) {
    let new = folder.join("clock.new");
    fs::write(&new, text).unwrap();
    fs::rename(new, clock_file(folder)).unwrap();
}

/// What runs in a process that the test below starts; by itself it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_schedulers() {
    let Ok(told) = std::env::var(PROCESS) else { return };
    let words: Vec<&str> = told.split(' ').collect();
    let (url, folder, count) = (words[0], PathBuf::from(words[1]), words[2].parse().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the test makes a past")]
    let clock = Clock::behind(LONG_AGO);
    // The schedulers of a process share a clock, and step it one by one.
    let alone = Arc::new(Mutex::new(()));
    let schedulers: Vec<_> = (0..count)
        .map(|_| {
            let (folder, clock, alone) = (folder.clone(), clock.clone(), Arc::clone(&alone));
            tokio::spawn(schedule(url.to_owned(), folder, clock, alone))
        })
        .collect();
    for scheduler in schedulers {
        scheduler.await.unwrap();
    }
}

async fn schedule(url: String, folder: PathBuf, clock: Clock, alone: Arc<Mutex<()>>) {
    let store = Store::open_by(&url, &clock).await.unwrap();
    let keys = Keys::open(&folder.join("keys")).unwrap();
    let service = Arc::new(Service::new(store, site_of_shop(&folder.join("shop.db")), keys));
    loop {
        let told = fs::read_to_string(clock_file(&folder)).unwrap();
        if told == END {
            return;
        }
        let now: i64 = told.parse().unwrap();
        {
            let _stepping = alone.lock().await;
            clock.step(now - service.store().now().await.unwrap());
        }
        // A database that is busy for too long is asked again.
        drop(service.fire_schedules().await);
        tokio::time::sleep(LOOK).await;
    }
}

#[test]
fn ten_schedulers_in_three_processes_fire_each_time_once_whoever_is_killed() {
    let long: Option<usize> =
        std::env::var(FIRES_VARIABLE).ok().map(|fires| fires.parse().unwrap());
    let (fires, a_kill) = long.map_or((FIRES, FIRES_A_KILL), |fires| (fires, 500));
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            #[expect(clippy::disallowed_methods, reason = "the test makes a past")]
            let check = Check::by(kind, Clock::behind(LONG_AGO)).await;
            fire_all(&check, fires.div_ceil(SCHEDULES), a_kill).await;
        });
    }
}

async fn fire_all(check: &Check, steps: usize, a_kill: usize) {
    let ada = check.ada().await;
    let settings = check.service.settings(&ada).await.unwrap();
    let settings = tidegate_model::settings::Settings { open_jobs_max: 1_000_000, ..settings };
    check.service.set_settings(&ada, settings).await.unwrap();
    let mut schedules = Vec::new();
    for _ in 0..SCHEDULES {
        let request = json!({
            "subject": "orders", "format": "csv", "schedule": { "cron": "*/5 * * * *" },
        });
        let request = ExportRequest::read(&request).unwrap();
        schedules.push(check.service.create_schedule(&ada, &request, None).await.unwrap().schedule);
    }
    let store = check.service.store();
    let first = store.schedule(schedules[0]).await.unwrap().unwrap().next_fire_at.unwrap();
    let folder = check.folder.path();
    say(folder, &(first - MINUTE).to_string());
    let mut processes: Vec<Process> =
        SCHEDULERS.iter().map(|count| Process::start(check, *count)).collect();
    let begun = std::time::Instant::now();
    let mut killed = 0;
    for step in 0..steps {
        let now = first + i64::try_from(step).unwrap() * 5 * MINUTE;
        say(folder, &(now + 1).to_string());
        if (step + 1) * SCHEDULES / a_kill > killed {
            // At whatever it is just then: the others are at the same fires.
            let victim = killed % processes.len();
            killed += 1;
            wait_for(async || due(store, &schedules, now).await < SCHEDULES).await;
            processes[victim] = Process::start(check, SCHEDULERS[victim]);
        }
        wait_for(async || due(store, &schedules, now).await == 0).await;
    }
    say(folder, END);
    drop(processes);
    assert!(killed > 1, "{killed} were killed");
    let (mut misses, mut duplicates, mut made_in_all) = (0, 0, 0);
    for id in schedules {
        let fires = store.fires_of(id, u32::MAX >> 1).await.unwrap();
        let mut times: Vec<i64> = fires.iter().map(|fire| fire.fire_at).collect();
        times.reverse();
        let expected: Vec<i64> =
            (0..steps).map(|step| first + i64::try_from(step).unwrap() * 5 * MINUTE).collect();
        misses += expected.iter().filter(|at| !times.contains(at)).count();
        duplicates += times.iter().filter(|at| !expected.contains(at)).count();
        assert_eq!(times, expected, "no miss and no duplicate");
        assert!(fires.iter().all(|fire| fire.outcome == FireOutcome::Made));
        let mut made: Vec<_> = fires.iter().filter_map(|fire| fire.job).collect();
        let mut runs: Vec<_> =
            store.runs_of(id, u32::MAX >> 1).await.unwrap().iter().map(|run| run.id).collect();
        made.sort();
        runs.sort();
        // A second export for a fire has no row of its own.
        duplicates += runs.len().saturating_sub(made.len());
        made_in_all += made.len();
        assert_eq!(made, runs, "one export for each fire");
    }
    println!(
        "{:?}: {made_in_all} fires, {killed} kills, {misses} misses, {duplicates} duplicates in \
         {:.1} min",
        store.kind(),
        begun.elapsed().as_secs_f64() / 60.0,
    );
}

/// How many schedules still have a fire that has come.
async fn due(store: &Store, schedules: &[ScheduleId], now: i64) -> usize {
    let due = store.schedules_due(now, &[], 1_000).await.unwrap();
    due.iter().filter(|schedule| schedules.contains(&schedule.id)).count()
}

async fn wait_for(is_so: impl AsyncFn() -> bool) {
    let looked = async {
        while !is_so().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(WAIT, looked).await.expect("it happens in time");
}
