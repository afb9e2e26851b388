//! Cells as readers find them, and cells as they should be.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A cell, or an item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Boolean(bool),
    /// Digits, all of them.
    Number(String),
    /// A floating point number that a reader may give in any notation.
    Float(Float),
    Text(String),
    /// JSON text of a value.
    JsonText(Box<Self>),
    Date(String),
    Time(String),
    Timestamp(String),
    /// Base64.
    Bytes(String),
    Formula(String),
    List(Vec<Self>),
    Record(BTreeMap<String, Self>),
    /// Something that the reader cannot show.
    Unseen,
}

/// How a floating point number has to stand in the file, and when it is the same number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Float {
    pub(super) value: f64,
    pub(super) is_32_bit: bool,
    /// Whether it is a number of the format, not text.
    pub(super) is_number: bool,
    /// Whether the reader keeps no sign of zero.
    pub(super) has_one_zero: bool,
}

impl Float {
    fn is(self, text: &str) -> bool {
        let bits = |value: f64| match value {
            value if value.is_nan() => f64::NAN.to_bits(),
            value if self.has_one_zero && value == 0.0 => 0,
            value => value.to_bits(),
        };
        let found = match self.is_32_bit {
            true => text.parse::<f32>().map(f64::from),
            false => text.parse::<f64>(),
        };
        found.is_ok_and(|found| bits(found) == bits(self.value))
    }
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What a reader found: a kind of the testkit, and its canonical text.
    pub(super) fn found(kind: &str, text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::Null };
        let own = text.to_owned();
        match kind {
            "text" => Self::Text(own),
            "boolean" => Self::Boolean(text == "true"),
            "number" => Self::Number(own),
            "date" => Self::Date(own),
            "time" => Self::Time(own),
            "timestamp" => Self::Timestamp(own),
            "bytes" => Self::Bytes(own),
            "formula" => Self::Formula(own),
            "json" => Self::of_json(text).expect("a reader of ours writes JSON"),
            other => panic!("`{other}` is no kind of cell"),
        }
    }

    /// A JSON document, numbers with the digits that they have.
    pub(super) fn of_json(json: &str) -> Option<Self> {
        let json = json.trim_ascii();
        Some(match json.as_bytes().first()? {
            b'n' => Self::Null,
            b't' | b'f' => Self::Boolean(serde_json::from_str(json).ok()?),
            b'"' => Self::Text(serde_json::from_str(json).ok()?),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                Self::List(items.iter().map(|raw| Self::of_json(raw.get())).collect::<Option<_>>()?)
            }
            b'{' => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
                let member =
                    |(key, raw): (String, &RawValue)| Some((key, Self::of_json(raw.get())?));
                Self::Record(members.into_iter().map(member).collect::<Option<_>>()?)
            }
            _ => Self::Number(json.to_owned()),
        })
    }

    /// Whether what was found is what should be there.
    pub(super) fn is(&self, found: &Self) -> bool {
        match (self, found) {
            (Self::Float(float), Self::Number(text)) => float.is_number && float.is(text),
            (Self::Float(float), Self::Text(text)) => !float.is_number && float.is(text),
            (Self::JsonText(value), Self::Text(text)) => {
                Self::of_json(text).is_some_and(|found| value.is(&found))
            }
            (Self::List(items), Self::List(found)) => {
                items.len() == found.len() && items.iter().zip(found).all(|(a, b)| a.is(b))
            }
            (Self::Record(members), Self::Record(found)) => {
                members.len() == found.len()
                    && members.iter().zip(found).all(|((a, x), (b, y))| a == b && x.is(y))
            }
            (Self::Unseen, found) => *found != Self::Null,
            (expected, found) => expected == found,
        }
    }
}
