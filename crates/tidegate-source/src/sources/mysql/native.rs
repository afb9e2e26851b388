//! What a column's type is, by the server's own name of it.

use tidegate_model::catalog::CatalogColumn;

/// What stands between a type and its character set, unless that is the usual one.
const CHARACTER_SET: &str = " character set ";
/// The character set that can hold every text, and that sessions speak.
const USUAL_CHARACTER_SET: &str = "utf8mb4";
/// A text of a statement, whose character set nobody tells.
pub(super) const COMPUTED_TEXT: &str = "computed text";

/// The name of a type together with its character set, where that decides how texts compare.
pub(super) fn with_character_set(column_type: String, character_set: Option<&str>) -> String {
    match character_set {
        Some(set) if set != USUAL_CHARACTER_SET => format!("{column_type}{CHARACTER_SET}{set}"),
        _ => column_type,
    }
}

/// Whether the column holds text, in whatever character set.
pub(super) fn is_character(column: &CatalogColumn) -> bool {
    let first = column.native_type.split(['(', ' ']).next().unwrap_or_default();
    matches!(
        first,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
    ) || column.native_type == COMPUTED_TEXT
}

/// Whether the column holds text in the session's character set.
pub(super) fn is_utf8mb4(column: &CatalogColumn) -> bool {
    let native_type = &column.native_type;
    // Names of an `enum` may hold anything, but nothing comes behind the character set's name.
    let has_other_set = native_type
        .rsplit_once(CHARACTER_SET)
        .is_some_and(|(_, set)| set.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    is_character(column) && !has_other_set && native_type != COMPUTED_TEXT
}

/// Whether the column is of MariaDB's own type for identifiers.
pub(super) fn is_uuid(column: &CatalogColumn) -> bool {
    column.native_type == "uuid"
}

/// Whether the column holds octets.
pub(super) fn is_binary(column: &CatalogColumn) -> bool {
    column.native_type.starts_with("binary") || column.native_type.starts_with("varbinary")
}

/// Whether the server sorts the column by a number that its texts do not show: the bits of a bit
/// string, the place of a word in its list.
pub(super) fn is_ranked(column: &CatalogColumn) -> bool {
    ["bit(", "enum(", "set("].iter().any(|name| column.native_type.starts_with(name))
}

/// Length of a bit string.
pub(super) fn bits(column: &CatalogColumn) -> Option<u32> {
    column.native_type.strip_prefix("bit(")?.strip_suffix(')')?.parse().ok()
}

/// Whether the server would print zeros in front of the number.
pub(super) fn is_zero_filled(column: &CatalogColumn) -> bool {
    column.native_type.ends_with(" zerofill")
}
