//! Documents that can rot: links that lead nowhere, invariants that no test guards.

use super::{Complaint, Tree, tree::File};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const INVARIANTS: &str = "## Invariants";
/// The page of what is promised: each of its tables is of promises and their tests.
const GUARANTEES: &str = "docs/concepts/guarantees.md";

/// Each row of the table of invariants, and each promise, ends with the tests that guard it.
pub(super) fn invariants(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = guarded_invariants(tree);
    let promises = tree.file(GUARANTEES).into_iter().flat_map(File::lines);
    let is_row = |line: &str| line.starts_with("| ") && !line.starts_with("| ---");
    let promises = promises.filter(|(_, line)| is_row(line) && !line.starts_with("| promise "));
    for (number, row) in promises {
        complaints.extend(unguarded(tree, GUARANTEES, number, row));
    }
    complaints
}

fn guarded_invariants(tree: &Tree) -> Vec<Complaint> {
    let Some(file) = tree.file(ARCHITECTURE) else {
        return vec![Complaint::new(ARCHITECTURE, "is not there")];
    };
    let section = file.lines().skip_while(|(_, line)| *line != INVARIANTS).skip(1);
    let section = section.take_while(|(_, line)| !line.starts_with("## "));
    // The first two rows of a table are its head.
    let rows: Vec<(usize, &str)> =
        section.filter(|(_, line)| line.starts_with('|')).skip(2).collect();
    if rows.is_empty() {
        return vec![Complaint::new(ARCHITECTURE, format!("has no table under `{INVARIANTS}`"))];
    }
    rows.into_iter().flat_map(|(number, row)| unguarded(tree, ARCHITECTURE, number, row)).collect()
}

/// What is wrong with the tests that a row names.
fn unguarded(tree: &Tree, path: &str, number: usize, row: &str) -> Vec<Complaint> {
    let tests = quoted(row.trim_end_matches('|').rsplit('|').next().unwrap_or_default());
    if tests.is_empty() {
        return vec![Complaint::at(path, number, "names no test")];
    }
    let gone = tests.iter().filter(|test| !is_test(tree, test));
    gone.map(|test| Complaint::at(path, number, format!("no test `{test}`"))).collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether a test of that name exists. Property tests stand inside a macro, so the text decides.
fn is_test(tree: &Tree, name: &str) -> bool {
    let opening = format!("fn {name}(");
    tree.files.iter().filter(|file| file.path.ends_with(".rs")).any(|file| {
        file.text.match_indices(&opening).any(|(at, _)| {
            let attributes = file.text[..at].rsplit("\n\n").next().unwrap_or_default();
            attributes.contains("#[test]") || attributes.contains("#[tokio::test")
        })
    })
}

/// Links within the checkout lead to files, and to headings in them.
pub(super) fn links(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in file.lines() {
            for target in targets(line).filter(|target| !resolves(tree, file, target)) {
                complaints.push(Complaint::at(&file.path, number, format!("no `{target}`")));
            }
        }
    }
    complaints
}

/// Targets of the links and images in a line, those of other sites left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let markdown = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let html = line.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    markdown.chain(html).filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

fn resolves(tree: &Tree, from: &File, target: &str) -> bool {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.path.clone() } else { join(&from.path, path) };
    let folder = format!("{path}/");
    let exists = tree.paths.iter().any(|known| *known == path || known.starts_with(&folder));
    exists && (anchor.is_empty() || tree.file(&path).is_some_and(|file| has_heading(file, anchor)))
}

/// The path of `target`, seen from the file `from`.
fn join(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn has_heading(file: &File, anchor: &str) -> bool {
    let headings = file.lines().filter_map(|(_, line)| line.strip_prefix('#'));
    headings.map(|line| slug(line.trim_start_matches('#').trim())).any(|heading| heading == anchor)
}

/// The anchor of a heading, as forges make it.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn architecture(rows: &str) -> String {
        format!("# A\n\n{INVARIANTS}\n\n| what | test |\n| --- | --- |\n{rows}\n## More\n| x |\n")
    }

    #[test]
    fn an_invariant_without_a_living_test_is_told() {
        let code = (
            "a.rs",
            "#[test]\nfn holds() {}\n\nfn other() {}\n\n/// Why.\n#[test]\nfn also() {}\n",
        );
        for (row, faults) in [
            ("| Sums hold. | `holds`, `also` |", 0),
            ("| Sums hold. | `gone` |", 1),
            ("| Sums hold. | `other` |", 1),
            ("| `holds` | none |", 1),
            ("", 1),
        ] {
            let text = architecture(row);
            let tree = Tree::of(&[(ARCHITECTURE, text.as_str()), code]);
            assert_eq!(invariants(&tree).len(), faults, "{row}");
        }
        assert_eq!(invariants(&Tree::of(&[code])).len(), 1);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let guide = ("docs/guide.md", "# The guide: how?\n");
        for (link, faults) in [
            ("[a](docs/guide.md)", 0),
            ("[a](docs/)", 0),
            ("[a](docs/guide.md#the-guide-how)", 0),
            ("[a](#top)", 0),
            ("[a](https://example.com/x)", 0),
            ("[a](docs/gone.md)", 1),
            ("[a](docs/guide.md#gone)", 1),
            ("![a](docs/gone.svg) and [b](gone.md)", 2),
            ("<img src=\"docs/gone.svg\">", 1),
        ] {
            let text = format!("# Top\n{link}\n");
            let tree = Tree::of(&[("README.md", text.as_str()), guide]);
            assert_eq!(links(&tree).len(), faults, "{link}");
        }
        let up = Tree::of(&[("docs/a/b.md", "[a](../guide.md)"), guide]);
        assert!(links(&up).is_empty());
    }
}
