//! Connections that are cut while a commit is being confirmed: whether it happened is found out.

use tidegate_model::{
    action::{Action, Target},
    ids::{JobId, LinkId},
};
use tidegate_store::{Change, Claimed, Committed, LinkChange, Store, StoreError};
use tidegate_testkit::fault_proxy::{Cut, FaultProxy};

use crate::check::{
    Check, LEASE_MICROS, Site, claim_request, new_job, random_word, sent, target_of_new, worker,
};

/// How PostgreSQL is told to commit.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// Cuts of each kind, for each change.
const TRIALS: usize = 25;

/// A store whose connections pass a proxy.
struct Ambiguous {
    check: Check,
    proxy: FaultProxy,
    store: Store,
}

impl Ambiguous {
    async fn new() -> Self {
        let site = Site::postgres();
        let Site::Postgres(database) = &site else { unreachable!("asked for PostgreSQL") };
        let proxy = FaultProxy::start(database.server().port());
        let url = database.url_by(proxy.port());
        let check = Check::new(site).await;
        let store = Store::open(&url).await.unwrap();
        Self { check, proxy, store }
    }

    /// Tries something that is cut, and asserts that it happened exactly if the commit arrived,
    /// once, and that the answer says so.
    async fn attempt<T>(
        &self,
        cut: Cut,
        action: &str,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        let (head, cuts) = (self.check.head().await, self.proxy.cuts());
        self.proxy.cut_at(COMMIT, cut);
        let outcome = change.await;
        assert_eq!(self.proxy.cuts(), cuts + 1, "it was cut");
        let count =
            format!("select count(*) from activity where seq > {head} and action = '{action}'");
        let happened = self.check.site.number(&count);
        match (cut, outcome) {
            (Cut::After, Ok(made)) => {
                assert_eq!(happened, 1, "{action}");
                Some(made)
            }
            (Cut::Before, Err(StoreError::Database(_))) => {
                assert_eq!(happened, 0, "{action}");
                None
            }
            (_, Ok(_)) => panic!("{action} cut {cut:?} seems to have happened ({happened})"),
            (_, Err(error)) => panic!("{action} cut {cut:?} ({happened}): {error:?}"),
        }
    }

    async fn create(&self) -> Result<Committed, StoreError> {
        let job = new_job(&self.check.editor);
        let target = target_of_new(&job);
        let permit = self.check.permit(&self.check.editor, Action::ExportCreate, target).await;
        let change = Change::CreateExport { job: Box::new(job), open_jobs_max: 10_000 };
        self.store.commit(permit, change).await
    }

    async fn claim(&self) -> Result<Claimed, StoreError> {
        let permit = self.check.permit(&worker(), Action::JobClaim, Target::default()).await;
        self.store.claim(permit, claim_request()).await.map(|claimed| claimed.expect("one waits"))
    }

    async fn publish(&self, held: &Claimed) -> Result<Committed, StoreError> {
        let target = self.check.target(held.lease.job()).await;
        let permit = self.check.permit(&worker(), Action::JobPublish, target).await;
        let artifact = Box::new(self.check.artifact(held).await);
        self.store.commit(permit, Change::Publish(held.lease.proof(), artifact)).await
    }

    async fn cancel(&self, job: JobId) -> Result<Committed, StoreError> {
        let target = self.check.target(job).await;
        let permit = self.check.permit(&self.check.editor, Action::ExportCancel, target).await;
        self.store.commit(permit, Change::CancelExport).await
    }
}

fn on_postgres_once(trial: impl AsyncFn(&Ambiguous)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ambiguous = Ambiguous::new().await;
        trial(&ambiguous).await;
        ambiguous.check.assert_invariants().await;
    });
}

fn on_postgres(trial: impl AsyncFn(&Ambiguous, Cut)) {
    on_postgres_once(async |ambiguous| {
        for _ in 0..TRIALS {
            trial(ambiguous, Cut::Before).await;
            trial(ambiguous, Cut::After).await;
        }
    });
}

#[test]
fn a_commit_that_is_still_under_way_is_waited_for() {
    on_postgres_once(async |on| {
        on.proxy.cut_at(COMMIT, Cut::Withheld);
        let mut create = std::pin::pin!(on.create());
        let somebody_waits = async {
            // Whoever asks what became of it waits for the transaction that is still open.
            const WAITING: &str = "select count(*) from pg_stat_activity \
                where datname = current_database() and wait_event_type = 'Lock'";
            while on.check.site.number(WAITING) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            made = &mut create => panic!("nobody waited: {made:?}"),
            () = somebody_waits => on.proxy.release(),
        }
        let made = create.await.unwrap();
        assert_eq!(on.check.job(made.job.unwrap()).await.attempt, 0);
    });
}

