//! Spans of time as ISO 8601 durations.

use tidegate_batch::Interval;

use super::{Out, digits, number};

/// Microseconds of a second, minute and hour.
const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Writes a span as `P1Y2M3DT4H5M6.5S`; each part carries its own sign, and no span is `PT0S`.
pub(crate) fn interval(vec: &mut Vec<u8>, value: Interval) {
    let mut out = Out::on(vec);
    out.byte(b'P');
    part(&mut out, (value.months / 12).into(), b'Y');
    part(&mut out, (value.months % 12).into(), b'M');
    part(&mut out, value.days.into(), b'D');
    let is_empty = value.months == 0 && value.days == 0;
    if value.micros != 0 || is_empty {
        out.byte(b'T');
        clock_parts(&mut out, value.micros);
    }
    out.finish();
}

fn part(out: &mut Out<'_>, count: i64, unit: u8) {
    if count != 0 {
        number::integer(out, count);
        out.byte(unit);
    }
}

fn clock_parts(out: &mut Out<'_>, micros: i64) {
    let magnitude = micros.unsigned_abs();
    let signed = |count: u64| count.cast_signed() * micros.signum();
    part(out, signed(magnitude / HOUR), b'H');
    part(out, signed(magnitude % HOUR / MINUTE), b'M');
    let (seconds, fraction) = (magnitude % MINUTE / SECOND, magnitude % SECOND);
    if seconds != 0 || fraction != 0 || micros == 0 {
        out.prefix(b"-", usize::from(micros < 0));
        number::integer(out, seconds.cast_signed());
        let (text, length) = digits::fraction(fraction as u32);
        out.prefix(&text, length);
        out.byte(b'S');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(months: i32, days: i32, micros: i64) -> String {
        let mut bytes = Vec::new();
        interval(&mut bytes, Interval { months, days, micros });
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_part_carries_its_own_sign() {
        assert_eq!(text(0, 0, 0), "PT0S");
        assert_eq!(text(14, 3, 14_706_500_000), "P1Y2M3DT4H5M6.5S");
        assert_eq!(text(-1, 0, 0), "P-1M");
        assert_eq!(text(-14, 3, 0), "P-1Y-2M3D");
        assert_eq!(text(0, 0, -500_000), "PT-0.5S");
        assert_eq!(text(0, 1, -3_661_000_001), "P1DT-1H-1M-1.000001S");
        assert_eq!(text(0, 0, 60_000_000), "PT1M");
        assert_eq!(
            text(i32::MIN, i32::MIN, i64::MIN),
            "P-178956970Y-8M-2147483648DT-2562047788H-54.775808S"
        );
    }
}
