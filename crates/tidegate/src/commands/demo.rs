//! `tidegate demo`: writes an embedded site and runs an example export from it.

use std::{ops::ControlFlow, path::Path};

use clap::Parser;
use indicatif::{HumanBytes, HumanCount};

use crate::{
    cli::{Cli, Command, DemoArgs},
    demo::{self, CONFIG_NAME, DemoError, Site, SiteOptions},
    failure::Failure,
    signal::Signal,
};

/// Runs the command.
///
/// # Errors
///
/// If the site cannot be written, or the export fails.
pub fn run(args: &DemoArgs, cli: &Cli) -> Result<(), Failure> {
    if args.folder.join(CONFIG_NAME).exists() && !args.force {
        say(cli, &format!("There is a site in `{}` already; using it.", args.folder.display()));
    } else {
        let site = write(args)?;
        describe(cli, &site);
    }
    let folder = args.folder.display();
    let config = format!("{folder}/{CONFIG_NAME}");
    let output = format!("{folder}/orders.xlsx");
    let filter = r#"{"field":"status","op":"in","value":["paid","shipped"]}"#;
    let typed = ["tidegate", "--config", &config, "export", "orders", "--format", "xlsx"];
    let typed = typed.into_iter().chain(["--where", filter, "-o", &output]);
    let typed: Vec<&str> = typed.chain(cli.json.then_some("--json")).collect();
    say(cli, &format!("\n$ {}", shown(&typed)));
    let example = Cli::try_parse_from(&typed).expect("the example is a valid command");
    let Command::Export(export) = &example.command else { unreachable!("it is an export") };
    super::export::run(export, &example)?;
    say(cli, &format!("\nTry more:\n{}", suggestions(&args.folder)));
    Ok(())
}

fn write(args: &DemoArgs) -> Result<Site, Failure> {
    let signal = Signal::listen();
    signal.heed();
    let options =
        SiteOptions { rows: args.rows.into(), is_replacing: args.force, ..SiteOptions::default() };
    let mut watch = |_| match signal.is_raised() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    demo::write_site(&args.folder, &options, &mut watch).map_err(|error| match error {
        DemoError::TooManyRows { .. } | DemoError::Exists { .. } => {
            Failure::wrong(error.to_string())
        }
        DemoError::Interrupted => Failure::interrupted(&error),
        DemoError::Unwritable { .. } | DemoError::Database { .. } => {
            Failure::failed("demo", &error)
        }
    })
}

fn describe(cli: &Cli, site: &Site) {
    let tables: Vec<String> =
        site.tables.iter().map(|(table, rows)| format!("{} {table}", HumanCount(*rows))).collect();
    let bytes = HumanBytes(site.bytes);
    say(cli, &format!("{}: {} ({bytes})", site.database.display(), tables.join(", ")));
    say(cli, &format!("{}: its configuration", site.config.display()));
}

fn suggestions(folder: &Path) -> String {
    let config = folder.join(CONFIG_NAME);
    let config = config.display();
    [
        "export users --format csv --set profile=spreadsheet",
        "export orders --format ndjson --compress gzip --sort -placed_at",
        "export content --kind posts --format parquet",
        "check",
    ]
    .map(|arguments| format!("  tidegate --config {config} {arguments}"))
    .join("\n")
}

/// The command as one would type it.
fn shown(typed: &[&str]) -> String {
    let quoted = |word: &&str| match word.contains(['"', ' ', '{']) {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    };
    typed.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Says something to people; scripts get only the result.
fn say(cli: &Cli, text: &str) {
    if !cli.json {
        eprintln!("{text}");
    }
}
