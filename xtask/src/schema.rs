//! Fuzzes the API for as long as one likes: the same run that the tests have in a short form.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::command::succeed;

/// Variable by which the test learns how long it is to take.
const SECONDS: &str = "TIDEGATE_FUZZ_SECONDS";

/// How long.
#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// Seconds that the fuzzer gets
    #[arg(long, default_value_t = 900)]
    seconds: u32,
}

/// Runs it.
pub(crate) fn run(args: &SchemaArgs) -> Result<()> {
    let tools = ["target/venv-api", "scripts/requirements-api.txt"];
    succeed(Command::new("scripts/venv").args(tools))?;
    let test = "test(the_api_is_what_its_description_says)";
    succeed(
        Command::new("cargo")
            .args(["nextest", "run", "--locked", "--package", "tidegate", "--profile", "schema"])
            .args(["--no-capture", "-E", test])
            .env(SECONDS, args.seconds.to_string()),
    )
}
