//! A file without a name: it gets one when it is whole and synced, or leaves nothing.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    os::fd::{AsFd, AsRawFd},
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::direct::DirectFile;

/// Only the owner may read an export.
const MODE: Mode = Mode::from_raw_mode(0o600);
/// Ends the name of a draft that has to have one.
pub const DRAFT_SUFFIX: &str = ".part";

/// A file under construction, readable by its owner alone whatever the umask.
///
/// Where the file system cannot make a file without a name, it has a hidden one that ends in
/// [`DRAFT_SUFFIX`]: of a process that was killed, such a file is left.
pub struct DraftFile {
    folder: File,
    file: DirectFile,
    hidden: Option<Hidden>,
    bytes: u64,
}

impl DraftFile {
    /// Starts a file in an open folder; `hint` is for its hidden name, if it needs one.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub fn create_in(folder: File, hint: &OsStr) -> io::Result<Self> {
        let (file, hidden) =
            open_nameless(&folder).or_else(|_| open_hidden(&folder, hidden_name(hint)))?;
        // The umask may have taken even the owner's rights.
        rustix::fs::fchmod(&file, MODE)?;
        Ok(Self { folder, file: DirectFile::new(file), hidden, bytes: 0 })
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    /// Gives the file a name that nothing has, in its own or another folder of the same file
    /// system. That the name lasts takes a sync of that folder.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if something has the name. The file can be tried again.
    pub fn link(&self, folder: impl AsFd, name: &OsStr) -> io::Result<()> {
        match &self.hidden {
            Some(hidden) => {
                let flags = AtFlags::empty();
                rustix::fs::linkat(&self.folder, &hidden.name, folder, name, flags)?;
            }
            None => link_nameless(self.file.file(), folder, name)?,
        }
        Ok(())
    }

    /// Gives the file a name in its own folder, in place of whatever has it. That the name lasts
    /// takes a sync of the folder.
    ///
    /// # Errors
    ///
    /// If it cannot be named.
    pub fn replace(mut self, name: &OsStr) -> io::Result<()> {
        // A link, unlike a rename, cannot replace a file: it takes a hidden name in between.
        let hidden = match self.hidden.take() {
            Some(hidden) => hidden,
            None => {
                let hidden = Hidden { folder: self.folder.try_clone()?, name: hidden_name(name) };
                link_nameless(self.file.file(), &self.folder, &hidden.name)?;
                hidden
            }
        };
        rustix::fs::renameat(&self.folder, &hidden.name, &self.folder, name)?;
        std::mem::forget(hidden);
        Ok(())
    }
}

impl Write for DraftFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A hidden name, removed unless it becomes another one.
struct Hidden {
    folder: File,
    name: OsString,
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing more can be done about it here.
        let _ = rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty());
    }
}

/// A file without any name: even a kill leaves nothing.
fn open_nameless(folder: &File) -> io::Result<(File, Option<Hidden>)> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    Ok((File::from(rustix::fs::openat(folder, ".", flags, MODE)?), None))
}

fn open_hidden(folder: &File, name: OsString) -> io::Result<(File, Option<Hidden>)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, &name, flags, MODE)?);
    Ok((file, Some(Hidden { folder: folder.try_clone()?, name })))
}

fn link_nameless(file: &File, folder: impl AsFd, name: &OsStr) -> rustix::io::Result<()> {
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, nameless, folder, name, AtFlags::SYMLINK_FOLLOW)
}

/// A hidden name that nothing has: a number of a process comes again, chance does not.
fn hidden_name(hint: &OsStr) -> OsString {
    let chance = RandomState::new().build_hasher().finish();
    format!(".{}.{chance:016x}{DRAFT_SUFFIX}", hint.to_string_lossy()).into()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// Both ways to be without a name, with `text` in each.
    fn drafts(folder: &std::path::Path, text: &str) -> [DraftFile; 2] {
        let open = || File::open(folder).unwrap();
        let (file, hidden) = open_hidden(&open(), hidden_name(OsStr::new("o"))).unwrap();
        let hidden = DraftFile { folder: open(), file: DirectFile::new(file), hidden, bytes: 0 };
        let nameless = DraftFile::create_in(open(), OsStr::new("o")).unwrap();
        assert!(nameless.hidden.is_none(), "this file system makes files without a name");
        [nameless, hidden].map(|mut draft| {
            draft.write_all(text.as_bytes()).unwrap();
            draft.sync().unwrap();
            draft
        })
    }

    #[test]
    fn a_link_never_replaces_and_a_replacement_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o");
        for (count, draft) in drafts(folder.path(), "new").into_iter().enumerate() {
            fs::write(&path, "old").unwrap();
            let target = File::open(folder.path()).unwrap();
            let refused = draft.link(&target, OsStr::new("o")).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&path).unwrap(), "old");
            let other = format!("other-{count}");
            draft.link(&target, OsStr::new(&other)).unwrap();
            assert_eq!(fs::read_to_string(folder.path().join(other)).unwrap(), "new");
            draft.replace(OsStr::new("o")).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(drafts(folder.path(), "new"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_owner_alone_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        for (count, draft) in drafts(folder.path(), "new").into_iter().enumerate() {
            let name = format!("o-{count}");
            draft.replace(OsStr::new(&name)).unwrap();
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
