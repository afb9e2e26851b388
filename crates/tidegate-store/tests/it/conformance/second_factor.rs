//! Second factors: what was not proven begins no session, and what was shown is used up.

use tidegate_model::{
    action::{Action, Target},
    ids::OperatorId,
};
use tidegate_store::{
    Change, Committed, SecondFactorChange, SecondFactorProof, SessionChange, SessionProof,
    StoreError,
};

use crate::check::{Check, random_word};

const HOUR_MICROS: i64 = 3_600_000_000;

fn editor(check: &Check) -> OperatorId {
    check.editor.operator().unwrap()
}

async fn change(
    check: &Check,
    action: Action,
    change: SecondFactorChange,
) -> Result<Committed, StoreError> {
    let target = Target { owner: Some(editor(check)), ..Target::default() };
    check.change(&check.admin, (action, target), Change::SecondFactor(change)).await
}

async fn start(check: &Check, by: SessionProof) -> Result<Committed, StoreError> {
    let start = SessionChange::Start {
        hash: random_word(),
        life_micros: HOUR_MICROS,
        address: None,
        agent: None,
        by,
    };
    let target = Target { owner: Some(editor(check)), ..Target::default() };
    let change = Change::Session(start);
    check.change(&check.admin, (Action::SessionStart, target), change).await
}

async fn by_step(check: &Check, step: i64) -> Result<Committed, StoreError> {
    let proof = SecondFactorProof::Step(step);
    start(check, SessionProof::SecondFactor { proof, step: None }).await
}

async fn offer(
    check: &Check,
    sealed: &str,
    proof: Option<SecondFactorProof>,
) -> Result<Committed, StoreError> {
    let offer = SecondFactorChange::Offer { sealed: sealed.to_owned(), proof };
    change(check, Action::SecondFactorOffer, offer).await
}

async fn confirm(check: &Check, sealed: &str, step: i64) -> Result<Committed, StoreError> {
    let enrol = SecondFactorChange::Enrol {
        sealed: sealed.to_owned(),
        step,
        recovery: vec![format!("{sealed} 1"), format!("{sealed} 2")],
        session: None,
    };
    change(check, Action::SecondFactorEnrol, enrol).await
}

/// Enrols at step 10.
async fn enrol(check: &Check) {
    offer(check, "first", None).await.unwrap();
    confirm(check, "first", 10).await.unwrap();
}

async fn ask(check: &Check, hash: &str, life_micros: i64) {
    let ask = SecondFactorChange::Ask { hash: hash.to_owned(), life_micros };
    change(check, Action::SecondFactorAsk, ask).await.unwrap();
}

#[track_caller]
fn assert_unproven(refused: Result<Committed, StoreError>) {
    assert!(matches!(refused, Err(StoreError::Unproven)), "{refused:?}");
}

#[test]
fn where_there_is_a_second_factor_a_password_alone_begins_no_session() {
    Check::on_both(async |check| {
        start(check, SessionProof::Password).await.unwrap();
        offer(check, "first", None).await.unwrap();
        start(check, SessionProof::Password).await.unwrap();
        confirm(check, "first", 10).await.unwrap();
        assert_eq!(check.store.sessions(editor(check)).await.unwrap(), [], "they have ended");
        assert_unproven(start(check, SessionProof::Password).await);
        by_step(check, 11).await.unwrap();
        start(check, SessionProof::Provider).await.unwrap();
        let sessions = check.store.sessions(editor(check)).await.unwrap();
        let vouched: Vec<bool> = sessions.iter().map(|session| session.is_vouched).collect();
        assert_eq!(vouched, [true, false]);
        change(check, Action::SecondFactorReset, SecondFactorChange::Reset).await.unwrap();
        start(check, SessionProof::Password).await.unwrap();
    });
}

