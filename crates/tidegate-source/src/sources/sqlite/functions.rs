//! Functions that our statements call: they bring loosely stored values into one form.
//!
//! | function | gives |
//! | --- | --- |
//! | `tidegate_text(value)` | the value as a batch shows it as text |
//! | `tidegate_boolean(value)` | 0 or 1 |
//! | `tidegate_instant(value)` | microseconds since 1970 UTC |
//! | `tidegate_time(value)` | microseconds since midnight |
//! | `tidegate_uuid(value)` | 36 characters in lower case |
//! | `tidegate_decimal(value)` | text that sorts as the numbers do |
//! | `tidegate_anchor(value)` | the value and its type as text |
//! | `tidegate_lines(spec, value, …)` | aggregate: a JSON array of objects |
//!
//! NULL gives NULL. A value that is not what its field declares is an error that names no value.

use std::sync::{Arc, Mutex};

use rusqlite::{
    Connection, Error,
    functions::{Aggregate, Context, FunctionFlags},
    types::ValueRef,
};
use tidegate_batch::DataType;

use super::{
    anchor,
    cell::{CellFault, Converter, hex},
    iso,
    iso::EPOCH_MICROS,
    json, number,
};

/// Functions see cells before the reader does; the reader bounds them.
const CELL_BYTES_MAX: usize = i32::MAX as usize;

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// A value met by a function that is not what its field declares.
#[derive(Debug, thiserror::Error)]
enum FunctionFault {
    #[error("a value compared or sorted by is not what its field declares: {0}")]
    Compared(CellFault),
    #[error("field `{field}` of a list: {fault}")]
    Item { field: String, fault: CellFault },
    #[error("the list's description is broken")]
    Spec,
}

impl From<FunctionFault> for Error {
    fn from(fault: FunctionFault) -> Self {
        Self::UserFunctionError(Box::new(fault))
    }
}

/// Makes the functions known to the connection.
pub(super) fn register(connection: &Connection) -> Result<(), Error> {
    scalar(connection, "tidegate_text", DataType::Text, |converter, value| {
        converter.text(value, true).map(std::borrow::Cow::into_owned)
    })?;
    scalar(connection, "tidegate_boolean", DataType::Boolean, |converter, value| {
        converter.boolean(value)
    })?;
    scalar(
        connection,
        "tidegate_instant",
        DataType::TimestampTz,
        |converter, value| match value {
            ValueRef::Text(text) => iso::instant(text)
                .map(|micros| micros + EPOCH_MICROS)
                .map_err(|fault| converter.iso(fault)),
            other => Err(converter.mismatch(other)),
        },
    )?;
    scalar(connection, "tidegate_time", DataType::Time, |converter, value| match value {
        ValueRef::Text(text) => iso::time(text).map_err(|fault| converter.iso(fault)),
        other => Err(converter.mismatch(other)),
    })?;
    scalar(connection, "tidegate_uuid", DataType::Uuid, |converter, value| {
        let digits = hex(&converter.uuid(value)?);
        let (a, b, c, d, e) =
            (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
        Ok(format!("{a}-{b}-{c}-{d}-{e}"))
    })?;
    scalar(connection, "tidegate_decimal", DataType::Decimal(None), |converter, value| {
        let text = converter.text(value, false)?;
        number::sort_key(text.as_bytes()).map_err(|_| converter.mismatch(value))
    })?;
    connection.create_scalar_function("tidegate_anchor", 1, FLAGS, |context| {
        Ok(anchor::write(context.get_raw(0)))
    })?;
    connection.create_aggregate_function("tidegate_lines", -1, FLAGS, LinesFunction::default())
}

fn scalar<T: rusqlite::ToSql>(
    connection: &Connection,
    name: &str,
    data_type: DataType,
    convert: impl Fn(&Converter, ValueRef<'_>) -> Result<T, CellFault> + Send + 'static,
) -> Result<(), Error> {
    let converter = Converter::new(&data_type, true, CELL_BYTES_MAX);
    connection.create_scalar_function(name, 1, FLAGS, move |context| match context.get_raw(0) {
        ValueRef::Null => Ok(None),
        value => match convert(&converter, value) {
            Ok(value) => Ok(Some(value)),
            Err(fault) => Err(FunctionFault::Compared(fault).into()),
        },
    })
}

/// The aggregate that makes the list of the lines.
#[derive(Default)]
struct LinesFunction {
    /// Descriptions that were met, read once: the aggregate begins anew for each row outside.
    known: Mutex<Vec<(String, Arc<[LinesItem]>)>>,
}

/// A field of a list's records.
struct LinesItem {
    slug: String,
    converter: Converter,
}

/// The list so far.
struct LinesSoFar {
    items: Arc<[LinesItem]>,
    json: Vec<u8>,
}

impl LinesFunction {
    fn items(&self, spec: &str) -> Result<Arc<[LinesItem]>, FunctionFault> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, items)) = known.iter().find(|(text, _)| text == spec) {
            return Ok(Arc::clone(items));
        }
        let pairs: Vec<(String, DataType)> =
            serde_json::from_str(spec).map_err(|_| FunctionFault::Spec)?;
        let items: Arc<[LinesItem]> = pairs
            .into_iter()
            .map(|(slug, data_type)| LinesItem {
                slug,
                converter: Converter::new(&data_type, true, CELL_BYTES_MAX),
            })
            .collect();
        known.push((spec.to_owned(), Arc::clone(&items)));
        Ok(items)
    }
}

