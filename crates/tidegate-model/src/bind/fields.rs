//! Types the declared fields by the catalog, or takes all columns where none is declared.

use tidegate_batch::{Item, ItemField};

use super::{
    Catalog, label,
    relation::{BoundRelation, column, unknown_column},
};
use crate::{
    DataType,
    catalog::{CatalogColumn, Description, Relation},
    declaration::{FieldDeclaration, ItemDeclaration, RelationDeclaration},
    fault::{FaultList, shown},
    field::{FIELDS_MAX, Field, Origin},
    nesting::clashes,
    pointer::Pointer,
};

/// What a subject or a kind declares about its records.
pub(super) struct Shape<'a> {
    pub(super) relation: &'a Relation,
    pub(super) fields: &'a [FieldDeclaration],
    pub(super) relations: &'a [RelationDeclaration],
    pub(super) catalog: &'a Catalog,
}

impl Shape<'_> {
    /// The description of its own relation.
    pub(super) fn description(&self) -> Option<&Description> {
        self.catalog.get(self.relation)
    }

    /// Name of its own relation, for messages.
    pub(super) fn name(&self) -> String {
        match self.relation {
            Relation::Table(table) => table.to_string(),
            Relation::Statement(_) | Relation::Union(_) => "query".to_owned(),
        }
    }

    /// Binds the fields.
    pub(super) fn bind(&self, at: &Pointer<'_>, faults: &mut FaultList) -> Vec<Field> {
        let Some(own) = self.description() else {
            let member = if let Relation::Table(_) = self.relation { "table" } else { "query" };
            let detail = format!("`{}` was not described", shown(&self.name()));
            faults.add(&at.member(member), detail);
            return Vec::new();
        };
        let list = at.member("relations");
        let mut relations = Vec::new();
        for (index, declared) in self.relations.iter().enumerate() {
            let at = list.index(index);
            relations.extend(BoundRelation::bind(declared, self, own, (&at, faults)));
        }
        if self.fields.is_empty() {
            return self.all_columns(own, at, faults);
        }
        let list = at.member("fields");
        let binder = Binder { own, name: self.name(), relations: &relations };
        let mut fields = Vec::with_capacity(self.fields.len());
        for (index, declared) in self.fields.iter().enumerate() {
            fields.extend(binder.bind(declared, &list.index(index), faults));
        }
        let is_whole = fields.len() == self.fields.len();
        if is_whole && !fields.iter().any(|field| field.is_default) {
            faults.add(&list, "no field is in the default set, so the list page would be empty");
        }
        fields
    }

    fn all_columns(
        &self,
        own: &Description,
        at: &Pointer<'_>,
        faults: &mut FaultList,
    ) -> Vec<Field> {
        let names: Vec<&str> = own.columns.iter().map(|column| column.name.as_str()).collect();
        let mut details: Vec<String> = clashes(&names).into_iter().map(|c| c.detail).collect();
        if names.len() > FIELDS_MAX {
            details.push(format!("there are {} columns, more than {FIELDS_MAX}", names.len()));
        }
        if names.iter().any(|name| name.is_empty() || name.chars().any(char::is_control)) {
            details.push("a column's name is empty or holds control characters".to_owned());
        }
        for detail in details {
            let name = self.name();
            let remedy = "declare `fields` to choose columns and give them other slugs";
            faults.add(at, format!("`{}`: {detail}; {remedy}", shown(&name)));
        }
        own.columns.iter().map(field_of_column).collect()
    }
}

fn field_of_column(column: &CatalogColumn) -> Field {
    Field {
        label: label(None, &column.name),
        ..Field::new(
            column.name.clone(),
            column.data_type.clone(),
            Origin::Column(column.name.clone()),
        )
    }
}

struct Binder<'a> {
    own: &'a Description,
    name: String,
    relations: &'a [BoundRelation<'a>],
}

