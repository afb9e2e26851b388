//! Who may do what, as the use cases answer.

use serde_json::json;
use tidegate_model::{
    actor::Via,
    ids::JobId,
    request::ExportRequest,
    role::{Role, RowLimit},
    status::Status,
};
use tidegate_service::{ListRequest, ServiceError};
use tidegate_store::{EntryFilter, EntrySort};

use crate::check::{Check, on_both};

fn csv_of(subject: &str) -> ExportRequest {
    ExportRequest::read(&json!({ "subject": subject, "format": "csv" })).unwrap()
}

/// Entries that say that something was refused.
async fn denied(check: &Check) -> usize {
    let entries = check
        .service
        .store()
        .list_entries(&EntryFilter::default(), EntrySort::Newest, None, 1000)
        .await;
    entries.unwrap().iter().filter(|entry| entry.text.contains("\"outcome\":\"denied\"")).count()
}

#[test]
fn a_subject_that_may_not_be_seen_is_one_that_does_not_exist() {
    on_both(async |check| {
        let vic = check.person("vic@example.com").await;
        let hidden = check.service.create_export(&vic, &csv_of("users"), None).await;
        let unknown = check.service.create_export(&vic, &csv_of("userz"), None).await;
        let text = |refused: Result<_, ServiceError>| refused.unwrap_err().to_string();
        assert_eq!(text(hidden).replace("users", "userz"), text(unknown));
        assert_eq!(denied(&check).await, 1, "the attempt at what exists is written down");
        assert!(check.service.store().job(JobId(1)).await.unwrap().is_none());
    });
}

#[test]
fn a_subject_that_may_be_seen_but_not_exported_is_refused_by_name() {
    on_both(async |check| {
        let eve = check.person("eve@example.com").await;
        let refused = check.service.create_export(&eve, &csv_of("users"), None).await;
        let Err(ServiceError::Denied(denied)) = refused else { panic!("{refused:?}") };
        assert!(denied.to_string().contains("users.export"), "{denied}");
    });
}

#[test]
fn somebody_elses_export_is_one_that_does_not_exist() {
    on_both(async |check| {
        let id = check.create(json!({ "subject": "users", "format": "csv" })).await;
        check.build(id).await;
        // An editor sees users, but nobody else's exports.
        let eve = check.person("eve@example.com").await;
        let (seen, none) = (
            check.service.export(&eve, id).await.unwrap_err().to_string(),
            check.service.export(&eve, JobId(999)).await.unwrap_err().to_string(),
        );
        assert_eq!(seen, none);
        assert!(check.service.cancel_export(&eve, id).await.is_err());
        assert!(check.service.delete_artifact(&eve, id).await.is_err());
        assert!(check.service.rerun_export(&eve, id, None).await.is_err());
        let page = check.service.exports(&eve, &ListRequest::default()).await.unwrap();
        assert!(page.jobs.is_empty());
        assert_eq!(check.job(id).await.status, Status::Ready);
        assert_eq!(denied(&check).await, 4);
    });
}

#[test]
fn a_row_limit_of_the_role_holds_in_the_file() {
    on_both(async |check| {
        let ada = check.ada().await;
        let limited = Role {
            slug: "limited".to_owned(),
            label: "Limited".to_owned(),
            capabilities: ["orders.list", "orders.export"].map(str::to_owned).into(),
            limits: vec![RowLimit {
                subject: "orders".to_owned(),
                filter: json!({ "field": "status", "op": "eq", "value": "open" }),
            }],
            masks: Default::default(),
        };
        check.service.put_role(&ada, limited).await.unwrap();
        check.service.add_operator(&ada, "lim@example.com", "limited", None).await.unwrap();
        let lim = check.person("lim@example.com").await;
        let created = check.service.create_export(&lim, &csv_of("orders"), None).await.unwrap();
        let job = check.build(created.job).await;
        assert_eq!((job.status, job.rows_done), (Status::Ready, 1000));
    });
}

#[test]
fn a_token_may_no_more_than_its_scopes_and_ends_with_its_owner() {
    on_both(async |check| {
        let ada = check.ada().await;
        let scopes = ["orders.list", "orders.export"].map(str::to_owned);
        let token = check.service.create_token(&ada, "ci", Some(scopes.into()), 1).await.unwrap();
        let caller = check.service.token_caller(&token.secret, Via::Api).await.unwrap();
        check.service.create_export(&caller, &csv_of("orders"), None).await.unwrap();
        assert!(check.service.create_export(&caller, &csv_of("users"), None).await.is_err());
        assert!(check.service.operators(&caller).await.is_err());
        let wrong = check.service.token_caller("tdg_guess", Via::Api).await;
        assert!(matches!(wrong, Err(ServiceError::Unknown)));
        check.service.add_operator(&ada, "bea@example.com", "administrator", None).await.unwrap();
        let bea = check.person("bea@example.com").await;
        check.service.set_disabled(&bea, "ada@example.com", true).await.unwrap();
        let ended = check.service.token_caller(&token.secret, Via::Api).await;
        assert!(matches!(ended, Err(ServiceError::Unknown)));
    });
}

#[test]
fn the_last_administrator_stays_one() {
    on_both(async |check| {
        let ada = check.ada().await;
        assert!(check.service.set_disabled(&ada, "ada@example.com", true).await.is_err());
        assert!(check.service.set_role(&ada, "ada@example.com", "viewer").await.is_err());
        check.service.operators(&check.ada().await).await.unwrap();
        assert!(check.service.setup_caller("again").await.is_err(), "setting up is over");
    });
}

#[test]
fn refusals_do_not_fill_the_log() {
    on_both(async |check| {
        let vic = check.person("vic@example.com").await;
        for _ in 0..100 {
            assert!(check.service.operators(&vic).await.is_err());
        }
        // Thirty at once, and one more every two seconds.
        assert!((30..40).contains(&denied(&check).await));
    });
}
