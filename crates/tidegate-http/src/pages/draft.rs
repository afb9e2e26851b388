//! A draft of an export: what the wizard has gathered so far, as it stands in the address.

pub(super) mod filter;
mod words;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Map, Value, json};
use tidegate_model::{
    fault::{Fault, Faults},
    job::Job,
    request::ExportRequest,
    schedule::Schedule,
};
use url::form_urlencoded;

pub(super) use self::words::{Word, is_written_as};
use self::words::{joined, split, unescaped};

/// Before the name of an option.
const OPTION: &str = "option.";
/// Before the name of a shorthand of the scope.
const SHORTHAND: &str = "scope.";
/// Members of a scope that have a parameter of their own.
const OWN_MEMBERS: &[&str] = &["filter", "search", "sort", "ids", "except_ids"];

/// What is to be exported, as far as it has been said. Nothing of it has been checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    /// Slug of the subject; empty where none has been chosen.
    pub(super) subject: String,
    /// Kind of the subject.
    pub(super) kind: Option<String>,
    /// A filter, as in a scope: JSON; empty where there is none.
    pub(super) filter: String,
    /// Other members of the scope that the subject declares, such as `status`.
    pub(super) shorthands: BTreeMap<String, Value>,
    /// Free text.
    pub(super) search: String,
    /// Order of the rows: slugs, with `-` for the largest first.
    pub(super) sort: Vec<String>,
    /// Fields of the file in their order; empty means the default set.
    pub(super) fields: Vec<ChosenField>,
    /// Keys of the only records that are wanted. An empty list is none of them.
    pub(super) ids: Option<Vec<Value>>,
    /// Keys of the records that are not wanted.
    pub(super) except: Option<Vec<Value>>,
    /// Slug of the format; empty where none has been chosen.
    pub(super) format: String,
    /// Options of the format, by name.
    pub(super) options: BTreeMap<String, String>,
    /// Zone of the times in the file.
    pub(super) time_zone: Option<String>,
    /// Why the data is wanted.
    pub(super) reason: Option<String>,
    /// Who is told by mail.
    pub(super) email: Option<String>,
    /// The export that this one began as a copy of.
    pub(super) from: Option<i64>,
    /// When it is made, as a request says it: JSON; empty for once, now.
    pub(super) schedule: String,
    /// The schedule whose request this is.
    pub(super) of_schedule: Option<i64>,
}

/// A field of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChosenField {
    pub(super) slug: String,
    /// Its name in the file, where it is another one.
    pub(super) name: Option<String>,
}

impl ChosenField {
    /// As it is sent: `slug`, or `slug:name`.
    pub(super) fn word(&self) -> String {
        let slug = Word::escaped(&self.slug, &[',', ':']);
        match &self.name {
            Some(name) => format!("{slug}:{}", Word::escaped(name, &[','])),
            None => slug.to_string(),
        }
    }

    fn read(word: &str) -> Self {
        match split(word, ':', 2).as_slice() {
            [slug, name] => Self { slug: unescaped(slug), name: Some(unescaped(name)) },
            _ => Self { slug: unescaped(word), name: None },
        }
    }
}

impl Draft {
    /// Reads a draft from the pairs of a query or a form. What belongs to nothing is passed over;
    /// a list may come in several pairs.
    pub(super) fn decode<'a>(
        pairs: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Self {
        let mut draft = Self::default();
        for (name, value) in pairs {
            draft.take(&name, value.into_owned());
        }
        draft
    }

    /// Reads a draft from a query.
    pub(super) fn of_query(query: &str) -> Self {
        Self::decode(form_urlencoded::parse(query.as_bytes()))
    }

