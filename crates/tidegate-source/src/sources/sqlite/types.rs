//! What SQLite's declared types mean.
//!
//! SQLite takes any word as a type. The first rule that fits decides; letter case does not matter:
//!
//! | declared | our type |
//! | --- | --- |
//! | nothing, `any` | text, whatever is there |
//! | `interval`, `point` | text (they hold `int` by accident) |
//! | begins with `bool` | boolean |
//! | `uuid`, `guid`, `uniqueidentifier` | uuid |
//! | begins with `json` | json |
//! | begins with `datetime` or `timestamp` | timestamptz: text without an offset is UTC |
//! | begins with `date` | date |
//! | begins with `time` | time |
//! | holds `int` | integer |
//! | holds `char`, `clob`, `text`, `string` | text |
//! | holds `blob`, `binary`, `bytea` | bytes |
//! | holds `real`, `floa`, `doub` | float |
//! | begins with `dec`, `num`, `money` | decimal, with precision and scale where declared |
//! | anything else | text, whatever is there |

use tidegate_batch::DataType;

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

/// Our type for a declared one.
pub(super) fn data_type(declared: &str) -> DataType {
    let declared = declared.trim().to_ascii_uppercase();
    let word = declared.split(['(', ' ']).next().unwrap_or_default();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    let begins = |parts: &[&str]| parts.iter().any(|part| word.starts_with(part));
    if matches!(word, "" | "ANY" | "INTERVAL" | "POINT") {
        DataType::Text
    } else if begins(&["BOOL"]) {
        DataType::Boolean
    } else if matches!(word, "UUID" | "GUID" | "UNIQUEIDENTIFIER") {
        DataType::Uuid
    } else if begins(&["JSON"]) {
        DataType::Json
    } else if begins(&["DATETIME", "TIMESTAMP"]) {
        DataType::TimestampTz
    } else if begins(&["DATE"]) {
        DataType::Date
    } else if begins(&["TIME"]) {
        DataType::Time
    } else if has(&["INT"]) {
        DataType::Integer
    } else if has(&["CHAR", "CLOB", "TEXT", "STRING"]) {
        DataType::Text
    } else if has(&["BLOB", "BINARY", "BYTEA"]) {
        DataType::Bytes
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        DataType::Float64
    } else if begins(&["DEC", "NUM", "MONEY"]) {
        DataType::Decimal(precision_and_scale(&declared))
    } else {
        DataType::Text
    }
}

/// `(12,2)` of `DECIMAL(12,2)`; a scale that is not said is 0.
fn precision_and_scale(declared: &str) -> Option<(u16, u16)> {
    let (_, rest) = declared.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    (precision > 0 && scale <= precision).then_some((precision, scale))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_declared_type_has_one_of_ours() {
        for (declared, ours) in [
            ("", "text"),
            ("any", "text"),
            ("INTEGER", "integer"),
            ("unsigned big int", "integer"),
            ("tinyint(1)", "integer"),
            ("bool", "boolean"),
            ("BOOLEAN", "boolean"),
            ("varchar(20)", "text"),
            ("NATIVE CHARACTER(70)", "text"),
            ("clob", "text"),
            ("blob", "bytes"),
            ("VARBINARY(16)", "bytes"),
            ("double precision", "float"),
            ("float", "float"),
            ("real", "float"),
            ("decimal", "decimal"),
            ("decimal(12,2)", "decimal(12,2)"),
            ("NUMERIC( 38 , 10 )", "decimal(38,10)"),
            ("numeric(10)", "decimal(10,0)"),
            ("decimal(2,5)", "decimal"),
            ("money", "decimal"),
            ("date", "date"),
            ("datetime", "timestamptz"),
            ("timestamp with time zone", "timestamptz"),
            ("TIMESTAMPTZ", "timestamptz"),
            ("time", "time"),
            ("uuid", "uuid"),
            ("UNIQUEIDENTIFIER", "uuid"),
            ("json", "json"),
            ("JSONB", "json"),
            ("interval", "text"),
            ("inet", "text"),
        ] {
            assert_eq!(data_type(declared).to_string(), ours, "{declared}");
        }
    }
}
