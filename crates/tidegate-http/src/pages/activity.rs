//! The activity log: filtered by its address, told in plain words, with how far it is signed.

mod entry;
mod report;
mod row;
mod sought;
mod telling;

pub(super) use entry::show as show_entry;
pub(super) use report::send as report;

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use tidegate_model::action::Action;
use tidegate_service::{ActivityRequest, ChainState, ServiceError};

use self::{row::Row, sought::Sought, telling::People};
use super::{
    forms,
    parts::{Pager, path_with},
    shell::Shell,
    words,
};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/activity";
/// Entries of a page, to choose from.
const SIZES: &[u32] = &[25, 50, 100];
/// Entries of a page unless the address says otherwise.
const SIZE: u32 = 25;

#[derive(Template)]
#[template(path = "activity.html")]
struct Activity<'a> {
    shell: &'a Shell,
    chain: Chain,
    rows: Vec<Row>,
    chips: Vec<Chip>,
    questions: Vec<Question>,
    sought: &'a Sought,
    actions: Vec<ActionGroup>,
    faults: Vec<(&'static str, String)>,
    pager: Pager,
}

/// A filter that is on.
struct Chip {
    field: &'static str,
    operator: &'static str,
    value: String,
    /// The list without it.
    without: String,
}

/// A question that is one filter.
struct Question {
    words: String,
    path: String,
    is_here: bool,
}

/// Actions to choose from.
struct ActionGroup {
    slug: &'static str,
    label: String,
    /// Slug and words.
    actions: Vec<(&'static str, &'static str)>,
}

/// How far the log is signed, in words.
struct Chain {
    class: &'static str,
    icon: &'static str,
    fact: String,
    reason: String,
}

impl Activity<'_> {
    fn has_filter(&self) -> bool {
        !self.chips.is_empty()
    }

    /// Whether the filters fit exports, which have neither action nor outcome.
    fn fits_exports(&self) -> bool {
        self.sought.action.is_empty() && self.sought.outcome.is_empty()
    }

    fn is_chosen(&self, action: &str) -> bool {
        self.sought.action == action
    }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    forms::Sought(sought): forms::Sought<Sought>,
) -> Result<Response, Problem> {
    let (request, mut faults) = sought.request(&shell);
    let found = match faults.is_empty() {
        true => edge.service.activity(&shell.caller, &request).await,
        false => edge.service.activity(&shell.caller, &none()).await,
    };
    // A cursor of another list is an old link: the list begins anew.
    let page = match found {
        Err(ServiceError::Faults(_)) => {
            faults.push(("cursor", "This page is not there any more.".to_owned()));
            edge.service.activity(&shell.caller, &none()).await?
        }
        other => other?,
    };
    let entries = if faults.is_empty() { page.entries.as_slice() } else { &[] };
    let chain = edge.service.chain_state(&shell.caller).await?;
    let people = people(&edge, &shell).await?;
    let rows = row::of(entries, &shell, &people);
    let pager = pager(&sought, rows.len(), page.previous, page.next);
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let activity = Activity {
        chain: told(&chain, &shell),
        rows,
        chips: chips(&sought, &shell),
        questions: questions(&sought, &shell),
        actions: actions(),
        faults,
        pager,
        sought: &sought,
        shell: &shell,
    };
    Ok(shell.page(status, &activity))
}

/// A request for as little as there is.
fn none() -> ActivityRequest {
    ActivityRequest { limit: Some(1), ..ActivityRequest::default() }
}

/// Names by number, where whoever looks may see operators.
async fn people(edge: &Edge, shell: &Shell) -> Result<People, Problem> {
    if !shell.holds("operators.manage") {
        return Ok(People::new());
    }
    let operators = edge.service.operators(&shell.caller).await?;
    let named = operators.into_iter().map(|one| {
        let name = if one.name.is_empty() { one.email } else { one.name };
        (one.id.0, name)
    });
    Ok(named.collect())
}

fn pager(sought: &Sought, shown: usize, back: Option<String>, next: Option<String>) -> Pager {
    let at = |cursor: String| {
        let mut pairs = sought.pairs();
        pairs.push(("cursor", cursor.as_str()));
        path_with(PATH, &pairs)
    };
    let pairs = sought.filters().into_iter();
    Pager {
        words: match shown {
            1 => "1 entry, newest first".to_owned(),
            shown => format!("{shown} entries, newest first"),
        },
        action: PATH.to_owned(),
        kept: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        sizes: SIZES,
        limit: sought.limit(),
        first: back.as_ref().map(|_| path_with(PATH, &sought.pairs())),
        back: back.map(at),
        next: next.map(at),
        back_word: "Newer",
        next_word: "Older",
    }
}

