//! Nesting of columns, computed once from the schema: `profile.phone` is `phone` in `profile`.

use tidegate_batch::{Column, Schema};

use crate::FormatError;

/// A name in the file that holds a column's values or further names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The values of a column.
    Leaf {
        /// Name at this level.
        name: String,
        /// Column in the schema, from 0.
        column: usize,
    },
    /// Names that share a prefix.
    Branch {
        /// Name at this level.
        name: String,
        /// What stands below, in the order of first appearance.
        nodes: Vec<Node>,
    },
}

impl Node {
    /// Name at this level.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Leaf { name, .. } | Self::Branch { name, .. } => name,
        }
    }
}

/// The visible columns as a tree, in the order in which names first appear.
///
/// The dots of a slug nest. An alias is what somebody wants to read, and is taken as it is.
///
/// # Errors
///
/// If a name comes twice, or is the prefix of another.
pub(crate) fn tree(schema: &Schema) -> Result<Vec<Node>, FormatError> {
    let mut nodes = Vec::new();
    for (index, column) in schema.visible().iter().enumerate() {
        let path: Vec<&str> = match &column.alias {
            Some(alias) => vec![alias],
            None => column.slug.split('.').collect(),
        };
        insert(&mut nodes, &path, index, column, schema)?;
    }
    Ok(nodes)
}

fn insert(
    nodes: &mut Vec<Node>,
    path: &[&str],
    index: usize,
    column: &Column,
    schema: &Schema,
) -> Result<(), FormatError> {
    let (name, below) = path.split_first().expect("a path has a part");
    let found = nodes.iter_mut().find(|node| node.name() == *name);
    match (found, below.is_empty()) {
        (None, true) => nodes.push(Node::Leaf { name: (*name).to_owned(), column: index }),
        (None, false) => {
            let mut inner = Vec::new();
            insert(&mut inner, below, index, column, schema)?;
            nodes.push(Node::Branch { name: (*name).to_owned(), nodes: inner });
        }
        (Some(Node::Branch { nodes, .. }), false) => insert(nodes, below, index, column, schema)?,
        (Some(Node::Leaf { .. }), true) => {
            return Err(FormatError::DuplicateColumn { name: column.name().to_owned() });
        }
        (Some(Node::Leaf { column: parent, .. }), false) => {
            let name = schema.columns()[*parent].name().to_owned();
            return Err(FormatError::PrefixColumn { name, nested: column.name().to_owned() });
        }
        (Some(Node::Branch { nodes, .. }), true) => {
            let nested = schema.columns()[first_column(nodes)].name().to_owned();
            return Err(FormatError::PrefixColumn { name: column.name().to_owned(), nested });
        }
    }
    Ok(())
}

fn first_column(nodes: &[Node]) -> usize {
    match &nodes[0] {
        Node::Leaf { column, .. } => *column,
        Node::Branch { nodes, .. } => first_column(nodes),
    }
}

/// Makes sure that no two visible columns have the same name, for formats that do not nest.
///
/// # Errors
///
/// If two have.
pub(crate) fn check_flat_names(schema: &Schema) -> Result<(), FormatError> {
    let mut names = std::collections::HashSet::new();
    match schema.visible().iter().find(|column| !names.insert(column.name())) {
        Some(column) => Err(FormatError::DuplicateColumn { name: column.name().to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tidegate_batch::DataType;

    fn schema(names: &[&str]) -> Schema {
        let columns = names.iter().map(|name| match name.split_once(" as ") {
            None => Column::new(*name, DataType::Text),
            Some((slug, alias)) => {
                Column { alias: Some(alias.to_owned()), ..Column::new(slug, DataType::Text) }
            }
        });
        Schema::new(columns.collect())
    }

    fn shape(nodes: &[Node]) -> String {
        let names = nodes.iter().map(|node| match node {
            Node::Leaf { name, column } => format!("{name}={column}"),
            Node::Branch { name, nodes } => format!("{name}({})", shape(nodes)),
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_nest_even_when_they_stand_apart() {
        let nodes = tree(&schema(&["id", "a.b", "c", "a.d.e", "a.d.f", "c2", "a.g"])).unwrap();
        assert_eq!(shape(&nodes), "id=0 a(b=1 d(e=3 f=4) g=6) c=2 c2=5");
    }

    #[test]
    fn an_alias_is_taken_as_it_is() {
        let nodes = tree(&schema(&["x as a.b", "a.c", "y as E-mail"])).unwrap();
        assert_eq!(shape(&nodes), "a.b=0 a(c=1) E-mail=2");
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        for names in [&["a", "a"][..], &["a.b", "c", "a.b"], &["x as a", "a"]] {
            assert!(matches!(tree(&schema(names)), Err(FormatError::DuplicateColumn { .. })));
            let flat = check_flat_names(&schema(names));
            assert!(matches!(flat, Err(FormatError::DuplicateColumn { .. })), "{names:?}");
        }
        assert!(check_flat_names(&schema(&["a", "A", "x as b"])).is_ok());
    }

    #[test]
    fn a_name_that_is_the_prefix_of_another_is_refused() {
        for names in [&["a", "a.b"][..], &["a.b", "a"], &["a.b.c", "a.b"], &["x as a", "a.b.c"]] {
            let error = tree(&schema(names)).unwrap_err();
            assert!(matches!(error, FormatError::PrefixColumn { .. }), "{names:?}");
        }
        let error = tree(&schema(&["customer.email", "x as customer"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`customer` cannot be both a value and the parent of `customer.email`"
        );
    }
}
