//! One column of a subject: where it comes from, what type it has, whether it is personal.

use tidegate_batch::{DataType, ItemField};

use crate::{catalog::TableName, mask::MaskPolicy};

/// Fields of a subject: a table of MySQL has at most 4,096 columns, more than the other sources'.
pub const FIELDS_MAX: usize = 4_096;

/// A field of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Stable name; dots nest (`profile.phone`).
    pub slug: String,
    /// Name that people read.
    pub label: String,
    /// Type of its values.
    pub data_type: DataType,
    /// Where the source has it.
    pub origin: Origin,
    /// Whether it belongs to the default set, which the list page shows.
    pub is_default: bool,
    /// Whether it is for staff only (a margin, an audit column).
    pub is_internal: bool,
    /// Class of personal data, if any: `email`, `name`, `phone`, …
    pub pii: Option<String>,
    /// What whoever asks is shown of its values. A subject as its source has it shows them all.
    pub mask: MaskPolicy,
}

impl Field {
    /// A field as it is where nothing else is said of it: labelled by its slug, of the default set,
    /// neither internal nor personal, and shown.
    pub fn new(slug: impl Into<String>, data_type: DataType, origin: Origin) -> Self {
        let slug = slug.into();
        Self {
            label: slug.clone(),
            slug,
            data_type,
            origin,
            is_default: true,
            is_internal: false,
            pii: None,
            mask: MaskPolicy::Show,
        }
    }

    /// Whether values can be told apart, so that `eq` and `in` apply and it can be a key.
    pub fn has_equality(&self) -> bool {
        match self.data_type {
            DataType::Boolean
            | DataType::Integer
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal(_)
            | DataType::Text
            | DataType::Date
            | DataType::Time
            | DataType::Timestamp
            | DataType::TimestampTz
            | DataType::Uuid => true,
            DataType::Bytes | DataType::Interval | DataType::Json | DataType::List(_) => false,
        }
    }

    /// Whether one value can be below another, so that `lt` and `between` apply.
    pub fn has_order(&self) -> bool {
        self.has_equality() && !matches!(self.data_type, DataType::Boolean | DataType::Uuid)
    }

    /// Whether records can be sorted by it, by whoever asks.
    pub fn is_sortable(&self) -> bool {
        self.has_equality() && !self.mask.hides()
    }

    /// The field with the type that its values have where they are shown: a hash and a part are
    /// text, whatever they are of.
    #[must_use]
    pub fn as_shown(&self) -> Self {
        let data_type = match self.mask {
            MaskPolicy::Hash | MaskPolicy::Partial => DataType::Text,
            MaskPolicy::Show | MaskPolicy::Redact | MaskPolicy::Drop => self.data_type.clone(),
        };
        Self { data_type, ..self.clone() }
    }

    /// Whether free text can be searched in it: a text by its parts, a number or UUID as a whole.
    pub fn is_searchable(&self) -> bool {
        matches!(
            self.data_type,
            DataType::Text | DataType::Integer | DataType::Decimal(_) | DataType::Uuid
        )
    }

    /// Whether it holds the rows of another table.
    pub fn is_lines(&self) -> bool {
        matches!(self.origin, Origin::Lines { .. })
    }
}

/// Where a field's values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A column of the subject's own relation.
    Column(String),
    /// A place inside a JSON column, taken as text or as the field's type.
    JsonPath {
        /// The JSON column.
        column: String,
        /// Keys from the root, outermost first.
        path: Vec<String>,
    },
    /// A column of a joined table with at most one row for each of ours (`author.name`).
    Joined {
        /// How to reach the table.
        reference: Reference,
        /// Column there.
        column: String,
    },
    /// The rows of another table that belong to ours (order lines), as a list of records.
    Lines {
        /// How to reach the table.
        reference: Reference,
        /// Fields of each record, and the column there of each.
        items: Vec<(ItemField, String)>,
        /// Columns there that order the list.
        order: Vec<String>,
    },
    /// The slug of the kind, in a union.
    Kind,
}

/// How one table's rows refer to another's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The other table.
    pub table: TableName,
    /// Pairs of (our column, their column) that must be equal.
    pub on: Vec<(String, String)>,
}
