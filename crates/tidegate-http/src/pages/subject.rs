//! The list of a subject's rows: filtered, sorted, page by page, and the way to an export of them.

mod cell;
mod condition;
mod take;
mod view;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use chrono::Datelike;
use http::StatusCode;
use serde_json::Value;
use tidegate_model::{field::Field, scope::Operator, subject::Subject};
use tidegate_service::{Counting, RowPage, RowsRequest, ServiceError, SubjectSummary};

pub(super) use self::take::send as take;
use self::{
    cell::Cell,
    condition::{Chip, Choice},
    view::View,
};
use super::{draft::Draft, path_of, see_other, sentence, shell::Shell, words};
use crate::{edge::Shared, input::Slug, problem::Problem};

/// Where the lists are.
const BASE: &str = "/sg-admin/subjects";
/// Formats of the export at one click; the wizard has their options.
const FORMATS: &[&str] = &["csv", "xlsx", "json", "ndjson", "xml", "parquet"];

#[derive(Template)]
#[template(path = "subject.html")]
struct List<'a> {
    shell: &'a Shell,
    label: String,
    path: String,
    summary: &'a SubjectSummary,
    view: &'a View,
    columns: Vec<Column>,
    rows: Vec<Row>,
    chips: Vec<Chip>,
    build: Option<Build>,
    pager: Pages,
    /// What came of the question, where it is no rows.
    trouble: Option<String>,
    total: Option<String>,
    is_exact: bool,
    pii_fields: usize,
    has_search: bool,
    has_key: bool,
    choices: Vec<Shown>,
    formats: Vec<&'static str>,
    links: Links,
}

/// A column of the table.
struct Column {
    label: String,
    sort: Option<String>,
    direction: Option<&'static str>,
    is_num: bool,
    is_pii: bool,
}

struct Row {
    /// Its key as a form sends it, and as people read it.
    key: String,
    name: String,
    cells: Vec<Cell>,
}

/// A filter that is being made.
struct Build {
    fields: Vec<(String, String, bool)>,
    operators: Vec<Choice>,
    hint: &'static str,
    value: String,
    kept: Vec<(String, String)>,
}

/// A field that can be shown.
struct Shown {
    slug: String,
    label: String,
    is_on: bool,
    is_pii: bool,
}

/// Other pages.
struct Pages {
    words: String,
    kept: Vec<(String, String)>,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last: Option<String>,
}

/// Where the page leads.
struct Links {
    review: Option<String>,
    exact: String,
    filter: String,
    columns: String,
    closed: String,
    all: String,
    search_kept: Vec<(String, String)>,
    columns_kept: Vec<(String, String)>,
    rows_kept: Vec<(String, String)>,
}

impl List<'_> {
    fn sizes(&self) -> &'static [u32] {
        view::SIZES
    }

    fn is_empty_subject(&self) -> bool {
        self.rows.is_empty() && !self.view.is_narrowed() && self.view.cursor.is_none()
    }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (summary, bound) = edge.service.subject(&shell.caller, &slug).await?;
    let mut view = View::of_query(&slug, query.as_deref().unwrap_or_default());
    view.draft.time_zone = None;
    let subject = match bound.of_kind(view.draft.kind.as_deref()) {
        Ok(subject) => subject,
        Err(fault) => return Err(Problem::faults(tidegate_model::fault::Faults(vec![fault]))),
    };
    if let Some(path) = after_form(&view, subject, query.as_deref().unwrap_or_default()) {
        return Ok(see_other(&path));
    }
    let shown = view.shown(subject);
    let (status, page, trouble) = match asked(&edge, &shell, &view, subject, &shown).await {
        Ok(page) => (StatusCode::OK, page, None),
        Err(error) => {
            let (status, words) = told(error)?;
            let none =
                RowPage { rows: Vec::new(), next: None, previous: None, last: None, total: None };
            (status, none, Some(words))
        }
    };
    let list = list(&shell, &summary, subject, &view, (&shown, &page, trouble));
    Ok(shell.page(status, &list))
}

