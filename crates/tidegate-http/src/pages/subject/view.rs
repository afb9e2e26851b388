//! What of a subject is being looked at, as it stands in the address of its list.

use serde_json::Value;
use tidegate_model::{mask::MaskPolicy, subject::Subject};
use url::form_urlencoded;

use super::condition::{self, Added};
use crate::pages::{
    draft::{ChosenField, Draft, filter},
    parts::path_with,
};

/// Sizes of a page.
pub(super) const SIZES: &[u32] = &[25, 50, 100];

/// A look at the rows of a subject.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// Which rows and fields: what an export would take.
    pub(super) draft: Draft,
    /// Rows of a page.
    pub(super) limit: u32,
    /// Which page.
    pub(super) cursor: Option<String>,
    /// Whether the rows that match are counted one by one.
    pub(super) is_counted: bool,
    /// What is open: `filter` or `columns`.
    pub(super) open: String,
    /// A filter that is being added.
    pub(super) added: Added,
}

impl View {
    /// Reads a look from a query.
    pub(super) fn of_query(subject: &str, query: &str) -> Self {
        let mut view = Self { draft: Draft::of_query(query), limit: SIZES[0], ..Self::default() };
        subject.clone_into(&mut view.draft.subject);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => {
                    let limit = value.parse().ok().filter(|size| SIZES.contains(size));
                    view.limit = limit.unwrap_or(SIZES[0]);
                }
                "cursor" => view.cursor = Some(value.into_owned()).filter(|it| !it.is_empty()),
                "count" => view.is_counted = value == "exact",
                "open" => view.open = value.into_owned(),
                "add.field" => view.added.field = value.into_owned(),
                "add.op" => view.added.operator = value.into_owned(),
                "add.value" => view.added.values.push(value.into_owned()),
                "column" => {
                    let field = ChosenField { slug: value.into_owned(), name: None };
                    view.draft.fields.push(field);
                }
                _ => {}
            }
        }
        view
    }

    /// What the address keeps, apart from the page: which rows, in which order, which fields.
    pub(super) fn kept(&self) -> Vec<(String, String)> {
        let mut pairs = self.draft.pairs();
        pairs.retain(|(name, _)| name != "subject");
        if self.limit != SIZES[0] {
            pairs.push(("limit".to_owned(), self.limit.to_string()));
        }
        if self.is_counted {
            pairs.push(("count".to_owned(), "exact".to_owned()));
        }
        pairs
    }

    /// What the address keeps, but for some names: the rest of a form says those.
    pub(super) fn kept_without(&self, names: &[&str]) -> Vec<(String, String)> {
        let mut pairs = self.kept();
        pairs.retain(|(name, _)| !names.contains(&name.as_str()));
        pairs
    }

    /// Its address, with more behind it.
    pub(super) fn path(&self, more: &[(&str, &str)]) -> String {
        let kept = self.kept();
        let mut pairs: Vec<(&str, &str)> =
            kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.extend(more);
        path_with(&format!("{}/{}", super::BASE, self.draft.subject), &pairs)
    }

    /// Which rows are asked for, in whatever order: what is ticked belongs to it.
    pub(super) fn question(&self) -> String {
        let draft = Draft { sort: Vec::new(), fields: Vec::new(), ..self.draft.clone() };
        let of_rows = Draft { ids: None, except: None, ..draft };
        of_rows.query()
    }

    /// The same look at a kind of the subject: what it does not have is left out.
    pub(super) fn of_kind(&self, kind: Option<&str>, subject: &Subject) -> String {
        let parts = self.parts().into_iter().filter(|part| condition::fits(part, subject));
        let mut other = self.with_parts(&parts.collect::<Vec<_>>());
        let draft = &mut other.draft;
        draft.kind = kind.map(str::to_owned);
        draft.fields.clear();
        draft.sort.retain(|slug| subject.field(slug.trim_start_matches('-')).is_some());
        draft.shorthands.retain(|name, _| subject.shorthands.contains_key(name));
        if subject.search.is_empty() {
            draft.search.clear();
        }
        other.path(&[])
    }

    /// What is being looked at, to be exported: in the order that the rows stand in, also where
    /// nobody has asked for one.
    pub(super) fn looked_at(&self, subject: &Subject) -> Draft {
        Draft { sort: self.sort(subject).to_vec(), ..self.draft.clone() }
    }

    /// The list that a form of it was sent from.
    pub(super) fn list_path(&self) -> String {
        let mut other = self.clone();
        let draft = &mut other.draft;
        (draft.ids, draft.except, draft.time_zone) = (None, None, None);
        draft.format.clear();
        other.limit = SIZES[0];
        other.path(&[])
    }

    /// The same rows in the order of a field; the other way round where it is that already.
    pub(super) fn sorted_by(&self, subject: &Subject, slug: &str) -> String {
        let down = format!("-{slug}");
        let next = match self.sort(subject).first() {
            Some(first) if *first == slug => down,
            Some(first) if *first == down => slug.to_owned(),
            _ => slug.to_owned(),
        };
        let mut other = self.clone();
        other.draft.sort = vec![next];
        other.path(&[])
    }

    /// The order of the rows.
    pub(super) fn sort<'a>(&'a self, subject: &'a Subject) -> &'a [String] {
        match (&self.draft.sort, &subject.sort) {
            (sort, _) if !sort.is_empty() => sort,
            (_, sort) if !sort.is_empty() => sort,
            _ => &subject.key,
        }
    }

    /// The filter as its parts, all of which have to hold.
    pub(super) fn parts(&self) -> Vec<Value> {
        filter::parts(&self.draft.filter)
    }

    /// The same look with other parts of the filter.
    pub(super) fn with_parts(&self, parts: &[Value]) -> Self {
        let mut other = self.clone();
        other.draft.filter = filter::joined(parts);
        other
    }

    /// The rows among these that have a value, where a shorthand asks for it and is not on yet.
    pub(super) fn with_shorthand(
        &self,
        subject: &Subject,
        slug: &str,
        value: &Value,
    ) -> Option<Self> {
        let (name, _) = subject.shorthands.iter().find(|(_, field)| *field == slug)?;
        let can_be_asked = value.is_string() && !self.draft.shorthands.contains_key(name);
        can_be_asked.then(|| {
            let mut other = self.clone();
            other.draft.shorthands.insert(name.clone(), value.clone());
            other.cursor = None;
            other
        })
    }

    /// Whether some of the rows are left out.
    pub(super) fn is_narrowed(&self) -> bool {
        let Draft { filter, shorthands, search, .. } = &self.draft;
        !filter.is_empty() || !shorthands.is_empty() || !search.is_empty()
    }

    /// The slugs of the fields that are shown, in their order.
    pub(super) fn shown(&self, subject: &Subject) -> Vec<String> {
        if self.draft.fields.is_empty() {
            let fields = subject.fields.iter().filter(|field| field.is_default);
            let fields = fields.filter(|field| field.mask != MaskPolicy::Drop);
            return fields.map(|field| field.slug.clone()).collect();
        }
        self.draft.fields.iter().map(|field| field.slug.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_survives_in_the_address() {
        let query = "filter=%7B%22field%22%3A%22status%22%2C%22op%22%3A%22eq%22%2C%22value%22%3A\
                     %22paid%22%7D&q=ada&sort=-total&fields=id%2Ctotal&limit=50&count=exact";
        let view = View::of_query("orders", query);
        let path = view.path(&[]);
        let again = View::of_query("orders", path.split_once('?').unwrap().1);
        assert_eq!(again.draft, view.draft);
        assert_eq!((again.limit, again.is_counted), (50, true));
        assert_eq!(again.path(&[]), path);
        assert_eq!(view.parts().len(), 1);
        assert_eq!(view.with_parts(&[]).draft.filter, "");
    }

    #[test]
    fn a_size_that_is_not_offered_is_the_first() {
        for limit in ["0", "101", "x", ""] {
            assert_eq!(View::of_query("orders", &format!("limit={limit}")).limit, 25);
        }
    }
}