#[test]
fn a_code_is_used_up_and_older_ones_with_it() {
    Check::on_both(async |check| {
        assert_unproven(by_step(check, 10).await);
        enrol(check).await;
        for (step, is_good) in
            [(9, false), (10, false), (12, true), (12, false), (11, false), (13, true)]
        {
            assert_eq!(by_step(check, step).await.is_ok(), is_good, "{step}");
        }
        assert_eq!(check.store.second_factor(editor(check)).await.unwrap().step, 13);
    });
}

#[test]
fn a_recovery_code_is_used_once_and_only_by_its_owner() {
    Check::on_both(async |check| {
        enrol(check).await;
        let by = |hash: &str| {
            let proof = SecondFactorProof::Recovery(hash.to_owned());
            SessionProof::SecondFactor { proof, step: None }
        };
        let start_as_admin = SessionChange::Start {
            hash: random_word(),
            life_micros: HOUR_MICROS,
            address: None,
            agent: None,
            by: by("first 1"),
        };
        let own = Target { owner: check.admin.operator(), ..Target::default() };
        let stolen = Change::Session(start_as_admin);
        let action = Action::SessionStart;
        assert_unproven(check.change(&check.admin, (action, own), stolen).await);
        start(check, by("first 1")).await.unwrap();
        assert_unproven(start(check, by("first 1")).await);
        assert_unproven(start(check, by("first 3")).await);
        let left = check.store.second_factor(editor(check)).await.unwrap().recovery_codes_left;
        assert_eq!(left, 1);
        assert!(check.store.has_recovery_code(editor(check), "first 2").await.unwrap());
        assert!(!check.store.has_recovery_code(editor(check), "first 1").await.unwrap());
        assert!(
            !check
                .store
                .has_recovery_code(check.admin.operator().unwrap(), "first 2")
                .await
                .unwrap()
        );
    });
}

#[test]
fn a_question_has_one_answer_and_an_end() {
    Check::on_both(async |check| {
        enrol(check).await;
        let answer = async |hash: &str, number| {
            let (proof, step) = (SecondFactorProof::Step(number), Some(hash.to_owned()));
            start(check, SessionProof::SecondFactor { proof, step }).await
        };
        ask(check, "late", -1).await;
        assert_unproven(answer("late", 11).await);
        ask(check, "asked", HOUR_MICROS).await;
        assert_unproven(answer("asked", 10).await);
        assert!(check.store.second_step_by_hash("asked").await.unwrap().is_some(), "still open");
        answer("asked", 11).await.unwrap();
        assert_unproven(answer("asked", 12).await);
        ask(check, "open", HOUR_MICROS).await;
        change(check, Action::SecondFactorReset, SecondFactorChange::Reset).await.unwrap();
        assert_eq!(check.store.second_step_by_hash("open").await.unwrap(), None);
    });
}

#[test]
fn another_secret_counts_once_it_was_confirmed_and_takes_proof_of_the_first() {
    Check::on_both(async |check| {
        enrol(check).await;
        assert_unproven(offer(check, "second", None).await);
        assert_unproven(offer(check, "second", Some(SecondFactorProof::Step(10))).await);
        offer(check, "second", Some(SecondFactorProof::Step(11))).await.unwrap();
        let factor = check.store.second_factor(editor(check)).await.unwrap();
        assert_eq!(factor.sealed.as_deref(), Some("first"));
        assert_unproven(confirm(check, "third", 12).await);
        confirm(check, "second", 12).await.unwrap();
        let factor = check.store.second_factor(editor(check)).await.unwrap();
        assert_eq!((factor.sealed.as_deref(), factor.offered), (Some("second"), None));
        assert!(!check.store.has_recovery_code(editor(check), "first 1").await.unwrap());
        assert_unproven(confirm(check, "second", 13).await);
        let remove = |step| SecondFactorChange::Remove(SecondFactorProof::Step(step));
        assert_unproven(change(check, Action::SecondFactorRemove, remove(12)).await);
        change(check, Action::SecondFactorRemove, remove(13)).await.unwrap();
        assert_eq!(check.store.second_factor(editor(check)).await.unwrap(), Default::default());
    });
}
