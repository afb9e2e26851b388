//! What MySQL and MariaDB say differently.

use sea_query::{Expr, ExprTrait, Func, MysqlQueryBuilder, SelectStatement, Values};
use tidegate_batch::{DataType, Wire};
use tidegate_model::query::{Comparison, Literal, Place};

use super::{anchor, cell::NO_DOCUMENT, lines, native};
use crate::{
    SourceError,
    sql::{
        Bind, Binder, Dialect, JsonPlace, Lines, Operand, Purpose, comparison_operator, is_in_list,
        keys_in_list, like_pattern,
    },
};

/// Digits that the server's decimals have at most behind the point; 65 they have in all.
const SCALE_MAX: usize = 30;

/// Parameters that a selection may use up for the sake of an index: a statement takes 65,535.
const INDEXED_PARAMETERS_MAX: usize = 50_000;

/// MySQL and MariaDB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MySql;

impl Dialect for MySql {
    fn render(&self, select: &SelectStatement) -> (String, Values) {
        select.build(MysqlQueryBuilder)
    }

    fn literal(&self, literal: &Literal, _operand: &Operand<'_>, binder: &mut Binder) -> Expr {
        match literal {
            Literal::Boolean(value) => binder.bind(Bind::Boolean(*value)),
            Literal::Integer(value) => binder.bind(Bind::Integer(*value)),
            Literal::Float(value) => binder.bind(Bind::Float(*value)),
            Literal::Decimal(text) => {
                let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                let scale = scale.min(SCALE_MAX);
                binder.bind_text(text).cast_as(format!("DECIMAL(65,{scale})"))
            }
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
        match operand.data_type {
            DataType::Text if operand.column.is_some_and(native::is_utf8mb4) => expr,
            DataType::Text | DataType::List(_) => text_of(operand),
            _ if operand.is_as_declared() => expr,
            DataType::Integer => expr.cast_as("SIGNED"),
            DataType::Decimal(_) => expr.cast_as(format!("DECIMAL(65,{SCALE_MAX})")),
            DataType::Float32 | DataType::Float64 => expr.cast_as("DOUBLE"),
            DataType::Date => expr.cast_as("DATE"),
            DataType::Time => expr.cast_as("TIME(6)"),
            DataType::Timestamp => expr.cast_as("DATETIME(6)"),
            DataType::TimestampTz if is_text(operand) => instant_of(expr),
            DataType::TimestampTz => expr.cast_as("DATETIME(6)"),
            DataType::Boolean if is_text(operand) => Expr::cust_with_exprs(
                "CASE ? WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE ? END",
                [expr.clone(), expr],
            ),
            DataType::Boolean | DataType::Bytes | DataType::Uuid => expr,
            DataType::Interval | DataType::Json => text_of(operand),
        }
    }

    fn sorted(&self, operand: &Operand<'_>) -> Expr {
        match operand.data_type {
            DataType::Text => operand.expr.clone(),
            _ => self.compared(operand),
        }
    }

    fn placed(&self, operand: &Operand<'_>) -> Expr {
        anchor::placed(self.sorted(operand), operand)
    }

    fn anchor(&self, operand: &Operand<'_>) -> Expr {
        anchor::written(self.sorted(operand), operand)
    }

    fn anchored(
        &self,
        text: &str,
        operand: &Operand<'_>,
        binder: &mut Binder,
    ) -> Result<Expr, SourceError> {
        anchor::read(text, operand, binder).ok_or(SourceError::WrongAnchor)
    }

    fn text(&self, operand: &Operand<'_>) -> Expr {
        text_of(operand)
    }

    /// As it is: the reader converts, and refuses where a cast of the server would lose something.
    fn selected(&self, operand: &Operand<'_>) -> Expr {
        operand.expr.clone()
    }

    fn wire(&self, operand: &Operand<'_>) -> Wire {
        match operand.data_type {
            DataType::Decimal(_) => Wire::Digits,
            _ => Wire::Binary,
        }
    }

    fn json_path(&self, place: JsonPlace<'_>, binder: &mut Binder) -> Expr {
        let JsonPlace { document: column, path, data_type, purpose, .. } = place;
        let path: String = path
            .iter()
            .map(|key| format!(".\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        let path = binder.bind_text(format!("${path}"));
        let found = match data_type {
            DataType::Json => Func::cust("JSON_EXTRACT").arg(column.clone()).arg(path).into(),
            // A JSON null is no value.
            _ => Expr::cust_with_exprs(
                "IF(JSON_TYPE(JSON_EXTRACT(?, ?)) = 'NULL', NULL, \
                 JSON_UNQUOTE(JSON_EXTRACT(?, ?)))",
                [column.clone(), path.clone(), column.clone(), path],
            ),
        };
        match purpose {
            Purpose::Selection => {
                // MariaDB has NULL for it, and a warning behind the last row.
                let mark = binder.bind_text(NO_DOCUMENT);
                Expr::cust_with_exprs("IF(JSON_VALID(?) = 0, ?, ?)", [column, mark, found])
            }
            Purpose::Condition | Purpose::Member => found,
        }
    }

    fn lines(&self, lines: Lines<'_>, binder: &mut Binder) -> Expr {
        lines::array(lines, binder)
    }

    fn compare(
        &self,
        operand: &Operand<'_>,
        comparison: Comparison,
        literal: &Literal,
        binder: &mut Binder,
    ) -> Expr {
        if comparison == Comparison::Eq {
            return self.is_in(operand, std::slice::from_ref(literal), binder);
        }
        let right = self.literal(literal, operand, binder);
        self.left(operand, std::slice::from_ref(literal))
            .binary(comparison_operator(comparison), right)
    }

    fn is_in(&self, operand: &Operand<'_>, literals: &[Literal], binder: &mut Binder) -> Expr {
        let form = Equality::of(operand, literals.first());
        let left = self.left(operand, literals);
        match form {
            Equality::Plain => {
                one_of(left, literals, |literal| self.literal(literal, operand, binder))
            }
            // The collation's equality finds the index, the octets' heeds case and spaces.
            Equality::Octets => {
                let plain =
                    one_of(left, literals, |literal| self.literal(literal, operand, binder));
                let exact = one_of(octets(text_of(operand)), literals, |literal| {
                    octets(self.literal(literal, operand, binder))
                });
                plain.and(exact)
            }
            Equality::SixteenOctets => {
                one_of(left, literals, |literal| unhex(self.literal(literal, operand, binder)))
            }
            Equality::Spellings => {
                let spellings: Vec<Literal> = literals.iter().flat_map(spellings).collect();
                one_of(left, &spellings, |literal| self.literal(literal, operand, binder))
            }
        }
    }

    fn keys_in(&self, key: &[Operand<'_>], keys: &[Vec<Literal>], binder: &mut Binder) -> Expr {
        let column = |at: usize| keys.iter().filter_map(move |key| key.get(at));
        let forms: Vec<Equality> = key
            .iter()
            .enumerate()
            .map(|(at, operand)| Equality::of(operand, column(at).next()))
            .collect();
        let plain_left = |at: usize| self.left(&key[at], column(at));
        let mut rows = |left: Vec<Expr>, is_exact: bool| {
            keys_in_list(left, keys, |literal, at| {
                let right = self.literal(literal, &key[at], binder);
                match forms[at] {
                    Equality::SixteenOctets => unhex(right),
                    Equality::Octets if is_exact => octets(right),
                    Equality::Plain | Equality::Octets | Equality::Spellings => right,
                }
            })
        };
        let plain = (0..key.len()).map(plain_left).collect();
        if !forms.iter().any(|form| matches!(form, Equality::Octets)) {
            return rows(plain, false);
        }
        // All parts once more, as the texts must be equal in the same key that the others are.
        let exact = (0..key.len()).map(|at| match forms[at] {
            Equality::Octets => octets(text_of(&key[at])),
            Equality::Plain | Equality::SixteenOctets | Equality::Spellings => plain_left(at),
        });
        let exact = rows(exact.collect(), true);
        if 2 * key.len() * keys.len() > INDEXED_PARAMETERS_MAX {
            return exact;
        }
        rows(plain, false).and(exact)
    }

    fn matches(
        &self,
        operand: &Operand<'_>,
        place: Place,
        text: &str,
        binder: &mut Binder,
    ) -> Expr {
        let pattern = binder.bind_text(like_pattern(place, text));
        // By code points once the case is gone: the collation would pass over accents, too.
        Expr::cust_with_exprs(
            "LOWER(?) COLLATE utf8mb4_bin LIKE LOWER(?) ESCAPE '!'",
            [text_of(operand), pattern],
        )
    }
}

impl MySql {
    /// The left side of a comparison with these literals. The server refuses to compare a text
    /// with characters that its column's character set does not have; then the column is
    /// converted, at the price of its index.
    fn left<'l>(
        &self,
        operand: &Operand<'_>,
        literals: impl IntoIterator<Item = &'l Literal>,
    ) -> Expr {
        let is_ascii = |literal: &Literal| match literal {
            Literal::Text(text) => text.is_ascii(),
            _ => true,
        };
        let is_character = operand.column.is_some_and(native::is_character);
        match operand.data_type {
            DataType::Text if is_character && literals.into_iter().all(is_ascii) => {
                operand.expr.clone()
            }
            _ => self.compared(operand),
        }
    }
}

/// How two values are found equal.
#[derive(Clone, Copy, Debug)]
enum Equality {
    /// As the server compares them.
    Plain,
    /// As texts, by their octets.
    Octets,
    /// As identifiers, against sixteen octets in the column.
    SixteenOctets,
    /// As identifiers, against a text in the column that may spell them in several ways.
    Spellings,
}

impl Equality {
    fn of(operand: &Operand<'_>, literal: Option<&Literal>) -> Self {
        match (literal, operand.column) {
            (Some(Literal::Text(_)), _) => Self::Octets,
            (Some(Literal::Uuid(_)), Some(column)) if native::is_uuid(column) => Self::Plain,
            (Some(Literal::Uuid(_)), Some(column)) if native::is_binary(column) => {
                Self::SixteenOctets
            }
            (Some(Literal::Uuid(_)), _) => Self::Spellings,
            _ => Self::Plain,
        }
    }
}

/// Equality with one of some values, of which there is at least one.
fn one_of(left: Expr, literals: &[Literal], mut bind: impl FnMut(&Literal) -> Expr) -> Expr {
    match literals {
        [literal] => left.eq(bind(literal)),
        literals => is_in_list(left, literals, bind),
    }
}

/// The ways in which people store an identifier as text.
fn spellings(literal: &Literal) -> Vec<Literal> {
    let Literal::Uuid(text) = literal else { return vec![literal.clone()] };
    let lower = text.to_ascii_lowercase();
    let bare = lower.replace('-', "");
    let upper = [lower.to_ascii_uppercase(), bare.to_ascii_uppercase()];
    [lower, bare].into_iter().chain(upper).map(Literal::Text).collect()
}

/// The value as text in the character set of the session.
pub(super) fn text_of(operand: &Operand<'_>) -> Expr {
    let expr = operand.expr.clone();
    match operand.column {
        Some(column) if native::is_utf8mb4(column) => expr,
        Some(column) if !native::is_character(column) => match native::bits(column) {
            Some(width) => Expr::cust_with_exprs(format!("LPAD(BIN(? + 0), {width}, '0')"), [expr]),
            None => expr.cast_as("CHAR"),
        },
        _ => Expr::cust_with_exprs("CONVERT(? USING utf8mb4)", [expr]),
    }
}

/// Whether the value arrives as text, so that it is spelt as JSON or people spell it.
fn is_text(operand: &Operand<'_>) -> bool {
    operand.column.is_none_or(native::is_character)
}

/// An instant from its text, whose offset the server would pass over.
fn instant_of(text: Expr) -> Expr {
    Expr::cust_with_exprs(
        "IF(? REGEXP '[0-9][-+][0-9]{2}:[0-9]{2}$', \
         CONVERT_TZ(CAST(LEFT(?, CHAR_LENGTH(?) - 6) AS DATETIME(6)), RIGHT(?, 6), '+00:00'), \
         CAST(TRIM(TRAILING 'Z' FROM ?) AS DATETIME(6)))",
        std::iter::repeat_n(text, 5),
    )
}

/// The text without a collation.
fn octets(text: Expr) -> Expr {
    text.cast_as("BINARY")
}

/// The sixteen octets of an identifier's text.
fn unhex(text: Expr) -> Expr {
    Expr::cust_with_exprs("UNHEX(REPLACE(?, '-', ''))", [text])
}
