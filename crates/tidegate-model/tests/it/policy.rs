//! Who may do what: the tables as snapshots, and the whole space against an oracle of its own.

mod oracle;
mod paused;

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller, Via},
    capability::{self, Capabilities},
    exposure::Withheld,
    ids::{JobId, OperatorId, ScheduleId, TokenId},
    policy::{self, Policy, Reason, authorize, explain},
    role::{self, Role},
    status::Status,
};

use oracle::{Answer, Question, answer};

/// Subjects of the site; `secrets` is one that nobody may list.
const SUBJECTS: [&str; 4] = ["content", "analytics", "orders", "users"];
const ME: OperatorId = OperatorId(1);
const ANOTHER: OperatorId = OperatorId(2);

fn caller(role: &str) -> Caller {
    Caller {
        actor: Actor::Operator { id: ME, token: None },
        name: "me@example.com".to_owned(),
        role: Some(role.to_owned()),
        token_scopes: None,
        session: None,
        via: Via::Api,
        address: None,
    }
}

fn defaults() -> Policy {
    let roles = role::defaults(SUBJECTS).into_iter().map(|role| (role.slug.clone(), role));
    Policy { version: 7, roles: roles.collect(), ..Policy::default() }
}

/// A policy whose one role, `tried`, has these capabilities.
fn policy_of(capabilities: &Capabilities) -> Policy {
    let role = Role {
        slug: "tried".to_owned(),
        label: String::new(),
        capabilities: capabilities.clone(),
        limits: Vec::new(),
        masks: Default::default(),
    };
    Policy { version: 7, roles: [("tried".to_owned(), role)].into(), ..Policy::default() }
}

fn job_of(subject: &str, owner: OperatorId) -> Target {
    Target {
        subject: Some(subject.to_owned()),
        owner: Some(owner),
        schedule: None,
        job: Some(JobId(5)),
        status: Some(Status::Ready),
        ..Target::default()
    }
}

fn answer_of(policy: &Policy, caller: &Caller, action: Action, target: &Target) -> Answer {
    match explain(policy, caller, action, target).refused {
        None => Answer::Allowed,
        Some(Reason::Invisible { capability }) => Answer::Hidden(capability),
        Some(Reason::Missing { capability }) => Answer::Needs(capability),
        Some(Reason::Paused { .. }) => Answer::Held,
        Some(Reason::Own | Reason::NotOwn) => Answer::Whose,
        Some(
            Reason::Internal
            | Reason::Unproven
            | Reason::Withheld { .. }
            | Reason::ApprovalOver { .. }
            | Reason::ApprovalVoid
            | Reason::NoBreakGlass
            | Reason::OverBudget(_),
        ) => Answer::Never,
    }
}

/// As the API answers: 404 for what does not exist, 403 for what is refused.
fn cell(answer: &Answer) -> &'static str {
    match answer {
        Answer::Allowed => "yes",
        Answer::Hidden(_) => "404",
        Answer::Needs(_) => "403",
        Answer::Never => "never",
        Answer::Held => "held",
        Answer::Whose => "403: whose",
    }
}

#[test]
fn each_default_role_may_do_this() {
    let policy = defaults();
    let columns = [
        ("own content", job_of("content", ME)),
        ("other's content", job_of("content", ANOTHER)),
        ("own users", job_of("users", ME)),
        ("other's users", job_of("users", ANOTHER)),
        ("own secrets", job_of("secrets", ME)),
        ("other's secrets", job_of("secrets", ANOTHER)),
        ("own", Target { owner: Some(ME), ..Target::default() }),
        ("other's", Target { owner: Some(ANOTHER), ..Target::default() }),
        ("nobody's", Target::default()),
    ];
    let mut table = String::new();
    for role in ["administrator", "editor", "viewer"] {
        table += &format!("{role:<24}");
        table.extend(columns.iter().map(|(words, _)| format!(" {words:<15}")));
        for &action in Action::ALL {
            table += &format!("\n{:<24}", action.slug());
            table.extend(columns.iter().map(|(_, target)| {
                format!(" {:<15}", cell(&answer_of(&policy, &caller(role), action, target)))
            }));
        }
        table += "\n\n";
    }
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!("default_roles", lines.join("\n"));
}

