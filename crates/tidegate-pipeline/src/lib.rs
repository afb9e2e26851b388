//! One export, end to end: plan, read, encode, put in order, write, describe.
//!
//! ```text
//! readers ──▶ encoders ──▶ writer ──▶ artifact
//!    ▲           pure, on      in ticket     nothing under its name
//!    │           all cores     order,        until whole and synced
//!    └── slabs ◀───────────────  hashed
//! ```
//!
//! A slab is a batch and the piece it is encoded to. There is a fixed number of them, so
//! memory does not grow with rows, and a reader that is ahead of the order waits for one.

mod artifact;
mod checkpoint;
#[cfg(test)]
mod conformance;
mod cut;
mod error;
mod manifest;
mod mask;
mod order;
mod phase;
mod plan;
mod read;
mod row_name;
mod run;
mod slab;
mod subject;
mod writer;

pub use artifact::{Artifact, DRAFT_SUFFIX, DraftFile, FileArtifact, StreamArtifact};
pub use checkpoint::{Checkpoint, Progress, Verdict};
pub use error::RunError;
pub use manifest::{
    ApprovalEntry, ArtifactEntry, ChangesEntry, Completion, FieldEntry, Governance, JobEntry,
    MANIFEST_VERSION, Manifest, MaskEntry, OperatorEntry, SourceEntry, manifest,
};
pub use mask::{MaskKey, Masking};
pub use phase::TRACE_TARGET;
pub use plan::{Limits, Plan};
pub use run::{Outcome, run};
pub use subject::{BindError, bind_subject};
