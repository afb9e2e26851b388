//! A table of the suite: made by the client, asked for through the source.

use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Predicate, Query, Selected},
};

use super::{Cell, Site};

/// Rows in one `insert`.
const INSERT_ROWS: usize = 500;

/// A table of the suite.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns; the first ones are the key.
    pub columns: Vec<Column>,
    /// How many of the columns are the key.
    pub key: usize,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A column of a table of the suite.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Type of its values.
    pub data_type: DataType,
}

impl Table {
    /// A table with a key of one column.
    pub(super) fn new(name: &str, columns: &[(&str, &str)], rows: Vec<Vec<Cell>>) -> Self {
        let columns = columns
            .iter()
            .map(|(name, data_type)| Column {
                name: (*name).to_owned(),
                data_type: data_type.parse().expect("a type of ours"),
            })
            .collect();
        Self { name: name.to_owned(), columns, key: 1, rows }
    }

    /// Makes the table and fills it.
    pub(crate) fn create(&self, site: &Site<'_>) {
        let quote = site.spelling.quote;
        let name = quote(&self.name);
        let columns: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let null = if at < self.key { " not null" } else { "" };
                let type_name = (site.spelling.type_name)(&column.data_type);
                format!("{} {type_name}{null}", quote(&column.name))
            })
            .collect();
        let key: Vec<String> =
            self.columns[..self.key].iter().map(|column| quote(&column.name)).collect();
        let columns = columns.join(", ");
        let mut script = format!("drop table if exists {name};\n");
        script += &format!("create table {name} ({columns}, primary key ({}));\n", key.join(", "));
        for rows in self.rows.chunks(INSERT_ROWS) {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| {
                    let cells: Vec<String> = row.iter().map(site.spelling.literal).collect();
                    format!("({})", cells.join(", "))
                })
                .collect();
            script += &format!("insert into {name} values {};\n", rows.join(",\n"));
        }
        (site.execute)(&script);
    }

    pub(super) fn table_name(&self) -> TableName {
        TableName { schema: None, name: self.name.clone() }
    }

    pub(super) fn field(&self, name: &str) -> Field {
        let column = &self.columns[self.at(name)];
        field(name, column.data_type.clone(), Origin::Column(name.to_owned()))
    }

    /// Place of a column.
    pub(super) fn at(&self, name: &str) -> usize {
        let place = self.columns.iter().position(|column| column.name == name);
        place.expect("a column of the table")
    }

    pub(super) fn key_fields(&self) -> Vec<Field> {
        self.columns[..self.key].iter().map(|column| self.field(&column.name)).collect()
    }

    /// All columns of all rows.
    pub(super) fn query(&self) -> Query {
        let fields = self.columns.iter().map(|column| self.field(&column.name)).collect();
        query(Relation::Table(self.table_name()), fields, self.key_fields())
    }

    /// The rows at those places.
    pub(super) fn rows_at(&self, places: impl IntoIterator<Item = usize>) -> Vec<Vec<Cell>> {
        places.into_iter().map(|place| self.rows[place].clone()).collect()
    }
}

pub(super) fn field(slug: &str, data_type: DataType, origin: Origin) -> Field {
    Field::new(slug, data_type, origin)
}

/// Those fields of all rows, in no order.
pub(super) fn query(relation: Relation, fields: Vec<Field>, key: Vec<Field>) -> Query {
    Query {
        relation,
        fields: fields
            .into_iter()
            .map(|field| Selected { field, alias: None, is_hidden: false })
            .collect(),
        key,
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    }
}