    fn take(&mut self, name: &str, value: String) {
        let some = |value: String| Some(value).filter(|value| !value.is_empty());
        match name {
            "subject" => self.subject = value,
            "kind" => self.kind = some(value),
            "filter" => self.filter = value,
            "q" => self.search = value,
            "sort" => self.sort.extend(listed(&value).map(unescaped)),
            "fields" => self.fields.extend(listed(&value).map(ChosenField::read)),
            "ids" => self.ids.get_or_insert_default().extend(keys(&value)),
            "except" => self.except.get_or_insert_default().extend(keys(&value)),
            "format" => self.format = value,
            "time_zone" => self.time_zone = some(value),
            "reason" => self.reason = some(value),
            "email" => self.email = some(value),
            "from" => self.from = value.parse().ok(),
            "schedule" => self.schedule = value,
            "of" => self.of_schedule = value.parse().ok(),
            name => {
                if let Some(option) = name.strip_prefix(OPTION) {
                    self.options.insert(option.to_owned(), value);
                } else if let Some(shorthand) = name.strip_prefix(SHORTHAND)
                    && !value.is_empty()
                {
                    self.shorthands.insert(shorthand.to_owned(), Word::value(&value));
                }
            }
        }
    }

    /// The pairs of a query or a form that say the same. Nothing is said of what is not there.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut say = |name: &str, value: String| {
            if !value.is_empty() {
                pairs.push((name.to_owned(), value));
            }
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        say("subject", self.subject.clone());
        say("kind", text(&self.kind));
        say("filter", self.filter.clone());
        for (name, value) in &self.shorthands {
            say(&format!("{SHORTHAND}{name}"), Word::of(value));
        }
        say("q", self.search.clone());
        say("sort", joined(self.sort.iter().map(|slug| Word::escaped(slug, &[',']))));
        say("fields", joined(self.fields.iter().map(ChosenField::word)));
        say("format", self.format.clone());
        say("time_zone", text(&self.time_zone));
        say("reason", text(&self.reason));
        say("email", text(&self.email));
        say("from", self.from.map(|id| id.to_string()).unwrap_or_default());
        say("schedule", self.schedule.clone());
        say("of", self.of_schedule.map(|id| id.to_string()).unwrap_or_default());
        // An option may be set to nothing, and a selection of nothing is not one of everything.
        for (name, value) in &self.options {
            pairs.push((format!("{OPTION}{name}"), value.clone()));
        }
        for (name, keys) in [("ids", &self.ids), ("except", &self.except)] {
            let words = |keys: &Vec<Value>| {
                joined(keys.iter().map(|key| Word::escaped(&Word::of(key), &[',']).to_string()))
            };
            pairs.extend(keys.as_ref().map(|keys| (name.to_owned(), words(keys))));
        }
        pairs
    }

    /// The same as a query.
    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs()).finish()
    }

    /// A path with the draft in its query.
    pub(super) fn path(&self, path: &str) -> String {
        match self.query() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// The body of the request to the API that says the same.
    ///
    /// # Errors
    ///
    /// If the filter is not JSON.
    pub(super) fn body(&self) -> Result<Value, Faults> {
        let mut body = Map::new();
        body.insert("subject".to_owned(), self.subject.clone().into());
        let mut say = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        say("kind", self.kind.clone().map(Value::from));
        say("scope", Some(self.scope()?).filter(|scope| scope != &json!({})));
        let fields: Value = self.fields.iter().map(ChosenField::value).collect();
        say("fields", Some(fields).filter(|_| !self.fields.is_empty()));
        say("format", Some(self.format.clone().into()));
        say("options", Some(json!(self.options)).filter(|_| !self.options.is_empty()));
        say("time_zone", self.time_zone.clone().map(Value::from));
        say("reason", self.reason.clone().map(Value::from));
        say("notify", self.email.as_ref().map(|email| json!({ "email": email })));
        say("schedule", self.when().filter(|when| !when.is_null()));
        Ok(Value::Object(body))
    }

    /// When it is made, as a request says it; what is no JSON is told where the request is read.
    pub(super) fn when(&self) -> Option<Value> {
        let text = Some(self.schedule.as_str()).filter(|text| !text.is_empty())?;
        Some(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    }

    /// Which records, as a scope.
    ///
    /// # Errors
    ///
    /// If the filter is not JSON.
    pub(super) fn scope(&self) -> Result<Value, Faults> {
        let own = |(name, _): &(&String, &Value)| !OWN_MEMBERS.contains(&name.as_str());
        let shorthands = self.shorthands.iter().filter(own);
        let mut scope: Map<String, Value> =
            shorthands.map(|(name, value)| (name.clone(), value.clone())).collect();
        if !self.filter.trim().is_empty() {
            let filter = serde_json::from_str(&self.filter).map_err(|_| {
                let detail = "a filter is JSON, as in a request to the API";
                Faults(vec![Fault::new("/scope/filter", detail)])
            })?;
            scope.insert("filter".to_owned(), filter);
        }
        if !self.search.is_empty() {
            scope.insert("search".to_owned(), self.search.clone().into());
        }
        if !self.sort.is_empty() {
            scope.insert("sort".to_owned(), self.sort.clone().into());
        }
        for (name, keys) in [("ids", &self.ids), ("except_ids", &self.except)] {
            if let Some(keys) = keys {
                scope.insert(name.to_owned(), keys.clone().into());
            }
        }
        Ok(Value::Object(scope))
    }

    /// The request that this draft is of.
    ///
    /// # Errors
    ///
    /// All faults that can be seen without the subject, with pointers into the request.
    pub(super) fn request(&self) -> Result<ExportRequest, Faults> {
        ExportRequest::read(&self.body()?)
    }

    /// The draft of what a schedule asks for.
    pub(super) fn of_schedule(schedule: &Schedule) -> Self {
        let request = &schedule.request;
        let draft = Self {
            subject: request.subject.clone(),
            kind: request.kind.clone(),
            format: request.format.clone(),
            options: request.options.clone(),
            time_zone: request.time_zone.clone(),
            reason: request.reason.clone(),
            email: request.notify.as_ref().map(|notify| notify.email.clone()),
            of_schedule: Some(schedule.id.0),
            schedule: schedule.timing.document().to_string(),
            ..Self::default()
        };
        draft.with(&request.fields, &request.scope)
    }

    /// The draft of another export like this one.
    pub(super) fn of_job(job: &Job) -> Self {
        let draft = Self {
            subject: job.subject.clone(),
            kind: job.kind.clone(),
            format: job.format.clone(),
            options: job.options.clone(),
            time_zone: Some(job.time_zone.clone()),
            reason: job.reason.clone(),
            email: job.notify_email.clone(),
            from: Some(job.id.0),
            ..Self::default()
        };
        draft.with(&job.fields, &job.scope)
    }

    /// With fields and a scope as a request names them.
    fn with(mut self, fields: &Value, scope: &Value) -> Self {
        let draft = &mut self;
        let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
        draft.fields = listed(fields).iter().filter_map(ChosenField::of_value).collect();
        for (name, value) in scope.as_object().into_iter().flatten() {
            match name.as_str() {
                _ if value.is_null() => {}
                "filter" => draft.filter = value.to_string(),
                "search" => draft.search = value.as_str().unwrap_or_default().to_owned(),
                "sort" => {
                    let slugs = listed(value);
                    draft.sort =
                        slugs.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                "ids" => draft.ids = Some(listed(value)),
                "except_ids" => draft.except = Some(listed(value)),
                name => _ = draft.shorthands.insert(name.to_owned(), value.clone()),
            }
        }
        self
    }
}

impl ChosenField {
    /// As a request names it.
    fn value(&self) -> Value {
        match &self.name {
            Some(name) => json!({ "slug": self.slug, "as": name }),
            None => self.slug.clone().into(),
        }
    }

    fn of_value(value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match value {
            Value::String(slug) => Some(Self { slug: slug.clone(), name: None }),
            value => Some(Self { slug: text(&value["slug"])?, name: text(&value["as"]) }),
        }
    }
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    split(value, ',', usize::MAX).into_iter().filter(|word| !word.is_empty())
}

fn keys(value: &str) -> impl Iterator<Item = Value> + '_ {
    listed(value).map(|word| Word::value(&unescaped(word)))
}

#[cfg(test)]
mod tests;
