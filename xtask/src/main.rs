//! House tasks: `cargo xtask tidy`, `ci`, `bench`, `mutants`, `chaos`, `fires`, `schema`, `load`,
//! `pages`, `shots`, `dist`.

mod bench;
mod chaos;
mod ci;
mod command;
mod dist;
mod fires;
mod load;
mod mutants;
mod pages;
mod schema;
mod shots;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "House tasks of Tidegate")]
enum Task {
    /// Check the house rules that a program can check
    Tidy,
    /// Install what the tests need, then build, check and test everything
    Ci,
    /// Run Tidegate and its peers in turn, and judge by the bounds owed
    Bench(bench::BenchArgs),
    /// Change the rules of the model on purpose, and expect a test to fail for each change
    Mutants,
    /// Kill and stop real processes, and check what they leave
    Chaos(chaos::ChaosArgs),
    /// Jump with the clocks of real processes, kill schedulers, and go through every zone's years
    Fires(fires::FiresArgs),
    /// Fuzz the API with schemathesis, for longer than the tests do
    Schema(schema::SchemaArgs),
    /// Ask a service with a long past 200 times a second, with 1,000 watchers, and judge
    Load(load::LoadArgs),
    /// Leaf through a list of ten million rows as a browser does, and judge
    Pages(pages::PagesArgs),
    /// Take pictures of every page, in both themes, wide and on a phone, into `e2e/shots`
    Shots,
    /// Build and pack what is handed out
    Dist,
    /// Run one command and print what it took
    #[command(name = bench::measure::TASK, hide = true, disable_help_flag = true)]
    Measure {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    if let Err(error) = std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")) {
        eprintln!("the checkout is not where it was: {error}");
        return ExitCode::FAILURE;
    }
    let outcome = match Task::parse() {
        Task::Ci => return ci::run_all(),
        Task::Tidy => tidy::run(),
        Task::Bench(args) => bench::run(&args),
        Task::Mutants => mutants::run(),
        Task::Chaos(args) => chaos::run(&args),
        Task::Fires(args) => fires::run(&args),
        Task::Schema(args) => schema::run(&args),
        Task::Load(args) => load::run(&args),
        Task::Pages(args) => pages::run(&args),
        Task::Shots => shots::run(),
        Task::Dist => dist::run(),
        Task::Measure { command } => bench::measure::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
