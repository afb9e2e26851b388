//! Finds names that cannot stand in one record: equal ones, and one that is the parent of another.

use std::collections::HashMap;

use crate::fault::shown;

/// A name that clashes with another of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// Index of the name.
    pub(crate) index: usize,
    /// What is wrong.
    pub(crate) detail: String,
}

/// Clashes in a list of names whose dots nest, each told at the later or the longer name.
pub(crate) fn clashes(names: &[&str]) -> Vec<Clash> {
    let mut first = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        first.entry(*name).or_insert(index);
    }
    let mut clashes = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if first[name] != index {
            let detail = format!("there are two fields named `{}`", shown(name));
            clashes.push(Clash { index, detail });
            continue;
        }
        let parent = name
            .match_indices('.')
            .map(|(at, _)| &name[..at])
            .find(|parent| first.contains_key(parent));
        if let Some(parent) = parent {
            let detail = format!(
                "`{}` cannot be both a value and the parent of `{}`; rename one of them",
                shown(parent),
                shown(name)
            );
            clashes.push(Clash { index, detail });
        }
    }
    clashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes(names: &[&str]) -> Vec<usize> {
        clashes(names).into_iter().map(|clash| clash.index).collect()
    }

    #[test]
    fn equal_names_and_parents_clash_wherever_they_stand() {
        assert_eq!(indexes(&["id", "customer.email", "customer.name", "customers"]), [0; 0]);
        assert_eq!(indexes(&["id", "total", "id"]), [2]);
        assert_eq!(indexes(&["customer", "customer.email"]), [1]);
        assert_eq!(indexes(&["a.b.c", "x", "a"]), [0]);
        assert_eq!(indexes(&["No", "No."]), [1]);
    }
}
