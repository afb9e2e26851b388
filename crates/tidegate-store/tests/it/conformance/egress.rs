//! What went out, added up: held against sums that know no SQL.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_model::{
    action::Action,
    actor::Caller,
    ids::{JobId, LinkId, OperatorId},
    job::{Job, NewJob},
    status::Status,
};
use tidegate_store::{
    Change, ClaimRequest, DownloadEnd, EgressAmounts, EgressBy, EgressFilter, EgressSplit,
    EgressSum, EndReason, EntryFilter, EntrySort, FailJob, LinkChange, NewArtifact, StoreError,
    Taken, TakenFilter,
};

use crate::check::{
    Check, LEASE_MICROS, add_operator, claim_request, failure, new_job, random_word,
};

const HOUR: i64 = 3_600_000_000;
/// Ten days, in which jobs are made every few hours.
const PAST: i64 = 240 * HOUR;

/// A download, as somebody would have written it down.
struct Sent {
    job: JobId,
    by: OperatorId,
    name: String,
    begun: i64,
    at: i64,
    bytes: u64,
}

/// Everything that went out.
struct Past {
    jobs: Vec<Job>,
    sent: Vec<Sent>,
}

/// Exports of three people, of three subjects, in several states; most are downloaded, some later
/// and by somebody else.
async fn live(check: &Check) -> Past {
    let third = add_operator(&check.store, "percy@example.com", "administrator").await;
    let (mut ids, mut sent) = (Vec::new(), Vec::new());
    for number in 0..36_i64 {
        check.store.clock().step((3 + number % 5) * HOUR + 700_000_007);
        let caller = [&check.admin, &check.editor, &third][number as usize % 3];
        // An editor makes exports of no other subject.
        let subject = match number % 3 {
            1 => "content",
            _ => ["orders", "users"][number as usize % 2],
        };
        let has_pii = subject == "users" || number % 7 == 0;
        let fields = match number % 4 {
            0 => json!(["id", "title"]),
            1 => json!(["id", { "slug": "mail", "as": "title" }]),
            _ => json!([{ "slug": "id" }, "mail_hash"]),
        };
        let job = NewJob { subject: subject.to_owned(), has_pii, fields, ..new_job(caller) };
        let id = check.create_with(caller, job).await.unwrap().job.unwrap();
        ids.push(id);
        if number % 9 == 0 {
            continue;
        }
        let claimed = check.claim_by(ClaimRequest { only: Some(id), ..claim_request() }).await;
        let claimed = claimed.unwrap();
        if number % 9 == 4 {
            let fail = FailJob { proof: Some(claimed.lease.proof()), failure: failure() };
            check.work(Action::JobFail, id, Change::Fail(fail)).await.unwrap();
            continue;
        }
        let made = NewArtifact {
            bytes: 1_000 + number,
            rows: 10 * number,
            ..check.artifact(&claimed).await
        };
        let change = Change::Publish(claimed.lease.proof(), Box::new(made));
        check.work(Action::JobPublish, id, change).await.unwrap();
        for turn in 0..number % 4 {
            let taker = if turn == 1 { &check.admin } else { caller };
            let bytes = u64::try_from(100 * number + turn).unwrap();
            sent.push(download(check, taker, id, bytes).await);
        }
        if number % 8 == 6 {
            check.act(caller, Action::ArtifactDelete, id, Change::DeleteArtifact).await.unwrap();
        }
    }
    let mut jobs = Vec::new();
    for id in ids {
        jobs.push(check.job(id).await);
    }
    Past { jobs, sent }
}

async fn download(check: &Check, taker: &Caller, job: JobId, bytes: u64) -> Sent {
    let make =
        LinkChange::Make { nonce: random_word(), life_micros: LEASE_MICROS, is_bearer: false };
    let made = check.act(taker, Action::DownloadLink, job, Change::Link(make)).await.unwrap();
    let link = LinkId(made.id.unwrap());
    let target = check.target(job).await;
    let permit = check.permit(taker, Action::DownloadStart, target).await;
    let started = check.store.start_download(permit, link, None).await.unwrap();
    let begun = check.site.number("select at from activity order by seq desc limit 1");
    check.store.clock().step(90_000_000);
    let end = DownloadEnd { bytes, is_whole: bytes.is_multiple_of(2), reason: EndReason::Left };
    let finished = check.store.finish_download(started, end).await.unwrap();
    let at = check.site.number(&format!("select at from activity where seq = {}", finished.seq));
    Sent { job, by: taker.operator().unwrap(), name: taker.name.clone(), begun, at, bytes }
}

type Key = (Option<i64>, Option<String>, Option<OperatorId>, bool);

fn key(split: &EgressSplit, (at, by): (i64, OperatorId), job: &Job) -> Key {
    let is_by_subject = split.by == EgressBy::Subject;
    let operator = match &split.by {
        EgressBy::Operator => Some(by),
        EgressBy::SomeOperators(some) => some.contains(&by).then_some(by),
        EgressBy::Nothing | EgressBy::Subject => None,
    };
    let span = split.step_micros.map(|step| at - at.rem_euclid(step));
    (span, is_by_subject.then(|| job.subject.clone()), operator, job.has_pii)
}

