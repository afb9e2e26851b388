//! Integers, exact numbers, floating point numbers and booleans.

use tidegate_batch::Decimal;

use super::{Out, digits};

/// What eight digits can count to.
const EIGHT_DIGITS: u64 = 100_000_000;

/// Bytes of a group of a [`Decimal`].
const GROUP_BYTES: usize = 2;

/// Digits of a group of a [`Decimal`].
const GROUP_DIGITS: usize = 4;

/// A number that no digits can stand for.
pub(crate) const NAN: &[u8; 3] = b"NaN";
/// Above all numbers and all dates.
pub(crate) const INFINITY: &[u8; 8] = b"Infinity";
/// Below all numbers and all dates.
pub(crate) const MINUS_INFINITY: &[u8; 9] = b"-Infinity";

/// Writes an integer.
#[inline(always)]
pub(crate) fn integer(out: &mut Out<'_>, value: i64) {
    out.prefix(b"-", usize::from(value < 0));
    let magnitude = value.unsigned_abs();
    if magnitude < EIGHT_DIGITS {
        let (digits, length) = digits::up_to_eight(magnitude as u32);
        out.prefix(&digits, length);
        return;
    }
    let (above, low) = (magnitude / EIGHT_DIGITS, magnitude % EIGHT_DIGITS);
    if above < EIGHT_DIGITS {
        let (digits, length) = digits::up_to_eight(above as u32);
        out.prefix(&digits, length);
    } else {
        let (digits, length) = digits::up_to_eight((above / EIGHT_DIGITS) as u32);
        out.prefix(&digits, length);
        out.array(&digits::eight((above % EIGHT_DIGITS) as u32));
    }
    out.array(&digits::eight(low as u32));
}

/// Writes `true` or `false`.
#[inline(always)]
pub(crate) fn boolean(out: &mut Out<'_>, value: bool) {
    let (text, length) = if value { (b"true\0\0\0\0", 4) } else { (b"false\0\0\0", 5) };
    out.prefix(text, length);
}

/// Writes an exact number with every digit of its scale; NaN and infinities in words.
#[inline(always)]
pub(crate) fn decimal(out: &mut Out<'_>, value: &Decimal<'_>) {
    match *value {
        Decimal::Groups { groups, weight, is_negative, scale } => {
            out.prefix(b"-", usize::from(is_negative));
            whole_groups(out, groups, weight);
            fraction_groups(out, groups, i32::from(weight) + 1, usize::from(scale));
        }
        Decimal::Digits(digits) => out.slice(digits),
        Decimal::NaN => out.array(NAN),
        Decimal::Infinity => out.array(INFINITY),
        Decimal::MinusInfinity => out.array(MINUS_INFINITY),
    }
}

/// Writes the groups before the decimal point, the first without leading zeros.
#[inline(always)]
fn whole_groups(out: &mut Out<'_>, groups: &[u8], weight: i16) {
    let Ok(last) = usize::try_from(weight) else { return out.byte(b'0') };
    let (digits, length) = digits::up_to_four(group(groups, 0));
    out.prefix(&digits, length);
    for index in 1..=last {
        out.array(&digits::four(group(groups, index)));
    }
}

/// Writes `scale` digits behind the decimal point, from the group at `first` on.
#[inline(always)]
fn fraction_groups(out: &mut Out<'_>, groups: &[u8], first: i32, scale: usize) {
    if scale == 0 {
        return;
    }
    out.byte(b'.');
    let (mut index, mut left) = (first, scale);
    while left > 0 {
        // A number below 0.0001 starts with groups that are not there.
        let digits = usize::try_from(index).map_or(0, |index| group(groups, index));
        let length = left.min(GROUP_DIGITS);
        out.prefix(&digits::four(digits), length);
        left -= length;
        index += 1;
    }
}

/// The group at `index`; those that are not sent are zero.
#[inline(always)]
fn group(groups: &[u8], index: usize) -> u16 {
    let pair = groups.get(GROUP_BYTES * index..).and_then(<[u8]>::first_chunk);
    pair.map_or(0, |pair| u16::from_be_bytes(*pair).min(9_999))
}

/// Writes the shortest digits that read back as the same number; NaN and infinities in words.
#[inline]
pub(crate) fn float64(out: &mut Out<'_>, value: f64) {
    float(out, value, value.is_nan(), value.is_finite(), value > 0.0);
}

