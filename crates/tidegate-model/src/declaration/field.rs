//! Fields and relations as the configuration declares them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::names::{JsonPath, Names};

/// A field: a table with a slug, or the slug alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct FieldDeclaration {
    /// Stable name; dots nest.
    pub slug: String,
    /// Column of the table, of the relation, or a JSON column; the slug if absent.
    #[serde(default)]
    pub column: Option<String>,
    /// Place inside a JSON column: `"city"`, `"address.city"`, or a list of keys.
    #[serde(default)]
    pub path: Option<JsonPath>,
    /// Name that people read; made from the slug if absent.
    #[serde(default)]
    pub label: Option<String>,
    /// Type of the values; the catalog's if absent.
    #[serde(default, rename = "type")]
    pub data_type: Option<String>,
    /// Whether it belongs to the default set: yes, unless it is internal.
    #[serde(default)]
    pub default: Option<bool>,
    /// Whether it is for staff only.
    #[serde(default)]
    pub internal: bool,
    /// Class of personal data.
    #[serde(default)]
    pub pii: Option<String>,
    /// Relation that holds the values.
    #[serde(default)]
    pub relation: Option<String>,
    /// Fields of each record, where the relation has many; all its columns if absent.
    #[serde(default)]
    pub items: Vec<ItemDeclaration>,
}

/// A field of the records of a list: a table with a slug, or the slug alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ItemDeclaration {
    /// Name in each record.
    pub slug: String,
    /// Column of the relation; the slug if absent.
    #[serde(default)]
    pub column: Option<String>,
    /// Type of the values; the catalog's if absent.
    #[serde(default, rename = "type")]
    pub data_type: Option<String>,
}

/// A table that records refer to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationDeclaration {
    /// Name that fields refer to.
    pub name: String,
    /// The other table.
    pub table: String,
    /// `{ our_column = "their_column" }`.
    pub on: BTreeMap<String, String>,
    /// Whether a record has many rows there, which make a list. If absent, the catalog must show
    /// that there is at most one.
    #[serde(default)]
    pub many: Option<bool>,
    /// Columns there that order the list; their key if absent.
    #[serde(default)]
    pub order: Names,
}

impl<'de> Deserialize<'de> for FieldDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;

        impl<'de> Visitor<'de> for FieldVisitor {
            type Value = FieldDeclaration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the slug of a field, or a table that declares one")
            }

            fn visit_str<E>(self, slug: &str) -> Result<Self::Value, E> {
                Ok(FieldDeclaration { slug: slug.to_owned(), ..Self::Value::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                FieldDeclaration::deserialize(MapAccessDeserializer::new(table))
            }
        }

        deserializer.deserialize_any(FieldVisitor)
    }
}

impl<'de> Deserialize<'de> for ItemDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = ItemDeclaration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the slug of an item, or a table that declares one")
            }

            fn visit_str<E>(self, slug: &str) -> Result<Self::Value, E> {
                Ok(ItemDeclaration { slug: slug.to_owned(), ..Self::Value::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                ItemDeclaration::deserialize(MapAccessDeserializer::new(table))
            }
        }

        deserializer.deserialize_any(ItemVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> FieldDeclaration {
        #[derive(Deserialize)]
        struct Document {
            field: FieldDeclaration,
        }
        toml::from_str::<Document>(&format!("field = {text}")).unwrap().field
    }

    #[test]
    fn a_slug_alone_declares_a_field() {
        assert_eq!(field("'id'"), field("{ slug = 'id' }"));
    }
}
