//! `tidegate jobs`: makes, lists, follows and ends exports, in the name of an operator.

mod remote;

use std::{io::Write, time::Duration};

use chrono::{DateTime, SecondsFormat};
use indicatif::{HumanBytes, HumanCount};
use tidegate_model::{actor::Caller, ids::JobId, job::Job, status::Status};
use tidegate_pipeline::RunError;
use tidegate_service::{Created, Creator, EndReason, ListRequest, Matching};

use crate::{
    cli::{Cli, CreateArgs, DownloadArgs, JobsCommand, LinkArgs, ListArgs, WatchArgs},
    commands::{
        place::Place,
        request::{self, More},
    },
    control::{self, Control},
    failure::Failure,
};

use self::remote::Remote;

/// Time between two looks at a job that is watched.
const WATCH_PAUSE: Duration = Duration::from_millis(250);

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &JobsCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        if let JobsCommand::Watch(WatchArgs { id, server: Some(server) }) = command {
            let token = control::token()
                .ok_or_else(|| Failure::wrong("a server wants a token: set TIDEGATE_TOKEN"))?;
            let remote = Remote { server, token: &token, id: *id, is_json: cli.json };
            return remote.watch().await;
        }
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let jobs = Jobs { control, caller, is_json: cli.json };
        match command {
            JobsCommand::Create(args) => jobs.create(args).await,
            JobsCommand::List(args) => jobs.list(args).await,
            JobsCommand::Show(args) => jobs.show(JobId(args.id)).await,
            JobsCommand::Watch(args) => jobs.watch(JobId(args.id)).await,
            JobsCommand::Cancel(args) => jobs.cancel(JobId(args.id)).await,
            JobsCommand::Rerun(args) => jobs.rerun(JobId(args.id)).await,
            JobsCommand::Download(args) => jobs.download(args).await,
            JobsCommand::Link(args) => jobs.link(args).await,
            JobsCommand::Delete(args) => jobs.delete(JobId(args.id)).await,
        }
    })
}

struct Jobs {
    control: Control,
    caller: Caller,
    is_json: bool,
}

impl Jobs {
    async fn create(&self, args: &CreateArgs) -> Result<(), Failure> {
        let more = More {
            except_ids: args.except_ids.clone(),
            notify: args.notify.clone(),
            reason: args.reason.clone(),
        };
        let sent = request::of(&args.subject, &args.request, more)?;
        let key = args.idempotency_key.as_deref();
        let created = self.control.service.create_export(&self.caller, &sent, key).await?;
        self.made(created);
        Ok(())
    }

    async fn rerun(&self, id: JobId) -> Result<(), Failure> {
        let created = self.control.service.rerun_export(&self.caller, id, None).await?;
        self.made(created);
        Ok(())
    }

    fn made(&self, created: Created) {
        match self.is_json {
            true => {
                println!("{}", serde_json::json!({ "id": created.job, "is_new": created.is_new }))
            }
            false => println!("{}", created.job),
        }
    }

    async fn list(&self, args: &ListArgs) -> Result<(), Failure> {
        let request = ListRequest {
            text: args.q.clone(),
            subject: args.subject.clone(),
            created_by: args.created_by.clone().map(Creator::Email),
            statuses: args.status.clone(),
            sort: args.sort,
            behind: args.behind.clone(),
            created: Vec::new(),
            has_pii: None,
            limit: args.limit,
            counts_states: false,
        };
        let page = self.control.service.exports(&self.caller, &request).await?;
        if self.is_json {
            let shown = serde_json::json!({
                "exports": page.jobs, "next": page.next, "matching": page.matching,
            });
            println!("{shown}");
            return Ok(());
        }
        println!(
            "{:>6}  {:<10} {:>4}  {:<20} {:<8} {:>12} {:>12}  created",
            "id", "status", "%", "subject", "format", "rows", "bytes"
        );
        for job in &page.jobs {
            println!(
                "{:>6}  {:<10} {:>4}  {:<20} {:<8} {:>12} {:>12}  {}",
                job.id,
                if waits(job).is_some() { "waits" } else { job.status.slug() },
                job.progress,
                job.subject,
                job.format,
                HumanCount(job.rows_done.unsigned_abs()).to_string(),
                job.size_bytes.map(bytes).unwrap_or_default(),
                time(job.created_at),
            );
        }
        let Matching { count, is_exact } = page.matching;
        let more = page.next.map(|next| format!("; more: --behind {next}")).unwrap_or_default();
        let or_more = if is_exact { "" } else { " or more" };
        eprintln!("tidegate: {}{or_more} matching{more}", HumanCount(count));
        Ok(())
    }

    async fn show(&self, id: JobId) -> Result<(), Failure> {
        let job = self.control.service.export(&self.caller, id).await?;
        let attempts = self.control.service.export_attempts(&self.caller, id).await?;
        if self.is_json {
            println!("{}", serde_json::json!({ "export": job, "attempts": attempts }));
            return Ok(());
        }
        describe(&job);
        for attempt in attempts {
            let outcome = attempt.outcome.as_deref().unwrap_or("under way");
            println!(
                "attempt {}  {} on {}: {outcome}",
                attempt.attempt, attempt.worker, attempt.host
            );
        }
        Ok(())
    }

