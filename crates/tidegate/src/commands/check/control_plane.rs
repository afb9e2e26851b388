//! Proves every part of the control plane end to end: state, clock, keys, files, anchors.

use std::{error::Error, fmt, time::Duration};

use serde::Serialize;

use super::{masks, notify, public_url};
use crate::{
    cli::Cli,
    control::{self, Control},
    failure::{Failure, with_causes},
    wire,
};

/// How far the clocks of host and database may be apart: times people read are the host's.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(30);

/// A part of the control plane, and what is wrong with it.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) said: String,
    pub(super) fault: Option<String>,
    /// What does not keep anything from working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<String>,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, said, fault, warning } = self;
        match (fault, warning) {
            (None, None) => write!(f, "{name}: good, {said}"),
            (None, Some(warning)) => write!(f, "{name}: warning, {warning}"),
            (Some(fault), _) => write!(f, "{name}: FAULT, {fault}"),
        }
    }
}

impl Part {
    pub(super) fn new<E: Error>(name: impl Into<String>, found: Result<String, E>) -> Self {
        let name = name.into();
        match found {
            Ok(said) => Self { name, said, fault: None, warning: None },
            Err(error) => {
                let fault = Some(with_causes(&error));
                Self { name, said: String::new(), fault, warning: None }
            }
        }
    }
}

/// Looks at every part. Opening it proves the control database and the keys.
pub(super) fn find(cli: &Cli) -> Result<Vec<Part>, Failure> {
    control::run(async {
        let control = Control::open_to_check(cli).await?;
        let store = control.service.store();
        let kind = format!("{:?}", store.kind()).to_lowercase();
        let mut parts = vec![
            Part::new("control database", Ok::<_, fmt::Error>(kind)),
            clock(&control).await,
            Part::new(
                "keys",
                Ok::<_, fmt::Error>(format!("current {}", control.service.keys().current())),
            ),
            Part::new(
                "artifact store",
                control
                    .artifacts
                    .check()
                    .await
                    .map(|()| "written, read, read in part, listed, deleted".to_owned()),
            ),
            Part::new(
                "artifacts",
                control
                    .service
                    .check_store(&control.artifacts)
                    .await
                    .map(|()| "those of this control database".to_owned()),
            ),
            quarantine(&control).await,
            masks::find(&control).await,
        ];
        if let Some(url) = &control.settings.server.public_url {
            parts.push(public_url::ask(url).await);
        }
        for anchor in control.anchors()? {
            let name = format!("anchor {}", anchor.name());
            let written = anchor.check().await;
            parts.push(Part::new(name, written.map(|()| "can be written to".to_owned())));
        }
        if store.settings().await?.activity_retention_days.is_some() {
            let place = control.archive()?;
            let written = place.check().await.map(|()| "written, read".to_owned());
            parts.push(Part::new(format!("archives {}", place.name()), written));
        }
        parts.extend(notify::find(&control).await?);
        Ok(parts)
    })
}

/// Files that wait for somebody are a fault: nothing else ends them.
async fn quarantine(control: &Control) -> Part {
    const NAME: &str = "quarantine";
    match control.service.store().count_quarantined().await {
        Err(error) => Part::new(NAME, Err(error)),
        Ok(files) => {
            let said = format!("{files} files that nobody knows");
            let fault =
                (files > 0).then(|| format!("{said}; see `tidegate artifacts quarantine list`"));
            Part { name: NAME.to_owned(), said, fault, warning: None }
        }
    }
}

async fn clock(control: &Control) -> Part {
    const NAME: &str = "clock";
    match control.service.store().now().await {
        Err(error) => Part::new(NAME, Err(error)),
        Ok(database) => {
            let apart = wire::now().timestamp_micros().abs_diff(database);
            let apart = Duration::from_micros(apart);
            let said = format!("{:.1} s from the database's", apart.as_secs_f64());
            let fault =
                (apart > CLOCKS_APART_MAX).then(|| format!("it is {said}: set one of them right"));
            Part { name: NAME.to_owned(), said, fault, warning: None }
        }
    }
}
