//! `tidegate pause` and `tidegate resume`: hold egress, and let it go on.

use super::jobs::time;
use crate::{
    cli::{Cli, PauseArgs, ResumeArgs},
    control::{self, Control},
    failure::Failure,
};

/// Begins a pause, or lists those that hold something back.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn begin(args: &PauseArgs, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        if let Some(reason) = &args.reason {
            control.service.pause(&caller, args.subject.as_deref(), reason).await?;
            let what = args.subject.as_deref().unwrap_or("everything");
            eprintln!("tidegate: {what} is paused, until `tidegate resume`");
            return Ok(());
        }
        let pauses = control.service.pauses(&caller).await?;
        if cli.json {
            println!("{}", serde_json::json!({ "pauses": pauses }));
            return Ok(());
        }
        for pause in pauses {
            let what = pause.subject.as_deref().unwrap_or("everything");
            let (since, by) = (time(pause.paused_at), pause.name);
            println!("{what:<20}  since {since} by {by}: {}", pause.reason);
        }
        Ok(())
    })
}

/// Ends a pause.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn end(args: &ResumeArgs, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        Ok(control.service.resume(&caller, args.subject.as_deref()).await?)
    })
}
