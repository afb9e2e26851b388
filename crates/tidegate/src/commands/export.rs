//! `tidegate export`: one export, straight from a source to a file.

use chrono::{DateTime, Utc};
use indicatif::{HumanBytes, HumanCount};
use tidegate_format::{Format, Options};
use tidegate_model::{
    bind::BoundSubject,
    declaration::{self, SubjectDeclaration},
    fault::{Fault, Faults},
    pointer::Pointer,
    query::Query,
    request::{CheckedRequest, ExportRequest},
};
use tidegate_pipeline::{
    BindError, Completion, Limits, Manifest, Plan, TRACE_TARGET, bind_subject, manifest,
};

use crate::{
    cli::{Cli, ExportArgs},
    commands::{
        governed,
        place::Place,
        request::{self, More},
    },
    config::Site,
    failure::Failure,
    signal::Signal,
    watch::Watch,
    wire::{self, AD_HOC, Connected},
};

/// Name of the sessions in the database, before there are jobs.
const APPLICATION: &str = "tidegate/export";
/// Slug of what is no subject but a bare table.
const TABLE: &str = "table";

/// Runs the command.
///
/// # Errors
///
/// If the request is wrong, or anything stands in the way of a whole file.
pub fn run(args: &ExportArgs, cli: &Cli) -> Result<(), Failure> {
    if args.source.is_none() && Site::load(&cli.config, &wire::environment())?.control.is_some() {
        return governed::run(args, cli);
    }
    let signal = Signal::listen();
    let started_at = wire::now();
    let export = Export::prepare(args, cli, started_at)?;
    let name = || default_name(&export, started_at);
    let place = Place::of(args.output.as_deref(), args.manifest.as_deref(), name);
    if place.is_terminal() && !export.options.is("compress", "none") {
        let label = export.format.label();
        let detail = format!("{label} is no text for a terminal; name a file with -o, or pipe it");
        return Err(Failure::wrong(detail));
    }
    // Before there is anything that would have to be taken away.
    signal.heed();
    let mut artifact = place.open()?;
    if !cli.json {
        eprintln!("tidegate: not governed: no control database, so nothing of this is recorded");
    }
    let watch = Watch::new(signal, cli.json);
    let plan = export.plan();
    let outcome = tidegate_pipeline::run(&plan, &mut *artifact, &watch);
    watch.end();
    let outcome = outcome?;
    let completion = Completion {
        name: place.name(),
        subject: export.request.subject().slug.clone(),
        kind: export.request.subject().kind.clone(),
        scope: export.scope.clone(),
        source: export.connected.settings.name.clone(),
        started_at,
        completed_at: wire::now(),
        governance: None,
    };
    let manifest = manifest(&plan, &outcome, completion);
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain JSON");
    place.publish(artifact, &text)?;
    report(&place, &manifest, &watch, cli.json);
    Ok(())
}

/// An export whose request was found good.
struct Export {
    connected: Connected,
    request: CheckedRequest,
    query: Query,
    scope: serde_json::Value,
    format: &'static dyn Format,
    options: Options,
    readers: usize,
}

impl Export {
    fn prepare(args: &ExportArgs, cli: &Cli, now: DateTime<Utc>) -> Result<Self, Failure> {
        let subject = args.subject.as_deref().unwrap_or(TABLE);
        let sent = request::of(subject, &args.request, More::default())?;
        let (connected, declaration) = declared(args, cli)?;
        let format = tidegate_format::by_slug(&args.request.format).ok_or_else(|| {
            Failure::wrong(format!("there is no format `{}`", args.request.format))
        })?;
        let bound = bind(&connected, &declaration)?;
        let (request, options) = check(&sent, &bound, format)?;
        let (query, scope) = request.query(now);
        let readers = args.readers.map_or(connected.settings.readers, usize::from);
        Ok(Self { connected, request, query, scope, format, options, readers })
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            source: &*self.connected.source,
            query: self.query.clone(),
            format: self.format,
            options: self.options.clone(),
            time_zone: self.request.time_zone(),
            title: self.request.subject().slug.clone(),
            application: APPLICATION.to_owned(),
            readers: self.readers,
            snapshot_age_max: self.connected.settings.snapshot_age_max(),
            mask_key: None,
            limits: Limits::default(),
            span: tracing::info_span!(target: TRACE_TARGET, "export"),
        }
    }
}

