//! Has an action done to rows of the list: a page that says what will happen, and one that says
//! what became of it.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    response::Response,
};
use http::StatusCode;
use tidegate_model::{fault::Faults, registry::Reach, subject::Subject};
use tidegate_service::{
    ActionQuestion, ActionRun, ActionSummary, Agreed, RunOutcome, RunRequest, ServiceError,
};
use url::form_urlencoded;

use super::{
    BASE, condition,
    table::plain,
    take::{read, taken},
    view::View,
};
use crate::{
    edge::{Edge, Shared},
    pages::{
        draft::Draft,
        flash::Flash,
        parts::path_with,
        see_other,
        shell::Shell,
        words::{self, When},
    },
    problem::{Problem, ProblemKind},
};

/// An action that whoever looks at a list may have done to its rows.
pub(super) struct Doing {
    pub(super) name: String,
    /// Where it is asked for.
    pub(super) path: String,
    kind: Option<String>,
    reach: Reach,
}

impl Doing {
    /// To a single row.
    pub(super) fn is_of_a_row(&self) -> bool {
        match self.reach {
            Reach::Row | Reach::Bulk => true,
            Reach::List => false,
        }
    }

    /// To the rows that are ticked.
    pub(super) fn is_of_picked(&self) -> bool {
        match self.reach {
            Reach::Bulk | Reach::List => true,
            Reach::Row => false,
        }
    }

    /// To all that match.
    pub(super) fn is_of_all(&self) -> bool {
        self.reach == Reach::List
    }

    /// Where it is asked for a row.
    pub(super) fn of_row(&self, key: &str) -> String {
        path_with(&self.path, &[("kind", self.kind.as_deref().unwrap_or_default()), ("ids", key)])
    }
}

/// The actions that whoever looks may have done to rows of a subject: the others are not there.
/// Records without a key, or with one that is masked, cannot be named to a site.
pub(super) async fn doings(
    edge: &Edge,
    shell: &Shell,
    view: &View,
    subject: &Subject,
) -> Result<Vec<Doing>, Problem> {
    let is_named = |slug: &String| subject.field(slug).is_some_and(|field| !field.mask.hides());
    if subject.key.is_empty() || !subject.key.iter().all(is_named) {
        return Ok(Vec::new());
    }
    let slug = &view.draft.subject;
    let offered = |one: &ActionSummary| {
        one.subject == *slug && one.is_allowed && one.can_run && !one.is_retired
    };
    let all = edge.service.actions_held(&shell.standing.capabilities).await?;
    let doing = |one: ActionSummary| Doing {
        path: format!("{BASE}/{slug}/actions/{}", one.action.codename),
        name: one.action.name,
        kind: view.draft.kind.clone(),
        reach: one.action.scope,
    };
    Ok(all.into_iter().filter(offered).map(doing).collect())
}

#[derive(Template)]
#[template(path = "action.html")]
struct Asked<'a> {
    shell: &'a Shell,
    /// Label of the subject, and the list that one comes from.
    label: String,
    back: String,
    path: String,
    /// None where it cannot be done to these records; then `trouble` says why.
    question: Option<ActionQuestion>,
    trouble: Option<String>,
    /// Whether the rows are named one by one, and what else they have to fit.
    is_picked: bool,
    conditions: Vec<String>,
    kept: Vec<(String, String)>,
    reason: String,
    faults: Vec<(&'static str, String)>,
}

impl Asked<'_> {
    fn keys(&self) -> String {
        let Some(question) = &self.question else { return String::new() };
        let shown: Vec<String> = question.keys.iter().map(plain).collect();
        match question.records - shown.len() {
            0 => shown.join(", "),
            rest => format!("{} and {rest} more", shown.join(", ")),
        }
    }

    fn records(&self) -> String {
        let count = self.question.as_ref().map_or(0, |question| question.records);
        words::plural(i64::try_from(count).unwrap_or(i64::MAX), "record")
    }

    fn has_reason_fault(&self) -> bool {
        self.faults.iter().any(|(name, _)| *name == "reason")
    }
}

