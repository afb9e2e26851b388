//! What SQLite's declared types mean.

/// Texts that stand for a boolean, beside the numbers 0 and 1.
pub(super) const BOOLEAN_TEXTS: [(&str, bool); 12] = [
    ("1", true),
    ("t", true),
    ("true", true),
    ("T", true),
    ("TRUE", true),
    ("True", true),
    ("0", false),
    ("f", false),
    ("false", false),
    ("F", false),
    ("FALSE", false),
    ("False", false),
];

/// What a column does to the values that are put into it (<https://sqlite.org/datatype3.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    /// Makes integers of what looks like them.
    Integer,
    /// Makes text of numbers.
    Text,
    /// Leaves everything as it is.
    Blob,
    /// Makes floating point numbers of what looks like a number.
    Real,
    /// Makes numbers of what looks like them.
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type, by SQLite's own five rules.
    pub(super) fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || declared.is_empty() {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }

    /// Whether numbers are stored as numbers.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Real | Self::Numeric)
    }
}
