//! The command line: what can be typed, and what it means.

mod activity;
mod approvals;
mod jobs;
mod pause;
mod schedules;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tidegate_service::audit::AnchorSettings;

pub use self::activity::{ActivityArgs, ActivityFilters, ReportArgs};
pub use self::approvals::{ApprovalsArgs, ApprovalsCommand, GrantArgs, NoteArgs, ReleaseArgs};
pub use self::jobs::{
    CreateArgs, DownloadArgs, JobArgs, JobsCommand, LinkArgs, ListArgs, WatchArgs,
};
pub use self::pause::{PauseArgs, ResumeArgs};
pub use self::schedules::{
    ReassignArgs, ScheduleArgs, SchedulePauseArgs, SchedulesArgs, SchedulesCommand,
};

/// The governed data-egress plane of an application.
#[derive(Clone, Debug, Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100)]
pub struct Cli {
    /// Configuration file
    #[arg(long, global = true, env = "TIDEGATE_CONFIG", default_value = "tidegate.toml")]
    pub config: PathBuf,
    /// Print results and errors as JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// Operator in whose name it is done, where the configuration has a control database; a token
    /// in the variable TIDEGATE_TOKEN goes before it
    #[arg(long = "as", global = true, env = "TIDEGATE_OPERATOR", value_name = "EMAIL")]
    pub operator: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Export a subject, or any table, straight from its database to a file
    Export(Box<ExportArgs>),
    /// Look at a database and write a configuration for it
    Init(InitArgs),
    /// Prove that the configuration holds: sources, tables, columns, rights
    Check,
    /// Write an embedded site with realistic data and export from it
    Demo(DemoArgs),
    /// Build exports, and do the upkeep of the site
    Serve,
    /// Build exports only: for more machines
    Worker,
    /// Make, list, watch and download exports
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// List exports that wait for a second person, and decide about them
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
    /// List, pause, run and give away schedules
    #[command(subcommand)]
    Schedules(SchedulesCommand),
    /// Add, change and list operators
    #[command(subcommand)]
    Operators(OperatorsCommand),
    /// Change and list roles
    #[command(subcommand)]
    Roles(RolesCommand),
    /// Make the registry of actions what the configuration declares
    SyncActions(SyncActionsArgs),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Hold all egress of a subject, or of the site, until somebody ends it
    Pause(PauseArgs),
    /// End a pause of egress
    Resume(ResumeArgs),
    /// Verify the manifest of a file, on any machine
    #[command(subcommand)]
    Manifest(ManifestCommand),
    /// Rotate the keys for signing and links
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Read the activity log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Save the control state, and nothing else
    Backup(BackupArgs),
    /// Look after the store of files: what nobody knows in it, and whose it is
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
}

/// What to do with the store of files.
#[derive(Clone, Debug, Subcommand)]
pub enum ArtifactsCommand {
    /// Make this store the control database's own, after its files were moved or lost
    Adopt,
    /// Files that the control database does not know, as after an older backup was restored
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
}

/// What to do with files in quarantine.
#[derive(Clone, Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List them
    List {
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Behind the file of this key: the next page
        #[arg(long, value_name = "KEY")]
        behind: Option<String>,
    },
    /// Leave files where they are, and tell of them no more
    Release {
        /// Their keys
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Delete files, with their manifests
    Delete {
        /// Their keys
        #[arg(required = true)]
        keys: Vec<String>,
    },
}

/// What to do with manifests.
#[derive(Clone, Debug, Subcommand)]
pub enum ManifestCommand {
    /// Verify the signature of a manifest, and the file that it describes
    Verify {
        /// The manifest
        manifest: PathBuf,
        /// The file, if it is there, too
        file: Option<PathBuf>,
        /// Folder with the public keys, in place of that of the configuration
        #[arg(long, value_name = "FOLDER")]
        keys: Option<PathBuf>,
    },
}

