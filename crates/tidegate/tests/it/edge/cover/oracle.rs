//! Who may do what, read off SPEC.md ("Who may do what") and nothing else: not off the code.

use std::collections::BTreeSet;

/// What an operation is about, and so how many cells it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The site.
    Site,
    /// The site as well, for a desk of its own: who is refused too often is not written down.
    Notices,
    /// A subject.
    Subject,
    /// An export: of a subject, one's own or another's.
    Job,
    /// A schedule, of the same kinds.
    Schedule,
    /// A thing of somebody: one's own or another's.
    Thing,
    /// What is one's own and can be nobody else's.
    Own,
}

/// A rule: the first one that is not met gives the answer.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The admin gate: signed in, or a valid token.
    Gate,
    /// "Who lacks `X.list` …: every error answers as if X did not exist." The status is that of an
    /// unknown name: in a path, or in a request.
    Floor(u16),
    /// "What one may not list does not exist": jobs, by `exports.list.own` and `.any`.
    Listed,
    /// `exports.….own` for one's own, `.any` for everybody's.
    Export(&'static str),
    /// "Who has `X.list` without `X.export`: the API answers 403."
    Take,
    /// "A token needs `X.export`, not only `X.list`, to read rows": who is signed in does not.
    Look,
    /// `exports.schedule` for one's own, `exports.schedule.any` for everybody's.
    Plan,
    /// "Runs belong to the original creator and stop when that operator no longer may."
    OwnerMay,
    /// Nothing waits for an approval here: who decides about what does is proven where it waits.
    Absent,
    /// A capability.
    Has(&'static str),
    /// One's own is free to a person, not to a token with scopes; another's takes the capability,
    /// and without it does not exist.
    Mine(&'static str),
    /// The same for a list of such things, which is there and refused.
    Whose(&'static str),
}

/// An operation of the document.
#[derive(Debug)]
pub(super) struct Operation {
    /// Method and path behind `/api/v1`.
    pub(super) name: &'static str,
    pub(super) about: About,
    rules: &'static [Rule],
    /// Words of the entry that it leaves, done or denied; none if it only looks.
    pub(super) leaves: &'static [&'static str],
}

use About::{Job, Notices, Own, Schedule, Site, Subject, Thing};
use Rule::{Absent, Export, Floor, Gate, Has, Listed, Look, Mine, OwnerMay, Plan, Take, Whose};

const fn of(
    name: &'static str,
    about: About,
    rules: &'static [Rule],
    leaves: &'static [&'static str],
) -> Operation {
    Operation { name, about, rules, leaves }
}

const JOB: &[Rule] = &[Gate, Floor(404), Listed];
const ABSENT: &[Rule] = &[Gate, Absent];
const RULED: &[&str] = &["approval_rules.changed"];
/// Nobody holds an action that nobody has declared.
const RUN: &[Rule] = &[Gate, Floor(404), Has("actions.none")];
const ASKED: &[Rule] = &[Gate, Floor(422), Take];

/// Every operation. Deletions come last, as they leave nothing to look at.
pub(super) const OPERATIONS: &[Operation] = &[
    of("GET /openapi.json", Site, &[], &[]),
    of("GET /keys", Site, &[], &[]),
    of("POST /sessions", Site, &[], &["session.started"]),
    of("GET /me", Site, &[Gate], &[]),
    of("GET /subjects", Site, &[Gate], &[]),
    of("GET /subjects/{slug}", Subject, &[Gate, Floor(404)], &[]),
    of("GET /subjects/{slug}/rows", Subject, &[Gate, Floor(404), Look], &[]),
    of("POST /exports/preview", Subject, ASKED, &["export.previewed"]),
    of("POST /exports/estimate", Subject, ASKED, &["export.estimated"]),
    of("POST /exports", Subject, ASKED, &["export.created"]),
    of("GET /exports", Site, &[Gate, Export("list")], &[]),
    of("GET /exports/{id}", Job, JOB, &[]),
    of("GET /exports/{id}/attempts", Job, JOB, &[]),
    of("GET /exports/{id}/manifest", Job, JOB, &[]),
    of("GET /exports/{id}/events", Job, JOB, &[]),
    of("GET /schedules", Site, &[Gate, Export("list")], &[]),
    of("GET /schedules/{id}", Schedule, JOB, &[]),
    of("PATCH /schedules/{id}", Schedule, DEFINED, &["schedule.changed"]),
    of("POST /schedules/{id}/pause", Schedule, PLANNED, &["schedule.paused"]),
    of("POST /schedules/{id}/resume", Schedule, FIRING, &["schedule.resumed"]),
    of("POST /schedules/{id}/run", Schedule, STARTED, &["schedule.run"]),
    of("POST /schedules/{id}/reassign", Schedule, GIVEN, &["schedule.reassigned"]),
    of("DELETE /schedules/{id}", Schedule, PLANNED, &["schedule.deleted"]),
    of("GET /approvals", Site, &[Gate, Has("exports.approve")], &[]),
    of("GET /approvals/rules", Site, &[Gate, Has("settings.manage")], &[]),
    of("PUT /approvals/rules", Site, &[Gate, Has("settings.manage")], RULED),
    of("GET /approvals/{id}", Job, ABSENT, &[]),
    of("POST /approvals/{id}/grant", Job, ABSENT, &[]),
    of("POST /approvals/{id}/deny", Job, ABSENT, &[]),
    of("POST /approvals/{id}/break", Job, ABSENT, &[]),
    of("POST /approvals/{id}/review", Job, ABSENT, &[]),
    of("GET /budgets", Site, &[Gate, Has("budgets.manage")], &[]),
    of("PUT /budgets", Site, &[Gate, Has("budgets.manage")], &["budget.changed"]),
    of("GET /egress", Site, &[Gate, Export("list")], &[]),
    of("GET /activity", Site, &[Gate, Has("activity.view")], &[]),
    of("POST /activity/report", Site, &[Gate, Has("activity.export")], &["activity.exported"]),
    of("GET /operators", Site, &[Gate, Has("operators.manage")], &[]),
    of("POST /operators", Site, &[Gate, Has("operators.manage")], &["operator.added"]),
    of("PATCH /operators/{id}", Site, &[Gate, Has("operators.manage")], &["operator.changed"]),
    of("DELETE /operators/{id}/second-factor", Site, &[Gate, Has("operators.manage")], RESET),
    of("GET /second-factor", Own, OWN, &[]),
    // One after the other: what is confirmed was begun, what is removed was confirmed.
    of("POST /second-factor/confirm", Own, OWN, &["second_factor.enrolled"]),
    of("POST /second-factor/remove", Own, OWN, &["second_factor.removed"]),
    of("POST /second-factor", Own, OWN, &["second_factor.offered"]),
    of("GET /roles", Site, &[Gate, Has("roles.manage")], &[]),
    of("PUT /roles/{slug}", Site, &[Gate, Has("roles.manage")], &["role.changed"]),
    of("GET /actions", Site, &[Gate], &[]),
    of("POST /actions/sync", Site, &[Gate, Has("actions.sync")], &["action.synced"]),
    of("POST /actions/{slug}/{codename}/runs", Subject, RUN, &["action.run"]),
    of("POST /hand-overs", Site, &[Gate, Has("actions.sync")], &["hand_over.taken"]),
    of("GET /tokens", Site, &[Gate, Whose("tokens.manage")], &[]),
    of("POST /tokens", Site, &[Gate, Whose("tokens.manage")], &["token.created"]),
    of("GET /sessions", Thing, &[Gate, Whose("operators.manage")], &[]),
    of("GET /settings", Site, &[Gate, Has("settings.manage")], &[]),
    of("PUT /settings", Site, &[Gate, Has("settings.manage")], &["setting.changed"]),
    // One after the other: what is paused goes on before anything else is asked for.
    of("GET /pause", Site, &[Gate], &[]),
    of("POST /pause", Subject, &[Gate, Floor(422), Has("egress.pause")], &["egress.paused"]),
    of("DELETE /pause", Subject, &[Gate, Floor(404), Has("egress.pause")], &["egress.resumed"]),
    of("GET /notifications", Notices, &[Gate, Whose(NOTICES)], &[]),
    of("POST /notifications/read", Notices, &[Gate, Whose(NOTICES)], &["notice.read"]),
    of("GET /notifications/subscriptions", Notices, &[Gate, Whose(NOTICES)], &[]),
    of("PUT /notifications/subscriptions", Notices, &[Gate, Whose(NOTICES)], SUBSCRIBED),
    of("GET /notifications/templates", Notices, MANAGED, &[]),
    of("PUT /notifications/templates/{slug}", Notices, MANAGED, &["template.changed"]),
    of("POST /notifications/templates/{slug}/preview", Notices, MANAGED, &[]),
    of("POST /notifications/templates/{slug}/test", Notices, MANAGED, &["template.tested"]),
    of("DELETE /notifications/templates/{slug}", Notices, MANAGED, &["template.changed"]),
    of("GET /notifications/deliveries", Notices, MANAGED, &[]),
    of("POST /notifications/deliveries/{id}/redeliver", Notices, MANAGED, &["delivery.repeated"]),
    of("GET /webhooks", Notices, MANAGED, &[]),
    of("POST /webhooks", Notices, MANAGED, &["webhook.added"]),
    of("GET /webhooks/{id}", Notices, MANAGED, &[]),
    of("PUT /webhooks/{id}", Notices, MANAGED, &["webhook.changed"]),
    of("POST /webhooks/{id}/rotate", Notices, MANAGED, &["webhook.secret_rotated"]),
    of("POST /webhooks/{id}/test", Notices, MANAGED, &["webhook.tested"]),
    of("DELETE /webhooks/{id}", Notices, MANAGED, &["webhook.removed"]),
    of("POST /exports/{id}/rerun", Job, &[Gate, Floor(404), Listed, Take], RERUN),
    of("POST /exports/{id}/downloads", Job, DOWNLOAD, &["download.link"]),
    of("POST /exports/{id}/cancel", Job, CANCEL, &["export.cancel_requested"]),
    of("DELETE /exports/{id}/artifact", Job, DELETE, &["artifact.deleted"]),
    of("DELETE /roles/{slug}", Site, &[Gate, Has("roles.manage")], &["role.removed"]),
    of("DELETE /tokens/{id}", Thing, &[Gate, Mine("tokens.manage")], &["token.revoked"]),
    of("DELETE /sessions/{id}", Thing, &[Gate, Mine("operators.manage")], &["session.ended"]),
    of("DELETE /sessions/current", Site, &[Gate], &["session.ended"]),
];

/// Schedules: `exports.schedule` for one's own, `exports.schedule.any` for everybody's.
const PLANNED: &[Rule] = &[Gate, Floor(404), Listed, Plan];
const DEFINED: &[Rule] = &[Gate, Floor(404), Listed, Plan, Take];
const STARTED: &[Rule] = &[Gate, Floor(404), Listed, Plan, Take, OwnerMay];
const FIRING: &[Rule] = &[Gate, Floor(404), Listed, Plan, OwnerMay];
const GIVEN: &[Rule] = &[Gate, Floor(404), Listed, Has("exports.schedule.any")];
/// Webhooks, words of mails, and what was sent.
const MANAGED: &[Rule] = &[Gate, Has(NOTICES)];
const NOTICES: &str = "notifications.manage";
const SUBSCRIBED: &[&str] = &["subscription.changed"];
/// One's own, and nobody else's.
const OWN: &[Rule] = &[Gate, Whose("operators.manage")];
const RESET: &[&str] = &["second_factor.reset"];
const CANCEL: &[Rule] = &[Gate, Floor(404), Listed, Export("cancel")];
const DELETE: &[Rule] = &[Gate, Floor(404), Listed, Export("delete")];
const DOWNLOAD: &[Rule] = &[Gate, Floor(404), Listed, Export("download")];
/// A re-run that is done has made an export; one that is refused was no more than asked for.
const RERUN: &[&str] = &["export.created", "export.rerun"];

/// What somebody may do.
#[derive(Clone, Debug, Default)]
pub(super) struct Rights {
    /// Capabilities of the role that the token admits.
    pub(super) capabilities: BTreeSet<String>,
    pub(super) by: By,
}

/// By what somebody is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum By {
    /// By nothing that counts.
    #[default]
    Nothing,
    /// By a token that may what its operator may.
    Token,
    /// By a token with scopes.
    ScopedToken,
    /// By having signed in.
    Session,
}