/// Where a form of the page leads to: the same list, with what was filled in.
fn after_form(view: &View, subject: &Subject, query: &str) -> Option<String> {
    if !view.added.operator.is_empty() {
        let field = subject.field(&view.added.field)?;
        let fits = condition::operators(field, "");
        fits.iter().find(|choice| choice.slug == view.added.operator)?;
        let mut parts = view.parts();
        parts.push(condition::filled(&view.added, field)?);
        return Some(view.with_parts(&parts).path(&[]));
    }
    // A chooser sends every column that is ticked; the address has them in one word.
    query.split('&').any(|pair| pair.starts_with("column=")).then(|| view.path(&[]))
}

async fn asked(
    edge: &Shared,
    shell: &Shell,
    view: &View,
    subject: &Subject,
    shown: &[String],
) -> Result<RowPage, ServiceError> {
    let scope = view.draft.scope().map_err(ServiceError::Faults)?;
    let mut fields = shown.to_vec();
    // Rows are named by their key, shown or not.
    fields.extend(subject.key.iter().filter(|slug| !shown.contains(slug)).cloned());
    let request = RowsRequest {
        subject: view.draft.subject.clone(),
        kind: view.draft.kind.clone(),
        scope,
        fields: fields.into(),
        time_zone: Some(shell.zone_name().to_owned()),
        cursor: view.cursor.clone(),
        limit: view.limit,
        counting: if view.is_counted { Counting::Exact } else { Counting::About },
    };
    edge.service.rows(&shell.caller, &request).await
}

/// What is told above the list, where the rest of the page still helps; other errors are pages.
fn told(error: ServiceError) -> Result<(StatusCode, String), Problem> {
    match error {
        ServiceError::Faults(faults) => {
            let words: Vec<String> = faults.0.iter().map(|fault| sentence(&fault.detail)).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, words.join(" ")))
        }
        error @ (ServiceError::LookTooLong { .. }
        | ServiceError::Unreadable(_)
        | ServiceError::TooManyRowsSeen { .. }) => {
            let problem = Problem::from(error);
            Ok((problem.kind().status(), sentence(problem.detail())))
        }
        other => Err(other.into()),
    }
}

fn list<'a>(
    shell: &'a Shell,
    summary: &'a SubjectSummary,
    subject: &Subject,
    view: &'a View,
    (shown, page, trouble): (&[String], &RowPage, Option<String>),
) -> List<'a> {
    let fields: Vec<&Field> = shown.iter().filter_map(|slug| subject.field(slug)).collect();
    let total = page.total.and_then(|total| Some((total.rows?, total.is_exact)));
    List {
        label: shell.subject_label(&summary.slug),
        path: format!("{BASE}/{}", summary.slug),
        columns: fields.iter().map(|field| column(view, subject, field)).collect(),
        rows: page
            .rows
            .iter()
            .map(|row| self::row(shell, view, (subject, &fields), row.get()))
            .collect(),
        chips: chips(view, subject),
        build: (view.open == "filter").then(|| build(view, subject)),
        pager: pages(view, page),
        trouble,
        total: total.map(|(rows, is_exact)| match i64::try_from(rows) {
            Ok(rows) if !is_exact => words::about(rows),
            _ => words::count_of(rows),
        }),
        is_exact: total.is_some_and(|(_, is_exact)| is_exact),
        pii_fields: fields.iter().filter(|field| field.pii.is_some()).count(),
        has_search: !subject.search.is_empty(),
        has_key: !subject.key.is_empty(),
        choices: choices(subject, shown),
        formats: FORMATS.to_vec(),
        links: links(view),
        shell,
        summary,
        view,
    }
}

fn links(view: &View) -> Links {
    let without_filter = {
        let mut other = view.with_parts(&[]);
        other.draft.search.clear();
        other.draft.shorthands.clear();
        other.path(&[])
    };
    Links {
        review: path_of("new-export-review").map(|path| view.draft.path(path)),
        exact: view.path(&[("count", "exact")]),
        filter: view.path(&[("open", "filter")]),
        columns: view.path(&[("open", "columns")]),
        closed: view.path(&[]),
        all: without_filter,
        search_kept: view.kept_without(&["q"]),
        columns_kept: view.kept_without(&["fields"]),
        rows_kept: view.draft.pairs(),
    }
}

