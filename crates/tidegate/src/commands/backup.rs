//! `tidegate backup`: saves the control state while it is in use.

use crate::{
    cli::{BackupArgs, Cli},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or the file cannot be written.
pub fn run(args: &BackupArgs, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        control.service.back_up(&caller, &args.file).await?;
        match cli.json {
            true => println!("{}", serde_json::json!({ "path": args.file })),
            false => eprintln!("tidegate: control state saved as {}", args.file.display()),
        }
        Ok(())
    })
}
