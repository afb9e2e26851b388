//! The keys in use: whoever needs them gets those that the folder holds by now.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{CURRENT, KeyError, Keys};

/// Time between two looks at the folder: a look costs two questions to the file system, and a new
/// key is in use in every process this much later.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The keys in use.
pub(crate) struct KeyRing {
    keys: RwLock<Arc<Keys>>,
    looked: Mutex<Looked>,
}

/// What the last look at the folder saw.
#[derive(Default)]
struct Looked {
    at: Option<Instant>,
    stamp: Option<Stamp>,
    /// Why the folder was refused, as it was told.
    refused: Option<String>,
}

/// Tells a folder from what it was: each file in it is written anew, under its name, or taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp([i64; 6]);

impl Stamp {
    fn of(folder: &Path) -> io::Result<Self> {
        let (all, current) = (fs::metadata(folder)?, fs::metadata(folder.join(CURRENT))?);
        Ok(Self([
            all.mtime(),
            all.mtime_nsec(),
            current.mtime(),
            current.mtime_nsec(),
            current.ino().cast_signed(),
            current.size().cast_signed(),
        ]))
    }
}

impl KeyRing {
    /// With these keys to begin with.
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys: RwLock::new(Arc::new(keys)), looked: Mutex::default() }
    }

    /// The keys, not much older than the folder.
    pub(crate) fn current(&self) -> Arc<Keys> {
        let mut looked = self.looked();
        if looked.at.is_none_or(|at| at.elapsed() >= LOOK_PAUSE) {
            self.look_in(&mut looked);
        }
        drop(looked);
        self.held()
    }

    /// Looks at once; true if there are other keys now. A folder that does not check leaves those
    /// in place that are there, and is told once.
    pub(crate) fn look(&self) -> bool {
        self.look_in(&mut self.looked())
    }

    /// Reads the folder whether it has changed or not.
    ///
    /// # Errors
    ///
    /// If it does not check: the keys are then those that they were.
    pub(crate) fn read_again(&self) -> Result<(), KeyError> {
        let mut looked = self.looked();
        let found = self.held().again()?;
        *looked = Looked::default();
        self.put(found);
        Ok(())
    }

    /// Takes other keys.
    pub(crate) fn take(&self, keys: Keys) {
        let mut looked = self.looked();
        *looked = Looked::default();
        self.put(keys);
    }

    fn look_in(&self, looked: &mut Looked) -> bool {
        looked.at = Some(Instant::now());
        let held = self.held();
        // Before it is read: what changes meanwhile is seen by the next look.
        let stamp = Stamp::of(&held.folder).ok();
        if stamp.is_some() && stamp == looked.stamp {
            return false;
        }
        match held.again() {
            Ok(found) => {
                (looked.stamp, looked.refused) = (stamp, None);
                let is_new = !found.are_like(&held);
                if is_new {
                    tracing::info!(key = found.current(), "keys read again");
                    self.put(found);
                }
                is_new
            }
            Err(refusal) => {
                looked.stamp = None;
                let message = refusal.to_string();
                if looked.refused.as_ref() != Some(&message) {
                    let error = &refusal as &dyn std::error::Error;
                    tracing::error!(error, "the keys stay as they were: their folder is wrong");
                    looked.refused = Some(message);
                }
                false
            }
        }
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

impl Keys {
    /// Whether these are the same keys, by their names.
    fn are_like(&self, other: &Self) -> bool {
        (&self.signing.id, &self.link_current) == (&other.signing.id, &other.link_current)
            && self.public.0.keys().eq(other.public.0.keys())
            && self.links.keys().eq(other.links.keys())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::keys::Purpose;

    fn ring() -> (tempfile::TempDir, KeyRing) {
        let folder = tempfile::tempdir().unwrap();
        let ring = KeyRing::new(Keys::open(folder.path()).unwrap());
        assert!(!ring.look(), "nothing has changed");
        (folder, ring)
    }

    fn rotate(folder: &Path) -> Keys {
        Keys::open(folder).unwrap().next().unwrap().make_current().unwrap()
    }

    #[test]
    fn a_key_that_another_process_makes_is_taken() {
        let (folder, ring) = ring();
        let old = ring.current();
        let (link_key, link_code) = old.link_code(b"link");
        let next = Keys::open(folder.path()).unwrap().next().unwrap();
        // Made, and not current yet: what is signed with it is proven all the same.
        assert!(ring.look());
        assert_eq!(ring.current().current(), old.current());
        let new = next.make_current().unwrap();
        assert!(ring.look());
        assert_eq!(ring.current().current(), new.current());
        assert!(ring.current().is_link_code(link_key, b"link", &link_code));
        assert!(!ring.look(), "it is not read again and again");
    }

    #[test]
    fn a_folder_that_does_not_check_leaves_the_keys_in_place() {
        type Harm = fn(&Path, &str);
        let harms: [(&str, Harm); 6] = [
            ("open to others", |folder, new| {
                let path = folder.join(format!("signing-{new}.pem"));
                fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
            }),
            ("no key", |folder, new| {
                fs::write(folder.join(format!("signing-{new}.pem")), "x").unwrap();
            }),
            ("not of one pair", |folder, new| {
                let other = tempfile::tempdir().unwrap();
                let stranger = Keys::open(other.path()).unwrap();
                let from = other.path().join(format!("public-{}.pem", stranger.current()));
                fs::copy(from, folder.join(format!("public-{new}.pem"))).unwrap();
            }),
            ("no name", |folder, _| fs::write(folder.join(CURRENT), "").unwrap()),
            ("another hash", |folder, _| {
                fs::write(folder.join("hash.key"), "ab".repeat(32)).unwrap();
            }),
            ("all gone", |folder, _| fs::remove_dir_all(folder).unwrap()),
        ];
        for (name, harm) in harms {
            let (folder, ring) = ring();
            let old = ring.current();
            let new = rotate(folder.path());
            harm(folder.path(), new.current());
            assert!(!ring.look(), "{name}");
            assert_eq!(ring.current().current(), old.current(), "{name}");
            assert!(ring.read_again().is_err(), "{name}");
            assert_eq!(ring.current().current(), old.current(), "{name}");
        }
    }

    #[test]
    fn a_public_key_that_is_gone_is_missed_until_it_is_put_back() {
        let (folder, ring) = ring();
        let (key, signature) = ring.current().sign(Purpose::Manifest, "text");
        let path = folder.path().join(format!("public-{key}.pem"));
        let pem = fs::read(&path).unwrap();
        let new = rotate(folder.path());
        fs::remove_file(&path).unwrap();
        let refused = ring.read_again().unwrap_err();
        assert!(matches!(refused, KeyError::PublicGone { .. }), "{refused}");
        assert!(!ring.look());
        ring.current().public().verify(Purpose::Manifest, "text", &key, &signature).unwrap();
        fs::write(&path, pem).unwrap();
        assert!(ring.look());
        assert_eq!(ring.current().current(), new.current());
    }
}
