//! Dates and times, from PostgreSQL's epoch to Parquet's.

use tidegate_batch::{TIME_INFINITY, TIME_MINUS_INFINITY};

use super::LABEL;
use crate::{CellFault, text::time::DAY_MICROS};

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;

/// Days since 1970 from days since 2000.
///
/// # Errors
///
/// If the date is infinite, or beyond Parquet's 32 bits.
pub(super) fn date(days: i32) -> Result<i32, CellFault> {
    match days {
        i32::MIN | i32::MAX => Err(unrepresentable("an infinite date")),
        days => days.checked_add(EPOCH_DAYS).ok_or_else(|| unrepresentable("a date so far away")),
    }
}

/// Microseconds since 1970 from microseconds since 2000.
///
/// # Errors
///
/// If the timestamp is infinite, or beyond Parquet's 64 bits.
pub(super) fn timestamp(micros: i64) -> Result<i64, CellFault> {
    match micros {
        TIME_MINUS_INFINITY | TIME_INFINITY => Err(unrepresentable("an infinite timestamp")),
        micros => micros
            .checked_add(i64::from(EPOCH_DAYS) * DAY_MICROS)
            .ok_or_else(|| unrepresentable("a timestamp so far away")),
    }
}

/// Microseconds since midnight.
///
/// # Errors
///
/// If the time is 24:00:00, for which Parquet has no place. It is told without its name, as every
/// value is.
pub(super) fn time(micros: i64) -> Result<i64, CellFault> {
    match micros {
        0..DAY_MICROS => Ok(micros),
        _ => Err(unrepresentable("a time that ends its day")),
    }
}

fn unrepresentable(what: &'static str) -> CellFault {
    CellFault::Unrepresentable { format: LABEL, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parquet_has_no_place_for_is_refused() {
        assert_eq!(date(0).unwrap(), EPOCH_DAYS);
        assert_eq!(timestamp(1).unwrap(), i64::from(EPOCH_DAYS) * DAY_MICROS + 1);
        assert!(date(i32::MAX).is_err() && date(i32::MIN).is_err());
        assert!(date(i32::MAX - 1).is_err());
        assert!(timestamp(i64::MAX).is_err() && timestamp(i64::MIN).is_err());
        assert!(timestamp(i64::MAX - 1).is_err());
        assert!(time(DAY_MICROS).is_err());
        assert_eq!(time(DAY_MICROS - 1).unwrap(), DAY_MICROS - 1);
    }
}
