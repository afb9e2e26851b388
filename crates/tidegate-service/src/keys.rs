//! The keys of the service: they live in a folder of their own, outside the control database.
//!
//! `signing-ID.pem` signs manifests and checkpoints, `public-ID.pem` proves them on any machine,
//! `link-ID.key` guards download links, `hash.key` makes the keyed hashes of personal values, and
//! the keys that seal secrets of second factors and that hash masked values are derived from it.
//! The newest of a kind, as `current` says, is used; older ones stay, so that what they signed can
//! still be verified.

mod ring;
mod seal;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{
    Signature, Signer, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey,
        spki::der::pem::LineEnding,
    },
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_model::audit::hexadecimal;
use tidegate_pipeline::MaskKey;

pub(crate) use ring::KeyRing;

/// Bytes of a symmetric key.
const KEY_BYTES: usize = 32;
/// Bytes of a key's random name.
const ID_BYTES: usize = 8;
/// Names the current keys: one line for signing, one for links.
const CURRENT: &str = "current";
/// Key of the keyed hashes. It does not rotate: the same value must keep its hash.
const HASH_KEY: &str = "hash.key";

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The folder or a file of it cannot be read or written.
    #[error("cannot use `{path}` in the folder of keys")]
    Unusable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file is open to others.
    #[error("`{path}` can be read by others: run `chmod 600` on it, and make new keys if in doubt")]
    Exposed {
        /// Which one.
        path: PathBuf,
    },
    /// A file does not hold a key.
    #[error("`{path}` holds no key")]
    Malformed {
        /// Which one.
        path: PathBuf,
    },
    /// A public key that was there is not there any more: what it signed could not be verified.
    #[error("the public key `{key}` is gone or was changed: put it back, old public keys stay")]
    PublicGone {
        /// Name of the key.
        key: String,
    },
    /// The key of the keyed hashes is another one.
    #[error("`{path}` was changed: put it back, the same value must keep its hash")]
    HashChanged {
        /// Which file.
        path: PathBuf,
    },
    /// A signature does not belong to what it stands at.
    #[error("the signature is not that of key `{key}` over this")]
    WrongSignature {
        /// Name of the key.
        key: String,
    },
    /// Nobody has shown us the key.
    #[error("there is no public key `{key}` here")]
    UnknownKey {
        /// Name of the key.
        key: String,
    },
}

/// What a signature is for: one made for another purpose does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A manifest.
    Manifest,
    /// A checkpoint of the activity log.
    Checkpoint,
    /// An archive of the activity log.
    Archive,
}

impl Purpose {
    fn message(self, text: &str) -> Vec<u8> {
        let word = match self {
            Self::Manifest => "manifest",
            Self::Checkpoint => "checkpoint",
            Self::Archive => "archive",
        };
        format!("tidegate/{word}/1\n{text}").into_bytes()
    }
}

/// All keys of the service.
pub struct Keys {
    folder: PathBuf,
    signing: Named<SigningKey>,
    public: PublicKeys,
    links: BTreeMap<String, [u8; KEY_BYTES]>,
    link_current: String,
    hash: [u8; KEY_BYTES],
}

/// New keys, made and not used yet.
pub struct NextKeys {
    folder: PathBuf,
    id: String,
}

impl NextKeys {
    /// Their name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Uses them from now on; the old ones still verify.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub fn make_current(self) -> Result<Keys, KeyError> {
        name_current(&self.folder, &self.id)?;
        Keys::read(&self.folder)
    }
}

