//! Exact numbers as integers of their last digit.

use arrow_buffer::i256;
use tidegate_batch::Decimal;

use super::leaf::Shape;
use crate::CellFault;

/// Digits that a group of PostgreSQL's `numeric` holds.
const GROUP_DIGITS: i32 = 4;
const POWERS: [i16; 5] = [1, 10, 100, 1_000, 10_000];

/// An integer that a decimal is stored in.
pub(super) trait Unscaled: Copy + PartialOrd {
    const ZERO: Self;
    /// `self * factor - digits`: numbers are built below zero, where there is more room.
    fn append(self, factor: i16, digits: i16) -> Option<Self>;
    fn negate(self) -> Option<Self>;
}

impl Unscaled for i64 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn append(self, factor: i16, digits: i16) -> Option<Self> {
        self.checked_mul(factor.into())?.checked_sub(digits.into())
    }

    #[inline(always)]
    fn negate(self) -> Option<Self> {
        self.checked_neg()
    }
}

impl Unscaled for i128 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn append(self, factor: i16, digits: i16) -> Option<Self> {
        self.checked_mul(factor.into())?.checked_sub(digits.into())
    }

    #[inline(always)]
    fn negate(self) -> Option<Self> {
        self.checked_neg()
    }
}

impl Unscaled for i256 {
    const ZERO: Self = i256::ZERO;

    fn append(self, factor: i16, digits: i16) -> Option<Self> {
        self.checked_mul(i256::from_i128(factor.into()))?
            .checked_sub(i256::from_i128(digits.into()))
    }

    fn negate(self) -> Option<Self> {
        self.checked_neg()
    }
}

/// Smallest number of a precision.
pub(super) fn floor_of<T: Unscaled>(precision: u8) -> T {
    (0..precision)
        .try_fold(T::ZERO, |floor, _| floor.append(10, 9))
        .expect("the width was chosen to hold the precision")
}

/// The number times 10^scale, exactly; `floor` is [`floor_of`] the shape's precision.
///
/// # Errors
///
/// If it is no number, has more digits behind the point than the scale, or too many in all.
#[inline]
pub(super) fn unscaled<T: Unscaled>(
    decimal: &Decimal<'_>,
    shape: Shape,
    floor: T,
) -> Result<T, CellFault> {
    let (below_zero, is_negative) = match *decimal {
        Decimal::Groups { groups, weight, is_negative, .. } => {
            (from_groups::<T>(groups, weight.into(), shape.scale.into()), is_negative)
        }
        Decimal::Digits(digits) => match digits.strip_prefix(b"-") {
            Some(digits) => (from_digits::<T>(digits, shape.scale.into()), true),
            None => (from_digits::<T>(digits, shape.scale.into()), false),
        },
        Decimal::NaN => return Err(unrepresentable("a decimal that is no number")),
        Decimal::Infinity | Decimal::MinusInfinity => {
            return Err(unrepresentable("an infinite decimal"));
        }
    };
    below_zero
        .filter(|number| *number >= floor)
        .and_then(|number| if is_negative { Some(number) } else { number.negate() })
        .ok_or_else(|| unrepresentable("a decimal with more digits than its column declares"))
}

fn unrepresentable(what: &'static str) -> CellFault {
    CellFault::Unrepresentable { format: super::LABEL, what }
}

#[inline]
fn from_groups<T: Unscaled>(groups: &[u8], weight: i32, scale: i32) -> Option<T> {
    let mut number = T::ZERO;
    // Power of ten that the last digit of `number` stands for, once it is scaled.
    let mut power = (weight + 1) * GROUP_DIGITS + scale;
    for (index, pair) in groups.chunks_exact(2).enumerate() {
        let group = i16::from_be_bytes([pair[0], pair[1]]);
        power -= GROUP_DIGITS;
        if power >= 0 {
            number = number.append(10_000, group)?;
            continue;
        }
        // The group reaches behind the scale: what stands there, and after it, must be padding.
        let surplus = usize::try_from(-power).expect("a power below zero").min(4);
        let is_padding = groups[2 * index + 2..].iter().all(|byte| *byte == 0);
        if !is_padding || group % POWERS[surplus] != 0 {
            return None;
        }
        return number.append(POWERS[4 - surplus], group / POWERS[surplus]);
    }
    shift(number, power)
}

