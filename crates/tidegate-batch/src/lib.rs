//! Rows on their way from a database to a file.
//!
//! A [`RowBatch`] holds rows in one well-known layout, the tuples of PostgreSQL's binary `COPY`:
//! each cell is a 32-bit big-endian length (−1 for NULL) and that many bytes. A source appends
//! cells, an encoder decodes them to [`Value`]s. A [`Schema`] says what the cells mean, and is
//! fixed before the first row.
//!
//! ```
//! use tidegate_batch::{Column, DataType, RowBatch, Schema, Value};
//!
//! let schema = Schema::new(vec![
//!     Column::new("id", DataType::Integer),
//!     Column::new("name", DataType::Text),
//! ]);
//! let mut batch = RowBatch::with_capacity(1024);
//! batch.put_i64(7);
//! batch.put_bytes(b"Ada");
//! batch.end_row();
//! batch.seal();
//! let row: Vec<Value<'_>> = batch
//!     .rows(schema.width())
//!     .next()
//!     .unwrap()
//!     .zip(schema.columns())
//!     .map(|(cell, column)| column.decode(cell).unwrap())
//!     .collect();
//! assert_eq!(row, [Value::Integer(7), Value::Text(b"Ada")]);
//! ```

mod batch;
mod data_type;
mod decimal;
mod schema;
mod value;

pub use batch::{Cells, PADDING_BYTES, PaddedCell, PaddedCells, RowBatch, Rows, TupleFault};
pub use data_type::{DataType, Item, ItemField, UnknownDataType};
pub use decimal::Decimal;
pub use schema::{Column, Schema, Wire};
pub use value::{Interval, MalformedCell, TIME_INFINITY, TIME_MINUS_INFINITY, Value};
