//! Budgets: how much may leave within a day, how much of that has, and what there is to change.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{
    budget::{Amount, Amounts, Budget, Budgets, Per},
    fault::{Fault, Faults},
};
use tidegate_service::{ServiceError, Versioned};

use super::{flash::Flash, forms::Sent, sentence, shell::Shell, words};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/budgets";
/// What is said to whoever changes what is not there any more.
const OVERTAKEN: &str = "Somebody has changed the budgets since you loaded this page, and \
    nothing of yours was saved: these are they as they are now";

#[derive(Template)]
#[template(path = "budgets.html")]
struct Page<'a> {
    shell: &'a Shell,
    version: i64,
    lines: Vec<Line>,
    zone: String,
    subjects: Vec<(String, String)>,
    sent: &'a Form,
    faults: Vec<(&'static str, String)>,
}

/// A budget, and what is used of it today.
struct Line {
    name: String,
    what: String,
    whose: &'static str,
    /// Each amount: what is used of how much, and the share for a bar.
    amounts: Vec<(String, u64)>,
}

impl Line {
    fn of(shell: &Shell, budget: &Budget, used: &Amounts) -> Self {
        let subject = budget.subject.as_deref().map(|slug| shell.subject_label(slug));
        let mut parts = vec![subject.unwrap_or_else(|| "Any subject".to_owned())];
        parts.extend(budget.role.as_ref().map(|role| format!("by the role {role}")));
        parts.extend(budget.operator.as_ref().map(|email| format!("by {email}")));
        let amount = |&amount: &Amount| {
            let (limit, used) = (budget.limit(amount)?, used.of(amount));
            let share = used.saturating_mul(100).checked_div(limit).unwrap_or(100).min(100);
            Some((format!("{} of {}", said(amount, used), of(amount, limit)), share))
        };
        Self {
            name: budget.name.clone(),
            what: parts.join(" · "),
            whose: match budget.per {
                Per::Operator => "Each operator has it; these are your own figures",
                Per::All => "All share it",
            },
            amounts: Amount::ALL.iter().filter_map(amount).collect(),
        }
    }
}

/// An amount as a number: `1,200`, `8.7 MB`.
pub(super) fn said(amount: Amount, number: u64) -> String {
    match amount {
        Amount::Bytes => words::size(i64::try_from(number).unwrap_or(i64::MAX)),
        Amount::Rows | Amount::Exports => words::count_of(number),
    }
}

/// The same with what it counts.
pub(super) fn of(amount: Amount, number: u64) -> String {
    match amount {
        Amount::Bytes => said(amount, number),
        Amount::Rows | Amount::Exports => format!("{} {}", said(amount, number), amount.slug()),
    }
}

/// What the forms of this page send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    /// The version that was shown.
    version: i64,
    /// What is done: `add`, `remove` or `zone`.
    act: String,
    name: String,
    subject: String,
    role: String,
    operator: String,
    per: String,
    rows: String,
    bytes: String,
    exports: String,
    zone: String,
}

impl Form {
    fn applied(&self, mut budgets: Budgets) -> Result<Budgets, Faults> {
        match self.act.as_str() {
            "remove" => budgets.budgets.retain(|budget| budget.name != self.name),
            "zone" => {
                let zone = self.zone.parse();
                let fault = || Fault::new("/zone", "this is no time zone, such as Europe/Berlin");
                budgets.time_zone = zone.map_err(|_| Faults(vec![fault()]))?;
            }
            _ => budgets.budgets.push(self.budget()?),
        }
        Ok(budgets)
    }

    fn budget(&self) -> Result<Budget, Faults> {
        let some = |text: &str| (!text.is_empty()).then(|| text.trim().to_owned());
        let mut faults = Vec::new();
        let mut number = |name: &str, text: &str| {
            let text = some(text)?;
            let digits: String = text.chars().filter(|one| !matches!(one, ',' | ' ')).collect();
            let read = digits.parse::<u64>();
            read.map_err(|_| faults.push(Fault::new(format!("/{name}"), "this is a whole number")))
                .ok()
        };
        let budget = Budget {
            rows: number("rows", &self.rows),
            bytes: number("bytes", &self.bytes),
            exports: number("exports", &self.exports),
            name: self.name.trim().to_owned(),
            subject: some(&self.subject),
            role: some(&self.role),
            operator: some(&self.operator),
            per: Per::find(&self.per).unwrap_or_default(),
        };
        if faults.is_empty() { Ok(budget) } else { Err(Faults(faults)) }
    }
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    page(&edge, &shell, &Form::default(), (StatusCode::OK, Vec::new())).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    sent: &Form,
    (status, faults): (StatusCode, Vec<(&'static str, String)>),
) -> Result<Response, Problem> {
    let Versioned { version, document: budgets } = edge.service.budgets(&shell.caller).await?;
    let used = edge.service.budgets_used(&shell.caller, &budgets).await?;
    let pairs = budgets.budgets.iter().zip(&used);
    let subjects = shell.standing.subjects.iter();
    let page = Page {
        version,
        lines: pairs.map(|(budget, used)| Line::of(shell, budget, used)).collect(),
        zone: budgets.time_zone.name().to_owned(),
        subjects: subjects.map(|one| (one.slug.clone(), shell.subject_label(&one.slug))).collect(),
        sent,
        faults,
        shell,
    };
    Ok(shell.page(status, &page))
}

/// Changes them.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Form>,
) -> Result<Response, Problem> {
    // What the form changes is what was shown, or nothing.
    let budgets = edge.service.budgets(&shell.caller).await?.document;
    let done = match sent.applied(budgets) {
        Ok(budgets) => edge.service.set_budgets(&shell.caller, budgets, Some(sent.version)).await,
        Err(faults) => Err(faults.into()),
    };
    match done {
        Ok(()) => {
            let flash = Flash::new("The budgets are changed");
            let flash = flash.line("They count from the next export on, with what has left today.");
            Ok(shell.to(PATH, &flash))
        }
        Err(ServiceError::Faults(Faults(faults))) => {
            let named =
                faults.iter().map(|fault| (control(&fault.pointer), sentence(&fault.detail)));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&edge, &shell, &sent, (status, named.collect())).await
        }
        Err(ServiceError::Overtaken { .. }) => {
            let fault = ("name", OVERTAKEN.to_owned());
            page(&edge, &shell, &sent, (StatusCode::CONFLICT, vec![fault])).await
        }
        Err(other) => Err(other.into()),
    }
}

/// The control of a fault, by the last step of its pointer.
fn control(pointer: &str) -> &'static str {
    const CONTROLS: [&str; 8] =
        ["name", "subject", "role", "operator", "rows", "bytes", "exports", "zone"];
    let last = pointer.rsplit('/').next().unwrap_or_default();
    CONTROLS.into_iter().find(|control| *control == last).unwrap_or("name")
}
