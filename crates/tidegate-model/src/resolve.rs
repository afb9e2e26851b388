//! Makes a checked scope absolute: relative dates become the dates they mean at one moment, in one
//! time zone.

mod calendar;
mod render;

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;

use self::calendar::{Bounds, Calendar};
use crate::{
    field::Field,
    query::{Comparison, Literal, Place, Predicate},
    scope::{Condition, Filter, Key, Operand, Scope, Test, clamped},
};

pub(crate) use self::calendar::instant_of;

/// When and where a scope is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: DateTime<Utc>,
    /// Zone of the job: its days, weeks and months are meant.
    pub time_zone: Tz,
    /// Up to where the schedule's last successful run went; none before the first one.
    pub last_run: Option<DateTime<Utc>>,
    /// Up to where this run goes with `since_last`: a while before now, so that what is committed
    /// late with an earlier time is not passed over. None means now.
    pub until: Option<DateTime<Utc>>,
}

/// A scope with nothing relative left in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Which rows.
    pub predicate: Predicate,
    /// The same as a scope: sent again, it means these rows whenever that is.
    pub json: serde_json::Value,
}

impl Scope {
    /// Resolves relative dates, bare dates and times without a zone.
    pub fn resolve(&self, moment: &Moment) -> Resolved {
        // Sources keep microseconds; a finer bound would be rounded by each in its own way.
        let exact = |instant: DateTime<Utc>| clamped(instant).trunc_subsecs(6);
        let moment = Moment {
            now: exact(moment.now),
            time_zone: moment.time_zone,
            last_run: moment.last_run.map(exact),
            until: moment.until.map(exact),
        };
        let resolver = Resolver { calendar: Calendar::new(&moment) };
        let filter = resolver.filter(&self.filter);
        let json = render::scope(self, &filter, moment.time_zone);
        let search = self.search_words.iter().map(|word| word_in_any(word, &self.search_fields));
        let ids = self.ids.as_ref().map(|keys| key_in(&self.key, keys));
        let except = self.except_ids.as_ref().filter(|keys| !keys.is_empty());
        let except = except.map(|keys| not(key_in(&self.key, keys)));
        let parts = std::iter::once(filter).chain(search).chain(ids).chain(except);
        Resolved { predicate: all(parts.collect()), json }
    }
}

struct Resolver<'a> {
    calendar: Calendar<'a>,
}

impl Resolver<'_> {
    fn filter(&self, filter: &Filter) -> Predicate {
        match filter {
            Filter::All(parts) => all(parts.iter().map(|part| self.filter(part)).collect()),
            Filter::Any(parts) => any(parts.iter().map(|part| self.filter(part)).collect()),
            Filter::Not(part) => not(self.filter(part)),
            Filter::Condition(condition) => self.condition(condition),
        }
    }

    fn condition(&self, Condition { field, test }: &Condition) -> Predicate {
        match test {
            Test::Compare(comparison, operand) => self.compare(field, *comparison, operand),
            Test::NotEqual(operand) => not(self.compare(field, Comparison::Eq, operand)),
            Test::In(operands) => self.is_in(field, operands),
            Test::NotIn(operands) => not(self.is_in(field, operands)),
            Test::Between(low, high) => all(vec![
                self.compare(field, Comparison::Gte, low),
                self.compare(field, Comparison::Lte, high),
            ]),
            Test::IsNull(true) => Predicate::IsNull(field.clone()),
            Test::IsNull(false) => not(Predicate::IsNull(field.clone())),
            Test::Matches(place, text) => matches(field, *place, text),
            Test::Last(span) => within(field, &self.calendar.last(*span, &field.data_type)),
            Test::Next(span) => within(field, &self.calendar.next(*span, &field.data_type)),
            Test::This(unit) => within(field, &self.calendar.this(*unit, &field.data_type)),
            Test::SinceLast => within(field, &self.calendar.since_last(&field.data_type)),
        }
    }

    /// A bare date against a timestamp means the whole day.
    fn compare(&self, field: &Field, comparison: Comparison, operand: &Operand) -> Predicate {
        let day = match operand {
            Operand::Exact(literal) => return compare(field, comparison, literal.clone()),
            Operand::Local(local) => {
                let instant = self.calendar.instant(*local);
                return compare(field, comparison, Literal::TimestampTz(instant));
            }
            Operand::Day(day) => self.calendar.day(*day, &field.data_type),
        };
        match comparison {
            Comparison::Eq => within(field, &day),
            Comparison::Lt => compare_some(field, Comparison::Lt, day.start),
            Comparison::Gte => compare_some(field, Comparison::Gte, day.start),
            Comparison::Lte => compare(field, Comparison::Lt, day.end),
            Comparison::Gt => compare(field, Comparison::Gte, day.end),
        }
    }

    fn is_in(&self, field: &Field, operands: &[Operand]) -> Predicate {
        let mut values = Vec::new();
        let mut parts = Vec::new();
        for operand in operands {
            match operand {
                Operand::Exact(literal) => values.push(literal.clone()),
                Operand::Local(local) => {
                    values.push(Literal::TimestampTz(self.calendar.instant(*local)));
                }
                Operand::Day(_) => parts.push(self.compare(field, Comparison::Eq, operand)),
            }
        }
        if !values.is_empty() {
            parts.insert(0, Predicate::In { field: field.clone(), values });
        }
        any(parts)
    }
}

fn compare(field: &Field, comparison: Comparison, value: Literal) -> Predicate {
    Predicate::Compare { field: field.clone(), comparison, value }
}

fn matches(field: &Field, place: Place, text: &str) -> Predicate {
    Predicate::Matches { field: field.clone(), place, text: text.to_owned() }
}

/// A comparison, or no condition where there is nothing to compare with.
fn compare_some(field: &Field, comparison: Comparison, value: Option<Literal>) -> Predicate {
    value.map_or_else(Predicate::everything, |value| compare(field, comparison, value))
}

/// From the start, up to but not including the end.
fn within(field: &Field, bounds: &Bounds) -> Predicate {
    all(vec![
        compare_some(field, Comparison::Gte, bounds.start.clone()),
        compare(field, Comparison::Lt, bounds.end.clone()),
    ])
}

/// A word in any of the fields: as a part of a text, as the whole of a number or UUID.
fn word_in_any(word: &str, fields: &[Field]) -> Predicate {
    any(fields
        .iter()
        .filter_map(|field| match field.data_type {
            crate::DataType::Text => Some(matches(field, Place::Anywhere, word)),
            _ => match Operand::of_word(field, word)? {
                Operand::Exact(literal) => Some(compare(field, Comparison::Eq, literal)),
                Operand::Day(_) | Operand::Local(_) => None,
            },
        })
        .collect())
}

fn key_in(key: &[Field], keys: &[Key]) -> Predicate {
    match keys.is_empty() {
        true => Predicate::Any(Vec::new()),
        false => Predicate::KeyIn { key: key.to_vec(), keys: keys.to_vec() },
    }
}

/// All of these, without what is true anyway.
fn all(parts: Vec<Predicate>) -> Predicate {
    let mut needed: Vec<Predicate> =
        parts.into_iter().filter(|part| !part.is_everything()).collect();
    match needed.len() {
        1 => needed.remove(0),
        _ => Predicate::All(needed),
    }
}

fn any(mut parts: Vec<Predicate>) -> Predicate {
    match parts.len() {
        1 => parts.remove(0),
        _ => Predicate::Any(parts),
    }
}

fn not(part: Predicate) -> Predicate {
    match part {
        Predicate::Not(inner) => *inner,
        part => Predicate::Not(Box::new(part)),
    }
}
