//! Sources that break off: a worker never takes what came for the whole.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_model::{
    ids::JobId,
    job::{FailureReason, Job},
    settings::Settings,
    status::Status,
};
use tidegate_service::Site;
use tidegate_source::SourceSettings;
use tidegate_testkit::{
    fault_proxy::{Break, FaultProxy},
    mariadb::MariaDb,
    postgres::Postgres,
};

use crate::check::{Check, Kind};

/// Cuts over the whole of what a source says for an export.
const CUTS: u64 = 36;
/// Cuts at each of the last bytes: the last row, what says that it was the last, the good-bye.
const LAST_CUTS: u64 = 24;
/// Cuts at each byte behind these: what a source says of its sessions is not always as long.
const CUTS_BEHIND: u64 = 8;
/// Cuts that must have been felt, whatever a source says.
const FELT_MIN: usize = 50;
/// Failed exports of which one is made again once the source is whole.
const FAILURES_PER_RERUN: usize = 15;

/// A site whose one source is reached through a proxy.
struct Rig {
    check: Check,
    proxy: FaultProxy,
    /// The rows as the database's own client prints them, in CSV, in any order.
    rows: BTreeSet<String>,
}

impl Rig {
    /// A site with the table `orders` of a source, and one attempt for each job.
    async fn new(kind: Kind, source: SourceSettings, proxy: FaultProxy, printed: &str) -> Self {
        let check = Check::new(kind).await;
        let subject = json!({ "slug": "orders", "source": source.name, "table": "orders" });
        check.service.take_site(Site {
            sources: [(source.name.clone(), source)].into(),
            subjects: vec![serde_json::from_value(subject).unwrap()],
            ..Site::default()
        });
        let once = Settings { attempts_max: 1, ..Settings::default() };
        check.service.set_settings(&check.ada().await, once).await.unwrap();
        Self { check, proxy, rows: printed.lines().map(str::to_owned).collect() }
    }

    async fn create(&self) -> JobId {
        self.check.create(json!({ "subject": "orders", "format": "csv" })).await
    }

    /// Asserts that a job has the one visible file, and that it holds each row once.
    fn assert_whole(&self, job: &Job, words: &str) {
        let file = self.visible(job).expect(words);
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), self.rows.len(), "{words}");
        assert!(lines.iter().all(|line| self.rows.contains(*line)), "{words}");
        assert_eq!(lines.iter().collect::<BTreeSet<_>>().len(), lines.len(), "{words}");
    }

    /// The file of a job, if it has one.
    fn visible(&self, job: &Job) -> Option<std::path::PathBuf> {
        let key = job.artifact_key.as_ref()?;
        Some(self.check.folder.path().join("artifacts").join(key))
    }

    /// Builds a job while the source breaks off after so many bytes. Only if nothing was missed it
    /// is ready, with every row; else it has failed for this reason and left nothing behind.
    async fn build_cut_at(&self, bytes: u64) -> Job {
        let id = self.create().await;
        let (files, breaks) = (self.check.files().len(), self.proxy.breaks());
        self.proxy.break_after(bytes, Break::Close);
        let job = self.check.build(id).await;
        self.proxy.mend();
        let is_felt = self.proxy.breaks() > breaks;
        let words = format!("cut at {bytes}, felt: {is_felt}: {:?}", job.error);
        assert_eq!(job.status == Status::Ready, !is_felt, "{words}");
        if job.status == Status::Ready {
            self.assert_whole(&job, &words);
            return job;
        }
        assert_eq!(job.status, Status::Failed, "{words}");
        let reason = job.error.as_ref().map(|error| error.reason);
        let is_told =
            matches!(reason, Some(FailureReason::SourceLost | FailureReason::SourceTruncated));
        assert!(is_told, "{words}");
        assert_eq!((&job.artifact_key, &job.file_name, job.size_bytes), (&None, &None, None));
        assert_eq!(self.check.files().len(), files, "{words}");
        let expected = ["export.created", "job.claimed", "job.failed"];
        assert_eq!(self.check.actions(id).await, expected, "{words}");
        job
    }

    /// Cuts an export at many bytes, up to some behind its last one.
    async fn cut_everywhere(&self) {
        let before = self.proxy.passed();
        let id = self.create().await;
        let of_creation = self.proxy.passed() - before;
        let whole = self.check.build(id).await;
        assert_eq!(whole.status, Status::Ready, "{:?}", whole.error);
        self.assert_whole(&whole, "nothing is cut");
        let bytes = self.proxy.passed() - before - of_creation;
        let cuts = (0..CUTS).map(|part| bytes * part / CUTS);
        let mut failed = Vec::new();
        let mut ready = 0;
        // How several readers share their work, and so how many bytes it takes, is never the same:
        // far behind the last one there is nothing to cut.
        let behind = [bytes * 2];
        for cut in cuts.chain(bytes - LAST_CUTS..bytes + CUTS_BEHIND).chain(behind) {
            let job = self.build_cut_at(cut).await;
            match job.status == Status::Ready {
                true => ready += 1,
                false => failed.push(job.id),
            }
        }
        assert!(failed.len() >= FELT_MIN && ready > 0, "{} failed, {ready} ready", failed.len());
        for id in failed.into_iter().step_by(FAILURES_PER_RERUN) {
            let ada = self.check.ada().await;
            let again = self.check.service.rerun_export(&ada, id, None).await.unwrap();
            let job = self.check.build(again.job).await;
            assert_eq!(job.status, Status::Ready, "{:?}", job.error);
            self.assert_whole(&job, "made again");
            assert_eq!(self.check.job(id).await.status, Status::Failed, "it stays what it was");
        }
    }
}

/// A source that is read by so many readers at once.
fn source(url: String, readers: usize) -> SourceSettings {
    SourceSettings { readers, ..SourceSettings::new("shop", url) }
}

/// Cuts what PostgreSQL says to so many readers at once.
async fn cut_postgres(kind: Kind, readers: usize) {
    let database = Postgres::shared().database();
    database.execute(
        "create table orders as
         select i as id, repeat('x', i % 300 + 1) as note from generate_series(1, 3000) as i;
         vacuum analyze orders;",
    );
    let printed = database.csv("select * from orders");
    let proxy = FaultProxy::start(database.server().port());
    let source = source(database.url_by(proxy.port()), readers);
    Rig::new(kind, source, proxy, &printed).await.cut_everywhere().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_source_that_breaks_off_never_makes_a_ready_job() {
    cut_postgres(Kind::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_source_with_four_readers_that_breaks_off_never_makes_a_ready_job() {
    cut_postgres(Kind::Postgres, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_source_that_breaks_off_never_makes_a_ready_job() {
    let database = MariaDb::shared().database();
    database.execute(
        "create table orders (id int primary key, note varchar(300) not null);
         insert into orders select seq, repeat('x', seq % 300 + 1) from seq_1_to_3000",
    );
    let printed = database.query("select * from orders").replace('\t', ",");
    let proxy = FaultProxy::start(database.server().port());
    let server = format!(":{}/", database.server().port());
    let url = database.url().replace(&server, &format!(":{}/", proxy.port()));
    Rig::new(Kind::Sqlite, source(url, 1), proxy, &printed).await.cut_everywhere().await;
}
