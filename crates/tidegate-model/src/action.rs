//! Everything that can be done, by whom, and what it takes.

mod table;

use strum::VariantArray;

use crate::{
    exposure::Withheld,
    ids::{JobId, OperatorId, ScheduleId},
    status::Status,
};

/// Something that can be done. A new one is a new variant: the compiler then asks for its row in
/// the table, which says its word, what it takes, and whether it leaves an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum Action {
    /// Make an export job.
    ExportCreate,
    /// Make a new job like an old one.
    ExportRerun,
    /// See a job.
    ExportView,
    /// Look at the rows of a subject, page by page.
    RowsView,
    /// Be stopped, as one has looked at too many rows.
    VolumeReach,
    /// Look at the first rows of an export as they would be written.
    ExportPreview,
    /// Ask how large an export would be.
    ExportEstimate,
    /// Note that a browser has made a file of the rows that it shows.
    ClientExport,
    /// Stop a job.
    ExportCancel,
    /// Delete a job's file.
    ArtifactDelete,
    /// Make a link to a file.
    DownloadLink,
    /// Begin to send a file.
    DownloadStart,
    /// Note how much of a file was sent.
    DownloadFinish,
    /// Make a schedule.
    ScheduleCreate,
    /// See a schedule.
    ScheduleView,
    /// Change when a schedule fires, or what it asks for.
    ScheduleChange,
    /// Pause a schedule.
    SchedulePause,
    /// Let a schedule fire again.
    ScheduleResume,
    /// Run a schedule now, beside its times.
    ScheduleRun,
    /// Give a schedule to somebody else.
    ScheduleReassign,
    /// Delete a schedule.
    ScheduleDelete,
    /// Make the export of a fire, in the name of its owner.
    ScheduleFire,
    /// Note fires that nobody was there for.
    ScheduleMiss,
    /// Note a fire whose request does not fit its subject any more.
    ScheduleFail,
    /// Hold a schedule whose owner may not export this any more.
    ScheduleHold,
    /// See what waits for a second person.
    ApprovalView,
    /// Let an export of somebody else go on that waits.
    ApprovalGrant,
    /// Refuse an export of somebody else that waits.
    ApprovalDeny,
    /// Let an export of one's own go on that waits, to be reviewed later.
    ApprovalBreak,
    /// Review what somebody else has let go on without a second person.
    ApprovalReview,
    /// End what nobody has decided, or used, in time.
    ApprovalLapse,
    /// End what is not any more what an approval was asked for.
    ApprovalVoid,
    /// Change which exports wait for a second person.
    ApprovalRulesChange,
    /// See budgets, and what is used of them.
    BudgetView,
    /// Change budgets.
    BudgetChange,
    /// Begin, or take over, the work on a job.
    JobClaim,
    /// Make a job's file visible.
    JobPublish,
    /// End a job without a file.
    JobFail,
    /// Leave a job to a later attempt.
    JobRetry,
    /// Leave a job to another worker, without blame.
    JobHandBack,
    /// End a job as its cancellation was asked for.
    JobCancel,
    /// Take a job from a worker that is gone.
    JobRescue,
    /// End a job's retention.
    JobExpire,
    /// Note that a file is seen gone from the store.
    ArtifactPurge,
    /// Note that a file is corrupt or missing.
    ArtifactFault,
    /// Keep a signed checkpoint of the activity log.
    CheckpointKeep,
    /// Stream the activity log to a sink, as the only one for a while.
    StreamHold,
    /// Move entries of the activity log to a signed file.
    ActivityArchive,
    /// Note that the artifact store is this control database's.
    StoreClaim,
    /// Make another artifact store this control database's.
    StoreAdopt,
    /// Keep files that this control database does not know from whatever removes files.
    ArtifactQuarantine,
    /// See the files in quarantine.
    QuarantineView,
    /// Leave a file in quarantine where it is, and tell of it no more.
    QuarantineRelease,
    /// Delete a file in quarantine.
    QuarantineDelete,
    /// Hold all egress of a subject, or of the site.
    EgressPause,
    /// End a pause.
    EgressResume,
    /// See the pauses that there were.
    PauseView,
    /// Read the activity log.
    ActivityView,
    /// Take entries of the activity log, or a report made from it, as a file.
    ActivityExport,
    /// Add an operator.
    OperatorAdd,
    /// Change an operator's role or name, or let one in again.
    OperatorChange,
    /// Shut an operator out.
    OperatorDisable,
    /// Set an operator's password.
    OperatorPassword,
    /// See the operators.
    OperatorView,
    /// Make a link by which an operator sets a password.
    OperatorInvite,
    /// Sign in.
    SessionStart,
    /// Sign out, or be signed out.
    SessionEnd,
    /// See sign-ins.
    SessionView,
    /// Ask whoever has shown the right password for the second factor.
    SecondFactorAsk,
    /// Show a second factor: what is wrong is refused, what is right begins a session.
    SecondFactorShow,
    /// Begin to enrol a second factor: its secret is shown, once.
    SecondFactorOffer,
    /// Enrol a second factor, by a code of it.
    SecondFactorEnrol,
    /// Turn one's second factor off.
    SecondFactorRemove,
    /// Take somebody's second factor away.
    SecondFactorReset,
    /// See whether somebody has a second factor.
    SecondFactorView,
    /// Use up a recovery code.
    RecoveryCodeUse,
    /// Add or change a role.
    RoleChange,
    /// Remove a role.
    RoleRemove,
    /// See the roles.
    RoleView,
    /// Make the registry of actions what a site declares.
    ActionSync,
    /// Have an action of the registry done by the site.
    ActionRun,
    /// Note what became of it.
    ActionFinish,
    /// Take what another site says that an operator may, for a while.
    GrantRenew,
    /// Note that what another site has said does not count any more.
    GrantLapse,
    /// Take a request that another site has signed for one of its people.
    HandOver,
    /// Make a token for oneself.
    TokenCreate,
    /// Take a token back.
    TokenRevoke,
    /// See tokens.
    TokenView,
    /// Change a setting.
    SettingChange,
    /// See settings.
    SettingView,
    /// Make a new signing key the current one.
    KeyRotate,
    /// Save the control state.
    Backup,
    /// See notices, and to what somebody subscribes.
    NoticeView,
    /// Note that notices were read.
    NoticeRead,
    /// Choose what one is told of, and how.
    SubscriptionChange,
    /// See webhooks, templates and deliveries.
    DeliveryView,
    /// Add a webhook.
    WebhookAdd,
    /// Change what a webhook is told of, or switch it on or off.
    WebhookChange,
    /// Give a webhook a new secret.
    WebhookRotate,
    /// Remove a webhook.
    WebhookRemove,
    /// Send a webhook a test notice.
    WebhookTest,
    /// Switch off a webhook that has failed for long.
    WebhookDisable,
    /// Change the words of a mail.
    TemplateChange,
    /// Send oneself a mail to see its words.
    TemplateTest,
    /// Send again what could not be delivered.
    DeliveryRepeat,
    /// Hand notices out, and note what became of each.
    DeliveryKeep,
    /// Give up on a delivery.
    DeliveryEnd,
}

