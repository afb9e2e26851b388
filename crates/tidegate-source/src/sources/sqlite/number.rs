//! Exact numbers: read as any of SQLite's forms, written in plain digits.

/// Largest power of ten that a text may name, so that a cell cannot grow without bound: beyond
/// the largest floating point number.
const EXPONENT_MAX: i32 = 400;

/// The text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotANumber;

/// A number taken apart: ± 0.digits × 10^point, without zeros at either end.
struct Parts<'a> {
    is_negative: bool,
    /// Digits before the point.
    whole: &'a [u8],
    /// Digits behind it.
    fraction: &'a [u8],
    /// Power of ten that follows them.
    exponent: i32,
}

impl<'a> Parts<'a> {
    /// Reads `[±]digits[.digits][e[±]digits]`; digits may be missing on one side of the point.
    fn read(text: &'a [u8]) -> Result<Self, NotANumber> {
        let (is_negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (whole, rest) = digits(rest);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits(rest),
            rest => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => {
                let text = std::str::from_utf8(rest).map_err(|_| NotANumber)?;
                text.parse().map_err(|_| NotANumber)?
            }
            _ => return Err(NotANumber),
        };
        let has_digits = !whole.is_empty() || !fraction.is_empty();
        if has_digits && (-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent) {
            Ok(Self { is_negative, whole, fraction, exponent })
        } else {
            Err(NotANumber)
        }
    }

    /// All digits, most significant first.
    fn digits(&self) -> impl Iterator<Item = u8> + Clone {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn is_zero(&self) -> bool {
        self.digits().all(|digit| digit == b'0')
    }
}

/// The digits that `text` begins with, and what follows.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// Appends the number in plain notation: no exponent, no sign of zero, all its digits, and zeros
/// behind them up to `scale` digits behind the point.
pub(super) fn write_plain(
    text: &[u8],
    scale: Option<u16>,
    out: &mut Vec<u8>,
) -> Result<(), NotANumber> {
    if matches!(text, b"NaN" | b"Infinity" | b"-Infinity") {
        out.extend_from_slice(text);
        return Ok(());
    }
    let parts = Parts::read(text)?;
    if parts.is_negative && !parts.is_zero() {
        out.push(b'-');
    }
    let point = isize::try_from(parts.whole.len()).map_err(|_| NotANumber)?
        + isize::try_from(parts.exponent).map_err(|_| NotANumber)?;
    let count = parts.whole.len() + parts.fraction.len();
    let digit_at = |at: isize| {
        let at = usize::try_from(at).ok().filter(|at| *at < count);
        at.map_or(b'0', |at| {
            parts.whole.get(at).copied().unwrap_or_else(|| parts.fraction[at - parts.whole.len()])
        })
    };
    let from = out.len();
    for at in 0..point {
        let digit = digit_at(at);
        if digit != b'0' || out.len() > from {
            out.push(digit);
        }
    }
    if out.len() == from {
        out.push(b'0');
    }
    let end = isize::try_from(count).map_err(|_| NotANumber)?;
    let behind = usize::try_from(end - point).unwrap_or(0).max(scale.map_or(0, usize::from));
    if behind > 0 {
        out.push(b'.');
        let behind = isize::try_from(behind).map_err(|_| NotANumber)?;
        out.extend((point..point + behind).map(digit_at));
    }
    Ok(())
}

/// Text that sorts as the numbers do, whatever their length.
///
/// A sign, the place of the first digit, and the digits; for negative numbers each digit's
/// complement and an end mark above all digits.
pub(super) fn sort_key(text: &[u8]) -> Result<String, NotANumber> {
    /// Added to the place, so that it is positive and has six digits.
    const BIAS: isize = 500_000;
    match text {
        b"NaN" | b"Infinity" => return Ok("3".to_owned()),
        b"-Infinity" => return Ok("/".to_owned()),
        _ => {}
    }
    let parts = Parts::read(text)?;
    if parts.is_zero() {
        return Ok("1".to_owned());
    }
    let leading = parts.digits().take_while(|digit| *digit == b'0').count();
    let mut digits: Vec<u8> = parts.digits().skip(leading).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let whole = isize::try_from(parts.whole.len()).map_err(|_| NotANumber)?;
    let leading = isize::try_from(leading).map_err(|_| NotANumber)?;
    let exponent = isize::try_from(parts.exponent).map_err(|_| NotANumber)?;
    let place = whole - leading + exponent + BIAS;
    let digits = String::from_utf8(digits).map_err(|_| NotANumber)?;
    let key = format!("{place:06}{digits}");
    if !parts.is_negative {
        return Ok(format!("2{key}"));
    }
    let complement: String = key.bytes().map(|digit| char::from(b'9' - digit + b'0')).collect();
    Ok(format!("0{complement}~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, scale: Option<u16>) -> Option<String> {
        let mut out = Vec::new();
        write_plain(text.as_bytes(), scale, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_become_plain_digits_padded_to_their_scale() {
        for (text, scale, expected) in [
            ("5", Some(2), "5.00"),
            ("19.5", Some(2), "19.50"),
            ("19.999", Some(2), "19.999"),
            ("-0.0", Some(2), "0.00"),
            ("-0", None, "0"),
            ("007", None, "7"),
            (".5", None, "0.5"),
            ("5.", None, "5"),
            ("+1.25e3", None, "1250"),
            ("1.25e-3", None, "0.00125"),
            ("-1e20", Some(1), "-100000000000000000000.0"),
            ("123.456e1", None, "1234.56"),
            (
                "12345678901234567890123456789012345678",
                None,
                "12345678901234567890123456789012345678",
            ),
            ("Infinity", Some(2), "Infinity"),
        ] {
            assert_eq!(plain(text, scale).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", ".", "1e", "1e999", "1,5", "0x10", " 1", "1 ", "nan", "１"] {
            assert_eq!(plain(text, None), None, "{text}");
        }
    }

    #[test]
    fn sort_keys_sort_as_the_numbers_do() {
        let ascending = [
            "-Infinity",
            "-1e30",
            "-123.5",
            "-123.45",
            "-12",
            "-2",
            "-1.55",
            "-1.5",
            "-0.01",
            "-0.001",
            "0",
            "0.0009",
            "0.001",
            "0.0015",
            "1",
            "1.5",
            "1.55",
            "2",
            "9.99",
            "10",
            "99999999999999999999999999999999999998",
            "99999999999999999999999999999999999999",
            "1e39",
            "Infinity",
        ];
        let keys: Vec<String> =
            ascending.iter().map(|text| sort_key(text.as_bytes()).unwrap()).collect();
        assert!(keys.is_sorted_by(|left, right| left < right), "{keys:?}");
        assert_eq!(sort_key(b"1.50"), sort_key(b"15e-1"));
        assert_eq!(sort_key(b"-0"), sort_key(b"0.00"));
    }
}
