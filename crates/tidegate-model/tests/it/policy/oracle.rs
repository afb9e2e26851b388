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
}

/// What an action is about: a line of the specification.
enum Rule {
    /// Making a job out of a subject, or learning what it would be.
    Export,
    /// Looking at rows: whoever may see them may, but for programs, which would take them.
    Look,
    /// Making a job out of another job.
    Again,
    /// Something with exports: `exports.VERB.own` or `exports.VERB.any`.
    Exports(&'static str),
    /// Something that is managed: this capability.
    Managed(&'static str),
    /// Something of everybody's own, or, for others, managed.
    Private(&'static str),
    /// Something that only the program does.
    Program,
}

fn rule(action: &str) -> Rule {
    match action {
        "export.created" | "export.previewed" | "export.estimated" | "export.client" => {
            Rule::Export
        }
        "rows.viewed" => Rule::Look,
        "export.rerun" => Rule::Again,
        "export.viewed" => Rule::Exports("list"),
        "export.cancel_requested" => Rule::Exports("cancel"),
        "artifact.deleted" => Rule::Exports("delete"),
        "download.link" | "download.started" => Rule::Exports("download"),
        "activity.viewed" => Rule::Managed("activity.view"),
        "activity.exported" => Rule::Managed("activity.export"),
        "operator.added"
        | "operator.changed"
        | "operator.disabled"
        | "operator.viewed"
        | "operator.invited"
        | "second_factor.reset" => Rule::Managed("operators.manage"),
        "role.changed" | "role.removed" | "role.viewed" => Rule::Managed("roles.manage"),
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
        "download.finished"
        | "egress.volume"
        | "second_factor.shown"
        | "recovery_code.used"
        | "job.claimed"
        | "job.ready"
        | "job.failed"
        | "job.retried"
        | "job.handed_back"
        | "job.cancelled"
        | "job.rescued"
        | "job.expired"
        | "artifact.purged"
        | "artifact.fault"
        | "artifact.quarantined"
        | "store.claimed"
        | "checkpoint.kept"
        | "stream.held"
        | "activity.archived" => Rule::Program,
        other => panic!("the specification does not know `{other}`"),
    }
}

/// Capabilities beside those of the subject that may matter for an action.
pub(super) fn capabilities(action: &str) -> Vec<String> {
    let of = |verb: &str| [format!("exports.{verb}.own"), format!("exports.{verb}.any")];
    match rule(action) {
        Rule::Export | Rule::Look | Rule::Program => Vec::new(),
        Rule::Again => of("list").into(),
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
        Rule::Again => missing("list").map_or_else(|| needs(export), Answer::Hidden),
        Rule::Exports(verb) => match missing("list").filter(|_| question.is_job) {
            Some(capability) => Answer::Hidden(capability),
            None => missing(verb).map_or(Answer::Allowed, Answer::Needs),
        },
        Rule::Managed(capability) => needs(capability.to_owned()),
        Rule::Private(_) if question.is_own == Some(true) && !question.is_limited => {
            Answer::Allowed
        }
        Rule::Private(capability) => needs(capability.to_owned()),
    }
}
