//! What SQLite says differently.
//!
//! Its columns hold what one puts into them, so that a comparison must know what a value means
//! before it compares. Where the stored form decides nothing (an instant may be written in many
//! ways), one of our functions brings both sides into one form; see [`super::functions`].

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SubsecRound, Timelike, Utc};
use sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, Keyword, SelectStatement, SqliteQueryBuilder,
    Values,
};
use tidegate_batch::{DataType, Wire};
use tidegate_model::query::{Comparison, Literal, Place};

use super::{
    anchor,
    types::{Affinity, BOOLEAN_TEXTS},
};
use crate::{
    SourceError,
    sql::{
        Bind, Binder, Dialect, JsonPlace, Lines, Operand, Purpose, any_of, comparison_operator,
        constant, is_in_list,
    },
};

/// Longest list that is compared value by value; SQLite has 32,766 parameters for a statement.
const IN_VALUES_MAX: usize = 100;

/// What `json_valid` should take for JSON, as all functions of JSON do: JSON5 and JSONB too.
const ANY_JSON: i32 = 2 | 8;

/// SQLite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sqlite;

/// How a field's values compare.
enum Form {
    /// As they are stored.
    Stored,
    /// As text, whatever is stored; equality by octets.
    Text,
    /// As one of several stored forms of the same value.
    Variants,
    /// Through one of our functions.
    Function(&'static str),
    /// As a number that SQLite makes of the text.
    Number(&'static str),
}

impl Sqlite {
    fn form(operand: &Operand<'_>) -> Form {
        let affinity = operand.column.map(|column| Affinity::of(&column.native_type));
        match operand.data_type {
            DataType::Boolean => Form::Variants,
            DataType::Uuid => Form::Variants,
            DataType::Timestamp | DataType::TimestampTz => Form::Function("tidegate_instant"),
            DataType::Time => Form::Function("tidegate_time"),
            DataType::Decimal(_) if affinity != Some(Affinity::Numeric) => {
                Form::Function("tidegate_decimal")
            }
            DataType::Decimal(_) => Form::Stored,
            DataType::Integer if !affinity.is_some_and(Affinity::is_number) => {
                Form::Number("INTEGER")
            }
            DataType::Float32 | DataType::Float64 if !affinity.is_some_and(Affinity::is_number) => {
                Form::Number("REAL")
            }
            DataType::Integer | DataType::Float32 | DataType::Float64 | DataType::Date => {
                Form::Stored
            }
            DataType::Text
            | DataType::Bytes
            | DataType::Interval
            | DataType::Json
            | DataType::List(_) => Form::Text,
        }
    }

    /// Text of whatever is stored.
    fn text_of(operand: &Operand<'_>) -> Expr {
        match operand.column {
            Some(column) if Affinity::of(&column.native_type) == Affinity::Text => {
                operand.expr.clone()
            }
            _ => Func::cust("tidegate_text").arg(operand.expr.clone()).into(),
        }
    }
}

impl Dialect for Sqlite {
    fn render(&self, select: &SelectStatement) -> (String, Values) {
        select.build(SqliteQueryBuilder)
    }

    fn literal(&self, literal: &Literal, operand: &Operand<'_>, binder: &mut Binder) -> Expr {
        match literal {
            Literal::Boolean(value) => binder.bind(Bind::Integer((*value).into())),
            Literal::Integer(value) => binder.bind(Bind::Integer(*value)),
            Literal::Float(value) => binder.bind(Bind::Float(*value)),
            Literal::Decimal(digits) => match Self::form(operand) {
                Form::Function(name) => Func::cust(name).arg(binder.bind_text(digits)).into(),
                Form::Stored | Form::Text | Form::Variants | Form::Number(_) => {
                    binder.bind_text(digits).cast_as("NUMERIC")
                }
            },
            Literal::Text(text) => binder.bind_text(text),
            Literal::Uuid(text) => binder.bind_text(text.to_ascii_lowercase()),
            Literal::Date(value) => binder.bind_text(value.to_string()),
            Literal::Time(value) => binder.bind(Bind::Integer(time_micros(*value))),
            Literal::Timestamp(value) => {
                binder.bind(Bind::Integer(value.and_utc().timestamp_micros()))
            }
            Literal::TimestampTz(value) => binder.bind(Bind::Integer(value.timestamp_micros())),
        }
    }

    fn compared(&self, operand: &Operand<'_>) -> Expr {
        match Self::form(operand) {
            Form::Stored => operand.expr.clone(),
            Form::Text => Self::text_of(operand),
            Form::Variants => {
                let function = match operand.data_type {
                    DataType::Boolean => "tidegate_boolean",
                    _ => "tidegate_uuid",
                };
                Func::cust(function).arg(operand.expr.clone()).into()
            }
            Form::Function(name) => Func::cust(name).arg(operand.expr.clone()).into(),
            Form::Number(name) => operand.expr.clone().cast_as(name),
        }
    }

    fn sorted(&self, operand: &Operand<'_>) -> Expr {
        match Self::form(operand) {
            // As SQLite itself sorts what is stored, so that an index serves: right as long as a
            // column's values are all written alike.
            Form::Variants => operand.expr.clone(),
            Form::Function(_) if operand.is_as_declared() => operand.expr.clone(),
            Form::Stored | Form::Text | Form::Function(_) | Form::Number(_) => {
                self.compared(operand)
            }
        }
    }

    fn anchor(&self, operand: &Operand<'_>) -> Expr {
        Func::cust("tidegate_anchor").arg(self.sorted(operand)).into()
    }

    fn anchored(
        &self,
        text: &str,
        _operand: &Operand<'_>,
        binder: &mut Binder,
    ) -> Result<Expr, SourceError> {
        anchor::read(text).map(|value| binder.bind(value)).ok_or(SourceError::WrongAnchor)
    }

    fn text(&self, operand: &Operand<'_>) -> Expr {
        Self::text_of(operand)
    }

    fn selected(&self, operand: &Operand<'_>) -> Expr {
        let expr = operand.expr.clone();
        match (operand.data_type, operand.column) {
            // A JSON document may be stored in SQLite's binary form.
            (DataType::Json, Some(_)) => {
                let is_blob =
                    Expr::from(Func::cust("typeof").arg(expr.clone())).eq(constant("blob"));
                let text: Expr = Func::cust("json").arg(expr.clone()).into();
                CaseStatement::new().case(is_blob, text).finally(expr).into()
            }
            _ => expr,
        }
    }

    fn wire(&self, operand: &Operand<'_>) -> Wire {
        match operand.data_type {
            DataType::Decimal(_) => Wire::Digits,
            _ => Wire::Binary,
        }
    }

    fn json_path(&self, place: JsonPlace<'_>, binder: &mut Binder) -> Expr {
        let document = place.document;
        let path = binder.bind_text(json_path_text(place.path));
        let call = |name| Expr::from(Func::cust(name).arg(document.clone()).arg(path.clone()));
        let mut case = CaseStatement::new();
        if place.purpose == Purpose::Selection {
            // SQLite would end the statement without saying at which row.
            let is_valid = Func::cust("json_valid").arg(document.clone()).arg(constant(ANY_JSON));
            let mark = Func::cust("zeroblob").arg(constant(0));
            case = case.case(Expr::from(is_valid).eq(constant(0)), mark);
        }
        let is_whole = matches!(place.data_type, DataType::Json);
        // `->` gives the document's own characters, so that a number keeps its digits.
        let verbatim = document.clone().binary(BinOper::Custom("->"), path.clone());
        if is_whole && place.purpose != Purpose::Selection {
            return verbatim;
        }
        if !is_whole {
            case = case
                .case(call("json_type").eq(constant("text")), call("json_extract"))
                .case(call("json_type").eq(constant("null")), Expr::Keyword(Keyword::Null));
        }
        case.finally(verbatim).into()
    }

    fn lines(&self, lines: Lines<'_>, binder: &mut Binder) -> Expr {
        let spec: Vec<(&str, String)> = lines
            .items
            .iter()
            .map(|(item, _)| (item.slug.as_str(), item.data_type.to_string()))
            .collect();
        let spec = serde_json::to_string(&spec).expect("pairs of text are JSON");
        let mut parts = vec![binder.bind_text(spec)];
        parts.extend(lines.items.into_iter().map(|(_, operand)| self.selected(&operand)));
        let holes = vec!["?"; parts.len()].join(", ");
        let order = vec!["?"; lines.order.len()].join(", ");
        let order = if order.is_empty() { order } else { format!(" ORDER BY {order}") };
        parts.extend(lines.order);
        let mut rows = lines.rows;
        rows.expr(Expr::cust_with_exprs(format!("tidegate_lines({holes}{order})"), parts));
        Expr::SubQuery(None, Box::new(rows.into()))
    }

    fn compare(
        &self,
        operand: &Operand<'_>,
        comparison: Comparison,
        literal: &Literal,
        binder: &mut Binder,
    ) -> Expr {
        let is_equality = comparison == Comparison::Eq;
        match Self::form(operand) {
            Form::Variants if is_equality => {
                self.is_in(operand, std::slice::from_ref(literal), binder)
            }
            Form::Text if is_equality => {
                let right = self.literal(literal, operand, binder);
                self.compared(operand).eq(exactly(right))
            }
            Form::Stored | Form::Text | Form::Variants | Form::Function(_) | Form::Number(_) => {
                let right = self.literal(literal, operand, binder);
                let exact = self.compared(operand).binary(comparison_operator(comparison), right);
                match days_around(literal) {
                    Some(days) => near(&operand.expr, comparison, days, binder).and(exact),
                    None => exact,
                }
            }
        }
    }

    fn is_in(&self, operand: &Operand<'_>, literals: &[Literal], binder: &mut Binder) -> Expr {
        match Self::form(operand) {
            Form::Variants => {
                let variants = literals.iter().flat_map(variants).collect();
                is_one_of(operand.expr.clone(), variants, binder)
            }
            Form::Text => {
                let texts = literals.iter().map(plain).collect();
                is_one_of(exactly(self.compared(operand)), texts, binder)
            }
            Form::Stored | Form::Number(_) => {
                let values = literals.iter().map(plain).collect();
                is_one_of(self.compared(operand), values, binder)
            }
            Form::Function(_) => {
                let left = self.compared(operand);
                any_of(literals.chunks(IN_VALUES_MAX).map(|some| {
                    is_in_list(left.clone(), some, |literal| self.literal(literal, operand, binder))
                }))
            }
        }
    }

    fn keys_in(&self, key: &[Operand<'_>], keys: &[Vec<Literal>], binder: &mut Binder) -> Expr {
        let left: Vec<Expr> = key
            .iter()
            .map(|operand| match Self::form(operand) {
                Form::Text => exactly(self.compared(operand)),
                Form::Stored | Form::Variants | Form::Function(_) | Form::Number(_) => {
                    self.compared(operand)
                }
            })
            .collect();
        let rows: Vec<Vec<serde_json::Value>> = keys
            .iter()
            .map(|key| key.iter().map(|literal| json_value(compared_value(literal))).collect())
            .collect();
        let json = serde_json::to_string(&rows).expect("rows of plain values are JSON");
        let mut select = sea_query::Query::select();
        for at in 0..key.len() {
            let path = constant(format!("$[{at}]"));
            select.expr(Func::cust("json_extract").arg(Expr::col("value")).arg(path));
        }
        select.from_function(Func::cust("json_each").arg(binder.bind_text(json)), "k");
        Expr::tuple(left).in_subquery(select)
    }

    fn matches(
        &self,
        operand: &Operand<'_>,
        place: Place,
        text: &str,
        binder: &mut Binder,
    ) -> Expr {
        // `like` ends at a NUL; these do not.
        let sought = text.to_ascii_lowercase();
        let here = Func::lower(self.text(operand));
        let bytes = i64::try_from(sought.len()).unwrap_or(i64::MAX);
        let octets = || Expr::from(here.clone()).cast_as("BLOB");
        match place {
            Place::Anywhere => {
                let at = Func::cust("instr").arg(here).arg(binder.bind_text(sought));
                Expr::from(at).gt(constant(0))
            }
            Place::Start => {
                let start = Func::cust("substr").arg(octets()).arg(constant(1));
                let start = start.arg(binder.bind(Bind::Integer(bytes)));
                Expr::from(start).eq(binder.bind(Bind::Bytes(sought.into_bytes())))
            }
            Place::End => {
                let end = Func::cust("substr").arg(octets());
                let end = end.arg(binder.bind(Bind::Integer(-bytes)));
                Expr::from(end).eq(binder.bind(Bind::Bytes(sought.into_bytes())))
            }
        }
    }
}

/// By octets, whatever the column's collation says.
fn exactly(text: Expr) -> Expr {
    text.binary(BinOper::Custom("COLLATE"), Expr::custom_keyword("BINARY"))
}

/// The value as it is stored, or as the operand's function gives it.
fn compared_value(literal: &Literal) -> Bind {
    match literal {
        Literal::Time(value) => Bind::Integer(time_micros(*value)),
        Literal::Timestamp(value) => Bind::Integer(value.and_utc().timestamp_micros()),
        Literal::TimestampTz(value) => Bind::Integer(value.timestamp_micros()),
        Literal::Boolean(_)
        | Literal::Integer(_)
        | Literal::Decimal(_)
        | Literal::Float(_)
        | Literal::Text(_)
        | Literal::Date(_)
        | Literal::Uuid(_) => plain(literal),
    }
}

/// The value as it is stored.
fn plain(literal: &Literal) -> Bind {
    match literal {
        Literal::Boolean(value) => Bind::Integer((*value).into()),
        Literal::Integer(value) => Bind::Integer(*value),
        Literal::Float(value) => Bind::Float(*value),
        Literal::Decimal(text) => number(text),
        Literal::Text(text) => Bind::Text(text.clone()),
        Literal::Uuid(text) => Bind::Text(text.to_ascii_lowercase()),
        Literal::Date(value) => Bind::Text(value.to_string()),
        Literal::Time(value) => Bind::Text(value.to_string()),
        Literal::Timestamp(value) => Bind::Text(value.to_string()),
        Literal::TimestampTz(value) => Bind::Text(value.naive_utc().to_string()),
    }
}

/// A decimal as SQLite's numeric columns store it.
fn number(digits: &str) -> Bind {
    match (digits.parse(), digits.parse()) {
        (Ok(integer), _) => Bind::Integer(integer),
        (Err(_), Ok(float)) => Bind::Float(float),
        (Err(_), Err(_)) => Bind::Text(digits.to_owned()),
    }
}

/// All stored forms of a boolean or of an identifier.
fn variants(literal: &Literal) -> Vec<Bind> {
    match literal {
        Literal::Boolean(value) => std::iter::once(Bind::Integer((*value).into()))
            .chain(
                BOOLEAN_TEXTS
                    .iter()
                    .filter(|(_, meaning)| meaning == value)
                    .map(|(text, _)| Bind::Text((*text).to_owned())),
            )
            .collect(),
        Literal::Uuid(text) => {
            let lower = text.to_ascii_lowercase();
            let bare = lower.replace('-', "");
            let octets = u128::from_str_radix(&bare, 16).map(|bits| bits.to_be_bytes().to_vec());
            let mut forms =
                vec![lower.to_ascii_uppercase(), bare.to_ascii_uppercase(), bare, lower]
                    .into_iter()
                    .map(Bind::Text)
                    .collect::<Vec<_>>();
            forms.extend(octets.ok().map(Bind::Bytes));
            forms
        }
        Literal::Integer(_)
        | Literal::Decimal(_)
        | Literal::Float(_)
        | Literal::Text(_)
        | Literal::Date(_)
        | Literal::Time(_)
        | Literal::Timestamp(_)
        | Literal::TimestampTz(_) => vec![plain(literal)],
    }
}

/// `left in (…)`: a short list as parameters, a long one as one JSON array. Octets and texts with
/// a NUL, which JSON here cannot carry, stay parameters.
fn is_one_of(left: Expr, values: Vec<Bind>, binder: &mut Binder) -> Expr {
    let is_long = values.len() > IN_VALUES_MAX;
    let (json, listed): (Vec<Bind>, Vec<Bind>) = values.into_iter().partition(|value| {
        is_long
            && match value {
                Bind::Boolean(_) | Bind::Integer(_) | Bind::Float(_) => true,
                Bind::Text(text) => !text.contains('\0'),
                Bind::Bytes(_) => false,
            }
    });
    let mut parts = Vec::new();
    if !json.is_empty() {
        let json: Vec<serde_json::Value> = json.into_iter().map(json_value).collect();
        let json = serde_json::to_string(&json).expect("plain values are JSON");
        let each = Func::cust("json_each").arg(binder.bind_text(json));
        let values = sea_query::Query::select().column("value").from_function(each, "k").to_owned();
        parts.push(left.clone().in_subquery(values));
    }
    if !listed.is_empty() {
        let listed: Vec<Expr> = listed.into_iter().map(|value| binder.bind(value)).collect();
        parts.push(left.binary(BinOper::In, Expr::tuple(listed)));
    }
    any_of(parts)
}

fn json_value(value: Bind) -> serde_json::Value {
    match value {
        Bind::Boolean(value) => u8::from(value).into(),
        Bind::Integer(value) => value.into(),
        Bind::Float(value) => value.into(),
        Bind::Text(value) => value.into(),
        Bind::Bytes(_) => unreachable!("octets are never sent as JSON"),
    }
}

/// First and last day on which any zone's clock can show the instant.
fn days_around(literal: &Literal) -> Option<(NaiveDate, NaiveDate)> {
    let instant: DateTime<Utc> = match literal {
        Literal::Timestamp(value) => value.and_utc(),
        Literal::TimestampTz(value) => *value,
        Literal::Boolean(_)
        | Literal::Integer(_)
        | Literal::Decimal(_)
        | Literal::Float(_)
        | Literal::Text(_)
        | Literal::Date(_)
        | Literal::Time(_)
        | Literal::Uuid(_) => return None,
    };
    let day = instant.date_naive();
    Some((day.checked_sub_days(Days::new(1))?, day.checked_add_days(Days::new(2))?))
}

/// What the text of a date-time must fulfil if the instant shall, so that an index on the text
/// serves: it begins with its day.
fn near(
    text: &Expr,
    comparison: Comparison,
    (first, end): (NaiveDate, NaiveDate),
    binder: &mut Binder,
) -> Expr {
    let mut after = || text.clone().gte(binder.bind_text(first.to_string()));
    match comparison {
        Comparison::Gt | Comparison::Gte => after(),
        Comparison::Lt | Comparison::Lte => text.clone().lt(binder.bind_text(end.to_string())),
        Comparison::Eq => {
            let after = after();
            after.and(text.clone().lt(binder.bind_text(end.to_string())))
        }
    }
}

fn time_micros(time: NaiveTime) -> i64 {
    let time = time.trunc_subsecs(6);
    i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1000)
}

/// `$."a"."b"`, each key quoted.
fn json_path_text(path: &[String]) -> String {
    let keys: String = path
        .iter()
        .map(|key| format!(".{}", serde_json::to_string(key).expect("text is JSON")))
        .collect();
    format!("${keys}")
}
