//! The checkout as the rules see it: its text files and the edges between its crates.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command::output;

/// Text files and crate edges of the checkout.
#[derive(Default)]
pub(crate) struct Tree {
    /// Text files, by path.
    pub(super) files: Vec<File>,
    /// Paths of all files, those without text too.
    pub(super) paths: Vec<String>,
    /// Dependencies of our crates on our crates.
    pub(super) edges: Vec<Edge>,
    /// Names of our crates.
    pub(super) crates: Vec<String>,
}

/// A text file.
pub(super) struct File {
    /// Path from the root of the checkout, with `/`.
    pub(super) path: String,
    /// Content.
    pub(super) text: String,
    /// Its syntax, if it is Rust.
    pub(super) syntax: Option<syn::File>,
}

/// One crate of ours depends on another.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// Who depends.
    pub(super) from: String,
    /// On whom.
    pub(super) to: String,
    /// Whether only its tests do.
    pub(super) is_dev: bool,
}

impl Tree {
    /// The checkout in the current folder.
    pub(crate) fn checkout() -> Result<Self> {
        let listed = output("git", &["ls-files", "-z", "-co", "--exclude-standard"])?;
        let mut paths: Vec<String> =
            listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        paths.retain(|path| fs::metadata(path).is_ok_and(|found| found.is_file()));
        let mut files = Vec::new();
        for path in &paths {
            if let Ok(text) = String::from_utf8(fs::read(path)?) {
                files.push(File::new(path, text).with_context(|| format!("{path} is no Rust"))?);
            }
        }
        let (crates, edges) = crates()?;
        Ok(Self { files, paths, edges, crates })
    }

    /// Rust files with their syntax.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&File, &syn::File)> {
        self.files.iter().filter_map(|file| Some((file, file.syntax.as_ref()?)))
    }

    /// The file at that path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree of these files, for tests of rules.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<File> =
            files.iter().map(|(path, text)| File::new(path, (*text).to_owned()).unwrap()).collect();
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self { files, paths, ..Self::default() }
    }
}

impl File {
    fn new(path: &str, text: String) -> Result<Self> {
        let syntax = path.ends_with(".rs").then(|| syn::parse_file(&text)).transpose()?;
        Ok(Self { path: path.to_owned(), text, syntax })
    }

    /// Lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether nothing but tests is in the file.
    pub(super) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

fn crates() -> Result<(Vec<String>, Vec<Edge>)> {
    let json = output("cargo", &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_str(&json)?;
    let mut edges = Vec::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|one| one.path.is_some()) {
            edges.push(Edge {
                from: package.name.clone(),
                to: dependency.name.clone(),
                is_dev: dependency.kind.as_deref() == Some("dev"),
            });
        }
    }
    Ok((metadata.packages.into_iter().map(|package| package.name).collect(), edges))
}