fn from_digits<T: Unscaled>(digits: &[u8], scale: i32) -> Option<T> {
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or(b""));
    let kept = fraction.len().min(usize::try_from(scale).ok()?);
    if whole.is_empty() || fraction[kept..].iter().any(|byte| *byte != b'0') {
        return None;
    }
    let mut number = T::ZERO;
    for byte in whole.iter().chain(&fraction[..kept]) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number = number.append(10, digit.into())?;
    }
    shift(number, scale - i32::try_from(kept).ok()?)
}

/// `number * 10^power`; a zero stays zero whatever the power.
#[inline]
fn shift<T: Unscaled>(number: T, power: i32) -> Option<T> {
    if number == T::ZERO {
        return Some(number);
    }
    (0..power).try_fold(number, |number, _| number.append(10, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { precision: 12, scale: 2 };

    fn binary(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let count = u16::try_from(groups.len()).unwrap();
        let header = [count, weight.cast_unsigned(), sign, scale];
        header.iter().chain(groups).flat_map(|part| part.to_be_bytes()).collect()
    }

    fn read(cell: &[u8]) -> Result<i64, CellFault> {
        let decimal = Decimal::from_binary(cell).unwrap();
        unscaled(&decimal, SHAPE, floor_of(SHAPE.precision))
    }

    #[test]
    fn groups_become_the_number_of_hundredths() {
        assert_eq!(read(&binary(&[1, 2345, 6700], 1, 0, 2)).unwrap(), 1_234_567);
        assert_eq!(read(&binary(&[1, 2345, 6700], 1, 0x4000, 2)).unwrap(), -1_234_567);
        assert_eq!(read(&binary(&[], 0, 0, 2)).unwrap(), 0);
        assert_eq!(read(&binary(&[9], 0, 0, 0)).unwrap(), 900);
        assert_eq!(read(&binary(&[100], -1, 0, 2)).unwrap(), 1);
        assert_eq!(read(&binary(&[99, 9999, 9999, 9900], 2, 0, 2)).unwrap(), 999_999_999_999);
        assert_eq!(read(&binary(&[7, 0], 0, 0, 6)).unwrap(), 700);
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert!(read(&binary(&[1], -1, 0, 4)).is_err(), "0.0001");
        assert!(read(&binary(&[1], -9, 0, 36)).is_err(), "far behind the point");
        assert!(read(&binary(&[1, 0, 1], 0, 0, 8)).is_err(), "1.00000001");
        assert!(read(&binary(&[100], 2, 0, 0)).is_err(), "10^10 has eleven digits");
        assert!(read(&binary(&[1], 30, 0, 0)).is_err(), "10^120");
        assert!(read(&binary(&[], 0, 0xC000, 0)).is_err(), "NaN");
        assert!(read(&binary(&[], 0, 0xF000, 0)).is_err(), "-Infinity");
    }

    #[test]
    fn digits_are_read_like_groups() {
        for (text, expected) in [
            ("12345.67", Some(1_234_567)),
            ("-0.1", Some(-10)),
            ("-0", Some(0)),
            ("7.000", Some(700)),
            ("9999999999.99", Some(999_999_999_999)),
            ("10000000000", None),
            ("0.001", None),
            (".5", None),
            ("1e3", None),
            ("", None),
            ("-", None),
        ] {
            let decimal = Decimal::from_digits(text.as_bytes());
            let found = unscaled::<i64>(&decimal, SHAPE, floor_of(SHAPE.precision)).ok();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn every_width_holds_its_extremes() {
        let nines = "9".repeat(76);
        let shape = Shape { precision: 76, scale: 0 };
        let least = Decimal::Digits(nines.as_bytes());
        let number: i256 = unscaled(&least, shape, floor_of(76)).unwrap();
        assert_eq!(number.to_string(), nines);
        let shape = Shape { precision: 38, scale: 38 };
        let text = format!("-0.{}", "9".repeat(38));
        let number: i128 =
            unscaled(&Decimal::Digits(text.as_bytes()), shape, floor_of(38)).unwrap();
        assert_eq!(number, -(10_i128.pow(38) - 1));
    }
}
