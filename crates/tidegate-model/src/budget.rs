//! Budgets: how much may leave within a day, by whom and of what.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveTime, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{
    fault::{Fault, Faults},
    known::Known,
    nearest::unknown,
    pointer::Pointer,
};

/// Budgets of a site at most: each is added up at every create.
pub const BUDGETS_MAX: usize = 50;
/// Characters of a name, and of a slug that a budget names.
const NAME_CHARACTERS_MAX: usize = 100;
/// Largest whole number that every reader of JSON keeps: 2⁵³ − 1.
const AMOUNT_MAX: u64 = (1 << 53) - 1;
/// Microseconds of an hour: the longest gap that a change of clocks makes at midnight.
const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;

/// The budgets of a site; none is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// The zone whose days count.
    pub time_zone: Tz,
    /// Each of them holds.
    pub budgets: Vec<Budget>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { time_zone: Tz::UTC, budgets: Vec::new() }
    }
}

/// How much may leave within a day of what fits all that it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What people call it.
    pub name: String,
    /// Slug of the subject; none is any.
    #[serde(default)]
    pub subject: Option<String>,
    /// Slug of the role of whoever exports; none is any.
    #[serde(default)]
    pub role: Option<String>,
    /// Mail address of whoever exports; none is anybody.
    #[serde(default)]
    pub operator: Option<String>,
    /// Whether each operator has it for themselves, or all share it.
    #[serde(default)]
    pub per: Per,
    /// Rows at most.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Bytes of files at most.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Exports at most.
    #[serde(default)]
    pub exports: Option<u64>,
}

/// Whose a budget is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each operator has it.
    #[default]
    Operator,
    /// All share it.
    All,
}

impl Per {
    /// Every choice.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::All => "all",
        }
    }

    /// The choice of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.slug() == slug)
    }
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum Amount {
    /// Rows.
    Rows,
    /// Bytes of files.
    Bytes,
    /// Exports.
    Exports,
}

impl Amount {
    /// Each of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name, and what it counts, in the plural.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Bytes => "bytes",
            Self::Exports => "exports",
        }
    }
}

/// What has left, and what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// Rows.
    pub rows: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Exports.
    pub exports: u64,
}

impl Amounts {
    /// One of them.
    pub fn of(&self, amount: Amount) -> u64 {
        match amount {
            Amount::Rows => self.rows,
            Amount::Bytes => self.bytes,
            Amount::Exports => self.exports,
        }
    }
}

/// An export that would be more than a budget has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error(
    "the budget `{budget}` has {left} of {limit} {} left until the end of the day, and this is {}",
    .amount.slug(),
    wanted_words(.wanted)
)]
pub struct OverBudget {
    /// Name of the budget.
    pub budget: String,
    /// What of it.
    pub amount: Amount,
    /// What it has left.
    pub left: u64,
    /// All of it.
    pub limit: u64,
    /// What was asked for; none if nobody can say yet.
    pub wanted: Option<u64>,
    /// Seconds until the day ends.
    pub seconds_left: u32,
}

fn wanted_words(wanted: &Option<u64>) -> String {
    wanted.map_or_else(|| "of a size that nobody knows yet".to_owned(), |wanted| wanted.to_string())
}

/// An export, as far as budgets ask about it.
#[derive(Clone, Copy, Debug)]
pub struct Spender<'a> {
    /// Slug of the subject.
    pub subject: &'a str,
    /// Mail address of who exports.
    pub operator: &'a str,
    /// Slug of the role of who does.
    pub role: &'a str,
}

impl Budget {
    /// Whether an export counts to it. What has left is added up by the same words: slugs as they
    /// are, mail addresses in small letters, as they are kept.
    pub fn counts(&self, spender: &Spender<'_>) -> bool {
        let same =
            |one: &Option<String>, other: &str| one.as_deref().is_none_or(|one| one == other);
        let is_whose = |one: &String| one.to_lowercase() == spender.operator;
        same(&self.subject, spender.subject)
            && same(&self.role, spender.role)
            && self.operator.as_ref().is_none_or(is_whose)
    }

    /// What there is of it.
    pub fn limit(&self, amount: Amount) -> Option<u64> {
        match amount {
            Amount::Rows => self.rows,
            Amount::Bytes => self.bytes,
            Amount::Exports => self.exports,
        }
    }

    /// Refuses an export that is more than is left. Of what is wanted, none is what nobody can say:
    /// it is let pass as long as there is anything left, and counted once it is known.
    ///
    /// # Errors
    ///
    /// With the first amount that it is too much of.
    pub fn admit(
        &self,
        used: &Amounts,
        wanted: &Wanted,
        seconds_left: u32,
    ) -> Result<(), OverBudget> {
        for &amount in Amount::ALL {
            let Some(limit) = self.limit(amount) else { continue };
            let (left, wanted) = (limit.saturating_sub(used.of(amount)), wanted.of(amount));
            let is_over = wanted.map_or(left == 0, |wanted| wanted > left);
            if is_over {
                let budget = self.name.clone();
                return Err(OverBudget { budget, amount, left, limit, wanted, seconds_left });
            }
        }
        Ok(())
    }
}