/// What to make of the registry of actions.
#[derive(Clone, Debug, Args)]
pub struct SyncActionsArgs {
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// A file with `[[actions]]`, or a JSON list of them, in place of the configuration
    pub file: Option<PathBuf>,
}

/// Where to save the control state.
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// File to write; it must not be there yet
    pub file: PathBuf,
}

/// What to do with operators.
#[derive(Clone, Debug, Subcommand)]
pub enum OperatorsCommand {
    /// Add an operator; the first one may be added by whoever has the keys of the host
    Add {
        /// Mail address
        email: String,
        /// Slug of the role
        #[arg(long)]
        role: String,
        /// Read a password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List operators
    List,
    /// Give an operator another role
    Role {
        /// Mail address
        email: String,
        /// Slug of the role
        role: String,
    },
    /// Print a link, good once and for a day, by which an operator sets a new password; a second
    /// factor stays
    Reset {
        /// Mail address
        email: String,
    },
    /// Take an operator's second factor away: for who has lost phone and recovery codes
    ResetSecondFactor {
        /// Mail address
        email: String,
    },
    /// Shut an operator out
    Disable {
        /// Mail address
        email: String,
    },
    /// Let an operator in again
    Enable {
        /// Mail address
        email: String,
    },
    /// Set a password, read from standard input
    Password {
        /// Mail address
        email: String,
    },
}

/// What to do with roles.
#[derive(Clone, Debug, Subcommand)]
pub enum RolesCommand {
    /// List roles
    List,
    /// Add a role, or replace it
    Put {
        /// Stable name
        slug: String,
        /// Name that people read
        #[arg(long)]
        label: Option<String>,
        /// What its operators may do
        #[arg(long, value_delimiter = ',')]
        capabilities: Vec<String>,
        /// Filter over a subject, as `SUBJECT=JSON`
        #[arg(long = "limit", value_parser = option_value)]
        limits: Vec<(String, String)>,
        /// What is shown of a class of personal data, as `CLASS=POLICY`; `*` for all others
        #[arg(long = "mask", value_parser = option_value)]
        masks: Vec<(String, String)>,
    },
    /// Remove a role that no operator has
    Remove {
        /// Stable name
        slug: String,
    },
    /// Say why an operator may do something, or not
    Explain {
        /// Mail address
        email: String,
        /// Subject to export
        subject: String,
    },
}

/// What to do with tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token for oneself; its secret is shown once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it is limited to; by default all that the operator may
        #[arg(long, value_delimiter = ',')]
        scopes: Option<Vec<String>>,
        /// Days that it lives
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// List tokens
    List,
    /// Take a token back
    Revoke {
        /// Number of the token
        id: i64,
    },
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make new keys and use them; old ones still verify
    Rotate,
}

/// What to do with the activity log.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Hold the log against its signed checkpoints; exit 1 unless they prove it. Needs no operator,
    /// and with the three options no configuration either
    Verify {
        /// A streamed log, in place of the control database
        #[arg(long, value_name = "FILE", requires = "keys")]
        log: Option<PathBuf>,
        /// Files or buckets with checkpoints, in place of those of the configuration
        #[arg(long = "anchor", value_name = "ANCHOR")]
        anchors: Vec<AnchorSettings>,
        /// Folder or bucket with archives of what was cut off the log, in place of that of the
        /// configuration
        #[arg(long, value_name = "PLACE", conflicts_with_all = ["log", "no_archive"])]
        archive: Option<AnchorSettings>,
        /// Do not read archives: their signed statements alone are then gone by
        #[arg(long)]
        no_archive: bool,
        /// Folder with the public keys, in place of that of the configuration
        #[arg(long, value_name = "FOLDER")]
        keys: Option<PathBuf>,
    },
    /// List entries, the newest first; with --json as a stream of the log has them
    List(Box<ActivityArgs>),
    /// Write a signed report, a CSV file and its manifest, and print where; it leaves an entry
    Report(Box<ReportArgs>),
}