#[test]
fn the_default_roles_have_the_capabilities_of_the_specification() {
    let role = |slug: &str| defaults().roles[slug].capabilities.clone();
    let own = "exports.list.own exports.download.own exports.cancel.own exports.delete.own";
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Capabilities>();
    let editor = format!(
        "{own} content.list content.export analytics.list analytics.export orders.list users.list \
         exports.schedule"
    );
    assert_eq!(role("editor"), words(editor));
    assert_eq!(role("viewer"), words(format!("{own} content.list content.export analytics.list")));
    let administrator = format!(
        "{own} exports.list.any exports.cancel.any exports.download.any exports.delete.any \
         content.list content.export analytics.list analytics.export orders.list orders.export \
         users.list users.export exports.schedule activity.view settings.manage roles.manage \
         operators.manage pii.unmask exports.approve exports.schedule.any tokens.manage \
         notifications.manage budgets.manage activity.export egress.pause actions.sync"
    );
    assert_eq!(role("administrator"), words(administrator));
    assert_eq!(role("administrator"), capability::all(SUBJECTS));
}

#[test]
fn a_site_without_a_subject_gives_no_role_its_capabilities() {
    for role in role::defaults(["content", "songs"]) {
        for capability in &role.capabilities {
            let none = Capabilities::new();
            let fault = capability::fault_of(capability, ["content", "songs"], &none);
            assert_eq!(fault, None, "{}", role.slug);
        }
        let is_given = role.capabilities.contains("songs.list");
        assert_eq!(is_given, role.slug == "administrator", "others are given it by somebody");
    }
}

/// Every target that can make a difference.
fn targets() -> Vec<Target> {
    let mut targets = Vec::new();
    for subject in [None, Some("orders".to_owned())] {
        for owner in [None, Some(ME), Some(ANOTHER)] {
            let of_owner = Target { subject: subject.clone(), owner, ..Target::default() };
            targets.push(Target { job: Some(JobId(5)), ..of_owner.clone() });
            targets.push(Target { schedule: Some(ScheduleId(6)), ..of_owner.clone() });
            targets.push(of_owner);
        }
        let codename = Some("refund".to_owned());
        targets.push(Target { subject, codename, ..Target::default() });
    }
    targets
}

/// All capabilities that an action may ask for, in any combination.
fn combinations(action: Action) -> Vec<Capabilities> {
    let asked: Vec<String> = oracle::capabilities(action.slug())
        .into_iter()
        .chain(["orders.list".to_owned(), "orders.export".to_owned()])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let subsets = (0..1_usize << asked.len()).map(|bits| {
        let chosen = asked.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, capability)| capability.clone()).collect()
    });
    subsets.collect()
}

