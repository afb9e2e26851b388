//! The list of a subject's rows: filtered, sorted, page by page, and the way to an export of them.

mod build;
mod cell;
mod client_export;
mod condition;
mod run;
mod table;
mod take;
mod view;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use tidegate_model::{bind::BoundSubject, field::Field, mask::MaskPolicy, subject::Subject};
use tidegate_service::{
    Counting, FormatSummary, RUN_RECORDS_MAX, RowPage, RowsRequest, ServiceError, SubjectSummary,
    formats,
};

use self::{
    build::{Build, Shown},
    condition::Chip,
    run::Doing,
    table::{Column, Row, plain},
    view::View,
};
pub(super) use self::{
    client_export::send as client_export,
    run::{
        ask as ask_action, ask_many as ask_action_many, result as action_result, send as run_action,
    },
    take::send as take,
};
use super::{path_of, see_other, shell::Shell, words};
use crate::{edge::Shared, input::Slug, problem::Problem};

/// Where the lists are.
const BASE: &str = "/sg-admin/subjects";

#[derive(Template)]
#[template(path = "subject.html")]
struct List<'a> {
    shell: &'a Shell,
    label: String,
    path: String,
    summary: &'a SubjectSummary,
    view: &'a View,
    kinds: Vec<Kind>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    chips: Vec<Chip>,
    build: Option<Build>,
    pager: Pages,
    /// What came of the question, where it is no rows.
    trouble: Option<String>,
    /// The row limit of the role, in words.
    limits: Vec<String>,
    total: Option<String>,
    /// All of them, in words, with their number and without it.
    every: String,
    all: &'static str,
    /// The same as a number, for who counts what is selected.
    total_rows: Option<u64>,
    is_exact: bool,
    pii_fields: usize,
    /// Whether rows can be personal data though no field is marked.
    may_be_pii: bool,
    /// Columns that are not shown as they are, and fields that are not shown at all.
    masked: usize,
    lacks: usize,
    has_search: bool,
    has_key: bool,
    choices: Vec<Shown>,
    formats: Vec<FormatSummary>,
    format: String,
    links: Links,
    /// Makes a second click the same export.
    form_key: String,
    /// What may be done to the rows.
    doings: Vec<Doing>,
    /// What a browser makes a file of, where it may.
    client_file: Option<String>,
}

/// A kind of the subject to look at.
struct Kind {
    label: String,
    path: String,
    is_here: bool,
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
    usual_columns: String,
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

    /// Whether single rows can be chosen.
    fn has_ticks(&self) -> bool {
        self.has_form() && self.has_key
    }

    /// Whether something can be done with rows that are chosen.
    fn has_form(&self) -> bool {
        self.summary.may_export || self.doings.iter().any(Doing::is_of_picked)
    }

    /// Whether an action may be done to all that match: it is not to more than a site is told of.
    fn may_take_all(&self) -> bool {
        self.total_rows.is_none_or(|total| total <= RUN_RECORDS_MAX as u64)
    }

    /// Whether rows have a menu of their own.
    fn has_menus(&self) -> bool {
        self.doings.iter().any(Doing::is_of_a_row)
    }

    /// What the bar below the rows is for.
    fn bar_words(&self) -> &'static str {
        if self.summary.may_export { "Export rows" } else { "Act on rows" }
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
            (status, RowPage::default(), Some(words))
        }
    };
    let kinds = kinds(&view, &bound);
    let doings = run::doings(&edge, &shell, &view, subject).await?;
    let list = list(&shell, &summary, subject, &view, (&shown, &page, trouble));
    Ok(shell.page(status, &List { kinds, doings, ..list }))
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
        as_text: true,
    };
    edge.service.rows(&shell.caller, &request).await
}

