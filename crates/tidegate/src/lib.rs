//! The `tidegate` program: command line, configuration, and what ties the floors below together.

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod demo;
pub mod edge;
pub mod failure;
pub mod introspect;
pub mod log;
pub mod signal;
pub mod traces;
pub mod watch;
pub mod wire;

/// Exit code of whoever is left by the reader of its output, as a shell gives it.
const LEFT_BY_READER: i32 = 128 + 13;

/// Whoever reads a list may have read enough (`| head`): that ends the command without a word. A
/// file that is written to standard output tells its errors by itself.
fn end_with_the_reader() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(LEFT_BY_READER);
        }
        tell(panic);
    }));
}

/// Runs one command and gives the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    end_with_the_reader();
    let cli = match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let (traces, fault) = match traces::Traces::begin(&cli) {
        Ok(traces) => (traces, None),
        Err(error) => (traces::Traces::off(), Some(error)),
    };
    log::begin(&cli.command, traces.tracer());
    if let Some(error) = fault {
        tracing::warn!(error = &error as &dyn std::error::Error, "no spans are sent");
    }
    let done = match &cli.command {
        cli::Command::Export(args) => commands::export::run(args, &cli),
        cli::Command::Init(args) => commands::init::run(args, &cli),
        cli::Command::Check => commands::check::run(&cli),
        cli::Command::Demo(args) => commands::demo::run(args, &cli),
        cli::Command::Serve => commands::serve::run(commands::serve::Part::All, &cli),
        cli::Command::Worker => commands::serve::run(commands::serve::Part::Worker, &cli),
        cli::Command::Jobs(command) => commands::jobs::run(command, &cli),
        cli::Command::Approvals(command) => commands::approvals::run(command, &cli),
        cli::Command::Schedules(command) => commands::schedules::run(command, &cli),
        cli::Command::Operators(command) => commands::operators::run(command, &cli),
        cli::Command::Roles(command) => commands::roles::run(command, &cli),
        cli::Command::SyncActions(args) => commands::sync_actions::run(args, &cli),
        cli::Command::Tokens(command) => commands::tokens::run(command, &cli),
        cli::Command::Pause(args) => commands::pause::begin(args, &cli),
        cli::Command::Resume(args) => commands::pause::end(args, &cli),
        cli::Command::Manifest(command) => commands::manifest::run(command, &cli),
        cli::Command::Keys(command) => commands::keys::run(command, &cli),
        cli::Command::Audit(command) => commands::audit::run(command, &cli),
        cli::Command::Artifacts(command) => commands::artifacts::run(command, &cli),
        cli::Command::Backup(args) => commands::backup::run(args, &cli),
    };
    traces.end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.json),
    }
}
