//! What a step was sent: a draft, and what its buttons and boxes change in it.

use std::{borrow::Cow, collections::BTreeMap};

use axum::extract::{FromRequest, RawForm, Request};
use http::Method;
use serde_json::{Value, json};
use tidegate_model::subject::Subject;
use url::form_urlencoded;

use super::{
    super::{
        draft::{ChosenField, Draft, filter},
        timing::{self, TimingForm},
    },
    condition,
    step::Step,
};
use crate::problem::{Problem, ProblemKind};

/// What a step was sent.
#[derive(Clone, Debug, Default)]
pub(in crate::pages) struct Sent {
    pub(super) draft: Draft,
    /// The key of the page, by which a second click is the same one.
    pub(super) key: String,
    /// Whether rows are counted one by one.
    pub(super) is_exact: bool,
    /// Whether the boxes of the fields were on the page.
    pub(super) is_picked: bool,
    /// Whether the address can be put more simply.
    pub(super) is_untidy: bool,
    /// New names of fields, by the word of their slug.
    names: BTreeMap<String, String>,
    /// A field that moves: whether up, and its slug.
    moved: Option<(bool, String)>,
    /// A condition that is added: field, operator, value.
    added: [String; 3],
    /// A condition that is taken out, by its place.
    dropped: Option<usize>,
    /// A format that is taken instead.
    format: Option<String>,
    /// When it is made, as the inputs say it.
    when: Vec<(String, String)>,
    /// First and last day.
    days: [Option<String>; 2],
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_form = request.method() == Method::POST;
        let form = RawForm::from_request(request, state).await;
        let RawForm(bytes) = form.map_err(|_| Problem::of(ProblemKind::TooLarge))?;
        let pairs = || form_urlencoded::parse(&bytes);
        let mut sent = Self {
            draft: Draft::decode(pairs().filter(|(name, value)| is_said(name, value))),
            is_untidy: is_form,
            ..Self::default()
        };
        for (name, value) in pairs() {
            sent.take(&name, value);
        }
        Ok(sent)
    }
}

/// What is empty says nothing, but for an option and a selection.
fn is_said(name: &str, value: &str) -> bool {
    !value.is_empty() || name.starts_with("option.") || matches!(name, "ids" | "except")
}

impl Sent {
    fn take(&mut self, name: &str, value: Cow<'_, str>) {
        let value = value.into_owned();
        let is_tidy = matches!(name, "key" | "count") || is_said(name, &value);
        self.is_untidy |= !is_tidy;
        match name {
            "key" => self.key = value,
            "count" => self.is_exact = value == "exact",
            "picked" => self.is_picked = true,
            "add.field" => self.added[0] = value,
            "add.op" => self.added[1] = value,
            "add.value" => self.added[2] = value,
            "choose" => self.format = Some(value),
            "drop" => self.dropped = value.parse().ok(),
            "date.from" => self.days[0] = Some(value),
            "date.to" => self.days[1] = Some(value),
            "move" => {
                self.moved = value
                    .split_once(':')
                    .map(|(way, slug)| (way == "up", slug.to_owned()))
                    .filter(|(is_up, _)| *is_up || value.starts_with("down:"));
            }
            name if name.starts_with(timing::WHEN) => self.when.push((name.to_owned(), value)),
            name => match name.strip_prefix("as.") {
                Some(slug) => _ = self.names.insert(slug.to_owned(), value),
                None => return,
            },
        }
        self.is_untidy |= !matches!(name, "key" | "count");
    }

    /// Does to the draft what else was sent.
    pub(super) fn finish(&self, draft: &mut Draft, subject: &Subject) {
        for field in &mut draft.fields {
            let plain = ChosenField { name: None, ..field.clone() };
            if let Some(name) = self.names.get(&plain.word()) {
                field.name = Some(name.clone()).filter(|name| !name.is_empty());
            }
        }
        if let Some((is_up, slug)) = &self.moved
            && let Some(at) = draft.fields.iter().position(|field| field.slug == *slug)
        {
            let other = if *is_up { at.checked_sub(1) } else { Some(at + 1) };
            if let Some(other) = other.filter(|other| *other < draft.fields.len()) {
                draft.fields.swap(at, other);
            }
        }
        if let Some(slug) = &self.format {
            super::format::choose(draft, slug);
        }
        if !self.when.is_empty() {
            let form = TimingForm::sent(self.when.clone());
            let document = form.document();
            draft.schedule = match document.is_null() {
                true => String::new(),
                false => document.to_string(),
            };
        }
        let [field, operator, value] = &self.added;
        let mut parts = filter::parts(&draft.filter);
        if let Some(place) = self.dropped.filter(|place| *place < parts.len()) {
            parts.remove(place);
            draft.filter = filter::joined(&parts);
        }
        if !field.is_empty() {
            parts.push(condition::read(subject, field, operator, value));
            draft.filter = filter::joined(&parts);
        }
        if self.days.iter().any(Option::is_some) {
            let said = |day: &Option<String>| day.clone().filter(|day| !day.is_empty());
            let mut range = serde_json::Map::new();
            for (name, day) in ["from", "to"].into_iter().zip(&self.days) {
                range.extend(said(day).map(|day| (name.to_owned(), Value::from(day))));
            }
            match range.is_empty() {
                true => _ = draft.shorthands.remove("date_range"),
                false => _ = draft.shorthands.insert("date_range".to_owned(), json!(range)),
            }
        }
    }

    /// Whether all boxes of the fields were left empty: to be told, not to be taken for the
    /// default set.
    pub(super) fn has_chosen_nothing(&self, asked: Step) -> bool {
        self.is_picked && self.draft.fields.is_empty() && asked > Step::Fields
    }

    /// The address that says the same.
    pub(super) fn tidy_path(&self, draft: &Draft, path: &str) -> String {
        let mut path = draft.path(path);
        if self.is_exact {
            path.push_str("&count=exact");
        }
        // The button that was pressed is still under one's finger.
        if let Some((is_up, slug)) = &self.moved
            && let Some(at) = draft.fields.iter().position(|field| field.slug == *slug)
        {
            path.push_str(&format!("#{}-{at}", if *is_up { "up" } else { "down" }));
        }
        path
    }
}
