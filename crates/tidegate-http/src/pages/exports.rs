//! The list of exports: filtered, sorted and paged by its address.

pub(super) mod offer;
pub(super) mod pace;
pub(super) mod row;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::status::Status;
use tidegate_service::{Creator, JobCursor, JobSort, ListPage, ListRequest};

use self::row::Row;
use super::{
    forms::Sought,
    parts::{Pager, Pill, Sorter, path_with},
    shell::Shell,
    words,
};
use crate::{edge::Shared, problem::Problem};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/exports";
/// Exports of a page, to choose from.
const SIZES: &[u32] = &[25, 50, 100];
/// Exports of a page unless the address says otherwise.
const SIZE: u32 = 25;
/// Headings that sort, with the word of their order.
const SORTED: [(&str, &str); 4] = [
    ("Subject and scope", "subject"),
    ("Created", "created"),
    ("Status", "status"),
    ("Size", "size"),
];

/// The same where no headings are seen.
const ORDERS: &[(&str, &str)] = &[
    ("-created", "Newest first"),
    ("created", "Oldest first"),
    ("-size", "Largest first"),
    ("status", "By status"),
    ("subject", "By subject"),
];

/// What the address says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    status: String,
    subject: String,
    /// `me`, or nothing.
    by: String,
    sort: String,
    limit: Option<u32>,
    cursor: String,
    /// Number of the first export of this page, from 1 on: said, not trusted.
    at: Option<u64>,
}

#[derive(Template)]
#[template(path = "exports.html")]
struct Exports<'a> {
    shell: &'a Shell,
    asked: &'a Asked,
    tabs: Vec<Tab>,
    sorters: Vec<Sorter>,
    rows: Vec<Row>,
    pager: Pager,
    new: Option<&'static str>,
    /// The order of now, as a word.
    order: String,
    /// What filters there are, in words; empty where there are none.
    filters: String,
    /// Whether something may change by itself.
    is_live: bool,
    pills: Vec<Pill>,
}

/// A state to filter by.
struct Tab {
    word: &'static str,
    /// How many there are, where that is known.
    count: Option<String>,
    path: String,
    is_here: bool,
}

impl Exports<'_> {
    fn subjects(&self) -> Vec<(String, String, bool)> {
        let subjects = self.shell.standing.subjects.iter();
        let choice = |slug: &String| {
            (slug.clone(), self.shell.subject_label(slug), *slug == self.asked.subject)
        };
        subjects.map(|subject| choice(&subject.slug)).collect()
    }

    /// Orders to choose from where the headings are not seen.
    fn orders(&self) -> &'static [(&'static str, &'static str)] {
        ORDERS
    }

    fn sorter(&self, word: &str) -> &Sorter {
        let index = SORTED.iter().position(|(_, slug)| *slug == word).unwrap_or_default();
        &self.sorters[index]
    }
}

impl Asked {
    fn limit(&self) -> u32 {
        self.limit.filter(|limit| SIZES.contains(limit)).unwrap_or(SIZE)
    }

