//! What a source says about its tables, in our types.

use tidegate_batch::DataType;

/// A table or view, by its place in the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct TableName {
    /// Schema (PostgreSQL) or database (MySQL); none means the connection's own.
    pub schema: Option<String>,
    /// Name of the table.
    pub name: String,
}

impl TableName {
    /// Reads `table` or `schema.table`; a name in double quotes may hold dots.
    pub fn parse(text: &str) -> Self {
        let bare = |part: &str| part.trim_matches('"').to_owned();
        match split_at_unquoted_dot(text) {
            Some((schema, name)) => Self { schema: Some(bare(schema)), name: bare(name) },
            None => Self { schema: None, name: bare(text) },
        }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Rows of what: a table or view, or a statement of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table or view.
    Table(TableName),
    /// A `select` that the configuration gives; a source wraps it, and never takes one from a
    /// request.
    Statement(String),
    /// Several tables under one roof (the kinds of `content`), told apart by a `kind` column.
    Union(Vec<UnionMember>),
}

/// One table of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnionMember {
    /// Value of the `kind` column.
    pub kind: String,
    /// Where its rows are.
    pub table: TableName,
    /// For each shared field, its slug and where this table has it. The fields of the union itself
    /// have the origin `Column(slug)`, and `Kind` for the column that tells its members apart.
    pub origins: Vec<(String, crate::field::Origin)>,
}

/// A relation as the source's catalog describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Columns in the source's order.
    pub columns: Vec<CatalogColumn>,
    /// Names of the primary key's columns, or of the first unique key without NULLs.
    pub key: Vec<String>,
    /// Whether it is a table with storage of its own, so that it can be split.
    pub is_base_table: bool,
}

/// A column as the catalog describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Its name.
    pub name: String,
    /// Our type for it.
    pub data_type: DataType,
    /// The source's own name of the type, for people: `character varying(20)`.
    pub native_type: String,
    /// Whether it may hold NULL.
    pub is_nullable: bool,
}

fn split_at_unquoted_dot(text: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_quotes_belongs_to_the_name() {
        assert_eq!(TableName::parse("shop.orders").schema.as_deref(), Some("shop"));
        assert_eq!(TableName::parse("\"a.b\"").name, "a.b");
        assert_eq!(TableName::parse("s.\"a.b\"").name, "a.b");
    }
}
