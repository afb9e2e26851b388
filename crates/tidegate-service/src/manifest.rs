//! Signs manifests, and verifies them on any machine that has the public keys.
//!
//! A signed manifest is the manifest with one more member, on a line of its own:
//!
//! ```text
//! {"manifest":1,…,"completed_at":"2026-11-21T19:05:00.000000Z"
//! ,"signature":{"key":"0123456789abcdef","ed25519":"…"}}
//! ```
//!
//! What is signed is `tidegate/manifest/1`, a line feed, the first line without its line feed, and
//! `}`: the manifest as it was before. `docs/reference/manifest.md` shows how to verify it by hand.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidegate_model::audit::hexadecimal;
use tidegate_pipeline::Manifest;

use crate::keys::{KeyError, Keys, PublicKeys, Purpose};

/// What stands between the manifest and its signature.
const SEAM: &str = "\n,\"signature\":";
/// Bytes of a manifest at most.
const BYTES_MAX: u64 = 16 << 20;
/// Bytes that are read of a file at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A manifest is not what it says.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It is not a signed manifest, byte by byte as it was handed out.
    #[error("`{path}` is no signed manifest as Tidegate writes it: {detail}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// It is a manifest that nobody signed: of an export that did not pass the control plane.
    #[error("`{path}` is not signed: its export did not pass the control plane")]
    Unsigned {
        /// The file.
        path: PathBuf,
    },
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] KeyError),
    /// The file is not as long as the manifest says.
    #[error("`{path}` has {found} bytes, and its manifest says {expected}")]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The file is not the one that the manifest describes.
    #[error("`{path}` does not have the SHA-256 that its manifest says")]
    WrongHash {
        /// The file.
        path: PathBuf,
    },
}

/// Which key signed, and the signature in base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureEntry {
    key: String,
    ed25519: String,
}

/// What a manifest says that was verified, as far as programs need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedManifest {
    /// Whether the export passed the control plane.
    pub governed: bool,
    /// The job.
    pub job: Option<VerifiedJob>,
    /// The file.
    pub artifact: VerifiedArtifact,
    /// Slug of the subject.
    pub subject: String,
    /// Records in the file.
    pub rows: u64,
    /// When the file was whole, RFC 3339.
    pub completed_at: String,
    /// Which key signed.
    #[serde(default)]
    pub key: String,
}

/// The job of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedJob {
    /// Number.
    pub id: i64,
    /// Which attempt.
    pub attempt: i64,
}

/// The file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedArtifact {
    /// Its name when it was made.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Signs a manifest: the text to keep beside the file.
///
/// # Panics
///
/// Never: a manifest is an object of plain JSON.
pub fn sign_manifest(keys: &Keys, manifest: &Manifest) -> String {
    let text = serde_json::to_string(manifest).expect("a manifest is plain JSON");
    sign_text(keys, &text)
}

fn sign_text(keys: &Keys, text: &str) -> String {
    let (key, ed25519) = keys.sign(Purpose::Manifest, text);
    let signature = serde_json::to_string(&SignatureEntry { key, ed25519 });
    let signature = signature.expect("a signature is plain JSON");
    let open = text.strip_suffix('}').expect("a manifest is an object");
    format!("{open}{SEAM}{signature}}}\n")
}

/// Verifies a manifest, and the file that it describes, if that is at hand.
///
/// # Errors
///
/// With the first thing that is not as it should be.
pub fn verify_manifest(
    path: &Path,
    artifact: Option<&Path>,
    keys: &PublicKeys,
) -> Result<VerifiedManifest, ManifestError> {
    let unreadable = |cause| ManifestError::Unreadable { path: path.to_owned(), cause };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    let manifest = verify_text(path, &text, keys)?;
    if let Some(artifact) = artifact {
        verify_artifact(artifact, &manifest.artifact)?;
    }
    Ok(manifest)
}

/// Verifies the text of a manifest, as it stands beside its file.
///
/// # Errors
///
/// With the first thing that is not as it should be.
pub fn verify_manifest_text(
    text: &str,
    keys: &PublicKeys,
) -> Result<VerifiedManifest, ManifestError> {
    verify_text(Path::new("manifest"), text, keys)
}

fn verify_text(
    path: &Path,
    text: &str,
    keys: &PublicKeys,
) -> Result<VerifiedManifest, ManifestError> {
    let malformed = |detail: String| ManifestError::Malformed { path: path.to_owned(), detail };
    let Some((open, rest)) = text.split_once(SEAM) else {
        let is_manifest =
            serde_json::from_str::<VerifiedManifest>(text).is_ok_and(|manifest| !manifest.governed);
        return Err(match is_manifest {
            true => ManifestError::Unsigned { path: path.to_owned() },
            false => malformed("there is no line with a signature".to_owned()),
        });
    };
    let signature = rest.strip_suffix("}\n").or_else(|| rest.strip_suffix('}'));
    let signature = signature.ok_or_else(|| malformed("it ends too early".to_owned()))?;
    let signature: SignatureEntry =
        serde_json::from_str(signature).map_err(|error| malformed(error.to_string()))?;
    let manifest = format!("{open}}}");
    keys.verify(Purpose::Manifest, &manifest, &signature.key, &signature.ed25519)?;
    let mut manifest: VerifiedManifest =
        serde_json::from_str(&manifest).map_err(|error| malformed(error.to_string()))?;
    manifest.key = signature.key;
    Ok(manifest)
}

fn verify_artifact(path: &Path, expected: &VerifiedArtifact) -> Result<(), ManifestError> {
    let unreadable = |cause| ManifestError::Unreadable { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut sha256 = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut found = 0;
    loop {
        match file.read(&mut piece).map_err(unreadable)? {
            0 => break,
            read => {
                sha256.update(&piece[..read]);
                found += read as u64;
            }
        }
    }
    let (path, expected_bytes) = (path.to_owned(), expected.bytes);
    if found != expected_bytes {
        return Err(ManifestError::WrongSize { path, expected: expected_bytes, found });
    }
    match hexadecimal(&sha256.finalize()) == expected.sha256 {
        true => Ok(()),
        false => Err(ManifestError::WrongHash { path }),
    }
}
