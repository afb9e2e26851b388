//! What a row is called in an error: by its key, or by its ordinal where the key is personal.

use mysql_async::{Row, Value};
use tidegate_model::{field::Field, query::Selected};

use super::session::text;

/// Characters of a key that an error quotes.
const KEY_CHARACTERS_MAX: usize = 80;

/// How rows are called.
#[derive(Debug)]
pub(super) enum RowNames {
    /// By these cells.
    Key(Vec<(String, usize)>),
    /// By their place in the stream.
    Ordinal,
}

impl RowNames {
    /// Names by the key, where the stream carries all of it and none of it is personal.
    pub(super) fn new(key: &[Field], fields: &[&Selected]) -> Self {
        if key.is_empty() || key.iter().any(|field| field.pii.is_some()) {
            return Self::Ordinal;
        }
        let cells = key.iter().map(|field| {
            let at = fields.iter().position(|selected| selected.field.slug == field.slug)?;
            Some((field.slug.clone(), at))
        });
        cells.collect::<Option<Vec<_>>>().map_or(Self::Ordinal, Self::Key)
    }

    /// The name of a row that comes behind `rows_before` others.
    pub(super) fn name(&self, row: &Row, rows_before: u64) -> String {
        let by_key = match self {
            Self::Ordinal => None,
            Self::Key(cells) => cells
                .iter()
                .map(|(slug, at)| Some(format!("{slug} {}", key_text(row, *at)?)))
                .collect::<Option<Vec<_>>>(),
        };
        by_key.map_or_else(|| format!("ordinal {}", rows_before + 1), |parts| parts.join(", "))
    }
}

fn key_text(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at)? {
        Value::Bytes(bytes) if std::str::from_utf8(bytes).is_err() => None,
        _ => Some(text(row, at)?.chars().take(KEY_CHARACTERS_MAX).collect()),
    }
}
