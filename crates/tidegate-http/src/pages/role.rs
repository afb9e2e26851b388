//! One role: its name, the rows that it sees, what it amounts to; a new one, and none any more.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::{
    capability::{export_of, list_of},
    fault::Faults,
    mask::MaskRules,
    role::{Role, RowLimit},
    sight::UNMASK,
};
use tidegate_service::ServiceError;

use super::{
    flash::Flash,
    forms::Sent,
    masks::{self, MaskField},
    question::{self, Question},
    roles::{PATH, label, refused, subjects},
    scope_words, sentence,
    shell::Shell,
};
use crate::{
    edge::{Edge, Shared},
    input::Slug,
    problem::{Problem, ProblemKind},
};

/// Names of the controls that say what is shown of personal data begin with this.
const MASK: &str = "mask.";

#[derive(Template)]
#[template(path = "role.html")]
struct Shown<'a> {
    shell: &'a Shell,
    /// None where it is a new one.
    slug: Option<&'a str>,
    sent_slug: &'a str,
    label: &'a str,
    effect: String,
    can_remove: bool,
    limits: Vec<LimitField>,
    masks: Vec<MaskField>,
    /// Whether the role sees personal data as it is, whatever masks it has.
    is_unmasked: bool,
    /// Roles whose capabilities a new one may begin with.
    models: Vec<(String, String)>,
    faults: Vec<(String, String)>,
}

/// The limit of a subject, as JSON.
struct LimitField {
    name: String,
    subject: String,
    label: String,
    text: String,
    /// The filter in words.
    words: String,
    fault: Option<String>,
}

impl Shown<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| one == name).map(|(_, words)| words.as_str())
    }
}

/// A role as the form sends it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    slug: String,
    label: String,
    /// Slug of a role to begin with.
    like: String,
    /// Subjects whose limits the form says.
    subject: Vec<String>,
    /// Whether the form says what is shown of personal data.
    masked: String,
    /// What is shown, by `mask.` and class; filters, by `filter.` and subject. What is left empty
    /// is left out.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

impl Form {
    /// Each subject of the form with its filter; empty where it has none.
    fn texts(&self) -> Vec<(String, String)> {
        let filter = |subject: &String| {
            let text = self.others.get(&format!("filter.{subject}")).cloned();
            (subject.clone(), text.unwrap_or_default())
        };
        self.subject.iter().map(filter).collect()
    }
}

/// The page of a role.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let role = find(&roles, &slug)?;
    let (texts, masks) = (limit_texts(role), role.masks.clone());
    let draft = Draft { label: &role.label, texts, masks, ..Draft::default() };
    page(&edge, &shell, &roles, Some(role), &draft).await
}

/// The form of a new role.
pub(super) async fn show_new(
    State(edge): State<Shared>,
    shell: Shell,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    page(&edge, &shell, &roles, None, &Draft::default()).await
}

/// What stands in the form.
#[derive(Default)]
struct Draft<'a> {
    slug: &'a str,
    label: &'a str,
    /// Subject and filter.
    texts: Vec<(String, String)>,
    masks: MaskRules,
    faults: Vec<(String, String)>,
}

fn find<'a>(roles: &'a [Role], slug: &str) -> Result<&'a Role, Problem> {
    let found = roles.iter().find(|role| role.slug == slug);
    found.ok_or_else(|| Problem::of(ProblemKind::NotFound))
}

