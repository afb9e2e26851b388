//! How fast an export is built, and how long it will take.

use crate::pages::words;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Before this share of the work is done, nobody can say how long the rest takes.
const PERCENT_LEAST: i64 = 3;

/// The pace of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::pages) struct Pace {
    /// Rows a second.
    pub(in crate::pages) rate: Option<i64>,
    /// Seconds that are left, by the share of the scan that is done.
    pub(in crate::pages) left: Option<i64>,
}

impl Pace {
    /// Of an attempt that began at a moment.
    pub(in crate::pages) fn of(rows: i64, percent: i64, begun: i64, now: i64) -> Self {
        let micros = now - begun;
        if micros < SECOND || rows == 0 {
            return Self::default();
        }
        let rate = i128::from(rows) * i128::from(SECOND) / i128::from(micros);
        let left = i128::from(micros) * i128::from(100 - percent) / i128::from(percent.max(1));
        let seconds = i64::try_from(left / i128::from(SECOND)).ok();
        Self {
            rate: i64::try_from(rate).ok().filter(|rate| *rate > 0),
            left: seconds.filter(|_| percent >= PERCENT_LEAST),
        }
    }

    /// Rows a second, to three figures.
    pub(in crate::pages) fn rate_words(&self) -> Option<String> {
        self.rate.map(|rate| words::about(rate).replace("about ", ""))
    }

    /// What is left: `about 21 s left`.
    pub(in crate::pages) fn left_words(&self) -> Option<String> {
        self.left.map(|seconds| format!("about {} left", words::span(seconds.max(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_the_share_that_is_done() {
        let pace = Pace::of(3_112_400, 64, 0, 37 * SECOND);
        assert_eq!(pace, Pace { rate: Some(84_118), left: Some(20) });
        assert_eq!(pace.rate_words().unwrap(), "84,100");
        assert_eq!(pace.left_words().unwrap(), "about 20 s left");
        assert_eq!(Pace::of(10, 1, 0, 2 * SECOND).left, None, "too early to say");
        assert_eq!(Pace::of(0, 50, 0, 2 * SECOND), Pace::default());
    }
}
