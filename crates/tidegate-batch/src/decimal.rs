//! Exact numbers, in the form their source sends them.

/// An exact number, NaN or ±infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal<'a> {
    /// Not a number.
    NaN,
    /// Above all numbers.
    Infinity,
    /// Below all numbers.
    MinusInfinity,
    /// Groups of four decimal digits, as PostgreSQL's binary `numeric`.
    Groups {
        /// Big-endian 16-bit groups, most significant first.
        groups: &'a [u8],
        /// Groups before the decimal point, less one; may be negative.
        weight: i16,
        /// Whether the number is below zero.
        is_negative: bool,
        /// Digits behind the decimal point.
        scale: u16,
    },
    /// ASCII: an optional `-`, digits, and an optional point with digits.
    Digits(&'a [u8]),
}

impl<'a> Decimal<'a> {
    /// Reads PostgreSQL's binary `numeric`.
    #[inline]
    pub fn from_binary(cell: &'a [u8]) -> Option<Self> {
        let (header, groups) = cell.split_at_checked(8)?;
        let count = u16::from_be_bytes([header[0], header[1]]);
        if groups.len() != 2 * usize::from(count) {
            return None;
        }
        let sign = u16::from_be_bytes([header[4], header[5]]);
        Some(match sign {
            0x0000 | 0x4000 => Self::Groups {
                groups,
                weight: i16::from_be_bytes([header[2], header[3]]),
                is_negative: sign == 0x4000,
                scale: u16::from_be_bytes([header[6], header[7]]),
            },
            0xC000 => Self::NaN,
            0xD000 => Self::Infinity,
            0xF000 => Self::MinusInfinity,
            _ => return None,
        })
    }

    /// Takes ASCII digits as they are; `NaN`, `Infinity` and `-Infinity` are known.
    #[inline]
    pub fn from_digits(cell: &'a [u8]) -> Self {
        match cell {
            b"NaN" => Self::NaN,
            b"Infinity" => Self::Infinity,
            b"-Infinity" => Self::MinusInfinity,
            digits => Self::Digits(digits),
        }
    }

    /// Whether the number is neither NaN nor infinite.
    pub fn is_finite(&self) -> bool {
        matches!(self, Self::Groups { .. } | Self::Digits(_))
    }

    /// Appends the number in plain notation, exactly, with all digits of its scale.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match *self {
            Self::NaN => out.extend_from_slice(b"NaN"),
            Self::Infinity => out.extend_from_slice(b"Infinity"),
            Self::MinusInfinity => out.extend_from_slice(b"-Infinity"),
            Self::Digits(digits) => out.extend_from_slice(digits),
            Self::Groups { groups, weight, is_negative, scale } => {
                write_groups(groups, weight.into(), is_negative, scale.into(), out);
            }
        }
    }
}

fn write_groups(groups: &[u8], weight: i32, is_negative: bool, scale: usize, out: &mut Vec<u8>) {
    let group = |index: i32| -> u16 {
        let at = 2 * usize::try_from(index).unwrap_or(usize::MAX / 4);
        groups.get(at..at + 2).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    };
    if is_negative {
        out.push(b'-');
    }
    out.extend_from_slice(group(if weight < 0 { -1 } else { 0 }).to_string().as_bytes());
    for index in 1..=weight {
        push_four(group(index), out);
    }
    if scale > 0 {
        out.push(b'.');
        let end = out.len() + scale;
        let mut index = weight + 1;
        while out.len() < end {
            push_four(group(index), out);
            index += 1;
        }
        out.truncate(end);
    }
}

fn push_four(group: u16, out: &mut Vec<u8>) {
    let digit = |place: u16| b'0' + u8::try_from(group / place % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(1000), digit(100), digit(10), digit(1)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(groups: &[u16], weight: i16, sign: u16, scale: u16) -> String {
        let mut cell = Vec::new();
        cell.extend(u16::try_from(groups.len()).unwrap().to_be_bytes());
        cell.extend(weight.to_be_bytes());
        cell.extend(sign.to_be_bytes());
        cell.extend(scale.to_be_bytes());
        groups.iter().for_each(|group| cell.extend(group.to_be_bytes()));
        let mut out = Vec::new();
        Decimal::from_binary(&cell).unwrap().write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_with_every_digit_of_their_scale() {
        assert_eq!(text(&[1, 2345, 6700], 1, 0, 2), "12345.67");
        assert_eq!(text(&[], 0, 0, 0), "0");
        assert_eq!(text(&[], 0, 0, 3), "0.000");
        assert_eq!(text(&[5], -2, 0x4000, 8), "-0.00000005");
        assert_eq!(text(&[1], 2, 0, 0), "100000000");
        assert_eq!(text(&[], 0, 0xC000, 0), "NaN");
        assert_eq!(text(&[], 0, 0xF000, 0), "-Infinity");
    }
}
