//! What PostgreSQL says differently.

use sea_query::{
    Asterisk, Expr, ExprTrait, Func, PostgresQueryBuilder, Query as Sql, SelectStatement, Values,
};
use tidegate_batch::{DataType, Item, Wire};
use tidegate_model::query::Literal;

use crate::sql::{Bind, Binder, Binding, Dialect, Lines, Operand, constant};

/// Longest list that is compared value by value; a longer one becomes a set, which is hashed.
const ANY_VALUES_MAX: usize = 64;

/// PostgreSQL, by the extended protocol or inside a `COPY`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Postgres {
    /// How values reach the statement.
    pub(crate) binding: Binding,
}

/// PostgreSQL by the extended protocol, which streams as fast as `COPY` does and takes values.
pub(super) const POSTGRES: Postgres = Postgres { binding: Binding::Placeholders };

impl Dialect for Postgres {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn render(&self, select: &SelectStatement) -> (String, Values) {
        select.build(PostgresQueryBuilder)
    }

    fn literal(&self, literal: &Literal, operand: &Operand<'_>, binder: &mut Binder) -> Expr {
        let bound = bind_text(literal_text(literal), binder);
        bound.cast_as(literal_type(literal, operand))
    }

    fn compared(&self, operand: &Operand<'_>) -> Expr {
        let expr = operand.expr.clone();
        match (operand.column, operand.data_type) {
            (Some(column), DataType::Text) if !is_text(&column.native_type) => expr.cast_as("text"),
            (Some(_), _) if operand.is_as_declared() => expr,
            (_, data_type) => expr.cast_as(type_name(data_type)),
        }
    }

    fn text(&self, operand: &Operand<'_>) -> Expr {
        operand.expr.clone().cast_as("text")
    }

    fn selected(&self, operand: &Operand<'_>) -> Expr {
        let expr = operand.expr.clone();
        match (operand.column, operand.data_type) {
            (Some(column), DataType::Text) if !is_text(&column.native_type) => expr.cast_as("text"),
            (Some(_), DataType::List(_)) => Func::cust("to_json").arg(expr).into(),
            (Some(_), _) if operand.is_as_declared() => expr,
            (None, DataType::List(_)) => expr,
            (_, data_type) => expr.cast_as(type_name(data_type)),
        }
    }

