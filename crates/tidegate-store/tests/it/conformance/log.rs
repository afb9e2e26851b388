//! Entries: one for what was done, one for what was refused, none for what did not happen.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{CHECKPOINT_VERSION, Checkpoint, Entry, FIRST_HASH, Outcome, SignedCheckpoint},
    job::NewJob,
    policy::{PII_TAG, authorize},
};
use tidegate_store::{Change, EntryFilter, EntrySort, HoldRequest, StoreError, StreamHold};

use crate::check::{Check, LEASE_MICROS, new_job, target_of_new};

async fn last_entry(check: &Check) -> Entry {
    let stored = check
        .store
        .list_entries(&EntryFilter::default(), EntrySort::Newest, None, 1)
        .await
        .unwrap();
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

/// Spends a permit of this action on a checkpoint.
async fn keep(check: &Check, action: Action, number: i64) -> Result<bool, StoreError> {
    let (seq, head) = check.store.head().await.unwrap();
    let checkpoint = Checkpoint {
        v: CHECKPOINT_VERSION,
        number,
        seq,
        head,
        at: "2026-11-22T00:00:00Z".to_owned(),
        prev: FIRST_HASH.to_owned(),
    };
    let (key, signature) = ("k".to_owned(), "s".to_owned());
    let signed = SignedCheckpoint { checkpoint: checkpoint.text(), key, signature };
    check.store.keep_checkpoint(check.log_permit(action).await, &checkpoint, &signed).await
}

/// Spends a permit of this action on a hold.
async fn hold(
    check: &Check,
    action: Action,
    holder: &str,
) -> Result<Option<StreamHold>, StoreError> {
    let request = HoldRequest { sink: "file", holder, hold_micros: LEASE_MICROS };
    check.store.hold_stream(check.log_permit(action).await, request).await
}

#[test]
fn what_the_log_notes_of_itself_takes_its_permit_and_leaves_no_entry() {
    Check::on_both(async |check| {
        let (kept, left) = check.watch(keep(check, Action::CheckpointKeep, 1)).await;
        assert!(kept.unwrap());
        assert!(left.entries.is_empty() && left.transitions.is_empty());
        assert!(!keep(check, Action::CheckpointKeep, 1).await.unwrap(), "it is there");

        let (held, left) = check.watch(hold(check, Action::StreamHold, "a")).await;
        assert!(left.entries.is_empty() && left.transitions.is_empty());
        let held = held.unwrap().expect("nobody has it");
        assert_eq!(held.seq(), 0);
        assert!(hold(check, Action::StreamHold, "b").await.unwrap().is_none());
        assert!(check.store.note_streamed(&held, 3).await.unwrap());
        assert_eq!(check.store.streamed("file").await.unwrap(), 3);
        assert!(!check.store.note_streamed(&held, 2).await.unwrap(), "it does not go back");
        check.store.leave_stream(held).await.unwrap();
        let next = hold(check, Action::StreamHold, "b").await.unwrap().expect("it was left");
        assert_eq!(next.seq(), 3);
    });
}

#[test]
fn a_permit_for_something_else_is_none_for_the_log() {
    Check::on_both(async |check| {
        for &action in Action::ALL {
            // Only what upkeep may do at all can be tried here.
            let policy = check.store.policy().await.unwrap();
            let upkeep = Caller::upkeep("log");
            if authorize(&policy, &upkeep, action, Target::default()).is_err() {
                continue;
            }
            if action != Action::CheckpointKeep {
                let refused = check.refused(keep(check, action, 1)).await;
                assert!(matches!(refused, StoreError::WrongPermit { .. }), "{refused:?}");
            }
            if action != Action::StreamHold {
                let refused = check.refused(hold(check, action, "a")).await;
                assert!(matches!(refused, StoreError::WrongPermit { .. }), "{refused:?}");
            }
            if !action.leaves_entry() {
                let permit = check.log_permit(action).await;
                let refused = check.refused(check.store.commit(permit, Change::Expire)).await;
                assert!(matches!(refused, StoreError::WrongPermit { .. }), "{refused:?}");
            }
        }
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
            let found =
                check.store.list_entries(&filter, EntrySort::Newest, before, 100).await.unwrap();
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
        let by_editor = EntryFilter { actor: Some(check.editor.name.clone()), ..none() };
        assert_eq!(found(by_editor, None).await, [head - 2]);
        let claims = EntryFilter { action: Some("job.claimed".to_owned()), ..none() };
        assert_eq!(found(claims, None).await, [head]);
        assert_eq!(found(none(), None).await.len() as i64, head);
    });
}