impl Binder<'_> {
    fn bind(
        &self,
        declared: &FieldDeclaration,
        at: &Pointer<'_>,
        faults: &mut FaultList,
    ) -> Option<Field> {
        let (catalog_type, origin) = match &declared.relation {
            Some(name) => {
                // A relation that is not there was told of when the declaration was checked.
                let relation = self.relations.iter().find(|relation| relation.name == *name)?;
                related(declared, relation, at, faults)?
            }
            None => self.own(declared, at, faults)?,
        };
        let data_type = declared_type(declared.data_type.as_deref()).unwrap_or(catalog_type);
        if let Origin::JsonPath { .. } = origin
            && !is_type_of_path(&data_type)
        {
            let detail = format!("a value inside a JSON column cannot be taken as {data_type}");
            faults.add(&at.member("type"), detail);
        }
        Some(Field {
            label: label(declared.label.as_deref(), &declared.slug),
            is_default: !declared.internal && declared.default != Some(false),
            is_internal: declared.internal,
            pii: declared.pii.clone(),
            ..Field::new(declared.slug.clone(), data_type, origin)
        })
    }

    /// A field of the subject's own table.
    fn own(
        &self,
        declared: &FieldDeclaration,
        at: &Pointer<'_>,
        faults: &mut FaultList,
    ) -> Option<(DataType, Origin)> {
        let name = declared.column.as_ref().unwrap_or(&declared.slug);
        let Some(column) = column(self.own, name) else {
            let detail = unknown_column(name, &self.name, self.own);
            faults.add(&place_of(declared.column.as_ref(), at), detail);
            return None;
        };
        let Some(path) = &declared.path else {
            return Some((column.data_type.clone(), Origin::Column(name.clone())));
        };
        if !matches!(column.data_type, DataType::Json | DataType::Text) {
            let detail = format!("column `{}` is {}, not JSON", shown(name), column.data_type);
            faults.add(&at.member("path"), detail);
        }
        Some((DataType::Text, Origin::JsonPath { column: name.clone(), path: path.0.clone() }))
    }
}

/// A field of a joined table, or the list of its rows.
fn related(
    declared: &FieldDeclaration,
    relation: &BoundRelation<'_>,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Option<(DataType, Origin)> {
    if relation.is_many {
        let items = items(&declared.items, relation, at, faults);
        let record = items.iter().map(|(item, _)| item.clone()).collect();
        let reference = relation.reference.clone();
        let origin = Origin::Lines { reference, items, order: relation.order.clone() };
        return Some((DataType::List(Box::new(Item::Record(record))), origin));
    }
    // `author.name` is most likely the column `name` of `author`.
    let last = declared.slug.rsplit('.').next().unwrap_or(&declared.slug);
    let name = declared.column.as_deref().unwrap_or(last);
    let Some(column) = column(relation.description, name) else {
        let table = relation.reference.table.to_string();
        let detail = unknown_column(name, &table, relation.description);
        faults.add(&place_of(declared.column.as_ref(), at), detail);
        return None;
    };
    let reference = relation.reference.clone();
    Some((column.data_type.clone(), Origin::Joined { reference, column: name.to_owned() }))
}

/// The declared items, or all columns but those that repeat our own.
fn items(
    declared: &[ItemDeclaration],
    relation: &BoundRelation<'_>,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Vec<(ItemField, String)> {
    if declared.is_empty() {
        let repeats = |name: &str| relation.reference.on.iter().any(|(_, theirs)| theirs == name);
        let columns = relation.description.columns.iter();
        return columns
            .filter(|column| !repeats(&column.name))
            .map(|column| (item_field(&column.name, &column.data_type), column.name.clone()))
            .collect();
    }
    let list = at.member("items");
    let mut items = Vec::with_capacity(declared.len());
    for (index, item) in declared.iter().enumerate() {
        let name = item.column.as_ref().unwrap_or(&item.slug);
        match column(relation.description, name) {
            Some(column) => {
                let data_type = declared_type(item.data_type.as_deref());
                let data_type = data_type.as_ref().unwrap_or(&column.data_type);
                items.push((item_field(&item.slug, data_type), name.clone()));
            }
            None => {
                let table = relation.reference.table.to_string();
                let detail = unknown_column(name, &table, relation.description);
                faults.add(&place_of(item.column.as_ref(), &list.index(index)), detail);
            }
        }
    }
    items
}

fn item_field(slug: &str, data_type: &DataType) -> ItemField {
    ItemField { slug: slug.to_owned(), data_type: data_type.clone() }
}

/// The declared type; one that cannot be read was told of when the declaration was checked.
fn declared_type(text: Option<&str>) -> Option<DataType> {
    text?.parse().ok()
}

fn place_of<'a>(column: Option<&String>, at: &'a Pointer<'a>) -> Pointer<'a> {
    match column {
        Some(_) => at.member("column"),
        None => *at,
    }
}

/// Whether every source can take a value inside a JSON document as this type.
fn is_type_of_path(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Integer
        | DataType::Float64
        | DataType::Decimal(_)
        | DataType::Text
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz
        | DataType::Uuid
        | DataType::Json => true,
        DataType::Float32 | DataType::Bytes | DataType::Interval | DataType::List(_) => false,
    }
}
