//! Whose a store is, and what becomes of what nobody knows in it.

use std::sync::Arc;

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    ids::JobId,
};
use tidegate_service::{
    ServiceError,
    artifacts::{ArtifactError, ObjectKey},
    upkeep::{PurgeSettings, SweepSettings, UpkeepError, purge, scrub, sweep},
};
use tidegate_store::{Change, EntryFilter, EntrySort, StoreOwnership};

use super::{LATER_MICROS, QUICK, attempted, file_of, found, names, on, on_all};
use crate::artifacts::{Rig, key};

pub(super) fn is_foreign(error: &UpkeepError) -> bool {
    matches!(error, UpkeepError::Artifacts(ArtifactError::Foreign))
}

#[test]
fn nothing_is_concluded_from_a_store_that_is_not_the_own_one() {
    on_all(async |check, rig| {
        let (ready, deleted) = (check.ready().await, check.ready().await);
        let lost = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.claim_and_die(lost).await;
        let orphan = attempted(check.service.store(), lost).await;
        check.upkeep().rescue().await.unwrap();
        rig.write(&orphan, b"content").await.unwrap();
        let ada = check.ada().await;
        check.service.delete_artifact(&ada, deleted.id).await.unwrap();
        let own = Arc::clone(&check.artifacts);
        // What is mounted in its place: nothing, or the store of another site.
        let (nothing, others) = (Rig::folder(), Rig::folder());
        others.put_past("tidegate-store.json", br#"{"about": "", "identity": "another"}"#);
        let stranger = key(7);
        others.write(&stranger, b"content").await.unwrap();
        for other in [&nothing, &others] {
            let artifacts = &other.artifacts;
            let store = check.service.store();
            let now = store.now().await.unwrap() + LATER_MICROS;
            let swept = sweep(store, artifacts, now, &SweepSettings::default()).await;
            assert!(is_foreign(&swept.unwrap_err()));
            let purged = purge(store, artifacts, &PurgeSettings::default()).await;
            assert!(is_foreign(&purged.unwrap_err()));
            let scrubbed = scrub(store, artifacts, &QUICK).await;
            assert!(is_foreign(&scrubbed.unwrap_err()));
            let link = check.service.make_link(&ada, ready.id).await.unwrap().link;
            let sent = check.service.redeem(artifacts, &ada, link.token(), None).await;
            let Err(ServiceError::Artifact(error)) = sent else { panic!("it is not there") };
            let words = "the artifact store is not the one of this control database (not mounted?)";
            assert!(error.to_string().contains(words), "{error}");
            for refused in [
                check.service.claim_store(artifacts).await,
                check.service.check_store(artifacts).await,
                check.service.delete_quarantined(&ada, artifacts, &stranger.to_string()).await,
            ] {
                let is_told =
                    matches!(refused, Err(ServiceError::Artifact(ArtifactError::Foreign)));
                assert!(is_told, "{refused:?}");
            }
        }
        assert_eq!(others.names().await, [stranger.to_string()]);
        assert_eq!(check.job(ready.id).await.fault, None);
        assert_eq!(check.job(deleted.id).await.purged_at, None);
        // Mounted again, everything is as it was.
        check.service.claim_store(&own).await.unwrap();
        assert_eq!(check.scrub().await.faults, []);
        assert_eq!(check.purge().await.purged, 1);
        assert_eq!(check.sweep(&SweepSettings::default()).await.unwrap().deleted, 1);
        assert_eq!(found(rig).await, names(&[&file_of(&ready)]));
    });
}

#[test]
fn a_store_is_the_own_one_from_the_first_start_on_until_another_is_adopted() {
    on_all(async |check, rig| {
        let ready = check.ready().await;
        let word = rig.artifacts.identity().await.unwrap();
        assert!(word.is_some());
        check.service.claim_store(&rig.artifacts).await.unwrap();
        // Somebody removed the word: nothing is certain any more.
        rig.artifacts.remove_identity().await.unwrap();
        assert!(check.service.claim_store(&rig.artifacts).await.is_err());
        assert_eq!(rig.artifacts.identity().await.unwrap(), None);
        let eve = check.person("eve@example.com").await;
        let denied = check.service.adopt_store(&eve, &rig.artifacts).await;
        assert!(matches!(denied, Err(ServiceError::Denied(_))), "{denied:?}");
        check.own(rig).await;
        let other = rig.artifacts.identity().await.unwrap();
        assert!(other.is_some() && other != word, "what was the store before is so no more");
        assert_eq!(check.scrub().await.checked, 1);
        assert_eq!(check.job(ready.id).await.fault, None);
        let filter =
            EntryFilter { action: Some("store.adopted".to_owned()), ..EntryFilter::default() };
        let entries =
            check.service.store().list_entries(&filter, EntrySort::Newest, None, 10).await.unwrap();
        assert_eq!(entries.len(), 3, "the rig, the refused one, and this one");
    });
}

#[test]
fn a_control_database_from_before_claims_no_store_without_its_files() {
    on(Rig::folder, async |check, rig| {
        let ready = check.ready().await;
        let own = check.service.store().own_store().await.unwrap();
        // As it was before there was such a word.
        let asked = (Action::StoreAdopt, Target::default());
        let adopt = StoreOwnership::Adopt { identity: own.identity, found: None };
        check.write_as_ada(asked, Change::Ownership(adopt)).await;
        rig.artifacts.remove_identity().await.unwrap();
        let empty = Rig::folder();
        assert!(check.service.claim_store(&empty.artifacts).await.is_err());
        assert!(check.service.check_store(&empty.artifacts).await.is_err());
        assert_eq!(empty.artifacts.identity().await.unwrap(), None);
        check.service.check_store(&rig.artifacts).await.unwrap();
        check.service.claim_store(&rig.artifacts).await.unwrap();
        assert!(rig.artifacts.identity().await.unwrap().is_some());
        assert_eq!(found(rig).await, names(&[&file_of(&ready)]));
    });
}

#[test]
fn what_nobody_knows_is_kept_until_somebody_releases_or_deletes_it() {
    on_all(async |check, rig| {
        let ada = check.ada().await;
        let [first, second] = [ObjectKey::new(JobId(71), 1), ObjectKey::new(JobId(72), 1)];
        for key in [&first, &second] {
            rig.write(key, b"content").await.unwrap();
            rig.artifacts.put_manifest(key, "{}").await.unwrap();
        }
        check.sweep(&SweepSettings::default()).await.unwrap();
        let filter = EntryFilter {
            action: Some("artifact.quarantined".to_owned()),
            ..EntryFilter::default()
        };
        let entries =
            check.service.store().list_entries(&filter, EntrySort::Newest, None, 10).await.unwrap();
        assert_eq!(entries.len(), 1);
        assert!(entries[0].text.contains(&first.to_string()), "{}", entries[0].text);
        let keys = async || -> Vec<String> {
            let held = check.service.quarantined(&ada, None, 100).await.unwrap();
            held.into_iter().map(|file| file.key).collect()
        };
        assert_eq!(keys().await, [first.to_string(), second.to_string()]);
        let vic = check.person("vic@example.com").await;
        assert!(check.service.quarantined(&vic, None, 100).await.is_err());
        let (one, other) = (first.to_string(), second.to_string());
        assert!(check.service.release_quarantined(&vic, &one).await.is_err());
        let deleted = check.service.delete_quarantined(&vic, &check.artifacts, &one).await;
        assert!(deleted.is_err());
        check.service.release_quarantined(&ada, &one).await.unwrap();
        check.service.delete_quarantined(&ada, &check.artifacts, &other).await.unwrap();
        let again = check.service.delete_quarantined(&ada, &check.artifacts, &other).await;
        assert!(matches!(again, Err(ServiceError::NotFound)), "{again:?}");
        assert!(keys().await.is_empty());
        assert_eq!(found(rig).await, names(&[&first]));
        // What the store did not delete then, the next sweep does; what was released, stays.
        rig.write(&second, b"content").await.unwrap();
        let swept = check.sweep(&SweepSettings::default()).await.unwrap();
        assert_eq!((swept.deleted, swept.quarantined), (1, 0), "{swept:?}");
        assert_eq!(found(rig).await, names(&[&first]));
    });
}
