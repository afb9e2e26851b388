//! How long answers took.

use serde::Serialize;

/// Times of answers, in milliseconds.
#[derive(Default)]
pub(super) struct Answers(Vec<f64>);

/// How they are spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) count: usize,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) max: f64,
}

impl Answers {
    /// One more.
    pub(super) fn add(&mut self, millis: f64) {
        self.0.push(millis);
    }

    /// All of others, too.
    pub(super) fn add_all(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    /// Of so many answers in a hundred, the slowest; of too few, the slowest of all.
    pub(super) fn spread(&self) -> Spread {
        let mut millis = self.0.clone();
        millis.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (millis.len() * percent).div_ceil(100).max(1);
            millis.get(rank - 1).copied().unwrap_or_default()
        };
        Spread { count: millis.len(), p50: at(50), p95: at(95), max: at(100) }
    }
}

impl Spread {
    /// Its cells of a table.
    pub(super) fn cells(&self) -> String {
        let Self { count, p50, p95, max } = self;
        format!("{count} | {p50:.1} | {p95:.1} | {max:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_answers_five_may_be_slower() {
        let mut answers = Answers::default();
        (1..=100).rev().for_each(|millis| answers.add(f64::from(millis)));
        assert_eq!(answers.spread(), Spread { count: 100, p50: 50.0, p95: 95.0, max: 100.0 });
        let mut few = Answers::default();
        few.add(7.0);
        few.add(3.0);
        assert_eq!(few.spread(), Spread { count: 2, p50: 3.0, p95: 7.0, max: 7.0 });
    }
}
