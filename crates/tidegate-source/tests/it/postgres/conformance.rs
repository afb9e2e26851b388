//! The suite that every source runs.

use tidegate_batch::DataType;
use tidegate_source::conformance::{self, Cell, Site, Spelling};

use super::Check;

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn spelling() -> Spelling {
    Spelling {
        quote: |name| format!("\"{}\"", name.replace('"', "\"\"")),
        type_name: |data_type| match data_type {
            DataType::Integer => "bigint".to_owned(),
            DataType::Float32 => "real".to_owned(),
            DataType::Float64 => "double precision".to_owned(),
            DataType::Decimal(None) => "numeric".to_owned(),
            DataType::Bytes => "bytea".to_owned(),
            DataType::Json => "jsonb".to_owned(),
            other => other.to_string(),
        },
        literal: |cell| match cell {
            Cell::Null => "null".to_owned(),
            Cell::Boolean(value) => value.to_string(),
            Cell::Integer(value) => format!("'{value}'"),
            Cell::Float(value) => format!("'{value:?}'"),
            Cell::Decimal(digits) => digits.clone(),
            Cell::Text(value) => text(value),
            Cell::Bytes(octets) => {
                let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("'\\x{hex}'")
            }
            Cell::Date(value) => format!("'{value}'"),
            Cell::Time(value) => format!("'{value}'"),
            Cell::Timestamp(value) => format!("'{value}'"),
            Cell::TimestampTz(value) => format!("'{}+00'", value.naive_utc()),
            Cell::Uuid(value) => format!("'{value}'"),
            Cell::Json(value) => text(&value.to_string()),
        },
        begin: "begin",
        slow: "select 1 as n from pg_sleep(600)",
        holds_nul: false,
    }
}

#[test]
fn it_conforms() {
    let check = Check::new("");
    let execute = |script: &str| check.database.execute(script);
    conformance::run(&Site { source: &*check.source, execute: &execute, spelling: spelling() });
}
