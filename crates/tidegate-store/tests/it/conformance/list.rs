//! Pages of jobs: held against a filter and a sort that know no SQL.

use std::{cmp::Ordering, collections::BTreeMap};

use tidegate_model::{
    action::Action,
    actor::Caller,
    ids::JobId,
    job::{Job, NewJob},
    status::Status,
};
use tidegate_store::{
    Change, ClaimRequest, Creator, JobCursor, JobFilter, JobOrder, JobPage, JobSort, Matching,
    NewArtifact,
};

use crate::check::{Check, add_operator, claim_request, new_job};

const FORMATS: [&str; 3] = ["csv", "xlsx", "ndjson"];

/// Jobs of three people, in several subjects, formats, sizes and states; all of them, as they are.
async fn fill(check: &Check) -> Vec<Job> {
    let third = add_operator(&check.store, "Percy_100%@Example.com", "administrator").await;
    for number in 0..24_usize {
        let caller = [&check.admin, &check.editor, &third][number % 3];
        // An editor makes jobs of no other subject.
        let subject = if number % 3 == 1 { "content" } else { ["orders", "users"][number % 2] };
        let job = NewJob {
            subject: subject.to_owned(),
            format: FORMATS[number / 3 % 3].to_owned(),
            has_pii: subject == "users",
            ..new_job(caller)
        };
        let id = check.create_with(caller, job).await.unwrap().job.unwrap();
        match number % 4 {
            0 => {}
            1 => {
                check.act(caller, Action::ExportCancel, id, Change::CancelExport).await.unwrap();
            }
            _ => publish(check, id, [10, 10, 500][number % 3]).await,
        }
    }
    let mut jobs = Vec::new();
    for number in 1..=24 {
        jobs.push(check.job(JobId(number)).await);
    }
    jobs
}

async fn publish(check: &Check, id: JobId, bytes: i64) {
    let request = ClaimRequest { only: Some(id), ..claim_request() };
    let claimed = check.claim_by(request).await.unwrap();
    let artifact = NewArtifact { bytes, ..check.artifact(&claimed).await };
    let change = Change::Publish(claimed.lease.proof(), Box::new(artifact));
    check.work(Action::JobPublish, id, change).await.unwrap();
}

/// All that a filter gives, page by page, which are the same pages on the way back.
async fn leaf(check: &Check, filter: &JobFilter, sort: JobSort, limit: u32) -> Vec<JobId> {
    let (mut pages, mut behind): (Vec<Vec<JobId>>, Option<JobCursor>) = (Vec::new(), None);
    let mut page = loop {
        let page = check.store.jobs(filter, sort, behind.as_ref(), limit).await.unwrap();
        assert!(page.jobs.len() <= limit as usize);
        assert_eq!(page.previous.is_some(), behind.is_some());
        pages.push(ids(&page));
        behind = as_sent(page.next.as_ref());
        if behind.is_none() {
            break page;
        }
    };
    for earlier in pages.iter().rev().skip(1) {
        let before = as_sent(page.previous.as_ref());
        page = check.store.jobs(filter, sort, before.as_ref(), limit).await.unwrap();
        assert_eq!(ids(&page), *earlier, "back, by {sort}, {limit} a page");
        assert!(page.next.is_some());
    }
    assert_eq!(page.previous, None);
    pages.concat()
}

/// A cursor as a client sends it back.
fn as_sent(cursor: Option<&JobCursor>) -> Option<JobCursor> {
    cursor.map(|cursor| cursor.to_string().parse().unwrap())
}

fn ids(page: &JobPage) -> Vec<JobId> {
    page.jobs.iter().map(|job| job.id).collect()
}

fn in_order(sort: JobSort, one: &Job, other: &Job) -> Ordering {
    let by = match sort.by {
        JobOrder::Created => Ordering::Equal,
        JobOrder::Size => return sized(sort, one, other),
        JobOrder::Status => one.status.slug().cmp(other.status.slug()),
        JobOrder::Subject => one.subject.cmp(&other.subject),
    };
    let order = by.then(one.id.cmp(&other.id));
    if sort.is_descending { order.reverse() } else { order }
}

