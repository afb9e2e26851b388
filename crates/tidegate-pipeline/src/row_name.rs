//! What a row is called in an error: by its key, or by its ordinal where the key is personal.

use tidegate_batch::{RowBatch, Schema, Value};
use tidegate_model::field::Field;

/// Names row `row` of a batch; `rows_before` come before the batch.
pub(crate) fn row_name(
    key: &[Field],
    schema: &Schema,
    batch: &RowBatch,
    row: usize,
    rows_before: u64,
) -> String {
    by_key(key, schema, batch, row)
        .unwrap_or_else(|| format!("ordinal {}", rows_before + row as u64 + 1))
}

fn by_key(key: &[Field], schema: &Schema, batch: &RowBatch, row: usize) -> Option<String> {
    if key.is_empty() || key.iter().any(|field| field.pii.is_some()) {
        return None;
    }
    let cells: Vec<Option<&[u8]>> = batch.rows(schema.width()).nth(row)?.collect();
    let parts = key.iter().map(|field| {
        let at = schema.columns().iter().position(|column| column.slug == field.slug)?;
        let value = schema.columns()[at].decode(cells[at]).ok()?;
        Some(format!("{} {}", field.slug, key_text(value)?))
    });
    Some(parts.collect::<Option<Vec<String>>>()?.join(", "))
}

/// Text of a key's value; none for types that nobody uses as a key.
fn key_text(value: Value<'_>) -> Option<String> {
    /// Characters of a key that an error quotes.
    const KEY_CHARACTERS_MAX: usize = 80;
    match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(text) => {
            Some(String::from_utf8_lossy(text).chars().take(KEY_CHARACTERS_MAX).collect())
        }
        Value::Decimal(number) => {
            let mut digits = Vec::new();
            number.write_to(&mut digits);
            String::from_utf8(digits).ok()
        }
        Value::Uuid(octets) => Some(octets.iter().map(|octet| format!("{octet:02x}")).collect()),
        Value::Null
        | Value::Boolean(_)
        | Value::Float32(_)
        | Value::Float64(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval(_)
        | Value::Json(_)
        | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_batch::{Column, DataType};
    use tidegate_model::field::Origin;

    use super::*;

    fn name_of_second_row(pii: Option<&str>) -> String {
        let schema = Schema::new(vec![Column::new("id", DataType::Integer)]);
        let mut batch = RowBatch::default();
        for id in [5, 6] {
            batch.put_i64(id);
            batch.end_row();
        }
        batch.seal();
        let key = Field {
            slug: "id".into(),
            label: "Id".into(),
            data_type: DataType::Integer,
            origin: Origin::Column("id".into()),
            is_default: true,
            is_internal: false,
            pii: pii.map(str::to_owned),
            mask: tidegate_model::mask::MaskPolicy::Show,
        };
        row_name(&[key], &schema, &batch, 1, 10)
    }

    #[test]
    fn a_row_is_named_by_its_key_unless_that_is_personal() {
        assert_eq!(name_of_second_row(None), "id 6");
        assert_eq!(name_of_second_row(Some("national_id")), "ordinal 12");
    }
}
