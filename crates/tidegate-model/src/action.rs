//! Everything that can be done, by whom, and what it takes.

use crate::{
    ids::{JobId, OperatorId},
    status::Status,
};

/// Something that can be done. A new one is a new variant: the compiler then asks for its word,
/// who may do it, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
}

/// What it takes to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To see the subject; a token with scopes also needs to export it.
    Rows,
    /// To see and to export the subject.
    Export,
    /// To see and to export the subject, and to see the job.
    Rerun,
    /// One capability for what is one's own, another one for everybody's.
    OwnOrAny {
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
    /// One capability.
    One(&'static str),
    /// To have started it: the store hands out the proof, so nobody asks.
    Started,
    /// To be a worker.
    Worker,
    /// To be upkeep.
    Upkeep,
    /// To be a worker, or upkeep where the worker is gone.
    WorkerOrUpkeep,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 61] = [
        Self::ExportCreate,
        Self::ExportRerun,
        Self::ExportView,
        Self::RowsView,
        Self::VolumeReach,
        Self::ExportPreview,
        Self::ExportEstimate,
        Self::ClientExport,
        Self::ExportCancel,
        Self::ArtifactDelete,
        Self::DownloadLink,
        Self::DownloadStart,
        Self::DownloadFinish,
        Self::JobClaim,
        Self::JobPublish,
        Self::JobFail,
        Self::JobRetry,
        Self::JobHandBack,
        Self::JobCancel,
        Self::JobRescue,
        Self::JobExpire,
        Self::ArtifactPurge,
        Self::ArtifactFault,
        Self::CheckpointKeep,
        Self::StreamHold,
        Self::ActivityArchive,
        Self::StoreClaim,
        Self::StoreAdopt,
        Self::ArtifactQuarantine,
        Self::QuarantineView,
        Self::QuarantineRelease,
        Self::QuarantineDelete,
        Self::ActivityView,
        Self::ActivityExport,
        Self::OperatorAdd,
        Self::OperatorChange,
        Self::OperatorDisable,
        Self::OperatorPassword,
        Self::OperatorView,
        Self::OperatorInvite,
        Self::SessionStart,
        Self::SessionEnd,
        Self::SessionView,
        Self::SecondFactorAsk,
        Self::SecondFactorShow,
        Self::SecondFactorOffer,
        Self::SecondFactorEnrol,
        Self::SecondFactorRemove,
        Self::SecondFactorReset,
        Self::SecondFactorView,
        Self::RecoveryCodeUse,
        Self::RoleChange,
        Self::RoleRemove,
        Self::RoleView,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::TokenView,
        Self::SettingChange,
        Self::SettingView,
        Self::KeyRotate,
        Self::Backup,
    ];

    /// Word in the activity log.
    pub fn slug(self) -> &'static str {
        match self {
            Self::ExportCreate => "export.created",
            Self::ExportRerun => "export.rerun",
            Self::ExportView => "export.viewed",
            Self::RowsView => "rows.viewed",
            Self::VolumeReach => "egress.volume",
            Self::ExportPreview => "export.previewed",
            Self::ExportEstimate => "export.estimated",
            Self::ClientExport => "export.client",
            Self::ExportCancel => "export.cancel_requested",
            Self::ArtifactDelete => "artifact.deleted",
            Self::DownloadLink => "download.link",
            Self::DownloadStart => "download.started",
            Self::DownloadFinish => "download.finished",
            Self::JobClaim => "job.claimed",
            Self::JobPublish => "job.ready",
            Self::JobFail => "job.failed",
            Self::JobRetry => "job.retried",
            Self::JobHandBack => "job.handed_back",
            Self::JobCancel => "job.cancelled",
            Self::JobRescue => "job.rescued",
            Self::JobExpire => "job.expired",
            Self::ArtifactPurge => "artifact.purged",
            Self::ArtifactFault => "artifact.fault",
            Self::CheckpointKeep => "checkpoint.kept",
            Self::StreamHold => "stream.held",
            Self::ActivityArchive => "activity.archived",
            Self::StoreClaim => "store.claimed",
            Self::StoreAdopt => "store.adopted",
            Self::ArtifactQuarantine => "artifact.quarantined",
            Self::QuarantineView => "quarantine.viewed",
            Self::QuarantineRelease => "quarantine.released",
            Self::QuarantineDelete => "quarantine.deleted",
            Self::ActivityView => "activity.viewed",
            Self::ActivityExport => "activity.exported",
            Self::OperatorAdd => "operator.added",
            Self::OperatorChange => "operator.changed",
            Self::OperatorDisable => "operator.disabled",
            Self::OperatorPassword => "operator.password_set",
            Self::OperatorView => "operator.viewed",
            Self::OperatorInvite => "operator.invited",
            Self::SessionStart => "session.started",
            Self::SessionEnd => "session.ended",
            Self::SessionView => "session.viewed",
            Self::SecondFactorAsk => "second_factor.asked",
            Self::SecondFactorShow => "second_factor.shown",
            Self::SecondFactorOffer => "second_factor.offered",
            Self::SecondFactorEnrol => "second_factor.enrolled",
            Self::SecondFactorRemove => "second_factor.removed",
            Self::SecondFactorReset => "second_factor.reset",
            Self::SecondFactorView => "second_factor.viewed",
            Self::RecoveryCodeUse => "recovery_code.used",
            Self::RoleChange => "role.changed",
            Self::RoleRemove => "role.removed",
            Self::RoleView => "role.viewed",
            Self::TokenCreate => "token.created",
            Self::TokenRevoke => "token.revoked",
            Self::TokenView => "token.viewed",
            Self::SettingChange => "setting.changed",
            Self::SettingView => "setting.viewed",
            Self::KeyRotate => "key.rotated",
            Self::Backup => "control.saved",
        }
    }

    /// What it takes.
    pub fn need(self) -> Need {
        match self {
            Self::ExportCreate
            | Self::ExportPreview
            | Self::ExportEstimate
            | Self::ClientExport => Need::Export,
            Self::RowsView => Need::Rows,
            Self::ExportRerun => Need::Rerun,
            Self::ExportView => own_or_any("exports.list.own", "exports.list.any"),
            Self::ExportCancel => own_or_any("exports.cancel.own", "exports.cancel.any"),
            Self::ArtifactDelete => own_or_any("exports.delete.own", "exports.delete.any"),
            Self::DownloadLink | Self::DownloadStart => {
                own_or_any("exports.download.own", "exports.download.any")
            }
            Self::JobClaim | Self::JobPublish | Self::JobRetry | Self::JobHandBack => Need::Worker,
            Self::JobFail | Self::JobCancel => Need::WorkerOrUpkeep,
            Self::DownloadFinish
            | Self::VolumeReach
            | Self::SecondFactorShow
            | Self::RecoveryCodeUse => Need::Started,
            Self::JobRescue
            | Self::JobExpire
            | Self::ArtifactPurge
            | Self::ArtifactFault
            | Self::CheckpointKeep
            | Self::StreamHold
            | Self::ActivityArchive
            | Self::StoreClaim
            | Self::ArtifactQuarantine => Need::Upkeep,
            Self::ActivityView => Need::One("activity.view"),
            Self::ActivityExport => Need::One("activity.export"),
            Self::OperatorAdd
            | Self::OperatorChange
            | Self::OperatorDisable
            | Self::OperatorInvite
            | Self::OperatorView
            | Self::SecondFactorReset => Need::One("operators.manage"),
            Self::OperatorPassword
            | Self::SessionStart
            | Self::SessionEnd
            | Self::SessionView
            | Self::SecondFactorAsk
            | Self::SecondFactorOffer
            | Self::SecondFactorEnrol
            | Self::SecondFactorRemove
            | Self::SecondFactorView => Need::OwnFreely { any: "operators.manage" },
            Self::RoleChange | Self::RoleRemove | Self::RoleView => Need::One("roles.manage"),
            Self::TokenCreate | Self::TokenRevoke | Self::TokenView => {
                Need::OwnFreely { any: "tokens.manage" }
            }
            Self::SettingChange
            | Self::SettingView
            | Self::KeyRotate
            | Self::Backup
            | Self::StoreAdopt
            | Self::QuarantineView
            | Self::QuarantineRelease
            | Self::QuarantineDelete => Need::One("settings.manage"),
        }
    }

    /// Whether doing it leaves an entry; being refused always does. Looking leaves none. Nor does
    /// what the log notes of itself: an entry of a checkpoint would want the next checkpoint, an
    /// entry of a stream would be the next to stream, and the log would never come to rest.
    pub fn leaves_entry(self) -> bool {
        match self {
            Self::ExportView
            | Self::RowsView
            | Self::ActivityView
            | Self::QuarantineView
            | Self::OperatorView
            | Self::SessionView
            | Self::SecondFactorView
            | Self::RoleView
            | Self::TokenView
            | Self::SettingView
            | Self::CheckpointKeep
            | Self::StreamHold => false,
            Self::ExportCreate
            | Self::ExportRerun
            | Self::VolumeReach
            | Self::ExportPreview
            | Self::ExportEstimate
            | Self::ClientExport
            | Self::ExportCancel
            | Self::ArtifactDelete
            | Self::DownloadLink
            | Self::DownloadStart
            | Self::DownloadFinish
            | Self::JobClaim
            | Self::JobPublish
            | Self::JobFail
            | Self::JobRetry
            | Self::JobHandBack
            | Self::JobCancel
            | Self::JobRescue
            | Self::JobExpire
            | Self::ArtifactPurge
            | Self::ArtifactFault
            | Self::ActivityArchive
            | Self::ActivityExport
            | Self::StoreClaim
            | Self::StoreAdopt
            | Self::ArtifactQuarantine
            | Self::QuarantineRelease
            | Self::QuarantineDelete
            | Self::OperatorAdd
            | Self::OperatorChange
            | Self::OperatorDisable
            | Self::OperatorPassword
            | Self::OperatorInvite
            | Self::SessionStart
            | Self::SessionEnd
            | Self::SecondFactorAsk
            | Self::SecondFactorShow
            | Self::SecondFactorOffer
            | Self::SecondFactorEnrol
            | Self::SecondFactorRemove
            | Self::SecondFactorReset
            | Self::RecoveryCodeUse
            | Self::RoleChange
            | Self::RoleRemove
            | Self::TokenCreate
            | Self::TokenRevoke
            | Self::SettingChange
            | Self::KeyRotate
            | Self::Backup => true,
        }
    }

    /// Whether it may be done before there is anybody who could allow it.
    pub fn is_setup(self) -> bool {
        matches!(self, Self::OperatorAdd | Self::RoleChange | Self::SettingChange)
    }

    /// Whether a sign-on that the configuration trusts may do it.
    pub fn is_provided(self) -> bool {
        matches!(self, Self::OperatorAdd | Self::OperatorChange)
    }
}

