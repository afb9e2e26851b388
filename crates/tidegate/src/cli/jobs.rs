//! `tidegate jobs`: what can be typed about exports.

use clap::{Args, Subcommand};
use tidegate_model::status::Status;
use tidegate_service::{JobCursor, JobSort};

use super::RequestArgs;

/// What to do with exports.
#[derive(Clone, Debug, Subcommand)]
pub enum JobsCommand {
    /// Make an export job and print its number
    Create(Box<CreateArgs>),
    /// List exports, the newest first
    List(ListArgs),
    /// Show one export
    Show(JobArgs),
    /// Follow an export until it is over; exit 1 if there is no file
    Watch(WatchArgs),
    /// Cancel an export
    Cancel(JobArgs),
    /// Make a new export like an old one
    Rerun(JobArgs),
    /// Download the file of an export, with its manifest
    Download(DownloadArgs),
    /// Make a link to the file of an export, good for minutes unless an option says otherwise
    Link(LinkArgs),
    /// Delete the file of an export
    Delete(JobArgs),
}

/// Which export.
#[derive(Clone, Debug, Args)]
pub struct JobArgs {
    /// Number of the export
    pub id: i64,
}

/// Which export to follow, and where.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Number of the export
    pub id: i64,
    /// Follow it on a server, by its events, with the token of TIDEGATE_TOKEN
    #[arg(long, value_name = "URL", env = "TIDEGATE_SERVER")]
    pub server: Option<String>,
}

/// What to download, and where to.
#[derive(Clone, Debug, Args)]
pub struct DownloadArgs {
    /// Number of the export
    pub id: i64,
    /// File to write, or `-` for standard output; by default under the file's own name
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
}

/// What to make a link to, and for whom.
#[derive(Clone, Debug, Args)]
pub struct LinkArgs {
    /// Number of the export
    pub id: i64,
    /// A link for a mail: good as long as the file, for whoever signs in and may have it
    #[arg(long, conflicts_with = "bearer")]
    pub locator: bool,
    /// A link that needs no sign-in: whoever holds it has the file. The site has to allow it
    #[arg(long)]
    pub bearer: bool,
    /// Hours that a bearer link lives; by default as many as the site allows
    #[arg(long, requires = "bearer")]
    pub hours: Option<u32>,
}

/// What to export, as a job.
#[derive(Clone, Debug, Args)]
pub struct CreateArgs {
    /// Subject of the configuration
    pub subject: String,
    /// What of it, and how.
    #[command(flatten)]
    pub request: RequestArgs,
    /// All records that match but those with these keys
    #[arg(long, allow_hyphen_values = true)]
    pub except_ids: Option<String>,
    /// Address to mail to when the file is ready
    #[arg(long, value_name = "EMAIL")]
    pub notify: Option<String>,
    /// Why the data is wanted
    #[arg(long)]
    pub reason: Option<String>,
    /// Makes a repeated request the same one
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// Which exports.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Only of this subject
    #[arg(long)]
    pub subject: Option<String>,
    /// Only in these states
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<Status>,
    /// Only with this text in number, subject, format, or name or mail address of who made it
    #[arg(short, long, value_name = "TEXT")]
    pub q: Option<String>,
    /// Only those that this operator made
    #[arg(long, value_name = "EMAIL")]
    pub created_by: Option<String>,
    /// Order: `created`, `size`, `status` or `subject`; a leading `-` puts the largest first
    #[arg(long, default_value = "-created", allow_hyphen_values = true)]
    pub sort: JobSort,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Behind the page that ends there: the next one, in the same order
    #[arg(long, value_name = "CURSOR")]
    pub behind: Option<JobCursor>,
}
