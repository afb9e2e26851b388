//! What went out over some days: added up over the exports that the caller may see.

mod window;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    ids::OperatorId,
};
use tidegate_store::{
    EgressAmounts, EgressBy, EgressFilter, EgressSplit, EgressSum, NamedOperator,
};

pub use self::window::{EgressWindow, hours_of};
use crate::{error::ServiceError, exports::Seen, service::Service};

/// Days that are looked back on at most.
pub const PERIOD_DAYS_MAX: u32 = 92;
/// Operators that are named; the others are added up.
pub const OPERATORS_SHOWN_MAX: usize = 10;
/// Operators that days tell apart.
const OPERATORS_IN_TIME_MAX: usize = 5;
/// Years that a day may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// What is asked about what went out.
#[derive(Clone, Copy, Debug)]
pub struct EgressRequest {
    /// How many days, from 1 to [`PERIOD_DAYS_MAX`].
    pub days: u32,
    /// The last of them; none is today.
    pub until: Option<NaiveDate>,
    /// Zone of the days.
    pub zone: Tz,
    /// By what the operators are in order.
    pub measure: EgressMeasure,
    /// Whether days tell operators apart, and not subjects.
    pub by_operator: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EgressMeasure {
    /// Bytes that downloads sent.
    #[default]
    BytesSent,
    /// Bytes of files that were made.
    Bytes,
    /// Rows in files that were made.
    Rows,
}

impl EgressMeasure {
    /// Every measure.
    pub const ALL: [Self; 3] = [Self::BytesSent, Self::Bytes, Self::Rows];

    /// Word in requests.
    pub fn slug(self) -> &'static str {
        match self {
            Self::BytesSent => "bytes_sent",
            Self::Bytes => "bytes",
            Self::Rows => "rows",
        }
    }

    /// How much there is of it.
    pub fn of(self, amounts: &EgressAmounts) -> i64 {
        match self {
            Self::BytesSent => amounts.bytes_sent,
            Self::Bytes => amounts.bytes,
            Self::Rows => amounts.rows,
        }
    }
}

/// How much went out, and how much of it had personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EgressShare {
    /// All of it.
    pub all: EgressAmounts,
    /// With personal data: the whole file counts where anything in it is.
    pub personal: EgressAmounts,
}

/// Of what, or of whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EgressKey {
    /// Slug of a subject.
    Subject(String),
    /// An operator.
    Operator(OperatorId),
    /// Everybody who is not named.
    Others,
}

/// How much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressPart {
    /// Of what, or of whom.
    pub key: EgressKey,
    /// How much.
    pub share: EgressShare,
}

/// A day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressDay {
    /// Which.
    pub date: NaiveDate,
    /// Everything.
    pub share: EgressShare,
    /// By subject, or by operator; what had nothing is not there.
    pub parts: Vec<EgressPart>,
}

/// What went out over some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    /// The days.
    pub window: EgressWindow,
    /// Everything.
    pub total: EgressShare,
    /// Everything, of as many days before.
    pub before: EgressShare,
    /// By subject, in the order of the configuration; what had nothing is not there.
    pub subjects: Vec<EgressPart>,
    /// By operator, the most first: who asked for exports, and who got downloads. Behind
    /// [`OPERATORS_SHOWN_MAX`] of them, all others as one.
    pub operators: Vec<EgressPart>,
    /// Names of those operators.
    pub names: BTreeMap<OperatorId, NamedOperator>,
    /// Every day.
    pub days: Vec<EgressDay>,
    /// Exports that were asked for, by day of the week from Monday on, and by hour.
    pub hours: [[i64; 24]; 7],
    /// When the oldest entry was made that is still in the log, where older ones were archived:
    /// downloads before are not counted.
    pub log_begins: Option<i64>,
}

