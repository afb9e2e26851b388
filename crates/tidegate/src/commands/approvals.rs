//! `tidegate approvals`: lists what waits for a second person, and decides about it.

use serde_json::{Value, json};
use tidegate_model::{approval::Approval, ids::JobId, job::Job};
use tidegate_service::ApprovalsOf;

use crate::{
    cli::{ApprovalsArgs, ApprovalsCommand, Cli},
    commands::jobs::time,
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &ApprovalsCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let service = &control.service;
        match command {
            ApprovalsCommand::List(args) => {
                let [found] = service.approvals(&caller, [which(args)]).await?;
                list(&found, cli.json);
                Ok(())
            }
            ApprovalsCommand::Grant(args) => {
                let note = args.note.as_deref();
                Ok(service.grant_approval(&caller, JobId(args.id), note).await?)
            }
            ApprovalsCommand::Deny(args) => {
                Ok(service.deny_approval(&caller, JobId(args.id), &args.note).await?)
            }
            ApprovalsCommand::Release(args) => {
                Ok(service.break_approval(&caller, JobId(args.id), &args.reason).await?)
            }
            ApprovalsCommand::Review(args) => {
                Ok(service.review_approval(&caller, JobId(args.id), &args.note).await?)
            }
        }
    })
}

fn which(args: &ApprovalsArgs) -> ApprovalsOf {
    match (args.to_review, args.past) {
        (true, _) => ApprovalsOf::ToReview,
        (false, true) => ApprovalsOf::Past,
        (false, false) => ApprovalsOf::Waiting,
    }
}

fn list(found: &[(Approval, Job)], is_json: bool) {
    if is_json {
        let shown: Vec<Value> = found
            .iter()
            .map(|(approval, job)| json!({ "approval": approval, "export": job }))
            .collect();
        println!("{}", json!({ "approvals": shown }));
        return;
    }
    println!(
        "{:>6}  {:<12} {:<20} {:<24} {:<22}  reason",
        "id", "state", "subject", "rule", "lapses"
    );
    for (approval, job) in found {
        println!(
            "{:>6}  {:<12} {:<20} {:<24} {:<22}  {}",
            job.id,
            approval.state.slug(),
            job.subject,
            approval.rule,
            time(approval.expires_at),
            job.reason.as_deref().unwrap_or_default(),
        );
    }
}