/// Jobs without a file come last, whatever comes first.
fn sized(sort: JobSort, one: &Job, other: &Job) -> Ordering {
    let missing = one.size_bytes.is_none().cmp(&other.size_bytes.is_none());
    let order = one.size_bytes.cmp(&other.size_bytes).then(one.id.cmp(&other.id));
    missing.then(if sort.is_descending { order.reverse() } else { order })
}

async fn assert_lists(
    check: &Check,
    jobs: &[Job],
    filter: &JobFilter,
    fits: impl Fn(&Job) -> bool,
) {
    let expected: Vec<&Job> = jobs.iter().filter(|job| fits(job)).collect();
    let count = expected.len() as u64;
    let matching = check.store.count_jobs(filter).await.unwrap();
    assert_eq!(matching, Matching { count, is_exact: true }, "{filter:?}");
    for by in JobOrder::ALL {
        for is_descending in [false, true] {
            let sort = JobSort { by, is_descending };
            let mut expected = expected.clone();
            expected.sort_by(|one, other| in_order(sort, one, other));
            let expected: Vec<JobId> = expected.iter().map(|job| job.id).collect();
            for limit in [1, 5, 200] {
                let found = leaf(check, filter, sort, limit).await;
                assert_eq!(found, expected, "{filter:?} by {sort}, {limit} a page");
            }
        }
    }
}

fn texts(text: &str) -> JobFilter {
    JobFilter { text: Some(text.to_owned()), ..JobFilter::default() }
}

fn number(caller: &Caller) -> i64 {
    caller.operator().unwrap().0
}

#[test]
fn lists_are_filtered_sorted_counted_and_leafed_through_as_they_say() {
    Check::on_both(async |check| {
        let jobs = fill(check).await;
        assert_lists(check, &jobs, &JobFilter::default(), |_| true).await;
        let own = JobFilter { owner: check.editor.operator(), ..JobFilter::default() };
        assert_lists(check, &jobs, &own, |job| Some(job.created_by) == own.owner).await;
        let of = |subjects: &[&str]| JobFilter {
            subjects: Some(subjects.iter().map(|slug| (*slug).to_owned()).collect()),
            ..JobFilter::default()
        };
        assert_lists(check, &jobs, &of(&[]), |_| false).await;
        let some = of(&["content", "users"]);
        assert_lists(check, &jobs, &some, |job| job.subject != "orders").await;
        let statuses = vec![Status::Ready, Status::Cancelled];
        let in_states = JobFilter { statuses: statuses.clone(), ..JobFilter::default() };
        assert_lists(check, &jobs, &in_states, |job| statuses.contains(&job.status)).await;
        for has_pii in [true, false] {
            let personal = JobFilter { has_pii: Some(has_pii), ..JobFilter::default() };
            assert_lists(check, &jobs, &personal, |job| job.has_pii == has_pii).await;
        }
        // Two times with one between, which ends where the second begins.
        let at = |number: usize| jobs[number].created_at;
        let created = vec![at(2)..at(5), at(9)..at(9) + 1];
        let within = JobFilter { created: created.clone(), ..JobFilter::default() };
        let fits = |job: &Job| created.iter().any(|time| time.contains(&job.created_at));
        assert_lists(check, &jobs, &within, fits).await;
        let by = |creator| JobFilter { creator: Some(creator), ..JobFilter::default() };
        let admin = check.admin.operator().unwrap();
        assert_lists(check, &jobs, &by(Creator::Id(admin)), |job| job.created_by == admin).await;
        let edith = by(Creator::Email("EDITH@example.com".to_owned()));
        let editor = check.editor.operator().unwrap();
        assert_lists(check, &jobs, &edith, |job| job.created_by == editor).await;
        let nobody = by(Creator::Email("nobody@example.com".to_owned()));
        assert_lists(check, &jobs, &nobody, |_| false).await;
        // All at once: somebody who may see their own asks for somebody else's.
        let none = JobFilter { creator: Some(Creator::Id(admin)), ..own.clone() };
        assert_lists(check, &jobs, &none, |_| false).await;
        let both = JobFilter { text: Some("csv".to_owned()), statuses, ..some };
        assert_lists(check, &jobs, &both, |job| {
            job.subject != "orders"
                && matches!(job.status, Status::Ready | Status::Cancelled)
                && job.format == "csv"
        })
        .await;
    });
}

