//! Decides by the words of the specification, without the policy's code: what the policy is held
//! against.

use tidegate_model::capability::Capabilities;

/// What an operator asks for.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Word of the action.
    pub(super) action: &'a str,
    /// What the operator holds.
    pub(super) held: &'a Capabilities,
    /// Subject of the target, if it is of one.
    pub(super) subject: Option<&'a str>,
    /// Codename of the registered action, if the target is one.
    pub(super) codename: Option<&'a str>,
    /// Whether the target is the operator's; none if it is nobody's.
    pub(super) is_own: Option<bool>,
    /// Whether the target is a job.
    pub(super) is_job: bool,
    /// Whether a token with scopes asks.
    pub(super) is_limited: bool,
}

/// What the answer has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It may.
    Allowed,
    /// As if it did not exist; this would show it.
    Hidden(String),
    /// It exists, and this is missing.
    Needs(String),
    /// No person does this.
    Never,
    /// A pause holds it back.
    Held,
    /// It is one’s own, where it must not be, or somebody else’s.
    Whose,
}

/// What an action is about: a line of the specification.
enum Rule {
    /// Making a job out of a subject, or learning what it would be.
    Export,
    /// Looking at rows: whoever may see them may, but for programs, which would take them.
    Look,
    /// Having an action of the registry done.
    Registered,
    /// Making a job out of another job.
    Again,
    /// Something with exports: `exports.VERB.own` or `exports.VERB.any`.
    Exports(&'static str),
    /// Making a schedule, or an export in its owner's name.
    Schedule,
    /// Something with schedules: one's own, or everybody's.
    Schedules,
    /// The same by whoever may export the subject.
    Takes,
    /// Giving somebody's schedule to somebody else.
    GivesSchedules,
    /// Something that is managed: this capability.
    Managed(&'static str),
    /// Something of everybody's own, or, for others, managed.
    Private(&'static str),
    /// A decision about what somebody else has asked for.
    Second,
    /// A decision about what one has asked for oneself.
    Alone,
    /// Something that only the program does.
    Program,
}

/// Makes schedules, and changes one's own.
const SCHEDULE: &str = "exports.schedule";
/// Decides about what others have asked for.
const APPROVE: &str = "exports.approve";
/// Changes everybody's.
const SCHEDULE_ANY: &str = "exports.schedule.any";

/// What only the program does.
#[rustfmt::skip]
const BY_THE_PROGRAM: &[&str] = &[
    "download.finished", "action.finished", "grant.lapsed", "approval.lapsed",
    "approval.voided",
    "egress.volume",
    "second_factor.shown", "recovery_code.used", "job.claimed", "job.ready", "job.failed",
    "job.retried", "job.handed_back", "job.cancelled", "job.rescued", "job.expired",
    "artifact.purged", "artifact.fault", "artifact.quarantined", "store.claimed",
    "schedule.missed", "schedule.failed", "schedule.held", "checkpoint.kept", "stream.held",
    "activity.archived", "webhook.disabled", "delivery.kept", "delivery.ended",
];

fn rule(action: &str) -> Rule {
    match action {
        "export.created" | "export.previewed" | "export.estimated" | "export.client" => {
            Rule::Export
        }
        "rows.viewed" => Rule::Look,
        "export.rerun" => Rule::Again,
        "action.run" => Rule::Registered,
        "action.synced" | "hand_over.taken" => Rule::Managed("actions.sync"),
        "schedule.created" | "schedule.fired" => Rule::Schedule,
        "schedule.paused" | "schedule.resumed" | "schedule.deleted" => Rule::Schedules,
        "schedule.changed" | "schedule.run" => Rule::Takes,
        "schedule.reassigned" => Rule::GivesSchedules,
        "export.viewed" | "schedule.viewed" => Rule::Exports("list"),
        "export.cancel_requested" => Rule::Exports("cancel"),
        "artifact.deleted" => Rule::Exports("delete"),
        "download.link" | "download.started" => Rule::Exports("download"),
        "approval.viewed" => Rule::Managed(APPROVE),
        "approval.granted" | "approval.denied" | "approval.reviewed" => Rule::Second,
        "approval.broken" => Rule::Alone,
        "approval_rules.changed" => Rule::Managed("settings.manage"),
        "budget.viewed" | "budget.changed" => Rule::Managed("budgets.manage"),
        "activity.viewed" => Rule::Managed("activity.view"),
        "activity.exported" => Rule::Managed("activity.export"),
        "operator.added"
        | "operator.changed"
        | "operator.disabled"
        | "operator.viewed"
        | "operator.invited"
        | "grant.renewed"
        | "second_factor.reset" => Rule::Managed("operators.manage"),
        "role.changed" | "role.removed" | "role.viewed" => Rule::Managed("roles.manage"),
        "egress.paused" | "egress.resumed" | "pause.viewed" => Rule::Managed("egress.pause"),
        "setting.changed"
        | "setting.viewed"
        | "key.rotated"
        | "control.saved"
        | "store.adopted"
        | "quarantine.viewed"
        | "quarantine.released"
        | "quarantine.deleted" => Rule::Managed("settings.manage"),
        "operator.password_set"
        | "session.started"
        | "session.ended"
        | "session.viewed"
        | "second_factor.asked"
        | "second_factor.offered"
        | "second_factor.enrolled"
        | "second_factor.removed"
        | "second_factor.viewed" => Rule::Private("operators.manage"),
        "token.created" | "token.revoked" | "token.viewed" => Rule::Private("tokens.manage"),
        "notice.viewed" | "notice.read" | "subscription.changed" => {
            Rule::Private("notifications.manage")
        }
        #[rustfmt::skip]
        "delivery.viewed" | "delivery.repeated" | "template.changed" | "template.tested"
        | "webhook.added" | "webhook.changed" | "webhook.secret_rotated" | "webhook.removed"
        | "webhook.tested" => Rule::Managed("notifications.manage"),
        other if BY_THE_PROGRAM.contains(&other) => Rule::Program,
        other => panic!("the specification does not know `{other}`"),
    }
}

/// Capabilities beside those of the subject that may matter for an action.
pub(super) fn capabilities(action: &str) -> Vec<String> {
    let of = |verb: &str| [format!("exports.{verb}.own"), format!("exports.{verb}.any")];
    match rule(action) {
        Rule::Export | Rule::Look | Rule::Program => Vec::new(),
        Rule::Registered => vec!["orders.refund".to_owned()],
        Rule::Again => of("list").into(),
        Rule::Schedule => vec![SCHEDULE.to_owned()],
        Rule::Second | Rule::Alone => vec![APPROVE.to_owned()],
        Rule::GivesSchedules => [of("list").as_slice(), &[SCHEDULE_ANY.to_owned()]].concat(),
        Rule::Schedules | Rule::Takes => {
            [of("list").as_slice(), &[SCHEDULE.to_owned(), SCHEDULE_ANY.to_owned()]].concat()
        }
        Rule::Exports(verb) => [of(verb), of("list")].concat(),
        Rule::Managed(capability) | Rule::Private(capability) => vec![capability.to_owned()],
    }
}

pub(super) fn answer(question: &Question<'_>) -> Answer {
    let holds = |capability: &str| question.held.contains(capability);
    if let Some(subject) = question.subject {
        let floor = format!("{subject}.list");
        if !holds(&floor) {
            return Answer::Hidden(floor);
        }
    }
    // The capability that is missing to do something with exports; for one's own it is the small
    // one that is named.
    let missing = |verb: &str| {
        let [own, any] = [format!("exports.{verb}.own"), format!("exports.{verb}.any")];
        let is_own = question.is_own == Some(true);
        let may = holds(&any) || is_own && holds(&own);
        (!may).then_some(if is_own { own } else { any })
    };
    let needs = |capability: String| match holds(&capability) {
        true => Answer::Allowed,
        false => Answer::Needs(capability),
    };
    let export = format!("{}.export", question.subject.unwrap_or_default());
    match rule(question.action) {
        Rule::Program => Answer::Never,
        Rule::Export => needs(export),
        Rule::Look if question.is_limited => needs(export),
        Rule::Look => needs(format!("{}.list", question.subject.unwrap_or_default())),
        Rule::Registered => {
            let subject = question.subject.unwrap_or_default();
            needs(format!("{subject}.{}", question.codename.unwrap_or_default()))
        }
        Rule::Again => missing("list").map_or_else(|| needs(export), Answer::Hidden),
        Rule::Exports(verb) => match missing("list").filter(|_| question.is_job) {
            Some(capability) => Answer::Hidden(capability),
            None => missing(verb).map_or(Answer::Allowed, Answer::Needs),
        },
        Rule::Schedule if holds(&export) => needs(SCHEDULE.to_owned()),
        Rule::Schedule => Answer::Needs(export),
        Rule::GivesSchedules => match missing("list").filter(|_| question.is_job) {
            Some(capability) => Answer::Hidden(capability),
            None => needs(SCHEDULE_ANY.to_owned()),
        },
        Rule::Schedules | Rule::Takes => match missing("list").filter(|_| question.is_job) {
            Some(capability) => Answer::Hidden(capability),
            None if matches!(rule(question.action), Rule::Takes) && !holds(&export) => {
                Answer::Needs(export)
            }
            None if holds(SCHEDULE_ANY) => Answer::Allowed,
            None if question.is_own == Some(true) => needs(SCHEDULE.to_owned()),
            None => Answer::Needs(SCHEDULE_ANY.to_owned()),
        },
        Rule::Managed(capability) => needs(capability.to_owned()),
        Rule::Second | Rule::Alone if !holds(APPROVE) => Answer::Needs(APPROVE.to_owned()),
        Rule::Second if question.is_own == Some(true) => Answer::Whose,
        Rule::Alone if question.is_own != Some(true) => Answer::Whose,
        Rule::Second | Rule::Alone => Answer::Allowed,
        Rule::Private(_) if question.is_own == Some(true) && !question.is_limited => {
            Answer::Allowed
        }
        Rule::Private(capability) => needs(capability.to_owned()),
    }
}
