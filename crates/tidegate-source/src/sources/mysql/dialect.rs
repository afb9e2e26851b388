//! What MySQL and MariaDB say differently.

use sea_query::{Expr, ExprTrait, Func, Keyword, MysqlQueryBuilder, SelectStatement, Values};
use tidegate_batch::{DataType, Wire};
use tidegate_model::query::{Comparison, Literal};

use crate::sql::{
    Bind, Binder, Binding, Dialect, Lines, Operand, comparison_operator, constant, is_in_list,
    keys_in_list,
};

/// MySQL and MariaDB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MySql;

impl Dialect for MySql {
    fn binding(&self) -> Binding {
        Binding::Placeholders
    }

    fn render(&self, select: &SelectStatement) -> (String, Values) {
        select.build(MysqlQueryBuilder)
    }

    fn literal(&self, literal: &Literal, _operand: &Operand<'_>, binder: &mut Binder) -> Expr {
        match literal {
            Literal::Boolean(value) => binder.bind(Bind::Boolean(*value)),
            Literal::Integer(value) => binder.bind(Bind::Integer(*value)),
            Literal::Float(value) => binder.bind(Bind::Float(*value)),
            // 65 digits, 30 of them behind the point, is all that the type can have.
            Literal::Decimal(text) => binder.bind_text(text).cast_as("DECIMAL(65,30)"),
            Literal::Text(text) | Literal::Uuid(text) => binder.bind_text(text),
            Literal::Date(value) => binder.bind_text(value.to_string()).cast_as("DATE"),
            Literal::Time(value) => binder.bind_text(value.to_string()).cast_as("TIME(6)"),
            Literal::Timestamp(value) => binder.bind_text(value.to_string()).cast_as("DATETIME(6)"),
            Literal::TimestampTz(value) => {
                binder.bind_text(value.naive_utc().to_string()).cast_as("DATETIME(6)")
            }
        }
    }

    fn compared(&self, operand: &Operand<'_>) -> Expr {
        let expr = operand.expr.clone();
        if operand.is_as_declared() {
            return expr;
        }
        match operand.data_type {
            DataType::Integer => expr.cast_as("SIGNED"),
            DataType::Decimal(_) => expr.cast_as("DECIMAL(65,30)"),
            DataType::Float32 | DataType::Float64 => expr.cast_as("DOUBLE"),
            DataType::Date => expr.cast_as("DATE"),
            DataType::Time => expr.cast_as("TIME(6)"),
            DataType::Timestamp | DataType::TimestampTz => expr.cast_as("DATETIME(6)"),
            DataType::Boolean
            | DataType::Text
            | DataType::Bytes
            | DataType::Uuid
            | DataType::Interval
            | DataType::Json
            | DataType::List(_) => expr.cast_as("CHAR"),
        }
    }

    fn text(&self, operand: &Operand<'_>) -> Expr {
        operand.expr.clone().cast_as("CHAR")
    }

    fn selected(&self, operand: &Operand<'_>) -> Expr {
        operand.expr.clone()
    }

    fn wire(&self, operand: &Operand<'_>) -> Wire {
        match operand.data_type {
            DataType::Decimal(_) => Wire::Digits,
            _ => Wire::Binary,
        }
    }

    fn json_path(
        &self,
        column: Expr,
        path: &[String],
        data_type: &DataType,
        binder: &mut Binder,
    ) -> Expr {
        let path: String = path
            .iter()
            .map(|key| format!(".\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        let found =
            Func::cust("JSON_EXTRACT").arg(column).arg(binder.bind_text(format!("${path}")));
        match data_type {
            DataType::Json => found.into(),
            _ => {
                // A JSON null is no value.
                let text = Func::cust("JSON_UNQUOTE").arg(found.clone());
                let is_null = Expr::from(Func::cust("JSON_TYPE").arg(found)).eq(constant("NULL"));
                Func::cust("IF").arg(is_null).arg(Expr::Keyword(Keyword::Null)).arg(text).into()
            }
        }
    }

    fn lines(&self, lines: Lines<'_>, binder: &mut Binder) -> Expr {
        let mut parts = Vec::with_capacity(2 * lines.items.len());
        for (item, operand) in &lines.items {
            parts.push(binder.bind_text(&item.slug));
            parts.push(match operand.data_type {
                DataType::Bytes => {
                    let hex = Func::cust("HEX").arg(operand.expr.clone());
                    Func::lower(hex).into()
                }
                _ => operand.expr.clone(),
            });
        }
        let object: Expr = Func::cust("JSON_OBJECT").args(parts).into();
        // A derived table cannot see the row outside, so that the order stands in the aggregate.
        let order = vec!["?"; lines.order.len()].join(", ");
        let order = if order.is_empty() { order } else { format!(" ORDER BY {order}") };
        let list = Expr::cust_with_exprs(
            format!("CONCAT('[', COALESCE(GROUP_CONCAT(?{order} SEPARATOR ','), ''), ']')"),
            std::iter::once(object).chain(lines.order),
        );
        let mut rows = lines.rows;
        rows.expr(list);
        Expr::SubQuery(None, Box::new(rows.into()))
    }

    fn compare(
        &self,
        operand: &Operand<'_>,
        comparison: Comparison,
        literal: &Literal,
        binder: &mut Binder,
    ) -> Expr {
        let left = self.compared(operand);
        let right = self.literal(literal, operand, binder);
        let plain = left.clone().binary(comparison_operator(comparison), right.clone());
        match (comparison, literal) {
            // The collation's equality finds the index, the octets' heeds case and spaces.
            (Comparison::Eq, Literal::Text(_)) => plain.and(octets(left).eq(octets(right))),
            _ => plain,
        }
    }

    fn is_in(&self, operand: &Operand<'_>, literals: &[Literal], binder: &mut Binder) -> Expr {
        let left = self.compared(operand);
        let plain =
            is_in_list(left.clone(), literals, |literal| self.literal(literal, operand, binder));
        if !matches!(literals.first(), Some(Literal::Text(_))) {
            return plain;
        }
        plain.and(is_in_list(octets(left), literals, |literal| {
            octets(self.literal(literal, operand, binder))
        }))
    }

    fn keys_in(&self, key: &[Operand<'_>], keys: &[Vec<Literal>], binder: &mut Binder) -> Expr {
        let left: Vec<Expr> = key.iter().map(|operand| self.compared(operand)).collect();
        let plain =
            keys_in_list(left.clone(), keys, |literal, at| self.literal(literal, &key[at], binder));
        if !keys.iter().flatten().any(|literal| matches!(literal, Literal::Text(_))) {
            return plain;
        }
        let left = left.into_iter().map(octets).collect();
        plain.and(keys_in_list(left, keys, |literal, at| {
            octets(self.literal(literal, &key[at], binder))
        }))
    }
}

/// The text as it is stored, without a collation.
fn octets(text: Expr) -> Expr {
    text.cast_as("BINARY")
}
