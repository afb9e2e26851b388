//! The registry of actions, what other sites grant, and the requests that they have signed.

use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    capability::Capabilities,
    ids::OperatorId,
    registry::{AdminAction, Kind, Reach, Registered, SyncStep},
};
use tidegate_store::{
    Change, Committed, GrantChange, SessionChange, SessionProof, StoreError, TakenRequest,
};

use crate::check::{Check, random_word};

const MINUTE_MICROS: i64 = 60_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

fn action(codename: &str, name: &str) -> Registered {
    Registered {
        action: AdminAction {
            model: "user.User".to_owned(),
            codename: codename.to_owned(),
            name: name.to_owned(),
            kind: Kind::Server,
            scope: Reach::Bulk,
        },
        capability: format!("users.{codename}"),
        origin: "configuration".to_owned(),
        is_retired: false,
    }
}

async fn sync(check: &Check, steps: Vec<SyncStep>) -> Result<Committed, StoreError> {
    let asked = (Action::ActionSync, Target::default());
    check.change(&check.admin, asked, Change::Sync(steps)).await
}

fn editor(check: &Check) -> OperatorId {
    check.editor.operator().unwrap()
}

fn of_editor(check: &Check) -> Target {
    Target { owner: Some(editor(check)), ..Target::default() }
}

async fn renew(check: &Check, capabilities: &[&str]) -> Result<Committed, StoreError> {
    let capabilities = capabilities.iter().map(|one| (*one).to_owned()).collect();
    let change =
        GrantChange::Renew { source: "django".to_owned(), capabilities, life_micros: DAY_MICROS };
    let site = Caller::provider("django", Via::Api, None);
    check.change(&site, (Action::GrantRenew, of_editor(check)), Change::Grants(change)).await
}

async fn lapse(check: &Check) -> Result<Committed, StoreError> {
    let change = Change::Grants(GrantChange::Lapse);
    check.change(&Caller::upkeep("lapse"), (Action::GrantLapse, Target::default()), change).await
}

async fn granted(check: &Check) -> Capabilities {
    let policy = check.store.policy().await.unwrap();
    policy.grants.get(&editor(check)).cloned().unwrap_or_default()
}

fn capabilities(slugs: &[&str]) -> Capabilities {
    slugs.iter().map(|slug| (*slug).to_owned()).collect()
}

#[test]
fn each_step_of_a_sync_is_kept_with_an_entry_of_its_own() {
    Check::on_both(async |check| {
        let (export, push) = (action("export", "Export users"), action("push", "Push"));
        let steps = vec![SyncStep::Add(export.clone()), SyncStep::Add(push.clone())];
        let before = check.store.policy().await.unwrap().version;
        let (done, left) = check.watch(sync(check, steps)).await;
        done.unwrap();
        assert_eq!(left.entries.len(), 2, "{left:?}");
        assert!(left.entries.iter().all(|line| line.contains("action.synced")), "{left:?}");
        assert_eq!(check.store.registered_actions().await.unwrap(), [export.clone(), push.clone()]);
        let policy = check.store.policy().await.unwrap();
        assert!(policy.version > before && policy.retired.is_empty());
        let retired = Registered { is_retired: true, ..push.clone() };
        let renamed = action("export", "Take users out");
        let steps = vec![
            SyncStep::Change { was: export, now: renamed.clone() },
            SyncStep::Retire(retired.clone()),
        ];
        sync(check, steps).await.unwrap();
        assert_eq!(check.store.registered_actions().await.unwrap(), [renamed, retired]);
        let policy = check.store.policy().await.unwrap();
        assert_eq!(policy.retired, capabilities(&["users.push"]));
        // Another site declares it as well: as long as one does, it counts.
        let elsewhere = Registered { origin: "pushed".to_owned(), ..push.clone() };
        sync(check, vec![SyncStep::Add(elsewhere)]).await.unwrap();
        assert!(check.store.policy().await.unwrap().retired.is_empty());
    });
}

