//! Holds the house rules that a program can check.

mod documents;
mod floors;
mod leftovers;
mod manifests;
mod modules;
mod names;
mod shape;
mod traits;
mod tree;
mod writers;

use std::fmt;

use anyhow::{Result, bail};

use tree::Tree;

/// A rule broken, and where.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    place: String,
    fault: String,
}

impl Complaint {
    fn new(place: impl Into<String>, fault: impl Into<String>) -> Self {
        Self { place: place.into(), fault: fault.into() }
    }

    fn at(path: &str, line: usize, fault: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), fault)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

/// A rule: looks at the whole checkout, tells what breaks it.
type Rule = fn(&Tree) -> Vec<Complaint>;

/// Every rule, by the name under which its complaints are printed.
static RULES: &[(&str, Rule)] = &[
    ("imports go down the floors only", floors::check),
    ("a file says what it is in its first line", shape::headings),
    ("a file has at most 500 lines without its tests", shape::files),
    ("a function has at most 70 lines", shape::functions),
    ("a line has at most 100 columns", shape::columns),
    ("names are of the field", names::check),
    ("no promises are left in the code", leftovers::promises),
    ("no file knows the machine it was written on", leftovers::machines),
    ("a trait has several implementations, and a suite beside it", traits::check),
    ("what writes control state takes a permit", writers::check),
    ("every file is a module of its crate", modules::orphans),
    ("every test file is in the one test binary of its crate", modules::tests),
    ("every format and source stands in its list", modules::lists),
    ("every invariant names a test that exists", documents::invariants),
    ("links in documents lead somewhere", documents::links),
    ("crates share licence, edition and lints", manifests::check),
];

/// Checks every rule and prints what breaks them.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::checkout()?;
    let mut broken = 0;
    for (name, rule) in RULES {
        let complaints = rule(&tree);
        if complaints.is_empty() {
            continue;
        }
        eprintln!("\n{name}:");
        complaints.iter().for_each(|complaint| eprintln!("  {complaint}"));
        broken += complaints.len();
    }
    match broken {
        0 => println!("tidy: {} files, {} rules, all hold", tree.files.len(), RULES.len()),
        _ => bail!("tidy: {broken} complaints"),
    }
    Ok(())
}
