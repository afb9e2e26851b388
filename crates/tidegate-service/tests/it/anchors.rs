//! Anchors in the bucket of an S3 server.

use std::sync::Arc;

use object_store::{ObjectStore, aws::AmazonS3Builder};
use rand::{SeedableRng, rngs::StdRng};
use tidegate_model::audit::SignedCheckpoint;
use tidegate_service::{
    Keys, Purpose,
    audit::{Anchor, AnchorError, Fault, Report, Verdict},
    upkeep::checkpoint::{CheckpointError, Checkpoints},
};
use tidegate_testkit::s3::{
    ACCESS_KEY, Bucket, Fault as Failing, FaultKind, REGION, S3, SECRET_KEY,
};

use crate::{
    loot::Loot,
    site::{Kind, MINUTE, Site},
};

const PREFIX: &str = "audit/checkpoints";

/// A bucket, as the setting `s3://…` gives it but for where its access comes from.
pub(crate) fn client(bucket: &Bucket<'_>) -> Arc<dyn ObjectStore> {
    let store = AmazonS3Builder::new()
        .with_bucket_name(bucket.name())
        .with_endpoint(bucket.endpoint())
        .with_region(REGION)
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .with_allow_http(true)
        .build();
    Arc::new(store.unwrap())
}

fn anchor(bucket: &Bucket<'_>) -> Anchor {
    Anchor::objects(format!("s3://{}/{PREFIX}", bucket.name()), client(bucket), PREFIX)
}

fn key(number: i64) -> String {
    format!("{PREFIX}/{number:015}.json")
}

/// Signs the next checkpoint into the bucket, and only there.
async fn sign(site: &mut Site, bucket: &Bucket<'_>) -> Result<Option<i64>, CheckpointError> {
    site.now += MINUTE;
    let mut checkpoints = Checkpoints::new(vec![anchor(bucket)]);
    let run = checkpoints.run(&site.store, &site.keys, site.now).await?;
    assert!(run.anchors[0].error.is_none(), "{run:?}");
    Ok(run.signed)
}

async fn verify(site: &Site, bucket: &Bucket<'_>) -> Report {
    site.verify_with(&[anchor(bucket)]).await
}

fn faults(report: &Report) -> Vec<&Fault> {
    report.faults.iter().map(|finding| &finding.what).collect()
}

