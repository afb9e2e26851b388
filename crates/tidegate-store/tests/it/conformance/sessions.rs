//! Sign-ins, and links by which passwords are set: begun, used, ended.

use tidegate_model::{
    action::{Action, Target},
    ids::{OperatorId, SessionId},
};
use tidegate_store::{
    Change, Committed, OperatorChange, Presence, Session, SessionChange, SessionProof, StoreError,
};

use crate::check::{Check, random_word};

const HOUR_MICROS: i64 = 3_600_000_000;

fn editor(check: &Check) -> OperatorId {
    check.editor.operator().unwrap()
}

async fn change(check: &Check, action: Action, change: Change) -> Result<Committed, StoreError> {
    let target = Target { owner: Some(editor(check)), ..Target::default() };
    check.change(&check.admin, (action, target), change).await
}

async fn start(check: &Check) -> Session {
    let hash = random_word();
    let start = SessionChange::Start {
        hash: hash.clone(),
        life_micros: HOUR_MICROS,
        address: Some("192.0.2.1".to_owned()),
        agent: Some("browser".to_owned()),
        by: SessionProof::Password,
    };
    let made = change(check, Action::SessionStart, Change::Session(start)).await.unwrap();
    let found = check.store.presence(&hash).await.unwrap().unwrap();
    assert_eq!(Some(found.session.id().0), made.id);
    assert_eq!(Some(&found.operator), check.store.operator(editor(check)).await.unwrap().as_ref());
    assert_eq!(found.settings, check.store.settings().await.unwrap());
    let Presence { session, now, .. } = found;
    assert!(now >= session.created_at && now < session.expires_at);
    assert!(check.store.presence(&random_word()).await.unwrap().is_none());
    session
}

async fn end(check: &Check, ended: SessionChange) -> Result<Committed, StoreError> {
    change(check, Action::SessionEnd, Change::Session(ended)).await
}

async fn open(check: &Check) -> Vec<SessionId> {
    let sessions = check.store.sessions(editor(check)).await.unwrap();
    sessions.iter().map(Session::id).collect()
}

async fn set_password(check: &Check, invitation: Option<i64>) -> Result<Committed, StoreError> {
    let password = OperatorChange::Password {
        id: editor(check),
        password_hash: "$argon2id$".to_owned(),
        invitation,
        session: None,
    };
    change(check, Action::OperatorPassword, Change::Operator(password)).await
}

#[test]
fn a_session_ends_once_and_only_as_its_own_operators() {
    Check::on_both(async |check| {
        let (first, second, third) = (start(check).await, start(check).await, start(check).await);
        end(check, SessionChange::End(first.id())).await.unwrap();
        let again = end(check, SessionChange::End(first.id())).await;
        assert!(matches!(again, Err(StoreError::Missing { .. })));
        let other = Target { owner: check.admin.operator(), ..Target::default() };
        let stolen = Change::Session(SessionChange::End(second.id()));
        let stolen = check.change(&check.admin, (Action::SessionEnd, other), stolen).await;
        assert!(matches!(stolen, Err(StoreError::Missing { .. })));
        assert_eq!(open(check).await, [third.id(), second.id()]);
        end(check, SessionChange::EndOthers(Some(third.id()))).await.unwrap();
        assert_eq!(open(check).await, [third.id()]);
    });
}

#[test]
fn a_password_and_a_shut_door_end_every_session() {
    Check::on_both(async |check| {
        start(check).await;
        set_password(check, None).await.unwrap();
        assert_eq!(open(check).await, []);
        start(check).await;
        let disable = Change::Operator(OperatorChange::Disable(editor(check)));
        change(check, Action::OperatorDisable, disable).await.unwrap();
        assert_eq!(open(check).await, []);
    });
}

#[test]
fn that_somebody_is_there_is_noted_once_a_minute() {
    Check::on_both(async |check| {
        let session = start(check).await;
        let seen_at = async || {
            check.store.session(session.id()).await.unwrap().unwrap().seen_at - session.seen_at
        };
        check.store.note_seen(&session, session.seen_at + 59_999_999).await.unwrap();
        assert_eq!(seen_at().await, 0);
        check.store.note_seen(&session, session.seen_at + 60_000_000).await.unwrap();
        assert_eq!(seen_at().await, 60_000_000);
    });
}

#[test]
fn an_invitation_is_used_once_and_by_a_password_all_are() {
    Check::on_both(async |check| {
        let invite = async |life_micros| {
            let hash = random_word();
            let id = editor(check);
            let invite = OperatorChange::Invite { id, hash: hash.clone(), life_micros };
            change(check, Action::OperatorInvite, Change::Operator(invite)).await.unwrap();
            check.store.invitation_by_hash(&hash).await.unwrap().unwrap().id
        };
        let (late, first, second) =
            (invite(-1).await, invite(HOUR_MICROS).await, invite(HOUR_MICROS).await);
        let refused = async |invitation| {
            let set = set_password(check, Some(invitation)).await;
            matches!(set, Err(StoreError::Missing { .. }))
        };
        assert!(refused(late).await, "it is too old");
        set_password(check, Some(first)).await.unwrap();
        assert!(refused(first).await, "it was used");
        assert!(refused(second).await, "the password was set by another");
        assert!(refused(9_999).await, "there is none");
    });
}
