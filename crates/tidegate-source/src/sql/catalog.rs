//! What the catalog says about every relation that a query touches.

use std::collections::BTreeMap;

use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{CatalogColumn, Description, Relation, TableName, UnionMember},
    field::{Field, Origin},
    query::{Predicate, Query},
};

use crate::SourceError;

/// Name of the column that tells the members of a union apart.
pub(crate) const KIND_COLUMN: &str = "kind";

/// Descriptions of a query's relation and of all tables that its fields reach.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    own: Description,
    others: BTreeMap<TableName, Description>,
}

impl Catalog {
    /// Describes all that the query touches, and checks that every column is there.
    ///
    /// # Errors
    ///
    /// If `describe` fails, or a column is missing.
    pub(crate) fn read(
        query: &Query,
        mut describe: impl FnMut(&Relation) -> Result<Description, SourceError>,
    ) -> Result<Self, SourceError> {
        let own = match &query.relation {
            Relation::Union(members) => describe_union(members, &mut describe)?,
            relation @ (Relation::Table(_) | Relation::Statement(_)) => describe(relation)?,
        };
        let mut catalog = Self { own, others: BTreeMap::new() };
        for field in fields_of(query) {
            catalog.learn(&field.origin, &mut describe)?;
        }
        if let Relation::Union(members) = &query.relation {
            for (_, origin) in members.iter().flat_map(|member| &member.origins) {
                catalog.learn(origin, &mut describe)?;
            }
            return Ok(catalog);
        }
        let name = relation_name(&query.relation);
        for field in fields_of(query) {
            catalog.check(&field.origin, &name)?;
        }
        Ok(catalog)
    }

    /// The query's own relation.
    pub(crate) fn own(&self) -> &Description {
        &self.own
    }

    /// Column of the query's own relation.
    pub(crate) fn own_column(&self, name: &str) -> Option<&CatalogColumn> {
        self.own.columns.iter().find(|column| column.name == name)
    }

    /// Column of another table that the query reaches.
    pub(crate) fn other_column(&self, table: &TableName, name: &str) -> Option<&CatalogColumn> {
        self.others.get(table)?.columns.iter().find(|column| column.name == name)
    }

    fn learn(
        &mut self,
        origin: &Origin,
        describe: &mut impl FnMut(&Relation) -> Result<Description, SourceError>,
    ) -> Result<(), SourceError> {
        let (reference, columns): (_, Vec<&String>) = match origin {
            Origin::Column(_) | Origin::JsonPath { .. } | Origin::Kind => return Ok(()),
            Origin::Joined { reference, column } => (reference, vec![column]),
            Origin::Lines { reference, items, order } => {
                (reference, items.iter().map(|(_, column)| column).chain(order).collect())
            }
        };
        let table = &reference.table;
        if !self.others.contains_key(table) {
            let description = describe(&Relation::Table(table.clone()))?;
            self.others.insert(table.clone(), description);
        }
        let there = &self.others[table];
        for column in columns.into_iter().chain(reference.on.iter().map(|(_, theirs)| theirs)) {
            require_column(there, column, &table.to_string())?;
        }
        Ok(())
    }

    fn check(&self, origin: &Origin, name: &str) -> Result<(), SourceError> {
        match origin {
            Origin::Column(column) | Origin::JsonPath { column, .. } => {
                require_column(&self.own, column, name)?;
            }
            Origin::Joined { reference, .. } | Origin::Lines { reference, .. } => {
                for (ours, _) in &reference.on {
                    require_column(&self.own, ours, name)?;
                }
            }
            Origin::Kind => {
                require_column(&self.own, KIND_COLUMN, name)?;
            }
        }
        Ok(())
    }
}

/// A union as its first member describes it: a column for each shared field, and the kind.
///
/// # Errors
///
/// If `describe` fails, or a member lacks a column.
pub(crate) fn describe_union(
    members: &[UnionMember],
    describe: &mut impl FnMut(&Relation) -> Result<Description, SourceError>,
) -> Result<Description, SourceError> {
    let mut columns: Vec<CatalogColumn> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let table = describe(&Relation::Table(member.table.clone()))?;
        for (slug, origin) in &member.origins {
            let column = match origin {
                Origin::Column(column) => {
                    Some(require_column(&table, column, &member.table.to_string())?)
                }
                Origin::JsonPath { column, .. } => {
                    require_column(&table, column, &member.table.to_string())?;
                    None
                }
                Origin::Joined { .. } | Origin::Lines { .. } | Origin::Kind => None,
            };
            if index == 0 {
                columns.push(union_column(slug, column));
            }
        }
    }
    columns.push(union_column(KIND_COLUMN, None));
    Ok(Description { columns, key: Vec::new(), is_base_table: false })
}

fn union_column(slug: &str, column: Option<&CatalogColumn>) -> CatalogColumn {
    let text = CatalogColumn {
        name: String::new(),
        data_type: DataType::Text,
        native_type: "text".to_owned(),
        is_nullable: true,
    };
    CatalogColumn { name: slug.to_owned(), ..column.cloned().unwrap_or(text) }
}

fn require_column<'a>(
    description: &'a Description,
    column: &str,
    table: &str,
) -> Result<&'a CatalogColumn, SourceError> {
    description.columns.iter().find(|known| known.name == column).ok_or_else(|| {
        let known: Vec<&str> = description.columns.iter().map(|known| &*known.name).collect();
        SourceError::UnknownColumn {
            column: column.to_owned(),
            table: table.to_owned(),
            known: known.join(", "),
        }
    })
}

/// How messages call the relation.
pub(crate) fn relation_name(relation: &Relation) -> String {
    match relation {
        Relation::Table(table) => table.to_string(),
        Relation::Statement(_) => "the query of the subject".to_owned(),
        Relation::Union(members) => {
            let tables: Vec<String> =
                members.iter().map(|member| member.table.to_string()).collect();
            tables.join(" + ")
        }
    }
}

/// Every field that the query names.
fn fields_of(query: &Query) -> Vec<&Field> {
    let mut fields: Vec<&Field> = query.fields.iter().map(|selected| &selected.field).collect();
    fields.extend(&query.key);
    fields.extend(query.sort.iter().map(|key| &key.field));
    fields_of_predicate(&query.predicate, &mut fields);
    fields
}

fn fields_of_predicate<'a>(predicate: &'a Predicate, fields: &mut Vec<&'a Field>) {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => {
            parts.iter().for_each(|part| fields_of_predicate(part, fields));
        }
        Predicate::Not(part) => fields_of_predicate(part, fields),
        Predicate::Compare { field, .. }
        | Predicate::In { field, .. }
        | Predicate::IsNull(field)
        | Predicate::Matches { field, .. } => fields.push(field),
        Predicate::KeyIn { key, .. } => fields.extend(key),
    }
}
