//! Decimal digits of small numbers, computed in one register instead of one by one.

/// ASCII zero in each of eight bytes.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of a number below 100,000,000 as values 0–9, first digit in the lowest byte.
#[inline(always)]
pub(super) fn eight_values(number: u32) -> u64 {
    debug_assert!(number < 100_000_000);
    // Two lanes of four digits, then four of two, then eight of one; each division is a
    // multiplication by a rounded reciprocal, exact over its lane's range.
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = (fours * 10_486) >> 20 & 0x0000_007F_0000_007F;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = (twos * 103) >> 10 & 0x000F_000F_000F_000F;
    tens | (twos - 10 * tens) << 8
}

/// The eight digits of a number below 100,000,000, in ASCII.
#[inline(always)]
pub(super) fn eight(number: u32) -> [u8; 8] {
    (eight_values(number) | ZEROS).to_le_bytes()
}

/// The digits of a number below 100,000,000 without leading zeros, in ASCII, and how many they are.
#[inline(always)]
pub(super) fn up_to_eight(number: u32) -> ([u8; 8], usize) {
    let values = eight_values(number);
    // The last digit always counts, so that zero has one.
    let leading = (values | 1 << 56).trailing_zeros() / 8;
    let ascii = (values | ZEROS) >> (8 * leading);
    (ascii.to_le_bytes(), 8 - leading as usize)
}

/// The four digits of a number below 10,000 as values 0–9, first digit in the lowest byte.
#[inline(always)]
pub(super) fn four_values(number: u16) -> u32 {
    debug_assert!(number < 10_000);
    let number = u32::from(number);
    let hundreds = (number * 5_243) >> 19;
    let twos = hundreds | (number - 100 * hundreds) << 16;
    let tens = (twos * 103) >> 10 & 0x000F_000F;
    tens | (twos - 10 * tens) << 8
}

/// The four digits of a number below 10,000, in ASCII.
#[inline(always)]
pub(super) fn four(number: u16) -> [u8; 4] {
    (four_values(number) | 0x3030_3030).to_le_bytes()
}

/// The digits of a number below 10,000 without leading zeros, in ASCII, and how many they are.
#[inline(always)]
pub(super) fn up_to_four(number: u16) -> ([u8; 4], usize) {
    let values = four_values(number);
    let leading = (values | 1 << 24).trailing_zeros() / 8;
    let ascii = (values | 0x3030_3030) >> (8 * leading);
    (ascii.to_le_bytes(), 4 - leading as usize)
}

/// Six digits of a fraction without trailing zeros, in ASCII behind a point, and their length with
/// the point; 0 for no fraction at all.
#[inline(always)]
pub(super) fn fraction(micros: u32) -> ([u8; 8], usize) {
    debug_assert!(micros < 1_000_000);
    // The first two of the eight digits are zero: the second becomes the point.
    let values = eight_values(micros) >> 8;
    let digits = values | ZEROS >> 8;
    let point = digits & !0xFF | u64::from(b'.');
    let length = 8 - values.leading_zeros() as usize / 8;
    (point.to_le_bytes(), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_four_digits_is_right() {
        for number in 0..10_000_u16 {
            assert_eq!(four(number), format!("{number:04}").as_bytes());
            let (digits, length) = up_to_four(number);
            assert_eq!(digits[..length], *number.to_string().as_bytes());
        }
    }

    #[test]
    fn numbers_of_eight_digits_are_right_in_both_halves() {
        for half in 0..10_000_u32 {
            for number in [half, half * 10_000, half * 10_001, half * 10_000 + 9_999] {
                assert_eq!(eight(number), format!("{number:08}").as_bytes());
                let (digits, length) = up_to_eight(number);
                assert_eq!(digits[..length], *number.to_string().as_bytes());
            }
        }
    }

    #[test]
    fn a_fraction_has_as_many_digits_as_it_needs() {
        for micros in 0..1_000_000_u32 {
            let (text, length) = fraction(micros);
            let expected = format!(".{micros:06}");
            let expected = expected.trim_end_matches('0');
            let expected = if expected == "." { "" } else { expected };
            assert_eq!(text[..length], *expected.as_bytes());
        }
    }
}