/// Subject and codename in a path.
type Named = Path<(String, String)>;

/// Asks about one row: a link of its menu.
pub(in crate::pages) async fn ask(
    State(edge): State<Shared>,
    shell: Shell,
    Path(named): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let draft = Draft::of_query(query.as_deref().unwrap_or_default());
    page(&edge, &shell, &named, draft, Vec::new()).await
}

/// Asks about the rows that are ticked, or all that match: a button of the list.
pub(in crate::pages) async fn ask_many(
    State(edge): State<Shared>,
    shell: Shell,
    Path(named): Named,
    body: Bytes,
) -> Result<Response, Problem> {
    let (how, _, draft) = read(&named.0, &body);
    let back = View { draft: draft.clone(), ..View::default() };
    match taken(draft, how) {
        Some(draft) => page(&edge, &shell, &named, draft, Vec::new()).await,
        None => {
            let flash = Flash::bad("No row is selected").line("Tick the rows that you mean.");
            Ok(shell.to(&back.list_path(), &flash))
        }
    }
}

/// Has it done: what was said yes to, and no more.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Path(named): Named,
    body: Bytes,
) -> Result<Response, Problem> {
    let word = form_urlencoded::parse(&body).find(|(name, _)| name == "word");
    let word = word.map(|(_, word)| word.into_owned()).unwrap_or_default();
    let mut draft = Draft::decode(form_urlencoded::parse(&body));
    named.0.clone_into(&mut draft.subject);
    let request = request(&named, &draft)?;
    match edge.service.run_action(&shell.caller, &request, Agreed::Confirmed(&word)).await {
        Ok(ActionRun { run, .. }) => {
            Ok(see_other(&format!("{BASE}/{}/actions/{}/runs/{run}", named.0, named.1)))
        }
        Err(ServiceError::Faults(Faults(faults))) => {
            let told = faults.into_iter().map(|fault| match fault.pointer.as_str() {
                "/reason" => ("reason", words::sentence(&fault.detail)),
                _ => ("what", words::sentence(&fault.detail)),
            });
            page(&edge, &shell, &named, draft, told.collect()).await
        }
        Err(ServiceError::KeyReused) => {
            let told = "You have said yes to this once, with other words: look whether it is done \
                        before you say it again.";
            page(&edge, &shell, &named, draft, vec![("what", told.to_owned())]).await
        }
        Err(other) => Err(other.into()),
    }
}

fn request((subject, codename): &(String, String), draft: &Draft) -> Result<RunRequest, Problem> {
    let is_odd = |text: &String| text.contains('\0');
    if is_odd(subject) || is_odd(codename) {
        return Err(Problem::of(ProblemKind::NotFound));
    }
    Ok(RunRequest {
        subject: subject.clone(),
        codename: codename.clone(),
        kind: draft.kind.clone(),
        scope: draft.scope().map_err(Problem::faults)?,
        reason: draft.reason.clone(),
    })
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    named: &(String, String),
    mut draft: Draft,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    named.0.clone_into(&mut draft.subject);
    (draft.time_zone, draft.fields) = (None, Vec::new());
    draft.format.clear();
    let request = request(named, &draft)?;
    let (question, mut trouble) = match edge.service.ask_action(&shell.caller, &request).await {
        Ok(question) => (Some(question), None),
        Err(ServiceError::Faults(Faults(faults))) => {
            let told: Vec<String> = faults.iter().map(|one| words::sentence(&one.detail)).collect();
            (None, Some(told.join(" ")))
        }
        Err(other) => return Err(other.into()),
    };
    let is_picked = draft.ids.is_some();
    let question = question.filter(|question| is_picked || question.reach == Reach::List);
    if question.is_none() && trouble.is_none() {
        trouble = Some("It is done to rows that are picked, not to all that match.".to_owned());
    }
    let (_, bound) = edge.service.subject(&shell.caller, &named.0).await?;
    let subject = bound.of_kind(draft.kind.as_deref());
    let subject = subject.map_err(|fault| Problem::faults(Faults(vec![fault])))?;
    let reason = draft.reason.take().unwrap_or_default();
    let mut kept = draft.pairs();
    kept.retain(|(name, _)| name != "subject");
    let shown = Asked {
        label: shell.subject_label(&named.0),
        path: format!("{BASE}/{}/actions/{}/run", named.0, named.1),
        conditions: conditions(&draft, subject),
        back: View { draft, ..View::default() }.list_path(),
        is_picked,
        question,
        trouble,
        kept,
        reason,
        faults,
        shell,
    };
    let is_well = shown.faults.is_empty() && shown.trouble.is_none();
    let status = if is_well { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &shown))
}