fn limit_texts(role: &Role) -> Vec<(String, String)> {
    let text = |limit: &RowLimit| {
        (limit.subject.clone(), serde_json::to_string_pretty(&limit.filter).unwrap_or_default())
    };
    role.limits.iter().map(text).collect()
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    roles: &[Role],
    role: Option<&Role>,
    draft: &Draft<'_>,
) -> Result<Response, Problem> {
    let holders = edge.service.role_holders(&shell.caller).await?;
    let subjects = subjects(roles, shell);
    let held = role.and_then(|role| holders.get(&role.slug)).copied().unwrap_or(0);
    let fault_of = |name: &str| {
        draft.faults.iter().find(|(one, _)| one == name).map(|(_, words)| words.clone())
    };
    let field = |(slug, label): &(String, String)| {
        let name = format!("filter-{slug}");
        let text = draft.texts.iter().find(|(one, _)| one == slug).map(|(_, text)| text.clone());
        let text = text.unwrap_or_default();
        let filter: Option<Value> = serde_json::from_str(&text).ok();
        LimitField {
            words: filter.map(|it| scope_words::of(&json!({ "filter": it }))).unwrap_or_default(),
            fault: fault_of(&name),
            label: label.clone(),
            subject: slug.clone(),
            name,
            text,
        }
    };
    let shown = Shown {
        slug: role.map(|role| role.slug.as_str()),
        sent_slug: draft.slug,
        label: draft.label,
        effect: role.map(|role| effect(role, &subjects, held)).unwrap_or_default(),
        can_remove: role.is_some_and(|role| role.slug != tidegate_model::role::ADMINISTRATOR),
        limits: match role {
            Some(_) => subjects.iter().map(field).collect(),
            None => Vec::new(),
        },
        masks: match role {
            Some(_) => {
                masks::fields(MASK, &edge.service.pii_classes(), &draft.masks, "As the site has it")
            }
            None => Vec::new(),
        },
        is_unmasked: role.is_some_and(|role| role.capabilities.contains(UNMASK)),
        models: roles.iter().map(|role| (role.slug.clone(), label(role))).collect(),
        faults: draft.faults.clone(),
        shell,
    };
    let status =
        if draft.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &shown))
}

/// What a role amounts to, in words.
fn effect(role: &Role, subjects: &[(String, String)], holders: i64) -> String {
    let holds = |capability: String| role.capabilities.contains(&capability);
    let (mut exports, mut sees) = (Vec::new(), Vec::new());
    for (slug, label) in subjects.iter().filter(|(slug, _)| holds(list_of(slug))) {
        let limited = if role.limit_of(slug).is_some() { " (some rows)" } else { "" };
        let said = format!("{label}{limited}");
        if holds(export_of(slug)) { exports.push(said) } else { sees.push(said) }
    }
    let mut parts = Vec::new();
    if !exports.is_empty() {
        parts.push(format!("Can export {}.", joined(&exports)));
    }
    if !sees.is_empty() {
        parts.push(format!("Can see {}, not export it.", joined(&sees)));
    }
    let manages: Vec<&str> = [
        ("operators.manage", "operators"),
        ("roles.manage", "roles"),
        ("settings.manage", "settings"),
        ("tokens.manage", "everybody’s tokens"),
    ]
    .into_iter()
    .filter(|(slug, _)| holds((*slug).to_owned()))
    .map(|(_, words)| words)
    .collect();
    if !manages.is_empty() {
        let manages: Vec<String> = manages.into_iter().map(str::to_owned).collect();
        parts.push(format!("Manages {}.", joined(&manages)));
    }
    if parts.is_empty() {
        parts.push("Can do nothing with any subject.".to_owned());
    }
    let who = match holders {
        0 => "Nobody holds it.".to_owned(),
        1 => "1 operator holds it.".to_owned(),
        more => format!("{more} operators hold it."),
    };
    parts.push(who);
    parts.join(" ")
}

fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// Changes name and limits.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
    Sent(sent): Sent<Form>,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let role = find(&roles, &slug)?;
    let texts = sent.texts();
    let (mut limits, mut faults) = limits(&texts);
    // What the form does not speak of stays as it is.
    let others = role.limits.iter().filter(|limit| !sent.subject.contains(&limit.subject));
    limits.extend(others.cloned());
    let masks = match sent.masked.is_empty() {
        true => role.masks.clone(),
        false => masks::read(MASK, &sent.others),
    };
    let mut done = Ok(());
    if faults.is_empty() {
        let put = Role {
            label: sent.label.clone(),
            limits: limits.clone(),
            masks: masks.clone(),
            ..role.clone()
        };
        done = edge.service.put_role(&shell.caller, put).await;
    }
    match done {
        Ok(()) if faults.is_empty() => {
            let flash = Flash::new(format!("{} changed", label(role)));
            return Ok(shell.to(
                &format!("{PATH}/{slug}"),
                &flash.line("It counts from the next request on."),
            ));
        }
        Ok(()) => {}
        Err(ServiceError::Faults(Faults(found))) => {
            faults = found.iter().map(|fault| at_field(fault, &limits)).collect();
        }
        Err(other) => return Err(other.into()),
    }
    let draft = Draft { label: &sent.label, texts, masks, faults, ..Draft::default() };
    page(&edge, &shell, &roles, Some(role), &draft).await
}

