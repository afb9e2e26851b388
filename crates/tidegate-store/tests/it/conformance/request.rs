//! Requests for exports: how many, and which are the same one.

use tidegate_model::{
    action::Action,
    ids::JobId,
    job::{Idempotency, NewJob},
    trace::TraceParent,
};
use tidegate_store::{Change, Committed, StoreError};

use crate::check::{Check, new_job, target_of_new};

fn keyed(check: &Check, key: &str) -> NewJob {
    let request_hash = format!("hash of {key}");
    NewJob {
        idempotency: Some(Idempotency { key: key.to_owned(), request_hash }),
        ..new_job(&check.editor)
    }
}

#[test]
fn a_key_makes_one_job_and_tells_which() {
    Check::on_both(async |check| {
        let editor = check.editor.operator().unwrap();
        assert_eq!(check.store.job_of_key(editor, "a").await.unwrap(), None);
        let made = check.create_with(&check.editor, keyed(check, "a")).await.unwrap();
        let again = check.refused(check.create_with(&check.editor, keyed(check, "a"))).await;
        assert!(matches!(again, StoreError::Exists { what: "request" }), "{again:?}");
        let known = check.store.job_of_key(editor, "a").await.unwrap();
        assert_eq!(known, Some((made.job.unwrap(), "hash of a".to_owned())));

        check.create_with(&check.editor, keyed(check, "b")).await.unwrap();
        let mine = NewJob { created_by: check.admin.operator().unwrap(), ..keyed(check, "a") };
        check.create_with(&check.admin, mine).await.unwrap();
    });
}

#[test]
fn a_permit_for_one_request_is_none_for_another() {
    Check::on_both(async |check| {
        let asked = new_job(&check.admin);
        for other in [
            NewJob { subject: "orders".to_owned(), ..asked.clone() },
            NewJob { has_pii: true, ..asked.clone() },
            NewJob { created_by: check.editor.operator().unwrap(), ..asked.clone() },
        ] {
            let change = Change::CreateExport { job: Box::new(other), open_jobs_max: 9 };
            let target = (Action::ExportCreate, target_of_new(&asked));
            let refused = check.refused(check.change(&check.admin, target, change)).await;
            let expected = ("export.created", "another request");
            assert!(matches!(refused, StoreError::WrongPermit { permit, change }
                    if (permit, change) == expected));
        }
    });
}

#[test]
fn of_many_requests_with_one_key_at_once_one_makes_a_job() {
    Check::on_both(async |check| {
        let requests = (0..16).map(|_| check.create_with(&check.editor, keyed(check, "a")));
        let outcomes = futures_util::future::join_all(requests).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(check.site.number("select count(*) from jobs"), 1);
    });
}

#[test]
fn an_operator_has_no_more_open_jobs_than_the_site_allows() {
    Check::on_both(async |check| {
        let create = async |caller| -> Result<Committed, StoreError> {
            let job = new_job(caller);
            let target = target_of_new(&job);
            let change = Change::CreateExport { job: Box::new(job), open_jobs_max: 2 };
            check.change(caller, (Action::ExportCreate, target), change).await
        };
        let first = create(&check.editor).await.unwrap().job.unwrap();
        create(&check.editor).await.unwrap();
        let refused = check.refused(create(&check.editor)).await;
        assert!(matches!(refused, StoreError::TooManyOpen { open: 2, limit: 2 }), "{refused:?}");
        create(&check.admin).await.unwrap();
        let cancel = Change::CancelExport;
        check.act(&check.editor, Action::ExportCancel, first, cancel).await.unwrap();
        create(&check.editor).await.unwrap();
    });
}

#[test]
fn a_job_keeps_where_in_a_trace_it_was_made() {
    Check::on_both(async |check| {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        for trace in [TraceParent::parse(parent), None] {
            let job = NewJob { trace, ..new_job(&check.editor) };
            let id = check.create_with(&check.editor, job).await.unwrap().job.unwrap();
            assert_eq!(check.job(id).await.trace, trace);
            assert_eq!(check.claim().await.job.trace, trace, "its worker is told");
        }
        // What cannot be read harms nobody.
        check.site.execute("update jobs set trace = 'x'").unwrap();
        assert_eq!(check.job(JobId(1)).await.trace, None);
    });
}
