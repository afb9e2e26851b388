//! Links to files, and the downloads that begin with them.

use tidegate_model::{
    action::{Action, Target},
    audit::Entry,
    ids::{JobId, LinkId},
    settings::{BearerHours, Settings},
};
use tidegate_store::{Change, Committed, LinkChange, StartedDownload, StoreError};

use crate::check::{Check, ENDED_MICROS, LEASE_MICROS, random_word, sent};

const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;

async fn make(check: &Check, job: JobId, life_micros: i64) -> Result<Committed, StoreError> {
    let make = LinkChange::Make { nonce: random_word(), life_micros, is_bearer: false };
    check.act(&check.editor, Action::DownloadLink, job, Change::Link(make)).await
}

async fn made(check: &Check, job: JobId) -> LinkId {
    LinkId(make(check, job, LEASE_MICROS).await.unwrap().id.unwrap())
}

async fn revoke(check: &Check, job: JobId, link: LinkId) -> Result<Committed, StoreError> {
    let change = Change::Link(LinkChange::Revoke(link));
    check.act(&check.editor, Action::DownloadLink, job, change).await
}

async fn start(check: &Check, job: JobId, link: LinkId) -> Result<StartedDownload, StoreError> {
    let target = check.target(job).await;
    let permit = check.permit(&check.editor, Action::DownloadStart, target).await;
    check.store.start_download(permit, link, Some((0, 10))).await
}

fn is_missing(error: &StoreError, expected: &str) -> bool {
    matches!(error, StoreError::Missing { what } if *what == expected)
}

#[test]
fn a_link_begins_downloads_until_it_is_taken_back() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let link = made(check, job).await;
        let found = check.store.link(link).await.unwrap().unwrap();
        assert_eq!((found.job, Some(found.operator)), (job, check.editor.operator()));
        assert!(!found.is_revoked && !found.is_bearer);
        for _ in 0..2 {
            let (started, left) = check.watch(start(check, job, link)).await;
            assert_eq!(left.entries, [format!("download.started done operator {job}")]);
            let finish = check.store.finish_download(started.unwrap(), sent(10));
            let (finished, left) = check.watch(finish).await;
            assert_eq!(left.entries, [format!("download.finished done operator {job}")]);
            assert_eq!(finished.unwrap().job, Some(job));
        }
        revoke(check, job, link).await.unwrap();
        assert!(check.store.link(link).await.unwrap().unwrap().is_revoked);
        assert!(is_missing(&check.refused(start(check, job, link)).await, "link"));
        assert!(is_missing(&check.refused(revoke(check, job, link)).await, "link"));
    });
}

#[test]
fn a_link_is_good_for_its_file_and_its_time() {
    Check::on_both(async |check| {
        let (job, other) = (check.ready(&check.editor).await, check.ready(&check.editor).await);
        let link = made(check, job).await;
        assert!(is_missing(&check.refused(start(check, other, link)).await, "link"));
        assert!(is_missing(&check.refused(revoke(check, other, link)).await, "link"));
        let ended = LinkId(make(check, job, ENDED_MICROS).await.unwrap().id.unwrap());
        assert!(is_missing(&check.refused(start(check, job, ended)).await, "link"));
        assert!(check.store.link(LinkId(9_999)).await.unwrap().is_none());
    });
}

#[test]
fn what_has_no_whole_file_has_no_links() {
    Check::on_both(async |check| {
        let pending = check.create(&check.editor).await;
        let refused = check.refused(make(check, pending, LEASE_MICROS)).await;
        assert!(matches!(refused, StoreError::Conflict { .. }), "{refused:?}");

        let job = check.ready(&check.editor).await;
        let link = made(check, job).await;
        let change = Change::Fault { fault: "corrupt".to_owned() };
        check.upkeep(Action::ArtifactFault, job, change).await.unwrap();
        assert!(is_missing(&check.refused(make(check, job, LEASE_MICROS)).await, "whole file"));
        assert!(is_missing(&check.refused(start(check, job, link)).await, "whole file"));
    });
}