/// The limits that were sent, and which are no JSON.
fn limits(texts: &[(String, String)]) -> (Vec<RowLimit>, Vec<(String, String)>) {
    let (mut limits, mut faults) = (Vec::new(), Vec::new());
    for (subject, text) in texts.iter().filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Null) => {}
            Ok(filter) => limits.push(RowLimit { subject: subject.clone(), filter }),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                faults.push((format!("filter-{subject}"), format!("This is no JSON: {place}.")));
            }
        }
    }
    (limits, faults)
}

/// A fault of the service, at the field that it is about.
fn at_field(fault: &tidegate_model::fault::Fault, limits: &[RowLimit]) -> (String, String) {
    let mut parts = fault.pointer.split('/').skip(1);
    let field = match (parts.next(), parts.next().and_then(|index| index.parse::<usize>().ok())) {
        (Some("limits"), Some(index)) => match limits.get(index) {
            Some(limit) => format!("filter-{}", limit.subject),
            None => "label".to_owned(),
        },
        (Some("slug"), _) => "slug".to_owned(),
        (Some("masks"), _) => "masks".to_owned(),
        _ => "label".to_owned(),
    };
    let place: Vec<&str> = parts.filter(|part| *part != "where").collect();
    let detail = sentence(&fault.detail);
    match place.is_empty() {
        true => (field, detail),
        false => (field, format!("{}: {detail}", place.join(" › "))),
    }
}

/// Adds a role.
pub(super) async fn send_new(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Form>,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let slug = sent.slug.trim();
    let draft = |faults| Draft { slug, label: &sent.label, faults, ..Draft::default() };
    if roles.iter().any(|role| role.slug == slug) {
        let faults = vec![("slug".to_owned(), "There is a role of that name already.".to_owned())];
        return page(&edge, &shell, &roles, None, &draft(faults)).await;
    }
    let model = roles.iter().find(|role| role.slug == sent.like);
    let role = Role {
        slug: slug.to_owned(),
        label: sent.label.clone(),
        capabilities: model.map(|role| role.capabilities.clone()).unwrap_or_default(),
        limits: model.map(|role| role.limits.clone()).unwrap_or_default(),
        masks: model.map(|role| role.masks.clone()).unwrap_or_default(),
    };
    match edge.service.put_role(&shell.caller, role).await {
        Ok(()) => {
            let flash = Flash::new(format!("{} added", sent.label));
            Ok(shell.to(PATH, &flash.line("Tick below what it may do.")))
        }
        Err(ServiceError::Faults(Faults(found))) => {
            let faults = found.iter().map(|fault| at_field(fault, &[])).collect();
            page(&edge, &shell, &roles, None, &draft(faults)).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Asks before a role is removed.
pub(super) async fn ask_remove(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let name = label(find(&roles, &slug)?);
    let path = format!("{PATH}/{slug}");
    let asked = Question {
        title: &format!("Remove the role {name}?"),
        line: "Its capabilities and limits are gone with it. A role that somebody holds stays: \
               give them another one first.",
        back: &path,
        from: &name,
        keep: "Keep it",
        action: &format!("{path}/remove"),
        icon: "trash-2",
        verb: "Remove the role",
    };
    Ok(question::ask(&shell, &asked))
}

/// Removes a role.
pub(super) async fn remove(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
) -> Result<Response, Problem> {
    match edge.service.remove_role(&shell.caller, &slug).await {
        Ok(()) => Ok(shell.to(PATH, &Flash::new(format!("The role {slug} was removed")))),
        Err(error @ ServiceError::Exists { .. }) => {
            let words = refused(&slug, &error);
            let flash = Flash::bad("The role stays").line(words);
            Ok(shell.to(&format!("{PATH}/{slug}"), &flash))
        }
        Err(other) => Err(other.into()),
    }
}
