//! rust_xlsxwriter as a peer: a worksheet in constant memory from one binary `COPY`.
//!
//! Usage: `bench-peers CONNINFO TABLE OUT`

use std::pin::pin;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use rust_xlsxwriter::{Format, Workbook, Worksheet};
use tokio_postgres::{
    Client, NoTls,
    binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream},
    types::Type,
};

/// What becomes of a column in the sheet.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Number,
    Instant,
    Text,
    Flag,
}

/// Columns of `orders`: name, what is selected, what it becomes. The casts hand over what a sheet
/// holds anyway, so that the client has as little to do as it can.
const COLUMNS: &[(&str, &str, Kind)] = &[
    ("id", "id", Kind::Integer),
    ("order_number", "order_number", Kind::Text),
    ("user_id", "user_id", Kind::Integer),
    ("status", "status", Kind::Text),
    ("currency", "currency::text", Kind::Text),
    ("total", "total::float8", Kind::Number),
    ("tax", "tax::float8", Kind::Number),
    ("email", "email", Kind::Text),
    ("customer_name", "customer_name", Kind::Text),
    ("placed_at", "extract(epoch from placed_at)::float8 / 86400 + 25569", Kind::Instant),
    ("updated_at", "extract(epoch from updated_at)::float8 / 86400 + 25569", Kind::Instant),
    ("note", "note", Kind::Text),
    ("shipping", "shipping::text", Kind::Text),
    ("items_count", "items_count::bigint", Kind::Integer),
    ("is_gift", "is_gift", Kind::Flag),
];

impl Kind {
    fn wire(self) -> Type {
        match self {
            Self::Integer => Type::INT8,
            Self::Number | Self::Instant => Type::FLOAT8,
            Self::Text => Type::TEXT,
            Self::Flag => Type::BOOL,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [conninfo, table, out] = arguments.as_slice() else {
        anyhow::bail!("usage: bench-peers CONNINFO TABLE OUT");
    };
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await?;
    let connection = tokio::spawn(connection);
    write_book(&client, table, out).await?;
    drop(client);
    Ok(connection.await??)
}

async fn write_book(client: &Client, table: &str, out: &str) -> Result<()> {
    let selected: Vec<&str> = COLUMNS.iter().map(|(_, expression, _)| *expression).collect();
    let query =
        format!("copy (select {} from {table}) to stdout (format binary)", selected.join(", "));
    let types: Vec<Type> = COLUMNS.iter().map(|(.., kind)| kind.wire()).collect();
    let mut rows = pin!(BinaryCopyOutStream::new(client.copy_out(&query).await?, &types));

    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    let instant = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    for (column, (name, ..)) in (0..).zip(COLUMNS) {
        sheet.write_string(0, column, *name)?;
    }
    let mut place = 1;
    while let Some(row) = rows.try_next().await? {
        write_row(sheet, place, &row, &instant)?;
        place += 1;
    }
    book.save(out).context("cannot save the book")
}

fn write_row(
    sheet: &mut Worksheet,
    place: u32,
    row: &BinaryCopyOutRow,
    instant: &Format,
) -> Result<()> {
    for (column, (.., kind)) in (0_u16..).zip(COLUMNS) {
        let cell = usize::from(column);
        match kind {
            Kind::Integer => {
                // A sheet has only floating point numbers.
                #[expect(clippy::cast_precision_loss)]
                if let Some(number) = row.try_get::<Option<i64>>(cell)? {
                    sheet.write_number(place, column, number as f64)?;
                }
            }
            Kind::Number => {
                if let Some(number) = row.try_get::<Option<f64>>(cell)? {
                    sheet.write_number(place, column, number)?;
                }
            }
            Kind::Instant => {
                if let Some(serial) = row.try_get::<Option<f64>>(cell)? {
                    sheet.write_number_with_format(place, column, serial, instant)?;
                }
            }
            Kind::Text => {
                if let Some(text) = row.try_get::<Option<&str>>(cell)? {
                    sheet.write_string(place, column, text)?;
                }
            }
            Kind::Flag => {
                if let Some(flag) = row.try_get::<Option<bool>>(cell)? {
                    sheet.write_boolean(place, column, flag)?;
                }
            }
        }
    }
    Ok(())
}
