//! Says why an attempt failed, in a word for programs and a sentence for people.

use std::error::Error;

use tidegate_model::{
    fault::Faults,
    job::{Failure, FailureReason},
};
use tidegate_pipeline::RunError;

use crate::{
    artifacts::ArtifactError,
    error::{ServiceError, reason_of_source},
};

/// Characters of a detail at most.
const DETAIL_CHARACTERS_MAX: usize = 1_000;

/// A failure with its detail, cut to its limit.
pub(super) fn failure(reason: FailureReason, detail: impl Into<String>) -> Failure {
    let detail: String = detail.into();
    Failure { reason, detail: detail.chars().take(DETAIL_CHARACTERS_MAX).collect() }
}

/// Why the pipeline stopped.
pub(super) fn of_run(error: &RunError) -> Failure {
    let reason = match error {
        RunError::Source(error) => reason_of_source(error),
        RunError::Cell { .. } => FailureReason::ValueRefused,
        RunError::Artifact { cause, .. } => match cause.get_ref().and_then(of_store) {
            Some(reason) => reason,
            None if error.reason() == "disk_full" => FailureReason::DiskFull,
            None => FailureReason::StoreUnavailable,
        },
        RunError::SnapshotTooOld { .. } => FailureReason::SnapshotTooOld,
        RunError::OverLimit { .. } => FailureReason::OverLimit,
        RunError::Truncated => FailureReason::SourceTruncated,
        RunError::Options(_) | RunError::Format(_) => FailureReason::SchemaChanged,
        RunError::Cancelled | RunError::Panicked { .. } => FailureReason::Internal,
    };
    failure(reason, with_causes(error))
}

/// What the artifact store said, where a write carries it.
fn of_store(cause: &(dyn Error + Send + Sync + 'static)) -> Option<FailureReason> {
    cause.downcast_ref::<ArtifactError>().map(ArtifactError::reason)
}

/// Why the file could not be kept.
pub(super) fn of_artifact(error: &ArtifactError) -> Failure {
    failure(error.reason(), with_causes(error))
}

/// Why an attempt could not begin.
pub(super) fn of_service(error: &ServiceError) -> Failure {
    let reason = match error {
        ServiceError::Faults(Faults(faults)) => {
            // Only where, not what: a fault may repeat what the operator has sent.
            let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            let detail = format!(
                "the subject is not what it was when this was asked for; see {}",
                places.join(", ")
            );
            return failure(FailureReason::SchemaChanged, detail);
        }
        other => other.reason(),
    };
    failure(reason, with_causes(error))
}

/// The message of an error and of what caused it, in one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}
