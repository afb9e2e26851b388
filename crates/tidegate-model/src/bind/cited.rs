//! Checks the fields that a subject names in its search, sort, dates and shorthands.

use std::collections::BTreeMap;

use crate::{
    declaration::{KindDeclaration, SubjectDeclaration},
    fault::{FaultList, shown},
    field::Field,
    nearest::unknown,
    pointer::Pointer,
    scope::{self, SEARCH_FIELDS_MAX, SORT_FIELDS_MAX},
    subject::Subject,
};

/// Names of fields that a subject or a kind cites, and where it does.
pub(super) struct Citations<'a> {
    pub(super) at: Pointer<'a>,
    pub(super) key: &'a [String],
    date_field: Option<&'a str>,
    search: &'a [String],
    sort: &'a [String],
    pii_when: Option<&'a str>,
    shorthands: &'a BTreeMap<String, String>,
}

/// The same names, all of them found and fit.
#[derive(Default)]
pub(super) struct Cited {
    pub(super) date_field: Option<String>,
    pub(super) search: Vec<String>,
    pub(super) sort: Vec<String>,
    pub(super) pii_when: Option<String>,
    pub(super) shorthands: BTreeMap<String, String>,
}

/// What a cited field must be good for.
#[derive(Clone, Copy)]
enum Use {
    Dates,
    Search,
    Sort,
    Presence,
    Shorthand,
}

impl Use {
    /// The field that a name means here.
    fn find<'a>(self, fields: &'a [Field], name: &str) -> Option<&'a Field> {
        match self {
            Self::Sort => scope::sort_field(fields, name).map(|(field, _)| field),
            Self::Dates | Self::Search | Self::Presence | Self::Shorthand => {
                fields.iter().find(|field| field.slug == name)
            }
        }
    }

    /// The slug in a name that was not found.
    fn slug_of(self, name: &str) -> &str {
        match self {
            Self::Sort => name.trim_start_matches('-'),
            Self::Dates | Self::Search | Self::Presence | Self::Shorthand => name,
        }
    }

    fn fits(self, field: &Field) -> bool {
        match self {
            Self::Dates => field.data_type.is_temporal(),
            Self::Search => field.is_searchable(),
            Self::Sort => field.is_sortable(),
            Self::Presence => !field.is_lines(),
            Self::Shorthand => field.has_equality(),
        }
    }

    fn misfit(self, field: &Field) -> String {
        let remedy = match self {
            Self::Dates => "a date field is a date, timestamp or timestamptz",
            Self::Search => "free text is searched in text, integer, decimal and uuid fields",
            Self::Sort => "it has no order",
            Self::Presence => "it cannot be tested for presence",
            Self::Shorthand => "it cannot be compared with a value",
        };
        format!("`{}` is {}; {remedy}", shown(&field.slug), field.data_type)
    }
}

impl<'a> Citations<'a> {
    pub(super) fn of_subject(declared: &'a SubjectDeclaration, at: &'a Pointer<'a>) -> Self {
        Self {
            at: *at,
            key: &declared.key,
            date_field: declared.date_field.as_deref(),
            search: &declared.search,
            sort: &declared.sort,
            pii_when: declared.pii_when.as_deref(),
            shorthands: &declared.shorthands.0,
        }
    }

    pub(super) fn of_kind(declared: &'a KindDeclaration, at: &'a Pointer<'a>) -> Self {
        Self {
            at: *at,
            key: &declared.key,
            date_field: declared.date_field.as_deref(),
            search: &declared.search,
            sort: &declared.sort,
            pii_when: declared.pii_when.as_deref(),
            shorthands: &declared.shorthands.0,
        }
    }

    /// Finds the cited fields. What is absent is taken from `inherited`, as far as it is here.
    pub(super) fn bind(
        &self,
        inherited: Option<&Citations<'_>>,
        fields: &[Field],
        faults: &mut FaultList,
    ) -> Cited {
        let lenient = match inherited {
            Some(citations) => {
                citations.check_fit(fields, faults);
                citations.found(fields)
            }
            None => Cited::default(),
        };
        self.check_missing(fields, faults);
        self.check_fit(fields, faults);
        self.check_limits(faults);
        let own = self.found(fields);
        Cited {
            date_field: self.date_field.map_or(lenient.date_field, |_| own.date_field),
            search: if self.search.is_empty() { lenient.search } else { own.search },
            sort: if self.sort.is_empty() { lenient.sort } else { own.sort },
            pii_when: self.pii_when.map_or(lenient.pii_when, |_| own.pii_when),
            shorthands: match self.shorthands.is_empty() {
                true => lenient.shorthands,
                false => own.shorthands,
            },
        }
    }