/// What it takes to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To see the subject; a token with scopes also needs to export it.
    Rows,
    /// To see and to export the subject.
    Export,
    /// To see and to export the subject, and to make schedules.
    Schedule,
    /// To see and to export the subject, and to see the job.
    Rerun,
    /// One capability for what is one's own, another one for everybody's.
    OwnOrAny {
        /// For one's own.
        own: &'static str,
        /// For everybody's.
        any: &'static str,
    },
    /// To see and to export the subject, and to see the schedule; and one capability for one's own,
    /// another one for everybody's.
    ScheduleOf {
        /// For one's own.
        own: &'static str,
        /// For everybody's.
        any: &'static str,
    },
    /// One capability for what is somebody else's, none for one's own; but a token with scopes
    /// needs it for both.
    OwnFreely {
        /// For everybody's.
        any: &'static str,
    },
    /// One capability, and not to be whose it is.
    Second(&'static str),
    /// One capability, and to be whose it is.
    Maker(&'static str),
    /// One capability.
    One(&'static str),
    /// To see the subject, and the capability of the action that the target names.
    Registered,
    /// To have started it: the store hands out the proof, so nobody asks.
    Started,
    /// To be a worker.
    Worker,
    /// To be upkeep.
    Upkeep,
    /// To be a worker, or upkeep where the worker is gone.
    WorkerOrUpkeep,
}

/// Whether data leaves by an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Egress {
    Never,
    /// Where a program does it.
    ByProgram,
    Always,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Word in the activity log.
    pub fn slug(self) -> &'static str {
        table::row(self).slug
    }

    /// What it takes.
    pub fn need(self) -> Need {
        table::row(self).need
    }

    /// Whether doing it leaves an entry; being refused always does. Looking leaves none. Nor does
    /// what the log notes of itself: an entry of a checkpoint would want the next checkpoint, an
    /// entry of a stream would be the next to stream, and the log would never come to rest.
    pub fn leaves_entry(self) -> bool {
        table::row(self).leaves_entry
    }

    /// Whether data leaves by it, so that a pause holds it back. A look at rows or at a preview is
    /// one where a program takes it (`by_program`): looking is not taking, paging through is.
    pub fn is_egress(self, by_program: bool) -> bool {
        match table::row(self).egress {
            Egress::Never => false,
            Egress::ByProgram => by_program,
            Egress::Always => true,
        }
    }

    /// Whether it may be done before there is anybody who could allow it.
    pub fn is_setup(self) -> bool {
        matches!(
            self,
            Self::OperatorAdd
                | Self::RoleChange
                | Self::SettingChange
                | Self::ApprovalRulesChange
                | Self::BudgetChange
        )
    }

    /// Whether a sign-on that the configuration trusts may do it.
    pub fn is_provided(self) -> bool {
        matches!(self, Self::OperatorAdd | Self::OperatorChange | Self::GrantRenew)
    }
}