#[test]
fn a_writer_that_falls_silent_does_not_stop_the_others_for_long() {
    on_postgres_once(async |on| {
        // As if the process were stopped within its transaction, with the lock of all writers.
        on.proxy.cut_at(COMMIT, Cut::Withheld);
        let (silent, other) = tokio::join!(on.create(), async {
            while on.proxy.cuts() == 0 {
                tokio::task::yield_now().await;
            }
            on.check.create(&on.check.admin).await
        });
        assert!(matches!(silent, Err(StoreError::Database(_))), "{silent:?}");
        assert_eq!(on.check.site.lines("select id from jobs"), [other.to_string()]);
    });
}

#[test]
fn of_changes_that_are_committed_together_everybody_hears_the_same_truth() {
    on_postgres(async |on, cut| {
        let mut changes = Vec::new();
        for _ in 0..8 {
            let job = new_job(&on.check.editor);
            let target = target_of_new(&job);
            let permit = on.check.permit(&on.check.editor, Action::ExportCreate, target).await;
            let change = Change::CreateExport { job: Box::new(job), open_jobs_max: 10_000 };
            changes.push(on.store.commit(permit, change));
        }
        let head = on.check.head().await;
        on.proxy.cut_at(COMMIT, cut);
        let outcomes = futures_util::future::join_all(changes).await;
        let told: Vec<i64> = outcomes.iter().flatten().map(|made| made.seq).collect();
        let there = on
            .check
            .site
            .lines(&format!("select seq from activity where seq > {head} order by seq"));
        let mut sorted = told.clone();
        sorted.sort_unstable();
        assert_eq!(sorted.iter().map(i64::to_string).collect::<Vec<_>>(), there, "{outcomes:?}");
        let is_cut_off = |error: &StoreError| matches!(error, StoreError::Database(_));
        assert!(outcomes.iter().filter_map(|one| one.as_ref().err()).all(is_cut_off));
    });
}

#[test]
fn an_export_whose_confirmation_is_lost_is_made_once_or_not_at_all() {
    on_postgres(async |on, cut| {
        let made = on.attempt(cut, "export.created", on.create()).await;
        if let Some(committed) = made {
            let job = on.check.job(committed.job.unwrap()).await;
            assert_eq!((Some(job.id.0), job.attempt), (committed.id, 0));
        }
    });
}

#[test]
fn a_job_whose_claim_is_not_confirmed_is_held_or_waits() {
    on_postgres(async |on, cut| {
        let job = on.check.create(&on.check.editor).await;
        let held = match on.attempt(cut, "job.claimed", on.claim()).await {
            Some(held) => held,
            None => on.claim().await.unwrap(),
        };
        assert_eq!((held.lease.job(), held.lease.attempt()), (job, 1));
        on.check.publish(&held).await.unwrap();
    });
}

#[test]
fn a_file_whose_publication_is_not_confirmed_is_published_once_or_not_at_all() {
    on_postgres(async |on, cut| {
        let held = on.check.building(&on.check.editor).await;
        if on.attempt(cut, "job.ready", on.publish(&held)).await.is_none() {
            on.publish(&held).await.unwrap();
        }
        let again = on.publish(&held).await.unwrap_err();
        assert!(matches!(again, StoreError::LeaseLost), "{again:?}");
    });
}

#[test]
fn a_job_whose_cancellation_is_not_confirmed_is_cancelled_once_or_not_at_all() {
    on_postgres(async |on, cut| {
        let job = on.check.create(&on.check.editor).await;
        let cancelled = on.attempt(cut, "job.cancelled", on.cancel(job)).await;
        assert_eq!(on.check.job(job).await.status.is_open(), cancelled.is_none());
        if let Some(committed) = cancelled {
            assert_eq!((committed.job, committed.id), (Some(job), None));
            assert_eq!(committed.seq, on.check.head().await - 1, "the first of two entries");
        } else {
            on.cancel(job).await.unwrap();
        }
    });
}

#[test]
fn the_end_of_a_download_is_noted_once_however_often_the_database_fails() {
    on_postgres_once(async |on| {
        let job = on.check.ready(&on.check.editor).await;
        for cut in [Cut::Before, Cut::After, Cut::Before, Cut::After] {
            let nonce = random_word();
            let make = LinkChange::Make { nonce, life_micros: LEASE_MICROS, is_bearer: false };
            let made =
                on.check.act(&on.check.editor, Action::DownloadLink, job, Change::Link(make));
            let link = LinkId(made.await.unwrap().id.unwrap());
            let target = on.check.target(job).await;
            let permit = on.check.permit(&on.check.editor, Action::DownloadStart, target).await;
            let started = on.store.start_download(permit, link, None).await.unwrap();
            let (head, cuts) = (on.check.head().await, on.proxy.cuts());
            on.proxy.cut_at(COMMIT, cut);
            let finished = on.store.finish_download(started, sent(10)).await.unwrap();
            assert_eq!(on.proxy.cuts(), cuts + 1, "it was cut");
            assert_eq!(on.check.head().await, head + 1);
            assert_eq!(finished.seq, head + 1);
        }
    });
}