    async fn watch(&self, id: JobId) -> Result<(), Failure> {
        let mut last = None;
        loop {
            let job = self.control.service.export(&self.caller, id).await?;
            let seen = (job.status, job.attempt, job.progress, job.rows_done, waits(&job));
            if last.replace(seen) != Some(seen) {
                self.step(&job);
            }
            match job.status {
                Status::Pending | Status::Building => tokio::time::sleep(WATCH_PAUSE).await,
                Status::Ready => return Ok(()),
                Status::Failed | Status::Cancelled | Status::Expired | Status::Deleted => {
                    return Err(Failure::ended(&job));
                }
            }
        }
    }

    fn step(&self, job: &Job) {
        if self.is_json {
            println!("{}", serde_json::json!({ "export": job }));
            return;
        }
        if let Some(why) = waits(job) {
            println!("{}: waits {why}", job.status);
            return;
        }
        println!(
            "{} {}%  {} rows  attempt {} of {}",
            job.status,
            job.progress,
            HumanCount(job.rows_done.unsigned_abs()),
            job.attempt,
            job.attempts_max
        );
    }

    async fn cancel(&self, id: JobId) -> Result<(), Failure> {
        Ok(self.control.service.cancel_export(&self.caller, id).await?)
    }

    async fn download(&self, args: &DownloadArgs) -> Result<(), Failure> {
        let id = JobId(args.id);
        let job = self.control.service.export(&self.caller, id).await?;
        let name = || job.file_name.clone().unwrap_or_default();
        let place = Place::of(args.output.as_deref(), None, name);
        receive(&self.control, &self.caller, id, &place, self.is_json).await
    }

    async fn link(&self, args: &LinkArgs) -> Result<(), Failure> {
        let Some(public_url) = &self.control.settings.server.public_url else {
            let detail = "a link begins with the address of the service: set `public_url` under \
                          [server]";
            return Err(Failure::wrong(detail));
        };
        let (service, id) = (&self.control.service, JobId(args.id));
        let made = match (args.locator, args.bearer) {
            (true, _) => service.make_locator(&self.caller, id).await?,
            (false, true) => service.make_bearer_link(&self.caller, id, args.hours).await?,
            (false, false) => service.make_link(&self.caller, id).await?,
        };
        let url = made.link.url(public_url);
        if self.is_json {
            let expires_at = time(made.expires_at);
            let shown =
                serde_json::json!({ "url": url, "expires_at": expires_at, "sha256": made.sha256 });
            println!("{shown}");
            return Ok(());
        }
        println!("{url}");
        eprintln!("tidegate: good until {}", time(made.expires_at));
        Ok(())
    }

    async fn delete(&self, id: JobId) -> Result<(), Failure> {
        Ok(self.control.service.delete_artifact(&self.caller, id).await?)
    }
}

/// Receives the file of a job through the same door as everybody, with its manifest.
pub(super) async fn receive(
    control: &Control,
    caller: &Caller,
    id: JobId,
    place: &Place,
    is_json: bool,
) -> Result<(), Failure> {
    let service = &control.service;
    let made = service.make_link(caller, id).await?;
    let manifest = service.export_manifest(&control.artifacts, caller, id).await?;
    let artifacts = &control.artifacts;
    // Before the download is noted: what begins must be able to end.
    let mut artifact = place.open()?;
    let mut sending = service.redeem(artifacts, caller, made.link.token(), None).await?;
    let sent = async {
        while let Some(piece) = sending.next().await? {
            artifact.write_all(&piece).map_err(|cause| {
                let name = place.name();
                Failure::from(RunError::Artifact { name, cause })
            })?;
        }
        Ok::<_, Failure>(())
    };
    let sent = sent.await;
    let (bytes, sha256) = (sending.bytes, sending.sha256.clone());
    sending.finish(EndReason::Failed).await?;
    sent?;
    place.publish(artifact, &manifest)?;
    match (is_json, &place.path) {
        (true, Some(path)) => {
            let shown =
                serde_json::json!({ "id": id, "path": path, "bytes": bytes, "sha256": sha256 });
            println!("{shown}");
        }
        (false, Some(path)) => {
            let size = HumanBytes(bytes);
            eprintln!("{}: export {id}, {size}, sha256 {sha256}", path.display());
        }
        (_, None) => {}
    }
    Ok(())
}

/// For what it waits beside a worker.
fn waits(job: &Job) -> Option<&'static str> {
    let is_held = job.status == Status::Pending && job.hold.is_some();
    is_held.then_some("for a second person to approve it")
}

fn describe(job: &Job) {
    println!("export {}  {} {}%", job.id, job.status, job.progress);
    if let Some(why) = waits(job) {
        println!("waits      {why}");
    }
    println!("subject    {}", job.subject);
    println!("format     {}", job.format);
    println!("rows       {}", HumanCount(job.rows_done.unsigned_abs()));
    println!("created    {}", time(job.created_at));
    if let Some(size) = job.size_bytes {
        println!("size       {}", bytes(size));
    }
    if let Some(sha256) = &job.sha256 {
        println!("sha256     {sha256}");
    }
    if let Some(expires_at) = job.expires_at {
        println!("expires    {}", time(expires_at));
    }
    if let Some(failure) = &job.error {
        println!("failed     {}: {}", failure.reason.slug(), failure.detail);
    }
    if let Some(fault) = &job.fault {
        println!("damaged    {fault}");
    }
}

fn bytes(size: i64) -> String {
    HumanBytes(size.unsigned_abs()).to_string()
}

/// A moment as people read it.
pub(super) fn time(micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
