//! Checks the members of a scope, and expands its shorthands.

use serde_json::{Map, Value, json};

use super::{
    Asker, MEMBERS, Scope,
    filter::{Filter, Test},
    limits::{SEARCH_CHARACTERS_MAX, SEARCH_WORDS_MAX},
    value::kind_of,
};
use crate::{
    fault::{FaultList, shown},
    field::Field,
    nearest::unknown,
    pointer::Pointer,
    subject::Subject,
};

/// Checks one scope against its subject.
pub(super) struct Checker<'a> {
    pub(super) subject: &'a Subject,
    pub(super) asker: Asker,
    pub(super) faults: &'a mut FaultList,
    /// Conditions of the filter so far.
    pub(super) conditions: usize,
    /// Values of the filter so far.
    pub(super) values: usize,
}

impl<'a> Checker<'a> {
    pub(super) fn new(subject: &'a Subject, asker: Asker, faults: &'a mut FaultList) -> Self {
        Self { subject, asker, faults, conditions: 0, values: 0 }
    }

    /// Checks the scope. What comes back holds only if no fault was noted.
    pub(super) fn scope(&mut self, sent: &Value, at: &Pointer<'_>) -> Scope {
        let none = Map::new();
        let members = match sent {
            Value::Null => &none,
            Value::Object(members) => members,
            other => {
                let detail = format!("a scope is an object, not {}", kind_of(other));
                self.faults.add(at, detail);
                &none
            }
        };
        // A member that is null is as good as absent.
        let given = |name: &str| members.get(name).filter(|value| !value.is_null());
        let filter = given("filter").map(|sent| self.filter(sent, &at.member("filter"), 1));
        let mut parts: Vec<Filter> = filter.flatten().into_iter().collect();
        self.shorthands(members, at, &mut parts);
        if let Some(sent) = given("date_range") {
            parts.extend(self.date_range(sent, &at.member("date_range")));
        }
        let filter = match parts.len() {
            0 => Filter::everything(),
            1 => parts.remove(0),
            _ => Filter::All(parts),
        };
        Scope {
            filter,
            search_words: self.search(given("search"), &at.member("search")),
            search_fields: self.fields(&self.subject.search),
            key: self.key_fields(),
            ids: self.keys(given("ids"), "ids", &at.member("ids")),
            except_ids: self.keys(given("except_ids"), "except_ids", &at.member("except_ids")),
            sort: self.sort(given("sort"), &at.member("sort")),
        }
    }

    /// Fields of the subject's key.
    pub(super) fn key_fields(&self) -> Vec<Field> {
        self.fields(&self.subject.key)
    }

    /// Says that the subject has no such field.
    pub(super) fn unknown_field(&self, slug: &str) -> String {
        let known: Vec<&str> = self.subject.fields.iter().map(|f| f.slug.as_str()).collect();
        unknown(&format!("field of `{}`", self.subject.slug), slug, &known)
    }

    /// Refuses to have records filtered, or sorted, by what is masked.
    pub(super) fn refuse_masked(&mut self, at: &Pointer<'_>, field: &Field, done: &str) {
        self.faults.add_masked(at, &field.slug, done);
    }

