//! Imports between crates go down the floors only.

use super::{Complaint, Tree};

/// A crate and what it may import.
struct Floor {
    name: &'static str,
    may_import: &'static [&'static str],
}

/// The floors of the house, from the ground up, and what each crate may import.
static FLOORS: &[Floor] = &[
    Floor { name: "tidegate-batch", may_import: &[] },
    Floor { name: "tidegate-format", may_import: &["tidegate-batch"] },
    Floor { name: "tidegate-model", may_import: &["tidegate-batch"] },
    Floor { name: "tidegate-source", may_import: &["tidegate-batch", "tidegate-model"] },
    Floor { name: "tidegate-store", may_import: &["tidegate-model"] },
    Floor {
        name: "tidegate-pipeline",

        may_import: &["tidegate-batch", "tidegate-model", "tidegate-format", "tidegate-source"],
    },
    Floor {
        name: "tidegate-service",

        may_import: &[
            "tidegate-batch",
            "tidegate-model",
            "tidegate-format",
            "tidegate-source",
            "tidegate-pipeline",
            "tidegate-store",
        ],
    },
    Floor { name: "tidegate-http", may_import: &["tidegate-model", "tidegate-service"] },
    Floor {
        name: "tidegate",

        may_import: &[
            "tidegate-batch",
            "tidegate-model",
            "tidegate-format",
            "tidegate-source",
            "tidegate-pipeline",
            "tidegate-store",
            "tidegate-service",
            "tidegate-http",
        ],
    },
    // Beside the house: tests may use the rig, nothing of ours uses the rest.
    Floor { name: TESTKIT, may_import: &[] },
    Floor { name: "xtask", may_import: &[] },
    Floor { name: "bench-peers", may_import: &[] },
];

/// The rig that tests of every crate may use.
const TESTKIT: &str = "tidegate-testkit";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let unknown = tree.crates.iter().filter(|name| floor(name).is_none()).map(|name| {
        Complaint::new(name, "stands on no floor: give it one in xtask/src/tidy/floors.rs")
    });
    let forbidden = tree.edges.iter().filter(|edge| {
        let is_rig = edge.is_dev && edge.to == TESTKIT;
        let may = floor(&edge.from).is_some_and(|from| from.may_import.contains(&edge.to.as_str()));
        !is_rig && !may
    });
    let forbidden =
        forbidden.map(|edge| Complaint::new(&edge.from, format!("may not depend on {}", edge.to)));
    unknown.chain(forbidden).collect()
}

fn floor(name: &str) -> Option<&'static Floor> {
    FLOORS.iter().find(|floor| floor.name == name)
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Edge, *};

    fn with_edge(from: &str, to: &str, is_dev: bool) -> Vec<Complaint> {
        let edge = Edge { from: from.to_owned(), to: to.to_owned(), is_dev };
        check(&Tree { edges: vec![edge], ..Tree::default() })
    }

    #[test]
    fn the_list_itself_only_goes_down() {
        for (height, from) in FLOORS.iter().enumerate() {
            for to in from.may_import {
                let below = FLOORS[..height].iter().any(|floor| floor.name == *to);
                assert!(below, "{} imports {to}", from.name);
            }
        }
    }

    #[test]
    fn an_edge_upward_is_refused() {
        assert!(with_edge("tidegate-pipeline", "tidegate-source", false).is_empty());
        assert_eq!(with_edge("tidegate-source", "tidegate-format", false).len(), 1);
        assert_eq!(with_edge("tidegate-model", "tidegate-pipeline", true).len(), 1);
    }

    #[test]
    fn only_tests_use_the_rig() {
        assert!(with_edge("tidegate-source", TESTKIT, true).is_empty());
        assert_eq!(with_edge("tidegate-source", TESTKIT, false).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_told() {
        let tree = Tree { crates: vec!["tidegate-attic".to_owned()], ..Tree::default() };
        assert_eq!(check(&tree).len(), 1);
    }
}
