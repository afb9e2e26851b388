//! What a source runs: checked, typed, with every relative date resolved.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::{catalog::Relation, field::Field};

/// A question to a source. Holds no name that was not found in the subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Rows of what.
    pub relation: Relation,
    /// Fields of the file, in order.
    pub fields: Vec<Selected>,
    /// Key of the subject: breaks ties in the sort, names rows in errors.
    pub key: Vec<Field>,
    /// Which rows.
    pub predicate: Predicate,
    /// Order of the rows; empty leaves it to the source. Ends with the key if not empty.
    pub sort: Vec<SortKey>,
    /// Whether rows must come from one snapshot.
    pub is_consistent: bool,
}

/// A field of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The field.
    pub field: Field,
    /// Name in the file, where it is not the slug.
    pub alias: Option<String>,
    /// Carried along for error messages, not written.
    pub is_hidden: bool,
}

/// One part of an order. NULLs come last either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Field to sort by.
    pub field: Field,
    /// Largest first.
    pub is_descending: bool,
}

/// Which rows. Two-valued: a comparison with NULL is false, and its negation true.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// All of these; true when empty.
    All(Vec<Predicate>),
    /// At least one of these; false when empty.
    Any(Vec<Predicate>),
    /// The opposite.
    Not(Box<Predicate>),
    /// A field against a value.
    Compare {
        /// The field.
        field: Field,
        /// How.
        comparison: Comparison,
        /// With what.
        value: Literal,
    },
    /// A field is one of some values.
    In {
        /// The field.
        field: Field,
        /// The values.
        values: Vec<Literal>,
    },
    /// A field has no value.
    IsNull(Field),
    /// A field's text holds another, letter case aside; `%` and `_` are plain characters.
    Matches {
        /// The field.
        field: Field,
        /// Where in the text.
        place: Place,
        /// The text sought.
        text: String,
    },
    /// The key is one of some keys, each with a value for every field of the key.
    KeyIn {
        /// Fields of the key.
        key: Vec<Field>,
        /// The keys.
        keys: Vec<Vec<Literal>>,
    },
}

impl Predicate {
    /// True of every row.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether every row is meant, so that no condition is needed.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_everything))
    }
}

/// An ordering comparison. Texts compare by their code points, whatever the source's collation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal, letter case included.
    Eq,
    /// Below.
    Lt,
    /// Below or equal.
    Lte,
    /// Above.
    Gt,
    /// Above or equal.
    Gte,
}

/// Where a text is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// At the beginning.
    Start,
    /// At the end.
    End,
}

/// A value of a filter, of its field's type. Dates lie in the years 1 to 9999, times have at most
/// microseconds, and a text holds no NUL.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// True or false.
    Boolean(bool),
    /// Integer.
    Integer(i64),
    /// Exact number in plain notation.
    Decimal(String),
    /// Floating point number.
    Float(f64),
    /// Text, also for types that travel as text.
    Text(String),
    /// Day.
    Date(NaiveDate),
    /// Time of day.
    Time(NaiveTime),
    /// Date and time without a zone.
    Timestamp(NaiveDateTime),
    /// Instant.
    TimestampTz(DateTime<Utc>),
    /// UUID in its canonical text form.
    Uuid(String),
}
