//! The words of every action: one row each, in the order of the enum.

use tidegate_model::action::Action::{self, *};

use super::Telling;

/// The words of an action.
pub(super) fn telling(action: Action) -> Telling {
    ROWS[action as usize].1
}

/// An icon, what was done, and what was not allowed.
const fn row(
    action: Action,
    icon: &'static str,
    done: &'static str,
    refused: &'static str,
) -> (Action, Telling) {
    (action, Telling { icon, done, refused })
}

const ROWS: [(Action, Telling); Action::ALL.len()] = [
    row(ExportCreate, "plus", "Asked for an export", "an export"),
    row(ExportRerun, "repeat", "Ran an export again", "to run an export again"),
    row(ExportView, "eye", "Looked at an export", "a look at an export"),
    row(RowsView, "table-2", "Looked at rows", "a look at rows"),
    row(VolumeReach, "gauge", "Looked at too many rows", "a look at more rows"),
    row(ExportPreview, "eye", "Looked at a preview", "a preview"),
    row(ExportEstimate, "gauge", "Asked how large an export would be", "an estimate"),
    row(ClientExport, "file-down", "Made a file in the browser", "a file made in a browser"),
    row(ExportCancel, "ban", "Asked to cancel an export", "to cancel an export"),
    row(ArtifactDelete, "trash-2", "Deleted a file", "to delete a file"),
    row(DownloadLink, "link", "Made or took back a download link", "a download link"),
    row(DownloadStart, "download", "Began a download", "a download"),
    row(DownloadFinish, "download", "Downloaded a file", "the rest of a download"),
    row(ScheduleCreate, "calendar-clock", "Made a schedule", "a schedule"),
    row(ScheduleView, "calendar-clock", "Looked at a schedule", "a look at a schedule"),
    row(ScheduleChange, "calendar-clock", "Changed a schedule", "to change a schedule"),
    row(SchedulePause, "pause", "Schedule paused", "to pause a schedule"),
    row(ScheduleResume, "play", "Resumed a schedule", "to resume a schedule"),
    row(ScheduleRun, "play", "Ran a schedule now", "to run a schedule"),
    row(ScheduleReassign, "user-cog", "Gave a schedule to somebody", "to give a schedule away"),
    row(ScheduleDelete, "trash-2", "Deleted a schedule", "to delete a schedule"),
    row(ScheduleFire, "calendar-clock", "Schedule fired", "an export of a schedule"),
    row(ScheduleMiss, "hourglass", "Times of a schedule missed", "to note missed times"),
    row(ScheduleFail, "circle-x", "Schedule could not run", "to note a failed run"),
    row(ScheduleHold, "ban", "Schedule held", "to hold a schedule"),
    row(ApprovalView, "eye", "Looked at what waits", "a look at what waits"),
    row(ApprovalGrant, "check-check", "Approved an export", "to approve an export"),
    row(ApprovalDeny, "ban", "Refused an export", "to refuse an export"),
    row(ApprovalBreak, "triangle-alert", "Released alone", "to release an export alone"),
    row(ApprovalReview, "list-checks", "Reviewed a lone release", "to review a release"),
    row(ApprovalLapse, "hourglass", "Approval lapsed", "to end an approval"),
    row(ApprovalVoid, "unlink", "Approval void", "to void an approval"),
    row(ApprovalRulesChange, "settings", "Changed the rules of approval", "other rules"),
    row(BudgetView, "eye", "Looked at the budgets", "a look at the budgets"),
    row(BudgetChange, "settings", "Changed the budgets", "to change budgets"),
    row(JobClaim, "play", "Began to build a file", "to build a file"),
    row(JobPublish, "circle-check", "File ready", "to publish a file"),
    row(JobFail, "circle-x", "Export failed", "to end an export"),
    row(JobRetry, "rotate-ccw", "Will be tried again", "to try an export again"),
    row(JobHandBack, "undo-2", "Left to another worker", "to leave an export"),
    row(JobCancel, "ban", "Export cancelled", "to end a cancelled export"),
    row(JobRescue, "refresh-cw", "Taken from a worker that is gone", "to take over a job"),
    row(JobExpire, "hourglass", "Retention ended", "to end a retention"),
    row(ArtifactPurge, "eraser", "File is gone from the store", "to note a file as gone"),
    row(ArtifactFault, "triangle-alert", "File damaged or missing", "to note a damage"),
    row(CheckpointKeep, "shield-check", "Checkpoint signed", "to sign a checkpoint"),
    row(StreamHold, "share-2", "Log streamed", "to stream the log"),
    row(ActivityArchive, "archive", "Entries moved to a signed file", "to archive entries"),
    row(StoreClaim, "hard-drive", "File store taken as this site’s", "a file store"),
    row(StoreAdopt, "hard-drive", "Took over another file store", "another file store"),
    row(ArtifactQuarantine, "package", "Unknown files kept aside", "to keep files aside"),
    row(QuarantineView, "eye", "Looked at files kept aside", "a look at files kept aside"),
    row(QuarantineRelease, "package", "Let a file be", "to let a file be"),
    row(QuarantineDelete, "trash-2", "Deleted a file kept aside", "to delete such a file"),
    row(EgressPause, "pause", "Paused all egress", "to pause egress"),
    row(EgressResume, "play", "Ended a pause of egress", "to end a pause"),
    row(PauseView, "eye", "Looked at the pauses", "a look at the pauses"),
    row(ActivityView, "scroll-text", "Read the activity log", "the activity log"),
    row(ActivityExport, "file-check", "Took a report of the log", "a report of the log"),
    row(OperatorAdd, "user-plus", "Added an operator", "to add an operator"),
    row(OperatorChange, "user-cog", "Changed an operator", "to change an operator"),
    row(OperatorDisable, "user-x", "Disabled an operator", "to disable an operator"),
    row(OperatorPassword, "key-round", "Set a password", "to set a password"),
    row(OperatorView, "users", "Looked at the operators", "a look at the operators"),
    row(OperatorInvite, "mail", "Made a link to set a password", "a link for a password"),
    row(SessionStart, "log-in", "Signed in", "a sign-in"),
    row(SessionEnd, "log-out", "Signed out", "to end a sign-in"),
    row(SessionView, "monitor", "Looked at sign-ins", "a look at sign-ins"),
    row(SecondFactorAsk, "smartphone", "Asked for a second factor", "to go on without one"),
    row(SecondFactorShow, "smartphone", "Showed a second factor", "a password or a code"),
    row(SecondFactorOffer, "smartphone", "Began to set up a second factor", "to set one up"),
    row(SecondFactorEnrol, "shield-check", "Turned a second factor on", "to turn one on"),
    row(SecondFactorRemove, "shield-x", "Turned a second factor off", "to turn one off"),
    row(SecondFactorReset, "shield-x", "Reset a second factor", "to reset a second factor"),
    row(SecondFactorView, "shield", "Looked at a second factor", "a look at one"),
    row(RecoveryCodeUse, "shield-alert", "Used up a recovery code", "a recovery code"),
    row(RoleChange, "key-round", "Changed a role", "to change a role"),
    row(RoleRemove, "trash-2", "Removed a role", "to remove a role"),
    row(RoleView, "key-round", "Looked at the roles", "a look at the roles"),
    row(ActionSync, "refresh-cw", "Synced an action of the registry", "to sync the registry"),
    row(ActionRun, "play", "Had an action done", "an action"),
    row(ActionFinish, "circle-check", "The site answered an action", "to note an answer"),
    row(GrantRenew, "key-round", "A site said what somebody may", "to say what somebody may"),
    row(GrantLapse, "hourglass", "What a site said has lapsed", "to end what a site said"),
    row(HandOver, "log-in", "Took a request that a site signed", "a signed request"),
    row(TokenCreate, "code", "Made an API token", "an API token"),
    row(TokenRevoke, "unlink", "Revoked an API token", "to revoke an API token"),
    row(TokenView, "code", "Looked at API tokens", "a look at API tokens"),
    row(SettingChange, "settings", "Changed settings", "to change settings"),
    row(SettingView, "settings", "Looked at the settings", "a look at the settings"),
    row(KeyRotate, "key-round", "Made a new signing key", "a new signing key"),
    row(Backup, "save", "Saved the control state", "to save the control state"),
    row(NoticeView, "bell", "Looked at notices", "a look at notices"),
    row(NoticeRead, "bell", "Read notices", "to mark notices as read"),
    row(SubscriptionChange, "bell", "Chose what to be told of", "to choose what to be told of"),
    row(DeliveryView, "eye", "Looked at deliveries", "a look at deliveries"),
    row(WebhookAdd, "webhook", "Added a webhook", "a webhook"),
    row(WebhookChange, "webhook", "Changed a webhook", "to change a webhook"),
    row(WebhookRotate, "key-round", "Gave a webhook a new secret", "a new secret of a webhook"),
    row(WebhookRemove, "trash-2", "Removed a webhook", "to remove a webhook"),
    row(WebhookTest, "webhook", "Tested a webhook", "to test a webhook"),
    row(WebhookDisable, "unlink", "Switched off a webhook", "to switch off a webhook"),
    row(TemplateChange, "mail", "Changed the words of a mail", "to change the words of a mail"),
    row(TemplateTest, "mail", "Sent a test mail", "a test mail"),
    row(DeliveryRepeat, "repeat", "Sent a notice again", "to send a notice again"),
    row(DeliveryKeep, "mail", "Delivered notices", "to deliver notices"),
    row(DeliveryEnd, "triangle-alert", "Could not deliver a notice", "to give up on a notice"),
];

/// Each action stands where it is looked for: what does not fit does not compile.
const _: () = {
    let mut at = 0;
    while at < ROWS.len() {
        assert!(ROWS[at].0 as usize == at, "the rows stand in the order of the enum");
        at += 1;
    }
};