    /// Those of the cited fields that are here and fit.
    pub(super) fn found(&self, fields: &[Field]) -> Cited {
        let fits = |purpose: Use, name: &str| {
            purpose.find(fields, name).is_some_and(|field| purpose.fits(field))
        };
        let names = |purpose: Use, list: &[String]| -> Vec<String> {
            list.iter().filter(|name| fits(purpose, name)).cloned().collect()
        };
        let name = |purpose: Use, name: Option<&str>| {
            name.filter(|name| fits(purpose, name)).map(str::to_owned)
        };
        let shorthands = self.shorthands.iter().filter(|(_, field)| fits(Use::Shorthand, field));
        Cited {
            date_field: name(Use::Dates, self.date_field),
            search: names(Use::Search, self.search),
            sort: names(Use::Sort, self.sort),
            pii_when: name(Use::Presence, self.pii_when),
            shorthands: shorthands.map(|(name, field)| (name.clone(), field.clone())).collect(),
        }
    }

    /// Faults of names that are nowhere among `fields`.
    fn check_missing(&self, fields: &[Field], faults: &mut FaultList) {
        if fields.is_empty() {
            // Nothing was described, or nothing could be bound: that was told of.
            return;
        }
        let known: Vec<&str> = fields.iter().map(|field| field.slug.as_str()).collect();
        self.each(&mut |name, place, purpose| {
            if purpose.find(fields, name).is_none() {
                faults.add(place, unknown("field", purpose.slug_of(name), &known));
            }
        });
    }

    /// Faults of fields that are here but cannot be used so.
    fn check_fit(&self, fields: &[Field], faults: &mut FaultList) {
        self.each(&mut |name, place, purpose| {
            if let Some(field) = purpose.find(fields, name)
                && !purpose.fits(field)
            {
                faults.add(place, purpose.misfit(field));
            }
        });
    }

    /// Faults of a subject's own names that none of its kinds has.
    pub(super) fn check_used(&self, kinds: &[Subject], faults: &mut FaultList) {
        let mut fields: Vec<Field> = Vec::new();
        for field in kinds.iter().flat_map(|kind| &kind.fields) {
            if !fields.iter().any(|known| known.slug == field.slug) {
                fields.push(field.clone());
            }
        }
        self.check_missing(&fields, faults);
        self.check_limits(faults);
    }

    fn check_limits(&self, faults: &mut FaultList) {
        if self.search.len() > SEARCH_FIELDS_MAX {
            let detail = format!("free text is searched in at most {SEARCH_FIELDS_MAX} fields");
            faults.add(&self.at.member("search"), detail);
        }
        if self.sort.len() > SORT_FIELDS_MAX {
            let detail = format!("records are sorted by at most {SORT_FIELDS_MAX} fields");
            faults.add(&self.at.member("sort"), detail);
        }
        let place = self.at.member("shorthands");
        for name in self.shorthands.keys() {
            if scope::MEMBERS.contains(&name.as_str()) || name.is_empty() {
                let detail = format!("`{}` has a meaning of its own in a scope", shown(name));
                faults.add(&place, detail);
            }
        }
    }

    /// Calls back with each cited name, its place and its use.
    fn each(&self, visit: &mut dyn FnMut(&str, &Pointer<'_>, Use)) {
        if let Some(name) = self.date_field {
            visit(name, &self.at.member("date_field"), Use::Dates);
        }
        for (index, name) in self.search.iter().enumerate() {
            visit(name, &self.at.member("search").index(index), Use::Search);
        }
        for (index, name) in self.sort.iter().enumerate() {
            visit(name, &self.at.member("sort").index(index), Use::Sort);
        }
        if let Some(name) = self.pii_when {
            visit(name, &self.at.member("pii_when"), Use::Presence);
        }
        for name in self.shorthands.values() {
            visit(name, &self.at.member("shorthands"), Use::Shorthand);
        }
    }
}
