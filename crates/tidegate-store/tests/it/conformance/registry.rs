//! The registry of actions, what other sites grant, and the requests that they have signed.

use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    capability::Capabilities,
    ids::OperatorId,
    registry::{AdminAction, Kind, Reach, Registered, SyncStep},
};
use tidegate_store::{
    Change, Committed, GrantChange, GrantWord, SessionChange, SessionProof, StoreError,
    TakenRequest,
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

async fn renew(
    check: &Check,
    signed_at: i64,
    capabilities: &[&str],
) -> Result<Committed, StoreError> {
    renew_by(check, "django", (signed_at, capabilities)).await
}

async fn renew_by(
    check: &Check,
    source: &str,
    (signed_at, capabilities): (i64, &[&str]),
) -> Result<Committed, StoreError> {
    let word = GrantWord {
        source: source.to_owned(),
        capabilities: capabilities.iter().map(|one| (*one).to_owned()).collect(),
        signed_at,
        life_micros: DAY_MICROS,
    };
    let site = Caller::provider(source, Via::Api, None);
    let change = Change::Grants(GrantChange::Renew(word));
    check.change(&site, (Action::GrantRenew, of_editor(check)), change).await
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
        renew(check, 1, &["users.list", "users.export"]).await.unwrap();
        assert_eq!(granted(check).await, capabilities(&["users.export", "users.list"]));
        let version = check.store.policy().await.unwrap().version;
        renew(check, 2, &["users.list", "users.export"]).await.unwrap();
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
        renew(check, 3, &["users.list"]).await.unwrap();
        renew(check, 4, &[]).await.unwrap();
        assert!(granted(check).await.is_empty(), "what is not said again is gone at once");
    });
}

#[test]
fn an_older_word_of_a_site_that_comes_later_changes_nothing() {
    Check::on_both(async |check| {
        renew(check, 10, &["users.list", "users.export"]).await.unwrap();
        renew(check, 30, &["users.list"]).await.unwrap();
        let version = check.store.policy().await.unwrap().version;
        let (done, left) = check.watch(renew(check, 20, &["users.list", "users.export"])).await;
        done.unwrap();
        assert_eq!(left.entries.len(), 1, "that it came stands in the log: {left:?}");
        let policy = check.store.policy().await.unwrap();
        assert_eq!(policy.version, version);
        assert_eq!(granted(check).await, capabilities(&["users.list"]));
        renew(check, 40, &[]).await.unwrap();
        renew(check, 39, &["users.list"]).await.unwrap();
        assert!(granted(check).await.is_empty(), "nor does it bring back what was taken whole");
        // Each site has a clock of its own.
        renew_by(check, "wagtail", (5, &["users.list"])).await.unwrap();
        assert_eq!(granted(check).await, capabilities(&["users.list"]));
        renew(check, 41, &["users.export"]).await.unwrap();
        assert_eq!(granted(check).await, capabilities(&["users.export", "users.list"]));
    });
}

#[test]
fn of_two_words_of_one_moment_counts_what_both_say() {
    Check::on_both(async |check| {
        for (at, first, second) in [
            (10, &["users.list", "users.export"][..], &["users.list", "orders.list"][..]),
            (20, &["users.list", "orders.list"], &["users.list", "users.export"]),
        ] {
            renew(check, at, first).await.unwrap();
            renew(check, at, second).await.unwrap();
            assert_eq!(granted(check).await, capabilities(&["users.list"]));
        }
        renew(check, 30, &[]).await.unwrap();
        renew(check, 30, &["users.list"]).await.unwrap();
        assert!(granted(check).await.is_empty());
    });
}

#[test]
fn of_two_words_at_once_the_later_one_counts_whichever_comes_first() {
    Check::on_both(async |check| {
        for round in 0..10 {
            let at = 10 * round;
            renew(check, at + 1, &["users.list"]).await.unwrap();
            let older = renew(check, at + 2, &["users.list", "users.export"]);
            let (older, newer) = tokio::join!(older, renew(check, at + 3, &["users.list"]));
            older.unwrap();
            newer.unwrap();
            assert_eq!(granted(check).await, capabilities(&["users.list"]));
        }
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
