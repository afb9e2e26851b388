//! What is asked for: one export, as it was sent and as it was checked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Map, Value};

use crate::{
    exposure::{ExposedField, Exposure},
    fault::{FaultList, Faults},
    field::Field,
    mask::MaskPolicy,
    nearest::unknown,
    pointer::Pointer,
    query::{Query, Selected},
    resolve::Moment,
    scope::{Asker, Scope, kind_of},
    selection, sight,
    subject::Subject,
};

/// Characters of a mail address (RFC 5321).
const EMAIL_CHARACTERS_MAX: usize = 254;
/// Characters of a reason: a few sentences.
pub const REASON_CHARACTERS_MAX: usize = 1_000;
/// Options of a request: more than any format has.
pub const OPTIONS_MAX: usize = 50;
/// Characters of a slug or of an option's value.
const WORD_CHARACTERS_MAX: usize = 200;

/// Members of a request.
const MEMBERS: &[&str] = &[
    "subject",
    "kind",
    "scope",
    "fields",
    "format",
    "options",
    "time_zone",
    "notify",
    "reason",
    "schedule",
];

/// A request as it was sent: `POST /api/v1/exports`, or the arguments of `tidegate export`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Value")]
pub struct ExportRequest {
    /// Slug of the subject.
    pub subject: String,
    /// Kind of the subject; none means all.
    pub kind: Option<String>,
    /// Which records; see [`Scope`].
    pub scope: Value,
    /// Which fields: a list of slugs or `{"slug": …, "as": …}`; empty means the default set.
    pub fields: Value,
    /// Slug of the format.
    pub format: String,
    /// Options of the format, by name.
    pub options: BTreeMap<String, String>,
    /// Zone that dates are meant and written in; UTC if absent.
    pub time_zone: Option<String>,
    /// Who is told when the file is ready.
    pub notify: Option<Notify>,
    /// Why the data is wanted.
    pub reason: Option<String>,
    /// When to run again; null runs once, now.
    pub schedule: Value,
}

/// Who is told when the file is ready.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Notify {
    /// Address to mail to.
    pub email: String,
}

impl ExportRequest {
    /// A request of everything in the default set.
    pub fn new(subject: impl Into<String>, format: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            kind: None,
            scope: Value::Null,
            fields: Value::Null,
            format: format.into(),
            options: BTreeMap::new(),
            time_zone: None,
            notify: None,
            reason: None,
            schedule: Value::Null,
        }
    }

    /// Reads a request, but for what only its subject can tell: scope and fields.
    ///
    /// # Errors
    ///
    /// All faults: members that are unknown, missing or of the wrong type.
    pub fn read(sent: &Value) -> Result<Self, Faults> {
        let mut faults = FaultList::default();
        let Value::Object(members) = sent else {
            let detail = format!("a request is an object, not {}", kind_of(sent));
            faults.add(&Pointer::ROOT, detail);
            return faults.or(Self::new("", ""));
        };
        for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            let detail = unknown("member of a request", name, MEMBERS);
            faults.add(&Pointer::ROOT.member(name), detail);
        }
        let mut reader = Reader { members, faults: &mut faults };
        let request = Self {
            subject: reader.needed("subject"),
            kind: reader.text("kind", WORD_CHARACTERS_MAX),
            scope: reader.any("scope"),
            fields: reader.any("fields"),
            format: reader.needed("format"),
            options: reader.options(),
            time_zone: reader.text("time_zone", WORD_CHARACTERS_MAX),
            notify: reader.notify(),
            reason: reader.text("reason", REASON_CHARACTERS_MAX),
            schedule: reader.any("schedule"),
        };
        faults.or(request)
    }

    /// Checks the request against its subject. The options are the format's to check.
    ///
    /// # Errors
    ///
    /// All faults, with pointers into the request.
    pub fn check(&self, subject: &Subject) -> Result<CheckedRequest, Faults> {
        let mut faults = FaultList::default();
        if !self.schedule.is_null() {
            let detail = "a schedule needs a server with a control database; leave it out to \
                          export now";
            faults.add(&Pointer::at("/schedule"), detail);
        }
        self.check_as(Asker::Request, subject, faults)
    }

    /// Checks the request of a schedule, or of a run of one. When it fires is not looked at here.
    ///
    /// # Errors
    ///
    /// All faults, with pointers into the request.
    pub fn check_scheduled(&self, subject: &Subject) -> Result<CheckedRequest, Faults> {
        self.check_as(Asker::Schedule, subject, FaultList::default())
    }

    fn check_as(
        &self,
        asker: Asker,
        subject: &Subject,
        mut faults: FaultList,
    ) -> Result<CheckedRequest, Faults> {
        let place = Pointer::at("/fields");
        let fields = selection::choose(Some(&self.fields), subject, &place, &mut faults);
        if !fields.is_empty() && fields.iter().all(|chosen| chosen.field.mask == MaskPolicy::Drop) {
            faults.add(&place, "no field is left: all of these are masked for you");
        }
        let time_zone = self.checked_time_zone(&mut faults);
        let scope = Scope::check(&self.scope, subject, asker, &Pointer::at("/scope"));
        match (scope, faults.into_faults()) {
            (Ok(scope), None) => Ok(CheckedRequest {
                subject: subject.clone(),
                fields: with_hidden_key(fields, subject),
                scope,
                format: self.format.clone(),
                options: self.options.clone(),
                time_zone,
                notify_email: self.notify.as_ref().map(|notify| notify.email.clone()),
                reason: self.reason.clone(),
            }),
            (Ok(_), Some(faults)) => Err(faults),
            (Err(faults), None) => Err(faults),
            (Err(Faults(scope)), Some(Faults(mut faults))) => {
                faults.extend(scope);
                Err(Faults(faults))
            }
        }
    }

    fn checked_time_zone(&self, faults: &mut FaultList) -> Tz {
        let Some(name) = &self.time_zone else { return Tz::UTC };
        zone_of(name, &Pointer::at("/time_zone"), faults)
    }
}

