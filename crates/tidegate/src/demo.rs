//! Writes the demo: an embedded SQLite site and the configuration that exports it.

#[cfg(test)]
mod configuration_tests;
mod content;
mod counts;
mod goods;
mod load;
mod moment;
pub mod operators;
mod orders;
mod page_views;
pub mod past;
mod people;
mod random;
mod sales;
#[cfg(test)]
mod tests;
mod texts;
mod users;

use std::{
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Orders of a site, where nobody asks for another number.
pub const ORDERS: u64 = 20_000;
/// Most orders of a site: about 100 GB on disk, and far more than a demonstration needs.
pub const ORDERS_MAX: u64 = 100_000_000;
/// Name of the site's database in its folder.
pub const DATABASE_NAME: &str = "site.db";
/// Name of the site's configuration in its folder.
pub const CONFIG_NAME: &str = "tidegate.toml";

const CONFIG: &str = include_str!("demo/tidegate.toml");

/// What site to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// Orders; the other tables grow with them.
    pub rows: u64,
    /// Another seed makes other rows; the same seed makes the same rows on every machine.
    pub seed: u64,
    /// Whether a site that is already there may be replaced.
    pub is_replacing: bool,
}

impl Default for SiteOptions {
    fn default() -> Self {
        Self { rows: ORDERS, seed: 1, is_replacing: false }
    }
}

/// How far the writing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Table that is being written, or what else is going on: `indexes`.
    pub table: &'static str,
    /// Rows written, of all tables; lines come with their order and are not counted.
    pub rows_done: u64,
    /// Rows to write in all.
    pub rows_total: u64,
}

/// A site, as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The SQLite database, in WAL mode.
    pub database: PathBuf,
    /// The configuration whose source it is.
    pub config: PathBuf,
    /// Rows of each table, in the order of writing.
    pub tables: Vec<(&'static str, u64)>,
    /// Size of the database.
    pub bytes: u64,
}

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// More orders than a site may have.
    #[error("{rows} orders are more than the {ORDERS_MAX} that a demo site may have")]
    TooManyRows {
        /// Orders asked for.
        rows: u64,
    },
    /// There is a file of that name already.
    #[error("`{}` exists already; remove it or choose another folder", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("cannot write `{}`", .path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// SQLite fails.
    #[error("cannot write the {part} of the demo site")]
    Database {
        /// What was being written: a table, or `schema`, `indexes`, `settings`.
        part: &'static str,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// The caller wanted no more.
    #[error("interrupted; no site was written")]
    Interrupted,
}

/// Writes `site.db` and `tidegate.toml` into a folder, which is made if need be. Both appear under
/// their names once they are whole. `watch` is told of the progress every few thousand rows, and
/// may break off.
///
/// # Errors
///
/// If a site is there already, the folder cannot be written, or `watch` breaks off; nothing is
/// left behind then.
pub fn write_site(
    directory: &Path,
    options: &SiteOptions,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Site, DemoError> {
    if options.rows > ORDERS_MAX {
        return Err(DemoError::TooManyRows { rows: options.rows });
    }
    let (database, config) = (directory.join(DATABASE_NAME), directory.join(CONFIG_NAME));
    if !options.is_replacing {
        refuse_existing(&[&database, &config])?;
    }
    std::fs::create_dir_all(directory).map_err(unwritable(directory))?;
    let tables = load::write_database(&database, options, watch)?;
    let configured =
        publish(&config, |path| std::fs::write(path, CONFIG).map_err(unwritable(path)));
    if configured.is_err() {
        let _ = std::fs::remove_file(&database);
    }
    configured?;
    let bytes = std::fs::metadata(&database).map_err(unwritable(&database))?.len();
    Ok(Site { database, config, tables, bytes })
}

fn refuse_existing(paths: &[&PathBuf]) -> Result<(), DemoError> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) => Err(DemoError::Exists { path: path.to_path_buf() }),
        None => Ok(()),
    }
}

/// Lets `write` make a file under a name of its own, and gives it the right name at the end; takes
/// it away if that fails.
fn publish<T>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<T, DemoError>,
) -> Result<T, DemoError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    // One that a killed run left behind.
    let _ = std::fs::remove_file(&partial);
    let written = write(&partial).and_then(|result| match std::fs::rename(&partial, path) {
        Ok(()) => Ok(result),
        Err(cause) => Err(DemoError::Unwritable { path: path.to_owned(), cause }),
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> DemoError {
    let path = path.to_owned();
    move |cause| DemoError::Unwritable { path, cause }
}
