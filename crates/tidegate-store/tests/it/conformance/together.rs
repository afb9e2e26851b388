//! Changes that wait for each other: they share a transaction, and nothing else.

use futures_util::future::join_all;
use tidegate_model::{
    action::Action,
    ids::JobId,
    job::{Idempotency, NewJob},
};
use tidegate_store::{Change, Committed, StoreError};

use crate::check::{Check, OPEN_JOBS_MAX, new_job, target_of_new};

/// Changes of each kind that come at once.
const EACH: usize = 12;

fn creation(job: NewJob) -> Change {
    Change::CreateExport { job: Box::new(job), open_jobs_max: OPEN_JOBS_MAX }
}

/// Commits all of them at once, each with its permit.
async fn at_once(check: &Check, jobs: Vec<NewJob>) -> Vec<Result<Committed, StoreError>> {
    let mut changes = Vec::new();
    for job in jobs {
        let target = target_of_new(&job);
        let permit = check.permit(&check.editor, Action::ExportCreate, target).await;
        changes.push(check.store.commit(permit, creation(job)));
    }
    join_all(changes).await
}

#[test]
fn changes_that_come_at_once_share_transactions_and_each_stands_for_itself() {
    Check::on_both(async |check| {
        let plain = || new_job(&check.editor);
        let idempotency = Idempotency { key: "k".to_owned(), request_hash: "h".to_owned() };
        let keyed = || NewJob { idempotency: Some(idempotency.clone()), ..plain() };
        // The database itself refuses it: there is no such job.
        let broken = || NewJob { rerun_of: Some(JobId(999)), ..plain() };
        let jobs = (0..EACH).flat_map(|_| [plain(), keyed(), broken()]).collect();
        let outcomes = at_once(check, jobs).await;

        let of = |kind: usize| outcomes.iter().skip(kind).step_by(3);
        assert!(of(0).all(Result::is_ok), "{outcomes:?}");
        assert_eq!(of(1).filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let refused = of(1).filter_map(|outcome| outcome.as_ref().err());
        for error in refused {
            assert!(matches!(error, StoreError::Exists { what: "request" }), "{error:?}");
        }
        assert!(of(2).all(|one| matches!(one, Err(StoreError::Database(_)))), "{outcomes:?}");

        // Each answer names what it made: its own job, and its own entry.
        for made in outcomes.iter().flatten() {
            let (job, seq) = (made.job.unwrap(), made.seq);
            let query = format!("select job_id from activity where seq = {seq}");
            assert_eq!(check.site.number(&query), job.0);
        }
        let jobs = check.site.number("select count(*) from jobs");
        assert_eq!(jobs, i64::try_from(EACH).unwrap() + 1);
        let moments = check.site.number("select count(distinct created_at) from jobs");
        assert!(moments < jobs, "{jobs} jobs were made in {moments} transactions");
    });
}

#[test]
fn transitions_that_come_at_once_name_each_its_own_entry() {
    Check::on_both(async |check| {
        let mut jobs = Vec::new();
        for _ in 0..EACH {
            jobs.push(check.create(&check.editor).await);
        }
        let cancel =
            |job| check.act(&check.editor, Action::ExportCancel, job, Change::CancelExport);
        let outcomes = join_all(jobs.into_iter().map(cancel)).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let moments = check.site.number("select count(distinct at) from transitions");
        assert!(moments < EACH as i64, "each was cancelled in a transaction of its own");
        let own = "select count(*) from transitions t join activity a on a.seq = t.activity_seq \
                   where a.job_id = t.job_id and a.action = 'export.cancel_requested'";
        assert_eq!(check.site.number(own), EACH as i64);
    });
}
