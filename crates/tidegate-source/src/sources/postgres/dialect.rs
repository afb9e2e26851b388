//! What PostgreSQL says differently.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use sea_query::{
    Asterisk, Expr, ExprTrait, Func, PostgresQueryBuilder, Query as Sql, SelectStatement, Values,
    extension::postgres::PgBinOper,
};
use tidegate_batch::{DataType, Wire};
use tidegate_model::query::{Literal, Place};

use super::{cast, nul};
use crate::{
    SourceError,
    sql::{Bind, Binder, Dialect, JsonPlace, Lines, Operand, constant, like_pattern},
};

/// Longest list that is compared value by value; a longer one becomes a set, which is hashed.
const ANY_VALUES_MAX: usize = 64;
/// Longest name of a column, and so the longest key that a row gives as JSON.
const NAME_BYTES_MAX: usize = 63;

/// PostgreSQL, by the extended protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Postgres;

impl Dialect for Postgres {
    fn render(&self, select: &SelectStatement) -> (String, Values) {
        select.build(PostgresQueryBuilder)
    }

    fn literal(&self, literal: &Literal, operand: &Operand<'_>, binder: &mut Binder) -> Expr {
        let name = literal_type(std::iter::once(literal), operand);
        match literal_text(literal) {
            Some(text) => bind_text(text, binder).cast_as(name),
            None => nothing().cast_as(name),
        }
    }

    fn compared(&self, operand: &Operand<'_>) -> Expr {
        cast::selected(operand)
    }

    fn text(&self, operand: &Operand<'_>) -> Expr {
        cast::searched(operand)
    }

    fn selected(&self, operand: &Operand<'_>) -> Expr {
        cast::selected(operand)
    }

    fn wire(&self, operand: &Operand<'_>) -> Wire {
        cast::wire(operand)
    }

    fn json_path(&self, place: JsonPlace<'_>, binder: &mut Binder) -> Expr {
        let has_marks = place.column.is_some_and(|column| nul::may_hold(&column.native_type));
        let document = match has_marks {
            true => nul::marked(place.document, binder),
            false => place.document,
        };
        let path = array_text(place.path.iter().map(String::as_str));
        let path = bind_text(path, binder).cast_as("text[]");
        let function = match place.data_type {
            DataType::Json => "jsonb_extract_path",
            _ => "jsonb_extract_path_text",
        };
        let parts = [document.cast_as("jsonb"), path];
        let found = Expr::cust_with_exprs(format!("{function}($1, VARIADIC $2)"), parts);
        if has_marks { nul::unmarked(found, binder) } else { found }
    }

    fn lines(&self, lines: Lines<'_>, binder: &mut Binder) -> Expr {
        let mut rows = lines.rows;
        let has_long_slug = lines.items.iter().any(|(item, _)| item.slug.len() > NAME_BYTES_MAX);
        let record: Expr = if has_long_slug {
            let pairs = lines.items.iter().flat_map(|(item, operand)| {
                [bind_text(item.slug.clone(), binder), cast::in_json(operand)]
            });
            let object = Func::cust("json_build_object").args(pairs);
            rows.expr_as(object, "o");
            Expr::col(("r", "o"))
        } else {
            for (item, operand) in &lines.items {
                rows.expr_as(cast::in_json(operand), item.slug.clone());
            }
            Func::cust("row_to_json").arg(Expr::col(("r", Asterisk))).into()
        };
        for order in lines.order {
            rows.order_by_expr(order, sea_query::Order::Asc);
        }
        let list = Func::coalesce([Func::cust("json_agg").arg(record).into(), constant("[]")]);
        let select = Sql::select().expr(list).from_subquery(rows, "r").to_owned();
        Expr::SubQuery(None, Box::new(select.into()))
    }

    fn sorted(&self, operand: &Operand<'_>) -> Expr {
        match operand.is_as_declared() {
            // By the type's own order, which an index may have: an enumeration's is its list.
            true => operand.expr.clone(),
            false => cast::selected(operand),
        }
    }

    fn anchor(&self, operand: &Operand<'_>) -> Expr {
        self.sorted(operand).cast_as("text")
    }

    fn anchored(
        &self,
        text: &str,
        _operand: &Operand<'_>,
        binder: &mut Binder,
    ) -> Result<Expr, SourceError> {
        // Without a cast: the server reads it as a value of what it is compared with.
        Ok(binder.bind_text(text))
    }

    fn seeks_by_rows(&self) -> bool {
        true
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
        // A key with a part that no row can have is left out whole, so that the parts stay level.
        let keys = || keys.iter().filter(|key| key.iter().all(|part| literal_text(part).is_some()));
        let arrays: Vec<Expr> = key
            .iter()
            .enumerate()
            .map(|(at, operand)| array(keys().filter_map(|key| key.get(at)), operand, binder))
            .collect();
        let unnest = Func::cust("unnest").args(arrays);
        let rows = Sql::select().column(Asterisk).from_function(unnest, "k").to_owned();
        Expr::tuple(left).in_subquery(rows)
    }