/// The time zone of that name; UTC where there is none, with a fault.
pub(crate) fn zone_of(name: &str, at: &Pointer<'_>, faults: &mut FaultList) -> Tz {
    name.parse().unwrap_or_else(|_| {
        let known: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let detail = match crate::nearest::nearest(name, known.iter().copied()) {
            Some(_) => unknown("time zone", name, &known),
            None => "a time zone is a name of the IANA database, such as `Europe/Berlin`".into(),
        };
        faults.add(at, detail);
        Tz::UTC
    })
}

impl TryFrom<Value> for ExportRequest {
    type Error = Faults;

    fn try_from(sent: Value) -> Result<Self, Faults> {
        Self::read(&sent)
    }
}

/// What `since_last` means to a run of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Up to where the last successful run went; none before the first one.
    pub last_run: Option<DateTime<Utc>>,
    /// Up to where this one goes; none means now.
    pub until: Option<DateTime<Utc>>,
}

/// A request that its subject can answer.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedRequest {
    subject: Subject,
    fields: Vec<Selected>,
    scope: Scope,
    format: String,
    options: BTreeMap<String, String>,
    time_zone: Tz,
    notify_email: Option<String>,
    reason: Option<String>,
}

impl CheckedRequest {
    /// The subject, or its kind.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Fields of the file in their order, then key fields that only errors need.
    pub fn fields(&self) -> &[Selected] {
        &self.fields
    }

    /// Which records, in which order.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Slug of the format.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Options as they were sent.
    pub fn options(&self) -> &BTreeMap<String, String> {
        &self.options
    }

    /// Zone that dates are meant and written in.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// Address to mail to when the file is ready.
    pub fn notify_email(&self) -> Option<&str> {
        self.notify_email.as_deref()
    }

    /// Why the data is wanted.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether personal data leaves: by the subject, by a field of the file, or because the scope
    /// can hold records that [`Subject::pii_when`] makes personal.
    pub fn has_pii(&self) -> bool {
        let by_field =
            self.fields.iter().any(|chosen| !chosen.is_hidden && chosen.field.pii.is_some());
        let by_record =
            self.subject.pii_when.as_ref().is_some_and(|slug| !self.scope.implies_null(slug));
        self.subject.has_pii || by_field || by_record
    }

    /// The request within the row limit of its operator's role.
    ///
    /// # Errors
    ///
    /// If the limit does not fit the subject.
    pub fn within(mut self, limit: &Value) -> Result<Self, Faults> {
        self.scope = self.scope.within(limit, &self.subject)?;
        Ok(self)
    }

    /// What a file of this request tells, made within that row limit. To be asked before the limit
    /// is put over the request: what it rests on is not told.
    pub fn exposure(&self, row_limit: Option<&Value>) -> Exposure {
        let exposed = |field: &Field| ExposedField {
            field: field.slug.clone(),
            class: sight::class_of(&self.subject, field).map(str::to_owned),
            policy: field.mask,
        };
        let shown = self.fields.iter().filter(|chosen| !chosen.is_hidden);
        let cited = self.scope.fields().into_iter();
        let sorted = self.scope.sort().iter().map(|key| &key.field);
        let mut fields: Vec<ExposedField> = Vec::new();
        for field in shown.map(|chosen| &chosen.field).chain(cited).chain(sorted) {
            let exposed = exposed(field);
            if !fields.contains(&exposed) {
                fields.push(exposed);
            }
        }
        let slugs = |fields: &[Field]| fields.iter().map(|field| field.slug.clone()).collect();
        Exposure {
            fields,
            row_limit: row_limit.cloned(),
            key: if self.scope.names_rows() { slugs(&self.scope.key) } else { Vec::new() },
            search: match self.scope.search_words.is_empty() {
                true => Vec::new(),
                false => slugs(&self.scope.search_fields),
            },
        }
    }

    /// The fields of the file as a request would name them: what a job freezes.
    pub fn frozen_fields(&self) -> Value {
        let visible = self.fields.iter().filter(|chosen| !chosen.is_hidden);
        let named = visible.map(|chosen| match &chosen.alias {
            Some(alias) => serde_json::json!({ "slug": chosen.field.slug, "as": alias }),
            None => chosen.field.slug.clone().into(),
        });
        named.collect()
    }

