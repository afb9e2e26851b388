//! Our type for each type of the server.

use mysql_async::{
    Column,
    consts::{ColumnFlags, ColumnType},
};
use tidegate_batch::DataType;

use super::native;

/// Character set of octets.
const BINARY_CHARSET: u16 = 63;
/// Digits of the largest `bigint unsigned`, which no 64-bit integer holds.
const UNSIGNED_DIGITS: u16 = 20;
/// Type of a `bigint unsigned`.
const UNSIGNED: DataType = DataType::Decimal(Some((UNSIGNED_DIGITS, 0)));

/// A column's type as `information_schema.columns` has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NativeType<'a> {
    /// Bare name: `decimal`.
    pub(super) name: &'a str,
    /// In full: `decimal(12,2) unsigned`.
    pub(super) full: &'a str,
    /// Digits of a decimal.
    pub(super) precision: Option<u16>,
    /// Digits of a decimal behind the point.
    pub(super) scale: Option<u16>,
    /// Whether a check constraint admits JSON only, which is what MariaDB's `json` is.
    pub(super) is_checked_json: bool,
}

/// Our type for a column of a table.
pub(super) fn of_column(native: NativeType<'_>) -> DataType {
    match native.name {
        "tinyint" if native.full == "tinyint(1)" => DataType::Boolean,
        "bigint" if native.full.contains("unsigned") => UNSIGNED,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => DataType::Integer,
        "decimal" => DataType::Decimal(native.precision.zip(native.scale)),
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "date" => DataType::Date,
        "time" => DataType::Time,
        "datetime" => DataType::Timestamp,
        "timestamp" => DataType::TimestampTz,
        "json" => DataType::Json,
        "longtext" if native.is_checked_json => DataType::Json,
        "uuid" => DataType::Uuid,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" => {
            DataType::Bytes
        }
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => DataType::Bytes,
        // char, varchar, the texts, enum, set, bit, inet4, inet6, and what is new.
        _ => DataType::Text,
    }
}

/// Our type for a column of a statement's result, and a name for it.
pub(super) fn of_result(column: &Column) -> (DataType, String) {
    let is_unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    let is_binary = column.character_set() == BINARY_CHARSET;
    let (data_type, name) = match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY if column.column_length() == 1 && !is_unsigned => {
            (DataType::Boolean, "tinyint(1)")
        }
        ColumnType::MYSQL_TYPE_LONGLONG if is_unsigned => (UNSIGNED, "bigint unsigned"),
        ColumnType::MYSQL_TYPE_TINY => (DataType::Integer, "tinyint"),
        ColumnType::MYSQL_TYPE_SHORT => (DataType::Integer, "smallint"),
        ColumnType::MYSQL_TYPE_INT24 => (DataType::Integer, "mediumint"),
        ColumnType::MYSQL_TYPE_LONG => (DataType::Integer, "int"),
        ColumnType::MYSQL_TYPE_LONGLONG => (DataType::Integer, "bigint"),
        ColumnType::MYSQL_TYPE_YEAR => (DataType::Integer, "year"),
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
            (DataType::Decimal(decimal_digits(column, is_unsigned)), "decimal")
        }
        ColumnType::MYSQL_TYPE_FLOAT => (DataType::Float32, "float"),
        ColumnType::MYSQL_TYPE_DOUBLE => (DataType::Float64, "double"),
        ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => (DataType::Date, "date"),
        ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => (DataType::Time, "time"),
        ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => {
            (DataType::Timestamp, "datetime")
        }
        ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => {
            (DataType::TimestampTz, "timestamp")
        }
        ColumnType::MYSQL_TYPE_JSON => (DataType::Json, "json"),
        ColumnType::MYSQL_TYPE_GEOMETRY => (DataType::Bytes, "geometry"),
        ColumnType::MYSQL_TYPE_BIT => (DataType::Text, "bit"),
        ColumnType::MYSQL_TYPE_STRING
        | ColumnType::MYSQL_TYPE_VAR_STRING
        | ColumnType::MYSQL_TYPE_VARCHAR
        | ColumnType::MYSQL_TYPE_TINY_BLOB
        | ColumnType::MYSQL_TYPE_BLOB
        | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
        | ColumnType::MYSQL_TYPE_LONG_BLOB
            if is_binary =>
        {
            (DataType::Bytes, "blob")
        }
        // Texts; also the types that the protocol is yet to get.
        _ => (DataType::Text, native::COMPUTED_TEXT),
    };
    (data_type, name.to_owned())
}

/// Precision and scale, from the room that the server gives a decimal when it prints it.
fn decimal_digits(column: &Column, is_unsigned: bool) -> Option<(u16, u16)> {
    let scale = u16::from(column.decimals());
    let point = u16::from(scale > 0);
    let sign = u16::from(!is_unsigned);
    let room = u16::try_from(column.column_length()).ok()?;
    let precision = room.checked_sub(point + sign)?;
    (scale <= precision && precision > 0).then_some((precision, scale))
}
