//! `tidegate artifacts`: whose the store of files is, and what lies in it that nobody knows.

use indicatif::HumanBytes;
use tidegate_model::actor::Caller;

use crate::{
    cli::{ArtifactsCommand, Cli, QuarantineCommand},
    commands::jobs::time,
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &ArtifactsCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let Control { service, artifacts, .. } = &control;
        match command {
            ArtifactsCommand::Adopt => Ok(service.adopt_store(&caller, artifacts).await?),
            ArtifactsCommand::Quarantine(QuarantineCommand::List { limit, behind }) => {
                list(&control, &caller, behind.as_deref(), *limit, cli.json).await
            }
            ArtifactsCommand::Quarantine(QuarantineCommand::Release { keys }) => {
                for key in keys {
                    service.release_quarantined(&caller, key).await?;
                }
                Ok(())
            }
            ArtifactsCommand::Quarantine(QuarantineCommand::Delete { keys }) => {
                for key in keys {
                    service.delete_quarantined(&caller, artifacts, key).await?;
                }
                Ok(())
            }
        }
    })
}

async fn list(
    control: &Control,
    caller: &Caller,
    behind: Option<&str>,
    limit: u32,
    is_json: bool,
) -> Result<(), Failure> {
    let files = control.service.quarantined(caller, behind, limit).await?;
    if is_json {
        println!("{}", serde_json::json!({ "files": files }));
        return Ok(());
    }
    for file in &files {
        let size = HumanBytes(file.bytes.unsigned_abs()).to_string();
        println!("{:<56} {size:>12}  found {}", file.key, time(file.found_at));
    }
    if let Some(last) = files.last().filter(|_| files.len() >= limit as usize) {
        eprintln!("tidegate: more: --behind {}", last.key);
    }
    Ok(())
}
