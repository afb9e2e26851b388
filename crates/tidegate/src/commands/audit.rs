//! `tidegate audit`: what was done, by whom, and whether the record still says so.

use tidegate_model::{audit::Entry, ids::JobId};
use tidegate_store::EntryFilter;

use crate::{
    cli::{AuditCommand, Cli},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &AuditCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        match command {
            AuditCommand::List { job, subject, action, tag, limit, before } => {
                let caller = control.caller(cli).await?;
                let filter = EntryFilter {
                    job: job.map(JobId),
                    subject: subject.clone(),
                    action: action.clone(),
                    tag: tag.clone(),
                    ..EntryFilter::default()
                };
                let found = control.service.activity(&caller, &filter, *before, *limit).await?;
                for stored in found {
                    match cli.json {
                        true => println!("{}", stored.text),
                        false => print(&stored.text),
                    }
                }
            }
        }
        Ok(())
    })
}

fn print(text: &str) {
    let Ok(entry) = serde_json::from_str::<Entry>(text) else {
        println!("an entry that cannot be read; run `tidegate audit verify`");
        return;
    };
    let job = entry.job.map(|job| format!(" export {job}")).unwrap_or_default();
    let subject = entry.subject.map(|subject| format!(" of {subject}")).unwrap_or_default();
    let outcome = match entry.outcome {
        tidegate_model::audit::Outcome::Done => "",
        tidegate_model::audit::Outcome::Denied => " DENIED",
    };
    println!(
        "{:>7}  {}  {:<28} {}{job}{subject}{outcome} {}",
        entry.seq,
        entry.at,
        entry.name,
        entry.action,
        entry.tags.join(" ")
    );
}