/// What an export would add, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Rows.
    pub rows: Option<u64>,
    /// Bytes of its file.
    pub bytes: Option<u64>,
}

impl Wanted {
    fn of(&self, amount: Amount) -> Option<u64> {
        match amount {
            Amount::Rows => self.rows,
            Amount::Bytes => self.bytes,
            Amount::Exports => Some(1),
        }
    }
}

impl Budgets {
    /// Those that an export counts to.
    pub fn of(&self, spender: &Spender<'_>) -> impl Iterator<Item = &Budget> {
        self.budgets.iter().filter(move |budget| budget.counts(spender))
    }

    /// Whether one of them counts rows of a subject.
    pub fn asks_rows(&self, subject: &str) -> bool {
        let of_subject = |budget: &&Budget| {
            budget.rows.is_some() && budget.subject.as_deref().is_none_or(|one| one == subject)
        };
        self.budgets.iter().any(|budget| of_subject(&budget))
    }

    /// Seconds from a moment, in microseconds since 1970, to the end of its day; at least one.
    pub fn seconds_left(&self, micros: i64) -> u32 {
        let left = self.day_of(micros).end.saturating_sub(micros);
        u32::try_from(left.div_euclid(1_000_000) + 1).unwrap_or(u32::MAX)
    }

    /// The day of a moment, in microseconds since 1970: from midnight to midnight of its zone.
    pub fn day_of(&self, micros: i64) -> Range<i64> {
        let moment = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        let date = moment.with_timezone(&self.time_zone).date_naive();
        let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
        self.midnight(date)..self.midnight(next)
    }

    /// The first moment of a date. Where clocks jump at midnight, that is after the jump.
    fn midnight(&self, date: chrono::NaiveDate) -> i64 {
        let local = date.and_time(NaiveTime::MIN);
        match self.time_zone.from_local_datetime(&local).earliest() {
            Some(moment) => moment.timestamp_micros(),
            None => {
                let before = local - chrono::TimeDelta::hours(3);
                let before = self.time_zone.from_local_datetime(&before).earliest();
                let before = before.map_or(0, |moment| moment.timestamp_micros());
                // Two hours of the old clock were left, and one that there is not.
                before.saturating_add(3 * HOUR_MICROS)
            }
        }
    }

