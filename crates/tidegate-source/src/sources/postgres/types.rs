//! PostgreSQL's types and ours.

use tidegate_batch::{Column, DataType, Item, Wire};

/// Numbers that the server's types have in every installation.
pub(super) mod oid {
    pub(in super::super) const BOOL: u32 = 16;
    pub(in super::super) const BYTEA: u32 = 17;
    pub(in super::super) const NAME: u32 = 19;
    pub(in super::super) const INT8: u32 = 20;
    pub(in super::super) const INT2: u32 = 21;
    pub(in super::super) const INT4: u32 = 23;
    pub(in super::super) const TEXT: u32 = 25;
    pub(in super::super) const JSON: u32 = 114;
    pub(in super::super) const FLOAT4: u32 = 700;
    pub(in super::super) const FLOAT8: u32 = 701;
    pub(in super::super) const BPCHAR: u32 = 1042;
    pub(in super::super) const VARCHAR: u32 = 1043;
    pub(in super::super) const DATE: u32 = 1082;
    pub(in super::super) const TIME: u32 = 1083;
    pub(in super::super) const TIMESTAMP: u32 = 1114;
    pub(in super::super) const TIMESTAMPTZ: u32 = 1184;
    pub(in super::super) const INTERVAL: u32 = 1186;
    pub(in super::super) const NUMERIC: u32 = 1700;
    pub(in super::super) const UUID: u32 = 2950;
    pub(in super::super) const JSONB: u32 = 3802;
}

/// Length of a `numeric`'s header inside its modifier.
const MODIFIER_HEADER: i32 = 4;

/// A type of the catalog, domains seen through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CatalogType {
    /// Number of the type.
    pub(super) oid: u32,
    /// Length, or precision and scale; −1 if the column has none.
    pub(super) modifier: i32,
    /// Whether it is a row of named fields.
    pub(super) is_composite: bool,
}

/// Our type for a column, whose items have `item` if it is an array.
pub(super) fn data_type(own: CatalogType, item: Option<Items>) -> DataType {
    match item {
        None => scalar(own),
        Some(Items::Plain(item)) => DataType::List(Box::new(Item::Scalar(scalar(item)))),
        // Arrays of a domain over arrays. As SQL has it, the inner ones are values, not dimensions.
        Some(Items::Arrays) => DataType::List(Box::new(Item::Scalar(DataType::Json))),
    }
}

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    /// Values of a type.
    Plain(CatalogType),
    /// Arrays, by way of a domain.
    Arrays,
}

fn scalar(own: CatalogType) -> DataType {
    match own.oid {
        oid::BOOL => DataType::Boolean,
        oid::INT2 | oid::INT4 | oid::INT8 => DataType::Integer,
        oid::FLOAT4 => DataType::Float32,
        oid::FLOAT8 => DataType::Float64,
        oid::NUMERIC => DataType::Decimal(precision_and_scale(own.modifier)),
        oid::BYTEA => DataType::Bytes,
        oid::DATE => DataType::Date,
        oid::TIME => DataType::Time,
        oid::TIMESTAMP => DataType::Timestamp,
        oid::TIMESTAMPTZ => DataType::TimestampTz,
        oid::UUID => DataType::Uuid,
        oid::INTERVAL => DataType::Interval,
        oid::JSON | oid::JSONB => DataType::Json,
        _ if own.is_composite => DataType::Json,
        _ => DataType::Text,
    }
}

/// Precision and scale of a `numeric`. Since version 15 the scale may be negative or larger than
/// the precision; such a type bounds its values in a way that ours cannot say.
fn precision_and_scale(modifier: i32) -> Option<(u16, u16)> {
    let packed = modifier.checked_sub(MODIFIER_HEADER).filter(|_| modifier >= MODIFIER_HEADER)?;
    let precision = u16::try_from(packed >> 16).ok()?;
    // Eleven bits with a sign.
    let scale = u16::try_from(((packed & 0x7ff) ^ 0x400) - 0x400).ok()?;
    (scale <= precision).then_some((precision, scale))
}

/// Whether a result of type `oid` is laid out as the column says.
pub(super) fn is_layout_of(column: &Column, found: u32) -> bool {
    match &column.data_type {
        DataType::Boolean => found == oid::BOOL,
        DataType::Integer => matches!(found, oid::INT2 | oid::INT4 | oid::INT8),
        DataType::Float32 => found == oid::FLOAT4,
        DataType::Float64 => found == oid::FLOAT8,
        DataType::Decimal(_) => found == oid::NUMERIC,
        DataType::Text => matches!(found, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME),
        DataType::Bytes => found == oid::BYTEA,
        DataType::Date => found == oid::DATE,
        DataType::Time => found == oid::TIME,
        DataType::Timestamp => found == oid::TIMESTAMP,
        DataType::TimestampTz => found == oid::TIMESTAMPTZ,
        DataType::Uuid => found == oid::UUID,
        DataType::Interval => found == oid::INTERVAL,
        DataType::Json | DataType::List(_) => match column.wire {
            Wire::VersionedJson => found == oid::JSONB,
            Wire::Binary | Wire::Digits => matches!(found, oid::JSON | oid::TEXT),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_has_the_precision_and_scale_of_its_modifier() {
        // As `select atttypmod` shows them for numeric(12,2), numeric(5,-2), numeric(2,4) and
        // numeric(1000,1000).
        for (modifier, found) in [
            (786_438, Some((12, 2))),
            (329_730, None),
            (131_080, None),
            (65_537_004, Some((1000, 1000))),
            (-1, None),
        ] {
            assert_eq!(precision_and_scale(modifier), found, "{modifier}");
        }
    }
}
