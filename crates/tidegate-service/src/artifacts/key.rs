//! Keys in the artifact store: generated from numbers and chance, so no name can reach outside.

use std::fmt;

use tidegate_model::{audit::hexadecimal, ids::JobId};

/// What is behind the key of a file in the name of its manifest.
pub(super) const MANIFEST_SUFFIX: &str = ".manifest.json";
/// Name of what says whose the store is.
pub(super) const IDENTITY_NAME: &str = "tidegate-store.json";
/// Bytes of chance in a key.
const NONCE_BYTES: usize = 16;

/// Key of one attempt's file: `{job}/{attempt}-{32 hexadecimal digits of chance}`. It is never
/// used twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    job: JobId,
    attempt: i64,
    nonce: [u8; NONCE_BYTES],
}

impl ObjectKey {
    /// A key that nothing has.
    pub fn new(job: JobId, attempt: i64) -> Self {
        Self { job, attempt, nonce: rand::random() }
    }

    /// Reads a key; only its one spelling is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (job, rest) = text.split_once('/')?;
        let (attempt, digits) = rest.split_once('-')?;
        if digits.len() != 2 * NONCE_BYTES || !digits.is_ascii() {
            return None;
        }
        let mut nonce = [0; NONCE_BYTES];
        for (at, octet) in nonce.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
        }
        let key = Self { job: JobId(job.parse().ok()?), attempt: attempt.parse().ok()?, nonce };
        let is_natural = key.job.0 >= 0 && key.attempt >= 0;
        (is_natural && key.to_string() == text).then_some(key)
    }

    /// The job whose file it is.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Key of a probe, which belongs to no job: jobs are counted from 1 on.
    pub(super) fn of_probe() -> Self {
        Self::new(JobId(0), 0)
    }

    /// Whether it is the key of a probe.
    pub fn is_probe(&self) -> bool {
        self.job == JobId(0)
    }

    /// Name of the folder that it is in.
    pub(super) fn folder(&self) -> String {
        self.job.to_string()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}", self.job, self.attempt, hexadecimal(&self.nonce))
    }
}

/// Name of something in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectName {
    /// A file.
    File(ObjectKey),
    /// The manifest of a file.
    Manifest(ObjectKey),
    /// The word that says whose the store is.
    Identity,
    /// Something that is not ours.
    Stranger(String),
}

impl ObjectName {
    /// Reads a name.
    pub(super) fn parse(text: &str) -> Self {
        if text == IDENTITY_NAME {
            return Self::Identity;
        }
        let manifest = text.strip_suffix(MANIFEST_SUFFIX).and_then(ObjectKey::parse);
        match (manifest, ObjectKey::parse(text)) {
            (Some(key), _) => Self::Manifest(key),
            (None, Some(key)) => Self::File(key),
            (None, None) => Self::Stranger(text.to_owned()),
        }
    }

    /// The key, if it is ours.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::File(key) | Self::Manifest(key) => Some(key),
            Self::Identity | Self::Stranger(_) => None,
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(key) => write!(f, "{key}"),
            Self::Manifest(key) => write!(f, "{key}{MANIFEST_SUFFIX}"),
            Self::Identity => f.write_str(IDENTITY_NAME),
            Self::Stranger(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_nothing_else_is_a_key() {
        let key = ObjectKey::new(JobId(42), 3);
        let text = key.to_string();
        assert!(text.starts_with("42/3-") && text.len() == 5 + 32, "{text}");
        assert_eq!(ObjectKey::parse(&text), Some(key.clone()));
        assert_eq!(ObjectName::parse(&text), ObjectName::File(key.clone()));
        let manifest = format!("{text}.manifest.json");
        assert_eq!(ObjectName::parse(&manifest), ObjectName::Manifest(key.clone()));
        assert_eq!(ObjectName::Manifest(key).to_string(), manifest);
        let nonce = &text[5..];
        for other in [
            "",
            "42",
            "42/",
            "42/3",
            "42/3-",
            &format!("42/3-{}", &nonce[1..]),
            &format!("042/3-{nonce}"),
            &format!("+42/3-{nonce}"),
            &format!("-42/3-{nonce}"),
            &format!("42/03-{nonce}"),
            &format!("42/-3-{nonce}"),
            &format!(" 42/3-{nonce}"),
            &format!("42/3-{nonce}\0"),
            &format!("42/3-{}", "+a".repeat(16)),
            &format!("42/3-{}", "F0".repeat(16)),
            &format!("../3-{nonce}"),
            &format!("42/../42/3-{nonce}"),
            &format!("42//3-{nonce}"),
            &format!("99999999999999999999/3-{nonce}"),
        ] {
            assert_eq!(ObjectKey::parse(other), None, "{other:?}");
            assert_eq!(ObjectName::parse(other), ObjectName::Stranger(other.to_owned()));
        }
    }

    #[test]
    fn whatever_is_a_key_stays_beneath_its_folder() {
        // Pieces that paths, URLs and shells make something of.
        const PIECES: [&str; 16] = [
            "..",
            ".",
            "/",
            "\\",
            "\0",
            "%2e",
            "%2F",
            "~",
            "-",
            "1",
            "42",
            "ä",
            "\u{202e}",
            " ",
            "abcdef0123456789",
            "C:",
        ];
        for round in 0..10_000_u32 {
            let words = (0..=round % 6).map(|_| PIECES[rand::random::<u8>() as usize % 16]);
            let text: String = words.collect();
            if let Some(key) = ObjectKey::parse(&text) {
                panic!("{text:?} is the key {key}");
            }
        }
    }
}