impl Service {
    /// What went out: over the exports that the caller may see, and downloads of their files. It
    /// asks the same questions however much that was.
    ///
    /// # Errors
    ///
    /// If the caller may not list exports, or it is about too many days.
    pub async fn egress(
        &self,
        caller: &Caller,
        request: &EgressRequest,
    ) -> Result<Egress, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        let target = Target { owner: Some(operator), ..Target::default() };
        self.permit(caller, Action::ExportView, target).await?;
        let window = self.window(request)?;
        let policy = self.store.policy().await?;
        let Seen { owner, subjects } = self.exports_seen(&policy, caller, operator);
        let filter = EgressFilter { owner, subjects, within: window.within() };
        let before = EgressFilter { within: window.before().within(), ..filter.clone() };

        let by_subject = parts_of(self.added(&filter, &EgressBy::Subject, None).await?);
        let by_operator = parts_of(self.added(&filter, &EgressBy::Operator, None).await?);
        let before = self.added(&before, &EgressBy::Nothing, None).await?;
        let operators = shortened(by_operator, request.measure, OPERATORS_SHOWN_MAX);
        let some = operators.iter().filter_map(EgressPart::operator);
        let in_time = match request.by_operator {
            true => EgressBy::SomeOperators(some.clone().take(OPERATORS_IN_TIME_MAX).collect()),
            false => EgressBy::Subject,
        };
        let steps = self.added(&filter, &in_time, Some(window.step_micros())).await?;
        let (days, hours) = laid_out(&window, &steps);
        let some: Vec<OperatorId> = some.collect();
        let total = by_subject.iter().fold(EgressShare::default(), |sum, part| sum + part.share);
        let mut subjects = by_subject;
        let place = |part: &EgressPart| {
            filter.subjects.iter().position(|slug| part.key == EgressKey::Subject(slug.clone()))
        };
        subjects.sort_by_key(place);
        Ok(Egress {
            window,
            total,
            before: before.iter().fold(EgressShare::default(), |sum, one| sum + share_of(one)),
            subjects,
            names: self.store.named_operators(&some).await?,
            operators,
            days,
            hours,
            log_begins: self.store.log_begins().await?,
        })
    }

    fn window(&self, request: &EgressRequest) -> Result<EgressWindow, Faults> {
        let mut faults = Vec::new();
        if !(1..=PERIOD_DAYS_MAX).contains(&request.days) {
            let detail = format!("a look back is at 1 to {PERIOD_DAYS_MAX} days");
            faults.push(Fault::new("/days", detail));
        }
        let until = request.until.unwrap_or_else(|| {
            crate::clock::now(self.store.clock()).with_timezone(&request.zone).date_naive()
        });
        if !YEARS.contains(&chrono::Datelike::year(&until)) {
            let detail = format!("a day is of the years {} to {}", YEARS.start(), YEARS.end());
            faults.push(Fault::new("/until", detail));
        }
        match faults.is_empty() {
            true => Ok(EgressWindow::ending(until, request.days, request.zone)),
            false => Err(Faults(faults)),
        }
    }

    /// What was asked for and made, and what was sent: two questions.
    async fn added(
        &self,
        filter: &EgressFilter,
        by: &EgressBy,
        step_micros: Option<i64>,
    ) -> Result<Vec<EgressSum>, ServiceError> {
        let split = EgressSplit { by: by.clone(), step_micros };
        let mut sums = self.store.exports_made(filter, &split).await?;
        sums.extend(self.store.downloads_ended(filter, &split).await?);
        Ok(sums)
    }
}

impl EgressPart {
    /// The operator that it is of.
    pub fn operator(&self) -> Option<OperatorId> {
        match self.key {
            EgressKey::Operator(id) => Some(id),
            EgressKey::Subject(_) | EgressKey::Others => None,
        }
    }
}

impl std::ops::Add for EgressShare {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { all: added(self.all, other.all), personal: added(self.personal, other.personal) }
    }
}

