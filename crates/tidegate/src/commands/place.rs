//! Where a command puts a file, and its manifest.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use tidegate_pipeline::{Artifact, FileArtifact, RunError, StreamArtifact};

use crate::failure::Failure;

/// Name that stands for standard output.
const STDOUT: &str = "-";

/// Where the file goes, and its manifest.
pub(super) struct Place {
    /// The file; none is standard output.
    pub(super) path: Option<PathBuf>,
    manifest: Option<PathBuf>,
}

impl Place {
    /// The place that was asked for, or a file of that name in the current folder.
    pub(super) fn of(
        output: Option<&str>,
        manifest: Option<&Path>,
        name: impl FnOnce() -> String,
    ) -> Self {
        if output == Some(STDOUT) {
            return Self { path: None, manifest: manifest.map(Path::to_path_buf) };
        }
        let path = PathBuf::from(output.map_or_else(name, str::to_owned));
        let beside = (!is_device(&path)).then(|| beside(&path));
        let manifest = manifest.map(Path::to_path_buf).or(beside);
        Self { path: Some(path), manifest }
    }

    /// Whether it is a terminal, which shows text only.
    pub(super) fn is_terminal(&self) -> bool {
        self.path.is_none() && io::stdout().is_terminal()
    }

    /// Name of the file.
    pub(super) fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or(STDOUT.into(), |name| name.to_string_lossy().into_owned())
    }

    /// Opens it.
    pub(super) fn open(&self) -> Result<Box<dyn Artifact>, Failure> {
        Ok(match &self.path {
            Some(path) if is_device(path) => {
                let name = path.display().to_string();
                match File::options().write(true).open(path) {
                    Ok(device) => Box::new(StreamArtifact::new(name, device)),
                    Err(cause) => return Err(RunError::Artifact { name, cause }.into()),
                }
            }
            Some(path) => Box::new(FileArtifact::create(path)?),
            None => Box::new(StreamArtifact::new("standard output", io::stdout())),
        })
    }

    /// Puts file and manifest under their names, the manifest first: a file without one is what
    /// nobody should find.
    pub(super) fn publish(
        &self,
        artifact: Box<dyn Artifact>,
        manifest: &str,
    ) -> Result<(), Failure> {
        let Some(path) = &self.manifest else { return Ok(artifact.publish()?) };
        let mut beside = Box::new(FileArtifact::create(path)?);
        writeln!(beside, "{}", manifest.trim_end()).map_err(|cause| {
            let name = path.display().to_string();
            Failure::from(RunError::Artifact { name, cause })
        })?;
        beside.publish()?;
        artifact.publish().inspect_err(|_| {
            // The manifest describes a file that does not exist: take it back, as far as possible.
            let _ = std::fs::remove_file(path);
        })?;
        Ok(())
    }
}

/// Whether something stands at `path` that is written to and never replaced: a device, a pipe.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".manifest.json");
    name.into()
}
