//! Widths of columns, from their names, their types and a sample of their values.

use tidegate_batch::{DataType, RowBatch, Schema, Value};

use crate::text::{value, zone::ZoneOffsets};

/// Widths in characters: the least, and the most for text that could go on and on.
const WIDTH_MIN: usize = 6;
const WIDTH_MAX: usize = 50;
/// A bold character is wider, by one in ten.
const BOLD_PARTS: usize = 10;
/// Room for the button of the filter.
const BUTTON_WIDTH: usize = 3;
/// Room on both sides of a value.
const MARGIN_WIDTH: usize = 1;
/// Rows of the first batch that are looked at; fewer where there are many columns.
const SAMPLE_ROWS: usize = 500;
const SAMPLE_CELLS: usize = 50_000;
/// Of a hundred values, so many shall fit.
const FITTING_PERCENT: usize = 95;
/// Characters of a value that are looked at.
const LOOK_CHARACTERS: usize = 200;

/// Widths of the visible columns, in characters.
pub(super) fn widths(schema: &Schema, batch: Option<&RowBatch>, zone: &ZoneOffsets) -> Vec<usize> {
    let mut samples = vec![Vec::new(); schema.visible().len()];
    if let Some(batch) = batch {
        let rows = SAMPLE_ROWS.min(SAMPLE_CELLS / schema.width().max(1)).max(1);
        for row in batch.rows(schema.width()).take(rows) {
            for ((cell, column), sample) in row.zip(schema.visible()).zip(&mut samples) {
                // What is malformed is reported where it is encoded.
                if let Ok(value) = column.decode(cell) {
                    sample.push(value_width(&value, zone));
                }
            }
        }
    }
    schema
        .visible()
        .iter()
        .zip(samples)
        .map(|(column, sample)| {
            let name = text_width(column.name());
            let header = name + name.div_ceil(BOLD_PARTS) + BUTTON_WIDTH;
            let values = fitting(sample).max(least(&column.data_type)) + MARGIN_WIDTH;
            header.max(values).clamp(WIDTH_MIN, WIDTH_MAX)
        })
        .collect()
}

/// The width in which most of the sample fits.
fn fitting(mut sample: Vec<usize>) -> usize {
    sample.sort_unstable();
    let last = (sample.len() * FITTING_PERCENT).div_ceil(100);
    last.checked_sub(1).map_or(0, |last| sample[last])
}

/// Width that values of a type need, whatever the sample says.
fn least(data_type: &DataType) -> usize {
    match data_type {
        DataType::Date => "2026-11-21".len(),
        DataType::Time => "19:05:00".len(),
        DataType::Timestamp | DataType::TimestampTz => "2026-11-21 19:05:00".len(),
        DataType::Boolean => "FALSE".len(),
        DataType::Integer
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal(_)
        | DataType::Text
        | DataType::Bytes
        | DataType::Uuid
        | DataType::Interval
        | DataType::Json
        | DataType::List(_) => 0,
    }
}

fn value_width(value: &Value<'_>, zone: &ZoneOffsets) -> usize {
    match value {
        // Shown by formats whose width is known.
        Value::Null
        | Value::Boolean(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_) => 0,
        // Shown with at most eleven characters, unless the column is given more.
        Value::Float32(_) | Value::Float64(_) => "1.23457E+11".len(),
        Value::Text(bytes) | Value::Json(bytes) | Value::List(bytes) => {
            let end = bytes.len().min(4 * LOOK_CHARACTERS);
            text_width(&String::from_utf8_lossy(&bytes[..end]))
        }
        Value::Bytes(octets) => octets.len().div_ceil(3) * 4,
        Value::Integer(_) | Value::Decimal(_) | Value::Uuid(_) | Value::Interval(_) => {
            let mut text = Vec::new();
            value::plain(&mut text, value, zone);
            text.len()
        }
    }
}

/// Width of the longest line, with two for the characters of East Asia and for pictures.
fn text_width(text: &str) -> usize {
    let line = |line: &str| line.chars().take(LOOK_CHARACTERS).map(character_width).sum();
    text.lines().map(line).max().unwrap_or(0)
}

fn character_width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200F}' | '\u{FE00}'..='\u{FE0F}' => 0,
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE4F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{1F300}'..='\u{1F64F}'
        | '\u{1F900}'..='\u{1F9FF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_batch::Column;

    use super::*;

    fn widths_of(columns: &[(&str, &str)], texts: &[&str]) -> Vec<usize> {
        let column =
            |(name, data_type): &(&str, &str)| Column::new(*name, data_type.parse().unwrap());
        let schema = Schema::new(columns.iter().map(column).collect());
        let mut batch = RowBatch::default();
        for text in texts {
            columns.iter().for_each(|_| batch.put_bytes(text.as_bytes()));
            batch.end_row();
        }
        batch.seal();
        widths(&schema, Some(&batch), &ZoneOffsets::new(chrono_tz::UTC))
    }

    #[test]
    fn a_column_is_as_wide_as_its_name_or_most_of_its_values() {
        assert_eq!(widths_of(&[("id", "text")], &[]), [6]);
        assert_eq!(widths_of(&[("customer_name", "text")], &["Ada"]), [18]);
        assert_eq!(widths_of(&[("n", "text")], &["a name of 22 characters"]), [24]);
        assert_eq!(widths_of(&[("n", "text")], &["two\nlines, of ten"]), [14]);
        assert_eq!(widths_of(&[("n", "text")], &["田中さん、こんにちは"]), [21]);
        assert_eq!(widths_of(&[("n", "text")], &[&"x".repeat(9_999)]), [50]);
        let mut many = vec!["short"; 99];
        many.push("one that is far longer than all of the others");
        assert_eq!(widths_of(&[("n", "text")], &many), [6]);
    }

    #[test]
    fn dates_are_never_too_narrow() {
        assert_eq!(widths_of(&[("d", "date"), ("t", "timestamptz")], &[]), [11, 20]);
    }
}
