//! Entries: one for what was done, one for what was refused, none for what did not happen.

use tidegate_model::{
    action::{Action, Target},
    audit::{Entry, Outcome},
    job::NewJob,
    policy::{PII_TAG, authorize},
};
use tidegate_store::{Change, EntryFilter, StoreError};

use crate::check::{Check, new_job, target_of_new};

async fn last_entry(check: &Check) -> Entry {
    let stored = check.store.find_entries(&EntryFilter::default(), None, 1).await.unwrap();
    serde_json::from_str(&stored[0].text).unwrap()
}

#[test]
fn what_is_refused_leaves_one_denied_entry_and_nothing_else() {
    Check::on_both(async |check| {
        let job = NewJob { subject: "orders".to_owned(), has_pii: true, ..new_job(&check.editor) };
        let policy = check.store.policy().await.unwrap();
        let target = target_of_new(&job);
        let denied = authorize(&policy, &check.editor, Action::ExportCreate, target).unwrap_err();
        let (committed, left) = check.watch(check.store.refuse(&denied)).await;
        assert_eq!(left.entries, ["export.created denied operator 0"]);
        assert_eq!(committed.unwrap().seq, check.head().await);
        assert_eq!(check.site.number("select count(*) from jobs"), 0);

        let entry = last_entry(check).await;
        assert_eq!((entry.outcome, entry.policy), (Outcome::Denied, policy.version));
        assert_eq!(entry.operator, check.editor.operator().map(|id| id.0));
        assert_eq!(entry.subject.as_deref(), Some("orders"));
        assert_eq!(entry.tags, [PII_TAG]);
        assert_eq!(entry.details["refused"]["missing"]["capability"], "orders.export");
    });
}

#[test]
fn an_entry_says_who_did_what_to_which_job_and_what_was_made() {
    Check::on_both(async |check| {
        let job = NewJob { subject: "orders".to_owned(), has_pii: true, ..new_job(&check.admin) };
        let committed = check.create_with(&check.admin, job).await.unwrap();
        let entry = last_entry(check).await;
        assert_eq!((entry.seq, entry.job), (committed.seq, committed.job.map(|job| job.0)));
        assert_eq!(entry.details["id"].as_i64(), committed.id);
        assert_eq!(entry.name, "ada@example.com");
        assert_eq!(entry.role.as_deref(), Some("administrator"));
        assert_eq!((entry.via.as_str(), entry.address.as_deref()), ("api", Some("192.0.2.7")));
        assert_eq!(entry.tags, [PII_TAG]);
        assert_eq!(entry.details["format"], "csv");
        assert_eq!(entry.details["fields"], serde_json::json!(["id", "title"]));
    });
}

#[test]
fn a_permit_is_good_for_its_own_change_only() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let permit =
            check.permit(&check.editor, Action::ExportCancel, check.target(job).await).await;
        let refused = check.refused(check.store.commit(permit, Change::DeleteArtifact)).await;
        let expected = ("export.cancel_requested", "artifact.deleted");
        assert!(
            matches!(refused, StoreError::WrongPermit { permit, change } if (permit, change) == expected),
        );
        let none = Target::default();
        let permit = check.permit(&check.admin, Action::ExportCancel, none).await;
        let refused = check.refused(check.store.commit(permit, Change::CancelExport)).await;
        assert!(matches!(refused, StoreError::Missing { what: "job" }), "{refused:?}");
    });
}

#[test]
fn entries_are_found_by_what_they_are_about() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let pii = NewJob { subject: "users".to_owned(), has_pii: true, ..new_job(&check.admin) };
        check.create_with(&check.admin, pii).await.unwrap();
        check.claim().await;
        let found = async |filter: EntryFilter, before| -> Vec<i64> {
            let found = check.store.find_entries(&filter, before, 100).await.unwrap();
            found.iter().map(|entry| entry.seq).collect()
        };
        let head = check.head().await;
        let none = EntryFilter::default;
        let of_job = EntryFilter { job: Some(job), ..none() };
        assert_eq!(found(of_job.clone(), None).await, [head, head - 2], "newest first");
        assert_eq!(found(of_job, Some(head)).await, [head - 2]);
        let of_subject = EntryFilter { subject: Some("users".to_owned()), ..none() };
        assert_eq!(found(of_subject, None).await, [head - 1]);
        let tagged = EntryFilter { tag: Some(PII_TAG.to_owned()), ..none() };
        assert_eq!(found(tagged, None).await, [head - 1]);
        let by_editor = EntryFilter { operator: check.editor.operator(), ..none() };
        assert_eq!(found(by_editor, None).await, [head - 2]);
        let claims = EntryFilter { action: Some("job.claimed".to_owned()), ..none() };
        assert_eq!(found(claims, None).await, [head]);
        assert_eq!(found(none(), None).await.len() as i64, head);
    });
}