/// Like [`float64`], for 32 bits.
#[inline]
pub(crate) fn float32(out: &mut Out<'_>, value: f32) {
    float(out, value, value.is_nan(), value.is_finite(), value > 0.0);
}

#[inline]
fn float<F: zmij::Float>(
    out: &mut Out<'_>,
    value: F,
    is_nan: bool,
    is_finite: bool,
    is_positive: bool,
) {
    match (is_finite, is_nan, is_positive) {
        (true, ..) => {
            let mut buffer = zmij::Buffer::new();
            let text = buffer.format_finite(value).as_bytes();
            out.slice(text.strip_suffix(b".0").unwrap_or(text));
        }
        (false, true, _) => out.array(NAN),
        (false, false, true) => out.array(INFINITY),
        (false, false, false) => out.array(MINUS_INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Out<'_>)) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        write(&mut out);
        out.finish();
        String::from_utf8(bytes).unwrap()
    }

    /// The cell of PostgreSQL's binary `numeric` for a number in plain digits.
    fn binary(digits: &str) -> Vec<u8> {
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(digits) => (0x4000_u16, digits),
            None => (0, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let padded = format!(
            "{}{whole}{fraction}{}",
            "0".repeat((4 - whole.len() % 4) % 4),
            "0".repeat((4 - fraction.len() % 4) % 4)
        );
        let mut groups: Vec<u16> =
            (0..padded.len()).step_by(4).map(|at| padded[at..at + 4].parse().unwrap()).collect();
        let mut weight = i16::try_from(whole.len().div_ceil(4)).unwrap() - 1;
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        while groups.last() == Some(&0) {
            groups.pop();
        }
        let weight = if groups.is_empty() { 0 } else { weight };
        let header =
            [groups.len() as u16, weight.cast_unsigned(), sign, fraction.len() as u16].into_iter();
        header.chain(groups).flat_map(u16::to_be_bytes).collect()
    }

    proptest! {
        #[test]
        fn integers_of_every_length_are_right(value: i64, shift in 0..64) {
            let value = value >> shift;
            prop_assert_eq!(text(|out| integer(out, value)), value.to_string());
        }

        #[test]
        fn exact_numbers_keep_their_digits(digits in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?") {
            // There is no negative zero among exact numbers.
            let is_zero = digits.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
            let digits = digits[usize::from(is_zero && digits.starts_with('-'))..].to_owned();
            let cell = binary(&digits);
            let value = Decimal::from_binary(&cell).unwrap();
            prop_assert_eq!(text(|out| decimal(out, &value)), digits);
        }

        #[test]
        fn floats_read_back_as_themselves(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let read: f64 = text(|out| float64(out, value)).parse().unwrap();
            prop_assert_eq!(read.to_bits(), bits);
        }

        #[test]
        fn small_floats_read_back_as_themselves(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let read: f32 = text(|out| float32(out, value)).parse().unwrap();
            prop_assert_eq!(read.to_bits(), bits);
        }
    }

    #[test]
    fn integers_at_the_edges_are_right() {
        for value in [0, -1, i64::MIN, i64::MAX, 99_999_999, 100_000_000, 9_999_999_999_999_999] {
            assert_eq!(text(|out| integer(out, value)), value.to_string());
        }
        for power in 0..19 {
            for value in [10_i64.pow(power) - 1, 10_i64.pow(power), -10_i64.pow(power)] {
                assert_eq!(text(|out| integer(out, value)), value.to_string());
            }
        }
    }

    #[test]
    fn numbers_that_are_none_are_written_in_words() {
        assert_eq!(text(|out| float64(out, f64::NAN)), "NaN");
        assert_eq!(text(|out| float64(out, f64::NEG_INFINITY)), "-Infinity");
        assert_eq!(text(|out| float32(out, f32::INFINITY)), "Infinity");
        assert_eq!(text(|out| decimal(out, &Decimal::NaN)), "NaN");
        assert_eq!(text(|out| decimal(out, &Decimal::MinusInfinity)), "-Infinity");
    }

    #[test]
    fn floats_without_a_fraction_have_no_point() {
        assert_eq!(text(|out| float64(out, 5.0)), "5");
        assert_eq!(text(|out| float64(out, -0.0)), "-0");
        assert_eq!(text(|out| float64(out, 0.1)), "0.1");
        assert_eq!(text(|out| float32(out, 0.1)), "0.1");
    }
}
