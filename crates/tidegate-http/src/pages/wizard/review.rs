//! The last step: what the export would be, before it is one.

use std::fmt::Write as _;

use askama::Template;
use tidegate_model::query::Selected;
use tidegate_service::{BudgetLeft, Estimate, ExportTerms, Preview};

use super::super::{
    budgets,
    draft::{Draft, Word, filter},
    sentence,
    shell::Shell,
    words,
};
use super::{
    Checked,
    condition::Condition,
    frame::Frame,
    rows::{self, Cell},
};
use crate::{
    api,
    edge::Shared,
    problem::{Problem, ProblemKind},
};

#[derive(Template)]
#[template(path = "wizard/review.html")]
pub(super) struct Review<'a> {
    shell: &'a Shell,
    frame: Frame,
    /// Makes a second click the same export.
    key: String,
    facts: Facts,
    shown: Shown,
    personal: Vec<Personal>,
    has_pii: bool,
    /// The row limit of the role, in words.
    limits: Vec<String>,
    scope: Vec<String>,
    sort: String,
    format: String,
    reason: Option<&'a str>,
    /// Name of the rule by which it waits for a second person.
    waits: Option<String>,
    /// What is left of budgets today, and whether this is more.
    budgets: Vec<(String, bool)>,
    /// When it is made; none for once, now.
    when: Option<&'a super::When>,
    /// What the button says.
    verb: &'static str,
    others_see: bool,
    /// The same request to the API.
    call: String,
    fields_path: String,
}

/// How large it would be.
struct Facts {
    rows: String,
    rows_note: &'static str,
    is_exact: bool,
    size: String,
    size_note: String,
    time: String,
    time_note: &'static str,
    kept: String,
}

/// The first rows.
enum Shown {
    /// As the file begins.
    Text(String),
    /// In columns, of a file that is no text.
    Table(Vec<Cell>, Vec<Vec<Cell>>),
    /// There are none.
    Empty,
    /// They could not be read.
    Not(String),
}

/// A field with personal data.
struct Personal {
    slug: String,
    class: String,
    /// How it is written, where that is not as it is.
    masked: Option<&'static str>,
}

impl<'a> Review<'a> {
    /// Asks how large it would be and how it would begin, both in the name of whoever looks.
    pub(super) async fn new(
        edge: &Shared,
        shell: &'a Shell,
        frame: Frame,
        checked: &'a Checked,
        is_exact: bool,
    ) -> Result<Self, Problem> {
        let Checked { draft, subject, terms, .. } = checked;
        // Without faults there are both.
        let (Some(subject), Some(terms)) = (subject, terms) else {
            return Err(Problem::of(ProblemKind::InvalidRequest));
        };
        let request = draft.request().map_err(Problem::faults)?;
        let estimate = edge.service.estimate_export(&shell.caller, &request, is_exact).await;
        let preview = edge.service.preview_export(&shell.caller, &request).await;
        let rows = estimate.as_ref().ok().and_then(|estimate| estimate.count.rows);
        let about = (request.subject.as_str(), terms.has_pii);
        let forecast = edge.service.forecast(&shell.caller, about, rows).await?;
        let personal = |chosen: &Selected| {
            let class = chosen.field.pii.clone()?;
            let masked = chosen.field.mask.hides().then(|| chosen.field.mask.words());
            Some(Personal { slug: chosen.field.slug.clone(), class, masked })
        };
        let limit = terms.row_limit.as_ref().map(ToString::to_string).unwrap_or_default();
        let limits = filter::parts(&limit);
        let limits = limits.iter().map(|part| Condition::of(part, subject).sentence());
        Ok(Self {
            shell,
            frame,
            key: format!("page-{:032x}", rand::random::<u128>()),
            facts: Facts::of(passed(estimate.map_err(Problem::from))?, draft, terms),
            shown: Shown::of(passed(preview.map_err(Problem::from))?),
            personal: terms.fields.iter().filter_map(personal).collect(),
            has_pii: terms.has_pii,
            limits: limits.collect(),
            scope: scope(checked),
            sort: draft.sort.join(", "),
            format: written(draft),
            reason: draft.reason.as_deref(),
            waits: forecast.waits_by,
            budgets: forecast.budgets.iter().map(left).collect(),
            when: checked.when.as_ref(),
            verb: match (&checked.when, draft.of_schedule) {
                (_, Some(_)) => "Save the schedule",
                (Some(_), None) => "Make the schedule",
                (None, None) => "Start the export",
            },
            others_see: !shell.holds("exports.list.any"),
            call: call(edge.settings.address(), draft)?,
            fields_path: draft.path(super::Step::Fields.path()),
        })
    }
}

/// What is left of a budget today: `12,000 of 50,000 rows left today (Rows of editors)`.
fn left(budget: &BudgetLeft) -> (String, bool) {
    let BudgetLeft { name, amount, left, limit, is_over } = budget;
    let (left, limit) = (budgets::said(*amount, *left), budgets::of(*amount, *limit));
    (format!("{left} of {limit} left today ({name})"), *is_over)
}

