//! The clock of a control database: its own, but while a past is made for a site to show.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use super::StoreKind;
use crate::chaos;

/// Which time a store goes by. Every store that somebody works with goes by its database's own.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds that it is behind the database's own: they only become fewer, so that time
    /// never goes back and never comes to what has not been yet.
    behind_micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that is behind, for whoever makes a past. `clippy.toml` keeps it from everybody
    /// else, and no configuration leads here.
    pub fn behind(micros: i64) -> Self {
        Self { behind_micros: Arc::new(AtomicI64::new(micros.max(0))) }
    }

    /// Steps forward, at most to the database's own time.
    pub fn step(&self, micros: i64) {
        let stepped = |behind: i64| Some(behind.saturating_sub(micros.max(0)).max(0));
        // It always gives a number, so it cannot fail.
        let _ = self.behind_micros.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stepped);
    }

    /// Microseconds that it is behind. Only a rig's clock is ever ahead: fewer than none.
    pub fn behind_micros(&self) -> i64 {
        self.behind_micros.load(Ordering::Relaxed).saturating_sub(chaos::ahead_micros())
    }

    /// What it shows, in the database's words.
    pub(crate) fn now(&self, kind: StoreKind) -> String {
        match self.behind_micros() {
            0 => kind.now().to_owned(),
            behind => format!("({} - {behind})", kind.now()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "clocks that are behind are what is tested")]
mod tests {
    use super::*;

    #[test]
    fn a_clock_never_goes_back_and_never_ahead() {
        let clock = Clock::behind(1_000);
        let same = clock.clone();
        clock.step(-5);
        assert_eq!(clock.behind_micros(), 1_000);
        clock.step(400);
        assert_eq!(same.behind_micros(), 600, "whoever shares it sees the step");
        clock.step(i64::MAX);
        assert_eq!(clock.behind_micros(), 0);
        clock.step(i64::MIN);
        assert_eq!((clock.behind_micros(), Clock::behind(-5).behind_micros()), (0, 0));
    }

    #[test]
    fn the_words_of_the_own_time_are_the_databases() {
        for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
            assert_eq!(Clock::default().now(kind), kind.now());
            assert_eq!(Clock::behind(7).now(kind), format!("({} - 7)", kind.now()));
        }
    }
}
