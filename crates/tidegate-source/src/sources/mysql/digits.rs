//! Numbers and identifiers that arrive as text.

use super::cell::Unfit;

/// Integers up to this size are exact in a double.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A whole number; a fraction of zeros is no fraction.
pub(super) fn integer(text: &[u8]) -> Result<i64, Unfit> {
    let unfit = || Unfit::because("is no whole number of 64 bits");
    let text = std::str::from_utf8(text).map_err(|_| unfit())?;
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return Err(unfit()),
        None => text,
    };
    whole.parse().map_err(|_| unfit())
}

/// A double that is a whole number.
pub(super) fn whole(value: f64) -> Result<i64, Unfit> {
    if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
        #[allow(clippy::cast_possible_truncation)]
        return Ok(value as i64);
    }
    Err(Unfit::because("is no whole number"))
}

/// A double from its digits.
pub(super) fn float(text: &[u8]) -> Result<f64, Unfit> {
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    parsed.filter(|value: &f64| value.is_finite()).ok_or_else(|| Unfit::because("is no number"))
}

/// Appends a decimal in plain notation, without the zeros that `zerofill` puts in front.
#[inline]
pub(super) fn write_decimal(text: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
    let (sign, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(point);
    let fraction_digits = fraction.get(1..).unwrap_or_default();
    let is_plain = whole.iter().chain(fraction_digits).all(u8::is_ascii_digit);
    if !is_plain || whole.is_empty() && fraction_digits.is_empty() {
        return write_exponent(text, out);
    }
    if sign {
        out.push(b'-');
    }
    let zeros = whole.iter().take_while(|digit| **digit == b'0').count();
    match &whole[zeros..] {
        [] => out.push(b'0'),
        rest => out.extend_from_slice(rest),
    }
    if !fraction_digits.is_empty() {
        out.extend_from_slice(fraction);
    }
    Ok(())
}

/// Appends a number in exponential notation, as JSON may hold one, in plain notation.
fn write_exponent(text: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
    let at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let is_number = at.is_some() && text.iter().all(|byte| b"+-.eE0123456789".contains(byte));
    let value = if is_number { float(text) } else { Err(Unfit::because("is no number")) }?;
    out.extend_from_slice(value.to_string().as_bytes());
    Ok(())
}

/// Appends the shortest digits that read back as the same number.
pub(super) fn write_float64(value: f64, out: &mut Vec<u8>) {
    let is_plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    let text = if is_plain { format!("{value}") } else { format!("{value:e}") };
    out.extend_from_slice(text.as_bytes());
}

/// Appends the shortest digits that read back as the same number.
pub(super) fn write_float32(value: f32, out: &mut Vec<u8>) {
    let is_plain = value == 0.0 || (1e-5..1e7).contains(&value.abs());
    let text = if is_plain { format!("{value}") } else { format!("{value:e}") };
    out.extend_from_slice(text.as_bytes());
}

/// The octets of a UUID, with its hyphens or without any.
pub(super) fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let is_hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let mut digits = [0; 32];
    let hex = match text.len() {
        32 => text,
        36 => {
            let mut count = 0;
            for (at, byte) in text.iter().enumerate() {
                match byte {
                    b'-' if is_hyphen(at) => {}
                    _ if is_hyphen(at) => return None,
                    digit => {
                        digits[count] = *digit;
                        count += 1;
                    }
                }
            }
            &digits
        }
        _ => return None,
    };
    let mut octets = [0; 16];
    for (octet, pair) in octets.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *octet = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_zerofill_and_nothing_else() {
        for (text, plain) in [
            ("0000012.50", "12.50"),
            ("-0.05", "-0.05"),
            (".5", "0.5"),
            ("000", "0"),
            ("123456789012345678901234567890.123", "123456789012345678901234567890.123"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
        ] {
            let mut out = Vec::new();
            write_decimal(text.as_bytes(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), plain, "{text}");
        }
        for text in ["", ".", "-", "1.2.3", "12a", "NaN", "1e999", "e", " 1"] {
            assert!(write_decimal(text.as_bytes(), &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_whole() {
        assert_eq!(integer(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer(b"12.000"), Ok(12));
        for text in ["", "12.5", "9223372036854775808", "1e3", " 1", "abc"] {
            assert!(integer(text.as_bytes()).is_err(), "{text}");
        }
        assert!(whole(0.5).is_err() && whole(1e18).is_err() && whole(-3.0) == Ok(-3));
    }
}