/// What to export, and how.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// Subject of the configuration
    #[arg(required_unless_present = "source", conflicts_with_all = ["source", "table"])]
    pub subject: Option<String>,
    /// Export without a configuration: URL of the database, or `-` to read it from standard input
    #[arg(long, value_name = "URL", requires = "table")]
    pub source: Option<String>,
    /// Table or view to export, as `table` or `schema.table`
    #[arg(long, requires = "source")]
    pub table: Option<String>,
    /// What of it, and how.
    #[command(flatten)]
    pub request: RequestArgs,
    /// File to write, or `-` for standard output; by default named after subject and time
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<String>,
    /// Where to put the manifest; by default beside the file
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Readers of the source; the default is the source's own
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub readers: Option<u8>,
}

/// What of a subject to export, and how.
#[derive(Clone, Debug, Args)]
pub struct RequestArgs {
    /// Kind of the subject, where it has kinds; all when left out
    #[arg(long)]
    pub kind: Option<String>,
    /// File format
    #[arg(long, default_value = "csv", value_parser = format_parser())]
    pub format: String,
    /// Fields, in their order; a name with a leading `-` or `+` takes from or adds to the default
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub fields: Vec<String>,
    /// Filter, as JSON: {"field": "status", "op": "eq", "value": "paid"}
    #[arg(long = "where", value_name = "JSON")]
    pub filter: Option<String>,
    /// Free text to search in the subject's searchable fields
    #[arg(long)]
    pub search: Option<String>,
    /// Only the records with these keys: `1,2,3`; a key of several fields is `[1,2]`
    #[arg(long, allow_hyphen_values = true)]
    pub ids: Option<String>,
    /// Fields to sort by; a leading `-` puts the largest first
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Compress the file
    #[arg(long, value_parser = ["gzip", "zstd"])]
    pub compress: Option<String>,
    /// Option of the format
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = option_value)]
    pub options: Vec<(String, String)>,
    /// Zone in which instants are written and relative dates are meant, such as Europe/Berlin
    #[arg(long, default_value = "UTC")]
    pub time_zone: String,
}

/// Which database to look at.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// URL of the database, or `-` to read it from standard input
    pub url: String,
    /// File to write, or `-` for standard output
    #[arg(short, long, default_value = "tidegate.toml")]
    pub output: String,
    /// Name of the source in the configuration; by default the database's own
    #[arg(long)]
    pub name: Option<String>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// What the embedded site is like.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Folder to write it to
    #[arg(default_value = "tidegate-demo")]
    pub folder: PathBuf,
    /// Orders in the site; the rest is in proportion
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rows: u32,
    /// Write the site even where one is already
    #[arg(long)]
    pub force: bool,
    /// End after the example export, and serve nothing
    #[arg(long)]
    pub once: bool,
    /// Make no past: a site that nobody has exported from yet
    #[arg(long)]
    pub no_past: bool,
    /// Open no browser
    #[arg(long)]
    pub no_open: bool,
}

fn format_parser() -> clap::builder::PossibleValuesParser {
    tidegate_format::FORMATS.iter().map(|format| format.slug()).collect::<Vec<_>>().into()
}

fn option_value(text: &str) -> Result<(String, String), String> {
    let (option, value) = text.split_once('=').ok_or("write it as OPTION=VALUE")?;
    Ok((option.to_owned(), value.to_owned()))
}

/// A moment, in microseconds since 1970; a day is its beginning in UTC.
fn moment(text: &str) -> Result<i64, String> {
    let day = || Some(text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    let instant = chrono::DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok();
    let moment = instant.or_else(day);
    moment
        .map(|at| at.timestamp_micros())
        .ok_or_else(|| "write it as 2026-11-21 or 2026-11-21T19:05:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_format_can_be_asked_for() {
        for format in tidegate_format::FORMATS {
            let args = ["tidegate", "export", "orders", "--format", format.slug()];
            assert!(Cli::try_parse_from(args).is_ok(), "{}", format.slug());
        }
    }
}
