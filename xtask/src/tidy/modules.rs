//! Every file belongs: to its crate, to its crate's test binary, to the list of its kind.

use quote::ToTokens;

use super::{Complaint, Tree};

/// Files that are crates of their own.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "build.rs"];
/// Lists of formats and sources: the file, its folder, the name of the list.
const LISTS: &[(&str, &str, &str)] = &[
    ("crates/tidegate-format/src/formats.rs", "crates/tidegate-format/src/formats/", "FORMATS"),
    ("crates/tidegate-source/src/sources.rs", "crates/tidegate-source/src/sources/", "SOURCES"),
];

/// A file that no module declares is not compiled, so nothing in it holds.
pub(super) fn orphans(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (file, _) in tree.rust() {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let is_root = ROOTS.contains(&name)
            || folder.ends_with("/src/bin")
            || folder.ends_with("/examples")
            || folder.ends_with("/benches")
            || folder.ends_with("/tests");
        if !is_root && !is_declared(tree, folder, name.trim_end_matches(".rs")) {
            complaints.push(Complaint::new(&file.path, "no module declares it"));
        }
    }
    complaints
}

fn is_declared(tree: &Tree, folder: &str, stem: &str) -> bool {
    let (folder, stem) = match stem {
        "mod" => folder.rsplit_once('/').unwrap_or(("", folder)),
        _ => (folder, stem),
    };
    let parents = ["lib.rs", "main.rs", "mod.rs"].map(|name| format!("{folder}/{name}"));
    let mut parents = parents.into_iter().chain([format!("{folder}.rs")]);
    parents.any(|parent| declares(tree, &parent, stem))
}

fn declares(tree: &Tree, parent: &str, stem: &str) -> bool {
    let Some(syntax) = tree.file(parent).and_then(|file| file.syntax.as_ref()) else {
        return false;
    };
    syntax.items.iter().any(
        |item| matches!(item, syn::Item::Mod(item) if item.content.is_none() && item.ident == stem),
    )
}

/// One test binary a crate: linking a dozen takes longer than running them.
pub(super) fn tests(tree: &Tree) -> Vec<Complaint> {
    let stray = tree.rust().filter(|(file, _)| {
        file.path.rsplit_once('/').is_some_and(|(folder, _)| folder.ends_with("/tests"))
    });
    stray
        .map(|(file, _)| Complaint::new(&file.path, "belongs in tests/it, a line in main.rs"))
        .collect()
}

/// What is not in its list does not exist for the program.
pub(super) fn lists(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, folder, list) in LISTS {
        let Some(file) = tree.file(path) else {
            complaints.push(Complaint::new(*path, format!("where is the list {list}?")));
            continue;
        };
        let listed = file.syntax.as_ref().and_then(|syntax| static_text(syntax, list));
        let listed = listed.unwrap_or_default();
        for module in children(tree, folder) {
            if !listed.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == module)
            {
                complaints.push(Complaint::new(*path, format!("`{module}` is not in {list}")));
            }
        }
    }
    complaints
}

/// What the static of that name holds.
fn static_text(syntax: &syn::File, name: &str) -> Option<String> {
    syntax.items.iter().find_map(|item| match item {
        syn::Item::Static(item) if item.ident == name => {
            Some(item.expr.to_token_stream().to_string())
        }
        _ => None,
    })
}

/// Modules in a folder: its files and folders, by name.
fn children(tree: &Tree, folder: &str) -> Vec<String> {
    let inside = tree.paths.iter().filter_map(|path| path.strip_prefix(folder));
    let names = inside.filter_map(|path| path.split('/').next());
    let mut names: Vec<String> =
        names.map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn a_file_that_no_module_declares_is_told() {
        let declared = [("a/src/lib.rs", "mod b;"), ("a/src/b.rs", "mod c;"), ("a/src/b/c.rs", "")];
        assert!(orphans(&Tree::of(&declared)).is_empty());
        assert_eq!(orphans(&Tree::of(&declared[1..])).len(), 1);
        assert_eq!(orphans(&Tree::of(&[declared[0], ("a/src/b.rs", ""), declared[2]])).len(), 1);
        let inline = [("a/src/lib.rs", "mod b {}"), ("a/src/b.rs", "")];
        assert_eq!(orphans(&Tree::of(&inline)).len(), 1);
        let tests =
            [("a/tests/it/main.rs", "mod x;"), ("a/tests/it/x.rs", ""), ("a/tests/it/y.rs", "")];
        assert_eq!(orphans(&Tree::of(&tests)).len(), 1);
    }

    #[test]
    fn a_second_test_binary_is_told() {
        assert_eq!(tests(&Tree::of(&[("a/tests/export.rs", "")])).len(), 1);
        assert!(tests(&Tree::of(&[("a/tests/it/main.rs", "")])).is_empty());
    }

    #[test]
    fn a_format_that_is_in_no_list_is_told() {
        let (formats, folder, _) = LISTS[0];
        let (sources, ..) = LISTS[1];
        let list = "mod csv; static FORMATS: &[&dyn Format] = &[&csv::Csv];";
        let csv = format!("{folder}csv.rs");
        let csv_rows = format!("{folder}csv/rows.rs");
        let xml = format!("{folder}xml.rs");
        let files = [(formats, list), (sources, ""), (csv.as_str(), ""), (&csv_rows, "")];
        assert!(lists(&Tree::of(&files)).is_empty());
        assert_eq!(lists(&Tree::of(&[&files[..], &[(&xml, "")]].concat())).len(), 1);
        assert_eq!(lists(&Tree::of(&files[1..])).len(), 1, "the list itself is gone");
    }
}