const fn own_or_any(own: &'static str, any: &'static str) -> Need {
    Need::OwnOrAny { own, any }
}

/// What something is done to, as the service loaded it: nothing of it comes from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Slug of the subject, where there is one.
    pub subject: Option<String>,
    /// Whose it is.
    pub owner: Option<OperatorId>,
    /// The job.
    pub job: Option<JobId>,
    /// State of the job as it was loaded.
    pub status: Option<Status>,
    /// Whether personal data is in it.
    pub has_pii: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Action::ALL.iter().map(|action| action.slug()).collect();
        let actions: BTreeSet<Action> = Action::ALL.into_iter().collect();
        assert_eq!((words.len(), actions.len()), (Action::ALL.len(), Action::ALL.len()));
    }

    #[test]
    fn only_looking_and_the_log_itself_leave_no_entry() {
        let silent = Action::ALL.into_iter().filter(|action| !action.leaves_entry());
        let words: Vec<&str> = silent.map(Action::slug).collect();
        let expected = [
            "export.viewed",
            "rows.viewed",
            "checkpoint.kept",
            "stream.held",
            "quarantine.viewed",
            "activity.viewed",
            "operator.viewed",
            "session.viewed",
            "second_factor.viewed",
            "role.viewed",
            "token.viewed",
            "setting.viewed",
        ];
        assert_eq!(words, expected);
    }
}
