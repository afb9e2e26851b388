//! What a pause holds back, over the whole space.

use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller},
    ids::TokenId,
    pause::Pause,
    policy::{Policy, authorize},
};

use super::{ANOTHER, ME, answer_of, caller, defaults, job_of, oracle::Answer, targets};

/// What leaves by these actions, a pause holds back; by the others nothing leaves, or a person looks.
const LEAVING: [&str; 8] = [
    "export.created",
    "export.rerun",
    "export.client",
    "download.link",
    "download.started",
    "schedule.run",
    "schedule.fired",
    "action.run",
];
const TAKEN_BY_PROGRAMS: [&str; 2] = ["rows.viewed", "export.previewed"];

#[test]
fn a_pause_holds_back_what_leaves_and_nothing_else() {
    let pause = |subject: Option<&str>| Pause {
        id: 1,
        subject: subject.map(str::to_owned),
        reason: "a leak".to_owned(),
        paused_by: ANOTHER,
        name: "another@example.com".to_owned(),
        paused_at: 0,
    };
    let token =
        Caller { actor: Actor::Operator { id: ME, token: Some(TokenId(3)) }, ..caller("x") };
    for role in ["administrator", "editor", "viewer"] {
        for (who, is_program) in [(caller(role), false), (token.clone(), true)] {
            let who = Caller { role: Some(role.to_owned()), ..who };
            for paused in [None, Some("orders"), Some("users")] {
                let open = defaults();
                let held = Policy { pauses: vec![pause(paused)], ..defaults() };
                for &action in Action::ALL {
                    let leaves = LEAVING.contains(&action.slug())
                        || is_program && TAKEN_BY_PROGRAMS.contains(&action.slug());
                    for target in targets() {
                        let is_held = paused.is_none() || target.subject.as_deref() == paused;
                        let expected = match answer_of(&open, &who, action, &target) {
                            Answer::Allowed if leaves && is_held => Answer::Held,
                            answer => answer,
                        };
                        assert_eq!(answer_of(&held, &who, action, &target), expected);
                    }
                }
            }
        }
    }
    let held = Policy { pauses: vec![pause(Some("orders"))], ..defaults() };
    let target = Target { job: None, ..job_of("orders", ME) };
    let denied = authorize(&held, &caller("administrator"), Action::ExportCreate, target);
    assert_eq!(denied.unwrap_err().to_string(), "egress of `orders` is paused: a leak");
}
