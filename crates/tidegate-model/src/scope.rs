//! Which records: the scope of a request, checked against its subject.
//!
//! `docs/reference/scope.md` describes the language; its examples are run as tests.

mod check;
mod cover;
mod filter;
mod keys;
mod limits;
mod number;
mod operator;
mod sort;
mod span;
mod summary;
mod value;

use serde_json::Value;

pub use self::{
    cover::{Cover, HIDDEN},
    filter::{Condition, Filter, Test},
    limits::*,
    operator::{Operator, Takes},
    span::{Duration, Span, Unit},
    summary::summary,
    value::Operand,
};
pub(crate) use self::{
    keys::Key,
    sort::sort_field,
    value::{clamped, first_moment, kind_of, last_moment},
};
use crate::{
    fault::{FaultList, Faults},
    field::Field,
    pointer::Pointer,
    query::SortKey,
    subject::Subject,
};

/// Members of a scope, apart from the shorthands that its subject declares.
pub const MEMBERS: &[&str] = &["filter", "search", "ids", "except_ids", "sort", "date_range"];

/// Who asks, as far as it changes what a scope may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A request that runs once: `since_last` means nothing.
    Request,
    /// A schedule, whose runs follow each other.
    Schedule,
    /// The row limit of a role, which may rest on what its operators do not see.
    Limit,
}

/// A checked scope: every field is the subject's, every value is of its field's type. Relative
/// dates are still relative; [`Scope::resolve`] makes them absolute.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    pub(crate) filter: Filter,
    pub(crate) search_words: Vec<String>,
    pub(crate) search_fields: Vec<Field>,
    pub(crate) key: Vec<Field>,
    pub(crate) ids: Option<Vec<Key>>,
    pub(crate) except_ids: Option<Vec<Key>>,
    pub(crate) sort: Vec<SortKey>,
}

impl Scope {
    /// Checks what was sent as a scope. `null` is the scope of all records.
    ///
    /// # Errors
    ///
    /// All faults, with pointers that begin with `at` (`/scope`).
    pub fn check(
        sent: &Value,
        subject: &Subject,
        asker: Asker,
        at: &Pointer<'_>,
    ) -> Result<Self, Faults> {
        let mut faults = FaultList::default();
        let scope = check::Checker::new(subject, asker, &mut faults).scope(sent, at);
        faults.or(scope)
    }

    /// The scope within a limit: only records that match both. The limit is a filter, as in one.
    ///
    /// # Errors
    ///
    /// If the limit does not fit the subject.
    pub fn within(mut self, limit: &Value, subject: &Subject) -> Result<Self, Faults> {
        let limit = Self::checked_limit(limit, subject, &Pointer::at("/limit"))?;
        self.filter = Filter::All(vec![self.filter, limit]);
        Ok(self)
    }

    /// Checks a row limit against a subject before anybody has it.
    ///
    /// # Errors
    ///
    /// All faults, with pointers that begin with `at`.
    pub fn check_limit(limit: &Value, subject: &Subject, at: &Pointer<'_>) -> Result<(), Faults> {
        Self::checked_limit(limit, subject, at).map(drop)
    }

    fn checked_limit(limit: &Value, subject: &Subject, at: &Pointer<'_>) -> Result<Filter, Faults> {
        let mut faults = FaultList::default();
        // In a scope, `null` is no filter: here it would be a limit that hides nothing.
        let filter = match limit {
            Value::Null => {
                faults.add(at, "a limit is a filter, as in a scope; leave it out to limit nothing");
                None
            }
            limit => check::Checker::new(subject, Asker::Limit, &mut faults).filter(limit, at, 1),
        };
        faults.or(filter.unwrap_or_else(|| Filter::Any(Vec::new())))
    }

    /// Order of the rows, down to the key; empty leaves it to the source.
    pub fn sort(&self) -> &[SortKey] {
        &self.sort
    }

    /// Whether it goes on where the last run of its schedule ended.
    pub fn is_since_last(&self) -> bool {
        self.filter.is_since_last()
    }

    /// Whether only records without a value in the field can match.
    pub fn implies_null(&self, slug: &str) -> bool {
        self.filter.implies_null(slug)
    }

    /// Whether it names single rows.
    pub(crate) fn names_rows(&self) -> bool {
        self.ids.is_some() || self.except_ids.is_some()
    }

    /// Fields whose values decide which records match, each once.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.filter.collect_fields(&mut fields);
        if !self.search_words.is_empty() {
            fields.extend(&self.search_fields);
        }
        if self.names_rows() {
            fields.extend(&self.key);
        }
        let mut once: Vec<&Field> = Vec::new();
        for field in fields {
            if !once.iter().any(|known| known.slug == field.slug) {
                once.push(field);
            }
        }
        once
    }
}
