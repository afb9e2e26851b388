//! Places in an order as text, in a form that compares as the server sorts.

use sea_query::{Expr, ExprTrait};
use tidegate_batch::DataType;

use super::{dialect::text_of, native};
use crate::sql::{Bind, Binder, Operand};

/// What the server sorts a field's values as.
enum Sorted {
    /// A number of its own: bit strings by their bits, the words of a list by their place in it.
    Rank,
    /// A whole number, or a decimal.
    Number,
    /// A floating point number.
    Float,
    /// A time, by the name of its type.
    Time(&'static str),
    /// Octets.
    Octets,
    /// Text, by its collation.
    Text,
}

impl Sorted {
    fn of(operand: &Operand<'_>) -> Self {
        let is = |test: fn(&tidegate_model::catalog::CatalogColumn) -> bool| {
            operand.column.is_some_and(test)
        };
        match operand.data_type {
            DataType::Text if is(native::is_ranked) => Self::Rank,
            DataType::Boolean | DataType::Integer | DataType::Decimal(_) => Self::Number,
            DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Date => Self::Time("DATE"),
            DataType::Time => Self::Time("TIME(6)"),
            DataType::Timestamp | DataType::TimestampTz => Self::Time("DATETIME(6)"),
            DataType::Bytes | DataType::Uuid
                if !is(native::is_uuid) && !is(native::is_character) =>
            {
                Self::Octets
            }
            DataType::Text
            | DataType::Bytes
            | DataType::Uuid
            | DataType::Interval
            | DataType::Json
            | DataType::List(_) => Self::Text,
        }
    }
}

/// What is compared with an anchor; `sorted` is what the sort takes.
pub(super) fn placed(sorted: Expr, operand: &Operand<'_>) -> Expr {
    match Sorted::of(operand) {
        // Compared with a text, they would be texts.
        Sorted::Rank => Expr::cust_with_exprs("? + 0", [sorted]),
        Sorted::Number | Sorted::Float | Sorted::Time(_) | Sorted::Octets | Sorted::Text => sorted,
    }
}

/// The place as text.
pub(super) fn written(sorted: Expr, operand: &Operand<'_>) -> Expr {
    match Sorted::of(operand) {
        Sorted::Rank => Expr::cust_with_exprs("CAST(? + 0 AS CHAR)", [sorted]),
        // With all the digits of a double, also where the column has fewer.
        Sorted::Float => Expr::cust_with_exprs("CAST(? + 0e0 AS CHAR)", [sorted]),
        Sorted::Octets => Expr::cust_with_exprs("HEX(?)", [sorted]),
        Sorted::Number | Sorted::Time(_) => sorted.cast_as("CHAR"),
        Sorted::Text => text_of(operand),
    }
}

/// The value that the text tells.
pub(super) fn read(text: &str, operand: &Operand<'_>, binder: &mut Binder) -> Option<Expr> {
    Some(match Sorted::of(operand) {
        Sorted::Rank | Sorted::Number => match text.parse() {
            Ok(whole) => binder.bind(Bind::Integer(whole)),
            Err(_) => {
                let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                binder.bind_text(text).cast_as(format!("DECIMAL(65,{scale})"))
            }
        },
        Sorted::Float => binder.bind(Bind::Float(text.parse().ok()?)),
        Sorted::Time(name) => binder.bind_text(text).cast_as(name),
        Sorted::Octets => Expr::cust_with_exprs("UNHEX(?)", [binder.bind_text(text)]),
        Sorted::Text => binder.bind_text(text),
    })
}