#[test]
fn states_are_counted_whatever_state_is_asked_for() {
    Check::on_both(async |check| {
        let jobs = fill(check).await;
        let own = JobFilter {
            owner: check.editor.operator(),
            statuses: vec![Status::Failed],
            ..JobFilter::default()
        };
        for filter in [JobFilter::default(), own, texts("csv")] {
            let mut expected = BTreeMap::new();
            let fits = |job: &&Job| {
                filter.owner.is_none_or(|owner| job.created_by == owner)
                    && filter.text.as_ref().is_none_or(|text| job.format == *text)
            };
            for job in jobs.iter().filter(fits) {
                *expected.entry(job.status).or_default() += 1_u64;
            }
            assert!(expected.len() > 1);
            let found = check.store.count_jobs_by_status(&filter).await.unwrap();
            assert_eq!(found, Some(expected), "{filter:?}");
        }
    });
}

#[test]
fn a_text_is_looked_for_letter_by_letter_whatever_its_case() {
    Check::on_both(async |check| {
        let jobs = fill(check).await;
        let percy = number(&check.editor) + 1;
        for (text, fits) in [
            ("ORDERS", (|job: &Job, _| job.subject == "orders") as fn(&Job, i64) -> bool),
            ("onten", |job, _| job.subject == "content"),
            ("Xlsx", |job, _| job.format == "xlsx"),
            ("percy", |job, percy| job.created_by.0 == percy),
            // What a pattern would match with anything is itself, and nobody else has it.
            ("_100%@", |job, percy| job.created_by.0 == percy),
            ("%", |job, percy| job.created_by.0 == percy),
            ("_", |job, percy| job.created_by.0 == percy),
            ("c_v", |_, _| false),
            ("\\", |_, _| false),
            ("' or 1 = 1 --", |_, _| false),
            ("$1", |_, _| false),
            ("24", |job, _| job.id == JobId(24)),
            ("2", |job, _| job.id.to_string().contains('2')),
        ] {
            assert_lists(check, &jobs, &texts(text), |job| fits(job, percy)).await;
        }
    });
}

#[test]
fn a_page_begins_where_the_last_one_ended_whatever_became_of_its_jobs() {
    Check::on_both(async |check| {
        let jobs = fill(check).await;
        let by_status = JobSort { by: JobOrder::Status, is_descending: false };
        let all = leaf(check, &JobFilter::default(), by_status, 200).await;
        let filter = JobFilter::default();
        let pending = jobs.iter().filter(|job| job.status == Status::Pending).count();
        let first_pending =
            all.len() - jobs.iter().filter(|job| job.status == Status::Ready).count() - pending;
        let limit = u32::try_from(first_pending + 1).unwrap();
        let page = check.store.jobs(&filter, by_status, None, limit).await.unwrap();
        let last = page.jobs.last().unwrap();
        assert_eq!(last.status, Status::Pending);
        publish(check, last.id, 7).await;
        let next = check.store.jobs(&filter, by_status, page.next.as_ref(), 200).await.unwrap();
        let next: Vec<JobId> = next.jobs.iter().map(|job| job.id).collect();
        let mut expected = all[first_pending + 1..].to_vec();
        // The job that moved on is found again in its new place, and no other is missed.
        expected.push(last.id);
        expected.sort();
        let mut found = next.clone();
        found.sort();
        assert_eq!(found, expected);
    });
}
