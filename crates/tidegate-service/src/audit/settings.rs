//! Where the configuration says that checkpoints and entries go: `[audit] anchors` and `stream`.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::Deserialize;

use crate::upkeep::checkpoint::CheckpointPace;

/// Where a syslog of this host listens.
const LOCAL_SYSLOG: &str = "/dev/log";

/// Folder of the archives unless the configuration says otherwise.
const ARCHIVE: &str = "audit/archive";

/// The section `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Places outside the database that keep the signed checkpoints.
    pub anchors: Vec<AnchorSettings>,
    /// Where entries go as they happen.
    pub stream: Vec<SinkSettings>,
    /// Where entries go that the log does not keep any longer: a folder, or a bucket.
    pub archive: AnchorSettings,
    /// Seconds that an entry waits for a checkpoint at most.
    pub checkpoint_seconds: u32,
    /// Seconds between two checkpoints at most while nothing happens; the pause grows up to that.
    pub idle_checkpoint_seconds_max: u32,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            anchors: Vec::new(),
            stream: Vec::new(),
            archive: AnchorSettings::File(PathBuf::from(ARCHIVE)),
            checkpoint_seconds: 60,
            idle_checkpoint_seconds_max: 600,
        }
    }
}

impl AuditSettings {
    /// How often checkpoints are signed.
    pub fn pace(&self) -> CheckpointPace {
        let micros = |seconds: u32| u64::from(seconds.max(1)) * 1_000_000;
        let period_micros = micros(self.checkpoint_seconds);
        let idle_micros_max = micros(self.idle_checkpoint_seconds_max).max(period_micros);
        CheckpointPace { period_micros, idle_micros_max }
    }
}

/// A place outside the database that keeps the signed checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AnchorSettings {
    /// `file:PATH`: a file that lines are appended to.
    File(PathBuf),
    /// `s3://BUCKET/PREFIX`: one object a checkpoint.
    S3 {
        /// Name of the bucket.
        bucket: String,
        /// What the keys begin with.
        prefix: String,
    },
}

/// Where entries go as they happen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SinkSettings {
    /// `file:PATH`: a file that lines are appended to.
    File(PathBuf),
    /// `stdout`.
    Stdout,
    /// `syslog:`, and where it listens.
    Syslog(SyslogAddress),
}

/// Where a syslog listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// `syslog:` or `syslog:PATH`: a datagram socket of this host.
    Local(PathBuf),
    /// `syslog:udp://HOST:PORT`.
    Udp(String),
    /// `syslog:tcp://HOST:PORT`, with octet counting.
    Tcp(String),
}

/// A setting that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{scheme}` is none of {expected}")]
pub struct SettingsError {
    /// What it begins with: the rest may hold a password.
    scheme: String,
    expected: &'static str,
}

impl FromStr for AnchorSettings {
    type Err = SettingsError;

    fn from_str(setting: &str) -> Result<Self, SettingsError> {
        if let Some(path) = file_path(setting) {
            return Ok(Self::File(path));
        }
        let object =
            setting.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        match object {
            // What stands before an `@` is a key, which has its place elsewhere; a bucket is told.
            Some((bucket, prefix)) if !bucket.is_empty() && !bucket.contains('@') => Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_end_matches('/').to_owned(),
            }),
            _ => Err(SettingsError {
                scheme: scheme_of(setting),
                expected: "`file:PATH`, `s3://BUCKET/PREFIX`",
            }),
        }
    }
}

impl FromStr for SinkSettings {
    type Err = SettingsError;

    fn from_str(setting: &str) -> Result<Self, SettingsError> {
        if setting == "stdout" {
            return Ok(Self::Stdout);
        }
        if let Some(path) = file_path(setting) {
            return Ok(Self::File(path));
        }
        let address = setting.strip_prefix("syslog:").and_then(|rest| {
            let remote = |address: &str| Some(address.to_owned()).filter(|it| it.contains(':'));
            match rest.split_once("://") {
                Some(("udp", address)) => remote(address).map(SyslogAddress::Udp),
                Some(("tcp", address)) => remote(address).map(SyslogAddress::Tcp),
                Some(_) => None,
                None if rest.is_empty() => Some(SyslogAddress::Local(LOCAL_SYSLOG.into())),
                None => Some(SyslogAddress::Local(rest.into())),
            }
        });
        address.map(Self::Syslog).ok_or_else(|| SettingsError {
            scheme: scheme_of(setting),
            expected: "`file:PATH`, `stdout`, `syslog:`, `syslog:PATH`, `syslog:udp://HOST:PORT`, \
                       `syslog:tcp://HOST:PORT`",
        })
    }
}

fn scheme_of(setting: &str) -> String {
    setting.split_once(':').map_or_else(|| "…".to_owned(), |(scheme, _)| format!("{scheme}:…"))
}

fn file_path(setting: &str) -> Option<PathBuf> {
    let rest = setting.strip_prefix("file:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    (!path.is_empty()).then(|| path.into())
}

impl TryFrom<String> for AnchorSettings {
    type Error = SettingsError;

    fn try_from(setting: String) -> Result<Self, SettingsError> {
        setting.parse()
    }
}

impl TryFrom<String> for SinkSettings {
    type Error = SettingsError;

    fn try_from(setting: String) -> Result<Self, SettingsError> {
        setting.parse()
    }
}

impl fmt::Display for AnchorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl fmt::Display for SinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Stdout => f.write_str("stdout"),
            Self::Syslog(SyslogAddress::Local(path)) => write!(f, "syslog:{}", path.display()),
            Self::Syslog(SyslogAddress::Udp(address)) => write!(f, "syslog:udp://{address}"),
            Self::Syslog(SyslogAddress::Tcp(address)) => write!(f, "syslog:tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_named_again() {
        for setting in ["file:audit/anchors.jsonl", "file:/var/anchors", "s3://bucket/audit/a"] {
            assert_eq!(setting.parse::<AnchorSettings>().unwrap().to_string(), setting);
        }
        for setting in [
            "file:activity.jsonl",
            "stdout",
            "syslog:/run/log",
            "syslog:udp://10.0.0.1:514",
            "syslog:tcp://[::1]:601",
        ] {
            assert_eq!(setting.parse::<SinkSettings>().unwrap().to_string(), setting);
        }
        for setting in ["s3://key:hush@bucket/audit", "https://key:hush@host/"] {
            let told = setting.parse::<AnchorSettings>().unwrap_err().to_string();
            assert!(!told.contains("hush"), "{told}");
        }
        let short = "syslog:".parse::<SinkSettings>().unwrap();
        assert_eq!(short, SinkSettings::Syslog(SyslogAddress::Local(LOCAL_SYSLOG.into())));
        let url = "file:///var/anchors".parse::<AnchorSettings>().unwrap();
        assert_eq!(url, AnchorSettings::File("/var/anchors".into()));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_what_can() {
        for setting in ["", "file:", "s3://", "audit.jsonl", "https://a/b"] {
            let refused = setting.parse::<AnchorSettings>().unwrap_err().to_string();
            assert!(refused.contains("s3://BUCKET"), "{refused}");
        }
        for setting in ["", "file:", "stderr", "syslog:tls://a:1", "syslog:udp://a", "syslog"] {
            let refused = setting.parse::<SinkSettings>().unwrap_err().to_string();
            assert!(refused.contains("stdout"), "{refused}");
        }
    }
}
