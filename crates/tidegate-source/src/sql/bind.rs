//! Values on their way into a statement, never as a part of its text.

use sea_query::{Expr, Value};

/// A value for a place in a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bind {
    /// True or false.
    Boolean(bool),
    /// Integer.
    Integer(i64),
    /// Floating point number.
    Float(f64),
    /// Text; also numbers, dates and JSON where the dialect casts them.
    Text(String),
    /// Octets.
    Bytes(Vec<u8>),
}

/// A statement, ready to be prepared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    /// Its text.
    pub(crate) text: String,
    /// Values of its placeholders, in their order.
    pub(crate) values: Vec<Bind>,
}

/// Takes values and gives the expressions that stand for them: there is no other way for a value
/// into a statement.
#[derive(Debug)]
pub(crate) struct Binder(());

impl Binder {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// The expression that stands for the value.
    pub(crate) fn bind(&mut self, value: Bind) -> Expr {
        Expr::Value(value.into())
    }

    /// The expression that stands for the text.
    pub(crate) fn bind_text(&mut self, text: impl Into<String>) -> Expr {
        self.bind(Bind::Text(text.into()))
    }
}

impl Bind {
    /// Takes back what [`Binder::bind`] gave to the builder.
    pub(crate) fn from_value(value: Value) -> Self {
        match value {
            Value::Bool(Some(value)) => Self::Boolean(value),
            Value::BigInt(Some(value)) => Self::Integer(value),
            // Limit and offset; a table of 2^63 rows does not exist.
            Value::BigUnsigned(Some(value)) => {
                Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
            }
            Value::Double(Some(value)) => Self::Float(value),
            Value::String(Some(value)) => Self::Text(value),
            Value::Bytes(Some(value)) => Self::Bytes(value),
            other => unreachable!("the binder makes no {other:?}"),
        }
    }
}

impl From<Bind> for Value {
    fn from(value: Bind) -> Self {
        match value {
            Bind::Boolean(value) => Self::Bool(Some(value)),
            Bind::Integer(value) => Self::BigInt(Some(value)),
            Bind::Float(value) => Self::Double(Some(value)),
            Bind::Text(value) => Self::String(Some(value)),
            Bind::Bytes(value) => Self::Bytes(Some(value)),
        }
    }
}
