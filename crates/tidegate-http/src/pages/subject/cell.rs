//! A value of a row, as the list shows it.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use serde_json::Value;
use tidegate_model::{DataType, field::Field, subject::Subject};

use super::view::View;

/// Characters of a text that a cell shows.
const CHARACTERS_MAX: usize = 60;

/// A cell.
#[derive(Debug)]
pub(super) struct Cell {
    /// What it shows; none where there is no value.
    pub(super) words: Option<String>,
    /// The whole value, where what is shown is not.
    pub(super) title: String,
    /// For programs, of an instant.
    pub(super) moment: String,
    /// Whether it stands on the right.
    pub(super) is_num: bool,
    /// Whether it is for programs rather than for people: an identifier, a document.
    pub(super) is_code: bool,
    /// The value, as the row has it.
    pub(super) value: Value,
    /// The list of the rows that have this value, where one word asks for it.
    pub(super) only: Option<String>,
}

/// Whether values of a type stand on the right.
pub(super) fn is_num(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Integer | DataType::Float32 | DataType::Float64 | DataType::Decimal(_)
    )
}

/// The value of a field in a row: dots nest.
pub(super) fn at<'a>(row: &'a Value, slug: &str) -> &'a Value {
    static NONE: Value = Value::Null;
    if let Some(value) = row.get(slug) {
        return value;
    }
    slug.split('.').try_fold(row, |value, name| value.get(name)).unwrap_or(&NONE)
}

impl Cell {
    /// A value of a field, in the year that it is. What names a row is shown as it is.
    pub(super) fn of(field: &Field, value: &Value, is_key: bool, year: i32) -> Self {
        let (mut title, mut moment) = (String::new(), String::new());
        let is_quantity = is_num(&field.data_type) && !is_key && !is_name(&field.slug);
        let words = match value {
            Value::Null => None,
            Value::Bool(true) => Some("Yes".to_owned()),
            Value::Bool(false) => Some("No".to_owned()),
            Value::Number(number) => Some(quantity(&number.to_string(), is_quantity)),
            Value::String(text) => Some(match field.data_type {
                DataType::TimestampTz | DataType::Timestamp | DataType::Date => {
                    let shown = day(text, year);
                    if shown.is_some() {
                        title.clone_from(text);
                        if field.data_type == DataType::TimestampTz {
                            moment.clone_from(text);
                        }
                    }
                    shown.unwrap_or_else(|| text.clone())
                }
                _ => quantity(text, is_quantity),
            }),
            nested => Some(nested.to_string()),
        };
        let words = words.map(|words| {
            if words.chars().count() <= CHARACTERS_MAX {
                return words;
            }
            let cut: String = words.chars().take(CHARACTERS_MAX - 1).collect();
            title = words;
            format!("{}…", cut.trim_end())
        });
        let is_code = matches!(
            field.data_type,
            DataType::Bytes | DataType::Uuid | DataType::Json | DataType::List(_)
        );
        let is_num = is_num(&field.data_type);
        Self { words, title, moment, is_num, is_code, value: value.clone(), only: None }
    }

    /// The same, leading to the rows that have its value, where one word asks for them.
    pub(super) fn leading(self, view: &View, subject: &Subject, slug: &str, value: &Value) -> Self {
        let only = view.with_shorthand(subject, slug, value).map(|view| view.path(&[]));
        Self { only, ..self }
    }
}

/// Whether a number of this name is one that names something, or a year: nobody adds those up.
fn is_name(slug: &str) -> bool {
    let last = slug.rsplit('.').next().unwrap_or(slug);
    let words = ["id", "no", "number", "year", "code"];
    words.iter().any(|word| {
        let rest = last.strip_suffix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    })
}

/// A number with groups in its whole part: `1,234.50`. Others, and what is none, stay as they are.
fn quantity(text: &str, is_quantity: bool) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let is_plain = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if !is_quantity || !is_plain {
        return text.to_owned();
    }
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// A day, with the minute where there is one: `21 Nov, 14:02`.
fn day(text: &str, year: i32) -> Option<String> {
    let with = |date: NaiveDate, time: &str| {
        let format = if date.year() == year { "%-d %b" } else { "%-d %b %Y" };
        format!("{}{time}", date.format(format))
    };
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        let local = instant.naive_local();
        return Some(with(local.date(), &local.format(", %H:%M").to_string()));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
            return Some(with(local.date(), &local.format(", %H:%M").to_string()));
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| with(date, ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_short_and_days_of_another_year_have_it() {
        assert_eq!(day("2026-11-21T14:02:31+01:00", 2026).unwrap(), "21 Nov, 14:02");
        assert_eq!(day("2025-11-21T14:02:31.5", 2026).unwrap(), "21 Nov 2025, 14:02");
        assert_eq!(day("2026-01-02", 2026).unwrap(), "2 Jan");
        assert_eq!(day("infinity", 2026), None);
    }

    #[test]
    fn quantities_have_groups_and_names_have_none() {
        let said = ["1234.50", "-1234567", "999", "0.001", "NaN", "1e300", ""];
        let shown = said.map(|text| quantity(text, true));
        assert_eq!(shown, ["1,234.50", "−1,234,567", "999", "0.001", "NaN", "1e300", ""]);
        assert_eq!(quantity("20261", false), "20261");
        for slug in ["id", "customer.id", "customer_id", "year", "order_number"] {
            assert!(is_name(slug), "{slug}");
        }
        for slug in ["total", "paid", "items_count", "video", "bytes"] {
            assert!(!is_name(slug), "{slug}");
        }
    }

    #[test]
    fn a_field_with_dots_is_found_where_it_is_nested() {
        let row = json!({ "customer": { "email": "a" }, "total": "1.50" });
        assert_eq!(at(&row, "customer.email"), "a");
        assert_eq!(at(&row, "total"), "1.50");
        assert!(at(&row, "customer.name").is_null());
    }
}
