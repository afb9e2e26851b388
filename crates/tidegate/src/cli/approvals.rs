//! `tidegate approvals`: what can be typed about exports that wait for a second person.

use clap::{Args, Subcommand};

/// What to do with exports that wait for a second person.
#[derive(Clone, Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// List what waits, the oldest first
    List(ApprovalsArgs),
    /// Let an export of somebody else go on
    Grant(GrantArgs),
    /// Refuse an export of somebody else
    Deny(NoteArgs),
    /// Release an export of your own without a second person, where the site has it so
    Release(ReleaseArgs),
    /// Review what somebody else has released without a second person
    Review(NoteArgs),
}

/// Which approvals.
#[derive(Clone, Debug, Args)]
pub struct ApprovalsArgs {
    /// What was released without a second person, and nobody has reviewed
    #[arg(long, conflicts_with = "past")]
    pub to_review: bool,
    /// What is decided, or over, the newest first
    #[arg(long)]
    pub past: bool,
}

/// Which export, and what is said of it.
#[derive(Clone, Debug, Args)]
pub struct GrantArgs {
    /// Number of the export
    pub id: i64,
    /// What is said of it
    #[arg(long)]
    pub note: Option<String>,
}

/// Which export, and what has to be said of it.
#[derive(Clone, Debug, Args)]
pub struct NoteArgs {
    /// Number of the export
    pub id: i64,
    /// What is said of it: it stands in the activity log
    #[arg(long)]
    pub note: String,
}

/// Which export, and why it cannot wait.
#[derive(Clone, Debug, Args)]
pub struct ReleaseArgs {
    /// Number of the export
    pub id: i64,
    /// Why it cannot wait
    #[arg(long)]
    pub reason: String,
}
