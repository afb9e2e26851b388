//! The rules by which exports wait for a second person, and say why they are wanted.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{
    approval::{ApprovalRule, ApprovalRules, Hours, ReasonFor},
    fault::{Fault, Faults},
};
use tidegate_service::{ServiceError, Versioned};

use super::super::{flash::Flash, forms::Sent, sentence, shell::Shell, words};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where it is.
pub(in crate::pages) const PATH: &str = "/sg-admin/approvals/rules";
/// What is said to whoever changes what is not there any more.
const OVERTAKEN: &str = "Somebody has changed the rules since you loaded this page, and \
    nothing of yours was saved: these are they as they are now";
/// Days of a week, as rules name them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

#[derive(Template)]
#[template(path = "approval_rules.html")]
struct Page<'a> {
    shell: &'a Shell,
    version: i64,
    lines: Vec<Line>,
    break_glass: bool,
    reasons: Vec<(&'static str, &'static str, bool)>,
    pattern: String,
    subjects: Vec<(String, String)>,
    days: [&'static str; 7],
    sent: &'a Form,
    faults: Vec<(&'static str, String)>,
}

/// A rule, in words.
struct Line {
    name: String,
    what: String,
    waits: String,
}

impl Line {
    fn of(shell: &Shell, rule: &ApprovalRule) -> Self {
        let subject = rule.subject.as_deref().map(|slug| shell.subject_label(slug));
        let mut parts = vec![subject.unwrap_or_else(|| "Any subject".to_owned())];
        if rule.pii {
            parts.push("personal data".to_owned());
        }
        parts.extend(rule.rows_over.map(|rows| format!("over {} rows", words::count_of(rows))));
        let who: Vec<String> = rule.operators.iter().chain(&rule.roles).cloned().collect();
        if !who.is_empty() {
            parts.push(format!("by {}", who.join(", ")));
        }
        parts.extend(rule.hours.as_ref().map(Hours::words));
        let hours = |hours: u32| words::plural(hours.into(), "hour");
        Self {
            name: rule.name.clone(),
            what: parts.join(" · "),
            waits: format!(
                "waits {}, then good for {}",
                hours(rule.wait_hours),
                hours(rule.good_hours)
            ),
        }
    }
}

/// What the forms of this page send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Form {
    /// The version that was shown.
    version: i64,
    /// What is done: `add`, `remove` or `set`.
    act: String,
    name: String,
    subject: String,
    pii: bool,
    rows_over: String,
    operators: String,
    roles: String,
    from: String,
    until: String,
    day: Vec<String>,
    zone: String,
    wait_hours: String,
    good_hours: String,
    break_glass: bool,
    required_for: String,
    pattern: String,
}

impl Form {
    fn is_day(&self, day: &&str) -> bool {
        self.day.iter().any(|one| one == day)
    }

    /// Whether it says something of hours, and not all that they take.
    fn has_half_hours(&self) -> bool {
        let times = [&self.from, &self.until].into_iter().filter(|time| !time.is_empty()).count();
        times == 1 || times == 0 && !self.day.is_empty()
    }