struct Named<K> {
    id: String,
    key: K,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("current", &self.signing.id).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the keys of a folder; makes folder and keys at the first start.
    ///
    /// # Errors
    ///
    /// If the folder cannot be used, or a secret key is open to others.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(|cause| unusable(folder, cause))?;
        let is_there = |name| folder.join(name).exists();
        // The lock is not taken by whoever only reads: a process that is stopped while it has it
        // would keep all others from starting. The current key is named last of all.
        if !(is_there(HASH_KEY) && is_there(CURRENT)) {
            // Processes that start together wait for one another.
            let lock = File::open(folder).map_err(|cause| unusable(folder, cause))?;
            lock.lock().map_err(|cause| unusable(folder, cause))?;
            if !is_there(HASH_KEY) {
                let hash: [u8; KEY_BYTES] = rand::random();
                write(folder, HASH_KEY, hexadecimal(&hash).as_bytes(), 0o600)?;
            }
            if !is_there(CURRENT) {
                name_current(folder, &make(folder)?)?;
            }
        }
        Self::read(folder)
    }

    /// Makes new keys for signing and links, which nothing uses yet.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub fn next(&self) -> Result<NextKeys, KeyError> {
        Ok(NextKeys { folder: self.folder.clone(), id: make(&self.folder)? })
    }

    fn read(folder: &Path) -> Result<Self, KeyError> {
        let current = read_text(&folder.join(CURRENT))?;
        let mut lines = current.lines();
        let (Some(signing), Some(link)) = (lines.next(), lines.next()) else {
            return Err(KeyError::Malformed { path: folder.join(CURRENT) });
        };
        let path = folder.join(format!("signing-{signing}.pem"));
        let key = SigningKey::from_pkcs8_pem(&read_secret(&path)?)
            .map_err(|_| KeyError::Malformed { path })?;
        let public = PublicKeys::of_folder(folder)?;
        if public.0.get(signing) != Some(&key.verifying_key()) {
            return Err(KeyError::Malformed { path: folder.join(format!("public-{signing}.pem")) });
        }
        let mut links = BTreeMap::new();
        for (id, path) in named(folder, "link-", ".key")? {
            links.insert(id, symmetric(&path)?);
        }
        if !links.contains_key(link) {
            return Err(KeyError::Malformed { path: folder.join(CURRENT) });
        }
        Ok(Self {
            folder: folder.to_owned(),
            signing: Named { id: signing.to_owned(), key },
            public,
            links,
            link_current: link.to_owned(),
            hash: symmetric(&folder.join(HASH_KEY))?,
        })
    }

    /// Reads the folder again. What these keys have signed must still verify, and values must keep
    /// their hashes; a link key may be taken away, and its links with it. Nothing is made.
    ///
    /// # Errors
    ///
    /// If the folder does not check: then these keys are to be kept.
    pub fn again(&self) -> Result<Self, KeyError> {
        let found = Self::read(&self.folder)?;
        let mut known = self.public.0.iter();
        if let Some((key, _)) = known.find(|(id, key)| found.public.0.get(*id) != Some(key)) {
            return Err(KeyError::PublicGone { key: key.clone() });
        }
        if found.hash != self.hash {
            return Err(KeyError::HashChanged { path: self.folder.join(HASH_KEY) });
        }
        Ok(found)
    }

    /// Name of the key that signs.
    pub fn current(&self) -> &str {
        &self.signing.id
    }

    /// What proves our signatures.
    pub fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// Signs a text: the name of the key, and the signature in base64.
    pub fn sign(&self, purpose: Purpose, text: &str) -> (String, String) {
        let signature = self.signing.key.sign(&purpose.message(text));
        (self.signing.id.clone(), BASE64_STANDARD.encode(signature.to_bytes()))
    }

    /// Guards a link: the name of the key, and the code.
    pub fn link_code(&self, message: &[u8]) -> (&str, [u8; KEY_BYTES]) {
        (&self.link_current, code(&self.links[&self.link_current], message))
    }

    /// Whether a link's code is the one that the named key gives, in constant time.
    pub fn is_link_code(&self, key: &str, message: &[u8], shown: &[u8]) -> bool {
        let Some(key) = self.links.get(key) else { return false };
        mac(key, message).verify_slice(shown).is_ok()
    }

    /// Key of the hashes that stand for masked values. It does not rotate: the same value keeps its
    /// hash, over runs and sources; and it is not the key of the hashes in the log, so that nobody
    /// finds the one by the other.
    pub(crate) fn mask_key(&self) -> MaskKey {
        /// No text begins with this octet, so that it is the keyed hash of no value.
        const MASK: &[u8] = b"\xfftidegate/mask/1";
        MaskKey::new(code(&self.hash, MASK))
    }

    /// Keyed hash of a personal value: the same for the same value, and of no use to anybody who
    /// has no key.
    pub fn hash(&self, value: &str) -> String {
        /// Digits that are shown: enough to tell values apart.
        const DIGITS: usize = 32;
        let mut digits = hexadecimal(&code(&self.hash, value.as_bytes()));
        digits.truncate(DIGITS);
        digits
    }
}

/// Public keys: all that verification needs, on any machine.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(BTreeMap<String, VerifyingKey>);

impl PublicKeys {
    /// Reads every `public-ID.pem` of a folder.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self, KeyError> {
        let mut keys = BTreeMap::new();
        for (id, path) in named(folder, "public-", ".pem")? {
            let key = VerifyingKey::from_public_key_pem(&read_text(&path)?)
                .map_err(|_| KeyError::Malformed { path })?;
            keys.insert(id, key);
        }
        Ok(Self(keys))
    }

    /// Names and keys, as PEM.
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(id, key)| {
            let pem = key.to_public_key_pem(LineEnding::LF).expect("a public key has a PEM form");
            (id.as_str(), pem)
        })
    }

    /// Checks a signature in base64 over a text.
    ///
    /// # Errors
    ///
    /// If the key is unknown or the signature is not its own.
    pub fn verify(
        &self,
        purpose: Purpose,
        text: &str,
        key: &str,
        signature: &str,
    ) -> Result<(), KeyError> {
        let known = self.0.get(key).ok_or_else(|| KeyError::UnknownKey { key: key.to_owned() })?;
        let wrong = || KeyError::WrongSignature { key: key.to_owned() };
        let bytes = BASE64_STANDARD.decode(signature).map_err(|_| wrong())?;
        let signature = Signature::from_slice(&bytes).map_err(|_| wrong())?;
        known.verify_strict(&purpose.message(text), &signature).map_err(|_| wrong())
    }
}