    /// The question to the source at this moment, and the resolved scope for the manifest.
    pub fn query(&self, now: DateTime<Utc>) -> (Query, Value) {
        self.query_since(now, Since::default())
    }

    /// The same for a run of a schedule, which goes on where the last one ended.
    pub fn query_since(&self, now: DateTime<Utc>, since: Since) -> (Query, Value) {
        let Since { last_run, until } = since;
        let moment = Moment { now, time_zone: self.time_zone, last_run, until };
        let resolved = self.scope.resolve(&moment);
        let key = self.subject.key.iter().filter_map(|slug| self.subject.field(slug));
        // A field that is not to be in the file is not even read.
        let read = self.fields.iter().filter(|chosen| chosen.field.mask != MaskPolicy::Drop);
        let query = Query {
            relation: self.subject.relation.clone(),
            fields: read.cloned().collect(),
            key: key.cloned().collect(),
            predicate: resolved.predicate,
            sort: self.scope.sort().to_vec(),
            is_consistent: self.subject.is_consistent,
        };
        (query, resolved.json)
    }
}

/// Errors name a row by its key, so the key travels along even where the file does not hold it.
fn with_hidden_key(mut fields: Vec<Selected>, subject: &Subject) -> Vec<Selected> {
    for field in subject.key.iter().filter_map(|slug| subject.field(slug)) {
        if !fields.iter().any(|chosen| chosen.field.slug == field.slug) {
            fields.push(Selected { field: field.clone(), alias: None, is_hidden: true });
        }
    }
    fields
}

/// Reads the members of a request one by one.
struct Reader<'a> {
    members: &'a Map<String, Value>,
    faults: &'a mut FaultList,
}

impl Reader<'_> {
    fn any(&self, name: &str) -> Value {
        self.members.get(name).cloned().unwrap_or_default()
    }

    fn text(&mut self, name: &str, characters_max: usize) -> Option<String> {
        let detail = match self.members.get(name)? {
            Value::Null => return None,
            Value::String(text) if text.contains('\0') => {
                format!("`{name}` holds no NUL character")
            }
            Value::String(text) if text.chars().count() <= characters_max => {
                return Some(text.clone());
            }
            Value::String(_) => format!("`{name}` has at most {characters_max} characters"),
            other => format!("`{name}` takes text, not {}", kind_of(other)),
        };
        self.faults.add(&Pointer::ROOT.member(name), detail);
        None
    }

    fn needed(&mut self, name: &str) -> String {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.faults.add(&Pointer::ROOT, format!("`{name}` is missing"));
        }
        self.text(name, WORD_CHARACTERS_MAX).unwrap_or_default()
    }

    /// Options are scalars; formats read them as text.
    fn options(&mut self) -> BTreeMap<String, String> {
        let at = Pointer::ROOT.member("options");
        let options = match self.members.get("options") {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(options)) if options.len() <= OPTIONS_MAX => options,
            Some(Value::Object(_)) => {
                self.faults.add(&at, format!("there are at most {OPTIONS_MAX} options"));
                return BTreeMap::new();
            }
            Some(other) => {
                let detail = format!("`options` takes an object, not {}", kind_of(other));
                self.faults.add(&at, detail);
                return BTreeMap::new();
            }
        };
        let mut read = BTreeMap::new();
        for (name, value) in options {
            let text = match value {
                Value::String(text) if text.chars().count() <= WORD_CHARACTERS_MAX => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => {
                    let detail = "an option takes a short text, a number, true or false";
                    self.faults.add(&at.member(name), detail);
                    continue;
                }
            };
            read.insert(name.clone(), text);
        }
        read
    }

    fn notify(&mut self) -> Option<Notify> {
        let at = Pointer::ROOT.member("notify");
        let members = match self.members.get("notify")? {
            Value::Null => return None,
            Value::Object(members) => members,
            other => {
                let detail =
                    format!("`notify` takes {{\"email\": …}} or null, not {}", kind_of(other));
                self.faults.add(&at, detail);
                return None;
            }
        };
        for name in members.keys().filter(|name| *name != "email") {
            let detail = unknown("member of `notify`", name, &["email"]);
            self.faults.add(&at.member(name), detail);
        }
        match members.get("email") {
            Some(Value::String(email)) if is_email(email) => {
                return Some(Notify { email: email.clone() });
            }
            Some(_) => {
                let detail = "`email` takes one address such as `ada@example.com`";
                self.faults.add(&at.member("email"), detail);
            }
            None => self.faults.add(&at, "`email` is missing: it names the address to mail to"),
        }
        None
    }
}

/// Whether a text is one plain address. Only the server that takes the mail knows more.
fn is_email(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\".contains(c);
    text.chars().count() <= EMAIL_CHARACTERS_MAX
        && text.chars().all(is_plain)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').all(|label| !label.is_empty())
        })
}
