//! The suite that every source runs.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use tidegate_batch::DataType;
use tidegate_source::conformance::{self, Cell, Site, Spelling};

use super::Check;

/// Runs a script by the client.
fn run(mut client: Command, script: &str) {
    let mut client = client.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(b"set time_zone = '+00:00';\n").unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    assert!(client.wait().unwrap().success());
}

fn text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "''").replace('\0', "\\0");
    format!("'{escaped}'")
}

fn spelling() -> Spelling {
    Spelling {
        quote: |name| format!("`{}`", name.replace('`', "``")),
        type_name: |data_type| match data_type {
            DataType::Integer => "bigint".to_owned(),
            DataType::Float64 => "double".to_owned(),
            DataType::Text => "varchar(700)".to_owned(),
            DataType::Bytes => "longblob".to_owned(),
            DataType::Time => "time(6)".to_owned(),
            DataType::Timestamp => "datetime(6)".to_owned(),
            DataType::TimestampTz => "timestamp(6) null".to_owned(),
            other => other.to_string(),
        },
        literal: |cell| match cell {
            Cell::Null => "null".to_owned(),
            Cell::Boolean(value) => value.to_string(),
            Cell::Integer(value) => value.to_string(),
            Cell::Float(value) => format!("{value:e}"),
            Cell::Decimal(digits) => digits.clone(),
            Cell::Text(value) => text(value),
            Cell::Bytes(octets) => {
                let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("x'{hex}'")
            }
            Cell::Date(value) => format!("'{value}'"),
            Cell::Time(value) => format!("'{value}'"),
            Cell::Timestamp(value) => format!("'{value}'"),
            Cell::TimestampTz(value) => format!("'{}'", value.naive_utc()),
            Cell::Uuid(value) => format!("'{value}'"),
            Cell::Json(value) => text(&value.to_string()),
        },
        begin: "start transaction",
        slow: "select a.seq as n from seq_1_to_1000000 as a, seq_1_to_1000000 as b \
               where a.seq + b.seq < 0",
        holds_nul: true,
    }
}

#[test]
fn it_conforms() {
    let check = Check::new("");
    let execute = |script: &str| run(check.database.client(), script);
    conformance::run(&Site { source: &*check.source, execute: &execute, spelling: spelling() });
}
