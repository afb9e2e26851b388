//! Whose the artifact store is, and what lies in quarantine.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
};
use tidegate_store::{Change, Committed, ObjectUse, StoreError, StoreOwnership, UnknownObject};

use crate::check::{Check, random_word};

async fn upkeep(check: &Check, action: Action, change: Change) -> Result<Committed, StoreError> {
    check.change(&Caller::upkeep("upkeep"), (action, Target::default()), change).await
}

async fn manage(check: &Check, action: Action, change: Change) -> Result<Committed, StoreError> {
    check.change(&check.admin, (action, Target::default()), change).await
}

fn claim() -> Change {
    Change::Ownership(StoreOwnership::Claim)
}

fn keys(keys: &[&str]) -> Change {
    let unknown = |key: &&str| UnknownObject { key: (*key).to_owned(), bytes: 7 };
    Change::Quarantine(keys.iter().map(unknown).collect())
}

#[test]
fn an_artifact_store_is_claimed_once_until_another_one_is_adopted() {
    Check::on_both(async |check| {
        let first = check.store.own_store().await.unwrap();
        assert!(!first.is_claimed && first.identity.len() == 32, "{first:?}");
        upkeep(check, Action::StoreClaim, claim()).await.unwrap();
        assert!(check.store.own_store().await.unwrap().is_claimed);
        let again = check.refused(upkeep(check, Action::StoreClaim, claim())).await;
        assert!(matches!(again, StoreError::Exists { .. }), "{again:?}");
        let identity = random_word();
        let found = Some(first.identity);
        let adopt = StoreOwnership::Adopt { identity: identity.clone(), found };
        manage(check, Action::StoreAdopt, Change::Ownership(adopt)).await.unwrap();
        let other = check.store.own_store().await.unwrap();
        assert_eq!((other.identity, other.is_claimed), (identity, false));
        upkeep(check, Action::StoreClaim, claim()).await.unwrap();
    });
}

#[test]
fn what_is_in_quarantine_stays_until_somebody_says_what_becomes_of_it() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let known = check.job(job).await.artifact_key.unwrap();
        let keep = keys(&["9/1-a", "9/1-b", "9/1-c"]);
        upkeep(check, Action::ArtifactQuarantine, keep).await.unwrap();
        // Found once more, they are what they were.
        let again = upkeep(check, Action::ArtifactQuarantine, keys(&["9/1-a", "9/1-b"]));
        assert!(matches!(check.refused(again).await, StoreError::Exists { .. }));
        upkeep(check, Action::ArtifactQuarantine, keys(&["9/1-a", "9/1-d"])).await.unwrap();
        let end = |key: &str| Change::EndQuarantine(key.to_owned());
        manage(check, Action::QuarantineRelease, end("9/1-b")).await.unwrap();
        manage(check, Action::QuarantineDelete, end("9/1-c")).await.unwrap();
        for (action, key) in [
            (Action::QuarantineRelease, "9/1-b"),
            (Action::QuarantineDelete, "9/1-c"),
            (Action::QuarantineDelete, "9/9-z"),
        ] {
            let refused = check.refused(manage(check, action, end(key))).await;
            assert!(matches!(refused, StoreError::Missing { .. }), "{refused:?}");
        }
        let held = check.store.quarantined("", 100).await.unwrap();
        let held: Vec<&str> = held.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(held, ["9/1-a", "9/1-d"]);
        let behind = check.store.quarantined("9/1-a", 1).await.unwrap();
        assert_eq!((behind[0].key.as_str(), behind[0].bytes), ("9/1-d", 7));
        assert_eq!(check.store.count_quarantined().await.unwrap(), 2);
        // What a job has is its file, whatever else is said of it.
        upkeep(check, Action::ArtifactQuarantine, keys(&[&known])).await.unwrap();
        manage(check, Action::QuarantineDelete, end(&known)).await.unwrap();
        let all = ["9/1-a", "9/1-b", "9/1-c", "9/9-z", known.as_str()].map(str::to_owned);
        let uses = check.store.object_uses(&all).await.unwrap();
        let uses: Vec<Option<ObjectUse>> = all.iter().map(|key| uses.get(key).copied()).collect();
        let (kept, dropped) = (Some(ObjectUse::Kept), Some(ObjectUse::Dropped));
        assert_eq!(uses, [kept, kept, dropped, None, Some(ObjectUse::Shown)]);
    });
}
