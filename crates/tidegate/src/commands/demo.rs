//! `tidegate demo`: writes an embedded site, runs an example export from it, and serves it.

use std::{ops::ControlFlow, path::Path};

use clap::Parser;
use indicatif::{HumanBytes, HumanCount};
use tidegate_model::actor::Via;

use crate::{
    cli::{Cli, Command, DemoArgs},
    control::{self, Control},
    demo::{
        self, CONFIG_NAME, DemoError, Site, SiteOptions,
        operators::{ADA, PASSWORD, PEOPLE},
        past::{self, PastOptions},
    },
    failure::Failure,
    signal::Signal,
};

/// Runs the command.
///
/// # Errors
///
/// If the site cannot be written, the export fails, or the service cannot be started.
pub fn run(args: &DemoArgs, cli: &Cli) -> Result<(), Failure> {
    if args.folder.join(CONFIG_NAME).exists() && !args.force {
        say(cli, &format!("There is a site in `{}` already; using it.", args.folder.display()));
    } else {
        let site = write(args)?;
        describe(cli, &site);
    }
    let folder = args.folder.display();
    let config = format!("{folder}/{CONFIG_NAME}");
    let within = typed(&["tidegate", "--config", &config, "serve"]);
    if !args.no_past {
        let options = PastOptions { rows: args.rows.into(), seed: SiteOptions::default().seed };
        let begin = || say(cli, "Making a past: six weeks of exports that nobody has asked for.");
        control::run(past::make(&within, options, begin))?;
    }
    control::run(invite(&within))?;
    let output = format!("{folder}/orders.xlsx");
    let filter = r#"{"field":"status","op":"in","value":["paid","shipped"]}"#;
    let export = ["tidegate", "--config", &config, "--as", ADA, "export", "orders"];
    let export = export.into_iter().chain(["--format", "xlsx", "--where", filter, "-o", &output]);
    let export: Vec<&str> = export.chain(cli.json.then_some("--json")).collect();
    say(cli, &format!("\n$ {}", shown(&export)));
    let example = typed(&export);
    let Command::Export(arguments) = &example.command else { unreachable!("it is an export") };
    super::export::run(arguments, &example)?;
    say(cli, &format!("\nTry more:\n{}", suggestions(&args.folder)));
    if args.once {
        return Ok(());
    }
    serve(args, cli, &within)
}

/// Starts the service, for this machine only: everybody knows the password.
fn serve(args: &DemoArgs, cli: &Cli, within: &Cli) -> Result<(), Failure> {
    let server = control::settings(within)?.server;
    let address = server.address().filter(|_| server.listen.ip().is_loopback());
    let Some(address) = address else {
        return Err(Failure::wrong("the demo listens on loopback only: its password is known"));
    };
    let people = PEOPLE.map(|(email, role)| format!("  {email:<20} {role}")).join("\n");
    say(cli, &format!("\nSign in at {address}/ with the password `{PASSWORD}` as\n{people}\n"));
    if !args.no_open {
        open_browser(&address);
    }
    super::serve::run(super::serve::Part::All, within)
}

/// Adds the people of the demo, once.
async fn invite(within: &Cli) -> Result<(), Failure> {
    let control = Control::open(within).await?;
    if !control.service.is_empty().await? {
        return Ok(());
    }
    let setup = control.service.setup_caller("demo").await?;
    let password = || Some(PASSWORD.to_owned());
    control.service.add_operator(&setup, ADA, "administrator", password()).await?;
    let ada = control.service.operator_caller(ADA, Via::Cli).await?;
    for (email, role) in PEOPLE.into_iter().filter(|(email, _)| *email != ADA) {
        control.service.add_operator(&ada, email, role, password()).await?;
    }
    Ok(())
}

/// Opens the page where there is a desktop; where there is none nobody misses it.
fn open_browser(address: &str) {
    let has_desktop =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if has_desktop {
        let opener = std::process::Command::new("xdg-open").arg(address).spawn();
        if let Err(error) = opener {
            tracing::debug!(%error, "no browser was opened");
        }
    }
}

/// A command, as it would be typed.
fn typed(words: &[&str]) -> Cli {
    Cli::try_parse_from(words).expect("the example is a valid command")
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
    .map(|arguments| format!("  tidegate --config {config} --as {ADA} {arguments}"))
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