/// What something is done to, as the service loaded it: nothing of it comes from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Slug of the subject, where there is one.
    pub subject: Option<String>,
    /// Codename of an action of the registry, where it is one.
    pub codename: Option<String>,
    /// Whose it is.
    pub owner: Option<OperatorId>,
    /// The job.
    pub job: Option<JobId>,
    /// The schedule.
    pub schedule: Option<ScheduleId>,
    /// State of the job as it was loaded.
    pub status: Option<Status>,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// Why it holds more than whoever asks may see, if it does.
    pub withheld: Option<Withheld>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Action::ALL.iter().map(|action| action.slug()).collect();
        let actions: BTreeSet<Action> = Action::ALL.iter().copied().collect();
        assert_eq!((words.len(), actions.len()), (Action::ALL.len(), Action::ALL.len()));
    }

    #[test]
    fn only_looking_and_the_log_itself_leave_no_entry() {
        let silent = Action::ALL.iter().copied().filter(|action| !action.leaves_entry());
        let words: Vec<&str> = silent.map(Action::slug).collect();
        let expected = [
            "export.viewed",
            "rows.viewed",
            "schedule.viewed",
            "approval.viewed",
            "budget.viewed",
            "checkpoint.kept",
            "stream.held",
            "quarantine.viewed",
            "pause.viewed",
            "activity.viewed",
            "operator.viewed",
            "session.viewed",
            "second_factor.viewed",
            "role.viewed",
            "token.viewed",
            "setting.viewed",
            "notice.viewed",
            "delivery.viewed",
            "delivery.kept",
        ];
        assert_eq!(words, expected);
    }
}
