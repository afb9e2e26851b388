//! How a place in a row is brought into the form that a comparison, a batch or a list wants.

use sea_query::{Expr, ExprTrait, Func};
use tidegate_batch::{DataType, Wire};
use tidegate_model::catalog::CatalogColumn;

use crate::sql::{Operand, constant};

/// Types whose cast to text writes something else than the server does everywhere else: an address
/// always with its mask, a document with its declaration.
const ODD_CASTS: &[(&str, &str)] =
    &[("inet", "inet_out"), ("cidr", "cidr_out"), ("xml", "xml_out")];

/// The operand as text to be searched in.
pub(super) fn searched(operand: &Operand<'_>) -> Expr {
    match operand.column {
        // Bare, so that an index can be used; padding does not belong to the text.
        Some(column) if is_text(column) && !is_padded(column) => operand.expr.clone(),
        Some(column) => text(operand.expr.clone(), column),
        None => operand.expr.clone().cast_as("text"),
    }
}

/// The operand as its field's type: in the select list, in a comparison, in a sort.
pub(super) fn selected(operand: &Operand<'_>) -> Expr {
    let expr = operand.expr.clone();
    let Some(column) = operand.column else {
        return match operand.data_type {
            // A list is made as JSON already, and what comes from a JSON path is text.
            DataType::List(_) | DataType::Text => expr,
            other => expr.cast_as(type_name(other)),
        };
    };
    match (&column.data_type, operand.data_type) {
        (_, DataType::Text) if is_text(column) => expr,
        (_, DataType::Text) => text(expr, column),
        (DataType::Json | DataType::List(_), DataType::Json | DataType::List(_)) => {
            match is_json(column) {
                true => expr,
                false => Func::cust("to_json").arg(expr).into(),
            }
        }
        (DataType::Decimal(_), DataType::Decimal(_)) => expr,
        (from, to) if from == to => expr,
        // With what the column holds checked on the way, not rounded or cut.
        (DataType::Text, DataType::Bytes) => {
            Func::cust("convert_to").args([text(expr, column), constant("UTF8")]).into()
        }
        (_, to) => text(expr, column).cast_as(type_name(to)),
    }
}

/// Layout of the cells that come of [`selected`].
pub(super) fn wire(operand: &Operand<'_>) -> Wire {
    match (operand.column, operand.data_type) {
        (Some(column), DataType::Json | DataType::List(_)) if column.native_type == "jsonb" => {
            Wire::VersionedJson
        }
        _ => Wire::Binary,
    }
}

/// The operand as a value inside JSON.
pub(super) fn in_json(operand: &Operand<'_>) -> Expr {
    let expr = selected(operand);
    match operand.data_type {
        DataType::Bytes => Func::cust("encode").args([expr, constant("hex")]).into(),
        _ => expr,
    }
}

/// The value as the server writes it.
fn text(expr: Expr, column: &CatalogColumn) -> Expr {
    if column.native_type == "text" {
        return expr;
    }
    match ODD_CASTS.iter().find(|(native, _)| *native == column.native_type) {
        Some((_, output)) => Func::cust("textin").arg(Func::cust(*output).arg(expr)).into(),
        None => expr.cast_as("text"),
    }
}

/// Our types by PostgreSQL's names.
fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Integer => "int8",
        DataType::Float32 => "float4",
        DataType::Float64 => "float8",
        DataType::Decimal(_) => "numeric",
        DataType::Text => "text",
        DataType::Bytes => "bytea",
        DataType::Date => "date",
        DataType::Time => "time",
        DataType::Timestamp => "timestamp",
        DataType::TimestampTz => "timestamptz",
        DataType::Uuid => "uuid",
        DataType::Interval => "interval",
        DataType::Json | DataType::List(_) => "json",
    }
}

fn is_json(column: &CatalogColumn) -> bool {
    matches!(column.native_type.as_str(), "json" | "jsonb")
}

/// Whether the column's cells are text as they are.
fn is_text(column: &CatalogColumn) -> bool {
    let native = column.native_type.as_str();
    native == "text" || native.starts_with("character varying") || is_padded(column)
}

/// Whether the column pads its texts with spaces.
pub(super) fn is_padded(column: &CatalogColumn) -> bool {
    let native = column.native_type.as_str();
    native == "bpchar" || native == "character" || native.starts_with("character(")
}