#[test]
fn the_policy_decides_as_the_oracle_does() {
    let mut asked = 0;
    for &action in Action::ALL {
        for capabilities in combinations(action) {
            let policy = policy_of(&capabilities);
            for target in targets() {
                let question = Question {
                    action: action.slug(),
                    held: &capabilities,
                    subject: target.subject.as_deref(),
                    codename: target.codename.as_deref(),
                    is_own: target.owner.map(|owner| owner == ME),
                    is_job: target.job.is_some() || target.schedule.is_some(),
                    is_limited: false,
                };
                let decided = answer_of(&policy, &caller("tried"), action, &target);
                assert_eq!(decided, answer(&question), "{question:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 5_000, "{asked}");
}

#[test]
fn a_token_may_what_its_role_may_and_its_scopes_admit() {
    for &action in Action::ALL {
        for held in combinations(action) {
            let policy = policy_of(&held);
            for scopes in combinations(action) {
                let token = Caller {
                    actor: Actor::Operator { id: ME, token: Some(TokenId(3)) },
                    token_scopes: Some(scopes.clone()),
                    ..caller("tried")
                };
                let both: Capabilities = held.intersection(&scopes).cloned().collect();
                for target in targets() {
                    let question = Question {
                        action: action.slug(),
                        held: &both,
                        subject: target.subject.as_deref(),
                        codename: target.codename.as_deref(),
                        is_own: target.owner.map(|owner| owner == ME),
                        is_job: target.job.is_some() || target.schedule.is_some(),
                        is_limited: true,
                    };
                    let decided = answer_of(&policy, &token, action, &target);
                    assert_eq!(decided, answer(&question), "{question:?} by a token");
                }
            }
        }
    }
}

#[test]
fn a_token_without_scopes_may_what_its_role_may() {
    let policy = defaults();
    for role in ["administrator", "editor", "viewer"] {
        let token =
            Caller { actor: Actor::Operator { id: ME, token: Some(TokenId(3)) }, ..caller(role) };
        // A program that looks at rows takes them.
        for action in Action::ALL.iter().copied().filter(|action| *action != Action::RowsView) {
            for target in targets() {
                let by_token = answer_of(&policy, &token, action, &target);
                assert_eq!(by_token, answer_of(&policy, &caller(role), action, &target));
            }
        }
    }
}

#[test]
fn the_parts_of_the_program_do_exactly_what_is_theirs() {
    const WORKER: &[&str] = &[
        "job.claimed",
        "job.ready",
        "job.failed",
        "job.retried",
        "job.handed_back",
        "job.cancelled",
    ];
    #[rustfmt::skip]
    const UPKEEP: &[&str] = &[
        "schedule.missed", "schedule.failed", "schedule.held", "approval.lapsed",
        "approval.voided", "job.failed", "job.cancelled", "job.rescued", "job.expired",
        "artifact.purged", "artifact.fault", "checkpoint.kept", "stream.held",
        "activity.archived", "store.claimed", "artifact.quarantined", "grant.lapsed",
        "webhook.disabled", "delivery.kept", "delivery.ended",
    ];
    #[rustfmt::skip]
    const SETUP: &[&str] = &[
        "approval_rules.changed", "budget.changed", "operator.added", "role.changed",
        "setting.changed",
    ];
    const PROVIDER: &[&str] = &["operator.added", "operator.changed", "grant.renewed"];
    for (part, theirs) in [
        (Caller::provider("https://id.example.com", Via::Admin, None), PROVIDER),
        (Caller::worker("w"), WORKER),
        (Caller::upkeep("sweep"), UPKEEP),
        (Caller::setup("root"), SETUP),
    ] {
        // Neither the policy nor the target matters, nor a role that somebody puts on.
        for part in [part.clone(), Caller { role: Some("administrator".to_owned()), ..part }] {
            for policy in [Policy::default(), defaults()] {
                for target in targets() {
                    let allowed = Action::ALL.iter().copied().filter(|action| {
                        answer_of(&policy, &part, *action, &target) == Answer::Allowed
                    });
                    let allowed: Vec<&str> = allowed.map(Action::slug).collect();
                    assert_eq!(allowed, theirs, "{}", part.name);
                }
            }
        }
    }
}

#[test]
fn a_stranger_may_nothing() {
    let stranger = Caller::stranger("me@example.com", Via::Api, None);
    for stranger in [stranger.clone(), Caller { role: Some("administrator".into()), ..stranger }] {
        for &action in Action::ALL {
            for target in targets() {
                assert_eq!(answer_of(&defaults(), &stranger, action, &target), Answer::Never);
            }
        }
    }
}

#[test]
fn an_operator_whose_role_is_gone_may_nothing_but_what_is_free() {
    let gone = [caller("gone"), Caller { role: None, ..caller("viewer") }];
    for caller in gone {
        let allowed = Action::ALL.iter().copied().filter(|action| {
            let target = Target { owner: Some(ME), ..Target::default() };
            answer_of(&defaults(), &caller, *action, &target) == Answer::Allowed
        });
        let allowed: Vec<&str> = allowed.map(Action::slug).collect();
        let free = [
            "operator.password_set",
            "session.started",
            "session.ended",
            "session.viewed",
            "second_factor.asked",
            "second_factor.offered",
            "second_factor.enrolled",
            "second_factor.removed",
            "second_factor.viewed",
            "token.created",
            "token.revoked",
            "token.viewed",
            "notice.viewed",
            "notice.read",
            "subscription.changed",
        ];
        assert_eq!(allowed, free);
    }
}

#[test]
fn a_grant_counts_beside_the_role_for_its_operator_and_its_token_alone() {
    let export = Target { subject: Some("users".to_owned()), ..Target::default() };
    let granted = ["users.list", "users.export"].map(str::to_owned).into();
    let policy = Policy { grants: [(ME, granted)].into(), ..defaults() };
    let may = |policy: &Policy, caller: &Caller| {
        answer_of(policy, caller, Action::ExportCreate, &export) == Answer::Allowed
    };
    let me = caller("viewer");
    assert!(may(&policy, &me) && !may(&defaults(), &me));
    let another = Caller { actor: Actor::Operator { id: ANOTHER, token: None }, ..me.clone() };
    assert!(!may(&policy, &another), "what is granted to one is granted to nobody else");
    let scopes = Some(["users.list".to_owned()].into());
    assert!(!may(&policy, &Caller { token_scopes: scopes, ..me.clone() }));
    for part in [Caller::worker("w"), Caller::upkeep("u"), Caller::stranger("s", Via::Api, None)] {
        assert!(!may(&policy, &part));
    }
    assert!(policy::held(&policy, &me).contains("users.export"));
    assert!(policy::subjects_seen(&policy, &me).contains(&"users".to_owned()));
}

#[test]
fn what_is_declared_no_more_counts_for_nobody_and_a_subjects_own_export_stays() {
    let held = ["orders.list", "orders.export", "orders.refund"].map(str::to_owned).into();
    let refund = Target {
        subject: Some("orders".to_owned()),
        codename: Some("refund".to_owned()),
        ..Target::default()
    };
    let now = policy_of(&held);
    let retired = Policy {
        retired: ["orders.refund", "orders.export"].map(str::to_owned).into(),
        ..policy_of(&held)
    };
    let me = caller("tried");
    assert_eq!(answer_of(&now, &me, Action::ActionRun, &refund), Answer::Allowed);
    let needs = Answer::Needs("orders.refund".to_owned());
    assert_eq!(answer_of(&retired, &me, Action::ActionRun, &refund), needs);
    assert!(policy::holds(&retired, &me, "orders.export"), "it is the subject's own");
    let granted = Policy {
        grants: [(ME, held)].into(),
        roles: policy_of(&Capabilities::new()).roles,
        ..retired
    };
    assert!(policy::holds(&granted, &me, "orders.list"));
    for capability in ["orders.export", "orders.refund"] {
        assert!(!policy::holds(&granted, &me, capability), "{capability}");
    }
}

#[test]
fn the_floor_comes_first() {
    let nothing = policy_of(&Capabilities::new());
    for &action in Action::ALL {
        let target = job_of("orders", ME);
        let denied = authorize(&nothing, &caller("tried"), action, target).unwrap_err();
        if !matches!(denied.reason, Reason::Internal) {
            assert!(denied.is_invisible(), "{}", action.slug());
        }
        assert_eq!(denied.reason, Reason::Invisible { capability: "orders.list".to_owned() });
    }
    let listed = policy_of(&["orders.list".to_owned()].into());
    let denied = authorize(
        &listed,
        &caller("tried"),
        Action::ExportCreate,
        Target { job: None, ..job_of("orders", ME) },
    );
    let denied = denied.unwrap_err();
    assert!(!denied.is_invisible());
    assert_eq!(denied.to_string(), "this takes the capability `orders.export`");
    assert!(policy::sees_subject(&listed, &caller("tried"), "orders"));
    assert!(!policy::sees_subject(&listed, &caller("tried"), "users"));
    assert!(policy::holds(&listed, &caller("tried"), "orders.list"));
    assert!(!policy::holds(&listed, &caller("tried"), "orders.export"));
}

#[test]
fn a_permit_and_a_refusal_say_who_asked_for_what_by_which_policy() {
    let policy = defaults();
    for (role, action) in [("editor", Action::ExportCancel), ("viewer", Action::ActivityView)] {
        let (who, target) = (caller(role), job_of("content", ME));
        let known = match authorize(&policy, &who, action, target.clone()) {
            Ok(permit) => {
                assert_eq!(role, "editor");
                (permit.caller().clone(), permit.action(), permit.target().clone())
            }
            Err(denied) => {
                assert_eq!(role, "viewer");
                assert_eq!(denied.policy_version(), 7);
                (denied.caller().clone(), denied.action(), denied.target().clone())
            }
        };
        assert_eq!(known, (who, action, target));
    }
    let target = job_of("content", ME);
    let permit = authorize(&policy, &caller("editor"), Action::ExportView, target).unwrap();
    assert_eq!(permit.policy_version(), 7);
}

#[test]
fn an_explanation_names_what_was_asked_and_what_was_there() {
    let scopes = ["content.list", "exports.list.own", "exports.cancel.any"];
    let token = Caller {
        actor: Actor::Operator { id: ME, token: Some(TokenId(3)) },
        token_scopes: Some(scopes.map(str::to_owned).into()),
        ..caller("editor")
    };
    let target = job_of("content", ME);
    let explained = explain(&defaults(), &token, Action::ExportCancel, &target);
    let expected = json!({
        "action": "export.cancel_requested",
        "role": "editor",
        "asked": [
            { "capability": "content.list", "by_role": true, "by_grant": false, "by_token": true },
            { "capability": "exports.list.own", "by_role": true, "by_grant": false, "by_token": true },
            { "capability": "exports.cancel.own", "by_role": true, "by_grant": false, "by_token": false },
            { "capability": "exports.cancel.any", "by_role": false, "by_grant": false, "by_token": true },
        ],
        "refused": { "missing": { "capability": "exports.cancel.own" } },
    });
    assert_eq!(serde_json::to_value(explained).unwrap(), expected);
}

#[test]
fn what_is_withheld_is_refused_after_all_else_and_whatever_the_role() {
    let why = Withheld::Field { field: "email".to_owned() };
    let policy = defaults();
    for &action in Action::ALL {
        for slug in ["administrator", "editor", "viewer"] {
            let caller = caller(slug);
            let given = job_of("orders", OperatorId(1));
            let withheld = Target { withheld: Some(why.clone()), ..given.clone() };
            let refused = explain(&policy, &caller, action, &withheld).refused;
            match explain(&policy, &caller, action, &given).refused {
                None => assert_eq!(refused, Some(Reason::Withheld { why: why.clone() })),
                Some(reason) => assert_eq!(refused, Some(reason), "{action:?} {slug}"),
            }
        }
    }
}
