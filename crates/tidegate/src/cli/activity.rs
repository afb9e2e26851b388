//! What `tidegate audit` is asked about the activity log.

use std::path::PathBuf;

use clap::Args;

use super::moment;

/// Which entries of the activity log.
#[derive(Clone, Debug, Args)]
pub struct ActivityArgs {
    /// Which.
    #[command(flatten)]
    pub filters: ActivityFilters,
    /// The oldest first
    #[arg(long)]
    pub oldest: bool,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Where to go on: what the list before said at its end
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// What a report is of, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// A row for each export, with who took it; or for each entry
    #[arg(value_parser = ["exports", "entries"], default_value = "exports")]
    pub kind: String,
    /// Of which.
    #[command(flatten)]
    pub filters: ActivityFilters,
    /// Folder to write it to
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    pub output: PathBuf,
}

/// What entries are narrowed down to.
#[derive(Clone, Debug, Args)]
pub struct ActivityFilters {
    /// Only by them: a name, or one of operator, token, worker, upkeep, setup
    #[arg(long)]
    pub actor: Option<String>,
    /// Only about this export
    #[arg(long)]
    pub job: Option<i64>,
    /// Only about this subject
    #[arg(long)]
    pub subject: Option<String>,
    /// Only about exports of this field
    #[arg(long)]
    pub field: Option<String>,
    /// Only of this action, such as `export.created`, or of all that begin with `export`
    #[arg(long)]
    pub action: Option<String>,
    /// Only with this tag, such as `egress.pii`
    #[arg(long)]
    pub tag: Option<String>,
    /// Only what was done, or denied
    #[arg(long, value_parser = ["done", "denied"])]
    pub outcome: Option<String>,
    /// Not before this moment, such as 2026-11-21 or 2026-11-21T19:05:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<i64>,
    /// Before this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<i64>,
}
