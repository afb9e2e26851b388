//! The command line: what can be typed, and what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The governed data-egress plane of an application.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100)]
pub struct Cli {
    /// Configuration file
    #[arg(long, global = true, env = "TIDEGATE_CONFIG", default_value = "tidegate.toml")]
    pub config: PathBuf,
    /// Print results and errors as JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Export a subject, or any table, straight from its database to a file
    Export(Box<ExportArgs>),
    /// Look at a database and write a configuration for it
    Init(InitArgs),
    /// Prove that the configuration holds: sources, tables, columns, rights
    Check,
    /// Write an embedded site with realistic data and export from it
    Demo(DemoArgs),
}

/// What to export, and how.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Subject of the configuration
    #[arg(required_unless_present = "source", conflicts_with_all = ["source", "table"])]
    pub subject: Option<String>,
    /// Kind of the subject, where it has kinds; all when left out
    #[arg(long, conflicts_with = "source")]
    pub kind: Option<String>,
    /// Export without a configuration: URL of the database, or `-` to read it from standard input
    #[arg(long, value_name = "URL", requires = "table")]
    pub source: Option<String>,
    /// Table or view to export, as `table` or `schema.table`
    #[arg(long, requires = "source")]
    pub table: Option<String>,
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

/// Which database to look at.
#[derive(Debug, Args)]
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
#[derive(Debug, Args)]
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
}

fn format_parser() -> clap::builder::PossibleValuesParser {
    tidegate_format::FORMATS.iter().map(|format| format.slug()).collect::<Vec<_>>().into()
}

fn option_value(text: &str) -> Result<(String, String), String> {
    let (option, value) = text.split_once('=').ok_or("write it as OPTION=VALUE")?;
    Ok((option.to_owned(), value.to_owned()))
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
