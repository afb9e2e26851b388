//! What lies in the folder: files, and drafts of processes that were killed.

use std::{ffi::OsStr, fs::File, io, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use rustix::fs::{AtFlags, Dir, FileType, Mode, Stat};
use tidegate_pipeline::DRAFT_SUFFIX;

use super::{Folder, OPEN_FOLDER};
use crate::{
    artifacts::{
        error::ArtifactError,
        key::ObjectName,
        listed::{Listed, Listing, Unfinished, UploadId, one_by_one},
    },
    service::blocking,
};

/// Folders of jobs that are read at a time.
const JOBS_PER_READ: usize = 256;
/// Microseconds of a second.
const MICROS: i64 = 1_000_000;

impl Folder {
    /// Everything with a name, in no order.
    pub(in crate::artifacts) fn list(self: &Arc<Self>) -> Listing<Listed> {
        let (top, folder) = (Arc::clone(self), Arc::clone(self));
        let pages = stream::once(blocking(move || top.read_top()))
            .map_ok(move |(jobs, strangers)| {
                let jobs: Vec<_> = jobs.chunks(JOBS_PER_READ).map(<[String]>::to_vec).collect();
                let folder = Arc::clone(&folder);
                let files = stream::iter(jobs).then(move |jobs| {
                    let folder = Arc::clone(&folder);
                    blocking(move || folder.read_jobs(&jobs))
                });
                stream::iter([Ok(strangers)]).chain(files)
            })
            .try_flatten();
        one_by_one(pages)
    }

    /// Drafts that have a name, and no process that would finish them if they are old.
    pub(in crate::artifacts) fn unfinished(self: &Arc<Self>) -> Listing<Unfinished> {
        let folder = Arc::clone(self);
        one_by_one(stream::once(blocking(move || folder.read_drafts())))
    }

    /// Removes a draft.
    pub(in crate::artifacts) async fn abandon(
        self: &Arc<Self>,
        draft: String,
    ) -> Result<(), ArtifactError> {
        let folder = Arc::clone(self);
        blocking(move || {
            match rustix::fs::unlinkat(folder.root(), draft.as_str(), AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
                Err(error) => Err(ArtifactError::of_system("remove", draft, error.into())),
            }
        })
        .await
    }

    /// Folders of jobs, and what is no folder of a job.
    fn read_top(&self) -> Result<(Vec<String>, Vec<Listed>), ArtifactError> {
        let (mut jobs, mut strangers) = (Vec::new(), Vec::new());
        for (name, found) in self.read_names(self.root(), Path::new(""))? {
            let is_folder = FileType::from_raw_mode(found.st_mode).is_dir();
            let is_number = name.parse::<i64>().is_ok_and(|job| job.to_string() == name);
            match (is_folder && is_number, name.ends_with(DRAFT_SUFFIX)) {
                (true, _) => jobs.push(name),
                (false, true) => {}
                (false, false) => strangers.push(listed(ObjectName::parse(&name), &found)),
            }
        }
        Ok((jobs, strangers))
    }

    fn read_jobs(&self, jobs: &[String]) -> Result<Vec<Listed>, ArtifactError> {
        let mut all = Vec::new();
        for job in jobs {
            let folder =
                match rustix::fs::openat(self.root(), job.as_str(), OPEN_FOLDER, Mode::empty()) {
                    // Its last file was deleted meanwhile.
                    Err(rustix::io::Errno::NOENT) => continue,
                    found => found.map_err(|error| self.unread(Path::new(job), error.into()))?,
                };
            for (name, found) in self.read_names(&folder.into(), Path::new(job))? {
                all.push(listed(ObjectName::parse(&format!("{job}/{name}")), &found));
            }
        }
        Ok(all)
    }

    fn read_drafts(&self) -> Result<Vec<Unfinished>, ArtifactError> {
        let found = self.read_names(self.root(), Path::new(""))?;
        let drafts = found.into_iter().filter(|(name, _)| name.ends_with(DRAFT_SUFFIX));
        let unfinished = drafts.map(|(name, found)| Unfinished {
            name: name_of_draft(&name),
            started_at: micros(&found),
            id: UploadId(name),
        });
        Ok(unfinished.collect())
    }

    /// Names in a folder, with what they are. A name that is not text is not ours either.
    fn read_names(
        &self,
        folder: &File,
        below: &Path,
    ) -> Result<Vec<(String, Stat)>, ArtifactError> {
        let read = || -> io::Result<Vec<(String, Stat)>> {
            let mut all = Vec::new();
            for entry in Dir::read_from(folder)? {
                let entry = entry?;
                let name = OsStr::from_bytes(entry.file_name().to_bytes());
                if name == "." || name == ".." {
                    continue;
                }
                match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(found) => all.push((name.to_string_lossy().into_owned(), found)),
                    Err(rustix::io::Errno::NOENT) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(all)
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| self.unread(below, error)),
        }
    }

    fn unread(&self, below: &Path, cause: io::Error) -> ArtifactError {
        ArtifactError::unavailable("list", self.path().join(below).display(), cause)
    }
}

/// `.{name with _ for /}.{chance}.part`
fn name_of_draft(draft: &str) -> ObjectName {
    let hint = draft
        .strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(DRAFT_SUFFIX))
        .and_then(|rest| rest.rsplit_once('.'));
    match hint {
        Some((hint, _)) => ObjectName::parse(&hint.replacen('_', "/", 1)),
        None => ObjectName::Stranger(draft.to_owned()),
    }
}

fn listed(name: ObjectName, found: &Stat) -> Listed {
    let bytes = u64::try_from(found.st_size).unwrap_or(0);
    Listed { name, bytes, changed_at: micros(found) }
}

fn micros(found: &Stat) -> i64 {
    #[allow(clippy::useless_conversion, reason = "the type differs between systems")]
    let nanos = i64::try_from(found.st_mtime_nsec).unwrap_or(0);
    found.st_mtime.saturating_mul(MICROS).saturating_add(nanos / 1_000)
}

#[cfg(test)]
mod tests {
    use tidegate_model::ids::JobId;

    use super::*;
    use crate::artifacts::key::ObjectKey;

    #[test]
    fn a_draft_says_whose_it_is() {
        let key = ObjectKey::new(JobId(7), 2);
        for name in [ObjectName::File(key.clone()), ObjectName::Manifest(key)] {
            let hint = name.to_string().replace('/', "_");
            assert_eq!(name_of_draft(&format!(".{hint}.00ff{DRAFT_SUFFIX}")), name);
        }
        let other = ".x.part";
        assert_eq!(name_of_draft(other), ObjectName::Stranger(other.to_owned()));
    }
}
