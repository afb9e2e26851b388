//! The table of actions: one row each, in the order of the enum.

use super::{
    Action::{self, *},
    Egress, Need,
};

/// What is to say about an action.
pub(super) struct Row {
    action: Action,
    pub(super) slug: &'static str,
    pub(super) need: Need,
    pub(super) leaves_entry: bool,
    pub(super) egress: Egress,
}

impl Row {
    /// By which data leaves: a pause holds it back.
    const fn egress(self, egress: Egress) -> Self {
        Self { egress, ..self }
    }
}

/// The row of an action.
pub(super) fn row(action: Action) -> &'static Row {
    &ROWS[action as usize]
}

const fn noted(action: Action, slug: &'static str, need: Need) -> Row {
    Row { action, slug, need, leaves_entry: true, egress: Egress::Never }
}

const fn silent(action: Action, slug: &'static str, need: Need) -> Row {
    Row { action, slug, need, leaves_entry: false, egress: Egress::Never }
}

const fn own_or_any(own: &'static str, any: &'static str) -> Need {
    Need::OwnOrAny { own, any }
}

const SCHEDULES: Need = own_or_any("exports.schedule", "exports.schedule.any");
/// What its runs take, or that there is one: who could not ask for it cannot have it made so.
const EXPORTS_SCHEDULES: Need =
    Need::ScheduleOf { own: "exports.schedule", any: "exports.schedule.any" };
/// What may not be seen does not exist, here as well.
const GIVES_SCHEDULES: Need = own_or_any("exports.schedule.any", "exports.schedule.any");
const MANAGES_OPERATORS: Need = Need::OwnFreely { any: "operators.manage" };
const MANAGES_TOKENS: Need = Need::OwnFreely { any: "tokens.manage" };
const APPROVES: &str = "exports.approve";
const SYNCS: Need = Need::One("actions.sync");
const MANAGES_SETTINGS: Need = Need::One("settings.manage");

const MANAGES_NOTICES: Need = Need::One("notifications.manage");
const OWN_NOTICES: Need = Need::OwnFreely { any: "notifications.manage" };