fn is_seen(filter: &EgressFilter, job: &Job, at: i64) -> bool {
    filter.within.contains(&at)
        && filter.subjects.contains(&job.subject)
        && filter.owner.is_none_or(|owner| owner == job.created_by)
}

impl Past {
    fn made(&self, filter: &EgressFilter, split: &EgressSplit) -> BTreeMap<Key, EgressAmounts> {
        let mut sums: BTreeMap<Key, EgressAmounts> = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| is_seen(filter, job, job.created_at)) {
            let sum = sums.entry(key(split, (job.created_at, job.created_by), job)).or_default();
            sum.exports += 1;
            sum.failed += i64::from(job.status == Status::Failed);
            if let Some(bytes) = job.size_bytes {
                sum.files += 1;
                sum.rows += job.rows_done;
                sum.bytes += bytes;
            }
        }
        sums
    }

    fn sent(&self, filter: &EgressFilter, split: &EgressSplit) -> BTreeMap<Key, EgressAmounts> {
        let mut sums: BTreeMap<Key, EgressAmounts> = BTreeMap::new();
        for sent in &self.sent {
            let job = self.jobs.iter().find(|job| job.id == sent.job).unwrap();
            if is_seen(filter, job, sent.at) {
                let sum = sums.entry(key(split, (sent.at, sent.by), job)).or_default();
                sum.downloads += 1;
                sum.bytes_sent += i64::try_from(sent.bytes).unwrap();
            }
        }
        sums
    }
}

fn found(sums: Result<Vec<EgressSum>, StoreError>) -> BTreeMap<Key, EgressAmounts> {
    let sums = sums.unwrap();
    let count = sums.len();
    let by_key: BTreeMap<Key, EgressAmounts> = sums
        .into_iter()
        .map(|sum| ((sum.at, sum.subject, sum.operator, sum.has_pii), sum.amounts))
        .collect();
    assert_eq!(by_key.len(), count, "a sum comes once");
    by_key
}

#[test]
fn what_went_out_is_added_up_over_what_may_be_seen_and_nothing_else() {
    Check::on_both_behind(PAST, async |check| {
        let past = live(check).await;
        assert!(past.sent.len() > 20 && past.jobs.iter().any(|job| job.status == Status::Failed));
        let subjects = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect();
        let all = EgressFilter {
            owner: None,
            subjects: subjects(&["content", "orders", "users"]),
            within: 0..i64::MAX,
        };
        let middle = past.jobs[9].created_at..past.jobs[27].created_at;
        let filters = [
            EgressFilter { within: middle.clone(), ..all.clone() },
            EgressFilter { owner: check.editor.operator(), ..all.clone() },
            EgressFilter { subjects: subjects(&["content", "users"]), ..all.clone() },
            EgressFilter { subjects: Vec::new(), ..all.clone() },
            EgressFilter {
                owner: check.admin.operator(),
                subjects: subjects(&["orders"]),
                within: middle,
            },
            all,
        ];
        let some = EgressBy::SomeOperators(vec![check.admin.operator().unwrap()]);
        let none = EgressBy::SomeOperators(Vec::new());
        let ways = [EgressBy::Nothing, EgressBy::Subject, EgressBy::Operator, some, none];
        for filter in &filters {
            for by in &ways {
                for step_micros in [None, Some(HOUR), Some(HOUR / 4), Some(24 * HOUR)] {
                    let split = EgressSplit { by: by.clone(), step_micros };
                    let made = found(check.store.exports_made(filter, &split).await);
                    assert_eq!(made, past.made(filter, &split), "{filter:?} {split:?}");
                    let sent = found(check.store.downloads_ended(filter, &split).await);
                    assert_eq!(sent, past.sent(filter, &split), "{filter:?} {split:?}");
                }
            }
        }
        assert_eq!(check.store.log_begins().await.unwrap(), None);
    });
}

#[test]
fn an_entry_that_cannot_be_read_is_a_download_of_no_bytes() {
    Check::on_both_tampered(async |check| {
        let job = check.ready(&check.admin).await;
        download(check, &check.admin, job, 70).await;
        download(check, &check.admin, job, 5).await;
        let (off, on) = match check.site.name() {
            "SQLite" => ("drop trigger activity_appended", "select 1"),
            _ => (
                "alter table activity disable trigger user",
                "alter table activity enable trigger user",
            ),
        };
        let last = "(select max(seq) from activity)";
        let spoil = format!("{off}; update activity set entry = '{{' where seq = {last}; {on}");
        check.site.execute(&spoil).unwrap();
        let filter =
            EgressFilter { owner: None, subjects: vec!["content".to_owned()], within: 0..i64::MAX };
        let sums = check.store.downloads_ended(&filter, &EgressSplit::default()).await.unwrap();
        assert_eq!(sums.len(), 1);
        assert_eq!((sums[0].amounts.downloads, sums[0].amounts.bytes_sent), (2, 70));
    });
}

