//! Runs `tidegate export` and reads its files back with every reader of their format.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value as Json;
use tempfile::TempDir;
use tidegate_testkit::python::{READERS, Reading};

use super::{cell::Cell, client::Client, rule::in_sheet_text};

/// Stands for a key that is NULL, where a table has no key.
pub(super) const NO_KEY: &str = "no key";
/// Differences that a failed test shows.
const DIFFERENCES_SHOWN: usize = 40;

/// A database with its client, and a folder for files.
pub(super) struct Check {
    pub(super) client: Box<dyn Client>,
    folder: TempDir,
}

/// A finished export.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) format: &'static str,
    pub(super) manifest: Json,
}

impl Check {
    pub(super) fn new(client: impl Client + 'static) -> Self {
        Self { client: Box::new(client), folder: tempfile::tempdir().unwrap() }
    }

    /// The folder that holds the files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A table without a configuration, with more arguments.
    pub(super) fn table(&self, table: &str, format: &'static str, more: &[&str]) -> File {
        let table = format!("\"{table}\"");
        let url = self.client.url();
        let source = ["--source", url.as_str(), "--table", table.as_str()];
        self.export(format, &[&source[..], more].concat())
    }

    /// The same, which must fail; gives what was said.
    pub(super) fn refused_table(&self, table: &str, format: &str, more: &[&str]) -> String {
        let table = format!("\"{table}\"");
        let url = self.client.url();
        let source = ["--source", url.as_str(), "--table", table.as_str()];
        self.refused(format, &[&source[..], more].concat())
    }

    /// An export that must succeed.
    pub(super) fn export(&self, format: &'static str, arguments: &[&str]) -> File {
        let path = self.folder().join(format!("{}.{format}", self.client.name()));
        let output = self.run(&path, format, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        let name = self.client.name();
        assert!(output.status.success(), "{name} as {format} with {arguments:?}: {said}");
        let told: Json = serde_json::from_slice(&output.stdout).expect("--json prints JSON");
        File { path, format, manifest: told["manifest"].clone() }
    }

    /// An export that must fail with exit code 1 and leave no file; gives what was said.
    pub(super) fn refused(&self, format: &str, arguments: &[&str]) -> String {
        let folder = tempfile::tempdir_in(self.folder()).unwrap();
        let output = self.run(&folder.path().join("none"), format, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let name = self.client.name();
        assert_eq!(output.status.code(), Some(1), "{name} as {format}, {arguments:?}: {said}");
        let left: Vec<_> = folder.path().read_dir().unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        said
    }

    fn run(&self, path: &Path, format: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["export", "--json", "--format", format])
            .args(arguments)
            .arg("--output")
            .arg(path)
            .current_dir(self.folder())
            .env_remove("TIDEGATE_CONFIG")
            .output()
            .unwrap()
    }
}

/// What a file should hold.
pub(super) struct Content<'a> {
    /// Names of the columns; `[]` at the end marks lists.
    pub(super) names: &'a [&'a str],
    /// Cells by the first one of their row, which is the key; for a reader, since not all readers
    /// can see all. None leaves a cell out of the comparison.
    pub(super) rows: &'a dyn Fn(&str) -> BTreeMap<String, Vec<Cell>>,
}

/// Reads the file with every reader of its format and compares each cell.
#[track_caller]
pub(super) fn compare(what: &str, file: &File, content: &Content<'_>) {
    let mut differences = Vec::new();
    for reader in READERS.iter().filter(|reader| reader.format == file.format) {
        let found = Reading::new(reader.name, &file.path).names(content.names).table();
        let bare: Vec<&str> =
            content.names.iter().map(|name| name.strip_suffix("[]").unwrap_or(name)).collect();
        // A header is a text of the sheet like any other.
        let shown = |name: &&str| match file.format {
            "xlsx" => in_sheet_text(name),
            _ => (*name).to_owned(),
        };
        let shown: Vec<String> = bare.iter().map(shown).collect();
        assert_eq!(found.names, shown, "{what} by {}", reader.name);
        let rows = (content.rows)(reader.name);
        assert_eq!(found.rows.len(), rows.len(), "{what} by {}: rows", reader.name);
        let mut seen = BTreeMap::new();
        for (cells, kinds) in found.rows.iter().zip(&found.kinds) {
            let key = cells[0].clone().unwrap_or_else(|| NO_KEY.to_owned());
            let expected = rows.get(&key).unwrap_or_else(|| panic!("{what}: a row {key}"));
            assert!(seen.insert(key.clone(), ()).is_none(), "{what}: row {key} is there twice");
            for (place, expected) in expected.iter().enumerate() {
                let found = Cell::found(&kinds[place], cells[place].as_deref());
                if !is_as_seen(expected, &found, reader.name) {
                    let name = bare[place];
                    let reader = reader.name;
                    differences.push(format!(
                        "{reader}, row {key}, `{name}`:\n  expected {expected:?}\n  found    {found:?}"
                    ));
                }
            }
        }
    }
    let shown = &differences[..differences.len().min(DIFFERENCES_SHOWN)];
    assert!(shown.is_empty(), "{what}: {} differ\n{}", differences.len(), short(shown).join("\n"));
}

/// Whether the cell is right, as far as the reader can see.
fn is_as_seen(expected: &Cell, found: &Cell, reader: &str) -> bool {
    // Python's reader of CSV gives empty text for NULL.
    let is_blind = reader == "python-csv" && *expected == Cell::Null;
    if is_blind { *found == Cell::text("") } else { expected.is(found) }
}

fn short(differences: &[String]) -> Vec<String> {
    const CHARACTERS_SHOWN: usize = 1_000;
    differences.iter().map(|text| text.chars().take(CHARACTERS_SHOWN).collect()).collect()
}
