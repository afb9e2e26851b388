//! `tidegate audit`: what was done, by whom, and whether the record still says so.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret;
use tidegate_model::{
    audit::{Entry, Outcome},
    ids::JobId,
};
use tidegate_service::{
    ACTIVITY_PAGE_MAX, ActivityRequest, ActivitySort, PublicKeys, ReportKind,
    audit::{Anchor, AnchorSettings, ArchivePlace, Ledger, Verdict, verify},
};
use tidegate_store::Store;

use crate::{
    cli::{ActivityArgs, ActivityFilters, AuditCommand, Cli, ReportArgs},
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
        match command {
            AuditCommand::Verify { log, anchors, archive, no_archive, keys } => {
                let archive = (archive.as_ref(), *no_archive);
                let verification = Verification { log, anchors, archive, keys, cli };
                verification.run().await?;
            }
            AuditCommand::List(args) => list(args, cli).await?,
            AuditCommand::Report(args) => report(args, cli).await?,
        }
        Ok(())
    })
}

/// Lists entries, page by page.
async fn list(args: &ActivityArgs, cli: &Cli) -> Result<(), Failure> {
    let control = Control::open(cli).await?;
    let caller = control.caller(cli).await?;
    let sort = if args.oldest { ActivitySort::Oldest } else { ActivitySort::Newest };
    let mut request =
        ActivityRequest { sort, cursor: args.cursor.clone(), ..request_of(&args.filters) };
    let mut wanted = args.limit;
    while wanted > 0 {
        request.limit = Some(wanted.min(ACTIVITY_PAGE_MAX));
        let page = control.service.activity(&caller, &request).await?;
        for stored in &page.entries {
            match cli.json {
                true => println!("{}", stored.line()),
                false => print(&stored.text),
            }
        }
        wanted = wanted.saturating_sub(page.entries.len() as u32);
        request.cursor = page.next;
        if request.cursor.is_none() {
            return Ok(());
        }
    }
    if let Some(cursor) = request.cursor {
        match cli.json {
            true => eprintln!("{}", serde_json::json!({ "next": cursor })),
            false => eprintln!("tidegate: there are more, go on with --cursor {cursor}"),
        }
    }
    Ok(())
}

/// What entries are narrowed down to.
fn request_of(filters: &ActivityFilters) -> ActivityRequest {
    ActivityRequest {
        actor: filters.actor.clone(),
        job: filters.job.map(JobId),
        subject: filters.subject.clone(),
        field: filters.field.clone(),
        action: filters.action.clone(),
        tag: filters.tag.clone(),
        outcome: filters.outcome.as_deref().map(|word| match word {
            "denied" => Outcome::Denied,
            _ => Outcome::Done,
        }),
        from: filters.from,
        to: filters.to,
        ..ActivityRequest::default()
    }
}

/// Writes a report and its manifest, never over another file.
async fn report(args: &ReportArgs, cli: &Cli) -> Result<(), Failure> {
    let control = Control::open(cli).await?;
    let caller = control.caller(cli).await?;
    let kind = match args.kind.as_str() {
        "entries" => ReportKind::Entries,
        _ => ReportKind::Exports,
    };
    let request = request_of(&args.filters);
    let report = control.service.activity_report(&caller, kind, &request).await?;
    let file = args.output.join(&report.name);
    let manifest = args.output.join(format!("{}.manifest.json", report.name));
    for (path, bytes) in [(&file, report.bytes.as_slice()), (&manifest, report.manifest.as_bytes())]
    {
        write_new(path, bytes).map_err(|error| Failure::failed("report", &error))?;
    }
    let (file, manifest) = (file.display(), manifest.display());
    match cli.json {
        true => println!(
            "{}",
            serde_json::json!({
                "file": file.to_string(), "manifest": manifest.to_string(),
                "rows": report.rows, "sha256": report.sha256,
            })
        ),
        false => println!("{file}: {} rows, signed by {manifest}", report.rows),
    }
    Ok(())
}

/// Writes a file where there is none.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What to hold against what.
struct Verification<'a> {
    log: &'a Option<PathBuf>,
    anchors: &'a [AnchorSettings],
    /// Where archives are, if it is said; whether none are read.
    archive: (Option<&'a AnchorSettings>, bool),
    keys: &'a Option<PathBuf>,
    cli: &'a Cli,
}

impl Verification<'_> {
    async fn run(self) -> Result<(), Failure> {
        let failed = |error: &dyn std::error::Error| Failure::failed("audit", error);
        // The configuration is asked for no more than the options leave open.
        let settings = match (self.log, self.anchors, self.keys) {
            (Some(_), [_, ..], Some(_)) => None,
            _ => Some(control::settings(self.cli)?),
        };
        let declared = settings.as_ref().map(|settings| settings.audit.anchors.as_slice());
        let anchors = match self.anchors {
            [] => declared.unwrap_or_default(),
            given => given,
        };
        let anchors: Vec<Anchor> = anchors
            .iter()
            .map(Anchor::open)
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&error))?;
        let keys = match (self.keys, &settings) {
            (Some(folder), _) => PublicKeys::of_folder(folder)?,
            (None, Some(settings)) => PublicKeys::of_folder(&settings.keys_folder)?,
            (None, None) => PublicKeys::default(),
        };
        let ledger = match (self.log, &settings) {
            (Some(file), _) => Ledger::of_file(file).map_err(|error| failed(&error))?,
            (None, Some(settings)) => {
                let store = Store::open(settings.url.expose_secret()).await?;
                let ledger = Ledger::of_database(store);
                let place = match self.archive {
                    (_, true) => None,
                    (None, false) => Some(control::archive_of(settings)?),
                    (Some(given), false) => {
                        Some(ArchivePlace::open(given).map_err(|error| failed(&error))?)
                    }
                };
                match place {
                    Some(place) => ledger.with_archives(place),
                    None => ledger,
                }
            }
            (None, None) => return Err(Failure::wrong("there is nothing to verify")),
        };
        let report = verify(ledger, &anchors, &keys).await.map_err(|error| failed(&error))?;
        match self.cli.json {
            true => println!("{}", serde_json::json!(report)),
            false => print!("{report}"),
        }
        match report.verdict {
            Verdict::Broken => Err(Failure::broken_log(report.first_bad)),
            Verdict::Unproven => Err(Failure::unproven_log()),
            Verdict::Sound => Ok(()),
        }
    }
}

fn print(text: &str) {
    let Ok(entry) = serde_json::from_str::<Entry>(text) else {
        println!("an entry that cannot be read; run `tidegate audit verify`");
        return;
    };
    let job = entry.job.map(|job| format!(" export {job}")).unwrap_or_default();
    let subject = entry.subject.map(|subject| format!(" of {subject}")).unwrap_or_default();
    let outcome = match entry.outcome {
        Outcome::Done => "",
        Outcome::Denied => " DENIED",
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
