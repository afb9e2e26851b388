//! Opens the control plane that the configuration names, and says in whose name things are done.

use std::{path::Path, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tidegate_model::actor::{Caller, Via};
use tidegate_service::{
    Keys, Service, ServiceError, Site as Subjects, SweepSettings, UpkeepSettings, WorkerSettings,
    artifacts::{ArtifactError, Artifacts, Retry},
    audit::{Anchor, ArchivePlace, Sink},
    upkeep::{checkpoint::Checkpoints, stream::Stream},
};
use tidegate_store::{Clock, Store};
use tokio::runtime::Runtime;

use crate::{
    cli::Cli,
    config::{ControlSettings, Site},
    failure::Failure,
    wire::{self, Connected},
};

/// Variable with a token, which goes before a name.
const TOKEN: &str = "TIDEGATE_TOKEN";

/// The control plane of a site.
pub struct Control {
    /// What it is configured with.
    pub settings: ControlSettings,
    /// Use cases.
    pub service: Arc<Service>,
    /// Files.
    pub artifacts: Arc<Artifacts>,
}

impl Control {
    /// Opens the control plane of the configuration.
    ///
    /// # Errors
    ///
    /// If there is none, or a part of it cannot be used.
    pub async fn open(cli: &Cli) -> Result<Self, Failure> {
        Self::with_patience(cli, Retry::default(), &Clock::default()).await
    }

    /// Opens it to go by a clock.
    ///
    /// # Errors
    ///
    /// If there is none, or a part of it cannot be used.
    pub async fn open_by(cli: &Cli, clock: &Clock) -> Result<Self, Failure> {
        Self::with_patience(cli, Retry::default(), clock).await
    }

    /// Opens it for somebody who waits for the answer: a bucket that is away is told soon.
    ///
    /// # Errors
    ///
    /// If there is none, or a part of it cannot be used.
    pub async fn open_to_check(cli: &Cli) -> Result<Self, Failure> {
        Self::with_patience(cli, Retry::BRIEF, &Clock::default()).await
    }

    async fn with_patience(cli: &Cli, retry: Retry, clock: &Clock) -> Result<Self, Failure> {
        let site = Site::load(&cli.config, &wire::environment())?;
        let mut settings = settings_of(&site)?;
        settings.bucket.retry = retry;
        let store = Store::open_by(settings.url.expose_secret(), clock).await?;
        let keys = Keys::open(&settings.keys_folder)?;
        let folder = site.path.parent().map(Path::to_path_buf).unwrap_or_default();
        let artifacts = Artifacts::open(&settings.artifacts_url, &folder, &settings.bucket)?;
        let service = Arc::new(Service::new(store, subjects_of(site), keys));
        let first = (settings.first_rules.as_ref(), settings.first_budgets.as_ref());
        service.set_up_rules(&settings.roles, first).await?;
        service.set_up(&settings.roles, settings.first_settings.as_ref()).await?;
        Ok(Self { settings, service, artifacts: Arc::new(artifacts) })
    }

    /// Sees to it that the artifact store is this control database's before anything is built. One
    /// that cannot be asked just now is asked again by upkeep.
    ///
    /// # Errors
    ///
    /// If it is another one.
    pub async fn claim_store(&self) -> Result<(), Failure> {
        match self.service.claim_store(&self.artifacts).await {
            Err(ServiceError::Artifact(
                error @ (ArtifactError::Unavailable { .. } | ArtifactError::Full { .. }),
            )) => {
                tracing::warn!(%error, "the artifact store cannot be asked whose it is");
                Ok(())
            }
            claimed => Ok(claimed?),
        }
    }

    /// How its workers work.
    pub fn worker_settings(&self) -> WorkerSettings {
        let lease = Duration::from_secs(self.settings.lease_seconds);
        WorkerSettings {
            host: self.settings.host.clone().unwrap_or_else(wire::host),
            state_folder: self.settings.state_folder.clone(),
            lease,
            heartbeat: lease / WorkerSettings::HEARTBEATS_PER_LEASE,
            control_url: self.settings.url.expose_secret().to_owned(),
        }
    }

    /// How its upkeep is done.
    ///
    /// # Errors
    ///
    /// If the access to the archives is not configured.
    pub fn upkeep_settings(&self) -> Result<UpkeepSettings, Failure> {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        Ok(UpkeepSettings {
            worker: self.worker_settings(),
            sweep_pause: Duration::from_secs(self.settings.sweep_seconds),
            sweep: SweepSettings {
                grace_micros: seconds(self.settings.sweep_grace_seconds).saturating_mul(1_000_000),
                ..SweepSettings::default()
            },
            archive: self.archive()?,
        })
    }

    /// Where the activity log's archives are.
    ///
    /// # Errors
    ///
    /// If the access to a bucket is not configured.
    pub fn archive(&self) -> Result<ArchivePlace, Failure> {
        archive_of(&self.settings)
    }

    /// The anchors of the activity log.
    ///
    /// # Errors
    ///
    /// If the access to one is not configured.
    pub fn anchors(&self) -> Result<Vec<Anchor>, Failure> {
        let opened = self.settings.audit.anchors.iter().map(Anchor::open);
        opened.collect::<Result<_, _>>().map_err(|error| Failure::failed("audit", &error))
    }

    /// What signs the activity log, and what streams it out.
    ///
    /// # Errors
    ///
    /// If the access to an anchor is not configured.
    pub fn watchers(&self) -> Result<(Checkpoints, Stream), Failure> {
        let host = self.worker_settings().host;
        let sinks = self.settings.audit.stream.iter().map(|sink| Sink::new(sink, &host)).collect();
        let holder = format!("{host}-{}", std::process::id());
        let checkpoints = Checkpoints::new(self.anchors()?).at_pace(self.settings.audit.pace());
        Ok((checkpoints, Stream::new(holder, sinks)))
    }

    /// In whose name the command is run: a token's, or that of an operator who is named. Whoever
    /// can read the configuration and the control database of this host may name one.
    ///
    /// # Errors
    ///
    /// If nobody is named, or nobody is known by that name.
    pub async fn caller(&self, cli: &Cli) -> Result<Caller, Failure> {
        if let Some(token) = wire::environment().get(TOKEN) {
            return Ok(self.service.token_caller(token, Via::Cli).await?);
        }
        let Some(email) = &cli.operator else {
            return Err(Failure::wrong(format!(
                "in whose name? Give --as EMAIL, or set TIDEGATE_OPERATOR or {TOKEN}"
            )));
        };
        Ok(self.service.operator_caller(email, Via::Cli).await?)
    }
}

impl Control {
    /// Reads configuration, secrets and keys again. What does not check leaves everything as it is.
    ///
    /// # Errors
    ///
    /// If the configuration or a key is wrong.
    pub fn reload(&self, cli: &Cli) -> Result<(), Failure> {
        let site = Site::load(&cli.config, &wire::environment())?;
        for source in site.sources.values() {
            Connected::new(source.clone())?;
        }
        self.service.read_keys_again()?;
        self.service.take_site(subjects_of(site));
        Ok(())
    }
}

/// Where the archives of a configured activity log are.
///
/// # Errors
///
/// If the access to a bucket is not configured.
pub fn archive_of(settings: &ControlSettings) -> Result<ArchivePlace, Failure> {
    ArchivePlace::open(&settings.audit.archive).map_err(|error| Failure::failed("audit", &error))
}

/// The token of whoever runs the command, if there is one.
pub fn token() -> Option<String> {
    wire::environment().remove(TOKEN)
}

/// What the control plane of the configuration is configured with.
///
/// # Errors
///
/// If there is none.
pub fn settings(cli: &Cli) -> Result<ControlSettings, Failure> {
    settings_of(&Site::load(&cli.config, &wire::environment())?)
}

fn settings_of(site: &Site) -> Result<ControlSettings, Failure> {
    site.control.clone().ok_or_else(|| {
        Failure::wrong(format!(
            "`{}` has no control database; add\n\n    [control]\n    url = \"sqlite:tidegate.db\"",
            site.path.display()
        ))
    })
}

fn subjects_of(site: Site) -> Subjects {
    let Site { sources, subjects, actions, exports_max, pinned, notify, .. } = site;
    Subjects { sources, subjects, actions, exports_max, pinned, notify }
}

/// Runs a command of the control plane.
///
/// # Errors
///
/// If the command fails.
pub fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Runtime::new().map_err(|error| Failure::failed("internal", &error))?;
    runtime.block_on(work)
}
