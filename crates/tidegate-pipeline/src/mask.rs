//! Masks rows before they are encoded: what a file, a page or a preview does not show is not there.
//!
//! What becomes of a column is chosen once. A column that keeps its values is copied as it is; an
//! export without masks has no such step at all.

mod partial;

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_batch::{Column, DataType, MalformedCell, RowBatch, Schema, Value, Wire};
use tidegate_format::{CellError, plain_text};
use tidegate_model::{mask::MaskPolicy, query::Selected};

use partial::Part;

/// What stands in the place of a text that is not shown.
const BLANK: &[u8] = b"[redacted]";
/// Octets of a hash that are shown: with 96 bits, a billion values have no two alike.
const HASH_OCTETS: usize = 12;
/// What a hash begins with, so that no program takes one for a number.
const HASH_PREFIX: &[u8] = b"h_";

/// The key of the hashes that stand for masked values. A site has one, for as long as it exists.
#[derive(Clone)]
pub struct MaskKey([u8; 32]);

impl MaskKey {
    /// The key of a site.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

/// What becomes of each column.
#[derive(Debug)]
pub struct Masking {
    schema: Arc<Schema>,
    covers: Vec<Cover>,
}

/// What becomes of the cells of a column.
#[derive(Debug)]
enum Cover {
    /// They are what they are.
    Keep,
    /// A keyed hash takes the place of each.
    Hash(Column, Keyed),
    /// A part takes the place of each.
    Part(Column, Part),
    /// The same text takes the place of all.
    Blank,
    /// NULL takes the place of all.
    Null,
}

/// A hash that has taken in its key.
#[derive(Clone)]
struct Keyed(Hmac<Sha256>);

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(…)")
    }
}

impl Masking {
    /// What the masks of the fields do to the columns of a source; none if they do nothing.
    pub fn of(schema: &Schema, fields: &[Selected], key: Option<&MaskKey>) -> Option<Self> {
        let of_column = |column: &Column| {
            let chosen = fields.iter().find(|chosen| chosen.field.slug == column.slug);
            chosen.map_or((MaskPolicy::Show, None), |chosen| {
                (chosen.field.mask, chosen.field.pii.as_deref())
            })
        };
        if schema.columns().iter().all(|column| !of_column(column).0.hides()) {
            return None;
        }
        let keyed = key.map(|MaskKey(key)| {
            Keyed(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
        });
        let masked = schema.columns().iter().map(|column| {
            let (policy, class) = of_column(column);
            let cover = Cover::of(column, policy, class, keyed.as_ref());
            let is_text = matches!(cover, Cover::Hash(..) | Cover::Part(..) | Cover::Blank);
            let (data_type, wire) = match is_text {
                true => (DataType::Text, Wire::Binary),
                false => (column.data_type.clone(), column.wire),
            };
            (Column { data_type, wire, ..column.clone() }, cover)
        });
        let (columns, covers) = masked.unzip();
        Some(Self { schema: Arc::new(Schema::new(columns)), covers })
    }

    /// The columns of what is masked.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Writes the rows of a batch into another one, masked. That is sealed then.
    ///
    /// # Errors
    ///
    /// If a cell that is to be masked is no value of its column's type. Its row is the last one.
    pub fn apply(&self, rows: &RowBatch, masked: &mut RowBatch) -> Result<(), CellError> {
        masked.clear(usize::MAX / 2);
        let mut text = Vec::new();
        let mut rows = rows.rows(self.width()).enumerate();
        let put = rows.try_for_each(|(row, cells)| {
            let put = self.put_row(cells, &mut text, masked);
            put.map_err(|(column, fault)| CellError { row, column, fault: fault.into() })
        });
        masked.seal();
        put
    }

    /// Columns of a row.
    pub(crate) fn width(&self) -> usize {
        self.covers.len()
    }

    /// Adds a row, masked. Where a cell is no value of its column's type, that cell and what is
    /// behind it are NULL in it, and the error has the cell's column. `text` is room to write in.
    fn put_row<'a>(
        &self,
        cells: impl Iterator<Item = Option<&'a [u8]>>,
        text: &mut Vec<u8>,
        masked: &mut RowBatch,
    ) -> Result<(), (usize, MalformedCell)> {
        let mut put = Ok(());
        for (at, (cover, cell)) in self.covers.iter().zip(cells).enumerate() {
            if put.is_err() {
                masked.put_null();
                continue;
            }
            text.clear();
            if let Err(fault) = cover.put(cell, text, masked) {
                masked.put_null();
                put = Err((at, fault));
            }
        }
        masked.end_row();
        put
    }
}

impl Cover {
    fn of(column: &Column, policy: MaskPolicy, class: Option<&str>, keyed: Option<&Keyed>) -> Self {
        match (policy, keyed) {
            (MaskPolicy::Show, _) => Self::Keep,
            (MaskPolicy::Hash, Some(keyed)) => Self::Hash(column.clone(), keyed.clone()),
            (MaskPolicy::Partial, _) => Self::Part(column.clone(), Part::of(class)),
            // A field that is not to be there is not asked for; one that is here all the same is
            // no better than a blank. Nor is a hash without a key.
            (MaskPolicy::Redact | MaskPolicy::Drop | MaskPolicy::Hash, _) => {
                match column.data_type {
                    DataType::Text => Self::Blank,
                    _ => Self::Null,
                }
            }
        }
    }

    fn put(
        &self,
        cell: Option<&[u8]>,
        text: &mut Vec<u8>,
        masked: &mut RowBatch,
    ) -> Result<(), MalformedCell> {
        match (self, cell) {
            (Self::Blank, _) => masked.put_bytes(BLANK),
            (Self::Null, _) | (Self::Keep | Self::Hash(..) | Self::Part(..), None) => {
                masked.put_null();
            }
            (Self::Keep, Some(cell)) => masked.put_bytes(cell),
            (Self::Hash(column, keyed), Some(cell)) => {
                plain_text(text, &column.decode(Some(cell))?);
                masked.put_bytes(&keyed.hash(text));
            }
            (Self::Part(column, part), Some(cell)) => {
                let value = column.decode(Some(cell))?;
                let shown = match value {
                    // Of two values, one letter is the whole; of a document, none is a part.
                    Value::Boolean(_) | Value::Json(_) | Value::List(_) | Value::Bytes(_) => {
                        partial::HIDDEN.to_owned()
                    }
                    value => {
                        plain_text(text, &value);
                        part.shown(&String::from_utf8_lossy(text))
                    }
                };
                masked.put_bytes(shown.as_bytes());
            }
        }
        Ok(())
    }
}

impl Keyed {
    fn hash(&self, text: &[u8]) -> Vec<u8> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut mac = self.0.clone();
        mac.update(text);
        let code = mac.finalize().into_bytes();
        let digits = code[..HASH_OCTETS]
            .iter()
            .flat_map(|octet| [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
        HASH_PREFIX.iter().copied().chain(digits).collect()
    }
}
