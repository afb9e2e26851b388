//! What proves the activity log: anchors outside the database, verification, and streams of it.
//!
//! The entries are a chain of hashes, which alone proves nothing: whoever can write to the database
//! can make the chain anew. So its head is signed every minute, with keys that are not in the
//! database, and the signed checkpoint is kept in places that are not the database. Verification
//! holds the two against each other, and needs public keys only.

mod anchor;
mod archive;
mod cuts;
mod findings;
mod lanes;
mod ledger;
mod lines;
mod proof;
mod reader;
mod report;
mod settings;
mod sink;
mod verify;

pub use anchor::{Anchor, AnchorError};
pub use archive::{ArchivePlace, ArchivePlaceError};
pub use findings::{Fault, Finding, Remark};
pub use ledger::Ledger;
pub use report::{AnchorSummary, Proof, Report, Span, Verdict};
pub use settings::{AnchorSettings, AuditSettings, SettingsError, SinkSettings, SyslogAddress};
pub use sink::{Sink, SinkError};
pub use verify::{VerifyError, verify};

pub(crate) use archive::{ArchiveFile, proven as proven_archive};
pub use proof::NotProven;
pub(crate) use proof::Proven;