    /// Refuses budgets that could not be meant. Without `known`, names are not asked about.
    ///
    /// # Errors
    ///
    /// All faults, each with a pointer to its place.
    pub fn check(&self, known: Option<Known<'_>>) -> Result<(), Faults> {
        let mut faults: Vec<Fault> = Vec::new();
        let root = Pointer::ROOT.member("budgets");
        if self.budgets.len() > BUDGETS_MAX {
            faults.push(root.fault(format!("a site has at most {BUDGETS_MAX} budgets")));
        }
        for (index, budget) in self.budgets.iter().take(BUDGETS_MAX).enumerate() {
            let at = root.index(index);
            let mut fault = |name: &str, detail: String| faults.push(at.member(name).fault(detail));
            if !is_named(budget.name.trim()) {
                let detail =
                    format!("a budget has a name of 1 to {NAME_CHARACTERS_MAX} characters");
                fault("name", detail);
            }
            if self.budgets[..index].iter().any(|other| other.name == budget.name) {
                fault("name", "two budgets of one name cannot be told apart".to_owned());
            }
            for (name, slug, slugs) in [
                ("subject", &budget.subject, known.map(|known| known.subjects)),
                ("role", &budget.role, known.map(|known| known.roles)),
            ] {
                if let (Some(slug), Some(slugs)) = (slug, slugs)
                    && !slugs.contains(&slug.as_str())
                {
                    fault(name, unknown(name, slug, slugs));
                }
            }
            if !budget.operator.as_deref().is_none_or(is_named) {
                fault("operator", format!("a name of 1 to {NAME_CHARACTERS_MAX} characters"));
            }
            let limits = Amount::ALL.iter().map(|&amount| (amount, budget.limit(amount)));
            for (amount, limit) in limits.clone() {
                if limit.is_some_and(|limit| limit > AMOUNT_MAX) {
                    fault(amount.slug(), format!("at most {AMOUNT_MAX}"));
                }
            }
            if limits.clone().all(|(_, limit)| limit.is_none()) {
                fault("rows", "a budget limits `rows`, `bytes` or `exports`".to_owned());
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }
}

fn is_named(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= NAME_CHARACTERS_MAX && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    fn rows(limit: u64) -> Budget {
        Budget { name: "rows".to_owned(), rows: Some(limit), ..Budget::default() }
    }

    #[test]
    fn an_export_is_admitted_to_the_last_row_and_not_one_further() {
        let used = Amounts { rows: 40, ..Amounts::default() };
        let wanted = |rows| Wanted { rows, bytes: None };
        assert_eq!(rows(50).admit(&used, &wanted(Some(10)), 0), Ok(()));
        let over = rows(50).admit(&used, &wanted(Some(11)), 7).unwrap_err();
        assert_eq!((over.left, over.limit, over.wanted, over.seconds_left), (10, 50, Some(11), 7));
        let words = "the budget `rows` has 10 of 50 rows left until the end of the day, and this \
                     is 11";
        assert_eq!(over.to_string(), words);
        assert_eq!(rows(50).admit(&used, &wanted(None), 0), Ok(()), "counted once it is known");
        assert!(rows(40).admit(&used, &wanted(None), 0).is_err(), "nothing is left");
        assert_eq!(rows(40).admit(&used, &wanted(Some(0)), 0), Ok(()), "an empty file takes none");
    }

    #[test]
    fn exports_are_counted_one_by_one() {
        let two = Budget { exports: Some(2), ..Budget::default() };
        let used = |exports| Amounts { exports, ..Amounts::default() };
        assert_eq!(two.admit(&used(1), &Wanted::default(), 0), Ok(()));
        assert!(two.admit(&used(2), &Wanted::default(), 0).is_err());
    }

    #[test]
    fn a_budget_counts_what_fits_all_that_it_says() {
        let fits = Spender { subject: "orders", operator: "bob@example.com", role: "editor" };
        let budget = Budget {
            subject: Some("orders".to_owned()),
            role: Some("editor".to_owned()),
            operator: Some("Bob@example.com".to_owned()),
            ..rows(1)
        };
        assert!(budget.counts(&fits) && rows(1).counts(&fits));
        for other in [
            Spender { subject: "users", ..fits },
            Spender { subject: "Orders", ..fits },
            Spender { operator: "eve@example.com", ..fits },
            Spender { role: "viewer", ..fits },
            Spender { role: "Editor", ..fits },
        ] {
            assert!(!budget.counts(&other), "{other:?}");
        }
    }

    #[test]
    fn a_day_goes_from_midnight_to_midnight_of_its_zone_whatever_its_length() {
        let day = |zone: &str, at: &str| {
            let budgets = Budgets { time_zone: zone.parse().unwrap(), ..Budgets::default() };
            budgets.day_of(micros(at))
        };
        let berlin = day("Europe/Berlin", "2026-03-29T12:00:00Z");
        assert_eq!(berlin, micros("2026-03-28T23:00:00Z")..micros("2026-03-29T22:00:00Z"));
        let autumn = day("Europe/Berlin", "2026-10-24T22:00:00Z");
        assert_eq!(autumn, micros("2026-10-24T22:00:00Z")..micros("2026-10-25T23:00:00Z"));
        // Clocks jump at midnight here, so that this day begins at one.
        let cairo = day("Africa/Cairo", "2026-04-24T12:00:00Z");
        assert_eq!(cairo, micros("2026-04-23T22:00:00Z")..micros("2026-04-24T21:00:00Z"));
    }

    #[test]
    fn every_fault_of_budgets_is_told_with_its_place() {
        let wrong = Budgets {
            budgets: vec![
                Budget { subject: Some("order".to_owned()), ..Budget::default() },
                Budget { rows: Some(u64::MAX), role: Some(String::new()), ..rows(1) },
                rows(1),
            ],
            ..Budgets::default()
        };
        let known = Known { subjects: &["orders"], roles: &["editor"] };
        let Faults(faults) = wrong.check(Some(known)).unwrap_err();
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let expected = [
            "/budgets/0/name",
            "/budgets/0/subject",
            "/budgets/0/rows",
            "/budgets/1/role",
            "/budgets/1/rows",
            "/budgets/2/name",
        ];
        assert_eq!(places, expected);
        assert_eq!(Budgets::default().check(Some(known)), Ok(()));
    }

    #[test]
    fn a_budget_of_a_role_that_there_is_not_is_told_the_nearest_one() {
        let of = |role: &str| Budgets {
            budgets: vec![Budget { role: Some(role.to_owned()), ..rows(1) }],
            ..Budgets::default()
        };
        let known = Some(Known { subjects: &[], roles: &["editor", "viewer"] });
        for role in ["Editor", "edtior"] {
            let Faults(faults) = of(role).check(known).unwrap_err();
            assert_eq!(faults[0].pointer, "/budgets/0/role");
            assert_eq!(faults[0].detail, format!("`{role}` is no role; did you mean `editor`?"));
        }
        assert_eq!(of("editor").check(known), Ok(()));
        assert_eq!(of("edtior").check(None), Ok(()), "what stood before stands");
    }
}