    /// The rule that is added.
    fn rule(&self) -> Result<ApprovalRule, Faults> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let list = |text: &str| -> Vec<String> {
            let parts = text.split([',', ' ', '\n', '\r']);
            parts.map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        };
        let mut document = json!({
            "name": self.name.trim(),
            "subject": some(&self.subject),
            "pii": self.pii,
            "operators": list(&self.operators),
            "roles": list(&self.roles),
        });
        let mut faults = Vec::new();
        for (name, text) in [
            ("rows_over", &self.rows_over),
            ("wait_hours", &self.wait_hours),
            ("good_hours", &self.good_hours),
        ] {
            let Some(text) = some(text) else { continue };
            let digits: String = text.chars().filter(|one| !matches!(one, ',' | ' ')).collect();
            match digits.parse::<u32>() {
                Ok(number) => document[name] = number.into(),
                Err(_) => faults.push(Fault::new(format!("/{name}"), "this is a whole number")),
            }
        }
        if self.has_half_hours() {
            let detail = "a rule for some hours has both times: from when, and until when";
            faults.push(Fault::new("/from", detail));
        }
        if let (Some(from), Some(until)) = (some(&self.from), some(&self.until)) {
            let zone = some(&self.zone).unwrap_or_else(|| "UTC".to_owned());
            let hours = json!({
                "from": from, "until": until, "days": self.day, "time_zone": zone,
            });
            match serde_json::from_value::<Hours>(hours.clone()) {
                Ok(_) => document["hours"] = hours,
                Err(_) => faults.push(Fault::new(
                    "/from",
                    "hours are two times as 18:00, in a time zone such as Europe/Berlin",
                )),
            }
        }
        match serde_json::from_value(document) {
            Ok(rule) if faults.is_empty() => Ok(rule),
            Ok(_) => Err(Faults(faults)),
            Err(_) => Err(Faults(vec![Fault::new("/name", "the rule cannot be read")])),
        }
    }

    /// The rules with what the form does to them.
    fn applied(&self, mut rules: ApprovalRules) -> Result<ApprovalRules, Faults> {
        match self.act.as_str() {
            "remove" => rules.rules.retain(|rule| rule.name != self.name),
            "set" => {
                rules.break_glass = self.break_glass;
                rules.reason.required_for = ReasonFor::find(&self.required_for).unwrap_or_default();
                let pattern = Some(self.pattern.clone()).filter(|pattern| !pattern.is_empty());
                rules.reason.pattern = pattern;
            }
            _ => rules.rules.push(self.rule()?),
        }
        Ok(rules)
    }
}

/// The page.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
) -> Result<Response, Problem> {
    page(&edge, &shell, &Form::default(), (StatusCode::OK, Vec::new())).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    sent: &Form,
    (status, faults): (StatusCode, Vec<(&'static str, String)>),
) -> Result<Response, Problem> {
    let rules = edge.service.approval_rules(&shell.caller).await?;
    let Versioned { version, document: rules } = rules;
    let subjects = shell.standing.subjects.iter();
    let choice = |one: &ReasonFor| {
        let words = match one {
            ReasonFor::None => "No export",
            ReasonFor::Personal => "Exports with personal data",
            ReasonFor::All => "Every export",
        };
        (one.slug(), words, *one == rules.reason.required_for)
    };
    let page = Page {
        version,
        lines: rules.rules.iter().map(|rule| Line::of(shell, rule)).collect(),
        break_glass: rules.break_glass,
        reasons: ReasonFor::ALL.iter().map(choice).collect(),
        pattern: rules.reason.pattern.clone().unwrap_or_default(),
        subjects: subjects.map(|one| (one.slug.clone(), shell.subject_label(&one.slug))).collect(),
        days: DAYS,
        sent,
        faults,
        shell,
    };
    Ok(shell.page(status, &page))
}

/// Changes them.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Form>,
) -> Result<Response, Problem> {
    // What the form changes is what was shown, or nothing.
    let rules = edge.service.approval_rules(&shell.caller).await?.document;
    let done = match sent.applied(rules) {
        Ok(rules) => {
            edge.service.set_approval_rules(&shell.caller, rules, Some(sent.version)).await
        }
        Err(faults) => Err(faults.into()),
    };
    match done {
        Ok(()) => {
            let flash = Flash::new("The rules are changed");
            let flash =
                flash.line("They count from the next export on. What waits goes on waiting.");
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
    const CONTROLS: [&str; 9] = [
        "name",
        "subject",
        "rows_over",
        "operators",
        "roles",
        "from",
        "wait_hours",
        "good_hours",
        "pattern",
    ];
    let last = pointer.rsplit('/').next().unwrap_or_default();
    CONTROLS.into_iter().find(|control| *control == last).unwrap_or("name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_which_a_half_is_missing_are_a_fault_and_not_every_hour() {
        let rule = |from: &str, until: &str, days: &[&str]| {
            let form = Form {
                name: "nights".to_owned(),
                from: from.to_owned(),
                until: until.to_owned(),
                day: days.iter().map(|&day| day.to_owned()).collect(),
                ..Form::default()
            };
            form.rule().map(|rule| rule.hours.is_some())
        };
        assert!(!rule("", "", &[]).unwrap());
        assert!(rule("22:00", "06:00", &["mon"]).unwrap());
        for (from, until, days) in [("22:00", "", &[][..]), ("", "06:00", &[]), ("", "", &["mon"])]
        {
            let Faults(faults) = rule(from, until, days).unwrap_err();
            assert_eq!(faults[0].pointer, "/from");
        }
    }
}