fn column(view: &View, subject: &Subject, field: &Field) -> Column {
    let first = view.sort(subject).first().map(String::as_str).unwrap_or_default();
    let direction = match first.strip_prefix('-') {
        Some(slug) if slug == field.slug => Some("descending"),
        None if first == field.slug => Some("ascending"),
        _ => None,
    };
    Column {
        label: field.label.clone(),
        sort: field.is_sortable().then(|| view.sorted_by(subject, &field.slug)),
        direction,
        is_num: cell::is_num(&field.data_type),
        is_pii: field.pii.is_some(),
    }
}

fn row(shell: &Shell, view: &View, (subject, fields): (&Subject, &[&Field]), text: &str) -> Row {
    let row: Value = serde_json::from_str(text).unwrap_or_default();
    let year = shell.local(shell.now).year();
    let key: Vec<Value> = subject.key.iter().map(|slug| cell::at(&row, slug).clone()).collect();
    let name = key.iter().map(plain).collect::<Vec<_>>().join(", ");
    let key = match <[Value; 1]>::try_from(key) {
        Ok([one]) => one,
        Err(some) => Value::Array(some),
    };
    Row {
        key: key_word(key),
        name,
        cells: fields
            .iter()
            .map(|field| {
                let value = cell::at(&row, &field.slug);
                Cell::of(field, value, year).leading(view, subject, &field.slug, value)
            })
            .collect(),
    }
}

/// A key as a form sends it: as a draft has it.
fn key_word(key: Value) -> String {
    let draft = Draft { ids: Some(vec![key]), ..Draft::default() };
    draft.pairs().into_iter().next().map(|(_, word)| word).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn chips(view: &View, subject: &Subject) -> Vec<Chip> {
    let parts = view.parts();
    let mut chips: Vec<Chip> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let mut rest = parts.clone();
        rest.remove(index);
        let (field, operator, value) = condition::said(part, subject);
        chips.push(Chip { field, operator, value, without: view.with_parts(&rest).path(&[]) });
    }
    for (name, value) in &view.draft.shorthands {
        let mut other = view.clone();
        other.draft.shorthands.remove(name);
        let field = subject.shorthands.get(name).and_then(|slug| subject.field(slug));
        let field = field.map_or_else(|| words::title(name), |field| field.label.clone());
        let value = plain(value);
        chips.push(Chip { field, operator: "is", value, without: other.path(&[]) });
    }
    if parts.is_empty() && !view.draft.filter.is_empty() {
        let (field, value) = ("Filter".to_owned(), "not readable".to_owned());
        let without = view.with_parts(&[]).path(&[]);
        chips.push(Chip { field, operator: "is", value, without });
    }
    chips
}

fn build(view: &View, subject: &Subject) -> Build {
    let usable = subject.fields.iter().filter(|field| !condition::operators(field, "").is_empty());
    let chosen = subject.field(&view.added.field).or_else(|| usable.clone().next());
    let slug = chosen.map(|field| field.slug.as_str()).unwrap_or_default();
    Build {
        fields: usable
            .map(|field| (field.slug.clone(), field.label.clone(), field.slug == slug))
            .collect(),
        operators: chosen
            .map(|field| condition::operators(field, &view.added.operator))
            .unwrap_or_default(),
        hint: chosen
            .map_or("", |field| condition::hint(field, Operator::find(&view.added.operator))),
        value: view.added.values.first().cloned().unwrap_or_default(),
        kept: view.kept(),
    }
}

fn choices(subject: &Subject, shown: &[String]) -> Vec<Shown> {
    let choice = |field: &Field| Shown {
        slug: field.slug.clone(),
        label: field.label.clone(),
        is_on: shown.contains(&field.slug),
        is_pii: field.pii.is_some(),
    };
    subject.fields.iter().map(choice).collect()
}

fn pages(view: &View, page: &RowPage) -> Pages {
    let to =
        |cursor: &Option<String>| cursor.as_deref().map(|cursor| view.path(&[("cursor", cursor)]));
    let rows = i64::try_from(page.rows.len()).unwrap_or(i64::MAX);
    Pages {
        words: words::plural(rows, "row") + " on this page",
        kept: view.kept_without(&["limit"]),
        first: view.cursor.is_some().then(|| view.path(&[])),
        previous: to(&page.previous),
        next: to(&page.next),
        last: to(&page.last),
    }
}
