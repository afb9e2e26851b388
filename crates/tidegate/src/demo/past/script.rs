//! What happened in the demo's past, and when: the same for the same seed and the same day.

use chrono::{DateTime, Datelike, TimeDelta, Utc, Weekday};

use super::{
    super::{
        operators::{ADA, EDITH, MARA, VICTOR},
        random::Draw,
    },
    wish::{self, ALL_VIEWS, ON_THE_WAY, Wish},
};

/// Days that the past goes back.
pub(super) const DAYS: u64 = 45;
/// Microseconds of a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Microseconds of a minute.
pub(super) const MINUTE: i64 = 60 * SECOND;
/// Microseconds of an hour.
pub(super) const HOUR: i64 = 60 * MINUTE;
/// Microseconds of a day.
pub(super) const DAY: i64 = 24 * HOUR;
/// When people come to work, and how long they stay, in UTC.
const WORK: (i64, i64) = (7 * HOUR + 20 * MINUTE, 9 * HOUR);
/// Days ago that things happened which everybody remembers.
const SUPPORT_BEGAN: u64 = 41;
const FIRST_LIMIT: u64 = 33;
const SUPPORT_ENDED: u64 = 20;
const EDITORS_GOT_ORDERS: u64 = 19;
const SECOND_LIMIT: u64 = 3;
const SCHEDULES_BEGAN: u64 = 25;
const ADS_ENDED: u64 = 9;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When, in microseconds since 1970.
    pub(super) at: i64,
    /// What.
    pub(super) deed: Deed,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Somebody joined.
    Join { email: &'static str, role: &'static str },
    /// Somebody was shut out, while an export still waited.
    ShutOut { email: &'static str },
    /// Somebody signed in.
    SignIn { email: &'static str, is_typo: bool },
    /// The role of those who help customers was made.
    SupportRole,
    /// Editors were given the right to export orders.
    EditorsGetOrders,
    /// Exports were limited to fewer rows than the largest subject has, or no more.
    RowLimit { is_on: bool },
    /// Somebody tried what the role does not admit.
    Overreach { email: &'static str, what: Overreach },
    /// Somebody had an export made again and again.
    Schedule { email: &'static str, wish: Wish },
    /// Somebody's first schedule was paused.
    PauseSchedule { email: &'static str, reason: &'static str },
    /// Somebody read all notices.
    ReadNotices { email: &'static str },
    /// Somebody exported something.
    Export { email: &'static str, wish: Wish, fate: Fate },
}

/// What the role of somebody does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overreach {
    Users,
    Settings,
    Operators,
}

/// What became of an export, beside its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody fetched it.
    Kept,
    /// It was downloaded once.
    Downloaded,
    /// It was downloaded again another day.
    DownloadedTwice,
    /// Its download broke off; the rest of it was fetched later.
    Resumed,
    /// It was downloaded, and then deleted.
    Deleted,
    /// It was made again some days later.
    MadeAgain,
    /// It was cancelled before a worker had it.
    CancelledWaiting,
    /// A worker handed it back, and it was cancelled then.
    CancelledBuilding,
    /// A worker handed it back, and another attempt made it.
    HandedBack,
}

/// Everything up to a moment, in its order.
pub(super) fn script(seed: u64, until: DateTime<Utc>) -> Vec<Event> {
    let mut events = founding(until);
    for days in 0..DAYS - 1 {
        let mut day = Day::new(seed, until, days);
        day.sign_ins();
        day.exports();
        day.remembered();
        day.evening();
        events.append(&mut day.events);
    }
    let until = until.timestamp_micros();
    events.retain(|event| event.at < until - 5 * MINUTE);
    // Stable: what was put first of the same moment is done first.
    events.sort_by_key(|event| event.at);
    events
}

/// How the site began.
fn founding(until: DateTime<Utc>) -> Vec<Event> {
    let begin = midnight(until, DAYS) + 8 * HOUR;
    let join = |minutes: i64, email, role| Event {
        at: begin + minutes * MINUTE,
        deed: Deed::Join { email, role },
    };
    vec![join(4, ADA, "administrator"), join(51, EDITH, "editor"), join(55, VICTOR, "viewer")]
}

fn midnight(until: DateTime<Utc>, days: u64) -> i64 {
    let day = (until - TimeDelta::days(days as i64)).date_naive();
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros()
}

/// One day of the past.
struct Day {
    days_ago: u64,
    weekday: Weekday,
    begin: i64,
    draw: Draw,
    events: Vec<Event>,
}

impl Day {
    fn new(seed: u64, until: DateTime<Utc>, days_ago: u64) -> Self {
        let begin = midnight(until, days_ago);
        let date = DateTime::from_timestamp_micros(begin).unwrap_or_default();
        let draw = Draw::new(seed, "past", date.num_days_from_ce() as u64);
        Self { days_ago, weekday: date.weekday(), begin, draw, events: Vec::new() }
    }

    fn is_workday(&self) -> bool {
        !matches!(self.weekday, Weekday::Sat | Weekday::Sun)
    }

    fn put(&mut self, at: i64, deed: Deed) {
        self.events.push(Event { at: self.begin + at, deed });
    }

    /// A moment of the working day.
    fn at_work(&mut self) -> i64 {
        let (begin, length) = WORK;
        begin + self.draw.below(length as u64) as i64
    }

    /// A few of all sign-ins: each takes a password to be hashed.
    fn sign_ins(&mut self) {
        if !self.is_workday() || !self.days_ago.is_multiple_of(4) {
            return;
        }
        for email in [ADA, EDITH, VICTOR] {
            let at = WORK.0 - self.draw.below(1_800) as i64 * SECOND;
            if self.draw.chance(10) {
                self.put(at - 20 * SECOND, Deed::SignIn { email, is_typo: true });
            }
            self.put(at, Deed::SignIn { email, is_typo: false });
        }
    }

    fn exports(&mut self) {
        let count = match self.is_workday() {
            true => self.draw.between(2, 4),
            false => u64::from(self.draw.chance(30)),
        };
        for _ in 0..count {
            let email = self.somebody();
            let wishes = wish::of(email);
            let wish = wishes[self.draw.below(wishes.len() as u64) as usize];
            let (at, fate) = (self.at_work(), self.fate());
            self.put(at, Deed::Export { email, wish, fate });
        }
    }

    fn somebody(&mut self) -> &'static str {
        let has_mara = (SUPPORT_ENDED + 1..SUPPORT_BEGAN).contains(&self.days_ago);
        match self.draw.below(100) {
            _ if !self.is_workday() => ADA,
            0..18 if has_mara => MARA,
            0..45 => EDITH,
            45..86 => ADA,
            _ => VICTOR,
        }
    }

    fn fate(&mut self) -> Fate {
        match self.draw.below(100) {
            0..14 => Fate::Kept,
            14..58 => Fate::Downloaded,
            58..70 => Fate::DownloadedTwice,
            70..77 => Fate::Resumed,
            77..84 => Fate::Deleted,
            84..90 => Fate::MadeAgain,
            90..94 => Fate::CancelledWaiting,
            94..96 => Fate::CancelledBuilding,
            _ => Fate::HandedBack,
        }
    }

    /// What does not happen every day.
    fn remembered(&mut self) {
        let noon = 12 * HOUR;
        match self.days_ago {
            SUPPORT_BEGAN => {
                self.put(8 * HOUR, Deed::SupportRole);
                self.put(8 * HOUR + 3 * MINUTE, Deed::Join { email: MARA, role: "support" });
            }
            FIRST_LIMIT | SECOND_LIMIT => self.limit(noon),
            SUPPORT_ENDED => self.put(16 * HOUR, Deed::ShutOut { email: MARA }),
            EDITORS_GOT_ORDERS => {
                self.put(noon, Deed::EditorsGetOrders);
                let fate = Fate::Downloaded;
                let export = Deed::Export { email: EDITH, wish: ON_THE_WAY, fate };
                self.put(noon + 20 * MINUTE, export);
            }
            SCHEDULES_BEGAN => {
                for (minutes, (email, wish)) in (10..).step_by(7).zip(wish::AGAIN_AND_AGAIN) {
                    let at = noon + minutes * MINUTE;
                    self.put(at, Deed::Schedule { email, wish });
                }
            }
            ADS_ENDED => {
                let reason = "The campaign is over";
                self.put(noon, Deed::PauseSchedule { email: EDITH, reason });
            }
            27 => self.overreach(VICTOR, Overreach::Users),
            26 => self.overreach(VICTOR, Overreach::Settings),
            12 => self.overreach(EDITH, Overreach::Operators),
            4 => self.overreach(VICTOR, Overreach::Users),
            5 => self.ended(&[Fate::Deleted, Fate::CancelledWaiting, Fate::DownloadedTwice]),
            2 => self.ended(&[Fate::CancelledBuilding, Fate::Resumed, Fate::HandedBack]),
            1 => self.ended(&[Fate::Downloaded, Fate::Kept]),
            _ => {}
        }
    }

    /// Who works reads what has come, but for what comes later.
    fn evening(&mut self) {
        if self.is_workday() && self.days_ago > 0 {
            for email in [ADA, EDITH, VICTOR] {
                self.put(WORK.0 + WORK.1, Deed::ReadNotices { email });
            }
        }
    }

    /// Somebody limits exports, somebody else meets the limit, and it is lifted again.
    fn limit(&mut self, at: i64) {
        let export = |fate| Deed::Export { email: EDITH, wish: ALL_VIEWS, fate };
        self.put(at, Deed::RowLimit { is_on: true });
        self.put(at + 12 * MINUTE, export(Fate::Kept));
        self.put(at + 31 * MINUTE, Deed::RowLimit { is_on: false });
        self.put(at + 38 * MINUTE, export(Fate::Downloaded));
    }

    fn overreach(&mut self, email: &'static str, what: Overreach) {
        let at = self.at_work();
        self.put(at, Deed::Overreach { email, what });
    }

    /// Recent ones, so that a site of any day shows every state.
    fn ended(&mut self, fates: &[Fate]) {
        for (fate, hours) in fates.iter().zip(9..) {
            let wish = wish::of(ADA)[hours as usize % 4];
            self.put(hours * HOUR, Deed::Export { email: ADA, wish, fate: *fate });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon_of(date: &str) -> DateTime<Utc> {
        format!("{date}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_past_is_the_same_for_the_same_seed_and_goes_forward_within_its_days() {
        let until = noon_of("2026-11-22");
        let events = script(1, until);
        assert_eq!(events, script(1, until));
        assert_ne!(events, script(2, until));
        assert!(events.is_sorted_by_key(|event| event.at));
        let (begin, end) = (midnight(until, DAYS), until.timestamp_micros());
        assert!(events.iter().all(|event| (begin..end).contains(&event.at)));
    }

    #[test]
    fn some_hundred_exports_are_made_mostly_on_workdays_whatever_day_it_is() {
        for day in 1..=14 {
            let events = script(day, noon_of(&format!("2027-03-{day:02}")));
            let exports: Vec<&Event> =
                events.iter().filter(|event| matches!(event.deed, Deed::Export { .. })).collect();
            assert!((80..160).contains(&exports.len()), "{}", exports.len());
            let at_weekend = exports.iter().filter(|event| {
                let date = DateTime::from_timestamp_micros(event.at).unwrap();
                matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
            });
            assert!(at_weekend.count() < exports.len() / 5);
        }
    }

    #[test]
    fn nobody_exports_before_joining_or_after_being_shut_out() {
        let mut known = Vec::new();
        for event in script(1, noon_of("2026-11-22")) {
            match event.deed {
                Deed::Join { email, .. } => known.push(email),
                Deed::ShutOut { email } => known.retain(|one| *one != email),
                Deed::Export { email, .. }
                | Deed::SignIn { email, .. }
                | Deed::Schedule { email, .. }
                | Deed::PauseSchedule { email, .. }
                | Deed::ReadNotices { email }
                | Deed::Overreach { email, .. } => assert!(known.contains(&email), "{email}"),
                Deed::SupportRole | Deed::EditorsGetOrders | Deed::RowLimit { .. } => {}
            }
        }
        assert_eq!(known, [ADA, EDITH, VICTOR]);
    }
}
