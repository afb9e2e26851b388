//! Crates share licence, edition and lints, and the licence is the one in the file.

use super::{Complaint, Tree};

/// Lines that the manifest of every crate has.
const SHARED: &[&str] = &[
    "license.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "[lints]\nworkspace = true",
];
const WORKSPACE_LICENSE: &str = "license = \"Apache-2.0\"";
const LICENSE_TITLE: &str = "Apache License";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        for line in SHARED.iter().filter(|line| !file.text.contains(**line)) {
            let line = line.replace('\n', " ");
            complaints.push(Complaint::new(&file.path, format!("lacks `{line}`")));
        }
    }
    for (path, words) in [("Cargo.toml", WORKSPACE_LICENSE), ("LICENSE", LICENSE_TITLE)] {
        if !tree.file(path).is_some_and(|file| file.text.contains(words)) {
            complaints.push(Complaint::new(path, format!("lacks `{words}`")));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_with_its_own_licence_or_lints_is_told() {
        let shared = SHARED.join("\n");
        let root = [("Cargo.toml", WORKSPACE_LICENSE), ("LICENSE", LICENSE_TITLE)];
        let tree = |text: &str| check(&Tree::of(&[&root[..], &[("a/Cargo.toml", text)]].concat()));
        assert!(tree(&shared).is_empty());
        for line in SHARED {
            assert_eq!(tree(&shared.replace(line, "")).len(), 1, "{line}");
        }
        assert_eq!(check(&Tree::of(&root[1..])).len(), 1);
        assert_eq!(check(&Tree::of(&[root[0], ("LICENSE", "MIT")])).len(), 1);
    }
}
