//! `tidegate export`: one export, straight from a source to a file.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

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
    Artifact, BindError, Completion, FileArtifact, Limits, Manifest, Plan, RunError,
    StreamArtifact, bind_subject, manifest,
};

use crate::{
    cli::{Cli, ExportArgs},
    commands::request::{self, More},
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
/// Name that stands for standard output.
const STDOUT: &str = "-";

/// Runs the command.
///
/// # Errors
///
/// If the request is wrong, or anything stands in the way of a whole file.
pub fn run(args: &ExportArgs, cli: &Cli) -> Result<(), Failure> {
    let signal = Signal::listen();
    let started_at = wire::now();
    let export = Export::prepare(args, cli, started_at)?;
    let place = Place::of(args, &export, started_at)?;
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
    place.publish(artifact, &manifest)?;
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
            limits: Limits::default(),
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

/// Where the file goes, and its manifest.
struct Place {
    /// The file; none is standard output.
    path: Option<PathBuf>,
    manifest: Option<PathBuf>,
}

impl Place {
    fn of(args: &ExportArgs, export: &Export, now: DateTime<Utc>) -> Result<Self, Failure> {
        if args.output.as_deref() == Some(STDOUT) {
            if io::stdout().is_terminal() && !export.options.is("compress", "none") {
                let detail = format!(
                    "{} is no text for a terminal; name a file with -o, or pipe it",
                    export.format.label()
                );
                return Err(Failure::wrong(detail));
            }
            return Ok(Self { path: None, manifest: args.manifest.clone() });
        }
        let path = match &args.output {
            Some(path) => PathBuf::from(path),
            None => PathBuf::from(default_name(export, now)),
        };
        let beside = (!is_device(&path)).then(|| beside(&path));
        Ok(Self { path: Some(path), manifest: args.manifest.clone().or(beside) })
    }

    fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or(STDOUT.into(), |name| name.to_string_lossy().into_owned())
    }

    fn open(&self) -> Result<Box<dyn Artifact>, Failure> {
        Ok(match &self.path {
            Some(path) if is_device(path) => {
                let name = path.display().to_string();
                match File::options().write(true).open(path) {
                    Ok(device) => Box::new(StreamArtifact::new(name, device)),
                    Err(cause) => return Err(RunError::Artifact { name, cause }.into()),
                }
            }
            Some(path) => Box::new(FileArtifact::create(path)?),
            None => Box::new(StreamArtifact::new("standard output", io::stdout())),
        })
    }

    /// Puts file and manifest under their names, the manifest first: a file without one is what
    /// nobody should find.
    fn publish(&self, artifact: Box<dyn Artifact>, manifest: &Manifest) -> Result<(), Failure> {
        let Some(path) = &self.manifest else { return Ok(artifact.publish()?) };
        let text = serde_json::to_string_pretty(manifest).expect("a manifest is plain JSON");
        let mut beside = Box::new(FileArtifact::create(path)?);
        writeln!(beside, "{text}").map_err(|cause| {
            let name = path.display().to_string();
            Failure::from(RunError::Artifact { name, cause })
        })?;
        beside.publish()?;
        artifact.publish().inspect_err(|_| {
            // The manifest describes a file that does not exist: take it back, as far as possible.
            let _ = std::fs::remove_file(path);
        })?;
        Ok(())
    }
}

/// `{subject}[-{kind}]-{time}.{extension}`, in the current folder.
fn default_name(export: &Export, now: DateTime<Utc>) -> String {
    let subject = export.request.subject();
    let kind = subject.kind.as_ref().map(|kind| format!("-{kind}")).unwrap_or_default();
    let time = now.format("%Y%m%dT%H%M%SZ");
    format!("{}{kind}-{time}.{}", subject.slug, export.format.file_extension(&export.options))
}

/// Whether something stands at `path` that is written to and never replaced: a device, a pipe.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".manifest.json");
    name.into()
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