/// What is told above the list, where the rest of the page still helps; other errors are pages.
fn told(error: ServiceError) -> Result<(StatusCode, String), Problem> {
    match error {
        ServiceError::Faults(faults) => {
            let words: Vec<String> =
                faults.0.iter().map(|fault| words::sentence(&fault.detail)).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, words.join(" ")))
        }
        error @ (ServiceError::LookTooLong { .. }
        | ServiceError::Unreadable(_)
        | ServiceError::TooManyRowsSeen { .. }) => {
            let problem = Problem::from(error);
            Ok((problem.kind().status(), words::sentence(problem.detail())))
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
    let there = shown.iter().filter_map(|slug| subject.field(slug));
    let there = there.filter(|field| field.mask != MaskPolicy::Drop).map(Field::as_shown);
    let there: Vec<Field> = there.collect();
    let fields: Vec<&Field> = there.iter().collect();
    let total = page.total.and_then(|total| Some((total.rows?, total.is_exact)));
    let all = if view.is_narrowed() { "all that match" } else { "all rows" };
    let rows = page.rows.iter();
    let rows = rows.map(|row| table::row(shell, view, (subject, &fields), row.get()));
    let rows: Vec<Row> = rows.collect();
    let limits = page.row_limit.as_ref().map(|limit| condition::sentences(limit, subject));
    List {
        label: shell.subject_label(&summary.slug),
        path: format!("{BASE}/{}", summary.slug),
        kinds: Vec::new(),
        columns: fields.iter().map(|field| table::column(view, subject, field)).collect(),
        chips: chips(view, subject),
        build: (view.open == "filter").then(|| build::build(view, subject, &fields, &rows)),
        pager: pages(view, page),
        trouble,
        limits: limits.unwrap_or_default(),
        total: total.map(|(rows, is_exact)| match is_exact {
            true => words::count_of(rows),
            false => words::about(as_whole(rows)).replacen('a', "A", 1),
        }),
        every: match total {
            Some((rows, true)) => all.replacen("all", &format!("all {}", words::count_of(rows)), 1),
            Some((rows, false)) => format!("{all}, {}", words::about(as_whole(rows))),
            None => all.to_owned(),
        },
        all,
        total_rows: total.map(|(rows, _)| rows),
        is_exact: total.is_some_and(|(_, is_exact)| is_exact),
        pii_fields: fields.iter().filter(|field| field.pii.is_some()).count(),
        may_be_pii: page.has_pii,
        masked: fields.iter().filter(|field| field.mask.hides()).count(),
        lacks: subject.fields.iter().filter(|field| field.mask == MaskPolicy::Drop).count(),
        has_search: !subject.search.is_empty(),
        has_key: !subject.key.is_empty(),
        choices: build::choices(subject, shown),
        formats: formats(),
        format: view.draft.format.clone(),
        links: links(view, subject),
        form_key: format!("{:032x}", rand::random::<u128>()),
        doings: Vec::new(),
        client_file: table::client_file(shell, view, &fields, page),
        rows,
        shell,
        summary,
        view,
    }
}

/// The kinds of the subject, and all of them together.
fn kinds(view: &View, bound: &BoundSubject) -> Vec<Kind> {
    if bound.kinds().is_empty() {
        return Vec::new();
    }
    let kind = |subject: &Subject, label: String| Kind {
        label,
        path: view.of_kind(subject.kind.as_deref(), subject),
        is_here: view.draft.kind == subject.kind,
    };
    let all = kind(bound.whole(), "All".to_owned());
    let each = bound.kinds().iter().map(|one| {
        let slug = one.kind.as_deref().unwrap_or_default();
        kind(one, words::title(slug))
    });
    std::iter::once(all).chain(each).collect()
}

fn links(view: &View, subject: &Subject) -> Links {
    let looked_at = view.looked_at(subject);
    let without_filter = {
        let mut other = view.with_parts(&[]);
        other.draft.search.clear();
        other.draft.shorthands.clear();
        other.path(&[])
    };
    let mut usual = view.clone();
    usual.draft.fields.clear();
    Links {
        review: path_of("new-export-review").map(|path| looked_at.path(path)),
        exact: view.path(&[("count", "exact")]),
        filter: view.path(&[("open", "filter")]),
        columns: view.path(&[("open", "columns")]),
        usual_columns: usual.path(&[]),
        closed: view.path(&[]),
        all: without_filter,
        search_kept: view.kept_without(&["q"]),
        columns_kept: view.kept_without(&["fields"]),
        rows_kept: looked_at.pairs(),
    }
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

fn as_whole(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Where the page stands among the others. Pages are sought by key, so that the number of rows
/// before one is known at both ends only.
fn pages(view: &View, page: &RowPage) -> Pages {
    let to =
        |cursor: &Option<String>| cursor.as_deref().map(|cursor| view.path(&[("cursor", cursor)]));
    let rows = page.rows.len() as u64;
    let total = page.total.and_then(|total| Some((total.rows?, total.is_exact)));
    let range = |first: u64| match rows {
        0 | 1 => words::count_of(first),
        _ => format!("{}–{}", words::count_of(first), words::count_of(first + rows - 1)),
    };
    let here = match total {
        _ if page.previous.is_none() && rows > 0 => range(1),
        Some((total, true)) if page.next.is_none() && total >= rows && rows > 0 => {
            range(total - rows + 1)
        }
        _ => words::plural(as_whole(rows), "row"),
    };
    let words = match total {
        Some((total, true)) => format!("{here} of {}", words::count_of(total)),
        Some((total, false)) => format!("{here} of {}", words::about(as_whole(total))),
        None => here,
    };
    Pages {
        words,
        kept: view.kept_without(&["limit"]),
        first: view.cursor.is_some().then(|| view.path(&[])),
        previous: to(&page.previous),
        next: to(&page.next),
        last: to(&page.last),
    }
}