    /// What is said of a subject without something, where masks may be the reason.
    pub(super) fn for_you(&self) -> &'static str {
        let is_masked = self.subject.fields.iter().any(|field| field.mask.hides());
        if is_masked { ", as far as it is not masked for you," } else { "" }
    }

    fn fields(&self, slugs: &[String]) -> Vec<Field> {
        slugs.iter().filter_map(|slug| self.subject.field(slug)).cloned().collect()
    }

    /// Expands `"status": "paid"` and `"status": ["paid", "open"]`; refuses unknown members.
    fn shorthands(
        &mut self,
        members: &Map<String, Value>,
        at: &Pointer<'_>,
        parts: &mut Vec<Filter>,
    ) {
        let subject = self.subject;
        for (name, sent) in members.iter().filter(|(name, _)| !MEMBERS.contains(&name.as_str())) {
            let place = at.member(name);
            let Some(slug) = subject.shorthands.get(name) else {
                let known: Vec<&str> = MEMBERS
                    .iter()
                    .copied()
                    .chain(subject.shorthands.keys().map(String::as_str))
                    .collect();
                self.faults.add(&place, unknown("member of a scope", name, &known));
                continue;
            };
            if sent.is_null() {
                let detail = format!(
                    "leave `{}` out to mean all, or use `is_null` in `filter`",
                    shown(name)
                );
                self.faults.add(&place, detail);
                continue;
            }
            let operator = if sent.is_array() { "in" } else { "eq" };
            parts.extend(self.expanded(slug, operator, sent, &place));
        }
    }

    /// Expands `{"from": …, "to": …}` on the subject's date field; both ends are included.
    fn date_range(&mut self, sent: &Value, at: &Pointer<'_>) -> Option<Filter> {
        let Some(slug) = self.subject.date_field.clone() else {
            let detail = format!("`{}` declares no `date_field`", self.subject.slug);
            self.faults.add(at, detail);
            return None;
        };
        let Value::Object(ends) = sent else {
            let detail = format!(
                "`date_range` takes {{\"from\": …, \"to\": …}} or one of them, not {}",
                kind_of(sent)
            );
            self.faults.add(at, detail);
            return None;
        };
        for name in ends.keys().filter(|name| !matches!(name.as_str(), "from" | "to")) {
            let detail = unknown("member of `date_range`", name, &["from", "to"]);
            self.faults.add(&at.member(name), detail);
        }
        let end = |name: &str| ends.get(name).filter(|value| !value.is_null());
        match (end("from"), end("to")) {
            (Some(from), Some(to)) => {
                let low = self.expanded(&slug, "gte", from, &at.member("from"));
                let high = self.expanded(&slug, "lte", to, &at.member("to"));
                let (low, high) = (low?, high?);
                if is_reversed(&low, &high) {
                    self.faults.add(at, "the range ends before it begins");
                }
                Some(Filter::All(vec![low, high]))
            }
            (Some(from), None) => self.expanded(&slug, "gte", from, &at.member("from")),
            (None, Some(to)) => self.expanded(&slug, "lte", to, &at.member("to")),
            (None, None) => {
                self.faults.add(at, "`date_range` takes `from`, `to` or both");
                None
            }
        }
    }

    /// A condition that a shorthand stands for; its faults are told where the shorthand is.
    fn expanded(
        &mut self,
        slug: &str,
        operator: &str,
        sent: &Value,
        at: &Pointer<'_>,
    ) -> Option<Filter> {
        let long = json!({"field": slug, "op": operator, "value": sent});
        let mut inner = FaultList::default();
        let mut checker = Checker { faults: &mut inner, ..*self };
        let filter = checker.filter(&long, &Pointer::ROOT, 1);
        (self.conditions, self.values) = (checker.conditions, checker.values);
        for fault in inner.into_faults().into_iter().flat_map(|faults| faults.0) {
            let below = fault.pointer.strip_prefix("/value").unwrap_or_default();
            let prefix = format!("{at}{below}");
            self.faults.add(&Pointer::at(&prefix), fault.detail);
        }
        filter
    }

    fn search(&mut self, sent: Option<&Value>, at: &Pointer<'_>) -> Vec<String> {
        let text = match sent {
            None => return Vec::new(),
            Some(Value::String(text)) => text,
            Some(other) => {
                let detail = format!("`search` takes text, not {}", kind_of(other));
                self.faults.add(at, detail);
                return Vec::new();
            }
        };
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return words;
        }
        if self.subject.search.is_empty() {
            let (slug, for_you) = (&self.subject.slug, self.for_you());
            let detail = format!("`{slug}`{for_you} declares no fields to `search`");
            self.faults.add(at, detail);
        }
        if text.contains('\0') {
            self.faults.add(at, "a text holds no NUL character");
        }
        if text.chars().count() > SEARCH_CHARACTERS_MAX || words.len() > SEARCH_WORDS_MAX {
            let detail = format!(
                "`search` takes at most {SEARCH_WORDS_MAX} words of {SEARCH_CHARACTERS_MAX} \
                 characters in all"
            );
            self.faults.add(at, detail);
        }
        words
    }
}

/// Whether the lower end of a range lies above its upper end.
fn is_reversed(low: &Filter, high: &Filter) -> bool {
    match (low, high) {
        (Filter::Condition(low), Filter::Condition(high)) => match (&low.test, &high.test) {
            (Test::Compare(_, low), Test::Compare(_, high)) => low.is_above(high),
            _ => false,
        },
        _ => false,
    }
}
