//! The list of exports: filtered, sorted and paged by its address.

pub(super) mod offer;
pub(super) mod pace;
pub(super) mod row;
pub(super) mod within;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{ids::OperatorId, status::Status};
use tidegate_service::{Beside, Creator, JobCursor, JobSort, ListPage, ListRequest};

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
    /// Words of states, with commas between.
    status: String,
    subject: String,
    /// `me`, the number of an operator, or nothing.
    by: String,
    /// Asked for from a moment on, and before another one: days, or days and times.
    from: String,
    to: String,
    /// An hour of the week, such as `mon-09`, on the days from `from` to before `to`.
    hour: String,
    /// `yes`, `no`, or nothing.
    pii: String,
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
    /// Filters that have no field of their own: in words, and the list without them.
    chips: Vec<Chip>,
    /// Whose exports are listed, where it is one of the others.
    maker: Option<String>,
    /// Whether something may change by itself.
    is_live: bool,
    pills: Vec<Pill>,
}

/// A filter that is on.
struct Chip {
    field: &'static str,
    operator: &'static str,
    value: String,
    without: String,
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

    /// What is asked for beside the size of a page.
    fn own(&self) -> [(&'static str, &str); 9] {
        [
            ("q", &self.q),
            ("status", &self.status),
            ("subject", &self.subject),
            ("by", &self.by),
            ("from", &self.from),
            ("to", &self.to),
            ("hour", &self.hour),
            ("pii", &self.pii),
            ("sort", &self.sort),
        ]
    }

    /// What has no field of its own in the form, and is kept by it.
    fn kept(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = ["q", "subject", "by", "sort"];
        let own = self.own().into_iter();
        own.filter(move |(name, value)| !fields.contains(name) && !value.is_empty())
    }

    /// The same list with something else asked for, from its beginning.
    fn path(&self, changed: &[(&str, &str)]) -> String {
        let limit = if self.limit() == SIZE { String::new() } else { self.limit().to_string() };
        let own = self.own();
        let own = own.into_iter().chain([("limit", limit.as_str())]);
        let kept = own.clone().map(|(name, value)| {
            let other = changed.iter().find(|(changed, _)| *changed == name);
            (name, other.map_or(value, |(_, value)| *value))
        });
        let added =
            changed.iter().copied().filter(|(name, _)| own.clone().all(|(one, _)| one != *name));
        path_with(PATH, &kept.chain(added).collect::<Vec<_>>())
    }

    /// Whose exports are listed, where a number says so.
    fn maker(&self, request: &ListRequest, beside: &Beside) -> Option<String> {
        let Some(Creator::Id(id)) = &request.created_by else { return None };
        let name = beside.creators.get(id).cloned();
        (self.by != "me").then(|| name.unwrap_or_else(|| format!("Operator {}", id.0)))
    }

    fn request(&self, shell: &Shell) -> Result<ListRequest, Problem> {
        let status = |word: &str| {
            let known = word.parse::<Status>();
            known.map_err(|_| Problem::fault("/status", "there is no status of that name"))
        };
        let statuses = match self.status.as_str() {
            "" => Vec::new(),
            words => words.split(',').map(status).collect::<Result<_, _>>()?,
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
        let maker = match self.by.as_str() {
            "" => None,
            "me" => shell.caller.operator(),
            number => Some(OperatorId(number.parse().map_err(|_| {
                Problem::fault("/by", "whose exports is told by `me`, or by a number")
            })?)),
        };
        let has_pii = match self.pii.as_str() {
            "" => None,
            "yes" => Some(true),
            "no" => Some(false),
            _ => return Err(Problem::fault("/pii", "personal data is `yes` or `no`")),
        };
        Ok(ListRequest {
            text: text(&self.q),
            subject: text(&self.subject),
            created_by: maker.map(Creator::Id),
            statuses,
            created: within::of(&self.from, &self.to, &self.hour, shell)?,
            has_pii,
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
        let states = self.status.replace(',', " or ");
        let said = [
            (!self.status.is_empty()).then(|| format!("the status {states}")),
            (!self.subject.is_empty())
                .then(|| format!("the subject {}", shell.subject_label(&self.subject))),
            (self.by == "me").then(|| "your own".to_owned()),
            (!self.by.is_empty() && self.by != "me").then(|| "one maker".to_owned()),
            (!self.q.is_empty()).then(|| format!("the search “{}”", self.q)),
        ];
        let said = said.into_iter().flatten();
        let chips = self
            .chips()
            .into_iter()
            .map(|chip| format!("{} {} {}", chip.field.to_lowercase(), chip.operator, chip.value));
        said.chain(chips).collect::<Vec<_>>().join(", ")
    }

    /// Filters that have no field on the page.
    fn chips(&self) -> Vec<Chip> {
        let chip = |field, operator, value: String, name| Chip {
            field,
            operator,
            value,
            // An hour of the week is one of the days from and to.
            without: match name {
                "from" | "to" => self.path(&[(name, ""), ("hour", "")]),
                _ => self.path(&[(name, "")]),
            },
        };
        let is_group = self.status.contains(',');
        let hour = within::hour_words(&self.hour);
        let all = [
            is_group.then(|| chip("Status", "is", self.status.replace(',', " or "), "status")),
            (!self.from.is_empty())
                .then(|| chip("Created", "from", within::said(&self.from), "from")),
            (!self.to.is_empty()).then(|| chip("Created", "before", within::said(&self.to), "to")),
            hour.map(|hour| chip("Created", "on", hour, "hour")),
            (self.pii == "yes").then(|| chip("Personal data", "is", "in it".to_owned(), "pii")),
            (self.pii == "no").then(|| chip("Personal data", "is", "not in it".to_owned(), "pii")),
        ];
        all.into_iter().flatten().collect()
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
        let kept = self.own().into_iter().filter(|(_, value)| !value.is_empty());
        Pager {
            words: if shown == 0 { total } else { format!("{range} of {total}") },
            action: PATH.to_owned(),
            kept: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
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
        chips: asked.chips(),
        maker: asked.maker(&request, &beside),
        is_live: page.jobs.iter().any(|job| job.status.is_open()),
        pills: Status::ALL.into_iter().map(|status| Pill::of(status, false)).collect(),
    };
    Ok(shell.page(StatusCode::OK, &template))
}
