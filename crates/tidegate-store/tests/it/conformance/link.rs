//! Links to files, and the downloads that begin with them.

use tidegate_model::{
    action::Action,
    ids::{JobId, LinkId},
};
use tidegate_store::{Change, Committed, LinkChange, StoreError};

use crate::check::{Check, ENDED_MICROS, LEASE_MICROS, random_word};

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

async fn start(check: &Check, job: JobId, link: LinkId) -> Result<Committed, StoreError> {
    let change = Change::DownloadStarted { link: link.0, range: Some((0, 10)) };
    check.act(&check.editor, Action::DownloadStart, job, change).await
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
            let (_, left) = check.watch(start(check, job, link)).await;
            assert_eq!(left.entries, [format!("download.started done operator {job}")]);
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
