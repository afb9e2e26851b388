//! `tidegate pause` and `tidegate resume`: what can be typed about pauses.

use clap::Args;

/// What to hold, and why.
#[derive(Clone, Debug, Args)]
pub struct PauseArgs {
    /// Only this subject; by default everything
    #[arg(long, conflicts_with = "list")]
    pub subject: Option<String>,
    /// Why: whoever is held back reads it
    #[arg(long, required_unless_present = "list")]
    pub reason: Option<String>,
    /// Hold nothing, and list what is held
    #[arg(long, conflicts_with = "reason")]
    pub list: bool,
}

/// Which pause to end.
#[derive(Clone, Debug, Args)]
pub struct ResumeArgs {
    /// The one of this subject; by default the one of everything
    #[arg(long)]
    pub subject: Option<String>,
}