impl Aggregate<LinesSoFar, String> for LinesFunction {
    fn init(&self, context: &mut Context<'_>) -> Result<LinesSoFar, Error> {
        let spec = context.get_raw(0).as_str().map_err(|_| FunctionFault::Spec)?;
        Ok(LinesSoFar { items: self.items(spec)?, json: Vec::new() })
    }

    fn step(&self, context: &mut Context<'_>, so_far: &mut LinesSoFar) -> Result<(), Error> {
        let LinesSoFar { items, json } = so_far;
        json.push(if json.is_empty() { b'[' } else { b',' });
        for (at, item) in items.iter().enumerate() {
            json.push(if at == 0 { b'{' } else { b',' });
            json::write_text(&item.slug, json);
            json.push(b':');
            json::write_value(&item.converter, context.get_raw(at + 1), json)
                .map_err(|fault| FunctionFault::Item { field: item.slug.clone(), fault })?;
        }
        json.extend_from_slice(if items.is_empty() { b"{}" } else { b"}" });
        Ok(())
    }

    fn finalize(
        &self,
        _context: &mut Context<'_>,
        so_far: Option<LinesSoFar>,
    ) -> Result<String, Error> {
        let Some(LinesSoFar { mut json, .. }) = so_far else { return Ok("[]".to_owned()) };
        json.push(b']');
        String::from_utf8(json).map_err(|_| FunctionFault::Spec.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask<T: rusqlite::types::FromSql>(sql: &str) -> Result<T, String> {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).map_err(|error| error.to_string())
    }

    #[test]
    fn values_in_many_forms_become_one() {
        assert_eq!(ask("select tidegate_instant('1970-01-01 01:00+01')"), Ok(0_i64));
        assert_eq!(ask("select tidegate_text(1.5)"), Ok("1.5".to_owned()));
        assert_eq!(ask("select tidegate_boolean('true')"), Ok(1_i64));
        assert_eq!(ask("select tidegate_boolean(null)"), Ok(None::<i64>));
        let uuid = "0123abcd-0000-4000-8000-00000000000f".to_owned();
        let sql = "select tidegate_uuid(x'0123ABCD00004000800000000000000F')";
        assert_eq!(ask(sql), Ok(uuid));
        assert_eq!(ask("select tidegate_decimal('9') < tidegate_decimal(10)"), Ok(true));
    }

    #[test]
    fn lines_are_aggregated_in_their_order() {
        let lines = |rows: &str| {
            ask::<String>(&format!(
                r#"select tidegate_lines('[["sku","text"],["price","decimal(8,2)"]]',
                   column1, column2 order by column2) from ({rows})"#
            ))
        };
        let expected = r#"[{"sku":"b","price":1.00},{"sku":null,"price":2.50}]"#;
        assert_eq!(lines("values (null, 2.5), ('b', 1)").as_deref(), Ok(expected));
        assert_eq!(lines("select 1 as column1, 2 as column2 where false").as_deref(), Ok("[]"));
        let error = lines("values ('a', 'secret')").unwrap_err();
        assert!(error.contains("`price`") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn a_view_of_the_database_cannot_call_them() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.execute_batch("create view v as select tidegate_text(1)").unwrap();
        assert!(connection.prepare("select * from v").is_err());
    }
}