#[test]
fn a_download_that_began_is_noted_to_its_end_whatever_became_of_the_file() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let link = made(check, job).await;
        let started = start(check, job, link).await.unwrap();
        let begun = check.head().await;
        let change = Change::DeleteArtifact;
        check.act(&check.editor, Action::ArtifactDelete, job, change).await.unwrap();
        check.store.finish_download(started, sent(4)).await.unwrap();
        let entry = check.site.rows("select entry from activity order by seq desc limit 1");
        let entry: Entry = serde_json::from_str(entry[0][0].as_deref().unwrap()).unwrap();
        assert_eq!(entry.action, "download.finished");
        assert_eq!(entry.details["started"].as_i64(), Some(begun));
        assert_eq!(entry.details["bytes"].as_u64(), Some(4));
        assert_eq!(entry.details["reason"], "sent");
        assert_eq!(entry.operator, check.editor.operator().map(|id| id.0));
    });
}

/// Sets the hours that a bearer link may live.
async fn allow_bearers(check: &Check, hours: Option<u32>) {
    let hours = hours.map(|hours| BearerHours::try_from(hours).unwrap());
    let settings = Settings { bearer_link_hours_max: hours, ..Settings::default() };
    let asked = (Action::SettingChange, Target::default());
    check.change(&check.admin, asked, Change::Settings(Box::new(settings.into()))).await.unwrap();
}

async fn make_bearer(check: &Check, job: JobId, hours: i64) -> Result<Committed, StoreError> {
    let life_micros = hours * HOUR_MICROS;
    let make = LinkChange::Make { nonce: random_word(), life_micros, is_bearer: true };
    check.act(&check.editor, Action::DownloadLink, job, Change::Link(make)).await
}

#[test]
fn a_bearer_link_is_made_and_used_only_as_the_settings_of_now_allow() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        check
            .site
            .execute(&format!("update jobs set expires_at = expires_at * 2 where id = {job}"))
            .unwrap();
        let setting = "setting for such bearer links";
        assert!(is_missing(&check.refused(make_bearer(check, job, 1)).await, setting));
        allow_bearers(check, Some(2)).await;
        assert!(is_missing(&check.refused(make_bearer(check, job, 3)).await, setting));
        let link = LinkId(make_bearer(check, job, 2).await.unwrap().id.unwrap());
        start(check, job, link).await.unwrap();
        // It was made one and a half hours ago.
        let ago = 3 * HOUR_MICROS / 2;
        let age = format!("update links set created_at = created_at - {ago} where id = {}", link.0);
        check.site.execute(&age).unwrap();
        start(check, job, link).await.unwrap();
        allow_bearers(check, Some(1)).await;
        assert!(is_missing(&check.refused(start(check, job, link)).await, "link"));
        allow_bearers(check, Some(24)).await;
        start(check, job, link).await.unwrap();
        // Switched off, it is dead for good, and the links of those who sign in live on.
        let other = made(check, job).await;
        allow_bearers(check, None).await;
        allow_bearers(check, Some(24)).await;
        assert!(is_missing(&check.refused(start(check, job, link)).await, "link"));
        start(check, job, other).await.unwrap();
    });
}

#[test]
fn a_link_is_good_for_whom_it_was_made() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let link = made(check, job).await;
        let target = check.target(job).await;
        let permit = check.permit(&check.admin, Action::DownloadStart, target).await;
        let other = check.store.start_download(permit, link, None);
        assert!(is_missing(&check.refused(other).await, "link"));
        // And it does not outlive its file.
        let made = make(check, job, i64::MAX / 2).await.unwrap();
        let found = check.store.link(LinkId(made.id.unwrap())).await.unwrap().unwrap();
        assert_eq!(Some(found.expires_at), check.job(job).await.expires_at);
    });
}

#[test]
fn the_links_of_a_deleted_file_are_dead() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let link = made(check, job).await;
        let change = Change::DeleteArtifact;
        check.act(&check.editor, Action::ArtifactDelete, job, change).await.unwrap();
        assert!(check.store.link(link).await.unwrap().unwrap().is_revoked);
        let refused = check.refused(start(check, job, link)).await;
        assert!(matches!(refused, StoreError::Conflict { .. }), "{refused:?}");
    });
}
