//! Builds what the commands work with, from configuration and arguments.

use std::{collections::BTreeMap, io::Read};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tidegate_model::declaration::SubjectDeclaration;
use tidegate_source::{Source, SourceSettings};

use crate::{config::Site, failure::Failure};

/// Name of a source that stands in no configuration.
pub const AD_HOC: &str = "source";

/// The time; the one place that asks the system.
#[expect(clippy::disallowed_methods, reason = "the program's one clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Names this host: its name, as the system knows it.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The variables of the process.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// A URL from the command line; `-` takes it from standard input, where no other user sees it.
///
/// # Errors
///
/// If standard input cannot be read or is empty.
pub fn url(argument: &str) -> Result<SecretString, Failure> {
    if argument != "-" {
        return Ok(argument.into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|cause| {
        Failure::wrong(format!("cannot read the URL from standard input: {cause}"))
    })?;
    match text.trim() {
        "" => Err(Failure::wrong("standard input holds no URL")),
        url => Ok(url.into()),
    }
}

/// A source that is ready to be asked.
pub struct Connected {
    /// How it is reached.
    pub settings: SourceSettings,
    /// The source.
    pub source: Box<dyn Source>,
}

impl Connected {
    /// Makes a source.
    ///
    /// # Errors
    ///
    /// If the URL is wrong.
    pub fn new(settings: SourceSettings) -> Result<Self, Failure> {
        let source = tidegate_source::connect(settings.clone())?;
        Ok(Self { settings, source })
    }

    /// The source of a subject.
    ///
    /// # Errors
    ///
    /// If its URL is wrong.
    pub fn of(site: &Site, subject: &SubjectDeclaration) -> Result<Self, Failure> {
        let settings = site
            .sources
            .get(&subject.source)
            .ok_or_else(|| Failure::wrong(format!("there is no source `{}`", subject.source)))?;
        Self::new(settings.clone())
    }
}