/// Source and declaration: of the configuration, or made up for a bare table.
fn declared(args: &ExportArgs, cli: &Cli) -> Result<(Connected, SubjectDeclaration), Failure> {
    if let (Some(url), Some(table)) = (&args.source, &args.table) {
        let settings = tidegate_source::SourceSettings::new(AD_HOC, wire::url(url)?);
        let declaration = SubjectDeclaration::of_table(AD_HOC, table);
        return Ok((Connected::new(settings)?, declaration));
    }
    let site = Site::load(&cli.config, &wire::environment())?;
    let slug = args.subject.as_deref().unwrap_or_default();
    let declaration = declaration::find(&site.subjects, slug)
        .map_err(|fault| Failure::wrong(fault.detail))?
        .clone();
    Ok((Connected::of(&site, &declaration)?, declaration))
}

fn bind(connected: &Connected, declaration: &SubjectDeclaration) -> Result<BoundSubject, Failure> {
    let at = Pointer::ROOT.member("subject");
    bind_subject(&*connected.source, declaration, &at).map_err(|error| match error {
        BindError::Source(error) => error.into(),
        BindError::Faults(Faults(faults)) => {
            Failure::faults(format!("subject `{}` is wrong:", declaration.slug), faults)
        }
    })
}

/// Checks request and options together, so that all faults are told at once.
fn check(
    sent: &ExportRequest,
    bound: &BoundSubject,
    format: &'static dyn Format,
) -> Result<(CheckedRequest, Options), Failure> {
    let mut faults: Vec<Fault> = Vec::new();
    let request = match bound.of_kind(sent.kind.as_deref()) {
        Ok(subject) => sent.check(subject).map_err(|Faults(found)| faults.extend(found)).ok(),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let options = Options::check(format.options(), &sent.options)
        .map_err(|found| faults.extend(found.into_iter().map(request::option_fault)))
        .ok();
    match (request, options) {
        (Some(request), Some(options)) => Ok((request, options)),
        _ => Err(Failure::faults("the request is wrong:", faults)),
    }
}

/// `{subject}[-{kind}]-{time}.{extension}`, in the current folder.
fn default_name(export: &Export, now: DateTime<Utc>) -> String {
    let subject = export.request.subject();
    let kind = subject.kind.as_ref().map(|kind| format!("-{kind}")).unwrap_or_default();
    let time = now.format("%Y%m%dT%H%M%SZ");
    format!("{}{kind}-{time}.{}", subject.slug, export.format.file_extension(&export.options))
}

/// Says what was done: on stderr for people, as the manifest on stdout for scripts.
fn report(place: &Place, manifest: &Manifest, watch: &Watch, is_json: bool) {
    if is_json {
        let text = serde_json::json!({ "path": place.path, "manifest": manifest });
        match place.path {
            Some(_) => println!("{text}"),
            None => eprintln!("{text}"),
        }
        return;
    }
    for warning in &manifest.warnings {
        eprintln!("tidegate: warning: {warning}");
    }
    let name = place.path.as_deref().map_or("standard output".into(), |p| p.display().to_string());
    eprintln!(
        "{name}: {} rows, {}, {:.1} s, sha256 {}",
        HumanCount(manifest.rows),
        HumanBytes(manifest.artifact.bytes),
        watch.elapsed().as_secs_f64(),
        manifest.artifact.sha256,
    );
    if manifest.rows == 0 {
        eprintln!("tidegate: no record matches; the file holds no row");
    }
}