/// What an operation is done to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matter {
    pub(super) subject: &'static str,
    pub(super) is_own: bool,
}

/// The status of a refusal; none if it is allowed.
pub(super) fn refusal(operation: &Operation, rights: &Rights, matter: Matter) -> Option<u16> {
    let has = |capability: &str| rights.capabilities.contains(capability);
    let on_subject = |word: &str| has(&format!("{}.{word}", matter.subject));
    let on_exports = |word: &str| {
        let own = matter.is_own && has(&format!("exports.{word}.own"));
        own || has(&format!("exports.{word}.any"))
    };
    let free =
        |capability: &str| (matter.is_own && rights.by != By::ScopedToken) || has(capability);
    operation.rules.iter().find_map(|rule| {
        let (is_met, status) = match *rule {
            Gate => (rights.by != By::Nothing, 401),
            Floor(status) => (on_subject("list"), status),
            Listed => (on_exports("list"), 404),
            Export(word) => (on_exports(word), 403),
            Plan => {
                let own = matter.is_own && has("exports.schedule");
                (own || has("exports.schedule.any"), 403)
            }
            // Another's is an administrator's, as is whoever shows a token with scopes.
            OwnerMay => {
                let by_role = on_subject("export") && has("exports.schedule");
                (!matter.is_own || rights.by == By::ScopedToken || by_role, 409)
            }
            Take => (on_subject("export"), 403),
            Look => (rights.by == By::Session || on_subject("export"), 403),
            Absent => (false, 404),
            Has(capability) => (has(capability), 403),
            Mine(capability) => (free(capability), 404),
            Whose(capability) => (free(capability), 403),
        };
        (!is_met).then_some(status)
    })
}

/// The default roles, as SPEC's table has them, on a site with content and users; what else the
/// site has is the administrator's.
pub(super) fn default_role(slug: &str) -> BTreeSet<String> {
    let own = "exports.list.own exports.download.own exports.cancel.own exports.delete.own";
    let listed = match slug {
        "administrator" => return everything().into_iter().map(str::to_owned).collect(),
        "editor" => "content.list content.export users.list orders.list exports.schedule",
        "viewer" => "content.list content.export",
        other => panic!("{other} is no default role"),
    };
    own.split(' ').chain(listed.split(' ')).map(str::to_owned).collect()
}

/// Every capability of the table.
pub(super) fn everything() -> Vec<&'static str> {
    let words = "exports.list.own exports.download.own exports.cancel.own exports.delete.own \
        exports.list.any exports.cancel.any exports.download.any exports.delete.any \
        content.list content.export orders.list orders.export users.list users.export \
        exports.schedule activity.view settings.manage roles.manage operators.manage pii.unmask \
        exports.approve exports.schedule.any tokens.manage notifications.manage budgets.manage \
        activity.export egress.pause actions.sync";
    words.split_whitespace().collect()
}
