//! Values on their way into a statement, never as a part of its text.

use sea_query::{Expr, Func, Value};

use super::constant;

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

/// How values reach the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// As parameters of the statement: `?` or `$1`.
    Placeholders,
    /// As settings of the transaction, for a `COPY`, which takes no parameters:
    /// `current_setting('tidegate.p1')`.
    Settings,
}

/// A statement, ready to be prepared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    /// Its text.
    pub(crate) text: String,
    /// Values of its placeholders, in their order.
    pub(crate) values: Vec<Bind>,
    /// Values of the settings `tidegate.p1`, `tidegate.p2`, …, to be made before it runs.
    pub(crate) settings: Vec<String>,
}

/// Takes values and gives the expressions that stand for them.
#[derive(Debug)]
pub(crate) struct Binder {
    binding: Binding,
    settings: Vec<String>,
}

impl Binder {
    pub(crate) fn new(binding: Binding) -> Self {
        Self { binding, settings: Vec::new() }
    }

    /// The expression that stands for the value.
    pub(crate) fn bind(&mut self, value: Bind) -> Expr {
        match self.binding {
            Binding::Placeholders => Expr::Value(value.into()),
            Binding::Settings => {
                self.settings.push(value.into_text());
                let name = format!("tidegate.p{}", self.settings.len());
                Func::cust("current_setting").arg(constant(name)).into()
            }
        }
    }

    /// The expression that stands for the text.
    pub(crate) fn bind_text(&mut self, text: impl Into<String>) -> Expr {
        self.bind(Bind::Text(text.into()))
    }

    pub(crate) fn into_settings(self) -> Vec<String> {
        self.settings
    }
}

impl Bind {
    /// The value as text that a cast reads back.
    fn into_text(self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value,
            Self::Bytes(value) => {
                let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("\\x{hex}")
            }
        }
    }

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
