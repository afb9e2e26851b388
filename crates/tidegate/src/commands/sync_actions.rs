//! `tidegate sync-actions`: makes the registry of actions what the configuration declares.

use serde::Deserialize;
use tidegate_model::registry::{AdminAction, Reconciled, SyncStep};
use tidegate_service::ActionOrigin;

use crate::{
    cli::{Cli, SyncActionsArgs},
    control::{self, Control},
    failure::Failure,
};

/// A file of actions: as the configuration has them, or as `ADMIN_ACTIONS` does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    actions: Vec<AdminAction>,
}

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or the declaration is wrong.
pub fn run(args: &SyncActionsArgs, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let service = &control.service;
        let declared = match &args.file {
            Some(file) => read(file)?,
            None => service.declared_actions(),
        };
        let origin = ActionOrigin::Configuration;
        let done = service.sync_actions(&caller, origin, &declared, args.dry_run).await?;
        match cli.json {
            true => println!("{}", serde_json::json!(done)),
            false => tell(&done, args.dry_run),
        }
        Ok(())
    })
}

fn read(file: &std::path::Path) -> Result<Vec<AdminAction>, Failure> {
    let wrong = |why: String| Failure::wrong(format!("`{}`: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|cause| wrong(cause.to_string()))?;
    match text.trim_start().starts_with('[') && !text.trim_start().starts_with("[[") {
        true => serde_json::from_str(&text).map_err(|error| wrong(error.to_string())),
        false => {
            let document: Document =
                toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
            Ok(document.actions)
        }
    }
}

fn tell(done: &Reconciled, is_dry: bool) {
    for step in &done.steps {
        let one = step.action();
        let (model, codename, name) = (&one.action.model, &one.action.codename, &one.action.name);
        let words = match step {
            SyncStep::Add(_) => "added",
            SyncStep::Change { .. } => "changed",
            SyncStep::Revive(_) => "revived",
            SyncStep::Retire(_) => "retired",
        };
        println!("{words:<8} {model} {codename} \"{name}\" ({})", one.capability);
    }
    let verb = if is_dry { "would be done" } else { "done" };
    let steps = done.steps.len();
    println!("{steps} {verb}, {} as they were", done.unchanged);
}
