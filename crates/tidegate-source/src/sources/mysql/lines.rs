//! The rows of another table that belong to one of ours, as a JSON array.

use sea_query::{Expr, Func};
use tidegate_batch::DataType;

use super::{dialect::text_of, native};
use crate::sql::{Binder, Lines, Operand};

/// The subquery that gives the array. `json_arrayagg` takes no order in MySQL, and a derived table
/// that is ordered cannot see the row outside; `group_concat` can both everywhere. Should a limit
/// cut it, the reader sees the server's warning, and that the array is not whole.
pub(super) fn array(lines: Lines<'_>, binder: &mut Binder) -> Expr {
    let mut parts = Vec::with_capacity(2 * lines.items.len());
    for (item, operand) in &lines.items {
        parts.push(binder.bind_text(&item.slug));
        parts.push(value(operand));
    }
    let object: Expr = Func::cust("JSON_OBJECT").args(parts).into();
    // NULLs come last.
    let order = vec!["? IS NULL, ?"; lines.order.len()].join(", ");
    let order = if order.is_empty() { order } else { format!(" ORDER BY {order}") };
    let list = Expr::cust_with_exprs(
        format!("CONCAT('[', COALESCE(GROUP_CONCAT(?{order} SEPARATOR ','), ''), ']')"),
        std::iter::once(object).chain(lines.order.into_iter().flat_map(|by| [by.clone(), by])),
    );
    let mut rows = lines.rows;
    rows.expr(list);
    Expr::SubQuery(None, Box::new(rows.into()))
}

/// A value so that it stands in the JSON with nothing lost.
fn value(operand: &Operand<'_>) -> Expr {
    let expr = operand.expr.clone();
    match operand.data_type {
        DataType::Bytes => Func::lower(Func::cust("HEX").arg(expr)).into(),
        DataType::Uuid if operand.column.is_some_and(native::is_binary) => {
            Func::cust("HEX").arg(expr).into()
        }
        // Otherwise MariaDB would print six digits of a float, and zeros in front.
        DataType::Float32 | DataType::Float64 => Expr::cust_with_exprs("? + 0e0", [expr]),
        DataType::Integer | DataType::Decimal(_)
            if operand.column.is_some_and(native::is_zero_filled) =>
        {
            Expr::cust_with_exprs("? + 0", [expr])
        }
        DataType::Text | DataType::Uuid => text_of(operand),
        // An ISO 8601 duration; a negative one has its sign before the number.
        DataType::Interval => Expr::cust_with_exprs("CONCAT('PT', TIME_TO_SEC(?), 'S')", [expr]),
        // As JSON, not as a text that holds some.
        DataType::Json | DataType::List(_) => {
            Func::cust("JSON_EXTRACT").arg(expr).arg(Expr::cust("'$'")).into()
        }
        DataType::Boolean
        | DataType::Integer
        | DataType::Decimal(_)
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz => expr,
    }
}
