//! How the death of a worker is seen at once on its own host: a file that it holds a lock on.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The lock of a living worker; the system lets go of it when the process ends, however it ends.
pub(super) struct Alive {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Alive {
    /// Takes the lock.
    pub(super) fn new(folder: &Path, name: String) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = path_of(folder, &name);
        let lock = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        lock.lock()?;
        Ok(Self { name, path, _lock: lock })
    }

    /// Name of the worker.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // A file that stays is no harm: nobody holds its lock.
        drop(fs::remove_file(&self.path));
    }
}

/// Whether a worker of this host is known to be gone. A worker that left no file may live under
/// another folder: then only the end of its lease tells.
pub(crate) fn is_gone(folder: &Path, worker: &str) -> bool {
    let Ok(file) = File::options().write(true).open(path_of(folder, worker)) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

fn path_of(folder: &Path, worker: &str) -> PathBuf {
    folder.join(format!("{worker}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_gone_when_nobody_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Alive::new(folder.path(), "w".to_owned()).unwrap();
        assert!(!is_gone(folder.path(), "w"));
        // Its process was killed: the lock is free, the file is left.
        let Alive { _lock, .. } = &alive;
        _lock.unlock().unwrap();
        assert!(is_gone(folder.path(), "w"));
        assert!(!is_gone(folder.path(), "another"));
    }
}
