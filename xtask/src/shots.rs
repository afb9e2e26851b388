//! Takes pictures of every page, in both themes, wide and on a phone, to be looked at.

use std::process::Command;

use anyhow::Result;

use crate::command::succeed;

/// Takes them with the browser that the tests use, of a demo of their own.
pub(crate) fn run() -> Result<()> {
    succeed(Command::new("scripts/e2e").args(["--config", "shots.config.js"]))?;
    println!("shots: in e2e/shots/pages; those of the README beside it");
    Ok(())
}
