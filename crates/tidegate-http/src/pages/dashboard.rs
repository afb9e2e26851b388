//! What went out, drawn: every figure leads to the list that it is the sum of.

mod bars;
mod chart;
mod figures;
mod hours;
mod ways;

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::{Datelike, NaiveDate};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::status::Status;
use tidegate_service::{
    Egress, EgressKey, EgressMeasure, EgressPart, EgressRequest, JobOrder, JobSort, ListPage,
    ListRequest,
};

use self::{bars::Bar, chart::Chart, figures::Figure, hours::Heat, ways::Ways};
use super::{exports::offer, forms::Sought, parts::path_with, scope_words, shell::Shell, words};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/dashboard";
/// Days to look back on, to choose from.
const PERIODS: [u32; 3] = [7, 30, 90];
/// Days that are looked back on unless the address says otherwise.
const DAYS: u32 = 30;
/// Failed exports, and large ones, that are named.
const NAMED_MAX: u32 = 5;

/// What the address says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    days: Option<u32>,
    /// The last day; empty is today.
    until: Option<NaiveDate>,
    /// `downloads`, `files` or `rows`.
    show: String,
    /// `person`, or nothing.
    by: String,
}

/// Somewhere to switch to.
struct Switch {
    label: &'static str,
    path: String,
    is_here: bool,
}

/// An export that is named.
struct Named {
    id: i64,
    path: String,
    what: String,
    line: String,
    beside: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'a> {
    shell: &'a Shell,
    /// The days in words.
    days: String,
    periods: Vec<Switch>,
    earlier: String,
    later: Option<String>,
    /// What to say where there is nothing at all; the figures else.
    nothing: Option<Nothing>,
    figures: Vec<Figure>,
    measures: Vec<Switch>,
    splits: Vec<Switch>,
    words: Words,
    chart: Chart,
    personal: Vec<Bar>,
    people: Vec<Bar>,
    heat: Heat,
    failed: Vec<Named>,
    all_failed: (String, String),
    largest: Vec<Named>,
    all_largest: String,
    /// From when on downloads are known, where that is not from the first day on.
    known_from: Option<String>,
    is_own: bool,
}

/// Nothing to draw.
struct Nothing {
    fact: &'static str,
    sentence: &'static str,
    /// What to do about it: words and path.
    way: Option<(&'static str, String)>,
}

/// How a measure is called.
#[derive(Clone, Copy)]
struct Words {
    title: &'static str,
    /// What is counted, and on which day.
    meaning: &'static str,
    /// What shares are of.
    of: &'static str,
    people: &'static str,
}

impl Asked {
    fn days(&self) -> u32 {
        self.days.filter(|days| PERIODS.contains(days)).unwrap_or(DAYS)
    }

    fn measure(&self) -> EgressMeasure {
        match self.show.as_str() {
            "files" => EgressMeasure::Bytes,
            "rows" => EgressMeasure::Rows,
            _ => EgressMeasure::BytesSent,
        }
    }

    fn is_by_person(&self) -> bool {
        self.by == "person"
    }

