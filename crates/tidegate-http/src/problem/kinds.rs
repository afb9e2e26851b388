//! The kinds of problem. Their names are for ever: programs compare them.

use http::StatusCode;

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The body cannot be read.
    MalformedBody,
    /// Address and password do not belong together.
    SignInFailed,
    /// Nobody is signed in.
    SignInRequired,
    /// The password was right, and a second factor is asked for.
    SecondFactorRequired,
    /// The second factor was not shown rightly.
    SecondFactorFailed,
    /// The site wants a second factor, and none is enrolled.
    SecondFactorMissing,
    /// The caller may see it, but not do this.
    NotAllowed,
    /// A pause holds it back.
    EgressPaused,
    /// An approval is over, or void.
    ApprovalOver,
    /// A budget has less left.
    BudgetExceeded,
    /// The file holds more than the caller may see.
    FileWithheld,
    /// A page of another site has sent this.
    CrossSite,
    /// There is no such thing, or it may not be seen.
    NotFound,
    /// The path takes other methods.
    MethodNotAllowed,
    /// It is in a state in which this cannot be done.
    IllegalTransition,
    /// It is not as whoever changes it has seen it.
    ChangedMeanwhile,
    /// Something of that name exists.
    AlreadyExists,
    /// The site would be left without an administrator.
    LastAdministrator,
    /// The file is damaged.
    ArtifactCorrupt,
    /// A row of the source cannot be shown.
    UnreadableValue,
    /// The file is gone.
    Gone,
    /// The body is too large.
    TooLarge,
    /// The body is of another media type.
    UnsupportedMediaType,
    /// The range lies outside the file.
    RangeNotSatisfiable,
    /// The request names another host.
    WrongHost,
    /// The request is wrong.
    InvalidRequest,
    /// The look takes too long.
    LookTooLong,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// Too many requests.
    TooManyRequests,
    /// Too many attempts to sign in.
    TooManyAttempts,
    /// Too many rows with personal data were looked at.
    TooManyRowsSeen,
    /// Too many exports are open.
    TooManyOpenExports,
    /// A fault of the program.
    Internal,
    /// The source of a subject does not answer.
    SourceUnavailable,
    /// Tidegate's own database or store does not answer.
    Unavailable,
}

/// Every kind, in the order of their status.
pub const PROBLEMS: &[ProblemKind] = &[
    ProblemKind::MalformedBody,
    ProblemKind::SignInFailed,
    ProblemKind::SignInRequired,
    ProblemKind::SecondFactorRequired,
    ProblemKind::SecondFactorFailed,
    ProblemKind::NotAllowed,
    ProblemKind::FileWithheld,
    ProblemKind::SecondFactorMissing,
    ProblemKind::EgressPaused,
    ProblemKind::CrossSite,
    ProblemKind::NotFound,
    ProblemKind::MethodNotAllowed,
    ProblemKind::IllegalTransition,
    ProblemKind::ChangedMeanwhile,
    ProblemKind::ApprovalOver,
    ProblemKind::AlreadyExists,
    ProblemKind::LastAdministrator,
    ProblemKind::ArtifactCorrupt,
    ProblemKind::UnreadableValue,
    ProblemKind::Gone,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::RangeNotSatisfiable,
    ProblemKind::WrongHost,
    ProblemKind::InvalidRequest,
    ProblemKind::LookTooLong,
    ProblemKind::IdempotencyKeyReused,
    ProblemKind::TooManyRequests,
    ProblemKind::TooManyAttempts,
    ProblemKind::TooManyRowsSeen,
    ProblemKind::TooManyOpenExports,
    ProblemKind::BudgetExceeded,
    ProblemKind::Internal,
    ProblemKind::SourceUnavailable,
    ProblemKind::Unavailable,
];

