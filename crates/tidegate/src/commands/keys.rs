//! `tidegate keys`: the keys for signing and links.

use crate::{
    cli::{Cli, KeysCommand},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &KeysCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        match command {
            KeysCommand::Rotate => {
                let current = control.service.rotate_keys(&caller).await?;
                match cli.json {
                    true => println!("{}", serde_json::json!({ "key": current })),
                    false => println!("{current}"),
                }
            }
        }
        Ok(())
    })
}