fn added(one: EgressAmounts, other: EgressAmounts) -> EgressAmounts {
    EgressAmounts {
        exports: one.exports + other.exports,
        failed: one.failed + other.failed,
        files: one.files + other.files,
        rows: one.rows + other.rows,
        bytes: one.bytes + other.bytes,
        downloads: one.downloads + other.downloads,
        bytes_sent: one.bytes_sent + other.bytes_sent,
    }
}

fn share_of(sum: &EgressSum) -> EgressShare {
    let none = EgressAmounts::default();
    EgressShare { all: sum.amounts, personal: if sum.has_pii { sum.amounts } else { none } }
}

fn key_of(sum: &EgressSum) -> EgressKey {
    match (&sum.subject, sum.operator) {
        (Some(slug), _) => EgressKey::Subject(slug.clone()),
        (None, Some(operator)) => EgressKey::Operator(operator),
        (None, None) => EgressKey::Others,
    }
}

/// Sums of one key as one.
fn parts_of(sums: Vec<EgressSum>) -> Vec<EgressPart> {
    let mut shares: BTreeMap<EgressKey, EgressShare> = BTreeMap::new();
    for sum in &sums {
        let share = shares.entry(key_of(sum)).or_default();
        *share = *share + share_of(sum);
    }
    shares.into_iter().map(|(key, share)| EgressPart { key, share }).collect()
}

/// The most first; behind so many, all others as one.
fn shortened(
    mut parts: Vec<EgressPart>,
    measure: EgressMeasure,
    named_max: usize,
) -> Vec<EgressPart> {
    let most = |part: &EgressPart| {
        let all = &part.share.all;
        std::cmp::Reverse((measure.of(all), all.exports, all.downloads))
    };
    parts.sort_by_key(most);
    let rest = parts.split_off(parts.len().min(named_max));
    if !rest.is_empty() {
        let share = rest.iter().fold(EgressShare::default(), |sum, part| sum + part.share);
        parts.push(EgressPart { key: EgressKey::Others, share });
    }
    parts
}

/// Sums of spans of time as days, and as hours of the week.
fn laid_out(window: &EgressWindow, sums: &[EgressSum]) -> (Vec<EgressDay>, [[i64; 24]; 7]) {
    let mut hours = [[0; 24]; 7];
    let mut of_days: BTreeMap<usize, Vec<EgressSum>> = BTreeMap::new();
    for sum in sums {
        let Some(at) = sum.at else { continue };
        if let Some((weekday, hour)) = window.hour(at) {
            hours[weekday][hour] += sum.amounts.exports;
        }
        if let Some(place) = window.place(at) {
            of_days.entry(place).or_default().push(sum.clone());
        }
    }
    let day = |(place, date)| {
        let parts = parts_of(of_days.remove(&place).unwrap_or_default());
        let share = parts.iter().fold(EgressShare::default(), |sum, part| sum + part.share);
        EgressDay { date, share, parts }
    };
    (window.dates().enumerate().map(day).collect(), hours)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn part(number: i64, bytes: i64) -> EgressPart {
        let all = EgressAmounts { bytes, exports: 1, ..EgressAmounts::default() };
        let share = EgressShare { all, personal: EgressAmounts::default() };
        EgressPart { key: EgressKey::Operator(OperatorId(number)), share }
    }

    #[test]
    fn the_most_come_first_and_the_rest_is_one() {
        let parts = vec![part(1, 5), part(2, 50), part(3, 7), part(4, 0)];
        let short = shortened(parts.clone(), EgressMeasure::Bytes, 2);
        let keys: BTreeSet<_> = short[..2].iter().filter_map(EgressPart::operator).collect();
        assert_eq!(keys, BTreeSet::from([OperatorId(2), OperatorId(3)]));
        assert_eq!(short[2].key, EgressKey::Others);
        assert_eq!((short[2].share.all.bytes, short[2].share.all.exports), (5, 2));
        assert_eq!(shortened(parts, EgressMeasure::Bytes, 4).len(), 4);
    }
}