fn chips(sought: &Sought, shell: &Shell) -> Vec<Chip> {
    let labels = BTreeMap::from(sought::LABELS);
    let chip = |(name, value): (&'static str, &str)| Chip {
        field: labels[name],
        operator: match name {
            "from" => "from",
            "to" => "before",
            _ => "is",
        },
        value: match name {
            "subject" => shell.subject_label(value),
            "action" => action_words(value),
            "outcome" if value == "denied" => "refused".to_owned(),
            "outcome" => "done".to_owned(),
            "tag" if value == tidegate_model::policy::PII_TAG => "personal data".to_owned(),
            "export" => format!("#{value}"),
            "from" | "to" => value.replace('T', " "),
            _ => value.to_owned(),
        },
        without: sought.without(name),
    };
    sought.filters().into_iter().map(chip).collect()
}

/// An action, or a group of them, as people say it.
fn action_words(slug: &str) -> String {
    match telling::action_of(slug) {
        Some(action) => telling::telling(action).done.to_owned(),
        None => format!("{}: anything", words::title(slug)),
    }
}

/// Questions that are asked often. Each is one filter, beside those that are on.
fn questions(sought: &Sought, shell: &Shell) -> Vec<Question> {
    let ask = |words: &str, name: &'static str, value: &str| Question {
        words: words.to_owned(),
        path: sought.with(name, value),
        is_here: sought.filters().contains(&(name, value)),
    };
    let everything = Question {
        words: "Everything".to_owned(),
        path: PATH.to_owned(),
        is_here: sought.filters().is_empty(),
    };
    let mut questions = vec![
        everything,
        ask("Personal data", "tag", tidegate_model::policy::PII_TAG),
        ask("Downloads", "action", Action::DownloadFinish.slug()),
        ask("Files gone", "action", Action::ArtifactPurge.slug()),
        ask("Refused", "outcome", "denied"),
        ask("Roles", "action", "role"),
    ];
    questions.extend(shell.standing.subjects.iter().map(|subject| {
        let label = shell.subject_label(&subject.slug);
        ask(&format!("Who took {label}"), "subject", &subject.slug)
    }));
    questions
}

fn actions() -> Vec<ActionGroup> {
    let mut groups: Vec<ActionGroup> = Vec::new();
    for &action in Action::ALL {
        let slug = action.slug();
        let group = slug.split('.').next().unwrap_or(slug);
        let one = (slug, telling::telling(action).done);
        match groups.iter_mut().find(|known| known.slug == group) {
            Some(known) => known.actions.push(one),
            None => groups.push(ActionGroup {
                slug: group,
                label: words::title(group),
                actions: vec![one],
            }),
        }
    }
    groups
}

fn told(chain: &ChainState, shell: &Shell) -> Chain {
    let verify = "The whole chain is held against the anchors by tidegate audit verify.";
    let Some(checkpoint) = &chain.checkpoint else {
        let waiting = match chain.last {
            1 => "1 entry".to_owned(),
            last => format!("{} entries", words::count(last)),
        };
        return Chain {
            class: "chain-warn",
            icon: "link-2",
            fact: "Nothing is signed yet.".to_owned(),
            reason: format!("{waiting} so far; the first checkpoint follows within a minute."),
        };
    };
    let seq = words::count(checkpoint.seq);
    if !checkpoint.is_signed || !checkpoint.fits {
        let reason = match checkpoint.is_signed {
            true => format!(
                "Entry #{seq} is not the one that checkpoint {} vouches for.",
                checkpoint.number
            ),
            false => {
                format!("The signature of checkpoint {} is not one of ours.", checkpoint.number)
            }
        };
        return Chain {
            class: "chain-bad",
            icon: "shield-alert",
            fact: "The last checkpoint does not hold.".to_owned(),
            reason: format!("{reason} Run tidegate audit verify."),
        };
    }
    let at = chrono::DateTime::parse_from_rfc3339(&checkpoint.at).ok();
    let when = at.map(|at| shell.when(at.timestamp_micros()).words).unwrap_or_default();
    let unsigned = match chain.last - checkpoint.seq {
        ..=0 => "No entry waits for the next.".to_owned(),
        1 => "1 entry waits for the next.".to_owned(),
        more => format!("{} entries wait for the next.", words::count(more)),
    };
    let number = words::count(checkpoint.number);
    Chain {
        class: "",
        icon: "link-2",
        fact: format!("Signed to #{seq}, {when}."),
        reason: format!(
            "Checkpoint {number}, key {}: its signature and the entry that it ends with were \
             checked just now. {unsigned} {verify}",
            checkpoint.key
        ),
    }
}
