//! What another site grants: for a day, on every path, and not a moment longer.

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    job::FailureReason,
    policy::authorize,
    request::ExportRequest,
    status::Status,
};
use tidegate_service::{GRANT_MICROS, ServiceError};
use tidegate_store::{Change, Clock, GrantChange, GrantWord};

use crate::check::{Check, Kind};

/// Says what somebody may, as a site does whose signed request was taken.
async fn grant(check: &Check, email: &str, capabilities: &[&str]) {
    let store = check.service.store();
    let owner = check.person(email).await.operator();
    let site = Caller::provider("django", Via::Api, None);
    let target = Target { owner, ..Target::default() };
    let policy = store.policy().await.unwrap();
    let permit = authorize(&policy, &site, Action::GrantRenew, target).unwrap();
    let word = GrantWord {
        source: "django".to_owned(),
        capabilities: capabilities.iter().map(|one| (*one).to_owned()).collect(),
        signed_at: store.now().await.unwrap(),
        life_micros: GRANT_MICROS,
    };
    store.commit(permit, Change::Grants(GrantChange::Renew(word))).await.unwrap();
}

#[test]
fn a_day_after_a_site_has_fallen_silent_nothing_of_its_word_counts_on_any_path() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            #[expect(clippy::disallowed_methods, reason = "the test makes a past")]
            let clock = Clock::behind(2 * GRANT_MICROS);
            lapses(&Check::by(kind, clock).await).await;
        });
    }
}

async fn lapses(check: &Check) {
    let service = &check.service;
    let vic = check.person("vic@example.com").await;
    let users = json!({ "subject": "users", "format": "csv" });
    let request = ExportRequest::read(&users).unwrap();
    let create = async || service.create_export(&vic, &request, None).await;
    assert!(create().await.is_err(), "nobody has said so yet");
    grant(check, "vic@example.com", &["users.list", "users.export"]).await;
    let done = create().await.unwrap().job;
    assert_eq!(check.build(done).await.status, Status::Ready);
    let waiting = create().await.unwrap().job;

    service.store().clock().step(GRANT_MICROS - 60_000_000);
    assert!(create().await.is_ok(), "a minute before its end");
    service.store().clock().step(60_000_000);
    // Upkeep has not come by: the policy itself counts nothing that has lapsed.
    assert!(create().await.is_err());
    let hidden = service.rerun_export(&vic, done, None).await.unwrap_err();
    assert!(matches!(hidden, ServiceError::NotFound), "{hidden}");
    let hidden = service.export(&vic, done).await.unwrap_err();
    assert!(matches!(hidden, ServiceError::NotFound), "{hidden}");
    let job = check.build(waiting).await;
    assert_eq!(job.error.unwrap().reason, FailureReason::PermissionRevoked);
    assert!(!service.subjects(&vic).await.unwrap().iter().any(|one| one.slug == "users"));

    check.upkeep().lapse().await.unwrap();
    assert!(!service.store().has_lapsed_grants().await.unwrap());
    grant(check, "vic@example.com", &["users.list", "users.export"]).await;
    assert!(create().await.is_ok(), "said again, it counts again");
}