    fn wire(&self, operand: &Operand<'_>) -> Wire {
        match (operand.column, operand.data_type) {
            (Some(column), DataType::Json) if column.native_type == "jsonb" => Wire::VersionedJson,
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
        let path = bind_text(array_text(path.iter().map(String::as_str)), binder).cast_as("text[]");
        let function = match data_type {
            DataType::Json => "jsonb_extract_path",
            _ => "jsonb_extract_path_text",
        };
        let column = column.cast_as("jsonb");
        Expr::cust_with_exprs(format!("{function}($1, VARIADIC $2)"), [column, path])
    }

    fn lines(&self, lines: Lines<'_>, _binder: &mut Binder) -> Expr {
        let mut rows = lines.rows;
        for (item, operand) in &lines.items {
            let expr = match operand.data_type {
                DataType::Bytes => {
                    Func::cust("encode").arg(operand.expr.clone()).arg(constant("hex")).into()
                }
                _ => operand.expr.clone(),
            };
            rows.expr_as(expr, item.slug.clone());
        }
        for order in lines.order {
            rows.order_by_expr(order, sea_query::Order::Asc);
        }
        let row = Func::cust("row_to_json").arg(Expr::col(("r", Asterisk)));
        let list = Func::coalesce([Func::cust("json_agg").arg(row).into(), constant("[]")]);
        let select = Sql::select().expr(list).from_subquery(rows, "r").to_owned();
        Expr::SubQuery(None, Box::new(select.into()))
    }

    fn is_in(&self, operand: &Operand<'_>, literals: &[Literal], binder: &mut Binder) -> Expr {
        let array = array(literals.iter(), operand, binder);
        let left = self.compared(operand);
        if literals.len() <= ANY_VALUES_MAX {
            let any: Expr = Func::cust("ANY").arg(array).into();
            return left.eq(any);
        }
        left.in_subquery(Sql::select().expr(Func::cust("unnest").arg(array)).to_owned())
    }

    fn keys_in(&self, key: &[Operand<'_>], keys: &[Vec<Literal>], binder: &mut Binder) -> Expr {
        let left: Vec<Expr> = key.iter().map(|operand| self.compared(operand)).collect();
        let arrays: Vec<Expr> = key
            .iter()
            .enumerate()
            .map(|(at, operand)| array(keys.iter().filter_map(|key| key.get(at)), operand, binder))
            .collect();
        let unnest = Func::cust("unnest").args(arrays);
        let rows = Sql::select().column(Asterisk).from_function(unnest, "k").to_owned();
        Expr::tuple(left).in_subquery(rows)
    }
}

/// Every value travels as text and is cast in the statement, in both bindings alike.
fn bind_text(text: String, binder: &mut Binder) -> Expr {
    binder.bind(Bind::Text(text)).cast_as("text")
}

/// The literals as one array of the type that the operand compares with.
fn array<'a>(
    literals: impl Iterator<Item = &'a Literal> + Clone,
    operand: &Operand<'_>,
    binder: &mut Binder,
) -> Expr {
    let name = literals.clone().next().map_or("text", |literal| literal_type(literal, operand));
    let texts: Vec<String> = literals.map(literal_text).collect();
    let text = array_text(texts.iter().map(String::as_str));
    bind_text(text, binder).cast_as(format!("{name}[]"))
}

/// An array in PostgreSQL's own notation, every item quoted.
fn array_text<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = items
        .map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    format!("{{{}}}", quoted.join(","))
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Boolean(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Decimal(text) | Literal::Text(text) | Literal::Uuid(text) => text.clone(),
        Literal::Date(value) => value.to_string(),
        Literal::Time(value) => value.to_string(),
        Literal::Timestamp(value) => value.to_string(),
        Literal::TimestampTz(value) => value.to_rfc3339(),
    }
}

/// Type that makes the comparison the column's own.
fn literal_type(literal: &Literal, operand: &Operand<'_>) -> &'static str {
    match literal {
        Literal::Boolean(_) => "boolean",
        Literal::Integer(_) => "int8",
        Literal::Decimal(_) => "numeric",
        Literal::Float(_) => "float8",
        // A `char(n)` is padded with spaces that mean nothing.
        Literal::Text(_) if operand.column.is_some_and(|column| is_padded(&column.native_type)) => {
            "bpchar"
        }
        Literal::Text(_) => "text",
        Literal::Date(_) => "date",
        Literal::Time(_) => "time",
        Literal::Timestamp(_) => "timestamp",
        Literal::TimestampTz(_) => "timestamptz",
        Literal::Uuid(_) => "uuid",
    }
}

/// Our types by PostgreSQL's names.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Integer => "int8".to_owned(),
        DataType::Float32 => "float4".to_owned(),
        DataType::Float64 => "float8".to_owned(),
        DataType::Decimal(_) => "numeric".to_owned(),
        DataType::Text => "text".to_owned(),
        DataType::Bytes => "bytea".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Time => "time".to_owned(),
        DataType::Timestamp => "timestamp".to_owned(),
        DataType::TimestampTz => "timestamptz".to_owned(),
        DataType::Uuid => "uuid".to_owned(),
        DataType::Interval => "interval".to_owned(),
        DataType::Json => "json".to_owned(),
        DataType::List(item) => match &**item {
            Item::Scalar(item) => format!("{}[]", type_name(item)),
            Item::Record(_) => "json".to_owned(),
        },
    }
}

fn is_text(native_type: &str) -> bool {
    native_type == "text" || native_type.starts_with("character") || is_padded(native_type)
}

fn is_padded(native_type: &str) -> bool {
    native_type == "bpchar" || native_type == "character" || native_type.starts_with("character(")
}