/// Makes a pair and a link key; gives back their name.
fn make(folder: &Path) -> Result<String, KeyError> {
    let secret: [u8; KEY_BYTES] = rand::random();
    let pair = SigningKey::from_bytes(&secret);
    let public = pair.verifying_key();
    let id: [u8; ID_BYTES] = rand::random();
    let id = hexadecimal(&id);
    let private_pem = pair.to_pkcs8_pem(LineEnding::LF).expect("a key has a PEM form");
    let public_pem = public.to_public_key_pem(LineEnding::LF).expect("a key has a PEM form");
    let link: [u8; KEY_BYTES] = rand::random();
    write(folder, &format!("signing-{id}.pem"), private_pem.as_bytes(), 0o600)?;
    write(folder, &format!("public-{id}.pem"), public_pem.as_bytes(), 0o644)?;
    write(folder, &format!("link-{id}.key"), hexadecimal(&link).as_bytes(), 0o600)?;
    Ok(id)
}

fn name_current(folder: &Path, id: &str) -> Result<(), KeyError> {
    write(folder, CURRENT, format!("{id}\n{id}\n").as_bytes(), 0o600)
}

/// Writes a file whole and synced, or not at all.
fn write(folder: &Path, name: &str, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let path = folder.join(name);
    let draft = folder.join(format!(".{name}.draft"));
    let written = || -> io::Result<()> {
        let mut options = File::options();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|cause| unusable(&path, cause))
}

fn unusable(path: &Path, cause: io::Error) -> KeyError {
    KeyError::Unusable { path: path.to_owned(), cause }
}

/// Files of a folder by what stands between prefix and suffix.
fn named(folder: &Path, prefix: &str, suffix: &str) -> Result<BTreeMap<String, PathBuf>, KeyError> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|cause| unusable(folder, cause))? {
        let entry = entry.map_err(|cause| unusable(folder, cause))?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix));
        if let Some(id) = id {
            found.insert(id.to_owned(), entry.path());
        }
    }
    Ok(found)
}

fn read_text(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|cause| unusable(path, cause))
}

/// Reads a file that nobody else may read.
fn read_secret(path: &Path) -> Result<String, KeyError> {
    /// Bits that let group or others in.
    const OTHERS: u32 = 0o077;
    let found = fs::metadata(path).map_err(|cause| unusable(path, cause))?;
    if found.mode() & OTHERS != 0 {
        return Err(KeyError::Exposed { path: path.to_owned() });
    }
    read_text(path)
}

fn symmetric(path: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let malformed = || KeyError::Malformed { path: path.to_owned() };
    let text = read_secret(path)?;
    let digits = text.trim();
    if digits.len() != 2 * KEY_BYTES || !digits.is_ascii() {
        return Err(malformed());
    }
    let mut key = [0; KEY_BYTES];
    for (index, octet) in key.iter_mut().enumerate() {
        *octet =
            u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).map_err(|_| malformed())?;
    }
    Ok(key)
}

fn mac(key: &[u8; KEY_BYTES], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length makes a key");
    mac.update(message);
    mac
}

fn code(key: &[u8; KEY_BYTES], message: &[u8]) -> [u8; KEY_BYTES] {
    mac(key, message).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_signed_before_a_rotation_still_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let old = Keys::open(folder.path()).unwrap();
        let (key, signature) = old.sign(Purpose::Manifest, "text");
        let (link_key, link_code) = old.link_code(b"link");
        let new = old.next().unwrap().make_current().unwrap();
        assert_ne!(old.current(), new.current());
        new.public().verify(Purpose::Manifest, "text", &key, &signature).unwrap();
        assert!(new.is_link_code(link_key, b"link", &link_code));
        assert_eq!(old.hash("a@example.com"), new.hash("a@example.com"));
        let again = Keys::open(folder.path()).unwrap();
        assert_eq!(again.current(), new.current());
    }

    #[test]
    fn keys_that_are_there_are_read_while_a_process_stands_still_with_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let made = Keys::open(folder.path()).unwrap();
        let standing_still = File::open(folder.path()).unwrap();
        standing_still.lock().unwrap();
        assert_eq!(Keys::open(folder.path()).unwrap().current(), made.current());
    }

    #[test]
    fn a_signature_is_good_for_one_text_one_purpose_and_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let (key, signature) = keys.sign(Purpose::Manifest, "text");
        let public = keys.public();
        assert!(public.verify(Purpose::Manifest, "texT", &key, &signature).is_err());
        assert!(public.verify(Purpose::Checkpoint, "text", &key, &signature).is_err());
        let other = keys.next().unwrap().make_current().unwrap();
        assert!(
            other.public().verify(Purpose::Manifest, "text", other.current(), &signature).is_err()
        );
        assert!(!keys.is_link_code("nobody", b"link", &[0; KEY_BYTES]));
    }

    #[test]
    fn keys_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let secret = keys.folder.join(format!("signing-{}.pem", keys.current()));
        assert_eq!(fs::metadata(&secret).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&keys.folder).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Keys::open(&keys.folder).unwrap_err();
        assert!(matches!(refused, KeyError::Exposed { .. }), "{refused}");
    }
}
