//! The activity log, listed: filters, order, pages, and what may not be seen.

use serde_json::{Value, json};
use tidegate_model::{
    actor::{Caller, Via},
    audit::{ChainWalk, Outcome, StoredEntry},
    request::ExportRequest,
    role::Role,
};
use tidegate_service::{ACTIVITY_PAGE_MAX, ActivityRequest, ActivitySort, ServiceError};

use crate::check::{Check, on_both};

/// Exports of two subjects, one of them built, and a refusal.
async fn happenings(check: &Check) {
    let id = check.create(json!({ "subject": "users", "format": "csv" })).await;
    check.build(id).await;
    let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
    check.build(id).await;
    let vic = check.person("vic@example.com").await;
    let request = ExportRequest::read(&json!({ "subject": "users", "format": "csv" })).unwrap();
    check.service.create_export(&vic, &request, None).await.unwrap_err();
}

/// All that a request gives, page by page.
async fn list(check: &Check, caller: &Caller, request: &ActivityRequest) -> Vec<StoredEntry> {
    let mut request = request.clone();
    let mut all = Vec::new();
    loop {
        let page = check.service.activity(caller, &request).await.unwrap();
        assert!(page.entries.len() <= request.limit.unwrap_or(ACTIVITY_PAGE_MAX) as usize);
        all.extend(page.entries);
        request.cursor = page.next;
        if request.cursor.is_none() {
            return all;
        }
    }
}

fn said(stored: &StoredEntry) -> Value {
    serde_json::from_str(&stored.text).unwrap()
}

/// Whether an entry should be found.
type Fits = Box<dyn Fn(&Value) -> bool>;

fn is(member: &'static str, value: &'static str) -> Fits {
    Box::new(move |entry| entry[member] == value)
}

#[test]
fn every_filter_gives_what_a_look_at_each_entry_gives() {
    on_both(async |check| {
        happenings(&check).await;
        let ada = check.ada().await;
        let none = ActivityRequest::default;
        let all = list(&check, &ada, &none()).await;
        assert!(all.len() > 12, "{}", all.len());
        let middle = said(&all[all.len() / 2])["at"].as_str().unwrap().to_owned();
        let micros = chrono_micros(&middle);
        let (from, to) = (middle.clone(), middle);
        let cases: Vec<(ActivityRequest, Fits)> = vec![
            (ActivityRequest { actor: Some("worker".into()), ..none() }, is("actor", "worker")),
            (
                ActivityRequest { actor: Some("vic@example.com".into()), ..none() },
                is("name", "vic@example.com"),
            ),
            (ActivityRequest { subject: Some("users".into()), ..none() }, is("subject", "users")),
            (
                ActivityRequest { action: Some("job.ready".into()), ..none() },
                is("action", "job.ready"),
            ),
            (
                ActivityRequest { action: Some("job".into()), ..none() },
                Box::new(|entry| entry["action"].as_str().unwrap().starts_with("job.")),
            ),
            (
                ActivityRequest { tag: Some("egress.pii".into()), ..none() },
                Box::new(|entry| entry["tags"].as_array().unwrap().contains(&json!("egress.pii"))),
            ),
            (ActivityRequest { outcome: Some(Outcome::Denied), ..none() }, is("outcome", "denied")),
            (
                ActivityRequest { job: Some(tidegate_model::ids::JobId(2)), ..none() },
                Box::new(|entry| entry["job"] == 2),
            ),
            (
                ActivityRequest { from: Some(micros), ..none() },
                Box::new(move |entry| entry["at"].as_str().unwrap() >= from.as_str()),
            ),
            (
                ActivityRequest { to: Some(micros), ..none() },
                Box::new(move |entry| entry["at"].as_str().unwrap() < to.as_str()),
            ),
            (
                ActivityRequest {
                    outcome: Some(Outcome::Done),
                    subject: Some("users".into()),
                    action: Some("export".into()),
                    ..none()
                },
                Box::new(|entry| {
                    entry["outcome"] == "done"
                        && entry["subject"] == "users"
                        && entry["action"].as_str().unwrap().starts_with("export.")
                }),
            ),
            // Letters that `like` takes for something else are letters.
            (ActivityRequest { action: Some("%".into()), ..none() }, Box::new(|_| false)),
            (ActivityRequest { tag: Some("egress_pii".into()), ..none() }, Box::new(|_| false)),
        ];
        for (number, (request, fits)) in cases.iter().enumerate() {
            let expected: Vec<_> = all.iter().filter(|stored| fits(&said(stored))).collect();
            assert_eq!(expected.is_empty(), number >= 11, "case {number} is about something");
            let found = list(&check, &ada, request).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{request:?}");
        }
    });
}

fn chrono_micros(at: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp_micros()
}