/// What all that match have to fit, in words.
fn conditions(draft: &Draft, subject: &Subject) -> Vec<String> {
    let filter = serde_json::from_str(&draft.filter).ok();
    let mut said = filter.map_or_else(Vec::new, |it| condition::sentences(&it, subject));
    for (name, value) in &draft.shorthands {
        let field = subject.shorthands.get(name).and_then(|slug| subject.field(slug));
        let field = field.map_or_else(|| words::title(name), |field| field.label.clone());
        said.push(format!("{field} is {}", plain(value)));
    }
    if !draft.search.is_empty() {
        said.push(format!("a search for “{}” finds them", draft.search));
    }
    let except = draft.except.as_ref().map_or(0, Vec::len);
    if except > 0 {
        said.push(format!("they are not among the {except} that you left out"));
    }
    said
}

#[derive(Template)]
#[template(path = "action_run.html")]
struct Ran<'a> {
    shell: &'a Shell,
    label: String,
    back: String,
    run: &'a ActionRun,
    records: String,
    at: When,
    entry: Option<String>,
}

impl Ran<'_> {
    /// How loud it is, its icon, the fact, and what that means.
    fn told(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self.run.outcome {
            RunOutcome::Done => ("note-good", "circle-check", "The site says that it is done.", ""),
            RunOutcome::Refused => (
                "note-bad",
                "circle-alert",
                "The site has not done it.",
                "It was asked, and its answer is no success. Whether it did a part, the site alone \
                 can say: look at the records before you ask again.",
            ),
            RunOutcome::Unreachable => (
                "note-bad",
                "circle-alert",
                "The site could not be reached.",
                "Nothing was sent to it, so nothing was done. Ask again when it is back.",
            ),
            RunOutcome::Unanswered => (
                "note-warn",
                "triangle-alert",
                "The site has not answered.",
                "It was asked, and nobody knows whether it is done. It is not asked a second time \
                 by itself: look at the records before you ask again.",
            ),
            RunOutcome::AddressRefused => (
                "note-bad",
                "circle-alert",
                "Nothing is sent to the address of this action.",
                "Nothing was done. Tell whoever runs the service: the address is not a public one, \
                 or not https, and the configuration does not say that this is meant.",
            ),
            RunOutcome::Underway => (
                "note-warn",
                "hourglass",
                "The site was asked, and no answer is noted yet.",
                "Load this page again in a moment. If it stays like this, the service was stopped \
                 meanwhile and nobody knows whether it is done.",
            ),
        }
    }
}

/// What became of it.
pub(in crate::pages) async fn result(
    State(edge): State<Shared>,
    shell: Shell,
    Path((slug, codename, run)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::of(ProblemKind::NotFound);
    let run = run.parse().map_err(|_| missing())?;
    let run = edge.service.action_run(&shell.caller, run).await?;
    if (&run.subject, &run.codename) != (&slug, &codename) {
        return Err(missing());
    }
    let shown = Ran {
        label: shell.subject_label(&slug),
        back: format!("{BASE}/{slug}"),
        records: words::plural(run.records, "record"),
        at: shell.when(run.at),
        entry: shell.holds("activity.view").then(|| format!("/sg-admin/activity/{}", run.run)),
        run: &run,
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &shown))
}