    /// The same list with something else asked for, from its beginning.
    fn path(&self, changed: &[(&str, &str)]) -> String {
        let limit = if self.limit() == SIZE { String::new() } else { self.limit().to_string() };
        let own = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("subject", &self.subject),
            ("by", &self.by),
            ("sort", &self.sort),
            ("limit", &limit),
        ];
        let kept = own.into_iter().map(|(name, value)| {
            let other = changed.iter().find(|(changed, _)| *changed == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let added =
            changed.iter().copied().filter(|(name, _)| own.iter().all(|(one, _)| one != name));
        path_with(PATH, &kept.chain(added).collect::<Vec<_>>())
    }

    fn request(&self, shell: &Shell) -> Result<ListRequest, Problem> {
        let status = match self.status.as_str() {
            "" => Vec::new(),
            word => vec![
                word.parse::<Status>()
                    .map_err(|_| Problem::fault("/status", "there is no status of that name"))?,
            ],
        };
        let sort = match self.sort.as_str() {
            "" => JobSort::default(),
            word => word.parse().map_err(|fault: tidegate_service::SortFault| {
                Problem::fault("/sort", fault.to_string())
            })?,
        };
        let behind = match self.cursor.as_str() {
            "" => None,
            text => Some(
                text.parse::<JobCursor>()
                    .map_err(|fault| Problem::fault("/cursor", fault.to_string()))?,
            ),
        };
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let me = shell.caller.operator().filter(|_| self.by == "me").map(Creator::Id);
        Ok(ListRequest {
            text: text(&self.q),
            subject: text(&self.subject),
            created_by: me,
            statuses: status,
            sort,
            behind,
            limit: self.limit(),
            counts_states: true,
        })
    }

    /// Every state to filter by, and how many exports there are in it.
    fn tabs(&self, page: &ListPage) -> Vec<Tab> {
        let counted = |status: Option<Status>| {
            let counts = page.by_status.as_ref()?;
            Some(match status {
                Some(status) => counts.get(&status).copied().unwrap_or_default(),
                None => counts.values().sum(),
            })
        };
        let tab = |word, slug: &str, status| Tab {
            word,
            count: counted(status).map(words::count_of),
            path: self.path(&[("status", slug)]),
            is_here: self.status == slug,
        };
        let states = Status::ALL
            .into_iter()
            .map(|status| tab(Pill::of(status, false).word, status.slug(), Some(status)));
        std::iter::once(tab("All", "", None)).chain(states).collect()
    }

    /// What is filtered by, in words.
    fn filters(&self, shell: &Shell) -> String {
        let said = [
            (!self.status.is_empty()).then(|| format!("the status {}", self.status)),
            (!self.subject.is_empty())
                .then(|| format!("the subject {}", shell.subject_label(&self.subject))),
            (self.by == "me").then(|| "your own".to_owned()),
            (!self.q.is_empty()).then(|| format!("the search “{}”", self.q)),
        ];
        said.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn sorters(&self, sort: JobSort) -> Vec<Sorter> {
        let sorter = |(label, slug): (&'static str, &'static str)| {
            let is_here = sort.by.slug() == slug;
            let direction = if sort.is_descending { "descending" } else { "ascending" };
            // What is new or large is looked for first; words are read from their beginning.
            let is_first_down = matches!(slug, "created" | "size");
            let is_down = if is_here { !sort.is_descending } else { is_first_down };
            let word = format!("{}{slug}", if is_down { "-" } else { "" });
            Sorter {
                label,
                path: self.path(&[("sort", &word)]),
                direction: is_here.then_some(direction),
                is_num: slug == "size",
            }
        };
        SORTED.into_iter().map(sorter).collect()
    }

    fn pager(&self, page: &ListPage) -> Pager {
        let first = self.at.filter(|_| !self.cursor.is_empty()).unwrap_or(1);
        let shown = page.jobs.len() as u64;
        let total = words::count_of(page.matching.count);
        let total = if page.matching.is_exact { total } else { format!("over {total}") };
        let range =
            format!("{}–{}", words::count_of(first), words::count_of(first + shown.max(1) - 1));
        let other = |cursor: &Option<JobCursor>, at: u64| {
            let cursor = cursor.as_ref()?.to_string();
            Some(self.path(&[("cursor", &cursor), ("at", &at.to_string())]))
        };
        let before = first.saturating_sub(u64::from(self.limit())).max(1);
        let is_by_age = self.sort.is_empty() || self.sort == "-created";
        let kept = [
            ("q", &self.q),
            ("status", &self.status),
            ("subject", &self.subject),
            ("by", &self.by),
            ("sort", &self.sort),
        ];
        let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
        Pager {
            words: if shown == 0 { total } else { format!("{range} of {total}") },
            action: PATH.to_owned(),
            kept: kept.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            sizes: SIZES,
            limit: self.limit(),
            first: (!self.cursor.is_empty()).then(|| self.path(&[])),
            back: other(&page.previous, before),
            next: other(&page.next, first + shown),
            back_word: if is_by_age { "Newer" } else { "Previous" },
            next_word: if is_by_age { "Older" } else { "Next" },
        }
    }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Sought(asked): Sought<Asked>,
) -> Result<Response, Problem> {
    let request = asked.request(&shell)?;
    let page = edge.service.exports(&shell.caller, &request).await?;
    let beside = edge.service.beside(&page.jobs).await?;
    let shell = &shell;
    let template = Exports {
        shell,
        asked: &asked,
        tabs: asked.tabs(&page),
        sorters: asked.sorters(request.sort),
        rows: page.jobs.iter().map(|job| Row::of(shell, job, &beside)).collect(),
        pager: asked.pager(&page),
        new: offer::new_export(shell),
        order: request.sort.to_string(),
        filters: asked.filters(shell),
        is_live: page.jobs.iter().any(|job| job.status.is_open()),
        pills: Status::ALL.into_iter().map(|status| Pill::of(status, false)).collect(),
    };
    Ok(shell.page(StatusCode::OK, &template))
}
