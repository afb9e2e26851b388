//! What the columns of a batch are, fixed before the first row.

use crate::DataType;

/// How a column's cells are written in a batch, where the type leaves a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// PostgreSQL's binary form of the column's type; JSON and lists as text.
    #[default]
    Binary,
    /// JSON or list after a version byte, as `jsonb` sends it.
    VersionedJson,
    /// A decimal as ASCII digits, as SQLite and MySQL give it.
    Digits,
}

/// One column of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Slug of the field; dots nest.
    pub slug: String,
    /// Name in the file, where the request renames the field.
    pub alias: Option<String>,
    /// Type of the values.
    pub data_type: DataType,
    /// Layout of the cells.
    pub wire: Wire,
    /// Carried along (a key for error messages) but not written to the file.
    pub is_hidden: bool,
}

impl Column {
    /// A visible column in plain binary layout.
    pub fn new(slug: impl Into<String>, data_type: DataType) -> Self {
        Self { slug: slug.into(), alias: None, data_type, wire: Wire::Binary, is_hidden: false }
    }

    /// The name under which the column stands in the file.
    pub fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.slug)
    }
}

/// The columns of a batch, in order. Hidden columns come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<Column>,
    visible: usize,
}

impl Schema {
    /// Makes a schema.
    ///
    /// # Panics
    ///
    /// If a visible column follows a hidden one.
    pub fn new(columns: Vec<Column>) -> Self {
        let visible = columns.iter().take_while(|column| !column.is_hidden).count();
        assert!(columns[visible..].iter().all(|column| column.is_hidden), "hidden columns go last");
        Self { columns, visible }
    }

    /// All columns, hidden ones too.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns that are written to the file.
    pub fn visible(&self) -> &[Column] {
        &self.columns[..self.visible]
    }

    /// Cells in a row of a batch, hidden ones too.
    pub fn width(&self) -> usize {
        self.columns.len()
    }
}