/// A site with checkpoints in a bucket: two of empty periods, then two with entries.
async fn anchored(kind: Kind) -> (Site, Bucket<'static>) {
    let (mut site, bucket) = (Site::new(kind).await, S3::shared().bucket());
    for number in 1..=4 {
        if number > 2 {
            site.write(5, &mut StdRng::seed_from_u64(number)).await;
        }
        assert_eq!(sign(&mut site, &bucket).await.unwrap(), Some(number.cast_signed()));
    }
    (site, bucket)
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_in_a_bucket_prove_a_log_and_its_empty_periods() {
    for kind in Kind::BOTH {
        let (site, bucket) = anchored(kind).await;
        assert_eq!(bucket.keys(), (1..=4).map(key).collect::<Vec<_>>());
        let said = |number| {
            let object = String::from_utf8(bucket.object(&key(number)).unwrap()).unwrap();
            SignedCheckpoint::of_line(object.trim_end()).unwrap().says().unwrap()
        };
        assert_eq!((said(1).seq, &said(1).head), (said(2).seq, &said(2).head), "nothing happened");
        assert!(said(1).at < said(2).at, "and that is said of another time");
        let report = verify(&site, &bucket).await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
        assert_eq!((report.anchored_to(), report.anchors[0].checkpoints), (said(4).seq, 4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_made_anew_does_not_fit_to_the_bucket() {
    for kind in Kind::BOTH {
        let (mut site, bucket) = anchored(kind).await;
        site.drop_triggers().await;
        let loot = Loot::take(&site).await;
        let place = loot.rows.len() - 2;
        let mut edited = loot.clone();
        edited.edit(place, |entry| entry.name = "b@example.com".to_owned());
        edited.rechain(place);
        edited.put(&site).await;
        let report = verify(&site, &bucket).await;
        assert!(matches!(faults(&report)[..], [Fault::Rewritten { number: 4, .. }]), "{report}");
        sign(&mut site, &bucket).await.unwrap_err();

        // A backup of before the last checkpoint.
        let mut restored = loot.clone();
        restored.copies.pop();
        restored.rows.truncate(restored.copies.last().unwrap().1.says().unwrap().seq as usize);
        restored.set_head();
        restored.put(&site).await;
        let report = verify(&site, &bucket).await;
        assert!(report.to_string().contains("are gone: checkpoint 4"), "{report}");
        let refused = sign(&mut site, &bucket).await.unwrap_err();
        assert!(matches!(refused, CheckpointError::DatabaseBehind { number: 4, .. }), "{refused}");
        assert_eq!(bucket.keys().len(), 4, "nothing was signed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_object_that_was_written_over_or_removed_is_seen() {
    let (site, bucket) = anchored(Kind::Sqlite).await;
    let good = bucket.object(&key(2)).unwrap();
    let signed = SignedCheckpoint::of_line(str::from_utf8(&good).unwrap().trim_end()).unwrap();
    let strangers = Keys::open(&site.path("strangers")).unwrap();
    let with = |keys: &Keys, at: &str| {
        let says =
            tidegate_model::audit::Checkpoint { at: at.to_owned(), ..signed.says().unwrap() };
        let (key, signature) = keys.sign(Purpose::Checkpoint, &says.text());
        SignedCheckpoint { checkpoint: says.text(), key, signature }.line()
    };
    let at = &signed.says().unwrap().at;
    type Expected = fn(&Fault) -> bool;
    let cases: [(String, Expected); 4] = [
        ("{}".to_owned(), |fault| matches!(fault, Fault::NoCheckpoint { place: 2, .. })),
        (signed.line().replace("\\\"seq\\\":", "\\\"seq\\\":1"), |fault| {
            matches!(fault, Fault::WrongSignature { place: 2, .. })
        }),
        (with(&strangers, at), |fault| matches!(fault, Fault::UnknownKey { place: 2, .. })),
        // Even whoever has our keys: the next one says what stood there, and so does the database.
        (with(&site.keys, "2026-01-01T00:00:00.000000Z"), |fault| {
            matches!(fault, Fault::AnchorsDisagree { number: 2, .. })
        }),
    ];
    for (object, expected) in cases {
        bucket.put(&key(2), object.as_bytes());
        let report = verify(&site, &bucket).await;
        assert_eq!(report.verdict, Verdict::Broken, "{object}");
        assert!(faults(&report).iter().any(|fault| expected(fault)), "{report}");
        assert!(report.to_string().contains(bucket.name()), "it says which anchor: {report}");
    }
    bucket.remove(&key(2));
    let report = verify(&site, &bucket).await;
    let left_out = |fault: &&Fault| matches!(fault, Fault::LeftOut { from: 2, to: 2, .. });
    assert!(faults(&report).iter().any(left_out), "{report}");
    bucket.put(&key(2), &good);
    assert!(verify(&site, &bucket).await.is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_in_the_way_is_never_written_over() {
    let (mut site, bucket) = anchored(Kind::Sqlite).await;
    // A process that was here before us has surveyed the bucket when there was nothing.
    let mut checkpoints = Checkpoints::new(vec![anchor(&bucket), site.anchors().remove(0)]);
    checkpoints.run(&site.store, &site.keys, site.now).await.unwrap();
    bucket.will(Failing::new(FaultKind::LoseReply).on("^PUT"));
    site.now += MINUTE;
    let run = checkpoints.run(&site.store, &site.keys, site.now).await.unwrap();
    assert_eq!(run.anchors[0].reached, Some(5), "what arrived unheard is found: {run:?}");
    assert_eq!(bucket.mend(), 0);
    bucket.put(&key(6), b"{}\n");
    let refused = sign(&mut site, &bucket).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::Anchor(AnchorError::Damaged { .. })), "{refused}");
    assert_eq!(bucket.object(&key(6)).unwrap(), b"{}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_conditional_writing_is_not_needed_to_see_a_conflict() {
    let (mut site, bucket) = anchored(Kind::Sqlite).await;
    // Between the look and the writing somebody puts something there: the put must not win.
    let mut file_first = Checkpoints::new(vec![site.anchors().remove(0)]);
    site.now += MINUTE;
    file_first.run(&site.store, &site.keys, site.now).await.unwrap();
    let stranger = bucket.object(&key(4)).unwrap();
    bucket.put(&key(5), &stranger);
    let run = Checkpoints::new(vec![anchor(&bucket)]).run(&site.store, &site.keys, site.now).await;
    let error = &run.unwrap().anchors[0].error;
    assert!(error.is_some(), "{error:?}");
    assert_eq!(bucket.object(&key(5)).unwrap(), stranger);
}