impl ProblemKind {
    /// Name at the end of its URI.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed-body",
            Self::SignInFailed => "sign-in-failed",
            Self::SignInRequired => "sign-in-required",
            Self::SecondFactorRequired => "second-factor-required",
            Self::SecondFactorFailed => "second-factor-failed",
            Self::SecondFactorMissing => "second-factor-missing",
            Self::NotAllowed => "not-allowed",
            Self::EgressPaused => "egress-paused",
            Self::FileWithheld => "file-withheld",
            Self::CrossSite => "cross-site",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::IllegalTransition => "illegal-transition",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::ApprovalOver => "approval-over",
            Self::BudgetExceeded => "budget-exceeded",
            Self::AlreadyExists => "already-exists",
            Self::LastAdministrator => "last-administrator",
            Self::ArtifactCorrupt => "artifact-corrupt",
            Self::UnreadableValue => "unreadable-value",
            Self::LookTooLong => "look-too-long",
            Self::Gone => "gone",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::RangeNotSatisfiable => "range-not-satisfiable",
            Self::WrongHost => "wrong-host",
            Self::InvalidRequest => "invalid-request",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::TooManyRequests => "too-many-requests",
            Self::TooManyAttempts => "too-many-attempts",
            Self::TooManyRowsSeen => "too-many-rows-seen",
            Self::TooManyOpenExports => "too-many-open-exports",
            Self::Internal => "internal",
            Self::SourceUnavailable => "source-unavailable",
            Self::Unavailable => "unavailable",
        }
    }

    /// Status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody => StatusCode::BAD_REQUEST,
            Self::SignInFailed
            | Self::SignInRequired
            | Self::SecondFactorRequired
            | Self::SecondFactorFailed => StatusCode::UNAUTHORIZED,
            Self::NotAllowed
            | Self::FileWithheld
            | Self::SecondFactorMissing
            | Self::EgressPaused
            | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::IllegalTransition
            | Self::ChangedMeanwhile
            | Self::ApprovalOver
            | Self::AlreadyExists
            | Self::LastAdministrator
            | Self::ArtifactCorrupt
            | Self::UnreadableValue => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::InvalidRequest | Self::LookTooLong | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyRequests
            | Self::TooManyAttempts
            | Self::TooManyRowsSeen
            | Self::TooManyOpenExports
            | Self::BudgetExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::SourceUnavailable | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it is, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedBody => "The body cannot be read",
            Self::SignInFailed => "Sign-in failed",
            Self::SignInRequired => "Sign-in required",
            Self::SecondFactorRequired => "Second factor required",
            Self::SecondFactorFailed => "Second factor failed",
            Self::SecondFactorMissing => "Second factor missing",
            Self::NotAllowed => "Not allowed",
            Self::EgressPaused => "Egress is paused",
            Self::FileWithheld => "The file holds more than you may see",
            Self::CrossSite => "Sent by another site",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::IllegalTransition => "Not in this state",
            Self::ChangedMeanwhile => "Changed meanwhile",
            Self::ApprovalOver => "The approval is over",
            Self::BudgetExceeded => "Over budget",
            Self::AlreadyExists => "Already exists",
            Self::LastAdministrator => "The last administrator",
            Self::ArtifactCorrupt => "The file is damaged",
            Self::UnreadableValue => "A value cannot be read",
            Self::LookTooLong => "Looking takes too long",
            Self::Gone => "Gone",
            Self::TooLarge => "Too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::RangeNotSatisfiable => "The range lies outside the file",
            Self::WrongHost => "Wrong host",
            Self::InvalidRequest => "The request is wrong",
            Self::IdempotencyKeyReused => "The idempotency key was used before",
            Self::TooManyRequests => "Too many requests",
            Self::TooManyAttempts => "Too many attempts to sign in",
            Self::TooManyRowsSeen => "Too many rows seen",
            Self::TooManyOpenExports => "Too many open exports",
            Self::Internal => "A fault of the program",
            Self::SourceUnavailable => "The source does not answer",
            Self::Unavailable => "Not available",
        }
    }

    /// What it means, and what helps.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::MalformedBody => "the body is not JSON",
            Self::SignInFailed => "address and password do not belong together",
            Self::SignInRequired => "send a token as `Authorization: Bearer tdg_…`, or sign in",
            Self::SecondFactorRequired => {
                "address and password belong together: send them again, with `code`"
            }
            Self::SecondFactorFailed => {
                "the code is not the one of this moment, or was used: wait for the next one"
            }
            Self::SecondFactorMissing => {
                "this site wants a second factor of you: enrol one, then go on"
            }
            Self::FileWithheld => {
                "it was made for somebody who sees more of personal data, or other rows: run the \
                 export again for a file of your own"
            }
            Self::NotAllowed => "your role, or the scopes of your token, do not include this",
            Self::EgressPaused => "this subject, or the site, is paused until somebody ends that",
            Self::CrossSite => "a page of another site has sent this request, so it was not done",
            Self::NotFound => "there is nothing of that name, or nothing that you may see",
            Self::MethodNotAllowed => "this path takes other methods",
            Self::IllegalTransition => "it is in a state in which this cannot be done",
            Self::ChangedMeanwhile => "somebody has changed it meanwhile: look at it again",
            Self::ApprovalOver => "it was decided, has lapsed or is void: ask again",
            Self::BudgetExceeded => "take less, or wait as long as `Retry-After` says",
            Self::AlreadyExists => "there is something of that name already",
            Self::LastAdministrator => "a site needs an administrator: make another one first",
            Self::ArtifactCorrupt => {
                "the file does not have the bytes that were written: run the export again"
            }
            Self::UnreadableValue => {
                "a row of the source holds what its field does not declare: leave the field out, \
                 or mend the row or the declaration; trying again changes nothing"
            }
            Self::LookTooLong => {
                "the database was at it longer than somebody may be kept waiting: narrow the \
                 filter, or have it index the fields that `detail` names"
            }
            Self::Gone => "the file was deleted, or its retention has ended: run the export again",
            Self::TooLarge => "a body has at most 1 MiB",
            Self::UnsupportedMediaType => "send JSON, as `Content-Type: application/json`",
            Self::RangeNotSatisfiable => "ask for bytes that the file has",
            Self::WrongHost => {
                "this service is not reached by that name; see `[server] public_url` and `hosts`"
            }
            Self::InvalidRequest => "each fault is told with a pointer to its place",
            Self::IdempotencyKeyReused => {
                "the same key came with another request: choose a new one"
            }
            Self::TooManyRequests => "wait as long as `Retry-After` says",
            Self::TooManyAttempts => "wait as long as `Retry-After` says",
            Self::TooManyRowsSeen => {
                "looking is not taking: export these rows, or wait as long as `Retry-After` says"
            }
            Self::TooManyOpenExports => "wait until some of them have ended, or cancel them",
            Self::Internal => {
                "this should not happen; the log has more under the id of the request"
            }
            Self::SourceUnavailable => {
                "the database of this subject cannot be reached, or has refused the query"
            }
            Self::Unavailable => {
                "the control database or the artifact store does not answer: try again"
            }
        }
    }

    /// URI that names it.
    pub fn uri(self) -> String {
        format!("urn:tidegate:problem:{}", self.slug())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_reference_lists_every_problem() {
        let mut table =
            String::from("| type | status | title | what it means |\n| --- | --- | --- | --- |\n");
        for kind in PROBLEMS {
            let (slug, title, meaning) = (kind.slug(), kind.title(), kind.meaning());
            let status = kind.status().as_u16();
            writeln!(table, "| `urn:tidegate:problem:{slug}` | {status} | {title} | {meaning} |")
                .unwrap();
        }
        let reference = include_str!("../../../../docs/reference/problems.md");
        assert!(reference.contains(&table), "docs/reference/problems.md must hold:\n\n{table}");
    }
}