const ROWS: [Row; Action::ALL.len()] = [
    noted(ExportCreate, "export.created", Need::Export).egress(Egress::Always),
    noted(ExportRerun, "export.rerun", Need::Rerun).egress(Egress::Always),
    silent(ExportView, "export.viewed", own_or_any("exports.list.own", "exports.list.any")),
    silent(RowsView, "rows.viewed", Need::Rows).egress(Egress::ByProgram),
    noted(VolumeReach, "egress.volume", Need::Started),
    noted(ExportPreview, "export.previewed", Need::Export).egress(Egress::ByProgram),
    noted(ExportEstimate, "export.estimated", Need::Export),
    noted(ClientExport, "export.client", Need::Export).egress(Egress::Always),
    noted(
        ExportCancel,
        "export.cancel_requested",
        own_or_any("exports.cancel.own", "exports.cancel.any"),
    ),
    noted(
        ArtifactDelete,
        "artifact.deleted",
        own_or_any("exports.delete.own", "exports.delete.any"),
    ),
    noted(
        DownloadLink,
        "download.link",
        own_or_any("exports.download.own", "exports.download.any"),
    )
    .egress(Egress::Always),
    noted(
        DownloadStart,
        "download.started",
        own_or_any("exports.download.own", "exports.download.any"),
    )
    .egress(Egress::Always),
    noted(DownloadFinish, "download.finished", Need::Started),
    noted(ScheduleCreate, "schedule.created", Need::Schedule),
    silent(ScheduleView, "schedule.viewed", own_or_any("exports.list.own", "exports.list.any")),
    noted(ScheduleChange, "schedule.changed", EXPORTS_SCHEDULES),
    noted(SchedulePause, "schedule.paused", SCHEDULES),
    noted(ScheduleResume, "schedule.resumed", SCHEDULES),
    noted(ScheduleRun, "schedule.run", EXPORTS_SCHEDULES).egress(Egress::Always),
    noted(ScheduleReassign, "schedule.reassigned", GIVES_SCHEDULES),
    noted(ScheduleDelete, "schedule.deleted", SCHEDULES),
    noted(ScheduleFire, "schedule.fired", Need::Schedule).egress(Egress::Always),
    noted(ScheduleMiss, "schedule.missed", Need::Upkeep),
    noted(ScheduleFail, "schedule.failed", Need::Upkeep),
    noted(ScheduleHold, "schedule.held", Need::Upkeep),
    silent(ApprovalView, "approval.viewed", Need::One(APPROVES)),
    noted(ApprovalGrant, "approval.granted", Need::Second(APPROVES)),
    noted(ApprovalDeny, "approval.denied", Need::Second(APPROVES)),
    noted(ApprovalBreak, "approval.broken", Need::Maker(APPROVES)),
    noted(ApprovalReview, "approval.reviewed", Need::Second(APPROVES)),
    noted(ApprovalLapse, "approval.lapsed", Need::Upkeep),
    noted(ApprovalVoid, "approval.voided", Need::Upkeep),
    noted(ApprovalRulesChange, "approval_rules.changed", MANAGES_SETTINGS),
    silent(BudgetView, "budget.viewed", Need::One("budgets.manage")),
    noted(BudgetChange, "budget.changed", Need::One("budgets.manage")),
    noted(JobClaim, "job.claimed", Need::Worker),
    noted(JobPublish, "job.ready", Need::Worker),
    noted(JobFail, "job.failed", Need::WorkerOrUpkeep),
    noted(JobRetry, "job.retried", Need::Worker),
    noted(JobHandBack, "job.handed_back", Need::Worker),
    noted(JobCancel, "job.cancelled", Need::WorkerOrUpkeep),
    noted(JobRescue, "job.rescued", Need::Upkeep),
    noted(JobExpire, "job.expired", Need::Upkeep),
    noted(ArtifactPurge, "artifact.purged", Need::Upkeep),
    noted(ArtifactFault, "artifact.fault", Need::Upkeep),
    silent(CheckpointKeep, "checkpoint.kept", Need::Upkeep),
    silent(StreamHold, "stream.held", Need::Upkeep),
    noted(ActivityArchive, "activity.archived", Need::Upkeep),
    noted(StoreClaim, "store.claimed", Need::Upkeep),
    noted(StoreAdopt, "store.adopted", MANAGES_SETTINGS),
    noted(ArtifactQuarantine, "artifact.quarantined", Need::Upkeep),
    silent(QuarantineView, "quarantine.viewed", MANAGES_SETTINGS),
    noted(QuarantineRelease, "quarantine.released", MANAGES_SETTINGS),
    noted(QuarantineDelete, "quarantine.deleted", MANAGES_SETTINGS),
    noted(EgressPause, "egress.paused", Need::One("egress.pause")),
    noted(EgressResume, "egress.resumed", Need::One("egress.pause")),
    silent(PauseView, "pause.viewed", Need::One("egress.pause")),
    silent(ActivityView, "activity.viewed", Need::One("activity.view")),
    noted(ActivityExport, "activity.exported", Need::One("activity.export")),
    noted(OperatorAdd, "operator.added", Need::One("operators.manage")),
    noted(OperatorChange, "operator.changed", Need::One("operators.manage")),
    noted(OperatorDisable, "operator.disabled", Need::One("operators.manage")),
    noted(OperatorPassword, "operator.password_set", MANAGES_OPERATORS),
    silent(OperatorView, "operator.viewed", Need::One("operators.manage")),
    noted(OperatorInvite, "operator.invited", Need::One("operators.manage")),
    noted(SessionStart, "session.started", MANAGES_OPERATORS),
    noted(SessionEnd, "session.ended", MANAGES_OPERATORS),
    silent(SessionView, "session.viewed", MANAGES_OPERATORS),
    noted(SecondFactorAsk, "second_factor.asked", MANAGES_OPERATORS),
    noted(SecondFactorShow, "second_factor.shown", Need::Started),
    noted(SecondFactorOffer, "second_factor.offered", MANAGES_OPERATORS),
    noted(SecondFactorEnrol, "second_factor.enrolled", MANAGES_OPERATORS),
    noted(SecondFactorRemove, "second_factor.removed", MANAGES_OPERATORS),
    noted(SecondFactorReset, "second_factor.reset", Need::One("operators.manage")),
    silent(SecondFactorView, "second_factor.viewed", MANAGES_OPERATORS),
    noted(RecoveryCodeUse, "recovery_code.used", Need::Started),
    noted(RoleChange, "role.changed", Need::One("roles.manage")),
    noted(RoleRemove, "role.removed", Need::One("roles.manage")),
    silent(RoleView, "role.viewed", Need::One("roles.manage")),
    noted(ActionSync, "action.synced", SYNCS),
    noted(ActionRun, "action.run", Need::Registered).egress(Egress::Always),
    noted(ActionFinish, "action.finished", Need::Started),
    noted(GrantRenew, "grant.renewed", Need::One("operators.manage")),
    noted(GrantLapse, "grant.lapsed", Need::Upkeep),
    noted(HandOver, "hand_over.taken", SYNCS),
    noted(TokenCreate, "token.created", MANAGES_TOKENS),
    noted(TokenRevoke, "token.revoked", MANAGES_TOKENS),
    silent(TokenView, "token.viewed", MANAGES_TOKENS),
    noted(SettingChange, "setting.changed", MANAGES_SETTINGS),
    silent(SettingView, "setting.viewed", MANAGES_SETTINGS),
    noted(KeyRotate, "key.rotated", MANAGES_SETTINGS),
    noted(Backup, "control.saved", MANAGES_SETTINGS),
    silent(NoticeView, "notice.viewed", OWN_NOTICES),
    noted(NoticeRead, "notice.read", OWN_NOTICES),
    noted(SubscriptionChange, "subscription.changed", OWN_NOTICES),
    silent(DeliveryView, "delivery.viewed", MANAGES_NOTICES),
    noted(WebhookAdd, "webhook.added", MANAGES_NOTICES),
    noted(WebhookChange, "webhook.changed", MANAGES_NOTICES),
    noted(WebhookRotate, "webhook.secret_rotated", MANAGES_NOTICES),
    noted(WebhookRemove, "webhook.removed", MANAGES_NOTICES),
    noted(WebhookTest, "webhook.tested", MANAGES_NOTICES),
    noted(WebhookDisable, "webhook.disabled", Need::Upkeep),
    noted(TemplateChange, "template.changed", MANAGES_NOTICES),
    noted(TemplateTest, "template.tested", MANAGES_NOTICES),
    noted(DeliveryRepeat, "delivery.repeated", MANAGES_NOTICES),
    silent(DeliveryKeep, "delivery.kept", Need::Upkeep),
    noted(DeliveryEnd, "delivery.ended", Need::Upkeep),
];

/// Each action stands where it is looked for: what does not fit does not compile.
const _: () = {
    let mut at = 0;
    while at < ROWS.len() {
        assert!(ROWS[at].action as usize == at, "the rows stand in the order of the enum");
        at += 1;
    }
};
