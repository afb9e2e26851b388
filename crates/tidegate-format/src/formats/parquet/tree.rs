//! The schema that readers see: dotted slugs nest into groups, lists follow the three-level form.

use arrow_schema::{Field, Schema as ArrowSchema};
use tidegate_batch::Schema;

use super::leaf::Leaf;
use crate::{
    FormatError,
    flatten::{self, Node},
};

/// A column's place in the file.
pub(super) struct Slot {
    /// Column of the batch.
    pub(super) column: usize,
    pub(super) leaf: Leaf,
    /// The file's schema as if it had this column only.
    pub(super) schema: ArrowSchema,
}

/// The file's schema, and its columns in the file's order.
pub(super) struct Tree {
    pub(super) schema: ArrowSchema,
    pub(super) slots: Vec<Slot>,
}

impl Tree {
    /// Builds the tree of the visible columns.
    ///
    /// # Errors
    ///
    /// If two columns have the same name, or one is the parent of another.
    pub(super) fn of(schema: &Schema) -> Result<Self, FormatError> {
        let nodes = flatten::tree(schema)?;
        let mut walk = Walk { schema, path: Vec::new(), slots: Vec::new() };
        let fields: Vec<Field> = nodes.iter().map(|node| walk.field(node)).collect();
        Ok(Self { schema: ArrowSchema::new(fields), slots: walk.slots })
    }
}

/// A walk through the tree, in the order of its leaves.
struct Walk<'a> {
    schema: &'a Schema,
    /// Names of the groups around.
    path: Vec<&'a str>,
    slots: Vec<Slot>,
}

impl<'a> Walk<'a> {
    fn field(&mut self, node: &'a Node) -> Field {
        match node {
            Node::Leaf { name, column } => {
                let leaf = Leaf::of(&self.schema.columns()[*column].data_type);
                let field = Field::new(name, leaf.logical(), true);
                let alone = self
                    .path
                    .iter()
                    .rev()
                    .fold(field.clone(), |field, name| group(name, vec![field]));
                self.slots.push(Slot {
                    column: *column,
                    leaf,
                    schema: ArrowSchema::new(vec![alone]),
                });
                field
            }
            Node::Branch { name, nodes } => {
                self.path.push(name);
                let fields = nodes.iter().map(|node| self.field(node)).collect();
                self.path.pop();
                group(name, fields)
            }
        }
    }
}

/// A group is only a prefix of names and never NULL itself; its columns may be.
fn group(name: &str, fields: Vec<Field>) -> Field {
    Field::new_struct(name, fields, false)
}

#[cfg(test)]
mod tests {
    use tidegate_batch::{Column, DataType};

    use super::*;

    #[test]
    fn columns_of_one_group_stand_together() {
        let names = ["a.x", "b", "a.y.z", "c"];
        let columns = names.map(|name| Column::new(name, DataType::Integer)).to_vec();
        let tree = Tree::of(&Schema::new(columns)).unwrap();
        let order: Vec<usize> = tree.slots.iter().map(|slot| slot.column).collect();
        assert_eq!(order, [0, 2, 1, 3]);
        let names: Vec<&str> =
            tree.schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(!tree.schema.field(0).is_nullable());
    }
}