#[test]
fn what_a_site_grants_counts_for_a_day_and_is_gone_after_it() {
    Check::on_both_behind(3 * DAY_MICROS, async |check| {
        renew(check, &["users.list", "users.export"]).await.unwrap();
        assert_eq!(granted(check).await, capabilities(&["users.export", "users.list"]));
        let version = check.store.policy().await.unwrap().version;
        renew(check, &["users.list", "users.export"]).await.unwrap();
        assert_eq!(check.store.policy().await.unwrap().version, version, "nothing has changed");
        check.store.clock().step(DAY_MICROS - MINUTE_MICROS);
        assert_eq!(granted(check).await.len(), 2, "a minute before its end");
        assert!(!check.store.has_lapsed_grants().await.unwrap());
        check.store.clock().step(MINUTE_MICROS);
        assert!(granted(check).await.is_empty(), "at its end, before upkeep comes by");
        assert!(check.store.has_lapsed_grants().await.unwrap());
        let (done, left) = check.watch(lapse(check)).await;
        done.unwrap();
        assert_eq!(left.entries.len(), 1, "{left:?}");
        assert!(!check.store.has_lapsed_grants().await.unwrap());
        assert!(check.store.policy().await.unwrap().version > version);
        renew(check, &["users.list"]).await.unwrap();
        renew(check, &[]).await.unwrap();
        assert!(granted(check).await.is_empty(), "what is not said again is gone at once");
    });
}

fn request(check: &Check, nonce: &str, ticket: Option<String>, now: i64) -> Change {
    Change::Take(TakenRequest {
        nonce: nonce.to_owned(),
        operator: editor(check),
        ticket,
        expires_at: now + MINUTE_MICROS,
        purpose: "export",
    })
}

async fn land(check: &Check, ticket: &str) -> Result<Committed, StoreError> {
    let start = SessionChange::Start {
        hash: random_word(),
        life_micros: MINUTE_MICROS,
        address: None,
        agent: None,
        by: SessionProof::HandOver(ticket.to_owned()),
    };
    let asked = (Action::SessionStart, of_editor(check));
    check.change(&check.editor, asked, Change::Session(start)).await
}

#[test]
fn a_signed_request_is_taken_once_and_lets_its_operator_in_once_and_in_time() {
    Check::on_both_behind(DAY_MICROS, async |check| {
        let take = async |nonce: &str, ticket: Option<String>| {
            let now = check.store.now().await.unwrap();
            let change = request(check, nonce, ticket, now);
            check.change(&check.admin, (Action::HandOver, Target::default()), change).await
        };
        take("n1", Some("t1".to_owned())).await.unwrap();
        let again = check.refused(take("n1", Some("t2".to_owned()))).await;
        assert!(matches!(again, StoreError::Exists { .. }), "{again}");
        assert_eq!(check.store.lander("t1").await.unwrap(), Some(editor(check)));
        assert_eq!(check.store.lander("t9").await.unwrap(), None);
        let unknown = check.refused(land(check, "t9")).await;
        assert!(matches!(unknown, StoreError::Unproven), "{unknown}");
        land(check, "t1").await.unwrap();
        let again = check.refused(land(check, "t1")).await;
        assert!(matches!(again, StoreError::Unproven), "{again}");
        assert_eq!(check.store.lander("t1").await.unwrap(), None);
        take("n2", Some("t2".to_owned())).await.unwrap();
        check.store.clock().step(MINUTE_MICROS);
        let late = check.refused(land(check, "t2")).await;
        assert!(matches!(late, StoreError::Unproven), "{late}");
    });
}

#[test]
fn a_request_that_has_ended_is_not_taken() {
    Check::on_both(async |check| {
        let now = check.store.now().await.unwrap();
        let change = request(check, "n", None, now - 2 * MINUTE_MICROS);
        let asked = (Action::HandOver, Target::default());
        let late = check.refused(check.change(&check.admin, asked, change)).await;
        assert!(matches!(late, StoreError::Missing { .. }), "{late}");
    });
}
