//! A bucket whose server fails: at each request, in each way.

use tidegate_model::job::FailureReason;
use tidegate_service::artifacts::{ArtifactError, BucketOptions, ObjectKey};
use tidegate_testkit::s3::{Bucket, Fault, FaultKind, S3};

use super::{PART_BYTES, PREFIX, Place, Rig, key, noise};

/// Faults after which the next try may go well.
const PASSING: [FaultKind; 6] = [
    FaultKind::Refuse(500, "InternalError"),
    FaultKind::Refuse(503, "SlowDown"),
    FaultKind::Refuse(429, "TooManyRequests"),
    FaultKind::LoseRequest,
    FaultKind::LoseReply,
    FaultKind::CutReply,
];

fn bucket(rig: &Rig) -> &Bucket<'static> {
    match &rig.place {
        Place::Bucket(bucket) => bucket,
        Place::Folder(_) => panic!("a folder is no bucket"),
    }
}

/// What the bucket has under a key, past the store.
fn content(rig: &Rig, key: &ObjectKey) -> Option<Vec<u8>> {
    bucket(rig).object(&format!("{PREFIX}/{key}"))
}

async fn survives(rig: &Rig, fault: Fault, bytes: usize) {
    let said = format!("{fault:?}");
    let (key, expected) = (key(1), noise(bytes));
    bucket(rig).will(fault);
    let written = rig.write(&key, &expected).await;
    let written = written.unwrap_or_else(|error| panic!("{said}: {error:?}"));
    assert_eq!(bucket(rig).mend(), 0, "{said} has happened");
    assert!(content(rig, &key).unwrap() == expected, "{said}");
    assert!(rig.read(&written, None).await.unwrap() == expected, "{said}");
    rig.artifacts.delete(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_survives_a_fault_at_any_of_its_requests() {
    let rig = Rig::bucket();
    // Begin, three parts, complete, look. What is told by a status is told by one as by the other.
    for index in 0..6 {
        for kind in &PASSING[2..] {
            survives(&rig, Fault::new(*kind).skip(index), 2 * PART_BYTES + 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_survives_a_fault_at_any_of_its_requests() {
    let rig = Rig::bucket();
    for index in 0..2 {
        for kind in PASSING {
            survives(&rig, Fault::new(kind).skip(index), 1_000).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_faults_in_a_row_are_no_more_than_one() {
    let rig = Rig::bucket();
    // Of an answer without a body nothing can be cut.
    for kind in PASSING.into_iter().filter(|kind| *kind != FaultKind::CutReply) {
        survives(&rig, Fault::new(kind).on("^PUT").times(2), 1_000).await;
        survives(&rig, Fault::new(kind).on("^POST .*uploadId").times(2), PART_BYTES).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_nobody_confirmed_is_looked_for() {
    let rig = Rig::bucket();
    let complete = "^POST .*uploadId";
    // It is done, the answer is lost, and asked again the store does not know the upload.
    bucket(&rig).will(Fault::new(FaultKind::Refuse(404, "NoSuchUpload")).on(complete).skip(1));
    survives(&rig, Fault::new(FaultKind::LoseReply).on(complete), PART_BYTES).await;
    // It is not done, and the answer says nothing that makes sense.
    survives(&rig, Fault::new(FaultKind::FalseOk("Strange")).on(complete), PART_BYTES).await;
    survives(&rig, Fault::new(FaultKind::FalseOk("InternalError")).on(complete), PART_BYTES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_falls_silent_is_not_waited_for() {
    let options = BucketOptions { request_seconds_max: 1, ..BucketOptions::default() };
    let rig = Rig::in_bucket(S3::shared().bucket(), &options);
    for kind in [FaultKind::SilentReply, FaultKind::SilentRequest] {
        survives(&rig, Fault::new(kind).on("^POST .*uploadId"), PART_BYTES).await;
        survives(&rig, Fault::new(kind).on("^PUT"), 1_000).await;
        survives(&rig, Fault::new(kind).on("^HEAD"), 1_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_completed_is_never_taken_back() {
    let rig = Rig::bucket();
    let (key, expected) = (key(1), noise(PART_BYTES));
    bucket(&rig).will(Fault::new(FaultKind::LoseReply).on("^POST .*uploadId").always());
    bucket(&rig).will(Fault::new(FaultKind::Refuse(503, "SlowDown")).on("^HEAD").always());
    let error = rig.write(&key, &expected).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Unavailable { .. }), "{error}");
    bucket(&rig).mend();
    rig.artifacts.settle().await;
    assert!(content(&rig, &key).unwrap() == expected);
    assert!(
        !bucket(&rig)
            .requests()
            .iter()
            .any(|line| { line.starts_with("DELETE") && !line.contains("uploadId") })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_go_on_is_given_up() {
    let rig = Rig::bucket();
    for fault in [
        Fault::new(FaultKind::Refuse(503, "SlowDown")).on("partNumber=2").always(),
        Fault::new(FaultKind::Refuse(400, "BadDigest")).on("partNumber=2").always(),
        Fault::new(FaultKind::LoseRequest).on("partNumber=3").always(),
        Fault::new(FaultKind::Refuse(400, "InvalidPart")).on("^POST .*uploadId").always(),
        Fault::new(FaultKind::FalseOk("InternalError")).on("^POST .*uploadId").always(),
    ] {
        let said = format!("{fault:?}");
        bucket(&rig).will(fault);
        let error = rig.write(&key(1), &noise(4 * PART_BYTES + 1)).await.expect_err(&said);
        assert_eq!(error.reason(), FailureReason::StoreUnavailable, "{said}");
        rig.artifacts.settle().await;
        bucket(&rig).mend();
        assert!(rig.is_empty().await, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_asked_about_again() {
    let rig = Rig::bucket();
    bucket(&rig).will(Fault::new(FaultKind::Refuse(403, "AccessDenied")).on("^POST").always());
    let error = rig.write(&key(1), &noise(PART_BYTES + 1)).await;
    assert!(error.is_err());
    let asked = bucket(&rig).requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_goes_on_where_it_was() {
    let rig = Rig::bucket();
    let expected = noise(3_000_000);
    let written = rig.write(&key(1), &expected).await.unwrap();
    bucket(&rig).will(Fault::new(FaultKind::CutReply).on("^GET").times(3));
    assert!(rig.read(&written, None).await.unwrap() == expected);
    bucket(&rig).will(Fault::new(FaultKind::CutReply).on("^GET").times(2));
    let part = rig.read(&written, Some(1_000_000..2_500_000)).await.unwrap();
    assert!(part == expected[1_000_000..2_500_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_cannot_go_on_is_an_error_and_no_fault_of_the_file() {
    let rig = Rig::bucket();
    let written = rig.write(&key(1), &noise(3_000_000)).await.unwrap();
    bucket(&rig).will(Fault::new(FaultKind::CutReply).on("^GET"));
    bucket(&rig).will(Fault::new(FaultKind::Refuse(503, "SlowDown")).on("^GET").always());
    let (passed, error) = rig.read_broken(&written).await;
    assert!(passed < 3_000_000);
    assert_eq!(error.fault(), None, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_faults() {
    let rig = Rig::bucket();
    for kind in PASSING {
        let key = key(1);
        rig.write(&key, b"content").await.unwrap();
        rig.artifacts.put_manifest(&key, "{}").await.unwrap();
        bucket(&rig).will(Fault::new(kind).on("^(DELETE|HEAD)").times(3));
        rig.artifacts.delete(&key).await.unwrap();
        assert!(!rig.artifacts.has(&key).await.unwrap(), "{kind:?}");
        bucket(&rig).mend();
        assert!(bucket(&rig).keys().is_empty(), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_leaves_no_version_behind() {
    let rig = Rig::in_bucket(S3::shared().versioned_bucket(), &BucketOptions::default());
    let (gone, kept) = (key(1), key(1));
    for key in [&gone, &kept] {
        rig.write(key, b"content").await.unwrap();
        rig.artifacts.put_manifest(key, "{}").await.unwrap();
    }
    // More versions than a page has.
    for _ in 0..12 {
        rig.put_past(&gone.to_string(), b"older");
    }
    rig.artifacts.delete(&gone).await.unwrap();
    assert!(!rig.artifacts.has(&gone).await.unwrap());
    let left: Vec<String> =
        bucket(&rig).versions().into_iter().map(|version| version.key).collect();
    let kept = format!("{PREFIX}/{kept}");
    assert_eq!(left, [kept.clone(), format!("{kept}.manifest.json")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_something_that_is_there() {
    let rig = Rig::in_bucket(S3::shared().versioned_bucket(), &BucketOptions::default());
    let key = key(1);
    rig.write(&key, b"content").await.unwrap();
    rig.remove_past(&key.to_string());
    assert!(rig.artifacts.has(&key).await.unwrap());
    rig.artifacts.delete(&key).await.unwrap();
    assert!(!rig.artifacts.has(&key).await.unwrap());
    assert!(bucket(&rig).versions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_no_missing_file() {
    let rig = Rig::bucket();
    let written = rig.write(&key(1), b"content").await.unwrap();
    bucket(&rig).will(Fault::new(FaultKind::Refuse(404, "NoSuchBucket")).always());
    let (_, error) = rig.read_broken(&written).await;
    assert_eq!(error.fault(), None, "{error}");
    let error = rig.artifacts.delete(&written.key).await.unwrap_err();
    assert_eq!(error.fault(), None, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_names_the_step_that_fails() {
    let rig = Rig::bucket();
    for (on, step) in [
        ("^PUT .*-[0-9a-f]{32}\\?$", "write"),
        ("^GET some", "read"),
        ("^GET \\?.*list-type", "list"),
        ("^POST", "take a file in parts"),
        ("^GET \\?uploads", "list uploads that were not finished"),
        ("^DELETE [^?]*\\?$", "delete"),
    ] {
        bucket(&rig).will(Fault::new(FaultKind::Refuse(403, "AccessDenied")).on(on).always());
        let failed = rig.artifacts.check().await.unwrap_err();
        assert_eq!(failed.step, step, "{on}: {failed:?}");
        bucket(&rig).mend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_checksums_and_conditions_does() {
    let options = BucketOptions { checksums: false, ..BucketOptions::default() };
    let rig = Rig::in_bucket(S3::shared().bucket(), &options);
    for bytes in [10, PART_BYTES + 1] {
        let (key, expected) = (key(1), noise(bytes));
        let written = rig.write(&key, &expected).await.unwrap();
        assert!(rig.read(&written, None).await.unwrap() == expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_tls_is_refused_unless_it_is_meant() {
    let refused = tidegate_service::artifacts::Artifacts::open(
        "s3://bucket",
        "/nowhere".as_ref(),
        &BucketOptions { endpoint: Some("http://127.0.0.1:9".to_owned()), ..Default::default() },
    );
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("allow_http"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_printed_holds_the_secret() {
    let rig = Rig::bucket();
    bucket(&rig).will(Fault::new(FaultKind::Refuse(403, "AccessDenied")).always());
    let error = rig.write(&key(1), b"x").await.unwrap_err();
    let said = format!("{:?} {error:?} {error}", rig.artifacts);
    assert!(!said.contains(tidegate_testkit::s3::SECRET_KEY), "{said}");
}
