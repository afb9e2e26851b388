//! Reads numbers exactly, or says why that is not possible.

use serde_json::Value;

use super::{
    limits::{DECIMAL_DIGITS_MAX, NUMBER_DIGITS_EXACT},
    value::kind_of,
};
use crate::{DataType, fault::shown, field::Field, query::Literal};

/// A 64-bit integer, as a JSON number or as its digits in a text, for callers whose numbers are
/// doubles.
pub(super) fn integer(slug: &str, sent: &Value) -> Result<Literal, String> {
    let slug = shown(slug);
    let out_of_range =
        || format!("`{slug}` takes whole numbers of 64 bits; this one is beyond them");
    match sent {
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Ok(Literal::Integer(value)),
            (None, Some(_)) => Err(out_of_range()),
            (None, None) => Err(format!("`{slug}` takes a whole number, not a fraction")),
        },
        Value::String(text) if is_plain(text, false) => {
            text.parse().map(Literal::Integer).map_err(|_| out_of_range())
        }
        Value::String(_) => Err(format!("`{slug}` takes a whole number, not this text")),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("`{slug}` takes a whole number, not {}", kind_of(sent)))
        }
    }
}

/// A floating point number, rounded as its field holds it, so that `eq` finds it again.
pub(super) fn float(field: &Field, sent: &Value) -> Result<Literal, String> {
    let value = sent.as_f64().filter(|value| value.is_finite());
    let value = match (value, field.data_type == DataType::Float32) {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is the purpose")]
        (Some(value), true) => Some(f64::from(value as f32)).filter(|value| value.is_finite()),
        (value, _) => value,
    };
    value
        .map(Literal::Float)
        .ok_or_else(|| format!("`{}` cannot hold a number this large", shown(&field.slug)))
}

/// An exact number: its digits in a text, or a JSON number that is short enough to be exact.
pub(super) fn decimal(slug: &str, sent: &Value) -> Result<Literal, String> {
    let slug = shown(slug);
    match sent {
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Ok(Literal::Decimal(value.to_string())),
            (None, Some(value), _) => Ok(Literal::Decimal(value.to_string())),
            (None, None, Some(value)) if value.is_finite() => short(value).ok_or_else(|| {
                format!(
                    "a JSON number keeps only {NUMBER_DIGITS_EXACT} digits; write the value of \
                     `{slug}` as text, such as \"12.50\""
                )
            }),
            (None, None, _) => Err(format!("`{slug}` cannot hold a number this large")),
        },
        Value::String(text) if is_plain(text, true) => {
            if text.len() > DECIMAL_DIGITS_MAX {
                return Err(format!("`{slug}` takes at most {DECIMAL_DIGITS_MAX} digits"));
            }
            Ok(Literal::Decimal(without_leading_zeros(text)))
        }
        Value::String(_) => {
            Err(format!("`{slug}` takes a decimal number such as \"12.50\", not this text"))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("`{slug}` takes a decimal number, not {}", kind_of(sent)))
        }
    }
}

/// A double whose shortest form has few enough digits to be the number that was written: two
/// numbers of up to 15 digits are never the same double.
fn short(value: f64) -> Option<Literal> {
    let scientific = format!("{value:e}");
    let mantissa = scientific.split('e').next()?;
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    (digits <= NUMBER_DIGITS_EXACT).then(|| Literal::Decimal(without_leading_zeros(&plain(value))))
}

/// All digits, no exponent.
fn plain(value: f64) -> String {
    format!("{value}")
}

/// Whether a text is an optional minus and digits, with a point and more digits if allowed.
pub(super) fn is_plain(text: &str, may_have_point: bool) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => may_have_point && is_digits(whole) && is_digits(fraction),
        None => is_digits(unsigned),
    }
}

fn without_leading_zeros(text: &str) -> String {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text),
    };
    let whole = unsigned.find('.').unwrap_or(unsigned.len());
    let zeros = unsigned[..whole].bytes().take_while(|byte| *byte == b'0').count();
    let kept = &unsigned[zeros.min(whole - 1)..];
    let is_zero = kept.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    format!("{}{kept}", if is_zero { "" } else { sign })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn digits(sent: Value) -> Option<String> {
        match decimal("total", &sent) {
            Ok(Literal::Decimal(digits)) => Some(digits),
            Ok(_) => unreachable!(),
            Err(_) => None,
        }
    }

    #[test]
    fn a_decimal_keeps_every_digit_or_is_refused() {
        for (sent, kept) in [
            (json!("12.50"), Some("12.50")),
            (json!("-007.10"), Some("-7.10")),
            (json!("-0.00"), Some("0.00")),
            (json!("99999999999999999999999999999999999.01"), {
                Some("99999999999999999999999999999999999.01")
            }),
            (json!(12.5), Some("12.5")),
            (json!(0.1), Some("0.1")),
            (json!(-3), Some("-3")),
            (json!(18_446_744_073_709_551_615_u64), Some("18446744073709551615")),
            (json!(1e20), Some("100000000000000000000")),
            (json!(0.000_000_1), Some("0.0000001")),
            (json!(123_456_789.123_456_78), None),
            (json!("1e3"), None),
            (json!(".5"), None),
            (json!("5."), None),
            (json!("+5"), None),
            (json!(" 5"), None),
            (json!("NaN"), None),
            (json!(true), None),
        ] {
            assert_eq!(digits(sent.clone()).as_deref(), kept, "{sent}");
        }
    }

    #[test]
    fn an_integer_may_travel_as_text() {
        let read = |sent: Value| integer("id", &sent).ok();
        assert_eq!(read(json!(7)), Some(Literal::Integer(7)));
        assert_eq!(read(json!("9007199254740993")), Some(Literal::Integer(9_007_199_254_740_993)));
        assert_eq!(read(json!(i64::MIN)), Some(Literal::Integer(i64::MIN)));
        for refused in [json!(1.5), json!(1.0), json!(u64::MAX), json!("9223372036854775808")] {
            assert_eq!(read(refused.clone()), None, "{refused}");
        }
    }

    #[test]
    fn a_32_bit_float_is_compared_as_its_field_holds_it() {
        let field = |data_type| {
            Field::new("ratio", data_type, crate::field::Origin::Column("ratio".into()))
        };
        let single = float(&field(DataType::Float32), &json!(0.1));
        assert_eq!(single, Ok(Literal::Float(f64::from(0.1_f32))));
        assert_eq!(float(&field(DataType::Float64), &json!(0.1)), Ok(Literal::Float(0.1)));
        assert!(float(&field(DataType::Float32), &json!(1e300)).is_err());
    }

    proptest! {
        #[test]
        fn a_json_number_of_up_to_15_digits_is_exact(digits in 1_u64..1_000_000_000_000_000, point in 0_usize..15) {
            let digits = digits.to_string();
            let point = point.min(digits.len() - 1);
            let (whole, fraction) = digits.split_at(digits.len() - point);
            let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
            let number: Value = serde_json::from_str(&text).unwrap();
            let Ok(Literal::Decimal(read)) = decimal("total", &number) else { panic!("{text}") };
            let trimmed = match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.'),
                false => &text,
            };
            prop_assert_eq!(read, trimmed);
        }
    }
}