#[test]
fn pages_in_either_order_are_the_whole_log_once_and_its_lines_verify() {
    on_both(async |check| {
        happenings(&check).await;
        let ada = check.ada().await;
        let request = |sort, limit| ActivityRequest { sort, limit, ..ActivityRequest::default() };
        let oldest = list(&check, &ada, &request(ActivitySort::Oldest, Some(3))).await;
        let mut newest = list(&check, &ada, &request(ActivitySort::Newest, Some(4))).await;
        newest.reverse();
        assert_eq!(oldest, newest);
        let mut walk = ChainWalk::from_start();
        for stored in &oldest {
            let line = StoredEntry::of_line(&stored.line()).unwrap();
            walk.step(&line, None).unwrap();
        }
        assert_eq!(
            (walk.seq(), walk.head().to_owned()),
            check.service.store().head().await.unwrap()
        );

        // A page has a hundred at most, whatever is asked for.
        for _ in 0..ACTIVITY_PAGE_MAX {
            check.service.set_settings(&ada, <_>::default()).await.unwrap();
        }
        let page = check.service.activity(&ada, &request(ActivitySort::Newest, Some(5_000))).await;
        assert_eq!(page.as_ref().unwrap().entries.len(), ACTIVITY_PAGE_MAX as usize);
        let cursor = page.unwrap().next;
        assert!(cursor.is_some());
        // Something new does not move the pages.
        check.service.set_settings(&ada, <_>::default()).await.unwrap();
        let rest =
            ActivityRequest { cursor: cursor.clone(), ..request(ActivitySort::Newest, None) };
        let rest = check.service.activity(&ada, &rest).await.unwrap();
        assert_eq!(rest.entries.first().unwrap().seq, oldest.last().unwrap().seq);
        for (cursor, sort) in [
            (cursor, ActivitySort::Oldest),
            (Some("12".to_owned()), ActivitySort::Newest),
            (Some(String::new()), ActivitySort::Newest),
        ] {
            let wrong = ActivityRequest { cursor, ..request(sort, None) };
            let refused = check.service.activity(&ada, &wrong).await.unwrap_err();
            let ServiceError::Faults(faults) = refused else { panic!("{refused}") };
            assert_eq!(faults.0[0].pointer, "/cursor");
        }
    });
}

#[test]
fn entries_about_a_subject_that_may_not_be_seen_are_not_there() {
    on_both(async |check| {
        happenings(&check).await;
        let ada = check.ada().await;
        let auditor = Role {
            slug: "auditor".to_owned(),
            label: "Auditor".to_owned(),
            capabilities: ["activity.view", "orders.list"].map(str::to_owned).into(),
            limits: Vec::new(),
            masks: Default::default(),
        };
        check.service.put_role(&ada, auditor).await.unwrap();
        check.service.add_operator(&ada, "aud@example.com", "auditor", None).await.unwrap();
        let aud = check.person("aud@example.com").await;
        let all = list(&check, &ada, &ActivityRequest::default()).await;
        // The first job is of users. Some of its entries name the job and no subject.
        let is_hidden = |stored: &&StoredEntry| {
            let entry = said(stored);
            entry["subject"] == "users" || entry["job"] == 1
        };
        let hidden = all.iter().filter(is_hidden).count();
        assert!(all.iter().filter(is_hidden).any(|stored| said(stored)["subject"].is_null()));
        let seen = list(&check, &aud, &ActivityRequest::default()).await;
        assert_eq!(seen.len(), all.len() - hidden);
        assert!(!seen.iter().any(|stored| is_hidden(&stored)));
        assert!(seen.iter().any(|stored| said(stored)["subject"] == "orders"));
        let asked = ActivityRequest { subject: Some("users".into()), ..<_>::default() };
        assert!(list(&check, &aud, &asked).await.is_empty());

        // Nor where the site does not have the subject any more.
        let site = tidegate_service::Site::default();
        check.service.take_site(site);
        assert_eq!(list(&check, &aud, &ActivityRequest::default()).await.len(), seen.len());
        assert_eq!(list(&check, &ada, &ActivityRequest::default()).await.len(), all.len());

        // A token sees no more than its scopes, and who may not read the log reads nothing.
        let scopes = ["activity.view"].map(str::to_owned);
        let token = check.service.create_token(&ada, "ci", Some(scopes.into()), 1).await.unwrap();
        let token = check.service.token_caller(&token.secret, Via::Api).await.unwrap();
        let seen = list(&check, &token, &ActivityRequest::default()).await;
        assert!(!seen.is_empty());
        assert!(seen.iter().all(|stored| said(stored)["subject"].is_null()));
        let vic = check.person("vic@example.com").await;
        let refused = check.service.activity(&vic, &ActivityRequest::default()).await;
        assert!(matches!(refused, Err(ServiceError::Denied(_))));
    });
}
