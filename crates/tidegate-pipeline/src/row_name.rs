//! What a row is called in an error: by its key, or by its ordinal where the key is personal.

use tidegate_batch::{RowBatch, Schema};
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
        Some(format!("{} {}", field.slug, value.key_text()?))
    });
    Some(parts.collect::<Option<Vec<String>>>()?.join(", "))
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
            pii: pii.map(str::to_owned),
            ..Field::new("id", DataType::Integer, Origin::Column("id".into()))
        };
        row_name(&[key], &schema, &batch, 1, 10)
    }

    #[test]
    fn a_row_is_named_by_its_key_unless_that_is_personal() {
        assert_eq!(name_of_second_row(None), "id 6");
        assert_eq!(name_of_second_row(Some("national_id")), "ordinal 12");
    }
}