/// What cannot be looked at in time, or has a value that cannot be read, can still be asked for.
fn passed<T>(looked: Result<T, Problem>) -> Result<Result<T, String>, Problem> {
    match looked {
        Ok(found) => Ok(Ok(found)),
        Err(problem) => match problem.kind() {
            ProblemKind::LookTooLong | ProblemKind::UnreadableValue => {
                Ok(Err(sentence(problem.detail())))
            }
            _ => Err(problem),
        },
    }
}

impl Facts {
    fn of(estimate: Result<Estimate, String>, draft: &Draft, terms: &ExportTerms) -> Self {
        let days = i64::from(terms.retention_days);
        let kept = words::plural(days, "day");
        let unknown = "not known";
        let mut facts = Self {
            rows: unknown.to_owned(),
            rows_note: "The database cannot tell at once",
            is_exact: false,
            size: unknown.to_owned(),
            size_note: words::plural(terms.fields.len().try_into().unwrap_or(0), "column"),
            time: unknown.to_owned(),
            time_note: "You need not wait for it",
            kept,
        };
        let Ok(estimate) = estimate else { return facts };
        let count = estimate.count;
        facts.is_exact = count.is_exact;
        if let Some(rows) = count.rows {
            let number = i64::try_from(rows).unwrap_or(i64::MAX);
            (facts.rows, facts.rows_note) = match count.is_exact {
                true => (words::count(number), "counted just now"),
                false => (words::about(number), "as the database expects"),
            };
        }
        let chosen = estimate.formats.iter().find(|one| one.format == draft.format);
        let Some(chosen) = chosen else { return facts };
        if let Some(bytes) = chosen.bytes {
            facts.size = format!("about {}", words::size(i64::try_from(bytes).unwrap_or(i64::MAX)));
        }
        if draft.options.get("compress").is_some_and(|packed| packed != "none") {
            facts.size_note.push_str(", before it is packed");
        }
        if let Some(seconds) = chosen.seconds {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            facts.time = format!("about {}", words::span(seconds));
        }
        facts
    }
}

impl Shown {
    fn of(preview: Result<Preview, String>) -> Self {
        let preview = match preview {
            Ok(preview) => preview,
            Err(detail) => return Self::Not(detail),
        };
        if preview.rows == 0 {
            return Self::Empty;
        }
        if !preview.is_stand_in {
            return Self::Text(preview.text);
        }
        let mut rows = rows::read(&preview.text).into_iter();
        Self::Table(rows.next().unwrap_or_default(), rows.collect())
    }
}

/// Which records, a sentence each.
fn scope(checked: &Checked) -> Vec<String> {
    let Checked { draft, subject: Some(subject), .. } = checked else { return Vec::new() };
    let mut said = Vec::new();
    if let Some(kind) = &draft.kind {
        said.push(format!("Kind {kind}"));
    }
    if let Some(ids) = &draft.ids {
        said.push(format!("{} selected by hand", records(ids.len())));
    }
    let parts = filter::parts(&draft.filter);
    said.extend(parts.iter().map(|part| Condition::of(part, subject).sentence()));
    for (name, value) in &draft.shorthands {
        let slug = subject.shorthands.get(name).or(subject.date_field.as_ref()).unwrap_or(name);
        let label = subject.field(slug).map_or(slug.as_str(), |field| field.label.as_str());
        let end = |end: &str| value[end].as_str().map(|day| format!(" {end} {day}"));
        match (end("from"), end("to")) {
            (None, None) => said.push(format!("{label} is {}", Word::of(value))),
            (from, to) => said.push(
                [label.to_owned(), from.unwrap_or_default(), to.unwrap_or_default()].concat(),
            ),
        }
    }
    if !draft.search.is_empty() {
        said.push(format!("Search finds “{}”", draft.search));
    }
    if let Some(except) = &draft.except {
        said.push(format!("Except {}", records(except.len())));
    }
    if said.is_empty() {
        said.push("All records".to_owned());
    }
    said
}

fn records(count: usize) -> String {
    words::plural(i64::try_from(count).unwrap_or(0), "record")
}

/// The format, its options that were said, and the zone.
fn written(draft: &Draft) -> String {
    let mut text = words::format_label(&draft.format);
    for (name, value) in draft.options.iter().filter(|(_, value)| !value.is_empty()) {
        write!(text, " · {} {value}", words::title(name).to_lowercase()).expect("it is a text");
    }
    let zone = draft.time_zone.as_deref().unwrap_or("UTC");
    write!(text, " · times in {zone}").expect("it is a text");
    text
}

/// The same as a command for a shell.
fn call(address: &str, draft: &Draft) -> Result<String, Problem> {
    let body = draft.body().map_err(Problem::faults)?;
    let body = serde_json::to_string_pretty(&body).expect("it is plain JSON");
    let body = body.replace('\'', r"'\''");
    let url = format!("{address}{}/exports", api::PREFIX);
    Ok(format!(
        "curl -X POST '{url}' \\\n  -H \"Authorization: Bearer $TIDEGATE_TOKEN\" \\\n  \
         -H 'Content-Type: application/json' \\\n  -d '{body}'"
    ))
}
