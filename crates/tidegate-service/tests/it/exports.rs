//! Exports from their request to their file.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_model::{request::ExportRequest, role::Role, status::Status};
use tidegate_service::{Creator, ListRequest, ServiceError};
use tidegate_store::{EntryFilter, EntrySort};

use crate::check::on_both;

#[test]
fn an_export_is_built_published_and_listed() {
    on_both(async |check| {
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        assert_eq!(check.job(id).await.status, Status::Pending);
        let job = check.build(id).await;
        assert_eq!((job.status, job.progress, job.rows_done), (Status::Ready, 100, 3000));
        assert_eq!(job.rows_estimated, Some(3000), "as the source could tell");
        let [file] = check.files().try_into().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(text.lines().count(), 3001);
        assert_eq!(job.size_bytes, Some(text.len() as i64));
        assert!(job.file_name.unwrap().starts_with("orders-"));
        let week = 7 * 24 * 60 * 60 * 1_000_000;
        assert_eq!(job.expires_at.unwrap() - job.completed_at.unwrap(), week);
        assert_eq!(check.actions(id).await, ["export.created", "job.claimed", "job.ready"]);
        let page = check.service.exports(&check.ada().await, &ListRequest::default()).await;
        assert_eq!(page.unwrap().jobs.len(), 1);
    });
}

#[test]
fn all_faults_of_a_request_are_told_at_once() {
    on_both(async |check| {
        let request = json!({
            "subject": "orders", "format": "cvs", "fields": ["idd"],
            "scope": { "filter": { "field": "total", "op": "eq", "value": "much" } },
        });
        let request = ExportRequest::read(&request).unwrap();
        let refused = check.service.create_export(&check.ada().await, &request, None).await;
        let Err(ServiceError::Faults(faults)) = refused else { panic!("{refused:?}") };
        let places: BTreeSet<&str> = faults.0.iter().map(|fault| &*fault.pointer).collect();
        let expected = ["/fields/0", "/format", "/scope/filter/value"];
        assert_eq!(places, expected.into());
    });
}

#[test]
fn a_repeated_request_is_the_same_job_and_another_one_is_refused() {
    on_both(async |check| {
        let ada = check.ada().await;
        let request = |format: &str| {
            ExportRequest::read(&json!({ "subject": "orders", "format": format })).unwrap()
        };
        let create =
            async |format| check.service.create_export(&ada, &request(format), Some("key")).await;
        let first = create("csv").await.unwrap();
        let second = create("csv").await.unwrap();
        assert_eq!((first.is_new, second.is_new), (true, false));
        assert_eq!(first.job, second.job);
        let other = create("json").await;
        assert!(matches!(other, Err(ServiceError::KeyReused)), "{other:?}");
        assert_eq!(check.actions(first.job).await, ["export.created"]);
    });
}

#[test]
fn values_of_personal_fields_stand_in_the_log_as_hashes_only() {
    on_both(async |check| {
        let id = check
            .create(json!({ "subject": "users", "format": "csv", "scope": { "filter": { "all": [
                { "field": "email", "op": "eq", "value": "secret@example.com" },
                { "field": "city", "op": "eq", "value": "Kiel" },
            ] } } }))
            .await;
        let filter = EntryFilter { job: Some(id), ..EntryFilter::default() };
        let entries =
            check.service.store().list_entries(&filter, EntrySort::Newest, None, 10).await.unwrap();
        let text = &entries[0].text;
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("Kiel") && text.contains("egress.pii"), "{text}");
        let entry: Value = serde_json::from_str(text).unwrap();
        let hash = &entry["details"]["scope"]["filter"]["all"][0]["value"]["hash"];
        let expected = check.service.keys().hash("secret@example.com");
        assert_eq!(hash, &expected);
        assert!(check.job(id).await.scope.to_string().contains("secret"), "the job has it");
    });
}

