//! `tidegate check`: proves that the configuration holds, against the databases themselves.

use tidegate_model::{
    catalog::{Relation, TableName},
    fault::Faults,
    pointer::Pointer,
};
use tidegate_pipeline::{BindError, bind_subject};
use tidegate_source::Report;

use crate::{
    cli::Cli,
    config::Site,
    control,
    failure::Failure,
    wire::{self, Connected},
};

mod collector;
mod control_plane;
mod masks;
mod notify;
mod public_url;

/// What was found about one source.
#[derive(Debug, serde::Serialize)]
struct Finding {
    source: String,
    kind: &'static str,
    version: String,
    subjects: Vec<String>,
    warnings: Vec<String>,
    grants: Vec<String>,
    faults: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// If a source cannot be reached, or a subject does not fit its tables.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    let site = Site::load(&cli.config, &wire::environment())?;
    let mut findings = Vec::new();
    for settings in site.sources.values() {
        findings.push(find(&site, Connected::new(settings.clone())?));
    }
    let mut control = match site.control {
        Some(_) => control_plane::find(cli)?,
        None => Vec::new(),
    };
    if let Some(traces) = &site.traces {
        control.push(control::run(async { Ok(collector::ask(traces).await) })?);
    }
    if cli.json {
        println!("{}", serde_json::json!({ "sources": findings, "control": control }));
    } else {
        findings.iter().for_each(print);
        control.iter().for_each(|part| println!("{part}"));
    }
    let faults: usize = findings.iter().map(|finding| finding.faults.len()).sum();
    let faults = faults + control.iter().filter(|part| part.fault.is_some()).count();
    match faults {
        0 => Ok(()),
        1 => Err(Failure::wrong("the configuration has a fault")),
        count => Err(Failure::wrong(format!("the configuration has {count} faults"))),
    }
}

fn find(site: &Site, connected: Connected) -> Finding {
    let name = &connected.settings.name;
    let mut faults = Vec::new();
    let mut subjects = Vec::new();
    let mut tables: Vec<TableName> = Vec::new();
    let declared = site.subjects.iter().enumerate();
    for (index, subject) in declared.filter(|(_, subject)| &subject.source == name) {
        let list = Pointer::at("/subjects");
        match bind_subject(&*connected.source, subject, &list.index(index)) {
            Ok(_) => subjects.push(subject.slug.clone()),
            Err(BindError::Source(error)) => faults.push(format!("`{}`: {error}", subject.slug)),
            Err(BindError::Faults(Faults(found))) => {
                faults.extend(found.iter().map(ToString::to_string));
            }
        }
        let named = subject.tables().into_iter().filter_map(|relation| match relation {
            Relation::Table(table) => Some(table),
            Relation::Statement(_) | Relation::Union(_) => None,
        });
        tables.extend(named);
    }
    tables.sort();
    tables.dedup();
    let report = connected.source.check(&tables).unwrap_or_else(|error| {
        faults.push(Failure::from(error).to_string());
        Report::default()
    });
    Finding {
        source: name.clone(),
        kind: connected.source.kind(),
        version: report.version,
        subjects,
        warnings: report.warnings,
        grants: report.grants,
        faults,
    }
}

fn print(finding: &Finding) {
    println!("source {} ({}, {})", finding.source, finding.kind, finding.version);
    if !finding.subjects.is_empty() {
        println!("  good     {}", finding.subjects.join(", "));
    }
    for fault in &finding.faults {
        println!("  fault    {fault}");
    }
    for warning in &finding.warnings {
        println!("  warning  {warning}");
    }
    if !finding.grants.is_empty() {
        println!("  An account that suffices:");
        finding.grants.iter().for_each(|grant| println!("    {grant}"));
    }
}
