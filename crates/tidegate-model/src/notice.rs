//! What people are told of: topics, and the families that they subscribe to.

use strum::VariantArray;

/// Something that people are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum Topic {
    /// A file is ready.
    ExportReady,
    /// An export ended without a file.
    ExportFailed,
    /// All egress of a subject, or of the site, is held.
    EgressPaused,
    /// A pause was ended.
    EgressResumed,
    /// An export was cancelled.
    ExportCancelled,
    /// The file of an export has ended with its retention.
    ExportExpired,
    /// Personal data leaves: asked for, built by a schedule, or downloaded.
    EgressPii,
    /// Somebody has looked at more rows with personal data than the site allows.
    EgressVolume,
    /// A file is damaged or missing.
    ArtifactFault,
    /// What counts as personal data was changed.
    PiiChanged,
    /// Who is told of what concerns security was changed.
    RoutingChanged,
    /// A webhook failed for so long that nothing is sent to it any more.
    WebhookDisabled,
    /// Somebody could not be told, however often it was tried.
    NoticeUndelivered,
    /// A notice that somebody has sent to see whether it arrives.
    Test,
    /// A schedule does not fire any more, as its owner may not export this.
    ScheduleHeld,
    /// A schedule has paused by itself, as too many of its runs failed in a row.
    SchedulePaused,
    /// An export waits for a second person.
    ApprovalRequested,
    /// An export that waited goes on.
    ApprovalGranted,
    /// An export that waited was refused.
    ApprovalDenied,
    /// Nobody has decided in time about an export that waited, or nobody has used the decision.
    ApprovalLapsed,
    /// Somebody has let an export of their own go on that waited for a second person.
    ApprovalBroken,
    /// What a site asks of its exports was changed: rules of approval, or budgets.
    GovernanceChanged,
}

/// Topics that are subscribed to together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum Family {
    /// What becomes of exports.
    Jobs,
    /// What becomes of schedules.
    Schedules,
    /// What leaves, and who decides about it.
    Security,
}

/// By which way somebody is told outside of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum Channel {
    /// A mail.
    Mail,
    /// A request to a webhook.
    Webhook,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
pub enum DeliveryState {
    /// It is tried, or will be again.
    Pending,
    /// It was taken.
    Sent,
    /// It was tried as often as it is: somebody may have it sent again.
    Dead,
    /// Whoever it was for may not be told of it any more.
    Dropped,
}

impl Channel {
    /// Every channel.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    /// The channel of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|channel| channel.slug() == slug)
    }
}

impl DeliveryState {
    /// Every state.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.slug() == slug)
    }
}

impl Topic {
    /// Every topic.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name: the type of an event.
    pub fn slug(self) -> &'static str {
        match self {
            Self::ExportReady => "export.ready",
            Self::ExportFailed => "export.failed",
            Self::EgressPaused => "egress.paused",
            Self::EgressResumed => "egress.resumed",
            Self::ExportCancelled => "export.cancelled",
            Self::ExportExpired => "export.expired",
            Self::EgressPii => "egress.pii",
            Self::EgressVolume => "egress.volume",
            Self::ArtifactFault => "artifact.fault",
            Self::PiiChanged => "settings.pii_changed",
            Self::RoutingChanged => "settings.routing_changed",
            Self::WebhookDisabled => "webhook.disabled",
            Self::NoticeUndelivered => "notice.undelivered",
            Self::Test => "notice.test",
            Self::ScheduleHeld => "schedule.held",
            Self::SchedulePaused => "schedule.paused",
            Self::ApprovalRequested => "approval.requested",
            Self::ApprovalGranted => "approval.granted",
            Self::ApprovalDenied => "approval.denied",
            Self::ApprovalLapsed => "approval.lapsed",
            Self::ApprovalBroken => "approval.broken",
            Self::GovernanceChanged => "settings.governance_changed",
        }
    }

    /// Whose business it is.
    pub fn family(self) -> Family {
        match self {
            Self::ExportReady
            | Self::ExportFailed
            | Self::ExportCancelled
            | Self::ExportExpired
            | Self::Test => Family::Jobs,
            Self::EgressPaused
            | Self::EgressResumed
            | Self::EgressPii
            | Self::EgressVolume
            | Self::ArtifactFault
            | Self::PiiChanged
            | Self::RoutingChanged
            | Self::WebhookDisabled
            | Self::NoticeUndelivered
            | Self::ApprovalRequested
            | Self::ApprovalGranted
            | Self::ApprovalDenied
            | Self::ApprovalLapsed
            | Self::ApprovalBroken
            | Self::GovernanceChanged => Family::Security,
            Self::ScheduleHeld | Self::SchedulePaused => Family::Schedules,
        }
    }

    /// Whether nobody whose business it is may choose not to be told.
    pub fn is_compulsory(self) -> bool {
        matches!(self, Self::EgressPii)
    }

    /// The topic of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| topic.slug() == slug)
    }

    /// What happened, for people. Most names say it themselves.
    pub fn title(self) -> String {
        const OTHERS: [(Topic, &str); 11] = [
            (Topic::EgressPii, "Personal data leaves"),
            (Topic::EgressVolume, "Many rows with personal data looked at"),
            (Topic::ArtifactFault, "File damaged or missing"),
            (Topic::PiiChanged, "What counts as personal data changed"),
            (Topic::RoutingChanged, "Who is told of security changed"),
            (Topic::WebhookDisabled, "Webhook switched off"),
            (Topic::NoticeUndelivered, "Somebody could not be told"),
            (Topic::Test, "A test notice"),
            (Topic::ApprovalRequested, "An export waits for a second person"),
            (Topic::ApprovalBroken, "Released without a second person"),
            (Topic::GovernanceChanged, "Rules of approval, or budgets, changed"),
        ];
        if let Some((_, words)) = OTHERS.iter().find(|(topic, _)| *topic == self) {
            return (*words).to_owned();
        }
        let words = self.slug().replace(['.', '_'], " ");
        let mut letters = words.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
    }
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Schedules => "schedules",
            Self::Security => "security",
        }
    }

    /// The family of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.slug() == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_families_are_found_by_names_of_their_own() {
        for &topic in Topic::ALL {
            assert_eq!(Topic::find(topic.slug()), Some(topic));
            assert!(topic.title().starts_with(char::is_uppercase), "{}", topic.title());
        }
        for &family in Family::ALL {
            assert_eq!(Family::find(family.slug()), Some(family));
        }
    }
}