#[test]
fn a_new_run_belongs_to_whoever_asks_and_knows_what_it_repeats() {
    on_both(async |check| {
        let request = json!({
            "subject": "orders", "format": "ndjson", "fields": ["total", { "slug": "id", "as": "n" }],
            "scope": { "filter": { "field": "status", "op": "eq", "value": "open" } },
        });
        let first = check.create(request).await;
        let ada = check.ada().await;
        let second = check.service.rerun_export(&ada, first, None).await.unwrap().job;
        let (old, new) = (check.build(first).await, check.build(second).await);
        assert_eq!(new.rerun_of, Some(first));
        assert_eq!((new.status, &new.fields, &new.scope), (old.status, &old.fields, &old.scope));
        assert_eq!(new.sha256, old.sha256);
        assert_eq!(new.rows_done, 1000);
    });
}

#[test]
fn a_deleted_file_is_gone_for_good_and_a_job_that_is_over_cannot_be_cancelled() {
    on_both(async |check| {
        let ada = check.ada().await;
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.build(id).await;
        let cancelled = check.service.cancel_export(&ada, id).await;
        assert!(matches!(cancelled, Err(ServiceError::Conflict { status: Status::Ready })));
        check.service.delete_artifact(&ada, id).await.unwrap();
        let again = check.service.delete_artifact(&ada, id).await;
        assert!(matches!(again, Err(ServiceError::Conflict { status: Status::Deleted })));
        let job = check.job(id).await;
        assert!(job.sha256.is_some() && job.size_bytes.is_some(), "the record stays");
    });
}

#[test]
fn what_may_not_be_seen_is_neither_listed_nor_counted() {
    on_both(async |check| {
        let (ada, eve) = (check.ada().await, check.person("eve@example.com").await);
        for subject in ["orders", "users", "endless"] {
            check.create(json!({ "subject": subject, "format": "csv" })).await;
        }
        let ids = async |caller, request: &ListRequest| {
            let page = check.service.exports(caller, request).await.unwrap();
            assert_eq!(page.matching.count, page.jobs.len() as u64);
            assert!(page.matching.is_exact);
            page.jobs.iter().map(|job| job.id.0).collect::<Vec<_>>()
        };
        let all = ListRequest { limit: 50, ..ListRequest::default() };
        assert_eq!(ids(&ada, &all).await, [3, 2, 1]);
        let text = |text: &str| ListRequest { text: Some(text.to_owned()), ..all.clone() };
        assert_eq!(ids(&ada, &text("USER")).await, [2]);
        assert_eq!(ids(&ada, &text(" ")).await, [3, 2, 1], "nothing is looked for");
        let by_ada = ListRequest {
            created_by: Some(Creator::Email("ada@example.com".to_owned())),
            ..all.clone()
        };
        assert_eq!(ids(&ada, &by_ada).await, [3, 2, 1]);
        // An editor sees her own alone, whatever she asks for.
        for request in [&all, &by_ada, &text("ada@")] {
            assert!(ids(&eve, request).await.is_empty());
        }
        // Who may see every export, but of orders only, does not learn that there are others.
        let auditor = Role {
            slug: "auditor".to_owned(),
            label: "Auditor".to_owned(),
            capabilities: ["orders.list", "exports.list.any"].map(str::to_owned).into(),
            limits: Vec::new(),
            masks: Default::default(),
        };
        check.service.put_role(&ada, auditor).await.unwrap();
        check.service.add_operator(&ada, "aud@example.com", "auditor", None).await.unwrap();
        let aud = check.person("aud@example.com").await;
        assert_eq!(ids(&aud, &all).await, [1]);
        assert_eq!(ids(&aud, &by_ada).await, [1]);
        let users = ListRequest { subject: Some("users".to_owned()), ..all.clone() };
        for hidden in [&text("users"), &users] {
            assert!(ids(&aud, hidden).await.is_empty());
        }
    });
}

#[test]
fn a_list_tells_what_is_wrong_with_what_it_is_asked() {
    on_both(async |check| {
        let ada = check.ada().await;
        let request = ListRequest {
            text: Some("x".repeat(201)),
            behind: Some("size.desc.7.1".parse().unwrap()),
            ..ListRequest::default()
        };
        let refused = check.service.exports(&ada, &request).await;
        let Err(ServiceError::Faults(faults)) = refused else { panic!("{refused:?}") };
        let places: Vec<&str> = faults.0.iter().map(|fault| &*fault.pointer).collect();
        assert_eq!(places, ["/q", "/cursor"]);
    });
}
