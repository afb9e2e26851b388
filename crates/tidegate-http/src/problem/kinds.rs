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
    /// The caller may see it, but not do this.
    NotAllowed,
    /// A page of another site has sent this.
    CrossSite,
    /// There is no such thing, or it may not be seen.
    NotFound,
    /// The path takes other methods.
    MethodNotAllowed,
    /// It is in a state in which this cannot be done.
    IllegalTransition,
    /// Something of that name exists.
    AlreadyExists,
    /// The site would be left without an administrator.
    LastAdministrator,
    /// The file is damaged.
    ArtifactCorrupt,
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
    ProblemKind::NotAllowed,
    ProblemKind::CrossSite,
    ProblemKind::NotFound,
    ProblemKind::MethodNotAllowed,
    ProblemKind::IllegalTransition,
    ProblemKind::AlreadyExists,
    ProblemKind::LastAdministrator,
    ProblemKind::ArtifactCorrupt,
    ProblemKind::Gone,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::RangeNotSatisfiable,
    ProblemKind::WrongHost,
    ProblemKind::InvalidRequest,
    ProblemKind::IdempotencyKeyReused,
    ProblemKind::TooManyRequests,
    ProblemKind::TooManyAttempts,
    ProblemKind::TooManyRowsSeen,
    ProblemKind::TooManyOpenExports,
    ProblemKind::Internal,
    ProblemKind::SourceUnavailable,
    ProblemKind::Unavailable,
];

impl ProblemKind {
    /// Name, status, title, meaning.
    const fn row(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        match self {
            Self::MalformedBody => (
                "malformed-body",
                StatusCode::BAD_REQUEST,
                "The body cannot be read",
                "the body is not JSON",
            ),
            Self::SignInFailed => (
                "sign-in-failed",
                StatusCode::UNAUTHORIZED,
                "Sign-in failed",
                "address and password do not belong together",
            ),
            Self::SignInRequired => (
                "sign-in-required",
                StatusCode::UNAUTHORIZED,
                "Sign-in required",
                "send a token as `Authorization: Bearer tdg_…`, or sign in",
            ),
            Self::NotAllowed => (
                "not-allowed",
                StatusCode::FORBIDDEN,
                "Not allowed",
                "your role, or the scopes of your token, do not include this",
            ),
            Self::CrossSite => (
                "cross-site",
                StatusCode::FORBIDDEN,
                "Sent by another site",
                "a page of another site has sent this request, so it was not done",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "Not found",
                "there is nothing of that name, or nothing that you may see",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "this path takes other methods",
            ),
            Self::IllegalTransition => (
                "illegal-transition",
                StatusCode::CONFLICT,
                "Not in this state",
                "it is in a state in which this cannot be done",
            ),
            Self::AlreadyExists => (
                "already-exists",
                StatusCode::CONFLICT,
                "Already exists",
                "there is something of that name already",
            ),
            Self::LastAdministrator => (
                "last-administrator",
                StatusCode::CONFLICT,
                "The last administrator",
                "a site needs an administrator: make another one first",
            ),
            Self::ArtifactCorrupt => (
                "artifact-corrupt",
                StatusCode::CONFLICT,
                "The file is damaged",
                "the file does not have the bytes that were written: run the export again",
            ),
            Self::Gone => (
                "gone",
                StatusCode::GONE,
                "Gone",
                "the file was deleted, or its retention has ended: run the export again",
            ),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "a body has at most 1 MiB",
            ),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
                "send JSON, as `Content-Type: application/json`",
            ),
            Self::RangeNotSatisfiable => (
                "range-not-satisfiable",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "The range lies outside the file",
                "ask for bytes that the file has",
            ),
            Self::WrongHost => (
                "wrong-host",
                StatusCode::MISDIRECTED_REQUEST,
                "Wrong host",
                "this service is not reached by that name; see `[server] public_url` and `hosts`",
            ),
            Self::InvalidRequest => (
                "invalid-request",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The request is wrong",
                "each fault is told with a pointer to its place",
            ),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The idempotency key was used before",
                "the same key came with another request: choose a new one",
            ),
            Self::TooManyRequests => (
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "wait as long as `Retry-After` says",
            ),
            Self::TooManyAttempts => (
                "too-many-attempts",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts to sign in",
                "wait as long as `Retry-After` says",
            ),
            Self::TooManyRowsSeen => (
                "too-many-rows-seen",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many rows seen",
                "looking is not taking: export these rows, or wait as long as `Retry-After` says",
            ),
            Self::TooManyOpenExports => (
                "too-many-open-exports",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many open exports",
                "wait until some of them have ended, or cancel them",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "A fault of the program",
                "this should not happen; the log has more under the id of the request",
            ),
            Self::SourceUnavailable => (
                "source-unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The source does not answer",
                "the database of this subject cannot be reached, or has refused the query",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Not available",
                "the control database or the artifact store does not answer: try again",
            ),
        }
    }

    /// Name at the end of its URI.
    pub const fn slug(self) -> &'static str {
        self.row().0
    }

    /// URI that names it.
    pub fn uri(self) -> String {
        format!("urn:tidegate:problem:{}", self.slug())
    }

    /// Status of the answer.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// What it is, in a few words.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// What it means, and what helps.
    pub const fn meaning(self) -> &'static str {
        self.row().3
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
            let (slug, status, title, meaning) = kind.row();
            let status = status.as_u16();
            writeln!(table, "| `urn:tidegate:problem:{slug}` | {status} | {title} | {meaning} |")
                .unwrap();
        }
        let reference = include_str!("../../../../docs/reference/problems.md");
        assert!(reference.contains(&table), "docs/reference/problems.md must hold:\n\n{table}");
    }
}