/// What is known of an export, but for its entry.
fn expected(past: &Past, job: &Job, makers: &BTreeMap<OperatorId, &str>) -> Taken {
    let sent: Vec<&Sent> = past.sent.iter().filter(|sent| sent.job == job.id).collect();
    let mut taken_by: Vec<String> = sent.iter().map(|sent| sent.name.clone()).collect();
    taken_by.sort();
    taken_by.dedup();
    let begun = || sent.iter().map(|sent| sent.begun);
    Taken {
        job: job.clone(),
        asked_by: makers[&job.created_by].to_owned(),
        entry: None,
        downloads: sent.len() as i64,
        bytes_sent: sent.iter().map(|sent| i64::try_from(sent.bytes).unwrap()).sum(),
        between: begun().min().zip(begun().max()),
        taken_by,
    }
}

fn has_field(job: &Job, slug: &str) -> bool {
    let of = |field: &Value| field.as_str().or(field["slug"].as_str()) == Some(slug);
    job.fields.as_array().unwrap().iter().any(of)
}

#[test]
fn who_took_what_is_told_of_what_is_asked_for_and_of_nothing_else() {
    Check::on_both_behind(PAST, async |check| {
        let past = live(check).await;
        let names = ["ada@example.com", "edith@example.com", "percy@example.com"];
        let makers: BTreeMap<OperatorId, &str> = (1..).map(OperatorId).zip(names).collect();
        let subjects = || ["content", "orders", "users"].map(str::to_owned).to_vec();
        let all = TakenFilter {
            subjects: subjects(),
            person: None,
            field: None,
            job: None,
            has_pii: None,
            created: i64::MIN..i64::MAX,
        };
        let field = |slug: &str| TakenFilter { field: Some(slug.to_owned()), ..all.clone() };
        let person = |name: &str| TakenFilter { person: Some(name.to_owned()), ..all.clone() };
        let middle = past.jobs[9].created_at..past.jobs[27].created_at;
        let took = |job: &Job, name: &str| {
            makers[&job.created_by] == name
                || past.sent.iter().any(|sent| sent.job == job.id && sent.name == name)
        };
        type Fits<'a> = Box<dyn Fn(&Job) -> bool + 'a>;
        let cases: Vec<(TakenFilter, Fits<'_>)> = vec![
            (all.clone(), Box::new(|_| true)),
            (field("title"), Box::new(|job| has_field(job, "title"))),
            (field("mail"), Box::new(|job| has_field(job, "mail"))),
            (field("id"), Box::new(|_| true)),
            (field("%"), Box::new(|_| false)),
            (person("ada@example.com"), Box::new(|job| took(job, "ada@example.com"))),
            (person("edith@example.com"), Box::new(|job| took(job, "edith@example.com"))),
            (
                TakenFilter { subjects: vec!["users".to_owned()], ..all.clone() },
                Box::new(|job| job.subject == "users"),
            ),
            (TakenFilter { subjects: Vec::new(), ..all.clone() }, Box::new(|_| false)),
            (TakenFilter { has_pii: Some(true), ..all.clone() }, Box::new(|job| job.has_pii)),
            (TakenFilter { job: Some(JobId(7)), ..all.clone() }, Box::new(|job| job.id.0 == 7)),
            (
                TakenFilter { created: middle.clone(), ..all.clone() },
                Box::new(move |job| middle.contains(&job.created_at)),
            ),
        ];
        for (filter, fits) in cases {
            let found = check.store.taken(&filter, 1_000).await.unwrap();
            assert!(found.iter().all(|taken| taken.entry.as_ref().is_some_and(|text| {
                text.contains("\"export.created\"")
                    && text.contains(&format!("\"job\":{},", taken.job.id))
            })));
            let found: Vec<Taken> =
                found.into_iter().map(|taken| Taken { entry: None, ..taken }).collect();
            let of = past.jobs.iter().filter(|job| fits(job));
            let of: Vec<Taken> = of.map(|job| expected(&past, job, &makers)).collect();
            assert_eq!(found, of, "{filter:?}");
        }
        assert_eq!(check.store.taken(&all, 5).await.unwrap().len(), 5);

        // The log by a field: entries about such exports, and no others.
        let by_field = EntryFilter { field: Some("mail".to_owned()), ..EntryFilter::default() };
        let listed = check.store.list_entries(&by_field, EntrySort::Oldest, None, 1_000).await;
        let found: Vec<i64> = listed.unwrap().iter().map(|entry| entry.seq).collect();
        let of = past.jobs.iter().filter(|job| has_field(job, "mail")).map(|job| job.id.0);
        let of: Vec<i64> = of.collect();
        let all = check
            .site
            .rows("select seq, job_id from activity where job_id is not null order by seq");
        let number = |cell: &Option<String>| cell.as_deref().unwrap().parse::<i64>().unwrap();
        let wanted = all.iter().filter(|row| of.contains(&number(&row[1])));
        assert_eq!(found, wanted.map(|row| number(&row[0])).collect::<Vec<_>>());
    });
}