    /// The same page with something else asked for.
    fn path(&self, changed: &[(&str, &str)]) -> String {
        let days = if self.days() == DAYS { String::new() } else { self.days().to_string() };
        let until = self.until.map(|day| day.to_string()).unwrap_or_default();
        let own = [("days", days.as_str()), ("until", &until), ("show", &self.show)];
        let kept = own.into_iter().chain([("by", self.by.as_str())]).map(|(name, value)| {
            let other = changed.iter().find(|(changed, _)| *changed == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        path_with(PATH, &kept.collect::<Vec<_>>())
    }

    fn request(&self, shell: &Shell) -> EgressRequest {
        EgressRequest {
            days: self.days(),
            until: self.until,
            zone: shell.zone,
            measure: self.measure(),
            by_operator: self.is_by_person(),
        }
    }

    fn periods(&self) -> Vec<Switch> {
        let words = ["7 days", "30 days", "90 days"];
        let switch = |(days, label): (u32, &'static str)| Switch {
            label,
            path: self.path(&[("days", &days.to_string())]),
            is_here: self.days() == days,
        };
        PERIODS.into_iter().zip(words).map(switch).collect()
    }

    fn measures(&self) -> Vec<Switch> {
        let known = [("", "Downloads"), ("files", "Files"), ("rows", "Rows")];
        known.map(|(show, label)| self.switch("show", show, label)).into()
    }

    fn splits(&self) -> Vec<Switch> {
        let known = [("", "By subject"), ("person", "By person")];
        known.map(|(by, label)| self.switch("by", by, label)).into()
    }

    fn switch(&self, name: &str, value: &str, label: &'static str) -> Switch {
        let now = if name == "show" { &self.show } else { &self.by };
        Switch { label, path: self.path(&[(name, value)]), is_here: now == value }
    }
}

fn words_of(measure: EgressMeasure) -> Words {
    let (title, meaning, of, people) = match measure {
        EgressMeasure::BytesSent => (
            "Bytes downloaded",
            "What downloads sent, on the day they ended.",
            "Share of bytes downloaded",
            "Bytes downloaded",
        ),
        EgressMeasure::Bytes => (
            "Bytes in files",
            "Files that were made, taken or not, on the day they were asked for.",
            "Share of bytes in files",
            "Bytes in files asked for",
        ),
        EgressMeasure::Rows => (
            "Rows in files",
            "Rows of files that were made, taken or not, on the day they were asked for.",
            "Share of rows in files",
            "Rows in files asked for",
        ),
    };
    Words { title, meaning, of, people }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Sought(asked): Sought<Asked>,
) -> Result<Response, Problem> {
    let (shell, measure) = (&shell, asked.measure());
    let egress = edge.service.egress(&shell.caller, &asked.request(shell)).await?;
    let ways = Ways::of(shell, &egress.window);
    let failed = listed(&edge, shell, &egress, &[Status::Failed], JobOrder::Created).await?;
    let largest = listed(&edge, shell, &egress, &ways::WITH_FILE, JobOrder::Size).await?;
    let nothing = nothing(&edge, shell, &asked, &egress).await?;
    let drawing = chart::Drawing { shell, egress: &egress, ways: &ways, measure };
    let later = asked.until.map(|_| egress.window.behind().until);
    let today = shell.local(shell.now).date_naive();
    let template = Dashboard {
        days: days_words(egress.window.from, egress.window.until),
        periods: asked.periods(),
        earlier: asked.path(&[("until", &egress.window.before().until.to_string())]),
        later: later.map(|until| match until < today {
            true => asked.path(&[("until", &until.to_string())]),
            false => asked.path(&[("until", "")]),
        }),
        nothing,
        figures: figures::of(&drawing),
        measures: asked.measures(),
        splits: asked.splits(),
        words: words_of(measure),
        chart: chart::of(&drawing),
        personal: bars::personal(&drawing),
        people: bars::people(&drawing),
        heat: hours::of(&egress, &ways),
        all_failed: (
            format!("All {}", words::count_of(failed.matching.count)),
            ways.list(&[("status", Status::Failed.slug())]),
        ),
        failed: failed.jobs.iter().map(|job| failed_line(shell, job)).collect(),
        largest: largest.jobs.iter().map(|job| large_line(shell, job)).collect(),
        all_largest: ways.files(&[("sort", "-size")]),
        known_from: egress
            .log_begins
            .filter(|begins| *begins > egress.window.within().start)
            .map(|begins| words::day(begins, shell.now, shell.zone)),
        is_own: !shell.holds("exports.list.any"),
        shell,
    };
    Ok(shell.page(StatusCode::OK, &template))
}

/// Exports of these days that are worth a name.
async fn listed(
    edge: &Edge,
    shell: &Shell,
    egress: &Egress,
    statuses: &[Status],
    by: JobOrder,
) -> Result<ListPage, Problem> {
    let request = ListRequest {
        statuses: statuses.to_vec(),
        created: vec![egress.window.within()],
        sort: JobSort { by, is_descending: true },
        limit: NAMED_MAX,
        ..ListRequest::default()
    };
    Ok(edge.service.exports(&shell.caller, &request).await?)
}

/// What to say where nothing went out on these days, nor on those before.
async fn nothing(
    edge: &Edge,
    shell: &Shell,
    asked: &Asked,
    egress: &Egress,
) -> Result<Option<Nothing>, Problem> {
    let all = &egress.total.all;
    if all.exports + all.downloads > 0 {
        return Ok(None);
    }
    let one = ListRequest { limit: 1, ..ListRequest::default() };
    let ever = edge.service.exports(&shell.caller, &one).await?.matching.count > 0;
    let longest = PERIODS[PERIODS.len() - 1];
    Ok(Some(match ever {
        true => Nothing {
            fact: "Nothing went out in these days",
            sentence: "No export was asked for, and no file was downloaded.",
            way: Some(match asked.days() == longest {
                true => ("Show all exports", super::exports::PATH.to_owned()),
                false => ("Look at 90 days", asked.path(&[("days", &longest.to_string())])),
            }),
        },
        false => Nothing {
            fact: "Nothing has gone out yet",
            sentence: "Once somebody takes a copy of data away as a file, it is drawn here: how \
                       much, of what, by whom, and how much of it is personal.",
            way: offer::new_export(shell).map(|path| ("New export", path.to_owned())),
        },
    }))
}

fn failed_line(shell: &Shell, job: &tidegate_model::job::Job) -> Named {
    Named {
        what: job.error.as_ref().map(|it| words::sentence(&it.detail)).unwrap_or_default(),
        line: format!(
            "{}, {}",
            shell.subject_label(&job.subject),
            words::format_label(&job.format)
        ),
        beside: shell.when(job.created_at).words,
        ..named(job)
    }
}

fn large_line(shell: &Shell, job: &tidegate_model::job::Job) -> Named {
    Named {
        what: format!("{}, {}", shell.subject_label(&job.subject), scope_words::of(&job.scope)),
        line: format!("{} · #{}", words::format_label(&job.format), job.id),
        beside: words::size(job.size_bytes.unwrap_or(0)),
        ..named(job)
    }
}

fn named(job: &tidegate_model::job::Job) -> Named {
    Named {
        id: job.id.0,
        path: format!("{}/{}", super::exports::PATH, job.id),
        what: String::new(),
        line: String::new(),
        beside: String::new(),
    }
}

/// Days in words: `24 October to 22 November 2026`.
fn days_words(from: NaiveDate, until: NaiveDate) -> String {
    let first = if from.year() == until.year() { "%-d %B" } else { "%-d %B %Y" };
    format!("{} to {}", from.format(first), until.format("%-d %B %Y"))
}

/// A measure as people read it.
fn amount(measure: EgressMeasure, number: i64) -> String {
    match measure {
        EgressMeasure::BytesSent | EgressMeasure::Bytes => words::size(number),
        EgressMeasure::Rows => words::many(number),
    }
}

/// What a part is of, as people read it.
fn label(shell: &Shell, egress: &Egress, part: &EgressPart) -> String {
    match &part.key {
        EgressKey::Subject(slug) => shell.subject_label(slug),
        EgressKey::Operator(id) if shell.caller.operator() == Some(*id) => "You".to_owned(),
        EgressKey::Operator(id) => {
            egress.names.get(id).map(|one| one.name.clone()).unwrap_or_default()
        }
        EgressKey::Others => "Others".to_owned(),
    }
}
