//! What nobody wants to find in a commit: promises, debugging, traces of a machine.

use syn::visit::Visit;

use super::{Complaint, Tree};

/// Macros that stand for code that is not there.
const PROMISES: &[&str] = &["todo", "unimplemented", "dbg"];
/// Comments that do. Split, so that this file may be read by its own rule.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Folders that exist on one machine only.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
/// Files that are read by other rules, or made by a program.
const NOT_OURS: &[&str] = &["Cargo.lock", "LICENSE"];

/// No macro or comment promises code.
pub(super) fn promises(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (file, syntax) in tree.rust() {
        Macros { path: &file.path, complaints: &mut complaints }.visit_file(syntax);
    }
    for file in tree.files.iter().filter(|file| !NOT_OURS.contains(&file.path.as_str())) {
        for (number, line) in file.lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(note) = words.find(|word| NOTES.contains(word)) {
                complaints.push(Complaint::at(&file.path, number, format!("`{note}` is left")));
            }
        }
    }
    complaints
}

struct Macros<'a> {
    path: &'a str,
    complaints: &'a mut Vec<Complaint>,
}

impl<'ast> Visit<'ast> for Macros<'_> {
    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        let name = found.path.segments.last().map(|segment| &segment.ident);
        if let Some(name) = name.filter(|name| PROMISES.iter().any(|promise| name == promise)) {
            let line = name.span().start().line;
            self.complaints.push(Complaint::at(self.path, line, format!("`{name}!` is left")));
        }
    }
}

/// No path of one machine.
pub(super) fn machines(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| begins_path(line, folder)) {
                let fault = format!("a path under `{folder}`");
                complaints.push(Complaint::at(&file.path, number, fault));
            }
        }
    }
    complaints
}

/// Whether a path in the line begins with the folder, so not in the middle of a longer one.
fn begins_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | '/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_told_in_code_and_comments() {
        for promise in PROMISES {
            let text = format!("fn f() {{ {promise}!(); }}");
            assert_eq!(promises(&Tree::of(&[("a.rs", &text)])).len(), 1, "{text}");
        }
        for note in NOTES {
            for text in [format!("# {note}: later"), format!("x # {note}")] {
                assert_eq!(promises(&Tree::of(&[("a.py", &text)])).len(), 1, "{text}");
            }
            assert!(promises(&Tree::of(&[("a.md", &format!("A{note}"))])).is_empty());
        }
    }

    #[test]
    fn paths_of_a_machine_are_told_and_others_are_not() {
        for folder in MACHINE_FOLDERS {
            let text = format!("open(\"{folder}me/x\")");
            assert_eq!(machines(&Tree::of(&[("a.py", &text)])).len(), 1, "{text}");
            let text = format!("https://example.com{folder}x");
            assert!(machines(&Tree::of(&[("a.md", &text)])).is_empty(), "{text}");
        }
    }
}