    fn matches(
        &self,
        operand: &Operand<'_>,
        place: Place,
        text: &str,
        binder: &mut Binder,
    ) -> Expr {
        let text = text_of_server(text.to_owned());
        let pattern = match text.map(|text| like_pattern(place, &text)) {
            Some(pattern) => bind_text(pattern, binder),
            None => nothing().cast_as("text"),
        };
        // With `ilike` an index of trigrams can help, which knows nothing of `lower`.
        let pattern = Func::cust("like_escape").args([pattern, constant("!")]);
        self.text(operand).binary(PgBinOper::ILike, pattern)
    }
}

/// Every value travels as text and is cast in the statement.
pub(super) fn bind_text(text: String, binder: &mut Binder) -> Expr {
    binder.bind(Bind::Text(text)).cast_as("text")
}

/// NULL: equal to nothing, as is a text that the server cannot hold.
fn nothing() -> Expr {
    constant(sea_query::Value::String(None))
}

/// The literals as one array of the type that the operand compares with.
fn array<'a>(
    literals: impl Iterator<Item = &'a Literal> + Clone,
    operand: &Operand<'_>,
    binder: &mut Binder,
) -> Expr {
    let name = literal_type(literals.clone(), operand);
    let texts: Vec<String> = literals.filter_map(literal_text).collect();
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

/// The text, unless it holds a NUL, which no text of PostgreSQL does.
fn text_of_server(text: String) -> Option<String> {
    (!text.contains('\0')).then_some(text)
}

fn literal_text(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::Boolean(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Decimal(text) | Literal::Text(text) | Literal::Uuid(text) => {
            return text_of_server(text.clone());
        }
        Literal::Date(value) => day(*value, ""),
        Literal::Time(value) => value.to_string(),
        Literal::Timestamp(value) => timestamp(*value, ""),
        Literal::TimestampTz(value) => timestamp(value.naive_utc(), "+00"),
    })
}

fn timestamp(value: NaiveDateTime, zone: &str) -> String {
    day(value.date(), &format!(" {}{zone}", value.time()))
}

/// A date as the server reads it: without a sign, and with its mark for years before Christ.
fn day(date: NaiveDate, rest: &str) -> String {
    let (year, month, day) = (date.year(), date.month(), date.day());
    match year {
        1.. => format!("{year:04}-{month:02}-{day:02}{rest}"),
        _ => format!("{:04}-{month:02}-{day:02}{rest} BC", 1 - year),
    }
}

/// Type that makes the comparison the column's own, so that its index can be used.
fn literal_type<'a>(
    literals: impl Iterator<Item = &'a Literal>,
    operand: &Operand<'_>,
) -> &'static str {
    let mut names = literals.map(|literal| one_literal_type(literal, operand));
    let first = names.next().unwrap_or("text");
    // Numbers of several types compare as the type that holds them all.
    if names.all(|name| name == first) { first } else { "numeric" }
}

fn one_literal_type(literal: &Literal, operand: &Operand<'_>) -> &'static str {
    match (literal, operand.data_type) {
        // 1.1 as a `real` is another number than 1.1 as a `double precision`.
        (Literal::Integer(_) | Literal::Decimal(_), DataType::Float32) => "float4",
        (Literal::Float(value), DataType::Float32) if value.abs() <= f64::from(f32::MAX) => {
            "float4"
        }
        (Literal::Integer(_) | Literal::Decimal(_), DataType::Float64) => "float8",
        (Literal::Integer(_) | Literal::Float(_), DataType::Decimal(_)) => "numeric",
        (Literal::Boolean(_), _) => "boolean",
        (Literal::Integer(_), _) => "int8",
        (Literal::Decimal(_), _) => "numeric",
        (Literal::Float(_), _) => "float8",
        // A `char(n)` is padded with spaces that mean nothing.
        (Literal::Text(_), _) if operand.column.is_some_and(cast::is_padded) => "bpchar",
        (Literal::Text(_), _) => "text",
        (Literal::Date(_), _) => "date",
        (Literal::Time(_), _) => "time",
        (Literal::Timestamp(_), _) => "timestamp",
        (Literal::TimestampTz(_), _) => "timestamptz",
        (Literal::Uuid(_), _) => "uuid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_server_reads_them() {
        let date = |year| NaiveDate::from_ymd_opt(year, 3, 9).unwrap();
        assert_eq!(day(date(2024), ""), "2024-03-09");
        assert_eq!(day(date(12_024), ""), "12024-03-09");
        assert_eq!(day(date(0), ""), "0001-03-09 BC");
        let noon = date(-43).and_hms_opt(12, 0, 0).unwrap();
        assert_eq!(timestamp(noon, "+00"), "0044-03-09 12:00:00+00 BC");
    }

    #[test]
    fn an_item_of_an_array_keeps_its_quotes_and_backslashes() {
        assert_eq!(array_text(["a", "b\"\\", ""].into_iter()), r#"{"a","b\"\\",""}"#);
    }
}
