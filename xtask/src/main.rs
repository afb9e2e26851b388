//! House tasks: `cargo xtask tidy`, `ci`, `bench`, `dist`.

mod ci;
mod tidy;

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "House tasks of Tidegate")]
enum Task {
    /// Check the house rules that a program can check
    Tidy,
    /// Install what the tests need, then build, check and test everything
    Ci,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
    match Task::parse() {
        Task::Tidy => tidy::run(),
        Task::Ci => ci::run_all(),
    }
}
